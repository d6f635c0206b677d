//! The two cookies: `auth_token` and `refresh_token`.

use http::{HeaderMap, HeaderValue, header};

const ACCESS: &str = "auth_token";
const REFRESH: &str = "refresh_token";

/// The cookies of a request.
#[derive(Clone, Default)]
pub struct Cookies {
    /// The access token.
    pub access: Option<String>,
    /// The refresh token.
    pub refresh: Option<String>,
}

impl Cookies {
    /// Reads them off a request. Of two with one name, the first counts, as browsers send the
    /// more specific one first.
    #[must_use]
    pub fn read(headers: &HeaderMap) -> Self {
        let pairs: Vec<(&str, &str)> = headers
            .get_all(header::COOKIE)
            .iter()
            .filter_map(|value| value.to_str().ok())
            .flat_map(|value| value.split(';'))
            .filter_map(|pair| pair.trim().split_once('='))
            .collect();
        let find = |wanted: &str| {
            let found = pairs.iter().find(|(name, value)| *name == wanted && !value.is_empty());
            found.map(|(_, value)| (*value).to_owned())
        };
        Self { access: find(ACCESS), refresh: find(REFRESH) }
    }
}

/// Cookies to be set: values and their ages in seconds.
#[derive(Clone)]
pub struct SetCookies {
    pub(super) access: (String, i64),
    pub(super) refresh: (String, i64),
    pub(super) secure: bool,
}

impl SetCookies {
    /// Puts them on an answer.
    pub fn write(&self, headers: &mut HeaderMap) {
        for (name, (value, age_s)) in [(ACCESS, &self.access), (REFRESH, &self.refresh)] {
            append(headers, name, value, *age_s, self.secure);
        }
    }
}

/// Removal of both cookies.
#[derive(Clone, Copy, Debug)]
pub struct Clear {
    /// Were they set on a secure channel?
    pub secure: bool,
}

impl Clear {
    /// Puts it on an answer.
    pub fn write(self, headers: &mut HeaderMap) {
        for name in [ACCESS, REFRESH] {
            append(headers, name, "", 0, self.secure);
        }
    }
}

fn append(headers: &mut HeaderMap, name: &str, value: &str, age_s: i64, secure: bool) {
    // A mini-app runs in a frame of another site, hence None and Partitioned; plain HTTP on a
    // developer's machine takes neither.
    let channel = if secure { "Secure; SameSite=None; Partitioned" } else { "SameSite=Lax" };
    let text = format!("{name}={value}; HttpOnly; {channel}; Path=/; Max-Age={age_s}");
    if let Ok(mut cookie) = HeaderValue::from_str(&text) {
        cookie.set_sensitive(true);
        headers.append(header::SET_COOKIE, cookie);
    }
}
