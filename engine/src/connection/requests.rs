//! The threads that make the requests of a connection.

use std::io;

use tokio::runtime::{Builder, Handle, Runtime};

/// The threads that make the requests. What is still under way when they are dropped is not waited for: a name may take
/// long to resolve.
pub(crate) struct Requests {
    handle: Handle,
    /// Taken out only when it is dropped.
    runtime: Option<Runtime>,
}

impl Requests {
    pub(crate) fn start() -> io::Result<Self> {
        let mut builder = Builder::new_multi_thread();
        let runtime = builder.worker_threads(2).thread_name("requests").enable_all().build()?;
        Ok(Self {
            handle: runtime.handle().clone(),
            runtime: Some(runtime),
        })
    }

    pub(crate) fn handle(&self) -> Handle {
        self.handle.clone()
    }
}

impl Drop for Requests {
    fn drop(&mut self) {
        if let Some(runtime) = self.runtime.take() {
            runtime.shutdown_background();
        }
    }
}
