//! Shows a backup's progress: bars on a terminal, lines elsewhere, JSON lines for machines.

mod bars;
mod json;
mod plain;

use std::sync::Arc;
use std::time::{Duration, Instant};

use crate::config::text::printable;
use crate::progress::{Event, Level, Progress};

use super::console::Console;
use super::figures::count;

/// Time since the start of the command; tests bring their own.
pub(crate) type Clock = Arc<dyn Fn() -> Duration + Send + Sync>;

/// The real one.
pub(crate) fn clock() -> Clock {
    let start = Instant::now();
    Arc::new(move || start.elapsed())
}

/// How progress is shown.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Style {
    /// A bar for each module.
    Bars,
    /// A line now and then.
    Plain,
    /// A JSON object a line, on standard output.
    Json,
    /// Warnings and errors alone.
    Quiet,
}

impl Style {
    /// What fits: JSON where it is asked for, bars where they can be seen.
    pub(crate) fn fitting(json: bool, quiet: bool, is_terminal: bool) -> Self {
        match (json, quiet, is_terminal) {
            (true, ..) => Self::Json,
            (_, true, _) => Self::Quiet,
            (_, _, true) => Self::Bars,
            _ => Self::Plain,
        }
    }
}

/// A reporter of this style.
pub(crate) fn reporter(style: Style, console: &Console, clock: Clock) -> Box<dyn Progress> {
    match style {
        Style::Bars => Box::new(bars::Bars::new(console.clone())),
        Style::Plain => Box::new(plain::Plain::new(console.clone(), clock)),
        Style::Json => Box::new(json::Json::new(console.clone(), clock)),
        Style::Quiet => Box::new(Quiet(console.clone())),
    }
}

struct Quiet(Console);

impl Progress for Quiet {
    fn event(&self, event: Event<'_>) {
        if let Event::Log {
            level: level @ (Level::Warn | Level::Error),
            message,
        } = event
        {
            self.0.err(&message_line(level, message));
        }
    }
}

/// A message as a line.
fn message_line(level: Level, message: &str) -> String {
    let message = printable(message);
    match level {
        Level::Info => message,
        Level::Warn => format!("warning: {message}"),
        Level::Error => format!("error: {message}"),
    }
}

/// `10 in flight, 2 retries`, of what there is to say.
fn load(in_flight: u32, retries: u64) -> String {
    let retries = if retries > 0 {
        format!(", {}", count(retries, "retry", "retries"))
    } else {
        String::new()
    };
    format!("{in_flight} in flight{retries}")
}

#[cfg(test)]
mod tests {
    use super::Style;

    #[test]
    fn the_fitting_style() {
        for (json, quiet, is_terminal, expected) in [
            (false, false, true, Style::Bars),
            (false, false, false, Style::Plain),
            (false, true, true, Style::Quiet),
            (true, true, true, Style::Json),
            (true, false, false, Style::Json),
        ] {
            assert_eq!(Style::fitting(json, quiet, is_terminal), expected);
        }
    }
}
