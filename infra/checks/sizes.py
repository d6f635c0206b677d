#!/usr/bin/env python3
"""Prints how large each function is as a zip; fails when one exceeds the limit, 5 MB by default.

sizes.py [--limit MB]
"""

from __future__ import annotations

import argparse
import sys

from cfn import ROOT
from deploy import zipped
from processes import Failure
from services import deployed


def main() -> int:
    parser = argparse.ArgumentParser(prog="sizes.py")
    parser.add_argument("--limit", type=float, default=5.0, metavar="MB")
    limit = parser.parse_args().limit
    names = [entry["name"] for service in deployed() for entry in service.entries]
    print(f"{'function':<32} {'binary, MB':>10} {'zip, MB':>8}")
    largest = 0.0
    for name in names:
        folder = ROOT / "target" / "lambda" / name
        try:
            size = len(zipped(folder, empty=False)) / 1e6
        except Failure as failure:
            print(failure, file=sys.stderr)
            return 1
        largest = max(largest, size)
        print(f"{name:<32} {(folder / 'bootstrap').stat().st_size / 1e6:>10.2f} {size:>8.2f}")
    print(f"largest {largest:.2f} MB, limit {limit:g} MB")
    return 1 if largest > limit else 0


if __name__ == "__main__":
    raise SystemExit(main())
