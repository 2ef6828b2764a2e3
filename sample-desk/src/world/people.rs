//! Agents, teams and departments: small tables.

use super::dice::Dice;
use super::id::Place;
use super::json::{Object, escaped, k, number};
use super::sizes::Sizes;
use super::text::{Name, Texts};
use super::{AgentStanding, Id, Kind};

/// Number of departments.
pub(super) const DEPARTMENTS: usize = 6;
/// The last department is disabled.
pub(super) const DISABLED_DEPARTMENT: u32 = DEPARTMENTS as u32 - 1;
const NAMES: [(&str, &str); DEPARTMENTS] = [
    ("Support", "support"),
    ("Billing & \"Invoices\"", "billing-invoices"),
    ("日本サポート", "japan"),
    ("Hardware, Repair", "hardware-repair"),
    ("المبيعات", "sales"),
    ("Old desk (closed)", "old-desk"),
];
/// How tickets and activities spread over departments.
const SPREAD: [u8; 64] = {
    let parts = [24, 16, 10, 8, 4, 2];
    let (mut spread, mut at, mut department) = ([0; 64], 0, 0);
    while department < DEPARTMENTS {
        let mut n = 0;
        while n < parts[department] {
            spread[at] = department as u8;
            at += 1;
            n += 1;
        }
        department += 1;
    }
    spread
};
const ROLES: [&str; 3] = ["CEO", "Support Manager", "Support Agent"];
const PROFILES: [&str; 3] = ["Support Administrator", "Agent", "Light Agent"];

/// One agent.
pub(super) struct Agent {
    pub(super) name: Name,
    pub(super) has_first: bool,
    pub(super) standing: AgentStanding,
    pub(super) light: bool,
    pub(super) confirmed: bool,
    /// One bit for each department.
    departments: u8,
    role: u8,
    /// `AgentRef` as JSON.
    pub(super) reference: Box<[u8]>,
}

/// All of them.
pub(super) struct People {
    seed: u64,
    pub(super) agents: Vec<Agent>,
    /// `DepartmentRef` as JSON.
    pub(super) departments: Vec<Box<[u8]>>,
    /// `TeamRef` as JSON.
    pub(super) teams: Vec<Box<[u8]>>,
    /// Agents of each team, without subordinates.
    pub(super) members: Vec<Vec<u32>>,
}

/// The department of a throw.
#[inline]
pub(super) fn department(throw: u64) -> u32 {
    u32::from(SPREAD[(throw >> 58) as usize])
}

/// The id of an agent.
#[inline]
pub(super) const fn agent_id(agent: u32) -> Id {
    Place::top(Kind::Agent, agent).id()
}

/// The id of a department.
#[inline]
pub(super) const fn department_id(department: u32) -> Id {
    Place::top(Kind::Department, department).id()
}

/// The id of a team.
#[inline]
pub(super) const fn team_id(team: u32) -> Id {
    Place::top(Kind::Team, team).id()
}

impl People {
    /// Those of a seed.
    pub(super) fn new(seed: u64, sizes: &Sizes, texts: &Texts, bools: bool) -> Self {
        let agents = (0..sizes.of(Kind::Agent))
            .map(|n| Agent::new(seed, n, sizes, texts, bools))
            .collect();
        let departments = (0..DEPARTMENTS)
            .map(|n| {
                let mut out = Vec::new();
                let mut o = Object::new(&mut out, bools);
                o.id(k!("id"), department_id(n as u32));
                o.text(k!("name"), &label(NAMES[n].0));
                o.end();
                out.into()
            })
            .collect();
        let mut people = Self {
            seed,
            agents,
            departments,
            teams: Vec::new(),
            members: Vec::new(),
        };
        for team in 0..sizes.teams {
            let dice = Dice::new(seed, Kind::Team as u8, u64::from(team));
            let mut out = Vec::new();
            let mut o = Object::new(&mut out, bools);
            o.id(k!("id"), team_id(team));
            o.made(k!("name"), |out| people.team_name(out, team));
            o.null(k!("logoUrl"));
            o.end();
            people.teams.push(out.into());
            // A team without anyone is one, too.
            let members = if team == 1 {
                0
            } else {
                1 + dice.below(1, u64::from(sizes.agents.min(12)))
            };
            let first = dice.below(2, u64::from(sizes.agents));
            people.members.push(
                (0..members)
                    .map(|n| ((first + n) % u64::from(sizes.agents)) as u32)
                    .collect(),
            );
        }
        people
    }

    fn team_name(&self, out: &mut Vec<u8>, team: u32) {
        const TEAMS: [&str; 6] = [
            "Hardware desk",
            "1st level",
            "夜間チーム",
            "VIP, EMEA",
            "Field \\\"ops\\\"",
            "Returns",
        ];
        out.extend_from_slice(TEAMS[(u64::from(team) + self.seed) as usize % TEAMS.len()].as_bytes());
        out.push(b' ');
        number(out, u64::from(team) + 1);
    }

    /// `AgentRow`; with `include=role,profile` where `full`.
    pub(super) fn agent(&self, n: u32, texts: &Texts, full: bool, o: &mut Object<'_>) {
        let agent = &self.agents[n as usize];
        let dice = Dice::new(self.seed, Kind::Agent as u8, u64::from(n));
        o.id(k!("id"), agent_id(n));
        o.maybe(k!("firstName"), agent.has_first.then(|| texts.first(agent.name)));
        o.text(k!("lastName"), texts.last(agent.name));
        o.made(k!("name"), |out| texts.full(out, agent.name, agent.has_first));
        o.made(k!("emailId"), |out| {
            texts.mail(out, agent.name, u64::from(n), b"desk.example");
        });
        o.made_if(k!("phone"), dice.one_in(20, 3), |out| Texts::phone(out, dice.throw(21)));
        o.null(k!("mobile"));
        o.made_if(k!("extn"), dice.one_in(22, 4), |out| {
            out.push(b'0');
            number(out, dice.below(23, 1000));
        });
        o.count(k!("zuid"), 70_011_845 + u64::from(n));
        o.made_if(k!("photoURL"), dice.one_in(24, 2), |out| {
            out.extend_from_slice(b"https://desk.example/photos/");
            number(out, u64::from(n));
        });
        let role = Id::misc(100 + u32::from(agent.role));
        let profile = Id::misc(110 + agent.profile());
        o.id(k!("roleId"), role);
        o.id(k!("profileId"), profile);
        o.text(k!("rolePermissionType"), if n == 0 { b"Admin" } else { b"Agent" });
        o.text(
            k!("status"),
            match agent.standing {
                AgentStanding::Active => b"ACTIVE",
                AgentStanding::Disabled => b"DISABLED",
                AgentStanding::Deleted => b"DELETED",
            },
        );
        o.bool(k!("isConfirmed"), agent.confirmed);
        o.bool(k!("isLightAgent"), agent.light);
        o.maybe(k!("aboutInfo"), dice.one_in(25, 4).then(|| texts.line(dice.with(1))));
        o.text(
            k!("timeZone"),
            [&b"Europe/Amsterdam"[..], b"Asia/Tokyo", b"America/St_Johns"][dice.below(26, 3) as usize],
        );
        o.text(
            k!("langCode"),
            [&b"en_US"[..], b"ja_JP", b"nl_NL"][dice.below(26, 3) as usize],
        );
        o.text(
            k!("countryCode"),
            [&b"nl"[..], b"jp", b"ca"][dice.below(26, 3) as usize],
        );
        o.list(
            k!("channelExpert"),
            ["EMAIL", "PHONE"].iter().take(dice.below(27, 3) as usize),
            |out, channel| {
                out.push(b'"');
                out.extend_from_slice(channel.as_bytes());
                out.push(b'"');
            },
        );
        o.ids(k!("associatedDepartmentIds"), agent.departments().map(department_id));
        o.ids(
            k!("associatedChatDepartmentIds"),
            agent.departments().take(dice.below(28, 2) as usize).map(department_id),
        );
        o.object(k!("cf"), |_| ());
        if full {
            o.object(k!("role"), |o| {
                o.id(k!("id"), role);
                o.text(k!("name"), ROLES[usize::from(agent.role)].as_bytes());
            });
            o.object(k!("profile"), |o| {
                o.id(k!("id"), profile);
                o.text(k!("name"), PROFILES[agent.profile() as usize].as_bytes());
            });
        }
    }

    /// `TeamRow`.
    pub(super) fn team(&self, n: u32, texts: &Texts, o: &mut Object<'_>) {
        let dice = Dice::new(self.seed, Kind::Team as u8, u64::from(n));
        let members = &self.members[n as usize];
        o.id(k!("id"), team_id(n));
        o.made(k!("name"), |out| self.team_name(out, n));
        o.maybe(k!("description"), dice.one_in(20, 2).then(|| texts.line(dice)));
        o.id(k!("departmentId"), department_id(department(dice.throw(21))));
        o.null(k!("logoUrl"));
        o.ids(k!("agents"), members.iter().copied().map(agent_id));
        o.ids(k!("derivedAgents"), members.iter().copied().map(agent_id));
        o.ids(k!("roles"), dice.one_in(22, 3).then(|| Id::misc(102)));
        o.ids(k!("rolesWithSubordinates"), None);
        o.ids(k!("subTeams"), (n > 2 && dice.one_in(23, 4)).then(|| team_id(n - 1)));
    }

    /// `DepartmentRow`, or `DepartmentDetail` where `full`.
    pub(super) fn department(&self, n: u32, texts: &Texts, full: bool, o: &mut Object<'_>) {
        let dice = Dice::new(self.seed, Kind::Department as u8, u64::from(n));
        let (name, sane) = NAMES[n as usize];
        o.id(k!("id"), department_id(n));
        o.text(k!("name"), &label(name));
        o.text(k!("sanitizedName"), sane.as_bytes());
        o.text(k!("nameInCustomerPortal"), &label(name));
        o.maybe(k!("description"), (n % 2 == 1).then(|| texts.line(dice)));
        o.id(k!("creatorId"), agent_id(0));
        o.time(
            k!("createdTime"),
            (1_572_422_400 + i64::from(n) * 86_400) * super::clock::SECOND,
        );
        o.bool(k!("isEnabled"), n != DISABLED_DEPARTMENT);
        o.bool(k!("isDefault"), n == 0);
        o.bool(k!("isVisibleInCustomerPortal"), n < 4);
        o.bool(k!("isAssignToTeamEnabled"), n.is_multiple_of(2));
        o.bool(k!("hasLogo"), false);
        o.text(
            k!("chatStatus"),
            [&b"NOT_CREATED"[..], b"AVAILABLE", b"DISABLED"][n as usize % 3],
        );
        if full {
            let agents = self
                .agents
                .iter()
                .enumerate()
                .filter(|(_, agent)| agent.standing != AgentStanding::Deleted && agent.departments >> n & 1 == 1);
            o.ids(
                k!("associatedAgentIds"),
                agents.map(|(agent, _)| agent_id(agent as u32)),
            );
        }
    }
}

impl Agent {
    fn new(seed: u64, n: u32, sizes: &Sizes, texts: &Texts, bools: bool) -> Self {
        let dice = Dice::new(seed, Kind::Agent as u8, u64::from(n));
        let name = Name::new(dice.throw(1));
        let has_first = !dice.one_in(2, 12);
        let mut reference = Vec::new();
        let mut o = Object::new(&mut reference, bools);
        o.id(k!("id"), agent_id(n));
        o.maybe(k!("firstName"), has_first.then(|| texts.first(name)));
        o.text(k!("lastName"), texts.last(name));
        o.made(k!("email"), |out| texts.mail(out, name, u64::from(n), b"desk.example"));
        o.made_if(k!("photoURL"), dice.one_in(24, 2), |out| {
            out.extend_from_slice(b"https://desk.example/photos/");
            number(out, u64::from(n));
        });
        o.end();
        Self {
            name,
            has_first,
            standing: match n {
                n if n >= sizes.agents => AgentStanding::Deleted,
                n if n % 9 == 4 => AgentStanding::Disabled,
                _ => AgentStanding::Active,
            },
            light: n % 7 == 3,
            confirmed: !dice.one_in(3, 10),
            departments: 1 << department(dice.throw(4)) | 1 << department(dice.throw(5)) | if n == 0 { 63 } else { 0 },
            role: if n == 0 { 0 } else { 1 + dice.below(6, 2) as u8 },
            reference: reference.into(),
        }
    }

    fn profile(&self) -> u32 {
        if self.light { 2 } else { u32::from(self.role > 0) }
    }

    fn departments(&self) -> impl Iterator<Item = u32> {
        let bits = self.departments;
        (0..DEPARTMENTS as u32).filter(move |n| bits >> n & 1 == 1)
    }

    /// What they are called in comments.
    pub(super) fn role_name(&self) -> &'static [u8] {
        ROLES[usize::from(self.role)].as_bytes()
    }
}

fn label(text: &str) -> Box<[u8]> {
    escaped(text, super::json::Escape::Plain)
}
