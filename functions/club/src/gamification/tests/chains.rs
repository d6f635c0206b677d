//! Achievements, and the experience that they bring.

use proptest::prelude::*;

use super::*;

#[tokio::test]
async fn every_seeded_achievement_unlocks_once() {
    let club = Club::open().await;
    let mut unlocked = Vec::new();
    for day in 1..=50 {
        let gains = club.does(meditation(&format!("m{day}"), 50)).await;
        unlocked.extend(gains.unlocked().map(str::to_owned));
        club.pass(DAY);
    }
    let gains = club.does(Activity::Lesson { finishes_course: true }).await;
    unlocked.extend(gains.unlocked().map(str::to_owned));
    for n in 0..10 {
        let gains = club.gets(&format!("gift{n}"), 1_000).await;
        unlocked.extend(gains.unlocked().map(str::to_owned));
    }
    let all = unlocked.len();
    unlocked.sort();
    unlocked.dedup();
    let mut seeded: Vec<_> = Achievement::seeded().into_iter().map(|one| one.code).collect();
    seeded.sort();
    assert_eq!((all, unlocked), (8, seeded));
    club.check_invariants().await;
}

#[tokio::test]
async fn rewards_unlock_more_until_nothing_changes() {
    let club = Club::open().await;
    club.has("a_last", Counted::Level, 2, 0).await;
    club.has("z_middle", Counted::Experience, 60, 40).await;
    club.has("never", Counted::Experience, 101, 1_000).await;
    // 10 of the session, 50 of the first meditation: 60; 40 more: 100, which is level 2.
    let gains = club.does(meditation("m", 10)).await;
    let unlocked: Vec<_> = gains.unlocked().collect();
    assert_eq!(unlocked, ["first_meditation", "z_middle", "a_last"]);
    assert_eq!((gains.xp(), gains.experience()), (100, 100));
    // What brings nothing has no entry.
    assert_eq!(club.world.items("XpEntry").await.len(), 3);
    club.check_invariants().await;
    assert_eq!(club.does(Activity::Video).await.unlocked().count(), 0);
}

#[tokio::test]
async fn more_than_a_transaction_holds_comes_bit_by_bit() {
    let club = Club::open().await;
    for n in 0..70 {
        club.has(&format!("video_{n:02}"), Counted::VideosCompleted, 1, 1).await;
    }
    let mut counts = Vec::new();
    for _ in 0..4 {
        counts.push(club.does(Activity::Video).await.unlocked().count());
        club.check_invariants().await;
    }
    assert_eq!(counts, [30, 30, 10, 0]);
}

#[tokio::test]
async fn one_key_brings_experience_once() {
    let club = Club::open().await;
    club.does(meditation("m", 50)).await;
    let before = club.anna().await;
    let refusal = club.try_to(meditation("m", 50)).await.unwrap_err();
    assert_eq!((refusal.name(), refusal.is_only("xp")), ("xp", true));
    assert_eq!(club.anna().await, before);
    club.check_invariants().await;
}

#[tokio::test]
async fn experience_never_overflows() {
    let club = Club::open().await;
    let full = Member { experience: u32::MAX - 5, ..club.anna().await };
    club.world.put(&full).await;
    assert_eq!(club.gets("x", 1_000).await.experience(), u32::MAX);
    assert_eq!(club.anna().await.experience, u32::MAX);
}

#[tokio::test]
async fn what_was_reached_before_an_achievement_was_made_unlocks_it_next_time() {
    let club = Club::open().await;
    club.does(Activity::Video).await;
    club.has("video", Counted::VideosCompleted, 1, 5).await;
    let gains = club.does(Activity::Stream).await;
    assert_eq!(gains.unlocked().collect::<Vec<_>>(), ["video"]);
    // An administrator makes it easier, or takes it away and brings it back: it came already.
    club.has("video", Counted::Streak, 1, 500).await;
    assert_eq!(club.does(Activity::Video).await.xp(), 0);
    club.check_invariants().await;
}

#[derive(Clone, Debug)]
struct Wish {
    counted: Counted,
    value: u32,
    reward: u32,
}

fn wish() -> impl Strategy<Value = Wish> {
    let counted = prop_oneof![
        Just(Counted::Level),
        Just(Counted::Experience),
        Just(Counted::Streak),
        Just(Counted::MeditationsCompleted),
        Just(Counted::VideosCompleted),
    ];
    (counted, 1_u32..400, 0_u32..300).prop_map(|(counted, value, reward)| {
        let value = match counted {
            Counted::Experience => value,
            Counted::Level => value % 15 + 1,
            _ => value % 4 + 1,
        };
        Wish { counted, value, reward }
    })
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(128))]

    /// Whatever is written and in whatever order: what is left locked is not reached, what came is,
    /// nothing comes twice, and experience is the sum of what came.
    #[test]
    fn nothing_is_left_that_is_reached(
        wishes in proptest::collection::vec(wish(), 0..25), xp in 0_u32..500, days in 1_u32..5,
    ) {
        let begin: shared::clock::Instant = "2026-01-31T12:00:00Z".parse().unwrap();
        let all: Vec<Achievement> = wishes
            .iter()
            .enumerate()
            .map(|(n, wish)| Achievement {
                code: format!("a{n}"),
                title: String::new(),
                description: None,
                icon: None,
                xp_reward: wish.reward,
                condition: Condition { counted: wish.counted, value: wish.value },
                removed: false,
            })
            .collect();
        let mut member = Member::new(ANNA, None, None, begin);
        let mut sum = 0;
        for day in 0..days {
            let now = begin + shared::clock::days(day);
            let gained = gains(&member, &meditation(&format!("m{day}"), xp), &all, now);
            sum += gained.xp();
            prop_assert_eq!(gained.experience(), sum);
            member.experience = gained.experience();
            member.streak = gained.streak();
            member.streak_date = Some(crate::calendar::moscow_day(now));
            member.completed.meditations += 1;
            for code in gained.unlocked() {
                prop_assert!(!member.achievements.contains(&code.to_owned()));
                member.achievements.push(code.to_owned());
            }
            for one in &all {
                let reached = match one.condition.counted {
                    Counted::Level => level(member.experience),
                    Counted::Experience => member.experience,
                    Counted::Streak => member.streak,
                    Counted::MeditationsCompleted => member.completed.meditations,
                    Counted::CoursesCompleted | Counted::VideosCompleted => 0,
                };
                let came = member.achievements.contains(&one.code);
                prop_assert_eq!(came, reached >= one.condition.value, "{:?}", one);
            }
        }
    }
}
