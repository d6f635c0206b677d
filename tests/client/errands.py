"""A client's test of `errands`, from its wire contract alone.

    python3 tests/client/errands.py                   starts target/debug/local itself
    python3 tests/client/errands.py --local PATH      starts this binary
    python3 tests/client/errands.py --url BASE        uses a local system that has just been started
    python3 tests/client/errands.py --only feeds      only scenarios whose name contains this

Nothing but Python 3.11 is needed. Every check prints a line; the last line counts them, and the
exit status is 1 when one failed. A running system is left with its clock standing, far ahead.
"""

import argparse
import sys
import traceback
from collections.abc import Callable
from contextlib import nullcontext
from pathlib import Path

import auth
import cities
import feeds
import keys
import life
import money
import normal
import notices
import orders
import providers
import reviews
import settings
import stars
import traffic
import wire_rules
from report import Report
from system import running
from world import World, attached

MODULES = (
    wire_rules,
    auth,
    normal,
    cities,
    orders,
    life,
    feeds,
    settings,
    money,
    providers,
    stars,
    reviews,
    keys,
    notices,
    traffic,
)
BINARY = Path(__file__).resolve().parents[2] / "target/debug/local"

Scenario = Callable[[World], None]


def run(world: World, name: str, scenario: Scenario) -> None:
    """One scenario; what it did not expect is a failed check too."""
    world.report.scenario = name
    try:
        scenario(world)
    except Exception as error:
        where = traceback.extract_tb(error.__traceback__)[1]
        world.report.check("runs to its end", False, f"line {where.lineno}: {type(error).__name__}: {error}")


def arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--local", type=Path, default=BINARY, help="the binary to start")
    parser.add_argument("--url", help="a running local system instead")
    parser.add_argument("--only", default="", help="a part of the scenarios' names")
    return parser.parse_args()


def main() -> int:
    options = arguments()
    report = Report()
    system = nullcontext(attached(options.url)) if options.url else running(options.local, "errands")
    with system as origin:
        world = World(origin, report)
        for module in MODULES:
            for scenario in module.SCENARIOS:
                name = f"{module.__name__}.{scenario.__name__}"
                if options.only in name:
                    run(world, name, scenario)
    print(f"{report.passed} passed, {report.failed} failed")
    return 1 if report.failed else 0


if __name__ == "__main__":
    sys.exit(main())
