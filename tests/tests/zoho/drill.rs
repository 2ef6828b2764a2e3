//! Rows of an archive are asked of the desk again.

use std::path::Path;

use deskvault_tests::zoho::{Desk, modules, registry};
use engine::archive::Manifest;
use engine::drill::{self, Drill, Drilled, Verdict};
use sample_desk::Settings;
use sample_desk::settings::Changes;
use tokio_util::sync::CancellationToken;

use crate::damage::rewrite;
use crate::whole::{back_up, complete};

fn drilled(desk: &Desk, archive: &Path, manifest: &Manifest, rows: u64, seed: u64) -> Drilled {
    let plan = desk.plan(&modules());
    let drill = Drill {
        archive,
        manifest,
        rows,
        seed,
        connection: &plan.connection,
    };
    let mut registry = registry(&modules());
    drill::run(&drill, &mut registry, &|_, _| {}, &CancellationToken::new()).expect("a drill")
}

fn settings() -> Settings {
    Settings {
        seed: 11,
        tickets: 60,
        custom_fields: 6,
        ..Settings::default()
    }
}

#[test]
fn an_unchanged_desk_gives_the_same() {
    let desk = Desk::start(settings());
    let backup = complete("to be drilled", &desk);
    let found = drilled(&desk, &backup.summary.archive, &backup.manifest, 400, 3);
    assert_eq!(found.rows.len(), 400);
    for row in &found.rows {
        let alone = ["TimeEntry", "ActivityComments"].contains(&row.table.as_str());
        let expected = matches!(row.verdict, Verdict::Same) || alone && matches!(row.verdict, Verdict::Unread { .. });
        assert!(expected, "{row:?}");
    }
    let again = drilled(&desk, &backup.summary.archive, &backup.manifest, 400, 3);
    assert_eq!(again, found, "the seed chooses the rows");
}

#[test]
fn a_cell_that_was_forged_is_found() {
    let desk = Desk::start(settings());
    let backup = complete("to be forged", &desk);
    let forged = desk.folder.path().join("forged.zip");
    // One cell of each contact, of the same length, as somebody would who then makes the hashes right.
    let mut cells = 0;
    rewrite(&backup.summary.archive, &forged, |names, row, _| {
        let at = names.iter().position(|name| name == "lastName");
        if let Some(cell) = at
            .map(|at| &mut row[at])
            .filter(|cell| cell.starts_with(char::is_alphabetic))
        {
            let first = cell.chars().next().map_or(0, char::len_utf8);
            let other = if cell.starts_with('X') { "Y" } else { "X" };
            cell.replace_range(..first, other.repeat(first).as_str());
            cells += 1;
        }
    });
    assert!(cells > 0);
    let mut manifest = backup.manifest.clone();
    manifest.tables.retain(|table| table.name == "Contacts");
    let found = drilled(&desk, &forged, &manifest, 40, 5);
    assert!(found.found());
    for row in &found.rows {
        if let Verdict::Differs { cells } = &row.verdict {
            assert_eq!(cells.len(), 1, "{row:?}");
            assert_eq!(cells[0].column, "lastName");
        }
    }
}

#[test]
fn records_that_were_edited_or_deleted_since_are_told_as_such() {
    let desk = Desk::start(Settings {
        changes: Changes {
            edit_every: 2,
            delete_every: 7,
        },
        ..settings()
    });
    let backup = back_up("of records that change", &desk);
    let found = drilled(&desk, &backup.summary.archive, &backup.manifest, 600, 9);
    let count = |is: fn(&Verdict) -> bool| found.rows.iter().filter(|row| is(&row.verdict)).count();
    let (changed, gone) = (
        count(|verdict| *verdict == Verdict::Changed),
        count(|verdict| *verdict == Verdict::Gone),
    );
    println!("{changed} changed, {gone} gone, of {}", found.rows.len());
    assert!(changed > 0 && gone > 0);
    let differ = found
        .rows
        .iter()
        .find(|row| matches!(row.verdict, Verdict::Differs { .. }));
    assert!(differ.is_none(), "{differ:?}");
}
