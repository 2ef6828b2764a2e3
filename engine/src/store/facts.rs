//! Facts: a text by its name, for what needs no table.

use super::{StoreError, Tx, View};

impl View<'_> {
    /// The fact of this name.
    pub fn fact(&self, name: &str) -> Result<Option<String>, StoreError> {
        self.row("fact", "SELECT content FROM facts WHERE name = $1", [name], |row| {
            row.text("content")
        })
    }
}

impl Tx<'_> {
    /// Keeps a fact, in place of what it was before.
    pub fn set_fact(&self, name: &str, content: &str) -> Result<(), StoreError> {
        self.run(
            "INSERT INTO facts (name, content) VALUES ($1, $2)
             ON CONFLICT (name) DO UPDATE SET content = excluded.content",
            [name, content],
        )?;
        Ok(())
    }

    /// Forgets a fact, if there is one.
    pub fn forget_fact(&self, name: &str) -> Result<(), StoreError> {
        self.run("DELETE FROM facts WHERE name = $1", [name])?;
        Ok(())
    }
}
