//! Rules without a table.

use super::super::model::{NoFounder, is_report_time, may_found};
use super::*;

fn at(text: &str) -> Instant {
    text.parse().unwrap()
}

fn team(count: u32) -> Team {
    let founding =
        Founding { city: CITY.to_owned(), city_key: city_key(CITY), ..Founding::default() };
    Team { member_count: count, ..Team::new(founding, 7, at("2026-01-31T12:00:00Z")) }
}

fn person() -> Member {
    let now = at("2026-01-31T12:00:00Z");
    Member {
        city: Some(CITY.to_owned()),
        city_key: Some(city_key(CITY)),
        subscription_expires: Some(now + days(1)),
        can_lead: true,
        ..Member::new(1, None, None, now)
    }
}

#[test]
fn leaders_report_from_friday_to_sunday_in_moscow() {
    for (instant, expected) in [
        ("2026-01-29T20:59:59.999Z", false),
        ("2026-01-29T21:00:00Z", true),
        ("2026-01-31T12:00:00Z", true),
        ("2026-02-01T20:59:59.999Z", true),
        ("2026-02-01T21:00:00Z", false),
        ("2026-02-03T12:00:00Z", false),
    ] {
        assert_eq!(is_report_time(at(instant)), expected, "{instant}");
    }
}

#[test]
fn a_team_takes_whom_it_has_a_place_for() {
    use TeamRole::{Ambassador, Leader, Member};
    let takes = |team: &Team| [Leader, Member, Ambassador].map(|role| team.takes(role));
    assert_eq!(takes(&team(9)), [true, true, true]);
    assert_eq!(takes(&team(10)), [false, false, true]);
    assert_eq!(takes(&Team { leader_tg: Some(1), ..team(9) }), [false, true, true]);
    assert_eq!(takes(&Team { is_active: false, ..team(0) }), [false; 3]);
    assert_eq!(team(0).name, "Десятка №7 Москва");
}

#[test]
fn open_teams_of_a_city_stand_together_by_number() {
    let mut places = [
        Standing::Open.place("москва", 10),
        Standing::Full.place("москва", 1),
        Standing::Open.place("москва", 9),
        Standing::Closed.place("москва", 2),
        Standing::Open.place("москва река", 1),
    ];
    places.sort();
    let open: Vec<_> = places
        .iter()
        .filter(|place| place.starts_with(&Standing::Open.of_city("москва")))
        .collect();
    assert_eq!(open, ["OPEN#москва#0000000009", "OPEN#москва#0000000010"]);
    assert!(places[0].starts_with("CLOSED#") && places[1].starts_with("FULL#"));
}

#[test]
fn who_waits_for_a_team() {
    assert!(waits(&person()));
    assert!(!waits(&Member { city_key: None, ..person() }));
    assert!(!waits(&Member { team_id: Some("t".to_owned()), ..person() }));
    assert!(!waits(&Member { subscription_expires: None, ..person() }));
    let over = person().subscription_expires;
    assert!(!waits(&Member { closed_expiry: over, ..person() }));
}

#[test]
fn who_may_found_a_team() {
    let now = at("2026-01-31T12:00:00Z");
    let judge = |member: &Member| may_found(Some(member), now).err();
    assert_eq!(judge(&person()), None);
    assert_eq!(may_found(None, now), Err(NoFounder::Unpaid));
    assert_eq!(
        judge(&Member { subscription_expires: Some(now), ..person() }),
        Some(NoFounder::Unpaid)
    );
    assert_eq!(judge(&Member { can_lead: false, ..person() }), Some(NoFounder::NotAllowed));
    assert_eq!(judge(&Member { city_key: None, ..person() }), Some(NoFounder::NoCity));
    assert_eq!(judge(&Member { is_team_leader: true, ..person() }), Some(NoFounder::Leads));
}
