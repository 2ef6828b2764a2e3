use std::collections::BTreeSet;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex};

use serde::Deserialize;
use serde_json::json;

use super::{FakeDesk, Random, Reply, asked, kind, with_desk};
use crate::testing::Run;
use crate::{Desk, ErrorKind, Range, Request, Result, Search, SearchCursor, Timestamp};

const SECOND: i64 = 1_000_000;

/// A record: id and time in microseconds.
type Record = (u64, i64);

/// How a desk that is searched by time behaves.
#[derive(Clone, Copy, Debug)]
struct Manner {
    includes_from: bool,
    includes_to: bool,
    /// The desk's resolution in microseconds: it cuts off what is finer, in what it is asked as in what it has.
    resolution: i64,
    /// It gives no more in a page.
    cap: u64,
}

const USUAL: Manner = Manner {
    includes_from: true,
    includes_to: false,
    resolution: 1,
    cap: u64::MAX,
};

fn moment(micros: i64) -> Timestamp {
    Timestamp::from_micros(micros)
}

fn search(range: Range, max_offset: u64) -> Search<'static> {
    Search {
        range,
        request: Box::new(|range, _| {
            Request::get("/search")
                .query("from", range.from.micros())
                .query("to", range.to.micros())
        }),
        offset: "offset",
        first: 1,
        max_offset,
        try_offset: max_offset,
        limit: "limit",
        size: 10,
        items: "/data",
        count: Some("/count"),
        time: "/time",
        id: "/id",
        overlap: SECOND,
    }
}

fn signed(request: &Request, name: &str) -> i64 {
    let found = request.query.iter().find(|(key, _)| key == name);
    found.and_then(|(_, value)| value.parse().ok()).expect("a number")
}

fn answer(request: &Request, records: &[Record], manner: Manner) -> Reply {
    let cut = |micros: i64| micros.div_euclid(manner.resolution) * manner.resolution;
    let (from, to) = (cut(signed(request, "from")), cut(signed(request, "to")));
    let mut found: Vec<_> = records.iter().map(|(id, time)| (cut(*time), *id)).collect();
    found.retain(|(time, _)| {
        (from < *time || manner.includes_from && from == *time) && (*time < to || manner.includes_to && *time == to)
    });
    found.sort_unstable();
    let (first, size) = (asked(request, "offset") - 1, asked(request, "limit").min(manner.cap));
    let page = found.iter().skip(first as usize).take(size as usize);
    let page: Vec<_> = page
        .map(|(time, id)| json!({"id": id, "time": moment(*time)}))
        .collect();
    if page.is_empty() {
        return Reply::empty();
    }
    Reply::json(200, json!({"data": page, "count": found.len()}))
}

#[derive(Deserialize)]
struct Found {
    id: u64,
}

/// The ids of each page, and the cursor behind it.
type Walked = Vec<(Vec<u64>, SearchCursor)>;

fn read(desk: &Desk<'_>, range: Range, max_offset: u64, resume: Option<&SearchCursor>) -> Result<Walked> {
    let mut walked = Vec::new();
    let mut pages = desk.search(search(range, max_offset), resume)?;
    while let Some(page) = pages.next() {
        let page = page?;
        let ids = page
            .records()?
            .into_iter()
            .map(|record| serde_json::from_str::<Found>(record.get()).map(|found| found.id));
        let cursor: SearchCursor = serde_json::from_value(serde_json::to_value(pages.cursor()).unwrap()).unwrap();
        walked.push((ids.collect::<std::result::Result<_, _>>().unwrap(), cursor));
    }
    Ok(walked)
}

fn walk(
    desk: &FakeDesk,
    way: (u32, u64),
    range: Range,
    max_offset: u64,
    resume: Option<SearchCursor>,
) -> (Result<Walked>, Run) {
    with_desk(desk, way, move |desk| read(desk, range, max_offset, resume.as_ref()))
}

fn ids(walked: &Walked) -> Vec<u64> {
    walked.iter().flat_map(|(ids, _)| ids.iter().copied()).collect()
}

fn range(from: i64, to: i64) -> Range {
    Range {
        from: moment(from),
        to: moment(to),
    }
}

/// Those in the range, as often as they should come: once.
fn expected(records: &[Record], range: Range, resolution: i64) -> Vec<u64> {
    let cut = |micros: i64| micros.div_euclid(resolution) * resolution;
    let inside = records.iter().filter(|(_, time)| range.contains(moment(cut(*time))));
    let mut ids: Vec<_> = inside.map(|(id, _)| *id).collect();
    ids.sort_unstable();
    ids
}

fn sorted(mut ids: Vec<u64>) -> Vec<u64> {
    ids.sort_unstable();
    ids
}

/// Records at random: some alone, some many in one second, millisecond or moment, and some at the ends of the range.
fn records(random: &mut Random, count: usize, range: Range) -> Vec<Record> {
    let width = (range.to.micros() - range.from.micros()) as usize;
    let mut records = Vec::new();
    while records.len() < count {
        let near = [
            range.from.micros(),
            range.to.micros(),
            range.from.micros() - 1,
            range.to.micros() - 1,
            range.from.micros() + random.below(width) as i64,
        ];
        let at = near[random.below(40).min(4)];
        let together = [1, 1, 1, 5, 23][random.below(5)];
        let spread = [1, 1000, SECOND as usize][random.below(3)];
        for _ in 0..together {
            records.push((records.len() as u64, at + random.below(spread) as i64));
        }
    }
    records
}

#[test]
fn every_record_comes_once_whatever_the_desk_does_at_the_ends() {
    for round in 0..60 {
        let mut random = Random::new(round);
        let range = range(
            1_000 * SECOND,
            1_000 * SECOND + [60, 3_600, 900_000][random.below(3)] * SECOND,
        );
        let count = [0, 1, 9, 10, 11, 300, 1500][random.below(7)];
        let records = Arc::new(records(&mut random, count, range));
        let manner = Manner {
            includes_from: random.below(2) == 0,
            includes_to: random.below(2) == 0,
            resolution: [1, 1000, SECOND][random.below(3)],
            cap: [u64::MAX, 7][random.below(2)],
        };
        let held = Arc::clone(&records);
        let desk = FakeDesk::new(move |request| answer(request, &held, manner));
        let way = ([1, 2, 5, 16][random.below(4)], round);
        let (result, run) = walk(&desk, way, range, 5_000, None);
        let walked = result.unwrap_or_else(|error| panic!("{round} {manner:?}: {error}"));
        assert_eq!(
            sorted(ids(&walked)),
            expected(&records, range, manner.resolution),
            "{round} {manner:?}"
        );
        assert!(run.most_in_flight <= way.0 as usize);
        // Another order of answers makes the same archive.
        let (again, _) = walk(&desk, (way.0, round + 1), range, 5_000, None);
        assert_eq!(again.map(|walked| ids(&walked)), Ok(ids(&walked)), "{round}");
    }
}

#[test]
fn a_walk_goes_on_behind_every_page() {
    for round in 0..8 {
        let mut random = Random::new(round);
        let range = range(0, 900_000 * SECOND);
        let count = [40, 700][random.below(2)];
        let records = Arc::new(records(&mut random, count, range));
        let desk = FakeDesk::new(move |request| answer(request, &records, USUAL));
        let window = [1, 4][random.below(2)];
        let whole = walk(&desk, (window, round), range, 5_000, None).0.expect("it is read");
        // Each page of a short walk, and every seventh of a long one.
        let step = if whole.len() > 20 { 7 } else { 1 };
        for at in (0..whole.len()).step_by(step) {
            let resume = whole[at].1.clone();
            let rest = walk(&desk, (window, round + 7), range, 5_000, Some(resume))
                .0
                .expect("it goes on");
            let expected: Vec<_> = whole[at + 1..].iter().flat_map(|(ids, _)| ids.clone()).collect();
            assert_eq!(ids(&rest), expected, "{round}: behind page {at}");
        }
        let fresh = walk(&desk, (window, round), range, 5_000, Some(SearchCursor::default())).0;
        assert_eq!(
            fresh.map(|walked| ids(&walked)),
            Ok(ids(&whole)),
            "a cursor that has not begun leaves nothing out"
        );
    }
}

#[test]
fn the_count_is_that_of_the_whole_walk_also_when_it_goes_on() {
    let records: Arc<Vec<Record>> = Arc::new((0..500).map(|id| (id, id as i64 * 60 * SECOND)).collect());
    let range = range(0, 500 * 60 * SECOND);
    let desk = FakeDesk::new(move |request| answer(request, &records, USUAL));
    let whole = walk(&desk, (4, 0), range, 5_000, None).0.expect("it is read");
    let cursor = whole[whole.len() / 2].1.clone();
    let (counts, _) = with_desk(&desk, (4, 0), move |desk| {
        let mut pages = desk.search(search(range, 5_000), Some(&cursor))?;
        pages.next().transpose()?;
        Ok(pages.expected())
    });
    assert_eq!(counts, Ok(Some(500)));
}

#[test]
fn pages_are_asked_for_side_by_side() {
    let records: Arc<Vec<Record>> = Arc::new((0..2_000).map(|id| (id, id as i64 * 60 * SECOND)).collect());
    let range = range(0, 2_000 * 60 * SECOND);
    let desk = FakeDesk::new(move |request| answer(request, &records, USUAL));
    for window in [1, 4, 16] {
        let (result, run) = walk(&desk, (window, 3), range, 5_000, None);
        assert_eq!(result.map(|walked| ids(&walked)), Ok((0..2_000).collect()));
        assert_eq!(run.most_in_flight, window as usize);
        assert_eq!(run.requests.len(), 200);
    }
}

#[test]
fn a_search_keeps_its_turn_when_others_take_the_whole_window() {
    let records: Arc<Vec<Record>> = Arc::new((0..2_000).map(|id| (id, id as i64 * 60 * SECOND)).collect());
    let desk = FakeDesk::new(move |request| match request.path.as_str() {
        "/search" => answer(request, &records, USUAL),
        _ => Reply::json(200, "[]"),
    });
    for way in super::ways() {
        let (result, _) = with_desk(&desk, way, |desk| {
            let mut all = 0;
            let greedy = desk.each((0..).map(Ok), |number: &u64| {
                Some(Request::get(format!("/other/{number}")))
            });
            let mut greedy = greedy.peekable();
            for page in desk.search(search(range(0, 2_000 * 60 * SECOND), 5_000), None)? {
                all += page?.records()?.len();
                greedy.next().transpose()?;
            }
            Ok(all)
        });
        assert_eq!(result, Ok(2_000), "{way:?}");
    }
}

#[test]
fn without_a_count_a_page_that_is_short_in_the_middle_is_no_end() {
    for round in 0..40 {
        let mut random = Random::new(round);
        let range = range(1_000 * SECOND, 4_600 * SECOND);
        let count = [0, 1, 9, 10, 11, 95, 300][random.below(7)];
        let records = Arc::new(records(&mut random, count, range));
        // One in seven is cut out of its page, after the page was made.
        let hides = move |id: u64| round % 4 != 0 && id % 7 == 3;
        let manner = Manner {
            cap: [u64::MAX, 7][random.below(2)],
            ..USUAL
        };
        let held = Arc::clone(&records);
        let desk = FakeDesk::new(move |request| {
            let reply = answer(request, &held, manner);
            let Some(mut page) = reply.to_value() else { return reply };
            let data = page["data"].as_array_mut().expect("a list");
            data.retain(|record| !hides(record["id"].as_u64().unwrap_or(0)));
            Reply::json(200, json!({ "data": data }))
        });
        let (result, run) = with_desk(&desk, (4, round), move |desk| {
            let mut all = Vec::new();
            let search = Search {
                count: None,
                ..search(range, 5_000)
            };
            for page in desk.search(search, None)? {
                for record in page?.records()? {
                    all.push(serde_json::from_str::<Found>(record.get()).expect("an id").id);
                }
            }
            Ok(all)
        });
        let mut expected = expected(&records, range, 1);
        expected.retain(|id| !hides(*id));
        assert_eq!(result.map(sorted), Ok(expected), "{round} {manner:?}");
        assert!(run.requests.len() < 400, "{round}: {}", run.requests.len());
    }
}

#[test]
fn more_records_in_one_moment_than_a_page_holds() {
    for together in [9, 10, 11, 19, 20, 21, 95, 100] {
        for at in [0, 5 * SECOND, 10 * SECOND - 1] {
            let mut all: Vec<Record> = (0..together).map(|id| (id, at)).collect();
            all.push((1_000, 3 * SECOND));
            all.push((1_001, 9 * SECOND));
            let records = Arc::new(all);
            let held = Arc::clone(&records);
            let desk = FakeDesk::new(move |request| answer(request, &held, USUAL));
            let range = range(0, 10 * SECOND);
            let walked = walk(&desk, (4, together), range, 100, None).0.expect("it is read");
            assert_eq!(sorted(ids(&walked)), expected(&records, range, 1), "{together} at {at}");
        }
    }
}

#[test]
fn a_moment_with_more_records_than_the_desk_lists_is_an_error() {
    let records: Arc<Vec<Record>> = Arc::new((0..200).map(|id| (id, 5 * SECOND)).collect());
    let desk = FakeDesk::new(move |request| {
        if asked(request, "offset") > 100 {
            Reply::status(422)
        } else {
            answer(request, &records, USUAL)
        }
    });
    let error = walk(&desk, (4, 0), range(0, 10 * SECOND), 100, None)
        .0
        .expect_err("records would be lost");
    assert_eq!(error.kind, ErrorKind::Decode);
    assert!(
        error
            .message
            .contains("more than 100 records share the moment 1970-01-01T00:00:05Z"),
        "{error}"
    );
}

#[test]
fn records_that_change_or_go_meanwhile_are_neither_lost_nor_repeated() {
    for round in 0..40 {
        let mut random = Random::new(round);
        let range = range(0, 3_600 * SECOND);
        let records = records(&mut random, 200, range);
        let inside: BTreeSet<u64> = expected(&records, range, 1).into_iter().collect();
        let desk_has = Arc::new(Mutex::new((records, random, BTreeSet::new())));
        let touched = Arc::clone(&desk_has);
        let calls = AtomicU64::new(0);
        let desk = FakeDesk::new(move |request| {
            let (records, random, changed) = &mut *desk_has.lock().unwrap();
            // While it is read, a record is changed (its time is then behind the end), goes, or comes.
            if calls.fetch_add(1, Ordering::Relaxed).is_multiple_of(3) {
                let at = random.below(records.len());
                changed.insert(records[at].0);
                match random.below(2) {
                    0 => records[at].1 = 4_000 * SECOND + random.below(1_000) as i64,
                    _ => {
                        records.remove(at);
                    }
                }
                let id = 100_000 + records.len() as u64 + random.below(1 << 30) as u64;
                records.push((id, 5_000 * SECOND));
            }
            answer(request, records, USUAL)
        });
        let walked = walk(&desk, (4, round), range, 5_000, None)
            .0
            .unwrap_or_else(|error| panic!("{round}: {error}"));
        let found = ids(&walked);
        let once: BTreeSet<u64> = found.iter().copied().collect();
        assert_eq!(found.len(), once.len(), "{round}: twice");
        assert!(once.is_subset(&inside), "{round}: from outside the range");
        let lost: Vec<_> = inside
            .difference(&once)
            .filter(|id| !touched.lock().unwrap().2.contains(id))
            .copied()
            .collect();
        assert_eq!(lost, [0; 0], "{round}: not touched and lost");
    }
}

#[test]
fn answers_that_can_not_be_walked_are_errors() {
    let unsorted = json!({"data": [{"id": 1, "time": "1970-01-01T00:00:05Z"}, {"id": 2, "time": "1970-01-01T00:00:04Z"},
        {"id": 3, "time": "1970-01-01T00:00:05Z"}], "count": 4});
    for answer in [
        unsorted,
        json!({"data": [{"id": 1}], "count": 1}),
        json!({"data": [{"id": 1, "time": "soon"}], "count": 1}),
        json!({"data": [{"id": null, "time": "1970-01-01T00:00:05Z"}], "count": 1}),
        json!({"data": [{"id": {}, "time": "1970-01-01T00:00:05Z"}], "count": 1}),
        json!({"data": [{"id": 1, "time": "1970-01-01T00:00:05Z"}]}),
        json!({"count": 1}),
        json!([]),
    ] {
        let desk = FakeDesk::new(move |_| Reply::json(200, &answer));
        assert_eq!(
            kind(walk(&desk, (4, 0), range(0, 10 * SECOND), 100, None).0),
            ErrorKind::Decode
        );
    }
    // The desk counts what it never gives.
    let desk = FakeDesk::new(|_| Reply::json(200, json!({"data": [], "count": 7})));
    assert_eq!(
        kind(walk(&desk, (4, 0), range(0, 10 * SECOND), 100, None).0),
        ErrorKind::Decode
    );
}

#[test]
fn ranges_and_cursors_of_any_kind_do_no_harm() {
    let desk = FakeDesk::new(|request| answer(request, &[(1, 5 * SECOND)], USUAL));
    for (from, to, expected) in [
        (0, 10 * SECOND, vec![1]),
        (5 * SECOND, 5 * SECOND + 1, vec![1]),
        (5 * SECOND, 5 * SECOND, vec![]),
        (9 * SECOND, 0, vec![]),
        // The years 1 to 9999.
        (-62_135_596_800 * SECOND, 253_402_300_799 * SECOND, vec![1]),
    ] {
        let walked = walk(&desk, (4, 0), range(from, to), 100, None).0;
        assert_eq!(walked.map(|walked| ids(&walked)), Ok(expected), "{from} {to}");
    }
    let odd = r#"{"slices":[{"low":"1970-01-01T00:00:00Z"}],"turn":99}"#;
    serde_json::from_str::<SearchCursor>(odd).expect_err("a cursor of another kind is not taken for a beginning");
    for (size, overlap) in [(0, SECOND), (10, 0), (10, -1)] {
        let (result, _) = with_desk(&desk, (4, 0), move |desk| {
            let search = Search {
                size,
                overlap,
                ..search(range(0, SECOND), 100)
            };
            desk.search(search, None).map(|_| ())
        });
        assert_eq!(kind(result), ErrorKind::Misuse);
    }
}

#[test]
fn a_record_that_is_counted_and_never_shown_keeps_no_other_one_away() {
    for (n, hidden) in [
        (25, vec![25]),
        (25, vec![3, 17]),
        (95, vec![10, 95]),
        (40, (31..=40).collect::<Vec<u64>>()),
    ] {
        let records: Vec<Record> = (1..=n).map(|id| (id, id as i64 * 10 * SECOND)).collect();
        let hides = hidden.clone();
        let desk = FakeDesk::new(move |request| {
            let shown = answer(request, &records, USUAL);
            let body = &shown.outcome.as_ref().expect("an answer").body;
            let Ok(mut body) = serde_json::from_slice::<serde_json::Value>(body) else {
                return shown;
            };
            let rows = body["data"].as_array_mut().expect("rows");
            rows.retain(|row| !hides.contains(&row["id"].as_u64().unwrap()));
            Reply::json(200, body)
        });
        let (counted, run) = with_desk(&desk, (4, n), move |desk| {
            let mut pages = desk.search(search(range(0, 10_000 * SECOND), 1000), None)?;
            let mut found = 0;
            for page in pages.by_ref() {
                found += page?.records()?.len() as u64;
            }
            Ok((found, pages.counted().map(|counted| (counted.before, counted.after))))
        });
        let shown = n - hidden.len() as u64;
        assert_eq!(counted, Ok((shown, Some((n, Some(n))))), "{n} {hidden:?}");
        assert!(run.requests.len() < 80, "{} requests", run.requests.len());
    }
}
