//! The organisation of a desk: which one it is, and what its edition allows. Pure.

use serde::Deserialize;
use serde_json::Value;

/// An organisation as `GET /organizations` gives it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Organisation {
    /// Its id, digits.
    pub(crate) id: String,
    /// What people call it.
    pub(crate) name: String,
    /// Its edition, as the desk names it.
    pub(crate) edition: String,
    is_default: bool,
}

/// Requests that an edition answers at one time. (Zoho Desk's API documentation, "API limits".) One that is not known
/// here is asked as carefully as the smallest.
pub(super) fn in_flight(edition: &str) -> usize {
    match edition.to_ascii_uppercase().replace(['_', ' '], "").as_str() {
        "EXPRESS" | "STANDARD" => 10,
        "PROFESSIONAL" => 15,
        "ENTERPRISE" | "ULTIMATE" | "ZOHOONE" | "CRMPLUS" => 25,
        _ => SMALLEST,
    }
}

/// Credits that an edition has a day at least, whatever its users add to them; 0 where it is not known. (The same place.)
pub(super) fn daily_credits(edition: &str) -> u64 {
    match edition.to_ascii_uppercase().replace(['_', ' '], "").as_str() {
        "FREE" => 5_000,
        "EXPRESS" => 25_000,
        "STANDARD" => 50_000,
        "PROFESSIONAL" => 75_000,
        "ENTERPRISE" | "ULTIMATE" | "ZOHOONE" | "CRMPLUS" => 100_000,
        _ => 0,
    }
}

/// What every edition answers at one time.
pub(super) const SMALLEST: usize = 5;

/// Reads the list of organisations.
pub(super) fn read(body: &[u8]) -> Result<Vec<Organisation>, String> {
    #[derive(Deserialize)]
    struct List {
        #[serde(default)]
        data: Vec<Row>,
    }
    #[derive(Deserialize)]
    #[serde(rename_all = "camelCase")]
    struct Row {
        id: Value,
        company_name: Option<String>,
        portal_name: Option<String>,
        edition: Option<String>,
        is_default: Option<Value>,
    }
    let list: List =
        serde_json::from_slice(body).map_err(|error| format!("its list of organisations cannot be read: {error}"))?;
    let read = |row: Row| {
        // A number, against what ids are elsewhere.
        let id = match row.id {
            Value::String(id) => id,
            Value::Number(id) => id.to_string(),
            _ => String::new(),
        };
        if id.is_empty() || !id.bytes().all(|byte| byte.is_ascii_digit()) {
            return Err("its list of organisations has one whose id is no number".to_owned());
        }
        Ok(Organisation {
            id,
            name: row.company_name.or(row.portal_name).unwrap_or_default(),
            edition: row.edition.unwrap_or_default(),
            is_default: row.is_default.is_some_and(|value| value == true || value == "true"),
        })
    };
    list.data.into_iter().map(read).collect()
}

/// The one that is meant. The error is half a sentence that lists what there is.
pub(super) fn choose(mut all: Vec<Organisation>, wanted: Option<&str>) -> Result<Organisation, String> {
    let place = match wanted {
        Some(wanted) => all.iter().position(|one| one.id == wanted),
        None if all.len() == 1 => Some(0),
        None => {
            let mut defaults = (0..all.len()).filter(|place| all[*place].is_default);
            defaults.next().filter(|_| defaults.next().is_none())
        }
    };
    if let Some(place) = place {
        return Ok(all.swap_remove(place));
    }
    let named = |one: &Organisation| {
        let name = crate::config::text::excerpt(&one.name);
        format!("{} ({name})", one.id)
    };
    let listed: Vec<String> = all.iter().map(named).collect();
    Err(match (wanted, listed.is_empty()) {
        (_, true) => "the refresh token sees no organisation: grant another with `deskvault connect`".to_owned(),
        (Some(wanted), _) => format!(
            "the refresh token does not see the organisation {wanted} of `org_id`; it sees {}",
            listed.join(", ")
        ),
        (None, _) => format!(
            "the refresh token sees several organisations: set `org_id` to one of {}",
            listed.join(", ")
        ),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn editions_bear_what_is_documented() {
        for (edition, expected) in [
            ("FREE", 5),
            ("EXPRESS", 10),
            ("STANDARD", 10),
            ("PROFESSIONAL", 15),
            ("ENTERPRISE", 25),
            ("ULTIMATE", 25),
            ("ZOHOONE", 25),
            ("ZOHO_ONE", 25),
            ("enterprise", 25),
            ("GALACTIC", 5),
            ("", 5),
        ] {
            assert_eq!(in_flight(edition), expected, "{edition}");
        }
    }

    #[test]
    fn the_organisation_is_chosen_or_the_choice_is_shown() {
        let one = r#"{"id": 20077001, "companyName": "Harbour", "edition": "PROFESSIONAL", "isDefault": true}"#;
        let other = r#"{"id": "7", "companyName": null, "portalName": "サポート\u001b", "isDefault": "false"}"#;
        let third = r#"{"id": "8", "isDefault": "true", "more": [1]}"#;
        for (rows, wanted, expected) in [
            (vec![one], None, Ok("20077001 Harbour PROFESSIONAL")),
            (vec![one, other], None, Ok("20077001 Harbour PROFESSIONAL")),
            (vec![one, other], Some("7"), Ok("7 サポート\u{1b} ")),
            (
                vec![one, other],
                Some("9"),
                Err("20077001 (Harbour), 7 (サポート\\u{1b})"),
            ),
            (
                vec![one, third],
                None,
                Err("set `org_id` to one of 20077001 (Harbour), 8 ()"),
            ),
            (vec![other, other], None, Err("several")),
            (vec![], None, Err("no organisation")),
            (vec![r#"{"id": null}"#], None, Err("no number")),
            (vec![r#"{"id": "1\r\nX-A: 1"}"#], None, Err("no number")),
        ] {
            let body = format!(r#"{{"data":[{}]}}"#, rows.join(","));
            let chosen = read(body.as_bytes()).and_then(|all| choose(all, wanted));
            match (chosen, expected) {
                (Ok(one), Ok(expected)) => assert_eq!(format!("{} {} {}", one.id, one.name, one.edition), expected),
                (Err(why), Err(expected)) => assert!(why.contains(expected), "{why} / {expected}"),
                (chosen, _) => panic!("{chosen:?} where {expected:?} is expected"),
            }
        }
        assert!(read(b"{\"data\":7}").is_err() && read(b"").is_err());
    }
}
