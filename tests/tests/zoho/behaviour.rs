//! Each reading of what is not certain of the API: the exporters are right under both.

use deskvault_tests::zoho::Desk;
use sample_desk::Settings;
use sample_desk::settings::{Ascending, Behaviour};

use crate::whole::complete;

type Flip = fn(&mut Behaviour);

const READINGS: [(&str, Flip); 20] = [
    ("tickets from 1", |b| b.tickets_from = 1),
    ("threads from 1", |b| b.threads_from = 1),
    ("contacts from 0", |b| b.contacts_from = 0),
    ("ranges exclude their ends", |b| b.inclusive_ranges = false),
    ("searches end at 999", |b| b.search_max_from = 999),
    ("ascending order is ignored", |b| b.ascending = Ascending::Ignored),
    ("ascending order is refused", |b| b.ascending = Ascending::Refused),
    ("searches have archived tickets", |b| b.search_has_archived = true),
    ("searches have spam", |b| b.search_has_spam = true),
    ("searches have no description", |b| b.search_has_description = false),
    ("100 threads a page", |b| b.threads_max_limit = 100),
    ("no second page of conversations", |b| b.conversations_page = false),
    ("attachments of threads are repeated", |b| b.attachments_repeat = true),
    ("drafts are not counted", |b| b.drafts_count = false),
    ("no time entries of deleted agents", |b| {
        b.deleted_agents_entries = false;
    }),
    ("articles take no range", |b| b.articles_range = false),
    ("empty lists are 200", |b| b.empty_is_204 = false),
    ("departments unasked are all", |b| b.departments_enabled_only = false),
    ("agents unasked are active", |b| b.agents_active_only = true),
    ("booleans are text", |b| b.booleans_as_text = true),
];

fn check(name: &str, seed: u64, behaviour: Behaviour) {
    let desk = Desk::start(Settings {
        seed,
        tickets: 150,
        behaviour,
        ..Settings::default()
    });
    complete(name, &desk);
}

#[test]
fn each_other_reading_alone() {
    let mut failed = Vec::new();
    for (place, (name, flip)) in READINGS.into_iter().enumerate() {
        let mut behaviour = Behaviour::default();
        flip(&mut behaviour);
        assert_ne!(behaviour, Behaviour::default(), "{name}");
        // All of them are tried, so that one run shows all that fail.
        let result = std::panic::catch_unwind(|| check(name, 100 + place as u64, behaviour));
        if result.is_err() {
            failed.push(name);
        }
    }
    assert!(failed.is_empty(), "{failed:?}");
}

#[test]
fn all_other_readings_together() {
    for (seed, ascending) in [(141, Ascending::Ignored), (142, Ascending::Refused)] {
        let mut behaviour = Behaviour::default();
        for (_, flip) in READINGS {
            flip(&mut behaviour);
        }
        behaviour.ascending = ascending;
        check(&format!("all together, {ascending:?}"), seed, behaviour);
    }
}
