//! Another configuration is taken up whole, or refused whole.

use std::sync::Arc;

use super::job::Text;
use super::rounds::Rounds;
use super::watch::{Stamp, Watch};
use crate::chain;
use crate::config::{Config, LoadError, Loaded, Sealed};
use crate::history::Happening;
use crate::key::Key;
use crate::people::Actor;
use crate::service::{Service, ServiceError};

/// Under this name the store keeps what the keys were set to, sealed.
const FACT: &str = "configuration";
/// Why a configuration is refused with which nothing is wrong.
const STORE_FAILS: &str = "the store fails; it is tried again";

/// A configuration that holds: its text for the processes of backups, and what its keys are set to.
pub(super) fn text(loaded: &Loaded) -> Text {
    Text {
        file: loaded.file.display().to_string(),
        folder: loaded.folder.clone(),
        bytes: loaded.bytes.clone(),
    }
}

/// Enters it into the history if the configuration is another one than that which held the last time, be it that a
/// daemon ran then or not. Gives what differs, in names of keys.
pub(super) fn enter(service: &Service) -> Result<Vec<String>, ServiceError> {
    let now = seal(service.config(), service.key());
    service.store().write(|tx| {
        let before = tx.fact(FACT)?;
        // One that can't be read was kept by another version: all of it counts as new.
        let before = before.map(|text| serde_json::from_str::<Sealed>(&text).unwrap_or_default());
        let what = before
            .as_ref()
            .map(|before| before.differences(&now))
            .unwrap_or_default();
        if before.is_some() && what.is_empty() {
            return Ok(what);
        }
        let kept = serde_json::to_string(&now).map_err(|source| ServiceError::System {
            what: "the configuration can't be sealed",
            source: source.into(),
        })?;
        tx.set_fact(FACT, &kept)?;
        if !what.is_empty() {
            let happened = Happening::ConfigurationChanged { what: what.clone() };
            service.enter(tx, None, &Actor::Deskvault, happened)?;
        }
        Ok(what)
    })
}

fn seal(config: &Config, key: &Key) -> Sealed {
    config.sealed(&|bytes| key.sign("configuration", bytes))
}

/// Why a configuration was refused.
#[derive(Debug)]
struct Refused {
    /// A few words.
    brief: String,
    /// All that is wrong with it, a line each.
    full: String,
    /// Whether nothing is wrong with it, so that it is to be tried again.
    passing: bool,
}

impl Rounds {
    /// Somebody asks for it: reads the configuration again, takes it up or refuses it, and says so.
    pub(super) fn reload(&mut self) {
        self.read_again(true);
    }

    /// The file has another stamp: the same, if it says something else.
    pub(super) fn reload_if_changed(&mut self) {
        self.read_again(false);
    }

    fn read_again(&mut self, also_if_the_same: bool) {
        // The stamp comes first: what is changed after that is read another time.
        let stamp = Stamp::of(&self.setup.file);
        let loaded = (self.setup.load)();
        self.watch = Watch::new(stamp);
        let is_the_same = loaded.as_ref().is_ok_and(|loaded| loaded.bytes == self.text.bytes);
        if is_the_same && self.refused.is_none() && !also_if_the_same {
            return;
        }
        // That is tried every other second; what is told of it would fill the log.
        let is_retry = !also_if_the_same && self.refused.as_deref() == Some(STORE_FAILS);
        if !is_retry {
            self.manager.reloading();
        }
        match loaded
            .map_err(|error| unusable(&error))
            .and_then(|loaded| self.take_up(loaded))
        {
            Ok(what) => {
                self.refused = None;
                self.desks.wake();
                self.look_for_exporters();
                match what.as_slice() {
                    [] => tracing::info!("the configuration was read again: nothing has changed"),
                    what => tracing::info!("another configuration holds: {}", what.join(", ")),
                }
            }
            Err(refused) => {
                if !is_retry || !refused.passing {
                    tracing::error!("the configuration is refused, and the old one holds:\n{}", refused.full);
                }
                self.refused = Some(refused.brief);
                if refused.passing {
                    self.watch = Watch::new(Stamp::None);
                }
            }
        }
        if !is_retry {
            self.manager.ready();
        }
    }

    fn take_up(&mut self, loaded: Loaded) -> Result<Vec<String>, Refused> {
        let text = text(&loaded);
        let config = Arc::new(loaded.config);
        let own = self
            .own
            .with_config(Arc::clone(&config))
            .map_err(|error| in_words(&error))?;
        let service = self.service().with_config(config).map_err(|error| in_words(&error))?;
        let what = enter(&own).map_err(|error| in_words(&error))?;
        if let Err(error) = (self.setup.log)(&own.config().log) {
            // It was found right at the start, and nothing else hangs on it.
            tracing::error!("the log goes on as it was: {error}");
        }
        self.text = Arc::new(text);
        self.own = own;
        self.current.set(service);
        // In the next round, and again as long as it fails.
        self.undeclared = true;
        Ok(what)
    }
}

fn unusable(error: &LoadError) -> Refused {
    let brief = match error {
        LoadError::Invalid { problems } => match problems.list.as_slice() {
            [one] => format!("line {}", one.line),
            list => format!("{} errors", list.len()),
        },
        _ => "it cannot be read".to_owned(),
    };
    let full = chain(error);
    Refused {
        brief,
        full,
        passing: false,
    }
}

fn in_words(error: &ServiceError) -> Refused {
    let brief = match error {
        ServiceError::DataDirectory { .. } => "another data directory needs a restart",
        _ => STORE_FAILS,
    };
    Refused {
        brief: brief.to_owned(),
        full: chain(error),
        passing: !matches!(error, ServiceError::DataDirectory { .. }),
    }
}
