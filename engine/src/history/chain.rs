//! The chain: what an entry's hash is made of, what the seal is, and how tampering is found. Pure.
//!
//! An entry's hash covers the entry and the hash of the one before it, so that nothing can be altered, taken out or put in
//! without all later hashes being other ones. Whoever may write the database can make them anew; for that there is the
//! seal: how many entries there are and the hash of the last, signed with the key of the installation. Whoever has the key
//! as well (it lies beside the database) is found by a head that somebody wrote down elsewhere: `history verify --head`.

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize, Serializer};
use sha2::{Digest as _, Sha256};

use crate::archive::Digest;
use crate::key::Key;

use super::Happening;

/// Findings that are listed; the others are counted.
const LISTED: usize = 100;
/// What the key signs a seal for.
const PURPOSE: &str = "history seal";

/// What a hash is made of, besides the hash before it.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Link<'a> {
    pub(crate) number: u64,
    /// Microseconds since 1970-01-01T00:00:00Z.
    pub(crate) at: i64,
    pub(crate) desk: Option<&'a str>,
    pub(crate) user: &'a str,
    pub(crate) via: &'a str,
    /// What happened, the JSON as it is kept.
    pub(crate) what: &'a str,
}

impl Link<'_> {
    /// The hash of an entry that follows one with the hash `previous`.
    ///
    /// SHA-256 over `deskvault history 1` and a line feed, `previous`, number and time as 8 bytes each (the highest first),
    /// then desk, user, via and what: each the number of its bytes as 8 bytes, then these. Before the desk goes a byte 1; where
    /// there is none, a byte 0 stands for it.
    pub(crate) fn hash(&self, previous: Digest) -> Digest {
        let mut hash = Sha256::new_with_prefix(b"deskvault history 1\n");
        hash.update(previous.0);
        hash.update(self.number.to_be_bytes());
        hash.update(self.at.to_be_bytes());
        let add = |hash: &mut Sha256, text: &str| {
            hash.update((text.len() as u64).to_be_bytes());
            hash.update(text);
        };
        hash.update([u8::from(self.desk.is_some())]);
        if let Some(desk) = self.desk {
            add(&mut hash, desk);
        }
        add(&mut hash, self.user);
        add(&mut hash, self.via);
        add(&mut hash, self.what);
        Digest(hash.finalize().into())
    }
}

/// An entry as it is kept, not yet understood.
#[derive(Clone, Debug)]
pub(crate) struct Raw {
    pub(crate) number: u64,
    pub(crate) at: i64,
    pub(crate) desk: Option<String>,
    pub(crate) user: String,
    pub(crate) via: String,
    pub(crate) what: String,
    pub(crate) previous: Digest,
    pub(crate) hash: Digest,
}

impl Raw {
    fn link(&self) -> Link<'_> {
        Link {
            number: self.number,
            at: self.at,
            desk: self.desk.as_deref(),
            user: &self.user,
            via: &self.via,
            what: &self.what,
        }
    }
}

/// How far a history goes: the number of its entries, and the hash of the last. As text `COUNT:HASH`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Head {
    /// Entries so far.
    pub entries: u64,
    /// The hash of the last; zeros where there is none.
    pub hash: Digest,
}

impl Head {
    /// That of a history without entries.
    pub const EMPTY: Self = Self {
        entries: 0,
        hash: Digest([0; 32]),
    };
}

impl fmt::Display for Head {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}:{}", self.entries, self.hash)
    }
}

impl FromStr for Head {
    type Err = &'static str;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let wrong = "a head is COUNT:HASH as `history verify` prints it: a number, a colon, and 64 hexadecimal digits";
        let (entries, hash) = text.trim().split_once(':').ok_or(wrong)?;
        let entries = entries.parse().map_err(|_| wrong)?;
        let hash = Digest::parse(&hash.to_ascii_lowercase()).ok_or(wrong)?;
        Ok(Self { entries, hash })
    }
}

impl Serialize for Head {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

/// A head, signed.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Seal {
    pub(crate) head: Head,
    pub(crate) signature: Digest,
}

impl Seal {
    pub(crate) fn sign(head: Head, key: &Key) -> Self {
        let signature = Digest(key.sign(PURPOSE, &Self::signed(head)));
        Self { head, signature }
    }

    pub(crate) fn is_signed(&self, key: &Key) -> bool {
        key.check(PURPOSE, &Self::signed(self.head), &self.signature.0)
    }

    fn signed(head: Head) -> [u8; 40] {
        let mut bytes = [0; 40];
        bytes[..8].copy_from_slice(&head.entries.to_be_bytes());
        bytes[8..].copy_from_slice(&head.hash.0);
        bytes
    }
}

/// Why a history cannot be gone on with.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, thiserror::Error)]
#[serde(rename_all = "snake_case")]
pub enum SealFault {
    /// There is none.
    #[error("no seal")]
    Missing,
    /// It has values that deskvault does not write.
    #[error("a seal that cannot be read")]
    Unreadable,
    /// It was altered, or signed with another key.
    #[error("a seal that does not fit {}", crate::key::FILE)]
    Unfit,
    /// There are entries behind the one that was sealed as the last.
    #[error("entries that are not sealed")]
    Unsealed,
}

impl SealFault {
    /// It, in Japanese.
    pub fn japanese(self) -> &'static str {
        match self {
            Self::Missing => "封印がありませんでした",
            Self::Unreadable => "封印を読み取れませんでした",
            Self::Unfit => "封印が鍵と一致しませんでした",
            Self::Unsealed => "封印されていない記録がありました",
        }
    }
}

/// What is wrong with a history.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, thiserror::Error)]
#[serde(tag = "finding", rename_all = "snake_case")]
pub enum Finding {
    /// An entry's hash is not the one of what it says.
    #[error("entry {number} was altered, or stands in another's place: its hash is not that of what it says")]
    Altered {
        /// The entry.
        number: u64,
    },
    /// An entry has a value that deskvault does not write.
    #[error("{why}: it was altered")]
    Unreadable {
        /// What and where.
        why: String,
    },
    /// Entries are gone.
    #[error("{} missing", entries(*.first, *.last, "is", "are"))]
    Missing {
        /// The first.
        first: u64,
        /// The last.
        last: u64,
    },
    /// Two neighbours do not belong together.
    #[error(
        "entry {number} does not follow entry {}: one of them was altered or put in, or what was between them was taken out",
        .number.saturating_sub(1)
    )]
    NotFollowing {
        /// The later one.
        number: u64,
    },
    /// An entry has a number that there cannot be.
    #[error("entry {number} has a number that there cannot be: it was put in")]
    Stray {
        /// Its number.
        number: u64,
    },
    /// There are more entries than were sealed.
    #[error("{} not sealed: put in past deskvault", entries(*.first, *.last, "is", "are"))]
    Unsealed {
        /// The first.
        first: u64,
        /// The last.
        last: u64,
    },
    /// The seal is for another last entry.
    #[error("entry {number} is not the one that was sealed as the last")]
    OtherHead {
        /// The last entry.
        number: u64,
    },
    /// Somebody has gone on with a history whose seal was not in order.
    #[error("entry {number} sealed the history anew, as it had {fault}: what was before it may have been altered")]
    Resealed {
        /// The entry that says so.
        number: u64,
        /// What was wrong.
        fault: SealFault,
    },
    /// The seal itself is not in order, and says nothing of the end of the history.
    #[error("the seal {why}: nobody can tell whether entries are missing at the end")]
    Seal {
        /// What is wrong with it.
        why: String,
    },
    /// The history is not the one of which somebody wrote the head down.
    #[error("the head that was noted is {noted}, but {}", match .found {
        Some(found) => format!("the hash of entry {} is now {found}", .noted.entries),
        None => format!("there is no entry {} any more", .noted.entries),
    })]
    Noted {
        /// What was noted.
        noted: Head,
        /// The hash that entry has now.
        found: Option<Digest>,
    },
}

/// `entry 4 is`, `entries 4 to 6 are`.
fn entries(first: u64, last: u64, one: &str, several: &str) -> String {
    if first == last {
        format!("entry {first} {one}")
    } else {
        format!("entries {first} to {last} {several}")
    }
}

/// What the verification of a history gave.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Verified {
    /// Entries that are there, and the hash of the last: for an auditor to write down.
    pub head: Head,
    /// What is wrong with it; empty: nothing was altered, and nothing is missing.
    pub findings: Vec<Finding>,
    /// Findings beyond those that are listed.
    pub more: u64,
}

impl Verified {
    /// Of a history that was never begun.
    pub(crate) fn of_nothing(noted: Option<Head>) -> Self {
        let noted = noted.filter(|noted| *noted != Head::EMPTY);
        Self {
            head: Head::EMPTY,
            findings: noted
                .map(|noted| Finding::Noted { noted, found: None })
                .into_iter()
                .collect(),
            more: 0,
        }
    }

    /// Whether nothing is wrong with it.
    pub fn is_whole(&self) -> bool {
        self.findings.is_empty()
    }
}

/// Verifies entry after entry.
pub(crate) struct Verifier {
    noted: Option<Head>,
    /// The hash that the noted entry has.
    found: Option<Digest>,
    /// The number of entries, and the last that was seen.
    read: u64,
    last: Head,
    /// Whether the last entry could be read: otherwise the next has nothing to be compared with.
    is_known: bool,
    findings: Vec<Finding>,
    more: u64,
}

impl Verifier {
    pub(crate) fn new(noted: Option<Head>) -> Self {
        Self {
            noted,
            found: noted.filter(|noted| noted.entries == 0).map(|_| Head::EMPTY.hash),
            read: 0,
            last: Head::EMPTY,
            is_known: true,
            findings: Vec::new(),
            more: 0,
        }
    }

    /// The next entry, in the order of numbers.
    pub(crate) fn entry(&mut self, entry: &Raw) {
        self.read += 1;
        let number = entry.number;
        if number <= self.last.entries {
            return self.find(Finding::Stray { number });
        }
        let follows = number == self.last.entries + 1;
        if !follows {
            self.missing(number);
        }
        if entry.link().hash(entry.previous) != entry.hash {
            self.find(Finding::Altered { number });
        } else if follows && self.is_known && entry.previous != self.last.hash {
            self.find(Finding::NotFollowing { number });
        }
        if let Some(fault) = resealed(&entry.what) {
            self.find(Finding::Resealed { number, fault });
        }
        if self.noted.is_some_and(|noted| noted.entries == number) {
            self.found = Some(entry.hash);
        }
        self.is_known = true;
        self.last = Head {
            entries: number,
            hash: entry.hash,
        };
    }

    /// The next entry, which cannot be read; its number, if that much can be.
    pub(crate) fn unreadable(&mut self, number: Option<u64>, why: String) {
        self.read += 1;
        self.find(Finding::Unreadable { why });
        if let Some(number) = number.filter(|number| *number > self.last.entries) {
            self.missing(number);
            self.last.entries = number;
        }
        self.is_known = false;
    }

    /// All entries were read; this is the seal, or why it cannot be read.
    pub(crate) fn finish(mut self, seal: Result<Option<Seal>, String>, key: &Key) -> Verified {
        let last = self.last.entries;
        match seal {
            Err(why) => self.find(Finding::Seal {
                why: format!("was altered ({why})"),
            }),
            Ok(None) => self.find(Finding::Seal {
                why: "was taken out".into(),
            }),
            Ok(Some(seal)) if !seal.is_signed(key) => self.find(Finding::Seal {
                why: format!("was altered, or {} is not the key it was made with", crate::key::FILE),
            }),
            Ok(Some(Seal { head, .. })) if head.entries > last => self.missing(head.entries + 1),
            Ok(Some(Seal { head, .. })) if head.entries < last => self.find(Finding::Unsealed {
                first: head.entries + 1,
                last,
            }),
            Ok(Some(Seal { head, .. })) if self.is_known && head.hash != self.last.hash => {
                self.find(Finding::OtherHead { number: last });
            }
            Ok(Some(_)) => {}
        }
        if let Some(noted) = self.noted
            && self.found != Some(noted.hash)
        {
            let found = self.found;
            self.find(Finding::Noted { noted, found });
        }
        Verified {
            head: Head {
                entries: self.read,
                hash: self.last.hash,
            },
            findings: self.findings,
            more: self.more,
        }
    }

    /// Those between the last one and this number are missing.
    fn missing(&mut self, number: u64) {
        let first = self.last.entries + 1;
        if first < number {
            self.find(Finding::Missing {
                first,
                last: number - 1,
            });
        }
    }

    fn find(&mut self, finding: Finding) {
        if self.findings.len() < LISTED {
            self.findings.push(finding);
        } else {
            self.more += 1;
        }
    }
}

/// Whether an entry tells that the history was sealed anew, and why it had to be.
fn resealed(what: &str) -> Option<SealFault> {
    // The kind comes first in what deskvault writes; the others need not be understood.
    if !what.starts_with("{\"kind\":\"resealed\"") {
        return None;
    }
    match serde_json::from_str(what) {
        Ok(Happening::Resealed { fault, .. }) => Some(fault),
        _ => Some(SealFault::Unreadable),
    }
}
