//! The one door to the terminal: what is written goes past the progress bars without tearing them.

use std::io::{self, IsTerminal, Write};
use std::sync::{Arc, Mutex, PoisonError};

use indicatif::{MultiProgress, ProgressDrawTarget};
use tracing_subscriber::fmt::MakeWriter;

type Sink = Arc<Mutex<Box<dyn Write + Send>>>;

/// Standard output, standard error, and the bars. Clones write to the same place.
#[derive(Clone)]
pub(crate) struct Console {
    out: Sink,
    err: Sink,
    bars: MultiProgress,
    /// Whether standard error is a terminal.
    pub(crate) is_terminal: bool,
    /// Columns of that terminal now.
    pub(crate) width: fn() -> usize,
}

impl Console {
    /// That of this process.
    pub(crate) fn of_process() -> Self {
        Self {
            out: sink(io::stdout()),
            err: sink(io::stderr()),
            bars: MultiProgress::with_draw_target(ProgressDrawTarget::stderr_with_hz(10)),
            is_terminal: io::stderr().is_terminal(),
            width: || ::console::Term::stderr().size().1.into(),
        }
    }

    /// One that writes elsewhere, with bars drawn on `target`.
    #[cfg(test)]
    pub(crate) fn to(
        out: impl Write + Send + 'static,
        err: impl Write + Send + 'static,
        target: ProgressDrawTarget,
    ) -> Self {
        let bars = MultiProgress::with_draw_target(target);
        Self {
            out: sink(out),
            err: sink(err),
            bars,
            is_terminal: false,
            width: || 120,
        }
    }

    pub(crate) fn bars(&self) -> &MultiProgress {
        &self.bars
    }

    /// Writes text as it is to standard output. That nobody reads it any more is no error.
    pub(crate) fn out(&self, text: &str) -> io::Result<()> {
        match self.bars.suspend(|| write(&self.out, text.as_bytes())) {
            Err(error) if error.kind() == io::ErrorKind::BrokenPipe => Ok(()),
            other => other,
        }
    }

    /// Writes a line to standard error. There is nobody to tell if that fails.
    pub(crate) fn err(&self, line: &str) {
        let _ = self.bars.suspend(|| write(&self.err, format!("{line}\n").as_bytes()));
    }

    /// Writes to standard error what a person is to answer in the same line.
    pub(crate) fn prompt(&self, text: &str) {
        let _ = self.bars.suspend(|| write(&self.err, text.as_bytes()));
    }

    /// Takes the bars away and leaves the terminal as it was.
    pub(crate) fn restore(&self) {
        let _ = self.bars.clear();
    }
}

fn sink(sink: impl Write + Send + 'static) -> Sink {
    Arc::new(Mutex::new(Box::new(sink)))
}

fn write(sink: &Sink, bytes: &[u8]) -> io::Result<()> {
    // A panic of another writer leaves at worst half a line behind.
    let mut sink = sink.lock().unwrap_or_else(PoisonError::into_inner);
    sink.write_all(bytes)?;
    sink.flush()
}

/// The log's way through: each event comes in one piece.
pub(crate) struct LogWriter(Console);

impl Write for LogWriter {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.0.bars.suspend(|| write(&self.0.err, bytes))?;
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

impl<'a> MakeWriter<'a> for Console {
    type Writer = LogWriter;

    fn make_writer(&'a self) -> LogWriter {
        LogWriter(self.clone())
    }
}

/// A sink to look into.
#[cfg(test)]
#[derive(Clone, Default)]
pub(crate) struct Captured(Arc<Mutex<Vec<u8>>>);

#[cfg(test)]
impl Captured {
    pub(crate) fn text(&self) -> String {
        String::from_utf8(self.0.lock().unwrap().clone()).unwrap()
    }
}

#[cfg(test)]
impl Write for Captured {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.0.lock().unwrap().extend_from_slice(bytes);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use std::io::{self, Write};

    use indicatif::ProgressDrawTarget;

    use super::{Captured, Console};

    struct Broken(io::ErrorKind);

    impl Write for Broken {
        fn write(&mut self, _: &[u8]) -> io::Result<usize> {
            Err(self.0.into())
        }

        fn flush(&mut self) -> io::Result<()> {
            Ok(())
        }
    }

    #[test]
    fn a_broken_pipe_is_no_error() {
        let console = |kind| Console::to(Broken(kind), Captured::default(), ProgressDrawTarget::hidden());
        assert!(console(io::ErrorKind::BrokenPipe).out("x").is_ok());
        assert!(console(io::ErrorKind::StorageFull).out("x").is_err());
    }
}
