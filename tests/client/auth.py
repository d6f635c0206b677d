"""Section 3, authentication: every row of its table, and first sight."""

import json
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor

from init_data import encoded, launch_data, launch_pairs, signature_of, signed
from mini_app import MiniApp
from report import ME
from world import World

MAX_AGE_S = 86400
SKEW_S = 60
MISSING_HASH = "Invalid Telegram initData: Missing hash in initData"
DUPLICATE = "Invalid Telegram initData: Duplicate field in initData"
BAD_HASH = "Invalid Telegram initData: Invalid hash - data integrity check failed"
NO_DATE = "Invalid Telegram initData: Missing auth_date in initData"
EXPIRED = "Invalid Telegram initData: initData has expired"
NO_USER = "Invalid Telegram initData: Missing user data in initData"
BAD_USER = "Invalid Telegram initData: Malformed user data in initData"
BAD_ID = "Invalid user ID in initData"
NOT_AUTHENTICATED = ("not_authenticated", "Not authenticated")
OTHER_SCHEME = ("unsupported_auth_scheme", "Invalid authentication credentials")
INVALID, TOO_OLD = "invalid_init_data", "init_data_expired"

Row = tuple[str, str, tuple[str, str]]


def _user(user_id: object) -> str:
    return json.dumps({"id": user_id, "first_name": "Иван"})


def _without(now: int, *keys: str) -> list[tuple[str, str]]:
    return [pair for pair in launch_pairs({"id": 5, "first_name": "Иван"}, now) if pair[0] not in keys]


def _garbled(now: int) -> Iterator[Row]:
    """Rows up to the hash."""
    pairs = _without(now)
    twice = [*pairs, ("auth_date", str(now))]
    yield "mock token", "mock_init_data_for_development", (INVALID, MISSING_HASH)
    yield "garbage", "%%%=&&&", (INVALID, MISSING_HASH)
    yield "no hash", encoded(pairs), (INVALID, MISSING_HASH)
    yield "no hash, and a repeated key", encoded(twice), (INVALID, MISSING_HASH)
    yield "repeated key, signed", signed(twice), (INVALID, DUPLICATE)
    yield "repeated key, wrong hash", encoded([*twice, ("hash", "0" * 64)]), (INVALID, DUPLICATE)
    yield "repeated hash", signed(pairs) + "&hash=" + signature_of(pairs), (INVALID, DUPLICATE)
    yield "vector", "user=%7B%22id%22%3A1%7D&auth_date=1&hash=abc", (INVALID, BAD_HASH)
    yield "another bot", signed(pairs, token="7000000003:other"), (INVALID, BAD_HASH)
    unsigned = signature_of(_without(now, "signature"))
    yield "signature left out of the check", encoded([*pairs, ("hash", unsigned)]), (INVALID, BAD_HASH)
    yield "altered after signing", signed(pairs).replace("private", "public"), (INVALID, BAD_HASH)


def _dated(now: int) -> Iterator[Row]:
    """Rows of the date."""
    bare = _without(now, "auth_date")
    yield "no auth_date", signed(bare), (INVALID, NO_DATE)
    for value in ("", "abc", "12x"):
        yield f"auth_date {value!r}", signed([*bare, ("auth_date", value)]), (INVALID, NO_DATE)
    yield "no auth_date, no user", signed(_without(now, "auth_date", "user")), (INVALID, NO_DATE)
    for name, date in (
        ("older than the maximum age", now - MAX_AGE_S - 1),
        ("of 2001", 1_000_000_000),
        ("beyond the skew", now + SKEW_S + 1),
        ("of the year 2100", 4_102_444_800),
        ("2^64-1", 2**64 - 1),
        ("2^63", 2**63),
    ):
        yield name, signed([*bare, ("auth_date", str(date))]), (TOO_OLD, EXPIRED)
    stale = [*_without(now, "user", "auth_date"), ("auth_date", "1000000000")]
    yield "old, no user", signed(stale), (TOO_OLD, EXPIRED)


def _owned(now: int) -> Iterator[Row]:
    """Rows of the user."""
    bare = _without(now, "user")
    yield "no user", signed(bare), (INVALID, NO_USER)
    yield "blank user", signed([*bare, ("user", "")]), (INVALID, NO_USER)
    for value in ("{", "not json", "{'id':1}"):
        yield f"user {value}", signed([*bare, ("user", value)]), (INVALID, BAD_USER)
    for user_id in (0, -1, 2**53, 2**64, "abc", None, 1.5, True, [1]):
        yield f"id {user_id!r}", signed([*bare, ("user", _user(user_id))]), (INVALID, BAD_ID)
    yield "no id", signed([*bare, ("user", '{"first_name":"Иван"}')]), (INVALID, BAD_ID)


def table(world: World) -> None:
    """Every row, in its order, on `/api/users/me`."""
    now = int(world.now())
    valid = signed(_without(now))
    schemes: list[Row] = [
        ("token empty", "Bearer", NOT_AUTHENTICATED),
        ("token blank", "Bearer ", NOT_AUTHENTICATED),
        ("tma empty", "tma ", NOT_AUTHENTICATED),
        ("header empty", "", NOT_AUTHENTICATED),
        ("Basic", "Basic " + valid, OTHER_SCHEME),
        ("Basic, not signed", "Basic x", OTHER_SCHEME),
    ]
    _refused(world, "header absent", None, NOT_AUTHENTICATED)
    for name, header, expected in schemes:
        _refused(world, name, header, expected)
    for rows in (_garbled(now), _dated(now), _owned(now)):
        for name, token, expected in rows:
            _refused(world, name, f"Bearer {token}", expected)


def _refused(world: World, name: str, header: str | None, expected: tuple[str, str]) -> None:
    headers = {} if header is None else {"Authorization": header}
    answer = world.bare("GET", "/api/users/me", headers)
    problem = answer.problem()
    seen = (answer.status, problem.get("code"), problem.get("detail"))
    world.report.equal(name, seen, (401, *expected))
    world.report.equal(f"{name}: WWW-Authenticate", answer.headers.get("www-authenticate"), "Bearer")


def accepted(world: World) -> None:
    """What the traps of other implementations would refuse."""
    now, report = int(world.now()), world.report
    user = {"id": 7_100_000_000, "first_name": "Анна Мария"}
    pairs = launch_pairs(user, now)
    spaced = [("start_param", "a b+c"), *pairs]
    headers = {
        "Bearer": f"Bearer {signed(pairs)}",
        "tma": f"tma {signed(pairs)}",
        "bEaReR": f"bEaReR {signed(pairs)}",
        "TMA": f"TMA {signed(pairs)}",
        "blank start_param": f"Bearer {signed([*pairs, ('start_param', '')])}",
        "spaces as +": f"Bearer {signed(spaced, plus=True)}",
        "spaces as %20": f"Bearer {signed(spaced)}",
        "hash first": f"Bearer hash={signature_of(pairs)}&{encoded(pairs)}",
        "maximum age": f"Bearer {launch_data(user, now - MAX_AGE_S)}",
        "skew": f"Bearer {launch_data(user, now + SKEW_S)}",
    }
    bodies = {}
    for name, header in headers.items():
        answer = world.bare("GET", "/api/users/me", {"Authorization": header})
        bodies[name] = answer.text()
        report.equal(f"{name} is accepted", answer.status, 200)
    report.equal("tma and Bearer give the same answer", bodies["tma"], bodies["Bearer"])
    for user_id in (2**32, 2**52 - 1, 2**52, 2**53 - 1):
        person = MiniApp(world.service, world.now, {"id": user_id, "first_name": "Пётр"})
        answer = person.raw("GET", "/api/users/me")
        report.check(f"id {user_id}", answer.status == 200 and answer.json()["id"] == user_id, answer.brief())


def optional(world: World) -> None:
    """On O endpoints; P12 and acceptance 27."""
    report, person = world.report, world.person()
    order = world.posted(person)
    now = int(world.now())
    expired = {"Authorization": f"Bearer {launch_data(person.user or {}, now - MAX_AGE_S - 1)}"}
    for name, headers in (
        ("expired", expired),
        ("garbage", {"Authorization": "Bearer x"}),
        ("Basic", {"Authorization": "Basic x"}),
    ):
        for path in ("/api/orders", f"/api/orders/{order['id']}", "/api/reviews"):
            answer = world.bare("GET", path, headers)
            report.equal(f"{name} is anonymous on {path[:11]}", answer.status, 200)
            report.check(f"{name} sees no contact on {path[:11]}", str(order["contact"]) not in answer.text())
        for path in (
            "orders?mine=true",
            "orders?taken_by_me=1",
            "reviews?mine=1",
            "reviews?about_me=1",
            "reviews?by_me=1",
        ):
            report.equal(f"{name} with {path} is 401", world.bare("GET", f"/api/{path}", headers).status, 401)
    for path in ("orders?mine=true", "orders?taken_by_me=true", "reviews?mine=true", "reviews?by_me=true"):
        answer = world.bare("GET", f"/api/{path}", {})
        report.equal(f"missing with {path} is public", answer.status, 200)
    public, flagged = (world.bare("GET", f"/api/orders{query}", {}).json() for query in ("", "?mine=true"))
    report.equal("a flag of nobody is ignored", flagged["orders"], public["orders"])
    report.check("the public list has the order", order["id"] in [each["id"] for each in public["orders"]])


def required(world: World) -> None:
    """Every R endpoint refuses strangers before it looks at anything else."""
    for method, path in (
        ("POST", "/api/orders"),
        ("PUT", "/api/orders/abcdefghijkl"),
        ("DELETE", "/api/orders/abcdefghijkl"),
        *(("POST", f"/api/orders/abcdefghijkl/{verb}") for verb in ("take", "respond", "complete", "close")),
        ("GET", "/api/users/me"),
        ("GET", "/api/users/me/preferences"),
        ("PUT", "/api/users/me/preferences"),
        ("GET", "/api/users/me/notification-settings"),
        ("PUT", "/api/users/me/notification-settings"),
        ("GET", "/api/balance"),
        ("GET", "/api/balance/transactions"),
        ("POST", "/api/balance/recharge"),
        ("POST", "/api/balance/create-invoice"),
        ("GET", "/api/balance/payment/1/status"),
        ("POST", "/api/sandbox/payments/1/pay"),
        ("POST", "/api/reviews/client"),
        ("POST", "/api/reviews/executor"),
        ("GET", "/api/reviews/check?order_id=a"),
    ):
        answer = world.bare(
            method, path, {"Content-Type": "application/json"}, b"{}" if method != "GET" else None
        )
        problem = answer.json()
        world.report.equal(
            f"{method} {path}", (answer.status, problem["code"], problem["detail"]), (401, *NOT_AUTHENTICATED)
        )


def first_sight(world: World) -> None:
    """P13: defaults, parallel first calls, refreshed names."""
    report, person = world.report, world.person("Иван")
    with ThreadPoolExecutor(20) as pool:
        seen = [each.result() for each in [pool.submit(person.me) for _ in range(20)]]
    expected = {
        "id": person.id,
        "first_name": "Иван",
        "last_name": None,
        "username": None,
        "completed_orders": 0,
        "active_orders": 0,
        "rating": 0,
        "balance": 0,
    }
    report.equal("20 parallel first calls", [each for each in seen if each != expected], [])
    report.shape("shape", seen[0], ME)
    report.equal("preferences", person.preferences(), {"categories": [], "cities": []})
    report.equal("settings", person.notification_settings(), {"enabled": False, "frequency": 10})
    report.equal("ledger", person.transactions(), {"transactions": [], "next_cursor": None})


def renamed(world: World) -> None:
    """Names follow the newest launch data, cut to 64 code points."""
    report, person = (
        world.report,
        world.person("Иван", last_name="Петров", username="ivan", language_code="ru"),
    )
    me = person.me()
    report.equal("names", (me["first_name"], me["last_name"], me["username"]), ("Иван", "Петров", "ivan"))
    old_user, old_now = person.user or {}, int(world.now())
    world.advance(10)
    person.user = {"id": person.id, "first_name": "я" * 70}
    me = person.me()
    report.equal(
        "renamed and cut", (me["first_name"], me["last_name"], me["username"]), ("я" * 64, None, None)
    )
    older = MiniApp(world.service, lambda: float(old_now), old_user)
    older.me()
    report.equal("older launch data renames nobody", person.me()["first_name"], "я" * 64)
    emoji = world.person("😀" * 70)
    report.equal("cut by code points", emoji.me()["first_name"], "😀" * 64)


SCENARIOS = (table, accepted, optional, required, first_sight, renamed)
