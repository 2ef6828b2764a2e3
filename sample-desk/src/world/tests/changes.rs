//! Edits and deletions while the desk is read.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};

use serde_json::Value;

use super::{pages, record, truth};
use crate::Settings;
use crate::settings::Changes;
use crate::world::desk::World;
use crate::world::{By, Desk, Filter, Id, Kind, Shape, Standing};

fn changing(seed: u64, tickets: u64, edit_every: u32, delete_every: u32) -> World {
    World::new(&Settings {
        seed,
        tickets,
        changes: Changes {
            edit_every,
            delete_every,
        },
        ..Settings::default()
    })
}

/// Every record that can be read, by table and id, with the shapes in which the truth has it.
fn read(desk: &World) -> BTreeMap<(String, String), Value> {
    let mut all = BTreeMap::new();
    let mut add = |table: &str, id: Id, kind: Kind, shapes: &[(&str, Shape)]| {
        let shapes = shapes
            .iter()
            .map(|(name, shape)| ((*name).to_owned(), Value::Object(record(desk, id, kind, *shape))));
        assert!(
            all.insert((table.to_owned(), id.to_string()), shapes.collect())
                .is_none(),
            "{table} {id} twice"
        );
    };
    let three = [
        ("list", Shape::List),
        ("search", Shape::Search),
        ("detail", Shape::Detail),
    ];
    let two = [("list", Shape::List), ("detail", Shape::Detail)];
    let filter = Filter {
        spam: Some(false),
        ..Filter::default()
    };
    let list = |kind| desk.page(kind, &filter, By::Modified, true, 0, u64::MAX).ids;
    for ticket in list(Kind::Ticket) {
        add("Cases", ticket, Kind::Ticket, &three);
        for id in desk.children(ticket, Kind::TimeEntry) {
            add("TimeEntry", id, Kind::TimeEntry, &three[..1]);
        }
        let own = |id: &Id| id.parent() == Some(ticket);
        desk.children(ticket, Kind::Attachment)
            .into_iter()
            .filter(own)
            .for_each(|id| add("Attachments", id, Kind::Attachment, &two));
        for (id, kind) in desk.conversations(ticket) {
            let shapes = [("conversation", Shape::Conversation), ("list", Shape::List)];
            add(
                if kind == Kind::Thread { "Threads" } else { "Comments" },
                id,
                kind,
                &shapes,
            );
            desk.children(id, Kind::Attachment)
                .into_iter()
                .for_each(|id| add("Attachments", id, Kind::Attachment, &two));
        }
    }
    for (kind, table) in [
        (Kind::Contact, "Contacts"),
        (Kind::Account, "Accounts"),
        (Kind::Product, "Products"),
    ] {
        for id in list(kind) {
            add(table, id, kind, &three);
        }
    }
    for (kind, table) in [
        (Kind::Task, "Tasks"),
        (Kind::Call, "Calls"),
        (Kind::Event, "Events"),
        (Kind::Article, "Articles"),
    ] {
        for id in list(kind) {
            add(table, id, kind, &three);
            let children = [
                (Kind::Comment, "ActivityComments", &three[..1]),
                (Kind::Translation, "ArticleTranslations", &three[2..]),
                (Kind::Attachment, "ArticleAttachments", &two[..]),
            ];
            for (child, table, shapes) in children {
                desk.children(id, child)
                    .into_iter()
                    .for_each(|id| add(table, id, child, shapes));
            }
        }
    }
    for (kind, table) in [
        (Kind::Agent, "Agents"),
        (Kind::Team, "Teams"),
        (Kind::Department, "Departments"),
    ] {
        desk.all(kind)
            .into_iter()
            .for_each(|id| add(table, id, kind, &two[..1]));
    }
    for team in desk.all(Kind::Team) {
        for agent in desk.members(team) {
            let row = Value::Object(record(desk, agent, Kind::Agent, Shape::List));
            let shapes = [("list".to_owned(), row)].into_iter().collect();
            all.insert(
                ("TeamMembers".to_owned(), agent.to_string() + &team.to_string()),
                shapes,
            );
        }
    }
    all
}

/// Checks that what can be read is what the truth says, and returns how many lines it marks.
pub(super) fn check_truth(desk: &World) -> (usize, usize) {
    let truth = truth(desk);
    let read = read(desk);
    for (name, shapes) in &read {
        let line = truth.get(name).unwrap_or_else(|| panic!("not in the truth: {name:?}"));
        assert!(line.get("deleted").is_none(), "{name:?}");
        for (shape, record) in shapes.as_object().unwrap() {
            assert_eq!(&line["shapes"][shape], record, "{name:?} {shape}");
        }
    }
    let unread: BTreeSet<_> = truth
        .iter()
        .filter(|(name, _)| !read.contains_key(*name))
        .collect::<BTreeMap<_, _>>()
        .into_keys()
        .collect();
    for name in &unread {
        assert_eq!(truth[*name]["deleted"], true, "{name:?} is not to be had");
    }
    (
        unread.len(),
        truth.values().filter(|line| line.get("before").is_some()).count(),
    )
}

#[test]
fn the_truth_is_what_can_be_read() {
    for (seed, tickets) in [(1, 100), (2, 333), (3, 1000), (8, 257)] {
        let desk = changing(seed, tickets, 0, 0);
        assert_eq!(check_truth(&desk), (0, 0));
    }
}

#[test]
fn spam_is_in_the_truth_where_a_search_gives_it() {
    for search_has_spam in [false, true] {
        let mut settings = Settings {
            tickets: 300,
            ..Settings::default()
        };
        settings.behaviour.search_has_spam = search_has_spam;
        let desk = World::new(&settings);
        let truth = truth(&desk);
        let count = |what: &str, value: bool| {
            let cases = truth.iter().filter(|(name, _)| name.0 == "Cases");
            cases
                .filter(|(_, line)| line["shapes"]["detail"][what] == value)
                .count()
        };
        assert_eq!(count("isSpam", false), 300);
        assert_eq!(count("isSpam", true), if search_has_spam { 3 } else { 0 });
        assert_eq!((count("isArchived", true), count("isTrashed", true)), (9, 0));
    }
}

#[test]
fn the_truth_follows_edits_and_deletions() {
    for seed in 1..4 {
        let desk = changing(seed, 300, 2, 3);
        (1..=300).for_each(|request| desk.change(request));
        let (deleted, edited) = check_truth(&desk);
        assert!(deleted > 60 && edited > 60, "{deleted} {edited}");
    }
}

#[test]
fn pages_hold_while_records_change() {
    let desk = changing(5, 400, 1, 2);
    for round in 0..4 {
        (round * 60 + 1..=round * 60 + 60).for_each(|request| desk.change(request));
        for kind in [Kind::Ticket, Kind::Contact, Kind::Task, Kind::Article] {
            pages::check(&desk, kind);
        }
    }
}

#[test]
fn an_edit_keeps_what_was() {
    let desk = changing(6, 200, 1, 0);
    let before = truth(&desk);
    (1..=400).for_each(|request| desk.change(request));
    let after = truth(&desk);
    assert_eq!(before.len(), after.len());
    let mut edited = BTreeSet::new();
    for (name, line) in &after {
        let Some(versions) = line.get("before").and_then(Value::as_array) else {
            assert_eq!(line, &before[name]);
            continue;
        };
        edited.insert(name.0.as_str());
        assert_eq!(versions[0], before[name]["shapes"]);
        let shape = if name.0 == "Comments" { "list" } else { "detail" };
        let time = |version: &Value| version[shape]["modifiedTime"].as_str().map(str::to_owned);
        assert!(time(versions.last().unwrap()) < time(&line["shapes"]));
        for key in ["id", "createdTime", "commentedTime", "ticketNumber", "threadCount"] {
            assert_eq!(versions[0][shape][key], line["shapes"][shape][key]);
        }
    }
    let kinds = [
        "Accounts", "Articles", "Calls", "Cases", "Comments", "Contacts", "Events", "Products", "Tasks",
    ];
    assert_eq!(edited, kinds.into_iter().collect());
    // What others show of an edited record is what it was when they were made.
    assert!(
        after
            .iter()
            .filter(|(name, _)| name.0 == "Threads")
            .all(|(_, line)| line.get("before").is_none())
    );
}

#[test]
fn deleted_records_leave_with_their_children() {
    let desk = changing(7, 200, 0, 1);
    let all = Filter {
        spam: Some(false),
        ..Filter::default()
    };
    let tickets = desk.page(Kind::Ticket, &all, By::Created, false, 0, u64::MAX).ids;
    let binned = desk.bin().len();
    (1..=200).for_each(|request| desk.change(request));
    let left = desk.page(Kind::Ticket, &all, By::Created, false, 0, u64::MAX).ids;
    let (mut trashed, mut gone) = (0, 0);
    for ticket in tickets.iter().filter(|id| !left.contains(id)) {
        let standing = desk.standing(*ticket, Kind::Ticket);
        let thread = crate::world::id::Place::child(Kind::Thread, Kind::Ticket, ticket.place().unwrap().index, 0);
        match standing {
            Standing::Present => panic!("{ticket}"),
            Standing::Trashed => {
                trashed += 1;
                assert_eq!(record(&desk, *ticket, Kind::Ticket, Shape::Detail)["isTrashed"], true);
                assert!(desk.bin().contains(ticket));
            }
            Standing::Gone => {
                gone += 1;
                assert!(desk.children(*ticket, Kind::Thread).is_empty());
            }
        }
        if desk.is_real(thread) {
            assert_ne!(desk.standing(thread.id(), Kind::Thread), Standing::Present);
        }
    }
    assert!(trashed > 5 && gone > 5);
    assert!(desk.bin().len() > binned);
    // A deleted comment is missing from its ticket's count.
    let mut fewer = 0;
    for ticket in left {
        let detail = record(&desk, ticket, Kind::Ticket, Shape::Detail);
        assert_eq!(
            detail["commentCount"],
            desk.children(ticket, Kind::Comment).len().to_string()
        );
        assert_eq!(
            detail["threadCount"],
            desk.children(ticket, Kind::Thread).len().to_string()
        );
        fewer += usize::from(!desk.history(ticket).last().unwrap().gone.is_empty());
    }
    assert!(fewer > 5);
}

#[test]
fn a_page_holds_every_record_once_while_they_are_edited() {
    let desk = changing(5, 10_000, 1, 0);
    let filter = Filter::default();
    let (done, edits) = (AtomicBool::new(false), AtomicU64::new(0));
    std::thread::scope(|scope| {
        scope.spawn(|| {
            for request in (1..).take_while(|_| !done.load(Ordering::Acquire)) {
                desk.change(request);
                edits.store(request, Ordering::Release);
            }
        });
        let total = desk.page(Kind::Ticket, &filter, By::Created, false, 0, 1).total;
        let mut pages = Vec::new();
        // Each page is read while at least one edit is made.
        while pages.len() < 20 {
            let before = edits.load(Ordering::Acquire);
            let page = desk.page(Kind::Ticket, &filter, By::Modified, false, 9_000, 1000);
            if edits.load(Ordering::Acquire) > before {
                pages.push(page);
            }
        }
        // Before anything can fail: the editor would go on for ever.
        done.store(true, Ordering::Release);
        for page in pages {
            let ids: BTreeSet<Id> = page.ids.iter().copied().collect();
            assert_eq!((page.total, ids.len()), (total, page.ids.len()));
        }
    });
}
