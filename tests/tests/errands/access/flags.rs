//! Routes that know their caller if there is one: nobody gets somebody else's list.

use serde_json::json;
use tests::{InitData, Person, World, job};

use crate::scene::{busy, completed, ids, rich};

/// Paths that ask for what is the caller's.
const FLAGGED: [&str; 9] = [
    "/api/orders?mine=true",
    "/api/orders?mine=1",
    "/api/orders?taken_by_me=yes",
    "/api/orders?mine=on&taken_by_me=false",
    "/api/orders?mine=true&status=all",
    "/api/reviews?mine=true",
    "/api/reviews?about_me=1",
    "/api/reviews?by_me=on",
    "/api/reviews?by_me=true&rating=5",
];

/// A client with one completed and one open order, and the executor of the first, who is reviewed.
async fn town(world: &World) -> (Person, Person, String) {
    let (client, executor) = (world.person(1, "Иван").await, rich(world, 2).await);
    let done = completed(&client, "@ivan_done", std::slice::from_ref(&executor)).await;
    let review = json!({"order_id": done, "rating": 5, "comment": "Спасибо"});
    client.post("/api/reviews/client", &review).await.is(200);
    let open = client.posts(&job("@ivan_open")).await;
    world.idle().await;
    (client, executor, open)
}

/// What must not open anything.
async fn worthless(world: &World, client: &Person) -> Vec<String> {
    let now_s = world.now().await.as_second();
    let data = InitData::new(&client.user.profile(), now_s - 86_401);
    vec![
        format!("Bearer {}", data.signed(world.bot_token())),
        format!("tma {}", data.signed("1:other")),
        "Bearer garbage".to_owned(),
        "Basic NDI6NDI=".to_owned(),
    ]
}

#[tokio::test(flavor = "multi_thread")]
async fn a27_a_flag_with_a_worthless_credential_is_refused() {
    let world = busy!();
    let (client, ..) = town(&world).await;
    for path in FLAGGED {
        for credential in worthless(&world, &client).await {
            let answer = world.get(path).header("authorization", &credential).await;
            answer.is(401).refusal();
            assert_eq!(answer.must("www-authenticate"), "Bearer");
        }
    }
    let old = worthless(&world, &client).await.remove(0);
    let answer = world.get(FLAGGED[0]).header("authorization", old).await;
    let detail = "Invalid Telegram initData: initData has expired";
    answer.detail(401, "init_data_expired", detail);
}

#[tokio::test(flavor = "multi_thread")]
async fn a27_without_a_flag_it_is_the_public_list() {
    let world = busy!();
    let (client, _, open) = town(&world).await;
    for path in ["/api/orders", "/api/orders?mine=false", "/api/orders?mine=0&taken_by_me=no"] {
        let public = world.get(path).await.is(200).json();
        assert_eq!(ids(&public), [open.as_str()], "{path}");
        for credential in worthless(&world, &client).await {
            let answer = world.get(path).header("authorization", &credential).await;
            assert_eq!(answer.is(200).json(), public, "{path} {credential}");
        }
    }
    for path in ["/api/reviews", "/api/reviews?mine=false&by_me=0", &format!("/api/orders/{open}")]
    {
        let public = world.get(path).await.is(200).json();
        for credential in worthless(&world, &client).await {
            let answer = world.get(path).header("authorization", &credential).await;
            assert_eq!(answer.is(200).json(), public, "{path} {credential}");
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a27_a_flag_without_a_credential_is_ignored() {
    let world = busy!();
    let (client, executor, open) = town(&world).await;
    for flag in ["mine=true", "taken_by_me=true", "mine=true&taken_by_me=true"] {
        for header in [None, Some("Bearer"), Some("tma")] {
            let call = world.get(&format!("/api/orders?{flag}"));
            let call = match header {
                Some(header) => call.header("authorization", header),
                None => call,
            };
            assert_eq!(ids(&call.await.is(200).json()), [open.as_str()], "{flag} {header:?}");
        }
    }
    for flag in ["mine=true", "about_me=true", "by_me=true", "mine=true&by_me=true"] {
        let all = world.get(&format!("/api/reviews?{flag}")).await.is(200).json();
        assert_eq!(all.as_array().unwrap().len(), 1, "{flag}: {all}");
    }
    assert_eq!(ids(&client.get("/api/orders?taken_by_me=1").await.json()), Vec::<String>::new());
    assert_eq!(ids(&executor.get("/api/orders?taken_by_me=1").await.json()).len(), 1);
    let both = client.get("/api/orders?mine=true&taken_by_me=true").await.is(200).json();
    assert_eq!((ids(&both).len(), &both["next_cursor"]), (0, &json!(null)), "{both}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a27_a_flag_is_a_boolean() {
    let world = busy!();
    let client = world.person(1, "Иван").await;
    for query in ["mine=perhaps", "taken_by_me=2", "mine="] {
        let answer = client.get(&format!("/api/orders?{query}")).await;
        answer.problem(422, "validation_failed");
    }
    client.get("/api/reviews?by_me=x").await.problem(422, "validation_failed");
}
