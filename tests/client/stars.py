"""Section 7.3, Telegram Stars: what the bot is told, and what it answers."""

import json
from typing import Any

from mini_app import Json, MiniApp
from wire import Answer
from world import World

STALE = "Счёт устарел. Создайте новый."


def payer_of(person: MiniApp) -> Json:
    """A person as Telegram shows them in an update."""
    return {"id": person.id, "is_bot": False, "first_name": "Иван"}


def bot_update(world: World, update: Any, secret: str | None = None) -> Answer:
    """An update of the bot, as Telegram delivers it."""
    secret = world.secrets["TELEGRAM_WEBHOOK_SECRET"] if secret is None else secret
    headers = {"Content-Type": "application/json", "X-Telegram-Bot-Api-Secret-Token": secret}
    return world.bare("POST", "/api/telegram/webhook", headers, json.dumps(update).encode())


def secret(world: World) -> None:
    """Only Telegram may tell the bot anything."""
    report = world.report
    for name, value in (
        ("wrong", "x"),
        ("empty", ""),
        ("of the other case", world.secrets["TELEGRAM_WEBHOOK_SECRET"].upper()),
    ):
        answer = bot_update(world, {"update_id": world.number()}, value)
        report.check(
            f"{name} secret is 401",
            answer.status == 401 and isinstance(answer.problem().get("detail"), str),
            answer.brief(),
        )
    absent = world.bare("POST", "/api/telegram/webhook", {"Content-Type": "application/json"}, b"{}")
    report.equal("no secret is 401", absent.status, 401)
    answer = bot_update(world, {"update_id": world.number(), "edited_message": {}})
    report.equal("an update of no interest", (answer.status, answer.json()), (200, {}))


def invoice_link(world: World) -> None:
    """One price in stars, our reference, no provider token; bounds of the number of stars."""
    report, person = world.report, world.person()
    for amount, stars in ((1, 1), (6, 5), (100, 84), (12_000, 10_000)):
        invoice = person.create_invoice(amount, "telegram_stars")
        sent = _calls(world, "createInvoiceLink")[-1]
        report.equal(
            f"{amount} rubles",
            (sent["currency"], [each["amount"] for each in sent["prices"]]),
            ("XTR", [stars]),
        )
        report.equal(f"{amount} rubles: reference", sent["payload"], f"er1.{invoice['payment_id']}")
        report.equal(
            f"{amount} rubles: both links are one", invoice["pay_url"], invoice["mini_app_invoice_url"]
        )
    for amount in (12_001, 100_000):
        report.refused(
            f"{amount} rubles are too many stars",
            (422, "validation_failed", "Amount is too large for Telegram Stars"),
            person.create_invoice,
            amount,
            "telegram_stars",
        )


def _calls(world: World, method: str) -> list[Json]:
    world.idle()
    messages = world.ask("GET", "/telegram/messages")["messages"]
    return [each["payload"] for each in messages if each["method"] == method]


def pre_checkout(world: World) -> None:
    """Ok only for the owner's pending payment of this amount."""
    report, person = world.report, world.person()
    invoice = person.create_invoice(100, "telegram_stars")["payment_id"]
    paid = person.create_invoice(100, "telegram_stars")["payment_id"]
    world.pay(paid)
    old = person.create_invoice(100, "telegram_stars")["payment_id"]
    for name, payer, payment, stars, accepted in (
        ("good", person, invoice, 84, True),
        ("another payer", world.person(), invoice, 84, False),
        ("another amount", person, invoice, 83, False),
        ("already paid", person, paid, 84, False),
        ("unknown", person, 42, 84, False),
    ):
        _pre_checkout(world, name, payer, payment, stars, accepted)
    world.advance(1801)
    for _ in range(2):
        world.invoke("errands-payments-sweep")
        world.advance(60)
        world.idle()
    report.equal("it has expired", person.payment_status(old)["status"], "expired")
    _pre_checkout(world, "expired", person, old, 84, False)


def _pre_checkout(
    world: World, name: str, payer: MiniApp, payment_id: int, stars: int, accepted: bool
) -> None:
    query_id = f"query-{world.number()}"
    query = {
        "id": query_id,
        "from": payer_of(payer),
        "currency": "XTR",
        "total_amount": stars,
        "invoice_payload": f"er1.{payment_id}",
    }
    answer = bot_update(world, {"update_id": world.number() + 10**6, "pre_checkout_query": query})
    world.report.equal(f"{name}: update", (answer.status, answer.json()), (200, {}))
    given = [
        each for each in _calls(world, "answerPreCheckoutQuery") if each["pre_checkout_query_id"] == query_id
    ]
    expected = [(True, None)] if accepted else [(False, STALE)]
    world.report.equal(
        f"{name}: answer", [(each["ok"], each.get("error_message")) for each in given], expected
    )


def paid_and_refunded(world: World) -> None:
    """Acceptance 19: credited once, reversed once, never below zero."""
    report, person = world.report, world.person()
    payment_id = person.create_invoice(100, "telegram_stars")["payment_id"]
    charge = f"charge-{world.number()}"
    receipt = {
        "currency": "XTR",
        "total_amount": 84,
        "invoice_payload": f"er1.{payment_id}",
        "telegram_payment_charge_id": charge,
        "provider_payment_charge_id": "",
    }
    first = world.number() + 10**6
    for update_id in (first, first, first + 10**6):
        answer = bot_update(world, _message(person, update_id, {"successful_payment": receipt}))
        report.equal("paid: update", (answer.status, answer.json()), (200, {}))
    report.equal("credited once", person.balance()["balance"], 100)
    person.take_order(world.posted(world.person())["id"])
    for update_id in (first + 2 * 10**6, first + 2 * 10**6, first + 3 * 10**6):
        answer = bot_update(world, _message(person, update_id, {"refunded_payment": receipt}))
        report.equal("refunded: update", answer.status, 200)
    entries = [
        (each["type"], each["amount"], each["balance_after"])
        for each in person.transactions()["transactions"]
    ]
    report.equal(
        "reversed once, by what was left",
        entries,
        [("reversal", -98, 0), ("order_take", -2, 98), ("recharge", 100, 100)],
    )
    report.equal("balance", person.balance()["balance"], 0)


def late(world: World) -> None:
    """Stars that arrive after the invoice has expired are credited, with a notice."""
    report, person = world.report, world.person()
    payment_id = person.create_invoice(100, "telegram_stars")["payment_id"]
    for _ in range(2):
        world.advance(1801)
        world.invoke("errands-payments-sweep")
        world.idle()
    report.equal("expired", person.payment_status(payment_id)["status"], "expired")
    receipt = {
        "currency": "XTR",
        "total_amount": 84,
        "invoice_payload": f"er1.{payment_id}",
        "telegram_payment_charge_id": f"charge-{world.number()}",
        "provider_payment_charge_id": "",
    }
    bot_update(world, _message(person, world.number() + 10**8, {"successful_payment": receipt}))
    status = person.payment_status(payment_id)
    report.equal("credited", (status["status"], status["new_balance"]), ("paid", 100))
    report.equal("told", world.messages(person), ["💰 Баланс пополнен на 100 ₽."])


def _message(person: MiniApp, update_id: int, content: Json) -> Json:
    chat = {"id": person.id, "type": "private"}
    return {
        "update_id": update_id,
        "message": {"message_id": update_id, "date": 1, "chat": chat, "from": payer_of(person)} | content,
    }


def paysupport(world: World) -> None:
    """`/paysupport` is answered, once per update."""
    person = world.person()
    update = _message(person, world.number() + 10**7, {"text": "/paysupport"})
    for _ in range(2):
        world.report.equal("update", bot_update(world, update).status, 200)
    world.advance(2)
    texts = world.messages(person)
    world.report.check("one answer", len(texts) == 1 and bool(texts[0]), texts)


def hostile(world: World) -> None:
    """Updates that Telegram would never send are no failure of ours."""
    updates: list[Any] = [
        [],
        7,
        None,
        {"update_id": "x"},
        {"update_id": 2**70},
        {"message": {"successful_payment": {}}},
        {"pre_checkout_query": 7},
        {"update_id": 1, "message": {"from": {"id": -1}, "text": "/start"}},
    ]
    for update in updates:
        answer = bot_update(world, update)
        world.report.check(f"{str(update)[:50]}", answer.status < 500, answer.brief())


SCENARIOS = (secret, invoice_link, pre_checkout, paid_and_refunded, late, paysupport, hostile)
