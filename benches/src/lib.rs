//! What the benchmarks share: an HTTP client, launch data, a median, a table in the engine.

use std::io::Write as _;
use std::time::Duration;

use bytes::Bytes;
use http::{Request, Response};
use http_body_util::{BodyExt as _, Full};
use hyper_util::client::legacy::Client;
use hyper_util::client::legacy::connect::HttpConnector;
use hyper_util::rt::TokioExecutor;
use serde_json::{Value, json};
use shared::clock::Instant;
use shared::telegram::{BotToken, sign};

/// What can go wrong in a benchmark: it ends with the reason.
pub type Result<T> = std::result::Result<T, Box<dyn std::error::Error + Send + Sync>>;

/// The club's bot token in the local stack.
pub const CLUB_BOT: &str = "7000000001:local-club";
/// The bot token of errands in the local stack.
pub const ERRANDS_BOT: &str = "7000000002:local-errands";

/// A client that keeps its connections.
#[must_use]
pub fn client() -> Client<HttpConnector, Full<Bytes>> {
    Client::builder(TokioExecutor::new()).build_http()
}

/// One request: its status, headers and body.
///
/// # Errors
/// When nobody answers.
pub async fn send(
    client: &Client<HttpConnector, Full<Bytes>>,
    method: &str,
    url: &str,
    headers: &[(&str, &str)],
    body: &Value,
) -> Result<Response<Bytes>> {
    let mut request = Request::builder().method(method).uri(url);
    for (name, value) in headers {
        request = request.header(*name, *value);
    }
    let bytes = if body.is_null() { Bytes::new() } else { body.to_string().into() };
    let (parts, body) = client.request(request.body(Full::new(bytes))?).await?.into_parts();
    Ok(Response::from_parts(parts, body.collect().await?.to_bytes()))
}

/// Launch data of the user `id` of this bot, signed now, as the value of `Authorization`.
///
/// # Errors
/// When the bot token does not read.
pub fn launch_data(bot_token: &str, id: u64) -> Result<String> {
    let token = BotToken::parse(bot_token)?;
    let seconds = Instant::now().seconds().to_string();
    let user = json!({ "id": id, "first_name": "Bench", "username": format!("bench{id}") });
    Ok(format!("tma {}", sign(&[("auth_date", &seconds), ("user", &user.to_string())], &token)))
}

/// The value below which `percent` of the sorted durations lie.
#[must_use]
pub fn percentile(sorted: &[Duration], percent: usize) -> Duration {
    let index = (sorted.len() * percent).div_ceil(100).saturating_sub(1);
    sorted.get(index).copied().unwrap_or_default()
}

/// Milliseconds with two decimals.
#[must_use]
pub fn milliseconds(duration: Duration) -> String {
    let micros = duration.as_micros();
    format!("{}.{:02}", micros / 1000, micros % 1000 / 10)
}

/// Prints one line.
pub fn line(text: &str) {
    let _ = writeln!(std::io::stdout(), "{text}");
}
