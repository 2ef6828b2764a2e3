//! Progress as JSON objects, one a line, on standard output: every start and end, and between them how far a module
//! or a phase is, at most once a second each. The first and the last figures are always told.

use std::collections::HashMap;
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use crate::cli::console::Console;
use crate::progress::{Event, Phase, Progress};

use super::Clock;

/// The least time between two lines that say how far a module or a phase is.
const PAUSE: Duration = Duration::from_secs(1);

pub(super) struct Json {
    console: Console,
    clock: Clock,
    told: Mutex<Told>,
}

#[derive(Default)]
struct Told {
    modules: HashMap<String, Module>,
    phase: Option<(Phase, Duration)>,
}

/// What was told of a module that runs.
struct Module {
    at: Duration,
    /// Its last figures, where they came too soon to be told.
    held: Option<String>,
}

impl Json {
    pub(super) fn new(console: Console, clock: Clock) -> Self {
        Self {
            console,
            clock,
            told: Mutex::default(),
        }
    }

    /// What is to be told now, in lines.
    fn lines(&self, event: &Event<'_>) -> String {
        // Its parts are numbers and text, which JSON always can say.
        let Ok(mut line) = serde_json::to_string(event) else {
            return String::new();
        };
        line.push('\n');
        let now = (self.clock)();
        let is_soon = |last: Duration| now.saturating_sub(last) < PAUSE;
        let mut told = self.told.lock().unwrap_or_else(PoisonError::into_inner);
        match event {
            // A forecast is told once a second at most, by whoever makes it.
            Event::Waiting { .. } | Event::ModuleStarted { .. } | Event::Paused { .. } | Event::Forecast { .. } => line,
            Event::Module { module, .. } => match told.modules.get_mut(*module) {
                Some(seen) if is_soon(seen.at) => {
                    seen.held = Some(line);
                    String::new()
                }
                _ => {
                    told.modules
                        .insert((*module).to_owned(), Module { at: now, held: None });
                    line
                }
            },
            Event::ModuleEnded { module, .. } => {
                let held = told.modules.remove(*module).and_then(|seen| seen.held);
                held.unwrap_or_default() + &line
            }
            Event::Phase { name, done, total } => {
                let soon = told.phase.is_some_and(|(known, at)| known == *name && is_soon(at));
                if soon && done < total {
                    return String::new();
                }
                told.phase = Some((*name, now));
                line
            }
        }
    }
}

impl Progress for Json {
    fn event(&self, event: Event<'_>) {
        let lines = self.lines(&event);
        if !lines.is_empty() {
            // A backup is not given up because nobody reads how far it is; its result is written with care.
            let _ = self.console.out(&lines);
        }
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;
    use std::time::Duration;

    use indicatif::ProgressDrawTarget;

    use super::Json;
    use crate::archive::ModuleState;
    use crate::cli::console::{Captured, Console};
    use crate::progress::{Event, Phase, Progress as _};

    #[test]
    fn lines() {
        let out = Captured::default();
        let console = Console::to(out.clone(), Captured::default(), ProgressDrawTarget::hidden());
        let json = Json::new(console, Arc::new(|| Duration::from_secs(9)));
        json.event(Event::ModuleStarted { module: "tickets" });
        for rows in 0..5 {
            json.event(Event::Module {
                module: "tickets",
                rows,
                expected: None,
                bytes: 9,
                requests: 3,
                in_flight: 2,
                retries: 1,
                note: Some("票\n"),
            });
        }
        json.event(Event::ModuleEnded {
            module: "tickets",
            state: ModuleState::Skipped,
            reason: Some("403"),
        });
        for name in [Phase::Joining, Phase::Verifying] {
            for done in 1..=4 {
                json.event(Event::Phase { name, done, total: 4 });
            }
        }
        assert_eq!(
            out.text(),
            concat!(
                r#"{"event":"module_started","module":"tickets"}"#,
                "\n",
                r#"{"event":"module","module":"tickets","rows":0,"expected":null,"bytes":9,"requests":3,"in_flight":2,"retries":1,"note":"票\n"}"#,
                "\n",
                r#"{"event":"module","module":"tickets","rows":4,"expected":null,"bytes":9,"requests":3,"in_flight":2,"retries":1,"note":"票\n"}"#,
                "\n",
                r#"{"event":"module_ended","module":"tickets","state":"skipped","reason":"403"}"#,
                "\n",
                r#"{"event":"phase","name":"joining","done":1,"total":4}"#,
                "\n",
                r#"{"event":"phase","name":"joining","done":4,"total":4}"#,
                "\n",
                r#"{"event":"phase","name":"verifying","done":1,"total":4}"#,
                "\n",
                r#"{"event":"phase","name":"verifying","done":4,"total":4}"#,
                "\n",
            )
        );
    }
}
