//! The command line: flags as typed (`args.rs`) become flags as meant, the engine is asked (`actions.rs`), and what it says is
//! shown. Start at [`run`], and for one command at `commands.rs`. Exit codes are in `exit.rs`.
//!
//! Architecture invariants: only this module prints, and only through its console. Text that others wrote goes to a terminal
//! without control characters.

mod actions;
mod args;
mod commands;
mod console;
mod engine;
mod exit;
pub(crate) mod figures;
mod logging;
mod progress;
mod range;
mod signals;
pub(crate) mod summary;
mod table;

use std::env;
use std::ffi::OsString;
use std::io::{self, BufRead as _, IsTerminal as _, Read as _};
use std::path::PathBuf;
use std::process::ExitCode;
use std::sync::Arc;

use clap::Parser as _;

use crate::clock::SystemClock;
use crate::config;
use crate::history::Language;

use self::actions::Actions;
use self::args::Typed;
use self::commands::Failure;
use self::console::Console;
use self::exit::Exit;

/// Runs the command line of this process.
pub fn run() -> ExitCode {
    run_at(Arc::new(SystemClock))
}

/// Runs it with another clock, as tests need it.
pub fn run_at(time: Arc<dyn crate::clock::Clock>) -> ExitCode {
    let shell = Shell {
        console: Console::of_process(),
        // Without a working folder, paths stay relative, and fail where they are used, by name.
        working: env::current_dir().unwrap_or_default(),
        variable: env::var_os(config::VARIABLE).map(PathBuf::from),
        has_variable: |name| env::var_os(name).is_some(),
        token: env::var_os(crate::people::token::VARIABLE).map(|token| token.to_string_lossy().into_owned()),
        read_line,
        asks: io::stdin().is_terminal() && io::stderr().is_terminal(),
        language: Language::of_system(|name| env::var(name).ok()),
        clock: progress::clock(),
        time,
        is_process: true,
    };
    ExitCode::from(execute(env::args_os(), &shell, &engine::Engine).code())
}

/// A line of standard input, of which no more is read than a person types.
fn read_line() -> io::Result<String> {
    let mut line = String::new();
    io::stdin().lock().take(4096).read_line(&mut line)?;
    Ok(line)
}

/// What surrounds a command.
struct Shell {
    console: Console,
    working: PathBuf,
    /// What [`config::VARIABLE`] says.
    variable: Option<PathBuf>,
    /// Whether an environment variable is set.
    has_variable: fn(&str) -> bool,
    /// What [`TOKEN`] says.
    token: Option<String>,
    /// Reads a line of standard input.
    read_line: fn() -> io::Result<String>,
    /// Whether a person is there who can be asked.
    asks: bool,
    /// The language of descriptions, unless another one is asked for.
    language: Language,
    clock: progress::Clock,
    /// What time it is, for rules and records.
    time: Arc<dyn crate::clock::Clock>,
    /// Whether signals and the log of the whole process are ours.
    is_process: bool,
}

fn execute(words: impl IntoIterator<Item = OsString>, shell: &Shell, actions: &dyn Actions) -> Exit {
    let typed = match Typed::try_parse_from(words) {
        Ok(typed) => typed,
        Err(error) => return refused(&error, shell),
    };
    let json = typed.command.wants_json();
    let failure = match commands::execute(&typed, shell, actions) {
        Ok(exit) => return exit,
        Err(failure) => failure,
    };
    shell.console.restore();
    let exit = failure.exit();
    let text = failure.text();
    shell.console.err(&format!("error: {text}"));
    if json {
        let line = serde_json::json!({ "event": "failed", "exit": exit.code(), "message": text });
        // The text is on standard error already; the exit code says the rest.
        let _ = shell.console.out(&format!("{line}\n"));
    }
    exit
}

/// What clap has to say: an error, or the help that was asked for.
fn refused(error: &clap::Error, shell: &Shell) -> Exit {
    if shell.is_process {
        // With colours where they fit. Nobody is there to tell if it cannot be printed.
        let _ = error.print();
    } else if error.use_stderr() {
        shell.console.err(error.render().to_string().trim_end());
    } else {
        let _ = shell.console.out(&error.render().to_string());
    }
    if error.use_stderr() { Exit::Usage } else { Exit::Done }
}

impl Failure {
    fn exit(&self) -> Exit {
        match self {
            Self::Usage(_) => Exit::Usage,
            Self::Refused(_) => Exit::Refused,
            Self::Cancelled | Self::Stopped(_) => Exit::Cancelled,
            Self::Suspended(_) => Exit::Suspended,
            Self::Damaged(_) => Exit::Damaged,
            Self::Failed(_) => Exit::Failed,
        }
    }

    /// The error with its chain: the one place where chains are printed.
    fn text(&self) -> String {
        let text = match self {
            Self::Usage(text)
            | Self::Refused(text)
            | Self::Damaged(text)
            | Self::Suspended(text)
            | Self::Stopped(text) => text.clone(),
            Self::Cancelled => "stopped".to_owned(),
            Self::Failed(error) => format!("{error:#}"),
        };
        let lines: Vec<String> = text.lines().map(config::text::printable).collect();
        lines.join("\n")
    }
}
