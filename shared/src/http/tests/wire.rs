//! What a service says in its own words, and callers known by launch data alone.

use super::*;

async fn greet(subject: Option<Subject>) -> Answer {
    ok(&subject.map(|subject| subject.telegram_id))
}

async fn tag(cached: Conditional) -> Answer {
    cached.by_body(&"tag", &[])
}

fn user() -> Function<Demo> {
    Function::<Demo>::put("demo-user", "/mine")
        .access(Access::User)
        .limited(API)
        .answers_nothing()
        .handled_by(axum::routing::put(greet))
}

fn visitor() -> Function<Demo> {
    Function::<Demo>::get("demo-visitor", "/list")
        .access(Access::Visitor(&["mine"]))
        .limited(API)
        .handled_by(get(greet))
}

fn launch_at(seconds: i64, fields: &[(&str, &str)]) -> String {
    let now = NOW.parse::<Instant>().unwrap().seconds();
    let date = (now + seconds).to_string();
    let mut all = vec![("auth_date", date.as_str())];
    all.extend_from_slice(fields);
    sign(&all, &BotToken::parse(TOKEN).unwrap())
}

const ANNA: (&str, &str) = ("user", r#"{"id":42}"#);

#[tokio::test]
async fn launch_data_is_refused_for_the_first_reason() {
    let function = started(user(), &[("LAUNCH_AGE_S", "300")]).await;
    let good = launch_at(0, &[ANNA]);
    let garbage = "tma mock_init_data_for_development".to_owned();
    for (header, code, why) in [
        (None, "not_authenticated", None),
        (Some(String::new()), "not_authenticated", None),
        (Some("Bearer ".to_owned()), "not_authenticated", None),
        (Some("Basic".to_owned()), "not_authenticated", None),
        (Some(format!("Basic {good}")), "unsupported_auth_scheme", None),
        (Some(garbage), "invalid_init_data", Some("initData has no hash")),
        (Some("tma a=1&a=2".to_owned()), "invalid_init_data", Some("initData has no hash")),
        (Some(format!("tma {good}&user=x")), "invalid_init_data", Some("initData repeats a key")),
        (
            Some("tma auth_date=1&hash=abc".to_owned()),
            "invalid_init_data",
            Some("the hash of initData is malformed"),
        ),
        (
            Some(format!("tma {}", launch_at(-301, &[]))),
            "init_data_expired",
            Some("initData has expired"),
        ),
        (
            Some(format!("tma {}", launch_at(61, &[ANNA]))),
            "init_data_expired",
            Some("initData is dated in the future"),
        ),
        (
            Some(format!("tma {}", launch_at(0, &[]))),
            "invalid_init_data",
            Some("initData names no user"),
        ),
    ] {
        let headers: Vec<_> =
            header.iter().map(|value| ("authorization", value.as_str())).collect();
        let reply = send(&function, "PUT", "/mine", &headers, "").await;
        let said = (reply.status, reply.body["code"].as_str(), reply.body["why"].as_str());
        assert_eq!(said, (401, Some(code), why), "{header:?}");
    }
    for scheme in ["Bearer", "TMA", "bearer"] {
        let header = format!("{scheme} {good}");
        let reply = send(&function, "PUT", "/mine", &[("authorization", &header)], "").await;
        assert_eq!((reply.status, reply.body), (200, json!(42)), "{scheme}");
    }
}

#[tokio::test]
async fn a_bad_credential_is_nobody_s_unless_it_asks_for_what_is_its_own() {
    let function = started(visitor(), &[]).await;
    let good = format!("tma {}", launch_at(0, &[ANNA]));
    let old = format!("tma {}", launch_at(-90_000, &[ANNA]));
    let ask = async |path: &str, header: &str| {
        let headers = [("authorization", header)];
        let headers = if header.is_empty() { &headers[..0] } else { &headers };
        let reply = send(&function, "GET", path, headers, "").await;
        (reply.status, reply.body.as_i64())
    };
    for (path, header, expected) in [
        ("/list", "", (200, None)),
        ("/list?mine=true", "", (200, None)),
        ("/list?mine=true", "Bearer ", (200, None)),
        ("/list", old.as_str(), (200, None)),
        ("/list?mine=false", old.as_str(), (200, None)),
        ("/list?mine=perhaps", old.as_str(), (200, None)),
        ("/list?mine=yes", old.as_str(), (401, None)),
        ("/list?mine=1", "Basic abc", (401, None)),
        ("/list?mine=1", good.as_str(), (200, Some(42))),
        ("/list", good.as_str(), (200, Some(42))),
    ] {
        assert_eq!(ask(path, header).await, expected, "{path} {header}");
    }
}

#[tokio::test]
async fn bodies_are_json_and_within_their_bound() {
    async fn swallow(_: axum::body::Bytes) -> Answer {
        no_content()
    }
    let take = |access| {
        Function::<Demo>::post("demo-take", "/take").access(access).handled_by(post(swallow))
    };
    let (large, huge) = ("x".repeat(2000), "x".repeat(5000));
    for (access, body, kind, status) in [
        (Access::Public, "{}", "application/json", 204),
        (Access::Public, "{}", "text/plain", 415),
        (Access::Public, "", "text/plain", 204),
        (Access::Public, large.as_str(), "application/json", 413),
        (Access::Webhook, "{}", "text/plain", 204),
        (Access::Webhook, large.as_str(), "application/json", 204),
        (Access::Webhook, huge.as_str(), "application/json", 413),
    ] {
        let function = started(take(access), &[]).await;
        let headers = [("content-type", kind)];
        let reply = send(&function, "POST", "/take", &headers, body).await;
        assert_eq!(reply.status, status, "{access:?} {kind} {}", body.len());
    }
}

#[tokio::test]
async fn every_problem_is_dressed_by_its_endpoint_or_else_by_its_service() {
    async fn fall(method: http::Method, uri: http::Uri) -> axum::response::Response {
        let document = json!({ "paths": { "/mine": { "put": {}, "delete": {} } } }).to_string();
        fallback::Routes::of_document(&document).answer(&method, &uri)
    }
    let function =
        Function::<Demo>::fallback("demo-fallback").access(Access::Public).handled_by(any(fall));
    let function = started(function, &[]).await;
    let reply = send(&function, "POST", "/mine", &[], "").await;
    assert_eq!((reply.status, &reply.body["code"]), (405, &json!("method_not_allowed")));
    assert_eq!(reply.headers["allow"], "DELETE, OPTIONS, PUT");
    let reply = send(&function, "GET", "/nothing", &[("x-request-id", "seven")], "").await;
    assert_eq!((reply.status, &reply.body["request_id"]), (404, &json!("seven")));
    let preflight = [("origin", "https://app.example.test")];
    let reply = send(&function, "OPTIONS", "/mine", &preflight, "").await;
    assert_eq!(reply.headers["access-control-allow-methods"], "DELETE, OPTIONS, PUT");
    assert_eq!(reply.headers["access-control-expose-headers"], "X-Total-Count");

    let own = Function::<Demo>::get("demo-own", "/own").dressed(loud).handled_by(get(greet));
    let reply = send(&started(own, &[]).await, "GET", "/own", &[], "").await;
    assert_eq!((reply.status, reply.body), (401, json!({ "code": "UNAUTHORIZED" })));
}

#[tokio::test]
async fn calls_count_against_their_address_where_their_class_says_so() {
    let anon = || {
        Function::<Demo>::get("demo-tag", "/tag")
            .access(Access::Public)
            .limited(ANON)
            .cached(CacheClass::public(60))
            .handled_by(get(tag))
    };
    let function = started(anon(), &[("TRUSTED_PROXY_HOPS", "1")]).await;
    let ask = async |address: &str| {
        let forged = format!("6.6.6.6, {address}");
        send(&function, "GET", "/tag", &[("x-forwarded-for", &forged)], "").await
    };
    for _ in 0..3 {
        assert_eq!(ask("203.0.113.7").await.status, 200);
    }
    let refused = ask("203.0.113.7").await;
    assert_eq!((refused.status, &refused.headers["retry-after"]), (429, &json!("20")));
    let other = ask("203.0.113.8").await;
    assert_eq!(
        (other.status, &other.headers["cache-control"]),
        (200, &json!("public, max-age=60"))
    );
    let trusting = started(anon(), &[("RATE_TRUSTED_CIDRS", "192.0.2.0/24")]).await;
    for _ in 0..5 {
        assert_eq!(send(&trusting, "GET", "/tag", &[], "").await.status, 200);
    }
}

#[tokio::test]
async fn secrets_that_others_chose_may_be_short_or_missing() {
    let declare = || {
        Function::<Demo>::post("demo-hook", "/hook")
            .access(Access::Webhook)
            .accepts("HOOK_SECRET")
            .handled_by(post(greet))
    };
    let without = started(declare(), &[]).await;
    assert!(without.platform.secret_if_set("HOOK_SECRET").is_none());
    let with = started(declare(), &[("HOOK_SECRET", "short")]).await;
    assert!(with.platform.secret_if_set("HOOK_SECRET").unwrap().matches(b"short"));
    assert_eq!(declare().declaration().secrets(), ["HOOK_SECRET"]);
    assert_eq!(visitor().declaration().secrets(), ["TELEGRAM_BOT_TOKEN"]);
}
