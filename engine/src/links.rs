//! Signed links to archives: whoever has one may download that archive until the link dies, and nothing else. Pure but for
//! the key, which is given.
//!
//! `<base>/archives/<number>?expires=<seconds since 1970>&signature=<43 characters>`, where the base is that of the
//! configuration or `deskvault:`. A link is read in exactly the form in which it is made: every other one is refused, so
//! that no two texts are the same link.

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use plugin_api::Timestamp;

use crate::key::Key;
use crate::quota::second_words;

#[cfg(test)]
mod tests;

/// What the key signs when it signs links.
const PURPOSE: &str = "link";
/// The base of links where the configuration names none.
const BASE: &str = "deskvault:";
/// Bytes of a signature.
const SIGNATURE: usize = 32;
/// What follows the base has no more bytes than this.
const LONGEST: usize = 160;

/// A link whose signature is right and that has not died.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Link {
    /// The backup whose archive may be downloaded. Whether it is still there, the store knows.
    pub backup: u64,
    /// From when on the link is dead.
    pub expires: Timestamp,
}

/// Why a link opens nothing.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum LinkError {
    /// It is none.
    #[error("this is no link to an archive of this deskvault: copy it whole, from `{base}` to its last character")]
    NoLink {
        /// How one begins.
        base: String,
    },
    /// It was changed, or made by another installation.
    #[error("the link was changed, or another installation made it: ask for a new one")]
    Signature,
    /// It is dead.
    #[error("the link has expired on {}: ask for a new one", second_words(*at))]
    Expired {
        /// When it died.
        at: Timestamp,
    },
    /// The archive, or the time that was asked for, is over before a link could be used.
    #[error("a link cannot be made that dies on {}: that is past", second_words(*at))]
    Past {
        /// When it would die.
        at: Timestamp,
    },
}

/// Makes a link. It dies at `until`, or with the archive where that is earlier; `base` is the configuration's `link_url`.
/// Also gives the moment of its death, to the whole second before.
pub fn make(
    key: &Key,
    base: Option<&str>,
    backup: u64,
    archive_expires: Option<Timestamp>,
    until: Timestamp,
    now: Timestamp,
) -> Result<(String, Timestamp), LinkError> {
    let until = archive_expires.map_or(until, |expires| expires.min(until));
    let seconds = u64::try_from(until.micros().div_euclid(1_000_000)).unwrap_or_default();
    let expires = moment(seconds);
    if expires <= now {
        return Err(LinkError::Past { at: expires });
    }
    let signature = URL_SAFE_NO_PAD.encode(key.sign(PURPOSE, &signed(backup, seconds)));
    let base = bases(base)[0];
    let link = format!("{base}/archives/{backup}?expires={seconds}&signature={signature}");
    Ok((link, expires))
}

/// Reads a link and checks it. `base` is the configuration's `link_url`; links without it are taken as well, also from
/// their path on, as a web page sees them.
pub fn check(key: &Key, base: Option<&str>, link: &str, now: Timestamp) -> Result<Link, LinkError> {
    let (backup, seconds, signature) = parse(base, link).ok_or_else(|| LinkError::NoLink {
        base: bases(base)[0].to_owned(),
    })?;
    if !key.check(PURPOSE, &signed(backup, seconds), &signature) {
        return Err(LinkError::Signature);
    }
    let expires = moment(seconds);
    if now >= expires {
        return Err(LinkError::Expired { at: expires });
    }
    Ok(Link { backup, expires })
}

/// How links begin: as the configuration says, else by our own scheme.
fn bases(base: Option<&str>) -> [&str; 2] {
    [base.map_or(BASE, |base| base.trim_end_matches('/')), BASE]
}

/// The number, the seconds and the signature.
fn parse(base: Option<&str>, link: &str) -> Option<(u64, u64, [u8; SIGNATURE])> {
    let below = bases(base).into_iter().find_map(|base| link.strip_prefix(base));
    let below = below.unwrap_or(link);
    if below.len() > LONGEST {
        return None;
    }
    let (backup, query) = below.strip_prefix("/archives/")?.split_once("?expires=")?;
    let (seconds, signature) = query.split_once("&signature=")?;
    // Bits behind the last byte must be zero, else two texts would be one signature: this decoder insists on it.
    let signature = URL_SAFE_NO_PAD.decode(signature).ok()?;
    Some((number(backup)?, number(seconds)?, signature.try_into().ok()?))
}

/// A number as we write it: no sign, no zero before it.
fn number(text: &str) -> Option<u64> {
    text.parse().ok().filter(|number: &u64| number.to_string() == text)
}

fn signed(backup: u64, seconds: u64) -> [u8; 16] {
    let mut bytes = [0; 16];
    bytes[..8].copy_from_slice(&backup.to_be_bytes());
    bytes[8..].copy_from_slice(&seconds.to_be_bytes());
    bytes
}

fn moment(seconds: u64) -> Timestamp {
    // Later than any moment that there is: as late as can be.
    Timestamp::from_micros(i64::try_from(seconds).unwrap_or(i64::MAX).saturating_mul(1_000_000))
}
