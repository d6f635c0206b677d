"""The administrator's desk: offers, grants, content, jobs."""

from club.content_shapes import MEDITATION
from club.kit import User, World, body_of, dig
from club.lessons import draft as course_draft
from club.payments import link, made
from club.shapes import boolean, integer, maybe_text, obj, text

OFFERS = "/api/admin/offers"
DAY = 86_400
OFFER = {
    "key": text,
    "label": text,
    "purpose": text,
    "days": integer,
    "prices": obj,
    "offer_id": maybe_text,
    "periodicity": maybe_text,
    "is_active": boolean,
    "is_gift": boolean,
}


def offers(w: World) -> None:
    """Terms that are sold."""
    listed = w.success("offers", w.admin("GET", OFFERS), {"offers": [OFFER]})
    seed = {each["key"]: each for each in listed.get("offers") or []}
    for key, gift in (("monthly_rub_2000", False), ("gift_rub_2000", True)):
        own = seed.get(key) or {}
        w.report.equal(
            f"{key}", (dig(own, "prices.RUB"), own.get("days"), own.get("is_gift")), ("2000.00", 30, gift)
        )
    key = f"offer_{w.number()}"
    body = {
        "key": key,
        "label": "Квартал",
        "purpose": "self",
        "days": 90,
        "prices": {"RUB": "5400.00", "USD": "60.00"},
        "is_active": True,
        "is_gift": False,
    }
    w.success("create", w.admin("POST", OFFERS, body), {"offer": OFFER})
    w.refused("create twice", w.admin("POST", OFFERS, body), 409, "offer_exists")
    for name, bad in {
        "a bad key": {"key": "Квартал"},
        "an upper-case key": {"key": "ABC"},
        "a long key": {"key": "a" * 65},
        "no days": {"days": 0},
        "too many days": {"days": 3661},
        "no label": {"label": None},
        "an empty price": {"prices": {"RUB": ""}},
        "a negative price": {"prices": {"RUB": "-1.00"}},
        "another currency": {"prices": {"GBP": "1.00"}},
        "a purpose": {"purpose": "fun"},
    }.items():
        w.refused(
            name,
            w.admin("POST", OFFERS, body | {"key": f"offer_{w.number()}"} | bad),
            400,
            "validation_failed",
        )
    alias = w.success("the old path", w.admin("GET", "/api/admin/lavatop-offers"), {"offers": [OFFER]})
    w.report.check("has it", key in [each["key"] for each in alias.get("offers") or []], alias)
    me = w.user()
    sold = w.success("a link of it", link(me, offer_key=key))
    w.report.equal("its price", sold.get("amount"), "5400.00")
    w.success("in dollars", link(me, offer_key=key, currency="USD"))
    w.success("change", w.admin("PATCH", f"{OFFERS}/{key}", {"prices": {"RUB": "6000.00"}}), {"offer": OFFER})
    again = w.success("the pending link keeps its terms", link(me, offer_key=key))
    w.report.equal("its price", again.get("amount"), "5400.00" if again.get("reused") else "6000.00")
    w.pay(str(sold["attempt_id"]))
    w.report.equal("its days are frozen", me.me()["subscriptionExpires"], w.iso(90 * DAY))
    w.success("delete", w.admin("DELETE", f"{OFFERS}/{key}"))
    rows = {each["key"]: each for each in body_of(w.admin("GET", OFFERS)).get("offers") or []}
    w.report.equal("only deactivates", dig(rows, f"{key}.is_active"), False)
    w.refused("a link of it", link(w.user(), offer_key=key), 400, "offer_inactive")
    for method in ("PATCH", "DELETE"):
        answer = w.admin(method, f"{OFFERS}/nothing", {"label": "x"} if method == "PATCH" else None)
        w.refused(f"{method} of nothing", answer, 404)


def grants(w: World) -> None:
    """Giving and taking time."""
    me = w.user()
    path = "/api/admin/grant-subscription"
    w.success("grant", w.admin("POST", path, {"telegram_id": me.tg}))
    w.report.equal(
        "thirty days, no energies", (me.me()["subscriptionExpires"], me.balance()), (w.iso(30 * DAY), 0)
    )
    w.success("stacked", w.admin("POST", path, {"telegram_id": me.tg, "days": 90, "reason": "Друг"}))
    w.report.equal("120 days", me.me()["subscriptionExpires"], w.iso(120 * DAY))
    key = f"grant-{w.number()}"
    for _ in range(2):
        w.success("with a key", w.admin("POST", path, {"telegram_id": me.tg, "days": 1}, idempotency_key=key))
    w.report.equal("once", me.me()["subscriptionExpires"], w.iso(121 * DAY))
    for days in (0, -1, 3661, "x", 1.5):
        w.refused(
            f"{days} days",
            w.admin("POST", path, {"telegram_id": me.tg, "days": days}),
            400,
            "validation_failed",
        )
    w.refused("nobody", w.admin("POST", path, {"telegram_id": 987_654_321_987}), 404, "not_found")
    w.refused("without id", w.admin("POST", path, {"days": 5}), 400)
    w.success("revoke", w.admin("POST", "/api/admin/revoke-subscription", {"telegram_id": me.tg}))
    w.report.equal("ends now", (me.me()["isPro"], me.me()["subscriptionExpires"]), (False, w.iso()))
    w.refused(
        "revoke of nobody",
        w.admin("POST", "/api/admin/revoke-subscription", {"telegram_id": 987_654_321_987}),
        404,
    )
    w.refused(
        "premium is closed at once",
        me.post("/api/reports/submit", {"content": "x"}),
        403,
        "subscription_required",
    )
    w.pay(made(w, me))
    found = w.success("the member", w.admin("GET", f"/api/admin/user/{me.tg}"))
    w.report.check(
        "payments, attempts",
        len(found.get("payments") or []) == 1 and len(found.get("attempts") or []) == 1,
        found,
    )
    w.report.check("gifts, team", isinstance(found.get("gifts"), list) and "team" in found, found)
    for bad in ("987654321987", "abc", "-1", "99999999999999999999999"):
        w.refused(f"member {bad}", w.admin("GET", f"/api/admin/user/{bad}"), 404)


def content(w: World) -> None:
    """Kinds of content."""
    me = w.user(paid=True)
    path = "/api/admin/content"
    w.refused("a strange kind", w.admin("PUT", f"{path}/pig/x", {}), 404)
    id = f"full-{w.number()}"
    w.success("put", w.admin("PUT", f"{path}/course/{id}", course_draft()), {"entity": obj})
    same = w.success("again", w.admin("PUT", f"{path}/course/{id}", course_draft()), {"entity": obj})
    w.report.equal("has its id", dig(same, "entity.id"), id)
    for name, bad in {
        "no title": {"title": None},
        "a number": {"title": 5},
        "another category": {"category": "fun"},
        "a text order": {"sortOrder": "x"},
        "premium a text": {"isPremium": "maybe"},
    }.items():
        w.refused(
            f"course: {name}",
            w.admin("PUT", f"{path}/course/{id}", course_draft() | bad),
            400,
            "validation_failed",
        )
    w.success("is read", me.get(f"/api/v1/courses/{id}"))
    w.success("delete", w.admin("DELETE", f"{path}/course/{id}"))
    w.refused("is gone", me.get(f"/api/v1/courses/{id}"), 404, "not_found", "Course not found")
    w.report.check("not in the list", id not in me.get("/api/v1/courses").text(), "it is")
    w.report.among("delete again", w.admin("DELETE", f"{path}/course/{id}").status, 200, 404)
    sit = f"sit-{w.number()}"
    body = {
        "title": "Тишина",
        "description": None,
        "duration": 60,
        "coverUrl": None,
        "audioUrl": None,
        "audioSeries": [],
        "category": "утро",
        "isPremium": False,
        "sortOrder": 1,
    }
    w.need(w.admin("PUT", f"{path}/meditation/{sit}", body | {"description": "Было"}))
    w.need(w.admin("PUT", f"{path}/meditation/{sit}", body))
    found = w.success("full replacement", me.get(f"/api/v1/meditations/{sit}"), {"meditation": MEDITATION})
    w.report.check("nothing is kept", dig(found, "meditation.description") is None, found)
    code = f"medal_{w.number()}"
    medal = {
        "code": code,
        "title": "Медаль",
        "description": "x",
        "icon": "star",
        "xpReward": 5,
        "condition": {"type": "experience", "value": 10},
    }
    w.success("achievement", w.admin("PUT", f"{path}/achievement/{code}", medal), {"entity": obj})
    for name, bad in {
        "a strange type": {"type": "luck", "value": 1},
        "value 0": {"type": "level", "value": 0},
        "no value": {"type": "level"},
        "none": None,
    }.items():
        w.refused(
            f"condition {name}",
            w.admin("PUT", f"{path}/achievement/x{w.number()}", medal | {"condition": bad}),
            400,
            "validation_failed",
        )
    w.need(
        w.admin("POST", "/api/v1/gamification/add-xp", {"userId": me.id, "amount": 10, "reason": "Медаль"})
    )
    done = dig(body_of(me.get("/api/v1/gamification/achievements")), "achievements.unlocked") or []
    w.report.check("can be earned", code in [each["code"] for each in done], done)
    w.report.equal("with its reward", me.me()["experience"], 15)
    w.success("delete it", w.admin("DELETE", f"{path}/achievement/{code}"))
    for kind in ("section", "video", "timecode", "practice", "course-day"):
        w.report.among(f"an empty {kind}", w.admin("PUT", f"{path}/{kind}/x{w.number()}", {}).status, 400)


def jobs(w: World) -> None:
    """Jobs on demand."""
    for name in (
        "ratings_publish",
        "ratings_reconcile",
        "team_sync",
        "team_inactive_cleanup",
        "energies_expire",
        "subscription_guard",
        "renewal_reminders",
        "gift_expiry",
        "attempt_sweep",
        "outbox_sweep",
        "health_probe",
    ):
        answer = w.admin("POST", f"/api/admin/jobs/{name}", {})
        body = answer.object()
        good = (answer.status == 202 and text(body.get("run_id"))) or (
            answer.status == 200 and "result" in body
        )
        w.report.check(
            f"{name}: 202 run_id, or 200 result", good and body.get("success") is True, answer.brief()
        )
    w.refused("a strange job", w.admin("POST", "/api/admin/jobs/nothing", {}), 404)


def guard(w: World) -> None:
    """A day of grace, then the chats are closed."""
    city = w.city()
    leader = w.user(paid=True, days=300, city=city)
    team = w.team(city, leader)

    def joined() -> User:
        person = w.user(paid=True, days=1, city=city)
        w.need(w.admin("POST", f"/api/teams/{team['id']}/join", {"userId": person.id}))
        return person

    w.go_to_msk(1, 8, 59)
    closed, back = joined(), joined()
    w.go_to_msk(1, 23)
    evening = joined()
    w.go_to_msk(2, 0, 1)
    night = joined()
    w.go_to_msk(3, 8, 30)
    w.grant(back, 30)
    before = {each.tg: len(w.said(each.tg)) for each in (closed, back, evening, night)}
    w.report.equal("five in the team", dig(body_of(leader.get("/api/teams/my")), "team.memberCount"), 5)
    w.go_to_msk(3, 9)
    w.job("subscription_guard")
    w.job("subscription_guard")
    w.report.equal("one leaves", dig(body_of(leader.get("/api/teams/my")), "team.memberCount"), 4)
    inside = {
        each["userId"]
        for each in body_of(leader.get(f"/api/teams/{team['id']}/members")).get("members") or []
    }
    w.report.equal("who is inside", inside, {each.id for each in (leader, back, evening, night)})
    w.report.check("his team is none", body_of(closed.get("/api/teams/my")).get("team", 0) is None, "")
    counts = {
        each.tg: len([one for one in w.said(each.tg)[before[each.tg] :] if one["method"] == "sendMessage"])
        for each in (closed, back, evening, night)
    }
    w.report.equal("one message to him", counts[closed.tg], 1)
    w.report.equal("none to who paid again", counts[back.tg], 0)
    w.grant(closed, 30)
    w.pay(made(w, closed))
    w.report.equal(
        "after a payment he is back", dig(body_of(closed.get("/api/teams/my")), "team.id"), team["id"]
    )


def reminders(w: World) -> None:
    """Two days, one day, today."""
    w.go_to_msk(0, 12)
    me = w.user(paid=True, days=5)
    for days, whole in ((2, 0), (3, 1), (4, 2), (5, 3)):
        w.go_to_msk(days, 9, 30)
        for _ in range(3):
            w.job("renewal_reminders")
        found = [each for each in w.said(me.tg) if each["method"] == "sendMessage"]
        w.report.equal(f"messages by day {days}", len(found), whole)


def burning(w: World) -> None:
    """Energies live six months."""
    me, other = w.user(energies=100), w.user(energies=40)
    w.need(w.admin("POST", "/api/v1/energies/spend", {"userId": me.id, "amount": 100, "reason": "Трата"}))
    w.advance(30 * DAY)
    w.award(me, 100)
    w.advance(155 * DAY)
    w.report.check("not yet", other.history()[-1]["isExpired"] in (False, True), "")
    w.job("energies_expire")
    w.job("energies_expire")
    w.report.equal("100 earned, spent, earned: 100 remain", me.balance(), 100)
    w.report.equal("40 burn", other.balance(), 0)
    rows = other.history()
    w.report.equal(
        "one entry",
        [(each["amount"], each["reason"]) for each in rows],
        [(-40, "Сгорание энергий"), rows[1]["amount"] and (40, rows[1]["reason"])],
    )
    w.report.equal("marked", (rows[1]["isExpired"], rows[1]["remaining"]), (True, 0))
    w.advance(30 * DAY)
    w.job("energies_expire")
    w.report.equal("then the rest", me.balance(), 0)
    w.report.equal("the ledger agrees", sum(each["amount"] for each in me.history(limit=200)), 0)


SCENARIOS = (offers, grants, content, jobs, guard, reminders, burning)
