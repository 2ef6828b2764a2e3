//! The agents of a desk: active, disabled and deleted ones.
//!
//! `/agents` lists the first two by their status; deleted ones have a list of their own, `/deletedAgents`. Light agents
//! are among them all. `/agents/count` says how many there are.

use std::collections::HashSet;

use plugin_api::{Desk, ExportError, List, ListCursor, ListPage, ListPages, RawValue, Request, Result};
use serde::{Deserialize, Serialize};
use serde_json::Value as Json;

use crate::least::{AGENTS_LIMIT, list};
use crate::list::list_from;
use crate::records::id;

/// Which of the three lists an agent was in.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum AgentStatus {
    /// Works on the desk.
    Active,
    /// May not log in, but can again.
    Disabled,
    /// Gone; the desk keeps the name for the records that name it.
    Deleted,
}

impl AgentStatus {
    const ALL: [Self; 3] = [Self::Active, Self::Disabled, Self::Deleted];

    fn request(self) -> Request {
        match self {
            Self::Active => Request::get("/agents").query("status", "ACTIVE"),
            Self::Disabled => Request::get("/agents").query("status", "DISABLED"),
            Self::Deleted => Request::get("/deletedAgents"),
        }
    }
}

/// What `/agents/count` says, as texts or numbers. What it does not say is `None`.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct AgentCounts {
    /// Active ones.
    pub active: Option<u64>,
    /// All; whether deleted ones are among them is not documented.
    pub all: Option<u64>,
    /// Deleted ones.
    pub deleted: Option<u64>,
}

impl AgentCounts {
    /// Asks the desk: one request.
    pub fn ask(desk: &Desk<'_>) -> Result<Self> {
        let answer = desk.get("/agents/count")?;
        if answer.is_empty() {
            return Ok(Self::default());
        }
        let object: serde_json::Map<String, Json> = answer.json()?;
        let count = |key: &str| match object.get(key) {
            None | Some(Json::Null) => Ok(None),
            Some(Json::String(text)) => text.parse().map(Some).map_err(|_| no_count(&answer.asked, key)),
            Some(other) => other.as_u64().map(Some).ok_or_else(|| no_count(&answer.asked, key)),
        };
        Ok(Self {
            active: count("activeAgents")?,
            all: count("allAgents")?,
            deleted: count("deletedAgents")?,
        })
    }

    /// How many agents the desk has in all, deleted ones included, by its own counts; `None` where it does not say.
    ///
    /// `listed` tells how many of each status its lists gave, and settles only whether `allAgents` counts deleted ones:
    /// it does if it is the sum of all three lists.
    pub fn total(self, listed: [u64; 3]) -> Option<u64> {
        let [active, disabled, gone] = listed;
        let all = self.all?;
        let Some(deleted) = self.deleted else {
            // Deleted ones are not counted apart: without them all is whole if the others are.
            return Some(if all == active + disabled { all + gone } else { all });
        };
        Some(if all == active + disabled + deleted {
            all
        } else {
            all.saturating_add(deleted)
        })
    }
}

fn no_count(asked: &str, key: &str) -> ExportError {
    ExportError::decode(asked, format_args!("{key} is no count"))
}

/// All agents, page by page: active ones, then disabled ones, then deleted ones, each once.
pub struct Agents<'d, 'a> {
    desk: &'d Desk<'a>,
    named: bool,
    /// The list that is read, and those behind it.
    list: Option<ListPages<'d, 'a>>,
    statuses: &'static [AgentStatus],
    failed: bool,
    /// Where the first list goes on that is read.
    on: Option<ListCursor>,
    seen: HashSet<String>,
    listed: [u64; 3],
}

/// Where [`Agents`] stands behind a page, for a checkpoint. What the lists gave is for the exporter to remember.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct AgentsCursor {
    /// Lists that are done.
    done: usize,
    /// Where the next one is.
    list: Option<ListCursor>,
    listed: [u64; 3],
}

/// A page of agents.
#[derive(Debug)]
pub struct AgentsPage {
    /// Which list it is of.
    pub status: AgentStatus,
    page: ListPage,
    /// Of the page's records those that no list had before.
    fresh: Vec<bool>,
}

impl AgentsPage {
    /// Each agent's id and record.
    pub fn agents(&self) -> Result<Vec<(String, &RawValue)>> {
        let records = self.page.records()?.into_iter().zip(&self.fresh);
        let fresh = records.filter(|(_, fresh)| **fresh);
        fresh.map(|(record, _)| Ok((id(record)?, record))).collect()
    }
}

impl<'d, 'a> Agents<'d, 'a> {
    /// Lists all agents; with the names of their profiles and roles if `named` (deleted ones without: their list knows no
    /// `include`).
    pub fn list(desk: &'d Desk<'a>, named: bool) -> Self {
        Self::on(desk, named, AgentsCursor::default(), HashSet::new())
    }

    /// The same, going on behind a page; `given` are the ids of all agents that were given before.
    pub fn on(desk: &'d Desk<'a>, named: bool, cursor: AgentsCursor, given: HashSet<String>) -> Self {
        Self {
            desk,
            named,
            list: None,
            statuses: AgentStatus::ALL.get(cursor.done..).unwrap_or_default(),
            failed: false,
            on: cursor.list,
            seen: given,
            listed: cursor.listed,
        }
    }

    /// Where they stand behind the page that was given last.
    pub fn cursor(&self) -> AgentsCursor {
        let list = self.list.as_ref().and_then(ListPages::cursor);
        let is_done = self.list.is_some() && list.is_none();
        AgentsCursor {
            done: AgentStatus::ALL.len() - self.statuses.len() + usize::from(is_done),
            list,
            listed: self.listed,
        }
    }

    /// Which list is read, or ended with an error; `None` behind the last.
    pub fn reading(&self) -> Option<AgentStatus> {
        self.statuses.first().copied()
    }

    /// How many agents were listed so far: active, disabled, deleted.
    pub fn listed(&self) -> [u64; 3] {
        self.listed
    }

    /// The least number of requests for the lists, when they are read to their ends; see `least`.
    pub fn least(&self) -> u64 {
        self.listed.into_iter().map(|count| list(count, AGENTS_LIMIT)).sum()
    }

    fn page(&mut self) -> Result<Option<AgentsPage>> {
        while let Some((&status, others)) = self.statuses.split_first() {
            let list = match &mut self.list {
                Some(list) => list,
                none => {
                    let mut request = status.request();
                    if self.named && status != AgentStatus::Deleted {
                        request = request.query("include", "profile,role");
                    }
                    // With the names it is for a table that is held against the desk's count.
                    let list = List {
                        asks_on: !self.named,
                        ..list_from("/data", AGENTS_LIMIT, 0)
                    };
                    none.insert(match self.on.take() {
                        Some(on) => self.desk.list_on(request, &list, on, self.seen.iter().cloned())?,
                        None => self.desk.list(request, &list)?,
                    })
                }
            };
            let Some(page) = list.next().transpose()? else {
                self.list = None;
                self.statuses = others;
                continue;
            };
            let ids = page.records()?.into_iter().map(id).collect::<Result<Vec<_>>>()?;
            let fresh: Vec<bool> = ids.into_iter().map(|id| self.seen.insert(id)).collect();
            self.listed[status as usize] += fresh.iter().filter(|fresh| **fresh).count() as u64;
            return Ok(Some(AgentsPage { status, page, fresh }));
        }
        Ok(None)
    }
}

impl Iterator for Agents<'_, '_> {
    type Item = Result<AgentsPage>;

    fn next(&mut self) -> Option<Self::Item> {
        if self.failed {
            return None;
        }
        let page = self.page();
        self.failed = page.is_err();
        page.transpose()
    }
}

#[cfg(test)]
mod tests {
    use super::AgentCounts;

    #[test]
    fn the_total_is_the_desks_whatever_it_counts() {
        for (all, deleted, listed, expected) in [
            // All is without the deleted ones.
            (Some(12), Some(3), [10, 2, 3], Some(15)),
            // All has them.
            (Some(15), Some(3), [10, 2, 3], Some(15)),
            // An agent is missing from the lists: the total shows it under both readings.
            (Some(12), Some(3), [9, 2, 3], Some(15)),
            (Some(12), Some(3), [10, 2, 2], Some(15)),
            (Some(12), None, [10, 2, 3], Some(15)),
            (Some(15), None, [10, 2, 3], Some(15)),
            (None, Some(3), [10, 2, 3], None),
        ] {
            let counts = AgentCounts {
                active: None,
                all,
                deleted,
            };
            assert_eq!(counts.total(listed), expected, "{counts:?}, {listed:?}");
        }
    }
}
