"""Section 5.3: lists, their filters, totals and pages."""

import string
from collections.abc import Callable
from itertools import pairwise
from typing import Any

from mini_app import Json, MiniApp
from report import INVALID, ORDER, integer, nullable
from report import string as is_string
from world import World

INVALID_CURSOR = "Invalid cursor"


def _ids(page: Json) -> list[str]:
    return [each["id"] for each in page["orders"]]


def _newest_first(orders: list[Json]) -> bool:
    keys = [(each["created_at"], each["id"]) for each in orders]
    return all(one > two for one, two in pairwise(keys))


def page_shape(world: World) -> None:
    """An entry is the order as its reader sees it, without the contact."""
    report, client = world.report, world.person()
    city = world.city()
    order = world.posted(client, city=city)
    world.settle()
    for name, app in (("owner", client), ("stranger", world.person()), ("anonymous", world.anonymous)):
        page = app.orders(city=city)
        report.shape(
            f"{name}: page",
            page,
            {
                "orders": lambda each: isinstance(each, list),
                "total": integer,
                "next_cursor": nullable(is_string),
            },
        )
        report.shape(f"{name}: entry", page["orders"][0], ORDER)
        expected = order | {"contact": None, "contact_kind": None}
        report.equal(
            f"{name}: no contact in a list", page, {"orders": [expected], "total": 1, "next_cursor": None}
        )
    mine = client.orders(mine=True)
    report.equal("mine: no contact either", mine["orders"][0]["contact"], None)


def filters(world: World) -> None:
    """Category, city, both, and what does not exist."""
    report, city, other = world.report, world.city(), world.city()
    made = {}
    for where in (city, other):
        for category in ("Клининг", "Электрика"):
            made[where, category] = world.posted(world.person(), city=where, category=category)["id"]
    world.settle()
    app = world.anonymous
    report.equal("city", set(_ids(app.orders(city=city))), {made[city, "Клининг"], made[city, "Электрика"]})
    report.equal("city total", app.orders(city=city)["total"], 2)
    report.equal("both", _ids(app.orders(city=city, category="Клининг")), [made[city, "Клининг"]])
    report.equal("both total", app.orders(city=city, category="Клининг")["total"], 1)
    seen = app.orders(category="Клининг", limit=100)["orders"]
    report.check("category", {made[city, "Клининг"], made[other, "Клининг"]} <= {each["id"] for each in seen})
    report.equal("category alone", {each["category"] for each in seen}, {"Клининг"})
    empty = {"orders": [], "total": 0, "next_cursor": None}
    for query in (
        {"category": "Такси"},
        {"category": "клининг"},
        {"city": "Нигде"},
        {"city": city, "category": "Другое"},
    ):
        report.equal(f"nothing for {query}", app.orders(**query), empty)


def public_statuses(world: World) -> None:
    """What may be listed publicly; the rest silently becomes active."""
    report, app, city = world.report, world.anonymous, world.city()
    active = world.posted(world.person(), city=city)["id"]
    client = world.person()
    done = world.posted(client, city=city)["id"]
    world.executor().take_order(done)
    client.complete_order(done)
    closed = world.posted(client, city=city)["id"]
    world.executor().take_order(closed)
    client.close_order(closed)
    client.delete_order(world.posted(client, city=city)["id"])
    world.settle()
    for query in (
        {},
        {"status": "active"},
        {"status": "all"},
        {"status": "deleted"},
        {"status": "closed_no_response"},
    ):
        report.equal(f"public {query}", _ids(app.orders(city=city, **query)), [active])
    report.equal("completed", _ids(app.orders(city=city, status="completed")), [done])
    report.equal("completed total", app.orders(city=city, status="completed")["total"], 1)
    report.equal("expired", _ids(app.orders(city=city, status="expired")), [])
    for status in ("foo", "ACTIVE", ""):
        report.refused(f"status {status!r}", INVALID, app.orders, status=status)
    page = _ids(client.orders(mine=True))
    report.equal("mine: no deleted", set(page), {done, closed})
    report.equal("mine total", client.orders(mine=True)["total"], 2)
    everything = client.orders(mine=True, status="all")
    report.equal("mine, all: the deleted too", (len(everything["orders"]), everything["total"]), (3, 3))
    for status, ids in (("completed", {done}), ("closed_no_response", {closed}), ("active", set())):
        one = client.orders(mine=True, status=status)
        report.equal(f"mine, {status}", (set(_ids(one)), one["total"]), (ids, len(ids)))
    deleted = client.orders(mine=True, status="deleted")
    report.equal(
        "mine, deleted", ([each["status"] for each in deleted["orders"]], deleted["total"]), (["deleted"], 1)
    )


def own_lists(world: World) -> None:
    """`mine` and `taken_by_me`, at once after the write."""
    report, client, executor = world.report, world.person(), world.executor()
    orders = []
    for _ in range(4):
        orders.append(world.posted(client)["id"])
        world.advance(1)
    report.equal("mine, newest first", _ids(client.orders(mine=True)), orders[::-1])
    for order_id in orders[:3]:
        executor.take_order(order_id)
    page = executor.orders(taken_by_me=True)
    report.equal("taken_by_me, newest first", (_ids(page), page["total"]), (orders[2::-1], 3))
    report.equal(
        "an executor's own id", {each["taken_by"][0]["executor_id"] for each in page["orders"]}, {executor.id}
    )
    client.complete_order(orders[0])
    client.close_order(orders[1])
    page = executor.orders(taken_by_me=True)
    report.equal(
        "ended ones stay",
        [each["status"] for each in page["orders"]],
        ["active", "closed_no_response", "completed"],
    )
    page = executor.orders(taken_by_me=True, status="completed")
    report.equal("taken_by_me, completed", (_ids(page), page["total"]), ([orders[0]], 1))
    both = client.orders(mine=True, taken_by_me=True)
    report.equal("both flags", (both["orders"], both["next_cursor"]), ([], None))
    report.equal(
        "mine of a stranger",
        world.person().orders(mine=True),
        {"orders": [], "total": 0, "next_cursor": None},
    )
    filtered = client.orders(mine=True, category="Клининг")
    report.equal("mine of another category", (filtered["orders"], filtered["total"]), ([], 0))
    filtered = client.orders(mine=True, category="Сантехника", city="москва")
    report.equal("mine of a category and city", (_ids(filtered), filtered["total"]), (orders[::-1], 4))


def pages(world: World) -> None:
    """Cursors and offsets, without gap or repeat."""
    report, city, client = world.report, world.city(), world.person()
    for number in range(25):
        world.posted(client, city=city, category="Клининг" if number % 2 else "Электрика")
        if number % 3 == 0:
            world.advance(1)
    world.settle()
    for name, app, query, count in (
        ("city", world.anonymous, {"city": city}, 25),
        ("both", world.anonymous, {"city": city, "category": "Клининг"}, 12),
        ("mine", client, {"mine": True}, 25),
        ("mine and category", client, {"mine": True, "category": "Клининг"}, 12),
    ):
        _page_through(world, name, app, query, count)
    offsets = [_ids(world.anonymous.orders(city=city, limit=10, offset=offset)) for offset in (0, 10, 20, 30)]
    flat = [each for page in offsets for each in page]
    report.equal("offsets", ([len(page) for page in offsets], len(set(flat))), ([10, 10, 5, 0], 25))
    for offset in (30, 1000):
        page = world.anonymous.orders(city=city, offset=offset)
        report.check(
            f"total is never below offset {offset}", page["total"] >= offset + len(page["orders"]), page
        )


def _page_through(world: World, name: str, app: MiniApp, query: Json, count: int) -> None:
    found: list[Json] = []
    cursor = None
    for _ in range(count):
        page = app.orders(**query, limit=4, cursor=cursor)
        found += page["orders"]
        world.report.check(
            f"{name}: total covers the page", page["total"] >= len(page["orders"]), page["total"]
        )
        cursor = page["next_cursor"]
        if cursor is None:
            break
        world.report.check(
            f"{name}: cursor is base64url",
            set(cursor) <= set(string.ascii_letters + string.digits + "-_"),
            cursor,
        )
    world.report.equal(
        f"{name}: every order once", (len(found), len({each["id"] for each in found})), (count, count)
    )
    world.report.check(
        f"{name}: newest first", _newest_first(found), [(each["created_at"], each["id"]) for each in found]
    )


def bounds(world: World) -> None:
    """Limits, offsets, cursors that do not fit."""
    report, person = world.report, world.person()
    for _ in range(3):
        world.posted(person)
    world.settle()
    for query in ({"limit": 0}, {"limit": 101}, {"limit": "x"}, {"offset": -1}, {"limit": 10.5}):
        report.refused(f"{query}", INVALID, person.orders, **query)
    for offset in (1001, 2**31, 2**70):
        report.refused(
            f"offset {offset}",
            (422, "validation_failed", "offset: use cursor for deep paging"),
            person.orders,
            offset=offset,
        )
    report.check("the bounds themselves", "orders" in person.orders(limit=100, offset=1000))
    mine = person.orders(mine=True, limit=1)["next_cursor"]
    public = person.orders(limit=1)["next_cursor"]
    city = person.orders(limit=1, city="Москва")["next_cursor"]
    last = "A" if mine[-1] != "A" else "B"
    misuses: list[tuple[str, Callable[[], Any]]] = [
        ("garbage", lambda: person.orders(cursor="garbage")),
        ("blank", lambda: person.orders(cursor="")),
        (
            "altered",
            lambda: person.orders(mine=True, cursor="A" + mine[1:] if mine[0] != "A" else "B" + mine[1:]),
        ),
        ("cut", lambda: person.orders(mine=True, cursor=mine[:-4])),
        ("last letter", lambda: person.orders(mine=True, cursor=mine[:-2] + last * 2)),
        ("another user's", lambda: world.person().orders(mine=True, cursor=mine)),
        ("anonymous with another's", lambda: world.anonymous.orders(cursor=public)),
        ("of mine, in public", lambda: person.orders(cursor=mine)),
        ("of public, in mine", lambda: person.orders(mine=True, cursor=public)),
        ("another city", lambda: person.orders(city="Омск", cursor=city)),
        ("city dropped", lambda: person.orders(cursor=city)),
        ("another status", lambda: person.orders(status="completed", cursor=public)),
        ("another endpoint", lambda: person.reviews(cursor=public)),
        ("ledger's", lambda: person.transactions(cursor=mine)),
    ]
    for name, call in misuses:
        report.refused(f"cursor: {name}", (422, "validation_failed", INVALID_CURSOR), call)
    answer = person.raw("GET", "/api/orders", query={"cursor": public, "offset": 1})
    report.equal("cursor with an offset", answer.status, 422)
    report.check("cursor with offset 0", "orders" in person.orders(cursor=public, offset=0))


def deadline_drops(world: World) -> None:
    """An order past its response deadline leaves the active list at once."""
    report, city = world.report, world.city()
    client, executor = world.person(), world.executor()
    kept, dropped = (world.posted(client, city=city)["id"] for _ in range(2))
    executor.take_order(dropped)
    world.settle()
    report.equal("both", set(_ids(world.anonymous.orders(city=city))), {kept, dropped})
    world.advance(900)
    report.equal("one", _ids(world.anonymous.orders(city=city)), [kept])
    mine = {each["id"]: each["status"] for each in client.orders(mine=True)["orders"]}
    report.equal("mine shows the end", mine, {kept: "active", dropped: "closed_no_response"})
    taken = executor.orders(taken_by_me=True)["orders"]
    report.equal("taken_by_me too", [each["status"] for each in taken], ["closed_no_response"])


SCENARIOS = (page_shape, filters, public_statuses, own_lists, pages, bounds, deadline_drops)
