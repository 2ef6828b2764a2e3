//! The command line as it is typed.

mod archives;
mod daemon;
mod history;
mod people;
mod sample_desk;
mod schedule;

use std::path::PathBuf;

pub(crate) use archives::{Delete, Download, Link, List};
pub(crate) use daemon::{Daemon, RunBackup};
pub(crate) use history::{History, HistoryCommand, Lang};
pub(crate) use people::{CreateToken, Token, User};
pub(crate) use sample_desk::{Edition, SampleDesk};
pub(crate) use schedule::{Schedule, Set as SetSchedule, Show as ShowSchedule, Stop as StopSchedule};

use clap::{ArgAction, Args, CommandFactory as _, Parser, Subcommand};
use clap_complete::Shell;

use crate::drill;

/// Examples, exit codes and files, at the end of the long help; each is a section of the man page. A line that starts at
/// the margin is the heading of what follows.
pub(crate) const EXTRA: &str = "\
Examples:
  Everything of the only desk in the configuration:
    deskvault backup
  Two of its modules:
    deskvault backup --desk main --module tickets --module contacts
  What was created or changed in June, all of it:
    deskvault backup --from 2024-06-01 --to 2024-06-30
  One JSON object a line:
    deskvault backup --json | jq .
  A range of more than 31 days, in parts that pass:
    deskvault backup --from 2024-01-01 --to 2024-03-15 --split
  One that was interrupted; the same, with an archive of what there is if need be:
    deskvault backup --resume
    deskvault backup --resume --finish
  A backup each Friday night, while the daemon runs:
    deskvault schedule set weekly --on fri --at 02:00 --until 2027-03-31
    deskvault daemon
  Which archives are there? One of them into another folder, as a link, away:
    deskvault list
    deskvault download 12 --to /mnt/safe
    deskvault link 12 --for 2d
    deskvault delete 12
  Who did what when, and has nobody altered it?
    deskvault history
    deskvault history verify
  What the configuration needs of a person; a token for a program:
    deskvault user hash
    deskvault token create 'Ann Archer' --for 90d
  Grant access to a Zoho Desk; a desk of made-up records to try things on:
    deskvault connect --desk main
    deskvault sample-desk --tickets 1000
  Is the archive whole? Which exporters are there? Is the configuration right?
    deskvault verify backups/main.zip
    deskvault plugins list
    deskvault config check

Exit codes:
  0    done
  1    failed, or a plugin was refused; no archive was made, unless the message
       names one
  2    the command line or the configuration is wrong; nothing was started
  3    the archive is there, but incomplete: something could not be read, and is named;
       of connect: access is granted, but a module of the desk cannot be read with it
  4    damage was found, by verify, download or history verify
  5    refused by a rule, or by who may do what; the message says which, and what to do
  6    suspended: the backup came to no end, and what is read is kept; --resume goes on
  130  stopped (Ctrl-C, SIGTERM or SIGHUP); no archive was made; a backup is suspended

Files:
  The configuration is the file of --config, else of the environment variable
  DESKVAULT_CONFIG, else deskvault.toml, else config/deskvault.toml in the working
  folder. `deskvault config keys` prints all that it may say.
  Archives are in the folder that [archive] names: `backups` beside the configuration
  if it names none. With them: deskvault.db, the memory; deskvault.key, what links and
  the history are signed with; deskvault.lock, who runs the daemon. While a backup runs
  or is suspended, its parts are in a folder `.deskvault-...spool` there.
  Exporters are looked for in the folders of --plugins, else of [plugins]; without
  either, beside the executable (files called libdeskvault_*), in `plugins` beside it,
  and in ../lib/deskvault/plugins from there.

Environment:
  DESKVAULT_CONFIG  the configuration file
  DESKVAULT_LOG     what is logged, over -v, -q and [log]: debug, or
                    warn,engine::connection=trace
  DESKVAULT_TOKEN   an API token: commands act as its person, not as the primary contact
  NO_COLOR          no colours";

/// Backs up a help desk into one ZIP of CSV files.
///
/// What is exported is decided by plugins, exporters that are loaded when they are needed; when and whether a backup runs,
/// by deskvault. An archive is published whole or not at all.
#[derive(Debug, Parser)]
#[command(name = "deskvault", version, after_long_help = EXTRA, max_term_width = 100, propagate_version = true)]
pub(crate) struct Typed {
    #[command(flatten)]
    pub(crate) global: Global,
    #[command(subcommand)]
    pub(crate) command: Command,
}

/// What goes with every command.
#[derive(Args, Debug)]
pub(crate) struct Global {
    /// The configuration file.
    #[arg(long, short, global = true, value_name = "FILE")]
    pub(crate) config: Option<PathBuf>,
    /// A folder to look for exporters in, over those of the configuration. May be repeated.
    #[arg(long, global = true, value_name = "DIR")]
    pub(crate) plugins: Vec<PathBuf>,
    /// Tells more; twice, everything.
    #[arg(long, short, global = true, action = ArgAction::Count, conflicts_with = "quiet")]
    pub(crate) verbose: u8,
    /// Tells errors and results alone; no progress.
    #[arg(long, short, global = true)]
    pub(crate) quiet: bool,
}

/// What is to be done.
#[derive(Debug, Subcommand)]
pub(crate) enum Command {
    Backup(Backup),
    Verify(Verify),
    List(List),
    Download(Download),
    Delete(Delete),
    Link(Link),
    /// Sets, shows and stops the schedule of a desk.
    #[command(subcommand)]
    Schedule(Schedule),
    History(History),
    /// Makes what the configuration needs of a person.
    #[command(subcommand)]
    User(User),
    /// Makes, lists and revokes API tokens.
    #[command(subcommand)]
    Token(Token),
    Daemon(Daemon),
    #[command(hide = true)]
    RunBackup(RunBackup),
    Connect(Connect),
    SampleDesk(Box<SampleDesk>),
    /// Shows and checks exporters.
    #[command(subcommand)]
    Plugins(Plugins),
    /// Checks and explains the configuration.
    #[command(subcommand)]
    Config(Config),
    /// Prints a script that completes this command in a shell.
    ///
    /// For bash, for example: deskvault completions bash > ~/.local/share/bash-completion/completions/deskvault
    Completions {
        /// The shell.
        shell: Shell,
    },
    /// Prints the man page, or writes the pages of all commands.
    Man {
        /// Writes deskvault.1 and a page for each command into this folder.
        #[arg(long, value_name = "DIR")]
        out: Option<PathBuf>,
    },
}

/// Backs up a desk.
///
/// Without --from and --to, everything. With them, what was created or changed from the one until the other: RFC 3339
/// times, or dates, which mean whole days, the last one included. Times without a zone are UTC.
///
/// A full backup may start 30 days after the last one that made an archive, and the range of another one may have 31 days, if
/// the configuration sets no other [limits]. What a rule refuses ends with exit code 5, says which rule and what to do, and is
/// in the history. One backup of a desk runs at a time.
///
/// The archive is listed by `deskvault list`, and expires after what the configuration says, 7 days if nothing.
///
/// Ctrl-C (or SIGTERM, or a terminal that closes) stops cleanly, a second Ctrl-C at once. A backup that was stopped or crashed,
/// or ended because the disk is full, the credentials do not hold or the desk cannot be reached, is suspended (exit code 6, or
/// 130): --resume goes on with it, and asks the desk for nothing again that is kept. While one is suspended, another one of the
/// desk is refused. The daemon goes on by itself with all that no person has stopped.
#[derive(Args, Debug, Default)]
#[allow(clippy::struct_excessive_bools)] // each is a flag that is typed or not
pub(crate) struct Backup {
    /// The desk; may be left out where the configuration has one alone.
    #[arg(long, value_name = "NAME")]
    pub(crate) desk: Option<String>,
    /// Begin of the range: 2024-06-01 or 2024-06-01T08:00:00+09:00.
    #[arg(long, value_name = "T")]
    pub(crate) from: Option<String>,
    /// End of the range: the last day of it, or the first moment after it.
    #[arg(long, value_name = "T")]
    pub(crate) to: Option<String>,
    /// Cuts a range that is too long into equal parts that are not, and backs them up one after the other.
    ///
    /// Each has an archive of its own, and no moment is in two of them or in none. At the first part that fails it stops, and
    /// says what is done and how to go on.
    #[arg(long, requires = "from")]
    pub(crate) split: bool,
    /// Starts although the desk counts more records than a backup may have, and keeps those up to the limit.
    #[arg(long)]
    pub(crate) allow_partial: bool,
    /// Waits while another backup of the desk runs, in place of being refused.
    #[arg(long)]
    pub(crate) wait: bool,
    /// Goes on with a backup that is suspended: this one, or the only one.
    ///
    /// Its modules, range and folder are those with which it was started.
    #[arg(
        long,
        value_name = "ID",
        num_args = 0..=1,
        require_equals = false,
        conflicts_with_all = ["from", "to", "split", "allow_partial", "modules", "out", "anew"]
    )]
    #[allow(clippy::option_option)] // typed or not, with a number or without
    pub(crate) resume: Option<Option<u64>>,
    /// Makes an incomplete archive of what there is, where the backup still cannot be gone on with.
    #[arg(long, requires = "resume")]
    pub(crate) finish: bool,
    /// Gives up what is suspended of the desk, and starts a new backup.
    #[arg(long)]
    pub(crate) anew: bool,
    /// Only this module of the desk. May be repeated.
    #[arg(long = "module", short, value_name = "M")]
    pub(crate) modules: Vec<String>,
    /// A folder for the archive, over that of the configuration. There it never expires by itself.
    #[arg(long, short, value_name = "DIR")]
    pub(crate) out: Option<PathBuf>,
    /// Progress and result as JSON objects, one a line, on standard output.
    #[arg(long)]
    pub(crate) json: bool,
}

/// Reads an archive again, whole, and says what is wrong with it.
///
/// Structure, checksums, rows and columns, unique keys. Rows whose parent is not in the archive are reported, and are no damage.
/// The exit code is 0 if it is whole, 3 if it is whole but its backup was incomplete, 4 if it is damaged, 1 if it cannot
/// be read.
///
/// --drill then chooses some rows at random, asks the desk for their records again, and compares cell by cell. A record that
/// was changed or deleted there since the backup is told as such. One that was not, and differs, is damage. The desk must be
/// in the configuration.
#[derive(Args, Debug)]
pub(crate) struct Verify {
    /// The ZIP, or the number of a backup.
    #[arg(value_name = "ARCHIVE|ID")]
    pub(crate) archive: PathBuf,
    /// Asks the desk again for 20 rows, or for so many: --drill=100.
    #[arg(long, value_name = "N", num_args = 0..=1, require_equals = true, default_missing_value = "20", value_parser = clap::value_parser!(u64).range(1..=drill::MOST_ROWS))]
    pub(crate) drill: Option<u64>,
    /// Chooses the rows that an earlier drill has shown this number for.
    #[arg(long, value_name = "S", requires = "drill")]
    pub(crate) seed: Option<u64>,
    /// The result as one JSON object.
    #[arg(long)]
    pub(crate) json: bool,
}

/// Grants deskvault access to a Zoho Desk.
///
/// Prints what to open and which scopes to grant, reads the code that Zoho then shows from standard input, and keeps the
/// refresh token in the file that `refresh_token_file` of the configuration names, readable by its owner alone. Then it has
/// the desk name its organisation, and says of each module whether it can be read.
#[derive(Args, Debug)]
pub(crate) struct Connect {
    /// The desk; may be left out where the configuration has one alone.
    #[arg(long, value_name = "NAME")]
    pub(crate) desk: Option<String>,
    /// Replaces a refresh token that is there already.
    #[arg(long)]
    pub(crate) force: bool,
}

/// Shows and checks exporters.
#[derive(Debug, Subcommand)]
pub(crate) enum Plugins {
    /// Lists all that are found, the refused ones too, each with the reason.
    List {
        /// One JSON object for each.
        #[arg(long)]
        json: bool,
    },
    /// Loads one and says whether it is taken.
    Check {
        /// The library.
        file: PathBuf,
    },
    /// Trusts a library: it is loaded from now on, as long as it is this very file.
    ///
    /// Libraries outside the installation are only loaded when they were trusted, unless `[plugins] require_trust` says otherwise.
    /// What is kept is the path and the SHA-256 of the file; none of its code runs for that.
    Trust {
        /// The library.
        file: PathBuf,
    },
    /// Trusts a library no more.
    Untrust {
        /// The library.
        file: PathBuf,
    },
}

/// Checks and explains the configuration.
#[derive(Debug, Subcommand)]
pub(crate) enum Config {
    /// Says whether the configuration is right, and everything that is wrong with it.
    Check,
    /// Prints every section and key with type, default and meaning.
    Keys,
}

/// The whole command, for completions and man pages.
pub(crate) fn command() -> clap::Command {
    Typed::command()
}

#[cfg(test)]
mod tests {
    use clap::Parser as _;

    use super::{Command, Typed};

    #[test]
    fn is_consistent() {
        super::command().debug_assert();
    }

    #[test]
    fn parses() {
        for (line, taken) in [
            ("backup", true),
            (
                "backup --desk main --from 2024-06-01 --to 2024-06-30 -m tickets --module contacts --json -o out",
                true,
            ),
            (
                "backup --from 2024-01-01 --to 2024-12-31 --split --allow-partial --wait",
                true,
            ),
            ("backup --split", false),
            ("backup --resume", true),
            ("backup --resume 7 --finish --wait --desk main", true),
            ("backup --resume --json", true),
            ("backup --resume x", false),
            ("backup --resume --from 2024-06-01", false),
            ("backup --resume --anew", false),
            ("backup --finish", false),
            ("backup --anew -m tickets", true),
            ("list", true),
            ("list --desk main --all --json", true),
            ("download 7", true),
            ("download deskvault:/archives/7?expires=1&signature=x --to out", true),
            ("download", false),
            ("delete 7 --yes", true),
            ("delete x", false),
            ("link 7 --for 2d", true),
            ("link 7 --for 2", false),
            ("connect --desk main --force", true),
            ("connect 1000.code", false),
            (
                "sample-desk --tickets 1000 --latency 50ms --missing-scope Desk.search.READ --reading contacts_from=0",
                true,
            ),
            ("sample-desk --latency 50", false),
            ("sample-desk --tickets 99", false),
            ("backup -q --config x.toml --plugins a --plugins b", true),
            ("--config x.toml -vv backup", true),
            ("backup -q -v", false),
            ("backup --dsek main", false),
            ("verify", false),
            ("verify a.zip --json", true),
            // The number is never taken for the archive, nor the archive for the number.
            ("verify --drill a.zip", true),
            ("verify --drill=3 7", true),
            ("verify --drill 3 7", false),
            ("verify 7 --drill=0", false),
            ("plugins list --json", true),
            ("plugins check a.so", true),
            ("plugins trust a.so", true),
            ("plugins untrust", false),
            ("plugins", false),
            ("config check", true),
            ("config keys", true),
            ("completions fish", true),
            ("completions tcsh", false),
            ("man --out dir", true),
            ("", false),
        ] {
            let words = std::iter::once("deskvault").chain(line.split_whitespace());
            assert_eq!(Typed::try_parse_from(words).is_ok(), taken, "{line}");
        }
        let typed = Typed::try_parse_from(["deskvault", "backup", "-m", "a", "-m", "b", "-vv"]).unwrap();
        assert_eq!(typed.global.verbose, 2);
        let Command::Backup(backup) = typed.command else {
            panic!("backup")
        };
        assert_eq!(backup.modules, ["a", "b"]);
    }

    #[test]
    fn help_lists_every_exit_code() {
        use crate::cli::exit::Exit;

        let help = super::command().render_long_help().to_string();
        let (_, codes) = help.split_once("Exit codes:\n").unwrap();
        let listed: Vec<u8> = codes
            .lines()
            .take_while(|line| !line.is_empty())
            .filter_map(|line| line.split_whitespace().next()?.parse().ok())
            .collect();
        let all = [
            Exit::Done,
            Exit::Failed,
            Exit::Usage,
            Exit::Incomplete,
            Exit::Damaged,
            Exit::Refused,
            Exit::Suspended,
            Exit::Cancelled,
        ];
        assert_eq!(listed, all.map(Exit::code));
    }

    #[test]
    fn help_says_what_a_person_needs() {
        let help = super::command().render_long_help().to_string();
        for part in [
            "Examples:",
            "Exit codes:",
            "130",
            "DESKVAULT_CONFIG",
            "backup",
            "verify",
            "plugins",
        ] {
            assert!(help.contains(part), "{part} in\n{help}");
        }
    }
}
