//! Backs up a Zoho Desk that runs in another process, and prints how much memory that took at most.
//!
//! `zoho-backup URL ACCOUNTS_URL ORG_ID CLIENT_ID FOLDER PLUGIN...`, with the client's secret and the refresh token on two
//! lines of the standard input: prints rows, requests, seconds, and the peak of the resident memory in KiB, a line each.
#![allow(clippy::print_stdout, reason = "it is a command")]

use std::io::Read as _;
use std::path::PathBuf;
use std::time::Duration;

use anyhow::Context as _;
use deskvault_tests::zoho::Reached;
use engine::plugins::Registry;
use engine::progress::Silent;
use tokio_util::sync::CancellationToken;

fn main() -> anyhow::Result<()> {
    let mut arguments = std::env::args().skip(1);
    let mut next = |what: &'static str| arguments.next().context(what);
    let mut secrets = String::new();
    std::io::stdin().read_to_string(&mut secrets)?;
    let (secret, token) = secrets.trim().split_once('\n').context("two lines of secrets")?;
    let reached = Reached {
        url: next("URL")?,
        accounts_url: next("ACCOUNTS_URL")?,
        org_id: next("ORG_ID")?,
        client_id: next("CLIENT_ID")?,
        client_secret: secret.to_owned(),
        refresh_token: token.to_owned(),
    };
    let folder = PathBuf::from(next("FOLDER")?);
    let plugins: Vec<PathBuf> = arguments.map(PathBuf::from).collect();
    let mut registry = Registry::load_files(plugins, Duration::from_secs(20));
    anyhow::ensure!(registry.refused.is_empty(), "{:?}", registry.refused);
    let modules: Vec<String> = registry
        .plugins()
        .map(|plugin| plugin.description.module.clone())
        .collect();
    let modules: Vec<&str> = modules.iter().map(String::as_str).collect();
    let plan = reached.plan(&modules, &folder);
    let summary = engine::backup::run(&plan, &mut registry, &Silent, &CancellationToken::new())?;
    anyhow::ensure!(summary.complete, "{:?}", summary.reasons);
    let requests: u64 = summary.modules.iter().map(|module| module.requests).sum();
    println!("{}\n{requests}\n{}", summary.rows(), summary.seconds);
    println!("{}", deskvault_tests::peak_kib()?);
    std::fs::remove_file(summary.archive)?;
    Ok(())
}
