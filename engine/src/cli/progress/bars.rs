//! Progress as a bar for each module, on a terminal.

use std::collections::HashMap;
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use indicatif::{ProgressBar, ProgressStyle};
use unicode_width::UnicodeWidthStr as _;

use chrono::Local;

use super::words;
use crate::archive::ModuleState;
use crate::cli::console::Console;
use crate::cli::figures::{count, grouped, time};
use crate::config::text::printable;
use crate::progress::{Event, Phase, Progress};

pub(super) struct Bars {
    console: Console,
    modules: Mutex<HashMap<String, Shown>>,
    phase: Mutex<Option<(Phase, ProgressBar)>>,
    /// The line that says how much is to come.
    credits: Mutex<Option<ProgressBar>>,
}

#[derive(Clone)]
struct Shown {
    bar: ProgressBar,
    look: Look,
}

/// How a line looks: a template, and how many columns it takes besides the message.
#[derive(Clone, Copy, PartialEq, Eq)]
struct Look(&'static str, usize);

const COUNTED: Look = Look("{prefix:16!} {bar:8} {percent:>3} % {wide_msg}", 32);
const UNCOUNTED: Look = Look("{prefix:16!} {spinner} {wide_msg}", 19);
const ENDED: Look = Look("{prefix:16!} {wide_msg}", 17);
const PHASE: Look = Look("{prefix:16!} {bar:8} {percent:>3} % {wide_msg}", 32);
const LINE: Look = Look("{wide_msg}", 1);
const SHORT: Look = Look("{prefix:7!} {wide_msg}", 8);
const SHORT_PHASE: Look = Look("{prefix:9!} {wide_msg}", 10);

/// On fewer columns there is no room for bars.
const NARROW: usize = 60;

/// A style; a template that is wrong is a mistake in this file, which the test below finds.
fn style(look: Look) -> ProgressStyle {
    ProgressStyle::with_template(look.0)
        .unwrap_or_else(|_| ProgressStyle::default_bar())
        .progress_chars("=> ")
}

/// Fields from the left, as many as fit into `room` columns whole, and how many those are.
fn fit(room: usize, fields: &[String]) -> (String, usize) {
    let mut line = String::new();
    for (index, field) in fields.iter().enumerate() {
        let comma = if index > 0 { ", " } else { "" };
        if line.width() + comma.len() + field.width() > room {
            return (line, index);
        }
        line.extend([comma, field]);
    }
    (line, fields.len())
}

impl Bars {
    pub(super) fn new(console: Console) -> Self {
        Self {
            console,
            modules: Mutex::default(),
            phase: Mutex::default(),
            credits: Mutex::default(),
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
            Shown { bar, look: UNCOUNTED }
        };
        modules.entry(module.to_owned()).or_insert_with(add).bar.clone()
    }

    /// Gives a bar that is there another look; the terminal may have another size than before.
    fn set_look(&self, module: &str, look: Look) {
        let mut modules = self.modules.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(shown) = modules.get_mut(module).filter(|shown| shown.look != look) {
            shown.look = look;
            shown.bar.set_style(style(look));
        }
    }

    fn ended(&self, module: &str, state: ModuleState, reason: Option<&str>) {
        let bar = self.bar(module);
        let (rows, took) = (grouped(bar.position()), time(bar.elapsed()));
        let width = (self.console.width)();
        let (look, message) = if width < NARROW {
            let fields = [state.name().to_owned(), format!("{rows} rows"), took];
            (SHORT, fit(width.saturating_sub(SHORT.1), &fields).0)
        } else {
            let reason = reason.map_or_else(String::new, |reason| format!(": {}", printable(reason)));
            (ENDED, format!("{}, {rows} rows in {took}{reason}", state.name()))
        };
        self.set_look(module, look);
        bar.finish_with_message(message);
    }

    /// How much is to come, or what is waited for: one line below the modules.
    fn credits(&self, text: &str) {
        let mut line = self.credits.lock().unwrap_or_else(PoisonError::into_inner);
        let bar = line.get_or_insert_with(|| {
            let bar = self.console.bars().add(ProgressBar::no_length());
            bar.set_style(style(LINE));
            bar
        });
        let width = (self.console.width)();
        // What does not fit is left out from the end, a part of the sentence at a time.
        let fields: Vec<String> = text.split("; ").map(str::to_owned).collect();
        bar.set_message(fit(width.saturating_sub(LINE.1), &fields).0);
    }

    fn phase(&self, name: Phase, done: u64, total: u64) {
        let mut current = self.phase.lock().unwrap_or_else(PoisonError::into_inner);
        let width = (self.console.width)();
        let look = if width < NARROW || total == 0 {
            SHORT_PHASE
        } else {
            PHASE
        };
        if current.as_ref().is_none_or(|(known, _)| *known != name) {
            // All is read: there is nothing more to ask for.
            let credits = self.credits.lock().unwrap_or_else(PoisonError::into_inner).take();
            if let Some(line) = credits {
                line.finish_and_clear();
            }
            if let Some((_, old)) = current.take() {
                old.finish_and_clear();
            }
            let bar = self.console.bars().add(ProgressBar::new(total));
            bar.set_style(style(look));
            bar.set_prefix(name.name());
            *current = Some((name, bar));
        }
        if let Some((_, bar)) = current.as_ref() {
            bar.set_length(total);
            bar.set_position(done);
            // Of joining nobody knows how much there is.
            let amount = if total > 0 {
                format!("{} of {}", words::amount(name, done), words::amount(name, total))
            } else {
                String::new()
            };
            bar.set_message(fit(width.saturating_sub(look.1), &[amount]).0);
        }
    }

    fn module(&self, bar: &ProgressBar, event: Event<'_>) {
        let Event::Module {
            module,
            rows,
            expected,
            in_flight,
            retries,
            note,
            ..
        } = event
        else {
            return;
        };
        // First: with a steady tick it draws nothing by itself, but the message below does.
        bar.set_position(rows);
        match expected {
            // A desk that counted too few must not show more than everything.
            Some(all) => bar.set_length(all.max(rows)),
            None if bar.length().is_some() => bar.unset_length(),
            None => {}
        }
        let width = (self.console.width)();
        let retries = (retries > 0).then(|| count(retries, "retry", "retries"));
        // What must be seen stands at the left; what does not fit whole is left out.
        let vital = 2 + usize::from(retries.is_some());
        let amount = match expected {
            Some(all) => format!("{}/{}", grouped(rows), grouped(all)),
            None => count(rows, "row", "rows"),
        };
        let fields: Vec<String> = [amount, format!("{in_flight} in flight")]
            .into_iter()
            .chain(retries.clone())
            .chain(expected.map(|_| format!("{} left", time(bar.eta()))))
            .chain([format!("{}/s", grouped(bar.per_sec() as u64))])
            .chain(note.map(printable))
            .collect();
        let look = if expected.is_some() { COUNTED } else { UNCOUNTED };
        let (message, shown) = fit(width.saturating_sub(look.1), &fields);
        if width >= NARROW && shown >= vital {
            self.set_look(module, look);
            bar.set_message(message);
            return;
        }
        let amount = match rows {
            0..100_000 => count(rows, "row", "rows"),
            100_000..1_000_000 => format!("{}k rows", rows / 1000),
            _ => format!("{:.1}M rows", rows as f64 / 1e6),
        };
        let fields: Vec<String> = [amount, format!("{in_flight} open")]
            .into_iter()
            .chain(retries)
            .collect();
        self.set_look(module, SHORT);
        bar.set_message(fit(width.saturating_sub(SHORT.1), &fields).0);
    }
}

impl Progress for Bars {
    fn event(&self, event: Event<'_>) {
        match event {
            Event::Waiting { running } => self.console.err(&format!("waiting for {}", printable(running))),
            Event::ModuleStarted { module } => self.bar(module).tick(),
            Event::Module { module, .. } => self.module(&self.bar(module), event),
            Event::ModuleEnded { module, state, reason } => self.ended(module, state, reason),
            Event::Paused { until, left, reserve } => self.credits(&words::paused(until, left, reserve, &Local)),
            Event::Forecast { forecast } if words::is_worth_it(forecast) => {
                self.credits(&words::forecast(forecast, &Local));
            }
            Event::Forecast { .. } => {}
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

    /// A terminal that keeps what is written to it, and where lines are cleared.
    #[derive(Clone, Debug)]
    struct Screen(Arc<Mutex<String>>, u16);

    impl Screen {
        #[allow(clippy::unnecessary_wraps)] // as the trait below has it
        fn put(&self, text: &str) -> io::Result<()> {
            self.0.lock().unwrap().push_str(text);
            Ok(())
        }
    }

    impl TermLike for Screen {
        fn width(&self) -> u16 {
            self.1
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
        for look in [
            super::COUNTED,
            super::UNCOUNTED,
            super::ENDED,
            super::PHASE,
            super::SHORT,
            super::SHORT_PHASE,
        ] {
            assert!(ProgressStyle::with_template(look.0).is_ok(), "{}", look.0);
        }
    }

    #[test]
    fn draws_and_lets_messages_through() {
        let screen = Screen(Arc::default(), 120);
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

    /// The line of a module that has `rows` of `expected`, on so many columns, without blanks at its end.
    fn line(width: fn() -> usize, rows: u64, expected: Option<u64>) -> String {
        let screen = Screen(Arc::default(), width() as u16);
        let target = ProgressDrawTarget::term_like_with_hz(Box::new(screen.clone()), 255);
        let mut console = Console::to(Captured::default(), screen.clone(), target);
        console.width = width;
        let bars = Bars::new(console.clone());
        bars.event(Event::Module {
            module: "request-tracker",
            rows,
            expected,
            bytes: 0,
            requests: 7,
            in_flight: 10,
            retries: 12,
            note: Some("ObjectCustomFields"),
        });
        screen.0.lock().unwrap().clear();
        console.bars().suspend(|| ());
        let seen = screen.0.lock().unwrap().clone();
        seen.rsplit("<clear>").next().unwrap().trim_end().to_owned()
    }

    #[test]
    fn no_field_is_cut() {
        for (width, rows, expected, start) in [
            ((|| 40) as fn() -> usize, 5, None, "request 5 rows, 10 open, 12 retries"),
            (|| 40, 45_678, Some(90_000), "request 45,678 rows, 10 open, 12 retries"),
            (|| 40, 999_999, None, "request 999k rows, 10 open, 12 retries"),
            (|| 40, 1_234_567, None, "request 1.2M rows, 10 open, 12 retries"),
            (|| 20, 1_234_567, None, "request 1.2M rows"),
            (|| 9, 1, None, "request"),
            (
                || 80,
                5_000,
                Some(20_000),
                "request-tracker  ==>       25 % 5,000/20,000, 10 in flight, 12 retries, ",
            ),
            (
                || 80,
                1_234_567,
                Some(2_345_678),
                "request-tracker  ====>     53 % 1,234,567/2,345,678, 10 in flight, 12 retries",
            ),
            (|| 80, 1_234_567, None, "request-tracker "),
        ] {
            let shown = line(width, rows, expected);
            assert!(shown.starts_with(start), "{}: {shown:?} / {start:?}", width());
            assert!(shown.chars().count() <= width(), "{}: {shown:?}", width());
            let last = shown.rsplit(", ").next().unwrap();
            let whole = ["rows", "open", "retries", "left", "/s", "ObjectCustomFields"];
            assert!(
                width() < 10 || whole.iter().any(|end| last.ends_with(end)),
                "{}: {shown:?}",
                width()
            );
        }
        assert!(line(|| 120, 5_000, Some(20_000)).ends_with(", ObjectCustomFields"));
    }
}
