//! Places for all who wait.

use super::super::distribution::{self, Bounds};
use super::*;
use shared::lease::Lease;

/// So many members wait, registered in the order of their ids.
async fn wait(club: &Club, count: i64) {
    for tg_id in 1..=count {
        let member = Member {
            created_at: club.now() + jiff::SignedDuration::from_secs(tg_id),
            ..club.plan(tg_id, CITY)
        };
        club.world.put(&member).await;
    }
}

#[tokio::test]
async fn twenty_five_have_places_in_three_teams_and_again_nobody() {
    let club = Club::open().await;
    wait(&club, 25).await;
    let done = club.distributes().await;
    assert_eq!((&done["teamsCreated"], &done["usersAssigned"]), (&json!(3), &json!(25)));
    assert_eq!((&done["usersDistributed"], &done["remaining"]), (&json!(25), &json!(0)));
    let mut teams = club.all::<Team>().await;
    teams.sort_by_key(|team| team.number);
    let sizes: Vec<_> = teams.iter().map(|team| (team.number, team.member_count)).collect();
    assert_eq!(sizes, [(1, 10), (2, 10), (3, 5)]);
    assert!(teams.iter().all(|team| team.needs_leader && team.leader_tg.is_none()));
    // By registration: the first ten are in the first team.
    for tg_id in 1..=25 {
        let number = (tg_id - 1) / 10;
        let team = &teams[usize::try_from(number).unwrap()];
        assert_eq!(club.member(tg_id).await.team_id.as_ref(), Some(&team.id), "{tg_id}");
    }
    club.check().await;
    let again = club.distributes().await;
    assert_eq!((&again["usersAssigned"], &again["teamsCreated"]), (&json!(0), &json!(0)));
    club.check().await;
}

#[tokio::test]
async fn open_teams_are_filled_by_number_before_new_ones() {
    let club = Club::open().await;
    let (first, second) = (club.team(2).await, club.team(3).await);
    club.paid(100).await;
    club.puts(&first, 100, "leader").await;
    wait(&club, 5).await;
    let done = club.distributes().await;
    assert_eq!((&done["teamsCreated"], &done["usersAssigned"]), (&json!(1), &json!(5)));
    assert_eq!(club.team_now(&first.id).await.member_count, 2);
    assert_eq!(club.team_now(&second.id).await.member_count, 3);
    club.check().await;
}

#[tokio::test]
async fn who_does_not_wait_has_no_place() {
    let club = Club::open().await;
    let now = club.now();
    club.world.put(&Member { subscription_expires: Some(now), ..club.plan(1, CITY) }).await;
    club.world.put(&Member { city: None, city_key: None, ..club.plan(2, CITY) }).await;
    club.paid(3).await;
    assert_eq!(club.distributes().await["usersAssigned"], 1);
    assert_eq!((club.member(1).await.team_id, club.member(2).await.team_id), (None, None));
    club.check().await;
}

#[tokio::test]
async fn a_run_that_stops_leaves_the_rest_to_the_next() {
    let club = Club::open().await;
    wait(&club, 25).await;
    let (table, now) = (club.world.table(), club.now());
    let run = async |assignments| {
        let lease = Lease::acquire(table, "teams_distribute", now, now + days(1)).await.unwrap();
        let bounds = Bounds { assignments, time: Duration::from_secs(600) };
        let done = distribution::distribute(table, &lease, bounds, now).await.unwrap();
        lease.release(table, now).await.unwrap();
        (done.users_assigned, done.teams_created, done.remaining)
    };
    assert_eq!(run(7).await, (7, 1, 18));
    club.check().await;
    assert_eq!(run(7).await, (7, 1, 11));
    assert_eq!(run(1_000).await, (11, 1, 0));
    assert_eq!(run(1_000).await, (0, 0, 0));
    let sizes: Vec<u32> = club.all::<Team>().await.iter().map(|team| team.member_count).collect();
    assert_eq!(sizes.iter().sum::<u32>(), 25);
    club.check().await;
}

#[tokio::test]
async fn time_ends_a_run_too_and_two_runs_are_one_too_many() {
    let club = Club::open().await;
    wait(&club, 3).await;
    let (table, now) = (club.world.table(), club.now());
    let lease = Lease::acquire(table, "teams_distribute", now, now + days(1)).await.unwrap();
    let bounds = Bounds { assignments: 10, time: Duration::ZERO };
    let done = distribution::distribute(table, &lease, bounds, now).await.unwrap();
    assert_eq!((done.users_assigned, done.remaining), (0, 3));
    let reply = club.office(distribute(), "/api/teams/distribute", json!({})).await;
    assert_eq!((reply.status.as_u16(), &reply.body["code"]), (409, &json!("lease_held")));
    // Whoever was overtaken writes nothing.
    lease.clone().release(table, now).await.unwrap();
    let other = Lease::acquire(table, "teams_distribute", now, now + days(1)).await.unwrap();
    let bounds = Bounds { assignments: 10, time: Duration::from_secs(600) };
    let overtaken = distribution::distribute(table, &lease, bounds, now).await.unwrap_err();
    assert_eq!(overtaken.code(), "lease_lost");
    assert_eq!(club.all::<Membership>().await.len(), 0);
    other.release(table, now).await.unwrap();
    club.check().await;
}

#[tokio::test]
async fn a_change_of_the_profile_or_of_the_subscription_lets_wait() {
    let club = Club::open().await;
    let paid =
        Member { subscription_expires: Some(club.now() + days(9)), ..club.world.member(1).await };
    club.world.put(&paid).await;
    club.check().await;
    assert_eq!(club.distributes().await["usersAssigned"], 0);
    let body = json!({ "city": "Казань" });
    let request = Request::post("/api/v1/users/me", body).method(Method::PATCH);
    let request = club.by(1, request).await;
    assert_eq!(club.call(crate::auth::update(), request).await.status, 200);
    club.check().await;
    club.world.put(&Member { subscription_expires: None, ..club.plan(2, "Казань") }).await;
    let body = json!({ "telegram_id": 2, "days": 5 });
    let path = "/api/admin/grant-subscription";
    assert_eq!(club.office(crate::admin::grant(), path, body).await.status, 200);
    club.check().await;
    assert_eq!(club.distributes().await["usersAssigned"], 2);
    club.check().await;
}
