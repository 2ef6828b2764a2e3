//! The table of endpoints: what is served, with which scopes and parameters. It is data (`surface.json`), into which
//! the knobs of [`Behaviour`](crate::settings::Behaviour) are worked once, when the desk starts.

use std::collections::{BTreeMap, HashMap};

use serde::Deserialize;

use crate::Settings;
use crate::server::Error;
use crate::world::Kind;

/// The table as it is written.
#[derive(Deserialize)]
struct Table {
    sets: HashMap<String, BTreeMap<String, Parameter>>,
    endpoints: Vec<Row>,
}

#[derive(Deserialize)]
struct Row {
    path: String,
    serve: String,
    scopes: Vec<Vec<String>>,
    credit: Credit,
    #[serde(default = "data")]
    envelope: String,
    #[serde(default = "yes", rename = "orgId")]
    org_id: bool,
    #[serde(default)]
    with: Vec<String>,
    #[serde(default)]
    query: BTreeMap<String, Parameter>,
}

fn data() -> String {
    "data".to_owned()
}

fn yes() -> bool {
    true
}

/// What a parameter of a query may be.
#[derive(Clone, Debug, Deserialize)]
pub(crate) struct Parameter {
    #[serde(rename = "type")]
    pub(crate) kind: Type,
    /// Least number, or least length of a text.
    pub(crate) min: Option<u64>,
    pub(crate) max: Option<u64>,
    pub(crate) default: Option<u64>,
    #[serde(default)]
    pub(crate) values: Vec<String>,
    /// Whether a value may have a `-` before it.
    #[serde(default)]
    pub(crate) descending: bool,
    #[serde(rename = "maxItems")]
    pub(crate) max_items: Option<usize>,
    #[serde(default)]
    pub(crate) required: bool,
}

#[derive(Clone, Copy, Debug, Deserialize, PartialEq, Eq)]
#[serde(rename_all = "camelCase")]
pub(crate) enum Type {
    Int,
    Id,
    Ids,
    Text,
    Enum,
    Csv,
    Bool,
    TimeRange,
    /// What the live desk takes, and this one refuses in words.
    Unserved,
}

/// By what a call is charged.
#[derive(Clone, Copy, Debug, Deserialize, PartialEq, Eq)]
#[serde(rename_all = "camelCase")]
pub(crate) enum Credit {
    /// One record.
    One,
    /// A list or a search, by its offset.
    List,
}

/// What answers a call.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Serve {
    Organizations,
    Organization,
    List(Kind),
    Search(Kind),
    Activities,
    Archived,
    Detail(Kind),
    Children(Kind, Kind),
    Child(Kind, Kind),
    /// Tickets of a contact, an account or a product.
    TicketsOf(Kind),
    /// Time entries of the tickets of a contact or an account.
    EntriesOf(Kind),
    /// Tasks, calls or events of a ticket.
    ActivitiesOf(Kind),
    /// All of these.
    AllActivitiesOf,
    /// The bytes of an attachment of this kind of record.
    Content(Kind),
    Full,
    Latest,
    Conversations,
    Translation,
    ByIds(Kind),
    Count(Kind),
    Agents,
    DeletedAgents,
    AgentCounts,
    Teams,
    Members,
    Departments,
    Fields,
    MyInfo,
    RecycleBin,
}

/// One endpoint, the knobs worked in.
#[derive(Debug)]
pub(crate) struct Endpoint {
    /// Its pattern, `/tickets/{id}/threads`.
    pub(crate) path: String,
    /// The first segment of its path.
    pub(crate) module: String,
    pub(crate) serve: Serve,
    /// A token must have one of each of these.
    pub(crate) scopes: Vec<Scopes>,
    pub(crate) credit: Credit,
    pub(crate) envelope: String,
    pub(crate) org_id: bool,
    /// The index of the first record: 0, or 1 where 0 is taken for 1.
    pub(crate) first: u64,
    pub(crate) query: Vec<(String, Parameter)>,
}

/// A set of scopes, as bits of [`Surface::scopes`].
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Scopes(u64);

impl Scopes {
    pub(crate) fn meets(self, other: Scopes) -> bool {
        self.0 & other.0 != 0
    }

    pub(crate) fn both(self, other: Scopes) -> Scopes {
        Scopes(self.0 & other.0)
    }
}

/// All endpoints.
#[derive(Debug)]
pub(crate) struct Surface {
    pub(crate) endpoints: Vec<Endpoint>,
    scopes: Vec<String>,
}

/// What a reading exporter is given: the scopes of the documentation's list, and the one that fields want
/// besides. Alternatives (`Desk.agents.READ` for `Desk.basic.READ`) are not among them: a desk that lacks the one
/// would have the other.
const GRANTED: [&str; 12] = [
    "Desk.tickets.READ",
    "Desk.contacts.READ",
    "Desk.tasks.READ",
    "Desk.calls.READ",
    "Desk.events.READ",
    "Desk.activities.READ",
    "Desk.products.READ",
    "Desk.articles.READ",
    "Desk.basic.READ",
    "Desk.settings.READ",
    "Desk.search.READ",
    "Desk.fields.READ",
];

impl Surface {
    /// The table, as these settings have it.
    ///
    /// # Panics
    ///
    /// Where the embedded table is not well-formed, which a test excludes.
    pub(crate) fn new(settings: &Settings) -> Self {
        let table: Table = serde_json::from_str(include_str!("../surface.json")).expect("the embedded table is JSON");
        let mut surface = Surface {
            endpoints: Vec::new(),
            scopes: GRANTED.map(str::to_owned).to_vec(),
        };
        for mut row in table.endpoints {
            for set in &row.with {
                row.query.extend(table.sets[set].clone());
            }
            surface.add(row, settings);
        }
        surface
    }

    /// Whether all that the settings name is there.
    pub(crate) fn check(&self, settings: &Settings) -> Result<(), Error> {
        if let Some(name) = settings.missing_scopes.iter().find(|name| !self.scopes.contains(name)) {
            return Err(Error::Scope {
                name: name.clone(),
                known: self.scopes.clone(),
            });
        }
        let mut known: Vec<String> = self.endpoints.iter().map(|endpoint| endpoint.module.clone()).collect();
        known.sort_unstable();
        known.dedup();
        let mut named = settings.unlicensed.iter().chain(&settings.forbidden);
        match named.find(|name| !known.contains(name)) {
            Some(name) => Err(Error::Module {
                name: name.clone(),
                known,
            }),
            None => Ok(()),
        }
    }

    fn add(&mut self, mut row: Row, settings: &Settings) {
        let behaviour = &settings.behaviour;
        let serve = serve(&row.serve);
        let mut first = row.query.get("from").and_then(|from| from.min).unwrap_or(0);
        match serve {
            Serve::List(Kind::Ticket) => first = behaviour.tickets_from.into(),
            Serve::List(Kind::Contact | Kind::Account) => first = behaviour.contacts_from.into(),
            Serve::Children(Kind::Ticket, Kind::Thread) => {
                first = behaviour.threads_from.into();
                limit(&mut row.query, "limit", behaviour.threads_max_limit);
            }
            Serve::Search(_) | Serve::Activities => limit(&mut row.query, "from", behaviour.search_max_from),
            Serve::List(Kind::Article) if !behaviour.articles_range => {
                row.query.remove("modifiedTimeRange");
            }
            _ => {}
        }
        let scopes = row.scopes.iter().map(|any| self.learn(any)).collect();
        self.endpoints.push(Endpoint {
            module: row.path.split('/').nth(1).unwrap_or_default().to_owned(),
            path: row.path,
            serve,
            scopes,
            credit: row.credit,
            envelope: row.envelope,
            org_id: row.org_id,
            first,
            query: row.query.into_iter().collect(),
        });
    }

    fn learn(&mut self, names: &[String]) -> Scopes {
        for name in names {
            if !self.scopes.contains(name) {
                self.scopes.push(name.clone());
            }
        }
        self.scopes_of(names.iter().map(String::as_str))
    }

    /// The set of the scopes with these names; others are left out.
    pub(crate) fn scopes_of<'a>(&self, names: impl Iterator<Item = &'a str>) -> Scopes {
        Scopes(
            names
                .filter_map(|name| self.scopes.iter().position(|known| known == name))
                .fold(0, |all, at| all | 1 << at),
        )
    }

    /// What the desk's own refresh token may read.
    pub(crate) fn granted(&self, settings: &Settings) -> Scopes {
        self.scopes_of(
            GRANTED
                .into_iter()
                .filter(|scope| !settings.missing_scopes.iter().any(|missing| missing == scope)),
        )
    }

    /// All scopes but the missing ones: what a person can consent to.
    pub(crate) fn grantable(&self, settings: &Settings) -> Scopes {
        self.scopes_of(
            self.scopes
                .iter()
                .map(String::as_str)
                .filter(|scope| !settings.missing_scopes.iter().any(|missing| missing == scope)),
        )
    }

    /// The names of a set, separated by `separator`.
    pub(crate) fn names(&self, scopes: Scopes, separator: &str) -> String {
        let names: Vec<&str> = self
            .scopes
            .iter()
            .enumerate()
            .filter(|(at, _)| scopes.0 >> at & 1 == 1)
            .map(|(_, name)| name.as_str())
            .collect();
        names.join(separator)
    }
}

fn limit(query: &mut BTreeMap<String, Parameter>, name: &str, max: u32) {
    if let Some(parameter) = query.get_mut(name) {
        parameter.max = Some(max.into());
        parameter.default = parameter.default.map(|default| default.min(max.into()));
    }
}

fn serve(text: &str) -> Serve {
    let words: Vec<&str> = text.split(' ').collect();
    match words[..] {
        ["organizations"] => Serve::Organizations,
        ["organization"] => Serve::Organization,
        ["list", what] => Serve::List(kind(what)),
        ["search", what] => Serve::Search(kind(what)),
        ["activities"] => Serve::Activities,
        ["archived"] => Serve::Archived,
        ["detail", what] => Serve::Detail(kind(what)),
        ["children", of, what] => Serve::Children(kind(of), kind(what)),
        ["child", of, what] => Serve::Child(kind(of), kind(what)),
        ["tickets", of] => Serve::TicketsOf(kind(of)),
        ["entries", of] => Serve::EntriesOf(kind(of)),
        ["activities", "all"] => Serve::AllActivitiesOf,
        ["activities", what] => Serve::ActivitiesOf(kind(what)),
        ["content", of] => Serve::Content(kind(of)),
        ["full"] => Serve::Full,
        ["latest"] => Serve::Latest,
        ["conversations"] => Serve::Conversations,
        ["translation"] => Serve::Translation,
        ["byIds", what] => Serve::ByIds(kind(what)),
        ["count", what] => Serve::Count(kind(what)),
        ["agents"] => Serve::Agents,
        ["deletedAgents"] => Serve::DeletedAgents,
        ["agentCounts"] => Serve::AgentCounts,
        ["teams"] => Serve::Teams,
        ["members"] => Serve::Members,
        ["departments"] => Serve::Departments,
        ["fields"] => Serve::Fields,
        ["myinfo"] => Serve::MyInfo,
        ["recycleBin"] => Serve::RecycleBin,
        _ => unreachable!("the embedded table names what is not served: {text}"),
    }
}

fn kind(name: &str) -> Kind {
    match name {
        "ticket" => Kind::Ticket,
        "thread" => Kind::Thread,
        "comment" => Kind::Comment,
        "attachment" => Kind::Attachment,
        "timeEntry" => Kind::TimeEntry,
        "contact" => Kind::Contact,
        "account" => Kind::Account,
        "product" => Kind::Product,
        "task" => Kind::Task,
        "call" => Kind::Call,
        "event" => Kind::Event,
        "article" => Kind::Article,
        "translation" => Kind::Translation,
        "agent" => Kind::Agent,
        "team" => Kind::Team,
        "department" => Kind::Department,
        _ => unreachable!("the embedded table names a kind that there is not: {name}"),
    }
}
