//! Ctrl-C and SIGTERM: the first asks for a clean stop, the second ends the process.

use std::io;
use std::thread;

use tokio::runtime;
use tokio::sync::mpsc;
use tokio_util::sync::CancellationToken;

use super::console::Console;
use super::exit::Exit;

const STOPPING: &str = "stopping cleanly, nothing half-done is left behind; again to end at once";

/// Watches for signals from now on. The token is cancelled by the first.
pub(crate) fn watch(console: &Console) -> io::Result<CancellationToken> {
    let cancel = CancellationToken::new();
    let runtime = runtime::Builder::new_current_thread().enable_io().build()?;
    let (send, signals) = mpsc::channel(2);
    // Handlers are in place when this function returns: a signal that comes then is not lost.
    {
        let _context = runtime.enter();
        listen(&runtime, &send)?;
    }
    let (console, token) = (console.clone(), cancel.clone());
    // It ends with the process: there is always another signal to wait for.
    thread::Builder::new().name("signals".into()).spawn(move || {
        let say = |line: &str| console.err(line);
        if runtime.block_on(handle(signals, &token, say)) == Verdict::End {
            console.restore();
            std::process::exit(Exit::Cancelled.code().into());
        }
    })?;
    Ok(cancel)
}

#[cfg(unix)]
fn listen(runtime: &runtime::Runtime, send: &mpsc::Sender<()>) -> io::Result<()> {
    use tokio::signal::unix::{SignalKind, signal};

    for kind in [SignalKind::interrupt(), SignalKind::terminate()] {
        let mut stream = signal(kind)?;
        let send = send.clone();
        runtime.spawn(async move { while stream.recv().await.is_some() && send.send(()).await.is_ok() {} });
    }
    Ok(())
}

#[cfg(not(unix))]
#[allow(clippy::unnecessary_wraps)]
fn listen(runtime: &runtime::Runtime, send: &mpsc::Sender<()>) -> io::Result<()> {
    let send = send.clone();
    runtime.spawn(async move { while tokio::signal::ctrl_c().await.is_ok() && send.send(()).await.is_ok() {} });
    Ok(())
}

/// What is to be done after the last signal that was taken.
#[derive(Debug, PartialEq, Eq)]
enum Verdict {
    /// End the process now.
    End,
    /// No more signals come.
    GoOn,
}

async fn handle(mut signals: mpsc::Receiver<()>, cancel: &CancellationToken, say: impl Fn(&str)) -> Verdict {
    if signals.recv().await.is_none() {
        return Verdict::GoOn;
    }
    cancel.cancel();
    say(STOPPING);
    match signals.recv().await {
        Some(()) => Verdict::End,
        None => Verdict::GoOn,
    }
}

#[cfg(test)]
mod tests {
    use std::cell::RefCell;

    use tokio::sync::mpsc;
    use tokio_util::sync::CancellationToken;

    use super::{STOPPING, Verdict, handle};

    #[tokio::test]
    async fn the_first_stops_the_second_ends() {
        for (count, cancelled, verdict) in [
            (0, false, Verdict::GoOn),
            (1, true, Verdict::GoOn),
            (2, true, Verdict::End),
        ] {
            let (send, signals) = mpsc::channel(2);
            for _ in 0..count {
                send.try_send(()).unwrap();
            }
            drop(send);
            let (cancel, said) = (CancellationToken::new(), RefCell::new(Vec::new()));
            let answer = handle(signals, &cancel, |line| {
                said.borrow_mut().push(line.to_owned());
            })
            .await;
            assert_eq!((answer, cancel.is_cancelled()), (verdict, cancelled), "{count}");
            assert_eq!(said.into_inner(), if cancelled { vec![STOPPING] } else { vec![] });
        }
    }
}
