//! The order of work, what is fixed at its start, and where it goes on.

use plugin_api::{Desk, ErrorKind, ExportError, Job, Output, Result, Timestamp};
use serde::{Deserialize, Serialize};
use serde_json::Value as Json;

use crate::custom::Custom;
use crate::list::{ends, search, ticket_search, total, where_is, with_disabled};
use crate::{article, group, queue, ticket, transaction, user};

/// An export under way.
pub(crate) struct Run<'r, 'a> {
    pub(crate) job: &'r Job,
    pub(crate) desk: &'r Desk<'a>,
    pub(crate) custom: Custom,
    /// What was fixed at the start.
    pub(crate) fixed: Fixed,
}

/// What is fixed at the start of an export and stays so when it is resumed.
#[derive(Clone, Copy, Debug, Default, Serialize, Deserialize)]
pub(crate) struct Fixed {
    /// Lowest and highest number of all tickets.
    pub(crate) tickets: Option<(u64, u64)>,
    /// Lowest and highest number of the transactions that are asked for.
    pub(crate) transactions: Option<(u64, u64)>,
    /// How many users there were when the list of them was begun; none before that.
    pub(crate) users: Option<u64>,
}

/// The parts of the work, in their order.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
enum Part {
    Tickets,
    Transactions,
    Users,
    Groups,
    Queues,
    Articles,
}

/// Where an export goes on.
#[derive(Serialize, Deserialize)]
struct Cursor {
    part: Part,
    /// The number in that part up to which everything is written.
    after: u64,
    fixed: Fixed,
}

/// Exports everything that the job asks for; `custom` is what the tables were made by.
pub(crate) fn export(job: &Job, desk: &Desk<'_>, custom: Custom, out: &mut Output<'_>) -> Result<()> {
    let cursor = match &job.resume {
        Some(cursor) => serde_json::from_value(cursor.clone()).map_err(|error| {
            let message = format!("the cursor to go on from is not one of this exporter: {error}");
            ExportError::new(ErrorKind::Misuse, message)
        })?,
        None => Cursor {
            part: Part::Tickets,
            after: 0,
            fixed: fix(job, desk, out)?,
        },
    };
    let mut run = Run {
        job,
        desk,
        custom,
        fixed: cursor.fixed,
    };
    for part in [
        Part::Tickets,
        Part::Transactions,
        Part::Users,
        Part::Groups,
        Part::Queues,
        Part::Articles,
    ] {
        if part < cursor.part {
            continue;
        }
        let after = if part == cursor.part { cursor.after } else { 0 };
        match part {
            Part::Tickets if job.range.is_none() => ticket::all(&run, out, after)?,
            Part::Tickets => ticket::changed(&run, out, after)?,
            Part::Transactions => transaction::export(&run, out, after)?,
            Part::Users => user::export(&mut run, out, after)?,
            Part::Groups => group::export(&run, out, after)?,
            Part::Queues => queue::export(&run, out, after)?,
            Part::Articles => article::export(&run, out, after)?,
        }
    }
    Ok(())
}

/// Fixes the upper ends. The transactions' comes first: every transaction up to it has its ticket below the tickets'.
fn fix(job: &Job, desk: &Desk<'_>, out: &mut Output<'_>) -> Result<Fixed> {
    let changed = within(job, "Created", 0);
    let transactions = ends(
        desk,
        || search("transactions", &["id"], &[], &conditions(&changed)),
        "id",
    )?;
    if job.range.is_some() {
        return Ok(Fixed {
            tickets: None,
            transactions: transactions.map(|(low, high, _)| (low, high)),
            users: None,
        });
    }
    // The search of tickets does not find deleted ones; their history does.
    let shown = ends(desk, || ticket_search(&["id"], &[], "id > 0"), "id")?;
    let of_tickets = [where_is("ObjectType", "=", "RT::Ticket")];
    let told = ends(
        desk,
        || search("transactions", &["ObjectId"], &[], &of_tickets),
        "ObjectId",
    )?;
    let tickets = shown.into_iter().chain(told).map(|(low, high, _)| (low, high));
    let tickets = tickets.reduce(|left, right| (left.0.min(right.0), left.1.max(right.1)));
    let everything = conditions(&[]);
    let rows = shown.map_or(0, |(_, _, total)| total)
        + transactions.map_or(0, |(_, _, total)| total)
        + total(desk, &search("attachments", &["id"], &[], &everything))?
        + total(desk, &user::request(1))?
        + total(desk, &with_disabled(search("articles", &["id"], &[], &everything)))?;
    out.expect(rows)?;
    Ok(Fixed {
        tickets,
        transactions: transactions.map(|(low, high, _)| (low, high)),
        users: None,
    })
}

/// Conditions, or the one that every record meets: RT finds nothing where there is none.
fn conditions(some: &[Json]) -> Vec<Json> {
    if some.is_empty() {
        vec![where_is("id", ">", 0)]
    } else {
        some.to_vec()
    }
}

/// The conditions that `field` is in the job's range, or up to `before` seconds before it.
pub(crate) fn within(job: &Job, field: &str, before: i64) -> Vec<Json> {
    let Some(range) = job.range else {
        return Vec::new();
    };
    vec![
        where_is(field, ">=", sql_time(range.from, -before)),
        where_is(field, "<", sql_time(range.to, 0)),
    ]
}

/// A time as RT's database has it, in UTC. RT knows whole seconds only: a part of one counts as the next.
pub(crate) fn sql_time(time: Timestamp, seconds: i64) -> String {
    const SECOND: i64 = 1_000_000;
    let whole = time.micros().div_euclid(SECOND) + i64::from(time.micros().rem_euclid(SECOND) > 0);
    let shifted = whole.saturating_add(seconds).max(0).saturating_mul(SECOND);
    let text = Timestamp::from_micros(shifted).to_string();
    text.trim_end_matches('Z').replace('T', " ")
}

impl Run<'_, '_> {
    /// Says that everything up to `after` in this part is written.
    fn checkpoint(&self, out: &mut Output<'_>, part: Part, after: u64) -> Result<()> {
        out.checkpoint(&Cursor {
            part,
            after,
            fixed: self.fixed,
        })
    }

    pub(crate) fn tickets_done(&self, out: &mut Output<'_>, after: u64) -> Result<()> {
        self.checkpoint(out, Part::Tickets, after)
    }

    pub(crate) fn transactions_done(&self, out: &mut Output<'_>, after: u64) -> Result<()> {
        self.checkpoint(out, Part::Transactions, after)
    }

    pub(crate) fn users_done(&self, out: &mut Output<'_>, after: u64) -> Result<()> {
        self.checkpoint(out, Part::Users, after)
    }

    pub(crate) fn groups_done(&self, out: &mut Output<'_>, after: u64) -> Result<()> {
        self.checkpoint(out, Part::Groups, after)
    }

    pub(crate) fn queues_done(&self, out: &mut Output<'_>, after: u64) -> Result<()> {
        self.checkpoint(out, Part::Queues, after)
    }

    pub(crate) fn articles_done(&self, out: &mut Output<'_>, after: u64) -> Result<()> {
        self.checkpoint(out, Part::Articles, after)
    }
}

#[cfg(test)]
mod tests {
    use plugin_api::Timestamp;

    use super::sql_time;

    #[test]
    fn times_are_whole_seconds_in_utc() {
        for (time, seconds, expected) in [
            ("2031-03-12T07:00:00Z", 0, "2031-03-12 07:00:00"),
            ("2031-03-12T07:00:00+09:00", 0, "2031-03-11 22:00:00"),
            ("2031-03-12T07:00:00.000001Z", 0, "2031-03-12 07:00:01"),
            ("2031-03-12T07:00:00Z", -86_400, "2031-03-11 07:00:00"),
            ("1970-01-01T00:00:01Z", -86_400, "1970-01-01 00:00:00"),
        ] {
            assert_eq!(
                sql_time(Timestamp::parse(time).expect("a time"), seconds),
                expected,
                "{time}"
            );
        }
    }
}
