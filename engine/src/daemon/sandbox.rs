//! Shuts the process of a backup in, by Landlock: what is not named in its [`Zone`] it cannot open, start, reach or signal.
//!
//! It goes for the plugins, which run in the process: their code, or whoever got hold of it, does not come to the store, the key,
//! archives, the configuration and the secrets of this installation, nor to anything else on the machine. What it does not
//! keep from them is what the process has in its memory, which a library can read: the secrets of the one desk among it.
//!
//! The kernel shuts in a thread, and every thread that it starts from then on. So the process does it before it has a second
//! one, and has read by then what lies outside: the secrets.
//!
//! Nothing at all may be executed: to load a library takes no more than to read it. A file that is replaced while the backup
//! runs, such as `/etc/resolv.conf` on a machine that changes networks, is out of reach like any other; the backup is then
//! suspended, and the process that resumes it knows the new one.

use std::collections::BTreeSet;
use std::env::consts::DLL_SUFFIX;
use std::path::{Path, PathBuf};

use landlock::{
    ABI, Access, AccessFs, AccessNet, BitFlags, CompatLevel, Compatible as _, NetPort, Ruleset, RulesetAttr as _,
    RulesetCreatedAttr as _, RulesetError, RulesetStatus, Scope, path_beneath_rules,
};
use reqwest::Url;

use super::limits;
use crate::config::{Config, Sandbox};
use crate::connection::secret;
use crate::connection::settings::{Auth, Secret, SecretSource, Settings};
use crate::service::Order;

/// The last version of Landlock whose rights are known here: those of later ones are left alone, so that a newer kernel forbids
/// nothing that was not tried.
const KNOWN: ABI = ABI::V7;
/// Folders of libraries. What a plugin needs besides itself is loaded from there, and so are the ways of resolving names.
const LIBRARIES: &[&str] = &[
    "/lib",
    "/lib32",
    "/lib64",
    "/usr/lib",
    "/usr/lib32",
    "/usr/lib64",
    "/usr/local/lib",
    "/usr/local/lib64",
    "/nix/store",
    "/gnu/store",
    "/etc/ld.so.cache",
];
/// How names are resolved.
const NAMES: &[&str] = &[
    "/etc/resolv.conf",
    "/etc/hosts",
    "/etc/host.conf",
    "/etc/nsswitch.conf",
    "/etc/gai.conf",
    "/etc/services",
    "/etc/protocols",
    "/run/systemd/resolve",
    "/run/NetworkManager/resolv.conf",
    "/run/NetworkManager/no-stub-resolv.conf",
    "/run/resolvconf",
];
/// Whom the system trusts. Not `/etc/ssl` as a whole: keys lie in it.
const AUTHORITIES: &[&str] = &[
    "/etc/ssl/certs",
    "/etc/ssl/cert.pem",
    "/etc/ssl/ca-bundle.pem",
    "/etc/pki/tls/certs",
    "/etc/pki/tls/cert.pem",
    "/etc/pki/tls/cacert.pem",
    "/etc/pki/ca-trust/extracted",
    "/etc/ca-certificates/extracted",
    "/usr/share/ca-certificates",
    "/usr/local/share/ca-certificates",
    "/usr/share/pki",
    "/usr/share/ssl/certs",
    "/var/lib/ca-certificates",
    "/opt/etc/ssl/certs",
];
/// What every program reads: chance, and how many processors it has.
const SYSTEM: &[&str] = &[
    "/dev/urandom",
    "/dev/random",
    "/dev/zero",
    "/etc/localtime",
    "/usr/share/zoneinfo",
    "/proc/self/cgroup",
    "/proc/self/mountinfo",
    "/proc/meminfo",
    "/proc/sys/vm/overcommit_memory",
    "/sys/devices/system/cpu",
    "/sys/fs/cgroup",
];
/// The folder beside the archives in which backups of one organisation share its credits.
const CREDITS: &str = ".deskvault-credits";
/// Names, over TCP where an answer is long.
const DNS: u16 = 53;

/// What a process may reach.
#[derive(Debug, Default, PartialEq, Eq)]
pub(super) struct Zone {
    /// To be read, with all below it.
    read: Vec<PathBuf>,
    /// Folders whose files are to be seen, by name alone.
    list: Vec<PathBuf>,
    /// To be read, written, made and removed, with all below it.
    write: Vec<PathBuf>,
    /// The ports to which it may connect; none: to any, and it may open its own.
    ports: Option<BTreeSet<u16>>,
}

impl Zone {
    /// What a backup of a desk needs that keeps its parts in `spool`. The files of its secrets are not part of it: they are read
    /// now.
    pub(super) fn of(config: &Config, desk: &mut Settings, spool: &Path) -> Self {
        let fixed = [LIBRARIES, NAMES, AUTHORITIES, SYSTEM].into_iter().flatten();
        let mut read: Vec<PathBuf> = fixed.map(PathBuf::from).collect();
        let mut list = config.plugins.folders.clone();
        if let Ok(executable) = std::env::current_exe() {
            list.extend(crate::plugins::folders_of(&executable));
            // For the names in a panic's trace.
            read.push(executable);
        }
        // Not the folders as a whole: a configuration or a secret may lie in one.
        read.extend(list.iter().flat_map(|folder| libraries_in(folder)));
        read.extend(desk.ca_file.clone());
        read.extend(read_secrets(desk));
        for variable in ["LD_LIBRARY_PATH", "SSL_CERT_FILE", "SSL_CERT_DIR"] {
            let value = std::env::var_os(variable).unwrap_or_default();
            read.extend(std::env::split_paths(&value).filter(|path| path.is_absolute()));
        }
        Self {
            read,
            list,
            write: vec![
                spool.to_owned(),
                config.archive.folder.join(CREDITS),
                "/dev/null".into(),
            ],
            ports: ports(desk),
        }
    }
}

/// The libraries of a folder, those too on which others depend.
fn libraries_in(folder: &Path) -> Vec<PathBuf> {
    let entries = std::fs::read_dir(folder).into_iter().flatten().flatten();
    let is_library = |name: &str| name.ends_with(DLL_SUFFIX) || name.contains(".so.");
    let libraries = entries.filter(|entry| entry.file_name().to_str().is_some_and(is_library));
    libraries.map(|entry| entry.path()).collect()
}

/// The ports of a desk and of the server that gives its tokens.
fn ports(desk: &Settings) -> Option<BTreeSet<u16>> {
    let port = |url: &str| Url::parse(url).ok()?.port_or_known_default();
    let mut ports = BTreeSet::from([DNS, port(&desk.url)?]);
    match &desk.auth {
        // It listens at a port of its own, in this process.
        Auth::Sample(_) => return None,
        Auth::Zoho(zoho) => {
            ports.insert(port(&zoho.accounts_url)?);
        }
        _ => {}
    }
    Some(ports)
}

/// Gives this process its limits, and shuts it in for a backup. Gives what is to be logged of it as soon as there is a log; the
/// error says why there is to be no backup. It must have one thread alone.
pub(super) fn confine(config: &mut Config, order: &Order) -> Result<Option<String>, String> {
    limits::apply(&config.daemon)?;
    let required = match config.daemon.sandbox {
        Sandbox::Off => return Ok(None),
        Sandbox::Require => true,
        Sandbox::Try => false,
    };
    // Without a folder for its parts it makes one, and publishes: it writes where archives are.
    let folder = order.spool.as_ref().or(order.folder.as_ref());
    let folder = folder.unwrap_or(&config.archive.folder).clone();
    let mut desks = std::mem::take(&mut config.desks);
    let desk = desks.iter_mut().find(|desk| desk.name == order.desk);
    let entered = desk.map(|desk| enter(&Zone::of(config, &mut desk.connection, &folder)));
    config.desks = desks;
    let missing = match &entered {
        // There is no such desk, and so no backup.
        None | Some(Ok(Shut::Whole)) => return Ok(None),
        Some(Ok(Shut::Partly)) => "this kernel's Landlock knows neither ports nor signals".to_owned(),
        Some(Ok(Shut::Not)) => {
            "this kernel has no Landlock (Linux 5.13 and later have it, where it is switched on)".to_owned()
        }
        Some(Err(error)) => format!("the system refuses it: {error}"),
    };
    if required && !matches!(entered, Some(Ok(Shut::Partly))) {
        return Err(format!(
            "[daemon] sandbox = \"require\", and {missing}: use another kernel, or \"try\""
        ));
    }
    Ok(Some(format!(
        "the process of this backup is not shut in as it could be: {missing}; [daemon] sandbox = \"off\" spares this warning"
    )))
}

/// How far a process is shut in.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Shut {
    /// As far as is known here.
    Whole,
    /// As far as the kernel can: an older one knows no ports, or no signals.
    Partly,
    /// Not at all: the kernel cannot.
    Not,
}

/// Shuts this thread in, and all that it starts from now on. The error says in words why it can't, which is not that the kernel
/// is too old for it.
pub(super) fn enter(zone: &Zone) -> Result<Shut, String> {
    for folder in &zone.write {
        // A rule needs a folder that is there. Where it can't be made, it can't be written to either, and who wants to will say so.
        if !folder.exists() {
            let _ = std::fs::create_dir_all(folder);
        }
    }
    let status = restrict(zone).map_err(|error| crate::chain(&error))?;
    Ok(match status {
        RulesetStatus::FullyEnforced => Shut::Whole,
        RulesetStatus::PartiallyEnforced => Shut::Partly,
        RulesetStatus::NotEnforced => Shut::Not,
    })
}

fn restrict(zone: &Zone) -> Result<RulesetStatus, RulesetError> {
    let read: BitFlags<AccessFs> = AccessFs::ReadFile | AccessFs::ReadDir;
    // All but to start programs, and to make devices, pipes and sockets.
    let write = read
        | AccessFs::WriteFile
        | AccessFs::Truncate
        | AccessFs::MakeReg
        | AccessFs::MakeDir
        | AccessFs::RemoveFile
        | AccessFs::RemoveDir;
    let mut rules = Ruleset::default()
        .set_compatibility(CompatLevel::BestEffort)
        .handle_access(AccessFs::from_all(KNOWN))?
        .scope(Scope::from_all(KNOWN))?;
    if zone.ports.is_some() {
        rules = rules.handle_access(AccessNet::from_all(KNOWN))?;
    }
    let mut rules = rules
        .create()?
        .add_rules(path_beneath_rules(&zone.read, read))?
        .add_rules(path_beneath_rules(&zone.list, AccessFs::ReadDir))?
        .add_rules(path_beneath_rules(&zone.write, write))?;
    for port in zone.ports.iter().flatten() {
        rules = rules.add_rule(NetPort::new(*port, AccessNet::ConnectTcp))?;
    }
    Ok(rules.restrict_self()?.ruleset)
}

/// Reads the secrets of a connection, while that can still be done, and puts them in place of where they are kept. Gives the files
/// of those that are of no use: the connection reads them again, and says what is wrong with them.
fn read_secrets(desk: &mut Settings) -> Vec<PathBuf> {
    let sources = match &mut desk.auth {
        Auth::None | Auth::Sample(_) => Vec::new(),
        Auth::Bearer(source) | Auth::Basic { password: source, .. } | Auth::Header { value: source, .. } => {
            vec![source]
        }
        Auth::Zoho(zoho) => vec![&mut zoho.client_id, &mut zoho.client_secret, &mut zoho.refresh_token],
    };
    let mut useless = Vec::new();
    for source in sources {
        let SecretSource::File(file) = &*source else { continue };
        let file = file.clone();
        match secret::read(source, |_| None) {
            Ok(text) => {
                let secret = Secret::new(text);
                *source = SecretSource::Read { secret, file };
            }
            Err(_) => useless.push(file),
        }
    }
    useless
}

#[cfg(test)]
mod tests;
