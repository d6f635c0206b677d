//! The rules by themselves.

use proptest::prelude::*;
use shared::clock::{Instant, days};
use shared::table::Entity as _;

use super::*;
use crate::gifts::model::{Activation, Bought, GiftStatus, Refusal, Verdict};
use crate::subscriptions::{extended, shortened};

fn now() -> Instant {
    "2026-01-31T12:00:00Z".parse().unwrap()
}

fn gift(recipient: Option<i64>) -> Gift {
    let bought = Bought {
        attempt_id: "att_1",
        payment_id: "sandbox:sbx_att_1",
        giver: GIVER,
        recipient,
        days: 30,
    };
    Gift::new(bought, 365, now())
}

fn made(recipient: i64) -> Activation {
    Activation { recipient, until: now() + days(30), energies: 500, at: now() }
}

#[test]
fn a_gift_is_named_without_its_secret() {
    let gift = gift(None);
    assert_eq!((gift.token.len(), gift.id.len()), (22, 31));
    assert!(gift.id.starts_with("gift_") && !gift.id.contains(&gift.token));
    assert_eq!(gift.valid_until, now() + days(365));
    assert_eq!(gift.key().pk, format!("GIFT#{}", gift.token));
    assert_eq!(gift.index()[1].1, gift.valid_until.to_string());
    let last = shared::clock::Instant::from_millis(gift.valid_until.millis() - 1);
    assert_eq!(gift.status_at(last), GiftStatus::Paid);
    assert_eq!(gift.status_at(gift.valid_until), GiftStatus::Expired);
}

#[test]
fn whose_it_is_comes_before_how_it_is() {
    let over = now() + days(365);
    let bound = gift(Some(RECIPIENT));
    let states = [bound.clone(), bound.activated(made(RECIPIENT)), bound.revoked().unwrap(), bound];
    for gift in &states {
        for at in [now(), over] {
            assert_eq!(gift.judge(GIVER, at), Err(Refusal::Own));
            assert_eq!(gift.judge(STRANGER, at), Err(Refusal::OtherRecipient));
        }
    }
    let [paid, activated, revoked, _] = states;
    assert_eq!(paid.judge(RECIPIENT, now()), Ok(Verdict::Activate));
    assert_eq!(paid.judge(RECIPIENT, over), Err(Refusal::Expired));
    assert_eq!(revoked.judge(RECIPIENT, over), Err(Refusal::Revoked));
    for at in [now(), over] {
        assert_eq!(activated.judge(RECIPIENT, at), Ok(Verdict::Before(made(RECIPIENT))));
    }
    let open = gift(None);
    assert_eq!(open.judge(STRANGER, now()), Ok(Verdict::Activate));
    assert_eq!(open.judge(GIVER, now()), Err(Refusal::Own));
    let taken = open.activated(made(RECIPIENT));
    assert_eq!(taken.judge(STRANGER, now()), Err(Refusal::Taken));
}

/// What may happen to a gift, in any order and at any time.
#[derive(Clone, Copy, Debug)]
enum Step {
    Activate(i64),
    Expire,
    Revoke,
    Wait(u32),
}

fn steps() -> impl Strategy<Value = Vec<Step>> {
    let step = prop_oneof![
        prop_oneof![Just(GIVER), Just(RECIPIENT), Just(STRANGER)].prop_map(Step::Activate),
        Just(Step::Expire),
        Just(Step::Revoke),
        (0_u32..200).prop_map(Step::Wait),
    ];
    proptest::collection::vec(step, 1..30)
}

proptest! {
    #[test]
    fn a_gift_leaves_paid_once_and_never_comes_back(
        bound in proptest::option::of(Just(RECIPIENT)), steps in steps(),
    ) {
        let (mut gift, mut now, mut activations) = (gift(bound), now(), 0);
        for step in steps {
            let before = gift.clone();
            match step {
                Step::Activate(who) => match gift.judge(who, now) {
                    Ok(Verdict::Activate) => {
                        prop_assert!(now < gift.valid_until && who != GIVER);
                        prop_assert!(bound.is_none_or(|bound| bound == who));
                        activations += 1;
                        gift = gift.activated(made(who));
                    }
                    Ok(Verdict::Before(made)) => prop_assert_eq!(made.recipient, who),
                    Err(_) => {}
                },
                Step::Expire => if let Some(next) = gift.expired(now) { gift = next },
                Step::Revoke => if let Some(next) = gift.revoked() { gift = next },
                Step::Wait(by) => now = now + days(by),
            }
            match before.status {
                GiftStatus::Paid => {}
                GiftStatus::Expired => prop_assert!(
                    matches!(gift.status, GiftStatus::Expired | GiftStatus::Revoked)
                ),
                GiftStatus::Activated | GiftStatus::Revoked => prop_assert_eq!(&gift, &before),
            }
            prop_assert_eq!(gift.activation.is_some(), gift.status == GiftStatus::Activated);
            prop_assert!(activations <= 1);
        }
    }

    #[test]
    fn a_gift_never_shortens_and_its_refund_takes_no_more_than_it_gave(
        held in -100_i64..100, given in 1_u32..400,
    ) {
        let now = now();
        let expires = now + jiff::SignedDuration::from_hours(24 * held);
        let until = extended(Some(expires), given, now);
        prop_assert!(until >= expires && until >= now + days(given));
        prop_assert_eq!(shortened(Some(until), given, now), Some(expires.max(now)));
    }
}
