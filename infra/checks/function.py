"""One function of infra/functions and the resources it becomes."""

from __future__ import annotations

import re
from typing import Any

from cfn import NO_VALUE, Json, get_att, if_, ref, sub
from parts import alarm, allow, camel, conditional, queue_event, role, schedule_event, secret_name, shout, stream_event

# Made under the name of the sandbox alone: no stage with real money knows it.
SANDBOX_SECRET = "SANDBOX_SECRET"


class Function:
    """One entry of infra/functions and the resources it becomes."""

    KEYS = frozenset(
        "name capability does http queue stream schedule memory timeout reserved canary sandbox table"
        " indexes send inspect secrets".split()
    )

    def __init__(self, entry: dict[str, Any], source: dict[str, Any]) -> None:
        if unknown := set(entry) - self.KEYS:
            raise SystemExit(f"{entry['name']}: unknown keys {sorted(unknown)}")
        self.entry = {**source["defaults"], **entry}
        self.service: str = source["service"]
        self.name: str = entry["name"]
        self.capability: str = entry["capability"]
        self.id = camel(self.name.removeprefix(f"{self.service}-"))
        self.access: dict[str, list[str]] = source.get("access", {})
        self.queues: list[str] = list(source["queues"])
        self.settings: dict[str, str] = source["environment"]
        self.optional: dict[str, str] = source.get("optional", {})

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
        always = [arn for name, arn in arns.items() if self.only_where(name) is None]
        made = [allow(["secretsmanager:GetSecretValue"], always)] if always else []
        for name, arn in arns.items():
            if condition := self.only_where(name):
                made.append(if_(condition, allow(["secretsmanager:GetSecretValue"], arn), NO_VALUE))
        return made

    def only_where(self, secret: str) -> str | None:
        """The condition under which there is such a secret; None for always."""
        if secret in self.optional:
            return f"Has{self.optional[secret]}"
        return "NotProd" if secret == SANDBOX_SECRET and not self.get("sandbox") else None

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
            "SERVICE": self.service,
            "TABLE_NAME": ref("TableName"),
        }
        for queue in self.queues:
            variables[f"{shout(queue)}_QUEUE_URL"] = ref(f"{camel(queue)}QueueUrl")
        for name, parameter in self.settings.items():
            value = ref(parameter)
            variables[name] = if_("NotProd", value, NO_VALUE) if parameter.startswith("Sandbox") else value
        variables["LOG_LEVEL"] = ref("LogLevel")
        for queue in self.get("inspect", []):
            if queue.endswith("-dead"):
                variables[f"{shout(queue.removesuffix('-dead'))}_DLQ_URL"] = ref(f"{camel(queue)}QueueUrl")
        if not self.get("table"):
            # No connection to a table that it does not use.
            variables["WARM_UP"] = "off"
        for name in self.get("secrets", []):
            value = sub(f"${{SecretPrefix}}/{secret_name(name)}")
            condition = self.only_where(name)
            variables[f"{name}_SECRET_ID"] = if_(condition, value, NO_VALUE) if condition else value
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
            own = [("Service", self.service), ("Stage", ref("Stage")), ("Function", self.name)]
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
