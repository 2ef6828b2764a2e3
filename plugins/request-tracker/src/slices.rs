//! Slices of numbers: how tickets and transactions are read, many at one time, while they change.

use plugin_api::{Desk, ErrorKind, ExportError, Output, Request, Response, Result, TableId};

use crate::list::{PAGE, Page, Record, id, shown_as_null};

/// The numbers above `after`, up to and with `to`; at most [`PAGE`] of them, so that they fit one answer.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Slice {
    pub(crate) after: u64,
    pub(crate) to: u64,
}

impl Slice {
    /// The slices from the number after `after` to `high`. They end at round numbers, so that a resumed export asks
    /// for the same ones.
    pub(crate) fn all(after: u64, high: u64) -> impl Iterator<Item = Self> {
        let mut after = after;
        std::iter::from_fn(move || {
            if after >= high {
                return None;
            }
            let to = (after / PAGE + 1).saturating_mul(PAGE).min(high);
            let slice = Self { after, to };
            after = to;
            Some(slice)
        })
    }

    fn halves(self) -> Option<[Self; 2]> {
        let middle = self.after + (self.to - self.after) / 2;
        (middle > self.after).then_some([
            Self {
                after: self.after,
                to: middle,
            },
            Self {
                after: middle,
                to: self.to,
            },
        ])
    }

    /// The records of the answer, all of them and none but of this slice, in the order of numbers. None where RT shows
    /// one of them as null.
    fn read(self, response: Response, desk: &Desk<'_>, request: &Request) -> Result<Option<Vec<Record>>> {
        let asked = response.asked.clone();
        let page = Page::whole(desk, request, Some(response))?;
        if !page.nulls.is_empty() {
            return Ok(None);
        }
        let ids = page.ids()?;
        let inside = ids.iter().all(|&id| self.after < id && id <= self.to);
        if !inside || !ids.is_sorted_by(|left, right| left < right) {
            let why = format!("the numbers {} to {} were asked for, in order", self.after + 1, self.to);
            return Err(ExportError::decode(&asked, why));
        }
        Ok(Some(page.items))
    }

    /// The records of an answer to `request` for this slice. Where RT fails on the slice, as it does on a single record
    /// that it cannot show, the slice is halved until that record is found: it is unread, the others are given.
    pub(crate) fn records(
        self,
        answer: Option<Result<Response>>,
        desk: &Desk<'_>,
        request: &dyn Fn(Self) -> Request,
    ) -> Result<Records> {
        let answer = answer.unwrap_or_else(|| desk.send(&request(self)).and_then(Response::ok));
        let failure = match answer {
            Ok(response) => match self.read(response, desk, &request(self))? {
                Some(read) => {
                    return Ok(Records {
                        read,
                        unread: Vec::new(),
                    });
                }
                None => shown_as_null(),
            },
            Err(error) if fails_on_a_record(&error) => error,
            Err(error) => return Err(error),
        };
        let mut records = Records::default();
        match self.halves() {
            None => records.unread.push((self.to.to_string(), failure)),
            Some(halves) => {
                for half in halves {
                    records.extend(half.records(None, desk, request)?);
                }
            }
        }
        Ok(records)
    }
}

/// What came of a slice.
#[derive(Default)]
pub(crate) struct Records {
    /// The records, in the order of numbers.
    pub(crate) read: Vec<Record>,
    /// What RT fails on, and how.
    pub(crate) unread: Vec<(String, ExportError)>,
}

impl Records {
    pub(crate) fn extend(&mut self, more: Self) {
        self.read.extend(more.read);
        self.unread.extend(more.unread);
    }

    /// Tells what is unread.
    pub(crate) fn report(&self, out: &mut Output<'_>, table: TableId) -> Result<()> {
        self.unread
            .iter()
            .try_for_each(|(key, reason)| out.unread(table, key.as_str(), reason))
    }
}

/// Whether it may be one record that RT fails on, or whose size breaks the answer.
pub(crate) fn fails_on_a_record(error: &ExportError) -> bool {
    match error.kind {
        ErrorKind::Http => error.status.is_some_and(|status| status == 500),
        ErrorKind::TooLarge => true,
        _ => false,
    }
}

/// The numbers of a slice that no record has.
pub(crate) fn missing(slice: Slice, records: &[Record]) -> Result<Vec<u64>> {
    let present = records.iter().map(id).collect::<Result<Vec<_>>>()?;
    Ok((slice.after + 1..=slice.to)
        .filter(|id| present.binary_search(id).is_err())
        .collect())
}

#[cfg(test)]
mod tests {
    use super::Slice;

    #[test]
    fn slices_cover_every_number_once() {
        for (after, high) in [
            (0, 0),
            (0, 1),
            (0, 100),
            (0, 101),
            (37, 420),
            (99, 100),
            (5_000_000, 5_000_250),
        ] {
            let mut next = after;
            for slice in Slice::all(after, high) {
                assert_eq!(slice.after, next);
                assert!(slice.to > slice.after && slice.to - slice.after <= 100);
                next = slice.to;
            }
            assert_eq!(next, high, "from {after}");
        }
    }

    #[test]
    fn halves_end_at_single_numbers() {
        let mut single = 0;
        let mut open = vec![Slice { after: 100, to: 200 }];
        while let Some(slice) = open.pop() {
            if let Some(halves) = slice.halves() {
                open.extend(halves);
            } else {
                assert_eq!(slice.to, slice.after + 1);
                single += 1;
            }
        }
        assert_eq!(single, 100);
    }
}
