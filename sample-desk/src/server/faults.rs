//! What goes wrong on purpose, and with which request.

use crate::settings::Faults;

/// What goes wrong with a request.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Fault {
    Throttled,
    Failed,
    Gateway(u16),
    Cut(Cut),
    Slow,
    Garbage(Garbage),
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

/// What request number `number` meets. The same seed gives the same faults.
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
