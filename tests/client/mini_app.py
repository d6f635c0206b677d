"""The API layer of the mini app: one function per operation a person can cause."""

import json
from collections.abc import Callable, Mapping
from concurrent.futures import ThreadPoolExecutor
from datetime import datetime
from typing import Any
from urllib.parse import quote

from init_data import launch_data
from wire import Answer, Transport, query_string

POLL_EVERY_S = 3
MAX_SAFE_INTEGER = 2**53 - 1

Json = dict[str, Any]


class ApiError(Exception):
    """A refusal. `toast` is what the person reads."""

    def __init__(self, answer: Answer) -> None:
        problem = answer.problem()
        self.answer = answer
        self.status = answer.status
        self.code: str | None = problem.get("code")
        self.toast: str = problem.get("detail", "")
        super().__init__(f"{self.status} {self.code}: {self.toast}")


class MiniApp:
    """One person's open app; without a user it is the first call after a cold start."""

    def __init__(self, transport: Transport, now: Callable[[], float], user: Json | None) -> None:
        self.transport = transport
        self.now = now
        self.user = user
        self.id: int = user["id"] if user else 0

    def headers(self, extra: Mapping[str, str] | None = None) -> dict[str, str]:
        """Every call carries the content type, also GET and DELETE."""
        headers = {"Content-Type": "application/json"}
        if self.user:
            headers["Authorization"] = f"Bearer {launch_data(self.user, int(self.now()))}"
        return headers | dict(extra or {})

    def raw(
        self,
        method: str,
        path: str,
        body: Any = None,
        query: Mapping[str, Any] | None = None,
        headers: Mapping[str, str] | None = None,
    ) -> Answer:
        """The answer as it came. `body` is JSON unless it is bytes."""
        data = body if isinstance(body, bytes) or body is None else json.dumps(body).encode()
        target = path + query_string(query or {})
        return self.transport.send(method, target, self.headers(headers), data, self.id or None)

    def call(self, status: int, method: str, path: str, body: Any = None, **options: Any) -> Any:
        """The parsed success, which must have exactly this status."""
        answer = self.raw(method, path, body, **options)
        if not 200 <= answer.status < 300:
            raise ApiError(answer)
        if answer.status != status:
            raise AssertionError(f"expected {status}: {answer.brief()}")
        if status == 204:
            if answer.body:
                raise AssertionError(f"204 with a body: {answer.brief()}")
            return None
        return answer.json()

    def cities(self, search: str | None = None) -> list[str]:
        return self.call(200, "GET", "/api/cities", query={"search": search})

    def create_order(self, order: Json, **options: Any) -> Json:
        return self.call(201, "POST", "/api/orders", order, **options)

    def orders(self, **query: Any) -> Json:
        return self.call(200, "GET", "/api/orders", query=query)

    def order(self, order_id: str) -> Json:
        return self.call(200, "GET", _order(order_id))

    def update_order(self, order_id: str, changes: Json) -> Json:
        return self.call(200, "PUT", _order(order_id), changes)

    def delete_order(self, order_id: str) -> None:
        self.call(204, "DELETE", _order(order_id))

    def take_order(self, order_id: str, **options: Any) -> Json:
        return self.call(200, "POST", _order(order_id) + "/take", **options)

    def respond(self, order_id: str, **options: Any) -> Json:
        return self.call(200, "POST", _order(order_id) + "/respond", **options)

    def complete_order(self, order_id: str, **options: Any) -> Json:
        return self.call(200, "POST", _order(order_id) + "/complete", **options)

    def close_order(self, order_id: str, **options: Any) -> None:
        self.call(204, "POST", _order(order_id) + "/close", **options)

    def me(self) -> Json:
        return self.call(200, "GET", "/api/users/me")

    def preferences(self) -> Json:
        return self.call(200, "GET", "/api/users/me/preferences")

    def save_preferences(self, preferences: Json) -> Json:
        return self.call(200, "PUT", "/api/users/me/preferences", preferences)

    def notification_settings(self) -> Json:
        return self.call(200, "GET", "/api/users/me/notification-settings")

    def save_notification_settings(self, settings: Json) -> Json:
        return self.call(200, "PUT", "/api/users/me/notification-settings", settings)

    def balance(self) -> Json:
        return self.call(200, "GET", "/api/balance")

    def transactions(self, **query: Any) -> Json:
        return self.call(200, "GET", "/api/balance/transactions", query=query)

    def recharge(self, amount: Any, **more: Any) -> Json:
        return self.call(200, "POST", "/api/balance/recharge", {"amount": amount} | more)

    def create_invoice(self, amount: Any, provider: str | None = None, **options: Any) -> Json:
        body = {"amount": amount} | ({"provider": provider} if provider else {})
        return self.call(200, "POST", "/api/balance/create-invoice", body, **options)

    def payment_status(self, payment_id: Any) -> Json:
        return self.call(200, "GET", f"/api/balance/payment/{payment_id}/status")

    def review_client(self, review: Json, **options: Any) -> Json:
        return self.call(200, "POST", "/api/reviews/client", review, **options)

    def review_executor(self, complaint: Json, **options: Any) -> Json:
        return self.call(200, "POST", "/api/reviews/executor", complaint, **options)

    def reviews(self, **query: Any) -> list[Json]:
        return self.call(200, "GET", "/api/reviews", query=query)

    def check_review(self, **query: Any) -> Json:
        return self.call(200, "GET", "/api/reviews/check", query=query)

    def save_all_settings(self, preferences: Json, settings: Json) -> list[Json]:
        """Both PUTs at once, as the settings page does."""
        with ThreadPoolExecutor(2) as pool:
            first = pool.submit(self.save_preferences, preferences)
            second = pool.submit(self.save_notification_settings, settings)
            return [first.result(), second.result()]

    def await_payment(self, payment_id: int, wait: Callable[[int], None], polls: int) -> Json:
        """Polls every three seconds until the payment is final; poll errors are ignored."""
        status: Json = {}
        for _ in range(polls):
            try:
                status = self.payment_status(payment_id)
            except ApiError:
                status = {"status": "pending"}
            if status["status"] != "pending":
                break
            wait(POLL_EVERY_S)
        return status


def toast_of(error: ApiError) -> str:
    """What the person reads: fixed texts for money and for a full order, else the detail."""
    fixed = {402: "Пополните баланс", 409: "Заказ уже взяли"}
    return fixed.get(error.status, error.toast)


def parse_instant(text: str) -> datetime:
    """A timestamp with its mandatory zone."""
    instant = datetime.fromisoformat(text)
    if instant.tzinfo is None:
        raise ValueError(f"no zone: {text}")
    return instant


def _order(order_id: str) -> str:
    return f"/api/orders/{quote(order_id, safe='')}"
