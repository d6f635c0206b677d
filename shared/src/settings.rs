//! What a process is told from outside: environment variables, and secrets by their names.
//!
//! Settings are read once, in INIT. A missing or malformed one is an error that names it, never
//! a default that lets everybody in.

use std::collections::BTreeMap;
use std::fmt;
use std::str::FromStr;

use crate::aws::Aws;

/// The environment, as a value: the process's own, or one made by the local stack or a test.
#[derive(Clone, Default)]
pub struct Environment(BTreeMap<String, String>);

/// A setting that keeps a process from starting. Says which, never its value.
#[derive(Debug, thiserror::Error)]
pub enum SettingError {
    /// The variable is not set or empty.
    #[error("setting {0} is missing")]
    Missing(String),
    /// The variable is there but cannot be what it should be.
    #[error("setting {0} is malformed")]
    Malformed(String),
    /// The secret is shorter than its minimum.
    #[error("secret {0} is shorter than {1} bytes")]
    TooShort(String, usize),
    /// The variable must not be set in this stage.
    #[error("setting {0} is not allowed in stage prod")]
    Forbidden(String),
    /// The secret store did not answer.
    #[error("secret {0} could not be read")]
    Unreadable(String, #[source] Box<dyn std::error::Error + Send + Sync>),
}

/// Where a deployment stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Stage {
    /// Real people and real money: no sandbox may be configured.
    Prod,
    /// Everything else.
    Test,
}

impl Environment {
    /// The process's own environment.
    #[must_use]
    pub fn of_process() -> Self {
        std::env::vars().collect()
    }

    /// The variable's value, when it is set and not empty.
    #[must_use]
    pub fn get(&self, name: &str) -> Option<&str> {
        self.0.get(name).map(String::as_str).filter(|value| !value.is_empty())
    }

    /// The variable's value.
    ///
    /// # Errors
    /// [`SettingError::Missing`] when it is not set or empty.
    pub fn require(&self, name: &str) -> Result<&str, SettingError> {
        self.get(name).ok_or_else(|| SettingError::Missing(name.to_owned()))
    }

    /// The variable read as a `T`, or `default` when it is not set.
    ///
    /// # Errors
    /// [`SettingError::Malformed`] when it is set and does not read.
    pub fn parse<T: FromStr>(&self, name: &str, default: T) -> Result<T, SettingError> {
        self.get(name).map_or(Ok(default), |value| {
            value.parse().map_err(|_| SettingError::Malformed(name.to_owned()))
        })
    }

    /// The deployment's stage, from `STAGE`.
    ///
    /// # Errors
    /// When it is missing or neither `prod` nor `test`.
    pub fn stage(&self) -> Result<Stage, SettingError> {
        match self.require("STAGE")? {
            "prod" => Ok(Stage::Prod),
            "test" => Ok(Stage::Test),
            _ => Err(SettingError::Malformed("STAGE".to_owned())),
        }
    }

    /// Is the SDK's endpoint a loopback address? Only then may a secret stand in the environment
    /// itself and an invocation bring its own time.
    #[must_use]
    pub fn is_local(&self) -> bool {
        ["AWS_ENDPOINT_URL_DYNAMODB", "AWS_ENDPOINT_URL"]
            .iter()
            .find_map(|name| self.get(name))
            .and_then(|url| url.parse::<http::Uri>().ok())
            .and_then(|uri| uri.host().map(is_loopback))
            .unwrap_or(false)
    }

    /// The secret `name`, at least `min` bytes long: read from Secrets Manager under the id in
    /// `<name>_SECRET_ID`, or, on a loopback endpoint only, from the variable itself.
    ///
    /// # Errors
    /// When it is missing, too short or the secret store fails.
    pub async fn secret(&self, aws: &Aws, name: &str, min: usize) -> Result<Secret, SettingError> {
        let value = match self.get(&format!("{name}_SECRET_ID")) {
            Some(id) => aws
                .secret(id)
                .await
                .map_err(|cause| SettingError::Unreadable(name.to_owned(), cause.into()))?,
            None if self.is_local() => self.require(name)?.to_owned(),
            None => return Err(SettingError::Missing(format!("{name}_SECRET_ID"))),
        };
        if value.len() < min {
            return Err(SettingError::TooShort(name.to_owned(), min));
        }
        Ok(Secret(value))
    }
}

fn is_loopback(host: &str) -> bool {
    let host = host.trim_start_matches('[').trim_end_matches(']');
    host == "localhost"
        || host.parse::<std::net::IpAddr>().is_ok_and(|address| address.is_loopback())
}

impl FromIterator<(String, String)> for Environment {
    fn from_iter<I: IntoIterator<Item = (String, String)>>(variables: I) -> Self {
        Self(variables.into_iter().collect())
    }
}

impl fmt::Debug for Environment {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_set().entries(self.0.keys()).finish()
    }
}

/// A value that no log may show. There is no `Display`, and no comparison but
/// [`Secret::matches`], which takes the same time for every guess of one length.
#[derive(Clone)]
pub struct Secret(String);

impl Secret {
    /// Wraps a value made elsewhere, such as a key of a test.
    #[must_use]
    pub fn new(value: impl Into<String>) -> Self {
        Self(value.into())
    }

    /// The value itself, for the one place that needs it.
    #[must_use]
    pub fn expose(&self) -> &str {
        &self.0
    }

    /// Is `guess` this secret? Always false for an empty one.
    #[must_use]
    pub fn matches(&self, guess: &[u8]) -> bool {
        use subtle::ConstantTimeEq as _;
        !self.0.is_empty() && bool::from(self.0.as_bytes().ct_eq(guess))
    }
}

impl fmt::Debug for Secret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Secret(…)")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn environment(variables: &[(&str, &str)]) -> Environment {
        variables.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect()
    }

    #[test]
    fn only_a_loopback_endpoint_is_local() {
        for (url, local) in [
            ("http://127.0.0.1:4566", true),
            ("http://localhost:1", true),
            ("http://[::1]:8000", true),
            ("https://dynamodb.us-east-1.amazonaws.com", false),
            ("http://127.0.0.1.example.test", false),
            ("http://10.0.0.1", false),
        ] {
            assert_eq!(environment(&[("AWS_ENDPOINT_URL", url)]).is_local(), local, "{url}");
        }
        assert!(!environment(&[]).is_local());
    }

    #[test]
    fn an_empty_secret_matches_nothing() {
        assert!(!Secret::new("").matches(b""));
        assert!(Secret::new("abc").matches(b"abc"));
        assert!(!Secret::new("abc").matches(b"abd"));
    }

    #[tokio::test]
    async fn a_plain_secret_counts_on_a_loopback_endpoint_only() {
        let aws = Aws::for_test();
        let plain = environment(&[("JWT_SECRET", "0123456789abcdef")]);
        assert!(matches!(plain.secret(&aws, "JWT_SECRET", 8).await, Err(SettingError::Missing(_))));
        let local = environment(&[
            ("JWT_SECRET", "0123456789abcdef"),
            ("AWS_ENDPOINT_URL", "http://127.0.0.1:1"),
        ]);
        assert!(local.secret(&aws, "JWT_SECRET", 8).await.is_ok());
        assert!(matches!(
            local.secret(&aws, "JWT_SECRET", 32).await,
            Err(SettingError::TooShort(_, 32))
        ));
    }

    #[test]
    fn neither_secrets_nor_the_environment_show_values() {
        let shown = format!("{:?} {:?}", Secret::new("hidden"), environment(&[("A", "hidden")]));
        assert!(!shown.contains("hidden"));
    }
}
