//! Access tokens, cookies, and their renewal.

use super::*;

#[tokio::test]
async fn an_expired_token_beside_a_good_cookie_is_renewed() {
    let function = started(echo_function(), &[]).await;
    let sessions = function.platform.sessions().unwrap();
    let now: Instant = NOW.parse().unwrap();
    let (write, tokens) =
        sessions.open("id", 42, now - jiff::SignedDuration::from_hours(2)).unwrap();
    function.platform.table.write(write).await.unwrap();
    let bearer = format!("Bearer {}", tokens.access_token);
    let alone = send(&function, "GET", "/echo", &[("authorization", &bearer)], "").await;
    assert_eq!(alone.body["code"], "token_expired");
    let cookie = format!("refresh_token={}", tokens.refresh_token);
    let headers = [("authorization", bearer.as_str()), ("cookie", cookie.as_str())];
    let renewed = send(&function, "GET", "/echo", &headers, "").await;
    assert_eq!(renewed.status, 200);
    let token = renewed.headers["x-access-token"].as_str().unwrap();
    assert_eq!(renewed.cookies.len(), 2);
    let cookie = format!("auth_token={token}");
    let headers = [("authorization", bearer.as_str()), ("cookie", cookie.as_str())];
    let served = send(&function, "GET", "/echo", &headers, "").await;
    assert_eq!((served.status, served.cookies.len()), (200, 0));
    assert!(served.headers.get("x-access-token").is_none());
}

#[tokio::test]
async fn a_handler_that_clears_the_cookies_has_the_last_word() {
    async fn leave(_: Subject) -> Answer {
        let mut response = ok(&json!({}))?;
        crate::session::Clear { secure: true }.write(response.headers_mut());
        Ok(response)
    }
    let function =
        Function::<Demo>::post("demo-leave", "/leave").limited(API).handled_by(post(leave));
    let function = started(function, &[]).await;
    let sessions = function.platform.sessions().unwrap();
    let then = NOW.parse::<Instant>().unwrap() - jiff::SignedDuration::from_hours(2);
    let (write, tokens) = sessions.open("id", 42, then).unwrap();
    function.platform.table.write(write).await.unwrap();
    let bearer = format!("Bearer {}", tokens.access_token);
    let cookie = format!("refresh_token={}", tokens.refresh_token);
    let headers = [("authorization", bearer.as_str()), ("cookie", cookie.as_str())];
    let left = send(&function, "POST", "/leave", &headers, "").await;
    assert_eq!((left.status, left.cookies.len()), (200, 2));
    assert!(left.cookies.iter().all(|cookie| cookie.contains("Max-Age=0")), "{:?}", left.cookies);
    assert!(left.headers.get("x-access-token").is_none());
}

#[tokio::test]
async fn an_expired_token_stays_expired_beside_a_bad_cookie() {
    let function = started(echo_function(), &[]).await;
    let sessions = function.platform.sessions().unwrap();
    let then = NOW.parse::<Instant>().unwrap() - jiff::SignedDuration::from_hours(2);
    let mut opened = Vec::new();
    for (member, id) in [("id", 42), ("id", 42), ("other", 43)] {
        let (write, tokens) = sessions.open(member, id, then).unwrap();
        function.platform.table.write(write).await.unwrap();
        opened.push(tokens);
    }
    let bearer = format!("Bearer {}", opened[0].access_token);
    let reused = opened[1].refresh_token.clone();
    let mut newest = reused.clone();
    for _ in 0..3 {
        newest = sessions.rotate(&newest, None, then).await.unwrap().refresh_token;
    }
    // The reuse revokes its family, so that the newest is no good either.
    for cookie in ["x", &opened[2].refresh_token, &reused, &newest] {
        let cookie = format!("refresh_token={cookie}");
        let headers = [("authorization", bearer.as_str()), ("cookie", cookie.as_str())];
        let reply = send(&function, "GET", "/echo", &headers, "").await;
        assert_eq!((reply.status, &reply.body["code"]), (401, &json!("token_expired")));
        assert!(reply.cookies.is_empty());
    }
    assert!(sessions.rotate(&newest, None, then).await.is_err());
}

#[tokio::test]
async fn a_cookie_alone_changes_nothing_from_a_foreign_page() {
    let function = started(order_function(), &[]).await;
    let sessions = function.platform.sessions().unwrap();
    let (write, tokens) = sessions.open("id", 42, NOW.parse().unwrap()).unwrap();
    function.platform.table.write(write).await.unwrap();
    let cookie = format!("auth_token={}", tokens.access_token);
    let order = |origin: &'static str| {
        let headers = [("cookie", cookie.clone()), ("origin", origin.to_owned())];
        let function = &function;
        async move {
            let headers = headers.each_ref().map(|(name, value)| (*name, value.as_str()));
            send(function, "POST", "/orders/1", &headers, "{\"amount\":1}").await
        }
    };
    assert_eq!(order("https://evil.example.test").await.body["code"], "origin_refused");
    assert_eq!(order("https://app.example.test").await.status, 200);
}
