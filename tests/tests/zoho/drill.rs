//! Rows of an archive are asked of the desk again.

use std::io::Write as _;
use std::path::Path;

use deskvault_tests::zoho::{Desk, modules, registry};
use engine::archive::{self, Manifest};
use engine::drill::{self, Drill, Drilled, Verdict};
use plugin_api::Timestamp;
use sample_desk::Settings;
use tokio_util::sync::CancellationToken;

use crate::whole::complete;

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
