"""Everything that one set of parameters deploys."""

from __future__ import annotations

from resolve import Resource, deployed
from translate import translate


class World:
    """Everything that one set of parameters deploys."""

    def __init__(self, parameters: dict[str, str]) -> None:
        self.parameters = parameters
        self.stage = parameters["Stage"]
        self.root = translate(parameters)
        self.resources = deployed(self.root, parameters).everything()

    def of(self, kind: str) -> list[Resource]:
        return [resource for resource in self.resources if resource.kind == kind]

    def functions(self) -> dict[str, Resource]:
        """By the name they are declared under, without the stage."""
        return {short(self, found.ref): found for found in self.of("AWS::Lambda::Function")}

    def alarms(self) -> list[Resource]:
        return self.of("AWS::CloudWatch::Alarm")


def short(world: World, name: str) -> str:
    return name.removeprefix(f"{world.stage}-")


def alarm_on(world: World, metric: str, dimensions: dict[str, str]) -> Resource | None:
    """The alarm on a metric; it must have somewhere to go."""
    for alarm in world.alarms():
        own = {item["Name"]: item["Value"] for item in alarm.properties["Dimensions"]}
        if alarm.properties["MetricName"] == metric and own.items() >= dimensions.items():
            return alarm if alarm.properties.get("AlarmActions") else None
    return None
