//! Events of `tracing` in this library go to the host.
//!
//! `tracing` keeps its subscriber in a static, and every dynamic library has statics of its own: without this a
//! plugin's events would go nowhere.
#![allow(
    unsafe_code,
    reason = "the host of the running export is kept in a thread-local, without its lifetime"
)]

use std::cell::Cell;
use std::fmt;
use std::sync::Once;
use std::sync::atomic::{AtomicU8, Ordering};

use abi_stable::std_types::RStr;
use serde_json::{Map, Value, json};
use tracing::field::{Field, Visit};
use tracing::span::{Attributes, Id, Record};
use tracing::{Event, Level, Metadata, Subscriber};

use crate::abi::HostRef;

thread_local! {
    /// The host of the export that runs on this thread.
    static HOST: Cell<Option<*const HostRef<'static>>> = const { Cell::new(None) };
    /// Its most detailed level, as a number.
    static LEVEL: Cell<u8> = const { Cell::new(0) };
}

/// The most detailed level that any export of this library asked for.
static MOST: AtomicU8 = AtomicU8::new(0);

/// Forwards this thread's events to `host` until it is dropped.
pub(crate) struct Forwarding<'a> {
    before: (Option<*const HostRef<'static>>, u8),
    host: std::marker::PhantomData<&'a ()>,
}

pub(crate) fn forward_to<'a>(host: &'a HostRef<'_>, level: Option<&str>) -> Forwarding<'a> {
    static ONCE: Once = Once::new();
    ONCE.call_once(|| {
        // Fails only where the process has a subscriber in this very library already: in the author's own tests,
        // where events then go there.
        let _ = tracing::subscriber::set_global_default(Forwarder);
    });
    let level = level.map_or(3, number);
    if MOST.fetch_max(level, Ordering::Relaxed) < level {
        tracing::callsite::rebuild_interest_cache();
    }
    let pointer = std::ptr::from_ref(host).cast::<HostRef<'static>>();
    Forwarding {
        before: (HOST.replace(Some(pointer)), LEVEL.replace(level)),
        host: std::marker::PhantomData,
    }
}

impl Drop for Forwarding<'_> {
    fn drop(&mut self) {
        HOST.set(self.before.0);
        LEVEL.set(self.before.1);
    }
}

fn number(level: &str) -> u8 {
    let known = ["error", "warn", "info", "debug", "trace"];
    known
        .iter()
        .position(|name| *name == level)
        .map_or(3, |at| at as u8 + 1)
}

fn number_of(level: Level) -> u8 {
    match level {
        Level::ERROR => 1,
        Level::WARN => 2,
        Level::INFO => 3,
        Level::DEBUG => 4,
        Level::TRACE => 5,
    }
}

struct Forwarder;

impl Subscriber for Forwarder {
    fn enabled(&self, metadata: &Metadata<'_>) -> bool {
        metadata.is_event() && number_of(*metadata.level()) <= LEVEL.get()
    }

    fn register_callsite(&self, metadata: &'static Metadata<'static>) -> tracing::subscriber::Interest {
        if metadata.is_event() && number_of(*metadata.level()) <= MOST.load(Ordering::Relaxed) {
            tracing::subscriber::Interest::sometimes()
        } else {
            tracing::subscriber::Interest::never()
        }
    }

    fn event(&self, event: &Event<'_>) {
        let Some(host) = HOST.get() else { return };
        let mut fields = Fields::default();
        event.record(&mut fields);
        let metadata = event.metadata();
        let json = json!({
            "target": metadata.target(),
            "message": fields.message,
            "fields": fields.others,
            "file": metadata.file(),
            "line": metadata.line(),
        })
        .to_string();
        // SAFETY: `Forwarding` holds the borrow of the host and takes the pointer away when it is dropped; the
        // pointer never leaves this thread.
        let host: &HostRef<'_> = unsafe { &*host };
        host.log(number_of(*metadata.level()), RStr::from_str(&json));
    }

    fn new_span(&self, _: &Attributes<'_>) -> Id {
        // Spans are not forwarded; they are disabled, so this is not called.
        Id::from_u64(1)
    }

    fn record(&self, _: &Id, _: &Record<'_>) {}

    fn record_follows_from(&self, _: &Id, _: &Id) {}

    fn enter(&self, _: &Id) {}

    fn exit(&self, _: &Id) {}
}

#[derive(Default)]
struct Fields {
    message: String,
    others: Map<String, Value>,
}

impl Fields {
    fn keep(&mut self, field: &Field, value: Value) {
        self.others.insert(field.name().to_owned(), value);
    }
}

impl Visit for Fields {
    fn record_debug(&mut self, field: &Field, value: &dyn fmt::Debug) {
        let text = format!("{value:?}");
        if field.name() == "message" {
            self.message = text;
        } else {
            self.keep(field, text.into());
        }
    }

    fn record_str(&mut self, field: &Field, value: &str) {
        if field.name() == "message" {
            value.clone_into(&mut self.message);
        } else {
            self.keep(field, value.into());
        }
    }

    fn record_i64(&mut self, field: &Field, value: i64) {
        self.keep(field, value.into());
    }

    fn record_u64(&mut self, field: &Field, value: u64) {
        self.keep(field, value.into());
    }

    fn record_bool(&mut self, field: &Field, value: bool) {
        self.keep(field, value.into());
    }

    fn record_f64(&mut self, field: &Field, value: f64) {
        self.keep(field, value.into());
    }
}
