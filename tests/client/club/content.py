"""The content library and streams."""

from club.content_shapes import (
    ATTENDANCE,
    CONTENT_ITEM,
    PRACTICE,
    PROGRESS,
    SECTION,
    STREAM,
    TIMECODE,
    VIDEO,
)
from club.kit import Json, World, body_of, dig
from club.shapes import boolean, count, integer, number

CONTENT = "/api/v1/content"
STREAMS = "/api/streams"


def item(w: World, **changes: object) -> str:
    id = f"content-{w.number()}"
    body = {
        "type": "course",
        "title": "Ключ",
        "description": None,
        "coverUrl": None,
        "thumbnailUrl": None,
        "keyNumber": 4,
        "monthProgram": False,
        "programMonth": None,
        "orderIndex": 2,
        "isPublished": True,
    }
    w.put("content-item", id, **(body | changes))
    return id


def section(w: World, of: str) -> str:
    id = f"section-{w.number()}"
    w.put("section", id, contentItemId=of, title="Глава", description=None, orderIndex=1)
    return id


def video(w: World, of: str, inside: str) -> str:
    id = f"video-{w.number()}"
    w.put(
        "video",
        id,
        contentItemId=of,
        contentSectionId=inside,
        title="Урок",
        description=None,
        videoUrl="https://video.example/9",
        rutubeUrl=None,
        pdfUrl=None,
        durationSeconds=300,
        thumbnailUrl=None,
        orderIndex=1,
    )
    return id


def library(w: World) -> None:
    """Items, sections, videos, practices."""
    me, poor = w.user(paid=True), w.user()
    id = item(w)
    hidden = item(w, isPublished=False)
    chapter = section(w, id)
    film = video(w, id, chapter)
    w.put(
        "timecode",
        f"timecode-{w.number()}",
        videoId=film,
        timeSeconds=30,
        title="Начало",
        description=None,
        orderIndex=1,
    )
    listed = w.success("items", poor.get(f"{CONTENT}/items"), {"items": [CONTENT_ITEM]})
    ids = [each["id"] for each in listed.get("items") or []]
    w.report.check("published", id in ids and hidden not in ids, ids)
    for query in ({"type": "course"}, {"keyNumber": 4}, {"type": "course", "keyNumber": 4}):
        rows = w.success(f"items {query}", poor.get(f"{CONTENT}/items", **query)).get("items") or []
        w.report.check(
            f"match {query}",
            id in [each["id"] for each in rows]
            and all(each[key] == value for key, value in query.items() for each in rows),
            rows,
        )
    w.report.check(
        "another key", id not in str(body_of(poor.get(f"{CONTENT}/items", keyNumber=5))), "it is there"
    )
    w.success("one", poor.get(f"{CONTENT}/items/{id}"), {"item": CONTENT_ITEM})
    for bad in (hidden, "nothing", "%D0%B6"):
        w.refused(f"item {bad}", poor.get(f"{CONTENT}/items/{bad}"), 404, "not_found")
        w.refused(f"sections of {bad}", poor.get(f"{CONTENT}/{bad}/sections"), 404, "not_found")
        w.refused(f"video {bad}", me.get(f"{CONTENT}/videos/{bad}"), 404, "not_found")
        w.refused(f"videos of section {bad}", me.get(f"{CONTENT}/sections/{bad}/videos"), 404, "not_found")
        w.refused(f"practice {bad}", me.get(f"{CONTENT}/practices/{bad}/content"), 404, "not_found")
    month = w.msk().strftime("%Y-%m")
    program = item(w, monthProgram=True, programMonth=month)
    found = w.success(
        "month program", poor.get(f"{CONTENT}/month-program", month=month), {"items": [CONTENT_ITEM]}
    )
    w.report.check("has this month's", program in [each["id"] for each in found.get("items") or []], found)
    other = body_of(poor.get(f"{CONTENT}/month-program", month="2020-01")).get("items")
    w.report.equal("another month's is empty", other, [])
    w.success("the month by default", poor.get(f"{CONTENT}/month-program"), {"items": [CONTENT_ITEM]})
    w.refused("a bad month", poor.get(f"{CONTENT}/month-program", month="2020-13"), 400, "validation_failed")
    w.success("sections", poor.get(f"{CONTENT}/{id}/sections"), {"sections": [SECTION]})
    for path, shape in (
        (f"sections/{chapter}/videos", {"videos": [VIDEO]}),
        (f"{id}/videos", {"videos": [VIDEO]}),
        (f"videos/{film}", {"video": VIDEO, "timecodes": [TIMECODE]}),
    ):
        body = w.success(path, me.get(f"{CONTENT}/{path}"), shape)
        w.report.check(f"{path} has the film", film in str(body), body)
        w.refused(
            f"{path} unpaid",
            poor.get(f"{CONTENT}/{path}"),
            403,
            "subscription_required",
            "Subscription required",
        )
        w.refused(f"{path} of nobody", w.anonymous(f"{CONTENT}/{path}"), 401, "unauthorized")
    w.report.equal("the timecode", dig(body, "timecodes.0.timeSeconds"), 30)
    practice = item(w, type="practice")
    own = f"practice-{w.number()}"
    w.put("practice", own, contentItemId=practice, contentType="markdown", content="# Дыши")
    answer = me.get(f"{CONTENT}/practices/{practice}/content")
    if answer.status == 404:
        practice, answer = own, me.get(f"{CONTENT}/practices/{own}/content")
    w.success("practice", answer, {"practice": PRACTICE})
    w.refused(
        "practice unpaid", poor.get(f"{CONTENT}/practices/{practice}/content"), 403, "subscription_required"
    )
    for path in ("items", f"items/{id}", "month-program", f"{id}/sections"):
        w.refused(f"{path} of nobody", w.anonymous(f"{CONTENT}/{path}"), 401, "unauthorized")


def watching(w: World) -> None:
    """Progress of videos."""
    me, poor = w.user(paid=True), w.user()
    id = item(w)
    film = video(w, id, section(w, id))
    path = f"{CONTENT}/progress/complete"
    shape = {"progress": PROGRESS, "energiesEarned": count}
    earned = []
    for _ in range(3):
        done = w.success("complete", me.post(path, {"videoId": film, "watchTimeSeconds": 200}), shape)
        earned.append(done.get("energiesEarned"))
        w.advance(50)
    w.report.equal("earns 20, 0, 0", earned, [20, 0, 0])
    w.report.equal("once", (me.balance(), dig(me.history(), "0.reason")), (20, "Просмотр видео: Урок"))
    w.report.equal("what was earned is kept", dig(done, "progress.energiesEarned"), 20)
    listed = w.success("progress", me.get(f"{CONTENT}/progress"), {"progress": [PROGRESS]})
    w.report.equal("one row", [each["videoId"] for each in listed.get("progress") or []], [film])
    w.success("progress of me", me.get(f"{CONTENT}/progress", userId=me.id))
    w.refused("progress of another", me.get(f"{CONTENT}/progress", userId=poor.id), 403, "subject_mismatch")
    w.refused(
        "stats of another", me.get(f"{CONTENT}/progress/stats", userId=poor.id), 403, "subject_mismatch"
    )
    stats = {"totalWatched": count, "totalEnergies": count, "totalWatchTime": number}
    found = w.success("stats", me.get(f"{CONTENT}/progress/stats"), {"stats": stats}).get("stats") or {}
    w.report.equal("figures", (found.get("totalWatched"), found.get("totalEnergies")), (1, 20))
    w.refused("unpaid", poor.post(path, {"videoId": film}), 403, "subscription_required")
    w.refused("no such video", me.post(path, {"videoId": "nothing"}), 404, "not_found")
    for bad in (
        {},
        {"videoId": 5},
        {"videoId": film, "watchTimeSeconds": -1},
        {"videoId": film, "watchTimeSeconds": 86_401},
    ):
        w.refused(f"complete {bad}", me.post(path, bad), 400, "validation_failed")
    many = w.user(paid=True)
    answers = w.both([lambda: many.post(path, {"videoId": film})] * 20)
    w.report.equal("twenty at once", {each.status for each in answers} - {200, 503}, set())
    w.report.equal("one award", (many.balance(), len(many.history())), (20, 1))
    w.report.equal(
        "announced is credited", sum(body_of(each).get("energiesEarned") or 0 for each in answers) >= 20, True
    )
    w.report.equal("a streak begins", dig(body_of(many.get("/api/v1/gamification/stats")), "stats.streak"), 1)
    leader = w.user(paid=True, city=w.city())
    w.team(leader.me()["city"], leader)
    done = w.success("a leader's video", leader.post(path, {"videoId": film}), shape)
    w.report.equal("is announced doubled", (done.get("energiesEarned"), leader.balance()), (40, 40))


def stream(w: World, **changes: object) -> str:
    id = f"stream-{w.number()}"
    w.put("stream", id, **(draft(w) | changes))
    return id


def draft(w: World) -> Json:
    return {
        "title": "Эфир",
        "description": "О главном",
        "scheduledAt": w.iso(-3600),
        "recordedAt": w.iso(-3600),
        "duration": 3600,
        "videoUrl": "https://video.example/7",
        "host": "Ведущая",
        "status": "completed",
        "category": "эфиры",
        "thumbnailUrl": None,
        "isPublished": True,
        "metadata": {},
    }


def streams(w: World) -> None:
    """Lists and one stream."""
    me, poor = w.user(paid=True), w.user()
    made = w.admin("POST", STREAMS, draft(w))
    body = w.success("create", made)
    new = dig(body, "stream.id") or dig(body, "entity.id")
    w.report.check("names it", isinstance(new, str), body)
    id = stream(w)
    soon = stream(w, scheduledAt=w.iso(86_400), recordedAt=w.iso(86_400), status="scheduled", videoUrl=None)
    hidden = stream(w, isPublished=False)
    listed = w.success("streams", me.get(STREAMS, limit=100), {"streams": [STREAM], "total": count})
    rows = {each["id"]: each for each in listed.get("streams") or []}
    w.report.check("published ones", id in rows and hidden not in rows, list(rows))
    own = rows.get(id) or {}
    w.report.equal("the reward is the real award", (own.get("epReward"), own.get("energiesReward")), (20, 20))
    w.report.equal("same instants", own.get("scheduledAt"), own.get("recordedAt"))
    w.report.equal(
        "paid: URLs", (own.get("videoUrl"), own.get("recordingUrl")), ("https://video.example/7",) * 2
    )
    w.report.check("unpaid: none", "video.example" not in poor.get(STREAMS, limit=100).text(), "they are")
    one = w.success("one", me.get(f"{STREAMS}/{id}"), {"stream": STREAM})
    w.report.equal("paid: its URL", dig(one, "stream.videoUrl"), "https://video.example/7")
    alien = w.success("unpaid: one", poor.get(f"{STREAMS}/{id}"), {"stream": STREAM})
    w.report.equal(
        "without URL", (dig(alien, "stream.videoUrl"), dig(alien, "stream.recordingUrl")), (None, None)
    )
    later = w.success("upcoming", me.get(f"{STREAMS}/upcoming"), {"streams": [STREAM]})
    w.report.check("has what comes", soon in [each["id"] for each in later.get("streams") or []], later)
    w.report.check("only that", id not in str(later), later)
    flag = body_of(me.get(STREAMS, upcoming="true")).get("streams") or []
    w.report.check(
        "by parameter",
        soon in [each["id"] for each in flag] and id not in [each["id"] for each in flag],
        flag,
    )
    following = w.success("next", me.get(f"{STREAMS}/next"), {"stream": STREAM})
    w.report.equal("is the next", dig(following, "stream.id"), soon)
    pages = [body_of(me.get(STREAMS, limit=1, page=n)) for n in (1, 2)]
    w.report.check("pages differ", dig(pages[0], "streams.0.id") != dig(pages[1], "streams.0.id"), pages)
    for bad in ("nothing", hidden, "%D0%B6"):
        w.refused(f"stream {bad}", me.get(f"{STREAMS}/{bad}"), 404, "not_found")
        w.refused(f"attend {bad}", me.post(f"{STREAMS}/{bad}/attend"), 404, "not_found")
    for path in ("", "/upcoming", "/next", f"/{id}"):
        w.refused(f"streams{path} of nobody", w.anonymous(f"{STREAMS}{path}"), 401, "unauthorized")
    w.refused("create by a member", me.post(STREAMS, draft(w)), 403, "admin_required")
    changed = w.success("status", w.admin("PATCH", f"{STREAMS}/{soon}/status", {"status": "live"}))
    w.report.check("is shown", dig(body_of(me.get(f"{STREAMS}/{soon}")), "stream.status") == "live", changed)
    w.refused(
        "status of nothing",
        w.admin("PATCH", f"{STREAMS}/nothing/status", {"status": "live"}),
        404,
        "not_found",
    )
    w.refused(
        "a strange status",
        w.admin("PATCH", f"{STREAMS}/{soon}/status", {"status": "fine"}),
        400,
        "validation_failed",
    )
    w.refused(
        "status by a member", me.patch(f"{STREAMS}/{soon}/status", {"status": "live"}), 403, "admin_required"
    )


def attendance(w: World) -> None:
    """Watching a stream."""
    me, poor = w.user(paid=True), w.user()
    id, other = stream(w), stream(w)
    shape = {"attendance": ATTENDANCE, "energiesEarned": count, "alreadyWatched": boolean}
    none = w.success("before", me.get(f"{STREAMS}/attendance", streamId=id))
    w.report.check("null", none.get("attendance", 0) is None, none)
    done = w.success("attend", me.post(f"{STREAMS}/{id}/attend", {"watchedOnline": True}), shape)
    w.report.equal(
        "earns 20", (done.get("energiesEarned"), done.get("alreadyWatched"), me.balance()), (20, False, 20)
    )
    w.report.equal("reason", dig(me.history(), "0.reason"), "Просмотр записи эфира")
    w.report.equal("online", dig(done, "attendance.watchedOnline"), True)
    w.advance(60)
    again = w.success("again", me.post(f"{STREAMS}/{id}/attend", {"watchedOnline": True}), shape)
    w.report.equal(
        "earns 0", (again.get("energiesEarned"), again.get("alreadyWatched"), me.balance()), (0, True, 20)
    )
    by = w.success("the old path", me.post(f"{STREAMS}/attendance", {"streamId": other}), shape)
    w.report.equal("is the same", (by.get("energiesEarned"), dig(by, "attendance.streamId")), (20, other))
    w.refused("without streamId", me.post(f"{STREAMS}/attendance", {}), 400, "validation_failed")
    w.refused("of nothing", me.post(f"{STREAMS}/attendance", {"streamId": "nothing"}), 404, "not_found")
    w.refused(
        "unpaid", poor.post(f"{STREAMS}/{id}/attend"), 403, "subscription_required", "Subscription required"
    )
    w.refused("a text", me.post(f"{STREAMS}/{id}/attend", {"watchedOnline": "да"}), 400, "validation_failed")
    mine = w.success("mine", me.get(f"{STREAMS}/attendance/my"))
    rows = mine.get("attendance") or mine.get("attendances") or []
    w.report.equal("two rows", {each.get("streamId") for each in rows}, {id, other})
    w.success("totals", me.get(f"{STREAMS}/attendance/stats"))
    w.success("one row", me.get(f"{STREAMS}/attendance", streamId=id), {"attendance": ATTENDANCE})
    for path in ("attendees", "attendance", "stats"):
        found = w.success(f"{path} for an administrator", w.admin("GET", f"{STREAMS}/{id}/{path}"))
        w.report.check(f"{path} count him", path == "stats" or me.id in str(found), found)
        w.refused(f"{path} by a member", me.get(f"{STREAMS}/{id}/{path}"), 403, "admin_required")
        w.refused(f"{path} of nothing", w.admin("GET", f"{STREAMS}/nothing/{path}"), 404, "not_found")
    views = dig(body_of(me.get(f"{STREAMS}/{id}")), "stream.viewsCount")
    w.report.check("views", integer(views), views)


SCENARIOS = (library, watching, streams, attendance)
