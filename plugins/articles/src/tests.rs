//! The exporter on fake desks made of the records of the API's description.

use plugin_api::testing::{FakeDesk, Reply, Run, check_exporter};
use plugin_api::{Job, Note, Request};
use serde_json::{Value as Json, json};
use zoho::testing::{FakeZoho, error};

use super::Articles;

/// An article, with its own language first among these.
fn article(id: u64, locales: &[&str]) -> Json {
    let available: Vec<Json> = locales
        .iter()
        .zip(1..)
        .map(|(locale, number)| {
            json!({"translationId": (id * 10 + number).to_string(), "locale": locale, "status": "Published",
                   "href": format!("https://desk.example/api/v1/articles/{id}/translations/{locale}"), "isTrashed": false})
        })
        .collect();
    json!({
        "id": id.to_string(), "title": "Reset the label printer", "summary": "Hold both keys.", "status": "Draft",
        "locale": locales[0], "departmentId": "21", "category": {"id": "10", "name": "Printers", "locale": "en"},
        "createdTime": format!("2030-01-12T11:{:02}:00.000Z", id % 60), "translationId": (id * 10 + 1).to_string(),
        "modifiedTime": format!("2031-02-02T16:{:02}:09.000Z", id % 60), "expiryDate": null, "attachmentCount": "0",
        "isTrashed": "false", "availableLocaleTranslations": available, "secondaryTitles": [],
    })
}

fn detail(article: &Json, attachments: &[u64]) -> Json {
    let mut detail = article.clone();
    detail["answer"] = json!(format!("<p>{}, \"日本\"\r\n=1+1 😀</p>", article["id"]));
    detail["seo"] = json!({"title": null, "isEnabled": false});
    detail["tags"] = json!(["printer"]);
    detail["attachmentCount"] = json!(attachments.len().to_string());
    let attachment =
        |id: &u64| json!({"id": id.to_string(), "name": "a.pdf", "size": "7", "href": "x", "previewurl": null});
    detail["attachments"] = attachments.iter().map(attachment).collect();
    detail
}

/// Articles in one, two and three languages; the second has attachments, which its translation has too.
fn zoho() -> FakeZoho {
    let articles = [
        article(1, &["en"]),
        article(2, &["en", "ja"]),
        article(3, &["de", "en", "zh_TW"]),
    ];
    let files: [&[u64]; 3] = [&[], &[70, 71], &[]];
    let mut desk = FakeZoho::new().module("/articles", articles.to_vec());
    for (article, files) in articles.iter().zip(files) {
        let at = format!("/articles/{}", article["id"].as_str().unwrap_or_default());
        desk = desk.answer(&at, detail(article, files));
        for language in article["availableLocaleTranslations"]
            .as_array()
            .into_iter()
            .flatten()
            .skip(1)
        {
            let mut other = detail(article, files);
            other["locale"] = language["locale"].clone();
            other["translationId"] = language["translationId"].clone();
            other["title"] = json!("ラベル");
            if article["id"] == "3" {
                // The desk may leave out what it was asked by.
                other.as_object_mut().expect("an object").remove("translationId");
            }
            let locale = language["locale"].as_str().unwrap_or_default();
            desk = desk.answer(&format!("{at}/translations/{locale}"), other);
        }
    }
    desk
}

fn run(desk: &FakeDesk) -> Run {
    desk.run(Articles, &Job::full("articles"))
}

fn but(desk: FakeZoho, answer: impl Fn(&Request) -> Option<Reply> + Send + Sync + 'static) -> FakeDesk {
    let desk = desk.desk();
    FakeDesk::new(move |request| answer(request).unwrap_or_else(|| desk.reply(request)))
}

fn cells(run: &Run, table: &str, names: &[&str]) -> Vec<Vec<String>> {
    let found = run.table(table).expect("a table");
    let at: Vec<_> = names
        .iter()
        .map(|name| found.table.position(name).expect("a column"))
        .collect();
    let rows = run.rows(table);
    rows.iter()
        .map(|row| at.iter().map(|at| row[*at].clone()).collect())
        .collect()
}

#[test]
fn everything_is_written_once_with_the_least_requests() {
    let run = run(&zoho().desk());
    assert_eq!((run.result.clone(), run.unread()), (Ok(()), vec![]));
    let articles = cells(&run, "Articles", &["id", "answer", "tags", "status", "modifiedTime"]);
    let expected = [
        "2",
        "<p>\"2\", \"日本\"\r\n=1+1 😀</p>",
        "[\"printer\"]",
        "Draft",
        "2031-02-02T16:02:09Z",
    ];
    assert_eq!(
        (articles.len(), articles[1].clone()),
        (3, expected.map(str::to_owned).to_vec())
    );
    let translations = cells(
        &run,
        "ArticleTranslations",
        &["translationId", "articleId", "locale", "title"],
    );
    let expected = [
        ["22", "2", "ja", "ラベル"],
        ["32", "3", "en", "ラベル"],
        ["33", "3", "zh_TW", "ラベル"],
    ];
    assert_eq!(translations, expected);
    let attachments = cells(&run, "ArticleAttachments", &["id", "articleId", "locale"]);
    assert_eq!(attachments, [["70", "2", ""], ["71", "2", ""]]);
    let counts = super::tables::NAMES.map(|table| run.desk_count(table));
    assert_eq!(counts, [Some(3), Some(3), Some(2)]);
    let least = run.notes.iter().rev().find_map(|note| match note {
        Note::LeastRequests { requests } => Some(*requests),
        _ => None,
    });
    assert_eq!((run.requests.len(), least), (7, Some(7)));
}

#[test]
fn it_holds_to_what_every_exporter_must() {
    check_exporter(|| Articles, zoho().desk());
}

#[test]
fn what_goes_meanwhile_is_gone() {
    let gone = |path: &'static str| {
        let went = std::sync::atomic::AtomicBool::new(false);
        but(zoho(), move |request| {
            if request.path == path {
                went.store(true, std::sync::atomic::Ordering::Relaxed);
                return Some(error(404, "URL_NOT_FOUND"));
            }
            // The article names it no longer.
            let is_asked_again = request.path == "/articles/3" && went.load(std::sync::atomic::Ordering::Relaxed);
            is_asked_again.then(|| Reply::json(200, detail(&article(3, &["de", "zh_TW"]), &[])))
        })
    };
    let article = run(&gone("/articles/3"));
    assert_eq!(
        (article.result.clone(), article.gone()),
        (Ok(()), vec![("Articles", "3")])
    );
    assert_eq!(
        (
            article.rows("Articles").len(),
            article.rows("ArticleTranslations").len()
        ),
        (2, 1)
    );
    let translation = run(&gone("/articles/3/translations/en").seed(1));
    assert_eq!(translation.gone(), [("ArticleTranslations", "3/en")]);
    assert_eq!(translation.rows("ArticleTranslations").len(), 2);
}

#[test]
fn what_can_not_be_read_is_named() {
    for (path, expected) in [
        ("/articles/2", vec![("Articles", "2")]),
        ("/articles/2/translations/ja", vec![("ArticleTranslations", "2/ja")]),
    ] {
        let run = run(&but(zoho(), move |request| {
            (request.path == path).then(|| Reply::status(500))
        }));
        assert_eq!((run.result.clone(), run.unread()), (Ok(()), expected));
        // Once more, when the desk is well again: what was missing, and nothing else.
        let job = run.again(Job::full("articles"));
        let again = zoho().desk().run(Articles, &job);
        assert_eq!((again.result.clone(), again.unread()), (Ok(()), vec![]));
        let whole = self::run(&zoho().desk());
        for table in crate::tables::NAMES {
            let sorted = |runs: &[&Run]| {
                let mut rows: Vec<_> = runs.iter().flat_map(|run| run.rows(table)).collect();
                rows.sort();
                rows
            };
            assert_eq!(sorted(&[&run, &again]), sorted(&[&whole]), "{path}: {table}");
            assert_eq!(
                run.desk_count(table).max(again.desk_count(table)),
                whole.desk_count(table)
            );
        }
    }
    let mut hides = detail(&article(2, &["en"]), &[70]);
    hides["attachmentCount"] = json!("3");
    let run = run(&but(zoho(), move |request| {
        (request.path == "/articles/2").then(|| Reply::json(200, &hides))
    }));
    assert_eq!(run.unread(), [("ArticleAttachments", "2")]);
}

#[test]
fn a_language_that_came_meanwhile_is_asked_for() {
    let now = detail(&article(1, &["en", "ja"]), &[]);
    let mut other = now.clone();
    other["locale"] = json!("ja");
    other["translationId"] = json!("12");
    let run = run(&but(zoho(), move |request| match request.path.as_str() {
        "/articles/1" => Some(Reply::json(200, &now)),
        "/articles/1/translations/ja" => Some(Reply::json(200, &other)),
        _ => None,
    }));
    assert_eq!(run.result, Ok(()));
    assert_eq!(cells(&run, "ArticleTranslations", &["translationId"])[0], ["12"]);
}

#[test]
fn a_translation_that_the_article_still_names_is_not_gone() {
    let desk = but(zoho(), |request| {
        request
            .path
            .contains("/translations/")
            .then(|| error(404, "URL_NOT_FOUND"))
    });
    let run = run(&desk);
    assert_eq!((run.result.clone(), run.gone()), (Ok(()), vec![]));
    assert_eq!(run.unread().len(), 3);
}

#[test]
fn without_the_search_the_list_is_read_as_the_desk_allows() {
    let refused = zoho().refuse("/articles/search", 403, "SCOPE_MISMATCH");
    let desk = but(refused, |request| {
        let number = |name| zoho::testing::asked(request, name).and_then(|text| text.parse::<u64>().ok());
        let is_allowed = number("from") >= Some(1) && number("limit") <= Some(50);
        (request.path == "/articles" && !is_allowed).then(|| error(422, "UNPROCESSABLE_ENTITY"))
    });
    let run = run(&desk);
    assert_eq!((run.result.clone(), run.unread()), (Ok(()), vec![]));
    let rows = super::tables::NAMES.map(|table| run.rows(table).len());
    assert_eq!(rows, [3, 3, 2]);
    let made = run.requests.len() as u64;
    assert!(
        run.notes.contains(&Note::LeastRequests { requests: made }),
        "{made} requests"
    );
}
