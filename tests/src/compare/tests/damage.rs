//! Each damage is found, and named by what was damaged.

use super::archives::Files;
use super::{compared, small};

/// Damages the small archive: the comparison must say so in these words.
fn check(name: &str, words: &[&str], damage: impl FnOnce(&mut Files)) {
    let (mut files, truth) = small();
    damage(&mut files);
    let report = compared(&files, &truth);
    let said = report.to_string();
    assert!(!report.is_same(), "{name}: not found");
    assert!(report.differences.len() <= 20, "{name}: bounded");
    for word in words {
        assert!(said.contains(word), "{name}: {word:?} is not in\n{said}");
    }
}

/// Replaces a cell.
fn set(file: &'static str, row: usize, column: &'static str, cell: &'static str) -> impl FnOnce(&mut Files) {
    move |files| {
        let old = files.cell(file, row, column);
        assert_ne!(old, cell, "a damage changes something");
        cell.clone_into(old);
    }
}

#[test]
fn altered_cells_are_found() {
    for (file, row, column, cell) in [
        // One character, its case, white space around it, a line end, another form of the same letter.
        ("Contacts__1.csv", 0, "email", "a@c.example"),
        ("Contacts__1.csv", 0, "email", "A@b.example"),
        ("Contacts__1.csv", 0, "email", "a@b.example "),
        ("Cases__1.csv", 0, "subject", "Line one\nline \"two\", 日本語 😀"),
        ("Cases__1.csv", 0, "subject", "Line one\r\nline \"two\", 日本語 ?"),
        ("Cases__1.csv", 1, "subject", "'=1+1"),
        ("Threads__1.csv", 0, "content", "a"),
        // Empty, or filled from nothing.
        ("Contacts__1.csv", 0, "email", ""),
        ("Contacts__1.csv", 0, "phone", "0"),
        ("Contacts__1.csv", 0, "photoURL", "null"),
        ("Contacts__1.csv", 0, "isSpam", "false"),
        ("Cases__1.csv", 1, "cf_serial", "LP-1"),
        // Times.
        ("Cases__1.csv", 0, "closedTime", "2031-03-15 09:00:00"),
        ("Cases__1.csv", 0, "closedTime", "2031-03-15 09:00:00.7"),
        ("Cases__1.csv", 0, "createdTime", "2031-03-14 08:12:47.000"),
        ("Cases__1.csv", 0, "createdTime", "2031-03-14T08:12:47.000Z"),
        ("Cases__1.csv", 0, "createdTime", "2031-03-14 09:12:47"),
        // Booleans and numbers.
        ("Cases__1.csv", 0, "isEscalated", "0"),
        ("Cases__1.csv", 0, "isEscalated", "true"),
        ("Cases__1.csv", 0, "threadCount", "2.0"),
        ("Cases__1.csv", 0, "childTicketCount", ""),
        ("Cases__1.csv", 1, "childTicketCount", "7"),
        // Objects and lists.
        ("Cases__1.csv", 0, "contact", r#"{"id":"9"}"#),
        ("Cases__1.csv", 0, "contact", r#"{"id":9,"phone":null}"#),
        ("Threads__1.csv", 0, "attachments", "[]"),
        // Made ones.
        ("Threads__1.csv", 0, "threadStatus", "EMAIL OUTGOING"),
        ("Threads__1.csv", 0, "ticketId", "2"),
        ("Threads__1.csv", 0, "isPrivate", "true"),
        ("Threads__1.csv", 0, "receipients", ""),
        ("Contacts__1.csv", 0, "crmContactId", ""),
        ("TeamMembers__1.csv", 0, "isDirect", "false"),
        ("TeamMembers__1.csv", 0, "isDerived", ""),
    ] {
        check(column, &[column], set(file, row, column, cell));
    }
}

#[test]
fn every_cell_counts() {
    let (good, truth) = small();
    let mut cells = 0;
    for (name, rows) in &good.0 {
        for row in 2..rows.len() {
            for (column, called) in rows[1].iter().enumerate() {
                let mut files = good.clone();
                let cell = &mut files.0.get_mut(name).expect("a file")[row][column];
                match cell.pop() {
                    Some('a') => cell.push('b'),
                    Some(_) => cell.push('a'),
                    None => cell.push('0'),
                }
                let report = compared(&files, &truth);
                assert!(!report.is_same(), "{name}, row {row}, {called}: not found");
                cells += 1;
            }
        }
    }
    assert!(cells > 300, "{cells}");
}

#[test]
fn what_is_lost_or_new_among_the_other_fields_is_found() {
    let good = r#"{"zohoCRMContact":{"type":"lead"},"new":1.50,"cf":{"cf_new":"x"},"deep":{"a":[1,2],"b":null}}"#;
    for (from, to, word) in [
        (r#""new":1.50,"#, "", "/new"),
        ("1.50", "1.5", "/new"),
        ("1.50", "\"1.50\"", "/new"),
        (r#""cf":{"cf_new":"x"},"#, "", "/cf/cf_new"),
        (
            r#""cf":{"cf_new":"x"}"#,
            r#""cf":{"cf_new":"x","cf_vip":"false"}"#,
            "cf_vip",
        ),
        (r#"{"type":"lead"}"#, "{}", "/zohoCRMContact/type"),
        (
            r#"{"type":"lead"}"#,
            r#"{"type":"lead","more":1}"#,
            "/zohoCRMContact/more",
        ),
        (r#""b":null"#, "", "/deep"),
        ("[1,2]", "[2,1]", "/deep"),
        ("[1,2]", "[1,2,null]", "/deep"),
        (r#""new":1.50"#, r#""new":1.50,"new":1.50"#, "/new"),
        (r#"{"zohoCRMContact""#, r#"{"email":"x","zohoCRMContact""#, "/email"),
        (r#"{"zohoCRMContact""#, r#"{"extra":null,"zohoCRMContact""#, "/extra"),
        ("}}", "}", "Other Fields"),
        (good, "", "/new"),
        (good, "[]", "Other Fields"),
    ] {
        check(to, &[word], |files| {
            let cell = files.cell("Contacts__1.csv", 0, "Other Fields");
            assert!(cell.contains(from), "{from}");
            *cell = cell.replace(from, to).replace(",}", "}");
        });
    }
    check("cf_gone", &["/cf/cf_gone"], set("Cases__1.csv", 0, "Other Fields", ""));
}

#[test]
fn rows_that_are_missing_or_too_many_are_found() {
    type Change = fn(&mut Vec<Vec<String>>);
    let changes: [(&str, &str, Change); 7] = [
        ("missing", "Threads 13", |rows| drop(rows.remove(4))),
        ("twice", "Threads 13 : expected \"one row\"", |rows| {
            rows.push(rows[4].clone());
        }),
        ("twice in place of another", "Threads 12", |rows| {
            rows[3] = rows[4].clone();
        }),
        ("unknown", "Threads 99 : expected \"no such record\"", |rows| {
            rows.push(rows[4].clone());
            rows[5][0] = "99".into();
        }),
        ("without a key", "Threads 13", |rows| rows[4][0].clear()),
        ("swapped cells", "Threads 13", |rows| rows[4].swap(1, 3)),
        ("one cell less", "number of cells", |rows| drop(rows[4].pop())),
    ];
    for (name, words, change) in changes {
        check(name, &[words], |files| {
            change(files.0.get_mut("Threads__1.csv").expect("threads"));
        });
    }
    check(
        "contents of two rows",
        &["Threads 12 content", "Threads 13 content"],
        |files| {
            let one = files.cell("Threads__1.csv", 1, "content").clone();
            let other = std::mem::replace(files.cell("Threads__1.csv", 2, "content"), one);
            *files.cell("Threads__1.csv", 1, "content") = other;
        },
    );
    check(
        "another team",
        &["TeamMembers 4/31", "TeamMembers 3/31"],
        set("TeamMembers__1.csv", 0, "teamId", "4"),
    );
}

#[test]
fn headers_that_are_not_the_formats_are_found() {
    type Change = fn(&mut Vec<Vec<String>>);
    fn remove(rows: &mut [Vec<String>], column: &str) {
        let at = rows[1].iter().position(|name| name == column).expect("a column");
        for row in rows {
            row.remove(at);
        }
    }
    fn swap(rows: &mut [Vec<String>], one: usize, other: usize) {
        for row in rows {
            row.swap(one, other);
        }
    }
    let changes: [(&str, &str, Change); 11] = [
        ("a label", "label of column 3", |rows| rows[0][2] = "Contact".into()),
        ("a name", "column 7", |rows| rows[1][6] = "Description".into()),
        ("swapped columns", "column 4", |rows| swap(rows, 3, 4)),
        ("a column less", "column 37", |rows| remove(rows, "slaName")),
        ("a column more", "column 1", |rows| {
            for row in rows {
                row.insert(0, String::new());
            }
        }),
        ("no custom field", "custom field cf_serial", |rows| {
            remove(rows, "cf_serial");
        }),
        ("a custom field's label", "label of cf_serial", |rows| {
            "Serial".clone_into(&mut rows[0][46]);
        }),
        ("a further column's label", "label of webUrl", |rows| {
            let at = rows[1].iter().position(|name| name == "webUrl").expect("a column");
            rows[0][at] = "Link".into();
        }),
        ("no column of its own", "field webUrl", |rows| remove(rows, "webUrl")),
        ("the rest is not last", "the last column", |rows| {
            let last = rows[1].len() - 1;
            swap(rows, last, last - 1);
        }),
        ("one header row", "Cases", |rows| drop(rows.remove(0))),
    ];
    for (name, words, change) in changes {
        check(name, &[words], |files| {
            change(files.0.get_mut("Cases__1.csv").expect("tickets"));
        });
    }
}

#[test]
fn files_that_are_missing_or_too_many_are_found() {
    check(
        "no file",
        &["Contacts  : expected \"a file\"", "Contacts 21"],
        |files| {
            files.0.remove("Contacts__1.csv");
        },
    );
    check("an unknown file", &["Notes__1.csv"], |files| {
        files
            .0
            .insert("Notes__1.csv".into(), vec![vec!["A".into()], vec!["a".into()]]);
    });
    check("an empty file", &["two header rows", "Contacts 21"], |files| {
        files.0.insert("Contacts__1.csv".into(), Vec::new());
    });
    check(
        "a part with other headers",
        &["Threads Threads__2.csv", "Threads 13"],
        |files| {
            let part = files.0.get_mut("Threads__1.csv").expect("threads");
            let last = part.pop().expect("a row");
            let mut second = vec![part[0].clone(), part[1].clone(), last];
            second[1].swap(4, 5);
            files.0.insert("Threads__2.csv".into(), second);
        },
    );
}
