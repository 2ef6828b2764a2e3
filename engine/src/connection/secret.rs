//! Secrets: read from where they are kept, and taken out of texts again.

use std::ffi::OsString;
use std::fs::File;
use std::io::Read;

use super::settings::{Secret, SecretSource};
use super::target::percent_encode;

/// The largest file that is read as a secret.
const MAX_SECRET: u64 = 64 << 10;

/// What is shorter is no secret to speak of, and would be found in many words.
const SHORTEST: usize = 6;

/// Reads a secret; `env` looks up environment variables. The error is half a sentence.
///
/// The error says what is wrong with the secret, never what it is.
pub(crate) fn read(source: &SecretSource, env: impl Fn(&str) -> Option<OsString>) -> Result<String, String> {
    let mut text = match source {
        SecretSource::Inline(secret) | SecretSource::Read { secret, .. } => secret.expose().to_owned(),
        SecretSource::Env(name) => env(name)
            .ok_or("is not set: set it for the user who runs deskvault")?
            .into_string()
            .map_err(|_| "is not UTF-8 text")?,
        SecretSource::File(path) => {
            let mut bytes = Vec::new();
            File::open(path)
                .and_then(|file| file.take(MAX_SECRET + 1).read_to_end(&mut bytes))
                .map_err(|error| format!("cannot be read: {error}"))?;
            if bytes.len() as u64 > MAX_SECRET {
                return Err(format!("has more than {MAX_SECRET} bytes: is it the right file?"));
            }
            String::from_utf8(bytes).map_err(|_| "is not UTF-8 text")?
        }
    };
    if let SecretSource::File(_) = source
        && let Some(line) = text.strip_suffix('\n')
    {
        text.truncate(line.strip_suffix('\r').unwrap_or(line).len());
    }
    if text.trim().is_empty() {
        return Err("is empty".into());
    }
    if text.contains(char::is_control) {
        return Err("has a line break or another control character in it: remove it".into());
    }
    Ok(text)
}

/// Every form in which these secrets may turn up in a text: as they are, in JSON and in a URL. The longest first, so that
/// none leaves a part of another.
pub(crate) fn forms(secrets: impl IntoIterator<Item = String>) -> Vec<Secret> {
    let mut forms = Vec::new();
    for secret in secrets {
        let quoted = serde_json::Value::from(secret.as_str()).to_string();
        let mut encoded = String::new();
        percent_encode(&secret, &mut encoded);
        forms.extend([quoted.trim_matches('"').to_owned(), encoded, secret]);
    }
    forms.retain(|form| form.len() >= SHORTEST);
    forms.sort_by_key(|form| std::cmp::Reverse(form.len()));
    forms.dedup();
    forms.into_iter().map(Secret::new).collect()
}

/// The text with these secrets replaced.
pub(crate) fn scrub<'a>(text: &str, secrets: impl IntoIterator<Item = &'a Secret>) -> String {
    let secrets = secrets.into_iter().map(Secret::expose);
    secrets.fold(text.to_owned(), |text, secret| text.replace(secret, "[secret]"))
}
