//! The token, with a clock that tokio moves on whenever nothing else is to be done.

use std::collections::VecDeque;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use plugin_api::ErrorKind;
use tokio::task::JoinSet;
use tokio::time::Instant;

use super::super::access::Later;
use super::super::retry::Policy;
use super::super::settings::{Limits, Secret};
use super::grant::{Grant, Refusal};
use super::keeper::{Keeper, Source};

/// Answers in their order, each after a second; then tokens for an hour.
struct Script {
    answers: Mutex<VecDeque<Result<u64, Refusal>>>,
    asked: Arc<AtomicUsize>,
}

impl Source for Script {
    fn fetch(&self) -> Later<'_, Result<Grant, Refusal>> {
        Box::pin(async {
            let number = self.asked.fetch_add(1, Ordering::SeqCst) + 1;
            tokio::time::sleep(Duration::from_secs(1)).await;
            let life = self.answers.lock().unwrap().pop_front().unwrap_or(Ok(3600))?;
            Ok(Grant {
                access: Secret::new(format!("1000.token{number}")),
                refresh: None,
                life: Duration::from_secs(life),
            })
        })
    }
}

fn keeper(answers: impl IntoIterator<Item = Result<u64, Refusal>>) -> (Arc<Keeper>, Arc<AtomicUsize>) {
    let asked = Arc::new(AtomicUsize::new(0));
    let script = Script {
        answers: Mutex::new(answers.into_iter().collect()),
        asked: Arc::clone(&asked),
    };
    let keeper = Keeper::new(
        "acme",
        Box::new(script),
        Policy::new(&Limits::default()),
        Box::new(|| 0.5),
    );
    (keeper, asked)
}

fn passing() -> Result<u64, Refusal> {
    Err(Refusal::Passing("it answered with 502".into()))
}

async fn number(keeper: &Arc<Keeper>) -> u64 {
    keeper.token().await.ok().unwrap().number
}

/// How many seconds pass until there is a token, or why there is none.
async fn waited(keeper: &Arc<Keeper>) -> (u64, Result<u64, ErrorKind>) {
    let begun = Instant::now();
    let token = keeper.token().await;
    (
        begun.elapsed().as_secs(),
        token.map(|token| token.number).map_err(|error| error.kind),
    )
}

#[tokio::test(start_paused = true)]
async fn many_who_wait_get_one_token() {
    let (keeper, asked) = keeper([]);
    let mut all = JoinSet::new();
    for _ in 0..100 {
        let keeper = Arc::clone(&keeper);
        all.spawn(async move { number(&keeper).await });
    }
    assert!(all.join_all().await.iter().all(|number| *number == 1));
    assert_eq!(asked.load(Ordering::SeqCst), 1);
}

#[tokio::test(start_paused = true)]
async fn a_token_is_renewed_five_minutes_before_its_end_and_nobody_waits() {
    let (keeper, asked) = keeper([]);
    assert_eq!(waited(&keeper).await, (1, Ok(1)));
    // Its life counts from when it was asked for.
    tokio::time::advance(Duration::from_secs(3298)).await;
    assert_eq!(waited(&keeper).await, (0, Ok(1)));
    assert_eq!(asked.load(Ordering::SeqCst), 1, "not yet");
    tokio::time::advance(Duration::from_secs(1)).await;
    for _ in 0..10 {
        assert_eq!(waited(&keeper).await, (0, Ok(1)), "it is still good");
    }
    tokio::time::sleep(Duration::from_secs(2)).await;
    assert_eq!(waited(&keeper).await, (0, Ok(2)));
    assert_eq!(asked.load(Ordering::SeqCst), 2);
    // Nobody asked for hours: what is old is not used.
    tokio::time::advance(Duration::from_hours(2)).await;
    assert_eq!(waited(&keeper).await, (1, Ok(3)));
}

#[tokio::test(start_paused = true)]
async fn a_short_life_is_used_almost_whole() {
    let (keeper, asked) = keeper(std::iter::repeat_n(Ok(12), 100));
    let begun = Instant::now();
    while begun.elapsed() < Duration::from_mins(2) {
        number(&keeper).await;
        tokio::time::sleep(Duration::from_millis(100)).await;
    }
    // Eleven of twelve seconds each.
    let asked = asked.load(Ordering::SeqCst);
    assert!((11..=12).contains(&asked), "{asked} tokens in two minutes");
}

#[tokio::test(start_paused = true)]
async fn many_refusals_of_one_token_make_one_renewal() {
    let (keeper, asked) = keeper([]);
    assert_eq!(number(&keeper).await, 1);
    for _ in 0..25 {
        keeper.refused(1);
    }
    assert_eq!(number(&keeper).await, 2);
    keeper.taken(2);
    keeper.refused(1);
    assert_eq!(waited(&keeper).await, (0, Ok(2)), "the refused one was another");
    assert_eq!(asked.load(Ordering::SeqCst), 2);
}

#[tokio::test(start_paused = true)]
async fn a_desk_that_refuses_every_token_is_not_asked_for_ever() {
    let (keeper, asked) = keeper([]);
    for expected in 1..=4 {
        assert_eq!(number(&keeper).await, expected);
        keeper.refused(expected);
    }
    for _ in 0..10 {
        assert_eq!(waited(&keeper).await, (0, Err(ErrorKind::Unauthorized)));
    }
    assert_eq!(asked.load(Ordering::SeqCst), 4);
}

#[tokio::test(start_paused = true)]
async fn what_passes_is_tried_again_and_what_does_not_is_remembered() {
    // Each try takes a second; the waits between are half of 1, 2, 4, ... seconds.
    let (working, _) = keeper([passing(), passing(), Ok(3600)]);
    assert_eq!(waited(&working).await, (4, Ok(1)));

    let (crowded, _) = keeper([Err(Refusal::TooMany), Ok(3600)]);
    assert_eq!(waited(&crowded).await, (62, Ok(1)));

    let (down, asked) = keeper(std::iter::repeat_n(passing(), 6));
    assert_eq!(waited(&down).await, (21, Err(ErrorKind::Network)));
    assert_eq!(asked.load(Ordering::SeqCst), 6);
    for _ in 0..10 {
        assert_eq!(waited(&down).await, (0, Err(ErrorKind::Network)), "not at once again");
    }
    tokio::time::advance(Duration::from_secs(31)).await;
    assert_eq!(waited(&down).await, (1, Ok(1)));

    for dead in [Refusal::DeadToken, Refusal::Client, Refusal::Other("x".into())] {
        let (dead, asked) = keeper([Err(dead)]);
        assert_eq!(waited(&dead).await, (1, Err(ErrorKind::Unauthorized)));
        tokio::time::advance(Duration::from_hours(5)).await;
        assert_eq!(waited(&dead).await, (0, Err(ErrorKind::Unauthorized)));
        assert_eq!(asked.load(Ordering::SeqCst), 1);
    }
}

#[tokio::test(start_paused = true)]
async fn a_renewal_that_fails_does_not_harm_a_token_that_is_good() {
    let failures = std::iter::repeat_n(passing(), 6);
    let (keeper, asked) = keeper([Ok(3600)].into_iter().chain(failures).chain([Ok(3600)]));
    assert_eq!(number(&keeper).await, 1);
    tokio::time::advance(Duration::from_secs(3310)).await;
    let begun = Instant::now();
    let mut seen = Vec::new();
    while begun.elapsed() < Duration::from_mins(2) {
        let (waited, token) = waited(&keeper).await;
        assert_eq!(waited, 0);
        seen.push(token.unwrap());
        tokio::time::sleep(Duration::from_secs(1)).await;
    }
    assert_eq!((seen.first(), seen.last()), (Some(&1), Some(&2)));
    assert_eq!(asked.load(Ordering::SeqCst), 8);
}

#[tokio::test(start_paused = true)]
async fn tokens_are_taken_out_of_texts() {
    let (keeper, _) = keeper([]);
    number(&keeper).await;
    keeper.refused(1);
    number(&keeper).await;
    assert_eq!(
        keeper.scrub("Zoho-oauthtoken 1000.token1, 1000.token2"),
        "Zoho-oauthtoken [secret], [secret]"
    );
}
