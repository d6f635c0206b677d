//! The price of teams and of their view as decades; rows of the table of [`crate::cost`].

use serde_json::{Value, json};
use tests::{Member, Table, World, local};

use crate::cost_community::{done, looked_at, office, reads, settled};

const CITY: &str = "Казань";

/// The rows of teams, on a Friday, when leaders report.
pub async fn rows(table: &mut Table) {
    let world = local!("CLOCK" => "2026-01-23T12:00:00Z", "RATE_API" => "10000/60");
    let (anna, boris) = (settled(&world, 42, CITY).await, settled(&world, 43, CITY).await);
    let made = office(&world, "POST", "/api/teams", &json!({ "city": CITY })).key("cost").await;
    let team = done(table, "POST teams", &made)["team"]["id"].as_str().unwrap().to_owned();
    let allowed = office(&world, "PUT", "/api/admin/leaders/42", &json!({ "canLead": true })).await;
    done(table, "admin/leaders/{telegram_id}", &allowed);
    members(table, &world, (&anna, &boris), &team).await;
    views(table, &world, &anna, &team).await;
    changes(table, &world, &team).await;
    many(table).await;
}

async fn decade(table: &mut Table, member: &Member, name: &str, body: &Value) {
    let told = member.post(&format!("/api/v1/decades/{name}"), body).await;
    done(table, &format!("decades/{name}"), &told);
}

async fn members(table: &mut Table, world: &World, who: (&Member, &Member), team: &str) {
    let (anna, boris) = who;
    let path = format!("/api/teams/{team}/join");
    let leader = json!({ "userId": anna.uuid, "role": "leader" });
    let put = office(world, "POST", &path, &leader).await;
    done(table, "teams/{id}/join, as the leader", &put);
    for name in ["cities", "can-create"] {
        decade(table, boris, name, &json!({})).await;
    }
    let join = || boris.post("/api/v1/decades/join", &json!({}));
    let joined = join().await;
    assert_eq!(done(table, "decades/join", &joined)["success"], true);
    let cost = joined.cost().unwrap();
    assert!(cost.items <= 4, "{cost:?}");
    let again = join().await;
    again.is(200);
    table.http("decades/join, who is in already", &again);
    decade(table, boris, "my", &json!({})).await;
    decade(table, anna, "report-status", &json!({})).await;
    decade(table, anna, "report", &json!({ "status": "green" })).await;
}

async fn views(table: &mut Table, world: &World, anna: &Member, team: &str) {
    let all = [
        ("/api/teams/my", ""),
        ("/api/teams", ""),
        ("/api/teams/stats", ""),
        ("/api/teams/{id}", team),
        ("/api/teams/{id}/members", team),
    ];
    reads(table, anna, &all).await;
    let all = [
        ("/api/v1/decades/admin/all", ""),
        ("/api/v1/decades/admin/stats", ""),
        ("/api/v1/decades/admin/reports", ""),
        ("/api/v1/decades/admin/members/{id}", team),
    ];
    looked_at(table, world, &all).await;
}

async fn changes(table: &mut Table, world: &World, team: &str) {
    let path = format!("/api/teams/{team}/replace-leader");
    let replaced = office(world, "POST", &path, &json!({ "userId": 43 })).await;
    done(table, "teams/{id}/replace-leader", &replaced);
    let left = office(world, "POST", "/api/teams/leave", &json!({ "userId": 42 })).await;
    done(table, "teams/leave", &left);
    let path = format!("/api/teams/{team}/join");
    let put = office(world, "POST", &path, &json!({ "userId": 42, "role": "member" })).await;
    done(table, "teams/{id}/join, as a member", &put);
    for job in ["club-teams-sync", "club-teams-cleanup"] {
        world.run(job).await;
        table.job(world, job, "one team, nothing to mend").await;
    }
}

/// What takes everybody at once.
async fn many(table: &mut Table) {
    let world = local!();
    for tg_id in 1..=25 {
        settled(&world, tg_id, CITY).await;
    }
    let distribute = || office(&world, "POST", "/api/teams/distribute", &json!({}));
    let told = done(table, "teams/distribute, twenty-five", &distribute().await);
    assert_eq!(told["usersAssigned"], 25);
    done(table, "teams/distribute, nobody", &distribute().await);
    world.publish().await;
    table.job(&world, "club-ratings-publish", "25 members, three teams").await;
    world.run("club-ratings-reconcile").await;
    table.job(&world, "club-ratings-reconcile", "25 members").await;
}
