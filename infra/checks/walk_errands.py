"""An order of errands over HTTP, from the money to the review, against what is deployed."""

from __future__ import annotations

import json
import urllib.parse
import urllib.request
import uuid
from dataclasses import dataclass
from typing import Any

from place import Api, Place, init_data, schedule_event
from processes import Failure, wait_for

Json = Any
CLIENT, EXECUTOR, SUBSCRIBER = 142, 143, 144
CATEGORY, CITY = "Сантехника", "Казань"
# The stack's parameters here. Checks come after two seconds instead of thirty, so that the lost
# webhook is settled soon.
CHECK_DELAY_S = 2
PARAMETERS = {
    "ErrandsPaymentCheckDelaySeconds": str(CHECK_DELAY_S),
    "ErrandsPaymentDefaultProvider": "sandbox",
    "ErrandsBotUsername": "errands_bot",
    "ErrandsCorsOrigin": "https://app.example.com",
}


@dataclass
class Walk:
    """A client, an executor who pays, and a subscriber who is told."""

    place: Place

    @property
    def api(self) -> Api:
        return self.place.api

    def credential(self, telegram_id: int, name: str) -> dict[str, str]:
        signed = init_data(self.place.secrets["TELEGRAM_BOT_TOKEN"], {"id": telegram_id, "first_name": name})
        return {"Authorization": f"tma {signed}"}

    def balance(self, wanted: int, who: dict[str, str]) -> None:
        if (found := self.api.get("/api/balance", who)["balance"]) != wanted:
            raise Failure(f"the balance is {found}, not {wanted}")

    def invoice(self, amount: int, provider: str, who: dict[str, str]) -> int:
        key = {"Idempotency-Key": uuid.uuid4().hex, **who}
        body = {"amount": amount, "provider": provider}
        first = self.api.want(200, "POST", "/api/balance/create-invoice", body, key)
        again = self.api.want(200, "POST", "/api/balance/create-invoice", body, key)
        if first["payment_id"] != again["payment_id"]:
            raise Failure(f"one key made two payments: {first} {again}")
        return int(first["payment_id"])

    def status(self, payment: int, who: dict[str, str]) -> str:
        return str(self.api.get(f"/api/balance/payment/{payment}/status", who)["status"])

    def paid_elsewhere(self, payment: int) -> None:
        """Whoever takes the money has it, and the word of it is lost."""
        url = f"{self.place.sandboxes}/_local/payments/{payment}"
        body = json.dumps({"service": "errands", "outcome": "paid", "webhook": False}).encode()
        with urllib.request.urlopen(urllib.request.Request(url, body, method="POST"), timeout=10) as answer:
            answer.read()

    def money(self, executor: dict[str, str]) -> None:
        payment = self.invoice(100, "sandbox", executor)
        for _ in range(2):
            self.api.want(204, "POST", f"/api/sandbox/payments/{payment}/pay", {}, executor)
        self.balance(100, executor)
        self.place.say("paid in the sandbox (twice): balance 100")
        lost = self.invoice(50, "crypto_bot", executor)
        self.paid_elsewhere(lost)
        wait_for("the delayed check", 30 + 10 * CHECK_DELAY_S, lambda: self.status(lost, executor) == "paid", pause=1)
        self.balance(150, executor)
        self.place.say("Crypto Bot's lost webhook settled by a delayed check: balance 150")
        self.api.want(200, "POST", "/api/balance/recharge", {"amount": 10}, executor)
        self.balance(160, executor)

    def post(self, contact: str, client: dict[str, str]) -> str:
        description = "Течёт кран на кухне, нужен мастер в течение часа"
        body = {"category": CATEGORY, "description": description, "city": CITY, "contact": contact}
        order = self.api.want(201, "POST", "/api/orders", body, client)
        return str(order["id"])

    def lists(self, order: str, client: dict[str, str], executor: dict[str, str]) -> None:
        query = urllib.parse.urlencode({"city": CITY, "category": CATEGORY})
        for path, who in (
            ("/api/orders", {}),
            (f"/api/orders?{query}", {}),
            ("/api/orders?mine=true", client),
            ("/api/orders?mine=true&status=active", client),
            ("/api/orders?taken_by_me=true", executor),
        ):
            found = self.api.get(path, who)["orders"]
            if [entry["id"] for entry in found] != [order] or found[0]["contact"] is not None:
                raise Failure(f"{path}: {found}")

    def life(self, client: dict[str, str], executor: dict[str, str]) -> str:
        order = self.post("@ivan_123", client)
        self.api.want(200, "PUT", f"/api/orders/{order}", {"contact": "@ivan_124"}, client)
        taken = self.api.want(200, "POST", f"/api/orders/{order}/take", None, executor)
        if taken["contact"] != "@ivan_124" or taken["new_balance"] != 158:
            raise Failure(f"a take answers {taken}")
        if self.api.get(f"/api/orders/{order}")["contact"] is not None:
            raise Failure("a stranger sees a contact")
        self.lists(order, client, executor)
        self.place.say("order posted, edited, taken for 2, listed five ways")
        self.api.want(200, "POST", f"/api/orders/{order}/respond", None, client)
        self.api.want(200, "POST", f"/api/orders/{order}/complete", None, client)
        self.place.say("responded, completed")
        return order

    def reviews(self, order: str, client: dict[str, str], executor: dict[str, str]) -> None:
        review = {"order_id": order, "rating": 5, "comment": "Пришёл быстро"}
        self.api.want(200, "POST", "/api/reviews/client", review, client)
        self.api.want(409, "POST", "/api/reviews/client", review, client)
        complaint = {"order_id": order, "complaint": "Другое"}
        self.api.want(200, "POST", "/api/reviews/executor", complaint, executor)
        for path, who in (
            ("/api/reviews", {}),
            ("/api/reviews?rating=5", {}),
            ("/api/reviews?about_me=true", executor),
            ("/api/reviews?about_me=true&rating=5", executor),
            ("/api/reviews?by_me=true", client),
            ("/api/reviews?by_me=true&rating=5", client),
        ):
            if [entry["order_id"] for entry in self.api.get(path, who)] != [order]:
                raise Failure(f"{path} does not list the review")
        if not self.api.get(f"/api/reviews/check?order_id={order}", client)["submitted"]:
            raise Failure("a review is not known to its author")
        self.place.say("reviewed once, complained, listed six ways")

    def ends(self, client: dict[str, str], executor: dict[str, str]) -> None:
        closed, deleted = self.post("@ivan_125", client), self.post("@ivan_126", client)
        self.api.want(200, "POST", f"/api/orders/{closed}/take", None, executor)
        self.api.want(204, "POST", f"/api/orders/{closed}/close", None, client)
        self.api.want(204, "DELETE", f"/api/orders/{deleted}", None, client)
        self.balance(158, executor)
        lines = self.api.get("/api/balance/transactions?limit=100", executor)["transactions"]
        if sum(line["amount"] for line in lines) != 158:
            raise Failure(f"the ledger does not add up: {lines}")
        self.api.get("/api/balance/transactions?type=refund", executor)
        self.place.say("closed without an answer: refunded; the ledger adds up")

    def wishes(self, subscriber: dict[str, str]) -> None:
        body = {"categories": [CATEGORY], "cities": [CITY]}
        self.api.want(200, "PUT", "/api/users/me/preferences", body, subscriber)
        settings = {"enabled": True, "frequency": 5}
        self.api.want(200, "PUT", "/api/users/me/notification-settings", settings, subscriber)
        if self.api.get("/api/users/me/preferences", subscriber) != body:
            raise Failure("preferences are not kept")
        if self.api.get("/api/users/me/notification-settings", subscriber) != settings:
            raise Failure("settings are not kept")

    def bot(self) -> None:
        secret = {"X-Telegram-Bot-Api-Secret-Token": self.place.secrets["TELEGRAM_WEBHOOK_SECRET"]}
        person = {"id": CLIENT, "first_name": "Анна"}
        message = {"message_id": 1, "date": 0, "chat": {**person, "type": "private"}, "from": {**person, "is_bot": False}}
        update = {"update_id": 1, "message": {**message, "text": "/paysupport"}}
        self.api.want(401, "POST", "/api/telegram/webhook", update)
        for _ in range(2):
            self.api.want(200, "POST", "/api/telegram/webhook", update, secret)
        refused = self.api.want(200, "POST", "/api/balance/webhook/crypto-bot", {"update_type": "invoice_paid"})
        if refused != {"ok": False}:
            raise Failure(f"an unsigned webhook is answered {refused}")
        self.place.say("webhooks: no secret 401, no signature refused")

    def run(self) -> None:
        self.api.get("/")
        self.api.get("/openapi.json")
        if "Орёл" not in self.api.get("/api/cities?" + urllib.parse.urlencode({"search": "орел"})):
            raise Failure("a town is missing")
        self.api.want(404, "GET", "/nowhere")
        self.api.want(405, "DELETE", "/api/balance")
        self.api.want(401, "GET", "/api/balance")
        self.place.say("root, towns, unknown route 404, wrong method 405, no credential 401")
        client, executor = self.credential(CLIENT, "Анна"), self.credential(EXECUTOR, "Борис")
        subscriber = self.credential(SUBSCRIBER, "Вера")
        self.api.get("/api/users/me", client)
        self.wishes(subscriber)
        self.money(executor)
        order = self.life(client, executor)
        self.reviews(order, client, executor)
        self.place.messages(SUBSCRIBER, 1)
        self.place.say("the subscriber was told once, at its pace")
        self.ends(client, executor)
        self.bot()
        for job in ("orders-sweep", "payments-sweep", "payments-reconcile", "outbox-sweep", "digest-sweep"):
            self.place.invoke(f"errands-{job}", schedule_event())
        report = self.place.invoke("errands-audit", schedule_event())
        if report["violations"]:
            raise Failure(f"the audit found {report}")
        self.place.say(f"all jobs ran; audit: {report['orders']} orders, {report['payments']} payments, no violation")
