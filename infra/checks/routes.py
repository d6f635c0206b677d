#!/usr/bin/env python3
"""Compares what the translated templates call with what the functions declare.

    cargo run -q --bin declarations >target/declarations.json
    infra/checks/routes.py target/declarations.json

Names, routes, queues, schedules, kinds of changes, secrets and sandboxes must be the same sets, and
every function must have its sample event. Services that are not deployed yet are left out.
"""

from __future__ import annotations

import functools
import json
import sys
from collections.abc import Iterable
from pathlib import Path
from typing import Any

from cfn import ROOT
from services import deployed, service_of
from world import World

# (function, what it has, which)
Fact = tuple[str, str, str]


def declared(declarations: Iterable[dict[str, Any]]) -> set[Fact]:
    facts: set[Fact] = set()
    for entry in declarations:
        name, kind = entry["name"], entry["kind"]
        facts.add((name, "kind", kind))
        if kind == "http":
            key = "$default" if entry["path"] == "$default" else f"{entry['method']} {entry['path']}"
            facts.add((name, "route", key))
        elif kind == "stream":
            facts |= {(name, "changes of", item) for item in entry["filters"]}
        else:
            facts.add((name, kind, entry[kind]))
        facts |= {(name, "secret", secret) for secret in entry.get("secrets", [])}
        if entry.get("sandbox"):
            facts.add((name, "sandbox", "only"))
    return facts


@functools.cache
def deployed_facts() -> set[Fact]:
    # With every provider, so that each secret is somewhere.
    world = World({"Stage": "test", "ClubCloudpayments": "true", "ClubLavatop": "true"})
    facts: set[Fact] = set()
    for name, found in world.functions().items():
        for key in found.properties["Environment"]["Variables"]:
            if key.endswith("_SECRET_ID"):
                facts.add((name, "secret", key.removesuffix("_SECRET_ID")))
    facts |= routes(world) | sources(world) | schedules(world)
    with_money = set(World({"Stage": "prod"}).functions())
    return facts | {(name, "sandbox", "only") for name in set(world.functions()) - with_money}


def owner(world: World, arn: str) -> str:
    """The function behind an alias's ARN."""
    return arn.split(":")[6].removeprefix(f"{world.stage}-")


def routes(world: World) -> set[Fact]:
    targets = {
        f"integrations/{found.ref}": owner(world, found.properties["IntegrationUri"])
        for found in world.of("AWS::ApiGatewayV2::Integration")
    }
    facts: set[Fact] = set()
    for route in world.of("AWS::ApiGatewayV2::Route"):
        name = targets[route.properties["Target"]]
        facts |= {(name, "kind", "http"), (name, "route", route.properties["RouteKey"])}
    return facts


def sources(world: World) -> set[Fact]:
    facts: set[Fact] = set()
    for mapping in world.of("AWS::Lambda::EventSourceMapping"):
        own = mapping.properties
        name = owner(world, own["FunctionName"])
        if ":sqs:" in own["EventSourceArn"]:
            prefix = f"{world.stage}-{service_of(name)}-"
            queue = own["EventSourceArn"].rsplit(":", 1)[-1].removeprefix(prefix)
            facts |= {(name, "kind", "queue"), (name, "queue", queue)}
            continue
        facts.add((name, "kind", "stream"))
        for rule in own["FilterCriteria"]["Filters"]:
            kinds = json.loads(rule["Pattern"])["dynamodb"]["NewImage"]["kind"]["S"]
            facts |= {(name, "changes of", kind) for kind in kinds}
    return facts


def schedules(world: World) -> set[Fact]:
    facts: set[Fact] = set()
    for schedule in world.of("AWS::Scheduler::Schedule"):
        name = owner(world, schedule.properties["Target"]["Arn"])
        facts |= {(name, "kind", "schedule"), (name, "schedule", schedule.properties["ScheduleExpression"])}
    return facts


def differences(declarations: Iterable[dict[str, Any]], found: set[Fact]) -> list[str]:
    wanted = declared(declarations)
    return [f"declared, not deployed: {' '.join(fact)}" for fact in sorted(wanted - found)] + [
        f"deployed, not declared: {' '.join(fact)}" for fact in sorted(found - wanted)
    ]


def is_deployed(function: str) -> bool:
    return service_of(function) in {service.name for service in deployed()}


def events(names: set[str]) -> list[str]:
    """Sample events without a function, functions without a sample event."""
    found = {path.stem for path in (ROOT / "events").glob("*.json") if is_deployed(path.stem)}
    return [f"events/{name}.json without a function" for name in sorted(found - names)] + [
        f"events/{name}.json is missing" for name in sorted(names - found)
    ]


def main() -> int:
    if len(sys.argv) != 2:
        raise SystemExit("usage: routes.py DECLARATIONS.json")
    every = json.loads(Path(sys.argv[1]).read_text(encoding="utf-8"))
    declarations = [entry for entry in every if is_deployed(entry["name"])]
    facts = deployed_facts()
    found = differences(declarations, facts) + events({entry["name"] for entry in declarations})
    for line in found:
        print(line, file=sys.stderr)
    by_kind = {kind: sum(1 for fact in facts if fact[1:] == ("kind", kind)) for kind in
               ("http", "queue", "stream", "schedule")}  # fmt: skip
    counts = ", ".join(f"{count} {kind}" for kind, count in by_kind.items())
    print(f"templates and declarations {'differ' if found else 'are equal'}: {counts}")
    return 1 if found else 0


if __name__ == "__main__":
    raise SystemExit(main())
