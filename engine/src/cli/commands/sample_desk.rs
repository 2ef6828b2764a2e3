//! `deskvault sample-desk`.

use crate::cli::actions::{Actions, SampleRequest};
use crate::cli::args::{Edition as TypedEdition, Global, SampleDesk};
use crate::cli::exit::Exit;
use crate::cli::{Shell, signals};
use crate::config::Log;
use crate::config::text::{did_you_mean, excerpt};
use crate::connection::sample::{Ascending, Behaviour, Changes, Edition, Faults, Keys, Settings};

use super::{Failure, Outcome, prepare};

pub(super) fn run(typed: &SampleDesk, global: &Global, shell: &Shell, actions: &dyn Actions) -> Outcome {
    let request = SampleRequest {
        settings: settings(typed).map_err(Failure::Usage)?,
        port: typed.port,
        truth: typed.truth.as_ref().map(|file| shell.working.join(file)),
    };
    let cancel = prepare(global, &Log::default(), signals::READING, shell)?;
    let mut ready = |keys: &Keys| {
        let text = configuration(keys);
        shell.console.out(&text).map_err(anyhow::Error::from)
    };
    actions.sample_desk(&request, &mut ready, &cancel)?;
    // To be stopped is how it ends.
    Ok(Exit::Done)
}

fn settings(typed: &SampleDesk) -> Result<Settings, String> {
    let mut behaviour = Behaviour::default();
    for reading in &typed.reading {
        set(&mut behaviour, reading)?;
    }
    let faults = &typed.faults;
    Ok(Settings {
        keep_alive: true,
        seed: typed.seed,
        tickets: typed.tickets,
        custom_fields: typed.custom_fields,
        huge_bodies_ppm: typed.huge_bodies,
        edition: match typed.edition {
            TypedEdition::Free => Edition::Free,
            TypedEdition::Express => Edition::Express,
            TypedEdition::Standard => Edition::Standard,
            TypedEdition::Professional => Edition::Professional,
            TypedEdition::Enterprise => Edition::Enterprise,
        },
        credits: typed.credits,
        midnight: std::time::Duration::ZERO,
        concurrency: typed.concurrency,
        latency: typed.latency,
        token_life: typed.token_life,
        missing_scopes: typed.missing_scope.clone(),
        unlicensed: typed.unlicensed.clone(),
        forbidden: typed.forbidden.clone(),
        faults: Faults {
            throttled: faults.throttled,
            failed: faults.failed,
            gateway: faults.gateway,
            cut: faults.cut,
            slow: faults.slow,
            garbage: faults.garbage,
        },
        changes: Changes {
            edit_every: typed.edit_every,
            delete_every: typed.delete_every,
        },
        behaviour,
        planned: typed.faults.planned.clone(),
    })
}

/// A knob, by kind of value.
enum Knob<'a> {
    Bool(&'a mut bool),
    Number(&'a mut u32, [u32; 2]),
    Ascending(&'a mut Ascending),
}

/// All readings with their names.
fn knobs(behaviour: &mut Behaviour) -> Vec<(&'static str, Knob<'_>)> {
    // Taken apart, so that a new one is not forgotten here.
    let Behaviour {
        tickets_from,
        threads_from,
        contacts_from,
        inclusive_ranges,
        search_max_from,
        ascending,
        search_has_archived,
        search_has_spam,
        search_has_description,
        threads_max_limit,
        conversations_page,
        attachments_repeat,
        drafts_count,
        deleted_agents_entries,
        articles_range,
        empty_is_204,
        departments_enabled_only,
        agents_active_only,
        booleans_as_text,
    } = behaviour;
    vec![
        ("tickets_from", Knob::Number(tickets_from, [0, 1])),
        ("threads_from", Knob::Number(threads_from, [0, 1])),
        ("contacts_from", Knob::Number(contacts_from, [1, 0])),
        ("inclusive_ranges", Knob::Bool(inclusive_ranges)),
        ("search_max_from", Knob::Number(search_max_from, [4999, 999])),
        ("ascending", Knob::Ascending(ascending)),
        ("search_has_archived", Knob::Bool(search_has_archived)),
        ("search_has_spam", Knob::Bool(search_has_spam)),
        ("search_has_description", Knob::Bool(search_has_description)),
        ("threads_max_limit", Knob::Number(threads_max_limit, [200, 100])),
        ("conversations_page", Knob::Bool(conversations_page)),
        ("attachments_repeat", Knob::Bool(attachments_repeat)),
        ("drafts_count", Knob::Bool(drafts_count)),
        ("deleted_agents_entries", Knob::Bool(deleted_agents_entries)),
        ("articles_range", Knob::Bool(articles_range)),
        ("empty_is_204", Knob::Bool(empty_is_204)),
        ("departments_enabled_only", Knob::Bool(departments_enabled_only)),
        ("agents_active_only", Knob::Bool(agents_active_only)),
        ("booleans_as_text", Knob::Bool(booleans_as_text)),
    ]
}

/// Sets one reading, `KEY=VALUE`.
fn set(behaviour: &mut Behaviour, reading: &str) -> Result<(), String> {
    let (name, value) = reading.split_once('=').unwrap_or((reading, ""));
    let mut knobs = knobs(behaviour);
    let names: Vec<&str> = knobs.iter().map(|(name, _)| *name).collect();
    let Some((_, knob)) = knobs.iter_mut().find(|(known, _)| *known == name) else {
        let near = did_you_mean(name, names.iter().copied(), ("`", "`"));
        return Err(format!(
            "--reading: there is no `{}`{near}; there are {}",
            excerpt(name),
            names.join(", ")
        ));
    };
    let wrong = |wanted: &str| format!("--reading: `{name}` is {wanted}, not \"{}\"", excerpt(value));
    match knob {
        Knob::Bool(knob) => **knob = value.parse().map_err(|_| wrong("true or false"))?,
        Knob::Number(knob, readings) => {
            let number = value.parse().ok().filter(|number| readings.contains(number));
            **knob = number.ok_or_else(|| wrong(&format!("{} or {}", readings[0], readings[1])))?;
        }
        Knob::Ascending(knob) => {
            **knob = match value {
                "honoured" => Ascending::Honoured,
                "ignored" => Ascending::Ignored,
                "refused" => Ascending::Refused,
                _ => return Err(wrong("honoured, ignored or refused")),
            }
        }
    }
    Ok(())
}

/// What to put into a configuration.
fn configuration(keys: &Keys) -> String {
    let Keys {
        accounts_url,
        desk_url,
        org_id,
        client_id,
        client_secret,
        refresh_token,
        code,
    } = keys;
    format!(
        "# A sample desk is running at {desk_url} until Ctrl-C. To reach it, a configuration says:\n\
         [[desk]]\n\
         name = \"sample\"\n\
         modules = [\"tickets\", \"contacts\", \"accounts\", \"activities\", \"products\", \"articles\", \"agents\", \
         \"teams\", \"departments\"]\n\
         \n\
         [desk.connection]\n\
         kind = \"zoho\"\n\
         accounts_url = \"{accounts_url}\"\n\
         desk_url = \"{desk_url}\"\n\
         org_id = \"{org_id}\"\n\
         client_id = \"{client_id}\"\n\
         client_secret = \"{client_secret}\"\n\
         refresh_token = \"{refresh_token}\"\n\
         search_lag = \"0s\"\n\
         # Or refresh_token_file = \"refresh-token.txt\", which `deskvault connect` writes for this code:\n\
         # {code}\n"
    )
}

#[cfg(test)]
mod tests {
    use std::path::Path;

    use super::*;

    #[test]
    fn every_reading_can_be_turned() {
        let mut turned = Behaviour::default();
        for reading in [
            "tickets_from=1",
            "threads_from=1",
            "contacts_from=0",
            "inclusive_ranges=false",
            "search_max_from=999",
            "ascending=ignored",
            "search_has_archived=true",
            "search_has_spam=true",
            "search_has_description=false",
            "threads_max_limit=100",
            "conversations_page=false",
            "attachments_repeat=true",
            "drafts_count=false",
            "deleted_agents_entries=false",
            "articles_range=false",
            "empty_is_204=false",
            "departments_enabled_only=false",
            "agents_active_only=true",
            "booleans_as_text=true",
        ] {
            let before = turned.clone();
            set(&mut turned, reading).unwrap();
            assert_ne!(turned, before, "{reading}");
        }
        for (reading, told) in [
            (
                "contact_from=1",
                "no `contact_from`; did you mean `contacts_from`?; there are tickets_from, ",
            ),
            ("contacts_from=2", "is 1 or 0, not \"2\""),
            ("contacts_from", "is 1 or 0, not \"\""),
            ("drafts_count=yes", "is true or false, not \"yes\""),
            ("ascending=up", "is honoured, ignored or refused, not \"up\""),
        ] {
            let why = set(&mut turned, reading).unwrap_err();
            assert!(why.contains(told), "{why}");
        }
    }

    #[test]
    fn what_is_printed_is_a_configuration() {
        let text = |text: &str| text.to_owned();
        let printed = configuration(&Keys {
            accounts_url: text("http://127.0.0.1:7"),
            desk_url: text("http://127.0.0.1:7"),
            org_id: text("9"),
            client_id: text("1000.A"),
            client_secret: text("s"),
            refresh_token: text("r"),
            code: text("1000.c"),
        });
        let config = crate::config::Config::parse("f", printed.as_bytes(), Path::new("/")).map_err(|e| e.to_string());
        let config = config.unwrap_or_else(|why| panic!("{why}\n{printed}"));
        assert_eq!(config.desks[0].connection.url, "http://127.0.0.1:7/api/v1");
    }
}
