//! How long records take. Run it alone and optimised:
//! `cargo test --release -p deskvault-sample-desk speed -- --ignored --nocapture`.

use std::time::Instant;

use crate::Settings;
use crate::world::desk::World;
use crate::world::{By, Desk, Filter, Id, Kind, Shape};

/// As many of each kind are written.
const RECORDS: usize = 100_000;

/// Nanoseconds that this thread was on a processor: others who use the machine do not count.
fn on_cpu() -> usize {
    let schedule = std::fs::read_to_string("/proc/thread-self/schedstat").expect("Linux tells what a thread used");
    schedule
        .split(' ')
        .next()
        .and_then(|nanos| nanos.parse().ok())
        .expect("nanoseconds come first")
}

#[test]
#[ignore = "a measurement"]
fn speed() {
    for custom_fields in [8, 40] {
        let begin = Instant::now();
        let desk = World::new(&Settings {
            tickets: 1_500_000,
            custom_fields,
            huge_bodies_ppm: 0,
            ..Settings::default()
        });
        println!("{custom_fields} custom fields; opened in {:?}", begin.elapsed());
        let listed = |kind| desk.page(kind, &Filter::default(), By::Created, false, 0, 100_000).ids;
        let measure = |name: &str, kind, shape, ids: &[Id]| {
            let mut out = Vec::new();
            let (mut bytes, begin) = (0, on_cpu());
            for id in ids.iter().cycle().take(RECORDS) {
                out.clear();
                desk.write(*id, kind, shape, &mut out);
                bytes += out.len();
            }
            let nanos = (on_cpu() - begin) / RECORDS;
            println!("{name:10} {shape:?}: {nanos} ns, {} bytes", bytes / RECORDS);
        };
        let tickets = listed(Kind::Ticket);
        for shape in [Shape::List, Shape::Included, Shape::Search, Shape::Detail] {
            measure("ticket", Kind::Ticket, shape, &tickets);
        }
        for kind in [Kind::Thread, Kind::Comment, Kind::TimeEntry] {
            let children: Vec<Id> = tickets
                .iter()
                .take(30_000)
                .flat_map(|ticket| desk.children(*ticket, kind))
                .collect();
            for shape in [Shape::Conversation, Shape::Detail] {
                measure(&format!("{kind:?}"), kind, shape, &children);
            }
        }
        for kind in [
            Kind::Contact,
            Kind::Account,
            Kind::Task,
            Kind::Call,
            Kind::Event,
            Kind::Product,
            Kind::Article,
        ] {
            for shape in [Shape::List, Shape::Search, Shape::Detail] {
                measure(&format!("{kind:?}"), kind, shape, &listed(kind));
            }
        }
        for by in [By::Created, By::Modified, By::Modified] {
            let begin = Instant::now();
            for from in (0..1_400_000).step_by(1400) {
                assert_eq!(
                    desk.page(Kind::Ticket, &Filter::default(), by, false, from, 100)
                        .ids
                        .len(),
                    100
                );
            }
            println!("1,000 pages {by:?}: {:?}", begin.elapsed());
        }
        let begin = Instant::now();
        let agent = desk.all(Kind::Agent)[0];
        println!(
            "{} time entries of an agent: {:?}",
            desk.children(agent, Kind::TimeEntry).len(),
            begin.elapsed()
        );
    }
}
