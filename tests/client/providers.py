"""Sections 5.6, 7.2 and 7.3: invoices, webhooks, polls, Telegram Stars."""

import hashlib
import hmac
import json
from concurrent.futures import ThreadPoolExecutor

from mini_app import Json, parse_instant
from report import INVALID, INVOICE, PAYMENT
from wire import Answer
from world import World

INVOICE_TTL_S = 1800
POLL_AFTER_S = 30
PROVIDERS = ("crypto_bot", "telegram_stars", "sandbox")
NOT_FOUND = (404, "payment_not_found", "Payment not found")
VECTOR = (
    '{"update_id":1,"update_type":"invoice_paid","request_date":"2026-11-22T00:51:47Z","payload":{"invoice_id":4294967297,'
    '"status":"paid","currency_type":"fiat","fiat":"RUB","amount":"100","paid_asset":"USDT","payload":"er1.42"}}'
)
VECTOR_SIGNATURE = "4b419bc589e0c6ebf423d591b41486acdeb80a88d12a85b5ded397f726ff2a3a"


def _signature(token: str, body: bytes) -> str:
    return hmac.new(hashlib.sha256(token.encode()).digest(), body, hashlib.sha256).hexdigest()


def _crypto(world: World, body: bytes, signature: str | None = None) -> Answer:
    signature = _signature(world.secrets["CRYPTO_PAY_TOKEN"], body) if signature is None else signature
    headers = {"Content-Type": "application/json", "crypto-pay-api-signature": signature}
    return world.bare("POST", "/api/balance/webhook/crypto-bot", headers, body)


def invoices(world: World) -> None:
    """Each provider's invoice, and what is refused."""
    report, person = world.report, world.person()
    for provider in PROVIDERS:
        invoice = person.create_invoice(100, provider)
        report.shape(f"{provider}: shape", invoice, INVOICE)
        ends = parse_instant(invoice["expires_at"]).timestamp()
        report.equal(
            f"{provider}: 30 minutes", (invoice["provider"], ends), (provider, world.now() + INVOICE_TTL_S)
        )
        status = person.payment_status(invoice["payment_id"])
        report.shape(f"{provider}: status", status, PAYMENT)
        expected = {
            "payment_id": invoice["payment_id"],
            "status": "pending",
            "amount": 100,
            "new_balance": None,
        }
        report.equal(f"{provider}: pending", status, expected)
        report.refused(
            f"{provider}: a stranger", NOT_FOUND, world.person().payment_status, invoice["payment_id"]
        )
    report.equal("default provider", person.create_invoice(1)["provider"], "sandbox")
    for amount in (0, 100_001, 10.5, "x", None):
        report.refused(f"amount {amount}", INVALID, person.create_invoice, amount)
    report.refused("no provider of the three", INVALID, person.create_invoice, 1, "paypal")


def paid_by_webhook(world: World) -> None:
    """Once, however often we are told."""
    report = world.report
    for provider, method, text in (
        ("crypto_bot", "crypto_bot", "Crypto Bot payment #"),
        ("telegram_stars", "telegram_stars", "Telegram Stars payment"),
        ("sandbox", "sandbox", None),
    ):
        person = world.person()
        invoice = person.create_invoice(100, provider)
        told = world.pay(invoice["payment_id"], deliveries=10)
        report.equal(f"{provider}: told ten times", len(told["deliveries"]), 10)
        expected = {"payment_id": invoice["payment_id"], "status": "paid", "amount": 100, "new_balance": 100}
        report.equal(f"{provider}: paid", person.payment_status(invoice["payment_id"]), expected)
        entries = person.transactions()["transactions"]
        report.equal(
            f"{provider}: one entry",
            [(each["type"], each["amount"], each["payment_method"]) for each in entries],
            [("recharge", 100, method)],
        )
        if text:
            number = told["invoice"]["external_id"] if provider == "crypto_bot" else ""
            report.equal(f"{provider}: description", entries[0]["description"], text + number)
        person.recharge(5)
        report.equal(
            f"{provider}: new_balance is the current one",
            person.payment_status(invoice["payment_id"])["new_balance"],
            105,
        )


def paid_by_poll(world: World) -> None:
    """The webhook is lost; the provider knows. The app polls every three seconds."""
    report = world.report
    for provider in PROVIDERS:
        person = world.person()
        invoice = person.create_invoice(300, provider)
        world.pay(invoice["payment_id"], webhook=False)
        report.equal(
            f"{provider}: not yet", person.payment_status(invoice["payment_id"])["status"], "pending"
        )

        def wait(seconds: int) -> None:
            world.advance(seconds)
            world.idle()

        status = person.await_payment(invoice["payment_id"], wait, polls=2 * POLL_AFTER_S // 3 + 1)
        report.equal(
            f"{provider}: paid within 60 s", (status["status"], person.me()["balance"]), ("paid", 300)
        )


def expiry(world: World) -> None:
    """Thirty minutes; money that comes later is credited all the same."""
    report = world.report
    for provider in PROVIDERS:
        person = world.person()
        payment_id = person.create_invoice(100, provider)["payment_id"]
        world.advance(INVOICE_TTL_S - 1)
        world.idle()
        report.equal(
            f"{provider}: pending until then", person.payment_status(payment_id)["status"], "pending"
        )
        for _ in range(2):
            world.advance(60)
            world.invoke("errands-payments-sweep")
            world.idle()
        expected = {"payment_id": payment_id, "status": "expired", "amount": 100, "new_balance": None}
        report.equal(f"{provider}: expired", person.payment_status(payment_id), expected)
        if provider == "telegram_stars":
            continue
        world.pay(payment_id, deliveries=3)
        report.equal(f"{provider}: credited late, once", person.balance()["balance"], 100)
        report.equal(f"{provider}: paid", person.payment_status(payment_id)["status"], "paid")
        report.equal(f"{provider}: told", world.messages(person), ["💰 Баланс пополнен на 100 ₽."])


def sandbox_pay(world: World) -> None:
    """The payer's own button in the sandbox."""
    report, person = world.report, world.person()
    payment_id = person.create_invoice(100)["payment_id"]
    path = f"/api/sandbox/payments/{payment_id}/pay"
    report.refused("a stranger", NOT_FOUND, world.person().call, 204, "POST", path, {})
    report.refused("unknown", NOT_FOUND, person.call, 204, "POST", "/api/sandbox/payments/2147483000/pay", {})
    report.refused("no number", INVALID, person.call, 204, "POST", "/api/sandbox/payments/x/pay", {})
    report.refused("webhook of a word", INVALID, person.call, 204, "POST", path, {"webhook": "perhaps"})
    person.call(204, "POST", path, {"webhook": False})
    report.equal(
        "the provider knows, we are not told", person.payment_status(payment_id)["status"], "pending"
    )
    for _ in range(3):
        person.call(204, "POST", path)
    report.equal("told, once", person.balance()["balance"], 100)


def vector(world: World) -> None:
    """The signature of section 14, and the same body with a signature of another token."""
    report, body = world.report, VECTOR.encode()
    report.equal("224 bytes", len(body), 224)
    report.equal("signature", _signature("10000:AAErrandsSandboxToken", body), VECTOR_SIGNATURE)
    answer = _crypto(world, body, VECTOR_SIGNATURE)
    report.equal("another token's is refused", (answer.status, answer.json()), (200, {"ok": False}))
    report.equal("unknown reference", _crypto(world, body).json(), {"ok": True})


def decision_table(world: World) -> None:
    """P10: nothing that disagrees is credited; what agrees is, once."""
    report, person = world.report, world.person()
    payment_id = person.create_invoice(100, "crypto_bot")["payment_id"]
    known = world.pay(payment_id, webhook=False)["invoice"]
    invoice = {
        "invoice_id": int(known["external_id"]),
        "status": "paid",
        "currency_type": "fiat",
        "fiat": "RUB",
        "amount": "100",
        "paid_asset": "USDT",
        "payload": f"er1.{payment_id}",
    }
    good = _update(invoice)
    for name, signature in (
        ("no signature", ""),
        ("a wrong one", "0" * 64),
        ("not hex", "x"),
        ("of another body", _signature(world.secrets["CRYPTO_PAY_TOKEN"], b"{}")),
    ):
        answer = _crypto(world, good, signature)
        report.equal(name, (answer.status, answer.json()), (200, {"ok": False}))
    for name, body in (
        ("not JSON", b"nonsense"),
        ("no object", b"[]"),
        ("no invoice", b'{"update_type":"invoice_paid"}'),
        ("bytes", b"\xff\x00"),
        ("empty", b""),
    ):
        answer = _crypto(world, body)
        report.equal(f"signed, {name}", (answer.status, answer.text()), (200, '{"ok":false}'))
    report.equal(
        "another update_type", _crypto(world, _update(invoice, "invoice_expired")).json(), {"ok": True}
    )
    for field, value in (
        ("amount", "99"),
        ("amount", "100.01"),
        ("amount", "-100"),
        ("amount", "1e2x"),
        ("amount", ""),
        ("fiat", "USD"),
        ("status", "active"),
        ("paid_asset", "DOGE"),
    ):
        answer = _crypto(world, _update(invoice | {field: value}))
        report.equal(f"{field} {value!r}", (answer.status, answer.json()), (200, {"ok": True}))
    unknown = _crypto(world, _update(invoice | {"payload": "er1.42", "invoice_id": 77}))
    report.equal("unknown reference", (unknown.status, unknown.json()), (200, {"ok": True}))
    report.equal(
        "nothing of this was credited",
        (person.balance()["balance"], person.payment_status(payment_id)["status"]),
        (0, "pending"),
    )
    for body in (_update(invoice | {"amount": "100.00"}), good, good):
        report.equal("good", _crypto(world, body).json(), {"ok": True})
    report.equal("credited once", person.balance()["balance"], 100)
    large = _crypto(world, b" " * 65537)
    report.equal(
        "413",
        (large.status, large.json()["code"], large.json()["detail"]),
        (413, "body_too_large", "Request body is too large"),
    )


def _update(invoice: Json, kind: str = "invoice_paid") -> bytes:
    update = {"update_id": 7, "update_type": kind, "request_date": "2026-11-22T00:51:47Z", "payload": invoice}
    return json.dumps(update).encode()


def provider_down(world: World) -> None:
    """503 with a readable detail, and a new try afterwards."""
    report, person = world.report, world.person()
    texts = (503, "payment_provider_unavailable", "Payment provider is unavailable. Try again later")
    for provider, target in (("crypto_bot", "provider"), ("telegram_stars", "telegram")):
        key = {"Idempotency-Key": provider}
        world.ask("POST", "/faults", {"target": target, "kind": "error", "rate": 1.0})
        try:
            report.refused(f"{provider}: down", texts, person.create_invoice, 100, provider, headers=key)
        finally:
            world.desk.send("DELETE", "/faults", {})
        invoice = person.create_invoice(100, provider, headers=key)
        report.equal(f"{provider}: up again, the same key", invoice["provider"], provider)
        again = person.create_invoice(100, provider, headers=key)
        report.equal(f"{provider}: replayed", again["payment_id"], invoice["payment_id"])


def parallel_key(world: World) -> None:
    """Acceptance 24: ten calls under one key make one invoice."""
    person = world.person()
    key = {"Idempotency-Key": "one-invoice"}
    with ThreadPoolExecutor(10) as pool:
        answers = list(
            pool.map(
                lambda _: person.raw("POST", "/api/balance/create-invoice", {"amount": 100}, headers=key),
                range(10),
            )
        )
    statuses = {each.status for each in answers}
    ids = {each.json()["payment_id"] for each in answers if each.status == 200}
    world.report.check("200, or 503 while it runs", 200 in statuses and statuses <= {200, 503}, statuses)
    world.report.check(
        "503 says when to return",
        all("retry-after" in each.headers for each in answers if each.status == 503),
    )
    world.report.equal("one invoice", len(ids), 1)
    world.report.equal("and a replay is it", person.create_invoice(100, headers=key)["payment_id"], ids.pop())


SCENARIOS = (
    invoices,
    paid_by_webhook,
    paid_by_poll,
    expiry,
    sandbox_pay,
    vector,
    decision_table,
    provider_down,
    parallel_key,
)
