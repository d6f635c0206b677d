//! The life of a subscription: its end, and the reminders before (§8; acceptance 14).

use serde_json::{Value, json};
use tests::{GIFT, Member, Webhook, World, local};

const GUARD: &str = "club-subscriptions-guard";
const REMIND: &str = "club-subscriptions-remind";

/// What the bot has written to a member with these words in it.
async fn told(member: &Member, words: &str) -> usize {
    let messages = member.messages().await;
    let with = |text: &str| text.contains(words);
    messages.iter().filter(|message| with(message["text"].as_str().unwrap_or_default())).count()
}

async fn closed(member: &Member) -> usize {
    told(member, "доступ к материалам и чатам клуба закрыт").await
}

/// Who had to leave which chat: chat and member.
async fn kicked(world: &World) -> Vec<(i64, i64)> {
    let calls = world.bot_calls("banChatMember").await;
    let of = |call: &Value| (call["chat_id"].as_i64(), call["payload"]["user_id"].as_i64());
    let mut found: Vec<_> =
        calls.iter().map(of).map(|(chat, who)| (chat.unwrap(), who.unwrap())).collect();
    found.sort_unstable();
    found
}

/// The reminders that a member got: how often each.
async fn reminders(member: &Member) -> [usize; 4] {
    let mut found = [0; 4];
    for (index, when) in ["через 3 дня", "через 2 дня", "завтра", "сегодня"].iter().enumerate()
    {
        found[index] = told(member, &format!("подписка заканчивается {when}")).await;
    }
    found
}

/// Gives a gift to a member, who activates it.
async fn gives(giver: &Member, recipient: &Member) {
    let attempt = giver.link(GIFT).await;
    giver.user.world.pay(&attempt, Webhook::Delivered).await;
    let messages = giver.messages().await;
    let text = messages.last().unwrap()["text"].as_str().unwrap();
    let token = text.split_once("?start=gift_").unwrap().1;
    recipient.post("/api/v1/gifts/activate", &json!({"token": token})).await.ok();
}

#[tokio::test(flavor = "multi_thread")]
async fn a14_the_guard_closes_once_what_ended_a_day_ago() {
    let world = local!(
        "CLOCK" => "2026-01-20T05:59:00Z",
        "PROTECTED_CHAT_IDS" => "-1001000000001,-1001000000002",
    );
    let (anna, boris) = (world.member(42, "Анна").await, world.member(43, "Борис").await);
    anna.pays().await;
    boris.pays().await;
    world.set_clock("2026-01-20T20:00:00Z").await;
    let vera = world.member(44, "Вера").await;
    vera.pays().await;
    world.set_clock("2026-01-20T21:01:00Z").await;
    let galina = world.member(45, "Галина").await;
    galina.pays().await;
    // A minute before nine in Moscow: two ended yesterday at 08:59, one at 23:00, one today at
    // 00:01.
    world.set_clock("2026-02-20T05:59:00Z").await;
    let boris = boris.user.sign_in().await;
    boris.pays().await;
    let paid = boris.everything().await;
    world.set_clock("2026-02-20T06:00:00Z").await;
    world.idle().await;
    let all = async || {
        [closed(&anna).await, closed(&boris).await, closed(&vera).await, closed(&galina).await]
    };
    assert_eq!(all().await, [1, 0, 0, 0], "the schedule has fired");
    for _ in 0..2 {
        let ran = world.run(GUARD).await;
        assert_eq!((&ran["closed"], &ran["complete"]), (&json!(0), &json!(true)), "{ran}");
    }
    assert_eq!(all().await, [1, 0, 0, 0]);
    assert_eq!(
        kicked(&world).await,
        [(-1_001_000_000_002, 42), (-1_001_000_000_001, 42)],
        "from every chat, once"
    );
    assert_eq!(boris.everything().await, paid);
    // The next day those of yesterday are over, too, and whoever comes back is closed once more.
    let anna = anna.user.sign_in().await;
    anna.pays().await;
    assert_eq!(anna.me().await["isPro"], true);
    world.set_clock("2026-02-21T06:00:00Z").await;
    world.run(GUARD).await;
    let all = async || {
        [closed(&anna).await, closed(&boris).await, closed(&vera).await, closed(&galina).await]
    };
    assert_eq!(all().await, [1, 0, 1, 1]);
    world.set_clock("2026-03-24T06:00:00Z").await;
    world.run(GUARD).await;
    assert_eq!(all().await, [2, 1, 1, 1]);
}

#[tokio::test(flavor = "multi_thread")]
async fn a14_a_refund_of_what_is_over_closes_nothing_again() {
    let world = local!();
    let anna = world.member(42, "Анна").await;
    let attempt = anna.pays().await;
    world.set_clock("2026-02-20T12:00:00Z").await;
    world.run(GUARD).await;
    assert_eq!(closed(&anna).await, 1);
    let back = json!({"attempt_id": attempt, "event": "refund"});
    world.webhook(&back).await.ok();
    world.set_clock("2026-02-23T06:00:00Z").await;
    world.run(GUARD).await;
    assert_eq!(closed(&anna).await, 1);
}

/// Lets the clock stand at nine in the morning of Moscow of that day and the job run there three
/// times, and once by itself.
async fn morning(world: &World, day: &str) {
    world.set_clock(&format!("{day}T06:00:00Z")).await;
    world.idle().await;
    for _ in 0..3 {
        let ran = world.run(REMIND).await;
        assert_eq!((&ran["reminded"], &ran["complete"]), (&json!(0), &json!(true)), "{ran}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a14_reminders_come_once_of_a_kind_and_follow_the_end() {
    let world = local!();
    let (anna, boris) = (world.member(42, "Анна").await, world.member(43, "Борис").await);
    let (vera, galina) = (world.member(44, "Вера").await, world.member(45, "Галина").await);
    // Until 19 February, 15:00 in Moscow.
    anna.pays().await;
    vera.pays().await;
    gives(&galina, &boris).await;
    let all = async || [reminders(&anna).await, reminders(&boris).await, reminders(&vera).await];
    for (day, expected) in [
        ("2026-02-15", [[0, 0, 0, 0], [0, 0, 0, 0], [0, 0, 0, 0]]),
        ("2026-02-16", [[0, 0, 0, 0], [1, 0, 0, 0], [0, 0, 0, 0]]),
        ("2026-02-17", [[0, 1, 0, 0], [1, 1, 0, 0], [0, 1, 0, 0]]),
    ] {
        morning(&world, day).await;
        assert_eq!(all().await, expected, "{day}");
    }
    assert_eq!(told(&anna, "через 2 дня, 19.02.2026.").await, 1);
    // Vera pays: nothing more of the old end.
    let paying = vera.user.sign_in().await;
    paying.pays().await;
    for (day, expected) in [
        ("2026-02-18", [[0, 1, 1, 0], [1, 1, 1, 0], [0, 1, 0, 0]]),
        ("2026-02-19", [[0, 1, 1, 1], [1, 1, 1, 0], [0, 1, 0, 0]]),
        ("2026-02-20", [[0, 1, 1, 1], [1, 1, 1, 0], [0, 1, 0, 0]]),
        // Her new end is 21 March: each kind once more.
        ("2026-03-19", [[0, 1, 1, 1], [1, 1, 1, 0], [0, 2, 0, 0]]),
        ("2026-03-20", [[0, 1, 1, 1], [1, 1, 1, 0], [0, 2, 1, 0]]),
    ] {
        morning(&world, day).await;
        assert_eq!(all().await, expected, "{day}");
    }
}
