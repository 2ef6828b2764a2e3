//! Completions, man pages and help.

use std::fs;

use super::{Script, given};

#[test]
fn completions_and_man_pages() {
    for shell in ["bash", "zsh", "fish", "elvish", "powershell"] {
        let script = given(&format!("completions {shell}"), None, &Script::default());
        assert!(
            script.exit == 0 && script.out.contains("deskvault") && script.out.contains("plugins"),
            "{shell}"
        );
    }
    let page = given("man", None, &Script::default());
    for part in [
        ".TH deskvault 1",
        ".SH \"EXAMPLES\"\n.nf\nEverything of",
        "\n  deskvault backup\n",
        ".SH \"EXIT STATUS\"\n.nf\n0    done\n1    failed",
        ".SH \"FILES\"",
        ".SH \"ENVIRONMENT\"",
        "DESKVAULT_CONFIG",
        "deskvault\\-backup(1)",
    ] {
        assert!(page.out.contains(part), "{part} in\n{}", page.out);
    }
    let folder = tempfile::tempdir().unwrap();
    let out = folder.path().join("man/1");
    assert_eq!(
        given(&format!("man --out {}", out.display()), None, &Script::default()).exit,
        0
    );
    for page in [
        "deskvault.1",
        "deskvault-backup.1",
        "deskvault-plugins-list.1",
        "deskvault-config-check.1",
    ] {
        assert!(
            fs::read_to_string(out.join(page)).unwrap().contains(".SH NAME"),
            "{page}"
        );
    }
    let backup = fs::read_to_string(out.join("deskvault-backup.1")).unwrap();
    assert!(backup.contains(".SH \"EXIT STATUS\"") && backup.ends_with(".fi\n") && !backup.contains("EXAMPLES"));
}

#[test]
fn help_and_version_are_no_errors() {
    for line in ["--help", "-h", "backup --help", "--version", "help verify"] {
        let given = given(line, None, &Script::default());
        assert!(
            given.exit == 0 && given.out.contains("deskvault") && given.err.is_empty(),
            "{line}"
        );
    }
}
