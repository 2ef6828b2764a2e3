//! Progress as JSON objects, one a line, on standard output: every start, end, phase and message, and for
//! each module how far it is, at most once a second.

use std::collections::HashMap;
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use crate::cli::console::Console;
use crate::progress::{Event, Progress};

use super::Clock;

/// The least time between two lines that say how far a module is.
const PAUSE: Duration = Duration::from_secs(1);

pub(super) struct Json {
    console: Console,
    clock: Clock,
    told: Mutex<HashMap<String, Duration>>,
}

impl Json {
    pub(super) fn new(console: Console, clock: Clock) -> Self {
        Self {
            console,
            clock,
            told: Mutex::default(),
        }
    }

    fn is_due(&self, event: &Event<'_>) -> bool {
        let Event::Module { module, .. } = event else {
            return true;
        };
        let now = (self.clock)();
        let mut told = self.told.lock().unwrap_or_else(PoisonError::into_inner);
        if told.get(*module).is_some_and(|last| now.saturating_sub(*last) < PAUSE) {
            return false;
        }
        told.insert((*module).to_owned(), now);
        true
    }
}

impl Progress for Json {
    fn event(&self, event: Event<'_>) {
        if self.is_due(&event)
            && let Ok(line) = serde_json::to_string(&event)
        {
            // A backup is not given up because nobody reads how far it is; its result is written with care.
            let _ = self.console.out(&format!("{line}\n"));
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
        json.event(Event::Phase {
            name: Phase::Verifying,
            done: 1,
            total: 2,
        });
        assert_eq!(
            out.text(),
            concat!(
                r#"{"event":"module_started","module":"tickets"}"#,
                "\n",
                r#"{"event":"module","module":"tickets","rows":0,"expected":null,"bytes":9,"requests":3,"in_flight":2,"retries":1,"note":"票\n"}"#,
                "\n",
                r#"{"event":"module_ended","module":"tickets","state":"skipped","reason":"403"}"#,
                "\n",
                r#"{"event":"phase","name":"verifying","done":1,"total":2}"#,
                "\n",
            )
        );
    }
}
