//! What a service answers where no route matches: 404, 405 with `Allow`, preflights, and 308 to
//! the path without a trailing slash.

use axum::response::{IntoResponse, Response};
use http::{HeaderValue, Method, StatusCode, Uri, header};
use serde_json::Value;

use super::cors;
use crate::problem::Problem;

/// The routes of a service, as a request that matched none of them is compared with them.
#[derive(Clone, Debug)]
pub struct Routes(Vec<(Method, String)>);

impl Routes {
    /// From the paths of an OpenAPI document: a function that had to ask every other function
    /// what it declares would contain them all.
    #[must_use]
    pub fn of_document(document: &str) -> Self {
        let document: Value = serde_json::from_str(document).unwrap_or_default();
        let paths = document.get("paths").and_then(Value::as_object).into_iter().flatten();
        let routes = paths.flat_map(|(path, operations)| {
            let methods = operations.as_object().into_iter().flatten();
            methods.filter_map(|(method, _)| {
                let method = Method::from_bytes(method.to_uppercase().as_bytes()).ok()?;
                Some((method, path.clone()))
            })
        });
        Self(routes.collect())
    }

    /// The answer to a request that no route took.
    #[must_use]
    pub fn answer(&self, method: &Method, uri: &Uri) -> Response {
        let path = uri.path();
        let methods = self.methods(path);
        if !methods.is_empty() {
            let allow = allow(&methods);
            if method == Method::OPTIONS {
                let mut response = StatusCode::NO_CONTENT.into_response();
                cors::write_preflight(&allow, response.headers_mut());
                return response;
            }
            let status = StatusCode::METHOD_NOT_ALLOWED;
            return Problem::neutral(status, "method_not_allowed", "Method Not Allowed")
                .with_header(header::ALLOW, allow)
                .into_response();
        }
        let bare = path.trim_end_matches('/');
        if bare.len() < path.len() && !self.methods(bare).is_empty() {
            let query = uri.query().map(|query| format!("?{query}")).unwrap_or_default();
            if let Ok(location) = HeaderValue::from_str(&format!("{bare}{query}")) {
                return (StatusCode::PERMANENT_REDIRECT, [(header::LOCATION, location)])
                    .into_response();
            }
        }
        Problem::not_found("Not Found").into_response()
    }

    fn methods(&self, path: &str) -> Vec<&Method> {
        self.0.iter().filter(|(_, route)| matches(route, path)).map(|(method, _)| method).collect()
    }
}

fn matches(route: &str, path: &str) -> bool {
    let mut path = path.split('/');
    let mut route = route.split('/');
    loop {
        match (route.next(), path.next()) {
            (None, None) => return true,
            (Some(expected), Some(found)) => {
                let parameter = expected.starts_with('{') && !found.is_empty();
                if !parameter && expected != found {
                    return false;
                }
            }
            _ => return false,
        }
    }
}

fn allow(methods: &[&Method]) -> HeaderValue {
    let mut names: Vec<_> = methods.iter().map(|method| method.as_str()).collect();
    names.push("OPTIONS");
    names.sort_unstable();
    names.dedup();
    HeaderValue::from_str(&names.join(", ")).unwrap_or(HeaderValue::from_static("OPTIONS"))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn answer(method: Method, uri: &'static str) -> Response {
        let document = serde_json::json!({ "paths": {
            "/users/me": { "get": {}, "patch": {} },
            "/attempts/{id}": { "get": {} },
        }});
        Routes::of_document(&document.to_string()).answer(&method, &Uri::from_static(uri))
    }

    #[test]
    fn unknown_routes_and_methods() {
        assert_eq!(answer(Method::GET, "/nothing").status(), 404);
        assert_eq!(answer(Method::GET, "/attempts/").status(), 404);
        assert_eq!(answer(Method::GET, "/").status(), 404);
        let refused = answer(Method::POST, "/users/me");
        assert_eq!(refused.status(), 405);
        assert_eq!(refused.headers()["allow"], "GET, OPTIONS, PATCH");
    }

    #[test]
    fn a_trailing_slash_is_redirected_with_its_query() {
        let moved = answer(Method::GET, "/attempts/7/?a=1");
        assert_eq!(moved.status(), 308);
        assert_eq!(moved.headers()["location"], "/attempts/7?a=1");
    }

    #[test]
    fn a_preflight_lists_methods_and_headers() {
        let preflight = answer(Method::OPTIONS, "/attempts/7");
        assert_eq!(preflight.status(), 204);
        assert_eq!(preflight.headers()["access-control-allow-methods"], "GET, OPTIONS");
        assert!(preflight.headers().contains_key("access-control-allow-headers"));
    }
}
