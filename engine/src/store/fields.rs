//! Rows as they come from the database: every value is checked when it is read, because what is in the file is hostile
//! until then.

use std::path::Path;

use plugin_api::Timestamp;
use rusqlite::types::ValueRef;
use serde::Serialize;
use serde::de::value::{Error as WordError, StrDeserializer};
use serde::de::{DeserializeOwned, IntoDeserializer as _};

use super::StoreError;

/// A row, of what it is known where it is: errors name the place.
pub(super) struct Fields<'r> {
    pub(super) file: &'r Path,
    /// What a row is, e.g. `backup`.
    pub(super) what: &'static str,
    pub(super) row: &'r rusqlite::Row<'r>,
}

impl Fields<'_> {
    pub(super) fn text(&self, field: &str) -> Result<String, StoreError> {
        self.optional_text(field)?.ok_or_else(|| self.missing(field))
    }

    pub(super) fn optional_text(&self, field: &str) -> Result<Option<String>, StoreError> {
        match self.value(field)? {
            ValueRef::Null => Ok(None),
            ValueRef::Text(bytes) => match str::from_utf8(bytes) {
                Ok(text) => Ok(Some(text.to_owned())),
                Err(_) => Err(self.wrong(field, "is not UTF-8 text")),
            },
            other => Err(self.wrong(field, format!("is not text but {}", other.data_type()))),
        }
    }

    pub(super) fn number(&self, field: &str) -> Result<u64, StoreError> {
        self.optional_number(field)?.ok_or_else(|| self.missing(field))
    }

    pub(super) fn optional_number(&self, field: &str) -> Result<Option<u64>, StoreError> {
        let whole = self.whole(field)?;
        let number = |number| u64::try_from(number).map_err(|_| self.wrong(field, format!("is negative ({number})")));
        whole.map(number).transpose()
    }

    pub(super) fn time(&self, field: &str) -> Result<Timestamp, StoreError> {
        self.optional_time(field)?.ok_or_else(|| self.missing(field))
    }

    pub(super) fn optional_time(&self, field: &str) -> Result<Option<Timestamp>, StoreError> {
        let time = self.whole(field)?.map(Timestamp::from_micros);
        match time {
            Some(time) if !is_of_this_era(time) => {
                Err(self.wrong(field, format!("is no time of the years 0000 to 9999 ({time})")))
            }
            time => Ok(time),
        }
    }

    /// One of the words of an enumeration.
    pub(super) fn word<T: DeserializeOwned>(&self, field: &str) -> Result<T, StoreError> {
        self.optional_word(field)?.ok_or_else(|| self.missing(field))
    }

    pub(super) fn optional_word<T: DeserializeOwned>(&self, field: &str) -> Result<Option<T>, StoreError> {
        let text = self.optional_text(field)?;
        let read = |text: String| {
            let words: StrDeserializer<'_, WordError> = text.as_str().into_deserializer();
            T::deserialize(words).map_err(|error| self.wrong(field, format!("is not known ({error})")))
        };
        text.map(read).transpose()
    }

    pub(super) fn json<T: DeserializeOwned>(&self, field: &str) -> Result<T, StoreError> {
        serde_json::from_str(&self.text(field)?).map_err(|error| self.wrong(field, format!("cannot be read ({error})")))
    }

    /// Yes or no.
    pub(super) fn flag(&self, field: &str) -> Result<bool, StoreError> {
        match self.number(field)? {
            0 => Ok(false),
            1 => Ok(true),
            other => Err(self.wrong(field, format!("is neither 0 nor 1 ({other})"))),
        }
    }

    /// Two values of which there are both or none.
    pub(super) fn both<A, B>(
        &self,
        field: &str,
        first: Option<A>,
        second: Option<B>,
    ) -> Result<Option<(A, B)>, StoreError> {
        match (first, second) {
            (Some(first), Some(second)) => Ok(Some((first, second))),
            (None, None) => Ok(None),
            _ => Err(self.wrong(field, "lacks its other half")),
        }
    }

    pub(super) fn wrong(&self, field: &str, why: impl Into<String>) -> StoreError {
        // What it is called by is read without further ado: this is for people.
        let id = ["id", "number"]
            .iter()
            .find_map(|name| self.row.get::<_, i64>(*name).ok());
        StoreError::Value {
            file: self.file.to_owned(),
            place: id.map_or_else(|| self.what.to_owned(), |id| format!("{} {id}", self.what)),
            field: field.to_owned(),
            why: why.into(),
        }
    }

    fn missing(&self, field: &str) -> StoreError {
        self.wrong(field, "is missing")
    }

    fn whole(&self, field: &str) -> Result<Option<i64>, StoreError> {
        match self.value(field)? {
            ValueRef::Null => Ok(None),
            ValueRef::Integer(number) => Ok(Some(number)),
            other => Err(self.wrong(field, format!("is not a whole number but {}", other.data_type()))),
        }
    }

    fn value(&self, field: &str) -> Result<ValueRef<'_>, StoreError> {
        self.row
            .get_ref(field)
            .map_err(|error| self.wrong(field, format!("cannot be read ({error})")))
    }
}

/// A moment as it is kept. One that could not be read again is not written.
pub(super) fn moment(field: &str, time: Timestamp) -> Result<i64, StoreError> {
    if is_of_this_era(time) {
        Ok(time.micros())
    } else {
        Err(StoreError::Unwritable {
            field: field.to_owned(),
            why: format!("{time} is no time of the years 0000 to 9999"),
        })
    }
}

/// [`moment`], where there may be none.
pub(super) fn moment_of(field: &str, time: Option<Timestamp>) -> Result<Option<i64>, StoreError> {
    time.map(|time| moment(field, time)).transpose()
}

/// A number by which something is looked for: one that is too large for the database was never given to anything.
pub(super) fn key(id: u64) -> i64 {
    i64::try_from(id).unwrap_or(i64::MAX)
}

/// Yes or no as it is kept.
pub(super) fn flag(is: bool) -> i64 {
    i64::from(is)
}

/// An amount as it is kept.
pub(super) fn amount(field: &str, amount: u64) -> Result<i64, StoreError> {
    i64::try_from(amount).map_err(|_| StoreError::Unwritable {
        field: field.to_owned(),
        why: format!("{amount} is too large"),
    })
}

/// A value as JSON that reads as the same value again.
pub(super) fn json<T: Serialize + DeserializeOwned + PartialEq>(field: &str, value: &T) -> Result<String, StoreError> {
    let unwritable = |why: String| StoreError::Unwritable {
        field: field.to_owned(),
        why,
    };
    let text = serde_json::to_string(value).map_err(|error| unwritable(error.to_string()))?;
    match serde_json::from_str::<T>(&text) {
        Ok(again) if again == *value => Ok(text),
        Ok(_) => Err(unwritable(format!("it would be read as another value from {text}"))),
        Err(error) => Err(unwritable(format!("it could not be read from {text}: {error}"))),
    }
}

/// The word of an enumeration's value.
pub(super) fn word<T: Serialize>(field: &str, value: &T) -> Result<String, StoreError> {
    match serde_json::to_value(value) {
        Ok(serde_json::Value::String(word)) => Ok(word),
        other => Err(StoreError::Unwritable {
            field: field.to_owned(),
            why: format!("it is no word: {other:?}"),
        }),
    }
}

/// Whether RFC 3339 can write it.
fn is_of_this_era(time: Timestamp) -> bool {
    Timestamp::parse(&time.to_string()) == Some(time)
}
