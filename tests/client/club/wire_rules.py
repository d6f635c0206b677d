"""What holds for every route."""

import json
import re

from club.kit import World, body_of, dig
from club.shapes import PUBLIC_USER, USER

ORIGIN = "https://app.example"
MEMBER_ROUTES = """
POST /api/v1/auth/logout; GET /api/v1/auth/me; GET /api/v1/users/me; PATCH /api/v1/users/me; GET /api/v1/users/x
POST /api/v1/users/cancel-subscription; POST /api/payments/cancel-subscription; POST /api/payments/generate-link
POST /api/payments/generate-link-support; GET /api/payments/detect-provider; GET /api/payments/status
GET /api/payments/attempts/x; POST /api/v1/gifts/activate; GET /api/v1/gifts/my; POST /api/analytics/form-open
POST /api/analytics/gift-attempt; POST /api/analytics/payment-success; POST /api/analytics/payment-attempt
GET /api/analytics/check-cooldown; GET /api/v1/energies/balance; GET /api/v1/energies/history
GET /api/v1/energies/weekly-progress; GET /api/v1/ratings/all-data; GET /api/v1/ratings/user-position
GET /api/v1/ratings/personal; GET /api/v1/gamification/stats; GET /api/v1/gamification/xp-history
GET /api/v1/gamification/achievements; GET /api/v1/gamification/leaderboard; GET /api/teams/my; GET /api/teams
GET /api/teams/stats; GET /api/teams/x; GET /api/teams/x/members; POST /api/v1/decades/my; POST /api/v1/decades/cities
POST /api/v1/decades/join; POST /api/v1/decades/can-create; POST /api/v1/decades/report
POST /api/v1/decades/report-status; POST /api/reports/submit; GET /api/reports/my; GET /api/reports/user
GET /api/reports/current; GET /api/reports/x; GET /api/reports/week; GET /api/reports/deadline
GET /api/reports/stats/my; GET /api/reports/stats; DELETE /api/reports/x; POST /api/v1/shop/purchase
GET /api/v1/shop/purchases; GET /api/v1/shop/purchases/unused; GET /api/v1/shop/stats; GET /api/v1/shop/balance
GET /api/v1/shop/purchased/x; GET /api/v1/courses; GET /api/v1/courses/x; GET /api/v1/courses/favorites/list
POST /api/v1/courses/x/progress; POST /api/v1/courses/x/favorite; GET /api/v1/content/items
GET /api/v1/content/items/x; GET /api/v1/content/month-program; GET /api/v1/content/x/sections
GET /api/v1/content/sections/x/videos; GET /api/v1/content/x/videos; GET /api/v1/content/videos/x
GET /api/v1/content/practices/x/content; GET /api/v1/content/progress; GET /api/v1/content/progress/stats
POST /api/v1/content/progress/complete; GET /api/v1/meditations; GET /api/v1/meditations/x
GET /api/v1/meditations/history/list; GET /api/v1/meditations/stats/summary; POST /api/v1/meditations/x/session
GET /api/streams; GET /api/streams/upcoming; GET /api/streams/next; GET /api/streams/x; POST /api/streams/x/attend
POST /api/streams/attendance; GET /api/streams/attendance/my; GET /api/streams/attendance/stats
GET /api/streams/attendance
"""
ADMIN_ROUTES = """
POST /api/v1/energies/award; POST /api/v1/energies/spend; POST /api/v1/energies/triggers/daily-login
POST /api/v1/energies/triggers/lesson-view; POST /api/v1/energies/triggers/sunday-practice
POST /api/v1/gamification/add-xp; POST /api/teams; POST /api/teams/x/join; POST /api/teams/leave
POST /api/teams/x/replace-leader; POST /api/teams/distribute; GET /api/v1/decades/admin/all
GET /api/v1/decades/admin/stats; GET /api/v1/decades/admin/reports; GET /api/v1/decades/admin/members/x
GET /api/reports/week/5; GET /api/reports/stats/global; POST /api/v1/shop/purchases/x/use
GET /api/streams/x/attendees; GET /api/streams/x/attendance; GET /api/streams/x/stats; GET /api/admin/offers
POST /api/admin/offers; PATCH /api/admin/offers/x; DELETE /api/admin/offers/x; GET /api/admin/lavatop-offers
POST /api/admin/lavatop-offers; PATCH /api/admin/lavatop-offers/x; DELETE /api/admin/lavatop-offers/x
POST /api/admin/grant-subscription; POST /api/admin/revoke-subscription; GET /api/admin/user/5
POST /api/admin/payments/x/refund; GET /api/admin/unassigned-payments; POST /api/admin/unassigned-payments/x/assign
POST /api/admin/unassigned-payments/x/dismiss; POST /api/admin/ratings/refresh; POST /api/admin/jobs/energies_expire
POST /api/admin/shop/items/x/draw; PUT /api/admin/content/course/x; DELETE /api/admin/content/course/x
POST /api/streams; PATCH /api/streams/x/status; PUT /api/admin/city-chats/-5; PUT /api/admin/leaders/5
GET /api/v1/cache/stats; GET /metrics
"""
OPEN_ROUTES = """
POST /api/v1/auth/telegram; POST /api/v1/auth/refresh; GET /api/v1/ratings/cities; GET /api/v1/ratings/teams
GET /api/v1/shop/items; GET /api/v1/shop/items/by-category; GET /api/v1/shop/items/x; GET /health; GET /health/live
GET /health/ready; POST /api/webhooks/lavatop/payment; POST /api/webhooks/lavatop/recurring
POST /api/webhooks/cloudpayments/check; POST /api/webhooks/cloudpayments/pay; POST /api/webhooks/cloudpayments/fail
POST /api/webhooks/cloudpayments/refund; POST /api/webhooks/cloudpayments/cancel
POST /api/webhooks/cloudpayments/recurrent; POST /api/webhooks/sandbox/payment
POST /api/payments/sandbox/x/state; POST /api/v1/bot/webhook
"""
LATER = """
GET /api/v1/ai/messages; POST /api/v1/ai/messages; POST /api/v1/sessions/start; GET /api/v1/leader-test/questions
POST /api/v1/feedback-survey; POST /api/v1/geography-survey; POST /api/v1/leader-survey; GET /api/v1/referral/my
GET /api/v1/city-chats/countries; GET /api/v1/pdf-proxy; POST /api/webhooks/lava-payment-success
POST /api/webhooks/getcourse/payment
"""


def routes(lines: str) -> list[tuple[str, str]]:
    found = []
    for each in re.split(r"[;\n]", lines.strip()):
        method, _, path = each.strip().partition(" ")
        found.append((method, path))
    return found


def anonymous(w: World) -> None:
    """401 on every route of members."""
    for method, path in routes(MEMBER_ROUTES):
        body = None if method == "GET" else {}
        answer = w.send(method, path, body)
        money = path.startswith(("/api/payments", "/api/analytics"))
        w.refused(f"{method} {path}", answer, 401, "unauthorized", "" if money else "Unauthorized")
        w.report.equal(f"{method} {path}: no-store", answer.headers.get("cache-control"), "no-store")
        if money:
            text = str(body_of(answer).get("error"))
            w.report.check(f"{path}: a Russian sentence", any("а" <= each <= "я" for each in text), text)
        bad = w.send(method, path, body, {"Authorization": "tma user=1&hash=2"})
        w.refused(f"{method} {path}: bad launch data", bad, 401, "invalid_init_data")


def administrators(w: World) -> None:
    """403 on every administrator's route without the secret."""
    me = w.user(paid=True)
    secret = w.secrets["ADMIN_SECRET"]
    for n, (method, path) in enumerate(routes(ADMIN_ROUTES)):
        if n % 40 == 0:
            w.tick()
        body = None if method == "GET" else {}
        for name, headers in {
            "without": {},
            "empty": {"x-admin-secret": ""},
            "wrong": {"x-admin-secret": secret[:-1] + "1"},
            "longer": {"x-admin-secret": secret + "0"},
            "a member": {"Authorization": f"tma {me.data()}"},
        }.items():
            answer = w.send(method, path, body, headers)
            w.refused(
                f"{method} {path}: {name}", answer, 403, "admin_required", "Forbidden: admin access required"
            )


def unknown(w: World) -> None:
    """404, 405, 308, preflight."""
    for method, path in routes(LATER):
        w.refused(
            f"{method} {path}",
            w.send(method, path, None if method == "GET" else {}),
            404,
            "not_found",
            "Not Found",
        )
    for path in (
        "/nothing",
        "/api",
        "/api/v1",
        "/api/v1/users/me/x",
        "/api/v2/users/me",
        "/api/v1/%2e%2e/users",
    ):
        w.refused(f"GET {path}", w.send("GET", path), 404, "not_found", "Not Found")
    for path in (
        "/api/v1/users/me/",
        "/api/teams/",
        "/api/streams/?limit=5",
        "/api/v1/courses/",
        "/api/reports/my/",
    ):
        answer = w.send("GET", path)
        where = answer.headers.get("location", "")
        want = path.replace("/?", "?").rstrip("/")
        w.report.check(
            f"308 of {path}", answer.status == 308 and where.endswith(want), (answer.status, where), want
        )
    answer = w.send(
        "OPTIONS", "/api/v1/users/me", None, {"Origin": ORIGIN, "Access-Control-Request-Method": "PATCH"}
    )
    w.report.among("preflight", answer.status, 200, 204)
    w.report.equal("its origin", answer.headers.get("access-control-allow-origin"), ORIGIN)
    w.report.equal("with credentials", answer.headers.get("access-control-allow-credentials"), "true")
    names = {
        each.strip().lower() for each in answer.headers.get("access-control-allow-headers", "").split(",")
    }
    want = {
        "content-type",
        "authorization",
        "x-request-id",
        "idempotency-key",
        "x-idempotency-key",
        "if-none-match",
    }
    w.report.equal("its headers", want - names, set())
    w.report.check(
        "its methods", "PATCH" in answer.headers.get("access-control-allow-methods", ""), answer.headers
    )
    evil = w.send(
        "OPTIONS",
        "/api/v1/users/me",
        None,
        {"Origin": "https://evil.example", "Access-Control-Request-Method": "GET"},
    )
    w.report.check("nothing for others", "access-control-allow-origin" not in evil.headers, evil.headers)


def methods(w: World) -> None:
    """405 with `Allow` on every route."""
    known: dict[str, set[str]] = {}
    for method, path in routes(MEMBER_ROUTES) + routes(ADMIN_ROUTES) + routes(OPEN_ROUTES):
        known.setdefault(path, set()).add(method)
    for path, allowed in known.items():
        # DELETE /api/reports/:id may match its siblings
        method = (
            "PATCH" if path.startswith("/api/reports/") else "DELETE" if "DELETE" not in allowed else "POST"
        )
        answer = w.send(method, path, {})
        names = {each.strip() for each in answer.headers.get("allow", "").split(",")}
        w.report.check(
            f"{method} {path}",
            answer.status == 405
            and body_of(answer).get("code") == "method_not_allowed"
            and body_of(answer).get("error") == "Method Not Allowed"
            and allowed <= names
            and method not in names,
            f"{answer.status} {body_of(answer).get('code')} Allow {names}",
            f"405 method_not_allowed Allow {allowed}",
        )


def headers(w: World) -> None:
    """Headers of every answer."""
    me = w.user()
    answers = [
        me.get("/api/v1/users/me", {"Origin": ORIGIN}),
        w.send("GET", "/nothing", None, {"Origin": ORIGIN}),
        w.send("GET", "/api/v1/users/me", None, {"Origin": ORIGIN}),
        me.post("/api/v1/decades/my", None, Origin=ORIGIN),
        w.send("GET", "/health", None, {"Origin": ORIGIN}),
    ]
    for each in answers:
        name = f"{each.target} {each.status}"
        w.report.equal(f"{name}: nosniff", each.headers.get("x-content-type-options"), "nosniff")
        w.report.equal(f"{name}: referrer", each.headers.get("referrer-policy"), "no-referrer")
        w.report.check(
            f"{name}: request id",
            re.fullmatch(r"[A-Za-z0-9_-]{1,64}", each.headers.get("x-request-id", "")),
            each.headers,
        )
        w.report.equal(f"{name}: origin", each.headers.get("access-control-allow-origin"), ORIGIN)
        exposed = {
            one.strip().lower() for one in each.headers.get("access-control-expose-headers", "").split(",")
        }
        want = {
            "x-request-id",
            "etag",
            "x-cache",
            "x-cache-age",
            "x-access-token",
            "idempotency-replayed",
            "retry-after",
        }
        want |= {"x-ratelimit-limit", "x-ratelimit-remaining", "x-ratelimit-reset"}
        w.report.equal(f"{name}: exposed", want - exposed, set())
    for given, kept in {"abc_DEF-1": True, "a" * 64: True, "a" * 65: False, "a b": False, "ж": False}.items():
        sent = given.encode() if given == "ж" else given
        seen = w.send("GET", "/health", None, {"X-Request-ID": sent}).headers.get("x-request-id")
        w.report.equal(f"X-Request-ID {given[:9]}", seen == given, kept)
    limited = me.get("/api/v1/users/me")
    w.report.equal("the api limit", limited.headers.get("x-ratelimit-limit"), "100")
    w.report.check(
        "what remains", limited.headers.get("x-ratelimit-remaining", "").isdigit(), limited.headers
    )
    w.report.check("reset in ms", limited.headers.get("x-ratelimit-reset", "").isdigit(), limited.headers)
    paying = me.get("/api/payments/detect-provider", telegram_id=me.tg)
    w.report.equal("the payment limit", paying.headers.get("x-ratelimit-limit"), "10")


def limits(w: World) -> None:
    """Buckets of a subject."""
    me, other = w.user(), w.user()
    w.tick()
    answers = w.both([lambda: me.get("/api/v1/users/me")] * 130, 10)
    good = sum(each.status in (200, 304) for each in answers)
    w.report.equal("of 130 reads exactly 100", good, 100)
    refused = [each for each in answers if each.status == 429]
    w.report.equal("others 429", len(refused), 30)
    if refused:
        body = w.refused("such a 429", refused[0], 429, "too_many_requests", "Too Many Requests")
        w.report.check(
            "retryAfter, Retry-After",
            isinstance(body.get("retryAfter"), int) and refused[0].headers.get("retry-after", "").isdigit(),
            body,
        )
        w.report.equal("nothing remains", refused[0].headers.get("x-ratelimit-remaining"), "0")
    w.report.equal("another member is free", other.get("/api/v1/users/me").status, 200)
    forged = me.get("/api/v1/users/me", {"X-Forwarded-For": "203.0.113.5", "Forwarded": "for=203.0.113.5"})
    w.report.equal("forwarding headers change nothing", forged.status, 429)
    w.advance(60)
    w.report.equal("a minute later", me.get("/api/v1/users/me").status, 200)
    w.tick()
    answers = [me.get("/api/payments/detect-provider", telegram_id=me.tg).status for _ in range(11)]
    w.report.equal("of eleven of payments ten", answers, [200] * 10 + [429])


def bodies(w: World) -> None:
    """Bodies that cannot be read."""
    me = w.user(paid=True)
    posts = (
        ("POST", "/api/v1/shop/purchase"),
        ("PATCH", "/api/v1/users/me"),
        ("POST", "/api/reports/submit"),
        ("POST", "/api/v1/decades/join"),
        ("POST", "/api/payments/generate-link"),
        ("POST", "/api/analytics/payment-attempt"),
        ("POST", "/api/v1/gifts/activate"),
        ("POST", "/api/v1/meditations/x/session"),
    )
    for method, path in posts:
        w.tick()
        for name, data in {"broken JSON": b'{"a":', "no JSON": b"a=1", "two values": b"{} {}"}.items():
            answer = me.send(method, path, data)
            money = path.startswith(("/api/payments", "/api/analytics"))
            w.refused(f"{path}: {name}", answer, 400, "parse_error", "" if money else "Parse Error")
        answer = me.send(method, path, b"[]")
        w.report.check(f"{path}: an array", answer.status in (400, 404), answer.brief())
        large = json.dumps({"a": "x" * 70_000}).encode()
        money = path.startswith(("/api/payments", "/api/analytics"))
        w.refused(
            f"{path}: too large",
            me.send(method, path, large),
            413,
            "payload_too_large",
            "" if money else "Payload Too Large",
        )
    w.success(
        "unknown fields are ignored", me.patch("/api/v1/users/me", {"lastName": "Я", "foo": {"bar": 1}})
    )
    deep = b'{"settings":' + b"[" * 5000 + b"]" * 5000 + b"}"
    w.report.equal("a deep body", me.send("PATCH", "/api/v1/users/me", deep).status, 400)
    twice = me.send("PATCH", "/api/v1/users/me", b'{"lastName":"a","lastName":"b"}')
    w.report.check("a key twice is no 500", twice.status in (200, 400), twice.brief())


def people(w: World) -> None:
    """PATCH users/me, users/:id."""
    me, other = w.user(paid=True), w.user(photo_url="https://t.me/i/userpic/1.jpg")
    path = "/api/v1/users/me"
    city = w.city()
    body = {
        "firstName": "Мария",
        "lastName": "",
        "city": f"  {city}  ",
        "languageCode": "ru",
        "settings": {"a": {"b": 1}, "c": 2},
    }
    done = w.success("change", me.patch(path, body))
    user = done.get("user") or {}
    w.report.equal(
        "fields", {"id", "firstName", "lastName", "city", "settings", "languageCode"} - user.keys(), set()
    )
    w.report.equal(
        "as sent, trimmed",
        (user.get("firstName"), user.get("city"), user.get("languageCode")),
        ("Мария", city, "ru"),
    )
    merged = body_of(me.patch(path, {"settings": {"a": {"d": 3}, "e": 4}}))
    w.report.equal("settings merge one level", dig(merged, "user.settings"), {"a": {"d": 3}, "c": 2, "e": 4})
    w.report.equal("others stay", (me.me()["firstName"], me.me()["city"]), ("Мария", city))
    for name, bad in {
        "an empty first name": {"firstName": ""},
        "a long first name": {"firstName": "я" * 65},
        "a long last name": {"lastName": "я" * 65},
        "an empty city": {"city": ""},
        "a long city": {"city": "я" * 81},
        "a city with digits": {"city": "Город 5"},
        "a city with a tag": {"city": "<b>"},
        "a short language": {"languageCode": "r"},
        "a long language": {"languageCode": "r" * 9},
        "settings a list": {"settings": []},
        "large settings": {"settings": {"a": "x" * 4100}},
        "a number": {"firstName": 5},
    }.items():
        w.refused(name, me.patch(path, bad), 400, "validation_failed", "Validation Error")
    w.report.equal("nothing changed", me.me()["firstName"], "Мария")
    w.success("64 letters", me.patch(path, {"firstName": "я" * 64}))
    w.success("Rostov", w.user().patch(path, {"city": "Ростов-на-Дону (Юг) О'К."}))
    shouting = w.user()
    found = w.success("the same city otherwise spelled", shouting.patch(path, {"city": f" {city.upper()}  "}))
    w.report.equal("takes the known name", dig(found, "user.city"), city)
    first = w.user()
    w.need(first.patch(path, {"city": f"{city}ёк"}))
    second = w.user()
    w.report.equal(
        "ё is е", dig(body_of(second.patch(path, {"city": f"{city}ек"})), "user.city"), f"{city}ёк"
    )
    mover = w.user()
    codes = [mover.patch(path, {"city": w.city()}).status for _ in range(4)]
    w.report.check("the fourth city in a day", codes == [200, 200, 200, 429], codes)
    w.refused("is refused", mover.patch(path, {"city": w.city()}), 429, "city_change_limit")
    w.success("the same city again is no change", mover.patch(path, {"city": mover.me()["city"]}))
    w.advance(86_400)
    w.success("tomorrow", mover.patch(path, {"city": w.city()}))
    shown = w.success("another member", me.get(f"/api/v1/users/{other.id}"), {"user": PUBLIC_USER})
    private = {"telegramId", "email", "phone", "energies", "city", "subscriptionExpires"} & set(
        shown.get("user") or {}
    )
    w.report.equal("shows nothing private", private, set())
    for bad in ("nothing", "00000000-0000-4000-8000-000000000000", "%D0%B6", "1"):
        w.refused(f"user {bad}", me.get(f"/api/v1/users/{bad}"), 404, "not_found", "User not found")
    w.success("me", me.get("/api/v1/users/me"), {"user": USER})


SCENARIOS = (anonymous, administrators, unknown, methods, headers, limits, bodies, people)
