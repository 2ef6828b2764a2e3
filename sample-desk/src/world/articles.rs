//! Articles and their translations.

use super::clock::later;
use super::desk::World;
use super::dice::Dice;
use super::id::Place;
use super::json::{Object, k, number};
use super::overlay::State;
use super::people::{agent_id, department_id};
use super::{Id, Kind, Shape};

/// Languages: the first is the one that articles are written in.
const LOCALES: [&[u8]; 4] = [b"en", b"ja", b"de", b"ar"];
const STATUS: [&[u8]; 6] = [
    b"Published",
    b"Published",
    b"Draft",
    b"Review",
    b"Expired",
    b"Unpublished",
];

const fn translation_id(article: u32, sub: u32) -> Id {
    Place::child(Kind::Translation, Kind::Article, article, sub).id()
}

impl World {
    /// How many further languages an article is in.
    pub(super) fn translations(&self, article: u32) -> u32 {
        self.dice(Kind::Article, article).below(1, 4) as u32
    }

    /// The department of an article.
    pub(super) fn article_department(&self, article: u32) -> u32 {
        self.dice(Kind::Article, article).below(2, 5) as u32
    }

    /// An article in a shape; in a further language if `language` is not 0. A list row is always of the first one.
    pub(super) fn article(&self, index: u32, state: &State, language: u32, shape: Shape, o: &mut Object<'_>) {
        let dice = self.dice(Kind::Article, index);
        let edit = dice.with(u64::from(state.salt)).with(u64::from(language));
        let id = Place::top(Kind::Article, index).id();
        let locale = LOCALES[language as usize];
        let status = STATUS[dice.with(u64::from(language)).below(3, 6) as usize];
        let created = self.created(Kind::Article, index);
        let modified = state.modified.unwrap_or_else(|| self.modified(Kind::Article, index));
        let (author, editor) = (self.agent_of(dice.throw(5)), self.agent_of(dice.throw(6)));
        let editor = state.modifier.unwrap_or(editor);
        o.id(k!("id"), id);
        o.made(k!("title"), |out| {
            self.texts.subject(out, edit);
            // A title is never blank.
            out.extend_from_slice(" – ".as_bytes());
            out.extend_from_slice(locale);
        });
        o.maybe(
            k!("summary"),
            (!edit.one_in(8, 4)).then(|| self.texts.summaries.pick(edit.throw(9))),
        );
        o.text(k!("status"), status);
        o.text(
            k!("permission"),
            [&b"ALL"[..], b"REGISTEREDUSERS", b"AGENTS"][dice.below(10, 3) as usize],
        );
        o.text(k!("locale"), locale);
        o.id(k!("departmentId"), department_id(self.article_department(index)));
        let category = Id::misc(300 + dice.below(11, 9) as u32);
        o.id(k!("categoryId"), category);
        o.object(k!("category"), |o| {
            o.id(k!("id"), category);
            o.text(k!("name"), b"Printers, labels \\u0026 ink");
            o.text(k!("locale"), b"en");
        });
        o.id(k!("rootCategoryId"), Id::misc(300));
        o.id(k!("authorId"), agent_id(author));
        self.writer(o, k!("author"), author);
        o.id(k!("ownerId"), agent_id(author));
        o.null(k!("owner"));
        o.id(k!("creatorId"), agent_id(author));
        self.writer(o, k!("createdBy"), author);
        o.id(k!("modifierId"), agent_id(editor));
        self.writer(o, k!("modifiedBy"), editor);
        o.time(k!("createdTime"), created);
        o.time(k!("modifiedTime"), modified);
        o.maybe_time(
            k!("expiryDate"),
            dice.one_in(12, 6).then(|| created + 31_536_000_000_000),
        );
        o.id(k!("translationId"), translation_id(index, language));
        o.text(k!("sourceLocale"), LOCALES[0]);
        o.null(k!("translationSource"));
        o.maybe(
            k!("translationState"),
            [None, Some(&b"UP-TO-DATE"[..]), Some(b"OUT-DATED")][dice.below(13, 3) as usize],
        );
        o.made(k!("latestVersion"), |out| version(out, dice));
        o.text(k!("latestVersionStatus"), status);
        o.made_if(k!("latestPublishedVersion"), status == b"Published", |out| {
            version(out, dice);
        });
        o.id(k!("latestVersionModifierId"), agent_id(editor));
        self.article_row(index, o);
        o.bool(k!("isTrashed"), state.trashed);
        if shape == Shape::Detail {
            self.article_body(index, edit, created, o);
        }
    }

    /// The rest of what all shapes have.
    fn article_row(&self, index: u32, o: &mut Object<'_>) {
        let dice = self.dice(Kind::Article, index);
        let id = Place::top(Kind::Article, index).id();
        let counts: [&[u8]; 6] = [
            k!("viewCount"),
            k!("likeCount"),
            k!("dislikeCount"),
            k!("feedbackCount"),
            k!("usageCount"),
            k!("commentCount"),
        ];
        for (n, key) in counts.into_iter().enumerate() {
            o.count(key, dice.below(20 + n as u64, 900 >> (2 * n)));
        }
        o.count(
            k!("attachmentCount"),
            u64::from(self.attachments_of(Place::top(Kind::Article, index))),
        );
        o.count(k!("position"), dice.below(30, 40));
        let link = |out: &mut Vec<u8>, base: &[u8]| {
            out.extend_from_slice(base);
            out.extend_from_slice(b"article-");
            number(out, u64::from(index));
        };
        o.made(k!("permalink"), |out| link(out, b""));
        o.made(k!("webUrl"), |out| {
            link(out, b"https://desk.example/support/sample/kb/articles/");
        });
        o.made(k!("portalUrl"), |out| {
            link(out, b"https://help.desk.example/kb/articles/");
        });
        o.bool(k!("isTemplate"), dice.one_in(31, 20));
        let texts = o.texts;
        o.list(
            k!("availableLocaleTranslations"),
            0..=self.translations(index),
            |out, sub| {
                let mut o = Object::new(out, texts);
                o.id(k!("translationId"), translation_id(index, sub));
                o.text(k!("locale"), LOCALES[sub as usize]);
                o.text(k!("status"), STATUS[dice.with(u64::from(sub)).below(3, 6) as usize]);
                o.made(k!("latestVersion"), |out| version(out, dice));
                o.made(k!("href"), |out| {
                    self.link(out, b"articles", id);
                    out.extend_from_slice(b"/translations/");
                    out.extend_from_slice(LOCALES[sub as usize]);
                });
                o.bool(k!("isTrashed"), false);
                o.end();
            },
        );
        o.list(k!("secondaryTitles"), dice.one_in(32, 9).then_some(()), |out, ()| {
            out.extend_from_slice(b"\"Second, \\\"title\\\"\"");
        });
    }

    fn article_body(&self, index: u32, edit: Dice, created: i64, o: &mut Object<'_>) {
        o.made(k!("answer"), |out| {
            if !edit.one_in(40, 30) {
                self.texts.body(out, edit.with(1), u64::from(index), true);
            }
        });
        o.object(k!("seo"), |o| {
            o.maybe(
                k!("title"),
                edit.one_in(41, 3).then(|| self.texts.summaries.pick(edit.throw(42))),
            );
            o.null(k!("keywords"));
            o.null(k!("description"));
            o.bool(k!("isEnabled"), edit.one_in(43, 2));
        });
        o.list(
            k!("tags"),
            ["printer", "a, b", "日本語"].iter().take(edit.below(44, 4) as usize),
            |out, tag| {
                out.push(b'"');
                out.extend_from_slice(tag.as_bytes());
                out.push(b'"');
            },
        );
        self.embedded(k!("attachments"), Place::top(Kind::Article, index), o);
        o.maybe_time(
            k!("reviewedTime"),
            edit.one_in(45, 5).then(|| later(created, 1, 9000, edit.throw(46) >> 8)),
        );
    }

    fn writer(&self, o: &mut Object<'_>, key: &[u8], n: u32) {
        let agent = &self.people.agents[n as usize];
        o.object(key, |o| {
            o.id(k!("id"), agent_id(n));
            o.made(k!("name"), |out| self.texts.full(out, agent.name, agent.has_first));
            o.text(
                k!("status"),
                match agent.standing {
                    super::AgentStanding::Active => b"ACTIVE",
                    super::AgentStanding::Disabled => b"DISABLED",
                    super::AgentStanding::Deleted => b"DELETED",
                },
            );
            o.null(k!("photoUrl"));
        });
    }
}

fn version(out: &mut Vec<u8>, dice: Dice) {
    number(out, 1 + dice.below(7, 12));
    out.extend_from_slice(b".0");
}
