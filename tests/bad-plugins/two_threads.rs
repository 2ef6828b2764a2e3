//! Calls the host from a second thread, and takes no notice that it was refused.
#![allow(unsafe_code, reason = "a plugin on the bare ABI")]

mod common;

common::bare_plugin!("two-threads", |host| {
    let _ = common::open(host);
    std::thread::scope(|scope| {
        scope.spawn(|| drop(host.submit(r#"{"path":"/things"}"#.into())));
    });
});
