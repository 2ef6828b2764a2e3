//! Progress as lines, for logs and pipes: start and end of everything, and between them a line for each
//! module now and then.

use std::collections::HashMap;
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use crate::archive::ModuleState;
use crate::config::text::printable;
use crate::progress::{Event, Phase, Progress};

use chrono::Local;

use super::{Clock, load, words};
use crate::cli::console::Console;
use crate::cli::figures::{count, grouped, time};

/// The least time between two lines of one module.
const PAUSE: Duration = Duration::from_secs(5);

/// The least time between two forecasts: they change less than the rest.
const FORECAST: Duration = Duration::from_secs(30);

pub(super) struct Plain {
    console: Console,
    clock: Clock,
    modules: Mutex<HashMap<String, Seen>>,
    phase: Mutex<Option<Phase>>,
    /// When a forecast was told.
    forecast: Mutex<Option<Duration>>,
}

/// What was told of a module.
#[derive(Clone, Copy, Default)]
struct Seen {
    started: Duration,
    told: Duration,
    told_rows: u64,
    rows: u64,
    requests: u64,
    retries: u64,
}

impl Plain {
    pub(super) fn new(console: Console, clock: Clock) -> Self {
        Self {
            console,
            clock,
            modules: Mutex::default(),
            phase: Mutex::default(),
            forecast: Mutex::default(),
        }
    }

    /// The line for an event, if it is to be told now.
    fn line(&self, event: Event<'_>) -> Option<String> {
        let now = (self.clock)();
        let mut modules = self.modules.lock().unwrap_or_else(PoisonError::into_inner);
        match event {
            Event::Waiting { running } => Some(format!("waiting for {}", printable(running))),
            Event::ModuleStarted { module } => {
                modules.insert(
                    module.to_owned(),
                    Seen {
                        started: now,
                        told: now,
                        ..Seen::default()
                    },
                );
                Some(format!("{}: started", printable(module)))
            }
            Event::Module {
                module,
                rows,
                expected,
                requests,
                in_flight,
                retries,
                note,
                ..
            } => {
                let seen = modules.entry(module.to_owned()).or_insert(Seen {
                    started: now,
                    told: now,
                    ..Seen::default()
                });
                (seen.rows, seen.requests, seen.retries) = (rows, requests, retries);
                let since = now.saturating_sub(seen.told);
                if since < PAUSE {
                    return None;
                }
                let rate = rows.saturating_sub(seen.told_rows) as f64 / since.as_secs_f64();
                (seen.told, seen.told_rows) = (now, rows);
                let amount = match expected {
                    Some(all) if all > 0 => {
                        format!("{} of {} rows ({} %)", grouped(rows), grouped(all), percent(rows, all))
                    }
                    _ => count(rows, "row", "rows"),
                };
                let load = load(in_flight, retries);
                let note = note.map_or_else(String::new, |note| format!(", {}", printable(note)));
                Some(format!(
                    "{}: {amount}, {}/s, {load}{note}",
                    printable(module),
                    grouped(rate as u64)
                ))
            }
            Event::ModuleEnded { module, state, reason } => {
                let seen = modules.remove(module).unwrap_or(Seen {
                    started: now,
                    ..Seen::default()
                });
                Some(ended(module, state, reason, seen, now))
            }
            Event::Paused { until, left, reserve } => Some(words::paused(until, left, reserve, &Local)),
            Event::Forecast { forecast } => {
                let mut told = self.forecast.lock().unwrap_or_else(PoisonError::into_inner);
                let is_soon = told.is_some_and(|at| now.saturating_sub(at) < FORECAST);
                if is_soon || !words::is_worth_it(forecast) {
                    return None;
                }
                *told = Some(now);
                Some(words::forecast(forecast, &Local))
            }
            Event::Phase { name, done, total } => {
                // The first, which need not be at 0, and the last; between them there is nothing to wait for.
                let mut phase = self.phase.lock().unwrap_or_else(PoisonError::into_inner);
                let is_first = phase.replace(name) != Some(name);
                (is_first || done >= total).then(|| match (total, done >= total) {
                    (0, _) => name.name().to_owned(),
                    (_, false) => format!("{}: {}", name.name(), words::amount(name, total)),
                    (_, true) => format!(
                        "{}: {} of {}",
                        name.name(),
                        words::amount(name, done),
                        words::amount(name, total)
                    ),
                })
            }
        }
    }
}

/// Rounded down, so that 100 is reached with the last row; a desk that counted too few gives no more.
fn percent(rows: u64, all: u64) -> u64 {
    (u128::from(rows) * 100 / u128::from(all)).min(100) as u64
}

fn ended(module: &str, state: ModuleState, reason: Option<&str>, seen: Seen, now: Duration) -> String {
    // Why something failed or is missing stands in the result, or in the error where there is none: once is enough.
    let reason = reason
        .filter(|_| state == ModuleState::Skipped)
        .map_or_else(String::new, |reason| format!(": {}", printable(reason)));
    let retries = if seen.retries > 0 {
        format!(", {}", count(seen.retries, "retry", "retries"))
    } else {
        String::new()
    };
    format!(
        "{}: {}, {} in {}, {}{retries}{reason}",
        printable(module),
        state.name(),
        count(seen.rows, "row", "rows"),
        time(now.saturating_sub(seen.started)),
        count(seen.requests, "request", "requests"),
    )
}

impl Progress for Plain {
    fn event(&self, event: Event<'_>) {
        if let Some(line) = self.line(event) {
            self.console.err(&line);
        }
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;
    use std::sync::atomic::{AtomicU64, Ordering};
    use std::time::Duration;

    use indicatif::ProgressDrawTarget;

    use super::Plain;
    use crate::archive::ModuleState;
    use crate::cli::console::{Captured, Console};
    use crate::progress::{Event, Phase, Progress as _};

    fn module(module: &'static str, rows: u64, expected: Option<u64>) -> Event<'static> {
        Event::Module {
            module,
            rows,
            expected,
            bytes: rows * 10,
            requests: rows / 100,
            in_flight: 10,
            retries: rows / 1000,
            note: Some("Tickets"),
        }
    }

    #[test]
    fn lines() {
        let seconds = Arc::new(AtomicU64::new(0));
        let clock = {
            let seconds = Arc::clone(&seconds);
            Arc::new(move || Duration::from_secs(seconds.load(Ordering::Relaxed)))
        };
        let err = Captured::default();
        let plain = Plain::new(
            Console::to(Captured::default(), err.clone(), ProgressDrawTarget::hidden()),
            clock,
        );
        plain.event(Event::ModuleStarted { module: "tickets" });
        plain.event(Event::ModuleStarted {
            module: "問い合わせ"
        });
        for second in 1..=12 {
            seconds.store(second, Ordering::Relaxed);
            plain.event(module("tickets", second * 1000, Some(20_000)));
            plain.event(module("tickets", second * 1000 + 1, Some(20_000)));
            plain.event(module("問い合わせ", second, None));
        }
        plain.event(module("tickets", 30_000, Some(20_000)));
        plain.event(Event::ModuleEnded {
            module: "tickets",
            state: ModuleState::Complete,
            reason: None,
        });
        plain.event(Event::ModuleEnded {
            module: "contacts",
            state: ModuleState::Failed,
            reason: Some("told with the result"),
        });
        plain.event(Event::ModuleEnded {
            module: "問い合わせ",
            state: ModuleState::Skipped,
            reason: Some("no\u{1b}[2J\nanswer"),
        });
        for (name, first) in [(Phase::Joining, 0), (Phase::Verifying, 1), (Phase::Drilling, 1)] {
            for done in first..=3 {
                plain.event(Event::Phase { name, done, total: 3 });
            }
        }
        assert_eq!(
            err.text(),
            "tickets: started\n\
             問い合わせ: started\n\
             tickets: 5,000 of 20,000 rows (25 %), 1,000/s, 10 in flight, 5 retries, Tickets\n\
             問い合わせ: 5 rows, 1/s, 10 in flight, Tickets\n\
             tickets: 10,000 of 20,000 rows (50 %), 1,000/s, 10 in flight, 10 retries, Tickets\n\
             問い合わせ: 10 rows, 1/s, 10 in flight, Tickets\n\
             tickets: complete, 30,000 rows in 12s, 300 requests, 30 retries\n\
             contacts: failed, 0 rows in 0s, 0 requests\n\
             問い合わせ: skipped, 12 rows in 12s, 0 requests: no\\u{1b}[2J\\nanswer\n\
             joining: 3 B\n\
             joining: 3 B of 3 B\n\
             verifying: 3 B\n\
             verifying: 3 B of 3 B\n\
             drilling: 3 rows\n\
             drilling: 3 rows of 3 rows\n"
        );
    }
}
