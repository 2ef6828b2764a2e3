//! Whatever is altered in an archive, `verify` finds it and names it.

use std::fs::{self, OpenOptions};
use std::os::unix::fs::FileExt as _;
use std::path::Path;

use super::{Piece, problems, put_together, small, take_apart, verify};

#[test]
fn every_flipped_bit_is_found() {
    let folder = tempfile::tempdir().unwrap();
    let path = small(folder.path());
    let (_, pieces) = take_apart(&path);
    let bytes = fs::read(&path).unwrap();
    let file = OpenOptions::new().write(true).open(&path).unwrap();
    // Where each entry's data lies.
    let data: Vec<_> = pieces
        .iter()
        .filter(|piece| !piece.stored)
        .map(|piece| {
            let start = bytes
                .windows(piece.packed.len())
                .position(|window| window == piece.packed)
                .unwrap();
            (start..start + piece.packed.len(), piece.name.as_str())
        })
        .collect();
    assert!(problems(&path).is_empty());
    for (at, byte) in bytes.iter().enumerate() {
        for bit in 0..8 {
            file.write_all_at(&[byte ^ (1 << bit)], at as u64).unwrap();
            let found = problems(&path);
            assert!(!found.is_empty(), "bit {bit} of byte {at} was flipped unseen");
            if let Some((_, name)) = data.iter().find(|(range, _)| range.contains(&at)) {
                assert!(found[0].starts_with(name), "{name}: {found:?}");
            }
        }
        file.write_all_at(&[*byte], at as u64).unwrap();
    }
    assert!(problems(&path).is_empty());
}

#[test]
fn every_truncation_and_every_addition_is_found() {
    let folder = tempfile::tempdir().unwrap();
    let path = small(folder.path());
    let bytes = fs::read(&path).unwrap();
    for length in 0..bytes.len() {
        fs::write(&path, &bytes[..length]).unwrap();
        assert!(!problems(&path).is_empty(), "cut after {length} bytes unseen");
        fs::write(&path, &bytes[length + 1..]).unwrap();
        assert!(!problems(&path).is_empty(), "begun after {length} bytes unseen");
    }
    for at in 0..=bytes.len() {
        let mut longer = bytes.clone();
        longer.insert(at, 0);
        fs::write(&path, &longer).unwrap();
        assert!(!problems(&path).is_empty(), "a byte at {at} unseen");
    }
    fs::write(&path, &bytes).unwrap();
    assert!(problems(&path).is_empty());
}

/// Changes the entries of the small archive and expects this as the first problem.
fn check(change: impl FnOnce(&mut Vec<Piece>), expected: &str) {
    let folder = tempfile::tempdir().unwrap();
    let path = small(folder.path());
    let (manifest, mut pieces) = take_apart(&path);
    assert_eq!(put_together(&pieces, manifest.started), fs::read(&path).unwrap());
    change(&mut pieces);
    fs::write(&path, put_together(&pieces, manifest.started)).unwrap();
    let found = problems(&path);
    assert!(
        found.iter().any(|problem| problem.ends_with(expected)),
        "{expected} is not in {found:?}"
    );
}

#[test]
fn entries_that_are_missing_additional_renamed_doubled_or_moved_are_named() {
    check(|pieces| drop(pieces.remove(1)), "Tickets__2.csv: it is missing");
    check(
        |pieces| pieces[2].name = "Threats__1.csv".to_owned(),
        "Threats__1.csv: the manifest knows no such file",
    );
    check(
        |pieces| pieces[2].name = "Threats__1.csv".to_owned(),
        "Threads__1.csv: it is missing",
    );
    check(
        |pieces| {
            let mut other = pieces[0].clone();
            other.name = "../evil.csv".to_owned();
            pieces.insert(1, other);
        },
        "../evil.csv: the manifest knows no such file",
    );
    check(
        |pieces| pieces.insert(1, pieces[0].clone()),
        "Tickets__1.csv: it is there twice",
    );
    check(
        |pieces| pieces.swap(0, 1),
        "Tickets__2.csv: it is where Tickets__1.csv must be",
    );
    check(
        |pieces| pieces.rotate_right(1),
        "manifest.json: it is where Tickets__1.csv must be",
    );
    check(|pieces| drop(pieces.pop()), "it has no manifest.json, among 3 entries");
    // The data of two files exchanged, under the names of each other.
    check(
        |pieces| {
            pieces.swap(0, 2);
            let (first, rest) = pieces.split_at_mut(1);
            std::mem::swap(&mut first[0].name, &mut rest[1].name);
        },
        "Tickets__1.csv: its packed bytes differ from the manifest's SHA-256",
    );
    check(
        |pieces| pieces[0].stored = true,
        "Tickets__1.csv: its local header differs from the manifest in its method",
    );
}

#[test]
fn other_tools_archives_of_the_same_files_are_refused() {
    let folder = tempfile::tempdir().unwrap();
    let path = small(folder.path());
    let mut archive = zip::ZipArchive::new(fs::File::open(&path).unwrap()).unwrap();
    let again = folder.path().join("again.zip");
    let mut writer = zip::ZipWriter::new(fs::File::create(&again).unwrap());
    for index in 0..archive.len() {
        writer.raw_copy_file(archive.by_index_raw(index).unwrap()).unwrap();
    }
    writer.finish().unwrap();
    let report = verify(&again).unwrap();
    assert!(!report.is_sound());
    assert_eq!(report.rows, 5);
}

#[test]
fn an_archive_that_another_program_packed_again_is_told_from_a_damaged_one() {
    let folder = tempfile::tempdir().unwrap();
    let path = small(folder.path());
    let mut archive = zip::ZipArchive::new(fs::File::open(&path).unwrap()).unwrap();
    let again = folder.path().join("again.zip");
    let repack = |archive: &mut zip::ZipArchive<fs::File>, rename: &dyn Fn(String) -> Option<String>| {
        let mut writer = zip::ZipWriter::new(fs::File::create(&again).unwrap());
        for index in 0..archive.len() {
            let mut entry = archive.by_index(index).unwrap();
            let Some(name) = rename(entry.name().unwrap().into_owned()) else {
                continue;
            };
            let options = zip::write::SimpleFileOptions::default().compression_method(zip::CompressionMethod::Deflated);
            writer.start_file(name, options).unwrap();
            std::io::copy(&mut entry, &mut writer).unwrap();
        }
        writer.finish().unwrap();
        problems(&again)
    };
    let repacked = "it was repacked by another program and therefore is not the archive that was made";
    assert_eq!(repack(&mut archive, &Some), [repacked]);
    assert_eq!(
        repack(&mut archive, &|name| match name.as_str() {
            "Tickets__1.csv" => None,
            "Threads__1.csv" => Some("Threats__1.csv".to_owned()),
            _ => Some(name),
        }),
        [
            repacked,
            "Threats__1.csv: the manifest knows no such file",
            "Tickets__1.csv: it is missing",
            "Threads__1.csv: it is missing",
        ]
    );
}

#[test]
fn another_compression_of_the_same_bytes_is_found() {
    check(
        |pieces| {
            let mut deflate = flate2::Compress::new(flate2::Compression::none(), false);
            let mut plain = Vec::with_capacity(10_000);
            flate2::Decompress::new(false)
                .decompress_vec(&pieces[0].packed, &mut plain, flate2::FlushDecompress::Finish)
                .unwrap();
            pieces[0].packed = Vec::with_capacity(10_000);
            deflate
                .compress_vec(&plain, &mut pieces[0].packed, flate2::FlushCompress::Finish)
                .unwrap();
        },
        "Tickets__1.csv: its local header differs from the manifest in its packed length",
    );
}

#[test]
fn verification_alters_nothing() {
    let folder = tempfile::tempdir().unwrap();
    let path = small(folder.path());
    let before = fs::read(&path).unwrap();
    verify(&path).unwrap();
    assert_eq!(fs::read(&path).unwrap(), before);
    assert_eq!(super::names(path.parent().unwrap_or(Path::new("."))).len(), 1);
}
