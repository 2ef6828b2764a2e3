//! Which backups are allowed: kinds and their limits. Pure: what was and what time it is are arguments.
//!
//! Start at [`Limits`]; a function for each rule says why not in a [`Refusal`].

mod refusal;
#[cfg(test)]
mod tests;
mod words;

use std::collections::BTreeMap;
use std::time::Duration;

use plugin_api::{Kind, Range, Timestamp};
use serde::{Deserialize, Serialize};

pub use refusal::Refusal;
pub(crate) use refusal::action_japanese;
pub use words::{kind_name, second_words, words};

/// The limits, as the configuration sets them.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Limits {
    /// How long after the start of a full backup no other one may start; 0: any number.
    pub full_every: Duration,
    /// The longest range of a custom backup; 0: any range.
    pub custom_range: Duration,
    /// Records in one backup at most.
    pub records: u64,
    /// Which kinds an edition may use.
    pub editions: Editions,
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            full_every: Duration::from_hours(30 * 24),
            custom_range: Duration::from_hours(31 * 24),
            records: 10_000_000,
            editions: Editions::default(),
        }
    }
}

/// Which kinds of backup an edition may use. One that is not named may use all.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Editions(pub BTreeMap<String, Vec<Kind>>);

/// Whether a full backup of the desk may start `now`. `last`: when the last one was started, of those that count (it is
/// running or has, or had, an archive). A clock that jumped back behind `last` opens no door.
pub fn full(limits: &Limits, desk: &str, last: Option<Timestamp>, now: Timestamp) -> Result<(), Refusal> {
    let Some(last) = last.filter(|_| !limits.full_every.is_zero()) else {
        return Ok(());
    };
    let opens = later(last, limits.full_every);
    if now >= opens {
        return Ok(());
    }
    let desk = desk.to_owned();
    Err(Refusal::FullTooSoon { desk, last, opens })
}

/// Whether a custom backup may have this range.
pub fn custom(limits: &Limits, range: Range) -> Result<(), Refusal> {
    let parts = split(limits, range).len();
    if parts == 1 {
        return Ok(());
    }
    Err(Refusal::RangeTooLong {
        range,
        most_seconds: limits.custom_range.as_secs(),
        parts: parts as u64,
    })
}

/// Cuts a range into the fewest equal parts that [`custom`] lets pass, in order: each begins where the one before ends.
/// They differ by a day at most where whole days can be equal enough, else by a second; the longer ones come first.
pub fn split(limits: &Limits, range: Range) -> impl ExactSizeIterator<Item = Range> + DoubleEndedIterator + use<> {
    // Wider than a Timestamp: the two ends of time lie further apart than an i64 can tell.
    let start = i128::from(range.from.micros());
    let length = i128::from(range.to.micros()) - start;
    let most = i128::try_from(limits.custom_range.as_micros()).unwrap_or(i128::MAX);
    let parts = if most == 0 || length <= most {
        1
    } else {
        length.div_euclid(most) + i128::from(length.rem_euclid(most) > 0)
    };
    // Microseconds always fit, the fewest parts being what they are.
    let unit = [DAY, SECOND, 1]
        .into_iter()
        .find(|unit| length % unit == 0 && (length / unit + parts - 1) / parts * unit <= most)
        .unwrap_or(1);
    let (each, longer) = (length / unit / parts, length / unit % parts);
    let bound = move |part: usize| {
        let part = part as i128;
        match i64::try_from(start + (each * part + longer.min(part)) * unit) {
            Ok(micros) if part < parts => Timestamp::from_micros(micros),
            _ => range.to,
        }
    };
    (0..usize::try_from(parts).unwrap_or(usize::MAX)).map(move |part| Range {
        from: bound(part),
        to: bound(part + 1),
    })
}

/// Whether a desk of this edition may make a backup of this kind. `edition` is as the desk names it, in any case.
pub fn edition(editions: &Editions, edition: &str, kind: Kind) -> Result<(), Refusal> {
    let named = editions
        .0
        .iter()
        .find(|(name, _)| name.trim().eq_ignore_ascii_case(edition.trim()));
    match named {
        Some((_, kinds)) if !kinds.contains(&kind) => Err(Refusal::Edition {
            edition: edition.trim().to_owned(),
            kind,
        }),
        _ => Ok(()),
    }
}

/// Whether a backup may start with so many bytes free: as many as the last one of its kind took at its peak, `last`, and a
/// quarter more. Without a last one nothing is known, and any room will do.
pub fn room(last: Option<u64>, free: u64) -> Result<(), Refusal> {
    let need = last.map_or(0, |last| last.saturating_add(last.div_ceil(4)));
    if free < need {
        return Err(Refusal::Room { need, free });
    }
    Ok(())
}

/// When an archive that was made at this moment expires.
pub fn expires(made: Timestamp, after: Duration) -> Timestamp {
    later(made, after)
}

/// So long after a moment, or the end of time.
fn later(moment: Timestamp, by: Duration) -> Timestamp {
    let by = i64::try_from(by.as_micros()).unwrap_or(i64::MAX);
    Timestamp::from_micros(moment.micros().saturating_add(by))
}

/// Microseconds.
const SECOND: i128 = 1_000_000;
const DAY: i128 = 86_400 * SECOND;
