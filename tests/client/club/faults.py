"""Providers, the store and queues that fail; and what must never be told."""

from collections.abc import Iterator
from contextlib import contextmanager

from club.gifts import given
from club.kit import World
from club.payments import MADE, attempt, event, form, link, made, private, record
from club.shapes import text

LINK = "/api/payments/generate-link"


@contextmanager
def broken(w: World, target: str, kind: str) -> Iterator[None]:
    """Everything of this kind fails meanwhile."""
    w.desk("POST", "/faults", {"target": target, "kind": kind, "rate": 1.0, "seed": 1})
    try:
        yield
    finally:
        w.desk("DELETE", "/faults")


def provider(w: World) -> None:
    """A link that the provider refuses."""
    me = w.user()
    key = f"fault-{w.number()}"
    with broken(w, "provider", "error"):
        answer = me.post(LINK, form(me, provider="sandbox"), idempotency_key=key)
    sentence = "Не удалось создать ссылку на оплату. Попробуйте ещё раз."
    w.refused("the provider fails", answer, 502, "provider_error", sentence)
    rows = record(w, me)["attempts"]
    w.report.equal("a failed attempt", [each["status"] for each in rows], ["failed"])
    done = w.success(
        "the next try under the key", me.post(LINK, form(me, provider="sandbox"), idempotency_key=key), MADE
    )
    w.report.check("is a new attempt", done.get("attempt_id") != rows[0]["id"], done)
    w.success("a late success of the failed one", event(w, rows[0]["id"]))
    w.idle()
    w.report.equal("settles", (attempt(me, rows[0]["id"]).get("status"), me.balance()), ("paid", 500))


def store(w: World) -> None:
    """Nothing is acknowledged without being stored."""
    me = w.user()
    id = made(w, me)
    with broken(w, "dynamodb", "error"):
        read = me.get("/api/v1/energies/history", limit=7)
        told = event(w, id)
        spent = w.admin("POST", "/api/v1/energies/award", {"userId": me.id, "amount": 5, "reason": "Сбой"})
        alive = w.anonymous("/health/live")
        ready = w.anonymous("/health/ready")
    for name, answer in {"reading": read, "a webhook": told, "an award": spent}.items():
        w.refused(name, answer, 503, "conflict_retry", "Service Unavailable")
        w.report.equal(f"{name}: Retry-After", answer.headers.get("retry-after"), "1")
    w.report.equal("alive", alive.status, 200)
    w.refused("not ready", ready, 503, "not_ready")
    w.report.equal("nothing is stored", (me.balance(), attempt(me, id).get("status")), (0, "pending"))
    w.success("redelivered", event(w, id))
    w.idle()
    w.report.equal("settles", (me.balance(), attempt(me, id).get("status")), (500, "paid"))
    w.success("ready again", w.anonymous("/health/ready"), {"status": text})


def queue(w: World) -> None:
    """An update is acknowledged when it is kept, and then it works."""
    secret = {"X-Telegram-Bot-Api-Secret-Token": w.secrets["TELEGRAM_WEBHOOK_SECRET"]}
    giver = w.user()
    for target in ("sqs", "dynamodb"):
        friend = w.user()
        _, token = given(w, giver)
        update = {
            "update_id": 600_000_000 + w.number(),
            "message": private(w, friend, f"/start gift_{token}"),
        }
        with broken(w, target, "error"):
            answer = w.send("POST", "/api/v1/bot/webhook", update, secret)
        w.report.among(f"{target} fails: kept or not", answer.status, 200, 500)
        if answer.status == 500:
            w.report.equal("says so", answer.object().get("ok"), False)
            again = w.send("POST", "/api/v1/bot/webhook", update, secret)
            w.report.equal("the redelivery is kept", (again.status, again.object()), (200, {"ok": True}))
        w.advance(600, "all")
        w.idle()
        w.report.equal(f"{target}: the effect, once", (friend.me()["isPro"], friend.balance()), (True, 500))


def conflicts(w: World) -> None:
    """Some requests lose their races; effects stay single."""
    me = w.user()
    w.desk("POST", "/faults", {"target": "dynamodb", "kind": "lost_answer", "rate": 0.2, "seed": 7})
    try:
        for n in range(12):
            for _ in range(9):
                body = {"userId": me.id, "amount": 10, "reason": f"Раз {n}"}
                answer = w.admin("POST", "/api/v1/energies/award", body, idempotency_key=f"lost-{me.tg}-{n}")
                if answer.status == 200:
                    break
    finally:
        w.desk("DELETE", "/faults")
    w.report.equal("twelve awards, each once", (me.balance(), len(me.history())), (120, 12))
    payer = w.user()
    id = str(w.need(link(payer))["attempt_id"])
    w.desk("POST", "/faults", {"target": "dynamodb", "kind": "conflict", "rate": 0.3, "seed": 8})
    try:
        statuses = {event(w, id).status for _ in range(9)}
    finally:
        w.desk("DELETE", "/faults")
    w.success("the last delivery", event(w, id))
    w.idle()
    w.report.equal("answers under conflicts", statuses - {200, 503}, set())
    w.report.equal("settled once", (payer.balance(), len(record(w, payer)["payments"])), (500, 1))


def silence(w: World) -> None:
    """No answer until now held a secret."""
    w.report.check("many answers were read", w.answers > 10, w.answers)
    w.report.equal("none held a secret", w.leaks[:3], [])


SCENARIOS = (provider, store, queue, conflicts, silence)
