//! `deskvault completions` and `deskvault man`: made from the command line's own description.

use std::fs;
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
    let Some(out) = out else {
        let mut page = Vec::new();
        Man::new(args::command())
            .render(&mut page)
            .context("cannot make the man page")
            .map_err(Failure::Failed)?;
        print(&String::from_utf8_lossy(&page), shell)?;
        return Ok(Exit::Done);
    };
    let folder = shell.working.join(out);
    let write = || {
        fs::create_dir_all(&folder)?;
        clap_mangen::generate_to(args::command(), &folder)
    };
    write()
        .with_context(|| format!("cannot write man pages into {}", shown(&folder)))
        .map_err(Failure::Failed)?;
    Ok(Exit::Done)
}
