//! Passwords: argon2id hashes in PHC form, made by [`hash`], kept in the configuration, looked at by [`login`].
//!
//! A hash may have been made elsewhere. [`check`] says whether it can be used: too weak a one would not protect the
//! password, and the parameters of too strong a one would take the machine's memory each time somebody tries to log in.

use argon2::password_hash::phc::PasswordHash;
use argon2::{Algorithm, Argon2, Params, Version};
use sha2::{Digest as _, Sha256};
use subtle::ConstantTimeEq as _;

use super::Person;

/// The fewest characters of a password.
pub const SHORTEST: usize = 12;
/// The most bytes of a password. Hashing reads them all, and nobody types as many.
pub const LONGEST: usize = 1024;

/// The most memory that a hash may ask for, in KiB.
const MOST_MEMORY: u32 = 256 << 10;
/// The most work that a hash may ask for: KiB of memory, times passes over it. About a second.
const MOST_WORK: u64 = 1 << 20;
/// The most lanes.
const MOST_LANES: u32 = 16;
/// Memory in KiB and passes that protect a password alike, by OWASP's cheat sheet on storing passwords. A hash has at
/// least what one of these has.
const ENOUGH: [(u32, u32); 5] = [(47_104, 1), (19_456, 2), (12_288, 3), (9_216, 4), (7_168, 5)];
/// What the hashes made here have.
const OURS: (u32, u32, u32) = (19_456, 2, 1);
/// Bytes of salt and of the hash itself, in those made here.
const SALT: usize = 16;
const HASH: usize = 32;

/// Why there is no hash.
#[derive(Debug, thiserror::Error)]
pub enum PasswordError {
    /// Too short.
    #[error("the password has {characters} characters, and {SHORTEST} are the least: take a longer one")]
    Short {
        /// What it has.
        characters: usize,
    },
    /// Too long.
    #[error("the password has more than {LONGEST} bytes: take a shorter one")]
    Long,
    /// The system gives no random bytes.
    #[error("the system gives no random bytes: {0}")]
    Random(#[source] getrandom::Error),
    /// It cannot be hashed.
    #[error("the password cannot be hashed: {0}")]
    Hash(argon2::Error),
}

/// Hashes a password, with a new salt.
pub fn hash(password: &str) -> Result<String, PasswordError> {
    let characters = password.chars().count();
    if characters < SHORTEST {
        return Err(PasswordError::Short { characters });
    }
    if password.len() > LONGEST {
        return Err(PasswordError::Long);
    }
    let mut salt = [0; SALT];
    getrandom::fill(&mut salt).map_err(PasswordError::Random)?;
    Known::ours(&salt).make(password).map_err(PasswordError::Hash)
}

/// Whether a hash can be used. The error is half a sentence that says why not, and never shows it.
pub fn check(hash: &str) -> Result<(), String> {
    Known::read(hash).map(|_| ())
}

/// The person of this name, if this is their password. It takes as long where there is no such person, or none with a
/// password, so that nobody learns names by trying.
///
/// It takes tens of milliseconds and 19 MiB by design; whoever offers it to a network bounds how many run at one time.
pub fn login<'a>(people: &'a [Person], name: &str, password: &str) -> Option<&'a Person> {
    let person = people.iter().find(|person| person.name == name);
    let known = person
        .and_then(|person| person.password_hash.as_deref())
        .and_then(|hash| Known::read(hash).ok());
    if let Some(known) = known {
        return person.filter(|_| known.verify(password));
    }
    // The work of somebody's hash, always the same one for a name: a name that is not there looks like one that is,
    // even where the hashes differ in what they cost.
    let others: Vec<Known> = people
        .iter()
        .filter_map(|person| Known::read(person.password_hash.as_deref()?).ok())
        .collect();
    let place = Sha256::digest(name).first().map_or(0, |byte| usize::from(*byte)) % others.len().max(1);
    let pretended = others.into_iter().nth(place).unwrap_or_else(|| Known::ours(&[0; SALT]));
    // Its answer does not matter, and must not: this name has no password.
    std::hint::black_box(pretended.verify(password));
    None
}

/// A hash whose parameters are within bounds.
struct Known {
    params: Params,
    salt: Vec<u8>,
    hash: Vec<u8>,
}

impl Known {
    /// One to be made, or to pretend with: its hash is nobody's.
    fn ours(salt: &[u8]) -> Self {
        let (memory, passes, lanes) = OURS;
        Self {
            params: Params::new(memory, passes, lanes, Some(HASH)).unwrap_or_default(),
            salt: salt.to_vec(),
            hash: vec![0; HASH],
        }
    }

    fn read(text: &str) -> Result<Self, String> {
        let make = "make one by `deskvault user hash`";
        // Longer than any that is within the bounds below.
        if text.len() > 300 {
            return Err(format!("it is too long to be a password's hash: {make}"));
        }
        let parsed = PasswordHash::new(text).map_err(|_| format!("it is no password's hash in PHC form: {make}"))?;
        if parsed.algorithm.as_str() != "argon2id" {
            return Err(format!("it is not made by argon2id, which alone is taken: {make}"));
        }
        if parsed.version != Some(19) {
            return Err(format!("it is not made by version 19 of argon2id: {make}"));
        }
        // What else it may say (keyid, data) would need what is not here.
        let number = |name: &str| parsed.params.get_decimal(name);
        let (Some(memory), Some(passes), Some(lanes), 3) =
            (number("m"), number("t"), number("p"), parsed.params.iter().count())
        else {
            return Err(format!("its parameters are not m, t and p: {make}"));
        };
        if memory > MOST_MEMORY || u64::from(memory) * u64::from(passes) > MOST_WORK || lanes > MOST_LANES {
            return Err(format!(
                "it takes too much memory or time to be checked (m={memory},t={passes},p={lanes}): {make}"
            ));
        }
        if !ENOUGH
            .iter()
            .any(|&(least_memory, least_passes)| memory >= least_memory && passes >= least_passes)
        {
            return Err(format!(
                "it is too easily broken (m={memory},t={passes},p={lanes}): {make}"
            ));
        }
        let (Some(salt), Some(hash)) = (parsed.salt, parsed.hash) else {
            return Err(format!("it has no salt or no hash: {make}"));
        };
        if salt.len() < 8 || hash.len() < 16 {
            return Err(format!("its salt or its hash is too short: {make}"));
        }
        Ok(Self {
            params: Params::new(memory, passes, lanes, Some(hash.len()))
                .map_err(|error| format!("its parameters cannot be used ({error}): {make}"))?,
            salt: salt.to_vec(),
            hash: hash.as_bytes().to_vec(),
        })
    }

    fn compute(&self, password: &str) -> Result<Vec<u8>, argon2::Error> {
        let mut made = vec![0; self.hash.len()];
        Argon2::new(Algorithm::Argon2id, Version::V0x13, self.params.clone()).hash_password_into(
            password.as_bytes(),
            &self.salt,
            &mut made,
        )?;
        Ok(made)
    }

    fn make(&self, password: &str) -> Result<String, argon2::Error> {
        use base64::Engine as _;
        let base64 = |bytes: &[u8]| base64::engine::general_purpose::STANDARD_NO_PAD.encode(bytes);
        let (memory, passes, lanes) = (self.params.m_cost(), self.params.t_cost(), self.params.p_cost());
        let (salt, hash) = (base64(&self.salt), base64(&self.compute(password)?));
        Ok(format!("$argon2id$v=19$m={memory},t={passes},p={lanes}${salt}${hash}"))
    }

    /// In a time that does not depend on how much of it is right. What is too long to be a password is cut off before
    /// it costs anything, and is wrong.
    fn verify(&self, password: &str) -> bool {
        let within = password.len() <= LONGEST;
        let made = self.compute(if within { password } else { "" });
        made.is_ok_and(|made| within & bool::from(made.ct_eq(&self.hash)))
    }
}
