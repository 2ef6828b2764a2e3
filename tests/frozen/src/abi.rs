// The ABI of plugin-api 1.0.0, as it was released: what crosses, without comments. It is never edited: a plugin that
// was built from it must load for as long as generation 1 is spoken.

use abi_stable::StableAbi;
use abi_stable::library::{CheckTypeLayout, LibHeader, RootModule, RootModuleResult};
use abi_stable::marker_type::ErasedPrefix;
use abi_stable::package_version_strings;
use abi_stable::prefix_type::{PrefixRefTrait as _, WithMetadata};
use abi_stable::sabi_trait;
use abi_stable::sabi_types::{RRef, VersionStrings};
use abi_stable::std_types::{RBox, RResult, RSlice, RStr, RString, RVec};


#[repr(transparent)]
#[derive(Clone, Copy, Debug, PartialEq, Eq, StableAbi)]
pub struct CellKind(pub u8);

impl CellKind {
    pub const NULL: Self = Self(0);
    pub const BOOL: Self = Self(1);
    pub const INT: Self = Self(2);
    pub const FLOAT: Self = Self(3);
    pub const TEXT: Self = Self(4);
    pub const TIME: Self = Self(5);
    pub const JSON: Self = Self(6);
}

#[repr(C)]
#[derive(Clone, Copy, Debug, StableAbi)]
pub struct Cell<'a> {
    pub kind: CellKind,
    pub bits: u64,
    pub text: RStr<'a>,
}

#[repr(C)]
#[derive(Clone, Debug, StableAbi)]
pub struct AbiError {
    pub kind: u8,
    pub message: RString,
    pub detail_json: RString,
}

#[repr(C)]
#[derive(Clone, Debug, StableAbi)]
pub struct HttpResponse {
    pub status: u16,
    pub headers_json: RString,
    pub body: RVec<u8>,
}

#[sabi_trait]
pub trait AbiHost: Sync {
    fn log(&self, level: u8, event_json: RStr<'_>);

    fn open_table(&self, table_json: RStr<'_>) -> RResult<u32, AbiError>;

    fn write_row(&self, table: u32, row: RSlice<'_, Cell<'_>>) -> RResult<(), AbiError>;

    fn submit(&self, request_json: RStr<'_>) -> RResult<u64, AbiError>;

    fn next(&self, ticket: &mut u64) -> RResult<HttpResponse, AbiError>;

    fn checkpoint(&self, cursor_json: RStr<'_>) -> RResult<(), AbiError>;

    fn progress(&self, note_json: RStr<'_>);

    #[sabi(last_prefix_field)]
    fn cancelled(&self) -> bool;
}

#[sabi_trait]
pub trait AbiExporter: Send + Sync {
    fn describe_json(&self) -> RResult<RString, AbiError>;

    #[sabi(last_prefix_field)]
    fn export(&self, job_json: RStr<'_>, host: HostRef<'_>) -> RResult<(), AbiError>;
}

pub type HostRef<'a> = AbiHost_TO<'a, RRef<'a, ()>>;

pub type ExporterBox = AbiExporter_TO<'static, RBox<()>>;

pub const HEADER_SYMBOL: &str = "DESKVAULT_PLUGIN_HEADER";

#[repr(C)]
#[derive(StableAbi)]
#[sabi(kind(Prefix(prefix_ref = PluginRef)))]
pub struct Plugin {
    pub create: extern "C" fn() -> RResult<ExporterBox, AbiError>,
    #[sabi(last_prefix_field)]
    pub retire: extern "C" fn(exporter: ExporterBox) -> RResult<(), AbiError>,
}

impl RootModule for PluginRef {
    abi_stable::declare_root_module_statics! {PluginRef}

    const BASE_NAME: &'static str = "deskvault_plugin";
    const NAME: &'static str = "deskvault_plugin";
    const VERSION_STRINGS: VersionStrings = package_version_strings!();
}

pub const fn header(constructor: extern "C" fn() -> RootModuleResult) -> LibHeader {
    // SAFETY: `root_result`, the only maker of a `RootModuleResult` with a module in it, erases a `PluginRef`.
    unsafe { LibHeader::from_constructor::<PluginRef>(constructor, CheckTypeLayout::Yes) }
}

pub fn root_result(root: &'static WithMetadata<Plugin>) -> RootModuleResult {
    let root = PluginRef(root.static_as_prefix());
    // SAFETY: erasing the type of a prefix reference is always sound; the layout is checked before it is given back.
    RResult::ROk(unsafe { root.to_prefix_ref().cast::<ErasedPrefix>() })
}
