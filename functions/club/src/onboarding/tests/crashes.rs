//! The process dies at every call to the store; what comes after heals it.

use engine::{CrashMode, CrashPlan};

use super::*;

const MODES: [CrashMode; 3] = [CrashMode::Before, CrashMode::After, CrashMode::LostAnswer];

fn plan(function: &str, at: u64, mode: CrashMode) -> CrashPlan {
    CrashPlan { caller: Some(format!("local-{function}")), at, mode }
}

/// A whole onboarding by the sweep alone, in which `function` dies once at its call `at`; what was
/// said.
async fn walk(function: &str, at: u64, mode: CrashMode) -> Vec<String> {
    let (school, caller) = (School::open().await, format!("local-{function}"));
    school.world.engine.queues().purge(ONBOARDING).unwrap();
    let faults = school.world.engine.faults();
    faults.crash(plan(function, at, mode));
    for turn in 0..20 {
        if turn == 3 {
            school.says(1, "успех").await;
        }
        // A run that died leaves its lease, and its message, for a while.
        school.world.pass(Duration::from_secs(8 * DAY));
        let _ = school.world.tick(sweep()).await;
        faults.revive(&caller);
        while school.world.deliver(remind(), ONBOARDING).await.0 > 0 {}
        faults.revive(&caller);
    }
    assert_eq!(faults.revived(), 1, "{function} died");
    faults.clear();
    assert_eq!(
        (school.state().await, school.row().await.due_at),
        (State::OnboardingComplete, None)
    );
    school.check().await;
    school.said().await
}

#[tokio::test]
async fn steps_that_die_anywhere_are_taken_once() {
    for (function, calls) in [("club-onboarding-remind", 8), ("club-onboarding-sweep", 13)] {
        for at in 0..calls {
            for mode in MODES {
                let mut said = walk(function, at, mode).await;
                // How many of these come before the keyword is another matter.
                said.retain(|line| !line.starts_with("keyword_"));
                let expected = [
                    "check_in_14",
                    "check_in_21",
                    "check_in_28",
                    "check_in_7",
                    "gift_offer",
                    "menu",
                    "ready",
                    "ready_1",
                    "ready_2",
                    "video",
                ];
                assert_eq!(said, expected, "{function} {mode:?} at {at}");
            }
        }
    }
}

#[tokio::test]
async fn a_keyword_that_dies_anywhere_moves_once() {
    for at in 0..3 {
        for mode in MODES {
            let school = School::open().await;
            school.world.engine.faults().crash(plan("test", at, mode));
            let now = school.world.now();
            let _ = heard(&school.world.app, MEMBER, "успех", &once(1, now), now).await;
            school.world.engine.faults().clear();
            // The queue brings the update again, and then the button.
            for _ in 0..2 {
                heard(&school.world.app, MEMBER, "успех", &once(1, now), now).await.unwrap();
            }
            assert_eq!(school.said().await, ["ready"], "{mode:?} at {at}");
            school.world.engine.faults().crash(plan("test", at, mode));
            let _ = pressed(&school.world.app, MEMBER, &once(2, now), now).await;
            school.world.engine.faults().clear();
            for _ in 0..2 {
                pressed(&school.world.app, MEMBER, &once(2, now), now).await.unwrap();
            }
            assert_eq!(school.said().await, ["menu", "ready"], "{mode:?} at {at}");
            school.check().await;
        }
    }
}
