//! Ctrl-C, SIGTERM and SIGHUP: the first asks for a clean stop; a second Ctrl-C or SIGTERM ends the process. To the daemon,
//! SIGHUP means to reload.

use std::io;
use std::os::unix::net::UnixStream;
use std::thread;

use tokio::runtime;
use tokio::signal::unix::{SignalKind, signal};
use tokio::sync::mpsc;
use tokio_util::sync::CancellationToken;

use super::console::Console;
use super::exit::Exit;
use crate::daemon::Controls;

/// What is told: at the first signal, and where the process ends at the second.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Words {
    stopping: &'static str,
    ended: &'static str,
}

/// For a backup, which has a folder of parts.
pub(crate) const BACKUP: Words = Words {
    stopping: "stopping cleanly; again to end at once",
    ended: "ended at once; what was kept is in a `.deskvault-...spool` folder: `deskvault backup --resume` goes on with it",
};

/// For what writes nothing.
pub(crate) const READING: Words = Words {
    stopping: "stopping; again to end at once",
    ended: "ended at once",
};

/// What came.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Signal {
    /// SIGINT or SIGTERM.
    Stop,
    /// SIGHUP: the terminal is gone.
    HangUp,
}

/// Watches for signals from now on. The token is cancelled by the first.
pub(crate) fn watch(console: &Console, words: Words) -> io::Result<CancellationToken> {
    let cancel = CancellationToken::new();
    let mut kinds = vec![
        (SignalKind::interrupt(), Signal::Stop),
        (SignalKind::terminate(), Signal::Stop),
    ];
    // Where there is no such file, nothing says that it is ignored.
    if !hang_up_is_ignored(&std::fs::read_to_string("/proc/self/status").unwrap_or_default()) {
        kinds.push((SignalKind::hangup(), Signal::HangUp));
    }
    let (console, token) = (console.clone(), cancel.clone());
    listen(&kinds, move |runtime, signals| {
        let say = |line: &str| console.err(line);
        if runtime.block_on(handle(signals, &token, words, say)) == Verdict::End {
            console.restore();
            std::process::exit(Exit::Cancelled.code().into());
        }
    })?;
    Ok(cancel)
}

/// Has signals tell the daemon what to do, from now on.
pub(crate) fn steer(controls: Controls) -> io::Result<()> {
    let kinds = [
        (SignalKind::interrupt(), Signal::Stop),
        (SignalKind::terminate(), Signal::Stop),
        (SignalKind::hangup(), Signal::HangUp),
    ];
    listen(&kinds, move |runtime, signals| {
        if runtime.block_on(direct(signals, &controls)) == Verdict::End {
            tracing::warn!("ended at once; what is left behind is cleared up at the next start");
            std::process::exit(Exit::Cancelled.code().into());
        }
    })
}

/// For the process of a backup: SIGTERM stops it cleanly, however often it comes. Ctrl-C and a terminal that closes mean
/// the daemon, which then tells it.
pub(crate) fn obey() -> io::Result<CancellationToken> {
    let cancel = CancellationToken::new();
    let kinds = [
        (SignalKind::terminate(), Signal::Stop),
        (SignalKind::interrupt(), Signal::HangUp),
        (SignalKind::hangup(), Signal::HangUp),
    ];
    let token = cancel.clone();
    listen(&kinds, move |runtime, mut signals| {
        while let Some(signal) = runtime.block_on(signals.recv()) {
            if signal == Signal::Stop {
                token.cancel();
            }
        }
    })?;
    Ok(cancel)
}

/// Listens for signals on a thread that `handle` has. Handlers are in place when this function returns: a signal that
/// comes then is not lost.
fn listen(
    kinds: &[(SignalKind, Signal)],
    handle: impl FnOnce(&runtime::Runtime, mpsc::Receiver<Signal>) + Send + 'static,
) -> io::Result<()> {
    // tokio needs a few descriptors for signals, and panics where the system has none left.
    drop([UnixStream::pair()?, UnixStream::pair()?, UnixStream::pair()?]);
    let runtime = runtime::Builder::new_current_thread().enable_io().build()?;
    let (send, signals) = mpsc::channel(2);
    {
        let _context = runtime.enter();
        // A file that grows beyond what the system lets this process write (`ulimit -f`) is then an error that names it, as a
        // full disk is, and not the end without a word. The handler stays when nobody listens.
        drop(signal(SignalKind::from_raw(rustix::process::Signal::XFSZ.as_raw()))?);
        for (kind, meant) in kinds {
            let (mut stream, to, meant) = (signal(*kind)?, send.clone(), *meant);
            runtime.spawn(async move { while stream.recv().await.is_some() && to.send(meant).await.is_ok() {} });
        }
    }
    // It ends with the process: there is always another signal to wait for.
    thread::Builder::new()
        .name("signals".into())
        .spawn(move || handle(&runtime, signals))?;
    Ok(())
}

/// Whether a process with this `/proc/self/status` was started to outlive its terminal, as `nohup` does: a handler
/// would undo that.
fn hang_up_is_ignored(status: &str) -> bool {
    let mask = status.lines().find_map(|line| line.strip_prefix("SigIgn:"));
    let mask = mask.and_then(|mask| u64::from_str_radix(mask.trim(), 16).ok());
    mask.is_some_and(|mask| mask & 1 == 1)
}

/// What is to be done after the last signal that was taken.
#[derive(Debug, PartialEq, Eq)]
enum Verdict {
    /// End the process now.
    End,
    /// No more signals come.
    GoOn,
}

async fn handle(
    mut signals: mpsc::Receiver<Signal>,
    cancel: &CancellationToken,
    words: Words,
    say: impl Fn(&str),
) -> Verdict {
    if signals.recv().await.is_none() {
        return Verdict::GoOn;
    }
    cancel.cancel();
    say(words.stopping);
    // A terminal that closes may hang up more than once, by the kernel and by the shell: nobody insists by that.
    while let Some(signal) = signals.recv().await {
        if signal == Signal::Stop {
            say(words.ended);
            return Verdict::End;
        }
    }
    Verdict::GoOn
}

async fn direct(mut signals: mpsc::Receiver<Signal>, controls: &Controls) -> Verdict {
    let mut stopping = false;
    while let Some(signal) = signals.recv().await {
        match signal {
            Signal::HangUp => controls.reload(),
            Signal::Stop if stopping => return Verdict::End,
            Signal::Stop => {
                stopping = true;
                controls.stop();
            }
        }
    }
    Verdict::GoOn
}

#[cfg(test)]
mod tests {
    use std::cell::RefCell;

    use tokio::sync::mpsc;
    use tokio_util::sync::CancellationToken;

    use super::Signal::{HangUp, Stop};
    use super::{BACKUP, Verdict, direct, handle, hang_up_is_ignored};
    use crate::daemon::Controls;

    #[tokio::test]
    async fn a_daemon_reloads_stops_and_then_ends() {
        for (signals, stops, reloads, verdict) in [
            (&[][..], false, false, Verdict::GoOn),
            (&[HangUp, HangUp, HangUp], false, true, Verdict::GoOn),
            (&[Stop], true, false, Verdict::GoOn),
            (&[HangUp, Stop], true, true, Verdict::GoOn),
            (&[Stop, HangUp], true, true, Verdict::GoOn),
            (&[Stop, HangUp, Stop], true, true, Verdict::End),
        ] {
            let (send, received) = mpsc::channel(3);
            for signal in signals {
                send.try_send(*signal).unwrap();
            }
            drop(send);
            let controls = Controls::default();
            assert_eq!(direct(received, &controls).await, verdict, "{signals:?}");
            assert_eq!(
                (controls.stopping().is_cancelled(), controls.take_reload()),
                (stops, reloads),
                "{signals:?}"
            );
        }
    }

    #[tokio::test]
    async fn the_first_stops_the_second_ends() {
        for (signals, said, verdict) in [
            (&[][..], &[][..], Verdict::GoOn),
            (&[Stop], &[BACKUP.stopping], Verdict::GoOn),
            (&[Stop, Stop], &[BACKUP.stopping, BACKUP.ended], Verdict::End),
            (&[HangUp], &[BACKUP.stopping], Verdict::GoOn),
            (&[HangUp, HangUp], &[BACKUP.stopping], Verdict::GoOn),
            (&[Stop, HangUp], &[BACKUP.stopping], Verdict::GoOn),
            (&[HangUp, HangUp, Stop], &[BACKUP.stopping, BACKUP.ended], Verdict::End),
        ] {
            let (send, received) = mpsc::channel(3);
            for signal in signals {
                send.try_send(*signal).unwrap();
            }
            drop(send);
            let (cancel, heard) = (CancellationToken::new(), RefCell::new(Vec::new()));
            let answer = handle(received, &cancel, BACKUP, |line| {
                heard.borrow_mut().push(line.to_owned());
            })
            .await;
            assert_eq!(
                (answer, heard.into_inner()),
                (verdict, said.iter().map(ToString::to_string).collect())
            );
            assert_eq!(cancel.is_cancelled(), !signals.is_empty(), "{signals:?}");
        }
    }

    #[test]
    fn a_file_that_grows_too_large_is_an_error_and_not_the_end() {
        super::listen(&[], |_, _| {}).unwrap();
        let status = std::fs::read_to_string("/proc/self/status").unwrap();
        let caught = status.lines().find_map(|line| line.strip_prefix("SigCgt:")).unwrap();
        let caught = u64::from_str_radix(caught.trim(), 16).unwrap();
        let bit = rustix::process::Signal::XFSZ.as_raw() - 1;
        assert_eq!(caught >> bit & 1, 1);
    }

    #[test]
    fn what_was_started_to_outlive_its_terminal_does() {
        for (status, ignored) in [
            (
                "Name:\tdeskvault\nSigIgn:\t0000000000001001\nSigCgt:\t0000000000000000\n",
                true,
            ),
            ("SigIgn:\t0000000000001000\n", false),
            ("SigIgn:\tx\n", false),
            ("", false),
        ] {
            assert_eq!(hang_up_is_ignored(status), ignored, "{status:?}");
        }
    }
}
