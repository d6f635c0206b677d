"""Sections 3 and 5.1, P16: what holds for every request."""

import json
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from typing import Any

from mini_app import ApiError, MiniApp
from report import INVALID, integer, string
from wire import Answer
from world import World

BODY_MAX_BYTES = 16384
PARALLEL_ROUNDS = 40


def system(world: World) -> None:
    """`/`, `/health`, the description."""
    report, app = world.report, world.anonymous
    root = app.raw("GET", "/")
    seen = root.json()
    version = seen.pop("version", None)
    expected = {"service": "Срочные Услуги API", "status": "operational", "docs": "/openapi.json"}
    report.equal("root", (root.status, seen), (200, expected))
    report.check("root has a version", string(version) and bool(version), version)
    caching = root.headers.get("cache-control", "")
    report.check("root is public for 60 s", "public" in caching and "max-age=60" in caching, caching)
    health = app.raw("GET", "/health")
    report.equal("health", (health.status, health.json()), (200, {"status": "healthy"}))
    report.equal("health is not stored", health.headers.get("cache-control"), "no-store")
    report.check("openapi", string(app.call(200, "GET", "/openapi.json")["openapi"]))


def unknown_routes(world: World) -> None:
    """404, 405 with Allow, 308."""
    report, app = world.report, world.person()
    for path in ("/api", "/api/nope", "/nope", "/api/orders/a/b/c", "/api/users"):
        report.refused(f"404 {path}", (404, "not_found", "Not Found"), app.call, 200, "GET", path)
    for method, path, allowed in (
        ("DELETE", "/api/orders", {"GET", "POST"}),
        ("PATCH", "/api/orders/abcdefghijkl", {"GET", "PUT", "DELETE"}),
        ("GET", "/api/orders/abcdefghijkl/take", {"POST"}),
        ("POST", "/api/users/me", {"GET"}),
        ("GET", "/api/balance/create-invoice", {"POST"}),
        ("POST", "/health", {"GET"}),
    ):
        answer = app.raw(method, path)
        problem = (answer.status, answer.json()["code"], answer.json()["detail"])
        report.equal(f"405 {method} {path}", problem, (405, "method_not_allowed", "Method Not Allowed"))
        allow = {each.strip() for each in answer.headers.get("allow", "").split(",")}
        report.check(f"Allow of {path}", allowed <= allow and method not in allow, allow)
    for method, path in (
        ("GET", "/api/cities/"),
        ("POST", "/api/orders/"),
        ("GET", "/api/users/me/"),
        ("GET", "/health/"),
    ):
        answer = app.raw(method, path)
        to = answer.headers.get("location", "")
        report.check(
            f"308 {method} {path}", answer.status == 308 and to.endswith(path[:-1]), f"{answer.status} {to}"
        )
    to = app.raw("GET", "/api/orders/?limit=1").headers.get("location", "")
    report.check("308 keeps the query", to.endswith("/api/orders?limit=1"), to)


def preflight(world: World) -> None:
    """OPTIONS is answered by the fallback, 204 without a body."""
    headers = {"Origin": "https://app.test", "Access-Control-Request-Method": "PUT"}
    answer = world.bare("OPTIONS", "/api/users/me/preferences", headers)
    world.report.equal("preflight", (answer.status, answer.body), (204, b""))


def bodies(world: World) -> None:
    """Types, sizes and JSON."""
    report, app = world.report, world.person()
    path = "/api/users/me/preferences"
    for kind in ("text/plain", "application/x-www-form-urlencoded", "multipart/form-data; boundary=x"):
        answer = app.raw("PUT", path, b"{}", headers={"Content-Type": kind})
        report.equal(f"415 {kind}", (answer.status, answer.json()["code"]), (415, "unsupported_media_type"))
    charset = app.raw("PUT", path, b"{}", headers={"Content-Type": "application/json; charset=utf-8"})
    report.equal("a charset is no other type", charset.status, 200)
    report.equal("a body of the limit", app.raw("PUT", path, _padded(BODY_MAX_BYTES)).status, 200)
    for size in (BODY_MAX_BYTES + 1, 5_000_000):
        report.refused(
            f"413 for {size} bytes",
            (413, "body_too_large", "Request body is too large"),
            app.call,
            200,
            "PUT",
            path,
            _padded(size),
        )
    # What no Lambda can be handed, the gateway refuses itself, in its own words.
    report.equal("413 for 10 MB", app.raw("PUT", path, _padded(10_000_000)).status, 413)
    for body in (b"", b"{", b"{'a':1}", b"\xff\xfe", b'{"categories":[}', b"nonsense", b"[" * 9000):
        report.refused(
            f"invalid JSON {body[:20]!r}",
            (422, "invalid_json", "Request body is not valid JSON"),
            app.call,
            200,
            "PUT",
            path,
            body,
        )
    for text in ("[]", "1", '"text"', "null", "true"):
        answer = app.raw("PUT", path, text.encode())
        report.check(
            f"JSON {text} is no object",
            answer.status == 422 and string(answer.json()["detail"]),
            answer.brief(),
        )


def _padded(size: int) -> bytes:
    empty = json.dumps({"categories": [], "padding": ""}).encode()
    return json.dumps({"categories": [], "padding": "x" * (size - len(empty))}).encode()


def validation(world: World) -> None:
    """The body of a 422."""
    report, app = world.report, world.person()
    draft = world.draft(category="Такси", description="x" * 19, city="М", contact="ab")
    problem = app.raw("POST", "/api/orders", draft).json()
    errors = problem["errors"]
    report.equal("code", problem["code"], "validation_failed")
    report.equal(
        "one error per bad field",
        sorted(each["field"] for each in errors),
        ["category", "city", "contact", "description"],
    )
    report.check(
        "an error is a field and a message",
        all(each.keys() == {"field", "message"} for each in errors),
        errors,
    )
    report.equal(
        "detail joins the messages", problem["detail"], "; ".join(each["message"] for each in errors)
    )
    missing = app.raw("POST", "/api/orders", {})
    fields = sorted(each["field"] for each in missing.json()["errors"])
    report.equal(
        "missing fields", (missing.status, fields), (422, ["category", "city", "contact", "description"])
    )


def coercion(world: World) -> None:
    """Integers, booleans, unknown fields, null."""
    report, app = world.report, world.person()
    for ten, balance in (("10", 10), (10.0, 20)):
        report.equal(f"amount {ten!r}", app.recharge(ten)["new_balance"], balance)
    refused: list[Any] = [10.5, "10.5", "ten", "", True, None, [10], {"a": 1}]
    for amount in refused:
        report.refused(f"amount {amount!r}", INVALID, app.recharge, amount)
    for word in ("true", "1", "yes", "on"):
        report.equal(f"mine={word}", len(app.orders(mine=word)["orders"]), 0)
    world.posted(world.person())
    for word in ("false", "0", "no", "off"):
        report.check(f"mine={word}", len(app.orders(mine=word)["orders"]) > 0)
    report.refused("mine=maybe", INVALID, app.orders, mine="maybe")
    report.equal("limit=10.0", len(app.orders(limit="1.0")["orders"]), 1)
    report.refused("limit=10.5", INVALID, app.orders, limit="1.5")
    report.check("unknown fields are ignored", bool(world.posted(app, nonsense=1)["id"]))
    report.check("unknown parameters are ignored", "orders" in app.orders(nonsense=1))
    report.check("null in an optional field is absent", bool(app.recharge(1, method=None)["success"]))


def hostile(world: World) -> None:
    """P16: no input is a failure of ours."""
    report, app = world.report, world.person()
    huge = 2**70
    reads: list[tuple[str, dict[str, Any]]] = [
        ("/api/orders", {"offset": huge}),
        ("/api/orders", {"offset": -1}),
        ("/api/orders", {"limit": huge}),
        ("/api/orders", {"limit": "NaN"}),
        ("/api/orders", {"cursor": "\0"}),
        ("/api/orders", {"cursor": "x" * 3000}),
        ("/api/reviews", {"rating": huge}),
        ("/api/reviews", {"cursor": "нет"}),
        ("/api/cities", {"search": "\0"}),
        ("/api/balance/transactions", {"limit": huge}),
        ("/api/reviews/check", {"order_id": "a", "executor_id": huge}),
        (f"/api/balance/payment/{huge}/status", {}),
        (f"/api/balance/payment/{2**40}/status", {}),
        ("/api/orders/%00", {}),
        ("/api/orders/%FF%FE", {}),
        ("/api/orders/" + "a" * 3000, {}),
        ("/api/orders/%2e%2e", {}),
    ]
    for path, query in reads:
        answer = app.raw("GET", path, query=query)
        report.check(f"GET {path[:40]} {str(query)[:40]}", _proper(answer), answer.brief())
    for text in (
        "?limit=%",
        "?limit=%zz",
        "?city=%FF",
        "?&&&=&=",
        "?mine",
        "?limit=1&limit=2",
        "?" + "a" * 5000,
    ):
        answer = app.raw("GET", f"/api/orders{text}")
        report.check(f"GET /api/orders{text[:20]}", _proper(answer), answer.brief())
    writes: list[tuple[str, str, Any]] = [
        ("POST", "/api/balance/recharge", {"amount": huge}),
        ("POST", "/api/balance/recharge", {"amount": 1, "method": "x" * 51}),
        ("POST", "/api/orders", world.draft(city="Мос\0ква")),
        ("POST", "/api/orders", world.draft(category=["x"])),
        ("POST", "/api/orders", world.draft(contact={"a": "b"})),
        ("POST", "/api/orders", world.draft(description="\ud800" * 30)),
        ("POST", "/api/reviews/client", {"order_id": "\0", "rating": huge}),
        ("POST", "/api/reviews/client", {"order_id": 7, "rating": "x"}),
        ("POST", "/api/reviews/executor", {"order_id": "a", "complaint": "нет"}),
        ("PUT", "/api/users/me/preferences", {"cities": [1, None]}),
        ("PUT", "/api/users/me/notification-settings", {"frequency": -huge}),
        ("POST", "/api/balance/create-invoice", {"amount": 1, "provider": {}}),
    ]
    for method, path, body in writes:
        answer = app.raw(method, path, body)
        report.check(
            f"{method} {path} {str(body)[:60]!r}",
            400 <= answer.status < 500 and _proper(answer),
            answer.brief(),
        )


def _proper(answer: Answer) -> bool:
    if answer.status == 200:
        return True
    problem = answer.problem()
    return 400 <= answer.status < 500 and all(
        string(problem.get(key)) for key in ("detail", "code", "request_id")
    )


def rate_limits(world: World) -> None:
    """Section 13: bursts of the user's classes, the clock standing still."""
    for name, burst, call in (
        ("settings", 30, lambda app: app.save_preferences({})),
        ("payment", 30, lambda app: app.recharge(1)),
        ("take", 40, lambda app: app.take_order("abcdefghijkl")),
        ("review", 30, lambda app: app.review_executor({"order_id": "abcdefghijkl", "complaint": "Другое"})),
        ("poll", 60, lambda app: app.payment_status(1)),
        ("order", 120, lambda app: app.delete_order("abcdefghijkl")),
    ):
        _exhaust(world, name, burst, call)


def _exhaust(world: World, name: str, burst: int, call: Callable[[MiniApp], Any]) -> None:
    app = world.person()
    errors = [error for error in (_refusal(call, app) for _ in range(burst + 1)) if error]
    limited = [each for each in errors if each.status == 429]
    world.report.equal(f"{name}: {burst} pass, one is 429", len(limited), 1)
    for error in limited:
        wait = error.answer.headers.get("retry-after", "")
        expected = ("rate_limited", "Too many requests. Try again later")
        world.report.equal(f"{name}: problem", (error.code, error.toast), expected)
        world.report.check(f"{name}: Retry-After", wait.isdigit() and int(wait) > 0, wait)


def _refusal(call: Callable[[MiniApp], Any], app: MiniApp) -> ApiError | None:
    try:
        call(app)
    except ApiError as error:
        return error
    return None


def parallel_burst(world: World) -> None:
    """The burst holds for parallel calls too: no token is given twice."""
    over = []
    for _ in range(PARALLEL_ROUNDS):
        app = world.person()
        with ThreadPoolExecutor(8) as pool:
            errors = list(pool.map(partial(_refusal, lambda each: each.payment_status(1)), [app] * 61))
        over.append(sum(each is not None and each.status == 429 for each in errors))
    world.report.equal("61 parallel polls: one is 429, each time", over, [1] * PARALLEL_ROUNDS)


def cold_start(world: World) -> None:
    """The first calls carry no credentials and need 200."""
    report, app = world.report, MiniApp(world.service, world.now, None)
    order = world.posted(world.person())
    page = app.orders(limit=1)
    report.check("list", len(page["orders"]) == 1 and integer(page["total"]), page)
    report.equal("order", app.order(order["id"])["contact"], None)
    report.check("reviews", isinstance(app.reviews(), list))
    report.check("cities", len(app.cities()) > 1000)


SCENARIOS = (
    system,
    cold_start,
    unknown_routes,
    preflight,
    bodies,
    validation,
    coercion,
    hostile,
    rate_limits,
    parallel_burst,
)
