"""What a function's resources are made of."""

from __future__ import annotations

from cfn import Json, get_att, ref, sub


def camel(name: str) -> str:
    return "".join(part.capitalize() for part in name.split("-"))


def shout(name: str) -> str:
    return name.upper().replace("-", "_")


def secret_name(name: str) -> str:
    return name.lower().replace("_", "-")


def allow(actions: list[str], resource: Json) -> Json:
    one = actions[0] if len(actions) == 1 else actions
    return {"Effect": "Allow", "Action": one, "Resource": resource}


def role(principal: str, statements: list[Json], *, own_account: bool = False) -> Json:
    trust: dict[str, Json] = {
        "Effect": "Allow",
        "Principal": {"Service": principal},
        "Action": "sts:AssumeRole",
    }
    if own_account:
        trust["Condition"] = {"StringEquals": {"aws:SourceAccount": ref("AWS::AccountId")}}
    return {
        "Type": "AWS::IAM::Role",
        "Properties": {
            "AssumeRolePolicyDocument": {"Version": "2012-10-17", "Statement": [trust]},
            "Policies": [
                {"PolicyName": "own", "PolicyDocument": {"Version": "2012-10-17", "Statement": statements}},
            ],
        },
    }


def conditional(resource: Json) -> Json:
    return {"Type": resource["Type"], "Condition": "NotProd", "Properties": resource["Properties"]}


def queue_event(queue: dict[str, Json]) -> Json:
    return {
        "Queue": ref(f"{camel(queue['of'])}QueueArn"),
        "BatchSize": 10,
        "FunctionResponseTypes": ["ReportBatchItemFailures"],
        "ScalingConfig": {"MaximumConcurrency": queue["concurrency"]},
    }


def stream_event(stream: dict[str, Json], dead: str) -> Json:
    return {
        "Stream": ref("TableStreamArn"),
        "StartingPosition": "TRIM_HORIZON",
        "BatchSize": stream.get("batch", 100),
        "FilterCriteria": {"Filters": [{"Pattern": pattern} for pattern in stream["filters"]]},
        "FunctionResponseTypes": ["ReportBatchItemFailures"],
        # A record that cannot be handled is set aside after five tries, it does not hold its shard.
        "MaximumRetryAttempts": 5,
        "MaximumRecordAgeInSeconds": 3600,
        "BisectBatchOnFunctionError": True,
        "ParallelizationFactor": stream.get("parallel", 2),
        "DestinationConfig": {"OnFailure": {"Type": "SQS", "Destination": ref(dead)}},
    }


def schedule_event(expression: str, function: str) -> Json:
    return {
        # No name of its own: two stages in one account must not meet.
        "OmitName": True,
        "ScheduleExpression": expression,
        "ScheduleExpressionTimezone": "UTC",
        "RoleArn": get_att(f"{function}ScheduleRole.Arn"),
        "RetryPolicy": {"MaximumRetryAttempts": 3, "MaximumEventAgeInSeconds": 600},
        "DeadLetterConfig": {"Arn": ref("SchedulesDeadQueueArn")},
    }


def alarm(
    name: str,
    about: str,
    namespace: str,
    metric: str,
    dimensions: list[tuple[str, Json]],
    *,
    statistic: str = "Sum",
    threshold: int = 0,
    period: int = 60,
    periods: int = 1,
    missing: str = "notBreaching",
) -> Json:
    return {
        "Type": "AWS::CloudWatch::Alarm",
        "Properties": {
            "AlarmName": sub(f"${{Stage}}-{name}"),
            "AlarmDescription": about,
            "Namespace": namespace,
            "MetricName": metric,
            "Dimensions": [{"Name": key, "Value": value} for key, value in dimensions],
            "Statistic": statistic,
            "Period": period,
            "EvaluationPeriods": periods,
            "Threshold": threshold,
            "ComparisonOperator": "GreaterThanThreshold",
            "TreatMissingData": missing,
            "AlarmActions": [ref("AlarmTopicArn")],
        },
    }
