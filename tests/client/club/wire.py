"""HTTP as it is on the wire: nothing is followed, retried or repaired."""

import http.client
import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any
from urllib.parse import quote, urlsplit

TIMEOUT_S = 60


@dataclass(frozen=True)
class Answer:
    """One answer and what it answers."""

    method: str
    target: str
    status: int
    headers: Mapping[str, str]
    cookies: tuple[str, ...]
    body: bytes

    def json(self) -> Any:
        return json.loads(self.body)

    def text(self) -> str:
        return self.body.decode(errors="replace")

    def object(self) -> dict[str, Any]:
        """The JSON object, or an empty one."""
        try:
            found = json.loads(self.body)
        except ValueError:
            return {}
        return found if isinstance(found, dict) else {}

    def cookie(self, name: str) -> str | None:
        """The value that this answer sets."""
        for each in self.cookies:
            key, _, rest = each.partition("=")
            if key == name:
                return rest.split(";")[0]
        return None

    def brief(self) -> str:
        return f"{self.method} {self.target} -> {self.status} {self.text()[:500]}"


@dataclass
class Transport:
    """Sends requests to one base address; one connection each."""

    base: str

    def send(self, method: str, target: str, headers: Mapping[str, str], body: bytes | None = None) -> Answer:
        url = urlsplit(self.base)
        connection = http.client.HTTPConnection(url.hostname or "", url.port, timeout=TIMEOUT_S)
        try:
            connection.request(method, url.path + target, body=body, headers=dict(headers))
            raw = connection.getresponse()
            pairs = [(name.lower(), value) for name, value in raw.getheaders()]
            cookies = tuple(value for name, value in pairs if name == "set-cookie")
            return Answer(method, target, raw.status, dict(pairs), cookies, raw.read())
        finally:
            connection.close()


def query_string(query: Mapping[str, Any]) -> str:
    """`?a=b`, or nothing; None is left out."""
    pairs = [
        f"{quote(key, safe='')}={quote(str(value), safe='')}"
        for key, value in query.items()
        if value is not None
    ]
    return "?" + "&".join(pairs) if pairs else ""
