//! Watches the configuration's file: has somebody changed it, and is done with it?

use std::fs;
use std::os::unix::fs::MetadataExt as _;
use std::path::Path;
use std::time::{Duration, Instant};

/// How long a file must stay as it is before it is taken: an editor may write it in several steps, and half of a file may
/// be a configuration too, with half of the desks.
const SETTLED: Duration = Duration::from_millis(900);

/// What tells two states of a file apart without reading it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Stamp {
    /// The file: device, inode, length, and when it was last changed, in seconds and nanoseconds.
    File(u64, u64, u64, i64, i64),
    /// There is none that could be looked at.
    None,
}

impl Stamp {
    /// That of a file now; links are followed.
    pub(super) fn of(file: &Path) -> Self {
        match fs::metadata(file) {
            Ok(found) => Self::File(found.dev(), found.ino(), found.len(), found.mtime(), found.mtime_nsec()),
            Err(_) => Self::None,
        }
    }
}

/// Looks at a file again and again.
#[derive(Debug)]
pub(super) struct Watch {
    /// As it was when it was last read.
    read: Stamp,
    /// As it was seen to be since, and when that was first seen.
    seen: Option<(Stamp, Instant)>,
}

impl Watch {
    /// For a file that was read when it was like this.
    pub(super) fn new(read: Stamp) -> Self {
        Self { read, seen: None }
    }

    /// Whether it is to be read again, seen from `now`. Says so once for each change.
    pub(super) fn changed(&mut self, stamp: Stamp, now: Instant) -> bool {
        // A file that is away is on its way: who replaces one by another may remove it first.
        if stamp == self.read || stamp == Stamp::None {
            self.seen = None;
            return false;
        }
        match &self.seen {
            Some((seen, since)) if *seen == stamp => {
                if now.duration_since(*since) < SETTLED {
                    return false;
                }
                *self = Self::new(stamp);
                true
            }
            _ => {
                self.seen = Some((stamp, now));
                false
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use std::fs;
    use std::time::{Duration, Instant};

    use super::{Stamp, Watch};

    fn stamp(length: u64) -> Stamp {
        Stamp::File(1, 2, length, 3, 4)
    }

    #[test]
    fn is_read_again_when_it_has_settled() {
        let start = Instant::now();
        let mut watch = Watch::new(stamp(1));
        for (seconds, seen, again) in [
            (0, stamp(1), false),
            (1, stamp(2), false), // changed
            (2, stamp(3), false), // and still being written
            (3, stamp(3), true),
            (4, stamp(3), false), // told once
            (5, Stamp::None, false),
            (9, Stamp::None, false), // away is no change
            (10, stamp(3), false),
            (11, stamp(4), false),
            (12, stamp(3), false), // back as it was
            (13, stamp(3), false),
            (14, stamp(4), false),
            (15, Stamp::None, false),
            (16, stamp(4), false), // counted anew
            (17, stamp(4), true),
        ] {
            assert_eq!(
                watch.changed(seen.clone(), start + Duration::from_secs(seconds)),
                again,
                "{seconds}: {seen:?}"
            );
        }
    }

    #[test]
    fn a_file_that_was_replaced_by_one_of_the_same_length_differs() {
        let home = tempfile::tempdir().unwrap();
        let (file, other) = (home.path().join("a"), home.path().join("b"));
        assert_eq!(Stamp::of(&file), Stamp::None);
        fs::write(&file, "one").unwrap();
        let first = Stamp::of(&file);
        assert_eq!(Stamp::of(&file), first);
        fs::write(&other, "two").unwrap();
        fs::rename(&other, &file).unwrap();
        assert_ne!(Stamp::of(&file), first);
    }
}
