//! Reading once more, at the end of a backup, what could not be read before.
//!
//! The rows that come of it follow those of the first export, in the order in which the records were named: the same records
//! give the same archive, also where it was interrupted in between, because then all of it is done over.

use std::sync::{Arc, mpsc};
use std::time::Duration;

use plugin_api::{Job, Wanted};

use super::cause::Cause;
use super::checkpoint::Unread;
use super::error::BackupError;
use super::module::Shop;
use super::verdict::{cause, passes};
use super::watch::{Running, watch};
use crate::archive::Writer;
use crate::connection::Connection;
use crate::progress::Progress;

/// Has the unread records of all modules that can do it read once more, and closes their tables. `job` makes the job of a
/// module. Where the backup `may_go_on` in another run, a fault that passes is given back, and nothing is closed.
pub(super) fn read_again(
    running: &mut Running,
    job: impl Fn(&str) -> Job,
    (connection, archive): (&Connection, &Arc<Writer>),
    (patience, may_go_on): (Duration, bool),
    progress: &dyn Progress,
) -> Result<Option<(Cause, String)>, BackupError> {
    let (sender, ended) = mpsc::channel();
    let limit = Arc::clone(&running.limit);
    let mut asked: Vec<(usize, Vec<Unread>)> = Vec::new();
    for (place, module) in running.modules.iter_mut().enumerate() {
        let unread = module.again();
        if unread.is_empty() {
            continue;
        }
        tracing::info!(
            module = module.name,
            records = unread.len(),
            "reads once more what could not be read"
        );
        let mut job = job(&module.name);
        job.only = unread.iter().map(wanted).collect();
        let shop = Shop {
            connection,
            archive,
            limit: &limit,
            ended: sender.clone(),
        };
        module
            .start(place, job, &shop, unread.clone())
            .map_err(BackupError::System)?;
        asked.push((place, unread));
    }
    watch(running, &ended, patience, progress, false)?;
    let mut passing = None;
    let places: Vec<usize> = asked.iter().map(|(place, _)| *place).collect();
    for (place, unread) in asked {
        let module = &mut running.modules[place];
        let Some((outcome, left)) = &mut module.ended else {
            continue;
        };
        if let Err(error) = outcome {
            let why = crate::plugins::describe(error);
            let is_cut = limit.is_reached();
            if passes(error) && !is_cut {
                passing.get_or_insert_with(|| (cause(error), format!("module {}: {why}", module.name)));
            } else {
                let remark = format!("what could not be read was tried again, which broke off: {why}");
                left.said.remarks.push(remark);
            }
            // Which of them were read by then, nobody said.
            left.said.unread = unread;
            *outcome = Ok(());
        } else if left.cut.is_some() {
            left.said.unread = unread;
        }
    }
    if passing.is_none() || !may_go_on {
        for place in places {
            running.modules[place].keep_end(false)?;
        }
        passing = None;
    }
    Ok(passing)
}

fn wanted(unread: &Unread) -> Wanted {
    Wanted {
        table: unread.table.clone(),
        key: vec![unread.key.clone()],
    }
}
