//! The environment of a function on this machine: the template's, with what is local over it.

use std::collections::BTreeMap;

use crate::secrets::Secrets;
use crate::template::{FunctionSpec, REGION};

/// The runner's own addresses.
pub(crate) struct Endpoints<'a> {
    pub(crate) front: &'a str,
    pub(crate) engine: &'a str,
}

/// Where a mini-app under development usually runs.
const DEVELOPMENT_ORIGINS: &str = "http://localhost:3000,http://localhost:5173";
/// Address limits do not apply to this machine.
const TRUSTED: &str = "127.0.0.0/8,::1/128";

pub(crate) fn of(
    function: &FunctionSpec,
    endpoints: &Endpoints<'_>,
    secrets: &Secrets,
    settings: &BTreeMap<String, String>,
) -> BTreeMap<String, String> {
    let mut variables = function.variables.clone();
    let sandbox = format!("{}/_local/sandbox", endpoints.front);
    let mut set = |name: &str, value: String| _ = variables.insert(name.to_owned(), value);
    set("AWS_REGION", REGION.to_owned());
    set("AWS_ACCESS_KEY_ID", format!("local-{}", function.name));
    set("AWS_SECRET_ACCESS_KEY", "local".to_owned());
    set("AWS_ENDPOINT_URL", endpoints.engine.to_owned());
    set("TELEGRAM_API_URL", format!("{sandbox}/telegram"));
    set("PUBLIC_URL", format!("{}/{}", endpoints.front, function.service));
    set("RATE_TRUSTED_CIDRS", TRUSTED.to_owned());
    for name in &function.secrets {
        set(name, secrets.get(&function.service, name));
    }
    if variables.contains_key("SANDBOX_PROVIDER_URL") {
        variables.insert(
            "SANDBOX_PROVIDER_URL".to_owned(),
            format!("{sandbox}/provider/{}", function.service),
        );
    }
    if variables.contains_key("CRYPTO_PAY_API_URL") {
        variables.insert("CRYPTO_PAY_API_URL".to_owned(), format!("{sandbox}/crypto-pay"));
    }
    for (name, value) in [
        ("TELEGRAM_BOT_USERNAME", format!("local_{}_bot", function.service)),
        ("PAYMENT_DEFAULT_PROVIDER", "sandbox".to_owned()),
    ] {
        if let Some(variable) = variables.get_mut(name).filter(|variable| variable.is_empty()) {
            *variable = value;
        }
    }
    let origin = variables.entry("CORS_ORIGIN".to_owned()).or_default();
    if origin.is_empty() {
        DEVELOPMENT_ORIGINS.clone_into(origin);
    }
    variables.extend(settings.clone());
    variables
}

/// What Lambda itself adds.
pub(crate) fn of_process(
    function: &FunctionSpec,
    mut variables: BTreeMap<String, String>,
) -> BTreeMap<String, String> {
    for (name, value) in [
        ("AWS_LAMBDA_FUNCTION_NAME", function.deployed.clone()),
        ("AWS_LAMBDA_FUNCTION_MEMORY_SIZE", function.memory.to_string()),
        ("AWS_LAMBDA_FUNCTION_VERSION", "1".to_owned()),
        ("AWS_LAMBDA_LOG_GROUP_NAME", format!("/aws/lambda/{}", function.deployed)),
        ("AWS_LAMBDA_LOG_STREAM_NAME", "local".to_owned()),
        ("AWS_DEFAULT_REGION", REGION.to_owned()),
    ] {
        variables.insert(name.to_owned(), value);
    }
    variables
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;

    #[test]
    fn secrets_are_given_to_functions_that_name_them_and_settings_win() {
        let function = FunctionSpec {
            name: "club-outbox-deliver".into(),
            service: "club".into(),
            deployed: "test-club-outbox-deliver".into(),
            variables: BTreeMap::from([("STAGE".to_owned(), "test".to_owned())]),
            secrets: vec!["TELEGRAM_BOT_TOKEN".to_owned()],
            timeout: Duration::from_secs(3),
            memory: 128,
            reserved: None,
            permissions: Vec::new(),
        };
        let secrets = Secrets::new(&["club".to_owned()], |_, _| None);
        let settings = BTreeMap::from([("STAGE".to_owned(), "other".to_owned())]);
        let endpoints = Endpoints { front: "http://127.0.0.1:1", engine: "http://127.0.0.1:2" };
        let variables = of(&function, &endpoints, &secrets, &settings);
        assert_eq!(variables["TELEGRAM_BOT_TOKEN"], "7000000001:local-club");
        assert!(!variables.contains_key("JWT_SECRET"));
        assert!(!variables.contains_key("SANDBOX_PROVIDER_URL"));
        assert_eq!(variables["AWS_ACCESS_KEY_ID"], "local-club-outbox-deliver");
        assert_eq!(variables["PUBLIC_URL"], "http://127.0.0.1:1/club");
        assert_eq!(variables["STAGE"], "other");
    }
}
