"""The steps of infra/deploy-check."""

from __future__ import annotations

import argparse
import io
import json
import os
import secrets as randomness
import signal
import subprocess
import sys
import time
import zipfile
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import boto3
from botocore.config import Config

import walk_club
import walk_errands
from assertions import MAX_RESOURCES
from cfn import ROOT, rewrite
from parts import camel, secret_name
from place import Api, Place
from processes import Door, Emulator, Failure, Sandboxes, wait_for, working_folder
from services import Service, deployed
from translate import REGION, Stack, translate

BUCKET = "tamga-deploy-check"
ACCOUNT = "000000000000"
STAGE = "test"
# What the walks of the services need, in the parameters of the whole.
PARAMETERS = {"club": walk_club.PARAMETERS, "errands": walk_errands.PARAMETERS}
# Every service's sandboxes need these, whatever its functions read.
SANDBOX_SECRETS = {"TELEGRAM_BOT_TOKEN", "TELEGRAM_WEBHOOK_SECRET", "SANDBOX_SECRET"}

Json = Any


def step(text: str) -> None:
    print(f"{time.strftime('%H:%M:%S')}  {text}", flush=True)


class Cloud:
    """The emulator by its own clients."""

    def __init__(self, emulator: Emulator) -> None:
        session = boto3.Session(aws_access_key_id="test", aws_secret_access_key="test", region_name=REGION)
        config = Config(retries={"max_attempts": 1}, read_timeout=120, s3={"addressing_style": "path"})

        def client(name: str) -> Any:
            return session.client(name, endpoint_url=emulator.url, config=config)

        self.url = emulator.url
        self.cloudformation = client("cloudformation")
        self.functions = client("lambda")
        self.s3 = client("s3")
        self.secrets = client("secretsmanager")
        self.logs = client("logs")

    def invoke(self, name: str, event: Json) -> Json:
        answer = self.functions.invoke(
            FunctionName=f"{STAGE}-{name}", Qualifier="live", Payload=json.dumps(event).encode()
        )
        payload = answer["Payload"].read().decode()
        if answer.get("FunctionError"):
            raise Failure(f"{name}: {payload}")
        return json.loads(payload or "null")

    def said(self) -> dict[str, list[str]]:
        """What each function logged."""
        groups = self.logs.describe_log_groups(logGroupNamePrefix=f"/aws/lambda/{STAGE}-")["logGroups"]
        lines: dict[str, list[str]] = {}
        for name in (group["logGroupName"] for group in groups):
            events = self.logs.filter_log_events(logGroupName=name)["events"]
            lines[name.rsplit("/", 1)[-1]] = [event["message"].rstrip() for event in events]
        return lines

    def last_words(self) -> str:
        """The end of it, warnings and errors first of all."""
        words: list[str] = []
        for name, lines in self.said().items():
            loud = [line for line in lines if '"ERROR"' in line or '"WARN"' in line or "panicked" in line]
            words += [f"{name}: {line}" for line in (loud or lines)[-3:]]
        return "\n".join(words)

    def denied(self) -> list[str]:
        """What a role did not allow: a retry may have hidden it from callers."""
        return [
            f"{name}: {line}"
            for name, lines in self.said().items()
            for line in lines
            if "AccessDenied" in line or "not authorized to perform" in line
        ]


def zipped(folder: Path, *, empty: bool, level: int = 6) -> bytes:
    """A function's zip: its bootstrap, and nothing else."""
    bootstrap = folder / "bootstrap"
    if not empty and not bootstrap.exists():
        raise Failure(f"{bootstrap.relative_to(ROOT)} is missing: run infra/checks/build")
    content = b"#!/bin/sh\nexit 1\n" if empty else bootstrap.read_bytes()
    packed = io.BytesIO()
    with zipfile.ZipFile(packed, "w", zipfile.ZIP_DEFLATED, compresslevel=level) as archive:
        entry = zipfile.ZipInfo("bootstrap")
        entry.external_attr = 0o755 << 16
        entry.compress_type = zipfile.ZIP_DEFLATED
        archive.writestr(entry, content)
    return packed.getvalue()


def with_batches(template: Any) -> Any:
    """The one thing that is changed for the emulator: it asks for an action of its own,
    sqs:SendMessageBatch, where AWS has batches allowed by sqs:SendMessage and knows no other."""

    def allowed(node: Json) -> Json:
        if isinstance(node, dict) and node.get("Action") == "sqs:SendMessage":
            return {**node, "Action": ["sqs:SendMessage", "sqs:SendMessageBatch"]}
        return node

    return rewrite(template, allowed)


def upload(cloud: Cloud, parameters: dict[str, str], *, empty: bool) -> tuple[Stack, int]:
    """Puts zips and nested templates into the bucket; the number of bytes of all zips."""
    cloud.s3.create_bucket(Bucket=BUCKET)
    sizes: dict[str, int] = {}

    def code(folder: Path) -> str:
        # Nobody downloads it: quickly is better than small.
        content = zipped(folder, empty=empty, level=1)
        sizes[folder.name] = len(content)
        cloud.s3.put_object(Bucket=BUCKET, Key=f"code/{folder.name}.zip", Body=content)
        return f"s3://{BUCKET}/code/{folder.name}.zip"

    def place(path: Path, text: str) -> str:
        key = f"templates/{path.parent.name}-{path.stem}.json"
        cloud.s3.put_object(Bucket=BUCKET, Key=key, Body=text.encode())
        return f"{cloud.url}/{BUCKET}/{key}"

    root = translate(parameters, code, place, with_batches)
    return root, sum(sizes.values())


def create(cloud: Cloud, root: Stack, parameters: dict[str, str]) -> dict[str, str]:
    """Creates the whole stack; its outputs."""
    cloud.cloudformation.create_stack(
        StackName=f"tamga-{STAGE}",
        TemplateBody=root.text(),
        Parameters=[{"ParameterKey": key, "ParameterValue": value} for key, value in parameters.items()],
        Capabilities=["CAPABILITY_IAM", "CAPABILITY_AUTO_EXPAND"],
    )

    def finished() -> Json:
        stack = cloud.cloudformation.describe_stacks(StackName=f"tamga-{STAGE}")["Stacks"][0]
        return None if stack["StackStatus"].endswith("_IN_PROGRESS") else stack

    stack = wait_for("the stacks", 120, finished)
    stacks = cloud.cloudformation.describe_stacks()["Stacks"]
    if any(found["StackStatus"] != "CREATE_COMPLETE" for found in stacks):
        raise Failure("\n".join(failures(cloud, [found["StackName"] for found in stacks])))
    step(f"{len(stacks)} stacks on three levels: CREATE_COMPLETE")
    return {output["OutputKey"]: output["OutputValue"] for output in stack["Outputs"]}


def failures(cloud: Cloud, names: list[str]) -> list[str]:
    return [
        f"{name} {event['LogicalResourceId']}: {event['ResourceStatus']} {event.get('ResourceStatusReason', '')}"
        for name in names
        for event in cloud.cloudformation.describe_stack_events(StackName=name)["StackEvents"]
        if "FAILED" in event["ResourceStatus"] or "ROLLBACK" in event["ResourceStatus"]
    ]


def make_secrets(cloud: Cloud, service: Service, bot_id: int) -> dict[str, str]:
    """Secrets of this run alone, under the names the templates give."""
    made = {name: randomness.token_hex(32) for name in sorted(SANDBOX_SECRETS | set(service.secrets()))}
    made["TELEGRAM_BOT_TOKEN"] = f"{bot_id}:{randomness.token_hex(16)}"
    for name, value in made.items():
        path = f"tamga/{STAGE}/{service.name}/{secret_name(name)}"
        cloud.secrets.create_secret(Name=path, SecretString=value)
    return made


def run_command(command: str, environment: dict[str, str]) -> None:
    step(f"running: {command}")
    code = subprocess.call(command, shell=True, cwd=ROOT, env={**os.environ, **environment})
    if code != 0:
        raise Failure(f"{command}: ended with {code}")


def check(options: argparse.Namespace, cleanup: ExitStack) -> None:
    folder = Path(cleanup.enter_context(working_folder()))
    emulator = Emulator(folder)
    cleanup.callback(emulator.stop)
    cloud = Cloud(emulator)
    step(f"emulator with IAM enforced at {emulator.url}")
    services = deployed()
    secrets = {s.name: make_secrets(cloud, s, 7_000_000_001 + number) for number, s in enumerate(services)}
    step(f"{sum(map(len, secrets.values()))} secrets stored")
    parameters = {"Stage": STAGE}
    for service in services:
        parameters |= PARAMETERS.get(service.name, {})
    sandboxes = None
    if not options.templates_only:
        sandboxes = Sandboxes(folder, secrets)
        cleanup.callback(sandboxes.stop)
        step(f"sandboxes at {sandboxes.url}")
        parameters["TelegramApiUrl"] = f"{sandboxes.url}/_local/sandbox/telegram"
        for service in services:
            url = f"{sandboxes.url}/_local/sandbox/provider/{service.name}"
            parameters[f"{camel(service.name)}SandboxProviderUrl"] = url
        parameters["ErrandsSandboxCryptoPayApiUrl"] = f"{sandboxes.url}/_local/sandbox/crypto-pay"
    root, size = upload(cloud, parameters, empty=options.templates_only)
    step(f"templates translated and uploaded, {size / 1e6:.1f} MB of zips")
    for stack in root.all():
        step(f"  {stack.name:<22} {len(stack.template['Resources']):>4} of {MAX_RESOURCES} resources")
    outputs = create(cloud, root, parameters)
    for service in services:
        own = camel(service.name)
        step(f"{service.name}: API {outputs[f'{own}ApiId']}, table {outputs[f'{own}TableName']}")
    if sandboxes is None:
        return

    hosts = {s.name: f"{outputs[f'{camel(s.name)}ApiId']}.execute-api.localhost:{emulator.port}" for s in services}
    try:
        for name, host in hosts.items():
            walk(Place(Api(emulator.port, host), secrets[name], sandboxes.url, cloud.invoke, step), name)
        if denied := cloud.denied():
            raise Failure("\n".join(["a role allows too little", *denied]))
    except Failure:
        # What the functions said last is the first thing to read.
        print(f"{cloud.last_words()}\n{emulator.text()[-2000:]}", file=sys.stderr)
        raise
    doors = {name: Door(emulator, host) for name, host in hosts.items()}
    for door in doors.values():
        cleanup.callback(door.stop)
    if options.exec:
        environment = {f"{of.upper()}_{name}": value for of, own in secrets.items() for name, value in own.items()}
        environment |= {f"TAMGA_{name.upper()}_URL": door.url for name, door in doors.items()}
        environment |= {
            "TAMGA_SANDBOXES_URL": sandboxes.url,
            "AWS_ENDPOINT_URL": emulator.url,
            "AWS_ACCESS_KEY_ID": "test",
            "AWS_SECRET_ACCESS_KEY": "test",
            "AWS_REGION": REGION,
        }
        run_command(options.exec, environment)
    if options.keep:
        there = ", ".join(f"{name} is at {door.url}" for name, door in doors.items())
        input(f"{there}; Enter stops everything ")


def walk(place: Place, service: str) -> None:
    match service:
        case "club":
            walk_club.Walk(place).run()
        case "errands":
            walk_errands.Walk(place).run()
        case _:
            place.say(f"{service}: no walk")


def main() -> int:
    parser = argparse.ArgumentParser(prog="infra/deploy-check")
    parser.add_argument("--no-build", action="store_true", help="takes what is there")
    parser.add_argument("--templates-only", action="store_true", help="stops when the stacks are created")
    parser.add_argument("--keep", action="store_true", help="waits before it stops everything")
    parser.add_argument("--exec", metavar="COMMAND", help="runs a command against what is deployed")
    options = parser.parse_args()
    began = time.monotonic()
    # Being told to end is an ordinary end: what was started is stopped.
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))
    try:
        with ExitStack() as cleanup:
            check(options, cleanup)
    except Failure as failure:
        print(f"deploy-check FAILED: {failure}", file=sys.stderr)
        return 1
    print(f"deploy-check passed in {time.monotonic() - began:.1f} s")
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
