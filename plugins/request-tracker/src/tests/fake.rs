//! A Request Tracker that is a few lists: it answers like REST 2.0 does, so far as the exporter asks.

use plugin_api::testing::Reply;
use plugin_api::{Method, Request};
use serde_json::{Value as Json, json};

/// The records, by the names of their collections.
pub(super) struct Fake {
    pub(super) tickets: Vec<Json>,
    pub(super) transactions: Vec<Json>,
    pub(super) attachments: Vec<Json>,
    pub(super) users: Vec<Json>,
    groups: Vec<Json>,
    queues: Vec<Json>,
    pub(super) articles: Vec<Json>,
    customfields: Vec<Json>,
    customroles: Vec<Json>,
    /// The member of groups that is shown as null.
    pub(super) null_member: Option<u64>,
}

/// The highest number of a ticket.
pub(super) const TICKETS: u64 = 130;
/// A number that no ticket has, one of a deleted ticket, and one that was deleted and merged.
pub(super) const GAP: u64 = 77;
pub(super) const DELETED: u64 = 78;
pub(super) const OUT_OF_SIGHT: u64 = 79;

fn time(minute: u64) -> String {
    format!("2031-03-12T{:02}:{:02}:00Z", minute / 60, minute % 60)
}

fn user(name: &str) -> Json {
    json!({"type": "user", "id": "cut", "Name": name})
}

fn with_origin(mut record: Json, minute: u64) -> Json {
    for (key, value) in [
        ("Creator", user("root")),
        ("LastUpdatedBy", user("利用者")),
        ("Created", time(minute).into()),
        ("LastUpdated", time(minute).into()),
    ] {
        record[key] = value;
    }
    record
}

fn ticket(number: u64) -> Json {
    let status = if number == DELETED || number == OUT_OF_SIGHT {
        "deleted"
    } else {
        "open"
    };
    let into = if number == OUT_OF_SIGHT { 1 } else { number };
    let ticket = json!({
        "id": number, "EffectiveId": into.to_string(), "Type": "ticket", "Status": status, "Subject": format!("\"{number}\", 件名"),
        "Queue": {"type": "queue", "id": "1", "Name": "General"}, "Owner": user("Nobody"), "Requestor": [user("a@b.test")],
        "Cc": [], "AdminCc": [{"type": "group", "id": "5"}], "Due": "1970-01-01T00:00:00Z", "TimeWorked": "15",
        "CustomFields": [{"id": "1", "values": ["v"]}, {"id": "9", "values": ["made meanwhile"]}],
        "CustomRoles": {"RT::CustomRole-1": user("engineer")}, "_hyperlinks": [{"ref": "parent", "type": "ticket", "id": "2"}],
    });
    with_origin(ticket, number)
}

fn transaction(number: u64, kind: &str, ticket: u64, field: &str) -> Json {
    let transaction = json!({
        "id": number, "ObjectType": "RT::Ticket", "ObjectId": ticket.to_string(), "Type": kind, "Field": field,
        "TimeTaken": if kind == "Comment" { "5" } else { "0" }, "OldValue": {"b": 1, "a": null},
    });
    with_origin(transaction, ticket)
}

fn attachment(number: u64, transaction: u64, parent: u64, kind: &str) -> Json {
    let mut attachment = json!({
        "id": number, "TransactionId": transaction.to_string(), "ContentType": kind, "Filename": "",
        "Headers": format!("Subject: x\nContent-Length: {}", if number == 7 { u64::MAX } else { 2_000_000 }), "Content": format!("text {number}"), "_parent": parent,
    });
    if parent > 0 {
        attachment["Parent"] = json!({"type": "attachment", "id": parent.to_string()});
    }
    with_origin(attachment, 0)
}

/// So many users.
pub(super) fn users(count: u64) -> Vec<Json> {
    let user = |number| {
        let user = json!({"id": number * 7, "Name": format!("user {number}"), "_disabled": number % 60 == 0});
        with_origin(user, number)
    };
    (1..=count).map(user).collect()
}

impl Fake {
    pub(super) fn new() -> Self {
        let tickets: Vec<Json> = (1..=TICKETS).filter(|number| *number != GAP).map(ticket).collect();
        let mut transactions = Vec::new();
        let mut attachments = Vec::new();
        for number in (1..=TICKETS).filter(|number| *number != GAP) {
            let kind = if number % 2 == 0 { "Comment" } else { "Status" };
            for (kind, field) in [("Create", ""), (kind, "Status")] {
                transactions.push(transaction(transactions.len() as u64 + 1, kind, number, field));
            }
            // Attachments need not stand in the order of their transactions.
            let place = if number > 100 {
                TICKETS + 100 - number
            } else {
                number - 1
            };
            let (owner, first) = (transactions.len() as u64, place * 4 + 1);
            attachments.push(attachment(first, owner, 0, "multipart/mixed"));
            for (more, kind) in [(1, "text/plain"), (2, "text/html"), (3, "Text/Plain")] {
                attachments.push(attachment(first + more, owner, first, kind));
            }
        }
        let groups = [
            ("SystemInternal", "Everyone"),
            ("SystemInternal", "Privileged"),
            ("UserDefined", "チーム"),
        ];
        let groups = groups.into_iter().zip([3, 4, 500]).map(|((domain, name), number)| {
            with_origin(
                json!({"id": number, "Domain": domain, "Name": name, "_disabled": number == 500}),
                number,
            )
        });
        let queue = json!({"id": 1, "Name": "General", "Cc": [user("cc")], "AdminCc": [], "Disabled": "0"});
        let articles = (1..=120).map(|number| {
            with_origin(
                json!({"id": number, "Name": "=1+1", "Class": {"type": "class", "id": "1", "Name": "FAQ"}}),
                number,
            )
        });
        let field = |number: u64, lookup: &str| json!({"id": number, "Name": "F", "Type": "Freeform", "MaxValues": "1", "LookupType": lookup});
        Self {
            tickets,
            transactions,
            attachments,
            users: users(130),
            groups: groups.collect(),
            queues: vec![with_origin(queue, 1)],
            articles: articles.collect(),
            customfields: vec![field(1, "RT::Queue-RT::Ticket"), field(2, "RT::User")],
            customroles: vec![json!({"id": 1, "Name": "Engineer", "MaxValues": "1"})],
            null_member: None,
        }
    }

    /// The answer to a request.
    pub(super) fn answer(&self, request: &Request) -> Reply {
        let path = request.path.trim_start_matches('/');
        if request.method == Method::Post {
            let conditions: Vec<Json> = request
                .body
                .as_deref()
                .and_then(|body| serde_json::from_str(body).ok())
                .unwrap_or_default();
            return self.search(path, request, &conditions);
        }
        let parts: Vec<&str> = path.split('/').collect();
        match parts[..] {
            ["rt"] => Reply::json(200, json!({"Version": "5.0.3"})),
            ["tickets"] => {
                let query = query(request, "query").unwrap_or_default();
                let shown = |record: &&Json| record["Status"] != "deleted" && ticket_sql(query, record);
                page(request, self.tickets.iter().filter(shown).collect())
            }
            ["ticket", number] if number == OUT_OF_SIGHT.to_string() => single(&self.tickets, "1"),
            ["ticket", number] => single(&self.tickets, number),
            ["queue", number] => single(&self.queues, number),
            ["group", number, "members"] => {
                let members = if number == "4" { 7..=130 } else { 7..=9 };
                let members: Vec<Json> = members
                    .map(|number| json!({"type": "user", "id": number, "_null": self.null_member == Some(number)}))
                    .collect();
                page(request, members.iter().collect())
            }
            _ => Reply::status(404),
        }
    }

    fn search(&self, collection: &str, request: &Request, conditions: &[Json]) -> Reply {
        let records = match collection {
            "transactions" => &self.transactions,
            "attachments" => &self.attachments,
            "users" => &self.users,
            "groups" => &self.groups,
            "queues" => &self.queues,
            "articles" => &self.articles,
            "customfields" => &self.customfields,
            "customroles" => &self.customroles,
            _ => return Reply::status(404),
        };
        let all = query(request, "find_disabled_rows").is_some();
        let found = records.iter().filter(|record| {
            (all || record["_disabled"] != true)
                && conditions
                    .iter()
                    .all(|condition| (collection == "users" && condition["field"] == "id") || holds(condition, record))
        });
        page(request, found.collect())
    }
}

fn query<'r>(request: &'r Request, name: &str) -> Option<&'r str> {
    request
        .query
        .iter()
        .find(|(key, _)| key == name)
        .map(|(_, value)| value.as_str())
}

/// The value of a field as RT's database has it: a reference is its number, a time has no zone.
fn stored(record: &Json, field: &str) -> String {
    let value = if field == "Parent" {
        &record["_parent"]
    } else {
        &record[field]
    };
    match value {
        Json::String(text) if text.ends_with('Z') => text.replace('T', " ").trim_end_matches('Z').to_owned(),
        Json::String(text) => text.clone(),
        Json::Object(object) => object["id"].as_str().unwrap_or_default().to_owned(),
        Json::Null => String::new(),
        other => other.to_string(),
    }
}

fn compared(left: &str, operator: &str, right: &str) -> bool {
    let order = match (left.parse::<i64>(), right.parse::<i64>()) {
        (Ok(left), Ok(right)) => left.cmp(&right),
        _ => left.cmp(right),
    };
    match operator {
        "=" => order.is_eq(),
        "!=" => order.is_ne(),
        ">" => order.is_gt(),
        ">=" => order.is_ge(),
        "<" => order.is_lt(),
        "<=" => order.is_le(),
        _ => panic!("no operator {operator}"),
    }
}

fn holds(condition: &Json, record: &Json) -> bool {
    let text = |value: &Json| value.as_str().map_or_else(|| value.to_string(), str::to_owned);
    let value = stored(record, condition["field"].as_str().expect("a field"));
    match condition["operator"].as_str().expect("an operator") {
        "IN" => condition["value"]
            .as_array()
            .expect("a list")
            .iter()
            .any(|one| compared(&value, "=", &text(one))),
        operator => compared(&value, operator, &text(&condition["value"])),
    }
}

/// The part in parentheses at the end: conditions that all hold, or of which one does.
fn ticket_sql(query: &str, record: &Json) -> bool {
    let (_, query) = query.split_once("AND (").expect("the exporter's form");
    let query = query.trim_end_matches(')');
    let holds = |condition: &str| {
        let [field, operator, value] = condition.splitn(3, ' ').collect::<Vec<_>>()[..] else {
            panic!("no condition: {condition}");
        };
        compared(&stored(record, field), operator, value.trim_matches('\''))
    };
    if query.contains(" OR ") {
        query.split(" OR ").any(holds)
    } else {
        query.split(" AND ").all(holds)
    }
}

fn single(records: &[Json], number: &str) -> Reply {
    match records.iter().find(|record| stored(record, "id") == number) {
        Some(record) => Reply::json(200, record),
        None => Reply::json(404, json!({"message": "Not Found"})),
    }
}

fn page(request: &Request, mut records: Vec<&Json>) -> Reply {
    let by = query(request, "orderby").expect("an order");
    records.sort_by_key(|record| stored(record, by).parse::<u64>().unwrap_or_default());
    if query(request, "order") == Some("DESC") {
        records.reverse();
    }
    let count = |name: &str| query(request, name).and_then(|value| value.parse::<usize>().ok());
    let size = count("per_page").expect("a size");
    let total = records.len();
    let items: Vec<&Json> = records
        .into_iter()
        // As RT does with a record whose name it can't make sense of.
        .map(|record| if record["_null"] == true { &Json::Null } else { record })
        .skip((count("page").unwrap_or(1) - 1) * size)
        .take(size)
        .collect();
    Reply::json(200, json!({"items": items, "total": total}))
}
