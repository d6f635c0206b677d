"""The club's money path over HTTP, against what is deployed."""

from __future__ import annotations

import hashlib
import hmac
import http.client
import json
import time
import urllib.parse
import urllib.request
import uuid
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from processes import Failure, wait_for

Json = Any
OFFER = "monthly_rub_2000"
AWARD = 500
CITY = "Казань"


@dataclass
class Api:
    """The club's API behind its host name."""

    port: int
    host: str

    def call(
        self, method: str, path: str, body: Json = None, headers: dict[str, str] | None = None
    ) -> tuple[int, Json, dict[str, str]]:
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=60)
        data = None if body is None else json.dumps(body).encode()
        own = {"Host": self.host, "Content-Type": "application/json", **(headers or {})}
        connection.request(method, path, data, own)
        answer = connection.getresponse()
        text = answer.read().decode("utf-8", "replace")
        connection.close()
        try:
            decoded = json.loads(text) if text else None
        except ValueError:
            decoded = text
        return answer.status, decoded, {key.lower(): value for key, value in answer.getheaders()}

    def get(self, path: str, headers: dict[str, str] | None = None) -> Json:
        return self.want(200, "GET", path, None, headers)

    def want(
        self, status: int, method: str, path: str, body: Json = None, headers: dict[str, str] | None = None
    ) -> Json:
        got, answer, _ = self.call(method, path, body, headers)
        if got != status:
            raise Failure(f"{method} {path}: {got} {json.dumps(answer, ensure_ascii=False)}")
        return answer


def init_data(bot_token: str, user: dict[str, Json]) -> str:
    """What Telegram hands to a mini-app, signed as Telegram signs it."""
    pairs = {
        "auth_date": str(int(time.time())),
        "query_id": uuid.uuid4().hex,
        "user": json.dumps(user, ensure_ascii=False, separators=(",", ":")),
    }
    text = "\n".join(f"{key}={pairs[key]}" for key in sorted(pairs))
    key = hmac.new(b"WebAppData", bot_token.encode(), hashlib.sha256).digest()
    pairs["hash"] = hmac.new(key, text.encode(), hashlib.sha256).hexdigest()
    return urllib.parse.urlencode(pairs)


@dataclass
class Walk:
    """Two members pay; the webhook of the second is lost."""

    api: Api
    secrets: dict[str, str]
    sandboxes: str
    invoke: Callable[[str, Json], Json]
    say: Callable[[str], None]
    check_seconds: float

    def sign_in(self, telegram_id: int, name: str) -> dict[str, str]:
        signed = init_data(self.secrets["TELEGRAM_BOT_TOKEN"], {"id": telegram_id, "first_name": name})
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
        headers = {"X-Sandbox-Secret": self.secrets["SANDBOX_SECRET"]}
        self.api.want(401, "POST", "/api/webhooks/sandbox/payment", body, {"X-Sandbox-Secret": "wrong"})
        for _ in range(2):
            self.api.want(200, "POST", "/api/webhooks/sandbox/payment", body, headers)

    def paid_at_provider(self, attempt: str) -> None:
        """The provider knows of the money, but its webhook never arrives."""
        headers = {"X-Sandbox-Secret": self.secrets["SANDBOX_SECRET"]}
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

    def congratulated_once(self, telegram_id: int) -> None:
        url = f"{self.sandboxes}/_local/telegram/messages?chat_id={telegram_id}"

        def messages() -> list[Json] | None:
            with urllib.request.urlopen(url, timeout=10) as answer:
                found = json.load(answer)
            return (found if isinstance(found, list) else found["messages"]) or None

        found = wait_for("the congratulation", 30, messages)
        if len(found) != 1:
            raise Failure(f"{len(found)} messages instead of one congratulation: {found}")

    def rating(self, members: int) -> None:
        """The city shows what its members have, once published."""

        def city() -> bool | None:
            self.invoke("club-ratings-publish", schedule_event())
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
        self.say(f"health: {ready['status']}")
        self.refusals()
        self.say("unknown route 404, wrong method 405, no credential 401")

        anna = self.sign_in(42, "Анна")
        self.say("signed in, city set")
        attempt = self.link(42, anna)
        self.say(f"link: attempt {attempt}")
        self.webhook(attempt)
        self.settled(attempt, anna)
        self.say(f"paid by webhook (twice): subscription active, balance {AWARD}")
        self.congratulated_once(42)
        self.say("one congratulation")
        self.rating(1)
        self.say(f"ratings published: {CITY} has {AWARD}; again with its ETag: 304")

        boris = self.sign_in(43, "Борис")
        lost = self.link(43, boris)
        self.paid_at_provider(lost)
        wait_for("the delayed check", self.check_seconds, lambda: self.status(lost, boris) == "paid", pause=1)
        self.settled(lost, boris)
        self.congratulated_once(43)
        self.say("lost webhook settled by a delayed check: balance 500, one congratulation")
        self.rating(2)
        self.say(f"ratings published: {CITY} has {2 * AWARD}")
        self.invoke("club-energies-audit", schedule_event())
        self.say("audit ran")


def schedule_event() -> Json:
    """What EventBridge Scheduler sends when it is given no input of its own."""
    now = datetime.now(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
    return {
        "version": "0",
        "id": str(uuid.uuid4()),
        "detail-type": "Scheduled Event",
        "source": "aws.scheduler",
        "account": "000000000000",
        "time": now,
        "region": "us-east-1",
        "resources": [],
        "detail": "{}",
    }
