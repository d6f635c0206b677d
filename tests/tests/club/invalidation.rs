//! What each action makes fresh, and what it leaves alone (§14): action by action, the routes whose
//! validators must change with its commit, and some that must not.

use std::collections::BTreeMap;
use std::pin::Pin;

use serde_json::json;
use tests::{Member, World, local};

use crate::tag;

/// Routes that show nothing of what the actions below change.
const OTHERS: [&str; 3] = [CITIES, TEAMS, GIFTS];
const ME: &str = "/api/v1/users/me";
const AUTH_ME: &str = "/api/v1/auth/me";
const BALANCE: &str = "/api/v1/energies/balance";
const HISTORY: &str = "/api/v1/energies/history";
const GIFTS: &str = "/api/v1/gifts/my";
const CITIES: &str = "/api/v1/ratings/cities";
const TEAMS: &str = "/api/v1/ratings/teams";
const PERSONAL: &str = "/api/v1/ratings/personal";
const POSITION: &str = "/api/v1/ratings/user-position";
const ALL_DATA: &str = "/api/v1/ratings/all-data";
const LEADERBOARD: &str = "/api/v1/gamification/leaderboard";
/// Everything of the member's own that goes with the member's version.
const OWN: [&str; 7] = [ME, AUTH_ME, BALANCE, HISTORY, PERSONAL, POSITION, ALL_DATA];

/// The people of a row.
struct Scene {
    world: World,
    anna: Member,
    boris: Member,
}

type Act = for<'a> fn(&'a Scene) -> Pin<Box<dyn Future<Output = ()> + 'a>>;

/// An action, and what must be fresh for Anna, who acts, once it is committed.
struct Row {
    name: &'static str,
    act: Act,
    fresh: &'static [&'static str],
    same: &'static [&'static str],
}

const ROWS: [Row; 5] = [
    Row {
        name: "user.update",
        act: |scene| Box::pin(async { scene.anna.moves_to("Тула").await }),
        fresh: &OWN,
        same: &OTHERS,
    },
    Row {
        name: "user.subscription.change and energy_points.change",
        act: |scene| Box::pin(async { _ = scene.anna.pays().await }),
        fresh: &OWN,
        same: &OTHERS,
    },
    Row {
        name: "energy_points.change by an administrator",
        act: |scene| Box::pin(async { award(scene).await }),
        fresh: &OWN,
        same: &OTHERS,
    },
    Row {
        name: "ratings.publish",
        act: |scene| Box::pin(async { publish(scene).await }),
        fresh: &[CITIES, TEAMS, PERSONAL, POSITION, ALL_DATA, LEADERBOARD],
        same: &[ME, AUTH_ME, BALANCE, HISTORY, GIFTS],
    },
    Row {
        name: "an action of somebody else's",
        act: |scene| Box::pin(async { _ = scene.boris.pays().await }),
        fresh: &[],
        same: &[ME, AUTH_ME, BALANCE, HISTORY, GIFTS, CITIES, TEAMS, PERSONAL, POSITION, ALL_DATA],
    },
];

async fn award(scene: &Scene) {
    let body = json!({"userId": scene.anna.id(), "amount": 7, "reason": "За помощь"});
    let secret = scene.world.secret("ADMIN_SECRET");
    let call = scene.world.post("/api/v1/energies/award", &body);
    call.header("x-admin-secret", secret).await.is(200);
}

async fn publish(scene: &Scene) {
    scene.world.advance(1).await;
    scene.world.publish().await;
}

/// The validators of these routes, as Anna sees them.
async fn tags(scene: &Scene, routes: &[&'static str]) -> BTreeMap<&'static str, String> {
    let mut tags = BTreeMap::new();
    for route in routes {
        tags.insert(*route, tag(&scene.anna.get(route).await));
    }
    tags
}

#[tokio::test(flavor = "multi_thread")]
async fn a03_p22_actions_make_fresh_what_they_change_and_nothing_else() {
    let world = local!();
    let (anna, boris) = (world.member(42, "Анна").await, world.member(43, "Борис").await);
    anna.pays().await;
    let scene = Scene { world, anna, boris };
    publish(&scene).await;
    for row in &ROWS {
        scene.world.idle().await;
        let routes: Vec<&str> = row.fresh.iter().chain(row.same).copied().collect();
        let before = tags(&scene, &routes).await;
        (row.act)(&scene).await;
        scene.world.idle().await;
        for (route, old) in &before {
            let answer = scene.anna.get(route).header("if-none-match", old).await;
            let status = if row.fresh.contains(route) { 200 } else { 304 };
            assert_eq!(answer.status, status, "{}: {route}", row.name);
        }
    }
}
