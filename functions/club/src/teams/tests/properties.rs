//! Counters never drift, whatever is done at once.

use proptest::prelude::*;

use super::*;
use crate::subscriptions::guard;

#[derive(Clone, Copy, Debug)]
enum Step {
    Joins(i64),
    Leaves(i64),
    Put(i64, usize, &'static str),
    Leads(i64, usize),
    Ends(i64),
    Restores(i64),
    Distributes,
}

const MEMBERS: i64 = 8;
const TEAMS: usize = 3;

fn step() -> impl Strategy<Value = Step> {
    let (member, team) = (1..=MEMBERS, 0..TEAMS);
    let role = prop_oneof![Just("member"), Just("leader"), Just("ambassador")];
    prop_oneof![
        member.clone().prop_map(Step::Joins),
        member.clone().prop_map(Step::Leaves),
        (member.clone(), team.clone(), role).prop_map(|(id, team, role)| Step::Put(id, team, role)),
        (member.clone(), team).prop_map(|(id, team)| Step::Leads(id, team)),
        member.clone().prop_map(Step::Ends),
        member.prop_map(Step::Restores),
        Just(Step::Distributes),
    ]
}

async fn perform(club: Arc<Club>, teams: Arc<Vec<Team>>, step: Step) {
    match step {
        Step::Joins(id) => drop(places::join(club.world.table(), id, club.now()).await),
        Step::Leaves(id) => drop(club.leaves(id).await),
        Step::Put(id, team, role) => drop(club.puts(&teams[team], id, role).await),
        Step::Leads(id, team) => drop(club.leads(&teams[team], id).await),
        Step::Ends(id) => {
            let (over, member) = (club.now() - days(2), club.member(id).await);
            let change = crate::auth::change(&member, club.now());
            let ended = crate::subscriptions::set_expiry(change, &member, over, club.now());
            // Where the member has changed meanwhile, this time nothing ends.
            drop(club.world.table().write(ended).await);
            drop(club.world.tick(guard()).await);
        }
        Step::Restores(id) => {
            let body = json!({ "telegram_id": id, "days": 30 });
            drop(club.office(crate::admin::grant(), "/api/admin/grant-subscription", body).await);
            drop(restore(&club.world.app, id, club.now()).await);
        }
        Step::Distributes => {
            drop(club.office(distribute(), "/api/teams/distribute", json!({})).await);
        }
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 12, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn counters_never_drift(rounds in prop::collection::vec(prop::collection::vec(step(), 1..6), 1..8)) {
        let runtime = tokio::runtime::Builder::new_multi_thread()
            .worker_threads(3)
            .enable_all()
            .build()
            .unwrap();
        runtime.block_on(async {
            let club = Arc::new(Club::open().await);
            let mut teams = Vec::new();
            for _ in 0..TEAMS {
                teams.push(club.team(2).await);
            }
            let teams = Arc::new(teams);
            for id in 1..=MEMBERS {
                club.paid(id).await;
            }
            for round in rounds {
                let mut work = tokio::task::JoinSet::new();
                for step in round {
                    work.spawn(perform(Arc::clone(&club), Arc::clone(&teams), step));
                }
                work.join_all().await;
                club.check().await;
            }
        });
    }
}
