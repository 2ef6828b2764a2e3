//! Where `tracing` events go: to standard error, past the progress bars.

use std::env;

use tracing::level_filters::LevelFilter;
use tracing::{Dispatch, Level};
use tracing_subscriber::layer::SubscriberExt as _;
use tracing_subscriber::{EnvFilter, Layer as _, reload};

use crate::config::{Log, LogFormat};
use crate::daemon::Relog;

use super::args::Global;
use super::console::Console;

/// The environment variable that says what is logged.
const VARIABLE: &str = "DESKVAULT_LOG";

/// Libraries that would log what they send: they stay quiet whatever is asked for, because a secret may be in it.
const QUIET: [&str; 6] = ["h2", "hyper", "hyper_util", "reqwest", "rustls", "tower"];

/// The level that flags and configuration mean together.
pub(crate) fn level(global: &Global, configured: Level) -> Level {
    meant(global.quiet, global.verbose, configured)
}

fn meant(quiet: bool, verbose: u8, configured: Level) -> Level {
    match (quiet, verbose) {
        (true, _) => Level::ERROR,
        (_, 0) => configured,
        (_, 1) => configured.max(Level::DEBUG),
        _ => Level::TRACE,
    }
}

/// A filter of `wish`, in the words of `DESKVAULT_LOG`, or of `level` where there is none.
fn filter(wish: Option<&str>, level: Level) -> Result<EnvFilter, String> {
    let filter = match wish.filter(|wish| !wish.trim().is_empty()) {
        Some(wish) => EnvFilter::builder()
            .with_default_directive(LevelFilter::OFF.into())
            .parse(wish)
            .map_err(|error| format!("{VARIABLE} is not understood: {error}"))?,
        None => EnvFilter::default().add_directive(LevelFilter::from_level(level).into()),
    };
    // Directives on parts of these libraries would be more special than ours on the whole, so none may name them.
    if wish.is_some_and(|wish| wish.split(',').any(|part| QUIET.contains(&crate_of(part)))) {
        return Err(format!(
            "{VARIABLE} names a library whose messages may hold secrets: {}",
            QUIET.join(", ")
        ));
    }
    let cap = LevelFilter::from_level(level).min(LevelFilter::WARN);
    let cap = if wish.is_some() { LevelFilter::WARN } else { cap };
    let quiet = QUIET.iter().filter_map(|name| format!("{name}={cap}").parse().ok());
    Ok(quiet.fold(filter, EnvFilter::add_directive))
}

fn crate_of(directive: &str) -> &str {
    let end = directive.find(['=', '[', ':']).unwrap_or(directive.len());
    directive[..end].trim()
}

/// A subscriber for this process.
pub(crate) fn subscriber(console: &Console, global: &Global, log: &Log) -> Result<Dispatch, String> {
    let wish = env::var(VARIABLE).ok();
    let filter = filter(wish.as_deref(), level(global, log.level))?;
    Ok(build(console, filter, log.format, colours(console)))
}

/// A subscriber whose level can be changed. The form of messages stays.
pub(crate) fn changeable(console: &Console, global: &Global, log: &Log) -> Result<(Dispatch, Relog), String> {
    let (quiet, verbose) = (global.quiet, global.verbose);
    let filter = move |log: &Log| {
        let wish = env::var(VARIABLE).ok();
        filter(wish.as_deref(), meant(quiet, verbose, log.level))
    };
    let format = log.format;
    let (level, handle) = reload::Layer::new(filter(log)?);
    let layer = tracing_subscriber::fmt::layer().with_writer(console.clone());
    let layer = match format {
        LogFormat::Text => layer.with_ansi(colours(console)).with_target(false).boxed(),
        LogFormat::Json => layer.json().flatten_event(true).boxed(),
    };
    let subscriber = tracing_subscriber::registry().with(level).with(layer);
    let relog = move |log: &Log| {
        handle.reload(filter(log)?).map_err(|error| error.to_string())?;
        if log.format != format {
            tracing::warn!("the form of log messages changes with the next start");
        }
        Ok(())
    };
    Ok((subscriber.into(), Box::new(relog)))
}

fn colours(console: &Console) -> bool {
    console.is_terminal && env::var_os("NO_COLOR").is_none_or(|value| value.is_empty())
}

fn build(console: &Console, filter: EnvFilter, format: LogFormat, colours: bool) -> Dispatch {
    let builder = tracing_subscriber::fmt()
        .with_env_filter(filter)
        .with_writer(console.clone());
    match format {
        LogFormat::Text => builder.with_ansi(colours).with_target(false).into(),
        LogFormat::Json => builder.json().flatten_event(true).into(),
    }
}

#[cfg(test)]
mod tests {
    use indicatif::ProgressDrawTarget;
    use tracing::{Level, debug, error, info, trace};

    use super::{build, filter, level};
    use crate::cli::args::Global;
    use crate::cli::console::{Captured, Console};
    use crate::config::LogFormat;

    fn logged(wish: Option<&str>, level: Level, format: LogFormat) -> String {
        let err = Captured::default();
        let console = Console::to(Captured::default(), err.clone(), ProgressDrawTarget::hidden());
        tracing::dispatcher::with_default(&build(&console, filter(wish, level).unwrap(), format, false), || {
            error!("one");
            info!(table = "票", "two\u{1b}[2J");
            debug!("three");
            trace!("four");
            trace!(target: "h2::codec", "authorization: hunter2");
            debug!(target: "hyper", "authorization: hunter2");
        });
        err.text()
    }

    #[test]
    fn levels() {
        let global = |verbose, quiet| Global {
            config: None,
            plugins: vec![],
            verbose,
            quiet,
        };
        for (verbose, quiet, configured, expected) in [
            (0, false, Level::INFO, Level::INFO),
            (0, true, Level::TRACE, Level::ERROR),
            (1, false, Level::INFO, Level::DEBUG),
            (1, false, Level::TRACE, Level::TRACE),
            (2, false, Level::ERROR, Level::TRACE),
        ] {
            assert_eq!(level(&global(verbose, quiet), configured), expected);
        }
    }

    #[test]
    fn what_is_logged() {
        for (wish, level, lines) in [
            (None, Level::ERROR, 1),
            (None, Level::INFO, 2),
            (None, Level::TRACE, 4),
            (Some(""), Level::INFO, 2),
            (Some("debug"), Level::ERROR, 3),
            (Some("trace"), Level::ERROR, 4),
            (Some("engine=trace"), Level::ERROR, 4),
            (Some("elsewhere=trace"), Level::ERROR, 0),
        ] {
            let text = logged(wish, level, LogFormat::Text);
            assert_eq!(text.lines().count(), lines, "{wish:?} {level}\n{text}");
            assert!(!text.contains("hunter2") && !text.contains('\u{1b}'), "{text}");
        }
        for wrong in [
            "engine=loud",
            "h2=trace",
            "info,hyper::client=debug",
            "rustls[span]=trace",
        ] {
            assert!(filter(Some(wrong), Level::INFO).is_err(), "{wrong}");
        }
    }

    #[test]
    fn json_lines() {
        let text = logged(None, Level::INFO, LogFormat::Json);
        let lines: Vec<serde_json::Value> = text.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
        assert_eq!(lines.len(), 2);
        assert_eq!(
            (&lines[1]["message"], &lines[1]["table"]),
            (&"two\u{1b}[2J".into(), &"票".into())
        );
    }
}
