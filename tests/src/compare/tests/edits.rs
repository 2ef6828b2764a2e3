//! Records that are edited or deleted while they are read.

use super::super::Source;
use super::archives::{Files, TRUTH};
use super::{compared, compared_with, small};

fn contact(line: &str) -> String {
    let others = TRUTH.lines().filter(|line| !line.contains(r#""table":"Contacts""#));
    others.chain([line]).collect::<Vec<_>>().join("\n")
}

/// The small archive with this contact in place of its own.
fn with_contact(email: &str, title: &str) -> Files {
    let (mut files, _) = small();
    files.table(
        "Contacts",
        &[("cf_vip", "VIP")],
        &[&[("id", "21"), ("email", email), ("title", title)]],
    );
    files
}

#[test]
fn a_row_is_one_version_of_an_edited_record_and_no_mixture() {
    let truth = contact(
        r#"{"table":"Contacts","id":"21","shapes":{"search":{"id":"21","email":"new","title":"b"}},"before":[{"search":{"id":"21","email":"old","title":"a"}},{"search":{"id":"21","email":"mid","title":"a"}}]}"#,
    );
    for (email, title, expected) in [
        ("new", "b", true),
        ("mid", "a", true),
        ("old", "a", true),
        ("new", "a", false),
        ("old", "b", false),
        ("other", "b", false),
    ] {
        let report = compared(&with_contact(email, title), &truth);
        assert_eq!(report.is_same(), expected, "{email} {title}: {report}");
    }
}

#[test]
fn a_deleted_record_may_be_there_or_not() {
    let truth = contact(
        r#"{"table":"Contacts","id":"21","deleted":true,"shapes":{"search":{"id":"21","email":"e","title":"t"}}}"#,
    );
    let mut files = with_contact("e", "t");
    assert!(compared(&files, &truth).is_same());
    assert!(
        !compared(&with_contact("e", "u"), &truth).is_same(),
        "but not another one"
    );
    files.0.get_mut("Contacts__1.csv").expect("contacts").pop();
    let report = compared(&files, &truth);
    assert!(report.is_same(), "{report}");
    assert_eq!(report.tables["Contacts"].deleted, 1);
}

#[test]
fn a_row_of_two_requests_may_have_an_older_first_half() {
    let shapes = |search: &str, detail: &str| {
        format!(
            r#"{{"search":{{"id":"1","threadCount":"{search}","childTicketCount":"{search}"}},"detail":{{"id":"1","threadCount":"{detail}"}}}}"#
        )
    };
    let lines = |deleted: &str| {
        format!(
            r#"{{"table":"Cases","id":"1"{deleted},"shapes":{},"before":[{}]}}"#,
            shapes("2", "2"),
            shapes("1", "1")
        )
    };
    for (thread_count, children, expected, expected_deleted) in [
        ("2", "2", true, true),
        ("1", "1", true, true),
        ("2", "1", true, true),
        ("1", "2", false, false),
        ("3", "2", false, false),
    ] {
        let mut files = Files(std::collections::BTreeMap::new());
        files.table(
            "Cases",
            &[("cf_serial", "Serial number")],
            &[&[
                ("id", "1"),
                ("threadCount", thread_count),
                ("childTicketCount", children),
            ]],
        );
        for (deleted, expected) in [("", expected), (r#","deleted":true"#, expected_deleted)] {
            let report = compared_with(&files, &lines(deleted), Source::default(), &["Cases"]);
            assert_eq!(
                report.is_same(),
                expected,
                "{thread_count} {children}{deleted}: {report}"
            );
        }
    }
}

#[test]
fn without_searches_a_row_is_the_lists_and_the_records_own() {
    let truth = contact(
        r#"{"table":"Contacts","id":"21","shapes":{"list":{"id":"21","email":"l"},"search":{"id":"21","email":"s"},"detail":{"id":"21","email":"d","title":"t"}}}"#,
    );
    let lists = Source {
        search: false,
        ..Source::default()
    };
    for (email, title, source, expected) in [
        ("d", "t", lists, true),
        ("s", "", lists, false),
        ("d", "t", Source::default(), false),
        ("s", "", Source::default(), true),
    ] {
        let files = with_contact(email, title);
        let mut contacts = Files(files.0);
        contacts.0.retain(|name, _| name.starts_with("Contacts"));
        let report = compared_with(&contacts, &truth, source, &["Contacts"]);
        assert_eq!(report.is_same(), expected, "{email} {source:?}: {report}");
    }
}
