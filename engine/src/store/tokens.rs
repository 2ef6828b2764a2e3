//! API tokens, by their hashes alone.

use plugin_api::Timestamp;
use rusqlite::params;

use super::backups::changed;
use super::fields::{Fields, key, moment};
use super::{StoreError, Tx, View};
use crate::people::Token;

impl View<'_> {
    /// The token of this hash, also where it is revoked or has expired.
    pub fn token_by_hash(&self, hash: &str) -> Result<Option<Token>, StoreError> {
        self.row("token", "SELECT * FROM tokens WHERE hash = $1", [hash], token)
    }

    /// A token by its number.
    pub fn token(&self, id: u64) -> Result<Option<Token>, StoreError> {
        self.row("token", "SELECT * FROM tokens WHERE id = $1", [key(id)], token)
    }

    /// All tokens, in the order in which they were made.
    pub fn tokens(&self) -> Result<Vec<Token>, StoreError> {
        self.rows("token", "SELECT * FROM tokens ORDER BY id", [], token)
    }
}

impl Tx<'_> {
    /// A token is made; `hash` is that of its secret, which the store never sees.
    pub fn add_token(
        &self,
        person: &str,
        label: &str,
        hash: &str,
        created: Timestamp,
        expires: Timestamp,
    ) -> Result<u64, StoreError> {
        let id = self.next_number("token")?;
        self.run(
            "INSERT INTO tokens (id, person, label, hash, created, expires) VALUES ($1, $2, $3, $4, $5, $6)",
            params![
                key(id),
                person,
                label,
                hash,
                moment("created", created)?,
                moment("expires", expires)?
            ],
        )?;
        Ok(id)
    }

    /// A token holds no more. [`StoreError::Conflict`] where there is none, or it was revoked before.
    pub fn revoke_token(&self, id: u64, at: Timestamp) -> Result<(), StoreError> {
        let revoked = self.run(
            "UPDATE tokens SET revoked = $1 WHERE id = $2 AND revoked IS NULL",
            params![moment("revoked", at)?, key(id)],
        )?;
        changed(revoked, || format!("there is no token {id} that could be revoked"))
    }
}

fn token(row: &Fields<'_>) -> Result<Token, StoreError> {
    Ok(Token {
        id: row.number("id")?,
        person: row.text("person")?,
        label: row.text("label")?,
        created: row.time("created")?,
        expires: row.time("expires")?,
        revoked: row.optional_time("revoked")?,
    })
}
