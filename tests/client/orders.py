"""Section 5.2: every guard of an order, in its order of evaluation."""

from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from typing import Any

from mini_app import ApiError, MiniApp, toast_of
from report import INVALID, ORDER
from world import Deal, World

NOT_FOUND = (404, "order_not_found", "Order not found")
EXPIRED = (410, "order_expired", "Order has expired")
NOT_ACTIVE = (410, "order_not_active", "Order is no longer active")
NO_TAKES = (409, "no_takes", "No executor has taken this order yet")
BUSY = (409, "contact_busy", "This contact already has an active order")
NO_EDIT = (403, "order_taken", "Cannot edit order after executor has taken it")
NO_DELETE = (403, "order_taken", "Cannot delete order after executor has taken it")
OWN = (403, "own_order", "Cannot take your own order")
FULL = (409, "executor_limit", "Maximum 3 executors reached")
POOR = (402, "insufficient_balance", "Insufficient balance. Need 2₽")
ABSENT_ID = "abcdefghijkl"
ACTIVE_ORDERS_MAX = 50


def _owners_only(verb: str) -> tuple[int, str, str]:
    return 403, "not_order_client", f"Only the order client can {verb}"


def create(world: World) -> None:
    """The answer to a post, and its limits."""
    report, client = world.report, world.person()
    draft = world.draft(city="Казань", category="Клининг")
    order = client.create_order(draft)
    report.shape("shape", order, ORDER)
    report.equal("what was sent", {key: order[key] for key in draft}, draft)
    empty = ("response_deadline_at", "customer_responded_at", "rating", "review_comment")
    report.equal("nulls of a new order", [order[key] for key in empty], [None] * 4)
    report.equal("active, telegram", (order["status"], order["contact_kind"]), ("active", "telegram"))
    report.equal("own counter", client.me()["active_orders"], 1)
    report.refused("busy contact", BUSY, world.posted, world.person(), contact=draft["contact"])
    for _ in range(ACTIVE_ORDERS_MAX - 1):
        world.posted(client)
    report.refused(
        "50 active orders", (409, "active_order_limit", "Too many active orders"), world.posted, client
    )
    report.refused("busy before the limit", BUSY, world.posted, client, contact=draft["contact"])


def update(world: World) -> None:
    """Edits by the owner of an untaken order."""
    report, client = world.report, world.person()
    order = world.posted(client, city="Казань")
    changes = {
        "category": "Электрика",
        "description": "Искрит розетка в прихожей",
        "contact": world.contact(),
    }
    edited = client.update_order(order["id"], changes | {"city": "Омск", "status": "completed", "id": "x"})
    report.equal("changed, and nothing else", edited, order | changes)
    report.equal("stored", client.order(order["id"]), edited)
    report.equal("{} is a no-op", client.update_order(order["id"], {}), edited)
    report.equal(
        "null is absent", client.update_order(order["id"], {"category": None, "contact": None}), edited
    )
    phone = client.update_order(order["id"], {"contact": f"+7911{world.number():07d}"})
    report.equal("kind follows", phone["contact_kind"], "phone")
    report.check("old contact is free", bool(world.posted(world.person(), contact=changes["contact"])["id"]))
    other = world.posted(world.person())
    report.refused("busy contact", BUSY, client.update_order, order["id"], {"contact": other["contact"]})
    same = str(phone["contact"]).replace("+7", "8")
    report.equal(
        "own contact, spelled anew", client.update_order(order["id"], {"contact": same})["contact"], same
    )
    report.refused("no such order", NOT_FOUND, client.update_order, ABSENT_ID, {})
    report.refused("a stranger", NOT_FOUND, world.person().update_order, order["id"], {})
    for field, value in (("category", "Такси"), ("description", "x" * 19), ("contact", "ab")):
        report.refused(f"bad {field}", INVALID, client.update_order, order["id"], {field: value})
    client.delete_order(order["id"])
    report.refused("deleted", NOT_ACTIVE, client.update_order, order["id"], {})
    _late_edits(world)


def _late_edits(world: World) -> None:
    report, deal = world.report, world.taken()
    change = {"description": "Другое описание той же работы"}
    report.refused("taken", NO_EDIT, deal.client.update_order, deal.id, change)
    report.refused("taken, {}", NO_EDIT, deal.client.update_order, deal.id, {})
    report.refused(
        "taken, busy contact",
        NO_EDIT,
        deal.client.update_order,
        deal.id,
        {"contact": world.posted(world.person())["contact"]},
    )
    report.refused("taken, an executor", NOT_FOUND, deal.executor.update_order, deal.id, change)
    deal.client.complete_order(deal.id)
    report.refused("completed", NO_EDIT, deal.client.update_order, deal.id, change)


def delete(world: World) -> None:
    """An owner takes an untaken order back."""
    report, client = world.report, world.person()
    order = world.posted(client)
    report.refused("no such order", NOT_FOUND, client.delete_order, ABSENT_ID)
    report.refused("a stranger", NOT_FOUND, world.person().delete_order, order["id"])
    client.delete_order(order["id"])
    report.equal("the owner sees it deleted", client.order(order["id"])["status"], "deleted")
    client.delete_order(order["id"])
    report.equal("twice moves the counter once", client.me()["active_orders"], 0)
    for viewer in (world.anonymous, world.person()):
        report.refused(f"hidden from {viewer.id or 'anonymous'}", NOT_FOUND, viewer.order, order["id"])
    report.refused("take", NOT_ACTIVE, world.executor().take_order, order["id"])
    report.refused("own, deleted: take", NOT_ACTIVE, client.take_order, order["id"])
    report.check("the contact is free", bool(world.posted(world.person(), contact=order["contact"])["id"]))
    deal = world.taken()
    report.refused("taken", NO_DELETE, deal.client.delete_order, deal.id)
    report.refused("taken, an executor", NOT_FOUND, deal.executor.delete_order, deal.id)


def take(world: World) -> None:
    """A contact costs two rubles, once."""
    report, client = world.report, world.person()
    order = world.posted(client)
    executors = [world.executor(balance) for balance in (100, 2, 3)]
    poor = world.person()
    report.refused("poor", POOR, poor.take_order, order["id"])
    poor.recharge(1)
    report.refused("one ruble", POOR, poor.take_order, order["id"])
    report.refused("no such order", NOT_FOUND, poor.take_order, ABSENT_ID)
    report.refused("own order", OWN, client.take_order, order["id"])
    for count, (executor, left) in enumerate(zip(executors, (98, 0, 1), strict=True), start=1):
        expected = {
            "success": True,
            "contact": order["contact"],
            "executor_count": count,
            "new_balance": left,
        }
        report.equal(f"take {count}", executor.take_order(order["id"]), expected)
    again = {"success": True, "contact": order["contact"], "executor_count": 3, "new_balance": 98}
    report.equal("again, no charge", executors[0].take_order(order["id"]), again)
    report.refused("a fourth", FULL, world.executor().take_order, order["id"])
    report.refused("a poor fourth", FULL, poor.take_order, order["id"])
    report.refused("own order when full", OWN, client.take_order, order["id"])
    client.complete_order(order["id"])
    report.equal("again when completed", executors[0].take_order(order["id"]), again)
    report.refused("a stranger when completed", NOT_ACTIVE, world.executor().take_order, order["id"])
    entries = executors[1].transactions()["transactions"]
    report.equal("one entry a take", [each["amount"] for each in entries], [-2, 2])


def toasts(world: World) -> None:
    """What the app branches on: 402 and 409 of a take have texts of its own."""
    report, deal = world.report, world.taken(3)
    for name, app, order_id, text in (
        ("402", world.person(), world.posted(world.person())["id"], "Пополните баланс"),
        ("409", world.executor(), deal.id, "Заказ уже взяли"),
        ("403", deal.client, deal.id, "Cannot take your own order"),
        ("404", world.executor(), ABSENT_ID, "Order not found"),
    ):
        try:
            app.take_order(order_id)
            report.check(name, False, "not refused")
        except ApiError as error:
            report.equal(f"toast of {name}", toast_of(error), text)


def respond(world: World) -> None:
    """The client answers the executors."""
    report, deal = world.report, world.taken(2)
    _guards(world, deal, "respond", lambda app: app.respond, success=200)
    answered = deal.client.respond(deal.id)
    report.shape("shape", answered, ORDER)
    report.check("responded", answered["customer_responded_at"] is not None, answered)
    report.equal("no deadline any more", answered["response_deadline_at"], None)
    report.equal(
        "still active, contact shown",
        (answered["status"], answered["contact"]),
        ("active", deal.order["contact"]),
    )
    report.refused("twice", (409, "already_responded", "Already responded"), deal.client.respond, deal.id)
    deal.client.complete_order(deal.id)
    report.refused("twice, completed", NOT_ACTIVE, deal.client.respond, deal.id)


def complete(world: World) -> None:
    """Done, without a refund; responding first is not required."""
    report, deal = world.report, world.taken(2)
    _guards(world, deal, "complete", lambda app: app.complete_order, success=200)
    done = deal.client.complete_order(deal.id)
    report.shape("shape", done, ORDER)
    report.equal("completed", (done["status"], done["contact"]), ("completed", deal.order["contact"]))
    report.refused("twice", NOT_ACTIVE, deal.client.complete_order, deal.id)
    for app in (deal.client, *deal.executors):
        me = app.me()
        report.equal(f"counters of {app.id}", (me["active_orders"], me["completed_orders"]), (0, 1))
    report.equal("no refund", deal.executor.balance(), {"balance": 98})


def close(world: World) -> None:
    """The client gives up: refunds unless he has responded."""
    report, deal = world.report, world.taken(2)
    _guards(world, deal, "close", lambda app: app.close_order, success=204)
    deal.client.close_order(deal.id)
    report.equal("refunded", [each.balance()["balance"] for each in deal.executors], [100, 100])
    report.refused("twice", NOT_ACTIVE, deal.client.close_order, deal.id)
    answered = world.taken()
    answered.client.respond(answered.id)
    answered.client.close_order(answered.id)
    report.equal("not refunded after an answer", answered.executor.balance()["balance"], 98)
    report.equal("status", answered.client.order(answered.id)["status"], "closed_no_response")


def _guards(
    world: World, deal: Deal, verb: str, action: Callable[[MiniApp], Callable[[str], Any]], success: int
) -> None:
    """404, not the owner, not active, no takes."""
    report = world.report
    text = verb if verb == "respond" else f"{verb} it"
    report.refused("no such order", NOT_FOUND, action(deal.client), ABSENT_ID)
    for name, app in (("a stranger", world.person()), ("an executor", deal.executor)):
        report.refused(name, _owners_only(text), action(app), deal.id)
    untaken = world.posted(deal.client)
    report.refused("no takes", NO_TAKES, action(deal.client), untaken["id"])
    report.refused("a stranger, no takes", _owners_only(text), action(world.person()), untaken["id"])
    deal.client.delete_order(untaken["id"])
    report.refused("deleted", NOT_ACTIVE, action(deal.client), untaken["id"])
    other = world.taken()
    empty = other.client.raw("POST", f"/api/orders/{other.id}/{verb}", b"")
    report.equal("an empty body is no body", empty.status, success)


def races(world: World) -> None:
    """Acceptance 5, P1, P5: parallel callers."""
    report, order = world.report, world.posted(world.person())
    executors = [world.executor(2) for _ in range(5)]
    statuses = parallel_statuses([partial(app.take_order, order["id"]) for app in executors])
    report.equal("five executors", statuses, [200, 200, 200, 409, 409])
    report.equal("three charges", sorted(app.balance()["balance"] for app in executors), [0, 0, 0, 2, 2])
    spender = world.executor(2)
    ids = [world.posted(world.person())["id"] for _ in range(10)]
    statuses = parallel_statuses([partial(spender.take_order, each) for each in ids])
    report.equal("P1: ten orders, two rubles", statuses, [200, *[402] * 9])
    report.equal("P1: balance", spender.balance()["balance"], 0)
    deal = world.taken()
    statuses = parallel_statuses([lambda: deal.client.complete_order(deal.id)] * 6)
    report.equal("P5: six completes", statuses, [200, *[410] * 5])
    client = world.person()
    statuses = parallel_statuses([partial(world.posted, client)] * 20)
    report.equal("P2: twenty creates", (statuses, client.me()["active_orders"]), ([200] * 20, 20))
    contact = world.contact()
    clients = [world.person() for _ in range(10)]
    statuses = parallel_statuses([partial(world.posted, app, contact=contact) for app in clients])
    report.equal("P7: ten creates of a contact", statuses, [200, *[409] * 9])


def take_or_delete(world: World) -> None:
    """P4: never a deleted order with a take."""
    for number in range(15):
        client, executor = world.person(), world.executor()
        order_id = world.posted(client)["id"]
        statuses = parallel_statuses(
            [partial(executor.take_order, order_id), partial(client.delete_order, order_id)]
        )
        order = client.order(order_id)
        consistent = (len(order["taken_by"]), order["status"]) in ((1, "active"), (0, "deleted"))
        world.report.check(f"round {number}", consistent and statuses in ([200, 403], [200, 410]), statuses)


def parallel_statuses(calls: Sequence[Callable[[], Any]]) -> list[int]:
    """Makes the calls at once; 200 stands for any success. Sorted."""

    def status(call: Callable[[], Any]) -> int:
        try:
            call()
        except ApiError as error:
            return error.status
        return 200

    with ThreadPoolExecutor(len(calls)) as pool:
        return sorted(pool.map(status, calls))


SCENARIOS = (create, update, delete, take, toasts, respond, complete, close, races, take_or_delete)
