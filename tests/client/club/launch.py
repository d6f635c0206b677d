"""Launch data as Telegram signs it, and access tokens, by this test's own code."""

import base64
import hashlib
import hmac
import json
from collections.abc import Sequence
from typing import Any
from urllib.parse import quote

Pairs = Sequence[tuple[str, str]]


def hash_of(pairs: Pairs, token: str) -> str:
    """The hash over all pairs but `hash`, sorted by key."""
    check = "\n".join(f"{key}={value}" for key, value in sorted(pairs) if key != "hash")
    secret = hmac.new(b"WebAppData", token.encode(), hashlib.sha256).digest()
    return hmac.new(secret, check.encode(), hashlib.sha256).hexdigest()


def encoded(pairs: Pairs) -> str:
    return "&".join(f"{key}={quote(value, safe='')}" for key, value in pairs)


def signed(pairs: Pairs, token: str) -> str:
    return encoded([*pairs, ("hash", hash_of(pairs, token))])


def pairs_of(user: Any, at: float, **more: str) -> list[tuple[str, str]]:
    """As the real client sends them; `signature` is part of what is signed."""
    return [
        ("user", json.dumps(user, ensure_ascii=False, separators=(",", ":"))),
        ("chat_instance", "-3788475317572404878"),
        ("chat_type", "private"),
        *more.items(),
        ("auth_date", str(int(at))),
        ("signature", "c2lnbmF0dXJlLW9mLXRlbGVncmFt"),
    ]


def part(value: Any) -> str:
    data = value if isinstance(value, bytes) else json.dumps(value).encode()
    return base64.urlsafe_b64encode(data).decode().rstrip("=")


def claims_of(token: str) -> dict[str, Any]:
    middle = token.split(".")[1]
    found = json.loads(base64.urlsafe_b64decode(middle + "=" * (-len(middle) % 4)))
    return found if isinstance(found, dict) else {}


def token_of(claims: Any, secret: str, header: Any = None) -> str:
    """An access token signed with HS256, whatever its header says."""
    head = f"{part(header or {'alg': 'HS256', 'typ': 'JWT'})}.{part(claims)}"
    return f"{head}.{part(hmac.new(secret.encode(), head.encode(), hashlib.sha256).digest())}"
