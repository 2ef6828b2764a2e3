//! The rows: what goes wrong, when, and on what desk.

use std::time::Duration;

use engine::backup::Plan;
use engine::connection::settings::Auth;
use sample_desk::Settings;
use sample_desk::settings::{Planned, Trouble, When};

use super::way::Break;

/// The request with which what comes at a moment begins: by then each module is in its midst.
const MOMENT: u64 = 60;
/// The request from which on an outage lasts: by then there is something to lose.
const LATE: u64 = 200;
const FOR_GOOD: u64 = 1_000_000;
/// With this seed one of a hundred of the later pages that are asked for repeats the one before.
const RARE_PAGE: u64 = 96;
/// With this one, of the first 400 requests no three of any ten meet a fault that one of ten meets: each is tried three times with
/// a token that ended.
const SPREAD: u64 = 199_903;
/// With this one the first request that one of a hundred faults meets is number 300.
const LATE_SEED: u64 = 25;
/// With this one the first request that one of ten faults meets is the first of a module.
const EARLY_SEED: u64 = 4;
/// One of a hundred requests, and ten.
const SHARES: [When; 2] = [When::Share(10), When::Share(100)];

/// What goes wrong.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Fault {
    /// At the desk, only with paths that have this in them.
    Desk(Trouble, Option<&'static str>),
    /// On the way to it.
    Way(Break),
}

/// What is made of it: how long things last, at the desk and here.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Turn {
    /// As every row.
    Usual,
    /// One module, one request at a time: each fault is one request's, and not that of all that are under way.
    Alone,
    /// One request at a time, and no more access tokens than ten for as long as the backup lasts.
    NoTokens,
}

/// A row before it is run.
#[derive(Clone, Debug)]
pub(super) struct Case {
    pub(super) fault: Fault,
    pub(super) when: When,
    pub(super) turn: Turn,
}

/// All rows.
pub(super) fn all() -> Vec<Case> {
    let mut cases = Vec::new();
    let mut add = |fault, turn, moments: &[When]| {
        cases.extend(moments.iter().map(|when| Case {
            fault,
            when: *when,
            turn,
        }));
    };
    let [rare, often] = SHARES;
    let alone = |trouble| matches!(trouble, Trouble::Down | Trouble::TokenEnded);
    for trouble in Trouble::ALL {
        let moments = match trouble {
            // Once is for good.
            Trouble::Revoked => vec![rare, often, When::At(0, 0), When::At(5 * MOMENT, 0)],
            // Once keeps all requests waiting.
            Trouble::Spent => vec![rare, often, When::At(MOMENT, 0)],
            Trouble::TokenEnded => vec![rare, When::At(MOMENT, 0)],
            Trouble::Down => vec![rare, When::At(1, 0), When::At(MOMENT, 0), When::At(4 * MOMENT, 0)],
            // Of later pages.
            Trouble::Repeats => vec![rare, often, When::Share(1000), When::At(3, 1)],
            // The clock is looked at with the first answer.
            Trouble::Ahead | Trouble::Behind => vec![rare, often, When::At(0, 0)],
            _ => vec![rare, often, When::At(MOMENT, 9)],
        };
        add(Fault::Desk(*trouble, None), Turn::Usual, &moments);
        if alone(*trouble) {
            add(Fault::Desk(*trouble, None), Turn::Alone, &[often]);
        }
    }
    for what in Break::ALL {
        add(Fault::Way(what), Turn::Usual, &[rare, often, When::At(MOMENT, 9)]);
    }
    // What does not pass while it is waited for.
    add(Fault::Desk(Trouble::TokenEnded, None), Turn::NoTokens, &[often]);
    let late = [When::At(LATE, FOR_GOOD)];
    for trouble in [
        Trouble::Failed,
        Trouble::Unavailable,
        Trouble::Down,
        Trouble::Reset,
        Trouble::Html,
        Trouble::CutGzip,
    ] {
        add(Fault::Desk(trouble, None), Turn::Usual, &late);
    }
    for what in Break::ALL {
        add(Fault::Way(what), Turn::Usual, &late);
    }
    for trouble in [Trouble::Failed, Trouble::Unavailable] {
        let one_search = Fault::Desk(trouble, Some("/contacts/search"));
        add(one_search, Turn::Usual, &[When::Share(1000)]);
    }
    cases
}

impl Case {
    /// What goes wrong, in words.
    pub(super) fn name(&self) -> String {
        let name = match self.fault {
            Fault::Desk(trouble, None) => trouble.name().to_owned(),
            Fault::Desk(trouble, Some(path)) => format!("{} for {path}", trouble.name()),
            Fault::Way(what) => what.name().to_owned(),
        };
        match self.turn {
            Turn::Usual => name,
            Turn::Alone => format!("{name}, one request at a time"),
            Turn::NoTokens => format!("{name}, and ten in ten minutes are given"),
        }
    }

    /// When, in words.
    pub(super) fn moment(&self) -> String {
        let what = match self.fault {
            Fault::Desk(Trouble::Repeats, _) => "later page",
            Fault::Desk(..) => "request",
            Fault::Way(_) => "connection",
        };
        match self.when {
            When::Share(1000) => "always".into(),
            When::Share(share) => format!("{} %", share / 10),
            When::At(0, _) => format!("with the first {what}"),
            When::At(number, 0) => format!("with {what} {number}"),
            When::At(number, FOR_GOOD) => format!("from {what} {number} on, for good"),
            When::At(number, more) => format!("with {what}s {number} to {}", number + more),
        }
    }

    /// Whether it depends on which request meets it what becomes of the backup.
    pub(super) fn varies(&self) -> bool {
        // It is not tried again: a record is read at the end, a list ends its module.
        self.fault == Fault::Way(Break::Certificate) && !matches!(self.when, When::At(_, FOR_GOOD))
    }

    /// The desk.
    pub(super) fn desk(&self) -> Settings {
        let mut settings = Settings {
            seed: 7,
            tickets: 60,
            custom_fields: 2,
            huge_bodies_ppm: 0,
            ..Settings::default()
        };
        match self.fault {
            Fault::Desk(trouble, path) => settings.planned.push(Planned {
                trouble,
                when: self.when,
                path: path.map(str::to_owned),
            }),
            Fault::Way(_) => settings.keep_alive = false,
        }
        match (self.fault, self.when) {
            // A list has a second page only where there are more than a hundred. Of so few pages another seed chooses some.
            (Fault::Desk(Trouble::Repeats, _), when) => {
                settings.tickets = 320;
                settings.seed = if when == When::Share(10) { RARE_PAGE } else { 7 };
            }
            // Each time all wait.
            (Fault::Desk(Trouble::Down | Trouble::Spent, _), When::Share(100)) => settings.tickets = 20,
            // By then there is something to lose.
            (Fault::Desk(Trouble::Revoked, _), When::Share(10)) => settings.seed = LATE_SEED,
            (Fault::Desk(Trouble::Revoked, _), When::Share(100)) => settings.seed = EARLY_SEED,
            // Ten tokens are given in a part of ten minutes that is as large as their life of an hour.
            (Fault::Desk(Trouble::TokenEnded, _), When::Share(100)) if self.turn == Turn::Alone => {
                settings.token_life = Duration::from_secs(2);
                settings.tickets = 20;
            }
            _ => {}
        }
        if self.turn == Turn::Alone {
            settings.seed = SPREAD;
        }
        settings
    }

    /// A policy that waits for nothing long.
    pub(super) fn hasten(&self, plan: &mut Plan) {
        let limits = &mut plan.connection.limits;
        limits.first_wait = Duration::from_millis(2);
        limits.idle_timeout = Duration::from_millis(150);
        limits.max_response_bytes = 2 << 20;
        limits.patience = Duration::from_secs(2);
        limits.token_wait = Duration::from_millis(50);
        match self.fault {
            // Late is what is slower.
            Fault::Desk(Trouble::Slow, _) => limits.request_timeout = Duration::from_millis(500),
            // A single request is tried for longer than the desk is away.
            Fault::Desk(Trouble::Down, _) => limits.first_wait = Duration::from_millis(120),
            _ => {}
        }
        if let (Turn::Alone | Turn::NoTokens, Auth::Zoho(zoho)) = (self.turn, &mut plan.connection.auth) {
            plan.modules = vec!["tickets".to_owned()];
            zoho.terms.in_flight = Some(1);
        }
    }
}
