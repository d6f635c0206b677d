//! The client against loopback servers that behave and misbehave.

use super::*;
use axum::Router;
use axum::http::StatusCode;
use axum::routing::{get, post};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpListener;

async fn serve(app: Router) -> String {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let base = format!("http://{}", listener.local_addr().unwrap());
    tokio::spawn(async move { axum::serve(listener, app).await });
    base
}

/// Answers every connection with these bytes after having read something, then hangs up.
async fn raw(answer: &'static [u8]) -> String {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let base = format!("http://{}", listener.local_addr().unwrap());
    tokio::spawn(async move {
        while let Ok((mut stream, _)) = listener.accept().await {
            let mut buffer = [0; 4096];
            let _ = stream.read(&mut buffer).await;
            let _ = stream.write_all(answer).await;
        }
    });
    base
}

fn app() -> Router {
    Router::new()
        .route(
            "/echo",
            post(|headers: HeaderMap, body: Bytes| async move {
                let token = headers.get(AUTHORIZATION).unwrap().to_str().unwrap().to_owned();
                let kind = headers.get(CONTENT_TYPE).unwrap().to_str().unwrap().to_owned();
                format!("{token}|{kind}|{}", String::from_utf8(body.to_vec()).unwrap())
            }),
        )
        .route("/big", get(|| async { "x".repeat(2000) }))
        .route("/teapot", get(|| async { (StatusCode::IM_A_TEAPOT, "no") }))
        .route("/moved", get(|| async { (StatusCode::FOUND, [("location", "/big")], "") }))
        .route("/hang", get(std::future::pending::<()>))
}

#[tokio::test]
async fn sends_json_and_reads_the_answer() {
    let base = serve(app()).await;
    let call = Outbound::new().post(&format!("{base}/echo")).bearer("s");
    let answer = call.json(&serde_json::json!({"a": 1})).send().await.unwrap();
    assert_eq!(answer.status, 200);
    assert_eq!(&answer.body[..], br#"Bearer s|application/json|{"a":1}"#);
}

#[tokio::test]
async fn statuses_are_answers() {
    let base = serve(app()).await;
    let client = Outbound::new();
    let answer = client.get(&format!("{base}/teapot")).send().await.unwrap();
    assert_eq!(answer.success().unwrap_err(), OutboundError::Status(418));
    let answer = client.get(&format!("{base}/moved")).send().await.unwrap();
    assert_eq!(answer.status, 302, "redirects are not followed");
    assert_eq!(
        answer.json::<serde_json::Value>().unwrap_err(),
        OutboundError::Ambiguous(Cause::Unreadable)
    );
}

#[tokio::test]
async fn answers_are_bounded() {
    let base = serve(app()).await;
    let url = format!("{base}/big");
    assert!(Outbound::new().get(&url).response_limit(2000).send().await.is_ok());
    let error = Outbound::new().get(&url).response_limit(1999).send().await.unwrap_err();
    assert_eq!(error, OutboundError::Ambiguous(Cause::TooLarge));
}

#[tokio::test]
async fn refused_connection_and_unknown_host_are_definite() {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let base = format!("http://{}", listener.local_addr().unwrap());
    drop(listener);
    for url in [base.as_str(), "http://no-such-host.invalid/"] {
        let error = Outbound::new().get(url).send().await.unwrap_err();
        assert_eq!(error, OutboundError::Definite(Cause::Connection), "{url}");
        assert!(error.is_definite());
    }
}

#[tokio::test]
async fn time_limit_after_sending_is_ambiguous() {
    let base = serve(app()).await;
    let limit = Duration::from_millis(100);
    let call = Outbound::new().get(&format!("{base}/hang")).time_limit(limit);
    let error = call.send().await.unwrap_err();
    assert_eq!(error, OutboundError::Ambiguous(Cause::TimedOut));
    assert!(!error.is_definite());
}

#[tokio::test]
async fn cut_answers_are_ambiguous() {
    for answer in [
        &b""[..],
        b"HTTP/1.1 200 OK\r\n",
        b"HTTP/1.1 200 OK\r\ncontent-length: 10\r\n\r\nabc",
        b"nonsense\r\n\r\n",
    ] {
        let error = Outbound::new().post(&raw(answer).await).send().await.unwrap_err();
        assert_eq!(error, OutboundError::Ambiguous(Cause::Connection), "{answer:?}");
    }
}

#[tokio::test]
async fn silent_tls_peer_is_definite() {
    // A listener that accepts and says nothing: the handshake never ends, nothing is sent.
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("https://{}", listener.local_addr().unwrap());
    let call = Outbound::new().get(&url).time_limit(Duration::from_millis(100));
    assert_eq!(call.send().await.unwrap_err(), OutboundError::Definite(Cause::TimedOut));
}

#[tokio::test]
async fn unfit_requests_are_not_sent() {
    let client = Outbound::new();
    for call in [
        client.get("not a url"),
        client.get("/relative"),
        client.get("http://127.0.0.1:1/").bearer("line\nfeed"),
    ] {
        let error = call.send().await.unwrap_err();
        assert!(matches!(error, OutboundError::Definite(_)), "{error}");
    }
}

#[test]
fn nothing_prints_an_address() {
    let call = Outbound::new().get("https://example.test/bot1:hidden").bearer("hidden");
    assert!(!format!("{call:?}").contains("hidden"));
    assert!(OutboundError::Status(500).is_definite());
    assert!(!OutboundError::Status(504).is_definite());
}
