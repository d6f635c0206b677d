"""Sections 5.4 and 6: who sees what, and what the clock does to an order."""

from datetime import timedelta
from functools import partial

from mini_app import Json, MiniApp, parse_instant
from orders import EXPIRED, NOT_ACTIVE, NOT_FOUND, parallel_statuses
from report import ORDER
from world import Deal, World

LIFETIME_S = 3600
RESPONSE_S = 900
HIDDEN = {"contact": None, "contact_kind": None}


def _ids(order: Json) -> list[int]:
    return [each["executor_id"] for each in order["taken_by"]]


def _at(world: World, order: Json, seconds: float) -> None:
    """Moves the clock to this long after the order was posted."""
    world.set_clock(parse_instant(order["created_at"]).timestamp() + seconds)


def four_viewers(world: World) -> None:
    """Client, executors, stranger and nobody look at one order through its life."""
    report, stranger = world.report, world.person()
    deal = world.taken(2)
    first, second = deal.executors
    hidden = (stranger, world.anonymous)
    viewers: list[tuple[str, MiniApp, list[int]]] = [
        ("client", deal.client, [first.id, second.id]),
        ("first", first, [first.id, 0]),
        ("second", second, [0, second.id]),
        ("stranger", stranger, [0, 0]),
        ("anonymous", world.anonymous, [0, 0]),
    ]
    for name, app, ids in viewers:
        _seen(world, deal, f"active, {name}", app, ids, app not in hidden)
    deadline = parse_instant(deal.client.order(deal.id)["taken_by"][0]["taken_at"]) + timedelta(
        seconds=RESPONSE_S
    )
    report.equal("deadline", parse_instant(deal.client.order(deal.id)["response_deadline_at"]), deadline)
    answered = deal.client.respond(deal.id)
    report.equal("responding client sees executors", _ids(answered), [first.id, second.id])
    deal.client.complete_order(deal.id)
    for name, app, ids in viewers:
        _seen(world, deal, f"completed, {name}", app, ids, app not in hidden)
    review = {"order_id": deal.id, "executor_id": second.id, "rating": 4, "comment": "Хорошо"}
    deal.client.review_client(review)
    world.advance(1)
    deal.client.review_client(review | {"executor_id": first.id, "rating": 5, "comment": None})
    for name, app, _ in viewers:
        order = app.order(deal.id)
        report.equal(f"first review, {name}", (order["rating"], order["review_comment"]), (4, "Хорошо"))
    world.settle()
    page = stranger.orders(status="completed", limit=100)["orders"]
    listed = [(each["rating"], each["review_comment"]) for each in page if each["id"] == deal.id]
    report.equal("first review in a list", listed, [(4, "Хорошо")])


def _seen(world: World, deal: Deal, name: str, app: MiniApp, ids: list[int], open_: bool) -> None:
    order = app.order(deal.id)
    world.report.shape(f"{name}: shape", order, ORDER)
    world.report.equal(f"{name}: executors", _ids(order), ids)
    expected = {"contact": deal.order["contact"], "contact_kind": "telegram"} if open_ else HIDDEN
    world.report.equal(f"{name}: contact", {key: order[key] for key in expected}, expected)


def hidden_orders(world: World) -> None:
    """P14: closed and deleted ones."""
    report, deal = world.report, world.taken(1)
    deal.client.close_order(deal.id)
    for name, app in (("client", deal.client), ("executor", deal.executor)):
        order = app.order(deal.id)
        seen = (order["status"], order["contact"], order["response_deadline_at"])
        report.equal(f"closed, {name}", seen, ("closed_no_response", deal.order["contact"], None))
    for name, app in (("stranger", world.person()), ("anonymous", world.anonymous)):
        report.refused(f"closed, {name}", NOT_FOUND, app.order, deal.id)
    report.refused("take of a closed order", NOT_ACTIVE, world.executor().take_order, deal.id)


def minute_60(world: World) -> None:
    """P17: at the instant itself, before any timer."""
    report, client = world.report, world.person()
    order = world.posted(client)
    answered = Deal(client, world.posted(client), [world.executor()])
    answered.executor.take_order(answered.id)
    client.respond(answered.id)
    world.settle()
    tag = world.anonymous.raw("GET", "/api/orders").headers["etag"]
    _at(world, order, LIFETIME_S - 0.000001)
    report.equal("a microsecond before", world.anonymous.order(order["id"])["status"], "active")
    report.check("listed", order["id"] in _active(world))
    _at(world, order, LIFETIME_S)
    got = client.order(order["id"])
    report.equal("at the instant", (got["status"], got["contact"]), ("expired", order["contact"]))
    report.check("not listed", order["id"] not in _active(world))
    again = world.anonymous.raw("GET", "/api/orders", headers={"If-None-Match": tag})
    report.equal("a stored tag is no longer good", again.status, 200)
    report.refused("take", EXPIRED, world.executor().take_order, order["id"])
    report.refused("own, take", EXPIRED, client.take_order, order["id"])
    report.refused("edit", EXPIRED, client.update_order, order["id"], {})
    for verb in (client.respond, client.complete_order, client.close_order):
        report.refused(f"{verb.__name__} expired", NOT_ACTIVE, verb, order["id"])
    report.equal("take again, free", answered.executor.take_order(answered.id)["new_balance"], 98)
    report.check("contact is free", bool(world.posted(world.person(), contact=order["contact"])["id"]))
    _after_expiry(world, client, order, answered)


def _after_expiry(world: World, client: MiniApp, order: Json, answered: Deal) -> None:
    report = world.report
    world.invoke("errands-orders-sweep")
    world.settle()
    report.equal("counter", client.me()["active_orders"], 0)
    expired = [each["id"] for each in world.anonymous.orders(status="expired", limit=100)["orders"]]
    report.check("expired list has both", {order["id"], answered.id} <= set(expired), expired)
    report.equal("no refund after an answer", answered.executor.balance()["balance"], 98)
    client.delete_order(order["id"])
    report.equal("an untaken expired order is deleted", client.order(order["id"])["status"], "deleted")
    report.refused("gone for others", NOT_FOUND, world.anonymous.order, order["id"])
    report.equal("counter never below zero", client.me()["active_orders"], 0)


def _active(world: World) -> list[str]:
    return [each["id"] for each in world.anonymous.orders(limit=100)["orders"]]


def fifteen_minutes(world: World) -> None:
    """Taken, unanswered: ended at the first take + 15 min; refunded once."""
    report = world.report
    deal = world.taken(1)
    world.advance(60)
    second = world.executor()
    second.take_order(deal.id)
    first_take = parse_instant(deal.client.order(deal.id)["taken_by"][0]["taken_at"]).timestamp()
    world.set_clock(first_take + RESPONSE_S - 0.001)
    report.equal("before", world.anonymous.order(deal.id)["status"], "active")
    world.set_clock(first_take + RESPONSE_S)
    report.equal("at the instant", deal.client.order(deal.id)["status"], "closed_no_response")
    report.equal("executor's view", second.order(deal.id)["contact"], deal.order["contact"])
    report.refused("hidden", NOT_FOUND, world.anonymous.order, deal.id)
    report.refused("respond", NOT_ACTIVE, deal.client.respond, deal.id)
    report.refused("take", NOT_ACTIVE, world.executor().take_order, deal.id)
    for _ in range(3):
        world.invoke("errands-orders-sweep")
    world.settle()
    for app in (deal.executor, second):
        entries = app.transactions()["transactions"]
        report.equal(f"refunded once, {app.id}", [each["amount"] for each in entries], [2, -2, 100])
        report.equal(f"balance of {app.id}", app.balance()["balance"], 100)
        report.equal(f"contact stays, {app.id}", app.take_order(deal.id)["new_balance"], 100)
    report.equal(
        "counters", [app.me()["active_orders"] for app in (deal.client, deal.executor, second)], [0, 0, 0]
    )


def parallel_ends(world: World) -> None:
    """P3: the client closes while sweeps settle, at the deadline and before it; three refunds in all."""
    for seconds, status in ((RESPONSE_S - 1, 200), (RESPONSE_S, 410)):
        deal = world.taken(3)
        world.set_clock(world.now() + seconds)
        sweeps = [partial(world.invoke, "errands-orders-sweep")] * 5
        statuses = parallel_statuses([partial(deal.client.close_order, deal.id), *sweeps])
        world.report.equal(f"after {seconds} s", statuses, sorted([status, *[200] * 5]))
        world.idle()
        balances = [each.balance()["balance"] for each in deal.executors]
        world.report.equal(f"after {seconds} s: one refund each", balances, [100] * 3)


def tie(world: World) -> None:
    """Created at 0, first take at 44:59.999 or 45:00."""
    report = world.report
    for offset, end, status in ((2699.999, 3599.999, "closed_no_response"), (2700.0, 3600.0, "expired")):
        client, executor = world.person(), world.executor()
        order = world.posted(client)
        _at(world, order, offset)
        executor.take_order(order["id"])
        _at(world, order, end - 0.001)
        report.equal(f"{offset}: active until", executor.order(order["id"])["status"], "active")
        _at(world, order, end)
        report.equal(f"{offset}: end", executor.order(order["id"])["status"], status)
        world.invoke("errands-orders-sweep")
        world.idle()
        report.equal(f"{offset}: refunded", executor.balance()["balance"], 100)
        report.equal(f"{offset}: stays", executor.order(order["id"])["status"], status)
        report.equal(
            "a taken expired order stays visible",
            world.person().raw("GET", f"/api/orders/{order['id']}").status,
            200 if status == "expired" else 404,
        )
        world.set_clock(int(world.now()) + 1)


def never_answered_until_expiry(world: World) -> None:
    """A late take of an order that expires first."""
    report, client, executor = world.report, world.person(), world.executor()
    order = world.posted(client)
    _at(world, order, LIFETIME_S - 60)
    executor.take_order(order["id"])
    got = client.order(order["id"])
    report.equal("the order ends first", got["expires_at"] < got["response_deadline_at"], True)
    _at(world, order, LIFETIME_S)
    report.equal("expired", world.anonymous.order(order["id"])["status"], "expired")
    report.refused(
        "delete",
        (403, "order_taken", "Cannot delete order after executor has taken it"),
        client.delete_order,
        order["id"],
    )
    world.invoke("errands-orders-sweep")
    world.idle()
    report.equal("refunded", executor.balance()["balance"], 100)
    free = world.posted(world.person(), contact=order["contact"])
    report.check("contact is free", bool(free["id"]))


SCENARIOS = (
    four_viewers,
    hidden_orders,
    minute_60,
    fifteen_minutes,
    parallel_ends,
    tie,
    never_answered_until_expiry,
)
