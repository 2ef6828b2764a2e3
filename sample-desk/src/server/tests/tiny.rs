//! A desk of a few plain records, whose every fact a test can tell beforehand.

use std::fmt::Write as _;
use std::io;
use std::sync::Mutex;

use crate::world::{AgentStanding, AgentState, By, Desk, Filter, Id, Kind, Page, Shape, Standing, Times};

/// A desk with so many records of each kind that has a listing of its own.
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
/// The first number of what is in the recycle bin.
pub(super) const TRASHED: u64 = 500;
/// Between the ids of one kind and the next.
const KIND: u64 = 1_000_000_000_000;

/// The kind, then the number; a child's number is a thousand times the one behind its parent's, and its place.
pub(super) fn id(kind: Kind, number: u64) -> Id {
    Id(KIND * (kind as u64 + 1) + number)
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

fn number(id: Id) -> u64 {
    id.0 % KIND
}

fn is(id: Id, kind: Kind) -> bool {
    id.0 / KIND == kind as u64 + 1
}

impl Tiny {
    pub(super) fn new(records: u64) -> Self {
        Self {
            records,
            padding: 0,
            changes: Mutex::new(Vec::new()),
        }
    }

    fn matches(&self, id: Id, filter: &Filter) -> bool {
        let within = |range: Option<(i64, i64)>, time: i64| range.is_none_or(|(from, to)| (from..=to).contains(&time));
        let times = self.times(id);
        within(filter.created, times.created)
            && within(filter.modified, times.modified)
            && filter
                .department
                .is_none_or(|wanted| self.department(id) == Some(wanted))
            && filter.ids.as_ref().is_none_or(|ids| ids.contains(&id))
            && filter.archived.is_none_or(|wanted| wanted == (number(id) % 10 == 9))
            && filter.spam.is_none_or(|wanted| wanted == (number(id) % 10 == 8))
    }
}

impl Desk for Tiny {
    fn set_base(&self, base: &str) {
        assert!(base.starts_with("http://127.0.0.1:"), "{base}");
    }

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
        let all = (0..self.records).map(|number| id(kind, number));
        let mut ids: Vec<Id> = all.filter(|id| self.matches(*id, filter)).collect();
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
        if self.records == 0 || is(parent, Kind::Contact) || number(parent) >= 1_000_000 {
            return Vec::new();
        }
        let first = is(parent, Kind::Ticket) && number(parent) == 0;
        let count = if first { MANY } else { CHILDREN };
        (0..count)
            .map(|at| id(kind, (number(parent) + 1) * 1000 + at))
            .collect()
    }

    fn conversations(&self, ticket: Id) -> Vec<(Id, Kind)> {
        let of = |kind| self.children(ticket, kind).into_iter().rev().map(move |id| (id, kind));
        of(Kind::Comment)
            .zip(of(Kind::Thread))
            .flat_map(|(comment, thread)| [comment, thread])
            .collect()
    }

    fn all(&self, kind: Kind) -> Vec<Id> {
        (0..self.records).map(|number| id(kind, number)).collect()
    }

    fn agent(&self, id: Id) -> Option<AgentState> {
        let standing = [AgentStanding::Active, AgentStanding::Disabled, AgentStanding::Deleted];
        let standing = standing[(number(id) % 3) as usize];
        Some(AgentState {
            standing,
            light: number(id).is_multiple_of(2),
            confirmed: true,
        })
    }

    fn members(&self, _: Id) -> Vec<Id> {
        vec![id(Kind::Agent, 0)]
    }

    fn is_enabled(&self, department: Id) -> bool {
        number(department).is_multiple_of(2)
    }

    fn department(&self, id: Id) -> Option<Id> {
        Some(self::id(Kind::Department, number(id) % 2 + 1))
    }

    fn times(&self, id: Id) -> Times {
        let created = time(number(id));
        Times {
            created,
            modified: created + 500_000,
            executed: created,
        }
    }

    fn standing(&self, id: Id, kind: Kind) -> Standing {
        if !is(id, kind) {
            return Standing::Gone;
        }
        match number(id) {
            number if (TRASHED..TRASHED + 5).contains(&number) => Standing::Trashed,
            number if number < self.records || number >= 1000 => Standing::Present,
            _ => Standing::Gone,
        }
    }

    fn write(&self, id: Id, kind: Kind, shape: Shape, out: &mut Vec<u8>) {
        if self.padding > 0 {
            out.extend_from_slice(format!("{{\"id\":\"{id}\",\"text\":\"").as_bytes());
            out.resize(out.len() + self.padding, b'x');
            out.extend_from_slice(b"\"}");
            return;
        }
        let number = number(id);
        let times = self.times(id);
        let mut text =
            format!("{{\"id\":\"{id}\",\"kind\":\"{kind:?}\",\"shape\":\"{shape:?}\",\"name\":\"n {number}.txt\"");
        let _ = match kind {
            Kind::Team => write!(text, ",\"departmentId\":\"{}\"", self::id(Kind::Department, number % 2)),
            Kind::Translation => write!(text, ",\"locale\":\"{}\"", ["fr", "ja", "zh-tw"][(number % 3) as usize]),
            Kind::Article => write!(text, ",\"locale\":\"en\""),
            Kind::Thread => {
                let direction = if number.is_multiple_of(2) { "in" } else { "out" };
                write!(text, ",\"direction\":\"{direction}\",\"visibility\":\"public\"")
            }
            _ => write!(
                text,
                ",\"createdTime\":\"{}\",\"isArchived\":{}",
                clock(times.created),
                number % 10 == 9
            ),
        };
        if shape != Shape::List {
            let edited = clock(times.modified);
            let _ = write!(
                text,
                ",\"modifiedTime\":\"{edited}\",\"cf\":{{\"cf_a\":\"x\"}},\"contact\":{{\"id\":\"1\"}}"
            );
        }
        text.push('}');
        out.extend_from_slice(text.as_bytes());
    }

    fn write_full_content(&self, thread: Id, out: &mut Vec<u8>) {
        out.extend_from_slice(format!("{{\"id\":\"{thread}\",\"content\":\"whole\"}}").as_bytes());
    }

    fn write_attachment(&self, _: Id, out: &mut Vec<u8>) {
        out.resize(out.len() + 100_000, 7);
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

    fn bin(&self) -> Vec<Id> {
        if self.records == 0 {
            return Vec::new();
        }
        vec![
            id(Kind::Task, TRASHED),
            id(Kind::Ticket, TRASHED),
            id(Kind::Ticket, TRASHED + 1),
        ]
    }

    fn truth(&self, out: &mut dyn io::Write) -> io::Result<()> {
        out.write_all(b"{}\n")
    }
}
