//! Access that a person grants: a code becomes a refresh token, the token is kept, and what it may read is tried.

use std::io::{self, Write as _};
use std::path::Path;

use plugin_api::{ErrorKind, ExportError, Request};
use serde::Deserialize;
use tokio::runtime::Handle;
use tokio_util::sync::CancellationToken;

use super::super::settings::{Auth, Secret, SecretSource, Settings, Zoho};
use super::super::{Answer, Connection, ConnectionError, Next, Queue};
use super::grant::Refusal;
use super::organisation::Organisation;
use super::{endpoint, judge, keeper};

/// Scopes to grant: all that exporters read, and nothing that could change anything.
pub(crate) const SCOPES: [&str; 11] = [
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
];

/// What is tried of each module, and the scope that it wants.
const PROBES: [(&str, &str, &str); 12] = [
    ("tickets", "/tickets", "Desk.tickets.READ"),
    ("tickets", "/tickets/search", "Desk.search.READ"),
    ("contacts", "/contacts", "Desk.contacts.READ"),
    ("accounts", "/accounts", "Desk.contacts.READ"),
    ("activities", "/tasks", "Desk.tasks.READ"),
    ("activities", "/calls", "Desk.calls.READ"),
    ("activities", "/events", "Desk.events.READ"),
    ("products", "/products", "Desk.products.READ"),
    ("articles", "/articles", "Desk.articles.READ"),
    ("agents", "/agents", "Desk.basic.READ"),
    ("teams", "/teams", "Desk.basic.READ"),
    ("departments", "/departments", "Desk.basic.READ"),
];

/// Why access could not be granted.
#[derive(Debug, thiserror::Error)]
pub(crate) enum ConnectError {
    /// The connection cannot be opened.
    #[error(transparent)]
    Connection(#[from] ConnectionError),
    /// The accounts server gave nothing for the code.
    #[error("{0}")]
    Code(String),
    /// The refresh token cannot be kept.
    #[error("the refresh token cannot be kept in {path}")]
    Keep {
        /// The file.
        path: String,
        /// Why.
        source: io::Error,
    },
}

/// What may be read.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Reading {
    /// It may.
    Ok,
    /// This scope is missing.
    Missing(&'static str),
    /// The desk refuses it for another reason, named.
    Refused(String),
}

/// One thing that was tried.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Probe {
    pub(crate) module: &'static str,
    pub(crate) path: &'static str,
    pub(crate) reading: Reading,
}

/// Exchanges the code that a person was given for a refresh token.
pub(crate) fn exchange(
    settings: &Settings,
    zoho: &Zoho,
    code: &str,
    runtime: &Handle,
    cancel: &CancellationToken,
) -> Result<Secret, ConnectError> {
    let endpoint = endpoint(settings, zoho, false)?;
    let granted = runtime.block_on(cancel.run_until_cancelled(endpoint.exchange(code)));
    let granted = granted.ok_or_else(|| ConnectionError::Cancelled {
        desk: settings.desk.clone(),
    })?;
    let why = match granted {
        Ok(grant) => match grant.refresh {
            Some(refresh) => return Ok(refresh),
            None => "the accounts server gave no refresh token for the code: make a new one as a self client".into(),
        },
        Err(Refusal::DeadToken) => {
            "the accounts server does not take the code: it is good for a few minutes and for one \
             try; make a new one and give it at once"
                .into()
        }
        Err(refusal) => keeper::told(&refusal).1,
    };
    Err(ConnectError::Code(format!("desk {}: {why}", settings.desk)))
}

/// Whether a token could be kept there: a code is good for one try, so that this is to be known before there is one.
pub(crate) fn can_keep(path: &Path) -> io::Result<()> {
    if path.is_dir() {
        return Err(io::ErrorKind::IsADirectory.into());
    }
    beside(path).map(drop)
}

/// Keeps the token for its owner alone: whole or not at all.
pub(crate) fn keep(token: &Secret, path: &Path) -> Result<(), ConnectError> {
    let write = || {
        let mut file = beside(path)?;
        file.write_all(token.expose().as_bytes())?;
        file.write_all(b"\n")?;
        file.as_file().sync_all()?;
        file.persist(path).map_err(|error| error.error)?;
        std::fs::File::open(folder(path))?.sync_all()
    };
    write().map_err(|source| ConnectError::Keep {
        path: path.display().to_string(),
        source,
    })
}

/// A temporary file in the same folder, which goes when it is dropped. It has the mode 0600 from its first moment on.
fn beside(path: &Path) -> io::Result<tempfile::NamedTempFile> {
    tempfile::Builder::new().prefix(".deskvault-").tempfile_in(folder(path))
}

fn folder(path: &Path) -> &Path {
    let folder = path.parent().filter(|folder| !folder.as_os_str().is_empty());
    folder.unwrap_or(Path::new("."))
}

/// Opens a connection with this refresh token and has the desk name its organisation.
pub(crate) fn prove(
    settings: &Settings,
    zoho: &Zoho,
    token: Secret,
    runtime: &Handle,
    cancel: &CancellationToken,
) -> Result<Connection, ConnectError> {
    let settings = Settings {
        auth: Auth::Zoho(Zoho {
            refresh_token: SecretSource::Inline(token),
            ..zoho.clone()
        }),
        ..settings.clone()
    };
    let connection = Connection::open(&settings, runtime.clone())?;
    connection.prepare(cancel)?;
    Ok(connection)
}

impl Connection {
    /// The organisation, once it is known.
    pub(crate) fn organisation(&self) -> Option<Organisation> {
        self.0.zoho.as_ref().and_then(|zoho| zoho.organisation().cloned())
    }

    /// Tries what each module reads first.
    pub(crate) fn probe(&self, cancel: &CancellationToken) -> Result<Vec<Probe>, ExportError> {
        let mut queue = self.queue(1, cancel);
        let mut probes = Vec::new();
        for (module, path, scope) in PROBES {
            let answer = ask(&mut queue, Request::get(path).query("limit", "1"))?;
            probes.push(Probe {
                module,
                path,
                reading: reading(&answer, scope),
            });
            // Time entries are read agent by agent, with a scope of their own.
            if let ("/agents", Some(agent)) = (path, first_id(&answer.body)) {
                let entries = Request::get(format!("/agents/{agent}/timeEntry")).query("limit", "1");
                probes.push(Probe {
                    module: "tickets",
                    path: "/agents/{id}/timeEntry",
                    reading: reading(&ask(&mut queue, entries)?, "Desk.settings.READ"),
                });
            }
        }
        Ok(probes)
    }
}

fn ask(queue: &mut Queue, request: Request) -> Result<Answer, ExportError> {
    queue.submit(request)?;
    match queue.next() {
        Next::Done { result, .. } => result,
        Next::Nothing | Next::Cancelled => Err(ExportError::new(ErrorKind::Cancelled, "stopped")),
    }
}

fn reading(answer: &Answer, scope: &'static str) -> Reading {
    if (200..300).contains(&answer.status) {
        return Reading::Ok;
    }
    let code = judge::code(&answer.body).unwrap_or_default();
    match code.as_str() {
        "SCOPE_MISMATCH" => Reading::Missing(scope),
        "FORBIDDEN" => Reading::Refused("FORBIDDEN: the profile of who granted access may not read it".into()),
        "LICENSE_ACCESS_LIMITED" => {
            Reading::Refused("LICENSE_ACCESS_LIMITED: the desk's edition does not have it".into())
        }
        _ => Reading::Refused(format!("{} {}", answer.status, crate::config::text::excerpt(&code))),
    }
}

fn first_id(body: &[u8]) -> Option<String> {
    #[derive(Deserialize)]
    struct List {
        data: Vec<Row>,
    }
    #[derive(Deserialize)]
    struct Row {
        id: String,
    }
    let list: List = serde_json::from_slice(body).ok()?;
    let id = list.data.into_iter().next()?.id;
    (!id.is_empty() && id.bytes().all(|byte| byte.is_ascii_digit())).then_some(id)
}
