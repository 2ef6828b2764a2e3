//! Who may do what, as the service sees to it.

use super::*;
use crate::people::token;

fn person(name: &str) -> Actor {
    Actor::Person {
        name: name.into(),
        via: "token 1".into(),
    }
}

#[test]
fn a_viewer_sees_and_does_nothing() {
    let home = Home::new();
    home.full().unwrap();
    let (service, ben) = (&home.service, person("Ben"));
    let cancel = CancellationToken::new();
    assert_eq!(service.list(None, false, &ben).unwrap().len(), 1);
    assert_eq!(service.schedule("main", &ben).unwrap(), None);
    let to = home.folder.path().join("out.zip");
    let roles = [
        refusal(service.backup(&full(), &ben, &home.runner, &Silent, &cancel)),
        refusal(service.stop_schedule("main", &ben)),
        refusal(service.download(1, &to, &ben, &Silent, &cancel)),
        refusal(service.delete(1, &ben)),
        refusal(service.link(1, None, &ben)),
        // Of this desk he is nothing at all.
        refusal(service.list(Some("other"), false, &ben)),
    ];
    assert!(
        roles.iter().all(|refusal| matches!(refusal, Refusal::Role { .. })),
        "{roles:?}"
    );
    assert_eq!(home.history()[2..], ["refused: role"; 6]);
    assert!(!to.exists() && home.archives().len() == 1);
    service.delete(1, &person("Aiko")).unwrap();
}

#[test]
fn everyone_sees_their_desks_alone() {
    let home = Home::new();
    home.full().unwrap();
    let desk = "other".to_owned();
    home.back_up(&Wish { desk, ..full() }).unwrap();
    for (actor, backups, entries) in [(person("Aiko"), 2, 4), (person("Ben"), 1, 2), (person("Eve"), 0, 0)] {
        let listed = home.service.list(None, true, &actor).unwrap();
        let mut seen = 0;
        let mut take = |_| {
            seen += 1;
            std::ops::ControlFlow::Continue(())
        };
        home.service.history(&Filter::default(), &actor, &mut take).unwrap();
        assert_eq!((listed.len(), seen), (backups, entries), "{actor:?}");
    }
}

#[test]
fn a_token_stands_for_its_person() {
    let home = Home::new();
    let secret = token::Secret::new().unwrap();
    let expires = later(home.now(), days(1));
    let added = home
        .service
        .store()
        .write(|tx| tx.add_token("Ben", "test", &secret.hash(), home.now(), expires));
    added.unwrap();
    assert_eq!(home.service.actor(secret.reveal()).unwrap(), person("Ben"));
    for wrong in ["", "dvt_x", token::Secret::new().unwrap().reveal()] {
        assert!(
            matches!(home.service.actor(wrong), Err(ServiceError::Token(_))),
            "{wrong}"
        );
    }
    home.set(expires);
    assert!(matches!(
        home.service.actor(secret.reveal()),
        Err(ServiceError::Token(_))
    ));
}

#[test]
fn the_history_says_who_and_by_which_way() {
    let home = Home::new();
    home.full().unwrap();
    let mut said = Vec::new();
    let mut take = |entry: crate::history::Entry| {
        said.push((entry.user, entry.via));
        std::ops::ControlFlow::Continue(())
    };
    home.service.history(&Filter::default(), &machine(), &mut take).unwrap();
    let expected = ("Aiko".to_owned(), "command line, system user root".to_owned());
    assert_eq!(said, [expected.clone(), expected]);
}
