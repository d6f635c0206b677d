"""Launch data as Telegram signs it, by this test's own code."""

import hashlib
import hmac
import json
from collections.abc import Sequence
from typing import Any
from urllib.parse import quote, quote_plus

BOT_TOKEN = "7000000002:local-errands"

Pairs = Sequence[tuple[str, str]]


def signature_of(pairs: Pairs, token: str = BOT_TOKEN) -> str:
    """The hash over all pairs but `hash`, sorted by key."""
    check = "\n".join(f"{key}={value}" for key, value in sorted(pairs) if key != "hash")
    secret = hmac.new(b"WebAppData", token.encode(), hashlib.sha256).digest()
    return hmac.new(secret, check.encode(), hashlib.sha256).hexdigest()


def encoded(pairs: Pairs, plus: bool = False) -> str:
    """The query string; a space is `%20`, or `+` when `plus`."""
    quoting = quote_plus if plus else quote
    return "&".join(f"{key}={quoting(value, safe='')}" for key, value in pairs)


def signed(pairs: Pairs, token: str = BOT_TOKEN, plus: bool = False) -> str:
    """The query string with its hash as the last pair."""
    return encoded([*pairs, ("hash", signature_of(pairs, token))], plus)


def launch_pairs(user: dict[str, Any], auth_date: int) -> list[tuple[str, str]]:
    """What the real client sends: the third-party `signature` is part of what is signed."""
    return [
        ("user", json.dumps(user, ensure_ascii=False, separators=(",", ":"))),
        ("chat_instance", "-3788475317572404878"),
        ("chat_type", "private"),
        ("auth_date", str(auth_date)),
        ("signature", "c2lnbmF0dXJlLW9mLXRlbGVncmFt"),
    ]


def launch_data(user: dict[str, Any], auth_date: int) -> str:
    """Valid launch data of one user."""
    return signed(launch_pairs(user, auth_date))
