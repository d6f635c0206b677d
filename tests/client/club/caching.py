"""Cache classes, validators, headers and the counters behind them."""

from collections.abc import Callable, Mapping

from club.content import item as content_item
from club.content import stream
from club.kit import World, body_of, dig
from club.lessons import course, meditation
from club.lessons import draft as course_draft
from club.shapes import count, instant, number, obj, text
from club.shop import item
from club.wire import Answer

Get = Callable[[Mapping[str, str]], Answer]
USER_CLASS = (
    "/api/v1/auth/me",
    "/api/v1/users/me",
    "/api/v1/gifts/my",
    "/api/v1/energies/balance",
    "/api/v1/energies/history",
    "/api/v1/energies/weekly-progress",
    "/api/v1/ratings/all-data",
    "/api/v1/ratings/user-position",
    "/api/v1/ratings/personal",
    "/api/v1/gamification/stats",
    "/api/v1/gamification/xp-history",
    "/api/v1/gamification/achievements",
    "/api/teams/my",
    "/api/reports/my",
    "/api/reports/user",
    "/api/reports/current",
    "/api/reports/week?weekNumber=1",
    "/api/reports/stats/my",
    "/api/reports/stats",
    "/api/v1/shop/purchases",
    "/api/v1/shop/purchases/unused",
    "/api/v1/shop/stats",
    "/api/v1/shop/balance",
    "/api/v1/courses",
    "/api/v1/courses/favorites/list",
    "/api/v1/content/progress",
    "/api/v1/content/progress/stats",
    "/api/v1/meditations",
    "/api/v1/meditations/history/list",
    "/api/v1/meditations/stats/summary",
    "/api/streams/attendance/my",
    "/api/streams/attendance/stats",
)
PUBLIC_CLASS = (
    "/api/teams",
    "/api/teams/stats",
    "/api/v1/content/items",
    "/api/v1/content/month-program",
    "/api/streams",
    "/api/streams/upcoming",
    "/api/streams/next",
    "/api/v1/shop/items",
    "/api/v1/shop/items/by-category",
)
HOT_CLASS = ("/api/v1/gamification/leaderboard", "/api/v1/ratings/cities", "/api/v1/ratings/teams")
OPEN = {
    "/api/v1/shop/items",
    "/api/v1/shop/items/by-category",
    "/api/v1/ratings/cities",
    "/api/v1/ratings/teams",
}


def directives(answer: Answer) -> set[str]:
    return {each.strip() for each in answer.headers.get("cache-control", "").split(",")}


def follows(
    w: World, path: str, get: Get, control: set[str], vary: bool = False, stored: bool = True
) -> None:
    """MISS, HIT, 304 of one route; one that is not stored is computed each time."""
    first = get({})
    etag = first.headers.get("etag", "")
    w.report.equal(f"{path}: 200", first.status, 200)
    w.report.check(
        f"{path}: a strong ETag", etag.startswith('"') and etag.endswith('"') and len(etag) > 2, etag
    )
    w.report.equal(f"{path}: Cache-Control", directives(first), control)
    w.report.among(f"{path}: X-Cache", first.headers.get("x-cache"), "MISS", "HIT")
    if vary:
        names = {each.strip().lower() for each in first.headers.get("vary", "").split(",")}
        w.report.check(f"{path}: Vary", {"authorization", "cookie"} <= names, names)
    second = get({})
    if stored:
        w.report.equal(f"{path}: again HIT", second.headers.get("x-cache"), "HIT")
        w.report.check(
            f"{path}: X-Cache-Age", second.headers.get("x-cache-age", "").isdigit(), second.headers
        )
    w.report.equal(f"{path}: same body", second.body == first.body, True)
    w.report.equal(f"{path}: same ETag", second.headers.get("etag"), etag)
    w.report.equal(f"{path}: HIT's Cache-Control", directives(second), control)
    third = get({"If-None-Match": etag})
    seen = (third.status, third.body, third.headers.get("x-cache"), third.headers.get("etag"))
    w.report.equal(f"{path}: If-None-Match", seen, (304, b"", "HIT-304", etag))


def user_class(w: World) -> None:
    """Everything of the subject."""
    w.publish()
    me = w.user(paid=True, city=w.city())
    sit, shop, lesson = meditation(w), item(w), course(w)
    team = w.team(me.me()["city"], me)
    control = {"private", "no-cache", "max-age=60"}
    own = (
        f"/api/v1/users/{me.id}",
        f"/api/v1/meditations/{sit}",
        f"/api/v1/courses/{lesson}",
        f"/api/teams/{team['id']}",
        f"/api/teams/{team['id']}/members",
        f"/api/streams/attendance?streamId={stream(w)}",
    )
    w.report.check("an item was made", bool(shop))
    for n, path in enumerate(USER_CLASS + own):
        if n % 20 == 0:
            w.tick()
        of_others = path.startswith(f"/api/teams/{team['id']}")
        follows(w, path, lambda more, path=path: me.get(path, more), control, True, stored=not of_others)
    mate = w.user(paid=True, city=me.me()["city"])
    w.need(w.admin("POST", f"/api/teams/{team['id']}/join", {"userId": mate.id}))
    for path in own[3:5]:
        first = me.get(path)
        w.award(mate, 50)
        again = me.get(path, {"If-None-Match": first.headers["etag"]})
        w.report.equal(f"{path} after another member's change", again.status, 200)


def public_class(w: World) -> None:
    """Catalogues and lists."""
    w.publish()
    me = w.user(paid=True)
    thing, shown, film = item(w), content_item(w), stream(w)
    more_paths = (
        f"/api/v1/shop/items/{thing}",
        f"/api/v1/content/items/{shown}",
        f"/api/v1/content/{shown}/sections",
        f"/api/v1/content/{shown}/videos",
        f"/api/streams/{film}",
    )
    for path in PUBLIC_CLASS + more_paths:
        follows(w, path, lambda more, path=path: me.get(path, more), {"private", "no-cache", "max-age=1800"})
        if path in OPEN or "shop" in path:
            follows(
                w,
                f"{path} of nobody",
                lambda more, path=path: w.send("GET", path, None, more),
                {"public", "no-cache", "max-age=1800"},
            )
    root = w.anonymous("/")
    w.report.equal("the root is static", (root.status, directives(root)), (200, {"public", "max-age=3600"}))
    w.tick()
    for path in HOT_CLASS:
        follows(w, path, lambda more, path=path: me.get(path, more), {"private", "max-age=300"})
        if path in OPEN:
            follows(
                w,
                f"{path} of nobody",
                lambda more, path=path: w.send("GET", path, None, more),
                {"public", "max-age=300"},
            )


def fresh(w: World) -> None:
    """A change is seen by the next read."""
    me = w.user(paid=True, city=w.city(), energies=100)
    paths: dict[str, Callable[[], object]] = {
        "/api/v1/energies/balance": lambda: w.award(me, 1),
        "/api/v1/energies/history": lambda: w.award(me, 1),
        "/api/v1/ratings/all-data": lambda: w.award(me, 1),
        "/api/v1/users/me": lambda: me.patch("/api/v1/users/me", {"firstName": w.word()}),
        "/api/v1/auth/me": lambda: w.grant(me, 1),
        "/api/teams/my": lambda: w.team(me.me()["city"], me),
        "/api/v1/gamification/stats": lambda: w.admin(
            "POST", "/api/v1/gamification/add-xp", {"userId": me.id, "amount": 5, "reason": f"x{w.number()}"}
        ),
        "/api/v1/gamification/xp-history": lambda: w.admin(
            "POST", "/api/v1/gamification/add-xp", {"userId": me.id, "amount": 5, "reason": f"x{w.number()}"}
        ),
        "/api/v1/shop/purchases": lambda: me.post("/api/v1/shop/purchase", {"itemId": item(w, price=1)}),
        "/api/v1/shop/balance": lambda: me.post("/api/v1/shop/purchase", {"itemId": item(w, price=1)}),
        "/api/v1/shop/items": lambda: item(w),
        "/api/v1/courses": lambda: course(w),
        "/api/v1/meditations": lambda: meditation(w),
        "/api/v1/content/items": lambda: content_item(w),
        "/api/streams": lambda: stream(w),
        "/api/teams": lambda: w.team(w.city()),
        "/api/reports/my": lambda: me.post("/api/reports/submit", {"content": "Отчёт"}),
        "/api/v1/ratings/cities": w.publish,
        "/api/v1/gamification/leaderboard": w.publish,
    }
    for n, (path, change) in enumerate(paths.items()):
        if n % 6 == 0:
            w.tick()
        first = me.get(path)
        me.get(path)
        change()
        again = me.get(path, {"If-None-Match": first.headers.get("etag", "")})
        w.report.equal(f"{path} after a change", (again.status, again.headers.get("x-cache")), (200, "MISS"))
        w.report.check(
            f"{path}: another ETag", again.headers.get("etag") != first.headers.get("etag"), first.headers
        )
    lesson = course(w)
    before = me.get("/api/v1/courses")
    w.put("course", lesson, **(course_draft() | {"title": "Другое"}))
    after = me.get("/api/v1/courses")
    w.report.check(
        "a course's PUT changes the list's ETag",
        before.headers["etag"] != after.headers["etag"],
        after.headers,
    )
    w.report.check("and its words", "Другое" in after.text(), "not there")
    brief = w.user(paid=True, days=1)
    open_now = brief.get("/api/v1/users/me")
    w.advance(86_401)
    closed = brief.get("/api/v1/users/me", {"If-None-Match": open_now.headers.get("etag", "")})
    w.report.equal(
        "the end of paid time changes the ETag",
        (closed.status, dig(body_of(closed), "user.isPro")),
        (200, False),
    )


def subjects(w: World) -> None:
    """Two members in turn."""
    one, two = w.user(paid=True, energies=11), w.user(paid=True, energies=22)
    for path in (
        "/api/v1/users/me",
        "/api/v1/energies/balance",
        "/api/v1/energies/history",
        "/api/v1/ratings/all-data",
    ):
        for _ in range(2):
            first, second = one.get(path), two.get(path)
            w.report.check(f"{path}: each his own", first.body != second.body, first.brief())
            w.report.check(
                f"{path}: ETags differ", first.headers["etag"] != second.headers["etag"], first.headers
            )
        stolen = two.get(path, {"If-None-Match": first.headers["etag"]})
        w.report.equal(f"{path}: another's ETag", stolen.status, 200)
    poor, rich = w.user(), w.user(paid=True)
    stream(w)
    w.report.check(
        "unpaid sees no URL after a paid one", "video.example" in rich.get("/api/streams").text(), ""
    )
    w.report.check("in turn", "video.example" not in poor.get("/api/streams").text(), "he does")


def validators(w: World) -> None:
    """If-None-Match by the RFC."""
    me = w.user()
    path = "/api/v1/energies/balance"
    etag = me.get(path).headers["etag"]
    for name, value in {
        "a list": f'"x", {etag}',
        "any": "*",
        "weak": f"W/{etag}",
        "spaces": f'"x" ,  {etag} ',
    }.items():
        answer = me.get(path, {"If-None-Match": value})
        w.report.equal(f"{name} matches", (answer.status, answer.body), (304, b""))
    for name, value in {"another": '"x"', "unquoted": etag.strip('"'), "empty": ""}.items():
        w.report.equal(f"{name} does not", me.get(path, {"If-None-Match": value}).status, 200)
    one = me.get("/api/v1/energies/history", limit=5).headers["etag"]
    two = me.get("/api/v1/energies/history", limit=6).headers["etag"]
    w.report.check("the query is part of it", one != two, one)
    a = me.get("/api/v1/meditations/history/list?limit=5&offset=1")
    b = me.get("/api/v1/meditations/history/list?offset=1&limit=5")
    w.report.equal("in sorted order", a.headers["etag"], b.headers["etag"])
    id = f"late-{w.number()}"
    w.refused("404", me.get(f"/api/v1/courses/{id}"), 404)
    w.put("course", id, **course_draft())
    w.success("is not stored", me.get(f"/api/v1/courses/{id}"))
    w.refused("an error has no validator", me.get("/api/v1/courses/nothing", {"If-None-Match": "*"}), 404)
    w.advance(61)
    aged = me.get(path)
    w.report.among("after the TTL computed again or revalidated", aged.headers.get("x-cache"), "MISS", "HIT")
    hit = me.get(path)
    hit = me.get(path)
    w.report.check("X-Cache-Age within the TTL", int(hit.headers.get("x-cache-age", "99")) <= 60, hit.headers)


def no_store(w: World) -> None:
    """What is not cached says so."""
    me = w.user(paid=True)
    answers = [
        me.get("/api/payments/status"),
        me.get("/api/payments/detect-provider", telegram_id=me.tg),
        me.get("/api/reports/deadline"),
        me.post("/api/v1/decades/my"),
        me.get("/api/analytics/check-cooldown", telegram_id=me.tg),
        w.admin("GET", f"/api/admin/user/{me.tg}"),
        w.admin("GET", "/api/v1/cache/stats"),
        w.admin("GET", "/metrics"),
        w.anonymous("/health"),
        w.anonymous("/nothing"),
        me.get("/api/v1/courses/nothing"),
        w.anonymous("/api/v1/users/me"),
    ]
    for each in answers:
        w.report.equal(
            f"{each.target.split('?')[0]}: no-store", each.headers.get("cache-control"), "no-store"
        )
        w.report.check(f"{each.target.split('?')[0]}: no ETag", "etag" not in each.headers, each.headers)


def figures(w: World) -> None:
    """Cache statistics, metrics, health."""
    w.advance(11)
    me = w.user()
    shape = {
        "hits": count,
        "misses": count,
        "hits304": count,
        "hitRate": number,
        "byClass": {"hot": obj, "user": obj, "public": obj, "static": obj},
        "since": instant,
    }
    before = w.success("cache stats", w.admin("GET", "/api/v1/cache/stats"), shape)
    first = me.get("/api/v1/energies/balance")
    for _ in range(4):
        me.get("/api/v1/energies/balance")
    for _ in range(3):
        me.get("/api/v1/energies/balance", {"If-None-Match": first.headers["etag"]})
    me.get("/api/v1/courses/nothing-at-all")
    w.advance(11)
    me.get("/api/v1/energies/balance")
    w.advance(11)
    me.get("/api/v1/energies/balance")
    after = w.success("cache stats later", w.admin("GET", "/api/v1/cache/stats"), shape)
    w.report.check("hits grew", after.get("hits", 0) - before.get("hits", 0) >= 4, (before, after))
    w.report.check("304 grew", after.get("hits304", 0) - before.get("hits304", 0) >= 3, (before, after))
    w.report.check("misses grew", after.get("misses", 0) > before.get("misses", 0), (before, after))
    w.report.check("a rate", 0 <= after.get("hitRate", -1) <= 100, after)
    found = w.success("metrics", w.admin("GET", "/metrics"))
    rows = found.get("requests") or []
    statuses = {(each.get("route"), each.get("method"), each.get("status")) for each in rows}
    w.report.check(
        "404 counted as 404 by template",
        any(
            status == 404 and "courses" in str(route) and "nothing" not in str(route)
            for route, _, status in statuses
        ),
        [each for each in statuses if "courses" in str(each[0])],
    )
    w.report.check("no id in a template", not any(me.id in str(route) for route, _, _ in statuses), statuses)
    for path in ("/metrics", "/api/v1/cache/stats"):
        w.refused(f"{path} by a member", me.get(path), 403, "admin_required")
        w.refused(f"{path} of nobody", w.anonymous(path), 403, "admin_required")
    health = {"status": text, "timestamp": instant, "uptime": number}
    w.report.equal("health", w.success("health", w.anonymous("/health"), health).get("status"), "ok")
    live = w.success("live", w.anonymous("/health/live"), {"status": text, "timestamp": instant})
    w.report.equal("live", live.get("status"), "alive")
    checks = {"database": lambda _: True, "queue": lambda _: True, "scheduler_queue_size": count}
    ready = w.success("ready", w.anonymous("/health/ready"), health | {"checks": checks})
    w.report.equal("ready", ready.get("status"), "ready")


SCENARIOS = (user_class, public_class, fresh, subjects, validators, no_store, figures)
