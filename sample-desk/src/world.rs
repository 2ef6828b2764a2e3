//! What the desk holds, computed from the seed. It knows nothing of HTTP.
//!
//! A record is named by its [`Id`], from which everything else of it follows. Nothing is held but what changed.

mod activities;
mod articles;
mod attachments;
mod births;
mod change;
mod clock;
mod comments;
mod contacts;
mod custom;
mod desk;
mod dice;
mod family;
mod id;
mod json;
mod overlay;
mod paging;
mod people;
mod products;
mod rota;
mod sizes;
mod text;
mod threads;
mod tickets;
mod time_entries;
mod truth;

#[cfg(test)]
mod tests;

use std::fmt;
use std::io;

use crate::Settings;
use crate::life::{self, Deed, Done, Life};
use desk::World;

/// The organisation's id, which is in the links to attachments.
pub const ORGANISATION: u64 = 20_077_001;

/// The desk's id of a record: 19 digits, from which kind, place and parent can be read.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Id(pub u64);

impl fmt::Display for Id {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

/// Kinds of records.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Kind {
    /// Tickets; archived ones, spam and trashed ones among them.
    Ticket,
    /// Threads of tickets.
    Thread,
    /// Comments of tickets, tasks, calls and events.
    Comment,
    /// Attachments of tickets, threads and comments.
    Attachment,
    /// Time entries.
    TimeEntry,
    /// Contacts.
    Contact,
    /// Accounts.
    Account,
    /// Products.
    Product,
    /// Tasks.
    Task,
    /// Calls.
    Call,
    /// Events.
    Event,
    /// Articles.
    Article,
    /// Translations of articles into further languages.
    Translation,
    /// Agents: active, disabled, deleted; light ones among them.
    Agent,
    /// Teams.
    Team,
    /// Departments.
    Department,
    /// Custom and standard fields.
    Field,
}

/// In which projection a record is shown.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Shape {
    /// As in its list.
    List,
    /// As in its list with everything that `include` can add (tickets and activities; other kinds: as in the list).
    Included,
    /// As in a search.
    Search,
    /// As by its id. Agents: with `include=role,profile`. Attachments: as they are given within a thread, a comment or an article.
    Detail,
    /// As in a ticket's conversations: threads without body, comments whole, both with `type`.
    Conversation,
}

/// The time by which a page is filtered and sorted.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum By {
    /// createdTime.
    Created,
    /// modifiedTime.
    Modified,
}

/// What a list or a search is asked for. Times are microseconds since 1970, both ends as the server has decided them
/// to be inclusive.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Filter {
    /// createdTime between these, ends included.
    pub created: Option<(i64, i64)>,
    /// modifiedTime between these, ends included.
    pub modified: Option<(i64, i64)>,
    /// Of this department.
    pub department: Option<Id>,
    /// Of these ids.
    pub ids: Option<Vec<Id>>,
    /// Archived tickets: only them, none of them, or both.
    pub archived: Option<bool>,
    /// Spam: only it, none of it, or both.
    pub spam: Option<bool>,
}

/// Where a record is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Standing {
    /// On the desk.
    Present,
    /// In the recycle bin.
    Trashed,
    /// Deleted, or never there.
    Gone,
}

/// Whether an agent is at work.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum AgentStanding {
    /// `status` is ACTIVE.
    Active,
    /// `status` is DISABLED.
    Disabled,
    /// No longer among the agents, but still the author of records.
    Deleted,
}

/// What agents are listed and counted by.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct AgentState {
    /// Active, disabled or deleted.
    pub standing: AgentStanding,
    /// A light agent.
    pub light: bool,
    /// Has confirmed the invitation.
    pub confirmed: bool,
}

/// A record's times, in microseconds since 1970.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Times {
    /// createdTime; commentedTime of comments.
    pub created: i64,
    /// modifiedTime, also of kinds that do not show it.
    pub modified: i64,
    /// executedTime of time entries; else createdTime.
    pub executed: i64,
}

/// A page of records.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Page {
    /// How many match in all.
    pub total: u64,
    /// Those of the page, in order.
    pub ids: Vec<Id>,
}

/// What the desk holds. It is shared by all requests.
pub trait Desk: Send + Sync {
    /// Sets the beginning of links to attachments and contents, e.g. `http://127.0.0.1:8080`. Once; later ones are ignored.
    fn set_base(&self, base: &str);
    /// Records of a kind that match, sorted; `from` counts from 0. Trashed and deleted ones are not among them.
    fn page(&self, kind: Kind, filter: &Filter, by: By, descending: bool, from: u64, limit: u64) -> Page;
    /// The children of a record, oldest first: threads, comments, attachments, time entries and tasks of a ticket; comments
    /// of an activity; attachments of a thread, comment or article; translations of an article into further languages; time
    /// entries of an agent, by executedTime.
    fn children(&self, parent: Id, kind: Kind) -> Vec<Id>;
    /// Threads and comments of a ticket, newest first.
    fn conversations(&self, ticket: Id) -> Vec<(Id, Kind)>;
    /// Agents (deleted ones last), teams, departments: all of them, in order.
    fn all(&self, kind: Kind) -> Vec<Id>;
    /// What an agent is listed by.
    fn agent(&self, id: Id) -> Option<AgentState>;
    /// Agents of a team.
    fn members(&self, team: Id) -> Vec<Id>;
    /// Whether a department is enabled.
    fn is_enabled(&self, department: Id) -> bool;
    /// The department that a ticket, activity, article or time entry is of.
    fn department(&self, id: Id) -> Option<Id>;
    /// A record's times, for sorting and filtering children.
    fn times(&self, id: Id) -> Times;
    /// Where a record is, if it is of this kind. Children are where their parent is.
    fn standing(&self, id: Id, kind: Kind) -> Standing;
    /// Appends a record as JSON. Nothing, if there never was such a record.
    fn write(&self, id: Id, kind: Kind, shape: Shape, out: &mut Vec<u8>);
    /// Appends the full content of a thread as `{"id": .., "content": ..}`.
    fn write_full_content(&self, thread: Id, out: &mut Vec<u8>);
    /// Appends the bytes of an attachment; as many as its size says.
    fn write_attachment(&self, attachment: Id, out: &mut Vec<u8>);
    /// The fields of a module as a JSON array; an empty one if there is no such module.
    fn write_fields(&self, module: &str, out: &mut Vec<u8>);
    /// Edits and deletes records, as the settings say, after request number `request`.
    fn change(&self, request: u64);
    /// Records in the recycle bin.
    fn bin(&self) -> Vec<Id>;
    /// Writes every record that a complete backup holds, one JSON object a line.
    fn truth(&self, out: &mut dyn io::Write) -> io::Result<()>;
    /// The same, of a backup that reads the desk from the moment `since` on, in microseconds since 1970: without what was
    /// deleted before, and without versions that were past by then.
    fn truth_since(&self, since: i64, out: &mut dyn io::Write) -> io::Result<()> {
        let _ = since;
        self.truth(out)
    }
    /// What time it is on the desk, in microseconds since 1970.
    fn now(&self) -> i64 {
        life::machine()
    }
    /// Does something to a record, which the number and what is there decide. None, if there is nothing to do it to.
    fn act(&self, deed: Deed, number: u64) -> Option<Done> {
        let _ = (deed, number);
        None
    }
}

/// The desk of these settings, which lives so.
pub fn build(settings: &Settings, life: Life) -> Box<dyn Desk> {
    Box::new(World::living(settings, life))
}
