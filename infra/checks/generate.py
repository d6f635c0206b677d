#!/usr/bin/env python3
"""Writes infra/club/*.yaml and the nested stacks of infra/club.yaml from infra/functions.yaml.

generate.py            writes
generate.py --check    fails when a committed file differs
"""

from __future__ import annotations

import re
import sys
from pathlib import Path

import yaml

from cfn import INFRA, Json, Tag, dump, get_att, if_, nodes, ref
from function import Function
from parts import alarm, camel

HEADER = "# Written by infra/checks/generate.py from infra/functions.yaml: change that, not this.\n"
BEGIN = "  # <generated: nested stacks>\n"
END = "  # </generated>\n"

# The parameters a capability's stack may take; each takes those it uses.
PARAMETERS: dict[str, dict[str, Json]] = {
    "Stage": {"Type": "String", "AllowedValues": ["prod", "test"]},
    "Architecture": {"Type": "String", "AllowedValues": ["x86_64", "arm64"], "Default": "x86_64"},
    "Canary": {"Type": "String", "AllowedValues": ["false", "true"], "Default": "false"},
    "Release": {"Type": "String", "Default": ""},
    "LogRetentionDays": {"Type": "Number", "Default": 30},
    "LogLevel": {"Type": "String", "Default": "info"},
    "AlarmTopicArn": {"Type": "String"},
    "ApiId": {"Type": "String"},
    "PublicUrl": {"Type": "String"},
    "CorsOrigin": {"Type": "String"},
    "AdminChatId": {"Type": "String"},
    "BotUsername": {"Type": "String"},
    "TelegramApiUrl": {"Type": "String"},
    "SandboxProviderUrl": {"Type": "String"},
    "SecretPrefix": {"Type": "String"},
    "TableName": {"Type": "String"},
    "TableArn": {"Type": "String"},
    "TableStreamArn": {"Type": "String"},
    "PaymentChecksQueueUrl": {"Type": "String"},
    "PaymentChecksQueueArn": {"Type": "String"},
    "PaymentChecksDeadQueueUrl": {"Type": "String"},
    "PaymentChecksDeadQueueArn": {"Type": "String"},
    "OutboxQueueUrl": {"Type": "String"},
    "OutboxQueueArn": {"Type": "String"},
    "OutboxDeadQueueUrl": {"Type": "String"},
    "OutboxDeadQueueArn": {"Type": "String"},
    "OutboxRelayDeadQueueArn": {"Type": "String"},
    "RatingsAggregateDeadQueueArn": {"Type": "String"},
    "SchedulesDeadQueueArn": {"Type": "String"},
    "PaymentChecks": {"Type": "Number"},
    "PaymentCheckIntervalSeconds": {"Type": "Number"},
}
CONDITIONS = {"NotProd": Tag("!Not", [Tag("!Equals", [ref("Stage"), "prod"])])}
ABOUT = {
    "auth": "signing in, and the member's own profile",
    "payments": "links, webhooks, delayed checks and their sweep",
    "energies": "balances, entries and their audit",
    "ratings": "contributions, the hourly publication and its readers",
    "outbox": "what happens outside after a commit",
    "health": "health, and what no route matches",
}


# --- what a capability has of its own ------------------------------------------------------------


def extra_resources(capability: str) -> dict[str, Json]:
    """Alarms on what the functions of a capability measure themselves."""
    own = [("Service", "club"), ("Stage", ref("Stage"))]
    if capability == "energies":
        return {
            "AuditAlarm": alarm("club-audit", "A balance does not equal its entries.", "Tamga", "audit_violations", own)
        }
    if capability == "ratings":
        return {
            "RatingsAgeAlarm": alarm(
                "club-ratings-age",
                "The published ratings are older than two hours, or nobody says how old.",
                "Tamga",
                "ratings_age_s",
                own,
                statistic="Maximum",
                threshold=7200,
                period=3600,
                periods=2,
                missing="breaching",
            )
        }
    return {}


# --- files -----------------------------------------------------------------------------------


def used_parameters(functions: list[Function], resources: dict[str, Json]) -> dict[str, Json]:
    names: set[str] = set()
    for node in nodes(resources):
        if isinstance(node, Tag) and node.name == "!Ref":
            names.add(node.value)
        elif isinstance(node, Tag) and node.name == "!Sub":
            names.update(re.findall(r"\$\{([A-Za-z0-9]+)\}", node.value))
    used = {name: body for name, body in PARAMETERS.items() if name in names or name == "Stage"}
    for function in functions:
        if function.get("reserved"):
            used[f"{function.id}Concurrency"] = {"Type": "Number", "Default": 0, "MinValue": 0}
    return used


def stack(capability: str, functions: list[Function]) -> tuple[str, list[str]]:
    """The text of a capability's template and the names of its parameters."""
    resources: dict[str, Json] = {}
    for function in functions:
        resources |= function.resources()
    resources |= extra_resources(capability)
    parameters = used_parameters(functions, resources)
    conditions = dict(CONDITIONS)
    for name in parameters:
        if name.endswith("Concurrency"):
            conditions[f"Has{name}"] = Tag("!Not", [Tag("!Equals", [ref(name), 0])])
    head = {
        "AWSTemplateFormatVersion": "2010-09-09",
        "Transform": "AWS::Serverless-2016-10-31",
        "Description": f"Tamga club, {capability}: {ABOUT[capability]}.",
    }
    sections: list[dict[str, Json]] = [head, {"Parameters": parameters}, {"Conditions": conditions}]
    text = HEADER + "\n".join(dump(section) for section in sections) + "\nResources:\n"
    blocks = ["  " + dump({name: body}).rstrip("\n").replace("\n", "\n  ") for name, body in resources.items()]
    return text + "\n\n".join(blocks) + "\n", list(parameters)


def nested(capability: str, parameters: list[str], own: set[str]) -> str:
    """The nested stack's entry in club.yaml: its parameters are club.yaml's own or its resources."""
    values = {name: ref(name) if name in own else resource_value(name) for name in parameters}
    body = {
        "Type": "AWS::Serverless::Application",
        "Properties": {"Location": f"club/{capability}.yaml", "Parameters": values},
    }
    return "  " + dump({camel(capability): body}).rstrip("\n").replace("\n", "\n  ") + "\n"


def resource_value(parameter: str) -> Tag:
    fixed = {
        "ApiId": ref("HttpApi"),
        "TableName": ref("Table"),
        "TableArn": get_att("Table.Arn"),
        "TableStreamArn": get_att("Table.StreamArn"),
        "PublicUrl": if_("HasPublicUrl", ref("PublicUrl"), get_att("HttpApi.ApiEndpoint")),
    }
    if parameter in fixed:
        return fixed[parameter]
    if parameter.endswith("QueueUrl"):
        return ref(parameter.removesuffix("Url"))
    if parameter.endswith("QueueArn"):
        return get_att(parameter.removesuffix("Arn") + ".Arn")
    raise SystemExit(f"club.yaml has no value for {parameter}")


def files() -> dict[Path, str]:
    """Every file as it should be."""
    source = yaml.safe_load((INFRA / "functions.yaml").read_text(encoding="utf-8"))
    functions = [Function(entry, source["defaults"], source["access"]) for entry in source["functions"]]
    club = (INFRA / "club.yaml").read_text(encoding="utf-8")
    own = set(re.findall(r"^  (\w+):", club.split("Parameters:\n", 1)[1].split("\nConditions:", 1)[0], re.M))
    own.discard("PublicUrl")
    made: dict[Path, str] = {}
    entries: list[str] = []
    for capability in ABOUT:
        text, parameters = stack(capability, [f for f in functions if f.capability == capability])
        made[INFRA / "club" / f"{capability}.yaml"] = text
        entries.append(nested(capability, parameters, own))
    before, rest = club.split(BEGIN)
    after = rest.split(END)[1]
    made[INFRA / "club.yaml"] = before + BEGIN + "\n".join(entries) + END + after
    return made


def main() -> int:
    different = [
        (path, text) for path, text in files().items() if not path.exists() or path.read_text(encoding="utf-8") != text
    ]
    if "--check" in sys.argv[1:]:
        for path, _ in different:
            print(f"{path.relative_to(INFRA.parent)} differs from infra/functions.yaml: run infra/checks/generate.py")
        return 1 if different else 0
    for path, text in different:
        path.write_text(text, encoding="utf-8")
        print(f"wrote {path.relative_to(INFRA.parent)}")
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
