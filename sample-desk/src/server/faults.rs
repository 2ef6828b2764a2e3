//! What goes wrong on purpose, and with which request.

use crate::settings::{Faults, Planned, Settings, Trouble, When};

/// What goes wrong with a request.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Fault {
    Throttled,
    Failed,
    Gateway(u16),
    Cut(Cut),
    Slow,
    Garbage(Garbage),
    Planned(Trouble),
}

/// Where a connection is cut.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Cut {
    BeforeHead,
    InBody,
}

/// What comes in place of JSON.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Garbage {
    Html,
    Half,
    NotUtf8,
    Nothing,
}

/// What request number `number` for this path meets: what is planned, or what chance gives it. `later_page`: its number among
/// the requests for a page that has one before it, where it is one of them.
pub(crate) fn meet(settings: &Settings, (number, later_page): (u64, Option<u64>), path: &str) -> Option<Fault> {
    let is_met = |place: usize, planned: &Planned| {
        let number = match planned.trouble {
            Trouble::Repeats => later_page?,
            _ => number,
        };
        let is_its = match planned.when {
            When::Share(share) => {
                let hash = mix(settings.seed ^ mix(number ^ mix(place as u64 + 1)));
                (hash % 1000) < u64::from(share)
            }
            When::At(first, more) => (first..=first.saturating_add(more)).contains(&number),
        };
        let is_there = planned.path.as_ref().is_none_or(|part| path.contains(part.as_str()));
        (is_its && is_there).then_some(planned.trouble)
    };
    let mut planned = settings.planned.iter().enumerate();
    match planned.find_map(|(place, planned)| is_met(place, planned)) {
        Some(trouble) => Some(Fault::Planned(trouble)),
        None => draw(&settings.faults, settings.seed, number),
    }
}

/// What request number `number` meets by chance. The same seed gives the same faults.
pub(crate) fn draw(faults: &Faults, seed: u64, number: u64) -> Option<Fault> {
    let hash = mix(seed ^ mix(number));
    // The share and the kind within it are drawn from different bits.
    let share = (hash % 1000) as u32;
    let within = hash >> 32;
    let kinds = [
        faults.throttled,
        faults.failed,
        faults.gateway,
        faults.cut,
        faults.slow,
        faults.garbage,
    ];
    let mut below = 0;
    let kind = kinds.iter().position(|rate| {
        below += rate;
        share < below
    })?;
    Some(match kind {
        0 => Fault::Throttled,
        1 => Fault::Failed,
        2 => Fault::Gateway([502, 503, 504][(within % 3) as usize]),
        3 => Fault::Cut([Cut::BeforeHead, Cut::InBody][(within % 2) as usize]),
        4 => Fault::Slow,
        _ => Fault::Garbage([Garbage::Html, Garbage::Half, Garbage::NotUtf8, Garbage::Nothing][(within % 4) as usize]),
    })
}

/// A number that follows from another one as if by chance (the finalizer of `SplitMix64`).
pub(crate) fn mix(number: u64) -> u64 {
    let mut z = number.wrapping_add(0x9E37_79B9_7F4A_7C15);
    z = (z ^ (z >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
    z = (z ^ (z >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
    z ^ (z >> 31)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_planned_comes_where_it_is() {
        let settings = Settings {
            planned: ["reset#7", "html#10+4:/tickets/", "busy@100:/contacts"]
                .map(|text| text.parse().unwrap())
                .to_vec(),
            ..Settings::default()
        };
        let met = |number, path| match meet(&settings, (number, None), path) {
            Some(Fault::Planned(trouble)) => trouble.name(),
            _ => "",
        };
        assert_eq!([6, 7, 8].map(|number| met(number, "/x")), ["", "reset", ""]);
        assert_eq!(
            [9, 10, 14, 15].map(|number| met(number, "/tickets/1")),
            ["", "html", "html", ""]
        );
        assert_eq!(met(12, "/tasks"), "");
        let busy = (1_000..11_000)
            .filter(|number| met(*number, "/contacts") == "busy")
            .count();
        assert!((900..1_100).contains(&busy), "{busy}");
        assert!((1_000..11_000).all(|number| met(number, "/accounts").is_empty()));
    }

    #[test]
    fn faults_come_at_their_rates_and_the_same_again() {
        let faults = Faults {
            throttled: 10,
            failed: 20,
            gateway: 30,
            cut: 40,
            slow: 50,
            garbage: 60,
        };
        let all = || (0..100_000).map(|number| draw(&faults, 7, number)).collect::<Vec<_>>();
        let drawn = all();
        assert_eq!(drawn, all());
        let share = |what: fn(&Fault) -> bool| drawn.iter().flatten().filter(|fault| what(fault)).count();
        let counts = [
            share(|fault| matches!(fault, Fault::Throttled)),
            share(|fault| matches!(fault, Fault::Failed)),
            share(|fault| matches!(fault, Fault::Gateway(_))),
            share(|fault| matches!(fault, Fault::Cut(_))),
            share(|fault| matches!(fault, Fault::Slow)),
            share(|fault| matches!(fault, Fault::Garbage(_))),
        ];
        for (count, rate) in counts.into_iter().zip([10, 20, 30, 40, 50, 60]) {
            assert!(count.abs_diff(rate * 100) < rate * 10, "{counts:?}");
        }
        let halves = share(|fault| matches!(fault, Fault::Garbage(Garbage::Half)));
        assert!(halves.abs_diff(1_500) < 200, "{halves}");
        assert!((0..1000).all(|number| draw(&Faults::default(), 7, number).is_none()));
    }
}
