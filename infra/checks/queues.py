"""A service's queues: each with a dead-letter queue, and alarms on age and dead letters."""

from __future__ import annotations

from cfn import Json, get_att, ref, sub
from function import Function
from parts import alarm, camel

KEPT = 345_600
# Dead letters are kept for two weeks.
KEPT_DEAD = 1_209_600
RECEIVES = 5


def queue_resources(service: str, queues: dict[str, Json], functions: list[Function]) -> dict[str, Json]:
    """The queues, then all dead-letter queues."""
    made: dict[str, Json] = {}
    for name, about in queues.items():
        made[f"{camel(name)}Queue"] = queue(service, name, hidden_s(name, functions))
        made[f"{camel(name)}AgeAlarm"] = alarm(
            f"{service}-{name}-age",
            about["says"],
            "AWS/SQS",
            "ApproximateAgeOfOldestMessage",
            [("QueueName", get_att(f"{camel(name)}Queue.QueueName"))],
            statistic="Maximum",
            threshold=about["late"],
            period=300,
        )
    dead = {name: about["dead"] for name, about in queues.items()}
    for function in functions:
        if stream := function.get("stream"):
            dead[function.name.removeprefix(f"{service}-")] = stream["gives_up"]
    dead["schedules"] = "Scheduled jobs that could not be started or failed twice."
    for name, says in dead.items():
        made[f"{camel(name)}DeadQueue"] = dead_queue(service, name)
        made[f"{camel(name)}DeadAlarm"] = alarm(
            f"{service}-{name}-dead",
            says,
            "AWS/SQS",
            "ApproximateNumberOfMessagesVisible",
            [("QueueName", get_att(f"{camel(name)}DeadQueue.QueueName"))],
            statistic="Maximum",
        )
    return made


def hidden_s(name: str, functions: list[Function]) -> int:
    """A message stays hidden six times as long as its consumer may run."""
    timeouts = [f.get("timeout") for f in functions if (f.get("queue") or {}).get("of") == name]
    if len(timeouts) != 1:
        raise SystemExit(f"queue {name} has {len(timeouts)} consumers")
    return int(timeouts[0]) * 6


def queue(service: str, name: str, hidden: int) -> Json:
    return {
        "Type": "AWS::SQS::Queue",
        "Properties": {
            "QueueName": sub(f"${{Stage}}-{service}-{name}"),
            "VisibilityTimeout": hidden,
            "MessageRetentionPeriod": KEPT,
            "SqsManagedSseEnabled": True,
            "RedrivePolicy": {
                "deadLetterTargetArn": get_att(f"{camel(name)}DeadQueue.Arn"),
                "maxReceiveCount": RECEIVES,
            },
        },
    }


def dead_queue(service: str, name: str) -> Json:
    return {
        "Type": "AWS::SQS::Queue",
        "Properties": {
            "QueueName": sub(f"${{Stage}}-{service}-{name}-dead"),
            "MessageRetentionPeriod": KEPT_DEAD,
            "SqsManagedSseEnabled": True,
        },
    }


def parameters(service: str, queues: dict[str, Json], functions: list[Function]) -> list[str]:
    """What a capability's stack may be told of them."""
    made: list[str] = []
    for name in queues:
        made += [f"{camel(name)}{kind}" for kind in ("QueueUrl", "QueueArn", "DeadQueueUrl", "DeadQueueArn")]
    made += [f"{function.id}DeadQueueArn" for function in functions if function.get("stream")]
    return [*made, "SchedulesDeadQueueArn"]
