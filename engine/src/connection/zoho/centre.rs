//! Zoho's data centres: an account, and all data of its desk, lives in one of them. Pure.

/// The hosts of a data centre. (Zoho Desk's API documentation, "Multi DC support"; `ca` and `uk` as clients use them.)
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Centre {
    /// Its name in the configuration.
    pub(crate) name: &'static str,
    /// Where tokens are given.
    pub(crate) accounts: &'static str,
    /// Where the desk is. It is never the `api_domain` that comes with a token: that is another product's.
    pub(crate) desk: &'static str,
}

const fn centre(name: &'static str, accounts: &'static str, desk: &'static str) -> Centre {
    Centre { name, accounts, desk }
}

/// All of them.
pub(crate) const CENTRES: [Centre; 11] = [
    centre("us", "https://accounts.zoho.com", "https://desk.zoho.com"),
    centre("eu", "https://accounts.zoho.eu", "https://desk.zoho.eu"),
    centre("in", "https://accounts.zoho.in", "https://desk.zoho.in"),
    centre("au", "https://accounts.zoho.com.au", "https://desk.zoho.com.au"),
    centre("jp", "https://accounts.zoho.jp", "https://desk.zoho.jp"),
    centre("ca", "https://accounts.zohocloud.ca", "https://desk.zohocloud.ca"),
    centre("cn", "https://accounts.zoho.com.cn", "https://desk.zoho.com.cn"),
    centre("sa", "https://accounts.zoho.sa", "https://desk.zoho.sa"),
    centre("sg", "https://accounts.zoho.sg", "https://desk.zoho.sg"),
    centre("ae", "https://accounts.zoho.ae", "https://desk.zoho.ae"),
    centre("uk", "https://accounts.zoho.uk", "https://desk.zoho.uk"),
];

/// Their names.
pub(crate) const NAMES: [&str; 11] = {
    let mut names = [""; 11];
    let mut place = 0;
    while place < names.len() {
        names[place] = CENTRES[place].name;
        place += 1;
    }
    names
};

/// The data centre of this name.
pub(crate) fn by_name(name: &str) -> Option<&'static Centre> {
    CENTRES.iter().find(|centre| centre.name == name)
}

/// The base URL of the API on a desk's host.
pub(crate) fn base_url(desk_url: &str) -> String {
    let host = desk_url.trim_end_matches('/');
    if host.ends_with("/api/v1") {
        host.to_owned()
    } else {
        format!("{host}/api/v1")
    }
}

/// Where a person registers a client with the accounts server at this URL.
pub(crate) fn console(accounts_url: &str) -> String {
    let url = accounts_url.trim_end_matches('/');
    match url.split_once("://accounts.") {
        Some((scheme, rest)) => format!("{scheme}://api-console.{rest}/"),
        None => format!("the API console of {url}"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_data_centre_has_its_own_hosts() {
        for centre in CENTRES {
            let domain = centre.desk.strip_prefix("https://desk.").unwrap();
            assert_eq!(centre.accounts, format!("https://accounts.{domain}"));
            assert_eq!(console(centre.accounts), format!("https://api-console.{domain}/"));
            assert_eq!(by_name(centre.name), Some(&centre));
        }
        assert_eq!(by_name("mars"), None);
        assert!(console("http://127.0.0.1:8/").contains("http://127.0.0.1:8"));
    }

    #[test]
    fn the_api_is_below_the_host_once() {
        for url in [
            "https://desk.zoho.eu",
            "https://desk.zoho.eu/",
            "https://desk.zoho.eu/api/v1/",
        ] {
            assert_eq!(base_url(url), "https://desk.zoho.eu/api/v1");
        }
    }
}
