//! Searches of a desk of which only one thing is certain: that its documentation is not.

use std::collections::BTreeSet;
use std::sync::{Arc, Mutex};

use serde_json::json;

use super::{FakeDesk, Random, Reply, asked, with_desk};
use crate::testing::Run;
use crate::{Counted, Order, Range, Request, Result, Search, Timestamp};

const SECOND: i64 = 1_000_000;
const MILLI: i64 = 1_000;
const END: i64 = 4_000_000 * SECOND;

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Ascending {
    Honoured,
    Ignored,
    Refused,
}

/// One way to read the documentation.
#[derive(Clone, Copy, Debug)]
#[allow(clippy::struct_excessive_bools, reason = "they are independent of each other")]
struct Reading {
    max_from: u64,
    /// `from` and limit together may not reach beyond the greatest `from`.
    strict: bool,
    includes_from: bool,
    includes_to: bool,
    ascending: Ascending,
    /// Records that share a time come in another order when they are asked for the newest first.
    mirrored: bool,
    page: u64,
}

impl Reading {
    fn any(random: &mut Random) -> Self {
        let mut coin = || random.below(2) == 0;
        let (strict, includes_from, includes_to, mirrored) = (coin(), coin(), coin(), coin());
        Self {
            max_from: [999, 4999][random.below(2)],
            strict,
            includes_from,
            includes_to,
            ascending: [Ascending::Honoured, Ascending::Ignored, Ascending::Refused][random.below(3)],
            mirrored,
            page: [100, 100, 100, 73][random.below(4)],
        }
    }
}

/// A record: id and time in microseconds.
type Record = (u64, i64);

struct World {
    here: Vec<Record>,
    /// Deleted ones, which may come back.
    away: Vec<Record>,
    touched: BTreeSet<u64>,
    random: Random,
    /// One change behind so many answers; 0: none.
    every: u64,
    answers: u64,
    refused: u64,
}

impl World {
    fn change(&mut self) {
        self.answers += 1;
        if self.every == 0 || !self.answers.is_multiple_of(self.every) {
            return;
        }
        if self.random.below(3) == 0 && !self.away.is_empty() {
            let at = self.random.below(self.away.len());
            let back = self.away.swap_remove(at);
            self.here.push(back);
        } else if !self.here.is_empty() {
            let at = self.random.below(self.here.len());
            let gone = self.here.swap_remove(at);
            self.touched.insert(gone.0);
            self.away.push(gone);
        }
        self.here.sort_unstable_by_key(|(id, time)| (*time, *id));
    }

    fn answer(&mut self, request: &Request, reading: Reading) -> Reply {
        self.change();
        let number = |name: &str| {
            let found = request.query.iter().find(|(key, _)| key == name);
            found
                .and_then(|(_, value)| value.parse::<i64>().ok())
                .expect("a number")
        };
        let (from, to) = (number("after"), number("before"));
        let is_descending = request.query.iter().any(|(_, value)| value == "-time");
        let (offset, limit) = (asked(request, "from"), asked(request, "limit"));
        assert!(offset <= 4999 && limit <= 100, "{request:?}");
        if offset > reading.max_from || reading.strict && offset + limit > reading.max_from + 1 {
            self.refused += 1;
            let message = format!(
                "The value passed for field 'from' exceeds the range of '0-{}'.",
                reading.max_from
            );
            return Reply::json(422, json!({ "message": message }));
        }
        if !is_descending && reading.ascending == Ascending::Refused {
            return Reply::status(422);
        }
        let begin = self
            .here
            .partition_point(|(_, time)| *time < from || *time == from && !reading.includes_from);
        let end = self
            .here
            .partition_point(|(_, time)| *time < to || *time == to && reading.includes_to);
        let found = &self.here[begin..end.max(begin)];
        let is_down = is_descending || reading.ascending == Ascending::Ignored;
        let mut at: Vec<Record> = Vec::new();
        let limit = limit.min(reading.page) as usize;
        if is_down && reading.mirrored {
            at.extend(found.iter().rev().skip(offset as usize).take(limit));
        } else if is_down {
            let mut down = found.to_vec();
            down.sort_by_key(|(_, time)| std::cmp::Reverse(*time));
            at.extend(down.iter().skip(offset as usize).take(limit));
        } else {
            at.extend(found.iter().skip(offset as usize).take(limit));
        }
        if at.is_empty() {
            return Reply::empty();
        }
        let data: Vec<_> = at
            .iter()
            .map(|(id, time)| json!({"id": id.to_string(), "createdTime": Timestamp::from_micros(*time)}))
            .collect();
        Reply::json(200, json!({ "data": data, "count": found.len().to_string() }))
    }
}

fn search(overlap: i64) -> Search<'static> {
    Search {
        range: Range {
            from: Timestamp::from_micros(0),
            to: Timestamp::from_micros(END),
        },
        request: Box::new(|range, order| {
            Request::get("/search")
                .query("after", range.from.micros())
                .query("before", range.to.micros())
                .query("sort", if order == Order::Descending { "-time" } else { "time" })
        }),
        offset: "from",
        first: 0,
        max_offset: 999,
        try_offset: 4999,
        limit: "limit",
        size: 100,
        items: "/data",
        count: Some("/count"),
        time: "/createdTime",
        id: "/id",
        overlap,
    }
}

/// So many records: alone, in imports of up to `most` in a second, and, some, with milliseconds.
fn records(random: &mut Random, count: usize, most: usize) -> Vec<Record> {
    let mut records = Vec::with_capacity(count);
    while records.len() < count {
        let at = random.below((END / SECOND) as usize) as i64 * SECOND;
        let together = if random.below(20) == 0 {
            1 + random.below(most)
        } else {
            1
        };
        let milli = if random.below(3) == 0 { MILLI } else { 0 };
        for _ in 0..together.min(count - records.len()) {
            records.push((records.len() as u64, at + random.below(1_000) as i64 * milli));
        }
    }
    records.sort_unstable_by_key(|(id, time)| (*time, *id));
    records
}

struct Outcome {
    ids: Result<Vec<u64>>,
    counted: Option<Counted>,
    requests: u64,
    refused: u64,
    here: BTreeSet<u64>,
    touched: BTreeSet<u64>,
    run: Run,
}

fn walk(records: Vec<Record>, reading: Reading, every: u64, overlap: i64, way: (u32, u64)) -> Outcome {
    let world = Arc::new(Mutex::new(World {
        here: records,
        away: Vec::new(),
        touched: BTreeSet::new(),
        random: Random::new(way.1),
        every,
        answers: 0,
        refused: 0,
    }));
    let asked_of = Arc::clone(&world);
    let desk = FakeDesk::new(move |request| asked_of.lock().unwrap().answer(request, reading));
    let (result, run) = with_desk(&desk, way, move |desk| {
        let mut ids = Vec::new();
        let mut pages = desk.search(search(overlap), None)?;
        for page in &mut pages {
            for record in page?.records()? {
                let record: serde_json::Value = serde_json::from_str(record.get()).unwrap();
                ids.push(record["id"].as_str().unwrap().parse().unwrap());
            }
        }
        Ok((ids, pages.counted()))
    });
    let world = world.lock().unwrap();
    Outcome {
        counted: result.as_ref().ok().and_then(|(_, counted)| *counted),
        ids: result.map(|(ids, _)| ids),
        requests: run.requests.len() as u64,
        refused: world.refused,
        here: world.here.iter().map(|(id, _)| *id).collect(),
        touched: world.touched.clone(),
        run,
    }
}

#[test]
fn a_quiet_desk_is_asked_as_little_as_can_be() {
    for (round, count) in [0, 1, 99, 100, 101, 200, 300, 1_000, 2_000, 5_000, 5_001, 8_000, 20_000]
        .into_iter()
        .flat_map(|count| (0..12).map(move |round| (round, count)))
    {
        let mut random = Random::new(round);
        let reading = Reading {
            page: 100,
            ..Reading::any(&mut random)
        };
        let overlap = [MILLI, SECOND][random.below(2)];
        let most = [1, 120, 400][random.below(3)];
        let records = records(&mut random, count, most);
        let window = [1, 5, 25][random.below(3)];
        let outcome = walk(records, reading, 0, overlap, (window, round));
        let ids = outcome
            .ids
            .unwrap_or_else(|error| panic!("{round} {count} {reading:?}: {error}"));
        assert_eq!(ids.len(), count, "{round} {reading:?}");
        assert_eq!(ids.iter().copied().collect::<BTreeSet<_>>(), outcome.here);
        let least = (count as u64).div_ceil(100).max(1);
        // That ascending is refused, and that greater offsets are, costs a request each.
        let extra = u64::from(reading.ascending == Ascending::Refused) + outcome.refused;
        assert_eq!(outcome.requests, least + extra, "{round} {count} {reading:?}");
        assert!(
            outcome.refused <= u64::from(count >= 10_000),
            "{round} {count} {reading:?}"
        );
        let before = count as u64;
        assert_eq!(outcome.counted, Some(Counted { before, after: None }));
        assert!(outcome.run.most_in_flight <= window as usize);
    }
}

#[test]
fn nothing_is_lost_or_repeated_while_records_go_and_come_back() {
    let mut changed = 0;
    for round in 0..150 {
        let mut random = Random::new(round);
        let reading = Reading::any(&mut random);
        let overlap = [MILLI, SECOND][random.below(2)];
        let count = [50, 300, 1_500, 6_000][random.below(4)];
        let most = [1, 120, 400][random.below(3)];
        let records = records(&mut random, count, most);
        let all: BTreeSet<u64> = records.iter().map(|(id, _)| *id).collect();
        let way = ([1, 4, 16][random.below(3)], round);
        let every = [1, 2, 5, 40][random.below(4)];
        let outcome = walk(records, reading, every, overlap, way);
        let ids = outcome
            .ids
            .unwrap_or_else(|error| panic!("{round} {count} {every} {reading:?}: {error}"));
        let once: BTreeSet<u64> = ids.iter().copied().collect();
        assert_eq!(ids.len(), once.len(), "{round} {reading:?}: twice");
        let lost: Vec<_> = all
            .difference(&once)
            .filter(|id| !outcome.touched.contains(id))
            .collect();
        assert!(lost.is_empty(), "{round} {count} {every} {reading:?} lost {lost:?}");
        let counted = outcome.counted.expect("a count");
        let (least, most) = (counted.before, counted.after.unwrap_or(counted.before));
        let (least, most) = (least.min(most), least.max(most));
        changed += u32::from(counted.after.is_some());
        if counted.after.is_none() {
            assert_eq!(ids.len() as u64, counted.before, "{round} {reading:?}");
        }
        // Within what the two counts explain, and what went and came back between them.
        let slack = outcome.touched.len() as u64;
        assert!(
            (least.saturating_sub(slack)..=most + slack).contains(&(ids.len() as u64)),
            "{round}"
        );
    }
    assert!(changed > 50, "{changed}");
}
