#!/usr/bin/env python3
"""Writes infra/club/*.yaml and the nested stacks of infra/club.yaml from infra/functions.yaml.

generate.py            writes
generate.py --check    fails when a committed file differs
"""

from __future__ import annotations

import re
import sys
from pathlib import Path
from typing import Any

import yaml

from cfn import INFRA, NO_VALUE, Json, Tag, dump, get_att, if_, nodes, ref, sub
from parts import alarm, allow, camel, conditional, queue_event, role, schedule_event, secret_name, stream_event

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
# Made under the name of the sandbox alone: no stage with real money knows it.
SANDBOX_SECRET = "SANDBOX_SECRET"


class Function:
    """One entry of functions.yaml and the resources it becomes."""

    def __init__(self, entry: dict[str, Any], defaults: dict[str, Any], access: dict[str, list[str]]) -> None:
        known = {
            "name",
            "capability",
            "does",
            "http",
            "queue",
            "stream",
            "schedule",
            "memory",
            "timeout",
            "reserved",
            "canary",
            "sandbox",
            "table",
            "indexes",
            "send",
            "inspect",
            "secrets",
        }
        if unknown := set(entry) - known:
            raise SystemExit(f"{entry['name']}: unknown keys {sorted(unknown)}")
        self.entry = {**defaults, **entry}
        self.name: str = entry["name"]
        self.capability: str = entry["capability"]
        self.id = camel(self.name.removeprefix("club-"))
        self.access = access

    def get(self, key: str, default: Json = None) -> Json:
        return self.entry.get(key, default)

    # --- what it may do -----------------------------------------------------------------

    def statements(self) -> list[Json]:
        made = [
            allow(["logs:CreateLogStream", "logs:PutLogEvents"], get_att(f"{self.id}LogGroup.Arn")),
        ]
        if actions := self.table_actions():
            made.append(allow([f"dynamodb:{action}" for action in actions], ref("TableArn")))
        for index, actions in self.get("indexes", {}).items():
            made.append(allow([f"dynamodb:{action}" for action in actions], sub(f"${{TableArn}}/index/{index}")))
        made += self.source_statements()
        for queue in self.get("send", []):
            made.append(allow(["sqs:SendMessage"], ref(f"{camel(queue)}QueueArn")))
        if queues := self.get("inspect", []):
            made.append(allow(["sqs:GetQueueAttributes"], [ref(f"{camel(queue)}QueueArn") for queue in queues]))
        made += self.secret_statements()
        return made

    def table_actions(self) -> list[str]:
        actions: list[str] = []
        for item in self.get("table", []):
            actions += self.access.get(item, [item])
        return sorted(set(actions))

    def source_statements(self) -> list[Json]:
        if queue := self.get("queue"):
            receive = ["sqs:ReceiveMessage", "sqs:DeleteMessage", "sqs:GetQueueAttributes"]
            return [allow(receive, ref(f"{camel(queue['of'])}QueueArn"))]
        if self.get("stream"):
            read = ["GetRecords", "GetShardIterator", "DescribeStream", "ListStreams"]
            return [
                allow([f"dynamodb:{action}" for action in read], ref("TableStreamArn")),
                allow(["sqs:SendMessage"], ref(f"{self.id}DeadQueueArn")),
            ]
        if self.get("schedule"):
            return [allow(["sqs:SendMessage"], ref("SchedulesDeadQueueArn"))]
        return []

    def secret_statements(self) -> list[Json]:
        secrets = self.get("secrets", [])
        # Secrets Manager ends the ARN of a named secret with a hyphen and six characters of its own.
        arns = {
            name: sub(
                "arn:${AWS::Partition}:secretsmanager:${AWS::Region}:${AWS::AccountId}:secret:"
                f"${{SecretPrefix}}/{secret_name(name)}-??????"
            )
            for name in secrets
        }
        real = [arn for name, arn in arns.items() if name != SANDBOX_SECRET]
        made = [allow(["secretsmanager:GetSecretValue"], real)] if real else []
        if SANDBOX_SECRET in arns:
            statement = allow(["secretsmanager:GetSecretValue"], arns[SANDBOX_SECRET])
            made.append(statement if self.get("sandbox") else if_("NotProd", statement, NO_VALUE))
        return made

    # --- what it is ---------------------------------------------------------------------

    def resources(self) -> dict[str, Json]:
        made = {
            f"{self.id}Function": self.function(),
            f"{self.id}Role": role("lambda.amazonaws.com", self.statements()),
            f"{self.id}LogGroup": {
                "Type": "AWS::Logs::LogGroup",
                "Properties": {
                    "LogGroupName": sub(f"/aws/lambda/${{Stage}}-{self.name}"),
                    "RetentionInDays": ref("LogRetentionDays"),
                },
            },
            **self.alarms(),
        }
        if self.get("http"):
            made |= self.route()
        if self.get("schedule"):
            invoke = allow(["lambda:InvokeFunction"], ref(f"{self.id}Function.Alias"))
            dead = allow(["sqs:SendMessage"], ref("SchedulesDeadQueueArn"))
            made[f"{self.id}ScheduleRole"] = role("scheduler.amazonaws.com", [invoke, dead], own_account=True)
        if self.get("sandbox"):
            made = {name: conditional(body) for name, body in made.items()}
        return made

    def function(self) -> Json:
        properties: dict[str, Json] = {
            "FunctionName": sub(f"${{Stage}}-{self.name}"),
            "Description": self.get("does"),
            "CodeUri": f"../../target/lambda/{self.name}/",
            "Runtime": "provided.al2023",
            "Handler": "bootstrap",
            "Architectures": [ref("Architecture")],
            "MemorySize": self.get("memory"),
            "Timeout": self.get("timeout"),
            "Role": get_att(f"{self.id}Role.Arn"),
            "LoggingConfig": {"LogFormat": "JSON", "LogGroup": ref(f"{self.id}LogGroup")},
            "Environment": {"Variables": self.environment()},
            "AutoPublishAlias": "live",
            "AutoPublishAliasAllProperties": True,
            "AutoPublishCodeSha256": ref("Release"),
        }
        if self.get("reserved"):
            name = f"{self.id}Concurrency"
            properties["ReservedConcurrentExecutions"] = if_(f"Has{name}", ref(name), NO_VALUE)
        if self.get("canary"):
            properties["DeploymentPreference"] = {
                "Enabled": ref("Canary"),
                "Type": "Canary10Percent5Minutes",
                "Alarms": [ref(f"{self.id}ErrorAlarm"), ref(f"{self.id}FaultAlarm")],
            }
        if self.get("schedule"):
            properties["EventInvokeConfig"] = {
                "MaximumRetryAttempts": 1,
                "MaximumEventAgeInSeconds": 900,
                "DestinationConfig": {"OnFailure": {"Type": "SQS", "Destination": ref("SchedulesDeadQueueArn")}},
            }
        if events := self.events():
            properties["Events"] = events
        return {"Type": "AWS::Serverless::Function", "Properties": properties}

    def environment(self) -> dict[str, Json]:
        variables: dict[str, Json] = {
            "STAGE": ref("Stage"),
            "SERVICE": "club",
            "TABLE_NAME": ref("TableName"),
            "PAYMENT_CHECKS_QUEUE_URL": ref("PaymentChecksQueueUrl"),
            "OUTBOX_QUEUE_URL": ref("OutboxQueueUrl"),
            "CORS_ORIGIN": ref("CorsOrigin"),
            "TELEGRAM_API_URL": ref("TelegramApiUrl"),
            "SANDBOX_PROVIDER_URL": if_("NotProd", ref("SandboxProviderUrl"), NO_VALUE),
            "PUBLIC_URL": ref("PublicUrl"),
            "BOT_USERNAME": ref("BotUsername"),
            "PAYMENT_CHECKS": ref("PaymentChecks"),
            "PAYMENT_CHECK_INTERVAL_S": ref("PaymentCheckIntervalSeconds"),
            "LOG_LEVEL": ref("LogLevel"),
        }
        for queue in self.get("inspect", []):
            if queue.endswith("-dead"):
                name = queue.removesuffix("-dead").upper().replace("-", "_")
                variables[f"{name}_DLQ_URL"] = ref(f"{camel(queue)}QueueUrl")
        if not self.get("table"):
            # No connection to a table that it does not use.
            variables["WARM_UP"] = "off"
        for name in self.get("secrets", []):
            value = sub(f"${{SecretPrefix}}/{secret_name(name)}")
            sandbox = name == SANDBOX_SECRET and not self.get("sandbox")
            variables[f"{name}_SECRET_ID"] = if_("NotProd", value, NO_VALUE) if sandbox else value
        return variables

    def events(self) -> dict[str, Json]:
        if queue := self.get("queue"):
            return {"Queue": {"Type": "SQS", "Properties": queue_event(queue)}}
        if stream := self.get("stream"):
            return {"Stream": {"Type": "DynamoDB", "Properties": stream_event(stream, f"{self.id}DeadQueueArn")}}
        if expression := self.get("schedule"):
            return {"Schedule": {"Type": "ScheduleV2", "Properties": schedule_event(expression, self.id)}}
        return {}

    def route(self) -> dict[str, Json]:
        key: str = self.get("http")
        where = key if key == "$default" else re.sub(r"\{[^}]+\}", "*", key).replace(" ", "", 1)
        return {
            f"{self.id}Integration": {
                "Type": "AWS::ApiGatewayV2::Integration",
                "Properties": {
                    "ApiId": ref("ApiId"),
                    "IntegrationType": "AWS_PROXY",
                    "IntegrationUri": ref(f"{self.id}Function.Alias"),
                    "PayloadFormatVersion": "2.0",
                    "TimeoutInMillis": min(30_000, self.get("timeout") * 1000 + 1000),
                },
            },
            f"{self.id}Route": {
                "Type": "AWS::ApiGatewayV2::Route",
                "Properties": {
                    "ApiId": ref("ApiId"),
                    "RouteKey": key,
                    "AuthorizationType": "NONE",
                    "Target": sub(f"integrations/${{{self.id}Integration}}"),
                },
            },
            f"{self.id}Permission": {
                "Type": "AWS::Lambda::Permission",
                "Properties": {
                    "Action": "lambda:InvokeFunction",
                    "FunctionName": ref(f"{self.id}Function.Alias"),
                    "Principal": "apigateway.amazonaws.com",
                    "SourceArn": sub(
                        "arn:${AWS::Partition}:execute-api:${AWS::Region}:${AWS::AccountId}:${ApiId}/*/" + where
                    ),
                },
            },
        }

    def alarms(self) -> dict[str, Json]:
        function = f"{self.id}Function"
        alias = [("FunctionName", ref(function)), ("Resource", sub(f"${{{function}}}:live"))]
        by_name = [("FunctionName", ref(function))]
        made = {
            f"{self.id}ErrorAlarm": alarm(
                f"{self.name}-errors", "Calls that failed or ran out of time.", "AWS/Lambda", "Errors", alias
            ),
            f"{self.id}ThrottleAlarm": alarm(
                f"{self.name}-throttles", "Calls refused for want of concurrency.", "AWS/Lambda", "Throttles", by_name
            ),
        }
        if self.get("http"):
            # An answer of 500 is no failed call to Lambda; the function counts it itself.
            own = [("Service", "club"), ("Stage", ref("Stage")), ("Function", self.name)]
            made[f"{self.id}FaultAlarm"] = alarm(
                f"{self.name}-faults", "Answers of 500 and above.", "Tamga", "failures", own
            )
        if self.get("stream"):
            made[f"{self.id}AgeAlarm"] = alarm(
                f"{self.name}-age",
                "The change stream is read ten minutes late.",
                "AWS/Lambda",
                "IteratorAge",
                alias,
                statistic="Maximum",
                threshold=600_000,
                period=300,
            )
        return made


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
