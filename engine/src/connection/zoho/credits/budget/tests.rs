use super::*;

const NONE: Reserve = Reserve::None;
const FIFTH: Reserve = Reserve::Percent(20);

/// One of whom so much is left.
fn with(left: u64) -> Budget {
    let mut budget = Budget::default();
    let first = budget.start(3);
    budget.answered(first, Some(3), Some(left));
    budget
}

#[test]
fn the_first_finds_out_alone() {
    let mut budget = Budget::default();
    assert_eq!(budget.gate(3, FIFTH, 0), Gate::Open);
    let first = budget.start(3);
    assert_eq!(budget.gate(3, FIFTH, 0), Gate::Busy);
    assert!(!budget.answered(first, Some(3), Some(4_997)));
    assert_eq!(budget.gate(3, FIFTH, 0), Gate::Open);
    assert_eq!(budget.reserve(FIFTH), 1_000);
    // A desk that says nothing of credits is not paced.
    let mut silent = Budget::default();
    let first = silent.start(3);
    silent.answered(first, None, None);
    silent.start(3);
    assert_eq!(silent.gate(1_000, Reserve::Credits(9), 0), Gate::Open);
}

#[test]
fn what_is_under_way_is_taken_off() {
    let mut budget = with(1_010);
    for (number, gate) in [Gate::Open, Gate::Open, Gate::Open, Gate::Busy].into_iter().enumerate() {
        assert_eq!(budget.gate(3, FIFTH, 0), gate, "{number}");
        if gate == Gate::Open {
            budget.start(3);
        }
    }
    // They come cheaper than they were reckoned.
    budget.answered(2, Some(1), Some(1_009));
    budget.answered(3, Some(1), Some(1_008));
    assert_eq!(budget.gate(3, FIFTH, 0), Gate::Open);
    budget.answered(4, Some(3), Some(1_002));
    assert_eq!(budget.gate(3, FIFTH, 0), Gate::Shut);
    assert_eq!(budget.gate(1, FIFTH, 0), Gate::Open);
    assert_eq!(budget.gate(1, FIFTH, 2), Gate::Busy, "others may come cheaper too");
    assert_eq!(budget.gate(3, FIFTH, 2), Gate::Shut, "whatever the others do");
}

#[test]
fn answers_that_overtake_each_other_are_no_new_day() {
    let mut budget = with(4_000);
    let (first, second, third) = (budget.start(3), budget.start(3), budget.start(3));
    assert!(!budget.answered(third, Some(3), Some(3_991)));
    assert!(!budget.answered(first, Some(3), Some(3_997)));
    assert!(!budget.answered(second, Some(3), Some(3_994)));
    assert_eq!(budget.left(), Some(3_991));
    // One that was started behind all of these can't be older than they are.
    let next = budget.start(3);
    assert!(budget.answered(next, Some(3), Some(3_992)));
    assert_eq!((budget.left(), budget.epoch()), (Some(3_992), 1));
}

#[test]
fn a_new_day_is_seen_and_what_is_left_of_the_old_one_says_nothing() {
    let mut budget = with(1_500);
    let (old, new) = (budget.start(3), budget.start(3));
    assert!(!budget.answered(old, Some(3), Some(1_497)));
    let later = budget.start(3);
    assert!(budget.answered(later, Some(3), Some(4_990)));
    // It was taken before midnight, or after it.
    assert!(!budget.answered(new, Some(3), Some(1_494)));
    assert_eq!((budget.left(), budget.outstanding()), (Some(4_990), 3));
    let next = budget.start(1);
    assert!(!budget.answered(next, Some(1), Some(4_986)));
    assert_eq!((budget.left(), budget.outstanding()), (Some(4_986), 0));
}

#[test]
fn an_end_without_a_word_counts_until_a_later_answer() {
    let mut budget = with(1_003);
    let (cut, other) = (budget.start(2), budget.start(1));
    assert!(budget.lost(cut) && !budget.lost(cut));
    assert_eq!(budget.gate(1, FIFTH, 0), Gate::Busy);
    // Started before the other ended: it says nothing of it.
    budget.answered(other, Some(1), Some(1_002));
    assert_eq!(budget.gate(1, FIFTH, 0), Gate::Shut);
    assert_eq!(budget.gate(0, FIFTH, 0), Gate::Open);
    let next = budget.start(0);
    budget.answered(next, Some(1), Some(1_001));
    assert_eq!(budget.gate(1, FIFTH, 0), Gate::Open);
    let unsent = budget.start(1);
    budget.unsent(unsent);
    assert_eq!(budget.outstanding(), 0);
    for _ in 0..1_000 {
        let cut = budget.start(1);
        budget.lost(cut);
    }
    assert!(budget.outstanding() == 1_000 && budget.unclear.len() <= UNCLEAR);
}

#[test]
fn credits_that_should_have_returned_are_asked_for_once() {
    let mut budget = with(1_000);
    assert_eq!(budget.gate(1, FIFTH, 0), Gate::Shut);
    budget.forget();
    assert_eq!(budget.gate(3, FIFTH, 0), Gate::Open);
    let probe = budget.start(3);
    assert_eq!(budget.gate(3, FIFTH, 0), Gate::Busy);
    assert!(!budget.answered(probe, Some(3), Some(997)), "not yet");
    assert_eq!(budget.gate(1, FIFTH, 0), Gate::Shut);
    budget.forget();
    budget.forget();
    assert_eq!((budget.left(), budget.left_or_before()), (None, Some(997)));
    let probe = budget.start(3);
    assert!(budget.answered(probe, Some(3), Some(4_997)));
    assert_eq!((budget.limit(), budget.largest()), (5_000, 5_000));
    budget.spent();
    assert_eq!(budget.gate(1, NONE, 0), Gate::Shut);
}

#[test]
fn a_whole_day_is_as_large_as_was_seen_and_never_smaller_than_the_edition() {
    for (edition, left, limit) in [
        (0, 100, 5_000),
        (5_000, 4_000, 5_000),
        // A trial has the least, whatever edition it tries.
        (100_000, 4_990, 5_000),
        (100_000, 60_000, 100_000),
        (100_000, 149_997, 150_000),
        (0, u64::MAX, MOST + 3),
    ] {
        let mut budget = with(left);
        budget.set_edition(edition);
        assert_eq!(budget.limit(), limit, "{edition} {left}");
        for (reserve, credits) in [
            (NONE, 0),
            (Reserve::Credits(7), 7),
            (Reserve::Percent(33), limit.saturating_mul(33).div_ceil(100)),
        ] {
            assert_eq!(budget.reserve(reserve), credits);
        }
    }
    let mut small = with(10);
    small.forget();
    let probe = small.start(1);
    assert!(small.answered(probe, Some(1), Some(99)));
    assert_eq!(small.limit(), 100, "fewer than documented: what was seen counts");
}

#[test]
fn others_are_heard() {
    let mut budget = with(3_000);
    budget.join(7, Some(2_500), 4_000, false);
    assert_eq!((budget.left(), budget.epoch()), (Some(2_500), 7));
    budget.hear(7, 2_600, 0);
    assert_eq!(budget.left(), Some(2_500), "the least counts");
    budget.hear(7, 2_400, 0);
    assert_eq!(budget.left(), Some(2_400));
    let old = budget.start(3);
    budget.hear(6, 5, 0);
    assert_eq!(budget.left(), Some(2_400), "of yesterday");
    budget.hear(8, 4_900, 5_000);
    assert_eq!((budget.left(), budget.epoch()), (Some(4_900), 8));
    budget.answered(old, Some(3), Some(2_000));
    assert_eq!(budget.left(), Some(4_900));
    budget.forget();
    budget.hear(8, 4_000, 0);
    assert_eq!(budget.left(), None, "it finds out itself");
    budget.hear(u64::MAX, u64::MAX, u64::MAX);
    budget.day_begins();
    assert_eq!((budget.left(), budget.epoch()), (Some(MOST), u64::MAX));
    // What is asked for later than the others wrote is newer.
    let mut newer = with(3_000);
    newer.join(3, Some(1_000), 0, true);
    assert_eq!((newer.left(), newer.epoch()), (Some(3_000), 4));
    let mut first = with(3_000);
    first.join(3, None, 0, false);
    assert_eq!((first.left(), first.epoch()), (Some(3_000), 4));
}
