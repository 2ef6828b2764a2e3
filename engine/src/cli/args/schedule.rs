//! `schedule`.

use chrono::{NaiveDate, NaiveTime};
use chrono_tz::Tz;
use clap::{Args, Subcommand, ValueEnum};

use crate::schedule::{read_at, read_date, read_zone};

const SET_EXAMPLES: &str = "Examples:
  deskvault schedule set weekly --on fri --at 02:00 --until 2027-03-31
  deskvault schedule set monthly --on 'last fri' --at 22:30 --zone Asia/Tokyo --until 2027-12-31";

/// Sets, shows and stops the schedule of a desk.
#[derive(Debug, Subcommand)]
pub(crate) enum Schedule {
    Set(Set),
    Show(Show),
    Stop(Stop),
}

/// Sets the schedule of a desk.
///
/// The first run takes everything, later ones what is new or changed since the one before. A desk has one schedule: stop it
/// to set another. The daemon (`deskvault daemon`) runs it; one that was down makes up for the latest run that it missed.
///
/// Fortnights and quarters are counted from the first run. Where clocks are put forward over the time of day, the run comes
/// right behind the gap; where they are put back over it, it comes once, the first time.
#[derive(Args, Debug)]
#[command(after_long_help = SET_EXAMPLES)]
pub(crate) struct Set {
    /// How often it runs.
    pub(crate) every: Often,
    /// On which day: a weekday (fri); monthly and quarterly also a day of the month (15; 29 to 31 are the last day of a
    /// shorter month), or one of its weekdays ("first fri" to "fourth fri", "last fri", also with a hyphen).
    #[arg(long, value_name = "DAY")]
    pub(crate) on: String,
    /// At which time of day, in the zone.
    #[arg(long, value_name = "HH:MM", value_parser = at)]
    pub(crate) at: NaiveTime,
    /// The last day on which it runs.
    #[arg(long, value_name = "DATE", value_parser = date)]
    pub(crate) until: NaiveDate,
    /// The first day on which it may run; otherwise it begins at once.
    #[arg(long, value_name = "DATE", value_parser = date)]
    pub(crate) from: Option<NaiveDate>,
    /// The time zone of the day and the times, by its IANA name, e.g. Asia/Tokyo.
    #[arg(long, value_name = "ZONE", default_value = "UTC", value_parser = zone)]
    pub(crate) zone: Tz,
    /// Passes over a run that was missed while the daemon was down.
    #[arg(long)]
    pub(crate) no_make_up: bool,
    /// The desk; may be left out where the configuration has one alone.
    #[arg(long, value_name = "NAME")]
    pub(crate) desk: Option<String>,
}

/// How often a schedule runs.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(crate) enum Often {
    /// Each week.
    Weekly,
    /// Every second week.
    Fortnightly,
    /// Each month.
    Monthly,
    /// Every third month.
    Quarterly,
}

impl Often {
    /// As the configuration has it.
    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::Weekly => "weekly",
            Self::Fortnightly => "fortnightly",
            Self::Monthly => "monthly",
            Self::Quarterly => "quarterly",
        }
    }
}

/// Shows the schedules and their next five runs.
///
/// Each run in the schedule's own time zone and in UTC. Says, too, if the daemon that should run them is not running.
#[derive(Args, Debug)]
pub(crate) struct Show {
    /// Only this desk's; otherwise those of all desks.
    #[arg(long, value_name = "NAME")]
    pub(crate) desk: Option<String>,
    /// One JSON object for each desk.
    #[arg(long)]
    pub(crate) json: bool,
}

/// Stops the schedule of a desk.
///
/// Asks before. A backup that is running for it goes on. One that the configuration declares stays stopped until its
/// declaration there is changed.
#[derive(Args, Debug)]
pub(crate) struct Stop {
    /// The desk; may be left out where the configuration has one alone.
    #[arg(long, value_name = "NAME")]
    pub(crate) desk: Option<String>,
    /// Does not ask.
    #[arg(long, short)]
    pub(crate) yes: bool,
}

fn at(text: &str) -> Result<NaiveTime, String> {
    read_at(text).map_err(|wish| must(&wish))
}

fn date(text: &str) -> Result<NaiveDate, String> {
    read_date(text).map_err(|wish| must(&wish))
}

fn zone(text: &str) -> Result<Tz, String> {
    read_zone(text).map_err(|wish| must(&wish))
}

fn must(wish: &str) -> String {
    format!("it must {wish}")
}
