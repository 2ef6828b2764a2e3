//! The comparison finds what is wrong in a real archive, too: one cell of each row is altered, and each row is found.

use std::fs::File;
use std::io::{Read as _, Write as _};
use std::path::Path;

use deskvault_tests::zoho::{Desk, modules};
use sample_desk::Settings;
use zip::write::SimpleFileOptions;
use zip::{ZipArchive, ZipWriter};

use crate::whole::complete;

/// Copies an archive, with each row altered by `alter`, which is given the header and the row's number.
pub(crate) fn rewrite(from: &Path, to: &Path, mut alter: impl FnMut(&[String], &mut Vec<String>, usize)) {
    let mut archive = ZipArchive::new(File::open(from).expect("the archive")).expect("a ZIP");
    let mut copy = ZipWriter::new(File::create(to).expect("a file"));
    for place in 0..archive.len() {
        let mut entry = archive.by_index(place).expect("an entry");
        let name = entry.name().expect("a name").into_owned();
        let mut text = Vec::new();
        entry.read_to_end(&mut text).expect("the entry");
        if name != "manifest.json" {
            text = altered(&text, &mut alter);
        }
        copy.start_file(name, SimpleFileOptions::default()).expect("an entry");
        copy.write_all(&text).expect("the entry");
    }
    copy.finish().expect("an archive");
}

fn altered(text: &[u8], alter: &mut impl FnMut(&[String], &mut Vec<String>, usize)) -> Vec<u8> {
    let mut reader = csv::ReaderBuilder::new().has_headers(false).from_reader(text);
    let mut writer = csv::WriterBuilder::new().flexible(true).from_writer(Vec::new());
    let mut names = Vec::new();
    for (number, record) in reader.records().enumerate() {
        let mut row: Vec<String> = record.expect("a row").iter().map(str::to_owned).collect();
        match number {
            0 => {}
            1 => names.clone_from(&row),
            _ => alter(&names, &mut row, number - 2),
        }
        writer.write_record(&row).expect("a row");
    }
    writer.into_inner().expect("text")
}

#[test]
fn an_altered_cell_in_each_row_is_found() {
    let desk = Desk::start(Settings {
        seed: 7,
        tickets: 120,
        custom_fields: 12,
        ..Settings::default()
    });
    let backup = complete("to be damaged", &desk);
    let copy = desk.folder.path().join("damaged.zip");
    rewrite(&backup.summary.archive, &copy, |_, _, _| {});
    let report = desk.compare(&copy, &modules(), &|_| true);
    assert!(report.is_same(), "a mere copy: {report}");
    // A different column in each round, so that all of them have their turn.
    for round in 0..12 {
        rewrite(&backup.summary.archive, &copy, |_, row, number| {
            let at = (number * 13 + round * 7) % row.len();
            match row[at].pop() {
                Some('1') => row[at].push('2'),
                Some(_) => row[at].push('1'),
                None => row[at].push('0'),
            }
        });
        let report = desk.compare(&copy, &modules(), &|_| true);
        for (table, found) in &report.tables {
            assert_eq!(found.differ, found.rows, "round {round}, {table}: {report}");
        }
    }
}
