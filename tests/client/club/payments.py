"""Links, attempts, settlements, refunds, as the payment forms and the provider do them."""

from club.kit import Json, User, World, body_of, dig, seconds_of
from club.shapes import (
    boolean,
    instant,
    integer,
    maybe_instant,
    maybe_text,
    money,
    opt,
    text,
)
from club.wire import Answer

LINK = "/api/payments/generate-link"
SUPPORT = "/api/payments/generate-link-support"
DAY = 86_400
MADE = {
    "payment_url": text,
    "invoice_id": text,
    "attempt_id": text,
    "provider": text,
    "amount": money,
    "currency": text,
    "reused": boolean,
}
ATTEMPT = {
    "id": text,
    "status": text,
    "purpose": text,
    "offer_key": text,
    "amount": money,
    "currency": text,
    "provider": text,
    "checksDone": integer,
    "createdAt": instant,
}
STATUS = {
    "isPro": boolean,
    "expires_at": opt(text),
    "subscription_expires": maybe_instant,
    "active_subscription": boolean,
    "auto_renewal": boolean,
    "provider": maybe_text,
    "blocked": boolean,
    "unlock_date": maybe_text,
}


def form(me: User, **changes: object) -> Json:
    """What the static form sends."""
    body = {
        "telegram_id": str(me.tg),
        "email": f"user{me.tg}@example.test",
        "offer_key": "monthly_rub_2000",
        "name": "Анна",
        "phone": "+79990000000",
        "utm_source": "null",
    }
    return {key: value for key, value in (body | changes).items() if value is not ...}


def link(me: User, **changes: object) -> Answer:
    return me.post(LINK, form(me, **changes))


def made(w: World, me: User, **changes: object) -> str:
    """A new attempt."""
    return str(w.need(link(me, **changes))["attempt_id"])


def attempt(me: User, id: str) -> Json:
    return body_of(me.get(f"/api/payments/attempts/{id}")).get("attempt") or {}


def record(w: World, me: User) -> Json:
    """What an administrator sees of a member."""
    return w.need(w.admin("GET", f"/api/admin/user/{me.tg}"))


def event(w: World, id: str, kind: str = "success", **more: object) -> Answer:
    """The provider's webhook, delivered by hand."""
    headers = {"X-Sandbox-Secret": w.secrets["SANDBOX_SECRET"]}
    return w.send("POST", "/api/webhooks/sandbox/payment", {"attempt_id": id, "event": kind} | more, headers)


def texts(w: World, me: User) -> list[str]:
    return [str(each.get("text")) for each in w.messages(me.tg)]


def paid_at(me: User) -> float:
    return seconds_of(me.me()["subscriptionExpires"] or "1970-01-01T00:00:00Z")


def links(w: World) -> None:
    """What a link answers."""
    me = w.user()
    first = w.success("link", link(me), MADE)
    id = first.get("attempt_id", "")
    w.report.check("an attempt's id", id.startswith("att_") and len(id) == 30, id)
    w.report.equal(
        "terms", (first.get("amount"), first.get("currency"), first.get("reused")), ("2000.00", "RUB", False)
    )
    again = w.success("the same as a number", link(me, telegram_id=me.tg, phone="+7"), MADE)
    w.report.equal(
        "is the same attempt",
        (again.get("attempt_id"), again.get("reused"), again.get("payment_url")),
        (id, True, first.get("payment_url")),
    )
    found = w.success("attempt", me.get(f"/api/payments/attempts/{id}"), {"attempt": ATTEMPT})
    w.report.equal(
        "pending", (dig(found, "attempt.status"), dig(found, "attempt.purpose")), ("pending", "self")
    )
    w.report.equal("its offer", dig(found, "attempt.offer_key"), "monthly_rub_2000")
    w.refused("another's attempt", w.user().get(f"/api/payments/attempts/{id}"), 404, "not_found")
    for bad in ("nothing", "att_00000000000000000000000000", "%D0%B6"):
        w.refused(f"attempt {bad}", me.get(f"/api/payments/attempts/{bad}"), 404, "not_found")
    w.tick()
    for field in ("telegram_id", "email", "offer_key"):
        for value in (..., None, ""):
            w.refused(
                f"{field} {value}",
                link(me, **{field: value}),
                400,
                "field_required",
                "Обязательные поля: telegram_id, email, offer_key",
            )
    w.tick()
    for bad in ("abc", "-5", "1.5", "0"):
        w.refused(
            f"telegram_id {bad}",
            link(me, telegram_id=bad),
            400,
            "bad_telegram_id",
            "Некорректный telegram_id",
        )
    w.refused("another's telegram_id", link(me, telegram_id=me.tg + 1), 403, "subject_mismatch")
    w.refused("an unknown offer", link(me, offer_key="nothing"), 404, "offer_unknown")
    w.refused("a currency that is not offered", link(me, currency="USD"), 400, "currency_not_offered")
    w.report.among("a strange currency is none, or roubles", link(me, currency="GBP").status, 200, 400)
    w.tick()
    for bad in ("no-at", "a@b@c.ru", "@", "a" * 250 + "@b.ru"):
        answer = link(me, email=bad)
        w.report.check(f"e-mail {bad[:9]}", answer.status == 400, answer.brief())
    w.refused("a long name", link(me, name="я" * 256), 400, "validation_failed")
    w.refused("a long offer key", link(me, offer_key="a" * 65), 400)
    w.report.equal("one attempt came of all this", [each["id"] for each in record(w, me)["attempts"]], [id])
    support = w.user()
    body = w.success(
        "support", support.post(SUPPORT, form(support, offer_key=..., payment_method="bank-rf")), MADE
    )
    w.report.equal(
        "its offer", attempt(support, body.get("attempt_id", "")).get("offer_key"), "monthly_rub_2000"
    )
    w.refused(
        "support without e-mail",
        support.post(SUPPORT, form(support, offer_key=..., email=...)),
        400,
        "field_required",
    )
    stars = w.success("stars", link(w.user(), provider="stars", currency="XTR"), MADE)
    w.report.equal(
        "whole stars",
        (stars.get("provider"), stars.get("amount"), stars.get("currency")),
        ("stars", "1500", "XTR"),
    )
    w.success(
        "a disabled provider falls back", link(w.user(), provider="lavatop", payment_provider="PAYPAL"), MADE
    )


def probes(w: World) -> None:
    """The forms ask first whether there is a subscription."""
    me = w.user()
    answer = w.success("probe", link(me, email="x@check.local"), {"active_subscription": boolean})
    w.report.equal("no subscription", answer.get("active_subscription"), False)
    w.report.equal("no attempt", record(w, me)["attempts"], [])
    status = w.success("status", me.get("/api/payments/status"), STATUS)
    w.report.equal(
        "nothing yet",
        (status.get("isPro"), status.get("active_subscription"), status.get("blocked")),
        (False, False, False),
    )
    w.success("status by id", me.get("/api/payments/status", telegram_id=me.tg), STATUS)
    strange = me.get("/api/payments/status", telegram_id=me.tg + 1)
    w.report.check(
        "another's: refused, or my own", strange.status == 403 or strange.object() == status, strange.brief()
    )
    w.report.equal("still no attempt", record(w, me)["attempts"], [])
    found = w.success(
        "provider", me.get("/api/payments/detect-provider", telegram_id=me.tg), {"provider": text}
    )
    w.report.equal("by default", found.get("provider"), "cloudpayments")
    bad = me.get("/api/payments/detect-provider", telegram_id="abc")
    w.report.equal(
        "a bad id",
        (bad.status, bad.object().get("success"), bad.object().get("provider")),
        (200, False, "cloudpayments"),
    )
    w.refused(
        "provider of another",
        me.get("/api/payments/detect-provider", telegram_id=me.tg + 1),
        403,
        "subject_mismatch",
    )


def same(w: World) -> None:
    """Ten links at once, keys."""
    me = w.user()
    w.tick()
    answers = w.both([lambda: link(me)] * 10, 10)
    ids = {each.object().get("attempt_id") for each in answers if each.status == 200}
    w.report.equal("one attempt", len(ids), 1)
    for each in answers:
        if each.status != 200:
            w.refused("others wait", each, 503, "conflict_retry")
            w.report.check("with Retry-After", each.headers.get("retry-after", "").isdigit(), each.headers)
    w.report.equal("stored once", len(record(w, me)["attempts"]), 1)
    other = w.user()
    key = f"link-{w.number()}"
    one = other.post(LINK, form(other), idempotency_key=key)
    two = other.post(LINK, form(other), idempotency_key=key)
    w.report.equal("a key's answer", dig(two.object(), "attempt_id"), dig(one.object(), "attempt_id"))
    w.report.equal("same URL", dig(two.object(), "payment_url"), dig(one.object(), "payment_url"))
    w.refused(
        "the key with another body",
        other.post(LINK, form(other, phone="1"), idempotency_key=key),
        422,
        "idempotency_mismatch",
    )


def success(w: World) -> None:
    """One success delivered fifty times."""
    me = w.user()
    id = made(w, me)
    answers = w.both([lambda: event(w, id)] * 50, 10)
    w.report.equal("all are acknowledged", {each.status for each in answers} - {503}, {200})
    if 503 in {each.status for each in answers}:
        w.success("the retry of one that was not", event(w, id))
    w.idle()
    w.report.equal("thirty days", me.me()["subscriptionExpires"], w.iso(30 * DAY))
    w.report.equal(
        "500 energies, one entry",
        (me.balance(), [each["reason"] for each in me.history()]),
        (500, ["Продление подписки"]),
    )
    w.report.equal("paid", attempt(me, id).get("status"), "paid")
    w.report.equal("one payment", len(record(w, me)["payments"]), 1)
    said = [each for each in texts(w, me) if "Оплата прошла" in each]
    w.report.equal("one congratulation", len(said), 1)
    status = w.success("status", me.get("/api/payments/status"), STATUS)
    w.report.equal("active", (status.get("isPro"), status.get("active_subscription")), (True, True))
    w.report.equal("isPro", me.me()["isPro"], True)
    second = made(w, me)
    w.report.check("another payment is another attempt", second != id, second)
    w.success("paid", event(w, second))
    w.idle()
    w.report.equal("stacked", (me.me()["subscriptionExpires"], me.balance()), (w.iso(60 * DAY), 1000))
    leader = w.user(paid=True, city=w.city())
    w.team(leader.me()["city"], leader)
    w.pay(made(w, leader))
    entry = (leader.history() or [{}])[0]
    w.report.equal("a leader's award", (entry.get("amount"), leader.balance()), (1000, 1000))
    w.report.equal(
        "its bonus", (dig(entry, "metadata.originalAmount"), dig(entry, "metadata.multiplier")), (500, 2)
    )


def authenticity(w: World) -> None:
    """Unsigned deliveries change nothing."""
    me = w.user()
    id = made(w, me)
    path = "/api/webhooks/sandbox/payment"
    for name, headers in {
        "none": {},
        "empty": {"X-Sandbox-Secret": ""},
        "wrong": {"X-Sandbox-Secret": "x" * 40},
    }.items():
        answer = w.send("POST", path, {"attempt_id": id, "event": "success"}, headers)
        w.report.check(f"secret {name}", answer.status in (401, 403), answer.brief())
        state = w.send("POST", f"/api/payments/sandbox/{id}/state", {"state": "paid"}, headers)
        w.report.check(f"state: secret {name}", state.status in (401, 403), state.brief())
    w.idle()
    w.report.equal("nothing happened", (me.me()["isPro"], attempt(me, id).get("status")), (False, "pending"))
    for bad in ({"event": "success"}, {"attempt_id": id}, {"attempt_id": id, "event": "magic"}):
        w.report.among(
            f"body {sorted(bad)}",
            w.send("POST", path, bad, {"X-Sandbox-Secret": w.secrets["SANDBOX_SECRET"]}).status,
            400,
        )
    for bad_path, headers in (("/api/webhooks/unknown/payment", {}), ("/api/webhooks/sandbox/other", {})):
        w.refused(bad_path, w.send("POST", bad_path, {}, headers), 404, "not_found")
    off = w.send(
        "POST", "/api/webhooks/cloudpayments/pay", b"TransactionId=1&Amount=1", {"Content-HMAC": "x"}
    )
    w.report.equal("a provider without a secret", (off.status, off.object()), (200, {"code": 13}))
    w.refused(
        "LavaTop without one",
        w.send("POST", "/api/webhooks/lavatop/payment", {"contractId": "1"}, {"X-Api-Key": ""}),
        401,
    )


def checks(w: World) -> None:
    """Lost webhooks, silence, late successes."""
    me = w.user()
    id = made(w, me)
    w.pay(id, webhook=False)
    w.report.equal("the webhook is lost", attempt(me, id).get("status"), "pending")
    w.advance(30, "all")
    w.idle()
    w.report.equal("the next check settles", (attempt(me, id).get("status"), me.balance()), ("paid", 500))
    w.advance(300, "all")
    w.idle()
    w.report.equal("later checks change nothing", (me.balance(), len(record(w, me)["payments"])), (500, 1))
    idle = w.user()
    second = made(w, idle)
    for n in range(1, 11):
        w.advance(30, "all")
        w.idle()
        if n in (1, 5, 9):
            found = attempt(idle, second)
            w.report.equal(f"after check {n}", (found.get("status"), found.get("checksDone")), ("pending", n))
    found = attempt(idle, second)
    w.report.equal("after ten", (found.get("status"), found.get("checksDone")), ("abandoned", 10))
    w.report.equal("one message", len(texts(w, idle)), 1)
    w.advance(300, "all")
    w.report.equal("and no more", len(texts(w, idle)), 1)
    w.advance(3600)
    w.success("a success an hour later", event(w, second))
    w.idle()
    w.report.equal("settles", (attempt(idle, second).get("status"), idle.balance()), ("paid", 500))
    w.success("and once", event(w, second))
    w.idle()
    w.report.equal("only", (idle.balance(), len(record(w, idle)["payments"])), (500, 1))
    w.report.equal("one congratulation", len([each for each in texts(w, idle) if "Оплата прошла" in each]), 1)
    lost = w.user()
    third = made(w, lost)
    w.success("a failure", event(w, third, "fail"))
    w.idle()
    w.report.equal("fails the attempt", attempt(lost, third).get("status"), "failed")
    w.report.equal("with one message", len(texts(w, lost)), 1)
    w.success("again", event(w, third, "fail"))
    w.report.equal("no second", len(texts(w, lost)), 1)
    fresh = made(w, lost)
    w.report.check("a new link is a new attempt", fresh != third, fresh)
    w.success("a late success", event(w, third))
    w.idle()
    w.report.equal(
        "settles after a failure", (attempt(lost, third).get("status"), lost.balance()), ("paid", 500)
    )
    w.success("a failure after it", event(w, third, "fail"))
    w.idle()
    w.report.equal("never leaves paid", attempt(lost, third).get("status"), "paid")
    state = w.user()
    fourth = made(w, state)
    headers = {"X-Sandbox-Secret": w.secrets["SANDBOX_SECRET"]}
    w.success("state", w.send("POST", f"/api/payments/sandbox/{fourth}/state", {"state": "paid"}, headers))
    w.advance(30, "all")
    w.idle()
    w.report.equal("a check reads it", attempt(state, fourth).get("status"), "paid")
    w.refused(
        "a strange state",
        w.send("POST", f"/api/payments/sandbox/{fourth}/state", {"state": "x"}, headers),
        400,
    )


def private(w: World, me: User, text_: str | None = None) -> Json:
    """A private message to the bot."""
    message = {
        "message_id": w.number(),
        "date": int(w.now()),
        "chat": {"id": me.tg, "type": "private"},
        "from": {"id": me.tg, "is_bot": False, "first_name": "Анна"},
    }
    return message | ({"text": text_} if text_ else {})


SCENARIOS = (links, probes, same, success, authenticity, checks)
