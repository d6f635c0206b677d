//! The process dies at every call to the store; whoever tries again finds no harm done.

use std::sync::atomic::{AtomicUsize, Ordering};

use engine::tamper::{drop_conditions, drop_entries};
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
    Restore,
    Sync,
    Clean,
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
            Self::Sync => sync(),
            Self::Clean => cleanup(),
            // Part of the outbox's work: it runs under the name of the tests.
            Self::Restore => Function::schedule("test", "rate(1 minute)", |_, _| async { Ok(()) }),
        }
    }

    async fn perform(self, club: &Club, team: &Team) {
        let admin = |path: &str, body| {
            let request = Request::post(path, body).header("x-admin-secret", ADMIN);
            request.header("idempotency-key", "one")
        };
        let of_team = |what: &str| format!("/api/teams/{}/{what}", team.id);
        let request = match self {
            Self::Guard | Self::Sync | Self::Clean => {
                drop(club.world.tick(self.function()).await);
                return;
            }
            Self::Restore => {
                drop(restore(&club.world.app, 1, club.now()).await);
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
            Self::Leave | Self::Sync | Self::Clean => assert_eq!(count, 1),
            Self::Restore => assert!(club.member(1).await.is_team_leader && count == 2),
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
    let body = json!({ "city": CITY, "maxMembers": 3, "tgChatId": CHAT });
    let team = club.made(body).await;
    for tg_id in [1, 2, 5, 6, 7] {
        club.paid(tg_id).await;
    }
    club.puts(&team, 1, "leader").await;
    club.puts(&team, 2, "member").await;
    if matches!(work, Work::Guard | Work::Restore) {
        let over = Some(club.now() - days(1));
        club.world.put(&Member { subscription_expires: over, ..club.member(1).await }).await;
    }
    if matches!(work, Work::Restore) {
        club.world.tick(guard()).await.unwrap();
        let paid = Some(club.now() + days(9));
        club.world.put(&Member { subscription_expires: paid, ..club.member(1).await }).await;
    }
    if matches!(work, Work::Sync | Work::Clean) {
        club.pass(31 * 86_400);
        let paid = Some(club.now() + days(9));
        for tg_id in [1, 2, 5, 6, 7] {
            club.world
                .put(&Member { subscription_expires: paid, ..club.member(tg_id).await })
                .await;
        }
        club.bot.books().gone = vec![2];
    }
    (club, team)
}

async fn dies_anywhere(work: Work) {
    let caller = format!("local-{}", work.function().declaration().name);
    let calls = {
        let (club, team) = club(work).await;
        club.world.engine.faults().reset_counts();
        work.perform(&club, &team).await;
        let calls = club.world.engine.faults().seen(Some(&caller));
        work.is_done(&club, &team).await;
        club.check().await;
        calls
    };
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
    a_restoration_that_dies_anywhere_is_one: Restore,
    a_look_into_chats_that_dies_anywhere_goes_on: Sync,
    a_look_for_the_idle_that_dies_anywhere_goes_on: Clean,
}

/// Leaves out the `nth` entry of what is written; a lease and what is only asked of it do not
/// count. Was it noticed, and how many entries were there?
async fn left_out(work: Work, nth: usize) -> (bool, usize) {
    let (club, team) = club(work).await;
    let entries = Arc::new(AtomicUsize::new(0));
    let seen = Arc::clone(&entries);
    club.world.engine.tamper().with(move |_, operation, body| {
        drop_entries(operation, body, |pk| {
            !pk.starts_with("LEASE#") && seen.fetch_add(1, Ordering::Relaxed) == nth
        });
    });
    let checked = tokio::spawn(async move {
        work.perform(&club, &team).await;
        club.world.engine.tamper().stop();
        work.is_done(&club, &team).await;
        club.check().await;
    });
    (checked.await.is_err(), entries.load(Ordering::Relaxed))
}

#[tokio::test]
async fn no_entry_of_a_change_of_places_can_be_left_out() {
    use Work::{Distribute, Guard, Join, Lead, Leave, Put, Restore};
    for work in [Join, Put, Leave, Lead, Guard, Restore, Distribute] {
        let (mut nth, mut entries) = (0, 1);
        while nth < entries {
            let (noticed, found) = left_out(work, nth).await;
            assert!(noticed, "{work:?} without entry {nth}");
            (nth, entries) = (nth + 1, found.min(6));
        }
        assert!(entries >= 4, "{work:?}: {entries}");
        assert!(!left_out(work, usize::MAX).await.0, "{work:?} whole");
    }
}

#[tokio::test]
async fn what_was_true_when_it_was_read_is_no_reason() {
    for (partition, stale_team) in [("TEAM#", true), ("MEMBER#", false)] {
        for tampered in [false, true] {
            let (club, team) = club(Work::Join).await;
            let other = club.team(3).await;
            let member = club.member(6).await;
            // Meanwhile the team is filled, or the member is elsewhere.
            let taken = if stale_team { (5, &team) } else { (6, &other) };
            assert_eq!(club.puts(taken.1, taken.0, "member").await.status, 200);
            if tampered {
                club.world.engine.tamper().with(move |_, operation, body| {
                    drop_conditions(operation, body, |pk| pk.starts_with(partition));
                });
            }
            let team = Team { member_count: 2, leader_tg: Some(1), ..team };
            let table = club.world.table().clone();
            let now = club.now();
            let seat = places::take(&table, &team, &member, TeamRole::Member, &[], now).await;
            let seated = matches!(seat, Ok(places::Seat::Taken(_)));
            club.world.engine.tamper().stop();
            let noticed = tokio::spawn(async move { club.check().await }).await.is_err();
            assert_eq!((seated, noticed), (tampered, tampered), "{partition}");
        }
    }
}
