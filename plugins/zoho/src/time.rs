//! Times, as the desk wants them in its requests.

use plugin_api::{Range, Timestamp};

const MILLI: i64 = 1_000;
const SECOND: i64 = 1_000_000;
/// 9999-12-31T23:59:59Z: years have four digits.
const LAST: i64 = 253_402_300_799 * SECOND;

/// A range for `createdTimeRange` and its like: `2031-01-01T00:00:00.000Z,2031-01-31T23:59:59.000Z`.
///
/// It never has less than `range`: the desk takes milliseconds, so the beginning is rounded down; the end is rounded up to
/// a whole second, in case the desk cuts the milliseconds off.
pub fn range(range: Range) -> String {
    let from = range.from.micros().clamp(0, LAST).div_euclid(MILLI) * MILLI;
    let to = (range.to.micros().clamp(0, LAST) + SECOND - 1).div_euclid(SECOND) * SECOND;
    format!("{},{}", milliseconds(from), milliseconds(to.min(LAST)))
}

/// `yyyy-MM-ddTHH:mm:ss.SSSZ`.
fn milliseconds(micros: i64) -> String {
    let whole = Timestamp::from_micros(micros.div_euclid(SECOND) * SECOND).to_string();
    format!(
        "{}.{:03}Z",
        whole.trim_end_matches('Z'),
        micros.rem_euclid(SECOND) / MILLI
    )
}

#[cfg(test)]
mod tests {
    use plugin_api::{Range, Timestamp};

    use super::range;

    #[test]
    fn ranges_never_become_smaller() {
        for (from, to, expected) in [
            (0, 1_000_000, "1970-01-01T00:00:00.000Z,1970-01-01T00:00:01.000Z"),
            (-5_000, 1, "1970-01-01T00:00:00.000Z,1970-01-01T00:00:01.000Z"),
            (
                1_001_999,
                1_002_000,
                "1970-01-01T00:00:01.001Z,1970-01-01T00:00:02.000Z",
            ),
            (i64::MIN, i64::MAX, "1970-01-01T00:00:00.000Z,9999-12-31T23:59:59.000Z"),
        ] {
            let asked = Range {
                from: Timestamp::from_micros(from),
                to: Timestamp::from_micros(to),
            };
            assert_eq!(range(asked), expected);
        }
    }
}
