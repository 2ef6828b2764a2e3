//! What stands between an author's [`Exporter`] and the ABI: no panic gets out, events go to the host.
#![allow(unsafe_code, reason = "the glue: it makes the library's root module")]

use std::any::Any;
use std::cell::RefCell;
use std::mem::ManuallyDrop;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Once;
use std::sync::atomic::{AtomicBool, Ordering};

use abi_stable::prefix_type::WithMetadata;
use abi_stable::sabi_trait::TD_Opaque;
use abi_stable::std_types::{RResult, RStr, RString};

use crate::abi::{AbiError, AbiExporter, ExporterBox, HostRef, Plugin};
use crate::host::Host;
use crate::{Desk, ErrorKind, ExportError, Exporter, Job, Output, Result, logging};

/// What [`export_plugin!`](crate::export_plugin) uses. Not for authors.
pub mod private {
    pub use abi_stable::library::{LibHeader, RootModuleResult};
    pub use abi_stable::prefix_type::WithMetadata;
    pub use abi_stable::std_types::RResult;

    pub use super::{create, retire, root};
}

/// Makes this library a plugin: it exports what the expression gives, whose type is an
/// [`Exporter`](crate::Exporter).
///
/// ```ignore
/// struct Contacts;
/// impl plugin_api::Exporter for Contacts { /* .. */ }
/// plugin_api::export_plugin!(Contacts);
/// ```
#[macro_export]
macro_rules! export_plugin {
    ($exporter:expr) => {
        #[allow(unsafe_code)]
        const _: () = {
            use $crate::abi::{AbiError, ExporterBox};
            use $crate::glue::private;

            #[unsafe(no_mangle)]
            static DESKVAULT_PLUGIN_MANIFEST: $crate::abi::manifest::PluginManifest =
                $crate::abi::manifest::PluginManifest::new(
                    $crate::API_VERSION,
                    env!("CARGO_PKG_VERSION"),
                    env!("CARGO_PKG_NAME"),
                    cfg!(panic = "unwind"),
                );

            extern "C" fn create() -> private::RResult<ExporterBox, AbiError> {
                private::create(|| $exporter)
            }

            static ROOT: &private::WithMetadata<$crate::abi::Plugin> = &private::root(create);

            extern "C" fn root() -> private::RootModuleResult {
                $crate::abi::root_result(ROOT)
            }

            #[unsafe(no_mangle)]
            // SAFETY: `root` is the above, and gives what `root_result` made.
            static DESKVAULT_PLUGIN_HEADER: private::LibHeader = unsafe { $crate::abi::header(root) };
        };
    };
}

/// The root module of a plugin.
pub const fn root(create: extern "C" fn() -> RResult<ExporterBox, AbiError>) -> WithMetadata<Plugin> {
    WithMetadata::new(Plugin { create, retire })
}

/// Makes an exporter and wraps it.
pub fn create<E: Exporter>(make: impl FnOnce() -> E) -> RResult<ExporterBox, AbiError> {
    guarded(|| Ok(wrap(make())))
}

/// An exporter as the host gets it.
pub(crate) fn wrap<E: Exporter>(exporter: E) -> ExporterBox {
    let instance = Instance {
        exporter: ManuallyDrop::new(exporter),
        poisoned: AtomicBool::new(false),
    };
    ExporterBox::from_value(instance, TD_Opaque)
}

/// Drops an exporter and tells if that panicked.
pub extern "C" fn retire(exporter: ExporterBox) -> RResult<(), AbiError> {
    DROP_PANIC.with_borrow_mut(Option::take);
    drop(exporter);
    match DROP_PANIC.with_borrow_mut(Option::take) {
        None => RResult::ROk(()),
        Some(error) => RResult::RErr(error.into()),
    }
}

/// An exporter behind the ABI.
struct Instance<E: Exporter> {
    exporter: ManuallyDrop<E>,
    /// A panic may have left it in any state: it is not called again.
    poisoned: AtomicBool,
}

impl<E: Exporter> Instance<E> {
    fn call<T>(&self, work: impl FnOnce(&E) -> Result<T>) -> RResult<T, AbiError> {
        if self.poisoned.load(Ordering::Acquire) {
            let message = "the exporter panicked before and is not called again";
            return RResult::RErr(ExportError::new(ErrorKind::Panic, message).into());
        }
        let result = guarded(|| work(&self.exporter));
        if let RResult::RErr(error) = &result
            && ErrorKind::from_code(error.kind) == ErrorKind::Panic
        {
            self.poisoned.store(true, Ordering::Release);
        }
        result
    }
}

impl<E: Exporter> AbiExporter for Instance<E> {
    fn describe_json(&self) -> RResult<RString, AbiError> {
        self.call(|exporter| {
            let description = exporter.describe();
            let json = serde_json::to_string(&description)
                .map_err(|error| ExportError::new(ErrorKind::Other, error.to_string()))?;
            Ok(json.into())
        })
    }

    fn export(&self, job_json: RStr<'_>, host: HostRef<'_>) -> RResult<(), AbiError> {
        self.call(|exporter| {
            let job: Job = serde_json::from_slice(job_json.as_rslice().as_slice())
                .map_err(|error| ExportError::new(ErrorKind::Misuse, format!("the job can't be read: {error}")))?;
            let _events = logging::forward_to(&host, job.log_level.as_deref());
            run(exporter, &job, Host::new(&host))
        })
    }
}

fn run<E: Exporter>(exporter: &E, job: &Job, host: Host<'_>) -> Result<()> {
    let desk = Desk::new(host, job.window, job.waiting_bytes);
    let mut out = match &job.tables {
        Some(tables) => Output::open_again(host, tables)?,
        None => Output::open(host, exporter.tables(&desk)?)?,
    };
    exporter.export(job, &desk, &mut out)
}

impl<E: Exporter> Drop for Instance<E> {
    fn drop(&mut self) {
        let result = guarded(|| {
            // SAFETY: a value is dropped once, and nothing of it is used after that.
            unsafe { ManuallyDrop::drop(&mut self.exporter) };
            Ok(())
        });
        if let RResult::RErr(error) = result {
            DROP_PANIC.set(Some(error.into()));
        }
    }
}

thread_local! {
    /// Where and why the last panic on this thread happened, while a call of the host is under way.
    static LAST_PANIC: RefCell<Option<(String, String)>> = const { RefCell::new(None) };
    static DROP_PANIC: RefCell<Option<ExportError>> = const { RefCell::new(None) };
    static GUARDED: RefCell<u32> = const { RefCell::new(0) };
}

/// Runs a call of the host; a panic becomes an error with its place and message.
fn guarded<T>(work: impl FnOnce() -> Result<T>) -> RResult<T, AbiError> {
    catch_panics_quietly();
    GUARDED.with_borrow_mut(|depth| *depth += 1);
    let result = match catch_unwind(AssertUnwindSafe(work)) {
        Ok(Ok(value)) => RResult::ROk(value),
        Ok(Err(error)) => RResult::RErr(error.into()),
        Err(payload) => {
            let message = message_of(payload.as_ref());
            drop_payload(payload);
            // Another message is that of a panic which the exporter caught itself while this one unwound.
            let place = place_of_panic(&message);
            let mut error = ExportError::new(ErrorKind::Panic, message);
            error.place = place;
            RResult::RErr(error.into())
        }
    };
    GUARDED.with_borrow_mut(|depth| *depth -= 1);
    result
}

/// The payload of a panic is the plugin's own: its `Drop` may panic in turn, and so may what that throws.
fn drop_payload(payload: Box<dyn Any + Send>) {
    if let Err(again) = catch_unwind(AssertUnwindSafe(|| drop(payload))) {
        std::mem::forget(again);
    }
}

pub(crate) fn message_of(payload: &(dyn Any + Send)) -> String {
    let text = payload.downcast_ref::<&str>().map(|text| (*text).to_owned());
    text.or_else(|| payload.downcast_ref::<String>().cloned())
        .unwrap_or_else(|| "a panic without a message".to_owned())
}

/// Where the last panic on this thread happened, which had this message.
pub(crate) fn place_of_panic(message: &str) -> Option<String> {
    let last = LAST_PANIC.with_borrow_mut(Option::take);
    last.filter(|(_, hooked)| hooked == message).map(|(place, _)| place)
}

/// Keeps the place of a panic for the error in place of printing it; this library's panics outside of a call of the
/// host are printed as ever.
fn catch_panics_quietly() {
    static ONCE: Once = Once::new();
    ONCE.call_once(|| {
        let usual = std::panic::take_hook();
        std::panic::set_hook(Box::new(move |info| {
            if GUARDED.with_borrow(|depth| *depth) == 0 {
                usual(info);
                return;
            }
            let place = info.location().map(ToString::to_string).unwrap_or_default();
            let message = message_of_hook(info);
            LAST_PANIC.set(Some((place, message)));
        }));
    });
}

fn message_of_hook(info: &std::panic::PanicHookInfo<'_>) -> String {
    info.payload_as_str().unwrap_or("a panic without a message").to_owned()
}
