//! The comparison itself: an archive as it should be has no difference, and each damage to it is found.

mod archives;
mod damage;
mod edits;

use std::collections::BTreeMap;

use super::{Expect, Report, Source, compare};
use archives::Files;

/// What was granted, and which custom fields there are, in the small desk of these tests.
fn compared(files: &Files, truth: &str) -> Report {
    compared_with(
        files,
        truth,
        Source::default(),
        &["Cases", "Threads", "Contacts", "Teams", "TeamMembers"],
    )
}

fn compared_with(files: &Files, truth: &str, source: Source, tables: &[&str]) -> Report {
    let folder = tempfile::tempdir().expect("a folder");
    let (archive, lines) = (folder.path().join("a.zip"), folder.path().join("truth"));
    files.write(&archive);
    std::fs::write(&lines, truth).expect("the truth");
    let custom = |name: &str, label: &str| vec![(name.to_owned(), label.to_owned())];
    let fields = BTreeMap::from([
        ("Cases".to_owned(), custom("cf_serial", "Serial number")),
        ("Contacts".to_owned(), custom("cf_vip", "VIP")),
    ]);
    let expect = Expect {
        tables,
        source,
        fields: &fields,
        wanted: &|_| true,
    };
    compare(&archive, &lines, &expect).expect("both can be read")
}

/// The truth of the small desk, and its archive as it should be.
fn small() -> (Files, String) {
    (archives::small(), archives::TRUTH.to_owned())
}

#[test]
fn an_archive_as_it_should_be_has_no_difference() {
    let (files, truth) = small();
    let report = compared(&files, &truth);
    assert!(report.is_same(), "{report}");
    assert_eq!(report.rows(), 8);
    assert_eq!(report.tables["Threads"].records, 3);
    assert!(report.cells() > 300, "{}", report.cells());
}

#[test]
fn the_order_of_keys_does_not_matter() {
    let (mut files, truth) = small();
    let cell = files.cell("Contacts__1.csv", 0, "Other Fields");
    assert!(cell.contains(r#""new":1.50,"#), "{cell}");
    *cell = cell.replace(r#""new":1.50,"#, "");
    let last = cell.rfind('}').expect("an object");
    cell.replace_range(last.., r#","new":1.50}"#);
    let report = compared(&files, &truth);
    assert!(report.is_same(), "{report}");
}

#[test]
fn a_second_part_is_read_like_the_first() {
    let (mut files, truth) = small();
    let part = files.0.get_mut("Threads__1.csv").expect("threads");
    let last = part.pop().expect("a row");
    let second = vec![part[0].clone(), part[1].clone(), last];
    files.0.insert("Threads__2.csv".into(), second.clone());
    let report = compared(&files, &truth);
    assert!(report.is_same(), "{report}");

    files.0.remove("Threads__2.csv");
    assert_eq!(compared(&files, &truth).count, 1, "a part is missing");
    files.0.insert("Threads__3.csv".into(), second);
    assert!(!compared(&files, &truth).is_same(), "a part in between is missing");
}
