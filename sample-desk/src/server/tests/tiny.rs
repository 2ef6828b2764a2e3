//! A desk of a few plain records, whose every fact a test can tell beforehand.

use std::fmt::Write as _;
use std::io;
use std::sync::Mutex;

use crate::world::{By, Desk, Filter, Id, Kind, Page, Shape, Standing};

/// Records of each kind that has a listing of its own.
pub(super) struct Tiny {
    pub(super) records: u64,
    /// If not 0, a record is nothing but its id and so many bytes.
    pub(super) padding: usize,
    /// Numbers that [`Desk::change`] was called with.
    pub(super) changes: Mutex<Vec<u64>>,
}

/// Children of a kind that each parent has; the first ticket alone has them by the hundred.
pub(super) const CHILDREN: u64 = 3;
pub(super) const MANY: u64 = 230;

/// Ids: the kind's place, then the parent's number, then the own.
pub(super) fn id(kind: Kind, number: u64) -> Id {
    Id(1_000_000_000_000 * (kind as u64 + 1) + number)
}

impl Tiny {
    pub(super) fn new(records: u64) -> Self {
        Self {
            records,
            padding: 0,
            changes: Mutex::new(Vec::new()),
        }
    }

    fn number(id: Id) -> u64 {
        id.0 % 1_000_000_000_000
    }

    fn is(id: Id, kind: Kind) -> bool {
        id.0 / 1_000_000_000_000 == kind as u64 + 1
    }

    fn matches(id: Id, filter: &Filter) -> bool {
        let number = Self::number(id);
        let within = |range: Option<(i64, i64)>, time: i64| range.is_none_or(|(from, to)| (from..=to).contains(&time));
        within(filter.created, time(number))
            && within(filter.modified, time(number) + 500_000)
            && filter
                .department
                .is_none_or(|wanted| wanted == self::id(Kind::Department, number % 2 + 1))
            && filter.ids.as_ref().is_none_or(|ids| ids.contains(&id))
            && filter.archived.is_none_or(|wanted| wanted == (number % 10 == 9))
            && filter.spam.is_none_or(|wanted| wanted == (number % 10 == 8))
    }
}

/// Microseconds: the n-th record is made in the n-th second, and edited half a second later.
fn time(number: u64) -> i64 {
    number as i64 * 1_000_000
}

pub(super) fn clock(micros: i64) -> String {
    chrono::DateTime::from_timestamp_micros(micros)
        .unwrap()
        .format("%Y-%m-%dT%H:%M:%S%.3fZ")
        .to_string()
}

impl Desk for Tiny {
    fn page(&self, kind: Kind, filter: &Filter, _: By, descending: bool, from: u64, limit: u64) -> Page {
        if self.padding > 0 {
            let ids = (from..(from + limit).min(self.records))
                .map(|number| id(kind, number))
                .collect();
            return Page {
                total: self.records,
                ids,
            };
        }
        let numbers = if kind == Kind::TimeEntry {
            1000..1000 + self.records.min(CHILDREN)
        } else {
            0..self.records
        };
        let mut ids: Vec<Id> = numbers
            .map(|number| id(kind, number))
            .filter(|id| Self::matches(*id, filter))
            .collect();
        if descending {
            ids.reverse();
        }
        let total = ids.len() as u64;
        Page {
            total,
            ids: ids.into_iter().skip(from as usize).take(limit as usize).collect(),
        }
    }

    fn children(&self, parent: Id, kind: Kind) -> Vec<Id> {
        let number = Self::number(parent);
        let first = Self::is(parent, Kind::Ticket) && number == 0;
        let count = if first { MANY } else { CHILDREN };
        if self.records == 0 || Self::is(parent, Kind::Contact) || number >= 1_000_000 {
            return Vec::new();
        }
        (0..count).map(|at| id(kind, (number + 1) * 1000 + at)).collect()
    }

    fn all(&self, kind: Kind) -> Vec<Id> {
        (0..self.records).map(|number| id(kind, number)).collect()
    }

    fn standing(&self, id: Id, kind: Kind) -> Standing {
        let here = Self::is(id, kind) && (Self::number(id) < self.records.max(1) || Self::number(id) >= 1000);
        if here { Standing::Present } else { Standing::Gone }
    }

    fn write(&self, id: Id, kind: Kind, shape: Shape, out: &mut Vec<u8>) {
        if self.padding > 0 {
            out.extend_from_slice(format!("{{\"id\":\"{id}\",\"text\":\"").as_bytes());
            out.resize(out.len() + self.padding, b'x');
            out.extend_from_slice(b"\"}");
            return;
        }
        let number = Self::number(id);
        let (made, edited) = (clock(time(number)), clock(time(number) + 500_000));
        let mut text =
            format!("{{\"id\":\"{id}\",\"kind\":\"{kind:?}\",\"shape\":\"{shape:?}\",\"name\":\"n {number}.txt\"");
        let _ = match kind {
            Kind::Agent => {
                let status = ["ACTIVE", "DISABLED", "DELETED"][(number % 3) as usize];
                let light = number % 2 == 0;
                write!(
                    text,
                    ",\"status\":\"{status}\",\"isConfirmed\":true,\"isLightAgent\":{light}"
                )
            }
            Kind::Department => write!(text, ",\"isEnabled\":\"{}\"", number % 2 == 0),
            Kind::Team => write!(
                text,
                ",\"departmentId\":\"{}\",\"agents\":[\"{}\"]",
                self::id(Kind::Department, number % 2),
                self::id(Kind::Agent, 0)
            ),
            Kind::Translation => write!(text, ",\"locale\":\"{}\"", ["fr", "ja", "zh-tw"][(number % 3) as usize]),
            Kind::Attachment => write!(text, ",\"size\":\"100000\""),
            Kind::Thread => {
                let direction = if number % 2 == 0 { "in" } else { "out" };
                write!(
                    text,
                    ",\"direction\":\"{direction}\",\"visibility\":\"public\",\"createdTime\":\"{made}\""
                )
            }
            Kind::Comment => write!(text, ",\"commentedTime\":\"{edited}\""),
            _ => write!(text, ",\"createdTime\":\"{made}\",\"isArchived\":{}", number % 10 == 9),
        };
        if shape != Shape::List {
            let _ = write!(
                text,
                ",\"modifiedTime\":\"{edited}\",\"cf\":{{\"cf_a\":\"x\"}},\"contact\":{{\"id\":\"1\"}}"
            );
        }
        text.push('}');
        out.extend_from_slice(text.as_bytes());
    }

    fn write_fields(&self, module: &str, out: &mut Vec<u8>) {
        let rows = if module == "tickets" {
            r#"[{"apiName":"cf_a","isCustomField":true}]"#
        } else {
            "[]"
        };
        out.extend_from_slice(rows.as_bytes());
    }

    fn change(&self, request: u64) {
        self.changes.lock().unwrap().push(request);
    }

    fn truth(&self, out: &mut dyn io::Write) -> io::Result<()> {
        out.write_all(b"{}\n")
    }
}
