//! Ids as numbers, for what is remembered of a whole run.

use std::collections::hash_map::DefaultHasher;
use std::hash::{Hash, Hasher};

/// The id as a number: itself where it is one, as the desk's are; else its hash.
pub(crate) fn key(id: &str) -> u64 {
    number(id).unwrap_or_else(|| {
        let mut hasher = DefaultHasher::new();
        id.hash(&mut hasher);
        hasher.finish()
    })
}

/// The id as the number from which it can be written again.
pub(crate) fn number(id: &str) -> Option<u64> {
    let number: u64 = id.parse().ok()?;
    (number.to_string() == id).then_some(number)
}

#[cfg(test)]
mod tests {
    use super::{key, number};

    #[test]
    fn ids_are_told_apart() {
        assert_eq!(number("731500000004410237"), Some(731_500_000_004_410_237));
        for id in ["", "007", "+7", "7a", "99999999999999999999999"] {
            assert_eq!(number(id), None, "{id}");
            assert_ne!(key(id), key("7"), "{id}");
        }
    }
}
