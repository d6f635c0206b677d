"""What every scenario uses: the report, the people, the administrator, the clock."""

import itertools
import json
from collections.abc import Callable, Mapping
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta
from typing import Any

from club.wire import Answer, Transport, query_string

IDLE_WITHIN_MS = 25_000
FIRST_USER = 5_000_000_000
INIT_DATA_LIVES_S = 80_000
LETTERS = "абвгдежзик"

Json = dict[str, Any]
Rule = Callable[[Any], bool]
Shape = Mapping[str, Any]
MISSING = "(missing)"


class Report:
    """Counts checks; prints the failed ones, and all of them when asked to."""

    def __init__(self, verbose: bool = False) -> None:
        self.passed = 0
        self.failed = 0
        self.scenario = ""
        self.verbose = verbose

    def check(self, name: str, holds: Any, got: Any = "", expected: Any = "") -> bool:
        good = bool(holds)
        self.passed += good
        self.failed += not good
        if not good:
            print(f"FAIL {self.scenario}: {name}\n     expected {expected}\n     got      {got}", flush=True)
        elif self.verbose:
            print(f"ok   {self.scenario}: {name}", flush=True)
        return good

    def equal(self, name: str, got: Any, expected: Any) -> bool:
        same = got == expected and isinstance(got, bool) == isinstance(expected, bool)
        return self.check(name, same, repr(got), repr(expected))

    def among(self, name: str, got: Any, *expected: Any) -> bool:
        return self.check(name, got in expected, repr(got), f"one of {expected!r}")


def body_of(answer: Answer) -> Json:
    """The JSON object of an answer, or an empty one."""
    return answer.object()


def dig(value: Any, path: str) -> Any:
    """`a.0.b` inside objects and lists; None when it is not there."""
    for step in path.split("."):
        if isinstance(value, list) and step.lstrip("-").isdigit():
            at = int(step)
            value = value[at] if -len(value) <= at < len(value) else None
        elif isinstance(value, dict):
            value = value.get(step)
        else:
            return None
    return value


def misfits(value: Any, shape: Any, at: str = "") -> list[str]:
    """Where a value lacks a declared field or has another type; more fields are allowed."""
    if callable(shape):
        return [] if shape(value) else [f"{at or 'value'}={value!r}"]
    if isinstance(shape, list):
        if not isinstance(value, list):
            return [f"{at} is no list: {value!r}"]
        return [each for n, item in enumerate(value) for each in misfits(item, shape[0], f"{at}[{n}]")]
    if not isinstance(value, dict):
        return [f"{at or 'value'} is no object: {value!r}"]
    found = []
    for name, rule in shape.items():
        where = f"{at}.{name}".lstrip(".")
        found += misfits(value[name], rule, where) if name in value else [f"{where} {MISSING}"]
    return found


class User:
    """One Telegram user in the mini app."""

    def __init__(self, world: "World", number: int, **fields: Any) -> None:
        self.world = world
        self.tg = number
        self.fields = fields
        self._data = ""
        self._signed_at = 0.0
        self._id = ""

    def data(self) -> str:
        """Signed launch data, minted by the desk, renewed before it grows too old."""
        if not self._data or self.world.now() - self._signed_at > INIT_DATA_LIVES_S:
            body = {"service": "club", "id": self.tg} | self.fields
            self._data = self.world.desk("POST", "/users", body)["init_data"]
            self._signed_at = self.world.now()
        return self._data

    @property
    def id(self) -> str:
        """The opaque id."""
        if not self._id:
            self._id = self.me()["id"]
        return self._id

    def me(self) -> Json:
        """The member as `users/me` shows it."""
        found = body_of(self.get("/api/v1/users/me")).get("user")
        if not isinstance(found, dict):
            raise RuntimeError("users/me has no user")
        return found

    def send(
        self, method: str, path: str, body: Any = None, headers: Mapping[str, str] | None = None
    ) -> Answer:
        own = {"Authorization": f"tma {self.data()}"} | dict(headers or {})
        return self.world.send(method, path, body, own)

    def get(self, path: str, headers: Mapping[str, str] | None = None, **query: Any) -> Answer:
        return self.send("GET", path + query_string(query), None, headers)

    def post(self, path: str, body: Any = None, **headers: str) -> Answer:
        return self.send("POST", path, {} if body is None else body, named(headers))

    def patch(self, path: str, body: Any, **headers: str) -> Answer:
        return self.send("PATCH", path, body, named(headers))

    def delete(self, path: str) -> Answer:
        return self.send("DELETE", path)

    def balance(self) -> Any:
        return body_of(self.get("/api/v1/energies/balance")).get("balance")

    def history(self, **query: Any) -> list[Json]:
        return body_of(self.get("/api/v1/energies/history", **query)).get("transactions") or []

    def login(self) -> Json:
        """What `auth/telegram` answers."""
        return body_of(self.world.send("POST", "/api/v1/auth/telegram", {"initData": self.data()}))


def named(headers: Mapping[str, str]) -> dict[str, str]:
    """`idempotency_key` is `Idempotency-Key`."""
    return {name.replace("_", "-"): value for name, value in headers.items()}


class World:
    """Everything a scenario needs. The clock stands unless a scenario moves it."""

    def __init__(self, origin: str, report: Report) -> None:
        self.report = report
        self._desk = Transport(f"{origin}/_local")
        self.service = Transport(f"{origin}/club")
        self.secrets: Mapping[str, str] = self.desk("GET", "/settings")["services"]["club"]["secrets"]
        self._numbers = itertools.count(1)
        self.answers = 0
        self.leaks: list[str] = []
        self._now = 0.0
        self._bot = itertools.count(900_000_001)
        now = self.desk("POST", "/clock", {"frozen": True})["now"]
        self.set_clock(int(seconds_of(now)) + 1)

    # the desk

    def desk(self, method: str, path: str, body: Any = None) -> Any:
        """One request to the control desk, which must succeed."""
        data = None if body is None else json.dumps(body).encode()
        answer = self._desk.send(method, path, {"Content-Type": "application/json"}, data)
        if answer.status != 200:
            raise RuntimeError(f"the desk refuses: {answer.brief()}")
        return answer.json()

    def now(self) -> float:
        return self._now

    def iso(self, shift: float = 0.0) -> str:
        """The clock's time as the contract writes instants."""
        return instant_of(self._now + shift)

    def set_clock(self, seconds: float) -> None:
        self.desk("POST", "/clock", {"set": instant_of(seconds), "catch_up": "last"})
        self._now = seconds

    def advance(self, seconds: float, catch_up: str = "last") -> None:
        """Moves the clock; what fell due runs. A schedule missed often runs once."""
        self.desk("POST", "/clock", {"set": instant_of(self._now + seconds), "catch_up": catch_up})
        self._now += seconds

    def idle(self) -> None:
        self.desk("POST", "/idle", {"timeout_ms": IDLE_WITHIN_MS})

    def msk(self) -> datetime:
        """The clock in Moscow."""
        return datetime.fromtimestamp(self._now, UTC) + timedelta(hours=3)

    def go_to_msk(self, weekday: int, hour: int, minute: int = 0) -> None:
        """Forward to the next such weekday (Monday is 0) and time in Moscow."""
        here = self.msk()
        there = here.replace(hour=hour, minute=minute, second=0, microsecond=0)
        there += timedelta(days=(weekday - here.weekday()) % 7)
        if there <= here:
            there += timedelta(days=7)
        self.advance((there - here).total_seconds())

    def update(self, **update: Any) -> Json:
        """A Telegram update; its number is new unless given."""
        update.setdefault("update_id", next(self._bot))
        self.desk("POST", "/telegram/updates", {"service": "club", "update": update})
        return update

    def messages(self, chat: int) -> list[Json]:
        """What the bot sent there, oldest first."""
        self.idle()
        found = self.desk("GET", f"/telegram/messages?chat_id={chat}")["messages"]
        return found if isinstance(found, list) else []

    def said(self, chat: int) -> list[Json]:
        """The same once messages that wait for their turn have left."""
        self.idle()
        self.advance(5, "all")
        return self.messages(chat)

    def pay(self, attempt: str, outcome: str = "paid", **how: Any) -> Any:
        """The provider's side of a payment."""
        done = self.desk("POST", f"/payments/{attempt}", {"outcome": outcome} | how)
        self.idle()
        return done

    def tick(self) -> None:
        """Past a minute, which fills the buckets again."""
        self.advance(61)

    # the service

    def send(
        self, method: str, path: str, body: Any = None, headers: Mapping[str, str] | None = None
    ) -> Answer:
        """One request with these headers alone. A body of bytes goes as it is."""
        own = dict(headers or {})
        data = body if isinstance(body, bytes) or body is None else json.dumps(body).encode()
        if data is not None:
            own.setdefault("Content-Type", "application/json")
        answer = self.service.send(method, path, own, data)
        self.answers += 1
        told = answer.text() + str(answer.headers)
        if any(secret in told for secret in self.secrets.values()):
            self.leaks.append(f"{method} {path}")
        return answer

    def admin(self, method: str, path: str, body: Any = None, **headers: str) -> Answer:
        return self.send(
            method, path, body, {"x-admin-secret": self.secrets["ADMIN_SECRET"]} | named(headers)
        )

    def anonymous(self, path: str, **query: Any) -> Answer:
        return self.send("GET", path + query_string(query))

    def number(self) -> int:
        return next(self._numbers)

    def word(self) -> str:
        """A word of Cyrillic letters that was not used before."""
        return "".join(LETTERS[int(each)] for each in str(1000 + self.number()))

    def city(self) -> str:
        return f"Град{self.word()}"

    def user(
        self,
        paid: bool = False,
        city: str | None = None,
        energies: int = 0,
        days: int = 30,
        **fields: Any,
    ) -> User:
        """Somebody new who opened the app."""
        number = FIRST_USER + self.number()
        person = User(self, number, **({"first_name": "Анна", "username": f"user_{number}"} | fields))
        person._id = person.me()["id"]
        if paid:
            self.grant(person, days)
        if city:
            self.need(person.patch("/api/v1/users/me", {"city": city}))
        if energies:
            self.award(person, energies)
        return person

    def need(self, answer: Answer) -> Json:
        """The body of an answer that the scenario cannot do without."""
        if answer.status >= 300:
            raise RuntimeError(f"needed: {answer.brief()}")
        return body_of(answer)

    def grant(self, person: User, days: int = 30) -> None:
        body = {"telegram_id": person.tg, "days": days}
        self.need(self.admin("POST", "/api/admin/grant-subscription", body))

    def award(self, person: User, amount: int, reason: str = "Награда") -> Json:
        body = {"userId": person.id, "amount": amount, "reason": f"{reason} {self.number()}"}
        return self.need(self.admin("POST", "/api/v1/energies/award", body))

    def publish(self) -> Json:
        """A new generation of the ratings, with everything before it applied."""
        self.advance(1)
        self.idle()
        done = self.need(self.admin("POST", "/api/admin/ratings/refresh", {}))
        self.idle()
        return done

    def job(self, name: str) -> Json:
        done = self.need(self.admin("POST", f"/api/admin/jobs/{name}", {}))
        self.idle()
        return done

    def put(self, kind: str, id: str, **fields: Any) -> Json:
        return self.need(self.admin("PUT", f"/api/admin/content/{kind}/{id}", fields))

    def team(self, city: str, leader: User | None = None, **more: Any) -> Json:
        body = {"city": city, "inviteLink": f"https://t.me/+t{self.number()}"} | more
        if leader:
            body["leaderUserId"] = leader.id
        found = self.need(self.admin("POST", "/api/teams", body)).get("team")
        if not isinstance(found, dict):
            raise RuntimeError("POST /api/teams answers no team")
        return found

    # expectations

    def success(self, name: str, answer: Answer, shape: Shape | None = None) -> Json:
        """200, `success:true` and these fields."""
        body = body_of(answer)
        bad = misfits(body, shape or {})
        holds = answer.status == 200 and body.get("success") is True and not bad
        self.report.check(
            name, holds, f"{answer.brief()} | {'; '.join(bad[:12])}", "200, success, declared fields"
        )
        return body

    def refused(
        self, name: str, answer: Answer, status: int, code: str = "", error: str = "", **more: Any
    ) -> Json:
        """A problem of this status, with its code and text where they are declared."""
        body = body_of(answer)
        wrong = []
        if answer.status != status:
            wrong.append("status")
        if not answer.headers.get("content-type", "").startswith("application/problem+json"):
            wrong.append(f"content-type {answer.headers.get('content-type')}")
        if body.get("success") is not False:
            wrong.append("success")
        if code and body.get("code") != code:
            wrong.append("code")
        if error and body.get("error") != error:
            wrong.append("error")
        if not isinstance(body.get("error"), str) or not isinstance(body.get("message"), str):
            wrong.append("error and message are texts")
        elif not any("а" <= each.lower() <= "я" for each in body["message"]):
            wrong.append("message is not Russian")
        wrong += [key for key, value in more.items() if body.get(key) != value]
        self.report.check(
            name, not wrong, f"{answer.brief()} | {wrong}", f"{status} {code} {error} {more or ''}"
        )
        return body

    def both(self, tasks: list[Callable[[], Answer]], threads: int = 10) -> list[Answer]:
        """The calls at once."""
        with ThreadPoolExecutor(threads) as pool:
            return [each.result() for each in [pool.submit(task) for task in tasks]]


def instant_of(seconds: float) -> str:
    text = datetime.fromtimestamp(seconds, UTC).isoformat(timespec="milliseconds")
    return text.replace("+00:00", "Z")


def seconds_of(text: str) -> float:
    return datetime.fromisoformat(text.replace("Z", "+00:00")).timestamp()
