// An exporter on the bare ABI of 1.0: one table, one request, one row. It is never edited.

use abi_stable::sabi_trait::TD_Opaque;

struct Frozen;

impl AbiExporter for Frozen {
    fn describe_json(&self) -> RResult<RString, AbiError> {
        RResult::ROk(
            r#"{"module":"frozen","label":"Frozen at 1.0","connection":"http","tables":["Frozen"]}"#.into(),
        )
    }

    fn export(&self, job_json: RStr<'_>, host: HostRef<'_>) -> RResult<(), AbiError> {
        match work(job_json, &host) {
            Ok(()) => RResult::ROk(()),
            Err(error) => RResult::RErr(error),
        }
    }
}

fn work(job_json: RStr<'_>, host: &HostRef<'_>) -> Result<(), AbiError> {
    if !job_json.as_str().contains("\"module\":\"frozen\"") {
        return Err(AbiError { kind: 10, message: "another job".into(), detail_json: RString::new() });
    }
    let table = host
        .open_table(
            r#"{"name":"Frozen","columns":[{"name":"n","label":"N"},{"name":"t","label":"T"}],"key":["n"]}"#.into(),
        )
        .into_result()?;
    let submitted = host.submit(r#"{"path":"/frozen"}"#.into()).into_result()?;
    let mut ticket = 0;
    let response = host.next(&mut ticket).into_result()?;
    assert_eq!(ticket, submitted);
    let body = String::from_utf8_lossy(response.body.as_slice()).into_owned();
    let row = [
        Cell { kind: CellKind::INT, bits: u64::from(response.status), text: RStr::from_str("") },
        Cell { kind: CellKind::TEXT, bits: 0, text: RStr::from_str(&body) },
    ];
    host.write_row(table, RSlice::from_slice(&row)).into_result()?;
    host.progress(r#"{"desk_count":{"table":0,"count":1}}"#.into());
    host.log(3, r#"{"target":"frozen","message":"done"}"#.into());
    host.checkpoint("1".into()).into_result()?;
    assert!(!host.cancelled());
    Ok(())
}

extern "C" fn create() -> RResult<ExporterBox, AbiError> {
    RResult::ROk(ExporterBox::from_value(Frozen, TD_Opaque))
}

extern "C" fn retire(exporter: ExporterBox) -> RResult<(), AbiError> {
    drop(exporter);
    RResult::ROk(())
}

static ROOT: &WithMetadata<Plugin> = &WithMetadata::new(Plugin { create, retire });

extern "C" fn root() -> RootModuleResult {
    root_result(ROOT)
}

#[unsafe(no_mangle)]
static DESKVAULT_PLUGIN_HEADER: LibHeader = header(root);

#[unsafe(no_mangle)]
static DESKVAULT_PLUGIN_MANIFEST: manifest::PluginManifest =
    manifest::PluginManifest::new("1.0.0", "1.0.0", "frozen", cfg!(panic = "unwind"));
