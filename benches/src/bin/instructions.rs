//! Repeats one thing, to be counted by callgrind: the difference between two numbers of rounds,
//! divided by the difference, is what one round takes, whatever the machine is doing.
//!
//! `bench-instructions nothing|init-data|handler|random ROUNDS`

use benches::{CLUB_BOT, Result, launch_data};
use http::HeaderMap;
use serde_json::json;
use shared::aws::Aws;
use shared::clock::Instant;
use shared::settings::Environment;
use shared::telegram::{BotToken, Key, Keys, Rules, verify};

fn main() -> Result<()> {
    let mut arguments = std::env::args().skip(1);
    let what = arguments.next().unwrap_or_default();
    let rounds: u32 = arguments.next().unwrap_or_default().parse()?;
    match what.as_str() {
        "nothing" => Ok(()),
        "random" => {
            for _ in 0..rounds {
                std::hint::black_box(shared::ids::uuid());
            }
            Ok(())
        }
        "init-data" => init_data(rounds),
        "handler" => {
            let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
            runtime.block_on(handler(rounds))
        }
        _ => Err("usage: bench-instructions nothing|init-data|handler|random ROUNDS".into()),
    }
}

fn init_data(rounds: u32) -> Result<()> {
    let keys = Keys::one(Key::from_bot_token(&BotToken::parse(CLUB_BOT)?));
    let header = launch_data(CLUB_BOT, 42)?;
    let raw = header.strip_prefix("tma ").unwrap_or_default();
    let now = Instant::now().timestamp();
    for _ in 0..rounds {
        std::hint::black_box(verify(raw, &keys, now, &Rules::default())?);
    }
    Ok(())
}

/// `GET /health/live` from event JSON to answer JSON: the choke point and nothing else.
async fn handler(rounds: u32) -> Result<()> {
    let engine = engine::Engine::memory(engine::Clock::system())?;
    let environment: Environment = [
        ("STAGE", "test"),
        ("SERVICE", "club"),
        ("TABLE_NAME", "club"),
        ("AWS_REGION", "us-east-1"),
        ("AWS_ACCESS_KEY_ID", "local-bench"),
        ("AWS_SECRET_ACCESS_KEY", "local"),
        ("AWS_ENDPOINT_URL", "http://127.0.0.1:1"),
    ]
    .map(|(name, value)| (name.to_owned(), value.to_owned()))
    .into_iter()
    .collect();
    let aws = Aws::with_http_client(&environment, engine.http_client())?;
    let function = club::health::live().start(environment, aws).await?;
    let event = event().to_string();
    let mut headers = HeaderMap::new();
    headers.insert("lambda-runtime-aws-request-id", "bench".parse()?);
    headers.insert("lambda-runtime-deadline-ms", "0".parse()?);
    for _ in 0..rounds {
        std::hint::black_box(function.invoke(event.as_bytes(), &headers).await.result?);
    }
    Ok(())
}

fn event() -> serde_json::Value {
    json!({
        "version": "2.0", "routeKey": "GET /health/live", "rawPath": "/health/live",
        "rawQueryString": "", "headers": { "host": "api.example.test" }, "isBase64Encoded": false,
        "requestContext": {
            "accountId": "0", "apiId": "bench", "domainName": "api.example.test", "stage": "$default",
            "requestId": "r", "routeKey": "GET /health/live", "time": "", "timeEpoch": 0,
            "http": {
                "method": "GET", "path": "/health/live", "protocol": "HTTP/1.1",
                "sourceIp": "192.0.2.1", "userAgent": "bench",
            },
        },
    })
}
