//! What the deliberately bad plugins share: an exporter with one table, whose steps each of them bends.
#![allow(dead_code, unused_macros, unused_imports, reason = "each of them uses a part")]

use plugin_api::{Column, Description, Table};

/// A valid description of `module`.
pub(crate) fn description(module: &str) -> Description {
    Description::new(module, format!("Bad plugin {module}")).tables(["Things"])
}

/// Its one table, of two columns.
pub(crate) fn things() -> Table {
    Table::new("Things")
        .column(Column::new("id", "Id"))
        .column(Column::new("name", "Name"))
        .key(["id"])
}

/// An exporter of one table: what it does when it describes itself, and when it exports.
macro_rules! bad_plugin {
    ($module:literal, describe: $describe:expr, export: $export:expr) => {
        struct Bad;

        impl plugin_api::Exporter for Bad {
            fn describe(&self) -> plugin_api::Description {
                let describe: fn() -> plugin_api::Description = $describe;
                describe()
            }

            fn tables(&self, _: &plugin_api::Desk<'_>) -> plugin_api::Result<Vec<plugin_api::Table>> {
                Ok(vec![common::things()])
            }

            fn export(
                &self,
                _: &plugin_api::Job,
                desk: &plugin_api::Desk<'_>,
                out: &mut plugin_api::Output<'_>,
            ) -> plugin_api::Result<()> {
                let export: fn(&plugin_api::Desk<'_>, &mut plugin_api::Output<'_>) -> plugin_api::Result<()> = $export;
                export(desk, out)
            }
        }

        plugin_api::export_plugin!(Bad);
    };
}
pub(crate) use bad_plugin;

/// An exporter on the bare ABI, for what the author API does not let one do.
macro_rules! bare_plugin {
    ($module:literal, $export:expr) => {
        use abi_stable::sabi_trait::TD_Opaque;
        use abi_stable::std_types::{RResult, RStr, RString};
        use plugin_api::abi::{AbiError, AbiExporter, ExporterBox, HostRef};
        use plugin_api::glue::private;

        struct Bare;

        impl AbiExporter for Bare {
            fn describe_json(&self) -> RResult<RString, AbiError> {
                let json = serde_json::to_string(&common::description($module)).expect("JSON");
                RResult::ROk(json.into())
            }

            fn export(&self, _: RStr<'_>, host: HostRef<'_>) -> RResult<(), AbiError> {
                let export: fn(&HostRef<'_>) = $export;
                export(&host);
                RResult::ROk(())
            }
        }

        #[unsafe(no_mangle)]
        static DESKVAULT_PLUGIN_MANIFEST: plugin_api::abi::manifest::PluginManifest =
            plugin_api::abi::manifest::PluginManifest::new("1.0.0", "1.0.0", $module, true);

        extern "C" fn create() -> RResult<ExporterBox, AbiError> {
            RResult::ROk(ExporterBox::from_value(Bare, TD_Opaque))
        }

        static ROOT: &private::WithMetadata<plugin_api::abi::Plugin> = &private::root(create);

        extern "C" fn root() -> private::RootModuleResult {
            plugin_api::abi::root_result(ROOT)
        }

        #[unsafe(no_mangle)]
        // SAFETY: `root` gives what `root_result` made.
        static DESKVAULT_PLUGIN_HEADER: private::LibHeader = unsafe { plugin_api::abi::header(root) };
    };
}
pub(crate) use bare_plugin;

/// Opens the table on the bare ABI.
pub(crate) fn open(host: &plugin_api::abi::HostRef<'_>) -> u32 {
    let json = serde_json::to_string(&things()).expect("JSON");
    host.open_table(json.as_str().into()).into_result().expect("a table")
}
