//! What a backup's process says on its standard output: JSON, an object a line. Progress, and as the last line how it
//! ended. Until it is checked it is taken for hostile: the process has plugins in it, which others wrote.

use std::fmt;
use std::io::{self, Write};
use std::sync::{Mutex, PoisonError};

use serde::{Deserialize, Serialize};

use crate::archive::ModuleState;
use crate::progress::{Event, Phase, Progress, Summary};
use crate::service::RunError;

/// The longest line, in bytes. The process keeps within it: see [`Mouth::end`].
const LONGEST: usize = 1 << 20;

/// A line. The events are those of [`Event`], which borrows.
#[derive(Debug, PartialEq, Deserialize)]
#[serde(tag = "event", rename_all = "snake_case")]
enum Line {
    ModuleStarted {
        module: String,
    },
    Module {
        module: String,
        rows: u64,
        expected: Option<u64>,
        bytes: u64,
        requests: u64,
        in_flight: u32,
        retries: u64,
        note: Option<String>,
    },
    ModuleEnded {
        module: String,
        state: ModuleState,
        reason: Option<String>,
    },
    Waiting {
        running: String,
    },
    Phase {
        name: Phase,
        done: u64,
        total: u64,
    },
    /// It goes on.
    Beat,
    /// The archive is published.
    End {
        summary: Box<Summary>,
    },
    /// There is no archive.
    Failed {
        error: RunError,
    },
}

/// The last line, as it is written.
#[derive(Serialize)]
#[serde(tag = "event", rename_all = "snake_case")]
enum Last<'a> {
    End { summary: &'a Summary },
    Failed { error: &'a RunError },
}

/// What is wrong with what a process said.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Broken {
    /// A line is longer than it may be.
    TooLong,
    /// A line is not what a backup says; with the reason.
    Line(&'static str),
    /// It went on after it had said how it ended.
    AfterEnd,
    /// It was cut in the middle of a line.
    Cut,
}

impl fmt::Display for Broken {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::TooLong => write!(f, "it said more than {LONGEST} bytes in one line"),
            Self::Line(reason) => write!(f, "it said what is no word of a backup: {reason}"),
            Self::AfterEnd => f.write_str("it said how it ended, and then went on"),
            Self::Cut => f.write_str("it broke off in the middle of a line"),
        }
    }
}

/// Listens to a process: takes its output in whatever pieces it comes.
#[derive(Debug, Default)]
pub(super) struct Ear {
    /// The beginning of a line whose end has not come.
    begun: Vec<u8>,
    end: Option<Result<Box<Summary>, RunError>>,
}

impl Ear {
    /// Takes a piece, and tells `progress` what is in it.
    pub(super) fn hear(&mut self, mut piece: &[u8], progress: &dyn Progress) -> Result<(), Broken> {
        while let Some(end) = memchr::memchr(b'\n', piece) {
            let (line, rest) = (&piece[..end], &piece[end + 1..]);
            if self.begun.len() + line.len() > LONGEST {
                return Err(Broken::TooLong);
            }
            if self.begun.is_empty() {
                self.line(line, progress)?;
            } else {
                let mut whole = std::mem::take(&mut self.begun);
                whole.extend_from_slice(line);
                self.line(&whole, progress)?;
            }
            piece = rest;
        }
        if self.begun.len() + piece.len() > LONGEST {
            return Err(Broken::TooLong);
        }
        self.begun.extend_from_slice(piece);
        Ok(())
    }

    /// Whether it said how it ended.
    pub(super) fn heard_the_end(&self) -> bool {
        self.end.is_some()
    }

    /// Nothing more comes. How it ended, if it said so.
    pub(super) fn end(self) -> Result<Option<Result<Box<Summary>, RunError>>, Broken> {
        match (self.begun.is_empty(), self.end) {
            (true, end) => Ok(end),
            (false, None) => Err(Broken::Cut),
            (false, Some(_)) => Err(Broken::AfterEnd),
        }
    }

    fn line(&mut self, line: &[u8], progress: &dyn Progress) -> Result<(), Broken> {
        if self.end.is_some() {
            return Err(Broken::AfterEnd);
        }
        // Not what it said: a plugin may have printed a record.
        let line: Line = serde_json::from_slice(line).map_err(|error| Broken::Line(reason(&error)))?;
        let event = match &line {
            Line::ModuleStarted { module } => Event::ModuleStarted { module },
            Line::Module {
                module,
                rows,
                expected,
                bytes,
                requests,
                in_flight,
                retries,
                note,
            } => Event::Module {
                module,
                rows: *rows,
                expected: *expected,
                bytes: *bytes,
                requests: *requests,
                in_flight: *in_flight,
                retries: *retries,
                note: note.as_deref(),
            },
            Line::ModuleEnded { module, state, reason } => Event::ModuleEnded {
                module,
                state: *state,
                reason: reason.as_deref(),
            },
            Line::Waiting { running } => Event::Waiting { running },
            Line::Phase { name, done, total } => Event::Phase {
                name: *name,
                done: *done,
                total: *total,
            },
            // That it came is all there is to it.
            Line::Beat => return Ok(()),
            Line::End { .. } | Line::Failed { .. } => {
                self.end = match line {
                    Line::End { summary } => Some(Ok(summary)),
                    Line::Failed { error } => Some(Err(error)),
                    _ => None,
                };
                return Ok(());
            }
        };
        progress.event(event);
        Ok(())
    }
}

/// What kind of error it is, without the words in which serde quotes what it met.
fn reason(error: &serde_json::Error) -> &'static str {
    match error.classify() {
        serde_json::error::Category::Data => "an unknown event or field",
        _ => "no JSON",
    }
}

/// Speaks for a process, from any thread.
pub(super) struct Mouth<W>(Mutex<W>);

impl<W: Write + Send> Mouth<W> {
    pub(super) fn new(out: W) -> Self {
        Self(Mutex::new(out))
    }

    /// The last line. Where it would be longer than is heard, reasons and notes at their end are left out; the archive
    /// has them all.
    pub(super) fn end(&self, end: Result<Summary, RunError>) -> io::Result<()> {
        let line = match end {
            Ok(mut summary) => loop {
                let line = serde_json::to_vec(&Last::End { summary: &summary })?;
                if line.len() <= LONGEST || !shorten(&mut summary) {
                    break line;
                }
            },
            Err(mut error) => {
                if let RunError::Configuration { message } | RunError::Failed { message } = &mut error {
                    // In JSON a character takes six bytes at most.
                    message.truncate(message.floor_char_boundary(LONGEST / 8));
                }
                serde_json::to_vec(&Last::Failed { error: &error })?
            }
        };
        self.say(line)
    }

    /// It goes on.
    pub(super) fn beat(&self) {
        // If nobody listens any more, the end of the standard input says so as well.
        let _ = self.say(br#"{"event":"beat"}"#.to_vec());
    }

    fn say(&self, mut line: Vec<u8>) -> io::Result<()> {
        line.push(b'\n');
        let mut out = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        out.write_all(&line)?;
        out.flush()
    }
}

/// Leaves something out; false where there is nothing more that may be.
fn shorten(summary: &mut Summary) -> bool {
    let mut shorter = false;
    for list in [&mut summary.reasons, &mut summary.notes] {
        if list.len() > 1 {
            list.truncate(list.len().div_ceil(2));
            list.pop();
            list.push("and more, which the archive's manifest names".to_owned());
            shorter = true;
        }
    }
    if shorter {
        return true;
    }
    let reasons = summary.modules.iter_mut().filter_map(|module| module.reason.as_mut());
    let all = reasons.chain(&mut summary.reasons).chain(&mut summary.notes);
    let Some(longest) = all.max_by_key(|text| text.len()).filter(|text| text.len() > 64) else {
        return false;
    };
    longest.truncate(longest.floor_char_boundary(longest.len() / 2));
    true
}

impl<W: Write + Send> Progress for Mouth<W> {
    fn event(&self, event: Event<'_>) {
        let Ok(line) = serde_json::to_vec(&event) else { return };
        if line.len() <= LONGEST {
            // If nobody listens any more, the end of the standard input says so as well.
            let _ = self.say(line);
        }
    }
}

#[cfg(test)]
mod tests;
