"""Collects checks, prints a line for each, and knows the shapes of the contract."""

import re
from collections.abc import Callable, Mapping
from typing import Any

from mini_app import MAX_SAFE_INTEGER, ApiError, parse_instant

Rule = Callable[[Any], bool]
Refusal = tuple[int, str] | tuple[int, str, str]
INVALID: Refusal = (422, "validation_failed")
INSTANT = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{6}Z")


class Report:
    """The result of the run."""

    def __init__(self) -> None:
        self.passed = 0
        self.failed = 0
        self.scenario = ""

    def check(self, name: str, holds: bool, seen: Any = "") -> bool:
        """One named check; `seen` is printed when it does not hold."""
        self.passed += holds
        self.failed += not holds
        print(
            f"{'ok  ' if holds else 'FAIL'} {self.scenario}: {name}{'' if holds else f' | {seen}'}",
            flush=True,
        )
        return holds

    def equal(self, name: str, seen: Any, expected: Any) -> bool:
        """Equal values, of equal types where that matters (True is not 1)."""
        same = seen == expected and isinstance(seen, bool) == isinstance(expected, bool)
        return self.check(name, same, f"seen {seen!r}, expected {expected!r}")

    def refused(
        self, name: str, expected: Refusal, call: Callable[..., Any], *args: Any, **kwargs: Any
    ) -> None:
        """The call is refused with exactly this status, code and, where it is named, detail."""
        try:
            answer = call(*args, **kwargs)
        except ApiError as error:
            seen = (error.status, error.code, error.toast)[: len(expected)]
            self.check(name, seen == expected, f"{error.answer.brief()}; expected {expected}")
        else:
            self.check(name, False, f"not refused: {answer!r}; expected {expected}")

    def shape(self, name: str, value: Any, fields: Mapping[str, Rule]) -> None:
        """An object with exactly these fields, each of its type."""
        if not isinstance(value, dict):
            self.check(name, False, f"not an object: {value!r}")
            return
        wrong = [key for key, rule in fields.items() if key in value and not rule(value[key])]
        missing = sorted(fields.keys() - value.keys())
        extra = sorted(value.keys() - fields.keys())
        self.check(name, not (wrong or missing or extra), f"{wrong=} {missing=} {extra=} in {value!r}")


def string(value: Any) -> bool:
    return isinstance(value, str)


def boolean(value: Any) -> bool:
    return isinstance(value, bool)


def integer(value: Any) -> bool:
    """An integer that a JavaScript number holds."""
    return isinstance(value, int) and not isinstance(value, bool) and abs(value) <= MAX_SAFE_INTEGER


def number(value: Any) -> bool:
    return integer(value) or isinstance(value, float)


def identifier(value: Any) -> bool:
    return integer(value) and value > 0


def instant(value: Any) -> bool:
    """UTC with microseconds and `Z`, and a date that exists."""
    return string(value) and bool(INSTANT.fullmatch(value)) and bool(parse_instant(value))


def nullable(rule: Rule) -> Rule:
    return lambda value: value is None or rule(value)


def array(rule: Rule) -> Rule:
    return lambda value: isinstance(value, list) and all(rule(each) for each in value)


def one_of(*values: Any) -> Rule:
    return lambda value: value in values


def is_take(value: Any) -> bool:
    return (
        value.keys() == {"executor_id", "taken_at"}
        and integer(value["executor_id"])
        and instant(value["taken_at"])
    )


STATUSES = one_of("active", "expired", "deleted", "closed_no_response", "completed")
ORDER: dict[str, Rule] = {
    "id": lambda value: string(value) and bool(re.fullmatch(r"[A-Za-z0-9_-]{12}", value)),
    "category": string,
    "description": string,
    "city": string,
    "contact": nullable(string),
    "contact_kind": nullable(one_of("telegram", "phone", "other")),
    "created_at": instant,
    "expires_in_minutes": integer,
    "expires_at": instant,
    "response_deadline_at": nullable(instant),
    "status": STATUSES,
    "taken_by": array(is_take),
    "customer_responded_at": nullable(instant),
    "city_locked": lambda value: value is True,
    "rating": nullable(one_of(1, 2, 3, 4, 5)),
    "review_comment": nullable(string),
}
ME: dict[str, Rule] = {
    "id": identifier,
    "first_name": string,
    "last_name": nullable(string),
    "username": nullable(string),
    "completed_orders": integer,
    "active_orders": integer,
    "rating": number,
    "balance": integer,
}
REVIEW: dict[str, Rule] = {
    "id": identifier,
    "author_name": string,
    "rating": one_of(1, 2, 3, 4, 5),
    "comment": nullable(string),
    "category": string,
    "created_at": instant,
    "order_id": string,
    "city": string,
}
LEDGER_ENTRY: dict[str, Rule] = {
    "id": identifier,
    "type": one_of("recharge", "order_take", "refund", "reversal"),
    "amount": integer,
    "balance_after": integer,
    "order_id": nullable(string),
    "payment_method": nullable(string),
    "description": nullable(string),
    "created_at": instant,
}
INVOICE: dict[str, Rule] = {
    "payment_id": identifier,
    "pay_url": string,
    "mini_app_invoice_url": nullable(string),
    "provider": one_of("crypto_bot", "telegram_stars", "sandbox"),
    "expires_at": instant,
}
PAYMENT: dict[str, Rule] = {
    "payment_id": identifier,
    "status": one_of("pending", "paid", "expired"),
    "amount": integer,
    "new_balance": nullable(integer),
}
