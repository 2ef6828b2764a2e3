//! What the process of a backup is told, and what it is not.

use std::fs::{self, File};
use std::os::unix::fs::FileExt as _;

use crate::harness::{Place, SLOT};

/// The largest configuration there may be.
const LARGEST: usize = 1 << 20;

/// Secrets that are of no use to the backup under way.
const OF_OTHERS: &str = r#"
[[desk]]
name = "other"
modules = ["frozen"]
connection = { kind = "http", url = "http://127.0.0.1:9/of-the-other", auth = "bearer", token = "hunter4" }
[[desk]]
name = "third"
modules = ["frozen"]
connection = { kind = "http", url = "http://127.0.0.1:9", auth = "bearer", token_env = "OF_THE_THIRD" }
[[webhook]]
url = "http://127.0.0.1:9/hunter5"
secret = "hunter6"
topics = ["schedule_ended"]
[mail]
host = "127.0.0.1"
security = "none"
user = "hunter7"
password = "hunter8"
from = "deskvault@example.com"
to = ["hunter9@example.com"]
topics = ["schedule_ended"]
"#;

/// Which of these words are in what a process may write to of its memory; none where that cannot be read here.
fn in_memory(process: u32, words: &[String]) -> Option<Vec<String>> {
    let memory = File::open(format!("/proc/{process}/mem")).ok()?;
    let maps = fs::read_to_string(format!("/proc/{process}/maps")).ok()?;
    let (mut read, mut found) = (0, Vec::new());
    for line in maps.lines().filter(|line| line.contains(" rw")) {
        let (from, to) = line.split_once(' ')?.0.split_once('-')?;
        let from = u64::from_str_radix(from, 16).ok()?;
        let mut bytes = vec![0; usize::try_from(u64::from_str_radix(to, 16).ok()? - from).ok()?];
        // What is only set aside cannot be read.
        if memory.read_exact_at(&mut bytes, from).is_ok() {
            read += bytes.len();
            let is_there = |word: &&String| memchr::memmem::find(&bytes, word.as_bytes()).is_some();
            found.extend(words.iter().filter(is_there).cloned());
        }
    }
    (read > 0).then_some(found)
}

#[test]
fn hears_of_the_largest_configuration_what_it_needs_and_no_token() {
    let place = Place::silent();
    place.configure("02:00", OF_OTHERS);
    let file = place.home.configuration();
    let mut text = fs::read_to_string(&file).expect("the file");
    text.push('#');
    text.extend(std::iter::repeat_n('x', LARGEST - text.len()));
    fs::write(&file, text).expect("the file");
    let mut daemon = place.home.daemon_with(&[
        ("DESKVAULT_TOKEN", "dvt_hunter2"),
        ("OTHER", "hunter3"),
        ("OF_THE_THIRD", "hunter1"),
    ]);
    daemon.wait("it runs", || (place.told("the daemon runs") > 0).then_some(()));
    place.at(SLOT);
    let process = place.under_way(&mut daemon);
    let read = |what: &str| fs::read_to_string(format!("/proc/{process}/{what}")).expect("a process of ours");
    let environment = read("environ");
    assert!(
        environment.contains("OTHER=hunter3") && !environment.contains("hunter2") && !environment.contains("hunter1"),
        "{environment}"
    );
    assert!(!read("cmdline").contains("hunter"), "{}", read("cmdline"));
    // What a plugin could read of it: its own desk, and nothing of others.
    let mut words = vec![place.desk.url.clone(), "of-the-other".to_owned()];
    words.extend(
        (1..10)
            .filter(|number| *number != 3)
            .map(|number| format!("hunter{number}")),
    );
    match in_memory(process, &words) {
        Some(found) => assert!(
            found.iter().all(|word| *word == place.desk.url) && !found.is_empty(),
            "{found:?}"
        ),
        None => eprintln!("SKIPPED: the memory of another process cannot be read here"),
    }
    daemon.terminate();
    let backup = place.suspended("was stopped");

    // What was silent once answers a new request.
    place.speak(true);
    let mut daemon = place.start();
    place.completed(&mut daemon, &backup);
    daemon.terminate();
    assert!(!place.log().contains("hunter"), "{}", place.log());
}
