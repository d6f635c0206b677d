//! Rows of teams and ratings.

use club::tags::Action::{RatingsPublish, TeamCreate, TeamMemberAdd, TeamMemberRemove, TeamUpdate};
use serde_json::{Value, json};

use super::rows::{Row, act};
use super::scene::{Scene, Team, Who};

const LISTS: &[&str] = &["/api/teams", "/api/teams/stats"];
const OWN: &[&str] = &["/api/teams/my", "/api/teams/{id}", "/api/teams/{id}/members"];
const CHAT: i64 = -1_001_234_567_890;

/// Somebody else who is paid, of a city.
async fn settles(scene: &Scene, tg_id: i64, city: &str) -> tests::Member {
    let member = scene.world.member(tg_id, "Ева").await;
    member.moves_to(city).await;
    scene.grants(tg_id, 3_650).await;
    member
}

/// What becomes of the bot in a chat.
fn chat(update_id: i64, old: &str, new: &str) -> Value {
    let place = |status: &str| {
        let rules = status == "administrator";
        json!({
            "user": { "id": 7_000_000_001_i64, "is_bot": true, "first_name": "Клуб" },
            "status": status, "can_restrict_members": rules, "can_invite_users": rules,
        })
    };
    json!({ "update_id": update_id, "my_chat_member": {
        "chat": { "id": CHAT, "type": "supergroup", "title": "Десятка" },
        "from": { "id": 49, "is_bot": false, "first_name": "Ева" },
        "date": 1_768_910_400 + update_id,
        "old_chat_member": place(old), "new_chat_member": place(new),
    } })
}

async fn leads(scene: &Scene, tg_id: i64) {
    let path = format!("/api/admin/leaders/{tg_id}");
    scene.office("PUT", &path, &json!({ "canLead": true })).await.ok();
}

pub fn rows() -> Vec<Row> {
    vec![
        Row::new(
            "team.create",
            &[TeamCreate],
            &["club-teams-create"],
            act!(
                scene => scene.founds("Пермь").await
            ),
        )
        .shows(Who::Anna, LISTS)
        .shows(Who::Vera, LISTS),
        Row::new(
            "team.create with a leader",
            &[TeamCreate, TeamMemberAdd],
            &["club-teams-create"],
            act!(scene => {
                let body = json!({ "city": "Казань", "leaderUserId": 47, "maxMembers": 2 });
                scene.office("POST", "/api/teams", &body).key("led").await.ok()
            }),
        )
        .after(act!(scene => settles(scene, 47, "Казань").await))
        .shows(Who::Anna, LISTS),
        Row::new(
            "team.member.add",
            &[TeamMemberAdd],
            &["club-teams-join"],
            act!(
                scene => scene.puts(scene.team_of(Who::Anna), 46, "member").await
            ),
        )
        .in_teams(&[Team::First])
        .shows(Who::Anna, LISTS)
        .shows(Who::Anna, OWN)
        .shows(Who::Boris, OWN)
        .shows(Who::Vera, LISTS)
        .shows(Who::Vera, &["/api/teams/{id}"]),
        Row::new(
            "team.member.add by oneself",
            &[TeamMemberAdd],
            &["club-decades-join"],
            act!(
                scene => {
                    let eve = scene.world.member(48, "Ева").await;
                    let joined = eve.post("/api/v1/decades/join", &json!({})).await.ok();
                    assert_eq!(joined["success"], true, "{joined}")
                }
            ),
        )
        .after(act!(scene => settles(scene, 48, "Казань").await))
        .in_teams(&[Team::First])
        .shows(Who::Anna, LISTS)
        .shows(Who::Anna, OWN),
        Row::new(
            "team.member.remove",
            &[TeamMemberRemove],
            &["club-teams-leave"],
            act!(
                scene => {
                    let body = json!({ "userId": 46 });
                    scene.office("POST", "/api/teams/leave", &body).await.ok()
                }
            ),
        )
        .in_teams(&[Team::First])
        .shows(Who::Anna, LISTS)
        .shows(Who::Anna, OWN),
        Row::new(
            "team.member.remove of Vera",
            &[TeamMemberRemove],
            &["club-teams-leave"],
            act!(
                scene => {
                    let body = json!({ "userId": 44 });
                    scene.office("POST", "/api/teams/leave", &body).await.ok()
                }
            ),
        )
        .of(&[Who::Vera])
        .in_teams(&[Team::Second])
        .shows(Who::Vera, &["/api/teams/my", "/api/teams/{id}/members"]),
        Row::new(
            "team.member.add and team.create: distributed",
            &[TeamCreate, TeamMemberAdd],
            &["club-teams-distribute"],
            act!(scene => {
                scene.office("POST", "/api/teams/distribute", &json!({})).await.ok()
            }),
        )
        .after(act!(scene => {
            // Dora and Vera wait for a team, and somebody of a city that has none.
            settles(scene, 50, "Омск").await
        }))
        .of(&[Who::Vera])
        .in_teams(&[Team::First, Team::Second])
        .shows(Who::Vera, &["/api/teams/my", "/api/teams/{id}/members"])
        .shows(Who::Vera, LISTS),
        Row::new(
            "team.update: another leads",
            &[TeamUpdate],
            &["club-teams-replace-leader"],
            act!(
                scene => {
                    let path = format!("/api/teams/{}/replace-leader", scene.team_of(Who::Anna));
                    scene.office("POST", &path, &json!({ "userId": 43 })).await.ok()
                }
            ),
        )
        .of(&[Who::Boris])
        .in_teams(&[Team::First])
        .shows(Who::Anna, OWN)
        .shows(Who::Boris, OWN)
        .shows(Who::Boris, &["/api/v1/energies/weekly-progress", "/api/streams"])
        .shows(Who::Vera, &["/api/teams/{id}"]),
        Row::new(
            "team.create by a chat",
            &[TeamCreate, TeamUpdate, TeamMemberAdd],
            &["club-bot-update"],
            act!(scene => scene.tells(&chat(820_001, "left", "administrator")).await),
        )
        .after(act!(scene => {
            settles(scene, 49, "Самара").await;
            leads(scene, 49).await
        }))
        .shows(Who::Anna, LISTS),
        Row::new(
            "team.member.remove by a chat",
            &[TeamUpdate, TeamMemberRemove],
            &["club-bot-update"],
            act!(scene => scene.tells(&chat(820_002, "administrator", "left")).await),
        )
        .shows(Who::Anna, LISTS),
        Row::new(
            "ratings.publish",
            &[RatingsPublish],
            &["club-ratings-publish"],
            act!(
                scene => scene.world.publish().await
            ),
        )
        .shows(Who::Anna, RATINGS)
        .shows(Who::Nobody, &["/api/v1/ratings/cities", "/api/v1/ratings/teams"]),
        Row::new(
            "ratings.publish by hand",
            &[RatingsPublish],
            &["club-admin-ratings-refresh"],
            act!(scene => {
                scene.world.advance(60).await;
                scene.office("POST", "/api/admin/ratings/refresh", &json!({})).await.ok()
            }),
        )
        .shows(Who::Anna, RATINGS),
        Row::new(
            "ratings.publish as a job",
            &[RatingsPublish],
            &["club-admin-job"],
            act!(
                scene => {
                    scene.world.advance(60).await;
                    scene.office("POST", "/api/admin/jobs/ratings_publish", &json!({})).await.ok()
                }
            ),
        )
        .shows(Who::Anna, RATINGS),
    ]
}

const RATINGS: &[&str] = &[
    "/api/v1/ratings/cities",
    "/api/v1/ratings/teams",
    "/api/v1/ratings/personal",
    "/api/v1/ratings/user-position",
    "/api/v1/ratings/all-data",
];
