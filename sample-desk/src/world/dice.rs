//! Chance that can be asked again: every choice is a function of the seed, the record and what is chosen.

/// Scatters the bits of a number (the finalizer of `SplitMix64`).
#[inline]
pub(super) const fn mix(value: u64) -> u64 {
    let value = (value ^ (value >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    let value = (value ^ (value >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    value ^ (value >> 31)
}

/// The chance of one record.
#[derive(Clone, Copy)]
pub(super) struct Dice(pub(super) u64);

impl Dice {
    /// The dice of the record at `place` of a kind.
    #[inline]
    pub(super) const fn new(seed: u64, kind: u8, place: u64) -> Self {
        Self(mix(seed
            .wrapping_mul(0x9e37_79b9_7f4a_7c15)
            .wrapping_add((kind as u64) << 56)
            .wrapping_add(place.wrapping_mul(0xd6e8_feb8_6659_fd93))))
    }

    /// A throw. The same `what` gives the same number.
    #[inline]
    pub(super) const fn throw(self, what: u64) -> u64 {
        mix(self.0.wrapping_add(what.wrapping_mul(0x9e37_79b9_7f4a_7c15)))
    }

    /// A throw below `n`, which is not 0.
    #[inline]
    pub(super) const fn below(self, what: u64, n: u64) -> u64 {
        ((self.throw(what) as u128 * n as u128) >> 64) as u64
    }

    /// Whether one of `n` comes true.
    #[inline]
    pub(super) const fn one_in(self, what: u64, n: u64) -> bool {
        self.below(what, n) == 0
    }

    /// Dice that depend on a further number.
    #[inline]
    pub(super) const fn with(self, more: u64) -> Self {
        Self(mix(self.0 ^ more.wrapping_mul(0xa076_1d64_78bd_642f)))
    }
}
