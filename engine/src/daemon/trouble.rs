//! Errors that come again and again, as from a disk that is full: told when they come, when they change, and now and then.

use std::error::Error;
use std::time::{Duration, Instant};

/// How often an error that stays the same is told.
const AGAIN: Duration = Duration::from_mins(10);

/// What is wrong with one thing that is tried again and again.
#[derive(Debug, Default)]
pub(super) struct Trouble {
    told: Option<(String, Instant)>,
}

impl Trouble {
    /// The value, or an error that is logged if it is worth telling. `what` is half a sentence.
    pub(super) fn look<T, E: Error>(&mut self, what: &str, outcome: Result<T, E>) -> Option<T> {
        match outcome {
            Ok(value) => {
                if self.told.take().is_some() {
                    tracing::info!("no longer: {what}");
                }
                Some(value)
            }
            Err(error) => {
                let error = crate::chain(&error);
                if self.is_news(&error, Instant::now()) {
                    tracing::error!("{what}: {error}");
                }
                None
            }
        }
    }

    fn is_news(&mut self, error: &str, now: Instant) -> bool {
        if let Some((told, at)) = &self.told
            && told == error
            && now.duration_since(*at) < AGAIN
        {
            return false;
        }
        self.told = Some((error.to_owned(), now));
        true
    }
}

#[cfg(test)]
mod tests {
    use std::io;
    use std::time::{Duration, Instant};

    use super::Trouble;

    #[test]
    fn the_same_is_told_now_and_then() {
        let mut trouble = Trouble::default();
        let start = Instant::now();
        for (seconds, error, news) in [
            (0, "full", true),
            (1, "full", false),
            (2, "broken", true),
            (3, "full", true),
            (602, "full", false),
            (603, "full", true),
            (604, "full", false),
        ] {
            assert_eq!(
                trouble.is_news(error, start + Duration::from_secs(seconds)),
                news,
                "{seconds} {error}"
            );
        }
        assert_eq!(trouble.look("x", Ok::<_, io::Error>(7)), Some(7));
        assert!(
            trouble.is_news("full", start + Duration::from_secs(605)),
            "it had gone in between"
        );
    }
}
