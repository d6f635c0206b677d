#!/usr/bin/env python3
"""Writes infra/<service>/*.yaml and two parts of infra/<service>.yaml, the queues and the nested
stacks, from infra/functions/<service>.yaml.

generate.py            writes
generate.py --check    fails when a committed file differs
"""

from __future__ import annotations

import re
import sys
from pathlib import Path

import queues
from cfn import INFRA, Json, Tag, dump, get_att, if_, load, nodes, ref
from function import Function
from parts import alarm, camel
from services import Service, every

QUEUES = ("  # <generated: queues>\n", "  # </generated: queues>\n")
STACKS = ("  # <generated: nested stacks>\n", "  # </generated: nested stacks>\n")

# The parameters every capability's stack may take, besides those of its service; each takes those
# it uses.
PARAMETERS: dict[str, dict[str, Json]] = {
    "Stage": {"Type": "String", "AllowedValues": ["prod", "test"]},
    "Architecture": {"Type": "String", "AllowedValues": ["x86_64", "arm64"], "Default": "x86_64"},
    "Canary": {"Type": "String", "AllowedValues": ["false", "true"], "Default": "false"},
    "Release": {"Type": "String", "Default": ""},
    "LogRetentionDays": {"Type": "Number", "Default": 30},
    "LogLevel": {"Type": "String", "Default": "info"},
    "AlarmTopicArn": {"Type": "String"},
    "ApiId": {"Type": "String"},
    "SecretPrefix": {"Type": "String"},
    "TableName": {"Type": "String"},
    "TableArn": {"Type": "String"},
    "TableStreamArn": {"Type": "String"},
}
CONDITIONS = {"NotProd": Tag("!Not", [Tag("!Equals", [ref("Stage"), "prod"])])}


class Generator:
    """One service's files."""

    def __init__(self, service: Service) -> None:
        self.service = service
        self.source = service.source
        self.functions = [Function(entry, self.source) for entry in service.entries]
        self.text = service.template.read_text(encoding="utf-8")
        self.own = load(service.template)["Parameters"]
        about = self.source["about"]
        if strangers := {function.capability for function in self.functions} - set(about):
            raise SystemExit(f"{service.name}: capabilities without a line in about: {sorted(strangers)}")
        known = dict(PARAMETERS)
        for name in queues.parameters(service.name, self.source["queues"], self.functions):
            known[name] = {"Type": "String"}
        for name in [*self.source["environment"].values(), *self.switches()]:
            known[name] = {"Type": self.own[name]["Type"]}
        self.known = known

    def switches(self) -> list[str]:
        """Parameters that say whether there is a secret."""
        return list(self.source.get("optional", {}).values())

    # --- one capability's stack ----------------------------------------------------------------

    def extra(self, capability: str) -> dict[str, Json]:
        """Alarms on what the functions of a capability measure themselves."""
        dimensions = [("Service", self.service.name), ("Stage", ref("Stage"))]
        made: dict[str, Json] = {}
        for logical, entry in self.source.get("alarms", {}).items():
            if entry["capability"] != capability:
                continue
            more = {key: entry[key] for key in ("statistic", "threshold", "period", "periods", "missing") if key in entry}
            made[logical] = alarm(entry["name"], entry["says"], "Tamga", entry["metric"], dimensions, **more)
        return made

    def used_parameters(self, functions: list[Function], resources: dict[str, Json]) -> dict[str, Json]:
        names: set[str] = set()
        for node in nodes(resources):
            if isinstance(node, Tag) and node.name == "!Ref":
                names.add(node.value)
            elif isinstance(node, Tag) and node.name == "!Sub":
                names.update(re.findall(r"\$\{([A-Za-z0-9]+)\}", node.value))
            elif isinstance(node, Tag) and node.name == "!If" and node.value[0].startswith("Has"):
                names.add(node.value[0].removeprefix("Has"))
        used = {name: body for name, body in self.known.items() if name in names or name == "Stage"}
        for function in functions:
            if function.get("reserved"):
                used[f"{function.id}Concurrency"] = {"Type": "Number", "Default": 0, "MinValue": 0}
        return used

    def stack(self, capability: str) -> tuple[str, list[str]]:
        """The text of a capability's template and the names of its parameters."""
        functions = [function for function in self.functions if function.capability == capability]
        resources: dict[str, Json] = {}
        for function in functions:
            resources |= function.resources()
        resources |= self.extra(capability)
        parameters = self.used_parameters(functions, resources)
        conditions = dict(CONDITIONS)
        for name in parameters:
            if name.endswith("Concurrency"):
                conditions[f"Has{name}"] = Tag("!Not", [Tag("!Equals", [ref(name), 0])])
            elif name in self.switches():
                conditions[f"Has{name}"] = Tag("!Equals", [ref(name), "true"])
        head = {
            "AWSTemplateFormatVersion": "2010-09-09",
            "Transform": "AWS::Serverless-2016-10-31",
            "Description": f"Tamga {self.service.name}, {capability}: {self.source['about'][capability]}.",
        }
        sections: list[dict[str, Json]] = [head, {"Parameters": parameters}, {"Conditions": conditions}]
        made_of = f"infra/functions/{self.service.name}.yaml"
        header = f"# Written by infra/checks/generate.py from {made_of}: change that, not this.\n"
        text = header + "\n".join(dump(section) for section in sections) + "\nResources:\n"
        return text + blocks(resources), list(parameters)

    # --- the service's stack ---------------------------------------------------------------------

    def nested(self, capability: str, parameters: list[str]) -> dict[str, Json]:
        """The entry of a nested stack: its parameters are the service's own or its resources."""
        location = f"{self.service.name}/{capability}.yaml"
        values = {name: self.value(name) for name in parameters}
        properties = {"Location": location, "Parameters": values}
        return {camel(capability): {"Type": "AWS::Serverless::Application", "Properties": properties}}

    def value(self, parameter: str) -> Tag:
        made = {
            "ApiId": ref("HttpApi"),
            "TableName": ref("Table"),
            "TableArn": get_att("Table.Arn"),
            "TableStreamArn": get_att("Table.StreamArn"),
            "PublicUrl": if_("HasPublicUrl", ref("PublicUrl"), get_att("HttpApi.ApiEndpoint")),
        }
        if parameter in made:
            return made[parameter]
        if parameter in self.own:
            return ref(parameter)
        if parameter.endswith("QueueUrl"):
            return ref(parameter.removesuffix("Url"))
        if parameter.endswith("QueueArn"):
            return get_att(parameter.removesuffix("Arn") + ".Arn")
        raise SystemExit(f"{self.service.name}.yaml has no value for {parameter}")

    def files(self) -> dict[Path, str]:
        """Every file of the service as it should be."""
        made: dict[Path, str] = {}
        stacks: dict[str, Json] = {}
        for capability in self.source["about"]:
            text, parameters = self.stack(capability)
            made[INFRA / self.service.name / f"{capability}.yaml"] = text
            stacks |= self.nested(capability, parameters)
        queued = queues.queue_resources(self.service.name, self.source["queues"], self.functions)
        text = replaced(self.text, QUEUES, blocks(queued))
        made[self.service.template] = replaced(text, STACKS, blocks(stacks))
        return made


def blocks(resources: dict[str, Json]) -> str:
    texts = ["  " + dump({name: body}).rstrip("\n").replace("\n", "\n  ") for name, body in resources.items()]
    return "\n\n".join(texts) + "\n"


def replaced(text: str, marks: tuple[str, str], made: str) -> str:
    begin, end = marks
    before, rest = text.split(begin)
    return before + begin + made + end + rest.split(end)[1]


def files() -> dict[Path, str]:
    """Every generated file as it should be."""
    return {path: text for service in every() for path, text in Generator(service).files().items()}


def strays(wanted: set[Path]) -> list[Path]:
    """Stacks of capabilities that no service has any more."""
    return [path for service in every() for path in sorted((INFRA / service.name).glob("*.yaml")) if path not in wanted]


def main() -> int:
    wanted = files()
    different = [
        (path, text) for path, text in wanted.items() if not path.exists() or path.read_text(encoding="utf-8") != text
    ]
    stray = strays(set(wanted))
    for path in stray:
        print(f"{path.relative_to(INFRA.parent)} is of no capability: remove it")
    if "--check" in sys.argv[1:]:
        for path, _ in different:
            print(f"{path.relative_to(INFRA.parent)} differs from infra/functions: run infra/checks/generate.py")
        return 1 if different or stray else 0
    for path, text in different:
        path.parent.mkdir(exist_ok=True)
        path.write_text(text, encoding="utf-8")
        print(f"wrote {path.relative_to(INFRA.parent)}")
    return 1 if stray else 0


if __name__ == "__main__":
    raise SystemExit(main())
