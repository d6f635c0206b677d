"""LavaTop: its webhooks are sent from here."""

from club.kit import Json, World, dig
from club.payments import MADE, attempt, link, record
from club.providers import CALLS, DAY, INVOICES, LAVA_SECRET
from club.shapes import text, true
from club.wire import Answer


def lava(w: World, path: str = "payment", key: str = LAVA_SECRET, **event: object) -> Answer:
    return w.send("POST", f"/api/webhooks/lavatop/{path}", event, {"X-Api-Key": key})


def sale(kind: str, contract: str | None, status: str, id: str | None = None, **more: object) -> Json:
    """An event of LavaTop."""
    body: Json = {
        "eventType": kind,
        "product": {"id": "d31384b8-e412-4be5-a2ec-297ae6666c8f", "title": "Клуб"},
        "contractId": contract,
        "buyer": {"email": "a@example.test"},
        "amount": 2000.00,
        "currency": "RUB",
        "timestamp": "2026-11-22T12:00:00Z",
        "status": status,
        "errorMessage": "",
    }
    if id:
        body["clientUtm"] = {"utm_term": id}
    return {key: value for key, value in (body | more).items() if value is not None}


def sold_by_lava(w: World) -> None:
    """LavaTop knows the offer by its own id."""
    body = {"offer_id": "836b9fc5-7ae9-4a27-9642-592bc44072b7"}
    w.need(w.admin("PATCH", "/api/admin/offers/monthly_rub_2000", body))


def by_lava(w: World) -> None:
    """Attempts, renewals, cancellations of LavaTop."""
    sold_by_lava(w)
    me = w.user()
    CALLS.clear()
    done = w.success("link", link(me), MADE)
    w.report.equal("LavaTop by default", done.get("provider"), "lavatop")
    id = str(done.get("attempt_id"))
    sent = next((body for _, path, body in CALLS if path.endswith("/invoice")), {})
    w.report.equal(
        "the invoice carries the attempt",
        (dig(sent, "clientUtm.utm_term"), sent.get("buyerLanguage")),
        (id, "RU"),
    )
    first = str(done.get("invoice_id"))
    for key in ("", "wrong", LAVA_SECRET + "0"):
        answer = lava(w, "payment", key, **sale("payment.success", first, "completed", id))
        w.report.equal(f"key {key[-6:]!r}", answer.status, 401)
    w.report.equal("no contractId", lava(w, **sale("payment.success", None, "completed", id)).status, 400)
    w.report.equal("nothing happened", me.balance(), 0)
    for _ in range(3):
        answer = lava(w, **sale("payment.success", first, "subscription-active", id))
        w.report.equal("success", (answer.status, answer.object().get("success")), (200, True))
    w.idle()
    w.report.equal("settles once", (me.balance(), me.me()["subscriptionExpires"]), (500, w.iso(30 * DAY)))
    again = w.success("another link", link(me), {"active_subscription": true, "expires_at": text})
    w.report.check("is none", "payment_url" not in again, again)
    w.report.equal(
        "detected",
        me.get("/api/payments/detect-provider", telegram_id=me.tg).object().get("provider"),
        "lavatop",
    )
    renewal = sale(
        "subscription.recurring.payment.success",
        f"r{w.number()}",
        "subscription-active",
        parentContractId=first,
    )
    for _ in range(2):
        w.report.equal("renewal", lava(w, "recurring", **renewal).status, 200)
    w.idle()
    w.report.equal("adds 30 days", (me.balance(), me.me()["subscriptionExpires"]), (1000, w.iso(60 * DAY)))
    failed = sale(
        "subscription.recurring.payment.failed",
        f"f{w.number()}",
        "subscription-failed",
        parentContractId=first,
    )
    w.report.equal("a failed renewal", lava(w, "recurring", **failed).status, 200)
    w.idle()
    w.report.equal("keeps paid time", me.me()["subscriptionExpires"], w.iso(60 * DAY))
    unknown = sale(
        "subscription.recurring.payment.success",
        f"u{w.number()}",
        "subscription-active",
        parentContractId="nobody",
    )
    before = len(w.admin("GET", "/api/admin/unassigned-payments").object().get("payments") or [])
    w.report.equal("an unknown contract", lava(w, "recurring", **unknown).status, 200)
    w.idle()
    after = w.admin("GET", "/api/admin/unassigned-payments").object().get("payments") or []
    w.report.equal("is quarantined", len(after), before + 1)
    w.tick()
    CALLS.clear()
    done = w.success(
        "cancel",
        me.post("/api/v1/users/cancel-subscription", {}),
        {"provider": text, "message": text, "expires_at": text},
    )
    w.report.equal("at LavaTop", done.get("provider"), "lavatop")
    w.report.equal(
        "it was told", [method for method, path, _ in CALLS if "subscriptions" in path], ["DELETE"]
    )
    w.report.equal("paid time stays", (me.me()["isPro"], me.me()["autoRenewalEnabled"]), (True, False))
    w.report.equal("payments", len(record(w, me)["payments"]), 2)
    poll = w.user()
    body = w.need(link(poll))
    INVOICES[str(body["invoice_id"])] = "completed"
    w.advance(31, "all")
    w.idle()
    w.report.equal(
        "a lost webhook is healed by a check", attempt(poll, str(body["attempt_id"])).get("status"), "paid"
    )
    victim, stranger = w.user(), w.user()
    w.need(link(victim, email="same@example.test"))
    theirs = w.need(link(stranger, email="same@example.test"))
    lava(
        w,
        **sale(
            "payment.success",
            str(theirs["invoice_id"]),
            "completed",
            str(theirs["attempt_id"]),
            buyer={"email": "same@example.test"},
        ),
    )
    w.idle()
    w.report.equal("the attempt decides, not the e-mail", (victim.balance(), stranger.balance()), (0, 500))
    nobody = sale("payment.success", f"n{w.number()}", "completed", buyer={"email": "same@example.test"})
    w.report.equal("an e-mail alone", lava(w, **nobody).status, 200)
    w.idle()
    w.report.equal("gives nothing", (victim.balance(), stranger.balance()), (0, 500))
    bad = w.user()
    refused = w.need(link(bad))
    lava(w, **sale("payment.failed", str(refused["invoice_id"]), "failed", str(refused["attempt_id"])))
    w.idle()
    w.report.equal("a failure", attempt(bad, str(refused["attempt_id"])).get("status"), "failed")


def auto(w: World) -> None:
    """Which provider a form gets."""
    me = w.user()
    sold_by_lava(w)
    path = "/api/payments/generate-link-support"
    body = {"telegram_id": me.tg, "email": "a@example.test"}
    home = w.success("support", me.post(path, body | {"payment_method": "bank-rf"}), MADE)
    w.report.equal("of a home bank", home.get("provider"), "cloudpayments")
    abroad = w.success("abroad", me.post(path, body | {"payment_method": "foreign-bank"}), MADE)
    w.report.equal("of a foreign bank", abroad.get("provider"), "lavatop")


SCENARIOS = (by_lava, auto)
