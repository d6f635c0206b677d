"""Translated templates with every intrinsic worked out, as far as names go.

Ids that only a deployment knows are stood in for: an API's id is `api-<service>`, an account 123456789012.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Any

from cfn import Json, Template
from translate import REGION, Stack

ACCOUNT = "123456789012"
PSEUDO = {
    "AWS::Region": REGION,
    "AWS::AccountId": ACCOUNT,
    "AWS::Partition": "aws",
    "AWS::URLSuffix": "amazonaws.com",
    "AWS::StackName": "tamga",
    "AWS::StackId": "tamga",
}
_NOTHING = object()


@dataclass
class Resource:
    """One resource that exists under these parameters."""

    stack: str
    name: str
    kind: str
    properties: Template
    body: Template
    ref: str

    @property
    def arn(self) -> str:
        """A role's ARN."""
        return role_arn(self.stack, self.name)


def role_arn(stack: str, name: str) -> str:
    return f"arn:aws:iam::{ACCOUNT}:role/{unique(stack, name)}"


def unique(stack: str, name: str) -> str:
    """A name among all stacks: those of two services may call a resource alike."""
    return f"{stack.removesuffix('.yaml').replace('/', '-')}-{name}"


class Resolver:
    """Works out one stack and those below it."""

    def __init__(self, stack: Stack, parameters: dict[str, Json]) -> None:
        self.stack = stack
        self.template = stack.template
        self.parameters = {
            **{key: body["Default"] for key, body in self._section("Parameters").items() if "Default" in body},
            **parameters,
        }
        missing = set(self._section("Parameters")) - set(self.parameters)
        unknown = set(parameters) - set(self._section("Parameters"))
        if missing or unknown:
            raise SystemExit(f"{stack.name}: parameters missing {sorted(missing)}, unknown {sorted(unknown)}")
        self.children: dict[str, Resolver] = {}
        for name, child in stack.children.items():
            given = self.value(self.template["Resources"][name]["Properties"]["Parameters"])
            self.children[name] = Resolver(child, given)

    def _section(self, name: str) -> Template:
        return self.template.get(name) or {}

    # --- what is there --------------------------------------------------------------------

    def resources(self) -> list[Resource]:
        """This stack's own resources."""
        return [
            Resource(self.stack.name, name, body["Type"], self.value(body.get("Properties", {})), body, self.ref(name))
            for name, body in self.template["Resources"].items()
            if self.exists(body)
        ]

    def everything(self) -> list[Resource]:
        """The resources of this stack and of those below it."""
        return self.resources() + [found for child in self.children.values() for found in child.everything()]

    def exists(self, body: Template) -> bool:
        return "Condition" not in body or self.condition(body["Condition"])

    def condition(self, name: str) -> bool:
        return self._truth(self._section("Conditions")[name])

    def _truth(self, test: Json) -> bool:
        (kind, arguments), *_ = test.items()
        if kind == "Condition":
            return self.condition(arguments)
        if kind == "Fn::Equals":
            left, right = (str(self.value(argument)) for argument in arguments)
            return left == right
        if kind == "Fn::Not":
            return not self._truth(arguments[0])
        if kind in ("Fn::And", "Fn::Or"):
            return (all if kind == "Fn::And" else any)(self._truth(argument) for argument in arguments)
        raise SystemExit(f"{self.stack.name}: condition {kind} is not understood")

    # --- values ---------------------------------------------------------------------------

    def value(self, node: Json) -> Json:
        found = self._value(node)
        return None if found is _NOTHING else found

    def _value(self, node: Json) -> Any:
        if isinstance(node, list):
            return [found for found in map(self._value, node) if found is not _NOTHING]
        if not isinstance(node, dict):
            return node
        if len(node) == 1:
            (kind, argument), *_ = node.items()
            if kind == "Ref":
                return _NOTHING if argument == "AWS::NoValue" else self.ref(argument)
            if kind == "Fn::GetAtt":
                return self.attribute(*(argument if isinstance(argument, list) else argument.split(".", 1)))
            if kind == "Fn::Sub":
                return self._sub(argument)
            if kind == "Fn::If":
                return self._value(argument[1] if self.condition(argument[0]) else argument[2])
            if kind == "Fn::Join":
                return argument[0].join(str(part) for part in self._value(argument[1]))
            if kind.startswith("Fn::"):
                raise SystemExit(f"{self.stack.name}: {kind} is not understood")
        worked = {key: self._value(child) for key, child in node.items()}
        return {key: child for key, child in worked.items() if child is not _NOTHING}

    def _sub(self, argument: Json) -> str:
        text, extra = (argument, {}) if isinstance(argument, str) else argument

        def replace(match: re.Match[str]) -> str:
            name = match.group(1)
            if name in extra:
                return str(self.value(extra[name]))
            return str(self.attribute(*name.split(".", 1)) if "." in name else self.ref(name))

        return re.sub(r"\$\{([A-Za-z0-9:.]+)\}", replace, text)

    def ref(self, name: str) -> Any:
        if name in PSEUDO:
            return PSEUDO[name]
        if name in self.parameters:
            return self.parameters[name]
        body = self.template["Resources"][name]
        properties = body.get("Properties", {})
        kind = body["Type"]
        if kind == "AWS::SQS::Queue":
            return f"https://sqs.{REGION}.amazonaws.com/{ACCOUNT}/{self.value(properties['QueueName'])}"
        if kind == "AWS::SNS::Topic":
            return f"arn:aws:sns:{REGION}:{ACCOUNT}:{self.value(properties['TopicName'])}"
        if kind == "AWS::Lambda::Alias":
            return f"{self._function_arn(self.value(properties['FunctionName']))}:{properties['Name']}"
        named = {
            "AWS::DynamoDB::Table": "TableName",
            "AWS::Lambda::Function": "FunctionName",
            "AWS::Logs::LogGroup": "LogGroupName",
            "AWS::CloudWatch::Alarm": "AlarmName",
        }
        if kind in named:
            return self.value(properties[named[kind]])
        if kind == "AWS::ApiGatewayV2::Api":
            return f"api-{self.stack.path.stem}"
        return unique(self.stack.name, name) if kind == "AWS::ApiGatewayV2::Integration" else name

    def _function_arn(self, name: str) -> str:
        return f"arn:aws:lambda:{REGION}:{ACCOUNT}:function:{name}"

    def attribute(self, name: str, attribute: str) -> Any:
        kind = self.template["Resources"][name]["Type"]
        if kind == "AWS::CloudFormation::Stack":
            child = self.children[name]
            output = attribute.removeprefix("Outputs.")
            return child.value(child.template["Outputs"][output]["Value"])
        own = self.ref(name)
        made = {
            ("AWS::DynamoDB::Table", "Arn"): f"arn:aws:dynamodb:{REGION}:{ACCOUNT}:table/{own}",
            ("AWS::DynamoDB::Table", "StreamArn"): f"arn:aws:dynamodb:{REGION}:{ACCOUNT}:table/{own}/stream/label",
            ("AWS::SQS::Queue", "Arn"): f"arn:aws:sqs:{REGION}:{ACCOUNT}:{str(own).rsplit('/', 1)[-1]}",
            ("AWS::SQS::Queue", "QueueName"): str(own).rsplit("/", 1)[-1],
            ("AWS::Logs::LogGroup", "Arn"): f"arn:aws:logs:{REGION}:{ACCOUNT}:log-group:{own}:*",
            ("AWS::Lambda::Function", "Arn"): self._function_arn(str(own)),
            ("AWS::IAM::Role", "Arn"): role_arn(self.stack.name, name),
            ("AWS::ApiGatewayV2::Api", "ApiEndpoint"): f"https://{own}.execute-api.{REGION}.amazonaws.com",
        }
        if kind == "AWS::Lambda::Version":
            return {"Version": "1"}[attribute]
        if (kind, attribute) not in made:
            raise SystemExit(f"{self.stack.name}: {kind} {name} has no attribute {attribute}")
        return made[kind, attribute]


def deployed(stack: Stack, parameters: dict[str, str]) -> Resolver:
    """What these parameters deploy."""
    return Resolver(stack, dict(parameters))
