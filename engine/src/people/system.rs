//! The name of the user as whom this process runs.

use std::fs;

use crate::config::text::printable;

/// The name of the system's user as whom this process runs, e.g. `aiko`, or `root (sudo by aiko)`. A user whom
/// `/etc/passwd` does not name (the names may come from a directory service) is called by the number, `uid 1000`.
///
/// Who called sudo is what sudo says in `SUDO_USER`: good to know, and no proof, since a user may set it as well.
pub fn system_user() -> String {
    // Names are only for the history: without the file there is still the number.
    let passwd = fs::read_to_string("/etc/passwd").unwrap_or_default();
    let sudo = std::env::var("SUDO_USER").ok();
    named(rustix::process::getuid().as_raw(), &passwd, sudo.as_deref())
}

fn named(uid: u32, passwd: &str, sudo: Option<&str>) -> String {
    let name = passwd.lines().find_map(|line| {
        let mut fields = line.split(':');
        let (name, number) = (fields.next()?, fields.nth(1)?);
        (number.parse() == Ok(uid) && !name.is_empty()).then_some(name)
    });
    let name = name.map_or_else(|| format!("uid {uid}"), printable);
    match sudo.filter(|sudo| !sudo.is_empty() && *sudo != name) {
        Some(sudo) => format!("{name} (sudo by {})", crate::config::text::excerpt(sudo)),
        None => name,
    }
}

#[cfg(test)]
mod tests {
    use super::named;

    #[test]
    fn names_the_user_and_who_called_sudo() {
        let passwd = "root:x:0:0:root:/root:/bin/bash\nbroken\n:x:7:7::/:/bin/sh\naiko:x:1000:1000:愛子,,,:/home/aiko:/bin/bash\n\
                      twin:x:1000:1000::/:/bin/sh\n";
        for (uid, passwd, sudo, expected) in [
            (0, passwd, None, "root"),
            (1000, passwd, None, "aiko"),
            (0, passwd, Some("aiko"), "root (sudo by aiko)"),
            (0, passwd, Some("root"), "root"),
            (0, passwd, Some(""), "root"),
            (0, passwd, Some("a\nb\u{1b}[2J"), "root (sudo by a\\nb\\u{1b}[2J)"),
            (7, passwd, None, "uid 7"),
            (100, passwd, None, "uid 100"),
            (0, "", Some("aiko"), "uid 0 (sudo by aiko)"),
        ] {
            assert_eq!(named(uid, passwd, sudo), expected, "{uid} {sudo:?}");
        }
    }

    #[test]
    fn this_process_has_a_name_without_line_breaks() {
        let name = super::system_user();
        assert!(!name.is_empty() && !name.contains(char::is_control), "{name:?}");
    }
}
