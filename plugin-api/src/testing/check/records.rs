//! A desk without records, and records that are not as they were.

use std::collections::BTreeSet;

use serde_json::Value as Json;

use super::compare::{bad_key, difference, rows_without_unknown};
use super::{Suite, sample};
use crate::testing::fake_desk::FakeDesk;
use crate::testing::mutate::{UNKNOWN_VALUE, emptied, keys_of, with_unknown_keys, without_key};
use crate::testing::reply::Reply;
use crate::{ErrorKind, Exporter, Source};

/// Keys that are taken away, one at a time.
const MOST_KEYS: usize = 48;

impl<E: Exporter, F: Fn() -> E> Suite<'_, F> {
    pub(super) fn empty_desk(&self) {
        let lists = match &self.desk.empty {
            Some(empty) => {
                let empty = std::sync::Arc::clone(empty);
                self.desk.with(move |request, _| empty(request))
            }
            None => self.desk.with(|_, reply| {
                let empty = reply.to_value().as_ref().and_then(emptied);
                match empty {
                    Some(empty) => reply.with_body(empty.to_string()),
                    None => reply,
                }
            }),
        };
        let nothing = self.desk.with(|_, reply| {
            let empty = reply.to_value().as_ref().and_then(emptied);
            if empty.is_some() { Reply::empty() } else { reply }
        });
        for (when, desk) in [("empty lists", lists), ("204 for every list", nothing)] {
            let run = self.run(&desk, &self.job());
            if !self.no_crash("empty desk", when, &run) {
                continue;
            }
            let advice = "a desk without records is no error: write nothing and return Ok (a fake desk whose empty \
                          answers look otherwise says so with empty_with())";
            if let Err(error) = &run.result {
                self.found("empty desk", format!("{when}: {:?}: {error}", error.kind), advice);
            } else if let Some((table, key)) = run.unread().first() {
                self.found(
                    "empty desk",
                    format!("{when}: {table} {key:?} is told as unread"),
                    advice,
                );
            }
        }
    }

    /// The desk with every JSON answer changed.
    fn changed(&self, change: impl Fn(&mut Json) + Send + Sync + 'static) -> FakeDesk {
        self.desk.with(move |_, reply| match reply.to_value() {
            Some(mut value) => {
                change(&mut value);
                reply.with_body(value.to_string())
            }
            None => reply,
        })
    }

    pub(super) fn unknown_keys(&self) {
        const ADVICE: &str = "desks get new fields at any time: pass over what you don't know (no deny_unknown_fields), \
                              and give the table a column for the rest";
        // Reading and writing JSON again may change how numbers look: both sides go through it.
        let plain = self.run(&self.changed(|_| {}), &self.job());
        let run = self.run(&self.changed(with_unknown_keys), &self.job());
        if !self.no_crash("unknown keys", "new keys in every record", &run) {
            return;
        }
        if let Err(error) = &run.result {
            self.found(
                "unknown keys",
                format!("new keys in every record: {:?}: {error}", error.kind),
                ADVICE,
            );
            return;
        }
        self.same_columns("new keys in every record", &run);
        if let Some(what) = difference(&rows_without_unknown(&plain), &rows_without_unknown(&run)) {
            self.found("unknown keys", format!("new keys in every record: {what}"), ADVICE);
        }
        for table in &self.tables {
            let rest = table.columns.iter().position(|column| column.source == Source::Rest);
            let (Some(rest), Some(rows)) = (rest, run.table(&table.name)) else {
                continue;
            };
            let lost = |row: &Vec<_>| {
                row.get(rest)
                    .is_none_or(|field| !format!("{field}").contains(UNKNOWN_VALUE))
            };
            if let Some(at) = rows.rows.iter().position(lost) {
                let (name, column) = (&table.name, &table.columns[rest].name);
                let what = format!(
                    "a new key of a record is not in the column {column:?} of table {name}, row {}",
                    at + 1
                );
                self.found(
                    "unknown keys",
                    what,
                    "write the desk's own record with out.record() or out.record_with()",
                );
            }
        }
    }

    pub(super) fn missing_keys(&self) {
        let mut keys = BTreeSet::new();
        for (_, reply) in &self.asked {
            if let Some(value) = reply.to_value() {
                keys_of(&value, &mut keys);
            }
        }
        let keys: Vec<_> = keys.into_iter().collect();
        for at in sample(keys.len(), MOST_KEYS) {
            let key = keys[at].clone();
            let when = format!("without the key {key:?}");
            let run = self.run(&self.changed(move |value| without_key(value, &key)), &self.job());
            if !self.no_crash("missing keys", &when, &run) {
                continue;
            }
            let advice =
                "where a key is needed, return ExportError::decode with the record's name; where not, an Option";
            match &run.result {
                Ok(()) => {
                    if let Some(what) = bad_key(&run) {
                        self.found("missing keys", format!("{when}: {what}"), advice);
                    }
                }
                Err(error) if error.kind == ErrorKind::Decode => {}
                Err(error) => {
                    let what = format!("{when}: it ended with {:?} in place of Decode: {error}", error.kind);
                    self.found("missing keys", what, advice);
                }
            }
        }
    }
}
