"""The processes beside the check: the emulator, the sandboxes, and a door to the deployed API."""

from __future__ import annotations

import http.client
import os
import re
import socket
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Callable
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any, TypeVar

from cfn import ROOT

Found = TypeVar("Found")


class Failure(Exception):
    """The check cannot go on, and says why."""


def wait_for(what: str, seconds: float, look: Callable[[], Found | None], pause: float = 0.2) -> Found:
    """Looks again and again until something is there, for at most so many seconds."""
    end = time.monotonic() + seconds
    while True:
        found = look()
        if found is not None and found is not False:
            return found
        if time.monotonic() > end:
            raise Failure(f"{what}: not within {seconds:g} s")
        time.sleep(pause)


def free_port() -> int:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        return int(taken.getsockname()[1])


class Process:
    """A child that is stopped with the check, and whose output is kept in a file."""

    def __init__(self, name: str, command: list[str], environment: dict[str, str], folder: Path) -> None:
        self.name = name
        self.log = folder / f"{name}.log"
        base = {key: os.environ[key] for key in ("PATH", "HOME", "LANG", "TMPDIR") if key in os.environ}
        self.output = self.log.open("wb")
        self.child = subprocess.Popen(
            command, env={**base, **environment}, cwd=folder, stdout=self.output, stderr=subprocess.STDOUT
        )

    def text(self) -> str:
        return self.log.read_text(encoding="utf-8", errors="replace")

    def alive(self) -> None:
        if (code := self.child.poll()) is not None:
            raise Failure(f"{self.name} ended with {code}:\n{self.text()[-2000:]}")

    def ready(self, look: Callable[[], Found | None]) -> Found:
        """Waits until it serves; stops it when it does not."""
        try:
            return wait_for(f"the {self.name}", 30, look)
        except BaseException:
            self.stop()
            raise

    def stop(self) -> None:
        self.child.terminate()
        try:
            self.child.wait(10)
        except subprocess.TimeoutExpired:
            self.child.kill()
            self.child.wait()
        self.output.close()


class Emulator(Process):
    """ministack with IAM enforced, on a free port of the loopback."""

    def __init__(self, folder: Path) -> None:
        self.port = free_port()
        self.url = f"http://127.0.0.1:{self.port}"
        # Functions inherit this environment: nothing of ours may stand in it.
        environment = {
            "AUTH": "true",
            "BIND_HOST": "127.0.0.1",
            "GATEWAY_PORT": str(self.port),
            "AWS_ENDPOINT_URL": self.url,
            "S3_DATA_DIR": str(folder / "s3"),
            "STATE_DIR": str(folder / "state"),
            "TMPDIR": str(folder),
            "LOG_LEVEL": "WARNING",
        }
        command = str(Path(sys.executable).with_name("ministack"))
        super().__init__("emulator", [command], environment, folder)
        self.ready(self._up)

    def _up(self) -> bool:
        self.alive()
        try:
            connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=2)
            connection.request("GET", "/_ministack/health")
            return connection.getresponse().status == 200
        except OSError:
            return False


class Sandboxes(Process):
    """The Bot API and the payment providers, by the local stack's own program."""

    def __init__(self, folder: Path, secrets: dict[str, dict[str, str]]) -> None:
        built = [ROOT / "target" / profile / "local" for profile in ("release", "debug")]
        found = max((path for path in built if path.exists()), key=lambda path: path.stat().st_mtime, default=None)
        if found is None:
            raise Failure("no sandboxes: build them with `cargo build --bin local`")
        own = {f"{of.upper()}_{name}": value for of, its in secrets.items() for name, value in its.items()}
        super().__init__("sandboxes", [str(found), "--sandboxes", "--port", "0"], own, folder)
        self.url: str = self.ready(self._address)

    def _address(self) -> str | None:
        self.alive()
        match = re.search(r"^sandboxes: (http://\S+)", self.text(), re.MULTILINE)
        return match.group(1).rstrip("/") if match else None


class Door:
    """A loopback address for the API, which the emulator knows by its host name only."""

    def __init__(self, emulator: Emulator, host: str) -> None:
        handler = type("Handler", (_Pass,), {"target": emulator.port, "host": host})
        self.server = ThreadingHTTPServer(("127.0.0.1", 0), handler)
        self.server.daemon_threads = True
        threading.Thread(target=self.server.serve_forever, daemon=True).start()
        self.url = f"http://127.0.0.1:{self.server.server_address[1]}"

    def stop(self) -> None:
        self.server.shutdown()
        self.server.server_close()


class _Pass(BaseHTTPRequestHandler):
    """Hands a request on with the host the emulator expects."""

    target: int
    host: str
    protocol_version = "HTTP/1.1"

    def _pass(self) -> None:
        body = self.rfile.read(int(self.headers.get("Content-Length") or 0))
        headers = {key: value for key, value in self.headers.items() if key.lower() not in ("host", "connection")}
        connection = http.client.HTTPConnection("127.0.0.1", self.target, timeout=60)
        connection.request(self.command, self.path, body, {**headers, "Host": self.host})
        answer = connection.getresponse()
        content = answer.read()
        self.send_response_only(answer.status)
        for key, value in answer.getheaders():
            if key.lower() not in ("connection", "transfer-encoding", "content-length"):
                self.send_header(key, value)
        self.send_header("Content-Length", str(len(content)))
        self.end_headers()
        if self.command != "HEAD":
            self.wfile.write(content)
        connection.close()

    do_GET = do_POST = do_PUT = do_PATCH = do_DELETE = do_OPTIONS = do_HEAD = _pass

    def log_message(self, format: str, *args: Any) -> None:
        """Says nothing."""


def working_folder() -> tempfile.TemporaryDirectory[str]:
    return tempfile.TemporaryDirectory(prefix="tamga-deploy-check-")
