//! The keys of an object, looked up by what followed the last time: the records of a list repeat the order of their keys.

use std::collections::HashMap;

use super::Node;
use crate::json::{Malformed, Piece};

/// Keys that no column takes and that are remembered all the same.
const MOST: usize = 1000;

/// Keys and what is to be done with their values.
#[derive(Debug, Default)]
pub(super) struct Keys {
    entries: Vec<Entry>,
    /// Where a key is among the entries.
    places: HashMap<Box<str>, usize>,
    /// The entry that came first in the last record.
    first: usize,
    /// The entry that was looked up last.
    before: Option<usize>,
}

#[derive(Debug)]
struct Entry {
    key: Box<str>,
    /// `None`: no column takes it.
    node: Option<Node>,
    /// The entry that followed it the last time.
    next: usize,
}

impl Keys {
    pub(super) fn is_empty(&self) -> bool {
        self.entries.iter().all(|entry| entry.node.is_none())
    }

    /// What is to be done with this key, to be arranged.
    pub(super) fn insert(&mut self, key: &str) -> &mut Node {
        let at = self.place(key).unwrap_or_else(|| self.add(key));
        self.entries[at].node.get_or_insert_default()
    }

    fn place(&self, key: &str) -> Option<usize> {
        self.places.get(key).copied()
    }

    fn add(&mut self, key: &str) -> usize {
        let at = self.entries.len();
        self.entries.push(Entry {
            key: key.into(),
            node: None,
            next: at + 1,
        });
        self.places.insert(key.into(), at);
        at
    }

    /// An object begins.
    pub(super) fn begin(&mut self) {
        self.before = None;
    }

    /// What is to be done with the next key of the object; `None`: no column takes it.
    #[inline]
    pub(super) fn get(&mut self, key: Piece<'_>) -> Result<Option<&mut Node>, Malformed> {
        let name = key.scalar()?.ok_or(Malformed)?;
        let guess = self.before.map_or(self.first, |before| self.entries[before].next);
        let is_right = self.entries.get(guess).is_some_and(|entry| *entry.key == *name);
        let found = if is_right { Some(guess) } else { self.place(&name) };
        let at = match found {
            Some(at) => at,
            None if self.entries.len() < MOST => self.add(&name),
            None => return Ok(None),
        };
        match self.before.replace(at) {
            Some(before) => self.entries[before].next = at,
            None => self.first = at,
        }
        Ok(self.entries[at].node.as_mut())
    }
}
