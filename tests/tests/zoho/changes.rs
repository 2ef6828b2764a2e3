//! Records are edited and deleted while they are read.

use deskvault_tests::zoho::{Desk, modules};
use sample_desk::Settings;
use sample_desk::settings::Changes;

use crate::whole::{back_up, same};

#[test]
fn nothing_is_lost_while_records_are_edited() {
    for (seed, tickets, edit_every) in [(41, 300, 1), (42, 1_000, 3), (43, 3_000, 7)] {
        let desk = Desk::start(Settings {
            seed,
            tickets,
            changes: Changes {
                edit_every,
                delete_every: 0,
            },
            ..Settings::default()
        });
        let name = format!("edits, seed {seed}");
        let backup = back_up(&name, &desk);
        assert!(backup.summary.complete, "{name}: {:?}", backup.summary.reasons);
        same(&name, &desk, &backup, &modules());
    }
}

#[test]
fn nothing_is_lost_while_records_are_edited_and_deleted() {
    for (seed, tickets, edit_every, delete_every) in [(51, 300, 0, 5), (52, 1_000, 5, 9), (53, 2_000, 3, 31)] {
        let desk = Desk::start(Settings {
            seed,
            tickets,
            changes: Changes {
                edit_every,
                delete_every,
            },
            ..Settings::default()
        });
        let name = format!("edits and deletions, seed {seed}");
        let backup = back_up(&name, &desk);
        // What went while it was read is no fault of the backup, where a second look explains it.
        assert!(backup.summary.complete, "{name}: {:?}", backup.summary.reasons);
        same(&name, &desk, &backup, &modules());
    }
}
