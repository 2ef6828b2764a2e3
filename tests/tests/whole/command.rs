//! The command line as a person or a script uses it: the real process, its exit codes, its signals.

use std::fs;
use std::io::{BufRead as _, BufReader};
use std::path::{Path, PathBuf};
use std::process::{Command, Output, Stdio};

use deskvault_tests::desk::{Reply, TestDesk};
use deskvault_tests::{bad_plugin, plugin};

/// A folder with a configuration, plugins, and a place for archives.
struct Home {
    folder: tempfile::TempDir,
    _desk: TestDesk,
}

impl Home {
    fn new(modules: &str, plugins: &[PathBuf], answer: impl Fn(&str) -> Reply + Send + Sync + 'static) -> Self {
        let folder = tempfile::tempdir().expect("a folder");
        let desk = TestDesk::start(answer);
        let put = folder.path().join("plugins");
        fs::create_dir(&put).expect("a folder");
        for plugin in plugins {
            fs::copy(plugin, put.join(plugin.file_name().expect("a name"))).expect("a copy");
        }
        let configuration = format!(
            "[[desk]]\nname = \"help\"\nmodules = [{modules}]\n\n[desk.connection]\nkind = \"http\"\nurl = {:?}\n\
             auth = \"none\"\n\n[plugins]\nfolders = [\"plugins\"]\nrequire_trust = false\n\n[archive]\nfolder = \"archives\"\n",
            desk.url
        );
        fs::write(folder.path().join("deskvault.toml"), configuration).expect("a file");
        Self { folder, _desk: desk }
    }

    fn command(&self, arguments: &[&str]) -> Command {
        let mut command = Command::new(env!("CARGO_BIN_EXE_deskvault-under-test"));
        command
            .args(arguments)
            .current_dir(self.folder.path())
            .env_remove("DESKVAULT_CONFIG")
            .env_remove("DESKVAULT_LOG");
        command
    }

    #[track_caller]
    fn run(&self, arguments: &[&str], exit: i32) -> Output {
        let output = self.command(arguments).output().expect("the command runs");
        let said = format!("{}{}", text(&output.stdout), text(&output.stderr));
        assert_eq!(output.status.code(), Some(exit), "{arguments:?}: {said}");
        output
    }

    fn archives(&self) -> Vec<PathBuf> {
        let Ok(entries) = fs::read_dir(self.folder.path().join("archives")) else {
            return Vec::new();
        };
        let mut found: Vec<_> = entries.map(|entry| entry.expect("an entry").path()).collect();
        // The store, its key and the locks lie there too.
        found.retain(|path| path.extension().is_some_and(|end| end == "zip"));
        found.sort();
        found
    }
}

fn text(bytes: &[u8]) -> String {
    String::from_utf8_lossy(bytes).into_owned()
}

fn path(path: &Path) -> &str {
    path.to_str().expect("a path in UTF-8")
}

#[test]
fn from_configuration_to_verified_archive() {
    let home = Home::new("\"frozen\"", &[plugin("deskvault_frozen")], |_| {
        Some((200, "日本語".into()))
    });
    home.run(&["config", "check"], 0);
    let backup = home.run(&["backup"], 0);
    let shown = text(&backup.stdout);
    let archives = home.archives();
    let [archive] = archives.as_slice() else {
        panic!("one archive: {archives:?}")
    };
    assert!(
        shown.contains("Frozen") && shown.contains("help: backup complete"),
        "{shown}"
    );
    assert!(
        shown.trim_end().ends_with(path(archive)),
        "the last line has the archive's path: {shown}"
    );
    let verified = home.run(&["verify", path(archive)], 0);
    assert!(text(&verified.stdout).contains("whole"), "{}", text(&verified.stdout));

    let mut bytes = fs::read(archive).expect("the archive");
    let middle = bytes.len() / 2;
    bytes[middle] ^= 1;
    let damaged = home.folder.path().join("damaged.zip");
    fs::write(&damaged, &bytes).expect("a file");
    home.run(&["verify", path(&damaged)], 4);
    fs::write(&damaged, &bytes[..middle]).expect("a file");
    home.run(&["verify", path(&damaged)], 4);
    home.run(&["verify", "no-such.zip"], 1);
}

#[test]
fn json_lines_for_machines() {
    let home = Home::new("\"frozen\"", &[plugin("deskvault_frozen")], |_| Some((200, "x".into())));
    let output = home.run(&["backup", "--json"], 0);
    let lines = text(&output.stdout);
    let events: Vec<serde_json::Value> = lines
        .lines()
        .map(|line| serde_json::from_str(line).expect("each line is JSON"))
        .collect();
    let last = events.last().expect("a line");
    assert_eq!(
        (&last["event"], &last["exit"], &last["complete"]),
        (&"end".into(), &0.into(), &true.into()),
        "{last}"
    );
    assert_eq!(last["modules"][0]["tables"][0]["rows"], 1);
    assert_eq!(last["archive"], path(&home.archives()[0]));
    assert!(events.iter().any(|event| event["event"] == "module_ended"), "{lines}");
}

#[test]
fn an_incomplete_backup_has_an_exit_code_of_its_own() {
    let plugins = [
        plugin("deskvault_frozen"),
        bad_plugin("bad_too_few_cells"),
        bad_plugin("bad_no_manifest"),
    ];
    let home = Home::new("\"frozen\", \"too-few-cells\"", &plugins, |_| Some((200, "x".into())));
    let output = home.run(&["backup"], 3);
    assert!(
        text(&output.stdout).contains("too-few-cells failed"),
        "{}",
        text(&output.stdout)
    );
    // A bad file among the plugins is told of, and harms nobody.
    assert!(
        text(&output.stderr).contains("bad_no_manifest"),
        "{}",
        text(&output.stderr)
    );
    let verified = home.run(&["verify", path(&home.archives()[0])], 3);
    assert!(
        text(&verified.stdout).contains("INCOMPLETE"),
        "{}",
        text(&verified.stdout)
    );

    let list = text(&home.run(&["plugins", "list"], 0).stdout);
    for expected in [
        "frozen",
        "ready",
        "Frozen",
        "REFUSED",
        "bad_no_manifest",
        "export_plugin!",
    ] {
        assert!(list.contains(expected), "{expected}: {list}");
    }
    home.run(&["plugins", "check", path(&plugins[0])], 0);
    home.run(&["plugins", "check", path(&plugins[2])], 1);
}

#[test]
fn a_desk_that_refuses_leaves_no_archive() {
    let home = Home::new("\"frozen\"", &[plugin("deskvault_frozen")], |_| Some((200, "x".into())));
    let output = home.run(&["backup", "--module", "frosen"], 2);
    assert!(text(&output.stderr).contains("frozen"), "{}", text(&output.stderr));
    assert!(home.archives().is_empty());
}

#[test]
fn an_interrupt_stops_cleanly_and_leaves_nothing() {
    for signal in ["INT", "TERM"] {
        // The desk never answers, so that the backup is under way for as long as it takes.
        let home = Home::new("\"frozen\"", &[plugin("deskvault_frozen")], |_| None);
        let mut child = home
            .command(&["backup", "--json"])
            .stdout(Stdio::piped())
            .stderr(Stdio::null())
            .spawn()
            .expect("the command runs");
        let mut lines = BufReader::new(child.stdout.take().expect("its output")).lines();
        let in_flight = |line: &str| line.contains("\"in_flight\":1");
        assert!(
            lines.by_ref().map_while(Result::ok).any(|line| in_flight(&line)),
            "a request is in flight"
        );
        let kill = Command::new("kill")
            .args(["-s", signal, &child.id().to_string()])
            .status()
            .expect("kill runs");
        assert!(kill.success());
        let rest: Vec<String> = lines.map_while(Result::ok).collect();
        assert_eq!(child.wait().expect("its end").code(), Some(130), "{signal}: {rest:?}");
        assert!(home.archives().is_empty(), "{signal}: {:?}", home.archives());
    }
}

/// Waits until a backup has a request in flight, which the desk never answers.
fn wait_for_a_request(child: &mut std::process::Child) -> impl Iterator<Item = String> + use<> {
    let mut lines = BufReader::new(child.stdout.take().expect("its output"))
        .lines()
        .map_while(Result::ok);
    assert!(
        lines.any(|line| line.contains("\"in_flight\":1")),
        "a request is in flight"
    );
    lines
}

#[test]
fn a_second_full_backup_is_refused_by_rule_and_told_in_the_history() {
    let home = Home::new("\"frozen\"", &[plugin("deskvault_frozen")], |_| Some((200, "x".into())));
    home.run(&["backup"], 0);
    let refused = home.run(&["backup"], 5);
    assert!(
        text(&refused.stderr).contains("error: refused: a full backup of help"),
        "{}",
        text(&refused.stderr)
    );
    assert_eq!(home.archives().len(), 1);
    let list = text(&home.run(&["list"], 0).stdout);
    assert!(list.contains("complete") && list.contains("in 6 days"), "{list}");
    let out = home.folder.path().join("out.zip");
    home.run(&["download", "1", "--to", path(&out)], 0);
    assert_eq!(
        fs::read(&out).expect("it"),
        fs::read(&home.archives()[0]).expect("the archive")
    );
    home.run(&["verify", path(&out)], 0);
    let link = text(&home.run(&["link", "1"], 0).stdout);
    home.run(
        &[
            "download",
            link.trim(),
            "--to",
            path(&home.folder.path().join("linked.zip")),
        ],
        0,
    );
    // Standard input is no terminal here.
    home.run(&["delete", "1"], 2);
    home.run(&["delete", "1", "--yes"], 0);
    assert!(home.archives().is_empty());
    home.run(&["download", link.trim()], 2);
    home.run(&["backup"], 5);
}

#[test]
fn what_kill_9_leaves_is_gone_on_with_or_given_up() {
    let home = Home::new("\"frozen\"", &[plugin("deskvault_frozen")], |_| None);
    let mut child = home
        .command(&["backup", "--json"])
        .stdout(Stdio::piped())
        .stderr(Stdio::null())
        .spawn()
        .expect("the command runs");
    let lines = wait_for_a_request(&mut child);
    // One at a time, whoever asks.
    let busy = home.run(&["backup"], 5);
    assert!(text(&busy.stderr).contains("--wait"), "{}", text(&busy.stderr));
    child.kill().expect("it is killed");
    child.wait().expect("its end");
    drop(lines);
    let folder = home.folder.path().join("archives");
    let spools = || {
        let paths = fs::read_dir(&folder)
            .expect("the folder")
            .map(|entry| entry.expect("an entry").path());
        paths
            .filter(|path| path.extension().is_some_and(|end| end == "spool"))
            .count()
    };
    assert_eq!(spools(), 1, "left behind");
    let refused = home.run(&["backup"], 5);
    let said = text(&refused.stderr);
    assert!(said.contains("--resume") && said.contains("--anew"), "{said}");
    assert!(text(&home.run(&["list"], 0).stdout).contains("suspended"));
    assert_eq!(spools(), 1, "it is kept");
    // It is given up, and the new one is stopped in its turn.
    let mut child = home
        .command(&["backup", "--anew", "--json"])
        .stdout(Stdio::piped())
        .stderr(Stdio::null())
        .spawn()
        .expect("the command runs");
    let lines = wait_for_a_request(&mut child);
    let list = text(&home.run(&["list", "--all"], 0).stdout);
    assert!(list.contains("stopped") && list.contains("running"), "{list}");
    assert_eq!(spools(), 1, "its own alone");
    let id = child.id().to_string();
    let stopped = Command::new("kill")
        .args(["-s", "INT", &id])
        .status()
        .expect("kill runs");
    assert!(stopped.success());
    lines.for_each(drop);
    assert_eq!(child.wait().expect("its end").code(), Some(130));
    assert_eq!(spools(), 1, "it waits for --resume");
}
