//! Doors for the fuzz targets (see `fuzz/`): bytes in, nothing out. Each leads to a parser that reads what others wrote, as it
//! is used. None may panic, whatever the bytes.
//!
//! Not for others: this module may change at any time.

use std::io::Write as _;
use std::path::Path;
use std::sync::Mutex;

use tokio_util::sync::CancellationToken;

use crate::archive::{self, Manifest};
use crate::backup::Checkpoint;
use crate::config::Config;
use crate::plugins;
use crate::progress::Silent;

/// A configuration's text.
pub fn configuration(bytes: &[u8]) {
    let parsed = Config::parse("fuzzed.toml", bytes, Path::new("/nowhere"));
    if let Err(problems) = parsed {
        // What is wrong with it is told to people.
        assert!(!problems.to_string().is_empty());
    }
}

/// An archive's manifest.
pub fn manifest(bytes: &[u8]) {
    let Ok(manifest) = Manifest::parse(bytes) else { return };
    // What was read can be written, and is then the same.
    let text = serde_json::to_vec(&manifest).unwrap_or_default();
    assert_eq!(Manifest::parse(&text).ok().as_ref(), Some(&manifest));
}

/// An archive, whole.
pub fn archive(bytes: &[u8]) {
    with_file(bytes, |path| {
        let report = archive::verify(path, &|_, _| {}, &CancellationToken::new());
        let manifest = archive::manifest(path);
        if report.is_ok_and(|report| report.is_sound()) {
            assert!(manifest.is_ok(), "a sound archive has a manifest");
        }
    });
}

/// The record of a checkpoint, as a backup's process or the store gives it.
pub fn checkpoint(bytes: &[u8]) {
    let Ok(checkpoint) = serde_json::from_slice::<Checkpoint>(bytes) else {
        return;
    };
    let text = serde_json::to_vec(&checkpoint).unwrap_or_default();
    assert_eq!(serde_json::from_slice::<Checkpoint>(&text).ok(), Some(checkpoint));
}

/// What a backup's process says to the daemon.
pub fn pipe(bytes: &[u8]) {
    crate::daemon::hear(bytes, &Silent);
}

/// A file that may be a plugin.
pub fn plugin(bytes: &[u8]) {
    with_file(bytes, |path| drop(plugins::inspect_file(path)));
}

/// Has a file with these bytes, where a parser takes none.
fn with_file(bytes: &[u8], use_it: impl FnOnce(&Path)) {
    static FILE: Mutex<()> = Mutex::new(());
    let _one_at_a_time = FILE.lock();
    let Ok(mut file) = tempfile::NamedTempFile::new() else {
        return;
    };
    if file.write_all(bytes).is_ok() {
        use_it(file.path());
    }
}
