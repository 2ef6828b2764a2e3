//! What is wrong with a configuration, with the place where.

use std::fmt;

/// One thing that is wrong.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Problem {
    /// The line, counted from 1.
    pub line: usize,
    /// The character of that line, counted from 1.
    pub column: usize,
    /// What is wrong, and what to do. It never holds a secret.
    pub message: String,
}

/// Everything that is wrong with one file, in the order of the file. As text: one line for each.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Problems {
    /// The file, as it is named in messages.
    pub file: String,
    /// At least one.
    pub list: Vec<Problem>,
}

impl fmt::Display for Problems {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (index, problem) in self.list.iter().enumerate() {
            let end = if index == 0 { "" } else { "\n" };
            let Problem { line, column, message } = problem;
            write!(f, "{end}{}:{line}:{column}: {message}", self.file)?;
        }
        Ok(())
    }
}

impl std::error::Error for Problems {}

/// Problems by byte offset, as they are found.
#[derive(Default)]
pub(super) struct Found(Vec<(usize, String)>);

impl Found {
    pub(super) fn add(&mut self, offset: usize, message: impl Into<String>) {
        self.0.push((offset, message.into()));
    }

    pub(super) fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// Sorts them and finds their lines, in one pass over `text`: there may be many of both.
    pub(super) fn locate(mut self, file: String, text: &str) -> Problems {
        self.0.sort();
        let (mut line, mut column, mut at) = (1, 1, 0);
        let mut list = Vec::with_capacity(self.0.len());
        for (offset, message) in self.0 {
            let until = (at..=offset.min(text.len()))
                .rev()
                .find(|end| text.is_char_boundary(*end))
                .unwrap_or(at);
            for character in text[at..until].chars() {
                (line, column) = if character == '\n' {
                    (line + 1, 1)
                } else {
                    (line, column + 1)
                };
            }
            at = until;
            list.push(Problem { line, column, message });
        }
        Problems { file, list }
    }
}
