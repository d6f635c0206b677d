//! Gifts by their links.

use engine::{CrashMode, CrashPlan};
use shared::clock::days;

use super::*;
use crate::gifts::{GiftStatus, find};
use crate::texts;

fn start(update_id: i64, from: i64, gift: &Gift) -> Value {
    says(update_id, from, &format!("/start gift_{}", gift.token))
}

impl Desk {
    async fn status(&self, gift: &Gift) -> GiftStatus {
        find(self.world.table(), &gift.token).await.unwrap().unwrap().status
    }

    /// What the bot answers to an update.
    async fn answer(&self, update_id: i64) -> Option<Value> {
        let id = format!("reply:{update_id}");
        self.told().await.into_iter().find(|(told, _)| *told == id).map(|(_, said)| said)
    }

    async fn text(&self, update_id: i64) -> String {
        let said = self.answer(update_id).await.unwrap();
        assert_eq!(said["message"]["S"], "answer", "{said}");
        said["text"]["S"].as_str().unwrap().to_owned()
    }
}

#[tokio::test]
async fn a_link_activates_for_somebody_whom_nobody_knew() {
    let desk = Desk::open().await;
    let gift = desk.gift(None).await;
    assert_eq!(desk.hear(&start(1, PERSON, &gift)).await, 0);
    let (member, until) = (desk.member(PERSON).await.unwrap(), desk.world.now() + days(30));
    assert_eq!((member.subscription_expires, member.balance), (Some(until), 500));
    assert_eq!((member.gifted, member.gifted_by), (true, Some(GIVER)));
    let names = (member.first_name.as_str(), member.last_name.as_deref());
    assert_eq!((names, member.username.as_deref()), (("Анна", Some("Ли")), Some("anna")));
    assert_eq!((member.utm_source, member.utm_medium), (None, None));
    assert_eq!(desk.status(&gift).await, GiftStatus::Activated);
    let said = desk.answer(1).await.unwrap();
    assert_eq!(said["message"]["S"], "gift_received");
    assert_eq!(said["energies"]["N"], "500");
    // The secret is in no key but the gift's own.
    for (id, _) in desk.told().await {
        assert!(!id.contains(&gift.token));
    }
}

#[tokio::test]
async fn every_refusal_is_answered_and_changes_nothing() {
    let desk = Desk::open().await;
    let open = desk.gift(None).await;
    let bound = desk.gift(Some(PERSON)).await;
    desk.hear(&start(1, PERSON, &open)).await;
    let member = desk.member(PERSON).await;
    let no_such =
        |update_id, token: &str| says(update_id, STRANGER, &format!("/start gift_{token}"));
    for (update, text) in [
        (start(2, STRANGER, &bound), texts::GIFT_WRONG_RECIPIENT),
        (start(3, STRANGER, &open), texts::GIFT_ALREADY_ACTIVATED),
        (start(4, GIVER, &open), texts::GIFT_SELF),
        (start(5, GIVER, &bound), texts::GIFT_SELF),
        (no_such(6, "AAAAAAAAAAAAAAAAAAAAAA"), texts::GIFT_NOT_FOUND),
        (no_such(7, "AAAAAAAAAAAAAAAAAAAAA"), texts::GIFT_NOT_FOUND),
        (no_such(8, "x"), texts::GIFT_NOT_FOUND),
    ] {
        for _ in 0..2 {
            assert_eq!(desk.hear(&update).await, 0);
        }
        assert_eq!(desk.text(update["update_id"].as_i64().unwrap()).await, text);
    }
    assert_eq!(desk.member(PERSON).await, member);
    assert_eq!((desk.member(STRANGER).await, desk.member(GIVER).await), (None, None));
    assert_eq!(desk.status(&bound).await, GiftStatus::Paid);
    assert_eq!((desk.count("EnergyEntry").await, desk.messages("answer").await.len()), (1, 7));
}

#[tokio::test]
async fn what_is_over_or_given_back_is_said() {
    let desk = Desk::open().await;
    let (over, back) = (desk.gift(None).await, desk.gift(None).await);
    let revoked = crate::gifts::revoked(&back).unwrap();
    desk.world.table().transact(Vec::from(revoked)).await.unwrap();
    desk.hear(&start(1, PERSON, &back)).await;
    assert_eq!(desk.text(1).await, texts::GIFT_REVOKED);
    desk.world.pass(std::time::Duration::from_secs(365 * 86_400));
    desk.hear(&start(2, PERSON, &over)).await;
    assert_eq!(desk.text(2).await, texts::GIFT_OVER);
    assert_eq!((desk.member(PERSON).await, desk.count("EnergyEntry").await), (None, 0));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn one_update_many_times_and_many_updates_are_one_activation() {
    let desk = Desk::open().await;
    let gift = desk.gift(Some(PERSON)).await;
    for update_id in [1, 1, 1, 1, 1, 1, 2, 3, 4, 5] {
        desk.take(&start(update_id, PERSON, &gift)).await;
    }
    // One batch: its records are worked on side by side. Who is outrun comes again.
    let mut left = desk.world.deliver(update(), UPDATES).await.1;
    while left > 0 {
        desk.world.pass(std::time::Duration::from_secs(181));
        left = desk.world.deliver(update(), UPDATES).await.1;
    }
    let member = desk.member(PERSON).await.unwrap();
    assert_eq!((member.balance, desk.count("EnergyEntry").await), (500, 1));
    let until = member.subscription_expires.unwrap();
    assert!(until <= desk.world.now() + days(30), "{until}");
    // The same recipient gets the same success, once for each update.
    assert_eq!(desk.messages("gift_received").await.len(), 5);
    assert_eq!(desk.messages("gift_taken").await.len(), 1);
}

#[tokio::test]
async fn a_gift_stacks_on_what_is_paid() {
    let desk = Desk::open().await;
    let member = desk.world.member(PERSON).await;
    let until = desk.world.now() + days(10);
    desk.world.put(&Member { subscription_expires: Some(until), ..member }).await;
    let gift = desk.gift(None).await;
    desk.hear(&start(1, PERSON, &gift)).await;
    let member = desk.member(PERSON).await.unwrap();
    assert_eq!((member.subscription_expires, member.balance), (Some(until + days(30)), 500));
}

#[tokio::test]
async fn a_link_that_dies_anywhere_activates_and_is_answered_once() {
    let mut struck = 0;
    for at in 0..6 {
        for mode in [CrashMode::Before, CrashMode::After, CrashMode::LostAnswer] {
            let desk = Desk::open().await;
            let gift = desk.gift(None).await;
            let caller = Some("local-club-bot-update".to_owned());
            desk.world.engine.faults().crash(CrashPlan { caller, at, mode });
            struck += desk.hear(&start(1, PERSON, &gift)).await;
            desk.world.engine.faults().clear();
            desk.world.pass(std::time::Duration::from_secs(181));
            desk.world.deliver(update(), UPDATES).await;
            assert_eq!(desk.hear(&start(1, PERSON, &gift)).await, 0);
            let member = desk.member(PERSON).await.unwrap();
            assert_eq!((member.balance, desk.count("EnergyEntry").await), (500, 1));
            let answers = desk.messages("gift_received").await.len();
            assert_eq!((answers, desk.count("Member").await), (1, 1), "{mode:?} at {at}");
            assert_eq!(desk.messages("gift_taken").await.len(), 1);
        }
    }
    assert!(struck >= 8, "{struck}");
}
