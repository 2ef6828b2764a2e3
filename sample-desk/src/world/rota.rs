//! What belongs to tickets and yet has an order of its own: of every 64 tickets, a fixed number of positions has some.
//! Thus the n-th of all is found without counting through the tickets.

use super::dice::Dice;

const BLOCK: u32 = 64;

/// Positions of a block that have some, with how many: 19 time entries for 64 tickets.
pub(super) const ENTRIES: [(u32, u32); 14] = [
    (1, 1),
    (4, 2),
    (9, 1),
    (13, 1),
    (17, 3),
    (22, 1),
    (26, 1),
    (31, 1),
    (37, 2),
    (41, 1),
    (46, 1),
    (51, 1),
    (55, 1),
    (60, 2),
];

/// 12 tasks for 64 tickets.
pub(super) const TASKS: [(u32, u32); 10] = [
    (2, 1),
    (7, 2),
    (12, 1),
    (20, 1),
    (28, 1),
    (33, 1),
    (40, 2),
    (44, 1),
    (52, 1),
    (59, 1),
];

/// Who has how many, and which ones.
pub(super) struct Rota {
    seed: u64,
    kind: u8,
    /// By position: how many before it in the block.
    before: [u32; BLOCK as usize + 1],
    /// Tickets that can have some.
    tickets: u32,
}

impl Rota {
    pub(super) fn new(seed: u64, kind: u8, pattern: &[(u32, u32)], tickets: u32) -> Self {
        let mut before = [0; BLOCK as usize + 1];
        for position in 0..BLOCK as usize {
            let here = pattern
                .iter()
                .find(|entry| entry.0 as usize == position)
                .map_or(0, |entry| entry.1);
            before[position + 1] = before[position] + here;
        }
        Self {
            seed,
            kind,
            before,
            tickets,
        }
    }

    fn turn(&self, block: u32) -> u32 {
        Dice::new(self.seed, self.kind, u64::from(block)).below(1, u64::from(BLOCK)) as u32
    }

    const fn per_block(&self) -> u32 {
        self.before[BLOCK as usize]
    }

    /// How many numbers there are; in the last block some are nobody's.
    pub(super) const fn numbers(&self) -> u32 {
        self.tickets.div_ceil(BLOCK) * self.per_block()
    }

    /// Numbers of what a ticket has: the first, and how many.
    pub(super) fn of(&self, ticket: u32) -> (u32, u32) {
        if ticket >= self.tickets {
            return (0, 0);
        }
        let block = ticket / BLOCK;
        let position = ((ticket + self.turn(block)) % BLOCK) as usize;
        let first = self.before[position];
        (block * self.per_block() + first, self.before[position + 1] - first)
    }

    /// The ticket that has this number, and which of its own it is.
    pub(super) fn owner(&self, number: u32) -> Option<(u32, u32)> {
        let (block, rest) = (number / self.per_block(), number % self.per_block());
        let position = self.before.partition_point(|before| *before <= rest) as u32 - 1;
        let ticket = block * BLOCK + (position + BLOCK - self.turn(block)) % BLOCK;
        (ticket < self.tickets).then(|| (ticket, rest - self.before[position as usize]))
    }
}

#[cfg(test)]
mod tests {
    use super::{ENTRIES, Rota, TASKS};

    #[test]
    fn numbers_and_tickets_agree() {
        for tickets in [1, 63, 64, 65, 200, 1000] {
            for pattern in [&ENTRIES[..], &TASKS[..]] {
                let rota = Rota::new(3, 210, pattern, tickets);
                let mut seen = 0;
                for ticket in 0..tickets {
                    let (first, count) = rota.of(ticket);
                    for n in 0..count {
                        assert_eq!(rota.owner(first + n), Some((ticket, n)));
                        assert!(first + n < rota.numbers());
                    }
                    seen += count;
                }
                let owned = (0..rota.numbers())
                    .filter(|number| rota.owner(*number).is_some())
                    .count();
                assert_eq!(owned, seen as usize);
                assert_eq!(rota.of(tickets), (0, 0));
            }
        }
    }
}
