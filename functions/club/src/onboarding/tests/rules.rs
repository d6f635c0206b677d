//! The keyword, and what comes when.

use jiff::SignedDuration;
use proptest::prelude::*;
use shared::settings::Environment;

use super::*;
use crate::onboarding::model::{Heard, Hinted, Line, is_keyword};
use crate::onboarding::{Plan, Settings};

fn plan() -> Plan {
    Settings::from_environment(&Environment::default()).unwrap().plan
}

fn minutes(minutes: i64) -> SignedDuration {
    SignedDuration::from_mins(minutes)
}

#[test]
fn the_keyword_is_compared_as_agreed() {
    for text in ["успех", "Успех", "УСПЕХ", " УСПЕХ "] {
        assert!(is_keyword(text, "УСПЕХ"), "{text:?}");
    }
    for text in ["успех!", "успехи", "мой успех"] {
        assert!(!is_keyword(text, "УСПЕХ"), "{text:?}");
    }
    assert!(is_keyword("код   денег", "КОД ДЕНЕГ"));
}

#[test]
fn the_keyword_is_folded_by_case_and_by_spaces_on_both_sides() {
    for (text, keyword) in [
        ("\tкод\n денег\u{a0}", "  Код  Денег "),
        ("STRASSE", "straße"),
        ("straße", "STRAẞE"),
        ("ὈΔΥΣΣΕΎΣ", "ὀδυσσεύς"),
        ("ı", "ı"),
    ] {
        assert!(is_keyword(text, keyword) && is_keyword(keyword, text), "{text:?} {keyword:?}");
    }
    for (text, keyword) in
        [("", "УСПЕХ"), (" ", "УСПЕХ"), ("УС ПЕХ", "УСПЕХ"), ("кодденег", "код денег"), ("ı", "i")]
    {
        assert!(!is_keyword(text, keyword), "{text:?} {keyword:?}");
    }
}

proptest! {
    #[test]
    fn any_case_and_any_spaces_make_the_same_word(
        words in proptest::collection::vec("[а-яёa-z0-9]{1,8}", 1..4),
        upper in any::<u64>(),
        gaps in proptest::collection::vec("[ \t\n]{1,4}", 5),
    ) {
        let mut shown = gaps[4].clone();
        for (word, gap) in words.iter().zip(&gaps) {
            for (n, c) in word.chars().enumerate() {
                match upper >> (n % 64) & 1 {
                    1 => shown.extend(c.to_uppercase()),
                    _ => shown.push(c),
                }
            }
            shown.push_str(gap);
        }
        prop_assert!(is_keyword(&shown, &words.join(" ")), "{:?}", shown);
    }

    #[test]
    fn a_letter_more_is_another_word(word in "[а-яё]{1,8}( [а-яё]{1,8})?", more in "[а-яё!.]") {
        let after = format!("{word}{more}");
        let before = format!("{more}{word}");
        prop_assert!(!is_keyword(&after, &word) && !is_keyword(&before, &word));
    }

    #[test]
    fn equality_is_symmetric_and_never_panics(one in "\\PC{0,12}", other in "\\PC{0,12}") {
        prop_assert!(is_keyword(&one, &one));
        prop_assert_eq!(is_keyword(&one, &other), is_keyword(&other, &one));
    }

    /// Whatever order hints come in, and however often: each line is said once, in its order.
    #[test]
    fn hints_in_any_order_say_each_line_once(order in proptest::collection::vec(0_usize..12, 1..80)) {
        let lines = [
            "video", "keyword_1", "keyword_2", "keyword_3", "keyword_4", "ready_1", "ready_2",
            "menu", "gift_offer", "check_in_7", "hint", "",
        ];
        let (plan, begun) = (plan(), at("2026-01-31T12:00:00Z"));
        let late = begun + minutes(1_000);
        let mut row = Onboarding::begun(MEMBER, CYCLE, begun);
        let mut said = Vec::new();
        for n in order {
            if let Hinted::Take(step) = row.hinted(CYCLE, lines[n], &plan, late) {
                said.push(step.line.to_string());
                row = row.stepped(step, &plan, late);
            }
            prop_assert_eq!(row.hinted("other", lines[n], &plan, late), Hinted::Drop);
        }
        prop_assert!(["video", "keyword_1", "keyword_2", "keyword_3"].starts_with(
            &said.iter().map(String::as_str).collect::<Vec<_>>()
        ), "{:?}", said);
    }
}

#[test]
fn reminders_come_at_their_minutes() {
    let (plan, begun) = (plan(), at("2026-01-31T12:00:00Z"));
    let mut row = Onboarding::begun(MEMBER, CYCLE, begun);
    let mut came = Vec::new();
    while let Some(step) = row.next(&plan) {
        assert_eq!(row.due_at, Some(step.due));
        came.push((step.line, step.due.since(begun)));
        row = row.stepped(step, &plan, step.due);
    }
    let expected = [
        (Line::Video, minutes(0)),
        (Line::Keyword(1), minutes(20)),
        (Line::Keyword(2), minutes(80)),
        (Line::Keyword(3), minutes(200)),
    ];
    assert_eq!(came, expected);
    assert_eq!((row.state, row.due_at), (State::AwaitingKeyword, None));

    let Heard::Keyword(mut row) = row.heard("успех", "УСПЕХ", &plan, begun) else {
        panic!()
    };
    assert_eq!(row.state, State::AwaitingReady);
    let mut came = Vec::new();
    while row.state == State::AwaitingReady {
        let step = row.next(&plan).unwrap();
        came.push((step.line, step.due.since(begun)));
        row = row.stepped(step, &plan, step.due);
    }
    let expected = [
        (Line::ReadyAgain(1), minutes(30)),
        (Line::ReadyAgain(2), minutes(90)),
        (Line::Menu, minutes(210)),
    ];
    assert_eq!(came, expected);
}

#[test]
fn what_comes_after_the_end_goes_by_the_days_of_moscow() {
    let plan = plan();
    // 23:59:59 and midnight in Moscow.
    for (end, first, days) in [
        ("2026-01-31T20:59:59Z", "2026-02-01T07:00:00Z", ["02-07", "02-14", "02-21", "02-28"]),
        ("2026-01-31T21:00:00Z", "2026-02-02T07:00:00Z", ["02-08", "02-15", "02-22", "03-01"]),
    ] {
        let row = Onboarding::begun(MEMBER, CYCLE, at(end));
        let row = Onboarding { state: State::AwaitingReady, ..row };
        let mut row = row.pressed(&plan, at(end)).unwrap();
        let mut came = Vec::new();
        while let Some(step) = row.next(&plan) {
            came.push((step.line, step.due));
            row = row.stepped(step, &plan, step.due);
        }
        let mut expected = vec![(Line::GiftOffer, at(first))];
        for (day, line) in days.iter().zip([7, 14, 21, 28]) {
            expected.push((Line::CheckIn(line), at(&format!("2026-{day}T06:00:00Z"))));
        }
        assert_eq!(came, expected, "{end}");
    }
}

#[test]
fn a_hint_comes_every_ten_minutes_at_most() {
    let (plan, begun) = (plan(), at("2026-01-31T12:00:00Z"));
    let row = Onboarding::begun(MEMBER, CYCLE, begun);
    let Heard::Other(row) = row.heard("привет", "УСПЕХ", &plan, begun) else { panic!() };
    let second = SignedDuration::from_secs(1);
    let early = begun + minutes(10) - second;
    assert_eq!(row.heard("привет", "УСПЕХ", &plan, early), Heard::Nothing);
    let Heard::Other(again) = row.heard("эй", "УСПЕХ", &plan, begun + minutes(10)) else {
        panic!()
    };
    assert_eq!((again.state, again.steps, again.due_at), (row.state, row.steps, row.due_at));
    assert!(matches!(row.heard("успех", "УСПЕХ", &plan, early), Heard::Keyword(_)));
}

#[test]
fn a_text_is_heard_and_a_button_counts_where_they_are_waited_for_alone() {
    let (plan, now) = (plan(), at("2026-01-31T12:00:00Z"));
    for state in [State::AwaitingKeyword, State::AwaitingReady, State::OnboardingComplete] {
        let row = Onboarding { state, ..Onboarding::begun(MEMBER, CYCLE, now) };
        let silent = row.heard("успех", "УСПЕХ", &plan, now) == Heard::Nothing;
        assert_eq!(silent, state != State::AwaitingKeyword);
        assert_eq!(row.pressed(&plan, now).is_some(), state == State::AwaitingReady);
    }
}

#[test]
fn settings_are_read_or_refused() {
    let read = |pairs: &[(&str, &str)]| {
        let pairs = pairs.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned()));
        Settings::from_environment(&pairs.collect::<Environment>())
    };
    let plain = read(&[]).unwrap();
    assert_eq!((plain.keyword.as_str(), plain.video), ("УСПЕХ", None));
    let other = read(&[
        ("ONBOARDING_KEYWORD", " КОД ДЕНЕГ "),
        ("ONBOARDING_VIDEO", "https://example.com/a.mp4"),
        ("KEYWORD_REMINDERS_MIN", "1, 2"),
        ("READY_REMINDERS_MIN", "3"),
        ("READY_AUTO_MIN", "4"),
    ]);
    let other = other.unwrap();
    assert_eq!(other.keyword, "КОД ДЕНЕГ");
    assert_eq!(other.plan.keyword, [minutes(1), minutes(2)]);
    assert_eq!((other.plan.ready, other.plan.auto), (vec![minutes(3)], minutes(4)));
    assert!(read(&[("ONBOARDING_KEYWORD", "  ")]).unwrap().keyword == "УСПЕХ");
    for (name, value) in [
        ("KEYWORD_REMINDERS_MIN", "20,x"),
        ("KEYWORD_REMINDERS_MIN", "80,20"),
        ("READY_REMINDERS_MIN", "-1"),
        ("READY_AUTO_MIN", "soon"),
    ] {
        assert!(read(&[(name, value)]).is_err(), "{name}={value}");
    }
}
