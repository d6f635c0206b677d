//! The process dies at every call to the store, or the store fails it; the next run heals it.

use engine::{CrashMode, CrashPlan, Fault, FaultKind, Target, When};

use super::*;
use crate::admin;
use crate::testing::ADMIN_JOBS;

const MODES: [CrashMode; 3] = [CrashMode::Before, CrashMode::After, CrashMode::LostAnswer];
const KINDS: [FaultKind; 3] = [FaultKind::Throttle, FaultKind::LostAnswer, FaultKind::Error];
const GUARD: &str = "club-subscriptions-guard";
const REMIND: &str = "club-subscriptions-remind";
const CLOSED: &str = "closed";
const REMINDED: &str = "renewal_reminder";

/// What makes a job.
type Job = fn() -> Function<App>;

/// A club with three members who are over and three who are to be reminded.
async fn club() -> Club {
    let club = Club::at_nine().await;
    let now = club.world.now();
    for tg_id in 1..=3 {
        let over = Member { is_team_leader: true, ..club.plan(tg_id, now - days(1)) };
        club.world.put(&over).await;
        club.ending(tg_id + 3, now + days(1)).await;
    }
    club
}

/// How many calls a run makes where nothing fails.
async fn calls(function: Job, name: &str) -> u64 {
    let club = club().await;
    club.world.engine.faults().reset_counts();
    club.world.tick(function()).await.unwrap();
    club.world.engine.faults().seen(Some(&format!("local-{name}")))
}

/// Whom a message must have told.
async fn whom(club: &Club, message: &str) -> Vec<i64> {
    club.told(message).await.into_iter().map(|(tg_id, _)| tg_id).collect()
}

async fn heals(function: Job, name: &str, message: &str, told: [i64; 3]) {
    let calls = calls(function, name).await;
    assert!(calls >= 9, "{calls}");
    for at in 0..calls {
        for mode in MODES {
            let club = club().await;
            let caller = Some(format!("local-{name}"));
            club.world.engine.faults().crash(CrashPlan { caller, at, mode });
            let _ = club.world.tick(function()).await;
            assert!(club.world.engine.faults().crashed(), "{mode:?} at {at}");
            club.world.engine.faults().clear();
            check_invariants(&club).await;
            // The lease of a run that died ends by itself.
            club.world.pass(Duration::from_secs(120));
            let ran = club.world.tick(function()).await.unwrap();
            let clean = (&ran["lease_held"], &ran["failed"], &ran["complete"]);
            assert_eq!(clean, (&json!(false), &json!(0), &json!(true)), "{mode:?} at {at}");
            assert_eq!(whom(&club, message).await, told, "{mode:?} at {at}");
            check_invariants(&club).await;
        }
    }
}

#[tokio::test]
async fn a_guard_that_dies_anywhere_closes_each_member_once() {
    heals(guard, GUARD, CLOSED, [1, 2, 3]).await;
}

#[tokio::test]
async fn reminders_that_die_anywhere_tell_each_member_once() {
    heals(remind, REMIND, REMINDED, [4, 5, 6]).await;
}

#[tokio::test]
async fn a_store_that_fails_any_call_once_changes_nothing_for_good() {
    let jobs: [(Job, &str, &str, [i64; 3]); 2] =
        [(guard, GUARD, CLOSED, [1, 2, 3]), (remind, REMIND, REMINDED, [4, 5, 6])];
    for (function, name, message, told) in jobs {
        for kind in KINDS {
            for nth in 0..calls(function, name).await {
                let club = club().await;
                let fault = Fault::new(Target::Dynamodb, kind)
                    .when(When::Calls(vec![nth]))
                    .caller(&format!("local-{name}"));
                club.world.engine.faults().inject(fault);
                let _ = club.world.tick(function()).await;
                club.world.engine.faults().clear();
                check_invariants(&club).await;
                club.world.pass(Duration::from_secs(120));
                let ran = club.world.tick(function()).await.unwrap();
                assert_eq!(ran["complete"], true, "{kind:?} at {nth}: {ran}");
                assert_eq!(whom(&club, message).await, told, "{kind:?} at {nth}");
                check_invariants(&club).await;
            }
        }
    }
}

#[tokio::test]
async fn a_store_that_is_down_leaves_everything_to_a_run_that_follows() {
    let jobs: [(Job, &str); 2] = [(guard, CLOSED), (remind, REMINDED)];
    for (function, message) in jobs {
        let club = club().await;
        let fault = Fault::new(Target::Dynamodb, FaultKind::Conflict);
        club.world.engine.faults().inject(fault.operation("TransactWriteItems"));
        let ran = club.world.tick(function()).await.unwrap();
        assert_eq!((&ran["failed"], &ran["complete"]), (&json!(3), &json!(false)), "{ran}");
        club.world.engine.faults().clear();
        assert_eq!(whom(&club, message).await.len(), 0);
        check_invariants(&club).await;
        assert_eq!(club.world.deliver(admin::go_on(), ADMIN_JOBS).await, (0, 0), "not at once");
        club.world.pass(Duration::from_secs(60));
        assert_eq!(club.world.deliver(admin::go_on(), ADMIN_JOBS).await, (1, 0));
        assert_eq!(whom(&club, message).await.len(), 3);
        assert_eq!(club.world.tick(function()).await.unwrap()["complete"], true);
        assert_eq!(club.world.depth(ADMIN_JOBS), 0);
    }
}
