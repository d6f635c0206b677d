//! Teams and decades (§5.5, §8, §11; acceptance 14, 19, 20 and 21, property 27).

use serde_json::{Value, json};
use tests::{Answer, Call, Member, World, at_once, local};

use crate::{DAY, tag, unless};

const CITY: &str = "Москва";
const CHAT: i64 = -1_001_234_567_890;
const JOIN: &str = "/api/v1/decades/join";

fn office(world: &World, path: &str, body: &Value) -> Call {
    let call = world.call("POST", path).header("x-admin-secret", world.secret("ADMIN_SECRET"));
    call.json(body)
}

async fn grants(world: &World, tg_id: i64) {
    let body = json!({ "telegram_id": tg_id, "days": 30 });
    office(world, "/api/admin/grant-subscription", &body).await.ok();
}

/// A member of the city who is paid.
async fn paid(world: &World, tg_id: i64) -> Member {
    let member = world.member(tg_id, "Анна").await;
    member.moves_to(CITY).await;
    grants(world, tg_id).await;
    member
}

async fn makes(world: &World, body: &Value) -> Value {
    office(world, "/api/teams", body).await.ok()["team"].clone()
}

async fn puts(world: &World, team: &Value, tg_id: i64, role: &str) -> Answer {
    let path = format!("/api/teams/{}/join", team["id"].as_str().unwrap());
    office(world, &path, &json!({ "userId": tg_id, "role": role })).await
}

async fn all(world: &World) -> Vec<Value> {
    let call = world.get("/api/v1/decades/admin/all");
    let body = call.header("x-admin-secret", world.secret("ADMIN_SECRET")).await.ok();
    body["decades"].as_array().unwrap().clone()
}

/// What a decade's route answered, whether it refused or not.
async fn joins(member: &Member) -> Value {
    let answer = member.post(JOIN, &json!({})).await;
    answer.is(200);
    answer.json()
}

#[tokio::test(flavor = "multi_thread")]
async fn a19_who_joins_has_a_link_and_who_is_in_is_told_so() {
    let world = local!();
    makes(&world, &json!({ "city": CITY, "maxMembers": 2, "inviteLink": "https://t.me/+a" })).await;
    let anna = paid(&world, 42).await;
    let cities = anna.post("/api/v1/decades/cities", &json!({})).await.ok();
    assert_eq!(cities["cities"], json!([anna.me().await["city"]]));
    let joined = joins(&anna).await;
    assert_eq!(
        (&joined["success"], &joined["inviteLink"]),
        (&json!(true), &json!("https://t.me/+a"))
    );
    assert_eq!(joined["decadeName"], "Десятка №1 Москва");
    let again = joins(&anna).await;
    assert_eq!((&again["success"], &again["error"]), (&json!(false), &json!("already_in_decade")));
    assert_eq!(again["inviteLink"], "https://t.me/+a");
    assert_eq!(again["currentDecade"], json!({ "city": CITY, "number": 1 }));
    let boris = paid(&world, 43).await;
    assert_eq!(joins(&boris).await["success"], true);
    let vera = paid(&world, 44).await;
    let full = joins(&vera).await;
    assert!(full["error"].as_str().unwrap().contains("нет доступных десяток"), "{full}");
    let stranger = world.member(45, "Гость").await;
    assert_eq!(joins(&stranger).await["error"], "Выберите город в профиле");
}

#[tokio::test(flavor = "multi_thread")]
async fn a19_of_thirty_at_once_one_has_the_last_place() {
    let world = local!();
    let team = makes(&world, &json!({ "city": CITY, "maxMembers": 2 })).await;
    paid(&world, 1).await;
    puts(&world, &team, 1, "leader").await.ok();
    let mut members = Vec::new();
    for tg_id in 100..130 {
        members.push(paid(&world, tg_id).await);
    }
    let answers = at_once(30, |n| members[n].post(JOIN, &json!({}))).await;
    let joined = answers.iter().filter(|answer| answer.json()["success"] == true).count();
    assert_eq!(joined, 1);
    let teams = all(&world).await;
    assert_eq!((teams.len(), &teams[0]["memberCount"]), (1, &json!(2)));
}

#[tokio::test(flavor = "multi_thread")]
async fn a20_twenty_five_are_distributed_over_teams_of_ten() {
    let world = local!();
    for tg_id in 1..=25 {
        paid(&world, tg_id).await;
    }
    let done = office(&world, "/api/teams/distribute", &json!({})).await.ok();
    assert_eq!((&done["usersAssigned"], &done["usersDistributed"]), (&json!(25), &json!(25)));
    assert_eq!((&done["teamsCreated"], &done["remaining"]), (&json!(3), &json!(0)));
    let mut sizes: Vec<i64> =
        all(&world).await.iter().map(|team| team["memberCount"].as_i64().unwrap()).collect();
    sizes.sort_unstable();
    assert_eq!(sizes, [5, 10, 10]);
    let again = office(&world, "/api/teams/distribute", &json!({})).await.ok();
    assert_eq!((&again["usersAssigned"], &again["teamsCreated"]), (&json!(0), &json!(0)));
}

#[tokio::test(flavor = "multi_thread")]
async fn a21_the_new_leader_is_doubled_and_the_old_one_is_not() {
    let world = local!();
    let team = makes(&world, &json!({ "city": CITY })).await;
    let (anna, boris) = (paid(&world, 42).await, paid(&world, 43).await);
    puts(&world, &team, 42, "leader").await.ok();
    puts(&world, &team, 43, "member").await.ok();
    anna.pays().await;
    assert_eq!(anna.balance().await, 1_000);
    let path = format!("/api/teams/{}/replace-leader", team["id"].as_str().unwrap());
    let replaced = office(&world, &path, &json!({ "userId": boris.me().await["id"] })).await.ok();
    assert_eq!(replaced["team"]["leaderId"], boris.me().await["id"]);
    boris.pays().await;
    assert_eq!(boris.balance().await, 1_000);
    let first = &boris.history().await[0];
    let bonus = json!({ "leaderBonus": true, "originalAmount": 500, "multiplier": 2 });
    assert_eq!(first["metadata"], bonus);
    let vera = paid(&world, 44).await;
    puts(&world, &team, 44, "member").await.ok();
    vera.pays().await;
    assert_eq!(vera.balance().await, 500);
}

#[tokio::test(flavor = "multi_thread")]
async fn a14_the_end_of_a_subscription_frees_one_place_and_a_payment_takes_it_again() {
    let world = local!();
    let team = makes(&world, &json!({ "city": CITY })).await;
    paid(&world, 42).await;
    puts(&world, &team, 42, "leader").await.ok();
    // Who has sat in a team for a month without a report loses the place, too.
    world.advance(5 * DAY).await;
    paid(&world, 43).await;
    puts(&world, &team, 43, "member").await.ok();
    grants(&world, 43).await;
    world.advance(27 * DAY).await;
    let teams = all(&world).await;
    assert_eq!((&teams[0]["memberCount"], &teams[0]["leaderId"]), (&json!(1), &Value::Null));
    // A login lasts thirty days without a visit.
    let (anna, boris) = (world.member(42, "Анна").await, world.member(43, "Борис").await);
    assert_eq!(anna.get("/api/teams/my").await.ok()["team"], Value::Null);
    assert_eq!(boris.get("/api/teams/my").await.ok()["team"]["memberCount"], 1);
    anna.pays().await;
    let own = anna.get("/api/teams/my").await.ok()["team"].clone();
    assert_eq!((&own["userRole"], &own["memberCount"]), (&json!("leader"), &json!(2)));
}

#[tokio::test(flavor = "multi_thread")]
async fn p27_a_chat_can_be_added_again() {
    let world = local!();
    let anna = paid(&world, 42).await;
    let allow = world.call("PUT", "/api/admin/leaders/42").json(&json!({ "canLead": true }));
    allow.header("x-admin-secret", world.secret("ADMIN_SECRET")).await.ok();
    let place = |status: &str| {
        let rules = status == "administrator";
        json!({
            "user": { "id": 7_000_000_001_i64, "is_bot": true, "first_name": "Клуб" },
            "status": status, "can_restrict_members": rules, "can_invite_users": rules,
        })
    };
    let change = |id: i64, old: &str, new: &str| {
        json!({ "update_id": id, "my_chat_member": {
            "chat": { "id": CHAT, "type": "supergroup", "title": "Десятка" },
            "from": { "id": 42, "is_bot": false, "first_name": "Анна" },
            "date": 1_768_910_400 + id, "old_chat_member": place(old),
            "new_chat_member": place(new),
        } })
    };
    let tell = async |update: Value| {
        let body = json!({ "service": "club", "update": update });
        world.desk_post("telegram/updates", &body).await;
        world.idle().await;
    };
    for _ in 0..2 {
        tell(change(1, "left", "administrator")).await;
    }
    let own = async || anna.get("/api/teams/my").await.ok()["team"].clone();
    let first = own().await;
    assert_eq!((&first["userRole"], &first["memberCount"]), (&json!("leader"), &json!(1)));
    assert!(first["inviteLink"].as_str().unwrap().starts_with("https://t.me/"), "{first}");
    let boris = paid(&world, 43).await;
    assert_eq!(joins(&boris).await["success"], true);
    tell(change(2, "administrator", "left")).await;
    let ended = all(&world).await;
    let told = (&ended[0]["isActive"], &ended[0]["memberCount"]);
    assert_eq!(told, (&json!(false), &json!(0)));
    assert_eq!((own().await, joins(&boris).await["success"].clone()), (Value::Null, json!(false)));
    tell(change(3, "left", "administrator")).await;
    let again = own().await;
    assert_eq!((&again["id"], &again["memberCount"]), (&first["id"], &json!(1)));
    assert_eq!(joins(&boris).await["success"], true);
    assert_eq!(all(&world).await.len(), 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn p27_the_list_of_teams_is_fresh_after_every_change() {
    let world = local!();
    let anna = paid(&world, 42).await;
    let team = makes(&world, &json!({ "city": CITY })).await;
    let list = || anna.get("/api/teams");
    let first = list().await;
    assert_eq!(first.ok()["total"], 1);
    unless(list(), &tag(&first)).await.is(304);
    puts(&world, &team, 42, "member").await.ok();
    let changed = unless(list(), &tag(&first)).await;
    assert_eq!(changed.ok()["teams"][0]["memberCount"], 1);
    assert!(changed.ok()["teams"][0].get("inviteLink").is_none());
}

#[tokio::test(flavor = "multi_thread")]
async fn p3_launch_data_in_the_body_names_the_caller_and_nobody_else() {
    let world = local!();
    makes(&world, &json!({ "city": CITY })).await;
    let (anna, boris) = (paid(&world, 42).await, paid(&world, 43).await);
    let body = json!({ "initData": anna.user.init_data().await });
    let stolen = boris.post(JOIN, &body).await;
    stolen.problem(403, "subject_mismatch");
    assert_eq!(world.post(JOIN, &body).await.ok()["success"], true);
    assert_eq!(anna.get("/api/teams/my").await.ok()["team"]["memberCount"], 1);
    let refused = world.post(JOIN, &json!({ "initData": "hash=0" })).await;
    assert_eq!(refused.problem(401, "invalid_init_data")["error"], "Invalid Telegram data");
    world.post(JOIN, &json!({})).await.problem(401, "unauthorized");
}
