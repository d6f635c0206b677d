//! Rows of what the clock brings, in the order of its instants.

use club::tags::Action::{
    EnergiesChange, Gift, Report, SubscriptionChange, TeamMemberAdd, TeamMemberRemove,
};
use serde_json::json;
use tests::{GIFT, Webhook};

use super::rows::{Row, act};
use super::scene::{Scene, Team, Who};
use crate::DAY;

/// Everybody is paid and has the old place in a team again.
async fn gathers(scene: &Scene) {
    scene.grants(44, 3_650).await;
    for (who, tg_id) in [(Who::Anna, 42), (Who::Boris, 43), (Who::Vera, 44)] {
        let path = format!("/api/teams/{}/join", scene.team_of(who));
        let body = json!({ "userId": tg_id, "role": "member" });
        let joined = scene.office("POST", &path, &body).await;
        assert!(matches!(joined.status, 200 | 409), "{joined}");
    }
}

/// Moves the clock there, waits for what falls due, and lets everybody sign in anew.
async fn comes(scene: &Scene, instant: &str) {
    scene.world.set_clock(instant).await;
    scene.world.idle().await;
    scene.signs_in().await;
}

pub fn rows() -> Vec<Row> {
    vec![
        Row::new(
            "report.* of a leader",
            &[Report],
            &["club-decades-report"],
            act!(scene => {
                scene.boris().post("/api/v1/decades/report", &json!({ "status": "green" })).await.ok()
            }),
        )
        .after(act!(scene => comes(scene, "2026-01-23T12:00:00Z").await))
        .of(&[Who::Boris]),
        Row::new(
            "team.member.remove: the subscription is over",
            &[SubscriptionChange, TeamMemberRemove],
            &["club-subscriptions-guard"],
            act!(scene => {
                scene.world.run("club-subscriptions-guard").await
            }),
        )
        .after(act!(scene => {
            let body = json!({ "telegram_id": 44 });
            scene.office("POST", "/api/admin/revoke-subscription", &body).await.ok();
            scene.world.advance(DAY + 3_600).await
        }))
        .of(&[Who::Vera])
        .in_teams(&[Team::Second])
        .shows(Who::Vera, &["/api/teams/my", "/api/teams/{id}/members"])
        .shows(Who::Anna, &["/api/teams"]),
        Row::new(
            "team.member.add: who pays again is back",
            &[SubscriptionChange, EnergiesChange, TeamMemberAdd],
            &["club-payments-sandbox-webhook", "club-outbox-deliver"],
            act!(scene => {
                scene.vera().pays().await
            }),
        )
        .of(&[Who::Vera])
        .in_teams(&[Team::Second])
        .paid(&[Who::Vera])
        .shows(Who::Vera, &["/api/teams/my", "/api/teams/{id}/members", "/api/v1/users/me"]),
        Row::new(
            "team.member.remove: no report for a month",
            &[TeamMemberRemove],
            &["club-teams-cleanup"],
            act!(scene => scene.world.run("club-teams-cleanup").await),
        )
        .after(act!(scene => comes(scene, "2026-02-19T13:00:00Z").await))
        .of(&[Who::Anna])
        .in_teams(&[Team::First])
        .shows(Who::Anna, &["/api/teams/my", "/api/teams/{id}/members"]),
        Row::new(
            "energy_points.change: expired",
            &[EnergiesChange],
            &["club-energies-expire"],
            act!(scene => scene.world.run("club-energies-expire").await),
        )
        .after(act!(scene => {
            comes(scene, "2026-07-20T13:00:00Z").await;
            gathers(scene).await
        }))
        .of(&[Who::Anna, Who::Boris, Who::Vera])
        .shows(Who::Anna, &["/api/v1/energies/balance", "/api/v1/energies/history"]),
        Row::new(
            "gift.expired",
            &[Gift],
            &["club-gifts-expire"],
            act!(scene => {
                scene.world.run("club-gifts-expire").await
            }),
        )
        .after(act!(scene => {
            let attempt = scene.anna().link(GIFT).await;
            scene.world.pay(&attempt, Webhook::Delivered).await;
            comes(scene, "2027-07-20T13:10:00Z").await;
            gathers(scene).await
        })),
    ]
}
