//! The programs that people open archives with read the very cells that were written. `engine` tests the others (unzip,
//! Python's zipfile, 7-Zip) beside the code.

use std::fs::{self, File};
use std::io::Read as _;
use std::path::Path;
use std::process::{Command, Stdio};

use engine::archive::settings::{Headers, Settings};
use engine::archive::{Head, Module, ModuleState, Outcome, Writer};
use plugin_api::{Column, Kind, Table, Timestamp, Value};
use tokio_util::sync::CancellationToken;

/// Rows of three columns that are hard to read.
fn rows() -> Vec<[String; 3]> {
    let nasty = [
        "plain",
        "a,comma",
        "a \"quoted\" word",
        "two\nlines",
        "two\r\nlines",
        " leading and trailing ",
        "日本語のメール",
        "emoji 😀👩‍👩‍👧",
        "مرحبا بالعالم",
        "=1+1",
        "-5",
        "007",
        "1e5",
        "2024-02-30",
        "TRUE",
        "\ttab",
        "semi;colon",
        "'apostrophe",
    ];
    let long = "長い本文 with \"quotes\", ".repeat(1000);
    let mut rows: Vec<_> = nasty
        .iter()
        .enumerate()
        .map(|(id, text)| [id.to_string(), (*text).to_owned(), format!("{text}{text}")])
        .collect();
    rows.push(["999999999999999999".into(), long.clone(), long]);
    rows
}

/// Writes them as an archive with one header row and gives its path.
fn archive(folder: &Path) -> std::path::PathBuf {
    let settings = Settings {
        folder: folder.to_owned(),
        headers: Headers::Names,
        ..Settings::default()
    };
    let head = Head {
        desk: "readers".into(),
        backup: "readers".into(),
        kind: Kind::Full,
        range: None,
        started: Timestamp::parse("2031-03-12T07:00:00Z").expect("a time"),
        engine: "0".into(),
        plugins: Vec::new(),
    };
    let writer = Writer::create(&settings, head, CancellationToken::new()).expect("a writer");
    let columns = ["id", "text", "twice"].map(|name| Column::new(name, name));
    let mut table = writer
        .open_table("m", Table::new("Cells").columns(columns).key(["id"]))
        .expect("a table");
    for row in rows() {
        table
            .write(&[Value::Text(&row[0]), Value::Text(&row[1]), Value::Text(&row[2])])
            .expect("a row");
    }
    table.close().expect("the table");
    let finished = Timestamp::parse("2031-03-12T07:00:09Z").expect("a time");
    let module = Module {
        module: "m".into(),
        state: ModuleState::Complete,
        reason: None,
    };
    let outcome = Outcome {
        finished,
        modules: vec![module],
        reasons: Vec::new(),
        limit_reached: false,
    };
    writer.finish(outcome, &|_, _| {}).expect("an archive").path
}

/// Whether a program is there; where it is not, the test says so and passes.
fn there(program: &str, arguments: &[&str]) -> bool {
    let found = Command::new(program)
        .args(arguments)
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .status();
    let there = found.is_ok_and(|status| status.success());
    if !there {
        println!("skipped: {program} {} does not run here", arguments.join(" "));
    }
    there
}

#[test]
fn pandas_reads_the_cells() {
    if !there("python3", &["-c", "import pandas"]) {
        return;
    }
    let folder = tempfile::tempdir().expect("a folder");
    let script = "import json, sys, zipfile, pandas\n\
                  with zipfile.ZipFile(sys.argv[1]) as archive, archive.open('Cells__1.csv') as file:\n\
                  \x20   frame = pandas.read_csv(file, dtype=str, keep_default_na=False)\n\
                  json.dump([list(frame.columns)] + frame.values.tolist(), sys.stdout)\n";
    let output = Command::new("python3")
        .args(["-c", script])
        .arg(archive(folder.path()))
        .output()
        .expect("python3");
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    let read: Vec<Vec<String>> = serde_json::from_slice(&output.stdout).expect("JSON");
    assert_eq!(read[0], ["id", "text", "twice"]);
    assert_eq!(read[1..], rows());
}

#[test]
fn libreoffice_reads_the_cells() {
    if !there("soffice", &["--version"]) {
        return;
    }
    let folder = tempfile::tempdir().expect("a folder");
    let path = archive(folder.path());
    let mut text = String::new();
    let mut zip = zip::ZipArchive::new(File::open(path).expect("the archive")).expect("a ZIP");
    zip.by_name("Cells__1.csv")
        .expect("the file")
        .read_to_string(&mut text)
        .expect("text");
    let (csv, out) = (folder.path().join("Cells__1.csv"), folder.path().join("out"));
    fs::write(&csv, text).expect("a file");
    // Comma, quote, UTF-8, from line 1, every column as text: what a person chooses in the import dialogue. Back to CSV with
    // every cell quoted.
    let output = Command::new("soffice")
        .arg(format!(
            "-env:UserInstallation=file://{}",
            folder.path().join("profile").display()
        ))
        .args(["--headless", "--infilter=CSV:44,34,76,1,1/2/2/2/3/2", "--convert-to"])
        .arg("csv:Text - txt - csv (StarCalc):44,34,76,1,,0,true,true")
        .arg("--outdir")
        .args([&out, &csv])
        .output()
        .expect("soffice runs");
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    let mut reader = csv::ReaderBuilder::new()
        .has_headers(false)
        .from_path(out.join("Cells__1.csv"))
        .expect("its CSV");
    let read: Vec<Vec<String>> = reader
        .records()
        .map(|row| row.expect("a row").iter().map(str::to_owned).collect())
        .collect();
    assert_eq!(read[0], ["id", "text", "twice"]);
    // A cell of a spreadsheet has one kind of line end.
    let expected: Vec<Vec<String>> = rows()
        .into_iter()
        .map(|row| row.iter().map(|cell| cell.replace("\r\n", "\n")).collect())
        .collect();
    assert_eq!(read[1..], expected);
}
