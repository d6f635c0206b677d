//! The columns of the matrix: every route of the club whose answers have validators, and what those
//! are made of.

use std::collections::BTreeSet;

use club::App;
use serde_json::Value;
use shared::function::{Access, Function};

use super::scene::{Scene, Who};

/// What a validator depends on.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Dep {
    /// The version of who looks.
    Own,
    /// The version of Anna, whom everybody looks at.
    Anna,
    /// Whether who looks is paid.
    Paid,
    /// The version of the team of who looks.
    OwnTeam,
    /// The versions of the first team and of who looks, for strangers; what is shown, for members.
    FirstTeam,
    /// The courses, meditations, streams and achievements.
    Content,
    /// How often streams were watched.
    Views,
    /// The catalogue.
    Shop,
    /// The list of teams.
    Teams,
    /// The published generation.
    Ratings,
    /// What the answer shows, whatever that is made of: fresh exactly when it is another.
    Shown,
}

/// A cached route.
#[derive(Clone, Copy, Debug)]
pub struct Column {
    /// As it is declared.
    pub route: &'static str,
    /// What is asked for; `:anna`, `:team`, `:own-team` and `:report` stand for ids.
    path: &'static str,
    pub deps: &'static [Dep],
}

impl Column {
    /// The path as this one asks for it.
    pub fn path(&self, scene: &Scene, who: Who) -> String {
        self.path
            .replace(":anna", &scene.anna().uuid)
            .replace(":own-team", scene.team_of(who))
            .replace(":team", scene.team_of(Who::Anna))
            .replace(":report", scene.report_of(who))
    }

    /// May somebody without a credential ask?
    pub fn is_open(&self) -> bool {
        cached().iter().any(|(route, access)| {
            *route == self.route && matches!(access, Access::Anyone | Access::Public)
        })
    }

    /// Is a body such as this one kept by the process that built it? What members see of their team
    /// is not: its validator is the hash of the body.
    pub fn is_kept(&self, body: &Value) -> bool {
        match self.route {
            "/api/teams/{id}/members" => false,
            "/api/teams/{id}" => body["team"]["userRole"].is_null(),
            _ => true,
        }
    }
}

const fn column(route: &'static str, path: &'static str, deps: &'static [Dep]) -> Column {
    Column { route, path, deps }
}

/// The same, of a route without parameters.
const fn plain(route: &'static str, deps: &'static [Dep]) -> Column {
    Column { route, path: route, deps }
}

use Dep::{Anna, Content, FirstTeam, Own, OwnTeam, Paid, Ratings, Shop, Shown, Teams, Views};

pub const COLUMNS: &[Column] = &[
    plain("/api/v1/auth/me", &[Own, Paid]),
    plain("/api/v1/users/me", &[Own, Paid]),
    column("/api/v1/users/{id}", "/api/v1/users/:anna", &[Anna]),
    plain("/api/v1/gifts/my", &[Shown]),
    plain("/api/v1/energies/balance", &[Own]),
    plain("/api/v1/energies/history", &[Own]),
    plain("/api/v1/energies/weekly-progress", &[Own, Shown]),
    plain("/api/v1/ratings/cities", &[Ratings]),
    plain("/api/v1/ratings/teams", &[Ratings]),
    plain("/api/v1/ratings/personal", &[Own, Ratings]),
    plain("/api/v1/ratings/user-position", &[Own, Ratings]),
    plain("/api/v1/ratings/all-data", &[Own, Ratings]),
    plain("/api/v1/gamification/leaderboard", &[Ratings]),
    plain("/api/v1/gamification/stats", &[Own]),
    plain("/api/v1/gamification/xp-history", &[Own]),
    plain("/api/v1/gamification/achievements", &[Own, Content]),
    plain("/api/teams/my", &[Own, OwnTeam]),
    plain("/api/teams", &[Teams]),
    plain("/api/teams/stats", &[Teams]),
    column("/api/teams/{id}", "/api/teams/:team", &[FirstTeam]),
    column("/api/teams/{id}/members", "/api/teams/:own-team/members", &[Shown]),
    plain("/api/reports/my", &[Own]),
    plain("/api/reports/user", &[Own]),
    plain("/api/reports/current", &[Own]),
    column("/api/reports/week", "/api/reports/week?weekNumber=4&year=2026", &[Own]),
    column("/api/reports/{id}", "/api/reports/:report", &[Own]),
    plain("/api/reports/stats/my", &[Own]),
    plain("/api/reports/stats", &[Own]),
    plain("/api/v1/shop/items", &[Shop]),
    plain("/api/v1/shop/items/by-category", &[Shop]),
    column("/api/v1/shop/items/{id}", "/api/v1/shop/items/tea", &[Shop]),
    plain("/api/v1/shop/purchases", &[Own]),
    plain("/api/v1/shop/purchases/unused", &[Own]),
    plain("/api/v1/shop/stats", &[Own]),
    plain("/api/v1/shop/balance", &[Own]),
    column("/api/v1/shop/purchased/{itemId}", "/api/v1/shop/purchased/tea", &[Own, Shown]),
    plain("/api/v1/courses", &[Own, Content, Paid]),
    plain("/api/v1/courses/favorites/list", &[Own, Content, Paid]),
    column("/api/v1/courses/{id}", "/api/v1/courses/sleep", &[Own, Content, Paid]),
    plain("/api/v1/content/items", &[Content]),
    column("/api/v1/content/items/{id}", "/api/v1/content/items/voice", &[Content]),
    plain("/api/v1/content/month-program", &[Content]),
    column("/api/v1/content/{itemId}/sections", "/api/v1/content/voice/sections", &[Content]),
    column(
        "/api/v1/content/sections/{id}/videos",
        "/api/v1/content/sections/one/videos",
        &[Content, Paid],
    ),
    column("/api/v1/content/{itemId}/videos", "/api/v1/content/voice/videos", &[Content, Paid]),
    column("/api/v1/content/videos/{id}", "/api/v1/content/videos/posture", &[Content, Paid]),
    column(
        "/api/v1/content/practices/{id}/content",
        "/api/v1/content/practices/breath/content",
        &[Content, Paid],
    ),
    plain("/api/v1/content/progress", &[Own]),
    plain("/api/v1/content/progress/stats", &[Own]),
    plain("/api/v1/meditations", &[Content, Paid]),
    column("/api/v1/meditations/{id}", "/api/v1/meditations/morning", &[Content, Paid]),
    plain("/api/v1/meditations/history/list", &[Own]),
    plain("/api/v1/meditations/stats/summary", &[Own]),
    plain("/api/streams", &[Content, Views, Paid, Shown]),
    plain("/api/streams/upcoming", &[Content, Views, Paid, Shown]),
    plain("/api/streams/next", &[Content, Views, Paid, Shown]),
    column("/api/streams/{id}", "/api/streams/one", &[Content, Paid, Shown]),
    plain("/api/streams/attendance/my", &[Own]),
    plain("/api/streams/attendance/stats", &[Own]),
    column("/api/streams/attendance", "/api/streams/attendance?streamId=one", &[Own]),
    plain("/", &[]),
    plain("/openapi.json", &[]),
];

/// Every route that declares a cache class, and who may call it.
pub fn cached() -> Vec<(&'static str, Access)> {
    let functions: Vec<Function<App>> = club::functions();
    let endpoints = functions.iter().filter_map(|function| function.declaration().endpoint());
    endpoints
        .filter(|endpoint| endpoint.cache.is_some())
        .map(|endpoint| (endpoint.path, endpoint.access))
        .collect()
}

#[test]
fn every_cached_route_is_a_column_of_the_matrix() {
    let declared: BTreeSet<&str> = cached().into_iter().map(|(route, _)| route).collect();
    let columns: BTreeSet<&str> = COLUMNS.iter().map(|column| column.route).collect();
    assert_eq!((columns, COLUMNS.len()), (declared.clone(), declared.len()));
    for column in COLUMNS {
        let path = column.path.split('?').next().unwrap();
        let (asked, declared) = (path.split('/'), column.route.split('/'));
        assert_eq!(asked.clone().count(), declared.clone().count(), "{path}");
        let fits = |(asked, declared): (&str, &str)| declared.starts_with('{') || asked == declared;
        assert!(asked.zip(declared).all(fits), "{path} is not of {}", column.route);
    }
}
