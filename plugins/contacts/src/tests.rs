use std::collections::HashSet;
use std::sync::atomic::{AtomicUsize, Ordering};

use plugin_api::testing::{FakeDesk, Reply, Run, check_exporter};
use plugin_api::{ErrorKind, Job, Note, Range, Timestamp};
use serde_json::{Value, json};
use zoho::testing::{FakeZoho, asked, error};

use super::Contacts;

/// A row of a search, as the API's description has it.
fn maryam() -> Value {
    json!({
        "id": "731500000001903118", "firstName": "Maryam", "lastName": "Okafor",
        "email": "m.okafor@harbourgoods.example", "secondaryEmail": null, "phone": "+31 20 555 0142", "mobile": null,
        "type": "paidUser", "accountId": "731500000001902540", "ownerId": "731500000000314009", "photoURL": null,
        "webUrl": "https://desk.zoho.eu/agent/harbour/all/contacts/details/731500000001903118", "isAnonymous": false,
        "isEndUser": true, "isSpam": false, "createdTime": "2029-11-02T13:05:00.000Z", "zohoCRMContact": null,
        "customerHappiness": {"badPercentage": "0", "okPercentage": "25", "goodPercentage": "75"},
        "modifiedTime": "2031-02-20T07:44:10.000Z", "title": "Warehouse lead", "street": "Kade 4", "city": "Amsterdam",
        "state": null, "country": "Netherlands", "zip": "1013", "description": null, "facebook": null, "twitter": null,
        "cf": {"cf_vip": "true", "cf_deleted": "x"}, "customFields": {"VIP": "true"}, "owner": null,
        "account": {"id": "731500000001902540", "accountName": "Harbour Goods", "website": null},
    })
}

/// Everything that is odd at once; a few keys only.
fn odd() -> Value {
    json!({
        "id": 123_456_789_012_345_678_u64, "lastName": "Møller, \"Bo\"\r\n=1+1", "firstName": "日本 🖨️ \u{202e}",
        "isSpam": "false", "accountCount": 12, "createdTime": "2030-01-01T00:00:00.123Z",
        "modifiedTime": "2030-01-01T00:00:00.123Z", "zohoCRMContact": {"id": "5", "type": "leads"}, "cf": null,
        "nextYears": {"new": [1.50, null]}, "customFields": {},
    })
}

/// So many more contacts, a minute apart.
fn many(count: u64) -> Vec<Value> {
    let contact = |number: u64| {
        let time = Timestamp::from_micros((1_900_000_000 + number as i64 * 60) * 1_000_000);
        let changed = Timestamp::from_micros((1_910_000_000 + number as i64 % 7 * 60) * 1_000_000);
        json!({
            "id": format!("7315{number:014}"), "lastName": format!("Contact {number}"), "email": null,
            "createdTime": time.to_string(), "modifiedTime": changed.to_string(), "cf": {"cf_vip": null},
        })
    };
    (1..=count).map(contact).collect()
}

fn zoho(contacts: Vec<Value>) -> FakeZoho {
    FakeZoho::new()
        .fields(
            "contacts",
            &[
                ("cf_vip", "VIP"),
                ("cf_a/b~c", ""),
                ("cf_vip", "Again"),
                ("CF_VIP", "No"),
            ],
        )
        .module("/contacts", contacts)
        .bare(&["modifiedTime", "cf", "customFields", "title", "description"])
}

fn desk(contacts: Vec<Value>) -> FakeDesk {
    zoho(contacts).desk()
}

fn run(desk: &FakeDesk, job: &Job) -> Run {
    desk.run(Contacts, job)
}

fn cell(run: &Run, row: usize, column: &str) -> String {
    let table = &run.table("Contacts").expect("the table").table;
    let at = table.position(column).unwrap_or_else(|| panic!("no column {column}"));
    run.rows("Contacts")[row][at].clone()
}

fn remarks(run: &Run) -> Vec<&str> {
    let remarks = run.notes.iter().filter_map(|note| match note {
        Note::Remark { text } => Some(text.as_str()),
        _ => None,
    });
    remarks.collect()
}

fn least(run: &Run) -> Option<u64> {
    let mut least = run.notes.iter().filter_map(|note| match note {
        Note::LeastRequests { requests } => Some(*requests),
        _ => None,
    });
    least.next_back()
}

#[test]
fn conforms() {
    let mut contacts = many(230);
    contacts.extend([maryam(), odd()]);
    check_exporter(|| Contacts, desk(contacts));
}

#[test]
fn writes_every_fact_in_the_formats_order() {
    let run = run(&desk(vec![maryam(), odd()]), &Job::full("contacts"));
    assert_eq!(run.result, Ok(()));
    let table = &run.table("Contacts").expect("the table").table;
    let names: Vec<_> = table.columns.iter().map(|column| column.name.as_str()).collect();
    let labels: Vec<_> = table.columns.iter().map(|column| column.label.as_str()).collect();
    let (first, labels_first) = (&names[..33], &labels[..33]);
    assert_eq!(
        first.join(", "),
        "id, firstName, lastName, email, accountId, phone, mobile, title, ownerId, type, createdBy, modifiedBy, \
         createdTime, modifiedTime, fullName, salutation, isEndUser, street, city, state, zip, country, description, \
         twitter, facebook, crmContactId, secondaryEmail, potentialsRevenue, potentialsClosingDate, revenueReceived, \
         customerSince, layoutId, language"
    );
    assert_eq!(
        labels_first.join(", "),
        "Contact Id, First Name, Last Name, Email, Account Id, Phone, Mobile, Title, Owner Id, Type, Created By, \
         Modified By, Created Time, Modified Time, Full Name, Salutation, Is End User, Street, City, State, Zip, \
         Country, Description, Twitter, Facebook, CRM Contact Id, Secondary Email, Potentials Revenue, Potentials \
         Closing Date, Revenue Received, Customer Since, Layout Id, Language"
    );
    assert_eq!(names[33..36], ["cf_vip", "cf_a/b~c", "photoURL"]);
    assert_eq!(labels[33..36], ["VIP", "Cf a/b~c", "Photo URL"]);
    assert_eq!(names.last(), Some(&"Other Fields"));
    for (row, column, expected) in [
        (0, "id", "731500000001903118"),
        (0, "createdTime", "2029-11-02T13:05:00Z"),
        (0, "cf_vip", "true"),
        (0, "crmContactId", ""),
        (
            0,
            "account",
            r#"{"accountName":"Harbour Goods","id":"731500000001902540","website":null}"#,
        ),
        (
            0,
            "Other Fields",
            r#"{"cf":{"cf_deleted":"x"},"customFields":{"VIP":"true"}}"#,
        ),
        (1, "id", "123456789012345678"),
        (1, "lastName", "Møller, \"Bo\"\r\n=1+1"),
        (1, "firstName", "日本 🖨️ \u{202e}"),
        (1, "isSpam", "false"),
        (1, "accountCount", "12"),
        (1, "createdTime", "2030-01-01T00:00:00.123Z"),
        (1, "crmContactId", "5"),
        (
            1,
            "Other Fields",
            r#"{"customFields":{},"nextYears":{"new":[1.5,null]},"zohoCRMContact":{"type":"leads"}}"#,
        ),
    ] {
        assert_eq!(cell(&run, row, column), expected, "{column}");
    }
}

#[test]
fn an_empty_desk_takes_one_search() {
    for desk in [zoho(Vec::new()).desk(), zoho(Vec::new()).plain_empty().desk()] {
        let run = run(&desk, &Job::full("contacts"));
        assert_eq!((&run.result, run.rows("Contacts").len()), (&Ok(()), 0));
        assert_eq!((run.requests.len(), least(&run)), (2, Some(2)));
    }
}

#[test]
fn a_range_takes_what_was_created_and_what_was_changed() {
    let moment = |text| Timestamp::parse(text).expect("a time");
    let contact = |id: &str, created: &str, modified: &str| json!({"id": id, "lastName": id, "createdTime": created, "modifiedTime": modified});
    let contacts = vec![
        contact("1", "2031-01-01T00:00:00.000Z", "2031-01-05T00:00:00.000Z"),
        contact("2", "2031-01-02T00:00:00.000Z", "2031-01-02T00:00:00.000Z"),
        contact("3", "2031-01-02T00:00:00.000Z", "2031-01-09T00:00:00.000Z"),
        contact("4", "2030-01-01T00:00:00.000Z", "2031-01-02T23:59:59.999Z"),
        contact("5", "2031-01-03T00:00:00.000Z", "2031-01-03T00:00:00.000Z"),
    ];
    let range = Range {
        from: moment("2031-01-02T00:00:00Z"),
        to: moment("2031-01-03T00:00:00Z"),
    };
    let ids = |job: &Job, desk: &FakeDesk| {
        let run = run(desk, job);
        assert_eq!(run.result, Ok(()));
        run.rows("Contacts")
            .into_iter()
            .map(|row| row[0].clone())
            .collect::<Vec<_>>()
    };
    let without_search = zoho(contacts.clone()).refuse("/search", 403, "SCOPE_MISMATCH").desk();
    for desk in [desk(contacts), without_search] {
        let mut custom = ids(&Job::custom("contacts", range), &desk);
        custom.sort();
        assert_eq!(custom, ["2", "3", "4"]);
        assert_eq!(ids(&Job::incremental("contacts", range), &desk), ["2", "4"]);
        // What is created behind the start of the backup belongs to the next.
        let job = Job::full("contacts").started(moment("2031-01-02T00:00:00.001Z"));
        let mut full = ids(&job, &desk);
        full.sort();
        assert_eq!(full, ["1", "2", "3", "4"]);
    }
}

#[test]
fn without_searching_nothing_is_lost() {
    let mut contacts = many(230);
    contacts.extend([maryam(), odd()]);
    let searched = run(&desk(contacts.clone()), &Job::full("contacts"));
    for code in ["SCOPE_MISMATCH", "FORBIDDEN"] {
        let listed = run(
            &zoho(contacts.clone()).refuse("/search", 403, code).desk(),
            &Job::full("contacts"),
        );
        assert_eq!(listed.result, Ok(()));
        let sorted = |run: &Run| {
            let mut rows = run.rows("Contacts");
            rows.sort();
            rows
        };
        let (rows, expected) = (sorted(&listed), sorted(&searched));
        let first = rows.iter().zip(&expected).find(|(row, expected)| row != expected);
        assert_eq!((first, rows.len()), (None, expected.len()), "{code}");
        let remarks = remarks(&listed);
        assert!(
            matches!(remarks[..], [one] if one.contains("searching is refused") && one.contains(code)),
            "{remarks:?}"
        );
        // One refused, the list of three pages, each contact, the fields.
        assert_eq!(
            (listed.requests.len(), least(&listed)),
            (1 + 3 + 232 + 1, Some(1 + 3 + 232 + 1))
        );
    }
}

#[test]
fn without_searching_what_is_not_read_is_told() {
    let broken = |status: u16, code: &'static str| {
        let zoho = zoho(many(3)).refuse("/search", 403, "SCOPE_MISMATCH").desk();
        FakeDesk::new(move |request| match request.path.as_str() {
            "/contacts/731500000000000002" => error(status, code),
            _ => zoho.reply(request),
        })
    };
    let gone = run(&broken(404, "URL_NOT_FOUND"), &Job::full("contacts"));
    assert_eq!(gone.result, Ok(()));
    assert_eq!(
        (gone.gone(), gone.unread()),
        (vec![("Contacts", "731500000000000002")], vec![])
    );
    for (status, code) in [(500, "INTERNAL_SERVER_ERROR"), (403, "FORBIDDEN")] {
        let unread = run(&broken(status, code), &Job::full("contacts"));
        assert_eq!(unread.result, Ok(()));
        assert_eq!(
            (unread.gone(), unread.unread()),
            (vec![], vec![("Contacts", "731500000000000002")])
        );
        assert_eq!(unread.rows("Contacts").len(), 2);
    }
}

#[test]
fn a_module_that_is_refused_is_not_an_empty_one() {
    for (status, code, kind) in [
        (403, "SCOPE_MISMATCH", ErrorKind::Forbidden),
        (403, "FORBIDDEN", ErrorKind::Forbidden),
        (403, "LICENSE_ACCESS_LIMITED", ErrorKind::Unavailable),
        (403, "OAUTH_ORG_MISMATCH", ErrorKind::Unauthorized),
        (429, "THRESHOLD_EXCEEDED", ErrorKind::Http),
    ] {
        let desk = zoho(many(3))
            .refuse("/search", status, code)
            .refuse("/contacts", status, code);
        let run = run(&desk.desk(), &Job::full("contacts"));
        assert_eq!(run.result.as_ref().map_err(|error| error.kind), Err(kind), "{code}");
        assert_eq!(run.rows("Contacts").len(), 0);
    }
}

#[test]
fn fields_that_are_refused_are_kept_in_the_rest() {
    let desk = zoho(vec![maryam()])
        .refuse("/organizationFields", 403, "SCOPE_MISMATCH")
        .desk();
    let run = run(&desk, &Job::full("contacts"));
    assert_eq!(run.result, Ok(()));
    let rest = cell(&run, 0, "Other Fields");
    assert!(rest.contains(r#""cf":{"cf_deleted":"x","cf_vip":"true"}"#), "{rest}");
    let remarks = remarks(&run);
    assert!(
        matches!(remarks[..], [one] if one.contains("custom fields of contacts") && one.contains("Desk.basic.READ"))
    );
    // What is no word of the desk is a failure.
    let bare = FakeDesk::new(|request| match request.path.as_str() {
        "/organizationFields" => Reply::status(403),
        _ => Reply::empty(),
    });
    assert!(bare.run(Contacts, &Job::full("contacts")).result.is_err());
}

#[test]
fn asks_as_the_desk_wants_it() {
    let run = run(&desk(many(3)), &Job::full("contacts"));
    let search = run
        .requests
        .iter()
        .find(|request| request.path == "/contacts/search")
        .expect("a search");
    let range = asked(search, "createdTimeRange").expect("a range");
    assert!(
        range.starts_with("1970-01-01T00:00:00.000Z,2100-01-01T00:00:0"),
        "{range}"
    );
    assert_eq!(
        (asked(search, "sortBy"), asked(search, "from")),
        (Some("createdTime"), Some("0"))
    );
}

#[test]
fn makes_no_request_too_many_and_counts_what_the_desk_counts() {
    for (count, pages) in [(1, 1), (99, 1), (100, 1), (101, 2), (300, 3), (2_500, 25)] {
        let run = run(&desk(many(count)), &Job::full("contacts"));
        assert_eq!(run.result, Ok(()));
        assert_eq!(run.rows("Contacts").len() as u64, count);
        assert_eq!(
            (run.requests.len() as u64, least(&run)),
            (1 + pages, Some(1 + pages)),
            "{count} contacts"
        );
        assert_eq!(run.desk_count("Contacts"), Some(count));
    }
    // The first 100 were changed in the range of the last 100.
    let mut contacts = many(300);
    let moment = |contact: &Value| Timestamp::parse(contact["createdTime"].as_str().expect("text")).expect("a time");
    let range = Range {
        from: moment(&contacts[200]),
        to: Timestamp::from_micros(moment(&contacts[299]).micros() + 1),
    };
    let changed = contacts[250]["createdTime"].clone();
    contacts[..100]
        .iter_mut()
        .for_each(|contact| contact["modifiedTime"] = changed.clone());
    contacts[200..210]
        .iter_mut()
        .for_each(|contact| contact["modifiedTime"] = changed.clone());
    let run = run(&desk(contacts), &Job::custom("contacts", range));
    assert_eq!(run.result, Ok(()));
    assert_eq!(
        (run.rows("Contacts").len(), run.desk_count("Contacts")),
        (200, Some(200))
    );
    assert_eq!((run.requests.len(), least(&run)), (1 + 1 + 2, Some(1 + 1 + 2)));
}

#[test]
fn without_searching_an_interrupted_list_goes_on_where_it_was() {
    let without_search = |contacts: Vec<Value>| zoho(contacts).refuse("/search", 403, "SCOPE_MISMATCH").desk();
    let ids = |run: &Run| {
        run.rows("Contacts")
            .into_iter()
            .map(|row| row[0].clone())
            .collect::<Vec<_>>()
    };
    let whole = run(&without_search(many(230)), &Job::full("contacts"));
    let expected = ids(&whole);
    // Interrupted behind 150 contacts; then those with these numbers are deleted.
    for gone in [
        vec![],
        vec![149],
        (0..140).collect::<Vec<usize>>(),
        (145..150).collect(),
        vec![160],
    ] {
        let mut contacts = many(230);
        for at in gone.iter().rev() {
            contacts.remove(*at);
        }
        let job = whole.gone_on(Job::full("contacts"), &whole.checkpoints[149]);
        let resumed = run(&without_search(contacts), &job);
        assert_eq!(resumed.result, Ok(()), "{gone:?}");
        let mut left = expected[150..].to_vec();
        left.retain(|id| !gone.iter().any(|at| &expected[*at] == id));
        assert_eq!(ids(&resumed), left, "{gone:?}");
        // It was remarked when the backup began.
        assert_eq!(remarks(&resumed), [""; 0]);
    }
    // Nothing of what it could go on behind.
    let mut contacts = many(230);
    contacts.drain(100..150);
    let job = whole.gone_on(Job::full("contacts"), &whole.checkpoints[149]);
    let error = run(&without_search(contacts), &job)
        .result
        .expect_err("nothing to go on behind");
    assert!(error.message.contains("make the backup anew"), "{error}");
}

#[test]
fn an_odd_field_costs_no_record() {
    let fields = json!({"data": [{"apiName": null, "displayLabel": "x"}, {"id": 7}, {"apiName": "cf_a", "displayLabel": {}},
        {"apiName": "cf_b", "displayLabel": "HALF"}, 7]});
    let fields = fields.to_string().replace("HALF", r"cut \ud83d");
    let base = FakeZoho::new().module("/contacts", many(3)).desk();
    let desk = FakeDesk::new(move |request| match request.path.as_str() {
        "/organizationFields" => Reply::json(200, &fields),
        _ => base.reply(request),
    });
    let run = run(&desk, &Job::full("contacts"));
    assert_eq!(run.result, Ok(()));
    assert_eq!(run.rows("Contacts").len(), 3);
}

#[test]
fn without_searching_an_interrupted_list_that_loses_half_of_itself_passes_over_nothing() {
    let whole = run(
        &zoho(many(600)).refuse("/search", 403, "SCOPE_MISMATCH").desk(),
        &Job::full("contacts"),
    );
    let [before, after] = [many(600), many(600).split_off(340)]
        .map(|contacts| zoho(contacts).refuse("/search", 403, "SCOPE_MISMATCH").desk());
    let pages = AtomicUsize::new(0);
    let desk = FakeDesk::new(move |request| {
        let is_list = request.path == "/contacts";
        match pages.fetch_add(usize::from(is_list), Ordering::SeqCst) {
            0 | 1 if is_list => before.reply(request),
            0 => before.reply(request),
            _ => after.reply(request),
        }
    });
    let job = whole.gone_on(Job::full("contacts"), &whole.checkpoints[349]);
    let resumed = run(&desk, &job);
    let error = resumed.result.clone().expect_err("nobody knows where it is");
    assert!(error.message.contains("faster than it is read"), "{error}");
    let later: HashSet<_> = whole.rows("Contacts").split_off(350).into_iter().collect();
    assert!(resumed.rows("Contacts").iter().all(|row| later.contains(row)));
}
