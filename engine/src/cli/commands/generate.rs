//! `deskvault completions` and `deskvault man`: made from the command line's own description.

use std::fmt::Write as _;
use std::fs;
use std::io;
use std::path::Path;

use anyhow::Context as _;
use clap_mangen::Man;

use crate::cli::Shell;
use crate::cli::args;
use crate::cli::exit::Exit;

use super::{Failure, Outcome, print, shown};

pub(super) fn completions(kind: clap_complete::Shell, shell: &Shell) -> Outcome {
    let mut script = Vec::new();
    clap_complete::generate(kind, &mut args::command(), "deskvault", &mut script);
    print(&String::from_utf8_lossy(&script), shell)?;
    Ok(Exit::Done)
}

pub(super) fn man(out: Option<&Path>, shell: &Shell) -> Outcome {
    let mut command = args::command().disable_help_subcommand(true);
    command.build();
    let Some(out) = out else {
        let page = page(&command, true)
            .context("cannot make the man page")
            .map_err(Failure::Failed)?;
        print(&page, shell)?;
        return Ok(Exit::Done);
    };
    let folder = shell.working.join(out);
    let write = || {
        fs::create_dir_all(&folder)?;
        pages(&command, true, &folder)
    };
    write()
        .with_context(|| format!("cannot write man pages into {}", shown(&folder)))
        .map_err(Failure::Failed)?;
    Ok(Exit::Done)
}

/// The page of a command and those of the commands below it.
fn pages(command: &clap::Command, is_root: bool, folder: &Path) -> io::Result<()> {
    for below in command.get_subcommands().filter(|below| !below.is_hide_set()) {
        pages(below, false, folder)?;
    }
    let file = Man::new(command.clone()).get_filename();
    fs::write(folder.join(file), page(command, is_root)?)
}

/// One page. Exit codes are on every one, the other sections of the long help's end on the first.
fn page(command: &clap::Command, is_root: bool) -> io::Result<String> {
    let man = Man::new(command.clone());
    let mut page = Vec::new();
    man.render_title(&mut page)?;
    man.render_name_section(&mut page)?;
    man.render_synopsis_section(&mut page)?;
    man.render_description_section(&mut page)?;
    man.render_options_section(&mut page)?;
    if command.has_subcommands() {
        man.render_subcommands_section(&mut page)?;
    }
    let mut page = String::from_utf8_lossy(&page).into_owned();
    let mut wanted = false;
    for line in args::EXTRA.lines().filter(|line| !line.is_empty()) {
        if let Some(text) = line.strip_prefix("  ") {
            if wanted {
                // Writing to a string cannot fail.
                let _ = writeln!(page, "{}", escaped(text));
            }
            continue;
        }
        if wanted {
            page += ".fi\n";
        }
        let heading = line
            .trim_end_matches(':')
            .to_uppercase()
            .replace("EXIT CODES", "EXIT STATUS");
        wanted = is_root || heading == "EXIT STATUS";
        if wanted {
            // Unfilled: lines stay as they are.
            let _ = writeln!(page, ".SH \"{heading}\"\n.nf");
        }
    }
    if wanted {
        page += ".fi\n";
    }
    Ok(page)
}

/// Text that roff shows as it is.
fn escaped(line: &str) -> String {
    let text = line.replace('\\', "\\e").replace('-', "\\-");
    if text.starts_with(['.', '\'']) {
        format!("\\&{text}")
    } else {
        text
    }
}
