//! Whom functions ask and wait for: webhooks no Telegram, the state of a subscription no provider.

use super::cloudpayments::{function as cloud_function, notice, paid as cloud_paid};
use super::lavatop::{Lava, told as lavatop_told};
use super::updates::{paid as stars_paid, query, told};
use super::*;
use crate::bot::{update, webhook};
use crate::payments::{lavatop_payment, status};
use crate::testing::{BotMood, BotServer, CLOUD_ID, CloudServer, UPDATES};

/// A shop that is paid by all providers there are.
struct Mall {
    lava: Lava,
    cloud: CloudServer,
    bot: BotServer,
}

impl Mall {
    async fn open() -> Self {
        let (cloud, bot) = (CloudServer::start().await, BotServer::start().await);
        let lava = Lava::with(&[
            ("STARS_ENABLED", "true"),
            ("TELEGRAM_API_URL", &bot.url),
            ("CLOUDPAYMENTS_PUBLIC_ID", CLOUD_ID),
            ("CLOUDPAYMENTS_API_URL", &cloud.url),
        ])
        .await;
        Self { lava, cloud, bot }
    }

    fn shop(&self) -> &Shop {
        &self.lava.shop
    }

    /// A link of a provider: the attempt's id.
    async fn linked(&self, provider: &str) -> String {
        let mut wish = monthly();
        wish["provider"] = json!(provider);
        let reply = self.shop().ask(wish).await;
        assert_eq!(reply.status, 200, "{}", reply.body);
        assert_eq!(reply.body["provider"], provider);
        reply.body["attempt_id"].as_str().unwrap().to_owned()
    }

    /// How often each of the outside world was called.
    fn calls(&self) -> [usize; 4] {
        [
            usize::try_from(self.shop().world.provider.calls()).unwrap(),
            self.lava.server.books().calls.len(),
            self.cloud.books().calls.len(),
            self.bot.books().calls.len(),
        ]
    }

    /// The state of the subscription, which asks nobody and changes nothing.
    async fn status(&self) -> Value {
        let (calls, before) = (self.calls(), sabotage::everything(self.shop()).await);
        let request = Request::get("/api/payments/status").token(&self.shop().token);
        let reply = self.shop().world.call(status(), request).await;
        assert_eq!(reply.status, 200, "{}", reply.body);
        assert_eq!(self.calls(), calls, "a provider was asked");
        assert_eq!(sabotage::everything(self.shop()).await, before);
        reply.body
    }
}

#[tokio::test]
async fn no_webhook_of_money_speaks_to_telegram() {
    let mall = Mall::open().await;
    let (shop, world) = (mall.shop(), &mall.shop().world);
    let sandbox = mall.linked("sandbox").await;
    let lavatop = mall.linked("lavatop").await;
    let cloud = mall.linked("cloudpayments").await;
    let stars = mall.linked("stars").await;
    let asked = mall.calls();
    // Whoever calls it now waits as long as it likes to wait.
    mall.bot.feel(BotMood::Silent);
    assert_eq!(shop.succeed(&sandbox).await.status, 200);
    let (purchase, _) = mall.lava.server.marked(&lavatop);
    mall.lava.server.pay(&purchase);
    let word = mall.lava.server.word("payment.success", &purchase);
    assert_eq!(world.call(lavatop_payment(), lavatop_told(word)).await.status, 200);
    for kind in ["check", "pay"] {
        let request = notice(kind, &cloud_paid(1, &cloud));
        let reply = world.call(cloud_function(kind), request).await;
        assert_eq!((reply.status.as_u16(), &reply.body), (200, &json!({ "code": 0 })));
    }
    let reply = world.call(webhook(), told(stars_paid(7, &stars, "charge"))).await;
    assert_eq!((reply.status.as_u16(), &reply.body), (200, &json!({ "ok": true })));
    // Nor does whoever does what the update says.
    assert_eq!(world.deliver(update(), UPDATES).await, (1, 0));
    assert_eq!(mall.calls(), asked, "a webhook called somebody");
    for id in [&sandbox, &lavatop, &cloud, &stars] {
        assert_eq!(shop.status(id).await, Status::Paid);
    }
    assert_eq!((shop.payer().await.balance, shop.messages("congratulation").await), (2_000, 4));

    // Telegram is there again: each payment is told of once.
    mall.bot.feel(BotMood::Fine);
    for _ in 0..3 {
        shop.perform_all().await;
    }
    assert_eq!(mall.bot.called("sendMessage").len(), 4);
    let rows: Vec<Entry> = shop.read("Outbox").await;
    assert!(rows.iter().all(|row| row.state == State::Sent), "{rows:?}");
    shop.check_invariants().await;
}

#[tokio::test]
async fn the_last_veto_waits_for_telegram_no_longer_than_its_budget() {
    let mall = Mall::open().await;
    let stars = mall.linked("stars").await;
    mall.bot.feel(BotMood::Silent);
    let world = &mall.shop().world;
    let asked = || told(query(&stars, PAYER, 1_500, "XTR"));
    let with = |budget_ms| [("PRE_CHECKOUT_BUDGET_MS", budget_ms)];
    let patient = world.start_with(webhook(), &with("600000")).await.unwrap();
    let hasty = world.start_with(webhook(), &with("2000")).await.unwrap();
    // The one with more time was asked first, and would be the first to give up if both waited
    // equally long.
    let reply = tokio::select! {
        biased;
        reply = world.send(&patient, asked()) => panic!("gave up before its time: {reply:?}"),
        reply = world.send(&hasty, asked()) => reply,
    };
    // Nobody knows whether it was heard: without an answer no money moves.
    assert_eq!((reply.status.as_u16(), &reply.body), (200, &json!({ "ok": true })));
    let verdict = json!({ "pre_checkout_query_id": "query", "ok": true });
    assert_eq!(mall.bot.called("answerPreCheckoutQuery"), [verdict.clone(), verdict]);
    assert_eq!((world.depth(UPDATES), mall.shop().status(&stars).await), (0, Status::Pending));
}

#[tokio::test]
async fn the_state_of_a_subscription_asks_no_provider() {
    let mall = Mall::open().await;
    // Of a newcomer, of one who has links everywhere, of one whose subscription renews itself.
    assert_eq!(mall.status().await["isPro"], false);
    assert_eq!((mall.calls(), mall.shop().count("Attempt").await), ([0; 4], 0));
    for provider in ["sandbox", "cloudpayments", "stars"] {
        mall.linked(provider).await;
    }
    let lavatop = mall.linked("lavatop").await;
    assert_eq!(mall.status().await["active_subscription"], false);
    let (purchase, _) = mall.lava.server.marked(&lavatop);
    assert_eq!(mall.lava.pay(&purchase).await.status, 200);
    let shown = mall.status().await;
    assert_eq!((&shown["isPro"], &shown["auto_renewal"]), (&json!(true), &json!(true)));
    // Of one whose subscription ended, and who may not buy now.
    mall.shop().pass(38 * 86_400);
    assert_eq!(mall.status().await["blocked"], true);
}

#[tokio::test]
async fn a_probe_asks_no_provider() {
    let mall = Mall::open().await;
    let mut probe = monthly();
    probe["email"] = json!("x@check.local");
    for provider in ["sandbox", "lavatop", "cloudpayments", "stars"] {
        probe["provider"] = json!(provider);
        let before = sabotage::everything(mall.shop()).await;
        let reply = mall.shop().ask(probe.clone()).await;
        let told = json!({ "success": true, "active_subscription": false });
        assert_eq!((reply.status.as_u16(), &reply.body), (200, &told));
        assert_eq!((mall.calls(), sabotage::everything(mall.shop()).await), ([0; 4], before));
    }
}
