//! Cold starts of the real binaries: from spawning the process to its first request for work,
//! and through its first call, against an embedded engine over plain HTTP.
//!
//! `bench-cold DIRECTORY ROUNDS [NAME…]`, where DIRECTORY holds `<function>/bootstrap`.
//! There is no TLS and no sandbox around the process: compare ratios, not clouds.

use std::path::{Path, PathBuf};
use std::process::Stdio;
use std::time::{Duration, Instant};

use axum::Router;
use axum::body::Body;
use axum::extract::{Path as RoutePath, Request, State};
use axum::response::Response;
use axum::routing::{any, get, post};
use benches::{CLUB_BOT, Result, launch_data, line, milliseconds, percentile};
use serde_json::{Value, json};
use tokio::net::TcpListener;
use tokio::process::{Child, Command};
use tokio::sync::mpsc::{UnboundedReceiver, UnboundedSender, unbounded_channel};

const PATIENCE: Duration = Duration::from_secs(10);

#[derive(Clone)]
struct Runtime {
    engine: engine::Engine,
    event: String,
    happened: UnboundedSender<Happened>,
}

enum Happened {
    AskedForWork(Instant),
    Answered(Instant),
}

#[tokio::main]
async fn main() -> Result<()> {
    let mut arguments = std::env::args().skip(1);
    let directory = PathBuf::from(arguments.next().unwrap_or_else(|| "target/lambda".to_owned()));
    let rounds: usize = arguments.next().unwrap_or_else(|| "15".to_owned()).parse()?;
    let named: Vec<String> = arguments.collect();
    let defaults = ["club-health-live", "club-ratings-cities", "club-energies-balance"];
    let names = if named.is_empty() { defaults.map(str::to_owned).to_vec() } else { named };
    line(
        "| function | warm-up in INIT | spawn → first next, ms (median) | first call, ms (median) | RSS at next → after, MB |",
    );
    line("|---|---|---:|---:|---:|");
    for name in names {
        for warm_up in ["off", "on"] {
            measure(&directory, &name, warm_up, rounds).await?;
        }
    }
    Ok(())
}

async fn measure(directory: &Path, name: &str, warm_up: &str, rounds: usize) -> Result<()> {
    let (mut inits, mut calls, mut sizes) = (Vec::new(), Vec::new(), (0, 0));
    for _ in 0..rounds {
        let (sender, mut happened) = unbounded_channel();
        let engine = engine::Engine::memory(engine::Clock::system())?;
        create_table(&engine).await;
        let runtime = Runtime { engine, event: event(name)?, happened: sender };
        let listener = TcpListener::bind(("127.0.0.1", 0)).await?;
        let address = listener.local_addr()?.to_string();
        let server = tokio::spawn(async move { axum::serve(listener, router(runtime)).await });
        let spawned = Instant::now();
        let mut child = spawn(&directory.join(name).join("bootstrap"), &address, name, warm_up)?;
        let Happened::AskedForWork(asked) = next(&mut happened).await? else {
            return Err("an answer before a question".into());
        };
        let before = resident_kb(&child);
        let Happened::Answered(answered) = next(&mut happened).await? else {
            return Err("asked for work twice".into());
        };
        inits.push(asked - spawned);
        calls.push(answered - asked);
        sizes = (before, resident_kb(&child));
        child.kill().await?;
        server.abort();
    }
    inits.sort_unstable();
    calls.sort_unstable();
    line(&format!(
        "| {name} | {warm_up} | {} | {} | {}.{} → {}.{} |",
        milliseconds(percentile(&inits, 50)),
        milliseconds(percentile(&calls, 50)),
        sizes.0 / 1024,
        sizes.0 % 1024 * 10 / 1024,
        sizes.1 / 1024,
        sizes.1 % 1024 * 10 / 1024,
    ));
    Ok(())
}

async fn next(happened: &mut UnboundedReceiver<Happened>) -> Result<Happened> {
    let event = tokio::time::timeout(PATIENCE, happened.recv()).await?;
    event.ok_or_else(|| "the server is gone".into())
}

fn spawn(binary: &Path, address: &str, name: &str, warm_up: &str) -> Result<Child> {
    Ok(Command::new(binary)
        .env_clear()
        .envs([
            ("AWS_LAMBDA_RUNTIME_API", address),
            ("AWS_LAMBDA_FUNCTION_NAME", name),
            ("AWS_LAMBDA_FUNCTION_MEMORY_SIZE", "256"),
            ("AWS_LAMBDA_FUNCTION_VERSION", "1"),
            ("AWS_REGION", "us-east-1"),
            ("AWS_ACCESS_KEY_ID", "local-bench"),
            ("AWS_SECRET_ACCESS_KEY", "local"),
            ("STAGE", "test"),
            ("SERVICE", "club"),
            ("TABLE_NAME", "club"),
            ("TELEGRAM_BOT_TOKEN", CLUB_BOT),
            ("JWT_SECRET", "0123456789abcdef0123456789abcdef"),
            ("LOG_LEVEL", "warn"),
            ("WARM_UP", warm_up),
        ])
        .env("AWS_ENDPOINT_URL", format!("http://{address}"))
        .stdout(Stdio::null())
        .kill_on_drop(true)
        .spawn()?)
}

fn router(runtime: Runtime) -> Router {
    Router::new()
        .route("/2018-06-01/runtime/invocation/next", get(give_work))
        .route("/2018-06-01/runtime/invocation/{id}/{outcome}", post(take_answer))
        .fallback(any(serve_aws))
        .with_state(runtime)
}

async fn give_work(State(runtime): State<Runtime>) -> Response {
    let _ = runtime.happened.send(Happened::AskedForWork(Instant::now()));
    let response = Response::builder()
        .header("lambda-runtime-aws-request-id", "bench")
        .header("lambda-runtime-deadline-ms", "9999999999999")
        .header("lambda-runtime-invoked-function-arn", "arn:aws:lambda:us-east-1:0:function:bench")
        .body(Body::from(runtime.event));
    response.unwrap_or_default()
}

async fn take_answer(
    State(runtime): State<Runtime>,
    RoutePath((_, outcome)): RoutePath<(String, String)>,
) -> Response {
    if outcome == "response" {
        let _ = runtime.happened.send(Happened::Answered(Instant::now()));
    }
    Response::builder().status(202).body(Body::empty()).unwrap_or_default()
}

async fn serve_aws(State(runtime): State<Runtime>, request: Request) -> Response {
    let (parts, body) = request.into_parts();
    let Ok(bytes) = axum::body::to_bytes(body, usize::MAX).await else {
        return Response::default();
    };
    let reply = runtime.engine.http(&parts, bytes).await.into_http();
    reply.map(|response| response.map(Body::from)).unwrap_or_default()
}

async fn create_table(engine: &engine::Engine) {
    let definition = json!({
        "TableName": "club", "BillingMode": "PAY_PER_REQUEST",
        "AttributeDefinitions": [
            { "AttributeName": "pk", "AttributeType": "S" },
            { "AttributeName": "sk", "AttributeType": "S" },
        ],
        "KeySchema": [
            { "AttributeName": "pk", "KeyType": "HASH" },
            { "AttributeName": "sk", "KeyType": "RANGE" },
        ],
    });
    let call = engine::Call {
        service: engine::Service::Dynamodb,
        operation: "CreateTable".to_owned(),
        body: definition.to_string().into(),
        caller: "bench".to_owned(),
    };
    engine.call(call).await;
}

fn event(name: &str) -> Result<String> {
    let path = match name {
        "club-ratings-cities" => "/api/v1/ratings/cities",
        "club-energies-balance" => "/api/v1/energies/balance",
        _ => "/health/live",
    };
    let event: Value = json!({
        "version": "2.0", "routeKey": format!("GET {path}"), "rawPath": path, "rawQueryString": "",
        "headers": { "host": "api.example.test", "authorization": launch_data(CLUB_BOT, 42)? },
        "isBase64Encoded": false,
        "requestContext": {
            "accountId": "0", "apiId": "bench", "domainName": "api.example.test", "stage": "$default",
            "requestId": "r", "routeKey": format!("GET {path}"), "time": "", "timeEpoch": 0,
            "http": {
                "method": "GET", "path": path, "protocol": "HTTP/1.1", "sourceIp": "192.0.2.1",
                "userAgent": "bench",
            },
        },
    });
    Ok(event.to_string())
}

/// Resident memory of a process, in KiB.
fn resident_kb(child: &Child) -> u64 {
    let status = child.id().map(|id| std::fs::read_to_string(format!("/proc/{id}/status")));
    let status = status.and_then(std::io::Result::ok).unwrap_or_default();
    let line = status.lines().find(|line| line.starts_with("VmRSS:")).unwrap_or_default();
    line.split_whitespace().nth(1).and_then(|kb| kb.parse().ok()).unwrap_or_default()
}
