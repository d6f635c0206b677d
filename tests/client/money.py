"""Sections 5.6 and 7.1: balance, ledger, recharges in the sandbox."""

from concurrent.futures import ThreadPoolExecutor
from itertools import pairwise

from mini_app import Json, MiniApp
from report import INVALID, LEDGER_ENTRY, identifier, integer
from world import World

BALANCE_LIMIT = 10_000_000
LARGEST = 100_000
LIMIT_REACHED = (409, "balance_limit", "Balance limit reached")


def recharge(world: World) -> None:
    """Money of the sandbox."""
    report, person = world.report, world.person()
    answer = person.recharge(100)
    shape = {"success": lambda value: value is True, "new_balance": integer, "transaction_id": identifier}
    report.shape("shape", answer, shape)
    report.equal("balance", person.balance(), {"balance": 100})
    entry = person.transactions()["transactions"][0]
    expected: Json = {
        "id": answer["transaction_id"],
        "type": "recharge",
        "amount": 100,
        "balance_after": 100,
        "order_id": None,
        "payment_method": "telegram_stars",
        "description": "Balance recharge via telegram_stars",
    }
    report.equal("its entry", {key: entry[key] for key in expected}, expected)
    person.recharge(1, method="card")
    entry = person.transactions()["transactions"][0]
    report.equal(
        "another method",
        (entry["payment_method"], entry["description"]),
        ("card", "Balance recharge via card"),
    )
    report.equal("the largest", person.recharge(LARGEST)["new_balance"], 100_101)
    report.check("method of 50", person.recharge(1, method="x" * 50)["success"])
    for amount in (0, -1, LARGEST + 1, "", "1e2", 2**70):
        report.refused(f"amount {amount}", INVALID, person.recharge, amount)
    report.refused("no amount", INVALID, person.call, 200, "POST", "/api/balance/recharge", {})
    report.refused("method of 51", INVALID, person.recharge, 1, method="x" * 51)
    report.refused("method of NUL", INVALID, person.recharge, 1, method="a\0")


def parallel(world: World) -> None:
    """P2: twenty at once."""
    report, person = world.report, world.person()
    with ThreadPoolExecutor(20) as pool:
        list(pool.map(person.recharge, [10] * 20))
    entries = person.transactions()["transactions"]
    report.equal("balance", person.balance()["balance"], 200)
    report.equal(
        "balance_after of each", [each["balance_after"] for each in entries], list(range(200, 0, -10))
    )
    report.check(
        "ids are distinct, newest first",
        all(one["id"] > two["id"] for one, two in pairwise(entries)),
        entries,
    )


def ledger(world: World) -> None:
    """Every change is listed; the sum is the balance."""
    report, executor = world.report, world.executor(10)
    taken, closed, done = (world.posted(world.person())["id"] for _ in range(3))
    client = world.person()
    closed = world.posted(client)["id"]
    for order_id in (taken, closed, done):
        world.advance(1)
        executor.take_order(order_id)
    client.close_order(closed)
    page = executor.transactions()
    entries = page["transactions"]
    for each in entries[:3]:
        report.shape(f"shape of {each['type']}", each, LEDGER_ENTRY)
    seen = [
        (each["type"], each["amount"], each["balance_after"], each["order_id"], each["description"])
        for each in entries
    ]
    expected = [
        ("refund", 2, 6, closed, f"Refund for order {closed}"),
        ("order_take", -2, 4, done, f"Took order {done}"),
        ("order_take", -2, 6, closed, f"Took order {closed}"),
        ("order_take", -2, 8, taken, f"Took order {taken}"),
        ("recharge", 10, 10, None, "Balance recharge via telegram_stars"),
    ]
    report.equal("entries", seen, expected)
    report.equal("sum", sum(each["amount"] for each in entries), executor.balance()["balance"])
    for kind, count in (("order_take", 3), ("refund", 1), ("recharge", 1), ("reversal", 0)):
        found = executor.transactions(type=kind)["transactions"]
        report.equal(f"type {kind}", [each["type"] for each in found], [kind] * count)
    report.equal("me agrees", executor.me()["balance"], 6)
    report.equal("nobody else's", world.person().transactions()["transactions"], [])
    _ledger_pages(world, executor, entries)


def _ledger_pages(world: World, executor: MiniApp, entries: list[Json]) -> None:
    report, found = world.report, []
    cursor = None
    for _ in range(len(entries)):
        page = executor.transactions(limit=2, cursor=cursor)
        found += page["transactions"]
        cursor = page["next_cursor"]
        if cursor is None:
            break
    report.equal("cursors page without gap", found, entries)
    cursor = executor.transactions(limit=2)["next_cursor"]
    last = "A" if cursor[0] != "A" else "B"
    for name, call in (
        ("another user's", lambda: world.person().transactions(cursor=cursor)),
        ("altered", lambda: executor.transactions(cursor=last + cursor[1:])),
        ("of another type", lambda: executor.transactions(cursor=cursor, type="refund")),
        ("garbage", lambda: executor.transactions(cursor="x")),
    ):
        report.refused(f"cursor: {name}", (422, "validation_failed", "Invalid cursor"), call)
    for query in ({"limit": 0}, {"limit": 101}, {"type": "foo"}, {"limit": "x"}):
        report.refused(f"{query}", INVALID, executor.transactions, **query)


def limit(world: World) -> None:
    """Ten million bound new money, never a payment that was received."""
    report, rich = world.report, world.person()
    invoice = rich.create_invoice(LARGEST, "crypto_bot")
    for _ in range(BALANCE_LIMIT // LARGEST):
        rich.recharge(LARGEST)
        world.advance(5)
    report.equal("at the limit", rich.balance()["balance"], BALANCE_LIMIT)
    report.refused("recharge", LIMIT_REACHED, rich.recharge, 1)
    for provider in (None, "crypto_bot", "telegram_stars"):
        report.refused(f"invoice by {provider}", LIMIT_REACHED, rich.create_invoice, 1, provider)
    world.pay(invoice["payment_id"])
    report.equal("a payment still counts", rich.balance()["balance"], BALANCE_LIMIT + LARGEST)
    nearly = world.person()
    nearly.recharge(LARGEST)
    report.equal("far below: any amount", nearly.create_invoice(LARGEST)["provider"], "sandbox")


SCENARIOS = (recharge, parallel, ledger, limit)
