//! What is worth trying again, and when: the one place where that is decided for every kind of failure. Pure: attempt,
//! outcome, moment and chance come in, a decision goes out. What an error code of Zoho Desk means is in `zoho::judge`.

use std::time::Duration;

use chrono::{DateTime, NaiveDateTime, Utc};

use super::settings::Limits;

/// What the outcome of one try means for the next.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Class {
    /// Another try would end the same: a success, or a refusal.
    Final,
    /// A failure that tends to pass: no connection, a body that broke off, 408, 502, 503, 504.
    Passing,
    /// 500: as often a defect that the same request meets again, hence only a few tries.
    Defect,
    /// The desk asks for fewer requests: 429, or 503 with `Retry-After`.
    Throttled,
    /// The token that the try was made with has ended: with a new one the same request is tried again at once.
    Outdated,
    /// The credits of the day are spent: the same request is tried again when there are others, which is seen to elsewhere.
    Spent,
}

/// How often a request is tried again for a token that has ended. A token may end between two tries; where new ones are
/// refused too, more of them do not help.
const RENEWALS: u32 = 2;

/// What can go wrong with a try besides a status.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Failure {
    /// The name of the host is not known, nobody listens, no connection came about in time, or TLS broke off.
    Connect,
    /// The desk's certificate is not trusted.
    Certificate,
    /// The answer broke off: reset, half a body, a wrong length, packed bytes that end early or are damaged, no HTTP.
    Broken,
    /// No whole answer in time.
    Late,
    /// The body has begun, and for too long nothing more of it came.
    Stalled,
    /// Text that is not the JSON it should be, whatever its status says: a page of a proxy, half of it, bytes that are no
    /// UTF-8.
    NotJson,
    /// The answer says of itself that it is larger than what is taken.
    TooLarge,
    /// More came than is taken, of an answer that did not say how large it is.
    Endless,
    /// Packed in a way that was not offered.
    Packed,
    /// It leads elsewhere, or in a circle.
    Redirect,
    /// The request itself can't be sent.
    Unsendable,
    /// No access token can be had for now.
    NoToken,
    /// No access token will be given.
    Refused,
}

impl Class {
    /// The meaning of what is no status.
    pub(super) fn of_failure(failure: Failure) -> Self {
        match failure {
            Failure::Connect
            | Failure::Broken
            | Failure::Late
            | Failure::Stalled
            | Failure::NotJson
            | Failure::NoToken => Self::Passing,
            Failure::Endless => Self::Defect,
            Failure::Certificate
            | Failure::TooLarge
            | Failure::Packed
            | Failure::Redirect
            | Failure::Unsendable
            | Failure::Refused => Self::Final,
        }
    }

    /// The meaning that HTTP gives a status.
    pub(super) fn of_status(status: u16, retry_after: Option<Duration>) -> Self {
        match status {
            429 => Self::Throttled,
            503 if retry_after.is_some() => Self::Throttled,
            408 | 502..=504 => Self::Passing,
            500 => Self::Defect,
            _ => Self::Final,
        }
    }
}

/// How one try ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Outcome {
    /// What it means.
    pub(super) class: Class,
    /// How long the desk asks to wait.
    pub(super) retry_after: Option<Duration>,
}

/// What to do after a try.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Decision {
    /// Hand the outcome to the exporter.
    Finish,
    /// Try again after this time.
    Again(Duration),
}

/// The rules of retrying.
#[derive(Clone, Copy, Debug)]
pub(super) struct Policy {
    /// Tries in all, the first included.
    pub(super) attempts: u32,
    /// Tries in all where the desk answers with 500.
    pub(super) defect_attempts: u32,
    /// Tries in all where the desk asks for fewer requests.
    pub(super) throttled_attempts: u32,
    /// The longest wait after the first try; it doubles with each further one.
    pub(super) first: Duration,
    /// The longest wait of our own choice.
    pub(super) longest: Duration,
    /// The longest `Retry-After` that is waited for. A longer one (a day's quota is spent) is the exporter's to
    /// know: the answer becomes final.
    pub(super) longest_retry_after: Duration,
    /// The wait where the accounts server gives no more access tokens for now.
    pub(super) token_wait: Duration,
}

impl Policy {
    /// The rules for connections with these limits.
    pub(super) fn new(limits: &Limits) -> Self {
        let attempts = limits.attempts.max(1);
        Self {
            attempts,
            defect_attempts: 3,
            throttled_attempts: attempts,
            first: limits.first_wait,
            longest: Duration::from_mins(1),
            longest_retry_after: Duration::from_mins(5),
            token_wait: limits.token_wait,
        }
    }

    /// What to do after try number `attempt` (from 1), not counting the `renewals` that were made for tokens that had
    /// ended. `jitter` is a number in `0.0..1.0`.
    ///
    /// The wait is a random part of an exponentially growing bound ("full jitter"), so that requests that failed
    /// together do not come back together. What the desk asks for is never undercut.
    pub(super) fn decide(&self, attempt: u32, renewals: u32, outcome: Outcome, jitter: f64) -> Decision {
        let attempts = match outcome.class {
            Class::Outdated if renewals < RENEWALS => return Decision::Again(Duration::ZERO),
            Class::Spent => return Decision::Again(Duration::ZERO),
            Class::Final | Class::Outdated => return Decision::Finish,
            Class::Defect => self.attempts.min(self.defect_attempts),
            Class::Passing => self.attempts,
            Class::Throttled => self.throttled_attempts,
        };
        if attempt >= attempts {
            return Decision::Finish;
        }
        let doubled = self
            .first
            .saturating_mul(1_u32.checked_shl(attempt - 1).unwrap_or(u32::MAX));
        let backoff = doubled.min(self.longest).mul_f64(jitter);
        match outcome.retry_after {
            Some(asked) if asked > self.longest_retry_after => Decision::Finish,
            Some(asked) => Decision::Again(backoff.max(asked + self.first.mul_f64(jitter))),
            None => Decision::Again(backoff),
        }
    }
}

/// Reads `Retry-After`: seconds, fractions rounded up, or a date. A date is measured against the desk's own `Date`, so that a clock
/// that is wrong, here or there, does not matter; against `now` where the desk sent none. `None` for what is neither.
pub(super) fn retry_after(value: &str, date: Option<&str>, now: DateTime<Utc>) -> Option<Duration> {
    let value = value.trim();
    // Fractions are not in the standard, but some send them.
    let (whole, fraction) = value.split_once('.').unwrap_or((value, ""));
    if !whole.is_empty() && [whole, fraction].concat().bytes().all(|byte| byte.is_ascii_digit()) {
        // More digits than fit: longer than anything that is waited for.
        let seconds: u64 = whole.parse().unwrap_or(u64::from(u32::MAX));
        let rest = u64::from(fraction.bytes().any(|digit| digit != b'0'));
        return Some(Duration::from_secs(seconds.saturating_add(rest)));
    }
    let until = http_date(value)?;
    let sent = date.and_then(http_date).unwrap_or(now);
    Some((until - sent).to_std().unwrap_or_default())
}

/// How far the clock of a desk whose answer has this `Date` is behind ours; zero where it is not, or says nothing. A date has
/// whole seconds, and the answer took its time: what is less than two counts for nothing.
pub(super) fn behind(date: Option<&str>, now: DateTime<Utc>) -> Duration {
    let behind = date.and_then(http_date).and_then(|date| (now - date).to_std().ok());
    behind.filter(|behind| behind.as_secs() >= 2).unwrap_or_default()
}

/// A date as HTTP writes it: today's form and the two that are obsolete but must be read (RFC 9110, 5.6.7).
fn http_date(text: &str) -> Option<DateTime<Utc>> {
    let text = text.trim();
    if text.len() > 64 {
        return None;
    }
    DateTime::parse_from_rfc2822(text)
        .map(|time| time.to_utc())
        .or_else(|_| NaiveDateTime::parse_from_str(text, "%A, %d-%b-%y %H:%M:%S GMT").map(|time| time.and_utc()))
        .or_else(|_| NaiveDateTime::parse_from_str(text, "%a %b %e %H:%M:%S %Y").map(|time| time.and_utc()))
        .ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    const NONE: Option<Duration> = None;

    fn policy(attempts: u32) -> Policy {
        Policy::new(&Limits {
            attempts,
            ..Limits::default()
        })
    }

    fn decide(attempt: u32, class: Class, retry_after: Option<u64>, jitter: f64) -> Option<u128> {
        let outcome = Outcome {
            class,
            retry_after: retry_after.map(Duration::from_secs),
        };
        match policy(6).decide(attempt, 0, outcome, jitter) {
            Decision::Finish => None,
            Decision::Again(wait) => Some(wait.as_millis()),
        }
    }

    #[test]
    fn only_what_may_pass_is_tried_again() {
        for status in 100..1000 {
            let expected = match status {
                429 => Class::Throttled,
                408 | 502 | 503 | 504 => Class::Passing,
                500 => Class::Defect,
                _ => Class::Final,
            };
            assert_eq!(Class::of_status(status, NONE), expected, "{status}");
        }
        assert_eq!(Class::of_status(503, Some(Duration::ZERO)), Class::Throttled);
        assert_eq!(Class::of_status(200, Some(Duration::ZERO)), Class::Final);
    }

    /// Every way in which a try can fail, and how often it is made in all: by the defaults, and as a Zoho Desk sets them.
    #[test]
    fn every_failure_has_its_tries() {
        use Failure::{
            Broken, Certificate, Connect, Endless, Late, NoToken, NotJson, Packed, Redirect, Refused, Stalled,
            TooLarge, Unsendable,
        };
        let failure = Class::of_failure;
        let status = |status| Class::of_status(status, NONE);
        let busy = Class::of_status(503, Some(Duration::from_secs(1)));
        let rows = [
            ("400 BAD_REQUEST", status(400), [1, 1]),
            ("401 of a token that has ended", Class::Outdated, [3, 3]),
            ("403", status(403), [1, 1]),
            ("404, a record that is gone", status(404), [1, 1]),
            ("405", status(405), [1, 1]),
            ("413", status(413), [1, 1]),
            ("415", status(415), [1, 1]),
            ("422", status(422), [1, 1]),
            ("429 TOO_MANY_REQUESTS", status(429), [6, 12]),
            ("429 THRESHOLD_EXCEEDED, which waits elsewhere", Class::Final, [1, 1]),
            ("500", status(500), [3, 5]),
            ("502", status(502), [6, 6]),
            ("503", status(503), [6, 6]),
            ("503 with Retry-After", busy, [6, 12]),
            ("504", status(504), [6, 6]),
            ("connection refused, DNS, a TLS handshake cut", failure(Connect), [6, 6]),
            ("an untrusted certificate", failure(Certificate), [1, 1]),
            ("reset, half a body, wrong length, cut gzip", failure(Broken), [6, 6]),
            ("no answer in time", failure(Late), [6, 6]),
            ("a body that stops", failure(Stalled), [6, 6]),
            ("a body without end", failure(Endless), [3, 5]),
            ("a body that says it is too large", failure(TooLarge), [1, 1]),
            ("HTML for JSON, half of it, no UTF-8", failure(NotJson), [6, 6]),
            ("a packing that was not offered", failure(Packed), [1, 1]),
            ("a redirect elsewhere", failure(Redirect), [1, 1]),
            ("a request that can't be sent", failure(Unsendable), [1, 1]),
            ("no token for now", failure(NoToken), [6, 6]),
            ("a refresh token that was revoked", failure(Refused), [1, 1]),
        ];
        let zoho = Policy {
            defect_attempts: 5,
            throttled_attempts: 12,
            ..policy(6)
        };
        for (name, class, expected) in rows {
            let tries = [policy(6), zoho].map(|policy| {
                let outcome = Outcome {
                    class,
                    retry_after: None,
                };
                let (mut attempt, mut renewals) = (1, 0);
                while let Decision::Again(_) = policy.decide(attempt, renewals, outcome, 0.5) {
                    if class == Class::Outdated {
                        renewals += 1;
                    } else {
                        attempt += 1;
                    }
                }
                attempt + renewals
            });
            assert_eq!(tries, expected, "{name}");
        }
    }

    #[test]
    fn waits_grow_are_bounded_and_end() {
        use Class::{Defect, Final, Passing, Throttled};
        for (attempt, class, asked, jitter, expected) in [
            (1, Final, None, 0.5, None),
            (1, Final, Some(1), 0.5, None),
            (1, Passing, None, 0.0, Some(0)),
            (1, Passing, None, 0.5, Some(500)),
            (2, Passing, None, 0.5, Some(1_000)),
            (5, Passing, None, 0.5, Some(8_000)),
            (6, Passing, None, 0.5, None),
            (2, Defect, None, 0.5, Some(1_000)),
            (3, Defect, None, 0.5, None),
            // Never before the moment that the desk named, and not all at that moment.
            (1, Throttled, Some(7), 0.0, Some(7_000)),
            (1, Throttled, Some(7), 0.5, Some(7_500)),
            (5, Throttled, Some(0), 0.5, Some(8_000)),
            (1, Throttled, Some(300), 0.0, Some(300_000)),
            (1, Throttled, Some(301), 0.0, None),
            (6, Throttled, Some(1), 0.0, None),
        ] {
            assert_eq!(
                decide(attempt, class, asked, jitter),
                expected,
                "{attempt} {class:?} {asked:?} {jitter}"
            );
        }
        let many = policy(u32::MAX);
        let passing = Outcome {
            class: Passing,
            retry_after: None,
        };
        for attempt in [7, 31, 32, 33, 64, 1_000_000] {
            let Decision::Again(wait) = many.decide(attempt, 0, passing, 0.999) else {
                panic!("attempt {attempt} is not the last")
            };
            assert!(wait <= many.longest && wait > many.longest / 2, "{attempt}: {wait:?}");
        }
        assert_eq!(policy(0).decide(1, 0, passing, 0.5), Decision::Finish);
        let outdated = Outcome {
            class: Class::Outdated,
            retry_after: None,
        };
        for (renewals, decision) in [
            (0, Decision::Again(Duration::ZERO)),
            (1, Decision::Again(Duration::ZERO)),
            (2, Decision::Finish),
        ] {
            assert_eq!(policy(1).decide(1, renewals, outdated, 0.5), decision, "{renewals}");
        }
    }

    #[test]
    fn a_clock_that_is_ahead_is_seen() {
        let now = http_date("Sun, 06 Nov 1994 08:49:37 GMT").unwrap();
        for (date, expected) in [
            (None, 0),
            (Some("half past nine"), 0),
            (Some("Sun, 06 Nov 1994 08:49:36 GMT"), 0),
            (Some("Sun, 06 Nov 1994 09:49:37 GMT"), 0),
            (Some("Sun, 06 Nov 1994 08:47:37 GMT"), 120),
        ] {
            assert_eq!(behind(date, now).as_secs(), expected, "{date:?}");
        }
    }

    #[test]
    fn retry_after_is_read_in_all_its_forms() {
        let now = http_date("Sun, 06 Nov 1994 08:49:37 GMT").unwrap();
        let skewed = Some("Sun, 06 Nov 1994 09:49:00 GMT");
        for (value, date, expected) in [
            ("0", None, Some(0)),
            ("120", None, Some(120)),
            (" 5 ", None, Some(5)),
            ("99999999999999999999999", None, Some(u64::from(u32::MAX))),
            ("Sun, 06 Nov 1994 08:50:37 GMT", None, Some(60)),
            ("Sunday, 06-Nov-94 08:50:37 GMT", None, Some(60)),
            ("Sun Nov  6 08:50:37 1994", None, Some(60)),
            // The desk's clock runs an hour ahead of ours; the wait is what the desk meant.
            ("Sun, 06 Nov 1994 09:49:30 GMT", skewed, Some(30)),
            // In the past: at once.
            ("Sun, 06 Nov 1994 08:49:30 GMT", None, Some(0)),
            ("Sun, 06 Nov 1994 08:49:47 GMT", Some("half past nine"), Some(10)),
            ("-5", None, None),
            ("1.5", None, Some(2)),
            ("1.0", None, Some(1)),
            ("0.001", None, Some(1)),
            (".5", None, None),
            ("1.5.5", None, None),
            ("1.-5", None, None),
            ("", None, None),
            ("soon", None, None),
            ("٣", None, None),
        ] {
            let read = retry_after(value, date, now).map(|wait| wait.as_secs());
            assert_eq!(read, expected, "{value:?} {date:?}");
        }
    }
}
