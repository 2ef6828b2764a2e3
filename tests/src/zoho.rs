//! A sample desk that runs beside a test, and backups of it.

use std::collections::BTreeMap;
use std::fs::File;
use std::io::{BufWriter, Write as _};
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use engine::archive::{Manifest, verify};
use engine::backup::{BackupError, Forgetful, Keeper, Plan};
use engine::connection::settings::{Auth, Secret, SecretSource, Terms, Zoho};
use engine::plugins::Registry;
use engine::progress::{Silent, Summary};
use plugin_api::Timestamp;
use sample_desk::server::{SampleDesk, Stats};
use sample_desk::{Life, Settings};
use tempfile::TempDir;
use tokio::runtime::Runtime;
use tokio_util::sync::CancellationToken;

use crate::compare::{Expect, Json, Line, Report, Source, compare};
use crate::{plan, plugin};

pub mod least;

/// The modules of a Zoho Desk with the tables of each.
pub const MODULES: [(&str, &[&str]); 9] = [
    ("tickets", &["Cases", "Threads", "Comments", "TimeEntry", "Attachments"]),
    ("contacts", &["Contacts"]),
    ("accounts", &["Accounts"]),
    ("activities", &["Tasks", "Calls", "Events", "ActivityComments"]),
    ("products", &["Products"]),
    ("articles", &["Articles", "ArticleTranslations", "ArticleAttachments"]),
    ("agents", &["Agents"]),
    ("teams", &["Teams", "TeamMembers"]),
    ("departments", &["Departments"]),
];

/// Tables with custom fields, and what the API calls their module.
const FIELDS: [(&str, &str); 9] = [
    ("Cases", "tickets"),
    ("TimeEntry", "timeEntry"),
    ("Contacts", "contacts"),
    ("Accounts", "accounts"),
    ("Tasks", "tasks"),
    ("Calls", "calls"),
    ("Events", "events"),
    ("Products", "products"),
    ("Agents", "agents"),
];

/// How long loading a plugin may take.
const PATIENCE: Duration = Duration::from_secs(20);

/// A running sample desk, with a folder for its archives.
pub struct Desk {
    /// Its knobs.
    pub settings: Settings,
    /// The desk.
    pub desk: SampleDesk,
    /// What is removed with it.
    pub folder: TempDir,
    _runtime: Runtime,
}

/// A backup that has an archive.
pub struct Backup {
    /// What the engine says of it.
    pub summary: Summary,
    /// What the archive says of itself.
    pub manifest: Manifest,
    /// What the desk was asked for it.
    pub asked: Stats,
    /// How long it took.
    pub took: Duration,
}

/// How a desk is reached.
pub struct Reached {
    /// Where its API begins.
    pub url: String,
    /// Where it gives tokens.
    pub accounts_url: String,
    /// The organisation.
    pub org_id: String,
    /// The client.
    pub client_id: String,
    /// Its secret.
    pub client_secret: String,
    /// What was granted to it.
    pub refresh_token: String,
}

impl Reached {
    /// A plan to back up modules of it into a folder.
    pub fn plan(&self, modules: &[&str], folder: &Path) -> Plan {
        let secret = |text: &String| SecretSource::Inline(Secret::new(text));
        let mut plan = plan(&self.url, modules, folder);
        plan.connection_kind = "zoho".into();
        plan.connection.auth = Auth::Zoho(Zoho {
            accounts_url: self.accounts_url.clone(),
            org_id: Some(self.org_id.clone()),
            client_id: secret(&self.client_id),
            client_secret: secret(&self.client_secret),
            refresh_token: secret(&self.refresh_token),
            terms: Terms { in_flight: None },
        });
        plan
    }
}

/// All modules.
pub fn modules() -> Vec<&'static str> {
    MODULES.iter().map(|(module, _)| *module).collect()
}

/// The tables of these modules.
pub fn tables(modules: &[&str]) -> Vec<&'static str> {
    let named = MODULES.iter().filter(|(module, _)| modules.contains(module));
    named.flat_map(|(_, tables)| tables.iter().copied()).collect()
}

/// The exporters of these modules.
///
/// # Panics
/// Where the engine refuses one.
pub fn registry(modules: &[&str]) -> Registry {
    let files = modules
        .iter()
        .map(|module| plugin(&format!("deskvault_{module}")))
        .collect();
    let registry = Registry::load_files(files, PATIENCE);
    assert!(registry.refused.is_empty(), "{:?}", registry.refused);
    registry
}

impl Desk {
    /// Starts one.
    ///
    /// # Panics
    /// Where it does not start.
    pub fn start(settings: Settings) -> Self {
        Self::start_with(settings, Life::default())
    }

    /// Starts one that lives so.
    ///
    /// # Panics
    /// Where it does not start.
    pub fn start_with(settings: Settings, life: Life) -> Self {
        let mut builder = tokio::runtime::Builder::new_multi_thread();
        let runtime = builder.worker_threads(2).thread_name("desk").enable_all().build();
        let runtime = runtime.expect("a runtime");
        let desk = SampleDesk::start_with(settings.clone(), life, None, runtime.handle()).expect("a sample desk");
        Self {
            settings,
            desk,
            folder: tempfile::tempdir().expect("a folder"),
            _runtime: runtime,
        }
    }

    /// How it is reached.
    pub fn reached(&self) -> Reached {
        Reached {
            url: self.desk.base_url(),
            accounts_url: self.desk.accounts_url().to_owned(),
            org_id: self.desk.org_id(),
            client_id: self.desk.client_id().to_owned(),
            client_secret: self.desk.client_secret().to_owned(),
            refresh_token: self.desk.refresh_token().to_owned(),
        }
    }

    /// The beginning of its section of a configuration, in which it has all modules: up to and with `[desk.connection]`.
    pub fn section(&self, name: &str) -> String {
        let reached = self.reached();
        format!(
            "[[desk]]\nname = {name:?}\nmodules = {:?}\n\n[desk.connection]\nkind = \"zoho\"\naccounts_url = {:?}\n\
             desk_url = {:?}\norg_id = {:?}\nclient_id = {:?}\nclient_secret = {:?}\nrefresh_token = {:?}\n",
            modules(),
            reached.accounts_url,
            self.desk.url(),
            reached.org_id,
            reached.client_id,
            reached.client_secret,
            reached.refresh_token,
        )
    }

    /// A plan to back up modules of it.
    pub fn plan(&self, modules: &[&str]) -> Plan {
        self.reached().plan(modules, self.folder.path())
    }

    /// Backs up as the plan says, into a folder of its own below the plan's, and verifies the archive.
    ///
    /// # Panics
    /// Where the archive is not sound.
    pub fn back_up(&self, plan: &Plan) -> Result<Backup, BackupError> {
        self.back_up_kept(plan, &Forgetful)
    }

    /// As [`back_up`](Self::back_up), with checkpoints that go to `keeper` where the plan names a spool folder.
    ///
    /// # Panics
    /// Where the archive is not sound.
    pub fn back_up_kept(&self, plan: &Plan, keeper: &dyn Keeper) -> Result<Backup, BackupError> {
        let before = self.desk.stats().requests;
        let modules: Vec<&str> = plan.modules.iter().map(String::as_str).collect();
        // An archive is named after the second of its start, and two tests may fall into one.
        let mut plan = plan.clone();
        plan.archive.folder = tempfile::tempdir_in(&plan.archive.folder).expect("a folder").keep();
        let started = Instant::now();
        let summary = engine::backup::run_kept(
            &plan,
            &mut registry(&modules),
            &Silent,
            keeper,
            &CancellationToken::new(),
        )?;
        let took = started.elapsed();
        let report = verify(&summary.archive, &|_, _| {}, &CancellationToken::new()).expect("a report");
        assert!(report.is_sound(), "{:?}", report.problems);
        let mut asked = self.desk.stats();
        asked.requests -= before;
        Ok(Backup {
            summary,
            manifest: report.manifest,
            asked,
            took,
        })
    }

    /// Writes the truth into a file.
    ///
    /// # Panics
    /// Where it can't.
    pub fn truth(&self) -> PathBuf {
        let path = self.folder.path().join("truth.jsonl");
        let mut file = BufWriter::new(File::create(&path).expect("a file"));
        self.desk.write_truth(&mut file).expect("the truth");
        file.flush().expect("the truth");
        path
    }

    /// Writes the truth of a backup that started at this moment into a file.
    ///
    /// # Panics
    /// Where it can't.
    pub fn truth_since(&self, started: Timestamp) -> PathBuf {
        let path = self.folder.path().join("truth-since.jsonl");
        let mut file = BufWriter::new(File::create(&path).expect("a file"));
        let wrote = self.desk.write_truth_since(started.micros(), &mut file);
        wrote.and_then(|()| file.flush()).expect("the truth");
        path
    }

    /// Compares an archive with the truth, as far as it is `wanted`.
    ///
    /// # Panics
    /// Where one of them can't be read.
    pub fn compare(&self, archive: &Path, modules: &[&str], wanted: &dyn Fn(&Line) -> bool) -> Report {
        self.compare_with(archive, &self.truth(), modules, wanted)
    }

    /// As [`compare`](Self::compare), with a truth that was written before.
    ///
    /// # Panics
    /// Where one of them can't be read.
    pub fn compare_with(
        &self,
        archive: &Path,
        truth: &Path,
        modules: &[&str],
        wanted: &dyn Fn(&Line) -> bool,
    ) -> Report {
        let expect = Expect {
            tables: &tables(modules),
            source: self.source(),
            fields: &self.fields(),
            wanted,
        };
        compare(archive, truth, &expect).expect("archive and truth")
    }

    /// What its settings mean for where rows come from.
    fn source(&self) -> Source {
        let lacks = |scope: &str| self.settings.missing_scopes.iter().any(|missing| missing == scope);
        Source {
            search: !lacks("Desk.search.READ"),
            search_has_archived: self.settings.behaviour.search_has_archived,
            attachments_repeat: self.settings.behaviour.attachments_repeat,
        }
    }

    /// The custom fields of each table: API name and label.
    ///
    /// # Panics
    /// Where the desk's fields are no JSON.
    pub fn fields(&self) -> BTreeMap<String, Vec<(String, String)>> {
        let fields_of = |module: &str| {
            let mut text = Vec::new();
            self.desk.desk().write_fields(module, &mut text);
            let text = String::from_utf8(text).expect("UTF-8");
            // An array, or its items.
            let text = if text.trim_start().starts_with('[') {
                text
            } else {
                format!("[{text}]")
            };
            let Ok(Json::List(fields)) = Json::parse(&text) else {
                panic!("the fields of {module}: {text}")
            };
            let is_custom = |field: &&Json| match field.get("isCustomField") {
                Some(Json::Bool(bit)) => *bit,
                Some(Json::Text(text)) => text == "true",
                _ => false,
            };
            let text = |field: &Json, key: &str| field.get(key).and_then(Json::text).unwrap_or_default().to_owned();
            let named = |field: &Json| (text(field, "apiName"), text(field, "displayLabel"));
            fields.iter().filter(is_custom).map(named).collect()
        };
        FIELDS
            .iter()
            .map(|(table, module)| ((*table).to_owned(), fields_of(module)))
            .collect()
    }
}

/// The module of a table.
pub fn module_of(table: &str) -> &'static str {
    let found = MODULES.iter().find(|(_, tables)| tables.contains(&table));
    found.map_or("", |(module, _)| module)
}
