"""The local system under test: its control desk, and people to act in it."""

import itertools
import json
import time
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any
from urllib.parse import urlsplit

from mini_app import Json, MiniApp, parse_instant
from report import Report
from system import READY_WITHIN_S
from wire import Answer, Transport

IDLE_WITHIN_MS = 25_000
FIRST_USER = 7_000_000_000
LAG_S = 5
DESCRIPTION = "Течёт кран на кухне, нужен мастер в течение часа"


class World:
    """Everything a scenario needs. The clock stands unless a scenario moves it."""

    def __init__(self, origin: str, report: Report) -> None:
        self.report = report
        self.desk = Transport(f"{origin}/_local")
        self.service = Transport(f"{origin}/errands")
        self.secrets: Mapping[str, str] = self.ask("GET", "/settings")["services"]["errands"]["secrets"]
        self._numbers = itertools.count(1)
        self._now = 0.0
        self._halt_at_whole_second()
        self.anonymous = MiniApp(self.service, self.now, None)

    def ask(self, method: str, path: str, body: Any = None) -> Any:
        """One request to the desk, which must succeed."""
        data = None if body is None else json.dumps(body).encode()
        answer = self.desk.send(method, path, {"Content-Type": "application/json"}, data)
        if answer.status != 200:
            raise RuntimeError(f"the desk refuses: {answer.brief()}")
        return answer.json()

    def _halt_at_whole_second(self) -> None:
        now = self.ask("POST", "/clock", {"frozen": True})["now"]
        self.set_clock(int(parse_instant(now).timestamp()) + 1)

    def now(self) -> float:
        """The desk's clock, Unix seconds."""
        return self._now

    def set_clock(self, seconds: float) -> None:
        """Moves the clock to this instant."""
        text = datetime.fromtimestamp(seconds, UTC).isoformat(timespec="microseconds")
        self.ask("POST", "/clock", {"set": text.replace("+00:00", "Z")})
        self._now = seconds

    def advance(self, seconds: int) -> None:
        """Moves the clock forward."""
        self.ask("POST", "/clock", {"advance_seconds": seconds})
        self._now += seconds

    def idle(self) -> None:
        """Waits until nothing due is left to do."""
        self.ask("POST", "/idle", {"timeout_ms": IDLE_WITHIN_MS})

    def settle(self) -> None:
        """Lets public figures follow what was committed."""
        self.idle()
        self.advance(LAG_S)
        self.idle()

    def invoke(self, function: str) -> None:
        """Runs a scheduled function now."""
        self.ask("POST", f"/functions/{function}/invoke", {})

    def pay(self, payment_id: int, **how: Any) -> Json:
        """The payer pays at the provider."""
        return self.ask("POST", f"/payments/{payment_id}", {"outcome": "paid"} | how)

    def messages(self, chat: MiniApp) -> list[str]:
        """The texts that the bot sent to this person, oldest first."""
        self.idle()
        found = self.ask("GET", f"/telegram/messages?chat_id={chat.id}")["messages"]
        return [each["text"] for each in found if each["method"] == "sendMessage"]

    def number(self) -> int:
        """A number that nobody had before."""
        return next(self._numbers)

    def person(self, first_name: str = "Иван", **more: Any) -> MiniApp:
        """Somebody new, with an id beyond 32 bits."""
        user = {"id": FIRST_USER + self.number(), "first_name": first_name} | more
        return MiniApp(self.service, self.now, user)

    def executor(self, balance: int = 100) -> MiniApp:
        """Somebody new with money."""
        person = self.person("Пётр")
        person.recharge(balance)
        return person

    def contact(self) -> str:
        """A contact that no order has."""
        return f"@secret_{self.number()}"

    def city(self) -> str:
        """A city that no order is in."""
        return f"Город {self.number()}"

    def draft(self, **changes: Any) -> Json:
        """A valid order to post."""
        order = {
            "category": "Сантехника",
            "description": DESCRIPTION,
            "city": "Москва",
            "contact": self.contact(),
        }
        return order | changes

    def posted(self, client: MiniApp, **changes: Any) -> Json:
        """A posted order."""
        return client.create_order(self.draft(**changes))

    def taken(self, takes: int = 1) -> "Deal":
        """A new order with this many takes."""
        client = self.person("Анна")
        order = self.posted(client)
        executors = [self.executor() for _ in range(takes)]
        for executor in executors:
            executor.take_order(order["id"])
        return Deal(client, order, executors)

    def bare(self, method: str, path: str, headers: Mapping[str, str], body: bytes | None = None) -> Answer:
        """A request with these headers alone."""
        return self.service.send(method, path, headers, body)


@dataclass(frozen=True)
class Deal:
    """An order, its author and who took it."""

    client: MiniApp
    order: Json
    executors: list[MiniApp] = field(default_factory=list)

    @property
    def id(self) -> str:
        return str(self.order["id"])

    @property
    def executor(self) -> MiniApp:
        return self.executors[0]


def attached(url: str) -> str:
    """The origin of a running local system, once it answers."""
    parts = urlsplit(url)
    origin = f"{parts.scheme}://{parts.netloc}"
    until = time.monotonic() + READY_WITHIN_S
    while True:
        try:
            if Transport(origin).send("GET", "/_local/health", {}).status == 200:
                return origin
        except OSError:
            if time.monotonic() > until:
                raise
        time.sleep(0.1)
