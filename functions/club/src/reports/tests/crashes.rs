//! The process dies at every call to the store; the same request, sent again, heals it.

use engine::{CrashMode, CrashPlan};

use super::*;

const MODES: [CrashMode; 3] = [CrashMode::Before, CrashMode::After, CrashMode::LostAnswer];

fn plan(function: &str, at: u64, mode: CrashMode) -> CrashPlan {
    CrashPlan { caller: Some(format!("local-{function}")), at, mode }
}

#[tokio::test]
async fn a_submission_that_dies_anywhere_earns_once() {
    for mode in MODES {
        for at in 0.. {
            let club = Club::open().await;
            club.world.engine.faults().crash(plan("club-reports-submit", at, mode));
            let reply = club.submits(ANNA, "x").await;
            let crashed = club.world.engine.faults().crashed();
            club.world.engine.faults().clear();
            assert!([200, 503].contains(&reply.status.as_u16()), "{}", reply.body);
            club.check_invariants().await;
            let again = club.submits(ANNA, "x").await;
            assert!(
                [200, 409].contains(&again.status.as_u16()),
                "{mode:?} at {at}: {}",
                again.body
            );
            assert_eq!(club.balance(ANNA).await, 100, "{mode:?} at {at}");
            assert_eq!(club.world.items("WeeklyReport").await.len(), 1);
            club.check_invariants().await;
            if !crashed {
                assert!(at >= 2, "nothing was killed");
                break;
            }
        }
    }
}

#[tokio::test]
async fn a_deletion_that_dies_anywhere_gives_back_once() {
    for mode in MODES {
        for at in 0.. {
            let club = Club::open().await;
            let id = club.report(ANNA).await;
            let more = energies::Award::payment("x");
            energies::award(club.world.table(), ANNA, &more, club.world.now()).await.unwrap();
            club.world.engine.faults().crash(plan("club-reports-delete", at, mode));
            let reply = club.deletes(ANNA, &id).await;
            let crashed = club.world.engine.faults().crashed();
            club.world.engine.faults().clear();
            assert!([200, 503].contains(&reply.status.as_u16()), "{}", reply.body);
            let again = club.deletes(ANNA, &id).await;
            assert_eq!(again.body["energiesReturned"], 100, "{mode:?} at {at}: {}", again.body);
            assert_eq!(club.balance(ANNA).await, 500, "{mode:?} at {at}");
            assert_eq!(club.world.items("WeeklyReport").await.len(), 0);
            if !crashed {
                assert!(at >= 2, "nothing was killed");
                break;
            }
        }
    }
}
