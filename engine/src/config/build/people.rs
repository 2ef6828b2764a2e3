//! People, and what each desk lets them do.

use std::collections::HashSet;

use crate::config::Desk;
use crate::config::check::Checked;
use crate::config::problem::Found;
use crate::config::text::{did_you_mean, excerpt};
use crate::people::Person;

/// The people of the file.
pub(super) struct Known {
    pub(super) people: Vec<Person>,
    /// Whether the name of each could be read. If not, nobody can be said to be missing.
    all: bool,
}

/// Takes the people out of the file: desks name them, before or after they stand there.
pub(super) fn read(root: &mut Checked, found: &mut Found) -> Known {
    let mut known = Known {
        people: Vec::new(),
        all: true,
    };
    let mut names = HashSet::new();
    for section in root.below.iter_mut().filter(|below| below.section.path == "person") {
        let place = section.place("name");
        let Some(name) = section.text("name") else {
            known.all = false;
            continue;
        };
        // Two who differ in nothing but case would be taken for one in the history.
        if !names.insert(name.to_lowercase()) {
            found.add(place, format!("another person is called \"{name}\" too"));
        }
        known.people.push(Person {
            name,
            email: section.text("email"),
            password_hash: section.text("password_hash"),
        });
    }
    known
}

/// Who is the desk's primary contact, and who may look.
pub(super) fn roles(section: &mut Checked, known: &Known, desk: &mut Desk, found: &mut Found) {
    let place = section.place("primary_contact");
    let written = section.values.contains_key("primary_contact");
    desk.primary_contact = section.text("primary_contact");
    if let Some(name) = &desk.primary_contact {
        known.check("`primary_contact`", name, place, found);
    } else if let (false, Some(person)) = (written, known.people.first()) {
        let message = format!(
            "`primary_contact` is missing in [[desk]]: where there are people, each desk has one; for example: \
             primary_contact = \"{}\"",
            person.name
        );
        found.add(place, message);
    }
    for (place, name) in section.items("viewers") {
        known.check("a viewer", &name, place, found);
        if desk.primary_contact.as_deref() == Some(name.as_str()) {
            let message =
                format!("\"{name}\" is the primary contact of this desk, who sees everything: no viewer besides");
            found.add(place, message);
        }
        desk.viewers.push(name);
    }
}

impl Known {
    fn check(&self, what: &str, name: &str, place: usize, found: &mut Found) {
        let names = || self.people.iter().map(|person| person.name.as_str());
        if self.all && !names().any(|known| known == name) {
            let hint = did_you_mean(name, names(), ("\"", "\""));
            let message = format!("{what} is \"{}\", and there is no such [[person]]{hint}", excerpt(name));
            found.add(place, message);
        }
    }
}
