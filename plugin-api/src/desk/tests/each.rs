use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};

use super::{FakeDesk, Reply, asked, kind, numbers, ways, with_desk};
use crate::{ErrorKind, ExportError, Paging, Request};

/// `/double/7` is 14; `/gone/7` is not there; `/list` has the numbers to 25 in tens; `/down` is.
fn desk() -> FakeDesk {
    FakeDesk::new(|request| {
        if request.path == "/list" {
            let (from, size) = (asked(request, "from"), asked(request, "limit"));
            let page: Vec<_> = (from..25.min(from + size)).collect();
            return Reply::json(200, serde_json::json!({"items": page, "total": 25}));
        }
        match request.path.rsplit_once('/') {
            Some(("/double", number)) => Reply::json(200, number.parse::<u64>().map_or(0, |number| number * 2)),
            Some(("/gone", _)) => Reply::status(404),
            _ => Reply::network_error(),
        }
    })
}

#[allow(
    clippy::trivially_copy_pass_by_ref,
    clippy::unnecessary_wraps,
    reason = "as Desk::each takes it"
)]
fn double(number: &u64) -> Option<Request> {
    Some(Request::get(format!("/double/{number}")))
}

#[test]
fn answers_come_in_the_order_of_the_items() {
    for way in ways() {
        let (result, run) = with_desk(&desk(), way, |desk| {
            let children = desk.each((0..100).map(Ok), double);
            children
                .map(|child| {
                    child.and_then(|child| {
                        Ok((
                            child.parent,
                            child
                                .answer
                                .transpose()?
                                .map(|answer| answer.json::<u64>())
                                .transpose()?,
                        ))
                    })
                })
                .collect::<Result<Vec<_>, _>>()
        });
        let expected: Vec<_> = (0..100).map(|number| (number, Some(number * 2))).collect();
        assert_eq!(result, Ok(expected));
        assert_eq!(run.most_in_flight, way.0 as usize, "the window is reached and kept to");
        assert_eq!(run.requests.len(), 100);
    }
}

#[test]
fn items_without_a_request_keep_their_place() {
    for way in ways() {
        let (result, run) = with_desk(&desk(), way, |desk| {
            let odd = |number: &u64| (number % 2 == 1).then(|| double(number)).flatten();
            let children = desk.each((0..60).map(Ok), odd);
            children
                .map(|child| child.map(|child| (child.parent, child.answer.is_some())))
                .collect::<Result<Vec<_>, _>>()
        });
        assert_eq!(result, Ok((0..60).map(|number| (number, number % 2 == 1)).collect()));
        assert_eq!(run.requests.len(), 30);
    }
}

#[test]
fn one_failure_is_that_of_its_item() {
    for way in ways() {
        let (result, _) = with_desk(&desk(), way, |desk| {
            let paths = ["/double/1", "/gone/2", "/down/3", "/double/4"];
            let children = desk.each(paths.map(Ok), |path| Some(Request::get(*path)));
            children
                .map(|child| child.map(|child| child.answer.and_then(Result::err).map(|error| error.kind)))
                .collect::<Result<Vec<_>, _>>()
        });
        assert_eq!(
            result,
            Ok(vec![None, Some(ErrorKind::NotFound), Some(ErrorKind::Network), None])
        );
    }
}

#[test]
fn an_error_of_the_source_comes_behind_the_items_before_it_and_ends_it() {
    for way in ways() {
        let (result, _) = with_desk(&desk(), way, |desk| {
            let source = (0..10).map(|number| {
                if number == 7 {
                    Err(ExportError::decode("the source", "no"))
                } else {
                    Ok(number)
                }
            });
            let children = desk.each(source, double);
            Ok(children
                .map(|child| child.map(|child| child.parent).map_err(|error| error.kind))
                .collect::<Vec<_>>())
        });
        let mut expected: Vec<_> = (0..7).map(Ok).collect();
        expected.push(Err(ErrorKind::Decode));
        assert_eq!(result, Ok(expected));
    }
}

#[test]
fn iterators_nest_and_chain_at_any_window() {
    for way in ways() {
        let (result, run) = with_desk(&desk(), way, |desk| {
            let paging = Paging::by_offset("from", 0, "limit", 10)
                .items("/items")
                .total("/total");
            let mut seen = Vec::new();
            for page in desk.pages(Request::get("/list"), &paging) {
                let numbers = numbers(&page?.records("/items")?);
                // A chain: the answers of one are the items of the next.
                let first = desk.each(numbers.into_iter().map(Ok), double);
                let doubled =
                    first.map(|child| child?.answer.transpose()?.map_or(Ok(0), |answer| answer.json::<u64>()));
                for child in desk.each(doubled, double) {
                    let child = child?;
                    // And a third level inside.
                    for inner in desk.each([child.parent, child.parent + 1].map(Ok), double) {
                        inner?.answer.transpose()?;
                    }
                    seen.push(child.answer.transpose()?.map_or(Ok(0), |answer| answer.json::<u64>())?);
                }
            }
            Ok(seen)
        });
        assert_eq!(result, Ok((0..25).map(|number| number * 4).collect()), "{way:?}");
        assert!(run.most_in_flight <= way.0 as usize);
    }
}

#[test]
fn a_dropped_iterator_leaves_room() {
    for way in ways() {
        let (result, run) = with_desk(&desk(), way, |desk| {
            for _ in 0..20 {
                let mut children = desk.each((0..100).map(Ok), double);
                assert_eq!(
                    children.next().map(|child| child.map(|child| child.parent)),
                    Some(Ok(0))
                );
            }
            assert!(
                desk.waiting.borrow().is_empty(),
                "answers of dropped iterators are kept"
            );
            desk.get("/double/21")?.json::<u64>()
        });
        assert_eq!(result, Ok(42));
        assert!(run.most_in_flight <= way.0 as usize);
    }
}

#[test]
fn no_more_items_are_taken_than_a_few_windows() {
    static TAKEN: AtomicUsize = AtomicUsize::new(0);
    let (result, _) = with_desk(&desk(), (4, 0), |desk| {
        let source = (0..).inspect(|_| {
            TAKEN.fetch_add(1, Ordering::Relaxed);
        });
        let mut children = desk.each(source.map(Ok), |_: &u64| None);
        Ok(children.by_ref().take(10).count())
    });
    assert_eq!(result, Ok(10));
    assert!(TAKEN.load(Ordering::Relaxed) <= 10 + 4 * 4);
}

/// The most bytes of answers that waited at one time, and the requests in flight.
fn most_held(window: u32, budget: u64, answer: usize) -> (u64, usize) {
    let sizes = FakeDesk::new(move |_| Reply::bytes(200, vec![b' '; answer]));
    let most = (0..8).map(|seed| {
        let result = Arc::new(Mutex::new(None));
        let told = Arc::clone(&result);
        let job = crate::Job::full("does").with_window(window).with_waiting_bytes(budget);
        let does = super::Does {
            work: Box::new(move |desk| {
                let mut most = 0;
                for child in desk.each((0..100).map(Ok), double) {
                    assert_eq!(
                        child?.answer.transpose()?.map(|answer| answer.body().len()),
                        Some(answer)
                    );
                    most = most.max(desk.memory.held.get());
                }
                assert_eq!(desk.memory.held.get(), 0, "all that came was used");
                // Also what nobody asks for any more.
                let mut dropped = desk.each((0..100).map(Ok), double);
                dropped.next().transpose()?;
                drop(dropped);
                assert_eq!(desk.memory.held.get(), 0);
                Ok(most)
            }),
            result,
        };
        let run = sizes.clone().seed(seed).run(does, &job);
        assert_eq!(run.result, Ok(()));
        (*told.lock().unwrap(), run.most_in_flight)
    });
    most.fold((0, 0), |(held, flight), (other, more)| {
        (held.max(other.unwrap_or(0)), flight.max(more))
    })
}

#[test]
fn answers_that_wait_keep_to_a_budget() {
    const ANSWER: usize = 64 << 10;
    // As the default, on a smaller scale: 16 requests at first, when the size of answers is not known.
    let (held, flight) = most_held(100, 4 * ANSWER as u64, ANSWER);
    assert!(held <= 16 * ANSWER as u64, "{held}");
    assert!(flight <= 16, "{flight}");
    // Small answers take the whole window, also where the budget is nothing to speak of.
    assert_eq!(most_held(100, 4 * ANSWER as u64, 10).1, 100);
    assert_eq!(most_held(16, 4 * ANSWER as u64, ANSWER).1, 16);
    // One at a time always goes on.
    assert_eq!(most_held(100, 0, ANSWER).1, 1);
}

#[test]
fn a_cancelled_backup_ends_every_iterator() {
    for after in 0..40 {
        let desk = desk().cancel_after(after);
        let (result, run) = with_desk(&desk, (4, after), |desk| {
            for child in desk.each((0..100).map(Ok), double) {
                let _ = child?;
            }
            Ok(())
        });
        assert_eq!(kind(result), ErrorKind::Cancelled);
        assert!(run.calls_after_cancel <= 4, "{}", run.calls_after_cancel);
    }
}

#[test]
fn what_is_waited_for_alone_goes_first() {
    let (result, run) = with_desk(&desk(), (16, 1), |desk| {
        let mut ahead = desk.each((0..40).map(Ok), double);
        ahead.next().transpose()?;
        desk.send(&Request::get("/double/99"))?;
        ahead.try_for_each(|child| child.map(drop))
    });
    result.unwrap();
    let first: Vec<_> = run.requests.iter().filter(|request| request.first).collect();
    assert_eq!(first.len(), 1, "not those that iterators submit ahead");
    assert_eq!(first[0].path, "/double/99");

    let paging = Paging::by_offset("from", 0, "limit", 10)
        .items("/items")
        .total("/total");
    let (result, run) = with_desk(&desk(), (16, 1), move |desk| {
        desk.pages(Request::get("/list"), &paging)
            .try_for_each(|page| page.map(drop))
    });
    result.unwrap();
    let first: Vec<_> = run.requests.iter().map(|request| request.first).collect();
    assert_eq!(first, [true, true, false], "the third is asked for ahead of the second");
}

#[test]
fn a_guess_that_was_too_large_is_soon_forgotten() {
    // The guess is a sixteenth of the budget. Three answers show that the whole window fits.
    let (result, run) = with_desk(&desk(), (100, 1), |desk| {
        for number in 0..3 {
            desk.send(&double(&number).expect("a request"))?;
        }
        desk.each((0..200).map(Ok), double).next().transpose().map(drop)
    });
    result.unwrap();
    assert_eq!(run.most_in_flight, 100);
}
