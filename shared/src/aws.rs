//! The AWS clients, built once, in INIT.
//!
//! `aws-config` is left out on purpose: a Lambda function has its credentials and region in the
//! environment, and the crate would bring SSO and STS clients along.

use std::time::Duration;

use aws_credential_types::Credentials;
use aws_sdk_dynamodb::config::retry::RetryConfig;
use aws_sdk_dynamodb::config::timeout::TimeoutConfig;
use aws_sdk_dynamodb::config::{BehaviorVersion, Region};
use aws_smithy_runtime_api::client::http::SharedHttpClient;

use crate::settings::{Environment, SettingError};

/// The clients a function may use. Cloning is cheap and shares the connections.
#[derive(Clone, Debug)]
pub struct Aws {
    dynamodb: aws_sdk_dynamodb::Client,
    sqs: aws_sdk_sqs::Client,
    secrets: aws_sdk_secretsmanager::Client,
}

/// Attempts of one request that failed in a way that cannot have had an effect twice.
const ATTEMPTS: u32 = 3;
/// Longest wait for a connection.
const CONNECT: Duration = Duration::from_millis(1_000);
/// Longest wait for one attempt; DynamoDB answers in single-digit milliseconds.
const ATTEMPT: Duration = Duration::from_millis(2_000);

impl Aws {
    /// The clients of a deployed function, or of one run by the local stack as a process.
    ///
    /// # Errors
    /// When region or credentials are missing from the environment.
    pub fn from_environment(environment: &Environment) -> Result<Self, SettingError> {
        Self::build(environment, None)
    }

    /// The clients over another HTTP client: the embedded engine's.
    ///
    /// # Errors
    /// When region or credentials are missing from the environment.
    pub fn with_http_client(
        environment: &Environment,
        client: SharedHttpClient,
    ) -> Result<Self, SettingError> {
        Self::build(environment, Some(client))
    }

    fn build(env: &Environment, http: Option<SharedHttpClient>) -> Result<Self, SettingError> {
        let region = Region::new(env.require("AWS_REGION")?.to_owned());
        let credentials = Credentials::new(
            env.require("AWS_ACCESS_KEY_ID")?,
            env.require("AWS_SECRET_ACCESS_KEY")?,
            env.get("AWS_SESSION_TOKEN").map(str::to_owned),
            None,
            "environment",
        );
        let timeouts = TimeoutConfig::builder()
            .connect_timeout(CONNECT)
            .operation_attempt_timeout(ATTEMPT)
            .operation_timeout(ATTEMPT.saturating_mul(ATTEMPTS))
            .build();
        macro_rules! client {
            ($sdk:ident, $endpoint:literal) => {{
                let mut config = $sdk::Config::builder()
                    .behavior_version(BehaviorVersion::v2026_01_12())
                    .region(region.clone())
                    .credentials_provider(credentials.clone())
                    .retry_config(RetryConfig::standard().with_max_attempts(ATTEMPTS))
                    .timeout_config(timeouts.clone());
                config.set_endpoint_url(
                    env.get($endpoint).or(env.get("AWS_ENDPOINT_URL")).map(str::to_owned),
                );
                config.set_http_client(http.clone());
                $sdk::Client::from_conf(config.build())
            }};
        }
        Ok(Self {
            dynamodb: client!(aws_sdk_dynamodb, "AWS_ENDPOINT_URL_DYNAMODB"),
            sqs: client!(aws_sdk_sqs, "AWS_ENDPOINT_URL_SQS"),
            secrets: client!(aws_sdk_secretsmanager, "AWS_ENDPOINT_URL_SECRETS_MANAGER"),
        })
    }

    /// DynamoDB.
    #[must_use]
    pub fn dynamodb(&self) -> &aws_sdk_dynamodb::Client {
        &self.dynamodb
    }

    /// SQS.
    #[must_use]
    pub fn sqs(&self) -> &aws_sdk_sqs::Client {
        &self.sqs
    }

    /// The current value of a secret.
    pub(crate) async fn secret(&self, id: &str) -> Result<String, SecretError> {
        let answer = self.secrets.get_secret_value().secret_id(id).send().await;
        let answer = answer.map_err(|error| SecretError(error.into_service_error().to_string()))?;
        answer.secret_string.ok_or_else(|| SecretError("the secret is not a text".to_owned()))
    }

    /// Clients for the tests of this crate that never send anything.
    #[cfg(test)]
    pub(crate) fn for_test() -> Self {
        let variables = [
            ("AWS_REGION", "us-east-1"),
            ("AWS_ACCESS_KEY_ID", "local-test"),
            ("AWS_SECRET_ACCESS_KEY", "local"),
            ("AWS_ENDPOINT_URL", "http://127.0.0.1:1"),
        ];
        let environment =
            variables.map(|(n, v)| (n.to_owned(), v.to_owned())).into_iter().collect();
        Self::from_environment(&environment).unwrap()
    }
}

/// The secret store refused or did not answer.
#[derive(Debug, thiserror::Error)]
#[error("{0}")]
pub(crate) struct SecretError(String);
