#!/usr/bin/env python3
"""Sorts the list of towns of errands, and checks it.

towns.py            sorts the file
towns.py --check    fails when it is not sorted; changes nothing

Either way it fails when a name is there twice, is no name, or one that clients count on is missing.
"""

from __future__ import annotations

import argparse
import re
import sys
from pathlib import Path

TOWNS = Path(__file__).resolve().parents[2] / "functions/errands/src/cities/towns.txt"
LEAST = 1050
# The ten that the client offers first, and five that lists of towns tend to miss.
EXPECTED = (
    "Москва", "Санкт-Петербург", "Новосибирск", "Екатеринбург", "Казань", "Нижний Новгород",
    "Челябинск", "Самара", "Омск", "Ростов-на-Дону",
    "Сочи", "Березники", "Алушта", "Иннополис", "Мурино",
)  # fmt: skip
NAME = re.compile(r"[А-ЯЁ][а-яё]*(?:[ -][А-ЯЁа-яё]+)*")


def key(name: str) -> tuple[str, str]:
    """What names are sorted and told apart by: `ё` is `е`."""
    return name.lower().replace("ё", "е"), name


def faults(names: list[str]) -> list[str]:
    """What is wrong with the names, whatever their order."""
    found = [f"{name!r} is no name" for name in names if not NAME.fullmatch(name)]
    keys = [key(name)[0] for name in names]
    found += [f"{name!r} is there twice" for name in sorted(set(keys)) if keys.count(name) > 1]
    found += [f"{name!r} is missing" for name in EXPECTED if name not in names]
    if len(names) < LEAST:
        found.append(f"{len(names)} names are fewer than {LEAST}")
    return found


def main() -> int:
    parser = argparse.ArgumentParser(prog="towns.py")
    parser.add_argument("--check", action="store_true")
    check = parser.parse_args().check
    lines = TOWNS.read_text(encoding="utf-8").splitlines()
    header = [line for line in lines if line.startswith("#")]
    names = [line for line in lines if not line.startswith("#")]
    found = faults(names)
    text = "\n".join(header + sorted(names, key=key)) + "\n"
    if check and text != TOWNS.read_text(encoding="utf-8"):
        found.append("not as towns.py writes it: run it without --check")
    elif not check:
        TOWNS.write_text(text, encoding="utf-8")
    for fault in found:
        print(f"{TOWNS.name}: {fault}", file=sys.stderr)
    print(f"{TOWNS.name}: {len(names)} towns")
    return 1 if found else 0


if __name__ == "__main__":
    raise SystemExit(main())
