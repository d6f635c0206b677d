//! Experience that an administrator gives.

use engine::{CrashMode, CrashPlan};

use super::*;

const PATH: &str = "/api/v1/gamification/add-xp";

async fn grants(club: &Club, amount: u32, key: &str) -> Reply {
    club.world.call(add_xp(), club.grant(amount, key)).await
}

#[tokio::test]
async fn a_grant_lifts_the_level_and_unlocks_what_it_reaches() {
    let club = Club::open().await;
    let first = grants(&club, 99, "a").await;
    let answer = json!({ "success": true, "newExperience": 99, "newLevel": 1, "leveledUp": false });
    assert_eq!(first.body, answer);
    assert_eq!((first.cost.requests, first.cost.items), (3, 3));
    assert_eq!(grants(&club, 1, "b").await.body["leveledUp"], true);
    // 1000 points are level 5, which brings 150.
    let fifth = grants(&club, 900, "c").await;
    assert_eq!((&fifth.body["newExperience"], &fifth.body["newLevel"]), (&json!(1_150), &json!(5)));
    assert_eq!(club.anna().await.achievements, ["level_5"]);
    club.check_invariants().await;
}

#[tokio::test]
async fn the_same_key_grants_once_however_often_and_at_once() {
    let club = Club::open().await;
    let instance = club.world.start(add_xp()).await;
    let replies = club.world.send_all(&instance, (0..20).map(|_| club.grant(40, "one"))).await;
    for reply in &replies {
        assert!([200, 503].contains(&reply.status.as_u16()), "{}", reply.body);
    }
    let again = grants(&club, 40, "one").await;
    assert_eq!((&again.body["newExperience"], club.anna().await.experience), (&json!(40), 40));
    assert_eq!(again.headers["idempotency-replayed"], "true");
    assert_eq!(code(&grants(&club, 41, "one").await), (422, "idempotency_mismatch".to_owned()));
    assert_eq!(grants(&club, 40, "two").await.body["newExperience"], 80);
    club.check_invariants().await;
}

#[tokio::test]
async fn members_cannot_grant() {
    let club = Club::open().await;
    let token = club.world.token(&club.anna().await).await;
    let body = json!({ "userId": ANNA, "amount": 1, "reason": "x" });
    for secret in [None, Some(""), Some("x")] {
        let request = Request::post(PATH, body.clone()).token(&token);
        let request = match secret {
            Some(secret) => request.header("x-admin-secret", secret),
            None => request,
        };
        let reply = club.world.call(add_xp(), request).await;
        assert_eq!(code(&reply), (403, "admin_required".to_owned()));
    }
    assert_eq!(club.anna().await.experience, 0);
}

#[tokio::test]
async fn what_is_no_grant_is_refused_field_by_field() {
    let club = Club::open().await;
    let post = async |body: Value| {
        let request = Request::post(PATH, body).header("x-admin-secret", SECRET);
        club.world.call(add_xp(), request).await
    };
    let good = json!({ "userId": ANNA, "amount": 1, "reason": "x" });
    for (name, bad) in [
        ("userId", json!(null)),
        ("userId", json!({})),
        ("amount", json!(0)),
        ("amount", json!(1_001)),
        ("amount", json!(-1)),
        ("amount", json!(1.5)),
        ("amount", json!("1")),
        ("reason", json!(" ")),
        ("reason", json!("я".repeat(201))),
        ("reason", json!(7)),
    ] {
        let mut body = good.clone();
        body[name] = bad.clone();
        let reply = post(body).await;
        assert_eq!(code(&reply), (400, "validation_failed".to_owned()), "{name} {bad}");
        assert_eq!(reply.body["fields"][0]["name"], name, "{bad}");
    }
    let all = post(json!({ "userId": [], "amount": 0, "reason": "" })).await;
    assert_eq!(all.body["fields"].as_array().unwrap().len(), 3);
    let uuid = "0198c0de-0000-7000-8000-000000000042";
    let long = "x".repeat(3_000);
    for nobody in [json!(77), json!(uuid), json!("x"), json!(""), json!(long), json!(-1)] {
        let mut body = good.clone();
        body["userId"] = nobody.clone();
        let reply = post(body).await;
        assert_eq!(code(&reply), (404, "not_found".to_owned()), "{nobody}");
        assert_eq!(reply.body["error"], "User not found");
    }
    assert_eq!(club.anna().await.experience, 0);
}

#[tokio::test]
async fn a_member_is_named_by_either_id() {
    let club = Club::open().await;
    // As the first contact writes it: member and pointer.
    let id = json!(ANNA.to_string());
    let body = json!({ "userId": id, "amount": 3, "reason": "x" });
    let request = Request::post(PATH, body).header("x-admin-secret", SECRET);
    assert_eq!(club.world.call(add_xp(), request).await.body["newExperience"], 3);
}

#[tokio::test]
async fn a_grant_that_dies_anywhere_grants_once() {
    for mode in [CrashMode::Before, CrashMode::After, CrashMode::LostAnswer] {
        for at in 0.. {
            let club = Club::open().await;
            let caller = Some("local-club-gamification-add-xp".to_owned());
            club.world.engine.faults().crash(CrashPlan { caller, at, mode });
            let reply = grants(&club, 100, "one").await;
            let crashed = club.world.engine.faults().crashed();
            club.world.engine.faults().clear();
            assert!([200, 503].contains(&reply.status.as_u16()), "{}", reply.body);
            club.check_invariants().await;
            let again = grants(&club, 100, "one").await;
            assert_eq!(again.body["newExperience"], 100, "{mode:?} at {at}: {}", again.body);
            assert_eq!(club.anna().await.experience, 100, "{mode:?} at {at}");
            club.check_invariants().await;
            if !crashed {
                assert!(at >= 3, "nothing was killed");
                break;
            }
        }
    }
}
