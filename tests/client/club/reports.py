"""Weekly reports."""

from datetime import timedelta

from club.kit import World, body_of, dig, seconds_of
from club.shapes import WEEKLY_REPORT, boolean, count, instant, integer, number

REPORTS = "/api/reports"
STATS = {
    "totalReports": count,
    "totalEpEarned": count,
    "totalEnergiesEarned": count,
    "currentStreak": count,
    "longestStreak": count,
    "averageWordCount": number,
    "submittedThisWeek": boolean,
    "hoursUntilDeadline": number,
}


def lives(w: World) -> None:
    """Submitting, reading, deleting."""
    me, other = w.user(paid=True), w.user(paid=True)
    nothing = w.success("current before", me.get(f"{REPORTS}/current"))
    w.report.check("is null", nothing.get("report", 0) is None, nothing)
    done = w.success(
        "submit",
        me.post(f"{REPORTS}/submit", {"content": "  Мой отчёт за неделю  "}),
        {"report": WEEKLY_REPORT, "energiesEarned": count},
    )
    report = done.get("report") or {}
    w.report.equal(
        "gives 100", (done.get("energiesEarned"), report.get("energiesEarned"), me.balance()), (100,) * 3
    )
    w.report.equal("trimmed", report.get("content"), "Мой отчёт за неделю")
    year, week, _ = w.msk().isocalendar()
    w.report.equal("ISO week in Moscow", (report.get("weekNumber"), report.get("year")), (week, year))
    w.report.equal("reason", dig(me.history(), "0.reason"), "Сдача отчета недели")
    w.refused(
        "twice",
        me.post(f"{REPORTS}/submit", {"content": "Ещё"}),
        409,
        "report_exists",
        "Report already submitted for this week",
    )
    rid = report.get("id")
    for path in ("my", "user"):
        listed = w.success(path, me.get(f"{REPORTS}/{path}"), {"reports": [WEEKLY_REPORT]})
        w.report.equal(f"{path} has it", [each["id"] for each in listed.get("reports") or []], [rid])
    w.success("current", me.get(f"{REPORTS}/current"), {"report": WEEKLY_REPORT})
    w.success("one", me.get(f"{REPORTS}/{rid}"), {"report": WEEKLY_REPORT})
    for query in ({"weekNumber": week}, {"weekNumber": week, "year": year}):
        w.success(f"week {query}", me.get(f"{REPORTS}/week", **query), {"report": WEEKLY_REPORT})
    past = w.success("a week without one", me.get(f"{REPORTS}/week", weekNumber=1, year=year))
    w.report.check("is null", past.get("report", 0) is None, past)
    for bad in ("0", "54", "x"):
        w.refused(f"week {bad}", me.get(f"{REPORTS}/week", weekNumber=bad), 400, "validation_failed")
    w.report.among("another's report", other.get(f"{REPORTS}/{rid}").status, 403, 404)
    for bad in ("nothing", "%D0%B6", "00000000-0000-4000-8000-000000000000"):
        w.refused(f"report {bad}", me.get(f"{REPORTS}/{bad}"), 404, "not_found")
        w.refused(f"delete {bad}", me.delete(f"{REPORTS}/{bad}"), 404, "not_found")
    w.refused("delete another's", other.delete(f"{REPORTS}/{rid}"), 403)
    back = w.success("delete", me.delete(f"{REPORTS}/{rid}"), {"energiesReturned": count})
    w.report.equal("takes them back", (back.get("energiesReturned"), me.balance()), (100, 0))
    w.report.equal("reason", dig(me.history(), "0.reason"), "Возврат за удаленный отчет")
    second = me.delete(f"{REPORTS}/{rid}")
    w.report.among("delete twice", second.status, 200, 404)
    w.report.equal("takes nothing more", me.balance(), 0)
    once = w.success("resubmit", me.post(f"{REPORTS}/submit", {"content": "Снова"}))
    w.report.equal("pays again", (once.get("energiesEarned"), me.balance()), (100, 100))


def refusals(w: World) -> None:
    """Who may not, and what."""
    w.refused(
        "unpaid",
        w.user().post(f"{REPORTS}/submit", {"content": "Отчёт"}),
        403,
        "subscription_required",
        "Subscription required",
    )
    me = w.user(paid=True, days=60)
    for name, content in {
        "empty": "",
        "spaces": "   ",
        "long": "я" * 5001,
        "a number": 5,
        "missing": None,
    }.items():
        w.refused(
            f"content {name}", me.post(f"{REPORTS}/submit", {"content": content}), 400, "validation_failed"
        )
    done = w.success("5000 letters", me.post(f"{REPORTS}/submit", {"content": "я" * 5000}))
    rid = dig(done, "report.id")
    w.need(w.admin("POST", "/api/v1/energies/spend", {"userId": me.id, "amount": 60, "reason": "Трата"}))
    w.refused("delete without the balance", me.delete(f"{REPORTS}/{rid}"), 409, "insufficient_energies")
    w.report.equal("keeps it", body_of(me.get(f"{REPORTS}/{rid}")).get("success"), True)
    w.award(me, 500)
    w.advance(86_400 + 1)
    w.refused("delete a day later", me.delete(f"{REPORTS}/{rid}"), 409, "delete_window_over")
    for path in ("my", "current", "deadline", "stats/my", "week?weekNumber=1"):
        w.refused(f"{path} of nobody", w.anonymous(f"{REPORTS}/{path}"), 401, "unauthorized")
    racing = w.user(paid=True)
    answers = w.both([lambda: racing.post(f"{REPORTS}/submit", {"content": "Разом"})] * 5, 5)
    w.report.equal("five at once", {each.status for each in answers} - {200, 409, 503}, set())
    w.report.equal("one award", racing.balance(), 100)


def deadlines(w: World) -> None:
    """Sunday 23:59:59.999 in Moscow."""
    me = w.user(paid=True, days=60)
    shape = {
        "deadline": instant,
        "weekNumber": integer,
        "year": integer,
        "hoursRemaining": number,
        "isDeadlinePassed": boolean,
    }
    for weekday, hour, minute in ((2, 12, 0), (6, 23, 59), (0, 0, 0)):
        w.go_to_msk(weekday, hour, minute)
        found = w.success("deadline", me.get(f"{REPORTS}/deadline"), shape)
        here = w.msk()
        end = (here + timedelta(days=7 - here.weekday())).replace(hour=0, minute=0, second=0, microsecond=0)
        left = (end - here).total_seconds()
        w.report.check(
            "is the end of this week",
            abs(seconds_of(found.get("deadline") or "1970-01-01T00:00:00Z") - (w.now() + left - 0.001))
            < 0.0005,
            found,
            f"{w.iso(left - 0.001)}",
        )
        w.report.equal("week", (found.get("year"), found.get("weekNumber")), tuple(here.isocalendar())[:2])
        w.report.check(
            "hours", abs((found.get("hoursRemaining") or 0) - left / 3600) <= 1, found, left / 3600
        )
        w.report.equal("not passed", found.get("isDeadlinePassed"), False)


def statistics(w: World) -> None:
    """Streaks over three weeks, and the New Year."""
    me = w.user(paid=True, days=365)
    w.go_to_msk(2, 12)
    while w.msk().isocalendar().week < 52:
        w.advance(7 * 86_400)
    for _ in range(3):
        w.tick()
        w.success("a week's report", me.post(f"{REPORTS}/submit", {"content": "Одно два три"}))
        w.advance(7 * 86_400)
    for path in ("stats/my", "stats"):
        found = w.success(path, me.get(f"{REPORTS}/{path}"), {"stats": STATS} | STATS)
        stats = found.get("stats") or {}
        w.report.equal(
            f"{path}: totals",
            (stats.get("totalReports"), stats.get("totalEnergiesEarned"), stats.get("totalEpEarned")),
            (3, 300, 300),
        )
        w.report.equal(f"{path}: longest", stats.get("longestStreak"), 3)
        w.report.equal(f"{path}: current, this week still open", stats.get("currentStreak"), 3)
        w.report.equal(f"{path}: this week", stats.get("submittedThisWeek"), False)
        w.report.equal(f"{path}: words", stats.get("averageWordCount"), 3)
    rows = body_of(me.get(f"{REPORTS}/my")).get("reports") or []
    weeks = [(each["year"], each["weekNumber"]) for each in rows]
    w.report.equal("newest week first", weeks, sorted(weeks, reverse=True))
    w.report.check("over the New Year", len({year for year, _ in weeks}) == 2, weeks)
    w.report.equal("limit", len(body_of(me.get(f"{REPORTS}/my", limit=2)).get("reports") or []), 2)
    w.refused("limit=0", me.get(f"{REPORTS}/my", limit=0), 400, "validation_failed")
    year, week = weeks[0] if weeks else (2027, 1)
    listed = w.success("a week's list", w.admin("GET", f"{REPORTS}/week/{week}?year={year}"))
    w.report.check("has him", me.id in str(listed), listed)
    w.success("global", w.admin("GET", f"{REPORTS}/stats/global"))
    for path in ("stats/global", f"week/{week}"):
        w.refused(f"{path} by a member", me.get(f"{REPORTS}/{path}"), 403, "admin_required")


SCENARIOS = (lives, refusals, deadlines, statistics)
