//! Loading: bad plugins are refused or contained, each with one line that names the file and says what to do, and the
//! others still load.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::Arc;
use std::time::{Duration, Instant};

use deskvault_tests::memory::Memory;
use deskvault_tests::{bad_plugin, plugin};
use engine::plugins::{ModuleHost, Plugin, Registry};
use plugin_api::{ErrorKind, ExportError, Job, Timestamp};
use tokio_util::sync::CancellationToken;

/// Long enough for a good plugin on a busy machine; only the one that never describes itself waits it out.
const PATIENCE: Duration = Duration::from_secs(20);

fn job(module: &str) -> Job {
    Job::full(module)
        .started(Timestamp::from_micros(0))
        .with_window(4)
        .with_log_level(None)
}

fn export(plugin: &Plugin) -> (Result<(), ExportError>, Memory) {
    let host = ModuleHost::new(&plugin.description.module, Memory::default(), CancellationToken::new());
    host.enter();
    let returned = plugin.export(&job(&plugin.description.module), &host);
    let outcome = host.outcome(returned);
    let memory = std::mem::take(&mut *host.services());
    (outcome, memory)
}

/// The file is refused with one line that names it and holds these words.
#[track_caller]
fn refused(file: &Path, words: &[&str]) {
    let refusal = Plugin::load(file, PATIENCE).expect_err("a refusal").to_string();
    assert!(
        refusal.starts_with(&file.display().to_string()),
        "names the file: {refusal}"
    );
    assert_eq!(refusal.lines().count(), 1, "one line: {refusal}");
    for word in words {
        assert!(refusal.contains(word), "{word:?} in: {refusal}");
    }
    println!("{refusal}");
}

fn load(file: &Path) -> Plugin {
    Plugin::load(file, PATIENCE).unwrap_or_else(|refusal| panic!("{refusal}"))
}

#[test]
fn what_is_no_plugin_is_refused() {
    let folder = tempfile::tempdir().expect("a folder");
    let put = |name: &str, content: &[u8]| -> PathBuf {
        let file = folder.path().join(name);
        fs::write(&file, content).expect("a file");
        file
    };
    refused(
        &put("libtext.so", b"not a library\n"),
        &["not a dynamic library", "remove it"],
    );
    refused(&put("libempty.so", b""), &["not a dynamic library"]);
    refused(
        &folder.path().join("libgone.so"),
        &["can't be read", "check that it exists"],
    );
    refused(folder.path(), &["not a dynamic library"]);
    refused(
        &std::env::current_exe().expect("this program"),
        &["no deskvault plugin"],
    );
    refused(&bad_plugin("bad_no_manifest"), &["no manifest", "export_plugin!"]);
    refused(
        &bad_plugin("bad_wrong_magic"),
        &["manifest is not deskvault's", "build it again"],
    );
    refused(
        &bad_plugin("bad_other_generation"),
        &["generation 2", "this deskvault 1", "update deskvault"],
    );
    refused(
        &bad_plugin("bad_no_header"),
        &["not the rest of a plugin", "build it again"],
    );
    refused(
        &bad_plugin("bad_other_layout"),
        &["laid out differently", "build it again with plugin-api"],
    );
}

#[test]
fn a_plugin_cut_off_anywhere_is_refused() {
    let folder = tempfile::tempdir().expect("a folder");
    let whole = fs::read(plugin("deskvault_frozen")).expect("the plugin");
    let file = folder.path().join("libcut.so");
    for part in 0..40 {
        let length = whole.len() * part / 40;
        fs::write(&file, &whole[..length]).expect("a file");
        match Plugin::load(&file, PATIENCE) {
            Ok(_) => panic!("{length} of {} bytes were loaded", whole.len()),
            Err(refusal) => assert!(refusal.to_string().contains("libcut.so"), "{refusal}"),
        }
    }
    fs::write(&file, &whole[..whole.len() * 2 / 3]).expect("a file");
    refused(&file, &["again"]);
}

#[test]
fn a_plugin_that_aborts_on_panic_is_refused() {
    let folder = tempfile::tempdir().expect("a folder");
    let source = Path::new(env!("CARGO_MANIFEST_DIR")).join("bad-plugins/aborts.rs");
    let compile = |panic: &str| -> PathBuf {
        let file = folder.path().join(format!("lib{panic}.so"));
        let rustc = std::env::var_os("RUSTC").unwrap_or_else(|| "rustc".into());
        let output = Command::new(rustc)
            .args(["--edition=2024", "--crate-type=cdylib", "--crate-name=aborts"])
            .arg(format!("-Cpanic={panic}"))
            .arg("-o")
            .arg(&file)
            .arg(&source)
            .output()
            .expect("rustc runs");
        assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
        file
    };
    refused(&compile("abort"), &["panic = \"abort\"", "panic = \"unwind\""]);
    // The same source, built to unwind, gets past that check to the next.
    refused(&compile("unwind"), &["not the rest of a plugin"]);
}

#[test]
fn panics_stay_in_the_plugin() {
    refused(
        &bad_plugin("bad_panics_in_describe"),
        &["panicked at", "panics_in_describe.rs", "no words for it"],
    );

    let in_export = load(&bad_plugin("bad_panics_in_export"));
    let (outcome, memory) = export(&in_export);
    let error = outcome.expect_err("a panic");
    assert_eq!(error.kind, ErrorKind::Panic);
    assert!(error.message.contains("index out of bounds"), "{error:?}");
    assert!(
        error
            .place
            .as_deref()
            .is_some_and(|place| place.contains("panics_in_export.rs")),
        "{error:?}"
    );
    assert_eq!(memory.rows.len(), 1, "the row before the panic was written");
    let again = export(&in_export).0.expect_err("a poisoned exporter");
    assert!(again.message.contains("panicked before"), "{again}");

    let payload = load(&bad_plugin("bad_panics_with_panicking_payload"));
    assert_eq!(export(&payload).0.expect_err("a panic").kind, ErrorKind::Panic);

    let in_drop = load(&bad_plugin("bad_panics_in_drop"));
    assert!(export(&in_drop).0.is_ok());
    let said = in_drop.retire().expect_err("a panic").to_string();
    assert!(
        said.contains("bad_panics_in_drop") && said.contains("can't let go"),
        "{said}"
    );
    assert_eq!(said.lines().count(), 1, "{said}");
    // Dropped without being retired, it says so in the log and harms nobody.
    drop(load(&bad_plugin("bad_panics_in_drop")));
}

#[test]
fn a_plugin_that_is_only_looked_at_holds_nobody_up() {
    drop(load(&bad_plugin("bad_hangs_in_drop")));
}

#[test]
fn a_pipe_is_not_waited_for_and_a_library_under_two_names_is_one() {
    let folder = tempfile::tempdir().expect("a folder");
    let made = Command::new("mkfifo")
        .arg(folder.path().join("libpipe.so"))
        .status()
        .expect("mkfifo runs");
    assert!(made.success());
    refused(&folder.path().join("libpipe.so"), &["no regular file"]);
    fs::remove_file(folder.path().join("libpipe.so")).expect("the pipe");
    fs::copy(plugin("deskvault_frozen"), folder.path().join("libx-1.2.so")).expect("a copy");
    std::os::unix::fs::symlink("libx-1.2.so", folder.path().join("libx.so")).expect("a link");
    let again = folder
        .path()
        .join("../")
        .join(folder.path().file_name().expect("a name"));
    let registry = Registry::load(&[folder.path().to_owned(), again], PATIENCE);
    assert_eq!(registry.plugins().count(), 1);
    assert!(registry.refused.is_empty(), "{:?}", registry.refused);
}

#[test]
fn misuse_fails_the_export_even_if_the_plugin_takes_no_notice() {
    for (name, words) in [
        ("bad_too_few_cells", "has 1 cells, not 2"),
        ("bad_no_table", "no table number 7"),
        ("bad_two_threads", "from a second thread"),
    ] {
        let (outcome, memory) = export(&load(&bad_plugin(name)));
        let error = outcome.expect_err("misuse");
        assert_eq!(error.kind, ErrorKind::Misuse, "{name}: {error}");
        assert!(error.message.contains(words), "{name}: {error}");
        assert!(memory.rows.is_empty(), "{name}");
    }
}

#[test]
fn one_that_never_describes_itself_is_given_up() {
    let started = Instant::now();
    let said = Plugin::load(&bad_plugin("bad_never_describes"), Duration::from_millis(50)).expect_err("a refusal");
    assert!(
        said.to_string().contains("did not describe itself within 0.05 s"),
        "{said}"
    );
    assert!(started.elapsed() < PATIENCE);
}

#[test]
fn one_that_never_returns_is_seen_to_be_away() {
    let plugin = load(&bad_plugin("bad_never_returns"));
    let host = Arc::new(ModuleHost::new(
        "never-returns",
        Memory::default(),
        CancellationToken::new(),
    ));
    let running = Arc::clone(&host);
    std::thread::spawn(move || {
        running.enter();
        let _ = plugin.export(&job("never-returns"), &*running);
    });
    // It writes its row, and then it is away for good: the backup gives it up after its stall time-out.
    let deadline = Instant::now() + PATIENCE;
    while host.services().rows.is_empty() {
        assert!(Instant::now() < deadline, "it never wrote its row");
        std::thread::yield_now();
    }
    let calls = loop {
        if let Some(calls) = host.calls() {
            break calls;
        }
    };
    let until = Instant::now() + Duration::from_millis(50);
    while Instant::now() < until {
        assert_eq!(host.calls(), Some(calls), "it does not call again");
        std::thread::yield_now();
    }
}

#[test]
fn the_frozen_plugin_of_1_0_loads_and_works() {
    let plugin = load(&plugin("deskvault_frozen"));
    assert_eq!((plugin.name.as_str(), plugin.api_version.as_str()), ("frozen", "1.0.0"));
    let (outcome, memory) = export(&plugin);
    outcome.expect("the export");
    assert_eq!(
        memory.rows,
        [(0, vec!["Int(200)".to_owned(), "Text(\"/frozen\")".to_owned()])]
    );
    assert_eq!(memory.checkpoints, [serde_json::json!(1)]);
    assert_eq!(memory.notes, [plugin_api::Note::DeskCount { table: 0, count: 1 }]);
}

#[test]
fn bad_files_do_not_keep_the_others_from_loading() {
    let folder = tempfile::tempdir().expect("a folder");
    let put = |from: &Path, name: &str| fs::copy(from, folder.path().join(name)).expect("a copy");
    put(&plugin("deskvault_frozen"), "libgood.so");
    put(&bad_plugin("bad_too_few_cells"), "libtwin-a.so");
    put(&bad_plugin("bad_too_few_cells"), "libtwin-b.so");
    put(&bad_plugin("bad_panics_in_describe"), "libpanics.so");
    put(&bad_plugin("bad_no_manifest"), "libno-manifest.so");
    put(&bad_plugin("bad_other_layout"), "libother-layout.so");
    fs::write(folder.path().join("libtext.so"), "text").expect("a file");
    fs::write(folder.path().join("README.txt"), "not looked at").expect("a file");
    let gone = folder.path().join("no-such-folder");
    let registry = Registry::load(&[folder.path().to_owned(), gone], PATIENCE);
    let modules: Vec<_> = registry
        .plugins()
        .map(|plugin| plugin.description.module.as_str())
        .collect();
    assert_eq!(modules, ["frozen"]);
    assert!(export(registry.get("frozen").expect("the good one")).0.is_ok());
    let refused: Vec<String> = registry.refused.iter().map(ToString::to_string).collect();
    let twins: Vec<_> = refused
        .iter()
        .filter(|line| line.contains("claims the module"))
        .collect();
    assert_eq!(twins.len(), 2, "{refused:#?}");
    assert!(
        twins[0].contains("libtwin-a.so: claims") && twins[0].contains("libtwin-b.so claims too"),
        "{twins:?}"
    );
    assert!(
        twins[1].contains("libtwin-b.so: claims") && twins[1].contains("libtwin-a.so claims too"),
        "{twins:?}"
    );
    assert_eq!(refused.len(), 7, "{refused:#?}");
}
