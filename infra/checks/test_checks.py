"""Every assertion finds what it is there for: the templates are broken, one thing at a time."""

from __future__ import annotations

import copy
import unittest
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import cache
from typing import Any

import assertions
import generate
import routes
from resolve import deployed
from world import World

Resources = dict[str, dict[str, Any]]
Change = Callable[[Resources], Any]

TEST = {"Stage": "test"}
PROD = {"Stage": "prod", "Canary": "true"}


@cache
def _of_stage(stage: str) -> World:
    return World(TEST if stage == "test" else PROD)


def original(parameters: dict[str, str]) -> World:
    return _of_stage(parameters["Stage"])


@contextmanager
def changed(parameters: dict[str, str], stack: str, change: Change) -> Iterator[World]:
    """The translated stacks with a change of one template's resources."""
    world = copy.copy(original(parameters))
    found = next(below for below in world.root.all() if below.name == stack)
    kept, found.template = found.template, copy.deepcopy(found.template)
    try:
        change(found.template["Resources"])
        yield world
    finally:
        found.template = kept


def put(name: str, *path: Any) -> Change:
    """Sets a property: the last of `path` is the value."""

    def change(resources: Resources) -> None:
        place: Any = resources[name]["Properties"]
        for key in path[:-2]:
            place = place[key]
        place[path[-2]] = path[-1]

    return change


def drop(name: str, *path: Any) -> Change:
    """Removes a property, or the whole resource."""

    def change(resources: Resources) -> None:
        if not path:
            del resources[name]
            return
        place: Any = resources[name]["Properties"]
        for key in path[:-1]:
            place = place[key]
        del place[path[-1]]

    return change


OWN = ("Policies", 0, "PolicyDocument", "Statement")
CASES: list[tuple[Any, dict[str, str], str, Change]] = [
    (assertions.api, TEST, "club.yaml", drop("ApiStage", "DefaultRouteSettings", "ThrottlingRateLimit")),
    (assertions.api, TEST, "club.yaml", drop("ApiStage", "AccessLogSettings")),
    (assertions.api, TEST, "club.yaml", put("HttpApi", "CorsConfiguration", {})),
    (assertions.table, TEST, "club.yaml", drop("Table", "TimeToLiveSpecification")),
    (assertions.table, TEST, "club.yaml", drop("Table", "PointInTimeRecoverySpecification")),
    (assertions.table, PROD, "club.yaml", put("Table", "DeletionProtectionEnabled", False)),
    (assertions.table, PROD, "club.yaml", lambda r: r["Table"].pop("DeletionPolicy")),
    (assertions.queues, TEST, "club.yaml", put("OutboxQueue", "VisibilityTimeout", 179)),
    (assertions.queues, TEST, "club.yaml", drop("OutboxQueue", "RedrivePolicy")),
    (assertions.queues, TEST, "club.yaml", put("OutboxQueue", "RedrivePolicy", "maxReceiveCount", 4)),
    (assertions.queues, TEST, "club.yaml", drop("SchedulesDeadAlarm")),
    (assertions.queues, TEST, "club.yaml", drop("OutboxAgeAlarm")),
    (assertions.mappings, TEST, "club/outbox.yaml", drop("OutboxDeliverFunctionQueue", "ScalingConfig")),
    (assertions.mappings, TEST, "club/outbox.yaml", drop("OutboxDeliverFunctionQueue", "FunctionResponseTypes")),
    (assertions.mappings, TEST, "club/outbox.yaml", put("OutboxRelayFunctionStream", "MaximumRetryAttempts", -1)),
    (assertions.mappings, TEST, "club/outbox.yaml", drop("OutboxRelayFunctionStream", "MaximumRecordAgeInSeconds")),
    (assertions.mappings, TEST, "club/outbox.yaml", drop("OutboxRelayFunctionStream", "BisectBatchOnFunctionError")),
    (assertions.mappings, TEST, "club/outbox.yaml", drop("OutboxRelayFunctionStream", "DestinationConfig")),
    (assertions.mappings, TEST, "club/outbox.yaml", drop("OutboxRelayFunctionStream", "FilterCriteria")),
    (assertions.functions, TEST, "club/auth.yaml", drop("AuthMeLogGroup", "RetentionInDays")),
    (assertions.functions, TEST, "club/auth.yaml", put("AuthMeFunction", "FunctionName", "club-auth-me")),
    (assertions.functions, TEST, "club/auth.yaml", drop("AuthMeErrorAlarm")),
    (assertions.functions, TEST, "club/auth.yaml", drop("AuthMeThrottleAlarm")),
    (assertions.functions, TEST, "club/auth.yaml", drop("AuthMeFaultAlarm")),
    (assertions.functions, TEST, "club/auth.yaml", drop("AuthMeErrorAlarm", "AlarmActions")),
    (assertions.environments, TEST, "club/auth.yaml",
     put("AuthMeFunction", "Environment", "Variables", "JWT_SECRET", "plain")),
    (assertions.environments, TEST, "club/auth.yaml",
     put("AuthMeFunction", "Environment", "Variables", "X", "{{resolve:secretsmanager:x}}")),
    (assertions.environments, PROD, "club/payments.yaml",
     put("PaymentsLinkFunction", "Environment", "Variables", "SANDBOX_PROVIDER_URL", "x")),
    (assertions.sandboxes, PROD, "club/payments.yaml", lambda r: r["PaymentsSandboxStateRole"].pop("Condition")),
    (assertions.sandboxes, TEST, "club/payments.yaml", drop("PaymentsSandboxStateFunction")),
    (assertions.permissions, TEST, "club/auth.yaml", drop("AuthMePermission")),
    (assertions.permissions, TEST, "club/auth.yaml", put("AuthMeRoute", "RouteKey", "POST /api/v1/auth/me")),
    (assertions.permissions, TEST, "club/auth.yaml", put("AuthMeIntegration", "PayloadFormatVersion", "1.0")),
    (assertions.schedules, TEST, "club/outbox.yaml", put("OutboxSweepFunctionSchedule", "Name", "sweep")),
    (assertions.schedules, TEST, "club/outbox.yaml", drop("OutboxSweepScheduleRole", *OWN, 0)),
    (assertions.schedules, TEST, "club/outbox.yaml", drop("OutboxSweepScheduleRole", *OWN, 1)),
    (assertions.schedules, TEST, "club/outbox.yaml", drop("OutboxSweepFunctionSchedule", "Target", "RetryPolicy")),
    (assertions.iam, TEST, "club/auth.yaml", put("AuthMeRole", *OWN, 1, "Action", "dynamodb:*")),
    (assertions.iam, TEST, "club/auth.yaml", put("AuthMeRole", *OWN, 1, "Resource", "*")),
    (assertions.iam, TEST, "club/auth.yaml",
     put("AuthMeFunction", "Role", {"Fn::GetAtt": ["AuthRefreshRole", "Arn"]})),
    (assertions.iam, TEST, "club/auth.yaml", put("AuthMeRole", "ManagedPolicyArns", ["arn:aws:iam::aws:policy/x"])),
    (assertions.canaries, PROD, "club/auth.yaml", lambda r: r["AuthMeFunctionAliaslive"].pop("UpdatePolicy")),
    (assertions.canaries, PROD, "club/auth.yaml",
     put("AuthMeFunctionDeploymentGroup", "AlarmConfiguration", "Alarms", [])),
    (assertions.canaries, PROD, "club/auth.yaml", put("AuthMeFaultAlarm", "AlarmName", "x")),
    (assertions.own_metrics, TEST, "club/energies.yaml", drop("AuditAlarm")),
    (assertions.own_metrics, TEST, "club/ratings.yaml", put("RatingsAgeAlarm", "TreatMissingData", "missing")),
    (assertions.own_metrics, TEST, "club/auth.yaml", put("AuthMeErrorAlarm", "AlarmName", "test-club-audit")),
    (assertions.source, TEST, "club/auth.yaml", drop("AuthMeFunction")),
]  # fmt: skip


class Assertions(unittest.TestCase):
    def test_nothing_is_found_as_it_stands(self) -> None:
        for parameters in (TEST, PROD):
            for check in assertions.CHECKS:
                self.assertEqual([], list(check(original(parameters))), check.__name__)

    def test_what_is_broken_is_found(self) -> None:
        for number, (check, parameters, stack, change) in enumerate(CASES):
            with self.subTest(number=number, check=check.__name__):
                self.assertNotEqual([], findings(check, parameters, stack, change))

    def test_a_stack_may_not_outgrow_its_limit(self) -> None:
        def grow(resources: Resources) -> None:
            resources |= {f"Topic{number}": resources["AlarmTopic"] for number in range(500)}

        with changed(TEST, "template.yaml", grow) as world:
            found = list(assertions.sizes(world))
            self.assertEqual(1, len(found))
            self.assertRegex(found[0], r"^template\.yaml holds 50\d resources$")

    def test_every_check_has_a_case(self) -> None:
        covered = {case[0].__name__ for case in CASES} | {"sizes"}
        self.assertEqual({check.__name__ for check in assertions.CHECKS}, covered)


def findings(check: Any, parameters: dict[str, str], stack: str, change: Change) -> list[str]:
    with changed(parameters, stack, change) as world:
        try:
            world.resources = deployed(world.root, parameters).everything()
            return list(check(world))
        except (KeyError, SystemExit) as refusal:
            # A reference into nothing is found by working it out.
            return [str(refusal)]


class Routes(unittest.TestCase):
    def declarations(self) -> list[dict[str, Any]]:
        made: dict[str, dict[str, Any]] = {}
        for name, what, which in routes.deployed_facts():
            entry = made.setdefault(name, {"name": name, "secrets": [], "filters": []})
            if what == "route":
                method, _, path = which.rpartition(" ")
                entry |= {"method": method or "GET", "path": path}
            elif what == "secret":
                entry["secrets"].append(which)
            elif what == "changes of":
                entry["filters"].append(which)
            elif what == "sandbox":
                entry["sandbox"] = True
            else:
                entry[what] = which
        return list(made.values())

    def test_equal_sets_have_no_differences(self) -> None:
        self.assertEqual([], routes.differences(self.declarations(), routes.deployed_facts()))

    def test_every_difference_is_named(self) -> None:
        deployed = routes.deployed_facts()
        changes: list[tuple[str, str, Any]] = [
            ("club-auth-me", "path", "/api/v1/auth/you"),
            ("club-auth-me", "method", "POST"),
            ("club-auth-me", "secrets", []),
            ("club-payments-check", "queue", "outbox"),
            ("club-payments-sweep", "schedule", "rate(5 minutes)"),
            ("club-outbox-relay", "filters", ["Member"]),
            ("club-payments-sandbox-state", "sandbox", False),
            ("club-health", "name", "club-wealth"),
        ]
        for name, key, value in changes:
            declarations = self.declarations()
            next(entry for entry in declarations if entry["name"] == name)[key] = value
            with self.subTest(name=name, key=key):
                self.assertNotEqual([], routes.differences(declarations, deployed))


class Generated(unittest.TestCase):
    def test_the_committed_files_are_what_functions_yaml_makes(self) -> None:
        for path, text in generate.files().items():
            self.assertEqual(text, path.read_text(encoding="utf-8"), path.name)


if __name__ == "__main__":
    unittest.main()
