"""The club's money path over HTTP, against what is deployed."""

from __future__ import annotations

import uuid
from dataclasses import dataclass
from typing import Any

from place import Api, Place, init_data, schedule_event
from processes import Failure, wait_for

Json = Any
OFFER = "monthly_rub_2000"
AWARD = 500
CITY = "Казань"
# The stack's parameters here. Checks come after two seconds instead of thirty, so that the lost
# webhook is settled soon.
CHECK_INTERVAL_S = 2
PARAMETERS = {
    "ClubPaymentCheckIntervalSeconds": str(CHECK_INTERVAL_S),
    "ClubBotUsername": "club_bot",
    "ClubCorsOrigin": "https://app.example.com",
}


@dataclass
class Walk:
    """Two members pay; the webhook of the second is lost."""

    place: Place

    @property
    def api(self) -> Api:
        return self.place.api

    def sign_in(self, telegram_id: int, name: str) -> dict[str, str]:
        signed = init_data(self.place.secrets["TELEGRAM_BOT_TOKEN"], {"id": telegram_id, "first_name": name})
        answer = self.api.want(200, "POST", "/api/v1/auth/telegram", {"initData": signed})
        bearer = {"Authorization": f"Bearer {answer['accessToken']}"}
        self.api.want(200, "PATCH", "/api/v1/users/me", {"city": CITY}, bearer)
        user = self.api.get("/api/v1/users/me", bearer)["user"]
        if user["telegramId"] != telegram_id or user["isPro"] or user["city"] != CITY:
            raise Failure(f"a new member is {user}")
        return bearer

    def link(self, telegram_id: int, bearer: dict[str, str]) -> str:
        body = {
            "telegram_id": telegram_id,
            "email": f"member{telegram_id}@example.com",
            "offer_key": OFFER,
            "provider": "sandbox",
        }
        key = {"Idempotency-Key": uuid.uuid4().hex, **bearer}
        first = self.api.want(200, "POST", "/api/payments/generate-link", body, key)
        again = self.api.want(200, "POST", "/api/payments/generate-link", body, key)
        if again["attempt_id"] != first["attempt_id"]:
            raise Failure(f"one key made two attempts: {first} {again}")
        return str(first["attempt_id"])

    def webhook(self, attempt: str) -> None:
        body = {"attempt_id": attempt, "event": "success"}
        headers = {"X-Sandbox-Secret": self.place.secrets["SANDBOX_SECRET"]}
        self.api.want(401, "POST", "/api/webhooks/sandbox/payment", body, {"X-Sandbox-Secret": "wrong"})
        for _ in range(2):
            self.api.want(200, "POST", "/api/webhooks/sandbox/payment", body, headers)

    def paid_at_provider(self, attempt: str) -> None:
        """The provider knows of the money, but its webhook never arrives."""
        headers = {"X-Sandbox-Secret": self.place.secrets["SANDBOX_SECRET"]}
        self.api.want(200, "POST", f"/api/payments/sandbox/{attempt}/state", {"state": "paid"}, headers)

    def status(self, attempt: str, bearer: dict[str, str]) -> str:
        return str(self.api.get(f"/api/payments/attempts/{attempt}", bearer)["attempt"]["status"])

    def settled(self, attempt: str, bearer: dict[str, str]) -> None:
        if (status := self.status(attempt, bearer)) != "paid":
            raise Failure(f"attempt {attempt} is {status}")
        if not self.api.get("/api/payments/status", bearer)["isPro"]:
            raise Failure("paid, and no subscription")
        if (balance := self.api.get("/api/v1/energies/balance", bearer)["balance"]) != AWARD:
            raise Failure(f"paid once, and the balance is {balance}")
        entries = self.api.get("/api/v1/energies/history", bearer)["transactions"]
        if [entry["amount"] for entry in entries] != [AWARD]:
            raise Failure(f"paid once, and the entries are {entries}")

    def rating(self, members: int) -> None:
        """The city shows what its members have, once published."""

        def city() -> bool | None:
            self.place.invoke("club-ratings-publish", schedule_event())
            rows = self.api.get("/api/v1/ratings/cities")["ratings"]
            return any(row.get("city") == CITY and members * AWARD in row.values() for row in rows) or None

        # The public list has a limit of twenty a minute.
        wait_for(f"{CITY} with {members * AWARD} in the ratings", 30, city, pause=3)
        _, _, headers = self.api.call("GET", "/api/v1/ratings/cities")
        again, _, _ = self.api.call("GET", "/api/v1/ratings/cities", None, {"If-None-Match": headers["etag"]})
        if again != 304:
            raise Failure(f"the same ratings again: {again}")

    def refusals(self) -> None:
        for method, path, status in (
            ("GET", "/nowhere", 404),
            ("DELETE", "/api/v1/auth/telegram", 405),
            ("GET", "/api/v1/energies/balance", 401),
        ):
            self.api.want(status, method, path)

    def run(self) -> None:
        self.api.get("/health/live")
        ready = self.api.get("/health/ready")
        self.place.say(f"health: {ready['status']}")
        self.refusals()
        self.place.say("unknown route 404, wrong method 405, no credential 401")

        anna = self.sign_in(42, "Анна")
        self.place.say("signed in, city set")
        attempt = self.link(42, anna)
        self.place.say(f"link: attempt {attempt}")
        self.webhook(attempt)
        self.settled(attempt, anna)
        self.place.say(f"paid by webhook (twice): subscription active, balance {AWARD}")
        self.place.messages(42, 1)
        self.place.say("one congratulation")
        self.rating(1)
        self.place.say(f"ratings published: {CITY} has {AWARD}; again with its ETag: 304")

        boris = self.sign_in(43, "Борис")
        lost = self.link(43, boris)
        self.paid_at_provider(lost)
        wait_for("the delayed check", 30 + 10 * CHECK_INTERVAL_S, lambda: self.status(lost, boris) == "paid", pause=1)
        self.settled(lost, boris)
        self.place.messages(43, 1)
        self.place.say("lost webhook settled by a delayed check: balance 500, one congratulation")
        self.rating(2)
        self.place.say(f"ratings published: {CITY} has {2 * AWARD}")
        self.place.invoke("club-energies-audit", schedule_event())
        self.place.say("audit ran")
