"""Courses and meditations."""

from club.content_shapes import COURSE, COURSE_DAY, MEDITATION, MEDITATION_HISTORY
from club.kit import Json, World, body_of, dig
from club.shapes import boolean, count, integer, number, obj, text

COURSES = "/api/v1/courses"
MEDITATIONS = "/api/v1/meditations"


def course(w: World, days: int = 3, **changes: object) -> str:
    """A new course with its days."""
    id = f"course-{w.number()}"
    w.put("course", id, **(draft() | changes))
    for n in range(1, days + 1):
        w.put("course-day", f"{id}-{n}", **day(id, n))
    return id


def draft() -> Json:
    return {
        "title": "Основы",
        "description": "Первые шаги",
        "category": "mindset",
        "coverUrl": "https://img.example/c.png",
        "isPremium": False,
        "sortOrder": 900,
        "keyNumber": 3,
        "monthTheme": "Ясность",
    }


def day(id: str, n: int, **changes: object) -> Json:
    return {
        "courseId": id,
        "dayNumber": n,
        "title": f"День {n}",
        "content": "Текст дня",
        "lessonType": "video",
        "audioUrl": None,
        "videoUrl": "https://video.example/1",
        "rutubeUrl": "https://rutube.ru/video/1",
        "pdfUrl": None,
        "attachments": [{"title": "Лист", "url": "https://files.example/1.pdf", "type": "pdf"}],
        "welcomeContent": "Здравствуй",
        "courseInfo": None,
        "meditationGuide": None,
        "additionalContent": None,
        "giftContent": None,
        "streamLink": None,
        "isPremium": False,
    } | changes


def meditation(w: World, **changes: object) -> str:
    id = f"meditation-{w.number()}"
    body = {
        "title": "Тишина",
        "description": "Десять минут",
        "duration": 600,
        "coverUrl": None,
        "audioUrl": "https://audio.example/1.mp3",
        "audioSeries": [{"title": "Часть", "url": "https://audio.example/2.mp3"}],
        "category": "утро",
        "isPremium": False,
        "sortOrder": 1,
    }
    w.put("meditation", id, **(body | changes))
    return id


def lists(w: World) -> None:
    """What a member sees."""
    me = w.user()
    id = course(w)
    listed = w.success("courses", me.get(COURSES), {"courses": [COURSE]})
    rows = listed.get("courses") or []
    own = next((each for each in rows if each["id"] == id), {})
    w.report.equal("as written", {key: own.get(key) for key in draft()}, draft())
    orders = [each["sortOrder"] for each in rows]
    w.report.equal("by sortOrder", orders, sorted(orders))
    w.report.equal("not mine yet", (own.get("isFavorite"), own.get("isLocked")), (False, False))
    w.report.check("no progress", own.get("progress", 0) is None, own)
    some = body_of(me.get(COURSES, category="health")).get("courses") or []
    w.report.equal("one category", {each["category"] for each in some} - {"health"}, set())
    one = w.success("one course", me.get(f"{COURSES}/{id}"), {"course": COURSE})
    days = one.get("days") if "days" in one else dig(one, "course.days")
    from club.kit import misfits

    w.report.check(
        "its days",
        isinstance(days, list) and not misfits(days, [COURSE_DAY]),
        misfits(days, [COURSE_DAY])[:5],
    )
    w.report.equal("in order", [each["dayNumber"] for each in days or []], [1, 2, 3])
    w.report.equal(
        "attachments",
        dig(days, "0.attachments"),
        [{"title": "Лист", "url": "https://files.example/1.pdf", "type": "pdf"}],
    )
    for bad in ("nothing", "%D0%B6", "00000000-0000-4000-8000-000000000000"):
        w.refused(f"course {bad}", me.get(f"{COURSES}/{bad}"), 404, "not_found", "Course not found")
        w.refused(
            f"progress of {bad}", me.post(f"{COURSES}/{bad}/progress", {"completedDay": 1}), 404, "not_found"
        )
        w.refused(f"favourite {bad}", me.post(f"{COURSES}/{bad}/favorite"), 404, "not_found")
    for path in (COURSES, f"{COURSES}/{id}", f"{COURSES}/favorites/list"):
        w.refused(f"{path} of nobody", w.anonymous(path), 401, "unauthorized")


def progress(w: World) -> None:
    """Days of a course."""
    me = w.user(paid=True)
    id = course(w)
    path = f"{COURSES}/{id}/progress"
    shape = {"progress": {"currentDay": integer, "completedDays": [integer]}, "energiesEarned": count}
    first = w.success("day 1", me.post(path, {"currentDay": 2, "completedDay": 1}), shape)
    w.report.equal("earns 20", (first.get("energiesEarned"), me.balance()), (20, 20))
    w.report.equal(
        "progress", (dig(first, "progress.currentDay"), dig(first, "progress.completedDays")), (2, [1])
    )
    w.advance(50)
    again = w.success("day 1 again", me.post(path, {"completedDay": 1}), shape)
    w.report.equal("earns 0", (again.get("energiesEarned"), me.balance()), (0, 20))
    w.report.check("reason", str(dig(me.history(), "0.reason")).startswith("Просмотр урока"), me.history())
    third = w.success("day 3", me.post(path, {"completedDay": 3}), shape)
    w.report.equal("a union", dig(third, "progress.completedDays"), [1, 3])
    for field in ("currentDay", "completedDay"):
        for bad in (0, 4, -1, "x", 1.5):
            w.refused(
                f"{field} {bad!r}",
                me.post(path, {field: bad}),
                400,
                error="" if bad in ("x", 1.5) else f"Invalid {field}",
            )
    w.advance(61)
    answers = w.both([lambda: me.post(path, {"completedDay": 2})] * 10)
    w.report.equal("ten at once", {each.status for each in answers} - {200, 503}, set())
    w.report.equal("earn once", me.balance(), 60)
    listed = body_of(me.get(COURSES)).get("courses") or []
    own = next((each for each in listed if each["id"] == id), {})
    w.report.equal("shown in the list", dig(own, "progress.completedDays"), [1, 2, 3])
    w.tick()
    unlocked = dig(body_of(me.get("/api/v1/gamification/achievements")), "achievements.unlocked") or []
    w.report.check("the course is finished", "first_course" in [each["code"] for each in unlocked], unlocked)
    w.report.equal("a streak begins", dig(body_of(me.get("/api/v1/gamification/stats")), "stats.streak"), 1)


def premium(w: World) -> None:
    """What an unpaid member does not get."""
    poor, rich = w.user(), w.user(paid=True)
    id = course(w, isPremium=True)
    row = next((each for each in body_of(poor.get(COURSES)).get("courses") or [] if each["id"] == id), {})
    w.report.equal("locked in the list", row.get("isLocked"), True)
    one = w.success("the course", poor.get(f"{COURSES}/{id}"))
    days = one.get("days") if "days" in one else dig(one, "course.days")
    w.report.equal("is locked, without days", (dig(one, "course.isLocked"), days), (True, []))
    w.refused(
        "its progress",
        poor.post(f"{COURSES}/{id}/progress", {"completedDay": 1}),
        403,
        "subscription_required",
        "Subscription required",
    )
    paid = body_of(rich.get(f"{COURSES}/{id}"))
    w.report.equal("paid: open", dig(paid, "course.isLocked"), False)
    mixed = course(w)
    w.put("course-day", f"{mixed}-2", **day(mixed, 2, isPremium=True))
    one = body_of(poor.get(f"{COURSES}/{mixed}"))
    days = one.get("days") or dig(one, "course.days") or []
    locked = next((each for each in days if each["dayNumber"] == 2), {})
    w.report.equal("a premium day is locked", locked.get("isLocked"), True)
    w.report.equal(
        "content and media null",
        {locked.get(key) for key in ("content", "videoUrl", "audioUrl", "rutubeUrl", "pdfUrl")},
        {None},
    )
    w.report.check("no media anywhere in it", "example" not in str(locked), locked)
    w.report.equal("others are open", {each["isLocked"] for each in days if each["dayNumber"] != 2}, {False})
    sit = meditation(w, isPremium=True)
    one = w.success("a premium meditation", poor.get(f"{MEDITATIONS}/{sit}"), {"meditation": MEDITATION})
    w.report.equal("is locked", dig(one, "meditation.isLocked"), True)
    w.report.check("no audio", "audio.example" not in str(one), one)
    w.refused(
        "its session",
        poor.post(f"{MEDITATIONS}/{sit}/session", {"durationListened": 60}),
        403,
        "subscription_required",
    )
    w.report.check("paid: audio", "audio.example" in str(body_of(rich.get(f"{MEDITATIONS}/{sit}"))), "none")


def favourites(w: World) -> None:
    """Toggling and setting."""
    me, id = w.user(), course(w)
    path = f"{COURSES}/{id}/favorite"
    shape = {"isFavorite": boolean, "message": text}
    w.report.equal("toggled", w.success("toggle", me.post(path), shape).get("isFavorite"), True)
    w.report.equal("a repeat within 2 s is the same", body_of(me.post(path)).get("isFavorite"), True)
    listed = w.success("favourites", me.get(f"{COURSES}/favorites/list"), {"favorites": [obj]})
    w.report.check("have it", id in str(listed.get("favorites")), listed)
    w.advance(3)
    w.report.equal("later it toggles back", body_of(me.post(path)).get("isFavorite"), False)
    w.report.equal("set", body_of(me.post(path, {"favorite": True})).get("isFavorite"), True)
    w.advance(3)
    w.report.equal("set again", body_of(me.post(path, {"favorite": True})).get("isFavorite"), True)
    w.report.equal("unset", body_of(me.post(path, {"favorite": False})).get("isFavorite"), False)
    w.refused("a text", me.post(path, {"favorite": "yes"}), 400, "validation_failed")
    w.report.equal("none left", body_of(me.get(f"{COURSES}/favorites/list")).get("favorites"), [])


def sessions(w: World) -> None:
    """Meditating and experience."""
    me = w.user()
    id = meditation(w)
    w.success("meditations", me.get(MEDITATIONS), {"meditations": [MEDITATION]})
    some = body_of(me.get(MEDITATIONS, category="утро")).get("meditations") or []
    w.report.check(
        "one category",
        id in [each["id"] for each in some] and len({each["category"] for each in some}) == 1,
        some,
    )
    w.success("one", me.get(f"{MEDITATIONS}/{id}"), {"meditation": MEDITATION})
    path = f"{MEDITATIONS}/{id}/session"
    for seconds, gives, whole in ((59, 0, 0), (60, 5, 5), (130, 5, 10), (600, 15, 25), (86_400, 0, 25)):
        done = w.success(f"{seconds} s", me.post(path, {"durationListened": seconds}), {"xpAwarded": count})
        w.report.equal(f"{seconds} s give", done.get("xpAwarded"), gives)
        w.report.equal(
            f"after {seconds} s",
            dig(body_of(me.get("/api/v1/gamification/stats")), "stats.experience"),
            whole,
        )
        w.advance(50)
    w.report.equal(
        "no streak from listening", dig(body_of(me.get("/api/v1/gamification/stats")), "stats.streak"), 0
    )
    done = w.success(
        "completed", me.post(path, {"durationListened": 600, "completed": True}), {"xpAwarded": count}
    )
    w.report.among("gives the difference, and the achievement perhaps", done.get("xpAwarded"), 25, 75)
    stats = dig(body_of(me.get("/api/v1/gamification/stats")), "stats") or {}
    w.report.equal(
        "50 and the first achievement's 50", (stats.get("experience"), stats.get("streak")), (100, 1)
    )
    same = w.success("a retry", me.post(path, {"durationListened": 600, "completed": True}))
    w.report.equal("is merged", same, done)
    for bad in (
        {},
        {"durationListened": -1},
        {"durationListened": 86_401},
        {"durationListened": "x"},
        {"durationListened": 5, "completed": "да"},
    ):
        w.refused(f"session {bad}", me.post(path, bad), 400, "validation_failed")
    for bad in ("nothing", "%D0%B6"):
        w.refused(f"meditation {bad}", me.get(f"{MEDITATIONS}/{bad}"), 404, "not_found")
        w.refused(
            f"session of {bad}",
            me.post(f"{MEDITATIONS}/{bad}/session", {"durationListened": 5}),
            404,
            "not_found",
        )
    listed = w.success("history", me.get(f"{MEDITATIONS}/history/list"), {"history": [MEDITATION_HISTORY]})
    rows = listed.get("history") or []
    w.report.equal("six sessions", len(rows), 6)
    times = [each["createdAt"] for each in rows]
    w.report.equal("newest first", times, sorted(times, reverse=True))
    w.report.equal(
        "limit and offset",
        body_of(me.get(f"{MEDITATIONS}/history/list", limit=2, offset=1)).get("history"),
        rows[1:3],
    )
    w.refused("limit=0", me.get(f"{MEDITATIONS}/history/list", limit=0), 400, "validation_failed")
    w.refused("offset=-1", me.get(f"{MEDITATIONS}/history/list", offset=-1), 400, "validation_failed")
    stats = {
        "totalSessions": count,
        "completedSessions": count,
        "totalDurationMinutes": number,
        "averageDurationMinutes": number,
    }
    found = w.success("stats", me.get(f"{MEDITATIONS}/stats/summary"), {"stats": stats}).get("stats") or {}
    w.report.equal("counted", (found.get("totalSessions"), found.get("completedSessions")), (6, 1))
    whole = (59 + 60 + 130 + 600 + 86_400 + 600) / 60
    w.report.check("minutes", abs(found.get("totalDurationMinutes", 0) - whole) <= 1, found, whole)


def streaks(w: World) -> None:
    """Days in a row."""
    me = w.user()
    id = meditation(w)
    for n in range(1, 9):
        w.need(me.post(f"{MEDITATIONS}/{id}/session", {"durationListened": 100, "completed": True}))
        stats = dig(body_of(me.get("/api/v1/gamification/stats")), "stats") or {}
        w.report.equal(f"streak on day {n}", stats.get("streak"), n)
        w.advance(86_400)
    done = [
        each["code"]
        for each in dig(body_of(me.get("/api/v1/gamification/achievements")), "achievements.unlocked") or []
    ]
    w.report.check("streak_7", "streak_7" in done, done)
    want = 8 * 50 + 7 * 10 + 50 + 100
    w.report.equal("experience of eight days", stats.get("experience"), want)
    w.advance(86_400)
    w.need(me.post(f"{MEDITATIONS}/{id}/session", {"durationListened": 100, "completed": True}))
    w.report.equal("a missed day", dig(body_of(me.get("/api/v1/gamification/stats")), "stats.streak"), 1)
    w.report.equal("the user shows it", me.me().get("streak"), 1)
    before = me.me().get("streak")
    me.login()
    w.report.equal("logging in does not touch it", me.me().get("streak"), before)


SCENARIOS = (lists, progress, premium, favourites, sessions, streaks)
