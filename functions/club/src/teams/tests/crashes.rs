//! The process dies at every call to the store; whoever tries again finds no harm done.

use engine::{CrashMode, CrashPlan};

use super::*;
use crate::subscriptions::guard;

const MODES: [CrashMode; 3] = [CrashMode::Before, CrashMode::After, CrashMode::LostAnswer];

#[derive(Clone, Copy, Debug)]
enum Work {
    Join,
    Put,
    Leave,
    Lead,
    Make,
    Distribute,
    Guard,
    Report,
}

impl Work {
    fn function(self) -> Function<App> {
        match self {
            Self::Join => decade_join(),
            Self::Put => join(),
            Self::Leave => leave(),
            Self::Lead => replace_leader(),
            Self::Make => create(),
            Self::Distribute => distribute(),
            Self::Guard => guard(),
            Self::Report => report(),
        }
    }

    async fn perform(self, club: &Club, team: &Team) {
        let admin = |path: &str, body| {
            let request = Request::post(path, body).header("x-admin-secret", ADMIN);
            request.header("idempotency-key", "one")
        };
        let of_team = |what: &str| format!("/api/teams/{}/{what}", team.id);
        let request = match self {
            Self::Guard => {
                drop(club.world.tick(guard()).await);
                return;
            }
            Self::Join => club.by(5, Request::post("/api/v1/decades/join", json!({}))).await,
            Self::Report => {
                let body = json!({ "status": "green" });
                club.by(1, Request::post("/api/v1/decades/report", body)).await
            }
            Self::Put => admin(&of_team("join"), json!({ "userId": 5 })),
            Self::Leave => admin("/api/teams/leave", json!({ "userId": 1 })),
            Self::Lead => admin(&of_team("replace-leader"), json!({ "userId": 2 })),
            Self::Make => admin("/api/teams", json!({ "city": CITY, "leaderUserId": 5 })),
            Self::Distribute => admin("/api/teams/distribute", json!({})),
        };
        let instance = club.world.start(self.function()).await;
        drop(club.world.send(&instance, request).await);
    }

    /// What is so once it is done, however often it was tried.
    async fn is_done(self, club: &Club, team: &Team) {
        let count = club.team_now(&team.id).await.member_count;
        match self {
            Self::Join | Self::Put => assert_eq!(count, 3),
            Self::Leave => assert_eq!(count, 1),
            Self::Lead => {
                assert!(
                    club.member(2).await.is_team_leader && !club.member(1).await.is_team_leader
                );
            }
            Self::Make => {
                assert_eq!(club.all::<Team>().await.len(), 2);
                assert!(club.member(5).await.is_team_leader);
            }
            Self::Distribute => assert_eq!(club.all::<Membership>().await.len(), 5),
            Self::Guard => assert_eq!(club.asked("closed").await.len(), 1),
            Self::Report => assert_eq!(club.world.items("LeaderReport").await.len(), 1),
        }
    }
}

/// A team of two, and three who wait; for the guard, one who is over.
async fn club(work: Work) -> (Club, Team) {
    let club = Club::open().await;
    let team = club.team(3).await;
    for tg_id in [1, 2, 5, 6, 7] {
        club.paid(tg_id).await;
    }
    club.puts(&team, 1, "leader").await;
    club.puts(&team, 2, "member").await;
    if matches!(work, Work::Guard) {
        let over = Some(club.now() - days(1));
        club.world.put(&Member { subscription_expires: over, ..club.member(1).await }).await;
    }
    (club, team)
}

async fn dies_anywhere(work: Work) {
    let caller = format!("local-{}", work.function().declaration().name);
    let (calls, done) = {
        let (club, team) = club(work).await;
        club.world.engine.faults().reset_counts();
        work.perform(&club, &team).await;
        work.is_done(&club, &team).await;
        club.check().await;
        (club.world.engine.faults().seen(Some(&caller)), team)
    };
    drop(done);
    assert!(calls >= 2, "{work:?}: {calls}");
    for at in 0..calls {
        for mode in MODES {
            let (club, team) = club(work).await;
            club.world.engine.faults().crash(CrashPlan { caller: Some(caller.clone()), at, mode });
            work.perform(&club, &team).await;
            assert!(club.world.engine.faults().crashed(), "{work:?} {mode:?} at {at}");
            club.world.engine.faults().clear();
            club.check().await;
            // A lease of a run that died ends by itself.
            club.pass(120);
            work.perform(&club, &team).await;
            work.is_done(&club, &team).await;
            club.check().await;
        }
    }
}

macro_rules! dies {
    ($($name:ident: $work:ident,)*) => {
        $(#[tokio::test] async fn $name() { dies_anywhere(Work::$work).await; })*
    };
}

dies! {
    a_join_that_dies_anywhere_is_one: Join,
    a_place_by_hand_that_dies_anywhere_is_one: Put,
    a_leave_that_dies_anywhere_is_one: Leave,
    a_new_leader_who_dies_anywhere_is_one: Lead,
    a_founding_that_dies_anywhere_is_one: Make,
    a_distribution_that_dies_anywhere_seats_each_once: Distribute,
    a_guard_that_dies_anywhere_closes_each_place_once: Guard,
    a_report_that_dies_anywhere_is_one: Report,
}
