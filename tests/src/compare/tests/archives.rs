//! Archives for the tests, as CSV cells.

use std::collections::BTreeMap;
use std::fs::File;
use std::io::Write as _;
use std::path::Path;

use zip::ZipWriter;
use zip::write::SimpleFileOptions;

use crate::compare::tables::{all, split};

/// Files of an archive, by name: rows of cells, header rows first.
#[derive(Clone)]
pub(super) struct Files(pub(super) BTreeMap<String, Vec<Vec<String>>>);

impl Files {
    /// A cell of a row, counted from 0 behind the header rows.
    pub(super) fn cell(&mut self, file: &str, row: usize, column: &str) -> &mut String {
        let rows = self.0.get_mut(file).expect("the file");
        let at = rows[1].iter().position(|name| name == column).expect("the column");
        &mut rows[row + 2][at]
    }

    /// Adds a table of these rows: the columns of the sheets, those of custom fields among them.
    pub(super) fn table(&mut self, name: &str, custom: &[(&str, &str)], rows: &[&[(&str, &str)]]) {
        let table = all().find(|table| table.name == name).expect("the table");
        let label = |name: &str| {
            let mut label = name.to_owned();
            label.replace_range(..1, &name[..1].to_uppercase());
            label
        };
        let mut columns: Vec<(String, String)> = Vec::new();
        let pairs = split(table.names).zip(split(table.labels));
        columns.extend(pairs.map(|(name, label)| (name.to_owned(), label.to_owned())));
        if name == "TeamMembers" {
            let own = ["teamId", "agentId", "isDirect", "isDerived"];
            columns.extend(own.map(|name| (name.to_owned(), label(name))));
        }
        columns.extend(
            custom
                .iter()
                .map(|(name, label)| ((*name).to_owned(), (*label).to_owned())),
        );
        columns.extend(split(table.further).map(|name| (name.to_owned(), label(name))));
        if name != "TeamMembers" {
            columns.push(("Other Fields".into(), "Other Fields".into()));
        }
        let (names, labels): (Vec<String>, Vec<String>) = columns.into_iter().unzip();
        let mut lines = vec![labels, names.clone()];
        for row in rows {
            let mut cells = vec![String::new(); names.len()];
            for (name, cell) in *row {
                let at = names.iter().position(|column| column == name).expect("the column");
                (*cell).clone_into(&mut cells[at]);
            }
            lines.push(cells);
        }
        self.0.insert(format!("{name}__1.csv"), lines);
    }

    pub(super) fn write(&self, path: &Path) {
        let mut zip = ZipWriter::new(File::create(path).expect("a file"));
        let options = SimpleFileOptions::default();
        let mut files = Vec::new();
        for (name, rows) in &self.0 {
            let mut csv = csv::WriterBuilder::new().flexible(true).from_writer(Vec::new());
            for row in rows {
                csv.write_record(row).expect("a row");
            }
            zip.start_file(name, options).expect("an entry");
            zip.write_all(&csv.into_inner().expect("text")).expect("the entry");
            files.push(serde_json::json!({ "name": name, "rows": rows.len().saturating_sub(2) }));
        }
        let manifest = serde_json::json!({ "tables": [{ "files": files }] });
        zip.start_file("manifest.json", options).expect("an entry");
        zip.write_all(manifest.to_string().as_bytes()).expect("the manifest");
        zip.finish().expect("an archive");
    }
}

/// Two tickets, three threads, a contact, a team and its member.
pub(super) const TRUTH: &str = r#"{"table":"Cases","id":"1","shapes":{"search":{"id":"1","subject":"Line one\r\nline \"two\", 日本語 😀","threadCount":"2","createdTime":"2031-03-14T08:12:47.000Z","isEscalated":false,"contact":{"id":"9","phone":null},"cf":{"cf_serial":"LP-1","cf_gone":null},"childTicketCount":"0","source":{"type":"SYSTEM"}},"detail":{"id":"1","subject":"Line one\r\nline \"two\", 日本語 😀","threadCount":"2","createdTime":"2031-03-14T08:12:47.000Z","isEscalated":false,"cf":{"cf_serial":"LP-1","cf_gone":null},"attachmentCount":"0","closedTime":"2031-03-15T09:00:00.007Z","source":{"type":"SYSTEM"},"layoutDetails":{"id":"5"}}}}
{"table":"Cases","id":"2","shapes":{"list":{"id":"2","isArchived":true,"subject":"=1+1"},"search":{"id":"2","childTicketCount":"7"},"detail":{"id":"2","isArchived":true,"subject":"=1+1","cf":{}}}}
{"table":"Threads","id":"11","parent":"1","shapes":{"conversation":{"id":"11","type":"thread","channel":"EMAIL","direction":"in","visibility":"public"},"detail":{"id":"11","channel":"EMAIL","direction":"in","visibility":"public","content":"<div>a</div>","to":"\"S\"<h@d.example>","attachments":[{"id":"70","size":"1"}]}}}
{"table":"Threads","id":"12","parent":"1","shapes":{"detail":{"id":"12","channel":"WEB","direction":"out","visibility":"private","content":"b"}}}
{"table":"Threads","id":"13","parent":"1","shapes":{"detail":{"id":"13","channel":"WEB","direction":"out","visibility":"private","content":"c"}}}
{"table":"Contacts","id":"21","shapes":{"search":{"id":"21","email":"a@b.example","zohoCRMContact":{"id":"77","type":"lead"},"cf":{"cf_vip":"true","cf_new":"x"},"new":1.50,"deep":{"a":[1,2],"b":null},"isEndUser":true}}}
{"table":"Teams","id":"3","shapes":{"list":{"id":"3","agents":["31"],"derivedAgents":[]}}}
{"table":"TeamMembers","id":"31","parent":"3","shapes":{"detail":{"id":"31"}}}
"#;

/// The archive of [`TRUTH`].
pub(super) fn small() -> Files {
    let mut files = Files(BTreeMap::new());
    files.table(
        "Cases",
        &[("cf_serial", "Serial number")],
        &[
            &[
                ("id", "1"),
                ("subject", "Line one\r\nline \"two\", 日本語 😀"),
                ("threadCount", "2"),
                ("createdTime", "2031-03-14 08:12:47"),
                ("closedTime", "2031-03-15 09:00:00.007"),
                ("isEscalated", "false"),
                ("childTicketCount", "0"),
                ("cf_serial", "LP-1"),
                ("contact", r#"{"id":"9","phone":null}"#),
                ("source", r#"{"type":"SYSTEM"}"#),
                ("attachmentCount", "0"),
                ("layoutDetails", r#"{"id":"5"}"#),
                ("Other Fields", r#"{"cf":{"cf_gone":null}}"#),
            ],
            &[("id", "2"), ("subject", "=1+1"), ("isArchived", "true")],
        ],
    );
    let thread = |id: &'static str, content: &'static str| {
        [
            ("id", id),
            ("ticketId", "1"),
            ("threadStatus", "WEB OUTGOING"),
            ("isPrivate", "true"),
            ("content", content),
            ("channel", "WEB"),
            ("direction", "out"),
            ("visibility", "private"),
        ]
    };
    files.table(
        "Threads",
        &[],
        &[
            &[
                ("id", "11"),
                ("ticketId", "1"),
                ("threadStatus", "EMAIL INCOMING"),
                ("isPrivate", "false"),
                ("content", "<div>a</div>"),
                ("receipients", "\"S\"<h@d.example>"),
                ("channel", "EMAIL"),
                ("direction", "in"),
                ("visibility", "public"),
                ("attachments", r#"[{"size":"1", "id":"70"}]"#),
            ],
            &thread("12", "b"),
            &thread("13", "c"),
        ],
    );
    files.table(
        "Contacts",
        &[("cf_vip", "VIP")],
        &[&[
            ("id", "21"),
            ("email", "a@b.example"),
            ("crmContactId", "77"),
            ("isEndUser", "true"),
            ("cf_vip", "true"),
            (
                "Other Fields",
                r#"{"zohoCRMContact":{"type":"lead"},"new":1.50,"cf":{"cf_new":"x"},"deep":{"a":[1,2],"b":null}}"#,
            ),
        ]],
    );
    files.table(
        "Teams",
        &[],
        &[&[("id", "3"), ("agents", r#"["31"]"#), ("derivedAgents", "[]")]],
    );
    let member = [
        ("teamId", "3"),
        ("agentId", "31"),
        ("isDirect", "true"),
        ("isDerived", "false"),
    ];
    files.table("TeamMembers", &[], &[&member]);
    files
}
