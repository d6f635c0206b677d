#!/usr/bin/env python3
"""The services: one file of infra/functions each.

A service is deployed, and therefore checked, from the moment infra/template.yaml nests its stack;
before that its own templates are generated and linted, and nothing more.

services.py deployed     prints the names of those that are deployed
services.py templates    prints the paths of all templates
"""

from __future__ import annotations

import sys
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

import yaml

from cfn import INFRA, ROOT, load, of_type

WHOLE = INFRA / "template.yaml"


@dataclass(frozen=True)
class Service:
    """What infra/functions/<name>.yaml says."""

    name: str
    source: dict[str, Any]

    @property
    def template(self) -> Path:
        """The stack of what its functions share."""
        return INFRA / f"{self.name}.yaml"

    @property
    def entries(self) -> list[dict[str, Any]]:
        """Its functions."""
        return list(self.source["functions"])

    def names(self) -> set[str]:
        return {entry["name"] for entry in self.entries}

    def sandbox(self) -> set[str]:
        """The functions that no stage with real money has."""
        return {entry["name"] for entry in self.entries if entry.get("sandbox")}

    def secrets(self) -> list[str]:
        """What any of its functions reads in INIT."""
        return sorted({name for entry in self.entries for name in entry.get("secrets", [])})

    def templates(self) -> list[Path]:
        return [self.template, *(INFRA / self.name / f"{capability}.yaml" for capability in self.source["about"])]


def read(path: Path) -> Service:
    source = yaml.safe_load(path.read_text(encoding="utf-8"))
    if source["service"] != path.stem:
        raise SystemExit(f"{path.name}: is of the service {source['service']}")
    for entry in source["functions"]:
        if not entry["name"].startswith(f"{path.stem}-"):
            raise SystemExit(f"{path.name}: {entry['name']} does not begin with {path.stem}-")
    return Service(path.stem, source)


@cache
def every() -> tuple[Service, ...]:
    """All services that are written down."""
    return tuple(read(path) for path in sorted((INFRA / "functions").glob("*.yaml")))


@cache
def deployed() -> tuple[Service, ...]:
    """The services that the whole nests."""
    nested = of_type(load(WHOLE), "AWS::Serverless::Application").values()
    names = {Path(body["Properties"]["Location"]).stem for body in nested}
    found = tuple(service for service in every() if service.name in names)
    if unknown := names - {service.name for service in found}:
        raise SystemExit(f"template.yaml: no infra/functions file of {sorted(unknown)}")
    return found


def service_of(function: str) -> str:
    """The service of a function, by its name."""
    return function.split("-", 1)[0]


def main() -> int:
    match sys.argv[1:]:
        case ["deployed"]:
            print("\n".join(service.name for service in deployed()))
        case ["templates"]:
            paths = [WHOLE, *(path for service in every() for path in service.templates())]
            print("\n".join(str(path.relative_to(ROOT)) for path in paths))
        case _:
            raise SystemExit("usage: services.py deployed | templates")
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
