"""The local system under test."""

import os
import subprocess
import threading
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path

READY_WITHIN_S = 60
STOPPED_WITHIN_S = 15
START = "2026-11-22T12:00:00Z"


@contextmanager
def running(
    binary: Path,
    service: str,
    settings: Mapping[str, str] | None = None,
    clock: str = START,
    environment: Mapping[str, str] | None = None,
) -> Iterator[str]:
    """Starts the local system with this service alone on free ports and yields its origin."""
    arguments = ["--memory", "--port", "0", "--frozen", "--clock", clock, "--service", service]
    for name, value in (settings or {}).items():
        arguments += ["--set", f"{name}={value}"]
    root = Path(__file__).resolve().parents[2]
    with subprocess.Popen(
        [str(binary), *arguments],
        cwd=root,
        env={**os.environ, **(environment or {})},
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
    ) as process:
        try:
            yield _origin(process)
        finally:
            process.terminate()
            try:
                process.wait(STOPPED_WITHIN_S)
            except subprocess.TimeoutExpired:
                process.kill()


def _origin(process: "subprocess.Popen[str]") -> str:
    """Reads the output until the address stands there; goes on reading lest the pipe fills."""
    found: list[str] = []
    ready = threading.Event()

    def read() -> None:
        for line in process.stdout or ():
            if line.startswith("ready: "):
                found.append(line.removeprefix("ready: ").strip())
                ready.set()
        ready.set()

    threading.Thread(target=read, daemon=True).start()
    if not ready.wait(READY_WITHIN_S) or not found:
        raise RuntimeError("the local system did not start")
    return found[0]
