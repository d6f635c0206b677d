"""Where a walk goes: a deployed API, its secrets, and what stands around it."""

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


@dataclass
class Api:
    """An API behind its host name."""

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
class Place:
    """One service as it is deployed, and the sandboxes beside it."""

    api: Api
    secrets: dict[str, str]
    sandboxes: str
    invoke: Callable[[str, Json], Json]
    say: Callable[[str], None]

    def messages(self, telegram_id: int, wanted: int) -> list[Json]:
        """What the bot sent to somebody; fails when it is not so many messages."""
        url = f"{self.sandboxes}/_local/telegram/messages?chat_id={telegram_id}"

        def sent() -> list[Json] | None:
            with urllib.request.urlopen(url, timeout=10) as answer:
                found: list[Json] = json.load(answer)["messages"]
            return found if len(found) >= wanted else None

        found = wait_for(f"{wanted} messages to {telegram_id}", 30, sent)
        if len(found) != wanted:
            raise Failure(f"{len(found)} messages instead of {wanted}: {found}")
        return found


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
