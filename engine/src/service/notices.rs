//! Notifications: who is told of what. They are put into the store with what they tell of; sending them is `notify`'s matter.

use crate::notify::{self, Notice, Topic};
use crate::store::Tx;

use super::Service;
use super::error::ServiceError;

/// A notification has so many lines at most; the archive has them all.
const LINES: usize = 20;

impl Service {
    /// A notification about a desk. Its primary contact is told besides those of the settings; `support`: the support
    /// contact as well.
    pub(super) fn notice(&self, topic: Topic, desk: &str, mut details: Vec<String>, support: bool) -> Notice {
        if details.len() > LINES {
            let more = details.len() - LINES;
            details.truncate(LINES);
            details.push(format!("and {more} more"));
        }
        let known = self.known(desk);
        let primary = known.and_then(|desk| desk.primary_contact.as_deref());
        let primary = self
            .config
            .people
            .iter()
            .find(|person| Some(person.name.as_str()) == primary);
        let mut also_to: Vec<String> = primary.and_then(|person| person.email.clone()).into_iter().collect();
        if support {
            also_to.extend(known.and_then(|desk| desk.support_contact.clone()));
        }
        Notice {
            topic,
            desk: desk.to_owned(),
            at: self.now(),
            backup: None,
            state: None,
            records: None,
            bytes: None,
            expires: None,
            details,
            also_to,
        }
    }

    /// Leaves a notification to be sent, in the transaction of what it tells of.
    pub(super) fn queue(&self, tx: &Tx<'_>, notice: &Notice) -> Result<(), ServiceError> {
        notify::queue(tx, &self.config.notify, notice)?;
        Ok(())
    }
}
