//! Any sequence of all that moves energies keeps the account right.

use proptest::prelude::*;

use super::*;

#[derive(Clone, Debug)]
enum Act {
    Given(u32),
    Taken(u32),
    Login,
    Posted { city: bool, text: &'static str, has_photo: bool },
    Repeated,
    Leads(bool),
    Passes(u64),
    Expires,
}

fn acts() -> impl Strategy<Value = Vec<Act>> {
    let text = prop_oneof![
        Just("#созвон #инсайт"),
        Just("#созвон #сторис #практика"),
        Just("#практика #инсайт #челлендж"),
        Just("#отчет"),
        Just("#сторис"),
    ];
    let act = prop_oneof![
        2 => (1_u32..300).prop_map(Act::Given),
        3 => (1_u32..300).prop_map(Act::Taken),
        1 => Just(Act::Login),
        4 => (any::<bool>(), text, any::<bool>())
            .prop_map(|(city, text, has_photo)| Act::Posted { city, text, has_photo }),
        1 => Just(Act::Repeated),
        1 => any::<bool>().prop_map(Act::Leads),
        3 => (1_u64..40).prop_map(Act::Passes),
        2 => Just(Act::Expires),
    ];
    proptest::collection::vec(act, 1..50)
}

async fn perform(club: &Club, n: i64, act: &Act, last: &mut Option<Value>) {
    let world = &club.world;
    match act {
        Act::Given(amount) | Act::Taken(amount) => {
            let body = json!({ "userId": ANNA, "amount": amount, "reason": "x" });
            let (function, path) = match act {
                Act::Given(_) => (award_by_hand(), "/api/v1/energies/award"),
                _ => (spend_by_hand(), "/api/v1/energies/spend"),
            };
            let before = account(world, ANNA).await.0.balance;
            let reply = post(world, function, path, body).await;
            match (act, i64::from(*amount) > before) {
                (Act::Taken(_), true) => assert_eq!(reply.status, 409),
                _ => assert_eq!(reply.status, 200, "{}", reply.body),
            }
        }
        Act::Login => {
            let path = "/api/v1/energies/triggers/daily-login";
            post(world, daily_login(), path, json!({ "userId": ANNA })).await;
        }
        Act::Posted { city, text, has_photo } => {
            let chat = if *city { CITY_CHAT } else { TEAM_CHAT };
            let media = if *has_photo { photo() } else { json!({}) };
            let update = posted(n, chat, ANNA, n, text, media);
            club.hear(&update).await;
            *last = Some(update);
        }
        Act::Repeated => {
            let Some(update) = last.as_ref() else { return };
            let before = account(world, ANNA).await;
            club.hear(update).await;
            let mut anew = update.clone();
            anew["update_id"] = json!(n + 1_000_000);
            // What it earned it has earned; what it was told may be told anew.
            let earned = before
                .1
                .iter()
                .any(|entry| entry.key.ends_with(&format!(":{}", update["message"]["message_id"])));
            if earned {
                club.hear(&anew).await;
            }
            assert_eq!(account(world, ANNA).await, before);
        }
        Act::Leads(leads) => {
            let member = world.member_now(ANNA).await;
            world.put(&Member { is_team_leader: *leads, ..member }).await;
        }
        Act::Passes(days) => club.pass(days * 86_400),
        Act::Expires => {
            let ran = world.tick(expire()).await.unwrap();
            assert_eq!((&ran["failed"], &ran["complete"]), (&json!(0), &json!(true)));
        }
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(12))]

    #[test]
    fn balance_is_entries_is_lots(acts in acts()) {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
        runtime.block_on(async {
            let club = Club::open().await;
            let mut last = None;
            for (n, act) in (1..).zip(&acts) {
                perform(&club, n, act, &mut last).await;
                holds(&club.world, ANNA).await;
            }
            // A year later nothing is left, and what is left of nobody's lots is 0.
            club.pass(366 * 86_400);
            for _ in 0..2 {
                club.world.tick(expire()).await.unwrap();
                let (member, entries) = holds(&club.world, ANNA).await;
                assert_eq!(member.balance, 0);
                let over = entries.iter().filter(|entry| entry.expired).count();
                let taken = entries.iter().filter(|entry| entry.key.starts_with("expire:")).count();
                assert_eq!(over, taken);
            }
        });
    }
}
