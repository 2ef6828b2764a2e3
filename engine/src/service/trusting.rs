//! Which libraries were trusted, as the store keeps it.

use std::path::Path;

use crate::history::Happening;
use crate::people::Actor;
use crate::plugins::Pin;
use crate::store::View;

use super::Service;
use super::error::ServiceError;

/// Under this name.
const FACT: &str = "trusted-plugins";

impl Service {
    /// The libraries that were trusted.
    pub fn trusted(&self) -> Result<Vec<Pin>, ServiceError> {
        self.store.read(read)
    }

    /// Trusts a library from now on, in place of what was trusted under its path before.
    pub fn trust(&self, pin: Pin, actor: &Actor) -> Result<(), ServiceError> {
        self.store.write(|tx| {
            let mut pins = read(tx)?;
            pins.retain(|other| other.file != pin.file);
            let what = Happening::PluginTrusted {
                file: pin.file.display().to_string(),
                sha256: pin.sha256.to_string(),
            };
            pins.push(pin);
            tx.set_fact(FACT, &text(&pins)?)?;
            self.enter(tx, None, actor, what)
        })
    }

    /// Trusts the library at this path no more. Gives whether it was trusted.
    pub fn untrust(&self, file: &Path, actor: &Actor) -> Result<bool, ServiceError> {
        self.store.write(|tx| {
            let mut pins = read(tx)?;
            let before = pins.len();
            pins.retain(|pin| pin.file != file);
            if pins.len() == before {
                return Ok(false);
            }
            tx.set_fact(FACT, &text(&pins)?)?;
            let what = Happening::PluginUntrusted {
                file: file.display().to_string(),
            };
            self.enter(tx, None, actor, what)?;
            Ok(true)
        })
    }
}

fn read(view: &View<'_>) -> Result<Vec<Pin>, ServiceError> {
    let Some(text) = view.fact(FACT)? else {
        return Ok(Vec::new());
    };
    serde_json::from_str(&text).map_err(|error| ServiceError::System {
        what: "which plugins are trusted can't be read in the store",
        source: error.into(),
    })
}

fn text(pins: &[Pin]) -> Result<String, ServiceError> {
    serde_json::to_string(pins).map_err(|error| ServiceError::System {
        what: "the path of a plugin can't be kept",
        source: error.into(),
    })
}
