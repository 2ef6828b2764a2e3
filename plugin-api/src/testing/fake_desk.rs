//! A desk that is a function, and an export of it.

use std::sync::Arc;
use std::sync::mpsc::{self, Receiver, RecvTimeoutError, Sender};
use std::thread;
use std::time::Duration;

use abi_stable::sabi_trait::TD_Opaque;
use abi_stable::std_types::{RResult, RStr};

use super::fake_host::FakeHost;
use super::reply::Reply;
use super::run::Run;
use crate::abi::{AbiError, AbiExporter_TO, AbiHost_TO, ExporterBox};
use crate::{Description, ErrorKind, ExportError, Exporter, Job, Request, Result, glue};

/// How long an exporter may be busy between two calls of the host, also on a busy machine.
const PATIENCE: Duration = Duration::from_secs(20);

/// What answers requests.
pub(super) type Answering = Arc<dyn Fn(&Request) -> Reply + Send + Sync>;

/// How the thread of an export ended.
pub(super) enum Ended {
    Returned {
        export: Result<()>,
        retire: Result<()>,
    },
    Runaway,
    /// It does not call the host any more.
    Idle,
}

/// A desk for tests: a function from request to reply.
///
/// For [`check_exporter`](super::check_exporter) the function must depend on the request alone.
#[derive(Clone)]
pub struct FakeDesk {
    pub(super) answering: Answering,
    pub(super) empty: Option<Answering>,
    seed: u64,
    cancel_after: Option<u64>,
    patience: Duration,
}

impl FakeDesk {
    /// A desk that answers with this function.
    pub fn new(answer: impl Fn(&Request) -> Reply + Send + Sync + 'static) -> Self {
        Self {
            answering: Arc::new(answer),
            empty: None,
            seed: 0,
            cancel_after: None,
            patience: PATIENCE,
        }
    }

    /// What the desk answers to a request: for a desk that is made of another.
    pub fn reply(&self, request: &Request) -> Reply {
        (self.answering)(request)
    }

    /// How the same desk answers when it has no records. [`check_exporter`](super::check_exporter) otherwise
    /// empties the lists in the desk's replies, and sets counts to 0 and links to the next page to null.
    #[must_use]
    pub fn empty_with(mut self, answer: impl Fn(&Request) -> Reply + Send + Sync + 'static) -> Self {
        self.empty = Some(Arc::new(answer));
        self
    }

    /// Answers in another order: each number gives its own, which is the same in every run.
    #[must_use]
    pub fn seed(mut self, seed: u64) -> Self {
        self.seed = seed;
        self
    }

    /// Cancels the backup behind so many calls of the host (tables, rows, requests, answers and checkpoints).
    #[must_use]
    pub fn cancel_after(mut self, calls: u64) -> Self {
        self.cancel_after = Some(calls);
        self
    }

    /// Gives an exporter up that calls the host no more for so long. 20 seconds unless said otherwise.
    #[must_use]
    pub fn patience(mut self, patience: Duration) -> Self {
        self.patience = patience;
        self
    }

    /// How the export ends.
    fn wait(&self, ended: &Receiver<Ended>, host: &FakeHost) -> std::result::Result<Ended, RecvTimeoutError> {
        let mut calls = host.calls();
        loop {
            match ended.recv_timeout(self.patience) {
                Err(RecvTimeoutError::Timeout) => {}
                ended => return ended,
            }
            let before = std::mem::replace(&mut calls, host.calls());
            if before == calls {
                return Ok(Ended::Idle);
            }
        }
    }

    /// The same desk, with other answers.
    pub(super) fn with(&self, change: impl Fn(&Request, Reply) -> Reply + Send + Sync + 'static) -> Self {
        let answering = Arc::clone(&self.answering);
        Self {
            answering: Arc::new(move |request| change(request, answering(request))),
            ..self.clone()
        }
    }

    /// Runs an export of this desk, as the engine does.
    ///
    /// # Panics
    /// If the desk's function panics. A panic of the exporter is an error in [`Run::result`].
    pub fn run<E: Exporter>(&self, exporter: E, job: &Job) -> Run {
        let job_json = match serde_json::to_string(job) {
            Ok(json) => json,
            Err(error) => panic!("the job is no JSON: {error}"),
        };
        let (sender, ended) = mpsc::channel();
        let host = Arc::new(FakeHost::new(
            Arc::clone(&self.answering),
            self.seed,
            job.window,
            self.cancel_after,
            Sender::clone(&sender),
        ));
        let served = Arc::clone(&host);
        // In a thread of its own: an exporter that never comes to an end is left behind in it.
        thread::spawn(move || {
            let exporter = glue::wrap(exporter);
            served.enter();
            let host_ref = AbiHost_TO::from_ptr(&*served, TD_Opaque);
            let export = plain(exporter.export(RStr::from_str(&job_json), host_ref));
            let retire = plain(glue::retire(exporter));
            let _ = sender.send(Ended::Returned { export, retire });
        });
        let returned = match self.wait(&ended, &host) {
            Ok(Ended::Returned { export, retire }) => export.and(retire),
            Ok(Ended::Idle) => {
                let message = format!(
                    "the exporter goes on for ever: it has not called the host for {:?}, and not come back",
                    self.patience
                );
                Err(ExportError::new(ErrorKind::Other, message))
            }
            Ok(Ended::Runaway) => {
                let message = "the exporter goes on for ever: it was given up after very many calls of the host";
                Err(ExportError::new(ErrorKind::Other, message))
            }
            Err(_) => Err(ExportError::new(ErrorKind::Panic, "the thread of the export died")),
        };
        let (run, desk_panic) = host.outcome(returned);
        if let Some(message) = desk_panic {
            panic!("the fake desk panicked: {message}");
        }
        run
    }
}

/// What an exporter says of itself through the ABI, asked twice.
pub(super) fn describe<E: Exporter>(exporter: E) -> Result<[Description; 2]> {
    let exporter = glue::wrap(exporter);
    let ask = |exporter: &ExporterBox| -> Result<Description> {
        let json = plain(AbiExporter_TO::describe_json(exporter))?;
        serde_json::from_slice(json.into_bytes().as_slice())
            .map_err(|error| ExportError::decode("the description", error))
    };
    let both = [ask(&exporter)?, ask(&exporter)?];
    plain(glue::retire(exporter))?;
    Ok(both)
}

fn plain<T>(result: RResult<T, AbiError>) -> Result<T> {
    match result {
        RResult::ROk(value) => Ok(value),
        RResult::RErr(error) => Err(error.into()),
    }
}
