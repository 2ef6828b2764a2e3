//! `deskvault user` and `token`.

use std::io::{self, IsTerminal as _};
use std::sync::mpsc::{self, RecvTimeoutError};
use std::thread;
use std::time::Duration;

use anyhow::{Context as _, anyhow};
use plugin_api::Timestamp;
use rustix::termios::{OptionalActions, tcgetattr, tcsetattr};
use tokio_util::sync::CancellationToken;

use crate::cli::args::{CreateToken, Global, Token, User};
use crate::cli::exit::Exit;
use crate::cli::table::table;
use crate::cli::{Shell, signals};
use crate::config::Log;
use crate::config::text::printable;
use crate::people::password::{self, PasswordError};
use crate::people::tokens::{self, New, TokenError};
use crate::quota::second_words;

use super::{Failure, Outcome, open, prepare, print};

/// How often it is looked whether the person gave up.
const TICK: Duration = Duration::from_millis(100);

pub(super) fn user(typed: &User, global: &Global, shell: &Shell) -> Outcome {
    let User::Hash = typed;
    let password = if shell.is_process && io::stdin().is_terminal() {
        let cancel = prepare(global, &Log::default(), signals::READING, shell)?;
        let password = hidden("password: ", shell, &cancel)?;
        if password != hidden("once more: ", shell, &cancel)? {
            return Err(Failure::Usage("that was not the same twice: try again".into()));
        }
        password
    } else {
        let line = (shell.read_line)();
        let line = line
            .context("cannot read a password from standard input")
            .map_err(Failure::Failed)?;
        let line = line.strip_suffix('\n').unwrap_or(&line);
        line.strip_suffix('\r').unwrap_or(line).to_owned()
    };
    let hash = password::hash(&password).map_err(|error| match error {
        PasswordError::Short { .. } | PasswordError::Long => Failure::Usage(error.to_string()),
        PasswordError::Random(_) | PasswordError::Hash(_) => Failure::Failed(error.into()),
    })?;
    print(&format!("{hash}\n"), shell)?;
    Ok(Exit::Done)
}

/// A line from the terminal, which does not show it. It is asked for on a thread of its own, which is left behind when the
/// person gives up; the terminal is then as it was.
fn hidden(prompt: &str, shell: &Shell, cancel: &CancellationToken) -> Result<String, Failure> {
    let failed = |error: io::Error| Failure::Failed(anyhow!(error).context("cannot read from the terminal"));
    let before = tcgetattr(io::stdin()).map_err(|error| failed(error.into()))?;
    shell.console.prompt(prompt);
    let (send, typed) = mpsc::channel();
    thread::Builder::new()
        .name("password".into())
        .spawn(move || {
            // Nobody listens any more if the command was stopped.
            let _ = send.send(::console::Term::stderr().read_secure_line());
        })
        .map_err(failed)?;
    loop {
        match typed.recv_timeout(TICK) {
            Ok(line) => return line.map_err(failed),
            Err(RecvTimeoutError::Timeout) if cancel.is_cancelled() => {
                // There is nobody to tell if that fails.
                let _ = tcsetattr(io::stdin(), OptionalActions::Now, &before);
                return Err(Failure::Cancelled);
            }
            Err(RecvTimeoutError::Timeout) => {}
            Err(RecvTimeoutError::Disconnected) => return Err(failed(io::ErrorKind::UnexpectedEof.into())),
        }
    }
}

pub(super) fn token(typed: &Token, global: &Global, shell: &Shell) -> Outcome {
    match typed {
        Token::Create(typed) => create(typed, global, shell),
        Token::List { json } => list(*json, global, shell),
        Token::Revoke { id } => revoke(*id, global, shell),
    }
}

fn create(typed: &CreateToken, global: &Global, shell: &Shell) -> Outcome {
    let (service, actor) = open(global, shell)?;
    let new = New {
        person: &typed.person,
        label: &typed.label,
        lifetime: typed.lifetime,
    };
    let (token, secret) = tokens::create(service.store(), service.config(), &new, &actor, service.now())?;
    print(&format!("{}\n", secret.reveal()), shell)?;
    if !global.quiet {
        shell.console.err(&format!(
            "token {} is {}'s and holds until {}; it is not shown again",
            token.id,
            printable(&token.person),
            second_words(token.expires)
        ));
    }
    Ok(Exit::Done)
}

fn list(json: bool, global: &Global, shell: &Shell) -> Outcome {
    let (service, actor) = open(global, shell)?;
    let found = tokens::list(service.store(), &actor).map_err(TokenError::from)?;
    let now = service.now();
    if json {
        for token in &found {
            let line = serde_json::json!({
                "id": token.id, "person": token.person, "label": token.label, "created": token.created,
                "expires": token.expires, "revoked": token.revoked, "holds": token.holds(now),
            });
            print(&format!("{line}\n"), shell)?;
        }
    } else if found.is_empty() {
        print("no tokens\n", shell)?;
    } else {
        let head = ["id", "person", "label", "made", "expires", ""]
            .map(str::to_owned)
            .to_vec();
        let rows = found.iter().map(|token| row(token, now));
        print(&table(&std::iter::once(head).chain(rows).collect::<Vec<_>>(), 6), shell)?;
    }
    Ok(Exit::Done)
}

fn row(token: &crate::people::Token, now: Timestamp) -> Vec<String> {
    let state = match token.revoked {
        Some(at) => format!("revoked on {}", second_words(at)),
        None if token.holds(now) => String::new(),
        None => "expired".to_owned(),
    };
    vec![
        token.id.to_string(),
        printable(&token.person),
        printable(&token.label),
        second_words(token.created),
        second_words(token.expires),
        state,
    ]
}

fn revoke(id: u64, global: &Global, shell: &Shell) -> Outcome {
    let (service, actor) = open(global, shell)?;
    let token = tokens::revoke(service.store(), service.config(), id, &actor, service.now())?;
    print(
        &format!("token {id} of {} is revoked\n", printable(&token.person)),
        shell,
    )?;
    Ok(Exit::Done)
}

impl From<TokenError> for Failure {
    fn from(error: TokenError) -> Self {
        match error {
            TokenError::Refused(refusal) => Self::Refused(refusal.to_string()),
            TokenError::NoPerson { .. }
            | TokenError::Lifetime
            | TokenError::Label
            | TokenError::NoToken(_)
            | TokenError::Revoked { .. } => Self::Usage(error.to_string()),
            TokenError::Random(_) | TokenError::Store(_) => Self::Failed(error.into()),
        }
    }
}
