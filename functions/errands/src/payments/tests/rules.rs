//! The rules without any engine.

use jiff::SignedDuration;
use proptest::prelude::*;
use shared::clock::Instant;

use crate::money::Kopecks;
use crate::payments::items::Receipt;
use crate::payments::model::{
    Checks, Event, Hint, Hinted, Payment, PaymentRef, Provider, Shown, Status, hinted,
};
use crate::payments::proof::{Doubt, Proof, Said, Verdict, judge};

const STATUSES: [Status; 5] =
    [Status::Creating, Status::Pending, Status::Paid, Status::Expired, Status::Failed];
const EVENTS: [Event; 5] =
    [Event::Answered, Event::Refused, Event::Proven, Event::RanOut, Event::Unlisted];

fn at(seconds: i64) -> Instant {
    Instant::from_seconds(1_768_900_000 + seconds)
}

fn payment(provider: Provider, status: Status) -> Payment {
    Payment {
        id: 42,
        user_id: 7,
        provider,
        status,
        kopecks: Kopecks::of_rubles(100),
        stars: (provider == Provider::TelegramStars).then_some(84),
        created_at: at(0),
        expires_at: at(1_800),
        paid_at: None,
        invoice_id: None,
        pay_url: None,
        mini_app_url: None,
        checks_done: 0,
        look_at: None,
    }
}

fn proof(provider: Provider) -> Proof {
    let text = |text: &str| Some(text.to_owned());
    let (currency, amount) = match provider {
        Provider::TelegramStars => ("XTR", "84"),
        Provider::CryptoBot | Provider::Sandbox => ("RUB", "100"),
    };
    Proof {
        provider,
        receipt_id: "receipt".to_owned(),
        invoice_id: (provider == Provider::CryptoBot).then(|| "receipt".to_owned()),
        said: Said {
            reference: text("er1.42"),
            status: text("paid"),
            currency: text(currency),
            amount: text(amount),
            asset: (provider == Provider::CryptoBot).then(|| "USDT".to_owned()),
        },
    }
}

fn assets() -> Vec<String> {
    vec!["USDT".to_owned(), "TON".to_owned()]
}

#[test]
fn the_table_of_states() {
    let table = [
        (Status::Creating, Event::Answered, Status::Pending),
        (Status::Creating, Event::Refused, Status::Failed),
        (Status::Creating, Event::Unlisted, Status::Failed),
        (Status::Creating, Event::Proven, Status::Paid),
        (Status::Pending, Event::Proven, Status::Paid),
        (Status::Expired, Event::Proven, Status::Paid),
        (Status::Failed, Event::Proven, Status::Paid),
        (Status::Pending, Event::RanOut, Status::Expired),
    ];
    for status in STATUSES {
        for event in EVENTS {
            let row = table.iter().find(|(from, by, _)| (*from, *by) == (status, event));
            assert_eq!(status.after(event), row.map(|(_, _, to)| *to), "{status:?} {event:?}");
        }
    }
    let shown = STATUSES.map(Status::shown);
    let expected = [Shown::Pending, Shown::Pending, Shown::Paid, Shown::Expired, Shown::Expired];
    assert_eq!(shown, expected);
}

#[test]
fn references_read_as_they_are_written() {
    assert_eq!(PaymentRef(42).to_string(), "er1.42");
    assert_eq!("er1.9007199254740991".parse(), Ok(PaymentRef(9_007_199_254_740_991)));
    for bad in [
        "",
        "42",
        "er1.",
        "er1.0",
        "er1.-1",
        "er1.+1",
        "er1.042",
        "er1.9007199254740992",
        "er1.1180591620717411303424",
        "er2.42",
        " er1.42",
        "er1.42 ",
        "ER1.42",
        "er1.4x",
    ] {
        assert!(bad.parse::<PaymentRef>().is_err(), "{bad}");
    }
}

#[test]
fn what_fits_is_credited_from_every_state_but_paid() {
    for provider in Provider::ALL {
        for status in STATUSES {
            let verdict =
                judge(Some(&payment(provider, status)), None, &proof(provider), &assets());
            let expected = match status {
                Status::Paid => Verdict::Quarantine(Doubt::PaidTwice),
                _ => Verdict::Credit,
            };
            assert_eq!(verdict, expected, "{provider:?} {status:?}");
        }
    }
}

#[test]
fn what_does_not_fit_is_put_aside() {
    let crypto = payment(Provider::CryptoBot, Status::Pending);
    let judged = |payment: Option<&Payment>, change: &dyn Fn(&mut Proof)| {
        let mut proof = proof(Provider::CryptoBot);
        change(&mut proof);
        judge(payment, None, &proof, &assets())
    };
    let doubted = |change: &dyn Fn(&mut Proof)| match judged(Some(&crypto), change) {
        Verdict::Quarantine(doubt) => doubt,
        other => panic!("{other:?}"),
    };
    let text = |text: &str| Some(text.to_owned());
    assert_eq!(judged(None, &|_| {}), Verdict::Quarantine(Doubt::UnknownReference));
    assert_eq!(doubted(&|p| p.provider = Provider::Sandbox), Doubt::OtherProvider);
    assert_eq!(doubted(&|p| p.said.reference = text("er1.43")), Doubt::UnknownReference);
    assert_eq!(doubted(&|p| p.said.reference = text("x")), Doubt::UnknownReference);
    for status in [None, text("active"), text("expired"), text("PAID")] {
        assert_eq!(doubted(&|p| p.said.status = status.clone()), Doubt::Status);
    }
    for currency in [None, text("USD"), text("rub")] {
        assert_eq!(doubted(&|p| p.said.currency = currency.clone()), Doubt::Currency);
    }
    for amount in ["99", "101", "100.01", "1e2", "-100", " 100", "", "100,00", "0x64"] {
        assert_eq!(doubted(&|p| p.said.amount = text(amount)), Doubt::Amount, "{amount}");
    }
    assert_eq!(doubted(&|p| p.said.amount = None), Doubt::Amount);
    for asset in [None, text("JET"), text("usdt")] {
        assert_eq!(doubted(&|p| p.said.asset = asset.clone()), Doubt::Asset);
    }
    for amount in ["100", "100.0", "100.00", "100.000", "0100"] {
        let verdict = judged(Some(&crypto), &|p| p.said.amount = text(amount));
        assert_eq!(verdict, Verdict::Credit, "{amount}");
    }
    // Named by the invoice alone.
    assert_eq!(judged(Some(&crypto), &|p| p.said.reference = None), Verdict::Credit);
    let other = Payment { invoice_id: text("other"), ..crypto.clone() };
    assert_eq!(judged(Some(&other), &|_| {}), Verdict::Quarantine(Doubt::OtherInvoice));
}

#[test]
fn the_same_money_counts_once() {
    let paid = payment(Provider::CryptoBot, Status::Paid);
    let receipt = |payment_id| Receipt {
        provider: Provider::CryptoBot,
        receipt_id: "receipt".to_owned(),
        payment_id,
        user_id: 7,
        kopecks: paid.kopecks,
        at: at(5),
        reversed: None,
        shortfall: None,
        reversed_at: None,
    };
    let judged =
        |id| judge(Some(&paid), Some(&receipt(id)), &proof(Provider::CryptoBot), &assets());
    assert_eq!(judged(42), Verdict::Repeat);
    assert_eq!(judged(43), Verdict::Quarantine(Doubt::OtherPayment));
}

#[test]
fn the_last_veto() {
    let stars = payment(Provider::TelegramStars, Status::Pending);
    assert!(stars.admits(7, "XTR", 84, at(1_799)));
    assert!(!stars.admits(7, "XTR", 84, at(1_800)), "its time is over at that instant");
    assert!(!stars.admits(8, "XTR", 84, at(0)), "another payer");
    assert!(!stars.admits(7, "RUB", 84, at(0)));
    assert!(!stars.admits(7, "XTR", 83, at(0)));
    for status in STATUSES {
        let payment = Payment { status, ..stars.clone() };
        assert_eq!(payment.admits(7, "XTR", 84, at(0)), status == Status::Pending, "{status:?}");
    }
    assert!(!payment(Provider::CryptoBot, Status::Pending).admits(7, "XTR", 84, at(0)));
}

#[test]
fn late_money_is_told() {
    let late = |status, seconds| payment(Provider::CryptoBot, status).is_late(at(seconds));
    assert!(!late(Status::Creating, 0) && !late(Status::Pending, 1_799));
    assert!(late(Status::Pending, 1_800) && late(Status::Expired, 0) && late(Status::Failed, 0));
}

const CHECKS: Checks = Checks { count: 10, delay: SignedDuration::from_secs(30) };

#[test]
fn looks_end_when_the_time_is_over() {
    let payment = payment(Provider::CryptoBot, Status::Pending);
    let next = |done, now| payment.next_look(done, CHECKS, at(now));
    assert_eq!(next(1, 30), Some(at(60)));
    assert_eq!(next(10, 300), Some(at(360)));
    assert_eq!(next(10, 1_770), Some(at(1_800)));
    assert_eq!((next(10, 1_799), next(10, 1_800)), (Some(at(1_800)), None));
}

#[test]
fn a_hint_is_worth_what_the_state_says() {
    let pending = Payment {
        checks_done: 2,
        look_at: Some(at(90)),
        ..payment(Provider::CryptoBot, Status::Pending)
    };
    let hinted = |attempt, again, now| hinted(&pending, attempt, again, 10, at(now));
    let hint = |seconds| Hint { attempt: 3, wait: SignedDuration::from_secs(seconds) };
    assert_eq!(hinted(3, false, 90), Hinted::Ask(3));
    assert_eq!(hinted(3, false, 80), Hinted::Later(hint(10)));
    assert_eq!(hinted(2, false, 90), Hinted::Drop);
    assert_eq!(hinted(2, true, 80), Hinted::Next(hint(10)));
    assert_eq!(hinted(1, true, 90), Hinted::Drop);
    assert_eq!(hinted(9, false, 90), Hinted::Ask(3), "early and out of order");
    for status in [Status::Creating, Status::Paid, Status::Expired, Status::Failed] {
        let payment = Payment { status, ..pending.clone() };
        assert_eq!(super::super::model::hinted(&payment, 3, false, 10, at(90)), Hinted::Drop);
    }
    let done = Payment { checks_done: 10, ..pending.clone() };
    assert_eq!(super::super::model::hinted(&done, 10, true, 10, at(90)), Hinted::Drop);
}

proptest! {
    /// Whatever happens in whatever order, money is credited once, and only what agrees.
    #[test]
    fn paid_is_final_and_reached_by_proof_alone(
        steps in proptest::collection::vec(0_usize..5, 0..40)
    ) {
        let (mut status, mut proofs) = (Status::Creating, 0);
        for step in steps {
            let event = EVENTS[step];
            let Some(next) = status.after(event) else { continue };
            prop_assert_eq!(next == Status::Paid, event == Event::Proven);
            proofs += u32::from(event == Event::Proven);
            status = next;
        }
        prop_assert_eq!(proofs, u32::from(status == Status::Paid));
    }

    #[test]
    fn only_the_exact_amount_is_credited(rubles in 1_i64..200_000, kopecks in 0_i64..100) {
        let payment = payment(Provider::CryptoBot, Status::Pending);
        let mut proof = proof(Provider::CryptoBot);
        proof.said.amount = Some(format!("{rubles}.{kopecks:02}"));
        let credited = judge(Some(&payment), None, &proof, &assets()) == Verdict::Credit;
        prop_assert_eq!(credited, (rubles, kopecks) == (100, 0));
    }

    #[test]
    fn no_word_panics(reference in ".*", amount in ".*", status in ".*") {
        let mut proof = proof(Provider::TelegramStars);
        proof.said = Said {
            reference: Some(reference), amount: Some(amount), status: Some(status),
            ..Said::default()
        };
        let payment = payment(Provider::TelegramStars, Status::Pending);
        prop_assert_ne!(judge(Some(&payment), None, &proof, &[]), Verdict::Credit);
    }

    #[test]
    fn a_reference_is_read_back(id in 1_i64..=9_007_199_254_740_991) {
        prop_assert_eq!(PaymentRef(id).to_string().parse(), Ok(PaymentRef(id)));
    }
}
