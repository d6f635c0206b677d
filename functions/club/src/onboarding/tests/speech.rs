//! How it reads, and with what buttons.

use jiff::SignedDuration;
use shared::outbox::{Entry, Hint};

use super::*;
use crate::onboarding::{Line, Settings};
use crate::outbox::deliver;
use crate::testing::{BotMood, BotServer, OUTBOX};
use crate::texts;

async fn told(settings: &[(&str, &str)]) -> (School, BotServer) {
    let bot = BotServer::start().await;
    let mut all = vec![("TELEGRAM_API_URL", bot.url.as_str())];
    all.extend_from_slice(settings);
    let school = School { world: Arc::new(World::with(&all).await) };
    school.world.member(MEMBER).await;
    school.begin(CYCLE).await;
    (school, bot)
}

impl School {
    /// Has every outbox row performed that is not.
    async fn tell_all(&self) {
        let queue = self.world.app.outbox_queue.as_ref().unwrap();
        for item in self.world.items("Outbox").await {
            let entry = Entry::key_of(item["id"]["S"].as_str().unwrap());
            let entry: Entry = self.world.table().get(&entry).await.unwrap().unwrap();
            queue.send(&Hint { outbox_id: entry.id }, SignedDuration::ZERO).await.unwrap();
            self.world.deliver(deliver(), OUTBOX).await;
        }
        self.world.pass(Duration::from_secs(2));
    }
}

#[tokio::test]
async fn the_video_is_sent_with_its_caption() {
    let (school, bot) = told(&[("ONBOARDING_VIDEO", "https://example.com/welcome.mp4")]).await;
    school.pass(0).await;
    school.tell_all().await;
    let sent = bot.called("sendVideo");
    assert_eq!(sent.len(), 1);
    assert_eq!(sent[0]["chat_id"], MEMBER);
    assert_eq!(sent[0]["video"], "https://example.com/welcome.mp4");
    assert_eq!(sent[0]["caption"], texts::onboarding_video(None));
    assert!(bot.called("sendMessage").is_empty());
}

#[tokio::test]
async fn a_text_takes_the_place_of_a_video() {
    let (school, bot) = told(&[("ONBOARDING_KEYWORD", "КОД ДЕНЕГ")]).await;
    school.pass(0).await;
    school.tell_all().await;
    let sent = bot.called("sendMessage");
    assert!(sent[0]["text"].as_str().unwrap().contains("«КОД ДЕНЕГ»"), "{sent:?}");
    assert!(bot.called("sendVideo").is_empty());
}

#[tokio::test]
async fn a_video_that_telegram_does_not_take_becomes_a_text() {
    let (school, bot) = told(&[("ONBOARDING_VIDEO", "no-such-file")]).await;
    school.pass(0).await;
    bot.feel(BotMood::refusing(400, "Bad Request: wrong file identifier"));
    school.tell_all().await;
    let texts = bot.called("sendMessage");
    assert_eq!((bot.called("sendVideo").len(), texts.len()), (1, 1));
    assert!(texts[0]["text"].as_str().unwrap().contains("«УСПЕХ»"), "{texts:?}");
}

#[tokio::test]
async fn buttons_are_where_they_are_needed() {
    let (school, bot) = told(&[]).await;
    school.says(1, "успех").await;
    school.tell_all().await;
    school.presses(2).await;
    school.tell_all().await;
    let sent = bot.called("sendMessage");
    let buttons: Vec<_> = sent.iter().map(|sent| sent["reply_markup"].clone()).collect();
    let ready = json!({ "inline_keyboard": [[
        { "text": texts::BUTTON_READY, "callback_data": "ready" },
    ]] });
    let app = json!({ "inline_keyboard": [[
        { "text": texts::BUTTON_APP, "url": "https://t.me/club_test_bot?startapp" },
    ]] });
    assert_eq!(buttons, [ready, app]);
}

#[test]
fn every_line_reads() {
    let settings = |video: Option<&str>| Settings {
        video: video.map(str::to_owned),
        ..Settings::from_environment(&shared::settings::Environment::default()).unwrap()
    };
    let lines = [
        Line::Video,
        Line::Keyword(1),
        Line::Hint,
        Line::Ready,
        Line::ReadyAgain(1),
        Line::Menu,
        Line::GiftOffer,
        Line::CheckIn(7),
    ];
    for line in lines {
        let (with, without) = (
            crate::onboarding::speech::text(&settings(Some("x")), line),
            crate::onboarding::speech::text(&settings(None), line),
        );
        assert!(!with.contains("УСПЕХ"), "the video's secret: {with}");
        assert!(with.chars().any(|c| ('а'..='я').contains(&c)) && !with.contains("  "), "{with}");
        let needs = matches!(line, Line::Video | Line::Keyword(_) | Line::Hint);
        assert_eq!(without.contains("УСПЕХ"), needs, "{without}");
        let read: Line = serde_json::from_value(serde_json::to_value(line).unwrap()).unwrap();
        assert_eq!(read, line);
    }
    let keyboard = crate::onboarding::speech::markup(Line::GiftOffer, None).unwrap();
    let button = &keyboard["keyboard"][0][0];
    assert_eq!(button["request_users"]["max_quantity"], 1);
}
