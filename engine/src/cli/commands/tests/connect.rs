//! `deskvault connect` and `deskvault sample-desk`, with an engine that answers from a script.

use super::{Connected, Script, given};
use crate::connection::zoho::connect::{Probe, Reading};

const ZOHO: &str = "[[desk]]\nname = 'main'\nmodules = ['tickets', 'products']\n[desk.connection]\nkind = 'zoho'\n\
                    data_center = 'eu'\nclient_id = '1000.A'\nclient_secret = 'whisper'\n";

fn connected(readings: [(&'static str, Reading); 2]) -> Script {
    let probes = readings.map(|(module, reading)| Probe {
        module,
        path: "/path",
        reading,
    });
    Script {
        connected: Some(Connected {
            organisation: Some(("Harbour\u{1b}[2J".into(), "9".into(), "PROFESSIONAL".into())),
            in_flight: 15,
            probes: probes.into(),
        }),
        ..Script::default()
    }
}

#[test]
fn a_person_is_walked_through() {
    let script = connected([
        ("tickets", Reading::Ok),
        ("articles", Reading::Missing("Desk.articles.READ")),
    ]);
    let given = given(
        "connect",
        Some(&format!("{ZOHO}refresh_token_file = 'token'\n")),
        &script,
    );
    assert_eq!(
        (given.exit, given.err.as_str()),
        (0, ""),
        "articles are not among the desk's modules"
    );
    assert_eq!(given.asked, "main HOME/token 1000.code");
    for part in [
        "Open https://api-console.zoho.eu/\n",
        "\nDesk.tickets.READ,Desk.contacts.READ,Desk.tasks.READ,Desk.calls.READ,Desk.events.READ,Desk.activities.READ,\
         Desk.products.READ,Desk.articles.READ,Desk.basic.READ,Desk.settings.READ,Desk.search.READ\n",
        "kept in HOME/token, readable by its owner alone",
        "The desk main is Harbour\\u{1b}[2J (9), edition PROFESSIONAL; up to 15 requests at one time.",
        "MISSING: the scope Desk.articles.READ",
        "with --force",
    ] {
        assert!(given.out.contains(part), "{part} in\n{}", given.out);
    }
    assert!(!given.out.contains("1000.code") && !given.out.contains("whisper"));
}

#[test]
fn a_module_that_cannot_be_read_is_told_by_the_exit_code() {
    let refused = Reading::Refused("LICENSE_ACCESS_LIMITED: no".into());
    let script = connected([("tickets", Reading::Ok), ("products", refused)]);
    let given = given(
        "connect",
        Some(&format!("{ZOHO}refresh_token_file = 'token'\n")),
        &script,
    );
    assert_eq!(given.exit, 3);
    assert!(given.out.contains("REFUSED: LICENSE_ACCESS_LIMITED"), "{}", given.out);
}

#[test]
fn what_cannot_be_connected_is_said_before_a_code_is_asked_for() {
    let script = Script::default();
    for (config, told) in [
        (
            format!("{ZOHO}refresh_token_env = 'TOKEN'\n"),
            "name one with `refresh_token_file` in [desk.connection], in place of the environment variable TOKEN",
        ),
        (
            format!("{ZOHO}refresh_token_file = 'deskvault.toml'\n"),
            "deskvault.toml is there already: --force replaces",
        ),
        (
            format!("{ZOHO}refresh_token_file = 'nowhere/token'\n"),
            "there is no folder HOME/nowhere to keep",
        ),
        (
            // Nobody may make files there.
            format!("{ZOHO}refresh_token_file = '/proc/token'\n"),
            "the refresh token cannot be kept in /proc/token: ",
        ),
        (
            "[[desk]]\nname = 'main'\nmodules = ['a']\n[desk.connection]\nkind = 'sample'\n".to_owned(),
            "desk main is no Zoho Desk",
        ),
    ] {
        let given = given("connect", Some(&config), &script);
        assert_eq!(
            (given.exit, given.out.as_str(), given.asked.as_str()),
            (2, "", ""),
            "{config}"
        );
        assert!(given.err.contains(told), "{}", given.err);
    }
    let folder = given(
        "connect --force",
        Some(&format!("{ZOHO}refresh_token_file = '.'\n")),
        &script,
    );
    assert_eq!((folder.exit, folder.asked.as_str()), (2, ""), "{}", folder.err);
    assert!(
        folder.err.contains("the refresh token cannot be kept in"),
        "{}",
        folder.err
    );
    let given = given(
        "connect",
        Some(&format!("{ZOHO}refresh_token_file = 'token'\n")),
        &script,
    );
    assert_eq!((given.exit, given.err.as_str()), (1, "error: the code is too old\n"));
}

#[test]
fn a_sample_desk_gets_its_knobs_and_tells_how_it_is_reached() {
    let script = Script::default();
    let flags = "--port 7 --seed 3 --tickets 1000 --latency 50ms --edition free --credits 9 --concurrency 4 --garbage 20 \
                 --edit-every 5 --token-life 2s --missing-scope Desk.search.READ --reading ascending=refused --truth t";
    let shown = given(&format!("sample-desk {flags}"), None, &script);
    assert_eq!((shown.exit, shown.err.as_str()), (0, ""));
    assert!(
        shown.out.contains("\ndesk_url = \"http://127.0.0.1:7\"\n"),
        "{}",
        shown.out
    );
    for part in [
        "seed: 3",
        "tickets: 1000",
        "latency: 50ms",
        "edition: Free",
        "credits: Some(9)",
        "concurrency: Some(4)",
        "garbage: 20",
        "edit_every: 5",
        "token_life: 2s",
        "[\"Desk.search.READ\"]",
        "ascending: Refused",
        "port: Some(7)",
        "truth: Some(\"HOME/t\")",
    ] {
        assert!(shown.asked.contains(part), "{part} in {}", shown.asked);
    }
    let refused = given("sample-desk --reading nothing=1", None, &script);
    assert_eq!(refused.exit, 2);
}
