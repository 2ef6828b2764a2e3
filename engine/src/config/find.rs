//! Finds and reads the file. The only part of the configuration that touches the disk.

use std::fs::File;
use std::io::{self, Read};
use std::path::{Path, PathBuf};

use super::text::or_list;
use super::{Config, Problems};

/// More than any configuration needs; a path typed wrong may lead to a file of any size.
const LARGEST: u64 = 1 << 20;

/// The environment variable that names the file.
pub const VARIABLE: &str = "DESKVAULT_CONFIG";

/// Where the file is looked for in the working folder, the first before the second.
pub const PLACES: [&str; 2] = ["deskvault.toml", "config/deskvault.toml"];

/// Why there is no configuration.
#[derive(Debug, thiserror::Error)]
pub enum LoadError {
    /// None was named, and none is where one is looked for.
    #[error(
        "no configuration file: there is no {}; name one with --config or {VARIABLE}",
        or_list(looked)
    )]
    NotFound {
        /// The files that are not there.
        looked: Vec<String>,
    },
    /// The file cannot be read.
    #[error("cannot read the configuration file {}", file.display())]
    Read {
        /// The file.
        file: PathBuf,
        /// The system's reason.
        source: io::Error,
    },
    /// It is too large to be a configuration.
    #[error("the configuration file {} is larger than 1 MiB, which no configuration is", file.display())]
    TooLarge {
        /// The file.
        file: PathBuf,
    },
    /// It is wrong.
    #[error("{problems}")]
    Invalid {
        /// All that is wrong with it.
        problems: Problems,
    },
}

/// A configuration and the file it came from. With `file`, `bytes` and `folder`, [`Config::parse`] makes the same one again,
/// whatever has become of the file. No `Debug`: the bytes may hold secrets.
pub struct Loaded {
    /// The file, as it was named or found.
    pub file: PathBuf,
    /// What stood in it.
    pub bytes: Vec<u8>,
    /// The folder at which its relative paths start.
    pub folder: PathBuf,
    /// What it says.
    pub config: Config,
}

/// Finds the file (`named` on the command line, else `variable` from the environment, else one of [`PLACES`]
/// below `working`), reads and checks it.
pub fn load(named: Option<&Path>, variable: Option<&Path>, working: &Path) -> Result<Loaded, LoadError> {
    let variable = variable.filter(|path| !path.as_os_str().is_empty());
    let file = match named.or(variable) {
        Some(file) => file.to_owned(),
        None => search(working)?,
    };
    let bytes = read(&working.join(&file))?;
    let folder = working
        .join(&file)
        .parent()
        .map_or_else(|| working.to_owned(), Path::to_owned);
    let config = Config::parse(&file.display().to_string(), &bytes, &folder)
        .map_err(|problems| LoadError::Invalid { problems })?;
    Ok(Loaded {
        file,
        bytes,
        folder,
        config,
    })
}

fn search(working: &Path) -> Result<PathBuf, LoadError> {
    for place in PLACES {
        // Anything that is there counts, readable or not: to pass over it could run another configuration.
        if working.join(place).symlink_metadata().is_ok() {
            return Ok(place.into());
        }
    }
    let looked = PLACES
        .iter()
        .map(|place| working.join(place).display().to_string())
        .collect();
    Err(LoadError::NotFound { looked })
}

fn read(file: &Path) -> Result<Vec<u8>, LoadError> {
    let fail = |source| LoadError::Read {
        file: file.to_owned(),
        source,
    };
    let opened = File::open(file).map_err(fail)?;
    let mut bytes = Vec::new();
    opened.take(LARGEST + 1).read_to_end(&mut bytes).map_err(fail)?;
    if bytes.len() as u64 > LARGEST {
        return Err(LoadError::TooLarge { file: file.to_owned() });
    }
    Ok(bytes)
}

#[cfg(test)]
mod tests {
    use std::fs;
    use std::path::Path;

    use super::load;

    const SMALL: &str =
        "[[desk]]\nname = \"a\"\nmodules = [\"m\"]\n[desk.connection]\nkind = \"http\"\nurl = \"http://localhost\"\n";

    #[test]
    fn looks_in_order() {
        let home = tempfile::tempdir().unwrap();
        let at = home.path();
        let found =
            |named: Option<&str>, variable: Option<&str>| match load(named.map(Path::new), variable.map(Path::new), at)
            {
                Ok(loaded) => loaded.file.display().to_string(),
                Err(error) => error.to_string().replace(&at.display().to_string(), "HOME"),
            };
        let nothing = "no configuration file: there is no HOME/deskvault.toml or HOME/config/deskvault.toml; \
                       name one with --config or DESKVAULT_CONFIG";
        assert_eq!(found(None, None), nothing);
        assert_eq!(found(None, Some("")), nothing, "an empty variable is none");
        fs::create_dir(at.join("config")).unwrap();
        fs::write(at.join("config/deskvault.toml"), SMALL).unwrap();
        assert_eq!(found(None, None), "config/deskvault.toml");
        fs::write(at.join("deskvault.toml"), SMALL).unwrap();
        assert_eq!(found(None, None), "deskvault.toml");
        assert_eq!(
            found(None, Some("other.toml")),
            "cannot read the configuration file HOME/other.toml"
        );
        assert_eq!(
            found(Some("config/deskvault.toml"), Some("other.toml")),
            "config/deskvault.toml"
        );
        fs::write(at.join("deskvault.toml"), "desk = 1").unwrap();
        assert!(
            found(None, None).starts_with("deskvault.toml:1:8: "),
            "a bad file is not passed over"
        );
        fs::write(at.join("deskvault.toml"), "#".repeat((1 << 20) + 1)).unwrap();
        assert_eq!(
            found(None, None),
            "the configuration file HOME/deskvault.toml is larger than 1 MiB, which no configuration is"
        );
    }

    #[test]
    fn relative_paths_start_at_the_file() {
        let home = tempfile::tempdir().unwrap();
        fs::create_dir(home.path().join("etc")).unwrap();
        let text = format!("{SMALL}[archive]\nfolder = \"../archives\"\n[plugins]\nfolders = [\"p\", \"/q\"]\n");
        fs::write(home.path().join("etc/my.toml"), text).unwrap();
        let loaded = load(Some(Path::new("etc/my.toml")), None, home.path())
            .map_err(|e| e.to_string())
            .ok()
            .unwrap();
        assert_eq!(loaded.config.archive.folder, home.path().join("etc/../archives"));
        assert_eq!(loaded.config.plugins.folders, [home.path().join("etc/p"), "/q".into()]);
    }
}
