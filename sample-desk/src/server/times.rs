//! Times of the API: `2031-03-14T08:12:47.000Z`.

use chrono::NaiveDateTime;

/// Microseconds since 1970 of a time with a literal `Z` and at most three digits of a fraction.
pub(crate) fn parse(text: &str) -> Option<i64> {
    let text = text.strip_suffix('Z')?;
    let (whole, fraction) = text.split_once('.').unwrap_or((text, ""));
    if whole.len() != 19 || fraction.len() > 3 || !fraction.bytes().all(|byte| byte.is_ascii_digit()) {
        return None;
    }
    let seconds = NaiveDateTime::parse_from_str(whole, "%Y-%m-%dT%H:%M:%S")
        .ok()?
        .and_utc()
        .timestamp();
    let millis: i64 = format!("{fraction:0<3}").parse().ok()?;
    Some((seconds * 1000 + millis) * 1000)
}

/// Both ends of a range `FROM,TO`, as the first and the last microsecond that belong to it. A time of the API has
/// milliseconds, so all microseconds of one are the same to it.
pub(crate) fn range(text: &str, inclusive: bool) -> Option<(i64, i64)> {
    let (from, to) = text.split_once(',')?;
    let (from, to) = (parse(from)?, parse(to)?);
    Some(if inclusive {
        (from, to + 999)
    } else {
        (from + 1000, to - 1)
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn times_are_read() {
        let check = |text: &str, expect: Option<i64>| assert_eq!(parse(text), expect, "{text}");
        check("1970-01-01T00:00:00.000Z", Some(0));
        check("1970-01-01T00:00:00Z", Some(0));
        check("1970-01-01T00:00:01.5Z", Some(1_500_000));
        check("2031-03-14T08:12:47.123Z", Some(1_931_242_367_123_000));
        check("2031-03-14T08:12:47.123", None);
        check("2031-03-14T08:12:47.123+00:00", None);
        check("2031-13-14T08:12:47.123Z", None);
        check("2031-03-14 08:12:47Z", None);
        check("2031-03-14T08:12:47.1234Z", None);
        check("2031-3-14T08:12:47Z", None);
        check("", None);
    }

    #[test]
    fn ends_belong_to_a_range_or_not() {
        let text = "1970-01-01T00:00:01.000Z,1970-01-01T00:00:02.000Z";
        assert_eq!(range(text, true), Some((1_000_000, 2_000_999)));
        assert_eq!(range(text, false), Some((1_001_000, 1_999_999)));
        assert_eq!(range("1970-01-01T00:00:01.000Z", true), None);
        assert_eq!(range("1970-01-01T00:00:01.000Z,", true), None);
    }
}
