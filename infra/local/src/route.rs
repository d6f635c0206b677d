//! Which route of an API a request takes: the most specific one, else `$default`.

use std::collections::BTreeMap;
use std::time::Duration;

use crate::template::RouteSpec;

/// The routes of one service's API.
#[derive(Clone, Debug, Default)]
pub struct Routes {
    routes: Vec<Route>,
}

/// A route in a form that can be compared with a request.
#[derive(Clone, Debug)]
pub struct Route {
    /// `METHOD /path/{parameter}` or `$default`.
    pub key: String,
    /// The function behind it.
    pub function: String,
    /// How long the API waits for it.
    pub timeout: Duration,
    method: String,
    segments: Vec<Segment>,
}

#[derive(Clone, Debug)]
enum Segment {
    Literal(String),
    Parameter(String),
    Rest(String),
}

impl Routes {
    /// The routes of one service.
    #[must_use]
    pub fn of(service: &str, specs: &[RouteSpec]) -> Self {
        let own = specs.iter().filter(|spec| spec.service == service);
        let mut routes: Vec<_> = own.map(Route::of).collect();
        // Literal before parameter, a named method before ANY.
        let rank = |route: &Route| {
            let kinds = route.segments.iter().map(|segment| match segment {
                Segment::Literal(_) => 0_u8,
                Segment::Parameter(_) => 1,
                Segment::Rest(_) => 2,
            });
            (route.key == "$default", kinds.collect::<Vec<_>>(), route.method == "ANY")
        };
        routes.sort_by_key(rank);
        Self { routes }
    }

    /// The route for a request and its path parameters, decoded.
    #[must_use]
    pub fn find(&self, method: &str, path: &str) -> Option<(&Route, BTreeMap<String, String>)> {
        let segments: Vec<&str> = path.strip_prefix('/').unwrap_or(path).split('/').collect();
        self.routes.iter().find_map(|route| {
            let method_fits = ["ANY", method].contains(&route.method.as_str());
            let parameters = (method_fits).then(|| route.fit(&segments)).flatten()?;
            Some((route, parameters))
        })
    }

    /// All routes, the most specific first.
    #[must_use]
    pub fn all(&self) -> &[Route] {
        &self.routes
    }
}

impl Route {
    fn of(spec: &RouteSpec) -> Self {
        let (method, path) = spec.key.split_once(' ').unwrap_or(("ANY", ""));
        let segments = path.trim_start_matches('/').split('/').map(|part| {
            match part.strip_prefix('{').and_then(|part| part.strip_suffix('}')) {
                Some(name) => match name.strip_suffix('+') {
                    Some(name) => Segment::Rest(name.to_owned()),
                    None => Segment::Parameter(name.to_owned()),
                },
                None => Segment::Literal(part.to_owned()),
            }
        });
        Self {
            key: spec.key.clone(),
            function: spec.function.clone(),
            timeout: spec.timeout,
            method: method.to_owned(),
            segments: segments.collect(),
        }
    }

    fn fit(&self, path: &[&str]) -> Option<BTreeMap<String, String>> {
        let mut parameters = BTreeMap::new();
        if self.key == "$default" {
            return Some(parameters);
        }
        let mut rest = path.iter();
        for segment in &self.segments {
            match segment {
                Segment::Literal(literal) => {
                    rest.next().filter(|part| decode(part) == *literal)?;
                }
                Segment::Parameter(name) => {
                    let part = rest.next().filter(|part| !part.is_empty())?;
                    parameters.insert(name.clone(), decode(part));
                }
                Segment::Rest(name) => {
                    let all: Vec<String> = rest.by_ref().map(|part| decode(part)).collect();
                    (!all.is_empty()).then(|| parameters.insert(name.clone(), all.join("/")))?;
                }
            }
        }
        rest.next().is_none().then_some(parameters)
    }
}

/// Percent-decoding; what is no escape or no UTF-8 stays as it is.
pub(crate) fn decode(text: &str) -> String {
    let mut bytes = Vec::with_capacity(text.len());
    let mut rest = text.as_bytes();
    while let Some((first, tail)) = rest.split_first() {
        let escape = (*first == b'%').then(|| tail.get(..2)).flatten();
        let byte = escape
            .and_then(|digits| std::str::from_utf8(digits).ok())
            .and_then(|digits| u8::from_str_radix(digits, 16).ok());
        match byte {
            Some(byte) => {
                bytes.push(byte);
                rest = tail.get(2..).unwrap_or_default();
            }
            None => {
                bytes.push(*first);
                rest = tail;
            }
        }
    }
    String::from_utf8(bytes).unwrap_or_else(|_| text.to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn routes(keys: &[&str]) -> Routes {
        let spec = |key: &&str| RouteSpec {
            service: "club".into(),
            key: (*key).to_owned(),
            function: (*key).to_owned(),
            timeout: Duration::from_secs(1),
        };
        Routes::of("club", &keys.iter().map(spec).collect::<Vec<_>>())
    }

    #[test]
    fn the_most_specific_route_wins_and_the_rest_is_the_default() {
        let routes = routes(&[
            "$default",
            "GET /a/{id}",
            "GET /a/me",
            "ANY /a/me",
            "POST /a/{id}/b",
            "GET /files/{path+}",
        ]);
        for (method, path, key) in [
            ("GET", "/a/me", "GET /a/me"),
            ("PUT", "/a/me", "ANY /a/me"),
            ("GET", "/a/7", "GET /a/{id}"),
            ("DELETE", "/a/7", "$default"),
            ("POST", "/a/7/b", "POST /a/{id}/b"),
            ("GET", "/a/7/", "$default"),
            ("GET", "/a/", "$default"),
            ("GET", "/files/x/y", "GET /files/{path+}"),
            ("GET", "/", "$default"),
            ("GET", "//a/me", "$default"),
            ("GET", "/a//me", "$default"),
        ] {
            assert_eq!(routes.find(method, path).unwrap().0.key, key, "{method} {path}");
        }
    }

    #[test]
    fn path_parameters_are_decoded() {
        let routes = routes(&["GET /a/{id}", "GET /f/{path+}"]);
        assert_eq!(routes.find("GET", "/a/%D0%B0%20b").unwrap().1["id"], "а b");
        assert_eq!(routes.find("GET", "/f/x/y%2Fz").unwrap().1["path"], "x/y/z");
        assert_eq!(routes.find("GET", "/a/%zz%").unwrap().1["id"], "%zz%");
        assert!(routes.find("POST", "/a/1").is_none());
    }
}
