//! What a backup's process says on its standard output: JSON, an object a line. Progress, checkpoints, and as the last line how
//! it ended. Until it is checked it is taken for hostile: the process has plugins in it, which others wrote.
//!
//! A checkpoint is answered on the process's standard input, a line as well: whether it was kept. Only then does the process
//! count on it. That half is in `answers.rs`.

mod answers;

use std::fmt;
use std::io::{self, Write};
use std::sync::{Mutex, PoisonError};

use plugin_api::Timestamp;
use serde::{Deserialize, Serialize};

pub(super) use self::answers::Answers;
use self::answers::answer;
use crate::archive::ModuleState;
use crate::backup::{Checkpoint, Forgetful, Keeper};
use crate::forecast::Forecast;
use crate::progress::{Event, Phase, Progress, Summary};
use crate::service::RunError;
use crate::store::LONGEST_RECORD;

/// The longest line, in bytes, but for a checkpoint. The process keeps within it: see [`Mouth::end`].
const LONGEST: usize = 1 << 20;
/// The longest line of a checkpoint, in bytes.
const LONGEST_CHECKPOINT: usize = LONGEST_RECORD + (1 << 10);
/// How such a line begins.
const CHECKPOINT: &[u8] = b"{\"event\":\"checkpoint\",";

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
    Paused {
        until: Timestamp,
        left: u64,
        reserve: u64,
    },
    Forecast {
        forecast: Box<Forecast>,
    },
    Phase {
        name: Phase,
        done: u64,
        total: u64,
    },
    /// It goes on.
    Beat,
    /// A module is so far. It wants an answer with this number.
    Checkpoint {
        number: u64,
        checkpoint: Box<Checkpoint>,
    },
    /// The archive is there.
    End {
        summary: Box<Summary>,
    },
    /// There is no archive.
    Failed {
        error: RunError,
    },
}

/// A checkpoint, as it is written: `event` first.
#[derive(Serialize)]
struct So<'a> {
    event: &'static str,
    number: u64,
    checkpoint: &'a Checkpoint,
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
            Self::TooLong => f.write_str("it said more in one line than it may"),
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
    /// What it is to be told, and was not yet.
    answers: Vec<u8>,
}

impl Ear {
    /// Takes a piece, and tells `progress` what is in it; checkpoints are given to `keeper`, and [`Ear::answers`] then has what
    /// came of that.
    pub(super) fn hear(
        &mut self,
        mut piece: &[u8],
        progress: &dyn Progress,
        keeper: &dyn Keeper,
    ) -> Result<(), Broken> {
        while let Some(end) = memchr::memchr(b'\n', piece) {
            let (line, rest) = (&piece[..end], &piece[end + 1..]);
            self.may_be_so_long(line)?;
            if self.begun.is_empty() {
                self.line(line, progress, keeper)?;
            } else {
                let mut whole = std::mem::take(&mut self.begun);
                whole.extend_from_slice(line);
                self.line(&whole, progress, keeper)?;
            }
            piece = rest;
        }
        self.may_be_so_long(piece)?;
        self.begun.extend_from_slice(piece);
        Ok(())
    }

    /// Whether a line may go on with this piece.
    fn may_be_so_long(&self, piece: &[u8]) -> Result<(), Broken> {
        let length = self.begun.len() + piece.len();
        if length <= LONGEST {
            return Ok(());
        }
        // A piece alone is as long as the buffer into which it is read, so that the beginning is there by now, or never comes.
        let begun = if self.begun.is_empty() { piece } else { &self.begun };
        let is_checkpoint = begun.starts_with(CHECKPOINT);
        if is_checkpoint && length <= LONGEST_CHECKPOINT {
            return Ok(());
        }
        Err(Broken::TooLong)
    }

    /// What the process is to be told, since this was last asked.
    pub(super) fn answers(&mut self) -> Vec<u8> {
        std::mem::take(&mut self.answers)
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

    fn line(&mut self, line: &[u8], progress: &dyn Progress, keeper: &dyn Keeper) -> Result<(), Broken> {
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
            Line::Paused { until, left, reserve } => Event::Paused {
                until: *until,
                left: *left,
                reserve: *reserve,
            },
            Line::Forecast { forecast } => Event::Forecast { forecast },
            Line::Phase { name, done, total } => Event::Phase {
                name: *name,
                done: *done,
                total: *total,
            },
            // That it came is all there is to it.
            Line::Beat => return Ok(()),
            Line::Checkpoint { number, checkpoint } => {
                let kept = keeper.keep(checkpoint);
                self.answers.extend_from_slice(&answer(*number, kept));
                return Ok(());
            }
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

/// Hears all that a process says, in pieces, for the fuzz target: nothing else needs it at once.
pub(crate) fn hear(said: &[u8], progress: &dyn Progress) {
    let mut ear = Ear::default();
    // Where a piece ends must not matter: one in two sizes, one whole.
    let in_pieces = said
        .chunks(7)
        .try_for_each(|piece| ear.hear(piece, progress, &Forgetful));
    let in_pieces = in_pieces.and_then(|()| ear.end());
    let mut ear = Ear::default();
    let whole = ear.hear(said, progress, &Forgetful).and_then(|()| ear.end());
    assert_eq!(in_pieces.is_ok(), whole.is_ok(), "it matters where a piece ends");
}

/// What kind of error it is, without the words in which serde quotes what it met.
fn reason(error: &serde_json::Error) -> &'static str {
    match error.classify() {
        serde_json::error::Category::Data => "an unknown event or field",
        _ => "no JSON",
    }
}

/// Speaks for a process, from any thread.
pub(super) struct Mouth<W> {
    out: Mutex<W>,
    answers: Answers,
}

impl<W: Write + Send> Mouth<W> {
    /// One that speaks there.
    pub(super) fn new(out: W) -> Self {
        Self {
            out: Mutex::new(out),
            answers: Answers::default(),
        }
    }

    /// What it is answered; to be [heard](Answers::hear) by somebody.
    pub(super) fn answers(&self) -> Answers {
        self.answers.clone()
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
                if let RunError::Configuration { message }
                | RunError::Failed { message }
                | RunError::Suspended { message, .. } = &mut error
                {
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
        let mut out = self.out.lock().unwrap_or_else(PoisonError::into_inner);
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

impl<W: Write + Send> Keeper for Mouth<W> {
    /// Has the daemon keep it, and waits until it says that it has.
    fn keep(&self, checkpoint: &Checkpoint) -> Result<(), String> {
        let number = self.answers.ask();
        let line = serde_json::to_vec(&So {
            event: "checkpoint",
            number,
            checkpoint,
        })
        .map_err(|error| error.to_string())?;
        if line.len() > LONGEST_CHECKPOINT {
            let (module, length) = (&checkpoint.module, line.len());
            return Err(format!(
                "the checkpoint of {module} has {length} bytes, more than {LONGEST_CHECKPOINT}"
            ));
        }
        self.say(line)
            .map_err(|error| format!("the daemon cannot be told: {error}"))?;
        self.answers.wait(number)
    }
}

#[cfg(test)]
mod tests;
