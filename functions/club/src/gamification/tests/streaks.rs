//! Days in a row.

use proptest::prelude::*;

use super::*;

#[tokio::test]
async fn three_days_of_meditations_are_a_streak_of_three() {
    let club = Club::open().await;
    for day in 1..=3 {
        let gains = club.does(meditation(&format!("m{day}"), 50)).await;
        assert_eq!(gains.streak(), day);
        club.pass(DAY);
    }
    let anna = club.anna().await;
    assert_eq!((anna.streak, anna.streak_date.as_deref()), (3, Some("2026-02-02")));
    assert_eq!((anna.completed.meditations, anna.experience), (3, 200));
    club.check_invariants().await;
}

#[tokio::test]
async fn a_day_counts_once_and_begins_at_nine_in_the_evening() {
    let club = Club::open().await;
    assert_eq!(club.does(Activity::Stream).await.streak(), 1);
    assert_eq!(club.does(Activity::Video).await.streak(), 1);
    // 20:59:59 UTC is the same day of Moscow, a second later is the next one.
    club.pass(8 * 3_600 + 3_599);
    assert_eq!(club.does(Activity::Lesson { finishes_course: false }).await.streak(), 1);
    club.pass(1);
    assert_eq!(club.does(Activity::Stream).await.streak(), 2);
    // The day after the next.
    club.pass(2 * DAY);
    assert_eq!(club.does(Activity::Stream).await.streak(), 1);
}

#[tokio::test]
async fn a_session_that_is_not_whole_counts_for_nothing_but_its_experience() {
    let club = Club::open().await;
    let xp = Some(Xp { key: "m".into(), amount: 25, reason: "Медитация".into() });
    let gains = club.does(Activity::Meditation { completed: false, first: true, xp }).await;
    assert_eq!((gains.xp(), gains.streak(), gains.experience()), (25, 0, 25));
    let again = Activity::Meditation { completed: true, first: false, xp: None };
    assert_eq!(club.does(again).await.streak(), 1);
    let anna = club.anna().await;
    assert_eq!((anna.completed.meditations, anna.achievements.len()), (0, 0));
    let nothing = Activity::Meditation { completed: false, first: false, xp: None };
    assert!(club.does(nothing).await.is_nothing());
    club.check_invariants().await;
}

#[tokio::test]
async fn long_streaks_bring_ten_points_for_each_of_their_days() {
    let club = Club::open().await;
    let mut brought = Vec::new();
    for day in 1..=101_u32 {
        let gains = club.does(Activity::Stream).await;
        let rewards: u32 = gains
            .unlocked()
            .map(|code| Achievement::seeded().into_iter().find(|a| a.code == code).unwrap())
            .map(|achievement| achievement.xp_reward)
            .sum();
        if gains.xp() > rewards {
            brought.push((day, gains.xp() - rewards));
        }
        club.pass(DAY);
    }
    assert_eq!(brought, [(7, 70), (14, 140), (30, 300), (60, 600), (100, 1_000)]);
    club.check_invariants().await;
    // A new streak is rewarded anew.
    club.pass(DAY);
    for _ in 1..=6 {
        assert_eq!(club.does(Activity::Stream).await.xp(), 0);
        club.pass(DAY);
    }
    assert_eq!(club.does(Activity::Stream).await.xp(), 70);
}

#[tokio::test]
async fn a_clock_that_is_behind_takes_nothing_away() {
    let club = Club::open().await;
    club.does(Activity::Stream).await;
    club.pass(DAY);
    club.does(Activity::Stream).await;
    let anna = club.anna().await;
    let late = club.world.now() - shared::clock::days(1);
    let gains = gains(&anna, &Activity::Stream, &[], late);
    assert_eq!((gains.streak(), gains.is_nothing()), (2, true));
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    /// Against days as plain numbers. Hours add up to days of Moscow, three ahead of UTC.
    #[test]
    fn any_sequence_of_days_is_counted_right(steps in proptest::collection::vec(0_i64..60, 1..60)) {
        let begin: shared::clock::Instant = "2026-12-20T20:30:00Z".parse().unwrap();
        let (mut now, mut hours) = (begin, 0_i64);
        let mut member = Member::new(ANNA, None, None, begin);
        let (mut streak, mut last) = (0_u32, None::<i64>);
        for step in steps {
            hours += step;
            now = now + jiff::SignedDuration::from_hours(step);
            // 20:30 UTC is half past eleven in the evening of the first day.
            let day = (hours * 2 + 47).div_euclid(48);
            streak = match last {
                Some(last) if last == day => streak,
                Some(last) if last + 1 == day => streak + 1,
                _ => 1,
            };
            last = Some(day);
            let gained = gains(&member, &Activity::Video, &[], now);
            prop_assert_eq!(gained.streak(), streak, "{}", now);
            let xp = if gained.xp() > 0 { streak * 10 } else { 0 };
            prop_assert_eq!(gained.xp(), xp);
            member.streak = gained.streak();
            member.streak_date = Some(crate::calendar::moscow_day(now));
            member.experience = gained.experience();
        }
    }
}
