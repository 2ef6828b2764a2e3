//! What the desk holds, computed from the seed. It knows nothing of HTTP.
//!
//! A record is named by its [`Id`], from which everything else of it follows. Nothing is held but what changed.

use std::fmt;
use std::io;

use crate::Settings;

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
    /// As in a search.
    Search,
    /// As by its id.
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
    /// Records of a kind that match, sorted; `from` counts from 0. Trashed and deleted ones are not among them.
    fn page(&self, kind: Kind, filter: &Filter, by: By, descending: bool, from: u64, limit: u64) -> Page;
    /// The children of a record: threads, comments, attachments, time entries of a ticket; comments of an activity;
    /// attachments of a thread, comment or article; translations of an article; time entries of an agent.
    fn children(&self, parent: Id, kind: Kind) -> Vec<Id>;
    /// Agents, teams, departments: all of them, in order.
    fn all(&self, kind: Kind) -> Vec<Id>;
    /// Where a record is, if it is of this kind.
    fn standing(&self, id: Id, kind: Kind) -> Standing;
    /// Appends a record as JSON.
    fn write(&self, id: Id, kind: Kind, shape: Shape, out: &mut Vec<u8>);
    /// The fields of a module, `{"data": [...]}` without the envelope.
    fn write_fields(&self, module: &str, out: &mut Vec<u8>);
    /// Edits and deletes records, as the settings say, after request number `request`.
    fn change(&self, request: u64);
    /// Writes every record that a complete backup holds, one JSON object a line.
    fn truth(&self, out: &mut dyn io::Write) -> io::Result<()>;
}

/// The desk of these settings.
pub fn build(settings: &Settings) -> Box<dyn Desk> {
    let _ = settings;
    unimplemented!()
}
