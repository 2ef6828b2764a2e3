//! Contacts and accounts.

use super::desk::World;
use super::dice::Dice;
use super::id::Place;
use super::json::{Object, k, number};
use super::overlay::State;
use super::people::agent_id;
use super::text::{Name, Texts};
use super::{Id, Kind, Shape};

/// What of a contact others show, too.
pub(super) struct Person {
    pub(super) index: u32,
    pub(super) dice: Dice,
    pub(super) name: Name,
    pub(super) has_first: bool,
    pub(super) has_mail: bool,
    pub(super) account: Option<u32>,
}

/// The id of a contact.
pub(super) const fn contact_id(index: u32) -> Id {
    Place::top(Kind::Contact, index).id()
}

/// The id of an account.
pub(super) const fn account_id(index: u32) -> Id {
    Place::top(Kind::Account, index).id()
}

impl World {
    pub(super) fn person(&self, index: u32) -> Person {
        let dice = self.dice(Kind::Contact, index);
        let known = u64::from(index) * u64::from(self.sizes.accounts) / u64::from(self.sizes.contacts);
        Person {
            index,
            dice,
            name: Name::new(dice.throw(1)),
            has_first: !dice.one_in(2, 10),
            has_mail: !dice.one_in(3, 20),
            account: (!dice.one_in(4, 4)).then(|| dice.below(5, known + 1) as u32),
        }
    }

    /// The mail address of a contact.
    pub(super) fn contact_mail(&self, out: &mut Vec<u8>, person: &Person) {
        self.texts.mail(out, person.name, u64::from(person.index), b"");
        if let Some(account) = person.account {
            out.extend_from_slice(b"company");
            number(out, u64::from(account));
            out.extend_from_slice(b".example");
        } else {
            out.extend_from_slice(b"mail.example");
        }
    }

    /// `ContactRef`.
    pub(super) fn contact_ref(&self, o: &mut Object<'_>, person: &Person) {
        o.id(k!("id"), contact_id(person.index));
        self.contact_names(o, person);
        Self::contact_reach(o, person);
        o.bool(k!("isSpam"), person.dice.one_in(8, 300));
        self.account_ref_of(o, person);
    }

    fn contact_names(&self, o: &mut Object<'_>, person: &Person) {
        o.maybe(k!("firstName"), person.has_first.then(|| self.texts.first(person.name)));
        o.text(k!("lastName"), self.texts.last(person.name));
        o.made_if(k!("email"), person.has_mail, |out| self.contact_mail(out, person));
    }

    fn contact_reach(o: &mut Object<'_>, person: &Person) {
        let dice = person.dice;
        o.made_if(k!("phone"), dice.one_in(6, 2), |out| Texts::phone(out, dice.throw(7)));
        o.made_if(k!("mobile"), dice.one_in(9, 3), |out| Texts::phone(out, dice.throw(10)));
        o.maybe(
            k!("type"),
            [None, Some(&b"paidUser"[..]), Some(b"freeUser")][dice.below(11, 3) as usize],
        );
    }

    fn account_ref_of(&self, o: &mut Object<'_>, person: &Person) {
        o.object_if(k!("account"), person.account.is_some(), |o| {
            let account = person.account.unwrap_or_default();
            o.id(k!("id"), account_id(account));
            self.account_name(o, account);
            self.account_site(o, account);
        });
    }

    fn account_name(&self, o: &mut Object<'_>, account: u32) {
        let throw = self.dice(Kind::Account, account).throw(1);
        o.made(k!("accountName"), |out| {
            self.texts.company(out, throw, u64::from(account));
        });
    }

    fn account_site(&self, o: &mut Object<'_>, account: u32) {
        o.made_if(k!("website"), !self.dice(Kind::Account, account).one_in(2, 4), |out| {
            out.extend_from_slice(b"company");
            number(out, u64::from(account));
            out.extend_from_slice(b".example");
        });
    }

    /// A contact in a shape.
    pub(super) fn contact(&self, index: u32, state: &State, shape: Shape, o: &mut Object<'_>) {
        let person = self.person(index);
        let (dice, edit) = (person.dice, person.dice.with(u64::from(state.salt)));
        let id = contact_id(index);
        o.id(k!("id"), id);
        self.contact_names(o, &person);
        o.made_if(k!("secondaryEmail"), edit.one_in(12, 6), |out| {
            out.extend_from_slice(b"second");
            number(out, edit.below(13, 100_000));
            out.extend_from_slice(b"@mail.example");
        });
        Self::contact_reach(o, &person);
        o.maybe_id(k!("accountId"), person.account.map(account_id));
        let owner = (!dice.one_in(14, 5)).then(|| self.agent_of(dice.throw(15)));
        o.maybe_id(k!("ownerId"), owner.map(agent_id));
        o.null(k!("photoURL"));
        web(o, b"all/contacts", id);
        o.bool(k!("isAnonymous"), !person.has_mail && !person.has_first);
        o.bool(k!("isEndUser"), dice.one_in(16, 2));
        o.bool(k!("isSpam"), dice.one_in(8, 300));
        o.time(k!("createdTime"), self.created(Kind::Contact, index));
        crm(o, k!("zohoCRMContact"), dice, b"contacts");
        happiness(o, dice);
        if shape == Shape::List {
            return;
        }
        o.time(
            k!("modifiedTime"),
            state.modified.unwrap_or_else(|| self.modified(Kind::Contact, index)),
        );
        o.maybe(
            k!("title"),
            edit.one_in(17, 2).then(|| self.texts.odd.pick(edit.throw(18))),
        );
        self.address(o, edit, k!("zip"));
        o.maybe(k!("description"), edit.one_in(19, 3).then(|| self.texts.line(edit)));
        if shape == Shape::Detail {
            o.null(k!("facebook"));
            o.made_if(k!("twitter"), edit.one_in(20, 8), |out| handle(out, edit));
            o.bool(k!("isDeleted"), false);
            o.bool(k!("isTrashed"), state.trashed);
            o.bool(k!("isFollowing"), dice.one_in(21, 9));
            o.count(k!("accountCount"), u64::from(person.account.is_some()));
            layout(o, 20, b"Contacts");
        }
        self.custom.write(o, edit, &self.texts);
        self.agent_ref(o, k!("owner"), owner);
        if shape == Shape::Search {
            self.account_ref_of(o, &person);
        }
    }

    /// An account in a shape.
    pub(super) fn account(&self, index: u32, state: &State, shape: Shape, o: &mut Object<'_>) {
        let dice = self.dice(Kind::Account, index);
        let edit = dice.with(u64::from(state.salt));
        let id = account_id(index);
        o.id(k!("id"), id);
        self.account_name(o, index);
        o.made_if(k!("email"), dice.one_in(3, 2), |out| {
            out.extend_from_slice(b"info@company");
            number(out, u64::from(index));
            out.extend_from_slice(b".example");
        });
        o.made_if(k!("phone"), edit.one_in(4, 2), |out| Texts::phone(out, edit.throw(5)));
        self.account_site(o, index);
        web(o, b"all/accounts", id);
        o.time(k!("createdTime"), self.created(Kind::Account, index));
        crm(o, k!("zohoCRMAccount"), dice, b"accounts");
        happiness(o, dice);
        if shape == Shape::List {
            return;
        }
        o.time(
            k!("modifiedTime"),
            state.modified.unwrap_or_else(|| self.modified(Kind::Account, index)),
        );
        let industry = [
            None,
            Some(&b"Retail"[..]),
            Some(b"Food & Beverage"),
            Some("医療".as_bytes()),
        ];
        o.maybe(k!("industry"), industry[edit.below(6, 4) as usize]);
        o.made_if(k!("annualrevenue"), edit.one_in(7, 2), |out| {
            number(out, edit.below(8, 1 << 40));
        });
        o.maybe(k!("description"), edit.one_in(9, 2).then(|| self.texts.line(edit)));
        self.address(o, edit, k!("code"));
        o.made_if(k!("fax"), edit.one_in(10, 3), |out| Texts::phone(out, edit.throw(11)));
        let owner = (!dice.one_in(14, 5)).then(|| self.agent_of(dice.throw(15)));
        o.maybe_id(k!("ownerId"), owner.map(agent_id));
        self.agent_ref(o, k!("owner"), owner);
        self.custom.write(o, edit, &self.texts);
        o.ids(k!("associatedSLAIds"), dice.one_in(16, 6).then(|| Id::misc(200)));
        o.bool(k!("isFollowing"), dice.one_in(17, 9));
        o.bool(k!("isDeleted"), false);
        o.bool(k!("isTrashed"), state.trashed);
        layout(o, 21, b"Accounts");
    }

    fn address(&self, o: &mut Object<'_>, dice: Dice, code: &[u8]) {
        let (there, throw) = (!dice.one_in(30, 3), dice.throw(31));
        o.made_if(k!("street"), there, |out| self.texts.street(out, throw));
        o.maybe(k!("city"), there.then(|| self.texts.city(throw)));
        o.null(k!("state"));
        o.maybe(k!("country"), there.then(|| self.texts.country(throw)));
        // Postal codes begin with zeros.
        o.made_if(code, there, |out| {
            out.push(b'0');
            number(out, 1000 + dice.below(32, 9000));
        });
    }
}

fn handle(out: &mut Vec<u8>, dice: Dice) {
    out.extend_from_slice(b"@user");
    number(out, dice.below(33, 10_000));
}

fn crm(o: &mut Object<'_>, key: &[u8], dice: Dice, kind: &[u8]) {
    o.object_if(key, dice.one_in(40, 8), |o| {
        o.id(
            k!("id"),
            Id::misc(1_000_000_u32.wrapping_add(dice.below(41, 1 << 40) as u32)),
        );
        o.text(k!("type"), kind);
    });
}

fn happiness(o: &mut Object<'_>, dice: Dice) {
    let (bad, ok) = (dice.below(42, 40), dice.below(43, 60));
    o.object(k!("customerHappiness"), |o| {
        o.count(k!("badPercentage"), bad);
        o.count(k!("okPercentage"), ok);
        o.count(k!("goodPercentage"), 100 - bad - ok);
    });
}

/// `layoutId` and `layoutDetails`.
pub(super) fn layout(o: &mut Object<'_>, number: u32, name: &[u8]) {
    o.id(k!("layoutId"), Id::misc(number));
    layout_details(o, number, name);
}

/// `layoutDetails`.
pub(super) fn layout_details(o: &mut Object<'_>, number: u32, name: &[u8]) {
    o.object(k!("layoutDetails"), |o| {
        o.id(k!("id"), Id::misc(number));
        o.text(k!("layoutName"), name);
    });
}

/// `webUrl`.
pub(super) fn web(o: &mut Object<'_>, path: &[u8], id: Id) {
    o.made(k!("webUrl"), |out| {
        out.extend_from_slice(b"https://desk.example/agent/sample/");
        out.extend_from_slice(path);
        out.extend_from_slice(b"/details/");
        number(out, id.0);
    });
}
