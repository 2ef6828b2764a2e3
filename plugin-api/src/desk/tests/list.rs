use std::collections::BTreeSet;
use std::sync::{Arc, Mutex};

use serde_json::json;

use super::{FakeDesk, Random, Reply, asked, kind, with_desk};
use crate::testing::Run;
use crate::{ErrorKind, List, Request, Result};

const LIST: List = List {
    offset: "from",
    first: 0,
    limit: "limit",
    size: 100,
    items: "/data",
    id: "/id",
    total: None,
    overlap: false,
    asks_on: false,
};

/// How a desk takes offset and limit.
#[derive(Clone, Copy, Debug)]
struct Manner {
    /// It counts from here.
    first: u64,
    /// It refuses a smaller offset; else takes it for the first.
    strict: bool,
    /// It refuses more in a page.
    most: u64,
}

const USUAL: Manner = Manner {
    first: 0,
    strict: true,
    most: 100,
};

fn answer(request: &Request, ids: &[u64], manner: Manner) -> Reply {
    let (from, limit) = (asked(request, "from"), asked(request, "limit"));
    if limit > manner.most {
        let text = format!(
            "The value passed for field 'limit' exceeds the range of '1-{}'.",
            manner.most
        );
        return Reply::json(422, json!({ "message": text }));
    }
    if from < manner.first && manner.strict {
        return Reply::json(422, json!({"errorCode": "UNPROCESSABLE_ENTITY"}));
    }
    let page = ids
        .iter()
        .skip(from.saturating_sub(manner.first) as usize)
        .take(limit as usize);
    let data: Vec<_> = page.map(|id| json!({"id": id.to_string()})).collect();
    if data.is_empty() {
        return Reply::empty();
    }
    Reply::json(200, json!({ "data": data }))
}

fn read(desk: &FakeDesk, way: (u32, u64), list: List) -> (Result<Vec<u64>>, Run) {
    with_desk(desk, way, move |desk| {
        let mut ids = Vec::new();
        for page in desk.list(Request::get("/list"), &list)? {
            for record in page?.records()? {
                let record: serde_json::Value = serde_json::from_str(record.get()).unwrap();
                ids.push(record["id"].as_str().unwrap().parse().unwrap());
            }
        }
        Ok(ids)
    })
}

#[test]
fn a_quiet_list_takes_as_few_requests_as_its_rules_allow() {
    for n in [0, 1, 99, 100, 101, 200, 250, 1_000] {
        let ids: Arc<Vec<u64>> = Arc::new((0..n).collect());
        for manner in [USUAL, Manner { first: 1, ..USUAL }, Manner { most: 50, ..USUAL }] {
            let held = Arc::clone(&ids);
            let desk = FakeDesk::new(move |request| answer(request, &held, manner));
            let extra = u64::from(manner.first == 1 || manner.most == 50);
            let size = manner.most;
            for (list, least) in [
                (LIST, n / size + 1),
                (List { total: Some(n), ..LIST }, n.div_ceil(size)),
                (List { overlap: true, ..LIST }, n.saturating_sub(1) / (size - 1) + 1),
            ] {
                let (read, run) = read(&desk, (16, n), list);
                assert_eq!(read.as_deref(), Ok(&ids[..]), "{n} {manner:?} {list:?}");
                // What a refusal teaches costs a request.
                let least = if least == 0 { 0 } else { least + extra };
                assert_eq!(run.requests.len() as u64, least, "{n} {manner:?} {list:?}");
            }
        }
    }
}

#[test]
fn a_list_that_counts_from_1_and_takes_0_for_it_is_whole() {
    let manner = Manner {
        first: 1,
        strict: false,
        ..USUAL
    };
    for n in [1, 99, 100, 101, 199, 200, 201, 1_000] {
        let ids: Arc<Vec<u64>> = Arc::new((0..n).collect());
        let held = Arc::clone(&ids);
        let desk = FakeDesk::new(move |request| answer(request, &held, manner));
        for overlap in [false, true] {
            for total in [None, Some(n)] {
                let list = List { total, overlap, ..LIST };
                let (read, _) = read(&desk, (4, n), list);
                assert_eq!(read.as_deref(), Ok(&ids[..]), "{n} {list:?}");
            }
        }
    }
}

#[test]
fn records_that_go_meanwhile_do_not_hide_others() {
    for round in 0..60 {
        let mut random = Random::new(round);
        let n = [150, 700, 3_000][random.below(3)];
        let every = [1, 2, 7][random.below(3)];
        let total = [None, Some(n)][random.below(2)];
        let manner = Manner {
            first: random.below(2) as u64,
            strict: random.below(2) == 0,
            most: [100, 50][random.below(2)],
        };
        let window = [1, 4, 16][random.below(3)];
        let all: Vec<u64> = (0..n).collect();
        let world = Arc::new(Mutex::new((all, random, 0, BTreeSet::new())));
        let touched = Arc::clone(&world);
        let desk = FakeDesk::new(move |request| {
            let (ids, random, calls, gone) = &mut *world.lock().unwrap();
            *calls += 1;
            if *calls % every == 0 && ids.len() > 1 {
                let at = random.below(ids.len());
                gone.insert(ids.remove(at));
            }
            answer(request, ids, manner)
        });
        let list = List {
            overlap: true,
            total,
            ..LIST
        };
        let (read, _) = read(&desk, (window, round), list);
        let read = read.unwrap_or_else(|error| panic!("{round} {manner:?}: {error}"));
        let once: BTreeSet<u64> = read.iter().copied().collect();
        assert_eq!(read.len(), once.len(), "{round}: twice");
        let gone = &touched.lock().unwrap().3;
        let missing: Vec<_> = (0..n).filter(|id| !once.contains(id) && !gone.contains(id)).collect();
        assert!(missing.is_empty(), "{round} {manner:?} {list:?} lost {missing:?}");
    }
}

#[test]
fn a_total_that_is_too_small_cuts_nothing_off() {
    let ids: Arc<Vec<u64>> = Arc::new((0..450).collect());
    let held = Arc::clone(&ids);
    let desk = FakeDesk::new(move |request| answer(request, &held, USUAL));
    for total in [1, 120, 449, 451, 2_000] {
        let list = List {
            total: Some(total),
            ..LIST
        };
        assert_eq!(read(&desk, (4, 0), list).0.as_deref(), Ok(&ids[..]), "{total}");
    }
}

#[test]
fn what_can_not_be_read_is_an_error() {
    for (reply, expected) in [
        (Reply::json(200, r#"{"data":[{}]}"#), ErrorKind::Decode),
        (Reply::json(200, r#"{"data":[{"id":[]}]}"#), ErrorKind::Decode),
        (Reply::json(200, "{}"), ErrorKind::Decode),
        (Reply::status(422), ErrorKind::Http),
        (Reply::status(403), ErrorKind::Forbidden),
    ] {
        let desk = FakeDesk::new(move |_| reply.clone());
        assert_eq!(kind(read(&desk, (4, 0), LIST).0), expected);
    }
    let desk = FakeDesk::new(|request| answer(request, &[1], USUAL));
    for (size, overlap) in [(0, false), (1, true)] {
        assert_eq!(
            kind(read(&desk, (4, 0), List { size, overlap, ..LIST }).0),
            ErrorKind::Misuse
        );
    }
}

#[test]
fn ids_that_are_no_numbers_are_told_apart() {
    let desk = FakeDesk::new(|request| match asked(request, "from") {
        0 => Reply::json(
            200,
            r#"{"data":[{"id":"7"},{"id":"07"},{"id":"a"},{"id":7},{"id":"a"}]}"#,
        ),
        _ => Reply::empty(),
    });
    let (count, _) = with_desk(&desk, (4, 0), |desk| {
        let mut count = 0;
        for page in desk.list(Request::get("/list"), &LIST)? {
            count += page?.records()?.len();
        }
        Ok(count)
    });
    assert_eq!(count, Ok(3));
}

#[test]
fn a_desk_that_gives_smaller_pages_without_a_word_loses_nothing() {
    for most in [10, 25, 50] {
        for n in [most - 1, most, most + 1, 3 * most, 230] {
            let ids: Arc<Vec<u64>> = Arc::new((0..n).collect());
            let held = Arc::clone(&ids);
            let desk = FakeDesk::new(move |request| {
                let capped = request.clone();
                let limit = asked(request, "limit").min(most);
                let query = capped.query.into_iter().filter(|(name, _)| name != "limit").collect();
                let capped = Request {
                    query,
                    ..request.clone()
                }
                .query("limit", limit);
                answer(&capped, &held, USUAL)
            });
            for (overlap, total) in [(true, None), (false, None), (true, Some(n)), (false, Some(n))] {
                let list = List {
                    total,
                    overlap,
                    asks_on: true,
                    ..LIST
                };
                let (read, _) = read(&desk, (4, n), list);
                assert_eq!(read.as_deref(), Ok(&ids[..]), "{most} {n} {list:?}");
            }
        }
    }
}
