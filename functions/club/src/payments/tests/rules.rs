//! The rules by themselves.

use proptest::prelude::*;
use shared::clock::{Instant, days};
use shared::money::{Currency, Money};

use crate::payments::model::*;
use crate::payments::offers::{Periodicity, Purpose};
use crate::payments::providers::Provider;
use crate::subscriptions::extended;

fn at(text: &str) -> Instant {
    text.parse().unwrap()
}

fn now() -> Instant {
    at("2026-01-31T12:00:00Z")
}

pub(super) fn attempt(status: Status) -> Attempt {
    Attempt {
        id: "att_1".to_owned(),
        payer: 1,
        recipient: None,
        purpose: Purpose::Own,
        offer: "monthly_rub_2000".to_owned(),
        days: 30,
        price: Money::new(200_000, Currency::Rub),
        provider: Provider::Sandbox,
        recurs: false,
        contract: None,
        contract_over: false,
        lavatop: None,
        status,
        checks_done: 0,
        unrefunded: 0,
        due_at: None,
        invoice_id: None,
        url: None,
        reason: None,
        email: None,
        phone: None,
        created_at: now(),
        updated_at: now(),
    }
}

const STATUSES: [Status; 6] = [
    Status::Created,
    Status::Pending,
    Status::Paid,
    Status::Failed,
    Status::Abandoned,
    Status::Refunded,
];

#[test]
fn the_state_machine() {
    use Status::{Abandoned, Failed, Paid, Pending, Refunded};
    // created, pending, paid, failed, abandoned, refunded
    let table = [
        (Event::Answered, [Some(Pending), None, None, None, None, None]),
        (Event::Unanswered, [Some(Failed), None, None, None, None, None]),
        (Event::Aged, [Some(Abandoned), None, None, None, None, None]),
        (Event::Settled, [Some(Paid), Some(Paid), Some(Paid), Some(Paid), Some(Paid), None]),
        (Event::Refused, [None, Some(Failed), None, None, None, None]),
        (Event::LastCheckUnpaid, [None, Some(Abandoned), None, None, None, None]),
        (Event::RefundedInFull, [None, None, Some(Refunded), None, None, None]),
    ];
    for (event, expected) in table {
        for (status, expected) in STATUSES.into_iter().zip(expected) {
            assert_eq!(status.after(event), expected, "{status:?} {event:?}");
        }
    }
}

#[test]
fn days_stack() {
    let expiries = [(Some(now() + days(10)), 30, 40), (Some(now() + days(15)), 90, 105)];
    for (expires, bought, expected) in expiries {
        assert_eq!(extended(expires, bought, now()), now() + days(expected));
    }
    for expires in [Some(now() - days(5)), None, Some(now())] {
        assert_eq!(extended(expires, 30, now()), now() + days(30));
    }
}

#[test]
fn a_cooldown_has_two_ends() {
    let rule = Cooldown { start_days: 7, end_days: 90 };
    for (ago, blocked) in [(6, false), (8, true), (89, true), (91, false)] {
        let unlock = rule.unlocks(Some(now() - days(ago)), now());
        assert_eq!(unlock.is_some(), blocked, "{ago}");
        assert!(unlock.is_none_or(|unlock| unlock == now() - days(ago) + days(90)));
    }
    // Both ends are still free.
    assert_eq!(rule.unlocks(Some(now() - days(7)), now()), None);
    assert_eq!(rule.unlocks(Some(now() - days(90)), now()), None);
    assert_eq!(rule.unlocks(None, now()), None);
    assert_eq!(moscow_date(at("2026-04-30T21:30:00Z")), "01.05.2026");
}

#[test]
fn periods() {
    use Periodicity::{Monthly, OneTime, Period90Days, Period180Days};
    for (period, name, days) in [
        (Monthly, "MONTHLY", 30),
        (OneTime, "ONE_TIME", 30),
        (Period90Days, "PERIOD_90_DAYS", 90),
        (Period180Days, "PERIOD_180_DAYS", 180),
    ] {
        assert_eq!(period.days(), days);
        assert_eq!(serde_json::to_value(period).unwrap(), name);
    }
}

#[test]
fn recipients_and_probes_are_read_from_the_address() {
    assert_eq!(recipient_in("123_giftclub@mail.ru"), Some(123));
    for text in
        ["_giftclub@mail.ru", "x123_giftclub@mail.ru", "123_giftclub@mail.ru.com", "123@mail.ru"]
    {
        assert_eq!(recipient_in(text), None, "{text}");
    }
    assert_eq!(telegram_id("4503599627370495"), Some((1 << 52) - 1));
    for text in ["", "0", "-1", "+1", "4503599627370496", "1e3", " 1", "٣", "99999999999999999999"]
    {
        assert_eq!(telegram_id(text), None, "{text}");
    }
    assert!(is_probe("a@check.local") && is_probe("a@CHECK.local"));
    assert!(!is_probe("check.local@example.com") && !is_probe("a@xcheck.local"));
}

#[test]
fn hints_are_judged_by_the_state() {
    let pending = |done, due: Option<Instant>| Attempt {
        checks_done: done,
        due_at: due,
        ..attempt(Status::Pending)
    };
    let wait = jiff::SignedDuration::from_secs(20);
    let (due, early) = (pending(3, Some(now())), pending(3, Some(now() + wait)));
    let zero = jiff::SignedDuration::ZERO;
    for (attempt, n, again, expected) in [
        (&due, 4, false, Hinted::Ask(4)),
        (&due, 9, false, Hinted::Ask(4)),
        (&due, 3, false, Hinted::Drop),
        (&due, 1, true, Hinted::Drop),
        (&due, 3, true, Hinted::Next(Hint { n: 4, wait: zero })),
        (&early, 4, false, Hinted::Later(Hint { n: 4, wait })),
        (&early, 3, true, Hinted::Next(Hint { n: 4, wait })),
        (&early, 3, false, Hinted::Drop),
    ] {
        assert_eq!(hinted(attempt, n, again, now()), expected, "{n} {again}");
    }
    for status in STATUSES.into_iter().filter(|status| *status != Status::Pending) {
        assert_eq!(hinted(&attempt(status), 1, true, now()), Hinted::Drop);
    }
}

#[test]
fn follow_ups_come_at_four_ages() {
    let mut asked = Vec::new();
    let mut next = Attempt::follow_up(now(), now());
    while let Some(at) = next {
        asked.push(at.since(now()).as_mins());
        next = Attempt::follow_up(now(), at);
    }
    assert_eq!(asked, [15, 60, 360, 1440]);
}

fn success(said: Said) -> Success {
    Success {
        provider: Provider::Sandbox,
        attempt_id: "att_1".to_owned(),
        external_id: "x".to_owned(),
        said,
        payer: None,
        recurs: false,
        contract_id: None,
    }
}

/// A payment of that attempt.
pub(super) fn payment(attempt_id: &str) -> Payment {
    Payment {
        provider: Provider::Sandbox,
        external_id: "x".to_owned(),
        attempt_id: attempt_id.to_owned(),
        payer: 1,
        sum: Money::new(200_000, Currency::Rub),
        purpose: Purpose::Own,
        days: 30,
        energies: 500,
        gift: None,
        contract: None,
        refunded: 0,
        days_reversed: 0,
        energies_reversed: 0,
        at: now(),
    }
}

#[test]
fn a_success_is_judged_by_what_is_stored() {
    let plain = success(Said::default());
    for status in STATUSES {
        let expected = match status {
            Status::Refunded => Verdict::Quarantine("refunded_before"),
            Status::Paid => Verdict::Settle { first: false },
            _ => Verdict::Settle { first: true },
        };
        assert_eq!(judge(Some(&attempt(status)), None, &plain, false), expected);
    }
    let gift = Attempt { purpose: Purpose::Gift, ..attempt(Status::Paid) };
    assert_eq!(judge(Some(&gift), None, &plain, false), Verdict::Quarantine("gift_paid_before"));
    assert_eq!(judge(None, None, &plain, false), Verdict::Quarantine("unknown_attempt"));
    let paid = attempt(Status::Paid);
    assert_eq!(judge(Some(&paid), Some(&payment("att_1")), &plain, false), Verdict::Duplicate);
    let other = judge(Some(&paid), Some(&payment("att_2")), &plain, false);
    assert_eq!(other, Verdict::Quarantine("two_attempts"));
}

proptest! {
    #[test]
    fn only_the_exact_sum_settles(minor in 0_u64..400_000, text in ".{0,12}") {
        let pending = attempt(Status::Pending);
        let settles = |said: Said| judge(Some(&pending), None, &success(said), false) == Verdict::Settle { first: true };
        for currency in [Currency::Rub, Currency::Usd, Currency::Eur, Currency::Xtr] {
            let sum = Money::new(minor, currency);
            prop_assert_eq!(settles(Said::sum(sum)), sum == pending.price);
        }
        let said = Said { amount: Some(text.clone()), currency: None };
        let reads = Money::parse(&text, Currency::Rub) == Ok(pending.price);
        prop_assert_eq!(settles(said), reads);
        let lower = settles(Said { amount: None, currency: Some(text.to_lowercase()) });
        prop_assert!(!lower);
    }

    #[test]
    fn whatever_happens_paid_is_left_by_a_refund_only(events in proptest::collection::vec(0_usize..7, 0..40)) {
        const EVENTS: [Event; 7] = [
            Event::Answered, Event::Unanswered, Event::Aged, Event::Settled, Event::Refused,
            Event::LastCheckUnpaid, Event::RefundedInFull,
        ];
        let mut status = Status::Created;
        let mut settled = false;
        for event in events {
            let event = EVENTS[event];
            let next = status.after(event).unwrap_or(status);
            if status == Status::Paid && next != Status::Paid {
                prop_assert_eq!(event, Event::RefundedInFull);
            }
            if status == Status::Refunded {
                prop_assert_eq!(next, Status::Refunded);
            }
            settled |= next == Status::Paid;
            status = next;
            prop_assert_eq!(settled, matches!(status, Status::Paid | Status::Refunded));
        }
    }

    #[test]
    fn days_are_never_lost(held in -400_i64..400, bought in 1_u32..400) {
        let expires = now() + jiff::SignedDuration::from_hours(held * 24);
        let until = extended(Some(expires), bought, now());
        prop_assert!(until >= now() + days(bought));
        prop_assert!(until >= expires + days(bought));
    }

    #[test]
    fn no_text_panics(text in ".*") {
        let _ = (recipient_in(&text), telegram_id(&text), is_probe(&text), Attempt::is_id(&text));
    }
}

#[test]
fn production_names_its_bot() {
    let settings = |stage: &str, bot: &str| {
        let set = [("STAGE", stage), ("BOT_USERNAME", bot)];
        let set = set.map(|(name, value)| (name.to_owned(), value.to_owned()));
        crate::payments::Settings::from_environment(&set.into_iter().collect())
            .map(|settings| settings.bot.as_str().to_owned())
            .map_err(|error| error.to_string())
    };
    assert_eq!(settings("test", ""), Ok("club_bot".to_owned()));
    assert_eq!(settings("prod", "the_club_bot"), Ok("the_club_bot".to_owned()));
    assert_eq!(settings("prod", ""), Err("setting BOT_USERNAME is missing".to_owned()));
    assert_eq!(settings("prod", "no bot"), Err("setting BOT_USERNAME is malformed".to_owned()));
}
