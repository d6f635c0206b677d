"""Gifts from the link to the activation."""

import re

from club.kit import User, World, body_of, dig
from club.payments import LINK, MADE, form, made, paid_at, private, record
from club.shapes import count, instant, integer, maybe_instant, maybe_text, opt, text
from club.wire import Answer

ACTIVATE = "/api/v1/gifts/activate"
DAY = 86_400
GIFT = {
    "id": text,
    "status": text,
    "recipientId": opt(lambda value: text(value) or integer(value)),
    "days": integer,
    "deepLink": maybe_text,
    "createdAt": instant,
    "activatedAt": maybe_instant,
    "expiresAt": instant,
}
DONE = {
    "gift": {"id": text, "status": text, "days": integer},
    "subscriptionExpires": instant,
    "energiesEarned": count,
}


def given(w: World, giver: User, **changes: object) -> tuple[str, str]:
    """A paid gift: its attempt and its token."""
    body = {"offer_key": "gift_rub_2000"} | changes
    id = made(w, giver, **body)
    w.pay(id)
    rows = body_of(giver.get("/api/v1/gifts/my")).get("gifts") or []
    found = next((each for each in rows if each["status"] == "paid"), {})
    return id, str(found.get("deepLink")).partition("?start=gift_")[2]


def activate(me: User, token: str) -> Answer:
    return me.post(ACTIVATE, {"token": token})


def gives(w: World) -> None:
    """An active subscriber gives to somebody chosen."""
    giver, friend, thief = w.user(paid=True), w.user(paid=True, days=10), w.user()
    before = giver.me()["subscriptionExpires"]
    id = made(w, giver, offer_key="gift_rub_2000", email=f"{friend.tg}_giftclub@mail.ru")
    w.pay(id)
    w.report.equal("no days for the giver", (giver.me()["subscriptionExpires"], giver.balance()), (before, 0))
    said = [str(each.get("text")) + str(each.get("payload")) for each in w.messages(giver.tg)]
    tokens = [each for message in said for each in re.findall(r"start=gift_([A-Za-z0-9_-]+)", message)]
    w.report.equal("one deep link", len(set(tokens)), 1)
    token = tokens[0] if tokens else ""
    w.report.equal("of 22 letters", len(token), 22)
    listed = w.success("given by me", giver.get("/api/v1/gifts/my"), {"gifts": [GIFT]})
    row = dig(listed, "gifts.0") or {}
    w.report.equal("paid, of 30 days", (row.get("status"), row.get("days")), ("paid", 30))
    w.report.check("its link", str(row.get("deepLink")).endswith(f"?start=gift_{token}"), row)
    w.report.check("for a year", row.get("expiresAt") == w.iso(365 * DAY), row)
    w.report.equal("not among the friend's", body_of(friend.get("/api/v1/gifts/my")).get("gifts"), [])
    w.refused("somebody else", activate(thief, token), 403, "gift_wrong_recipient")
    found = activate(giver, token)
    w.report.check(
        "the giver",
        (found.status, found.object().get("code")) in ((409, "gift_self"), (403, "gift_wrong_recipient")),
        found.brief(),
        "409 gift_self",
    )
    w.report.equal("the giver by the table", found.status, 409)
    done = w.success("the friend", activate(friend, token), DONE)
    w.report.equal("stacked", friend.me()["subscriptionExpires"], w.iso(40 * DAY))
    w.report.equal(
        "announced", (done.get("subscriptionExpires"), done.get("energiesEarned")), (w.iso(40 * DAY), 500)
    )
    w.report.equal(
        "500", (friend.balance(), friend.history()[0]["reason"]), (500, "Активация подарочной подписки")
    )
    w.report.equal("gifted", friend.me()["gifted"], True)
    again = w.success("again", activate(friend, token), DONE)
    w.report.equal("the same success", again, done)
    w.report.equal("no more", (friend.balance(), friend.me()["subscriptionExpires"]), (500, w.iso(40 * DAY)))
    row = dig(body_of(giver.get("/api/v1/gifts/my")), "gifts.0") or {}
    w.report.check(
        "the giver sees it", row.get("status") == "activated" and instant(row.get("activatedAt")), row
    )
    for bad in ("A" * 22, "x" * 22):
        w.refused(f"token {bad[:3]}", activate(thief, bad), 404, "gift_not_found")
    for bad in ("", "short", "A" * 23, 5, None):
        answer = w.send("POST", ACTIVATE, {"token": bad}, {"Authorization": f"tma {thief.data()}"})
        w.report.check(f"token {bad!r}", answer.status in (400, 404), answer.brief())
    w.refused(
        "to oneself",
        giver.post(LINK, form(giver, offer_key="gift_rub_2000", recipient_id=giver.tg)),
        400,
        "gift_self",
    )
    w.tick()
    w.refused(
        "to oneself by the e-mail",
        giver.post(LINK, form(giver, offer_key="gift_rub_2000", email=f"{giver.tg}_giftclub@mail.ru")),
        400,
        "gift_self",
    )
    chosen = w.success(
        "a chosen recipient",
        giver.post(LINK, form(giver, offer_key="gift_rub_2000", recipient_id=str(friend.tg))),
        MADE,
    )
    other = w.success(
        "another recipient",
        giver.post(LINK, form(giver, offer_key="gift_rub_2000", recipient_id=str(thief.tg))),
        MADE,
    )
    w.report.check("another attempt", chosen.get("attempt_id") != other.get("attempt_id"), other)


def races(w: World) -> None:
    """An open gift, many hands."""
    giver = w.user()
    _, token = given(w, giver)
    w.refused("the giver", activate(giver, token), 409, "gift_self")
    people = [w.user() for _ in range(20)]
    answers = w.both([lambda p=p: activate(p, token) for p in people], 10)
    lucky = [person for person, each in zip(people, answers, strict=True) if each.status == 200]
    w.report.equal("one of twenty", len(lucky), 1)
    for each in answers:
        if each.status == 409:
            w.refused("others", each, 409, "gift_already_activated")
    w.report.equal("answers", {each.status for each in answers} - {200, 409, 503}, set())
    w.report.equal("one award", sorted(each.balance() for each in people), [0] * 19 + [500])
    w.report.equal("one subscriber", sum(each.me()["isPro"] for each in people), 1)
    _, second = given(w, giver)
    one = w.user()
    answers = w.both([lambda: activate(one, second)] * 8, 8)
    w.report.equal("one hand many times", {each.status for each in answers} - {503}, {200})
    w.report.equal("one effect", (one.balance(), one.me()["subscriptionExpires"]), (500, w.iso(30 * DAY)))
    leader = w.user(paid=True, city=w.city())
    w.team(leader.me()["city"], leader)
    _, third = given(w, giver)
    w.success("a leader", activate(leader, third))
    w.report.equal("a gift is never doubled", leader.balance(), 500)


def by_bot(w: World) -> None:
    """/start gift_<token>."""
    giver, friend = w.user(), w.user()
    _, token = given(w, giver)
    w.update(message=private(w, friend, f"/start gift_{token}"))
    w.idle()
    w.report.equal("activated", (friend.me()["isPro"], friend.balance()), (True, 500))
    w.update(message=private(w, friend, f"/start gift_{token}"))
    w.idle()
    w.report.equal("once", friend.balance(), 500)
    stranger = User(w, 4_500_000_000 + w.number(), first_name="Новый")
    _, second = given(w, giver)
    w.update(message=private(w, stranger, f"/start gift_{second}"))
    w.idle()
    w.report.equal("whom nobody knew", stranger.me()["isPro"], True)


def ends(w: World) -> None:
    """Expired and revoked gifts."""
    giver = w.user()
    id, token = given(w, giver)
    w.pay(id, "refunded")
    w.refused("refunded", activate(w.user(), token), 410, "gift_revoked")
    row = dig(body_of(giver.get("/api/v1/gifts/my")), "gifts.0") or {}
    w.report.equal("revoked", row.get("status"), "revoked")
    used_id, used = given(w, giver)
    friend = w.user()
    w.need(activate(friend, used))
    w.pay(used_id, "refunded")
    w.report.equal(
        "after the activation days and energies return", (friend.me()["isPro"], friend.balance()), (False, 0)
    )
    old_id, old = given(w, giver)
    before = len(w.said(giver.tg))
    w.advance(365 * DAY + 60)
    late = w.user()
    w.refused("a year later", activate(late, old), 410, "gift_expired")
    w.job("gift_expiry")
    w.job("gift_expiry")
    rows = {each["status"] for each in body_of(giver.get("/api/v1/gifts/my")).get("gifts") or []}
    w.report.equal("states", rows, {"revoked", "expired"} | rows & {"activated"})
    said = [str(each.get("text")) for each in w.said(giver.tg)[before:]]
    w.report.check("one message to the giver", len(said) == 1, said)
    w.refused("still", activate(late, old), 410, "gift_expired")
    w.report.check("attempt", record(w, giver)["attempts"] and old_id, "none")
    w.report.equal("nothing for the late", paid_at(late), 0.0)


SCENARIOS = (gives, races, by_bot, ends)
