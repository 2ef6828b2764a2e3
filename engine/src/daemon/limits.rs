//! What the process of a backup may have: memory, files, no more rights than it was started with. It gives these limits to
//! itself before it does anything else, and can't take them back.
//!
//! How many processes there may be (`RLIMIT_NPROC`) is left alone: the system counts those of the user, not those of this
//! process, so that a limit would hit the daemon's other backups. What a plugin could start, the sandbox forbids.

use rustix::process::{Resource, Rlimit, getrlimit, setrlimit};
use rustix::thread::set_no_new_privs;

use crate::config::Daemon;

/// The largest file: far beyond any archive, and short of what would fill any disk.
const LARGEST_FILE: u64 = 4 << 40;

/// Limits this process, and all that it may start. The error names the limit that the system refuses.
pub(super) fn apply(daemon: &Daemon) -> Result<(), String> {
    set_no_new_privs(true).map_err(|error| format!("the system refuses to rule out new privileges: {error}"))?;
    for (name, resource, most) in [
        ("memory", Resource::Data, daemon.memory),
        ("open_files", Resource::Nofile, daemon.open_files),
        // Records would be in it.
        ("core dumps", Resource::Core, 0),
        ("the size of files", Resource::Fsize, LARGEST_FILE),
    ] {
        limit(resource, most).map_err(|error| format!("the system refuses a limit of {most} for {name}: {error}"))?;
    }
    Ok(())
}

/// Never above what the process has been given.
fn limit(resource: Resource, most: u64) -> rustix::io::Result<()> {
    let given = getrlimit(resource);
    let most = Some(given.maximum.map_or(most, |given| given.min(most)));
    setrlimit(
        resource,
        Rlimit {
            current: most,
            maximum: most,
        },
    )
}
