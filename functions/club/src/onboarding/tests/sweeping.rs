//! What lies days ahead, and what was lost.

use super::*;

impl School {
    /// The sweep runs every hour for so long, and what it hints at is done.
    async fn days(&self, days: u64) {
        for _ in 0..days * 24 {
            self.sweep().await;
            self.world.pass(Duration::from_secs(DAY / 24));
            while self.deliver().await > 0 {}
        }
    }

    async fn complete(&self) {
        self.says(1, "успех").await;
        self.presses(2).await;
    }
}

#[tokio::test]
async fn the_first_weeks_have_their_days() {
    let school = School::open().await;
    school.complete().await;
    // 15:00 in Moscow: nothing is hinted at this day.
    assert_eq!(school.sweep().await["hints"], 0);
    school.world.engine.queues().purge(ONBOARDING).unwrap();
    let mut count = 2;
    for (day, line) in
        [(1, "gift_offer"), (7, "check_in_7"), (14, "check_in_14"), (21, "check_in_21")]
    {
        let row = school.row().await;
        let due = row.due_at.unwrap();
        assert_eq!(due.at_offset(3).date().to_string(), day_after(day));
        school.days_until(due).await;
        assert!(!school.said().await.contains(&line.to_owned()), "{line} is early");
        school.days(1).await;
        count += 1;
        assert!(school.said().await.contains(&line.to_owned()), "{line}");
        assert_eq!(school.said().await.len(), count);
        school.check().await;
    }
    school.days(8).await;
    assert_eq!(school.said().await.len(), count + 1);
    assert!(school.said().await.contains(&"check_in_28".to_owned()));
    assert_eq!((school.row().await.due_at, school.world.depth(ONBOARDING)), (None, 0));
    school.check().await;
}

impl School {
    /// The clock stands a quarter of an hour before `due`.
    async fn days_until(&self, due: Instant) {
        let left = due.since(self.world.now()).as_secs() - 900;
        self.world.pass(Duration::from_secs(u64::try_from(left).unwrap()));
        self.sweep().await;
        while self.deliver().await > 0 {}
        self.world.pass(Duration::from_secs(899));
        while self.deliver().await > 0 {}
        self.world.pass(Duration::from_secs(1));
    }
}

/// A day of Moscow after 31 January 2026.
fn day_after(days: i64) -> String {
    let day = jiff::civil::date(2026, 1, 31);
    day.checked_add(jiff::Span::new().days(days)).unwrap().to_string()
}

#[tokio::test]
async fn who_was_given_a_gift_is_offered_none() {
    let school = School::open().await;
    let gifted = Member { gifted: true, ..school.member().await };
    school.world.put(&gifted).await;
    school.complete().await;
    school.days(8).await;
    let said = school.said().await;
    assert!(!said.contains(&"gift_offer".to_owned()), "{said:?}");
    assert!(said.contains(&"check_in_7".to_owned()), "{said:?}");
    school.check().await;
}

#[tokio::test]
async fn lost_messages_are_found() {
    let school = School::open().await;
    // Every message is lost, and the stream tells nothing: the sweep alone does it.
    for expected in [1, 2, 3, 4] {
        school.world.engine.queues().purge(ONBOARDING).unwrap();
        school.world.pass(Duration::from_secs(121 * 60));
        assert_eq!(school.sweep().await["hints"], 1);
        school.world.deliver(remind(), ONBOARDING).await;
        assert_eq!(school.said().await.len(), expected);
    }
    assert_eq!(school.sweep().await["hints"], 0);
    school.check().await;
}

#[tokio::test]
async fn what_is_not_late_is_not_hinted_at_anew() {
    let school = School::open().await;
    school.pass(0).await;
    school.world.pass(Duration::from_secs(21 * 60));
    assert_eq!(school.sweep().await["hints"], 0);
    school.world.pass(Duration::from_secs(60));
    let swept = school.sweep().await;
    assert_eq!(swept, json!({ "lease_held": false, "hints": 1, "complete": true }));
}

#[tokio::test]
async fn a_sweep_is_alone() {
    let school = School::open().await;
    let (table, now) = (school.world.table(), school.world.now());
    let later = now + shared::clock::days(1);
    shared::lease::Lease::acquire(table, "onboarding_sweep", now, later).await.unwrap();
    assert_eq!(school.sweep().await["lease_held"], true);
}
