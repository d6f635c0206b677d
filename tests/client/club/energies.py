"""Energies: the balance, its history, awards, spends and triggers."""

from club.kit import World, body_of, dig, seconds_of
from club.shapes import TRANSACTION, boolean, count, integer, maybe_text, text

AWARD = "/api/v1/energies/award"
SPEND = "/api/v1/energies/spend"
TRIGGERS = "/api/v1/energies/triggers"
RULES = {
    "otchet": ({"#отчет", "#отчёт", "#дз"}, 50, 1),
    "praktika": ({"#практика"}, 50, 1),
    "insight": ({"#инсайт"}, 40, 3),
    "sozvon": ({"#созвон"}, 100, 3),
    "storis": ({"#сторис"}, 200, 3),
    "combo": ({"#созвон", "#сторис"}, 300, 3),
    "challeng": ({"#челлендж"}, 1, 1),
}


def reads(w: World) -> None:
    """Balance, history, weekly progress."""
    me = w.user()
    first = w.success("balance", me.get("/api/v1/energies/balance"), {"balance": count})
    w.report.equal("a new member has nothing", first.get("balance"), 0)
    empty = w.success(
        "history of nobody", me.get("/api/v1/energies/history"), {"transactions": [TRANSACTION]}
    )
    w.report.equal("is empty", empty.get("transactions"), [])
    w.report.check("and has no cursor", empty.get("nextCursor", 0) is None, empty)
    for amount in (100, 20, 3):
        w.award(me, amount)
        w.advance(1)
    w.need(w.admin("POST", SPEND, {"userId": me.id, "amount": 50, "reason": "Списание"}))
    page = w.success(
        "history",
        me.get("/api/v1/energies/history"),
        {"transactions": [TRANSACTION], "nextCursor": maybe_text},
    )
    rows = page.get("transactions") or []
    w.report.equal("newest first, signed", [each.get("amount") for each in rows], [-50, 3, 20, 100])
    w.report.equal("delta", [each.get("delta") for each in rows], [-50, 3, 20, 100])
    w.report.equal("absolute amounts", [each.get("absoluteAmount") for each in rows], [50, 3, 20, 100])
    w.report.equal("types", [each.get("type") for each in rows], ["expense"] + ["income"] * 3)
    w.report.equal("remainders, oldest lot first", [each.get("remaining") for each in rows[1:]], [3, 20, 50])
    w.report.equal("owner", {each.get("userId") for each in rows}, {me.id})
    w.report.equal("balance is their sum", me.balance(), 73)
    lives = (seconds_of(dig(rows, "1.expiresAt") or w.iso()) - w.now()) / 86_400
    w.report.check("a lot expires in six months", 180 <= lives <= 184.1, lives)


def pages(w: World) -> None:
    """Limits and cursors of the history."""
    me = w.user()
    for amount in range(1, 6):
        w.award(me, amount)
    seen: list[int] = []
    cursor = None
    for _ in range(5):
        page = body_of(me.get("/api/v1/energies/history", limit=2, cursor=cursor))
        rows = page.get("transactions") or []
        w.report.check("at most the limit", len(rows) <= 2, len(rows))
        seen += [each["amount"] for each in rows]
        cursor = page.get("nextCursor")
        if not cursor:
            break
    w.report.equal("pages give each entry once", sorted(seen), [1, 2, 3, 4, 5])
    w.success("a limit above the maximum is capped", me.get("/api/v1/energies/history", limit=100000))
    for bad in ("0", "-1", "abc", "1.5"):
        answer = me.get("/api/v1/energies/history", limit=bad)
        w.refused(f"limit={bad}", answer, 400, "validation_failed", "Validation Error")
    w.success("unknown parameters are ignored", me.get("/api/v1/energies/history", foo="bar"))
    other = w.user()
    w.report.equal("another member's history is his own", other.history(), [])


def weekly(w: World) -> None:
    """The week's hashtag limits."""
    me = w.user(paid=True)
    row = {
        "hashtags": [text],
        "used": count,
        "max": count,
        "period": text,
        "reward": integer,
        "chat": text,
        "description": text,
    }
    answer = me.get("/api/v1/energies/weekly-progress")
    body = w.success(
        "weekly progress",
        answer,
        {"progress": {name: row for name in RULES}, "isLeader": boolean, "weekStartMsk": text},
    )
    for name, (tags, reward, most) in RULES.items():
        rule = dig(body, f"progress.{name}") or {}
        w.report.equal(f"{name}: hashtags", set(rule.get("hashtags", [])), tags)
        w.report.equal(f"{name}: max", rule.get("max"), most)
        w.report.equal(f"{name}: reward", rule.get("reward"), reward)
        w.report.equal(f"{name}: used", rule.get("used"), 0)
    for name in ("praktika", "sozvon", "storis", "combo"):
        w.report.equal(f"{name} requires media", dig(body, f"progress.{name}.requiresMedia"), True)
    w.report.equal("practice only at weekends", dig(body, "progress.praktika.weekendOnly"), True)
    w.report.equal("no leader", body.get("isLeader"), False)
    leader = w.user(paid=True, city=w.city())
    w.team(leader.me()["city"], leader)
    w.report.equal("a leader", body_of(leader.get("/api/v1/energies/weekly-progress")).get("isLeader"), True)


def awards(w: World) -> None:
    """An administrator's award and its limits."""
    me = w.user()
    body = {"userId": me.id, "amount": 70, "reason": "За дело", "metadata": {"a": 1}}
    done = w.success(
        "award", w.admin("POST", AWARD, body), {"amount": integer, "reason": text, "newBalance": count}
    )
    w.report.equal("new balance", done.get("newBalance"), 70)
    w.report.equal("as announced", me.balance(), 70)
    w.report.equal("reason", (done.get("reason"), dig(me.history(), "0.reason")), ("За дело", "За дело"))
    for name, change in {
        "zero": {"amount": 0},
        "negative": {"amount": -5},
        "too much": {"amount": 100_001},
        "a fraction": {"amount": 1.5},
        "a text": {"amount": "5"},
        "true": {"amount": True},
        "null": {"amount": None},
        "no reason": {"reason": None},
        "empty reason": {"reason": ""},
        "long reason": {"reason": "я" * 201},
        "large metadata": {"metadata": {"a": "x" * 2100}},
        "metadata a list": {"metadata": [1]},
        "no user": {"userId": None},
    }.items():
        answer = w.admin("POST", AWARD, body | change)
        found = w.refused(f"award refuses {name}", answer, 400, "validation_failed", "Validation Error")
        fields = found.get("fields")
        w.report.check(
            f"award names the field of {name}",
            isinstance(fields, list)
            and fields
            and all({"name", "reason"} <= set(each) for each in fields)
            and next(iter(change)) in " ".join(str(each["name"]) for each in fields),
            found,
        )
    w.success("the most", w.admin("POST", AWARD, body | {"amount": 100_000}))
    w.success("a reason of 200 letters", w.admin("POST", AWARD, body | {"reason": "я" * 200}))
    for unknown in ("00000000-0000-4000-8000-000000000000", "nobody", "../x", "ж" * 50):
        w.refused(
            f"unknown user {unknown[:8]}",
            w.admin("POST", AWARD, body | {"userId": unknown}),
            404,
            "not_found",
        )
    w.report.equal("refusals changed nothing", me.balance(), 70 + 100_000 + 70)
    w.refused(
        "a member may not", me.post(AWARD, body), 403, "admin_required", "Forbidden: admin access required"
    )


def keys(w: World) -> None:
    """Idempotency keys of awards."""
    me = w.user()
    body = {"userId": me.id, "amount": 7, "reason": "Ключ"}
    key = f"award-{w.number()}_A"
    first = w.admin("POST", AWARD, body, idempotency_key=key)
    again = w.admin("POST", AWARD, body, idempotency_key=key)
    w.success("first", first)
    w.report.equal(
        "the replay has the same status and body", (again.status, again.json()), (200, first.json())
    )
    w.report.equal("is marked", again.headers.get("idempotency-replayed"), "true")
    w.report.check("the first is not", "idempotency-replayed" not in first.headers, first.headers)
    w.report.equal("one effect", me.balance(), 7)
    w.refused(
        "another body under the key",
        w.admin("POST", AWARD, body | {"amount": 8}, idempotency_key=key),
        422,
        "idempotency_mismatch",
        "Idempotency key reuse",
    )
    alias = w.admin("POST", AWARD, body, x_idempotency_key=key)
    w.report.equal("the alias is the same key", alias.headers.get("idempotency-replayed"), "true")
    w.success(
        "another path is another scope", w.admin("POST", SPEND, body | {"amount": 2}, idempotency_key=key)
    )
    w.report.equal("spent", me.balance(), 5)
    bad = {"userId": me.id, "amount": 50, "reason": "Ключ"}
    late = f"late-{w.number()}"
    w.refused("a failure", w.admin("POST", SPEND, bad, idempotency_key=late), 409, "insufficient_energies")
    w.award(me, 100)
    w.success("does not burn the key", w.admin("POST", SPEND, bad, idempotency_key=late))
    for name, wrong in {"space": "a b", "too long": "k" * 256, "a dot": "a.b", "empty": ""}.items():
        answer = w.admin("POST", AWARD, body | {"reason": f"ключ {name}"}, idempotency_key=wrong)
        if name == "empty":
            w.report.among("an empty key is refused or none", answer.status, 200, 400)
        else:
            w.refused(f"a key with {name}", answer, 400, "validation_failed")
    w.success("255 letters", w.admin("POST", AWARD, body | {"reason": "x"}, idempotency_key="k" * 255))
    before = me.balance()
    many = f"many-{w.number()}"
    answers = w.both([lambda: w.admin("POST", AWARD, body, idempotency_key=many)] * 10)
    w.report.equal("ten at once under one key", {each.status for each in answers} - {503}, {200})
    w.report.equal("have one effect", me.balance(), before + 7)


def spends(w: World) -> None:
    """Spending."""
    me = w.user(energies=99)
    body = {"userId": me.id, "amount": 100, "reason": "Много"}
    w.refused(
        "100 of 99",
        w.admin("POST", SPEND, body),
        409,
        "insufficient_energies",
        "Insufficient energy points",
    )
    w.report.equal("nothing is written", (me.balance(), len(me.history())), (99, 1))
    done = w.success(
        "99 of 99", w.admin("POST", SPEND, body | {"amount": 99}), {"amount": integer, "reason": text}
    )
    w.report.equal("leaves 0", done.get("newBalance"), 0)
    w.refused("0", w.admin("POST", SPEND, body | {"amount": 0}), 400, "validation_failed")
    w.refused("unknown user", w.admin("POST", SPEND, body | {"userId": "nobody"}), 404, "not_found")
    rich = w.user(energies=10)
    calls = [
        lambda n=n: w.admin("POST", SPEND, {"userId": rich.id, "amount": 3, "reason": f"Раз {n}"})
        for n in range(8)
    ]
    answers = w.both(calls, 8)
    done_ones = sum(each.status == 200 for each in answers)
    w.report.check("of eight spends at once at most three", done_ones <= 3, done_ones)
    w.report.equal("the rest are refused", {each.status for each in answers} - {200, 409, 503}, set())
    w.report.equal("and the balance agrees", rich.balance(), 10 - 3 * done_ones)
    w.report.equal("with the ledger", sum(each["amount"] for each in rich.history()), 10 - 3 * done_ones)


def triggers(w: World) -> None:
    """Daily login, lessons, practices."""
    me = w.user()
    shape = {"awarded": boolean, "amount": integer}
    login = {"userId": me.id}
    first = w.success("daily login", w.admin("POST", f"{TRIGGERS}/daily-login", login), shape)
    w.report.equal("gives 10", (first.get("awarded"), first.get("amount")), (True, 10))
    again = w.success("the same day", w.admin("POST", f"{TRIGGERS}/daily-login", login), shape)
    w.report.equal("gives nothing", again.get("awarded"), False)
    w.report.equal("and says so", again.get("message"), "Already awarded today")
    lesson = {"userId": me.id, "lessonId": f"l{w.number()}", "lessonTitle": "Начало"}
    seen = w.success("lesson", w.admin("POST", f"{TRIGGERS}/lesson-view", lesson), shape)
    w.report.equal("gives 20", (seen.get("awarded"), seen.get("amount")), (True, 20))
    w.report.equal("reason with a title", dig(me.history(), "0.reason"), "Просмотр урока: Начало")
    w.report.equal(
        "the lesson again", body_of(w.admin("POST", f"{TRIGGERS}/lesson-view", lesson)).get("awarded"), False
    )
    bare = {"userId": me.id, "lessonId": f"l{w.number()}"}
    w.success("a lesson without a title", w.admin("POST", f"{TRIGGERS}/lesson-view", bare), shape)
    w.report.equal("reason without", dig(me.history(), "0.reason"), "Просмотр урока")
    practice = {"userId": me.id, "practiceId": f"p{w.number()}"}
    done = w.success("practice", w.admin("POST", f"{TRIGGERS}/sunday-practice", practice), shape)
    w.report.equal("gives 50", (done.get("awarded"), done.get("amount")), (True, 50))
    w.report.equal(
        "the practice again",
        body_of(w.admin("POST", f"{TRIGGERS}/sunday-practice", practice)).get("awarded"),
        False,
    )
    w.report.equal("in all", me.balance(), 10 + 20 + 20 + 50)
    reasons = {each["reason"] for each in me.history()}
    w.report.check("reasons", {"Ежедневный вход", "Воскресная практика"} <= reasons, reasons)
    w.refused("no lesson id", w.admin("POST", f"{TRIGGERS}/lesson-view", login), 400, "validation_failed")
    w.refused(
        "no practice id", w.admin("POST", f"{TRIGGERS}/sunday-practice", login), 400, "validation_failed"
    )
    for name in ("daily-login", "lesson-view", "sunday-practice"):
        body = {"userId": "nobody", "lessonId": "l", "practiceId": "p"}
        w.refused(f"{name} of nobody", w.admin("POST", f"{TRIGGERS}/{name}", body), 404, "not_found")
        w.refused(f"{name} by a member", me.post(f"{TRIGGERS}/{name}", body), 403, "admin_required")
    other = w.user()
    calls = w.both([lambda: w.admin("POST", f"{TRIGGERS}/daily-login", {"userId": other.id})] * 6)
    w.report.equal("six logins at once", sum(body_of(each).get("awarded") is True for each in calls), 1)
    w.report.equal("one award", other.balance(), 10)


def next_day(w: World) -> None:
    """A Moscow day begins at 21:00 UTC."""
    me = w.user()
    w.go_to_msk(w.msk().weekday(), 23, 59)
    w.need(w.admin("POST", f"{TRIGGERS}/daily-login", {"userId": me.id}))
    w.advance(120)
    after = body_of(w.admin("POST", f"{TRIGGERS}/daily-login", {"userId": me.id}))
    w.report.equal("after midnight in Moscow the login counts again", after.get("awarded"), True)


def leaders(w: World) -> None:
    """The leader of an active team earns twice, where the contract says so."""
    leader = w.user(paid=True, city=w.city())
    w.team(leader.me()["city"], leader)
    done = w.need(w.admin("POST", f"{TRIGGERS}/daily-login", {"userId": leader.id}))
    w.report.equal("the announced amount", done.get("amount"), 20)
    entry = dig(leader.history(), "0") or {}
    w.report.equal("the credited amount", (entry.get("amount"), leader.balance()), (20, 20))
    data = entry.get("metadata") or {}
    w.report.equal(
        "metadata",
        (data.get("leaderBonus"), data.get("originalAmount"), data.get("multiplier")),
        (True, 10, 2),
    )
    w.award(leader, 100)
    w.report.equal("an administrator's award is not doubled", leader.balance(), 120)


SCENARIOS = (reads, pages, weekly, awards, keys, spends, triggers, next_day, leaders)
