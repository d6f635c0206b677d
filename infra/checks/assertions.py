#!/usr/bin/env python3
"""What must hold of the deployed stacks, checked on the translated templates.

An emulator ignores much of this, and some of it shows only when it is too late. Prints the number
of resources of each stack and every finding; fails when there is one.
"""

from __future__ import annotations

import re
import sys
from collections.abc import Callable, Iterator
from typing import Any

from parts import camel
from resolve import Resource
from services import Service, service_of
from services import deployed as deployed_services
from world import World, alarm_on, short

MAX_RESOURCES = 500
SECRETS = re.compile(r"TOKEN|SECRET|PASSWORD|API_KEY")

Finding = str


def sandbox() -> set[str]:
    return {name for service in deployed_services() for name in service.sandbox()}


def concurrency() -> dict[str, str]:
    """Functions whose reserved concurrency is a parameter, with its name."""
    return {
        entry["name"]: f"{camel(entry['name'])}Concurrency"
        for service in deployed_services()
        for entry in service.entries
        if entry.get("reserved")
    }


# --- checks: each yields what is wrong ------------------------------------------------------------


def sizes(world: World) -> Iterator[Finding]:
    for stack in world.root.all():
        if (count := len(stack.template["Resources"])) > MAX_RESOURCES:
            yield f"{stack.name} holds {count} resources"


def api(world: World) -> Iterator[Finding]:
    for stage in world.of("AWS::ApiGatewayV2::Stage"):
        limits = stage.properties.get("DefaultRouteSettings", {})
        if not (int(limits.get("ThrottlingRateLimit", 0)) > 0 and int(limits.get("ThrottlingBurstLimit", 0)) > 0):
            yield f"{stage.name}: the API has no request limits"
        if not stage.properties.get("AccessLogSettings", {}).get("DestinationArn"):
            yield f"{stage.name}: the API has no access log"
        if stage.properties.get("AutoDeploy") is not True:
            yield f"{stage.name}: routes are not deployed by themselves"
    for found in world.of("AWS::ApiGatewayV2::Api"):
        if "CorsConfiguration" in found.properties:
            yield f"{found.name}: CORS belongs to the functions' own layer"


def table(world: World) -> Iterator[Finding]:
    prod = world.stage == "prod"
    for found in world.of("AWS::DynamoDB::Table"):
        own = found.properties
        wanted: dict[str, Any] = {
            "BillingMode": "PAY_PER_REQUEST",
            "DeletionProtectionEnabled": prod,
            "PointInTimeRecoverySpecification": {"PointInTimeRecoveryEnabled": True},
            "SSESpecification": {"SSEEnabled": True},
            "StreamSpecification": {"StreamViewType": "NEW_AND_OLD_IMAGES"},
            "TimeToLiveSpecification": {"AttributeName": "expires_at_s", "Enabled": True},
        }
        for key, value in wanted.items():
            if own.get(key) != value:
                yield f"{found.name}: {key} is {own.get(key)}, not {value}"
        for policy in ("DeletionPolicy", "UpdateReplacePolicy"):
            if not str(found.body.get(policy, "")).startswith("Retain"):
                yield f"{found.name}: {policy} does not retain the table"


def queues(world: World) -> Iterator[Finding]:
    found = {queue.ref.rsplit("/", 1)[-1]: queue for queue in world.of("AWS::SQS::Queue")}
    timeouts = consumer_timeouts(world)
    for name, queue in found.items():
        if queue.properties.get("SqsManagedSseEnabled") is not True:
            yield f"queue {name} is not encrypted"
        if name.endswith("-dead"):
            if not alarm_on(world, "ApproximateNumberOfMessagesVisible", {"QueueName": name}):
                yield f"queue {name} has no alarm on its depth"
            continue
        redrive = queue.properties.get("RedrivePolicy", {})
        dead = redrive.get("deadLetterTargetArn", "").rsplit(":", 1)[-1]
        if dead not in found or int(redrive.get("maxReceiveCount", 0)) < 5:
            yield f"queue {name} has no dead-letter queue after five receives"
        if not alarm_on(world, "ApproximateAgeOfOldestMessage", {"QueueName": name}):
            yield f"queue {name} has no alarm on its age"
        if name not in timeouts:
            yield f"queue {name} has no consumer"
        elif int(queue.properties["VisibilityTimeout"]) < 6 * timeouts[name]:
            yield f"queue {name} shows a message again before six times its consumer's {timeouts[name]} s"


def consumer_timeouts(world: World) -> dict[str, int]:
    by_name = {found.ref: found for found in world.of("AWS::Lambda::Function")}
    return {
        mapping.properties["EventSourceArn"].rsplit(":", 1)[-1]: int(
            by_name[mapping.properties["FunctionName"].split(":")[6]].properties["Timeout"]
        )
        for mapping in world.of("AWS::Lambda::EventSourceMapping")
        if ":sqs:" in mapping.properties["EventSourceArn"]
    }


def mappings(world: World) -> Iterator[Finding]:
    for mapping in world.of("AWS::Lambda::EventSourceMapping"):
        own = mapping.properties
        if own.get("FunctionResponseTypes") != ["ReportBatchItemFailures"]:
            yield f"{mapping.name}: one bad record fails its whole batch"
        if not own["FunctionName"].endswith(":live"):
            yield f"{mapping.name}: does not call the alias"
        if ":sqs:" in own["EventSourceArn"]:
            if int(own.get("ScalingConfig", {}).get("MaximumConcurrency", 0)) < 2:
                yield f"{mapping.name}: concurrency is not bounded"
            continue
        if not 0 < int(own.get("MaximumRetryAttempts", -1)) <= 10:
            yield f"{mapping.name}: a bad record may hold its shard"
        if not 60 <= int(own.get("MaximumRecordAgeInSeconds", -1)) <= 86_400:
            yield f"{mapping.name}: records are tried at any age"
        if own.get("BisectBatchOnFunctionError") is not True:
            yield f"{mapping.name}: a failing batch is not divided"
        if ":sqs:" not in own.get("DestinationConfig", {}).get("OnFailure", {}).get("Destination", ""):
            yield f"{mapping.name}: records given up go nowhere"
        if not own.get("FilterCriteria", {}).get("Filters"):
            yield f"{mapping.name}: reads the whole stream"
        if own.get("StartingPosition") != "TRIM_HORIZON":
            yield f"{mapping.name}: what was written before its creation is lost"


def functions(world: World) -> Iterator[Finding]:
    groups = {found.ref: found for found in world.of("AWS::Logs::LogGroup")}
    routed = {(found.stack, found.name) for found in world.of("AWS::ApiGatewayV2::Route")}
    for name, found in world.functions().items():
        own = found.properties
        if own["FunctionName"] != f"{world.stage}-{name}":
            yield f"{name}: two stages would share the name {own['FunctionName']}"
        if own["Runtime"] != "provided.al2023" or len(own["Architectures"]) != 1:
            yield f"{name}: runtime or architecture"
        group = groups.get(own.get("LoggingConfig", {}).get("LogGroup", ""))
        if group is None or int(group.properties.get("RetentionInDays", 0)) < 1:
            yield f"{name}: logs have no retention of their own"
        if not alarm_on(world, "Errors", {"FunctionName": own["FunctionName"]}):
            yield f"{name}: no alarm on errors"
        if not alarm_on(world, "Throttles", {"FunctionName": own["FunctionName"]}):
            yield f"{name}: no alarm on throttles"
        if (found.stack, f"{found.name.removesuffix('Function')}Route") in routed and not alarm_on(
            world, "failures", {"Service": service_of(name), "Stage": world.stage, "Function": name}
        ):
            yield f"{name}: no alarm on answers of 500 and above"
    for group in groups.values():
        if "RetentionInDays" not in group.properties:
            yield f"{group.name}: logs are kept for ever"


def environments(world: World) -> Iterator[Finding]:
    for name, found in world.functions().items():
        for key, value in found.properties["Environment"]["Variables"].items():
            if SECRETS.search(key) and not key.endswith("_SECRET_ID"):
                yield f"{name}: {key} stands in the configuration"
            if "{{resolve:" in str(value):
                yield f"{name}: {key} would be put into the configuration in plain text"
            if key.endswith("_SECRET_ID") and f"/{world.stage}/" not in str(value):
                yield f"{name}: {key} is not of this stage"
            if "SANDBOX" in key and world.stage == "prod":
                yield f"{name}: {key} in a stage with real money"


def is_sandbox(resource: Resource) -> bool:
    """Does it belong to a function that no stage with real money has?"""
    own = [name.split("-", 1) for name in sandbox()]
    return any(
        resource.stack.startswith(f"{service}/") and resource.name.startswith(camel(rest)) for service, rest in own
    )


def sandboxes(world: World) -> Iterator[Finding]:
    wanted = sandbox()
    present = wanted & set(world.functions())
    if world.stage == "prod":
        named = [found.name for found in world.resources if is_sandbox(found)]
        if present or named:
            yield f"prod has sandbox resources: {sorted(present)} {named}"
    elif present != wanted:
        yield f"sandbox functions are missing: {sorted(wanted - present)}"


def permissions(world: World) -> Iterator[Finding]:
    """Every caller may call what it calls, and each permission is for one route."""
    allowed = {
        (found.properties["FunctionName"], found.properties["SourceArn"].split(":", 5)[5])
        for found in world.of("AWS::Lambda::Permission")
        if found.properties["Principal"] == "apigateway.amazonaws.com"
    }
    integrations = {found.ref: found.properties for found in world.of("AWS::ApiGatewayV2::Integration")}
    used = set()
    for route in world.of("AWS::ApiGatewayV2::Route"):
        key = route.properties["RouteKey"]
        integration = integrations[route.properties["Target"].removeprefix("integrations/")]
        if integration["IntegrationType"] != "AWS_PROXY" or integration["PayloadFormatVersion"] != "2.0":
            yield f"route {key}: integration"
        where = key if key == "$default" else re.sub(r"\{[^}]+\}", "*", key).replace(" ", "", 1)
        used.add((integration["IntegrationUri"], f"{route.properties['ApiId']}/*/{where}"))
    yield from (f"{alias}: the API may not call it for {where}" for alias, where in sorted(used - allowed))
    yield from (f"{alias}: may be called for {where}, which is no route" for alias, where in sorted(allowed - used))


def schedules(world: World) -> Iterator[Finding]:
    roles = {found.arn: found for found in world.of("AWS::IAM::Role")}
    for schedule in world.of("AWS::Scheduler::Schedule"):
        target = schedule.properties["Target"]
        if world.stage not in schedule.properties.get("Name", world.stage):
            yield f"{schedule.name}: two stages would share its name"
        if not target["Arn"].endswith(":live"):
            yield f"{schedule.name}: does not call the alias"
        if "RetryPolicy" not in target or "DeadLetterConfig" not in target:
            yield f"{schedule.name}: an event that is lost is lost silently"
        role = roles.get(target["RoleArn"])
        if role is None or not may(role, "lambda:InvokeFunction", target["Arn"]):
            yield f"{schedule.name}: its role may not call {target['Arn']}"
        elif not may(role, "sqs:SendMessage", target["DeadLetterConfig"]["Arn"]):
            yield f"{schedule.name}: its role may not send to its dead-letter queue"


def statements(role: Resource) -> Iterator[dict[str, Any]]:
    for policy in role.properties.get("Policies", []):
        yield from policy["PolicyDocument"]["Statement"]


def listed(value: Any) -> list[str]:
    return value if isinstance(value, list) else [value]


def may(role: Resource, action: str, resource: str) -> bool:
    return any(
        action in listed(statement["Action"]) and resource in listed(statement["Resource"])
        for statement in statements(role)
    )


def iam(world: World) -> Iterator[Finding]:
    users: dict[str, list[str]] = {}
    for name, found in world.functions().items():
        users.setdefault(found.properties["Role"], []).append(name)
    yield from (f"{', '.join(names)} share a role" for names in users.values() if len(names) > 1)
    for role in world.of("AWS::IAM::Role"):
        # CodeDeploy's own role is made by SAM with the managed policy meant for it.
        if role.properties.get("ManagedPolicyArns") and role.name != "CodeDeployServiceRole":
            yield f"{role.name}: a managed policy allows more than is used"
        for statement in statements(role):
            for action in listed(statement["Action"]):
                if "*" in action or "?" in action:
                    yield f"{role.name}: action {action}"
            for resource in listed(statement["Resource"]):
                if not exact(resource):
                    yield f"{role.name}: resource {resource}"


def exact(resource: str) -> bool:
    """No wildcard but the log streams of one group, and the six characters that Secrets Manager
    ends every secret's ARN with."""
    if resource.startswith("arn:aws:logs:"):
        resource = resource.removesuffix(":*")
    if resource.startswith("arn:aws:secretsmanager:"):
        resource = resource.removesuffix("-??????")
    return "*" not in resource and "?" not in resource


def canaries(world: World) -> Iterator[Finding]:
    groups = {(found.stack, found.name): found for found in world.of("AWS::CodeDeploy::DeploymentGroup")}
    wanted = world.parameters.get("Canary") == "true"
    if not wanted:
        yield from (f"{name}: a deployment group without canaries" for _, name in groups)
        return
    alarms = {found.properties["AlarmName"] for found in world.alarms()}
    routed = {found.properties["IntegrationUri"].split(":")[6] for found in world.of("AWS::ApiGatewayV2::Integration")}
    for alias in world.of("AWS::Lambda::Alias"):
        function = alias.properties["FunctionName"]
        policy = alias.body.get("UpdatePolicy", {}).get("CodeDeployLambdaAliasUpdate", {})
        group = groups.get((alias.stack, policy.get("DeploymentGroupName", {}).get("Ref", "")))
        if short(world, function) in sandbox() or function not in routed:
            continue
        if group is None:
            yield f"{function}: faces users and has no deployment group"
            continue
        watched = {alarm["Name"] for alarm in group.properties.get("AlarmConfiguration", {}).get("Alarms", [])}
        if not {f"{function}-errors", f"{function}-faults"} <= watched & alarms:
            yield f"{function}: its canary watches {sorted(watched)}"
        if "Canary10Percent5Minutes" not in group.properties["DeploymentConfigName"]:
            yield f"{function}: {group.properties['DeploymentConfigName']}"
        if "DEPLOYMENT_STOP_ON_ALARM" not in group.properties["AutoRollbackConfiguration"]["Events"]:
            yield f"{function}: an alarm does not roll back"


def own_metrics(world: World) -> Iterator[Finding]:
    for service in deployed_services():
        own = {"Service": service.name, "Stage": world.stage}
        audit = alarm_on(world, "audit_violations", own)
        if audit is None or float(audit.properties["Threshold"]) != 0:
            yield f"{service.name}: no alarm on audit_violations"
        yield from measured(world, service, own)
    names = [alarm.properties["AlarmName"] for alarm in world.alarms()]
    yield from (f"alarm {name} twice or of no stage" for name in names if names.count(name) > 1)
    yield from (f"alarm {name} is not of this stage" for name in names if not name.startswith(f"{world.stage}-"))


def measured(world: World, service: Service, own: dict[str, str]) -> Iterator[Finding]:
    """What a service measures has an alarm; what it measures as an age rings when nobody reports it."""
    for entry in service.source.get("alarms", {}).values():
        found = alarm_on(world, entry["metric"], own)
        if found is None:
            yield f"{service.name}: no alarm on {entry['metric']}"
        elif entry["metric"].endswith("_age_s") and (
            found.properties["TreatMissingData"] != "breaching" or int(found.properties["Threshold"]) > 7200
        ):
            yield f"{service.name}: the alarm on {entry['metric']} is silent when nobody reports it"


def source(world: World) -> Iterator[Finding]:
    """What infra/functions names is what is deployed."""
    named = {name for service in deployed_services() for name in service.names()}
    if world.stage == "prod":
        named -= sandbox()
    if named != set(world.functions()):
        yield f"functions differ: {sorted(named ^ set(world.functions()))}"


CHECKS: list[Callable[[World], Iterator[Finding]]] = [
    sizes, api, table, queues, mappings, functions, environments, sandboxes, permissions, schedules, iam, canaries,
    own_metrics, source,
]  # fmt: skip


def reserved() -> Iterator[Finding]:
    """A parameter reserves concurrency for its function alone, and nothing when it is 0."""
    money = concurrency()
    numbers = {parameter: str(10 + index) for index, parameter in enumerate(money.values())}
    for parameters in ({}, numbers):
        world = World({"Stage": "test", **parameters})
        for name, found in world.functions().items():
            wanted = parameters.get(money.get(name, ""))
            if (got := found.properties.get("ReservedConcurrentExecutions")) != wanted:
                yield f"{name}: reserved concurrency {got}, not {wanted}"


def architectures() -> Iterator[Finding]:
    world = World({"Stage": "test", "Architecture": "arm64"})
    for name, found in world.functions().items():
        if found.properties["Architectures"] != ["arm64"]:
            yield f"{name}: {found.properties['Architectures']}"


def print_sizes(world: World) -> None:
    for stack in world.root.all():
        print(f"  {stack.name:<22} {len(stack.template['Resources']):>4} of {MAX_RESOURCES} resources")


def main() -> int:
    findings = 0
    for parameters in ({"Stage": "test"}, {"Stage": "prod", "Canary": "true"}):
        world = World(parameters)
        print(f"{' '.join(f'{key}={value}' for key, value in parameters.items())}:")
        print_sizes(world)
        for check in CHECKS:
            for finding in check(world):
                findings += 1
                print(f"  {check.__name__}: {finding}", file=sys.stderr)
    for check_all in (reserved, architectures):
        for finding in check_all():
            findings += 1
            print(f"  {check_all.__name__}: {finding}", file=sys.stderr)
    print(f"{len(CHECKS) + 2} checks, {findings} findings")
    return 1 if findings else 0


if __name__ == "__main__":
    raise SystemExit(main())
