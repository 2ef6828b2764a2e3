//! Lists and searches: which records match, how many, and those of a page.
//!
//! Without changes a position is a record's index (by createdTime) or stands in a table (by modifiedTime). Where
//! something changed, the records that are no longer at their place are skipped, and edited ones merged in where they went.

use std::ops::Range;
use std::sync::Arc;

use super::clock::Clock;
use super::desk::World;
use super::id::Place;
use super::overlay::Touch;
use super::{By, Filter, Id, Kind, Page, Standing, people};

/// A kind, and which tickets: `archived` and `spam` of the filter.
pub(super) type OrderKey = (Kind, Option<bool>, Option<bool>);

/// Records in an order, as the seed says.
enum Base {
    /// Ranges of indices.
    Ranges(Vec<Range<u32>>),
    /// A stretch of a table of indices.
    Table(Arc<[u32]>, Range<usize>),
}

impl Base {
    fn len(&self) -> usize {
        match self {
            Self::Ranges(ranges) => ranges.iter().map(std::iter::ExactSizeIterator::len).sum(),
            Self::Table(_, stretch) => stretch.len(),
        }
    }

    fn at(&self, mut position: usize) -> u32 {
        match self {
            Self::Ranges(ranges) => {
                for range in ranges {
                    if position < range.len() {
                        return range.start + position as u32;
                    }
                    position -= range.len();
                }
                u32::MAX
            }
            Self::Table(table, stretch) => table[stretch.start + position],
        }
    }
}

/// A base with what changed.
struct Sequence {
    base: Base,
    /// Positions of the base that are skipped, ascending.
    skipped: Vec<usize>,
    /// Edited records, with the number of positions of the base (not skipped) that come before them; ascending.
    moved: Vec<(usize, u32)>,
}

impl Sequence {
    fn len(&self) -> usize {
        self.base.len() - self.skipped.len() + self.moved.len()
    }

    /// The record at a position.
    fn at(&self, position: usize) -> u32 {
        // How many of the moved ones come before.
        let before = count_of(self.moved.len(), |n| self.moved[n].0 + n < position);
        if let Some((rank, index)) = self.moved.get(before)
            && rank + before == position
        {
            return *index;
        }
        let place = position - before;
        // The n-th of the skipped has so many before it that are not; where they are no more than those wanted, it is skipped.
        let skipped = count_of(self.skipped.len(), |n| self.skipped[n] - n <= place);
        self.base.at(place + skipped)
    }
}

/// How many of the first `len` numbers are as `wanted`, which none is after one that is not.
fn count_of(len: usize, wanted: impl Fn(usize) -> bool) -> usize {
    let (mut first, mut end) = (0, len);
    while first < end {
        let middle = usize::midpoint(first, end);
        if wanted(middle) {
            first = middle + 1;
        } else {
            end = middle;
        }
    }
    first
}

impl World {
    /// A page.
    pub(super) fn find(&self, kind: Kind, filter: &Filter, by: By, descending: bool, from: u64, limit: u64) -> Page {
        let Some(clock) = self.clock(kind) else {
            return Page::default();
        };
        if let Some(ids) = &filter.ids {
            return self.find_ids(kind, filter, by, descending, (from, limit), ids);
        }
        let sequence = self.sequence(kind, clock, filter, by);
        let other = match by {
            By::Created => filter.modified.is_some(),
            By::Modified => filter.created.is_some(),
        };
        if !other && filter.department.is_none() {
            let total = sequence.len() as u64;
            let positions = from.min(total)..from.saturating_add(limit).min(total);
            let positions = positions.map(|n| if descending { total - 1 - n } else { n } as usize);
            return Page {
                total,
                ids: positions.map(|n| Place::top(kind, sequence.at(n)).id()).collect(),
            };
        }
        // What no order answers is looked for.
        let mut page = Page::default();
        for n in 0..sequence.len() {
            let index = sequence.at(if descending { sequence.len() - 1 - n } else { n });
            if self.matches(kind, index, filter) {
                if page.total >= from && page.total - from < limit {
                    page.ids.push(Place::top(kind, index).id());
                }
                page.total += 1;
            }
        }
        page
    }

    fn find_ids(
        &self,
        kind: Kind,
        filter: &Filter,
        by: By,
        descending: bool,
        (from, limit): (u64, u64),
        ids: &[Id],
    ) -> Page {
        let zones = self.zones(kind, filter);
        let mut found: Vec<(i64, u32)> = ids
            .iter()
            .filter_map(|id| id.place())
            .filter(|place| place.kind == kind && self.is_real(*place) && self.where_is(*place) == Standing::Present)
            .filter(|place| zones.iter().any(|zone| zone.contains(&place.index)))
            .filter(|place| self.matches(kind, place.index, filter))
            .map(|place| match by {
                By::Created => (self.created(kind, place.index), place.index),
                By::Modified => (self.times_of(place).modified, place.index),
            })
            .collect();
        found.sort_unstable();
        found.dedup();
        if descending {
            found.reverse();
        }
        let page = found.iter().skip(from as usize).take(limit as usize);
        Page {
            total: found.len() as u64,
            ids: page.map(|(_, index)| Place::top(kind, *index).id()).collect(),
        }
    }

    /// Whether a record is in the filter's ranges and its department.
    fn matches(&self, kind: Kind, index: u32, filter: &Filter) -> bool {
        let times = self.times_of(Place::top(kind, index));
        let within = |range: Option<(i64, i64)>, time: i64| range.is_none_or(|(from, to)| from <= time && time <= to);
        within(filter.created, times.created)
            && within(filter.modified, times.modified)
            && filter
                .department
                .is_none_or(|department| self.is_of(kind, index, department))
    }

    fn is_of(&self, kind: Kind, index: u32, department: Id) -> bool {
        if kind == Kind::Product {
            return self
                .product_departments(index)
                .any(|of| people::department_id(of) == department);
        }
        self.department_of(Place::top(kind, index)).map(people::department_id) == Some(department)
    }

    /// The indices of a kind that `archived` and `spam` let through, in the order of createdTime.
    fn zones(&self, kind: Kind, filter: &Filter) -> Vec<Range<u32>> {
        let sizes = &self.sizes;
        if kind != Kind::Ticket {
            return std::iter::once(0..sizes.of(kind)).collect();
        }
        let all = [
            (0..sizes.archived, true, false),
            (sizes.archived..sizes.tickets, false, false),
            (sizes.tickets..sizes.tickets + sizes.spam, false, true),
        ];
        let wanted = all.into_iter().filter(|(_, archived, spam)| {
            filter.archived.is_none_or(|want| want == *archived) && filter.spam.is_none_or(|want| want == *spam)
        });
        wanted.map(|(zone, ..)| zone).collect()
    }

    fn sequence(&self, kind: Kind, clock: &Clock, filter: &Filter, by: By) -> Sequence {
        let zones = self.zones(kind, filter);
        // Read once: what is edited meanwhile must not be both at its old place and at its new one.
        let touched = self.touched(kind);
        match by {
            By::Created => {
                let (first, last) = match filter.created {
                    Some((from, to)) => (clock.before(from) as u32, clock.before(to.saturating_add(1)) as u32),
                    None => (0, u32::MAX),
                };
                let cut = |zone: Range<u32>| zone.start.max(first)..zone.end.min(last);
                let ranges: Vec<_> = zones
                    .iter()
                    .cloned()
                    .map(cut)
                    .filter(|range| !range.is_empty())
                    .collect();
                let position = |index: u32| {
                    let mut before = 0;
                    for range in &ranges {
                        if range.contains(&index) {
                            return Some(before + (index - range.start) as usize);
                        }
                        before += range.len();
                    }
                    None
                };
                let elsewhere = |(index, touch): &&(u32, Touch)| *touch == Touch::Removed || self.is_late(kind, *index);
                let elsewhere = touched.iter().filter(elsewhere);
                let skipped: Vec<usize> = elsewhere.filter_map(|(index, _)| position(*index)).collect();
                let moved = self.born_between(kind, filter, &zones, &touched);
                let base = Base::Ranges(ranges);
                // What is made while the desk runs is later than all that the seed says.
                let rank = base.len() - skipped.len();
                Sequence {
                    base,
                    skipped,
                    moved: moved.into_iter().map(|index| (rank, index)).collect(),
                }
            }
            By::Modified => {
                let key = match kind {
                    Kind::Ticket => (kind, filter.archived, filter.spam),
                    _ => (kind, None, None),
                };
                let table = self.order(key, clock, &zones);
                let (from, to) = filter.modified.unwrap_or((i64::MIN, i64::MAX));
                let first = table.partition_point(|index| clock.modified(u64::from(*index)) < from);
                let last = table
                    .partition_point(|index| clock.modified(u64::from(*index)) <= to)
                    .max(first);
                let place = |time: i64, of: u32| {
                    let before = |index: &u32| (clock.modified(u64::from(*index)), *index) < (time, of);
                    table[first..last].partition_point(before)
                };
                let in_zone = |index: u32| zones.iter().any(|zone| zone.contains(&index));
                let skip = |(index, _): &(u32, Touch)| {
                    let position = place(clock.modified(u64::from(*index)), *index);
                    (in_zone(*index) && table[first..last].get(position) == Some(index)).then_some(position)
                };
                let mut skipped: Vec<usize> = touched.iter().filter_map(skip).collect();
                skipped.sort_unstable();
                let edit = |(index, touch): &(u32, Touch)| match touch {
                    Touch::Moved(time) if in_zone(*index) && from <= *time && *time <= to => Some((*time, *index)),
                    _ => None,
                };
                let mut edited: Vec<(i64, u32)> = touched.iter().filter_map(edit).collect();
                edited.sort_unstable();
                let rank = |(time, index): (i64, u32)| {
                    let position = place(time, index);
                    (position - skipped.partition_point(|skipped| *skipped < position), index)
                };
                let moved = edited.into_iter().map(rank).collect();
                Sequence {
                    base: Base::Table(Arc::clone(&table), first..last),
                    skipped,
                    moved,
                }
            }
        }
    }

    /// The records that were made while the desk ran and are there, by createdTime, as far as the filter lets them through.
    fn born_between(&self, kind: Kind, filter: &Filter, zones: &[Range<u32>], touched: &[(u32, Touch)]) -> Vec<u32> {
        let (from, to) = filter.created.unwrap_or((i64::MIN, i64::MAX));
        let there = touched.iter().filter(|(_, touch)| *touch != Touch::Removed);
        let born = there.filter_map(|(index, _)| Some((self.born(kind, *index)?, *index)));
        let mut born: Vec<(i64, u32)> = born
            .filter(|(time, index)| from <= *time && *time <= to && zones.iter().any(|zone| zone.contains(index)))
            .collect();
        born.sort_unstable();
        born.into_iter().map(|(_, index)| index).collect()
    }

    /// What is not where the seed says, by index.
    fn touched(&self, kind: Kind) -> Vec<(u32, Touch)> {
        if !self.changed.load(std::sync::atomic::Ordering::Acquire) {
            return Vec::new();
        }
        self.read(|overlay| {
            let all = overlay.touched(kind).into_iter().flatten();
            all.map(|(index, touch)| (*index, *touch)).collect()
        })
    }

    /// The indices of these zones by the modifiedTime that the seed says.
    fn order(&self, key: OrderKey, clock: &Clock, zones: &[Range<u32>]) -> Arc<[u32]> {
        // One builds, the others wait for it: two at once would take twice the memory.
        let mut orders = self.orders.lock().unwrap_or_else(std::sync::PoisonError::into_inner);
        let order = orders.entry(key).or_insert_with(|| {
            let mut all: Vec<(i64, u32)> = zones
                .iter()
                .cloned()
                .flatten()
                .map(|index| (clock.modified(u64::from(index)), index))
                .collect();
            all.sort_unstable();
            all.into_iter().map(|(_, index)| index).collect()
        });
        Arc::clone(order)
    }
}
