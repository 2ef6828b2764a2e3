//! Pages are slices of one order, whatever the filter.

use super::desk;
use crate::world::desk::World;
use crate::world::{By, Desk, Filter, Id, Kind};

/// What a page must be, found by looking at every record.
fn expect(desk: &World, kind: Kind, filter: &Filter, by: By, descending: bool) -> Vec<Id> {
    let everything = desk.page(kind, &Filter::default(), By::Created, false, 0, u64::MAX).ids;
    let within = |range: Option<(i64, i64)>, time| range.is_none_or(|(from, to)| from <= time && time <= to);
    let mut found: Vec<(i64, Id)> = everything
        .into_iter()
        .filter(|id| {
            let times = desk.times(*id);
            let index = id.place().unwrap().index;
            within(filter.created, times.created)
                && within(filter.modified, times.modified)
                && filter
                    .department
                    .is_none_or(|department| desk.department(*id) == Some(department))
                && filter
                    .archived
                    .is_none_or(|archived| (index < desk.sizes.archived) == archived)
                && filter.spam.is_none_or(|spam| desk.is_spam(index) == spam)
        })
        .map(|id| {
            (
                if by == By::Created {
                    desk.times(id).created
                } else {
                    desk.times(id).modified
                },
                id,
            )
        })
        .collect();
    found.sort_unstable();
    if descending {
        found.reverse();
    }
    found.into_iter().map(|(_, id)| id).collect()
}

/// Checks every order and filter of a kind.
pub(super) fn check(desk: &World, kind: Kind) {
    let all = desk.page(kind, &Filter::default(), By::Created, false, 0, u64::MAX).ids;
    let time = |part: usize| desk.times(all[all.len() * part / 8]).created;
    let range = Some((time(2), time(6)));
    let mut filters = vec![
        Filter::default(),
        Filter {
            created: range,
            ..Filter::default()
        },
        Filter {
            modified: range,
            ..Filter::default()
        },
        Filter {
            created: range,
            modified: Some((time(3), i64::MAX)),
            ..Filter::default()
        },
        Filter {
            created: Some((time(5), time(4) - 1)),
            ..Filter::default()
        },
        Filter {
            modified: Some((time(4), time(4))),
            ..Filter::default()
        },
        Filter {
            created: Some((time(4), time(4))),
            ..Filter::default()
        },
    ];
    if kind == Kind::Ticket {
        for (archived, spam) in [
            (Some(false), Some(false)),
            (Some(true), None),
            (None, Some(false)),
            (None, Some(true)),
            (Some(true), Some(true)),
        ] {
            filters.push(Filter {
                archived,
                spam,
                ..Filter::default()
            });
            filters.push(Filter {
                archived,
                spam,
                created: range,
                ..Filter::default()
            });
            filters.push(Filter {
                archived,
                spam,
                modified: range,
                ..Filter::default()
            });
            for department in desk.all(Kind::Department) {
                filters.push(Filter {
                    archived,
                    spam,
                    department: Some(department),
                    ..Filter::default()
                });
            }
        }
    }
    for filter in filters {
        for by in [By::Created, By::Modified] {
            for descending in [false, true] {
                let expect = expect(desk, kind, &filter, by, descending);
                for (from, limit) in [
                    (0, 10),
                    (7, 100),
                    (expect.len() as u64 / 2, 33),
                    (expect.len() as u64, 5),
                    (u64::MAX, 1),
                    (0, u64::MAX),
                ] {
                    let page = desk.page(kind, &filter, by, descending, from, limit);
                    assert_eq!(page.total, expect.len() as u64, "{kind:?} {filter:?} {by:?}");
                    let slice: Vec<Id> = expect
                        .iter()
                        .skip(from as usize)
                        .take(limit as usize)
                        .copied()
                        .collect();
                    assert_eq!(page.ids, slice, "{kind:?} {filter:?} {by:?} {descending} {from}");
                }
                let some: Vec<Id> = all.iter().step_by(7).copied().collect();
                let filter = Filter {
                    ids: Some(some.clone()),
                    ..filter.clone()
                };
                let page = desk.page(kind, &filter, by, descending, 0, u64::MAX);
                let slice: Vec<Id> = expect.iter().filter(|id| some.contains(id)).copied().collect();
                assert_eq!(page.ids, slice);
            }
        }
    }
}

#[test]
fn pages_are_slices_of_one_order() {
    for (seed, tickets) in [(1, 1), (2, 100), (3, 777)] {
        let desk = desk(seed, tickets);
        for kind in [
            Kind::Ticket,
            Kind::Contact,
            Kind::Account,
            Kind::Product,
            Kind::Task,
            Kind::Call,
            Kind::Event,
            Kind::Article,
        ] {
            check(&desk, kind);
        }
    }
}

#[test]
fn there_are_as_many_tickets_as_the_settings_say() {
    for tickets in [100, 200, 12_345] {
        let desk = desk(4, tickets);
        let filter = Filter {
            spam: Some(false),
            ..Filter::default()
        };
        assert_eq!(
            desk.page(Kind::Ticket, &filter, By::Created, false, 0, 1).total,
            tickets
        );
        let archived = Filter {
            archived: Some(true),
            ..Filter::default()
        };
        assert!(desk.page(Kind::Ticket, &archived, By::Created, false, 0, 1).total >= tickets * 3 / 100);
        // Seeds that are multiples of 4 have even pages, others do not.
        assert_eq!(
            desk.page(Kind::Contact, &Filter::default(), By::Created, false, 0, 1)
                .total
                % 100,
            0
        );
    }
}

#[test]
fn the_last_page_of_ten_million_records_is_there_at_once() {
    let desk = desk(1, 1_500_000);
    let all = Filter {
        spam: Some(false),
        ..Filter::default()
    };
    let page = desk.page(Kind::Ticket, &all, By::Created, false, 1_499_950, 100);
    assert_eq!((page.total, page.ids.len()), (1_500_000, 50));
    let last = super::record(&desk, page.ids[49], Kind::Ticket, crate::world::Shape::Search);
    assert_eq!(last["ticketNumber"], "1500100");
    let records: u64 = [
        Kind::Contact,
        Kind::Account,
        Kind::Task,
        Kind::Call,
        Kind::Event,
        Kind::Article,
    ]
    .iter()
    .map(|kind| desk.page(*kind, &Filter::default(), By::Created, true, 0, 1).total)
    .sum();
    assert!(records > 1_350_000, "{records}");
    assert_eq!(
        desk.page(Kind::Ticket, &all, By::Modified, true, 1_000_000, 100)
            .ids
            .len(),
        100
    );
}
