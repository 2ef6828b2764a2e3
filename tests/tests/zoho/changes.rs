//! Records are edited and deleted while they are read.

use deskvault_tests::zoho::{Desk, modules};
use sample_desk::Settings;
use sample_desk::settings::Changes;

use crate::whole::{back_up, same};

/// Backs up while records are edited and deleted; what went meanwhile is no fault of the backup.
fn check(seed: u64, tickets: u64, edit_every: u32, delete_every: u32) {
    let desk = Desk::start(Settings {
        seed,
        tickets,
        changes: Changes {
            edit_every,
            delete_every,
        },
        ..Settings::default()
    });
    let name = format!("an edit every {edit_every} requests, a deletion every {delete_every}, seed {seed}");
    let backup = back_up(&name, &desk);
    assert!(backup.summary.complete, "{name}: {:?}", backup.summary.reasons);
    let report = same(&name, &desk, &backup, &modules());
    let (edited, deleted) = (report.edited(), report.deleted());
    println!("  {edited} rows of edited records, {deleted} deleted records without a row");
    // A ticket is edited too where something of it is deleted: its counts change.
    assert!(edited > 0, "{name}: nothing was edited");
    assert_eq!(deleted > 0, delete_every > 0, "{name}: {deleted} were deleted");
}

#[test]
fn nothing_is_lost_while_records_are_edited() {
    for (seed, tickets, edit_every) in [(41, 300, 1), (42, 1_000, 3), (43, 3_000, 7)] {
        check(seed, tickets, edit_every, 0);
    }
}

#[test]
fn nothing_is_lost_while_records_are_edited_and_deleted() {
    for (seed, tickets, edit_every, delete_every) in
        [(51, 300, 0, 5), (52, 1_000, 5, 9), (53, 2_000, 3, 31), (54, 200, 1, 1)]
    {
        check(seed, tickets, edit_every, delete_every);
    }
}
