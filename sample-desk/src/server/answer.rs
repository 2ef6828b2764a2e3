//! What the desk answers to a request that is as the table wants it.

pub(crate) mod few;
mod lists;
mod tickets;

use crate::Settings;
use crate::server::error::ApiError;
use crate::server::params::Params;
use crate::server::reply::Reply;
use crate::server::route::Route;
use crate::server::surface::{Endpoint, Serve};
use crate::world::{Desk, Id, Kind, Shape, Standing};

/// The number of the one organisation.
pub(crate) const ORG_ID: u64 = 20_077_001;

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
            Serve::Child(of, kind) => self.child(of, kind).map(|id| self.record(id, kind)),
            Serve::Content(of) => tickets::content(self, of),
            Serve::Full => self.child(Kind::Ticket, Kind::Thread).map(|id| tickets::full(self, id)),
            Serve::Latest => tickets::latest(self),
            Serve::Conversations => tickets::conversations(self),
            Serve::Translation => few::translation(self),
            Serve::ByIds(kind) => Ok(lists::by_ids(self, kind)),
            Serve::Count(kind) => Ok(few::count(self, kind)),
            Serve::Agents => Ok(few::agents(self)),
            Serve::DeletedAgents => Ok(few::deleted_agents(self)),
            Serve::AgentCounts => Ok(few::agent_counts(self)),
            Serve::Teams => few::teams(self),
            Serve::Members => few::members(self),
            Serve::Departments => Ok(few::departments(self)),
            Serve::Fields => Ok(few::fields(self)),
            Serve::MyInfo => few::my_info(self),
            Serve::Empty => Ok(self.list().end("", self.settings.behaviour.empty_is_204)),
        }
    }

    /// The id at this place of the path; the router has seen to it that it is there.
    fn id(&self, at: usize) -> Id {
        self.route.ids.get(at).copied().unwrap_or(Id(0))
    }

    fn detail(&self, id: Id, kind: Kind) -> Result<Reply, ApiError> {
        self.there(id, kind)?;
        Ok(self.record(id, kind))
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

    fn record(&self, id: Id, kind: Kind) -> Reply {
        let mut out = Vec::with_capacity(self.room);
        self.desk.write(id, kind, Shape::Detail, &mut out);
        Reply::Json(out)
    }

    fn list(&self) -> crate::server::reply::List {
        crate::server::reply::List::new(&self.endpoint.envelope, self.room)
    }

    /// The part of `all` that is asked for, as a list.
    fn slice(&self, all: &[Id], kind: Kind, shape: Shape) -> Reply {
        let limit = match self.params.limit(self.endpoint) {
            0 => u64::MAX,
            limit => limit,
        };
        let from = self.params.offset(self.endpoint);
        let rows = all.iter().skip(from as usize).take(limit as usize);
        let mut list = self.list();
        for id in rows {
            self.desk.write(*id, kind, shape, list.row());
        }
        list.end("", self.settings.behaviour.empty_is_204)
    }
}
