//! Which endpoint a path means. By segments: a literal one before a variable one.

use crate::server::surface::Endpoint;
use crate::world::Id;

/// A tree of segments.
#[derive(Debug, Default)]
pub(crate) struct Router {
    literal: Vec<(String, Router)>,
    id: Option<Box<Router>>,
    text: Option<Box<Router>>,
    endpoint: Option<usize>,
}

/// A path that leads to an endpoint.
#[derive(Debug, Default, PartialEq, Eq)]
pub(crate) struct Route<'a> {
    /// Its place in the table.
    pub(crate) endpoint: usize,
    /// The ids in the path, in their order.
    pub(crate) ids: Vec<Id>,
    /// The other variable segment.
    pub(crate) text: &'a str,
}

impl Router {
    pub(crate) fn new(endpoints: &[Endpoint]) -> Self {
        let mut root = Router::default();
        for (at, endpoint) in endpoints.iter().enumerate() {
            let mut node = &mut root;
            for segment in endpoint.path[1..].split('/') {
                node = match segment {
                    "{id}" => node.id.get_or_insert_default(),
                    _ if segment.starts_with('{') => node.text.get_or_insert_default(),
                    _ => node.child(segment),
                };
            }
            node.endpoint = Some(at);
        }
        root
    }

    fn child(&mut self, segment: &str) -> &mut Router {
        let at = self
            .literal
            .iter()
            .position(|(name, _)| name == segment)
            .unwrap_or_else(|| {
                self.literal.push((segment.to_owned(), Router::default()));
                self.literal.len() - 1
            });
        &mut self.literal[at].1
    }

    /// The endpoint of a path like `/tickets/12`, if there is one.
    pub(crate) fn find<'a>(&self, path: &'a str) -> Option<Route<'a>> {
        let mut node = self;
        let mut route = Route::default();
        for segment in path.strip_prefix('/')?.split('/') {
            if let Some((_, next)) = node.literal.iter().find(|(name, _)| name == segment) {
                node = next;
            } else if let Some(next) = &node.id
                && let Some(id) = id(segment)
            {
                route.ids.push(id);
                node = next;
            } else if let Some(next) = &node.text
                && !segment.is_empty()
            {
                route.text = segment;
                node = next;
            } else {
                return None;
            }
        }
        route.endpoint = node.endpoint?;
        Some(route)
    }
}

/// A record's id; nothing but digits.
pub(crate) fn id(text: &str) -> Option<Id> {
    (!text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit()))
        .then(|| text.parse().ok().map(Id))
        .flatten()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::Settings;
    use crate::server::surface::Surface;

    #[test]
    fn paths_lead_to_their_endpoints() {
        let surface = Surface::new(&Settings::default());
        let router = Router::new(&surface.endpoints);
        let check = |path: &str, expect: Option<(&str, &[u64], &str)>| {
            let found = router.find(path).map(|route| {
                let ids: Vec<u64> = route.ids.iter().map(|id| id.0).collect();
                (surface.endpoints[route.endpoint].path.as_str(), ids, route.text)
            });
            assert_eq!(
                found,
                expect.map(|(path, ids, text)| (path, ids.to_vec(), text)),
                "{path}"
            );
        };
        check("/tickets", Some(("/tickets", &[], "")));
        check("/tickets/search", Some(("/tickets/search", &[], "")));
        check("/tickets/12", Some(("/tickets/{id}", &[12], "")));
        check(
            "/tickets/12/threads/7/fullContent",
            Some(("/tickets/{id}/threads/{id}/fullContent", &[12, 7], "")),
        );
        check(
            "/articles/3/translations/zh-tw",
            Some(("/articles/{id}/translations/{locale}", &[3], "zh-tw")),
        );
        for path in [
            "",
            "/",
            "tickets",
            "/tickets/",
            "/tickets/x",
            "/tickets/+1",
            "/tickets/-1",
            "/nothing",
            "/tickets/1/2",
        ] {
            check(path, None);
        }
        check("/tickets/99999999999999999999999", None);
    }
}
