//! Shows a backup's progress: bars on a terminal, lines elsewhere, JSON lines for machines.

mod bars;
mod json;
mod plain;
mod words;

use std::sync::Arc;
use std::time::{Duration, Instant};

pub(crate) use self::words::{forecast, waits};

use crate::progress::{Progress, Silent};

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
    /// Warnings, errors and the result alone.
    Quiet,
}

impl Style {
    /// What fits: nothing where that is asked for, JSON for machines, bars where they can be seen.
    pub(crate) fn fitting(json: bool, quiet: bool, is_terminal: bool) -> Self {
        match (json, quiet, is_terminal) {
            (_, true, _) => Self::Quiet,
            (true, ..) => Self::Json,
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
        Style::Quiet => Box::new(Silent),
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
            (true, true, true, Style::Quiet),
            (true, false, true, Style::Json),
            (true, false, false, Style::Json),
        ] {
            assert_eq!(Style::fitting(json, quiet, is_terminal), expected);
        }
    }
}
