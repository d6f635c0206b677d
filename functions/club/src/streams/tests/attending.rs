//! Energies, once for each stream.

use super::*;

#[tokio::test]
async fn a_stream_earns_once_and_the_announced_sum() {
    let hall = Hall::open().await;
    hall.describe("one", json!({})).await;
    let shown = hall.get(one(), "/api/streams/one").await;
    assert_eq!(
        (&shown.body["stream"]["epReward"], &shown.body["stream"]["energiesReward"]),
        (&json!(20), &json!(20))
    );
    let first = hall.watch(MEMBER, "one").await;
    assert_eq!(first.status, 200, "{}", first.body);
    assert_eq!(
        (&first.body["energiesEarned"], &first.body["alreadyWatched"]),
        (&json!(20), &json!(false))
    );
    let attendance = &first.body["attendance"];
    assert_eq!(
        (&attendance["streamId"], &attendance["watchedOnline"]),
        (&json!("one"), &json!(true))
    );
    assert_eq!(attendance["energiesEarned"], 20);
    // What the member has is one transaction; the views and the version of their lists follow.
    assert_eq!((first.cost.requests, first.cost.items), (4, 6));
    hall.pass(100);
    for _ in 0..2 {
        let again = hall.watch(MEMBER, "one").await;
        assert_eq!(
            (&again.body["energiesEarned"], &again.body["alreadyWatched"]),
            (&json!(0), &json!(true))
        );
        assert_eq!(&again.body["attendance"], attendance);
        assert_eq!((again.cost.requests, again.cost.items), (1, 0));
    }
    let member = hall.world.member_now(MEMBER).await;
    assert_eq!((member.balance, member.streak), (20, 1));
    let entry = &hall.world.items("EnergyEntry").await[0];
    assert_eq!(entry["reason"]["S"], "Просмотр записи эфира");
    assert_eq!(hall.stream("one").await.views, 1);
    hall.check_invariants().await;
}

#[tokio::test]
async fn a_leader_is_told_and_credited_twice_as_much() {
    let hall = Hall::open().await;
    hall.describe("one", json!({})).await;
    let member = hall.world.member_now(MEMBER).await;
    hall.world.put(&Member { is_team_leader: true, ..member }).await;
    let shown = hall.get(one(), "/api/streams/one").await;
    assert_eq!(shown.body["stream"]["epReward"], 40);
    assert_eq!(hall.watch(MEMBER, "one").await.body["energiesEarned"], 40);
    hall.check_invariants().await;
}

#[tokio::test]
async fn the_stream_may_be_named_in_the_body() {
    let hall = Hall::open().await;
    hall.describe("one", json!({})).await;
    let name = async |body: Value| {
        let request = Request::post("/api/streams/attendance", body);
        hall.world.call(attend_named(), request.token(&hall.token(MEMBER).await)).await
    };
    let first = name(json!({ "streamId": "one" })).await;
    assert_eq!(
        (&first.body["energiesEarned"], &first.body["attendance"]["watchedOnline"]),
        (&json!(20), &json!(false))
    );
    assert_eq!(hall.watch(MEMBER, "one").await.body["alreadyWatched"], true);
    assert_eq!(name(json!({})).await.status, 400);
    assert_eq!(name(json!({ "streamId": "none" })).await.status, 404);
}

#[tokio::test]
async fn a_stream_earns_once_wherever_it_stands_and_wherever_it_goes() {
    let hall = Hall::open().await;
    let mut balance = 0;
    for status in ["scheduled", "live", "completed", "cancelled"] {
        hall.describe(status, json!({ "status": status })).await;
        assert_eq!(hall.watch(MEMBER, status).await.body["energiesEarned"], 20, "{status}");
        balance += 20;
        for later in ["live", "completed"] {
            hall.describe(status, json!({ "status": later })).await;
            let again = hall.watch(MEMBER, status).await;
            assert_eq!((again.status.as_u16(), &again.body["energiesEarned"]), (200, &json!(0)));
        }
        assert_eq!(hall.world.member_now(MEMBER).await.balance, balance);
    }
    hall.check_invariants().await;
}

#[tokio::test]
async fn what_cannot_be_watched() {
    let hall = Hall::open().await;
    hall.describe("one", json!({})).await;
    hall.describe("hidden", json!({ "isPublished": false })).await;
    hall.describe("gone", json!({})).await;
    hall.world.table().transact(crate::streams::deleting("stream", "gone")).await.unwrap();
    for id in ["hidden", "gone", "none", "a%20b"] {
        let reply = hall.watch(MEMBER, id).await;
        assert_eq!(
            (reply.status.as_u16(), &reply.body["code"]),
            (404, &json!("not_found")),
            "{id}"
        );
    }
    hall.world.member(2).await;
    let unpaid = hall.watch(2, "one").await;
    assert_eq!(
        (unpaid.status.as_u16(), &unpaid.body["code"]),
        (403, &json!("subscription_required"))
    );
    let anonymous = Request::post("/api/streams/one/attend", json!({}));
    assert_eq!(hall.world.call(attend(), anonymous).await.status, 401);
    assert_eq!((hall.count("StreamAttendance").await, hall.count("EnergyEntry").await), (0, 0));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn twenty_at_once_earn_once() {
    let hall = Hall::open().await;
    hall.describe("one", json!({})).await;
    let wish = hall.wish(MEMBER, "one").await;
    let instance = hall.world.start(attend()).await;
    let replies = hall.world.send_all(&instance, vec![wish; 20]).await;
    assert!(replies.iter().all(|reply| [200, 503].contains(&reply.status.as_u16())));
    let earned = replies.iter().filter(|reply| reply.body["energiesEarned"] == 20).count();
    assert_eq!((earned, hall.world.member_now(MEMBER).await.balance), (1, 20));
    assert_eq!(hall.stream("one").await.views, 1);
    hall.check_invariants().await;
}
