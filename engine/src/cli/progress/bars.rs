//! Progress as a bar for each module, on a terminal.

use std::collections::HashMap;
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use indicatif::{ProgressBar, ProgressStyle};

use super::load;
use crate::archive::ModuleState;
use crate::cli::console::Console;
use crate::cli::figures::{count, grouped, time};
use crate::config::text::printable;
use crate::progress::{Event, Phase, Progress};

pub(super) struct Bars {
    console: Console,
    modules: Mutex<HashMap<String, ProgressBar>>,
    phase: Mutex<Option<(Phase, ProgressBar)>>,
}

// What must be seen on 80 columns stands at the left of the message, which is cut off at the edge.
const COUNTED: &str = "{prefix:16!} {bar:8} {percent:>3} % {wide_msg}";
const UNCOUNTED: &str = "{prefix:16!} {spinner} {wide_msg}";
const ENDED: &str = "{prefix:16!} {wide_msg}";
const PHASE: &str = "{prefix:16!} {bar:8} {percent:>3} % {bytes} of {total_bytes}";

/// A style; a template that is wrong is a mistake in this file, which the test below finds.
fn style(template: &str) -> ProgressStyle {
    ProgressStyle::with_template(template)
        .unwrap_or_else(|_| ProgressStyle::default_bar())
        .progress_chars("=> ")
}

impl Bars {
    pub(super) fn new(console: Console) -> Self {
        Self {
            console,
            modules: Mutex::default(),
            phase: Mutex::default(),
        }
    }

    fn bar(&self, module: &str) -> ProgressBar {
        let mut modules = self.modules.lock().unwrap_or_else(PoisonError::into_inner);
        let add = || {
            let bar = self.console.bars().add(ProgressBar::no_length());
            bar.set_style(style(UNCOUNTED));
            bar.set_prefix(printable(module));
            // Without it a bar stands still, and its rate too, while a desk keeps us waiting.
            bar.enable_steady_tick(Duration::from_millis(250));
            bar
        };
        modules.entry(module.to_owned()).or_insert_with(add).clone()
    }

    fn ended(&self, module: &str, state: ModuleState, reason: Option<&str>) {
        let bar = self.bar(module);
        let reason = reason.map_or_else(String::new, |reason| format!(": {}", printable(reason)));
        let rows = grouped(bar.position());
        bar.set_style(style(ENDED));
        bar.finish_with_message(format!(
            "{}, {rows} rows in {}{reason}",
            state.name(),
            time(bar.elapsed())
        ));
    }

    fn phase(&self, name: Phase, done: u64, total: u64) {
        let mut current = self.phase.lock().unwrap_or_else(PoisonError::into_inner);
        if current.as_ref().is_none_or(|(known, _)| *known != name) {
            if let Some((_, old)) = current.take() {
                old.finish_and_clear();
            }
            let bar = self.console.bars().add(ProgressBar::new(total));
            bar.set_style(style(PHASE));
            bar.set_prefix(name.name());
            *current = Some((name, bar));
        }
        if let Some((_, bar)) = current.as_ref() {
            bar.set_length(total);
            bar.set_position(done);
        }
    }
}

impl Progress for Bars {
    fn event(&self, event: Event<'_>) {
        match event {
            Event::ModuleStarted { module } => self.bar(module).tick(),
            Event::Module {
                module,
                rows,
                expected,
                in_flight,
                retries,
                note,
                ..
            } => {
                let bar = self.bar(module);
                // First: with a steady tick it draws nothing by itself, but the message below does.
                bar.set_position(rows);
                match expected {
                    // A desk that counted too few must not show more than everything.
                    Some(all) => {
                        if bar.length().is_none() {
                            bar.set_style(style(COUNTED));
                        }
                        bar.set_length(all.max(rows));
                    }
                    None if bar.length().is_some() => {
                        bar.unset_length();
                        bar.set_style(style(UNCOUNTED));
                    }
                    None => {}
                }
                let rate = grouped(bar.per_sec() as u64);
                let (amount, speed) = match expected {
                    Some(all) => (
                        format!("{}/{}", grouped(rows), grouped(all)),
                        format!("{} left, {rate}/s", time(bar.eta())),
                    ),
                    None => (count(rows, "row", "rows"), format!("{rate}/s")),
                };
                let note = note.map_or_else(String::new, |note| format!(", {}", printable(note)));
                bar.set_message(format!("{amount}, {}, {speed}{note}", load(in_flight, retries)));
            }
            Event::ModuleEnded { module, state, reason } => self.ended(module, state, reason),
            Event::Phase { name, done, total } => self.phase(name, done, total),
        }
    }
}

#[cfg(test)]
mod tests {
    use std::io;
    use std::sync::{Arc, Mutex};

    use indicatif::{ProgressDrawTarget, ProgressStyle, TermLike};

    use super::Bars;
    use crate::archive::ModuleState;
    use crate::cli::console::{Captured, Console};
    use crate::progress::{Event, Phase, Progress as _};

    /// A terminal of 120 columns that keeps what is written to it, and where lines are cleared.
    #[derive(Clone, Debug, Default)]
    struct Screen(Arc<Mutex<String>>);

    impl Screen {
        #[allow(clippy::unnecessary_wraps)] // as the trait below has it
        fn put(&self, text: &str) -> io::Result<()> {
            self.0.lock().unwrap().push_str(text);
            Ok(())
        }
    }

    impl TermLike for Screen {
        fn width(&self) -> u16 {
            120
        }
        fn move_cursor_up(&self, _: usize) -> io::Result<()> {
            Ok(())
        }
        fn move_cursor_down(&self, _: usize) -> io::Result<()> {
            Ok(())
        }
        fn move_cursor_right(&self, _: usize) -> io::Result<()> {
            Ok(())
        }
        fn move_cursor_left(&self, _: usize) -> io::Result<()> {
            Ok(())
        }
        fn write_line(&self, text: &str) -> io::Result<()> {
            self.put(&format!("{text}\n"))
        }
        fn write_str(&self, text: &str) -> io::Result<()> {
            self.put(text)
        }
        fn clear_line(&self) -> io::Result<()> {
            self.put("<clear>")
        }
        fn flush(&self) -> io::Result<()> {
            Ok(())
        }
    }

    impl io::Write for Screen {
        fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
            self.put(std::str::from_utf8(bytes).unwrap()).map(|()| bytes.len())
        }
        fn flush(&mut self) -> io::Result<()> {
            Ok(())
        }
    }

    fn module(rows: u64, expected: Option<u64>) -> Event<'static> {
        Event::Module {
            module: "問い合わせ",
            rows,
            expected,
            bytes: 0,
            requests: 7,
            in_flight: 10,
            retries: 2,
            note: Some("票"),
        }
    }

    #[test]
    fn templates_are_right() {
        for template in [super::COUNTED, super::UNCOUNTED, super::ENDED, super::PHASE] {
            assert!(ProgressStyle::with_template(template).is_ok(), "{template}");
        }
    }

    #[test]
    fn draws_and_lets_messages_through() {
        let screen = Screen::default();
        let target = ProgressDrawTarget::term_like_with_hz(Box::new(screen.clone()), 255);
        let console = Console::to(Captured::default(), screen.clone(), target);
        let bars = Bars::new(console.clone());
        bars.event(Event::ModuleStarted {
            module: "問い合わせ"
        });
        bars.event(module(1200, None));
        console.bars().suspend(|| screen.put("|").unwrap());
        bars.event(module(5000, Some(20_000)));
        console.bars().suspend(|| screen.put("|").unwrap());
        bars.event(module(30_000, Some(20_000)));
        console.err("warning: ticket 42 is gone");
        bars.event(Event::ModuleEnded {
            module: "問い合わせ",
            state: ModuleState::Incomplete,
            reason: Some("a\u{1b}[2J"),
        });
        bars.event(Event::Phase {
            name: Phase::Joining,
            done: 1,
            total: 4,
        });
        console.bars().suspend(|| screen.put("|").unwrap());
        bars.event(Event::Phase {
            name: Phase::Verifying,
            done: 4,
            total: 4,
        });
        let seen = screen.0.lock().unwrap().clone();
        for part in [
            "1,200 rows, 10 in flight, 2 retries, ",
            "5,000/20,000, 10 in flight, 2 retries, ",
            "25 %",
            "/s, 票",
            "100 % 30,000/20,000",
            // On a line of its own: the bars were cleared before it and drawn again after it.
            "<clear>warning: ticket 42 is gone\n",
            "incomplete, 30,000 rows in 0s: a\\u{1b}[2J",
            "joining          ==>",
            "1 B of 4 B",
            "verifying",
        ] {
            assert!(seen.contains(part), "{part:?} in\n{seen}");
        }
        assert!(
            !seen.contains('\u{1b}') || !seen.contains("\u{1b}[2J"),
            "a name must not steer the terminal"
        );
    }
}
