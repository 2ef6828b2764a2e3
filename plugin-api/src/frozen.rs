//! Generation 1 of the ABI, pinned: what crosses never changes once it is released. A test that fails here says that
//! plugins which exist would break; the change belongs in a new JSON key, a new method behind the others, or
//! generation 2.

use std::mem::{align_of, offset_of, size_of};

use abi_stable::std_types::{RStr, RString, RVec};
use serde::Serialize;
use serde::de::DeserializeOwned;
use serde_json::json;

use crate::abi::manifest::{self, PluginManifest};
use crate::abi::{self, AbiError, Cell, CellKind, ExporterBox, HostRef, HttpResponse, PluginRef};
use crate::{Column, Description, ErrorKind, Job, Kind, Method, Note, Range, Request, Table, Timestamp, Wanted};

#[test]
fn sizes_and_alignments() {
    for (name, actual, expected) in [
        ("CellKind", (size_of::<CellKind>(), align_of::<CellKind>()), (1, 1)),
        ("Cell", (size_of::<Cell<'_>>(), align_of::<Cell<'_>>()), (32, 8)),
        ("AbiError", (size_of::<AbiError>(), align_of::<AbiError>()), (72, 8)),
        (
            "HttpResponse",
            (size_of::<HttpResponse>(), align_of::<HttpResponse>()),
            (72, 8),
        ),
        (
            "PluginManifest",
            (size_of::<PluginManifest>(), align_of::<PluginManifest>()),
            (160, 4),
        ),
        (
            "HostRef",
            (size_of::<HostRef<'_>>(), align_of::<HostRef<'_>>()),
            (16, 8),
        ),
        (
            "ExporterBox",
            (size_of::<ExporterBox>(), align_of::<ExporterBox>()),
            (24, 8),
        ),
        ("PluginRef", (size_of::<PluginRef>(), align_of::<PluginRef>()), (8, 8)),
        ("RStr", (size_of::<RStr<'_>>(), align_of::<RStr<'_>>()), (16, 8)),
        ("RString", (size_of::<RString>(), align_of::<RString>()), (32, 8)),
        ("RVec", (size_of::<RVec<u8>>(), align_of::<RVec<u8>>()), (32, 8)),
    ] {
        assert_eq!(actual, expected, "{name}: size and alignment");
    }
}

#[test]
fn offsets() {
    let cell = [
        offset_of!(Cell<'_>, kind),
        offset_of!(Cell<'_>, bits),
        offset_of!(Cell<'_>, text),
    ];
    assert_eq!(cell, [0, 8, 16]);
    let error = [
        offset_of!(AbiError, kind),
        offset_of!(AbiError, message),
        offset_of!(AbiError, detail_json),
    ];
    assert_eq!(error, [0, 8, 40]);
    let response = [
        offset_of!(HttpResponse, status),
        offset_of!(HttpResponse, headers_json),
        offset_of!(HttpResponse, body),
    ];
    assert_eq!(response, [0, 8, 40]);
    let manifest = [
        offset_of!(PluginManifest, magic),
        offset_of!(PluginManifest, generation),
        offset_of!(PluginManifest, size),
        offset_of!(PluginManifest, unwinds),
        offset_of!(PluginManifest, reserved),
        offset_of!(PluginManifest, api_version),
        offset_of!(PluginManifest, version),
        offset_of!(PluginManifest, name),
    ];
    assert_eq!(manifest, [0, 16, 20, 24, 28, 32, 64, 96]);
}

#[test]
fn names_and_numbers() {
    assert_eq!(abi::HEADER_SYMBOL, "DESKVAULT_PLUGIN_HEADER");
    assert_eq!(manifest::MANIFEST_SYMBOL, "DESKVAULT_PLUGIN_MANIFEST");
    assert_eq!((&manifest::MAGIC, manifest::GENERATION), (b"deskvault-plugin", 1));
    let kinds = [
        CellKind::NULL,
        CellKind::BOOL,
        CellKind::INT,
        CellKind::FLOAT,
        CellKind::TEXT,
        CellKind::TIME,
        CellKind::JSON,
    ];
    assert_eq!(kinds.map(|kind| kind.0), [0, 1, 2, 3, 4, 5, 6]);
    let names = ErrorKind::ALL.map(|kind| format!("{} {}", kind.code(), serde_json::to_string(&kind).unwrap()));
    assert_eq!(
        names,
        [
            "0 \"other\"",
            "1 \"cancelled\"",
            "2 \"forbidden\"",
            "3 \"unavailable\"",
            "4 \"unauthorized\"",
            "5 \"not_found\"",
            "6 \"http\"",
            "7 \"network\"",
            "8 \"decode\"",
            "9 \"too_large\"",
            "10 \"misuse\"",
            "11 \"panic\"",
            "12 \"host\"",
        ]
    );
}

#[test]
fn a_manifest_is_plain_bytes() {
    let long = "ö".repeat(40);
    let manifest = PluginManifest::new("1.2.3", &long, "x", true);
    assert_eq!((manifest.size, manifest.unwinds, manifest.reserved), (160, 1, 0));
    assert_eq!(&manifest.api_version[..6], b"1.2.3\0");
    // Cut off at a character, with a zero byte behind it.
    assert_eq!(
        std::str::from_utf8(&manifest.version).unwrap(),
        format!("{}\0\0", "ö".repeat(15))
    );
}

/// The text of a value is this one, byte for byte; it is read back as the value, also with keys that are not known yet.
fn check<T: Serialize + DeserializeOwned + PartialEq + std::fmt::Debug>(value: &T, text: &str) {
    assert_eq!(serde_json::to_string(value).unwrap(), text);
    assert_eq!(&serde_json::from_str::<T>(text).unwrap(), value);
    let grown = format!(
        "{},\"a key of version 1.9\":{{\"x\":[null]}}}}",
        &text[..text.len() - 1]
    );
    assert_eq!(&serde_json::from_str::<T>(&grown).unwrap(), value, "{grown}");
}

fn moment(text: &str) -> Timestamp {
    Timestamp::parse(text).unwrap()
}

#[test]
fn the_job_as_json() {
    let range = Range {
        from: moment("2031-01-01T00:00:00Z"),
        to: moment("2031-02-01T00:00:00.000001Z"),
    };
    let job = Job::custom("tickets", range)
        .started(moment("2031-03-12T07:00:00Z"))
        .with_window(8)
        .resumed(json!({"page": 3}))
        .with_log_level(Some("debug"));
    check(
        &job,
        r#"{"module":"tickets","kind":"custom","range":{"from":"2031-01-01T00:00:00Z","to":"2031-02-01T00:00:00.000001Z"},"started":"2031-03-12T07:00:00Z","window":8,"resume":{"page":3},"log_level":"debug"}"#,
    );
    let full = Job {
        kind: Kind::Full,
        range: None,
        resume: None,
        log_level: None,
        window: 16,
        ..job.clone()
    };
    check(
        &full,
        r#"{"module":"tickets","kind":"full","range":null,"started":"2031-03-12T07:00:00Z","window":16,"resume":null,"log_level":null}"#,
    );
    // The least that a host may say.
    let least = r#"{"module":"tickets","kind":"full","started":"2031-03-12T07:00:00Z"}"#;
    assert_eq!(serde_json::from_str::<Job>(least).unwrap(), full);
    // Came later: not said where it is as it always was.
    let sparing = r#"{"module":"tickets","kind":"full","range":null,"started":"2031-03-12T07:00:00Z","window":16,"resume":null,"log_level":null,"waiting_bytes":5}"#;
    check(&full.clone().with_waiting_bytes(5), sparing);
    let mut going_on = full;
    going_on.tables = Some(vec![Table::new("T").column(Column::new("a", "A").from("/b"))]);
    going_on.remembered = vec![json!([7])];
    going_on.only = vec![Wanted {
        table: "T".to_owned(),
        key: vec!["7".to_owned()],
    }];
    check(
        &going_on,
        r#"{"module":"tickets","kind":"full","range":null,"started":"2031-03-12T07:00:00Z","window":16,"resume":null,"log_level":null,"tables":[{"name":"T","columns":[{"name":"a","label":"A","source":{"pointer":"/b"}}],"key":[],"parents":[]}],"remembered":[[7]],"only":[{"table":"T","key":["7"]}]}"#,
    );
    assert_eq!(serde_json::to_string(&Kind::Incremental).unwrap(), "\"incremental\"");
}

#[test]
fn the_table_as_json() {
    let table = Table::new("Threads")
        .column(Column::new("id", "Thread Id"))
        .column(Column::new("ticket", "Ticket \"Id\"").from("/ticket/id"))
        .key(["id"])
        .child_of("Tickets", "ticket");
    let text = r#"{"name":"Threads","columns":[{"name":"id","label":"Thread Id"},{"name":"ticket","label":"Ticket \"Id\"","source":{"pointer":"/ticket/id"}}],"key":["id"],"parents":[{"table":"Tickets","column":"ticket"}]}"#;
    check(&table, text);
    // Came later: as a plugin of 1.0 says it, which keeps to itself where a column's value comes from.
    let first = text.replace(",\"source\":{\"pointer\":\"/ticket/id\"}", "");
    let read: Table = serde_json::from_str(&first).unwrap();
    check(&read, &first);
    let columns = ["a", "b", "c", "d"].map(|name| Column::new(name, name));
    let [a, b, c, d] = columns;
    let all = Table::new("T")
        .columns([a.time(), b.time().from("/b"), c.given(), d])
        .rest("R");
    check(
        &all,
        r#"{"name":"T","columns":[{"name":"a","label":"a","source":{"time":null}},{"name":"b","label":"b","source":{"time":"/b"}},{"name":"c","label":"c","source":"given"},{"name":"d","label":"d"},{"name":"R","label":"R","source":"rest"}],"key":[],"parents":[]}"#,
    );
    let least = r#"{"name":"T","columns":[]}"#;
    assert_eq!(serde_json::from_str::<Table>(least).unwrap(), Table::new("T"));
}

#[test]
fn the_request_as_json() {
    let request = Request::post_json("/search", &json!({"q": "x"}))
        .query("from", 1)
        .header("X-A", "b");
    check(
        &request,
        r#"{"method":"POST","path":"/search","query":[["from","1"]],"headers":[["Content-Type","application/json"],["X-A","b"]],"body":"{\"q\":\"x\"}"}"#,
    );
    check(
        &Request::get("/"),
        r#"{"method":"GET","path":"/","query":[],"headers":[],"body":null}"#,
    );
    assert_eq!(
        serde_json::from_str::<Request>(r#"{"path":"/"}"#).unwrap(),
        Request::get("/")
    );
    assert!(serde_json::from_str::<Method>("\"DELETE\"").is_err());
}

#[test]
fn the_description_as_json() {
    let description = Description {
        module: "tickets".into(),
        label: "Tickets".into(),
        connection: "zoho".into(),
        tables: vec!["Tickets".into(), "Threads".into()],
        again: false,
        resumes: false,
    };
    check(
        &description,
        r#"{"module":"tickets","label":"Tickets","connection":"zoho","tables":["Tickets","Threads"]}"#,
    );
    // Came later: not said where it is as it always was.
    check(
        &description.again().resumes(),
        r#"{"module":"tickets","label":"Tickets","connection":"zoho","tables":["Tickets","Threads"],"again":true,"resumes":true}"#,
    );
}

#[test]
fn notes_as_json() {
    let (key, reason) = ("7".to_owned(), "no".to_owned());
    for (note, text) in [
        (Note::Expected { rows: 5 }, r#"{"expected":{"rows":5}}"#),
        (
            Note::DeskCount { table: 1, count: 5 },
            r#"{"desk_count":{"table":1,"count":5}}"#,
        ),
        (Note::ToCome { requests: 5 }, r#"{"to_come":{"requests":5}}"#),
        (
            Note::Unread {
                table: 1,
                key: key.clone(),
                reason,
            },
            r#"{"unread":{"table":1,"key":"7","reason":"no"}}"#,
        ),
        (Note::Gone { table: 1, key }, r#"{"gone":{"table":1,"key":"7"}}"#),
        (Note::Remember { value: json!([7]) }, r#"{"remember":{"value":[7]}}"#),
    ] {
        assert_eq!(serde_json::to_string(&note).unwrap(), text);
        assert_eq!(serde_json::from_str::<Note>(text).unwrap(), note);
        let grown = text.replace("}}", ",\"later\":1}}");
        assert_eq!(serde_json::from_str::<Note>(&grown).unwrap(), note);
    }
    // A note of a later version is JSON with one key, that a host can tell from rubbish and pass over.
    let later = r#"{"slow_down":{"seconds":5}}"#;
    assert!(serde_json::from_str::<Note>(later).is_err());
    assert!(serde_json::from_str::<serde_json::Value>(later).is_ok());
}

#[test]
fn an_error_keeps_all_it_says_on_its_way_across() {
    let mut error = crate::ExportError::new(ErrorKind::Http, "one line");
    error.status = Some(502);
    error.place = Some("src/lib.rs:1:2".into());
    let crossing = AbiError::from(error.clone());
    assert_eq!((crossing.kind, crossing.message.as_str()), (6, "one line"));
    assert_eq!(
        crossing.detail_json.as_str(),
        r#"{"place":"src/lib.rs:1:2","status":502}"#
    );
    assert_eq!(crate::ExportError::from(crossing), error);
    let odd = AbiError {
        kind: 200,
        message: "later".into(),
        detail_json: "[not an object".into(),
    };
    let read = crate::ExportError::from(odd);
    assert_eq!((read.kind, read.status), (ErrorKind::Other, None));
}
