"""What must hold for every answer of the run, looked at after it."""

import re
from collections import defaultdict
from collections.abc import Callable, Iterator
from typing import Any

from mini_app import MAX_SAFE_INTEGER
from report import instant
from wire import Answer
from world import World

SECRET = re.compile(r"@secret_\d+")
PROBLEM = {"type": str, "title": str, "status": int, "detail": str, "code": str, "request_id": str}
VALIDATED = re.compile(
    r"/api/(orders|reviews|balance|users/me)(/transactions|/preferences|/notification-settings|/[\w-]{12})?(\?.*)?$"
)
PUBLIC = re.compile(r"(/|/api/cities(\?.*)?|/openapi\.json)$")


# What the gateway answers itself to a body that no Lambda can be handed.
BY_THE_GATEWAY = b'{"message":"Request Entity Too Large"}'


def _all(world: World, name: str, holds: Callable[[Answer], bool], among: Callable[[Answer], bool]) -> None:
    answers = [each for each in world.service.traffic if among(each) and each.body != BY_THE_GATEWAY]
    wrong = [each.brief() for each in answers if not holds(each)]
    world.report.check(f"{name} ({len(answers)} answers)", bool(answers) and not wrong, wrong[:3])


def _is_problem(answer: Answer) -> bool:
    problem = answer.problem()
    kinds = all(isinstance(problem.get(key), kind) for key, kind in PROBLEM.items())
    return (
        kinds
        and problem["status"] == answer.status
        and "application/problem+json" in answer.headers.get("content-type", "")
    )


def errors(world: World) -> None:
    """Problem bodies with a string detail; never a failure of ours."""
    _all(world, "every error is a problem", _is_problem, lambda each: each.status >= 400)
    _all(
        world,
        "no 5xx but 503 with Retry-After",
        lambda each: "retry-after" in each.headers or each.status < 500,
        lambda each: each.status >= 400,
    )
    _all(
        world, "no 500, 502, 504", lambda each: each.status in (503,) or each.status < 500, lambda each: True
    )
    _all(
        world,
        "every 401 says Bearer",
        lambda each: each.headers.get("www-authenticate") == "Bearer",
        lambda each: each.status == 401,
    )
    _all(
        world,
        "every 405 has Allow",
        lambda each: bool(each.headers.get("allow")),
        lambda each: each.status == 405,
    )
    _all(
        world,
        "every 429 has Retry-After",
        lambda each: each.headers.get("retry-after", "").isdigit(),
        lambda each: each.status == 429,
    )
    _all(world, "every 204 is empty", lambda each: not each.body, lambda each: each.status == 204)
    _all(
        world,
        "errors are not stored",
        lambda each: each.headers.get("cache-control") == "no-store",
        lambda each: each.status >= 400,
    )


def _is_success(answer: Answer) -> bool:
    return answer.status in (200, 201)


def successes(world: World) -> None:
    """Types, caching, text."""
    _all(world, "JSON", lambda each: each.headers["content-type"].startswith("application/json"), _is_success)
    _all(
        world,
        "non-ASCII is not escaped",
        lambda each: "\\u0" not in each.text(),
        lambda each: bool(each.body),
    )
    _all(
        world,
        "reads are private and revalidated",
        lambda each: "etag" in each.headers and "private" in each.headers.get("cache-control", ""),
        lambda each: each.method == "GET" and _is_success(each) and bool(VALIDATED.match(each.target)),
    )
    _all(
        world,
        "writes are not stored",
        lambda each: each.headers.get("cache-control") == "no-store",
        lambda each: each.method != "GET" and each.status < 300 and each.method != "OPTIONS",
    )
    _all(
        world,
        "status, check and health are not stored",
        lambda each: each.headers.get("cache-control") == "no-store",
        lambda each: (
            each.method == "GET"
            and _is_success(each)
            and not VALIDATED.match(each.target)
            and not PUBLIC.match(each.target)
        ),
    )
    _all(world, "a request id", lambda each: bool(each.headers.get("x-request-id")), lambda each: True)


def _values(value: Any, key: str = "") -> Iterator[tuple[str, Any]]:
    if isinstance(value, dict):
        for name, each in value.items():
            yield from _values(each, name)
    elif isinstance(value, list):
        for each in value:
            yield from _values(each, key)
    else:
        yield key, value


def values(world: World) -> None:
    """Numbers that JavaScript holds; instants with their zone; whole rubles."""
    seen = [
        pair
        for each in world.service.traffic
        if each.status in (200, 201) and each.target != "/openapi.json"
        for pair in _values(each.json())
    ]
    report = world.report
    report.equal(
        "safe integers",
        [pair for pair in seen if isinstance(pair[1], int) and abs(pair[1]) > MAX_SAFE_INTEGER][:3],
        [],
    )
    instants = [pair for pair in seen if pair[0].endswith("_at") and pair[1] is not None]
    report.equal(f"instants ({len(instants)})", [pair for pair in instants if not instant(pair[1])][:3], [])
    floats = {pair[0] for pair in seen if isinstance(pair[1], float)}
    report.check("no floating point but ratings", floats <= {"rating"}, floats)
    report.check("client_id is nowhere", "client_id" not in {pair[0] for pair in seen})


def pay_to_reveal(world: World) -> None:
    """P11: a contact is seen by its author and by who paid, in no other body."""
    contacts: dict[str, set[str]] = defaultdict(set)
    readers: dict[str, set[int | None]] = defaultdict(set)
    for each in world.service.traffic:
        _learn(each, contacts, readers)
    allowed: dict[str, set[int | None]] = defaultdict(set)
    for order_id, texts in contacts.items():
        for text in texts:
            allowed[text] |= readers[order_id]
    report = world.report
    report.check("there are contacts", len(allowed) > 100, len(allowed))
    leaks = [
        each.brief()
        for each in world.service.traffic
        for text in SECRET.findall(each.text())
        if each.viewer not in allowed[text]
    ]
    report.equal("no body shows one to a stranger", leaks[:3], [])
    lists = [
        each
        for each in world.service.traffic
        if each.target.startswith(("/api/orders?", "/api/reviews")) and SECRET.search(each.text())
    ]
    report.equal("no list shows one to anybody", [each.brief() for each in lists[:3]], [])


def _learn(answer: Answer, contacts: dict[str, set[str]], readers: dict[str, set[int | None]]) -> None:
    """Who posted or edited an order, who took it, and under which contacts it stood."""
    if answer.status not in (200, 201):
        return
    parts = answer.target.split("?")[0].split("/")
    if (answer.method, parts[1:]) == ("POST", ["api", "orders"]) or (
        answer.method == "PUT" and parts[2] == "orders"
    ):
        order = answer.json()
        contacts[order["id"]].add(order["contact"])
        readers[order["id"]].add(answer.viewer)
    elif parts[-1] == "take":
        readers[parts[3]].add(answer.viewer)


SCENARIOS = (errors, successes, values, pay_to_reveal)
