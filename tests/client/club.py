"""A client's test of `club`, from its contract alone.

    python3 tests/client/club.py                   starts target/debug/local itself
    python3 tests/client/club.py --local PATH      starts this binary
    python3 tests/client/club.py --only shop       only scenarios whose name contains this
    python3 tests/client/club.py --verbose         prints the checks that hold, too

It acts as the web app's API layer and the static payment forms do. Nothing but Python 3.11 is
needed. The last line counts the checks, and the exit status is 1 when one failed.
"""

import argparse
import importlib
import sys
import traceback
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager
from pathlib import Path

from club import providers, vectors
from club.kit import Report, World
from system import running

MODULES = (
    "wire_rules",
    "auth",
    "sessions",
    "payments",
    "money",
    "gifts",
    "bot",
    "energies",
    "ratings",
    "teams",
    "decades",
    "reports",
    "shop",
    "lessons",
    "content",
    "caching",
    "admin",
    "faults",
)
BINARY = Path(__file__).resolve().parents[2] / "target/debug/local"
ORIGIN = {"CORS_ORIGIN": "https://app.example"}

Scenario = Callable[[World], None]


def run(world: World, name: str, scenario: Scenario) -> None:
    """One scenario; what it did not expect is a failed check too."""
    world.report.scenario = name
    try:
        world.tick()
        scenario(world)
    except Exception as error:
        where = traceback.extract_tb(error.__traceback__)
        own = [each for each in where if each.name == scenario.__name__] or where
        world.report.check(
            "runs to its end",
            False,
            f"line {own[-1].lineno}: {type(error).__name__}: {error}",
            "no exception",
        )


def arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--local", type=Path, default=BINARY, help="the binary to start")
    parser.add_argument("--only", default="", help="a part of the scenarios' names")
    parser.add_argument("--verbose", action="store_true", help="print what holds, too")
    return parser.parse_args()


def systems(binary: Path) -> Iterator[tuple[AbstractContextManager[str], tuple[str, ...]]]:
    """The systems to start, one after another, and what is tried in each."""
    yield running(binary, "club", ORIGIN), MODULES
    yield running(binary, "club", {"RATE_TRUSTED_CIDRS": ""}), ("addresses",)
    token = {"CLUB_TELEGRAM_BOT_TOKEN": vectors.TOKEN}
    yield running(binary, "club", {}, vectors.START, token), ("vectors",)
    with providers.apis() as settings:
        yield running(binary, "club", settings), ("cloudpayments", "lavatop")


def main() -> int:
    options = arguments()
    report = Report(options.verbose)
    for system, modules in systems(options.local):
        chosen = [
            (f"{module}.{scenario.__name__}", scenario)
            for module in modules
            for scenario in importlib.import_module(f"club.{module}").SCENARIOS
            if options.only in f"{module}.{scenario.__name__}"
        ]
        if not chosen:
            continue
        with system as origin:
            world = World(origin, report)
            for name, scenario in chosen:
                run(world, name, scenario)
    print(f"{report.passed} passed, {report.failed} failed")
    return 1 if report.failed else 0


if __name__ == "__main__":
    sys.exit(main())
