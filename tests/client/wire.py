"""HTTP as it is on the wire: nothing is followed, retried or repaired."""

import http.client
import json
import threading
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import quote, urlsplit

TIMEOUT_S = 30


@dataclass(frozen=True)
class Answer:
    """One answer and what it answers."""

    method: str
    target: str
    viewer: int | None
    status: int
    headers: Mapping[str, str]
    body: bytes

    def json(self) -> Any:
        """The body as JSON."""
        return json.loads(self.body)

    def problem(self) -> dict[str, Any]:
        """The body of an error; empty when it is no JSON object."""
        try:
            found = json.loads(self.body)
        except ValueError:
            return {}
        return found if isinstance(found, dict) else {}

    def text(self) -> str:
        """The body as text, whatever its bytes."""
        return self.body.decode(errors="replace")

    def brief(self) -> str:
        """What a failed check prints."""
        return f"{self.method} {self.target} (viewer {self.viewer}) -> {self.status} {self.text()[:400]}"


@dataclass
class Transport:
    """Sends requests to one base address and remembers every answer."""

    base: str
    traffic: list[Answer] = field(default_factory=list)
    _lock: threading.Lock = field(default_factory=threading.Lock)

    def send(
        self,
        method: str,
        target: str,
        headers: Mapping[str, str],
        body: bytes | None = None,
        viewer: int | None = None,
    ) -> Answer:
        """One request, one connection. `target` is appended to the base as it is."""
        url = urlsplit(self.base)
        connection = http.client.HTTPConnection(url.hostname or "", url.port, timeout=TIMEOUT_S)
        try:
            connection.request(method, url.path + target, body=body, headers=dict(headers))
            raw = connection.getresponse()
            names = {name.lower(): value for name, value in raw.getheaders()}
            answer = Answer(method, target, viewer, raw.status, names, raw.read())
        finally:
            connection.close()
        with self._lock:
            self.traffic.append(answer)
        return answer


def query_string(query: Mapping[str, Any]) -> str:
    """`?a=b`, or nothing; None is left out."""
    pairs = [
        f"{quote(key, safe='')}={quote(_word(value), safe='')}"
        for key, value in query.items()
        if value is not None
    ]
    return "?" + "&".join(pairs) if pairs else ""


def _word(value: Any) -> str:
    if isinstance(value, bool):
        return "true" if value else "false"
    return str(value)
