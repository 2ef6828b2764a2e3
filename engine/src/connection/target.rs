//! Where a request goes: always the desk's own host, always below its base URL. Pure.

use std::net::IpAddr;

use plugin_api::Request;
use reqwest::Url;

/// The longest URL that is sent. Servers take far less; the HTTP library takes no more than 65,534 bytes.
const MAX_URL: usize = 60_000;

/// The base URL of a desk.
#[derive(Clone, Debug)]
pub(super) struct Base {
    /// As configured, without a slash at the end of its path.
    url: Url,
    /// Its path, with one slash at the end.
    prefix: String,
}

impl Base {
    /// Checks a base URL. The error is half a sentence and shows nothing that could be a password.
    pub(super) fn new(text: &str, allow_plain_http: bool) -> Result<Self, String> {
        if text.contains(|c: char| c.is_control()) {
            return Err("it has control characters".into());
        }
        let mut url = Url::parse(text).map_err(|error| error.to_string())?;
        if !matches!(url.scheme(), "https" | "http") {
            return Err(format!("its scheme is {}, not https", url.scheme()));
        }
        if !url.username().is_empty() || url.password().is_some() {
            return Err("it has a user name or a password in it: give them as `auth` instead".into());
        }
        if url.query().is_some() || url.fragment().is_some() {
            return Err("a base URL has no `?` and no `#`".into());
        }
        if url.scheme() == "http" && !allow_plain_http && !is_loopback(&url) {
            return Err(
                "plain http would show credentials and records to the network: use https, or set \
                        `allow_plain_http = true` if that network is trusted"
                    .into(),
            );
        }
        let path = url.path().trim_end_matches('/').to_owned();
        url.set_path(&path);
        let prefix = format!("{path}/");
        Ok(Self { url, prefix })
    }

    /// Scheme, host and port, for messages.
    pub(super) fn origin(&self) -> String {
        origin(&self.url)
    }

    /// Whether requests go over TLS.
    pub(super) fn is_tls(&self) -> bool {
        self.url.scheme() == "https"
    }

    /// The URL of a request. The error says what is wrong with its path.
    pub(super) fn resolve(&self, request: &Request) -> Result<Url, String> {
        let path = request.path.as_str();
        if path.contains(|c: char| c.is_control()) || path.contains('\\') {
            return Err("its path has control characters or backslashes".into());
        }
        let mut url = if has_scheme(path) {
            self.absolute(path)?
        } else {
            self.relative(path)?
        };
        add_query(&mut url, &request.query);
        if url.as_str().len() > MAX_URL {
            return Err(format!(
                "its URL has {} bytes, more than {MAX_URL}: ask for less at a time, or by POST",
                url.as_str().len()
            ));
        }
        Ok(url)
    }

    fn relative(&self, path: &str) -> Result<Url, String> {
        if path.starts_with("//") {
            return Err("a path that starts with // would name another host".into());
        }
        if path.contains('#') {
            return Err("its path has a `#`: write it as %23".into());
        }
        let (path, query) = match path.split_once('?') {
            Some((path, query)) => (path, Some(query)),
            None => (path, None),
        };
        check_segments(path)?;
        let mut url = self.url.clone();
        match path.trim_start_matches('/') {
            "" => {}
            below => url.set_path(&format!("{}{below}", self.prefix)),
        }
        url.set_query(query);
        Ok(url)
    }

    fn absolute(&self, text: &str) -> Result<Url, String> {
        let after_host = text.splitn(4, '/').nth(3).unwrap_or_default();
        check_segments(after_host.split(['?', '#']).next().unwrap_or_default())?;
        let mut url = Url::parse(text).map_err(|error| format!("its URL cannot be read: {error}"))?;
        url.set_fragment(None);
        self.check_below(&url).map_err(|place| {
            format!(
                "it asks {place}, which is not below the base URL {}: only that may be asked",
                self.shown()
            )
        })?;
        Ok(url)
    }

    /// Where a redirect leads. The error names the place, without its query, and says why it is not followed.
    pub(super) fn follow(&self, from: &Url, location: &str) -> Result<Url, String> {
        let mut url = from
            .join(location)
            .map_err(|error| format!("it redirects to something that is no URL ({error})"))?;
        url.set_fragment(None);
        self.check_below(&url).map_err(|place| {
            format!(
                "it redirects to {place}, which is not below the base URL {}; credentials are not taken there. \
                 Is this the desk's sign-in page, then check the credentials; has the desk moved, then change `url`",
                self.shown()
            )
        })?;
        check_segments(url.path())?;
        Ok(url)
    }

    /// The base URL, for messages.
    pub(super) fn shown(&self) -> String {
        format!("{}{}", self.origin(), self.prefix.trim_end_matches('/'))
    }

    /// The error is the place, for a message.
    fn check_below(&self, url: &Url) -> Result<(), String> {
        let same_origin = url.scheme() == self.url.scheme()
            && url.host() == self.url.host()
            && url.port_or_known_default() == self.url.port_or_known_default()
            && url.username().is_empty()
            && url.password().is_none();
        let below = url.path().starts_with(&self.prefix) || format!("{}/", url.path()) == self.prefix;
        if same_origin && below {
            return Ok(());
        }
        Err(format!("{}{}", origin(url), url.path()))
    }
}

fn origin(url: &Url) -> String {
    let port = url.port().map(|port| format!(":{port}")).unwrap_or_default();
    format!("{}://{}{port}", url.scheme(), url.host_str().unwrap_or_default())
}

/// Whether a URL's host is this machine: `localhost`, `127.0.0.0/8` or `::1`, in any spelling of the address.
pub(crate) fn is_loopback(url: &Url) -> bool {
    let host = url.host_str().unwrap_or_default();
    let bare = host.trim_start_matches('[').trim_end_matches(']');
    match bare.parse::<IpAddr>() {
        Ok(address) => address.to_canonical().is_loopback(),
        Err(_) => bare.eq_ignore_ascii_case("localhost"),
    }
}

fn has_scheme(path: &str) -> bool {
    path.split_once("://").is_some_and(|(scheme, _)| {
        !scheme.is_empty()
            && scheme
                .bytes()
                .all(|byte| byte.is_ascii_alphanumeric() || b"+-.".contains(&byte))
    })
}

/// Refuses `.` and `..`, also behind percent signs: a record's id must not lead out of where it belongs.
fn check_segments(path: &str) -> Result<(), String> {
    let climbs = path.split('/').any(|segment| {
        percent_decoded(segment)
            .split(|byte| matches!(byte, b'/' | b'\\'))
            .any(|part| matches!(part, b"." | b".."))
    });
    if climbs {
        return Err("its path has a `.` or `..` in it".into());
    }
    Ok(())
}

fn percent_decoded(text: &str) -> Vec<u8> {
    let mut rest = text.as_bytes();
    let mut decoded = Vec::with_capacity(rest.len());
    while let [byte, after @ ..] = rest {
        let code = match (byte, after) {
            (b'%', [high, low, ..]) => hex(*high).zip(hex(*low)),
            _ => None,
        };
        if let Some((high, low)) = code {
            decoded.push(high << 4 | low);
            rest = &after[2..];
        } else {
            decoded.push(*byte);
            rest = after;
        }
    }
    decoded
}

fn hex(digit: u8) -> Option<u8> {
    char::from(digit).to_digit(16).map(|value| value as u8)
}

/// Appends parameters, encoded so that no server can read them otherwise: all but the unreserved characters of
/// RFC 3986 as `%XX`, the space included.
fn add_query(url: &mut Url, parameters: &[(String, String)]) {
    if parameters.is_empty() {
        return;
    }
    let mut query = url.query().unwrap_or_default().to_owned();
    for (name, value) in parameters {
        if !query.is_empty() && !query.ends_with('&') {
            query.push('&');
        }
        percent_encode(name, &mut query);
        query.push('=');
        percent_encode(value, &mut query);
    }
    url.set_query(Some(&query));
}

/// Appends text as it stands in a query or a form.
pub(super) fn percent_encode(text: &str, out: &mut String) {
    const HEX: &[u8; 16] = b"0123456789ABCDEF";
    for byte in text.bytes() {
        if byte.is_ascii_alphanumeric() || b"-._~".contains(&byte) {
            out.push(char::from(byte));
        } else {
            out.push('%');
            out.push(char::from(HEX[usize::from(byte >> 4)]));
            out.push(char::from(HEX[usize::from(byte & 15)]));
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn base(text: &str) -> Base {
        Base::new(text, false).unwrap()
    }

    #[test]
    fn base_urls_are_checked() {
        for (text, allow_plain, good) in [
            ("https://desk.example", false, true),
            ("https://desk.example:8443/api/v1/", false, true),
            ("http://desk.example", false, false),
            ("http://desk.example", true, true),
            ("http://localhost:8080/REST/2.0", false, true),
            ("http://127.0.0.1:1", false, true),
            ("http://127.9.9.9", false, true),
            ("http://[::1]:80/", false, true),
            ("http://localhost.evil.example", false, false),
            ("http://127.0.0.1.evil.example", false, false),
            ("http://10.0.0.1", false, false),
            ("ftp://desk.example", true, false),
            ("desk.example", true, false),
            ("https://", true, false),
            ("https://agent:hunter2@desk.example", false, false),
            ("https://desk.example/?key=hunter2", false, false),
            ("https://desk.example/#top", false, false),
            ("https://desk.\nexample/", false, false),
        ] {
            let read = Base::new(text, allow_plain);
            assert_eq!(read.is_ok(), good, "{text}: {read:?}");
            if let Err(why) = read {
                assert!(!why.contains("hunter2"), "{why}");
            }
        }
    }

    #[test]
    fn paths_stay_below_the_base() {
        let base = base("https://desk.example/api/v1/");
        for (path, expected) in [
            ("/tickets", Some("/api/v1/tickets")),
            ("tickets/1", Some("/api/v1/tickets/1")),
            ("", Some("/api/v1")),
            ("/", Some("/api/v1")),
            ("/tickets?from=2&x=%2B", Some("/api/v1/tickets?from=2&x=%2B")),
            ("/a b/日本", Some("/api/v1/a%20b/%E6%97%A5%E6%9C%AC")),
            ("/files/a%2Fb..c/..d", Some("/api/v1/files/a%2Fb..c/..d")),
            ("/users/me:you", Some("/api/v1/users/me:you")),
            ("tickets:1", Some("/api/v1/tickets:1")),
            (
                "https://desk.example/api/v1/tickets?page=2",
                Some("/api/v1/tickets?page=2"),
            ),
            ("HTTPS://DESK.example:443/api/v1/tickets#x", Some("/api/v1/tickets")),
            ("https://desk.example/api/v1", Some("/api/v1")),
            ("https://desk.example/api/v10/tickets", None),
            ("https://desk.example/", None),
            ("http://desk.example/api/v1/tickets", None),
            ("https://desk.example:8443/api/v1/tickets", None),
            ("https://desk.example.evil.example/api/v1/tickets", None),
            ("https://desk.example@evil.example/api/v1/tickets", None),
            ("https://agent:pw@desk.example/api/v1/tickets", None),
            ("https://evil.example/https://desk.example/api/v1/", None),
            ("https:/desk.example/api/v1/../../x", None),
            ("ftp://desk.example/api/v1/tickets", None),
            ("file:///etc/passwd", None),
            ("//evil.example/api/v1/tickets", None),
            ("/../admin", None),
            ("/tickets/..", None),
            ("/tickets/./x", None),
            ("/tickets/%2e%2E/x", None),
            ("/tickets/.%2e", None),
            ("/tickets/..%2f..%2Fadmin", None),
            ("/tickets/..%5cadmin", None),
            ("/tickets\\..\\admin", None),
            ("https://desk.example/api/v1/../../admin", None),
            ("https://desk.example/api/v1/..%2fadmin", None),
            ("/tickets\r\nX-Evil: 1", None),
            ("/tick\tets", None),
            ("/tickets\0", None),
            ("/tickets#x", None),
        ] {
            let read = base.resolve(&Request::get(path));
            let shown = read
                .as_ref()
                .ok()
                .map(|url| url.as_str().replace("https://desk.example", ""));
            assert_eq!(shown.as_deref(), expected, "{path:?}: {read:?}");
        }
        let long = Request::get("/search").query("q", "x".repeat(MAX_URL));
        assert!(base.resolve(&long).unwrap_err().contains("60000"));
    }

    #[test]
    fn query_values_arrive_as_they_were() {
        let base = base("http://127.0.0.1/r");
        let request = Request::get("/t?given=1")
            .query("a b", "1+1=2&c")
            .query("q", "日本 \u{1f600}%20#?/'\"\r\n")
            .query("empty", "")
            .query("safe", "-._~AZ09");
        let url = base.resolve(&request).unwrap();
        assert_eq!(
            url.query().unwrap(),
            "given=1&a%20b=1%2B1%3D2%26c&q=%E6%97%A5%E6%9C%AC%20%F0%9F%98%80%2520%23%3F%2F%27%22%0D%0A&empty=&safe=-._~AZ09"
        );
        // Another reader's view of it.
        let pairs: Vec<_> = url.query_pairs().into_owned().skip(1).collect();
        assert_eq!(pairs, request.query);
    }

    #[test]
    fn redirects_are_followed_only_below_the_base() {
        let base = base("https://desk.example/api/v1");
        let from = base.resolve(&Request::get("/tickets")).unwrap();
        for (location, expected) in [
            ("/api/v1/tickets/", Ok("https://desk.example/api/v1/tickets/")),
            ("cases?x=1#top", Ok("https://desk.example/api/v1/cases?x=1")),
            ("https://desk.example:443/api/v1/x", Ok("https://desk.example/api/v1/x")),
            ("http://desk.example/api/v1/x", Err("http://desk.example/api/v1/x")),
            (
                "//evil.example/api/v1/x?k=secret",
                Err("https://evil.example/api/v1/x,"),
            ),
            (
                "https://desk.example:444/api/v1/x",
                Err("https://desk.example:444/api/v1/x"),
            ),
            ("/login?next=secret", Err("https://desk.example/login,")),
            ("../../x", Err("https://desk.example/x")),
            ("..%2f..%2fx", Err("`..`")),
            ("javascript:alert(1)", Err("javascript:")),
            ("https://", Err("no URL")),
        ] {
            match (base.follow(&from, location), expected) {
                (Ok(url), Ok(expected)) => assert_eq!(url.as_str(), expected),
                (Err(why), Err(expected)) => {
                    assert!(why.contains(expected), "{location}: {why}");
                    assert!(!why.contains("secret"), "{why}");
                }
                (read, _) => panic!("{location}: {read:?}"),
            }
        }
    }
}
