use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use serde_json::{Value as Json, json};

use super::{FakeDesk, Reply, asked, kind, numbers, ways, with_desk};
use crate::{ErrorKind, Paging, Request, Result};

/// All numbers of a list, page by page.
fn walk(desk: &FakeDesk, way: (u32, u64), paging: &Paging) -> (Result<Vec<u64>>, crate::testing::Run) {
    let paging = paging.clone();
    with_desk(desk, way, move |desk| {
        let mut all = Vec::new();
        for page in desk.pages(Request::get("/list").query("sort", "id"), &paging) {
            let page = page?;
            let numbers = numbers(&page.records("/items")?);
            assert!(!numbers.is_empty(), "empty pages are not given");
            all.extend(numbers);
        }
        Ok(all)
    })
}

fn offset() -> Paging {
    Paging::by_offset("from", 0, "limit", 10).items("/items")
}

fn number() -> Paging {
    Paging::by_number("page", 1, "per_page", 10).items("/items")
}

/// Answers a request for a page of `0..length`; no page has more than `cap`.
fn page_of(request: &Request, length: u64, cap: u64, total: &Json) -> Reply {
    let (from, size) = if request.query.iter().any(|(name, _)| name == "from") {
        (asked(request, "from"), asked(request, "limit").min(cap))
    } else {
        let size = asked(request, "per_page").min(cap);
        ((asked(request, "page") - 1) * size, size)
    };
    let items: Vec<_> = (from..length.min(from + size)).collect();
    Reply::json(200, json!({"items": items, "total": total}))
}

#[test]
fn lists_of_any_length_are_read_whole_and_in_order() {
    for length in [0, 1, 9, 10, 11, 20, 95, 100, 101] {
        let desk = FakeDesk::new(move |request| page_of(request, length, 10, &json!(length)));
        let text = FakeDesk::new(move |request| page_of(request, length, 10, &json!(length.to_string())));
        for way in ways() {
            for paging in [offset(), number(), offset().total("/total"), number().total("/total")] {
                for desk in [&desk, &text] {
                    let (result, run) = walk(desk, way, &paging);
                    assert_eq!(result, Ok((0..length).collect()), "{length} {way:?} {paging:?}");
                    assert!(run.most_in_flight <= way.0 as usize);
                }
            }
        }
    }
}

#[test]
fn with_a_total_pages_are_asked_for_side_by_side() {
    let desk = FakeDesk::new(|request| page_of(request, 300, 10, &json!(300)));
    let (_, run) = walk(&desk, (16, 1), &offset().total("/total"));
    assert_eq!(run.most_in_flight, 16);
    let (_, run) = walk(&desk, (16, 1), &offset());
    assert_eq!(run.most_in_flight, 1);
}

#[test]
fn pages_can_be_skipped() {
    let desk = FakeDesk::new(|request| page_of(request, 95, 10, &json!(95)));
    for way in ways() {
        for paging in [offset(), number(), offset().total("/total"), number().total("/total")] {
            for skip in 0..12 {
                let (result, _) = walk(&desk, way, &paging.clone().skip(skip));
                assert_eq!(result, Ok((skip * 10..95).collect()), "{skip} {paging:?}");
            }
        }
    }
}

#[test]
fn a_desk_with_smaller_pages_is_an_error() {
    for (paging, length, cap) in [
        (offset().total("/total"), 95, 7),
        (number().total("/total"), 8, 7),
        (offset(), 95, 7),
        (offset(), 8, 7),
        (number(), 95, 7),
        (number(), 8, 7),
    ] {
        let desk = FakeDesk::new(move |request| page_of(request, length, cap, &json!(length)));
        for way in ways() {
            let (result, _) = walk(&desk, way, &paging);
            let error = result.expect_err("records would be lost");
            assert_eq!(error.kind, ErrorKind::Decode);
            assert!(
                error
                    .message
                    .contains("the desk gave 7 records where 10 were asked for"),
                "{error}"
            );
        }
    }
}

#[test]
fn what_is_behind_the_end_may_be_said_in_many_ways() {
    for behind in [
        Reply::empty(),
        Reply::status(404),
        Reply::json(200, json!({"items": []})),
        Reply::json(200, json!({"items": null})),
    ] {
        let desk = FakeDesk::new(move |request| {
            if asked(request, "page") > 3 {
                behind.clone()
            } else {
                page_of(request, 25, 10, &json!(25))
            }
        });
        assert_eq!(walk(&desk, (4, 0), &number()).0, Ok((0..25).collect()));
    }
    // But 404 is no end where nothing says that the page before was the last.
    let desk = FakeDesk::new(|request| {
        if asked(request, "page") > 2 {
            Reply::status(404)
        } else {
            page_of(request, 25, 10, &json!(25))
        }
    });
    assert_eq!(kind(walk(&desk, (4, 0), &number()).0), ErrorKind::NotFound);
}

#[test]
fn short_and_empty_pages_in_the_middle_are_no_end() {
    // Records that went while the list was read.
    for lost in [20..25_u64, 20..30, 20..50] {
        let hidden = lost.clone();
        let desk = FakeDesk::new(move |request| {
            let from = asked(request, "from");
            let items: Vec<_> = (from..95.min(from + 10))
                .filter(|item| !hidden.contains(item))
                .collect();
            Reply::json(200, json!({"items": items, "total": 95}))
        });
        for way in ways() {
            let expected = (0..95).filter(|item| !lost.contains(item)).collect();
            assert_eq!(walk(&desk, way, &offset().total("/total")).0, Ok(expected), "{way:?}");
        }
    }
}

#[test]
fn a_list_that_grows_while_it_is_read_ends_where_it_ends() {
    for (after, expected) in [(137, 137), (100, 100), (95, 95)] {
        for way in ways() {
            let calls = Arc::new(AtomicU64::new(0));
            let desk = FakeDesk::new(move |request| {
                let length = if calls.fetch_add(1, Ordering::Relaxed) == 0 {
                    95
                } else {
                    after
                };
                page_of(request, length, 10, &json!(length))
            });
            let (result, _) = walk(&desk, way, &number().total("/total"));
            // When the last promised page has become full, there may be more behind it.
            assert_eq!(result, Ok((0..expected).collect()), "{way:?}");
        }
    }
}

#[test]
fn a_list_that_shrinks_while_it_is_read_is_an_error() {
    let shrank = |result: Result<Vec<u64>>| {
        let error = result.expect_err("a record was passed over");
        assert_eq!(error.kind, ErrorKind::Decode);
        assert!(error.message.contains("the list shrank while it was read"), "{error}");
    };
    // Behind the first page, or behind the fifth, one record or many of those that were read go.
    for (calls_before, after) in [(1, 94), (1, 42), (1, 10), (1, 0), (5, 94), (9, 94)] {
        for way in ways() {
            for paging in [number().total("/total"), offset().total("/total")] {
                for nothing in [false, true] {
                    let calls = AtomicU64::new(0);
                    let desk = FakeDesk::new(move |request| {
                        if calls.fetch_add(1, Ordering::Relaxed) < calls_before {
                            return page_of(request, 95, 10, &json!(95));
                        }
                        if nothing && after == 0 {
                            return Reply::empty();
                        }
                        page_of(request, after, 10, &json!(after))
                    });
                    shrank(walk(&desk, way, &paging).0);
                }
            }
        }
    }
    // It shrank between an earlier run and this one.
    let desk = FakeDesk::new(|request| page_of(request, 94, 10, &json!(94)));
    let paging = number().total("/total").skip(3);
    shrank(walk(&desk, (4, 0), &paging.clone().known_total(95)).0);
    assert_eq!(walk(&desk, (4, 0), &paging.known_total(94)).0, Ok((30..94).collect()));
}

#[test]
fn behind_the_promised_pages_no_total_is_needed() {
    for behind in [Reply::empty(), Reply::json(200, json!({"items": []}))] {
        let desk = FakeDesk::new(move |request| {
            if asked(request, "page") > 2 {
                behind.clone()
            } else {
                page_of(request, 20, 10, &json!(20))
            }
        });
        assert_eq!(walk(&desk, (4, 0), &number().total("/total")).0, Ok((0..20).collect()));
    }
}

#[test]
fn a_page_that_fails_ends_the_walk_with_its_error() {
    let desk = FakeDesk::new(|request| {
        if asked(request, "page") == 4 {
            Reply::status(500)
        } else {
            page_of(request, 95, 10, &json!(95))
        }
    });
    for way in ways() {
        let (result, _) = with_desk(&desk, way, |desk| {
            let pages = desk.pages(Request::get("/list"), &number().total("/total"));
            Ok(pages
                .map(|page| page.map(|_| ()).map_err(|error| error.kind))
                .collect::<Vec<_>>())
        });
        assert_eq!(result, Ok(vec![Ok(()), Ok(()), Ok(()), Err(ErrorKind::Http)]));
    }
}

#[test]
fn a_total_must_be_a_count() {
    for total in [Json::Null, json!("many"), json!(-1), json!([])] {
        let desk = FakeDesk::new(move |request| page_of(request, 25, 10, &total));
        assert_eq!(
            kind(walk(&desk, (4, 0), &offset().total("/total")).0),
            ErrorKind::Decode
        );
    }
}

#[test]
fn a_desk_that_promises_for_ever_is_an_error() {
    let desk = FakeDesk::new(|request| page_of(request, 10, 10, &json!(u64::MAX)));
    assert_eq!(
        kind(walk(&desk, (4, 0), &offset().total("/total")).0),
        ErrorKind::Decode
    );
    let desk = FakeDesk::new(|request| {
        let page: u64 = request
            .path
            .rsplit_once('/')
            .and_then(|(_, page)| page.parse().ok())
            .unwrap_or(0);
        Reply::json(200, json!({"items": [], "next": format!("/list/{}", page + 1)}))
    });
    assert_eq!(
        kind(walk(&desk, (4, 0), &Paging::by_link("/next").items("/items")).0),
        ErrorKind::Decode
    );
}

/// A desk whose page `n` links to page `next(n)`.
fn linked(next: impl Fn(u64) -> Json + Send + Sync + 'static) -> FakeDesk {
    FakeDesk::new(move |request| {
        let page = request
            .path
            .rsplit_once('/')
            .and_then(|(_, page)| page.parse().ok())
            .unwrap_or(0);
        assert_eq!(page == 0, !request.query.is_empty(), "a link is followed as it is");
        let items = if page == 2 {
            vec![]
        } else {
            vec![page * 2, page * 2 + 1]
        };
        Reply::json(200, json!({"items": items, "next": next(page)}))
    })
}

#[test]
fn links_are_followed_to_the_last() {
    let paging = Paging::by_link("/next").items("/items");
    for end in [Json::Null, json!("")] {
        let desk = linked(move |page| {
            if page < 9 {
                json!(format!("https://desk.example/api/list/{}", page + 1))
            } else {
                end.clone()
            }
        });
        for way in ways() {
            let expected = (0..20).filter(|item| item / 2 != 2).collect();
            assert_eq!(walk(&desk, way, &paging).0, Ok(expected));
        }
    }
    let empty = FakeDesk::new(|_| Reply::empty());
    assert_eq!(walk(&empty, (4, 0), &paging).0, Ok(Vec::new()));
}

#[test]
fn links_that_go_round_are_an_error() {
    let paging = Paging::by_link("/next").items("/items");
    for (start, length) in [(1, 1), (3, 1), (3, 2), (5, 7), (20, 33)] {
        let desk = linked(move |page| {
            let next = if page + 1 == start + length { start } else { page + 1 };
            json!(format!("/list/{next}"))
        });
        let (result, run) = walk(&desk, (4, 0), &paging);
        assert_eq!(kind(result), ErrorKind::Decode);
        assert!(
            run.requests.len() as u64 <= 4 * (start + length) + 4,
            "{start} {length}: {}",
            run.requests.len()
        );
    }
}
