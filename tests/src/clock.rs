//! A clock that a test holds: it stands, runs at a rate, or jumps, and all processes of the test see the same time.
//!
//! [`TestClock`] writes it into a file; [`FileClock`] reads it there, in `deskvault-under-test`.

use std::fs::File;
use std::os::unix::fs::FileExt as _;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{SystemTime, UNIX_EPOCH};

use engine::clock::Clock;
use plugin_api::Timestamp;

/// The environment variable that names the clock's file.
pub const VARIABLE: &str = "DESKVAULT_TEST_CLOCK";

/// From where the time runs. All in microseconds since 1970.
#[derive(Clone, Copy, Debug)]
struct Course {
    /// What the clock said,
    time: i64,
    /// when the machine's clock said this.
    since: i64,
    /// Seconds of the clock in a second of the machine; 0: it stands.
    rate: u32,
}

impl Course {
    fn now(self) -> i64 {
        self.time + (machine() - self.since).max(0) * i64::from(self.rate)
    }

    fn read(text: &str) -> Option<Self> {
        let mut words = text.split_whitespace();
        Some(Self {
            time: words.next()?.parse().ok()?,
            since: words.next()?.parse().ok()?,
            rate: words.next()?.parse().ok()?,
        })
    }
}

fn machine() -> i64 {
    let since = SystemTime::now().duration_since(UNIX_EPOCH).expect("a time after 1970");
    i64::try_from(since.as_micros()).expect("a time of our days")
}

/// The clock of a test.
pub struct TestClock {
    file: PathBuf,
    course: Mutex<Course>,
}

impl TestClock {
    /// A clock that stands at a moment, as RFC 3339 has it. Its file is put into `folder`.
    ///
    /// # Panics
    /// Where it is no moment, or the file can't be written.
    pub fn standing(folder: &Path, at: &str) -> Arc<Self> {
        let course = Course {
            time: moment(at).micros(),
            since: machine(),
            rate: 0,
        };
        let clock = Self {
            file: folder.join("clock"),
            course: Mutex::new(course),
        };
        clock.write(course);
        Arc::new(clock)
    }

    /// Its file, for [`VARIABLE`].
    pub fn file(&self) -> &Path {
        &self.file
    }

    /// Puts it forward to a moment, where it stands.
    ///
    /// # Panics
    /// Where that would put it back.
    pub fn stand_at(&self, at: Timestamp) {
        self.put(at, 0);
    }

    /// Puts it forward to a moment, from where it runs.
    ///
    /// # Panics
    /// Where that would put it back.
    pub fn run_from(&self, at: Timestamp, rate: u32) {
        self.put(at, rate);
    }

    /// Has it stand at a moment, also at an earlier one, as no good clock does.
    ///
    /// # Panics
    /// Where its file can't be written.
    pub fn jump_to(&self, at: Timestamp) {
        let mut course = self.course.lock().unwrap_or_else(PoisonError::into_inner);
        *course = Course {
            time: at.micros(),
            since: machine(),
            rate: 0,
        };
        self.write(*course);
    }

    /// Stops it where it is; another process may have seen some microseconds more.
    pub fn stand(&self) -> Timestamp {
        let mut course = self.course.lock().unwrap_or_else(PoisonError::into_inner);
        let now = course.now();
        *course = Course {
            time: now,
            since: machine(),
            rate: 0,
        };
        self.write(*course);
        Timestamp::from_micros(now)
    }

    fn put(&self, at: Timestamp, rate: u32) {
        let mut course = self.course.lock().unwrap_or_else(PoisonError::into_inner);
        let now = Timestamp::from_micros(course.now());
        assert!(at >= now, "the clock is at {now}, and {at} is before that");
        *course = Course {
            time: at.micros(),
            since: machine(),
            rate,
        };
        self.write(*course);
    }

    /// In its place: who has it open may not be able to open another.
    fn write(&self, course: Course) {
        let Course { time, since, rate } = course;
        let file = File::options()
            .create(true)
            .write(true)
            .truncate(false)
            .open(&self.file);
        let line = format!("{time:>20} {since:>20} {rate:>12}\n");
        file.and_then(|file| file.write_all_at(line.as_bytes(), 0))
            .expect("the clock's file");
    }
}

impl Clock for TestClock {
    fn now(&self) -> Timestamp {
        let course = self.course.lock().unwrap_or_else(PoisonError::into_inner);
        Timestamp::from_micros(course.now())
    }
}

/// Bytes of what is in the file.
const LENGTH: usize = 55;

/// The same clock, in another process, which may have been shut in since it opened it.
pub struct FileClock {
    file: File,
}

impl FileClock {
    /// The clock that [`VARIABLE`] names, if it is set.
    pub fn of_environment() -> Option<Self> {
        Some(Self::open(Path::new(&std::env::var_os(VARIABLE)?)))
    }

    fn open(file: &Path) -> Self {
        Self {
            file: File::open(file).expect("the clock's file"),
        }
    }

    fn read(&self) -> [u8; LENGTH] {
        let mut bytes = [0; LENGTH];
        self.file.read_exact_at(&mut bytes, 0).expect("the clock's file");
        bytes
    }
}

impl Clock for FileClock {
    fn now(&self) -> Timestamp {
        // It is written all the time: what is the same twice is whole.
        let mut bytes = self.read();
        loop {
            let again = self.read();
            if again == bytes {
                break;
            }
            bytes = again;
        }
        let text = std::str::from_utf8(&bytes).expect("the clock's file");
        Timestamp::from_micros(Course::read(text).expect("the clock's file").now())
    }
}

/// A moment, as RFC 3339 has it.
///
/// # Panics
/// Where it is none.
pub fn moment(text: &str) -> Timestamp {
    Timestamp::parse(text).unwrap_or_else(|| panic!("no moment: {text}"))
}

#[cfg(test)]
mod tests {
    use engine::clock::Clock as _;

    use super::{FileClock, TestClock, moment};

    #[test]
    fn both_sides_see_the_same_time() {
        let folder = tempfile::tempdir().expect("a folder");
        let clock = TestClock::standing(folder.path(), "2026-03-02T08:00:00Z");
        let other = FileClock::open(clock.file());
        assert_eq!(
            (clock.now(), other.now()),
            (moment("2026-03-02T08:00:00Z"), clock.now())
        );
        clock.stand_at(moment("2026-03-29T01:00:00Z"));
        assert_eq!(other.now(), moment("2026-03-29T01:00:00Z"));
        clock.run_from(moment("2026-03-29T02:00:00Z"), 3600);
        let (before, between, after) = (clock.now(), other.now(), clock.now());
        assert!(before <= between && between <= after, "{before} {between} {after}");
        // It runs: it comes to a moment that is a tenth of a second away.
        while other.now() < moment("2026-03-29T02:06:00Z") {
            std::thread::yield_now();
        }
        let stands = clock.stand();
        assert_eq!((clock.now(), other.now()), (stands, stands));
    }
}
