//! What holds of every desk.

mod births;
mod changes;
mod pages;
mod records;
mod speed;

use std::collections::HashMap;

use serde_json::{Map, Value};

use super::desk::World;
use super::{Desk, Id, Kind, Shape};
use crate::Settings;

/// A desk of so many tickets.
fn desk(seed: u64, tickets: u64) -> World {
    World::new(&Settings {
        seed,
        tickets,
        ..Settings::default()
    })
}

/// A record as JSON.
fn record(desk: &World, id: Id, kind: Kind, shape: Shape) -> Map<String, Value> {
    let mut out = Vec::new();
    desk.write(id, kind, shape, &mut out);
    match serde_json::from_slice(&out) {
        Ok(Value::Object(record)) => record,
        other => panic!("{id} {kind:?} {shape:?}: {other:?}\n{}", String::from_utf8_lossy(&out)),
    }
}

/// The id in a value.
fn id(value: &Value) -> Id {
    Id(value
        .as_str()
        .and_then(|text| text.parse().ok())
        .unwrap_or_else(|| panic!("no id: {value}")))
}

/// The truth, by table and id (and parent, of team members).
fn truth(desk: &World) -> HashMap<(String, String), Value> {
    truth_since(desk, i64::MIN)
}

/// The truth since a moment, likewise.
fn truth_since(desk: &World, since: i64) -> HashMap<(String, String), Value> {
    let mut out = Vec::new();
    desk.truth_since(since, &mut out).unwrap();
    let mut all = HashMap::new();
    for line in out.split(|byte| *byte == b'\n').filter(|line| !line.is_empty()) {
        let line: Value = serde_json::from_slice(line).unwrap();
        let table = line["table"].as_str().unwrap().to_owned();
        let mut name = line["id"].as_str().unwrap().to_owned();
        if table == "TeamMembers" {
            name += line["parent"].as_str().unwrap();
        }
        assert!(all.insert((table, name), line).is_none());
    }
    all
}
