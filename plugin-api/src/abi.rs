//! What crosses between host and plugin: generation 1.
//!
//! **Invariant**: nothing in this file changes once released. A new fact is a new key in one of the JSON texts;
//! a new method goes last in its trait, with a default body; anything else is generation 2 beside this one.
//! `frozen.rs` pins sizes and offsets; `tests/` loads a plugin built from the frozen sources of 1.0.
//!
//! A text from the other side is not known to be UTF-8, whatever its type says: it is read with [`text`] or
//! [`lossy_text`], never as a `str` first.
//!
//! Authors of exporters do not need this module: [`Exporter`](crate::Exporter) and
//! [`export_plugin!`](crate::export_plugin) stand in front of it.

#![allow(unsafe_code, reason = "the ABI itself: abi_stable's trait objects expand to it")]
#![allow(
    non_local_definitions,
    clippy::used_underscore_binding,
    clippy::elidable_lifetime_names,
    clippy::expl_impl_clone_on_copy,
    reason = "abi_stable's sabi_trait expands to such code"
)]

use std::str::Utf8Error;

use abi_stable::StableAbi;
use abi_stable::library::{CheckTypeLayout, LibHeader, RootModule, RootModuleResult};
use abi_stable::marker_type::ErasedPrefix;
use abi_stable::package_version_strings;
use abi_stable::prefix_type::{PrefixRefTrait as _, WithMetadata};
use abi_stable::sabi_trait;
use abi_stable::sabi_types::{RRef, VersionStrings};
use abi_stable::std_types::{RBox, RResult, RSlice, RStr, RString, RVec};

pub mod manifest;
#[cfg(test)]
mod tests;

/// What the bits and the text of a [`Cell`] mean. New kinds keep the layout; a host that does not know a kind
/// refuses the row.
#[repr(transparent)]
#[derive(Clone, Copy, Debug, PartialEq, Eq, StableAbi)]
pub struct CellKind(pub u8);

impl CellKind {
    /// No value: an empty field.
    pub const NULL: Self = Self(0);
    /// `bits` is 0 or 1.
    pub const BOOL: Self = Self(1);
    /// `bits` is an `i64`.
    pub const INT: Self = Self(2);
    /// `bits` is an `f64`.
    pub const FLOAT: Self = Self(3);
    /// `text` is the value.
    pub const TEXT: Self = Self(4);
    /// `bits` is an `i64`: microseconds since 1970-01-01T00:00:00Z.
    pub const TIME: Self = Self(5);
    /// `text` is a JSON value.
    pub const JSON: Self = Self(6);
}

/// One field of a row.
#[repr(C)]
#[derive(Clone, Copy, Debug, StableAbi)]
pub struct Cell<'a> {
    /// What the other two mean.
    pub kind: CellKind,
    /// A number, a moment or a truth value.
    pub bits: u64,
    /// A text; empty where `kind` has none.
    pub text: RStr<'a>,
}

/// A failure, on its way across.
#[repr(C)]
#[derive(Clone, Debug, StableAbi)]
pub struct AbiError {
    /// [`ErrorKind::code`](crate::ErrorKind::code).
    pub kind: u8,
    /// One line.
    pub message: RString,
    /// More facts, as a JSON object: `status`, `place`. May be empty.
    pub detail_json: RString,
}

/// The desk's answer to a request.
#[repr(C)]
#[derive(Clone, Debug, StableAbi)]
pub struct HttpResponse {
    /// The HTTP status.
    pub status: u16,
    /// The headers, as a JSON array of pairs; names in lower case.
    pub headers_json: RString,
    /// The body, unpacked.
    pub body: RVec<u8>,
}

/// The host, as the plugin sees it during one export. It is called from the thread that `export` was called
/// on, and from no other.
#[sabi_trait]
pub trait AbiHost: Sync {
    /// Passes an event on: `level` 1 (error) to 5 (trace); JSON `{target, message, fields, file, line}`.
    fn log(&self, level: u8, event_json: RStr<'_>);

    /// Announces a table, as the JSON of [`Table`](crate::Table); gives the number by which rows name it.
    fn open_table(&self, table_json: RStr<'_>) -> RResult<u32, AbiError>;

    /// Writes one row: as many cells as the table has columns, in their order.
    fn write_row(&self, table: u32, row: RSlice<'_, Cell<'_>>) -> RResult<(), AbiError>;

    /// Queues a request, as the JSON of [`Request`](crate::Request); gives its ticket, from 1 upwards. It does
    /// not wait: more than the job's `window` of requests not taken by `next` is an error.
    fn submit(&self, request_json: RStr<'_>) -> RResult<u64, AbiError>;

    /// Waits for any queued request to finish and gives its outcome. `ticket` says which; it is 0 when the
    /// error is not of a request: nothing is queued, or the backup is cancelled.
    fn next(&self, ticket: &mut u64) -> RResult<HttpResponse, AbiError>;

    /// Says that every row written so far is whole, and that an export which starts with this cursor (any JSON)
    /// goes on exactly after them.
    fn checkpoint(&self, cursor_json: RStr<'_>) -> RResult<(), AbiError>;

    /// Tells a fact about the export, as the JSON of [`Note`](crate::Note).
    fn progress(&self, note_json: RStr<'_>);

    /// Whether the export is to end now.
    #[sabi(last_prefix_field)]
    fn cancelled(&self) -> bool;
}

/// An exporter, as the host sees it.
#[sabi_trait]
pub trait AbiExporter: Send + Sync {
    /// The JSON of [`Description`](crate::Description).
    fn describe_json(&self) -> RResult<RString, AbiError>;

    /// Exports a module: `job_json` is the JSON of [`Job`](crate::Job).
    #[sabi(last_prefix_field)]
    fn export(&self, job_json: RStr<'_>, host: HostRef<'_>) -> RResult<(), AbiError>;
}

/// The host, borrowed for one export.
pub type HostRef<'a> = AbiHost_TO<'a, RRef<'a, ()>>;

/// An exporter, owned by the host; its `Drop` runs in the plugin.
pub type ExporterBox = AbiExporter_TO<'static, RBox<()>>;

/// The symbol of the root module's header in the library.
pub const HEADER_SYMBOL: &str = "DESKVAULT_PLUGIN_HEADER";

/// What a plugin library offers.
#[repr(C)]
#[derive(StableAbi)]
#[sabi(kind(Prefix(prefix_ref = PluginRef)))]
pub struct Plugin {
    /// Makes an exporter.
    pub create: extern "C" fn() -> RResult<ExporterBox, AbiError>,
    /// Drops an exporter and tells if that panicked. A plain drop is safe too, but silent.
    #[sabi(last_prefix_field)]
    pub retire: extern "C" fn(exporter: ExporterBox) -> RResult<(), AbiError>,
}

impl RootModule for PluginRef {
    abi_stable::declare_root_module_statics! {PluginRef}

    const BASE_NAME: &'static str = "deskvault_plugin";
    const NAME: &'static str = "deskvault_plugin";
    const VERSION_STRINGS: VersionStrings = package_version_strings!();
}

/// A text from the other side, checked: nothing but that side's good manners makes it UTF-8.
///
/// # Errors
/// It is not UTF-8.
#[inline]
pub fn text<'a>(text: &RStr<'a>) -> Result<&'a str, Utf8Error> {
    let bytes = text.as_rslice().as_slice();
    // Long texts several times as fast; what is wrong is for the other to say.
    simdutf8::basic::from_utf8(bytes).or_else(|_| std::str::from_utf8(bytes))
}

/// A text from the other side, for people to read: what is not UTF-8 in it becomes U+FFFD.
pub fn lossy_text(text: RString) -> String {
    match String::from_utf8(text.into_bytes().into()) {
        Ok(text) => text,
        Err(error) => String::from_utf8_lossy(error.as_bytes()).into_owned(),
    }
}

/// The header of a plugin library, from the constructor of its root module.
///
/// # Safety
/// What the constructor gives was made by [`root_result`].
pub const unsafe fn header(constructor: extern "C" fn() -> RootModuleResult) -> LibHeader {
    // SAFETY: by the caller's word the module is an erased `PluginRef`.
    unsafe { LibHeader::from_constructor::<PluginRef>(constructor, CheckTypeLayout::Yes) }
}

/// A root module, for the constructor of [`header`].
pub fn root_result(root: &'static WithMetadata<Plugin>) -> RootModuleResult {
    let root = PluginRef(root.static_as_prefix());
    // SAFETY: erasing the type of a prefix reference is always sound; the layout is checked before it is given back.
    RResult::ROk(unsafe { root.to_prefix_ref().cast::<ErasedPrefix>() })
}
