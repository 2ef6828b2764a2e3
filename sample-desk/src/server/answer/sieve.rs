//! Filters and orders that the world has no index for: its records are written and looked at, one by one.
//!
//! `wish` is what a parameter wants of a record; here is what becomes of all of them.

mod wish;

use std::cmp::Ordering;

use serde_json::Value;

use crate::server::answer::Ask;
use crate::server::error::ApiError;
use crate::server::peek;
use crate::server::surface::Serve;
use crate::settings::Ascending;
use crate::world::{Desk, Id, Kind, Shape};
use wish::{Test, at};

/// Most records that are looked at for one answer: a second's work on a slow machine.
pub(super) const MOST: u64 = 50_000;

/// Orders whose values are numbers.
const NUMBERS: [&str; 5] = ["dislikeCount", "feedbackCount", "likeCount", "unitPrice", "viewCount"];

/// A sort key: nothing comes last, whichever way it goes.
#[derive(Clone, Debug, PartialEq)]
enum Rank {
    Number(f64),
    Text(String),
    Nothing,
}

/// What a request wants of a kind of records.
#[derive(Debug, Default)]
pub(super) struct Sieve<'a> {
    tests: Vec<Test<'a>>,
    /// The key that is sorted by, and whether descending.
    order: Option<(&'a str, bool)>,
    /// Parameters that are tested, for people.
    names: Vec<&'a str>,
}

impl Rank {
    fn of(desk: &dyn Desk, id: Id, key: &str, row: &peek::Keys<'_>) -> Self {
        if key == "recentThread" {
            let threads = desk.children(id, Kind::Thread);
            return threads
                .last()
                .map_or(Self::Nothing, |thread| Self::Number(desk.times(*thread).created as f64));
        }
        let path = if key == "account" { "account/accountName" } else { key };
        let text = match at(row, path) {
            Some(Value::String(text)) if !text.is_empty() => text,
            _ => return Self::Nothing,
        };
        if NUMBERS.contains(&key) {
            return text.parse().map_or(Self::Nothing, Self::Number);
        }
        Self::Text(text)
    }

    fn compare(&self, other: &Self, descending: bool) -> Ordering {
        let way = |order: Ordering| if descending { order.reverse() } else { order };
        match (self, other) {
            (Self::Number(one), Self::Number(other)) => way(one.total_cmp(other)),
            (Self::Text(one), Self::Text(other)) => way(one.cmp(other)),
            (Self::Nothing, Self::Nothing) => Ordering::Equal,
            // Of one key all are numbers, or all are texts.
            (Self::Nothing, _) | (Self::Text(_), Self::Number(_)) => Ordering::Greater,
            (_, Self::Nothing) | (Self::Number(_), Self::Text(_)) => Ordering::Less,
        }
    }
}

impl<'a> Sieve<'a> {
    /// What a request wants of records of this kind.
    pub(super) fn new(ask: &'a Ask<'_>, kind: Kind) -> Result<Self, ApiError> {
        let mut sieve = Self::default();
        let inclusive = ask.settings.behaviour.inclusive_ranges;
        for (name, value) in ask.params.given() {
            match name {
                "sortBy" => {
                    sieve.order = order(value);
                    if let Some((_, descending)) = &mut sieve.order {
                        let search = matches!(ask.endpoint.serve, Serve::Search(_));
                        *descending |= search && ask.settings.behaviour.ascending == Ascending::Ignored;
                    }
                }
                // One department is what the world can answer; of agents it knows none.
                "departmentIds" if kind != Kind::Agent && !value.contains(',') => {}
                "searchStr" if kind == Kind::Agent => {
                    let keys = match ask.params.text("fieldName") {
                        Some(key) => vec![key],
                        // The name has both, the first and the last.
                        None => vec!["name"],
                    };
                    sieve.add(name, Test::text(keys, value));
                }
                _ => {
                    if let Some(test) = Test::new(kind, name, value, inclusive)? {
                        sieve.add(name, test);
                    }
                }
            }
        }
        Ok(sieve)
    }

    /// The same, and the value of a parameter that was not given in the query.
    pub(super) fn with(mut self, kind: Kind, name: &'a str, value: &'a str) -> Result<Self, ApiError> {
        if let Some(test) = Test::new(kind, name, value, true)? {
            self.add(name, test);
        }
        Ok(self)
    }

    fn add(&mut self, name: &'a str, test: Test<'a>) {
        self.names.push(name);
        self.tests.push(test);
    }

    /// Whether it lets everything through as it is.
    pub(super) fn is_idle(&self) -> bool {
        self.tests.is_empty() && self.order.is_none()
    }

    /// Refuses to look at more than [`MOST`].
    pub(super) fn bear(&self, records: u64) -> Result<(), ApiError> {
        if records <= MOST {
            return Ok(());
        }
        let name = self.names.first().copied().unwrap_or("sortBy");
        let text = format!(
            "The sample desk looks at {MOST} records at most for '{name}', and here there are {records}: narrow them by departmentId, createdTimeRange or modifiedTimeRange."
        );
        Err(ApiError::refused(name, text))
    }

    /// Those that pass, in the order that is wanted.
    pub(super) fn pass(&self, desk: &dyn Desk, kind: Kind, ids: Vec<Id>) -> Result<Vec<Id>, ApiError> {
        if self.is_idle() {
            return Ok(ids);
        }
        let shape = match kind {
            Kind::Attachment | Kind::TimeEntry | Kind::Agent | Kind::Department | Kind::Translation => Shape::List,
            _ => Shape::Search,
        };
        let (mut out, mut text) = (Vec::new(), Vec::new());
        for id in ids {
            text.clear();
            desk.write(id, kind, shape, &mut text);
            let row = peek::keys(&text)?;
            if self.tests.iter().all(|test| test.passes(&row)) {
                let rank = self
                    .order
                    .map_or(Rank::Nothing, |(key, _)| Rank::of(desk, id, key, &row));
                out.push((rank, id));
            }
        }
        if let Some((_, descending)) = self.order {
            // Ties by ascending id.
            out.sort_by(|(one, a), (other, b)| one.compare(other, descending).then(a.cmp(b)));
        }
        Ok(out.into_iter().map(|(_, id)| id).collect())
    }
}

/// A sort key that the world has no order for, and whether descending.
fn order(value: &str) -> Option<(&str, bool)> {
    let (key, descending) = value.strip_prefix('-').map_or((value, false), |key| (key, true));
    let known = [
        "createdTime",
        "modifiedTime",
        "relevance",
        "sendDateTime",
        "commentedTime",
    ];
    (!known.contains(&key)).then_some((key, descending))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nothing_comes_last_either_way() {
        let ranks = [Rank::Nothing, Rank::Text("b".into()), Rank::Text("a".into())];
        let sorted = |descending| {
            let mut ranks = ranks.clone();
            ranks.sort_by(|one, other| one.compare(other, descending));
            ranks
        };
        let text = |text: &str| Rank::Text(text.into());
        assert_eq!(sorted(false), [text("a"), text("b"), Rank::Nothing]);
        assert_eq!(sorted(true), [text("b"), text("a"), Rank::Nothing]);
        assert_eq!(Rank::Number(9.0).compare(&Rank::Number(10.0), false), Ordering::Less);
    }
}
