"""Section 5.2: every guard of an order, in its order of evaluation."""

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import Any

from mini_app import ApiError, MiniApp, toast_of
from report import ORDER
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
    report.refused("busy contact", lambda: world.posted(world.person(), contact=draft["contact"]), *BUSY)
    for _ in range(ACTIVE_ORDERS_MAX - 1):
        world.posted(client)
    report.refused("50 active orders", lambda: world.posted(client), 409, "active_order_limit", "Too many active orders")
    report.refused("busy before the limit", lambda: world.posted(client, contact=draft["contact"]), *BUSY)


def update(world: World) -> None:
    """Edits by the owner of an untaken order."""
    report, client = world.report, world.person()
    order = world.posted(client, city="Казань")
    changes = {"category": "Электрика", "description": "Искрит розетка в прихожей", "contact": world.contact()}
    edited = client.update_order(order["id"], changes | {"city": "Омск", "status": "completed", "id": "x"})
    report.equal("changed, and nothing else", edited, order | changes)
    report.equal("stored", client.order(order["id"]), edited)
    report.equal("{} is a no-op", client.update_order(order["id"], {}), edited)
    report.equal("null is absent", client.update_order(order["id"], {"category": None, "contact": None}), edited)
    phone = client.update_order(order["id"], {"contact": f"+7911{world.number():07d}"})
    report.equal("kind follows", phone["contact_kind"], "phone")
    report.check("old contact is free", bool(world.posted(world.person(), contact=changes["contact"])["id"]))
    other = world.posted(world.person())
    report.refused("busy contact", lambda: client.update_order(order["id"], {"contact": other["contact"]}), *BUSY)
    same = str(phone["contact"]).replace("+7", "8")
    report.equal("own contact, spelled anew", client.update_order(order["id"], {"contact": same})["contact"], same)
    report.refused("no such order", lambda: client.update_order(ABSENT_ID, {}), *NOT_FOUND)
    report.refused("a stranger", lambda: world.person().update_order(order["id"], {}), *NOT_FOUND)
    for field, value in (("category", "Такси"), ("description", "x" * 19), ("contact", "ab")):
        report.refused(
            f"bad {field}", lambda field=field, value=value: client.update_order(order["id"], {field: value}),
            422, "validation_failed",
        )
    client.delete_order(order["id"])
    report.refused("deleted", lambda: client.update_order(order["id"], {}), *NOT_ACTIVE)
    _late_edits(world)


def _late_edits(world: World) -> None:
    report, deal = world.report, world.taken()
    change = {"description": "Другое описание той же работы"}
    report.refused("taken", lambda: deal.client.update_order(deal.id, change), *NO_EDIT)
    report.refused("taken, {}", lambda: deal.client.update_order(deal.id, {}), *NO_EDIT)
    report.refused("taken, busy contact", lambda: deal.client.update_order(deal.id, {"contact": world.posted(world.person())["contact"]}), *NO_EDIT)
    report.refused("taken, an executor", lambda: deal.executor.update_order(deal.id, change), *NOT_FOUND)
    deal.client.complete_order(deal.id)
    report.refused("completed", lambda: deal.client.update_order(deal.id, change), *NO_EDIT)


def delete(world: World) -> None:
    """An owner takes an untaken order back."""
    report, client = world.report, world.person()
    order = world.posted(client)
    report.refused("no such order", lambda: client.delete_order(ABSENT_ID), *NOT_FOUND)
    report.refused("a stranger", lambda: world.person().delete_order(order["id"]), *NOT_FOUND)
    client.delete_order(order["id"])
    report.equal("the owner sees it deleted", client.order(order["id"])["status"], "deleted")
    client.delete_order(order["id"])
    report.equal("twice moves the counter once", client.me()["active_orders"], 0)
    for viewer in (world.anonymous, world.person()):
        report.refused(f"hidden from {viewer.id or 'anonymous'}", lambda viewer=viewer: viewer.order(order["id"]), *NOT_FOUND)
    report.refused("take", lambda: world.executor().take_order(order["id"]), *NOT_ACTIVE)
    report.refused("own, deleted: take", lambda: client.take_order(order["id"]), *NOT_ACTIVE)
    report.check("the contact is free", bool(world.posted(world.person(), contact=order["contact"])["id"]))
    deal = world.taken()
    report.refused("taken", lambda: deal.client.delete_order(deal.id), *NO_DELETE)
    report.refused("taken, an executor", lambda: deal.executor.delete_order(deal.id), *NOT_FOUND)


def take(world: World) -> None:
    """A contact costs two rubles, once."""
    report, client = world.report, world.person()
    order = world.posted(client)
    executors = [world.executor(balance) for balance in (100, 2, 3)]
    poor = world.person()
    report.refused("poor", lambda: poor.take_order(order["id"]), *POOR)
    poor.recharge(1)
    report.refused("one ruble", lambda: poor.take_order(order["id"]), *POOR)
    report.refused("no such order", lambda: poor.take_order(ABSENT_ID), *NOT_FOUND)
    report.refused("own order", lambda: client.take_order(order["id"]), *OWN)
    for count, (executor, left) in enumerate(zip(executors, (98, 0, 1), strict=True), start=1):
        expected = {"success": True, "contact": order["contact"], "executor_count": count, "new_balance": left}
        report.equal(f"take {count}", executor.take_order(order["id"]), expected)
    again = {"success": True, "contact": order["contact"], "executor_count": 3, "new_balance": 98}
    report.equal("again, no charge", executors[0].take_order(order["id"]), again)
    report.refused("a fourth", lambda: world.executor().take_order(order["id"]), *FULL)
    report.refused("a poor fourth", lambda: poor.take_order(order["id"]), *FULL)
    report.refused("own order when full", lambda: client.take_order(order["id"]), *OWN)
    client.complete_order(order["id"])
    report.equal("again when completed", executors[0].take_order(order["id"]), again)
    report.refused("a stranger when completed", lambda: world.executor().take_order(order["id"]), *NOT_ACTIVE)
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
    report.equal("still active, contact shown", (answered["status"], answered["contact"]), ("active", deal.order["contact"]))
    report.refused("twice", lambda: deal.client.respond(deal.id), 409, "already_responded", "Already responded")
    deal.client.complete_order(deal.id)
    report.refused("twice, completed", lambda: deal.client.respond(deal.id), *NOT_ACTIVE)


def complete(world: World) -> None:
    """Done, without a refund; responding first is not required."""
    report, deal = world.report, world.taken(2)
    _guards(world, deal, "complete", lambda app: app.complete_order, success=200)
    done = deal.client.complete_order(deal.id)
    report.shape("shape", done, ORDER)
    report.equal("completed", (done["status"], done["contact"]), ("completed", deal.order["contact"]))
    report.refused("twice", lambda: deal.client.complete_order(deal.id), *NOT_ACTIVE)
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
    report.refused("twice", lambda: deal.client.close_order(deal.id), *NOT_ACTIVE)
    answered = world.taken()
    answered.client.respond(answered.id)
    answered.client.close_order(answered.id)
    report.equal("not refunded after an answer", answered.executor.balance()["balance"], 98)
    report.equal("status", answered.client.order(answered.id)["status"], "closed_no_response")


def _guards(world: World, deal: Deal, verb: str, action: Callable[[MiniApp], Callable[[str], Any]], success: int) -> None:
    """404, not the owner, not active, no takes."""
    report = world.report
    text = verb if verb == "respond" else f"{verb} it"
    report.refused("no such order", lambda: action(deal.client)(ABSENT_ID), *NOT_FOUND)
    for name, app in (("a stranger", world.person()), ("an executor", deal.executor)):
        report.refused(name, lambda app=app: action(app)(deal.id), *_owners_only(text))
    untaken = world.posted(deal.client)
    report.refused("no takes", lambda: action(deal.client)(untaken["id"]), *NO_TAKES)
    report.refused("a stranger, no takes", lambda: action(world.person())(untaken["id"]), *_owners_only(text))
    deal.client.delete_order(untaken["id"])
    report.refused("deleted", lambda: action(deal.client)(untaken["id"]), *NOT_ACTIVE)
    other = world.taken()
    empty = other.client.raw("POST", f"/api/orders/{other.id}/{verb}", b"")
    report.equal("an empty body is no body", empty.status, success)


def races(world: World) -> None:
    """Acceptance 5, P1, P5: parallel callers."""
    report, order = world.report, world.posted(world.person())
    executors = [world.executor(2) for _ in range(5)]
    statuses = _parallel([lambda app=app: app.take_order(order["id"]) for app in executors])
    report.equal("five executors", statuses, [200, 200, 200, 409, 409])
    report.equal("three charges", sorted(app.balance()["balance"] for app in executors), [0, 0, 0, 2, 2])
    spender = world.executor(2)
    ids = [world.posted(world.person())["id"] for _ in range(10)]
    statuses = _parallel([lambda each=each: spender.take_order(each) for each in ids])
    report.equal("P1: ten orders, two rubles", statuses, [200, *[402] * 9])
    report.equal("P1: balance", spender.balance()["balance"], 0)
    deal = world.taken()
    statuses = _parallel([lambda: deal.client.complete_order(deal.id)] * 6)
    report.equal("P5: six completes", statuses, [200, *[410] * 5])
    contact = world.contact()
    clients = [world.person() for _ in range(10)]
    statuses = _parallel([lambda app=app: world.posted(app, contact=contact) for app in clients])
    report.equal("P7: ten creates of a contact", statuses, [200, *[409] * 9])


def _parallel(calls: list[Callable[[], Any]]) -> list[int]:
    def status(call: Callable[[], Any]) -> int:
        try:
            call()
        except ApiError as error:
            return error.status
        return 200

    with ThreadPoolExecutor(len(calls)) as pool:
        return sorted(pool.map(status, calls))


SCENARIOS = (create, update, delete, take, toasts, respond, complete, close, races)
