//! What the desk answers to a request that is as the table wants it.

pub(crate) mod few;
mod lists;
mod sieve;
mod tickets;

use crate::Settings;
use crate::server::error::ApiError;
use crate::server::params::Params;
use crate::server::peek;
use crate::server::reply::{List, Reply};
use crate::server::route::Route;
use crate::server::surface::{Endpoint, Serve};
use crate::world::{Desk, Id, Kind, Shape, Standing};

/// A request, as it is answered.
pub(crate) struct Ask<'a> {
    pub(crate) desk: &'a dyn Desk,
    pub(crate) settings: &'a Settings,
    pub(crate) endpoint: &'a Endpoint,
    pub(crate) route: &'a Route<'a>,
    pub(crate) params: &'a Params<'a>,
    /// Bytes that the answer will have, by what others had.
    pub(crate) room: usize,
}

impl Ask<'_> {
    /// The answer.
    pub(crate) fn answer(&self) -> Result<Reply, ApiError> {
        match self.endpoint.serve {
            Serve::Organizations => Ok(few::organizations(self)),
            Serve::Organization => few::organization(self),
            Serve::List(kind) => lists::list(self, kind),
            Serve::Search(kind) => lists::search(self, kind),
            Serve::Activities => lists::activities(self),
            Serve::Archived => lists::archived(self),
            Serve::Detail(kind) => self.detail(self.id(0), kind),
            Serve::Children(of, kind) => lists::children(self, of, kind),
            Serve::TicketsOf(of) => lists::tickets_of(self, of),
            Serve::EntriesOf(of) => lists::entries_of(self, of),
            Serve::ActivitiesOf(kind) => lists::activities_of(self, kind),
            Serve::AllActivitiesOf => lists::all_activities_of(self),
            Serve::Child(of, kind) => self.child(of, kind).and_then(|id| self.record(id, kind)),
            Serve::Content(of) => tickets::content(self, of),
            Serve::Full => self.child(Kind::Ticket, Kind::Thread).map(|id| self.full_content(id)),
            Serve::Latest => tickets::latest(self),
            Serve::Conversations => tickets::conversations(self),
            Serve::Translation => few::translation(self),
            Serve::ByIds(kind) => Ok(lists::by_ids(self, kind)),
            Serve::Count(kind) => few::count(self, kind),
            Serve::Agents => few::agents(self),
            Serve::DeletedAgents => few::deleted_agents(self),
            Serve::AgentCounts => Ok(few::agent_counts(self)),
            Serve::Teams => few::teams(self),
            Serve::Members => few::members(self),
            Serve::Departments => few::departments(self),
            Serve::Fields => Ok(few::fields(self)),
            Serve::MyInfo => few::my_info(self),
            Serve::RecycleBin => Ok(few::recycle_bin(self)),
        }
    }

    /// The id at this place of the path; the router has seen to it that it is there.
    fn id(&self, at: usize) -> Id {
        self.route.ids.get(at).copied().unwrap_or(Id(0))
    }

    fn detail(&self, id: Id, kind: Kind) -> Result<Reply, ApiError> {
        self.there(id, kind)?;
        if kind == Kind::Agent && self.params.text("include").is_none() {
            // Role and profile are in the detail, but given only to who asks for them.
            return Ok(self.write(id, kind, Shape::List));
        }
        self.record(id, kind)
    }

    /// 404 for what is gone. What is in the recycle bin can still be asked for by its id.
    fn there(&self, id: Id, kind: Kind) -> Result<(), ApiError> {
        match self.desk.standing(id, kind) {
            Standing::Present | Standing::Trashed => Ok(()),
            Standing::Gone => Err(ApiError::not_found()),
        }
    }

    /// The second id of the path, if it is a child of the first.
    fn child(&self, of: Kind, kind: Kind) -> Result<Id, ApiError> {
        self.there(self.id(0), of)?;
        let id = self.id(1);
        let known = self.desk.children(self.id(0), kind).contains(&id);
        if known { Ok(id) } else { Err(ApiError::not_found()) }
    }

    /// A record by its id, with what `include` adds to it.
    fn record(&self, id: Id, kind: Kind) -> Result<Reply, ApiError> {
        if self.params.text("include").is_none() {
            return Ok(self.write(id, kind, Shape::Detail));
        }
        let mut own = Vec::with_capacity(self.room);
        self.desk.write(id, kind, Shape::Detail, &mut own);
        if kind == Kind::Thread {
            return peek::with_plain_text(&own).map(Reply::Json);
        }
        let (mut full, mut out) = (Vec::new(), Vec::with_capacity(self.room));
        self.desk.write(id, kind, full_shape(kind), &mut full);
        peek::include(&own, &full, self.params.list("include").map(included), &mut out)?;
        Ok(Reply::Json(out))
    }

    fn write(&self, id: Id, kind: Kind, shape: Shape) -> Reply {
        let mut out = Vec::with_capacity(self.room);
        self.desk.write(id, kind, shape, &mut out);
        Reply::Json(out)
    }

    fn full_content(&self, thread: Id) -> Reply {
        let mut out = Vec::with_capacity(self.room);
        self.desk.write_full_content(thread, &mut out);
        Reply::Json(out)
    }

    fn list(&self) -> List {
        List::new(&self.endpoint.envelope, self.room)
    }

    /// Rows of a list, with the fields or the further keys that are asked for, and `tail` behind them.
    fn rows<'i>(&self, kind: Kind, ids: impl Iterator<Item = &'i Id>, tail: &str) -> Result<Reply, ApiError> {
        let mut list = self.list();
        let (fields, include) = (
            self.params.text("fields").is_some(),
            self.params.text("include").is_some(),
        );
        let full_shape = if fields { Shape::Search } else { full_shape(kind) };
        let (mut short, mut full) = (Vec::new(), Vec::new());
        for id in ids {
            if !fields && !include {
                self.desk.write(*id, kind, Shape::List, list.row());
                continue;
            }
            short.clear();
            full.clear();
            self.desk.write(*id, kind, Shape::List, &mut short);
            self.desk.write(*id, kind, full_shape, &mut full);
            let included = self.params.list("include").map(included);
            if fields {
                peek::project(&short, &full, self.params.list("fields").chain(included), list.row())?;
            } else {
                peek::include(&short, &full, included, list.row())?;
            }
        }
        Ok(list.end(tail, self.settings.behaviour.empty_is_204))
    }

    /// The part of `all` that is asked for, as a list.
    fn slice(&self, all: &[Id], kind: Kind) -> Result<Reply, ApiError> {
        let limit = match self.params.limit(self.endpoint) {
            0 => u64::MAX,
            limit => limit,
        };
        let from = self.params.offset(self.endpoint);
        self.rows(kind, all.iter().skip(from as usize).take(limit as usize), "")
    }
}

/// The shape in which a record has all that `include` can add.
fn full_shape(kind: Kind) -> Shape {
    match kind {
        Kind::Ticket | Kind::Task | Kind::Call | Kind::Event => Shape::Included,
        Kind::Agent => Shape::Detail,
        _ => Shape::Search,
    }
}

/// The key that a value of `include` adds.
fn included(name: &str) -> &str {
    match name {
        "contacts" => "contact",
        "products" => "product",
        "departments" => "department",
        "teams" => "team",
        "tickets" => "ticket",
        "accounts" => "account",
        _ => name,
    }
}
