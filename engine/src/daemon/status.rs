//! The daemon's state in one line, as the service manager shows it.

use plugin_api::Timestamp;

use crate::quota::words;

/// Desks that are named; the others are counted.
const NAMED: usize = 3;

/// What runs, when the next run is, and what is wrong with the configuration in the file.
pub(super) fn line(running: &[(&str, Timestamp)], next: Option<Timestamp>, refused: Option<&str>) -> String {
    let mut parts = Vec::new();
    if let Some(refused) = refused {
        parts.push(format!(
            "the configuration in the file is refused, the old one holds ({refused})"
        ));
    }
    if !running.is_empty() {
        let names = running.iter().take(NAMED);
        let mut names: Vec<_> = names
            .map(|(desk, since)| format!("{desk} since {}", words(*since)))
            .collect();
        if running.len() > NAMED {
            names.push(format!("and {} more", running.len() - NAMED));
        }
        parts.push(format!("backing up {}", names.join(", ")));
    }
    parts.push(match next {
        Some(next) => format!("next run {}", words(next)),
        None if running.is_empty() => "no schedule is set".to_owned(),
        None => "no further run".to_owned(),
    });
    parts.join("; ")
}

#[cfg(test)]
mod tests {
    use plugin_api::Timestamp;

    use super::line;

    #[test]
    fn lines() {
        let at = |text| Timestamp::parse(text).unwrap();
        let (early, late) = (at("2031-03-12T02:00:00Z"), at("2031-03-19T02:00:00Z"));
        let many = [("a", early), ("b", early), ("c", early), ("d", early), ("e", early)];
        for (running, next, refused, expected) in [
            (0, None, None, "no schedule is set"),
            (0, Some(late), None, "next run 2031-03-19 02:00:00 UTC"),
            (
                1,
                None,
                None,
                "backing up a since 2031-03-12 02:00:00 UTC; no further run",
            ),
            (
                2,
                Some(late),
                None,
                "backing up a since 2031-03-12 02:00:00 UTC, b since 2031-03-12 02:00:00 UTC; \
                 next run 2031-03-19 02:00:00 UTC",
            ),
            (
                0,
                None,
                Some("2 errors"),
                "the configuration in the file is refused, the old one holds (2 errors); no schedule is set",
            ),
        ] {
            assert_eq!(line(&many[..running], next, refused), expected);
        }
        assert!(line(&many, None, None).contains("c since 2031-03-12 02:00:00 UTC, and 2 more; "));
    }
}
