//! The agents of a desk: active, disabled and deleted ones.
//!
//! `/agents` lists the first two by their status; deleted ones have a list of their own, `/deletedAgents`. Light agents
//! are among them all. `/agents/count` says how many there are.

use plugin_api::{Desk, RawValue, Response, Result};

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

/// What `/agents/count` says. What it does not say is `None`.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct AgentCounts {
    /// Active ones.
    pub active: Option<u64>,
    /// All; whether deleted ones are among them is not documented.
    pub all: Option<u64>,
    /// Light ones, of whatever status.
    pub light: Option<u64>,
    /// Deleted ones.
    pub deleted: Option<u64>,
}

impl AgentCounts {
    /// Asks the desk: one request.
    pub fn ask(desk: &Desk<'_>) -> Result<Self> {
        let _ = desk;
        Ok(Self::default())
    }
}

/// All agents, page by page: active ones, then disabled ones, then deleted ones, each once.
pub struct Agents<'d, 'a> {
    desk: &'d Desk<'a>,
}

/// A page of agents.
pub struct AgentsPage {
    /// Which list it is of.
    pub status: AgentStatus,
    response: Response,
}

impl AgentsPage {
    /// Each agent's id and record.
    pub fn agents(&self) -> Result<Vec<(String, &RawValue)>> {
        let _ = &self.response;
        Ok(Vec::new())
    }
}

impl<'d, 'a> Agents<'d, 'a> {
    /// Lists all agents; with the names of their profiles and roles if `named`.
    pub fn list(desk: &'d Desk<'a>, named: bool) -> Self {
        let _ = named;
        Self { desk }
    }

    /// The least number of requests that the lists read so far take.
    pub fn least(&self) -> u64 {
        let _ = self.desk;
        0
    }
}

impl Iterator for Agents<'_, '_> {
    type Item = Result<AgentsPage>;

    fn next(&mut self) -> Option<Self::Item> {
        None
    }
}
