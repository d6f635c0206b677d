//! Commands, choices, the keyword and the button.

use super::*;
use crate::onboarding::begun;
use crate::testing::BotMood;
use crate::texts;

fn press(update_id: i64, from: i64, data: &Value) -> Value {
    json!({
        "update_id": update_id, "callback_query": {
            "id": format!("query-{update_id}"), "from": person(from), "chat_instance": "1",
            "data": data,
            "message": { "message_id": 4, "date": 0, "chat": { "id": from, "type": "private" } },
        },
    })
}

impl Desk {
    async fn begin(&self, tg_id: i64) {
        let begun = begun(tg_id, "att_01KG9JV9M0SAMPLEATTEMPT000", self.world.now());
        self.world.table().transact(vec![begun]).await.unwrap();
    }

    async fn state(&self) -> String {
        self.world.items("Onboarding").await[0]["state"]["S"].as_str().unwrap().to_owned()
    }
}

#[tokio::test]
async fn who_opens_the_bot_is_a_member_who_came_from_somewhere() {
    let desk = Desk::open().await;
    let utm = async |tg_id: i64| {
        let member = desk.member(tg_id).await.unwrap();
        (member.utm_source, member.utm_medium, member.utm_campaign)
    };
    let text = |text: &str| Some(text.to_owned());
    for (tg_id, said, expected) in [
        (11, "/start utm_src_med_camp", (text("src"), text("med"), text("camp"))),
        (12, "/start tg_post", (text("tg"), text("post"), None)),
        (13, "/start tg", (text("tg"), text("miniapp"), None)),
        (14, "/start", (None, None, None)),
        (15, "/start привет", (None, None, None)),
    ] {
        for _ in 0..2 {
            assert_eq!(desk.hear(&says(tg_id, tg_id, said)).await, 0);
        }
        assert_eq!(utm(tg_id).await, expected, "{said}");
    }
    assert_eq!((desk.count("Member").await, desk.messages("welcome").await.len()), (5, 5));
    // The first touch counts, and names are the member's own.
    let before = desk.member(11).await;
    desk.hear(&says(21, 11, "/start utm_a_b_c")).await;
    desk.hear(&says(22, 14, "/start utm_a_b_c")).await;
    assert_eq!(desk.member(11).await, before);
    assert_eq!(utm(14).await, (None, None, None));
}

#[tokio::test]
async fn nothing_is_answered_that_no_person_wrote_in_private() {
    let desk = Desk::open().await;
    desk.begin(PERSON).await;
    let mut group = says(1, PERSON, "/start");
    group["message"]["chat"] = json!({ "id": CHAT, "type": "supergroup" });
    let mut keyword = says(2, PERSON, "успех");
    keyword["message"]["chat"] = json!({ "id": CHAT, "type": "supergroup" });
    let mut bot = says(3, PERSON, "/start");
    bot["message"]["from"]["is_bot"] = json!(true);
    let photo = message(4, PERSON, &json!({ "caption": "успех", "photo": [{ "file_id": "x" }] }));
    let mut edited = says(5, PERSON, "успех");
    edited["edited_message"] = edited["message"].take();
    edited.as_object_mut().unwrap().remove("message");
    for update in [group, keyword, bot, photo, edited, json!({ "update_id": 6, "poll": {} })] {
        assert_eq!(desk.hear(&update).await, 0);
    }
    assert_eq!((desk.count("Outbox").await, desk.count("TelegramUpdate").await), (0, 0));
    assert_eq!((desk.count("Member").await, desk.state().await.as_str()), (0, "awaiting_keyword"));
}

#[tokio::test]
async fn the_keyword_moves_on_and_the_button_ends_it() {
    let desk = Desk::open().await;
    desk.begin(PERSON).await;
    for _ in 0..2 {
        desk.hear(&says(1, PERSON, "мой успех")).await;
    }
    assert_eq!(desk.state().await, "awaiting_keyword");
    // A button of an onboarding that does not wait for it, and a command.
    desk.hear(&press(2, PERSON, &json!("ready"))).await;
    desk.hear(&says(3, PERSON, "/paysupport")).await;
    assert_eq!(desk.state().await, "awaiting_keyword");
    for _ in 0..2 {
        desk.hear(&says(4, PERSON, " Успех ")).await;
    }
    assert_eq!(desk.state().await, "awaiting_ready");
    for data in [json!("other"), json!(null)] {
        desk.hear(&press(5, PERSON, &data)).await;
    }
    desk.hear(&press(6, STRANGER, &json!("ready"))).await;
    assert_eq!(desk.state().await, "awaiting_ready");
    for _ in 0..2 {
        desk.hear(&press(7, PERSON, &json!("ready"))).await;
    }
    assert_eq!(desk.state().await, "onboarding_complete");
    let lines: Vec<_> =
        desk.messages("onboarding").await.iter().map(|said| said["line"]["S"].clone()).collect();
    assert_eq!(lines, ["hint", "menu", "ready"]);
    // Every press is answered, whatever it comes to.
    let answered = desk.bot.called("answerCallbackQuery");
    let ids = answered.iter().map(|body| body["callback_query_id"].as_str().unwrap());
    let expected = ["query-2", "query-5", "query-5", "query-6", "query-7", "query-7"];
    assert_eq!(ids.collect::<Vec<_>>(), expected);
}

#[tokio::test]
async fn a_press_counts_where_telegram_does_not_take_its_answer() {
    let desk = Desk::open().await;
    desk.begin(PERSON).await;
    desk.hear(&says(1, PERSON, "успех")).await;
    desk.bot.feel(BotMood::refusing(400, "Bad Request: query is too old"));
    assert_eq!(desk.hear(&press(2, PERSON, &json!("ready"))).await, 0);
    assert_eq!(desk.state().await, "onboarding_complete");
}

#[tokio::test]
async fn who_is_chosen_for_a_gift_is_named() {
    let desk = Desk::open().await;
    let chosen = |update_id, id: i64| {
        message(
            update_id,
            PERSON,
            &json!({ "users_shared": {
            "request_id": 1, "users": [{ "user_id": id }],
        } }),
        )
    };
    for update in [chosen(1, STRANGER), chosen(1, STRANGER), chosen(2, PERSON)] {
        assert_eq!(desk.hear(&update).await, 0);
    }
    let none = message(3, PERSON, &json!({ "users_shared": { "request_id": 1, "users": [] } }));
    assert_eq!(desk.hear(&none).await, 0);
    let said = desk.messages("answer").await;
    let said: Vec<_> = said.iter().map(|said| said["text"]["S"].as_str().unwrap()).collect();
    assert_eq!(said, [texts::gift_recipient(STRANGER).as_str(), texts::GIFT_SELF]);
}

#[tokio::test]
async fn an_update_that_cannot_be_read_fails_alone() {
    let desk = Desk::open().await;
    desk.take(&json!({ "update_id": 1, "callback_query": { "id": 7 } })).await;
    desk.take(&says(2, PERSON, "/start")).await;
    assert_eq!(desk.world.deliver(update(), UPDATES).await, (2, 1));
    assert_eq!(desk.messages("welcome").await.len(), 1);
    for _ in 0..4 {
        desk.world.pass(std::time::Duration::from_secs(181));
        assert_eq!(desk.world.deliver(update(), UPDATES).await, (1, 1));
    }
}
