//! Records have the keys and types of the API, and agree with each other.

use std::collections::{BTreeSet, HashMap};
use std::sync::OnceLock;

use serde_json::{Map, Value};

use super::{desk, id, record};
use crate::Settings;
use crate::world::desk::World;
use crate::world::rota;
use crate::world::{By, Desk, Filter, Id, Kind, Shape, Standing};

type Schemas = HashMap<String, HashMap<String, String>>;

fn schemas() -> &'static Schemas {
    static SCHEMAS: OnceLock<Schemas> = OnceLock::new();
    SCHEMAS.get_or_init(|| serde_json::from_str(include_str!("../schemas.json")).unwrap())
}

fn is_time(text: &str) -> bool {
    let shape: String = text
        .chars()
        .map(|letter| if letter.is_ascii_digit() { '0' } else { letter })
        .collect();
    shape == "0000-00-00T00:00:00.000Z"
}

/// Whether a value has a type of the schemas; the path of what has not is told.
fn check_type(value: &Value, of: &str, path: &str, texts: bool) {
    if let Some(of) = of.strip_suffix('?') {
        if !value.is_null() {
            check_type(value, of, path, texts);
        }
        return;
    }
    let digits = |text: &str| !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit());
    let good = match of {
        "id" => value.as_str().is_some_and(|text| digits(text) && text.len() == 19),
        "cnt" => value
            .as_str()
            .is_some_and(|text| digits(text.strip_prefix('-').unwrap_or(text))),
        "s" => value.is_string(),
        "bool" if texts => matches!(value.as_str(), Some("true" | "false")),
        "bool" => value.is_boolean(),
        "time" => value.as_str().is_some_and(is_time),
        "num" => value.is_number(),
        "any" => true,
        "map" => value
            .as_object()
            .is_some_and(|map| map.values().all(|v| v.is_null() || v.is_string())),
        _ => match of.split_once(':') {
            Some(("arr", of)) => {
                for item in value.as_array().unwrap_or_else(|| panic!("{path}: {value}")) {
                    check_type(
                        item,
                        &if schemas().contains_key(of) {
                            format!("obj:{of}")
                        } else {
                            of.to_owned()
                        },
                        path,
                        texts,
                    );
                }
                true
            }
            Some(("obj", of)) => {
                check_shape(
                    value.as_object().unwrap_or_else(|| panic!("{path}: {value}")),
                    of,
                    path,
                    &[],
                    texts,
                );
                true
            }
            _ => panic!("type {of}"),
        },
    };
    assert!(good, "{path} is no {of}: {value}");
}

/// Whether an object has exactly the keys of a schema, and those that are added.
fn check_shape(object: &Map<String, Value>, schema: &str, path: &str, added: &[&str], texts: bool) {
    let schema_keys = &schemas()[schema];
    let expect: BTreeSet<&str> = schema_keys
        .keys()
        .map(String::as_str)
        .chain(added.iter().copied())
        .collect();
    let keys: BTreeSet<&str> = object.keys().map(String::as_str).collect();
    assert_eq!(keys, expect, "{path} {schema}");
    for (key, of) in schema_keys {
        check_type(&object[key], of, &format!("{path}/{key}"), texts);
    }
}

fn all_of(desk: &World, kind: Kind) -> Vec<Id> {
    match kind {
        Kind::Agent | Kind::Team | Kind::Department => desk.all(kind),
        _ => desk.page(kind, &Filter::default(), By::Created, false, 0, u64::MAX).ids,
    }
}

/// Kinds, shapes and their schemas.
const SHAPES: [(Kind, Shape, &str); 34] = [
    (Kind::Ticket, Shape::List, "TicketListRow"),
    (Kind::Ticket, Shape::Included, "TicketListRowIncludes"),
    (Kind::Ticket, Shape::Search, "TicketSearchRow"),
    (Kind::Ticket, Shape::Detail, "TicketDetail"),
    (Kind::Contact, Shape::List, "ContactListRow"),
    (Kind::Contact, Shape::Search, "ContactSearchRow"),
    (Kind::Contact, Shape::Detail, "ContactDetail"),
    (Kind::Account, Shape::List, "AccountListRow"),
    (Kind::Account, Shape::Search, "AccountDetail"),
    (Kind::Account, Shape::Detail, "AccountDetail"),
    (Kind::Task, Shape::List, "TaskListRow"),
    (Kind::Task, Shape::Included, "TaskListRow"),
    (Kind::Task, Shape::Search, "TaskDetail"),
    (Kind::Task, Shape::Detail, "TaskDetail"),
    (Kind::Call, Shape::List, "CallListRow"),
    (Kind::Call, Shape::Search, "CallDetail"),
    (Kind::Call, Shape::Detail, "CallDetail"),
    (Kind::Event, Shape::List, "EventListRow"),
    (Kind::Event, Shape::Included, "EventListRow"),
    (Kind::Event, Shape::Search, "EventDetail"),
    (Kind::Event, Shape::Detail, "EventDetail"),
    (Kind::Product, Shape::List, "ProductListRow"),
    (Kind::Product, Shape::Search, "ProductDetail"),
    (Kind::Product, Shape::Detail, "ProductDetail"),
    (Kind::Article, Shape::List, "ArticleListRow"),
    (Kind::Article, Shape::Search, "ArticleListRow"),
    (Kind::Article, Shape::Detail, "ArticleDetail"),
    (Kind::Agent, Shape::List, "AgentRow"),
    (Kind::Agent, Shape::Search, "AgentRow"),
    (Kind::Agent, Shape::Detail, "AgentRow"),
    (Kind::Team, Shape::List, "TeamRow"),
    (Kind::Team, Shape::Detail, "TeamRow"),
    (Kind::Department, Shape::List, "DepartmentRow"),
    (Kind::Department, Shape::Detail, "DepartmentDetail"),
];

#[test]
fn every_shape_has_the_keys_and_types_of_the_api() {
    for (seed, texts, custom_fields) in [(1, false, 40), (2, true, 0)] {
        let mut settings = Settings {
            seed,
            tickets: 700,
            custom_fields,
            ..Settings::default()
        };
        settings.behaviour.booleans_as_text = texts;
        let desk = World::new(&settings);
        for (kind, shape, schema) in SHAPES {
            let added: &[&str] = if (kind, shape) == (Kind::Agent, Shape::Detail) {
                &["role", "profile"]
            } else {
                &[]
            };
            let ids = all_of(&desk, kind);
            assert!(!ids.is_empty());
            for id in ids {
                let row = record(&desk, id, kind, shape);
                check_shape(&row, schema, &format!("{kind:?} {id}"), added, texts);
                assert_eq!(row["id"], id.to_string());
            }
        }
        let child = |parent: Id, kind, shapes: &[(Shape, &str)]| {
            let children = desk.children(parent, kind);
            for id in &children {
                for (shape, schema) in shapes {
                    check_shape(
                        &record(&desk, *id, kind, *shape),
                        schema,
                        &format!("{kind:?} {id}"),
                        &[],
                        texts,
                    );
                }
            }
            children
        };
        let attachments = [(Shape::List, "TicketAttachment"), (Shape::Detail, "Attachment")];
        let threads = [
            (Shape::List, "ThreadRow"),
            (Shape::Detail, "ThreadDetail"),
            (Shape::Conversation, "ConversationThread"),
        ];
        let comments = [
            (Shape::List, "Comment"),
            (Shape::Detail, "Comment"),
            (Shape::Conversation, "ConversationComment"),
        ];
        for ticket in all_of(&desk, Kind::Ticket) {
            child(ticket, Kind::Attachment, &attachments);
            child(ticket, Kind::TimeEntry, &[(Shape::List, "TimeEntry")]);
            for thread in child(ticket, Kind::Thread, &threads) {
                child(thread, Kind::Attachment, &attachments);
            }
            for comment in child(ticket, Kind::Comment, &comments) {
                child(comment, Kind::Attachment, &attachments);
            }
        }
        for article in all_of(&desk, Kind::Article) {
            child(
                article,
                Kind::Translation,
                &[(Shape::List, "ArticleListRow"), (Shape::Detail, "ArticleDetail")],
            );
            child(article, Kind::Attachment, &attachments);
        }
        for kind in [Kind::Task, Kind::Call, Kind::Event] {
            for activity in all_of(&desk, kind) {
                child(activity, Kind::Comment, &comments);
            }
        }
    }
}

#[test]
fn fields_are_those_of_the_records() {
    for custom_fields in [0, 1, 40] {
        let desk = World::new(&Settings {
            custom_fields,
            ..Settings::default()
        });
        for (module, kind) in [
            ("tickets", Kind::Ticket),
            ("contacts", Kind::Contact),
            ("events", Kind::Event),
        ] {
            let mut out = Vec::new();
            desk.write_fields(module, &mut out);
            let fields: Vec<Map<String, Value>> = serde_json::from_slice(&out).unwrap();
            let row = record(&desk, all_of(&desk, kind)[3], kind, Shape::Search);
            let (cf, labels) = (row["cf"].as_object().unwrap(), row["customFields"].as_object().unwrap());
            let mut custom = 0;
            for field in &fields {
                check_shape(field, "FieldRow", module, &[], false);
                if field["isCustomField"] == true {
                    custom += 1;
                    assert_eq!(field["displayLabel"], field["i18NLabel"]);
                    assert_eq!(
                        cf[field["apiName"].as_str().unwrap()],
                        labels[field["displayLabel"].as_str().unwrap()]
                    );
                }
            }
            assert_eq!(
                (custom, cf.len(), labels.len()),
                (custom_fields as usize, custom_fields as usize, custom_fields as usize)
            );
        }
        let mut out = Vec::new();
        desk.write_fields("nonsense", &mut out);
        assert_eq!(out, b"[]");
    }
}

/// Every id in a record, but for what is no record: layouts, roles and the like.
fn references(value: &Value, found: &mut Vec<Id>) {
    match value {
        Value::String(text) if text.len() == 19 => {
            if let Ok(number) = text.parse::<u64>()
                && Id(number).kind().is_some()
            {
                found.push(Id(number));
            }
        }
        Value::Array(items) => items.iter().for_each(|item| references(item, found)),
        Value::Object(object) => object.values().for_each(|item| references(item, found)),
        _ => {}
    }
}

/// What was seen of all tickets.
#[derive(Default)]
struct Seen {
    references: Vec<Id>,
    long: usize,
    short: usize,
    empty: usize,
    drafts: usize,
    cut: usize,
    odd_count: usize,
}

/// Checks a thread's detail against its attachments and full content. Whether it is a draft, and its direction.
fn check_thread(desk: &World, ticket: Id, thread: Id, seen: &mut Seen) -> (bool, Value) {
    let row = record(desk, thread, Kind::Thread, Shape::Detail);
    let attachments = desk.children(thread, Kind::Attachment);
    assert_eq!(row["attachments"].as_array().unwrap().len(), attachments.len());
    assert_eq!(row["hasAttach"], !attachments.is_empty());
    match row["attachmentCount"].as_str().unwrap() {
        "-1" => seen.odd_count += 1,
        count => assert_eq!(count, attachments.len().to_string()),
    }
    for attachment in row["attachments"].as_array().unwrap() {
        let (href, name) = (attachment["href"].as_str().unwrap(), attachment["id"].as_str().unwrap());
        let path = format!("/api/v1/tickets/{ticket}/threads/{thread}/attachments/{name}/content?orgId=20077001");
        assert!(href.ends_with(&path), "{href}");
        let mut bytes = Vec::new();
        desk.write_attachment(id(&attachment["id"]), &mut bytes);
        assert_eq!(attachment["size"], bytes.len().to_string());
    }
    let mut full = Vec::new();
    desk.write_full_content(thread, &mut full);
    let full: Value = serde_json::from_slice(&full).unwrap();
    let (content, full) = (row["content"].as_str().unwrap(), full["content"].as_str().unwrap());
    if row["isContentTruncated"] == true {
        seen.cut += 1;
        assert!(
            row["fullContentURL"]
                .as_str()
                .unwrap()
                .ends_with(&format!("/threads/{thread}/fullContent"))
        );
        assert!(
            full.starts_with(content) && full.len() > content.len(),
            "{content} {full}"
        );
    } else {
        assert_eq!(content, full);
    }
    let result = (row["status"] == "DRAFT", row["direction"].clone());
    references(&Value::Object(row), &mut seen.references);
    result
}

/// Checks a ticket's counts against its children.
fn check_ticket(desk: &World, ticket: Id, seen: &mut Seen) {
    let shape = |shape| record(desk, ticket, Kind::Ticket, shape);
    let (search, detail) = (shape(Shape::Search), shape(Shape::Detail));
    for key in detail.keys().filter(|key| search.contains_key(*key)) {
        assert_eq!(search[key], detail[key], "{ticket} {key}");
    }
    assert!(search["modifiedTime"].as_str() >= search["createdTime"].as_str());
    references(&Value::Object(search), &mut seen.references);
    let threads = desk.children(ticket, Kind::Thread);
    let checked: Vec<_> = threads
        .iter()
        .map(|thread| check_thread(desk, ticket, *thread, seen))
        .collect();
    let comments = desk.children(ticket, Kind::Comment);
    for comment in &comments {
        references(
            &Value::Object(record(desk, *comment, Kind::Comment, Shape::List)),
            &mut seen.references,
        );
    }
    let drafts = checked.iter().filter(|(draft, _)| *draft).count();
    let counted = threads.len()
        - if desk.settings.behaviour.drafts_count {
            0
        } else {
            drafts
        };
    assert_eq!(detail["threadCount"], counted.to_string());
    assert_eq!(detail["commentCount"], comments.len().to_string());
    assert_eq!(
        detail["lastThread"].get("direction"),
        checked.last().map(|(_, direction)| direction)
    );
    let attachments = desk.children(ticket, Kind::Attachment);
    for (key, kind) in [
        ("timeEntryCount", Kind::TimeEntry),
        ("taskCount", Kind::Task),
        ("attachmentCount", Kind::Attachment),
    ] {
        assert_eq!(
            detail[key],
            desk.children(ticket, kind).len().to_string(),
            "{ticket} {key}"
        );
    }
    let own = attachments
        .iter()
        .filter(|attachment| attachment.parent() == Some(ticket))
        .count();
    let in_threads: usize = threads
        .iter()
        .map(|thread| desk.children(*thread, Kind::Attachment).len())
        .sum();
    let repeated = if desk.settings.behaviour.attachments_repeat {
        in_threads
    } else {
        0
    };
    assert_eq!(attachments.len() - own, repeated);
    assert_eq!(desk.conversations(ticket).len(), threads.len() + comments.len());
    seen.long += usize::from(threads.len() > 200 && comments.len() > 200);
    seen.short += usize::from(threads.len() == 1 && comments.is_empty());
    seen.empty += usize::from(threads.is_empty() && comments.is_empty());
    seen.drafts += drafts;
}

#[test]
fn records_refer_to_records_and_counts_agree() {
    for (seed, drafts_count, attachments_repeat) in [(3, true, false), (4, false, true)] {
        let mut settings = Settings {
            seed,
            tickets: 1500,
            custom_fields: 3,
            ..Settings::default()
        };
        settings.behaviour.drafts_count = drafts_count;
        settings.behaviour.attachments_repeat = attachments_repeat;
        let desk = World::new(&settings);
        let mut seen = Seen::default();
        for ticket in all_of(&desk, Kind::Ticket) {
            check_ticket(&desk, ticket, &mut seen);
        }
        assert!(seen.long > 0 && seen.short > 350 && seen.short < 600);
        assert!(seen.empty > 0 && seen.drafts > 0 && seen.cut > 0 && seen.odd_count > 0);
        let kinds = [
            Kind::Contact,
            Kind::Account,
            Kind::Task,
            Kind::Call,
            Kind::Event,
            Kind::Product,
            Kind::Article,
            Kind::Team,
        ];
        for kind in kinds {
            for id in all_of(&desk, kind) {
                references(
                    &Value::Object(record(&desk, id, kind, Shape::Detail)),
                    &mut seen.references,
                );
            }
        }
        assert!(seen.references.len() > 10_000);
        for id in seen.references {
            assert_eq!(
                desk.standing(id, id.kind().unwrap()),
                Standing::Present,
                "{id} {:?}",
                id.place()
            );
        }
    }
}

#[test]
fn time_entries_of_agents_are_those_of_tickets() {
    for seed in 1..4 {
        let desk = desk(seed, 6000);
        let mut by_agent = Vec::new();
        for agent in desk.all(Kind::Agent) {
            let entries = desk.children(agent, Kind::TimeEntry);
            assert!(entries.iter().map(|id| desk.times(*id).executed).is_sorted());
            for entry in &entries {
                assert_eq!(
                    record(&desk, *entry, Kind::TimeEntry, Shape::List)["ownerId"],
                    agent.to_string()
                );
            }
            by_agent.extend(entries);
        }
        let tickets = desk
            .page(Kind::Ticket, &Filter::default(), By::Created, false, 0, u64::MAX)
            .ids;
        let mut by_ticket: Vec<Id> = tickets
            .iter()
            .flat_map(|id| desk.children(*id, Kind::TimeEntry))
            .collect();
        by_agent.sort_unstable();
        by_ticket.sort_unstable();
        assert_eq!(by_agent, by_ticket);
        let expect = 6000 * rota::ENTRIES.iter().map(|entry| entry.1 as usize).sum::<usize>() / 64;
        assert!(by_ticket.len().abs_diff(expect) < 20, "{}", by_ticket.len());
    }
}

#[test]
fn the_same_seed_has_the_same_bytes_and_another_has_others() {
    let all = |seed| {
        let mut out = Vec::new();
        desk(seed, 150).truth(&mut out).unwrap();
        out
    };
    assert!(all(5) == all(5));
    assert!(all(5) != all(6));
}

#[test]
fn texts_are_those_of_a_help_desk() {
    let desk = World::new(&Settings {
        seed: 9,
        tickets: 3000,
        huge_bodies_ppm: 1000,
        ..Settings::default()
    });
    let (mut bytes, mut huge, mut lengths) = (Vec::new(), 0, Vec::new());
    for ticket in all_of(&desk, Kind::Ticket) {
        desk.write(ticket, Kind::Ticket, Shape::Search, &mut bytes);
        for thread in desk.children(ticket, Kind::Thread) {
            let content = record(&desk, thread, Kind::Thread, Shape::Detail)["content"]
                .as_str()
                .unwrap()
                .len();
            if content > 1_000_000 {
                huge += 1;
            } else {
                lengths.push(content);
            }
        }
    }
    assert!(huge > 3);
    lengths.sort_unstable();
    let middle = lengths[lengths.len() / 2];
    assert!(middle > 200 && middle < 3000, "{middle}");
    assert!(lengths.iter().all(|length| *length < 20_000));
    let text = String::from_utf8(bytes).unwrap();
    let escaped = ["\\ud83d", "\\u0001", "\\u001b", "\\r\\n", "\\t", "\\\\", "\\\"", "\\/"];
    let plain = [
        "\u{2028}",
        "👩‍👩‍👦",
        "𝒳",
        "お世話に",
        "=HYPERLINK(",
        "السلام",
        "שלום",
        "\u{202e}",
    ];
    for needle in escaped.iter().chain(&plain) {
        assert!(text.contains(needle), "{needle:?}");
    }
    assert!(!text.bytes().any(|byte| byte < 0x20));
}
