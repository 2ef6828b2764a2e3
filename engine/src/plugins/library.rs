//! Loads a library and gets at its root module. Everything unsafe of the engine is here.

use std::path::Path;

use abi_stable::StableAbi as _;
use abi_stable::abi_stability::abi_checking::check_layout_compatibility;
use abi_stable::library::{AbiHeaderRef, LibHeader};
use abi_stable::sabi_trait::TD_Opaque;
use abi_stable::sabi_types::RRef;
use abi_stable::std_types::RResult;
use abi_stable::type_layout::TypeLayout;
use libloading::os::unix::{Library, RTLD_LOCAL, RTLD_NOW};
use plugin_api::abi::{AbiHost, ExporterBox, HEADER_SYMBOL, HostRef, PluginRef};
use plugin_api::{API_VERSION, ExportError};

use super::opened::Opened;
use super::refusal::Reason;

/// Loads the library that is open and gives its root module. The library is never unloaded: its types'
/// functions, its thread-locals and the threads it may have started would be left without code.
///
/// The loader is given the open file, so that it loads what was looked at and hashed, whatever its name leads to by now; a
/// library that names others beside itself (`$ORIGIN`) does not find them for that. The manifest must have been read before: it
/// says that the file is a plugin of this ABI generation.
pub(crate) fn load(opened: Opened) -> Result<PluginRef, Reason> {
    let path = opened.path();
    debug_assert!(
        path.is_absolute(),
        "a path without a slash would be looked for in the system's folders"
    );
    // SAFETY: loading runs the library's initialisers. That is what a plugin is: code that its owner chose to run.
    let library = unsafe { Library::open(Some(&path), RTLD_NOW | RTLD_LOCAL) };
    let library = library.map_err(|error| Reason::CannotLoad(loader_said(&error, &path, &opened.place)))?;
    let library = Box::leak(Box::new(library));
    let unchanged = opened.is_unchanged();
    // The loader knows libraries by their paths: the number of this file must never be another's.
    std::mem::forget(opened);
    if !unchanged.map_err(Reason::Unreadable)? {
        return Err(Reason::CannotLoad("it was changed while it was loaded".into()));
    }
    // SAFETY: `export_plugin!` makes this symbol a `LibHeader`, which starts with the `AbiHeader` that the reference
    // is for; `upgrade` checks that header before anything behind it is read.
    let header = unsafe { library.get::<AbiHeaderRef>(HEADER_SYMBOL.as_bytes()) };
    let header: AbiHeaderRef = *header.map_err(|_| Reason::BadHeader("no header".into()))?;
    let header: &'static LibHeader = header
        .upgrade()
        .map_err(|error| Reason::BadHeader(super::refusal::one_line(&error.to_string())))?;
    let theirs = header.layout().ok_or_else(|| Reason::BadHeader("no layout".into()))?;
    check_layout(PluginRef::LAYOUT, theirs)?;
    // SAFETY: the layouts of the root module and of all it leads to were found compatible just now.
    let root = unsafe { header.unchecked_layout::<PluginRef>() };
    root.map_err(|error| Reason::BadHeader(super::refusal::one_line(&error.to_string())))
}

/// Whether two layouts of the root module fit. `abi_stable` takes one side as the interface and lets only the other have
/// more methods; a plugin may be older than its host or newer, so either direction will do.
pub(crate) fn check_layout(ours: &'static TypeLayout, theirs: &'static TypeLayout) -> Result<(), Reason> {
    let newer_plugin = check_layout_compatibility(ours, theirs);
    let Err(report) = newer_plugin else {
        return Ok(());
    };
    if check_layout_compatibility(theirs, ours).is_ok() {
        return Ok(());
    }
    tracing::debug!(report = %report, "the layouts differ");
    Err(Reason::OtherLayout(API_VERSION))
}

fn loader_said(error: &libloading::Error, path: &Path, place: &Path) -> String {
    let cause = std::error::Error::source(error).map(ToString::to_string);
    let said = cause.unwrap_or_else(|| error.to_string());
    super::refusal::one_line(&said.replace(&*path.to_string_lossy(), &place.to_string_lossy()))
}

/// Makes an exporter.
pub(crate) fn create(root: PluginRef) -> Result<ExporterBox, ExportError> {
    match (root.create())() {
        RResult::ROk(exporter) => Ok(exporter),
        RResult::RErr(error) => Err(error.into()),
    }
}

/// Drops an exporter; tells if it panicked.
pub(crate) fn retire(root: PluginRef, exporter: ExporterBox) -> Result<(), ExportError> {
    match (root.retire())(exporter) {
        RResult::ROk(()) => Ok(()),
        RResult::RErr(error) => Err(error.into()),
    }
}

/// Runs an export.
pub(crate) fn export(exporter: &ExporterBox, job_json: &str, host: &impl AbiHost) -> Result<(), ExportError> {
    let host: HostRef<'_> = HostRef::from_ptr(RRef::new(host), TD_Opaque);
    match exporter.export(job_json.into(), host) {
        RResult::ROk(()) => Ok(()),
        RResult::RErr(error) => Err(error.into()),
    }
}
