//! Rules without I/O.

use crate::content::meditations::MeditationSums;
use crate::content::model::{Course, CourseCategory, DayMark};
use crate::content::own::{CourseProgress, Tally, experience};

fn three_days() -> Course {
    let day = |number| DayMark {
        number,
        id: format!("day-{number}"),
        title: String::new(),
        is_premium: false,
    };
    Course {
        id: "c".to_owned(),
        title: String::new(),
        description: None,
        category: CourseCategory::Mindset,
        cover_url: None,
        is_premium: false,
        sort_order: 0,
        key_number: None,
        month_theme: None,
        days: [1, 2, 3].map(day).to_vec(),
        version: 1,
        created_at: "2026-01-01T00:00:00Z".parse().unwrap(),
    }
}

#[test]
fn progress_is_a_union_of_days_in_whatever_order() {
    let (course, now) = (three_days(), "2026-01-31T12:00:00Z".parse().unwrap());
    let orders = [[1, 2, 3], [1, 3, 2], [2, 1, 3], [2, 3, 1], [3, 1, 2], [3, 2, 1]];
    for order in orders {
        let mut progress = CourseProgress::none(1, "c");
        for (n, day) in order.into_iter().enumerate() {
            let once = progress.advanced(&course, None, Some(day), now);
            let twice = once.advanced(&course, None, Some(day), now);
            assert_eq!(once.completed_days, twice.completed_days);
            assert_eq!(once.finished, n == 2, "{order:?}");
            progress = twice;
        }
        assert_eq!((progress.completed_days, progress.current_day), (vec![1, 2, 3], 3));
    }
}

#[test]
fn a_course_is_finished_once_however_it_grows() {
    let (mut course, now) = (three_days(), "2026-01-31T12:00:00Z".parse().unwrap());
    let mut progress = CourseProgress::none(1, "c");
    for day in [1, 2, 3] {
        progress = progress.advanced(&course, None, Some(day), now);
    }
    let fourth = DayMark { number: 4, ..course.days[0].clone() };
    course.days.push(fourth);
    let back = progress.advanced(&course, Some(2), None, now);
    assert_eq!((back.finished, back.current_day), (true, 2));
    let none = CourseProgress::none(1, "c").advanced(&three_days(), Some(2), None, now);
    assert_eq!((none.finished, none.completed_days.len()), (false, 0));
}

#[test]
fn sessions_bring_five_points_a_minute_or_fifty() {
    for (seconds, expected) in
        [(0, 0), (59, 0), (60, 5), (119, 5), (120, 10), (299, 20), (300, 25), (86_400, 25)]
    {
        assert_eq!(experience(seconds, false), expected, "{seconds}");
        assert_eq!(experience(seconds, true), 50);
    }
}

#[test]
fn minutes_are_rounded_half_up() {
    let sums = |sessions, session_seconds| {
        let tally = Tally { sessions, session_seconds, ..Tally::default() };
        serde_json::to_value(MeditationSums::from(tally)).unwrap()
    };
    let of = |sessions, seconds| {
        let sums = sums(sessions, seconds);
        (sums["totalDurationMinutes"].as_u64(), sums["averageDurationMinutes"].as_u64())
    };
    assert_eq!(of(0, 0), (Some(0), Some(0)));
    assert_eq!(of(1, 29), (Some(0), Some(0)));
    assert_eq!(of(1, 30), (Some(1), Some(1)));
    assert_eq!(of(2, 89), (Some(1), Some(1)));
    assert_eq!(of(2, 90), (Some(2), Some(1)));
    assert_eq!(of(4, 119), (Some(2), Some(0)));
    assert_eq!(of(4, 120), (Some(2), Some(1)));
}
