"""The templates as CloudFormation gets them: nested ones first, each by the pinned SAM translator."""

from __future__ import annotations

import copy
import json
import logging
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from types import SimpleNamespace
from typing import Any

from samtranslator.parser.parser import Parser
from samtranslator.translator.translator import Translator

from cfn import INFRA, Json, Template, load, of_type

# Where a function's zip lies, by its folder; where a nested template lies, by its path and text.
CodePlace = Callable[[Path], str]
TemplatePlace = Callable[[Path, str], str]
# What is changed in a translated template.
Change = Callable[[Template], Template]

REGION = "us-east-1"

# It warns of its own metrics and feature switches.
logging.getLogger("samtranslator").setLevel(logging.CRITICAL)


@dataclass
class Stack:
    """One template, translated, with the values its parent gives it."""

    path: Path
    template: Template
    parameters: dict[str, Json]
    children: dict[str, Stack] = field(default_factory=dict)

    def all(self) -> list[Stack]:
        return [self, *(below for child in self.children.values() for below in child.all())]

    @property
    def name(self) -> str:
        return str(self.path.relative_to(INFRA))

    def text(self) -> str:
        return json.dumps(self.template, indent=1)


def nowhere(path: Path) -> str:
    """A place for code that is only looked at."""
    return f"s3://code/{path.name}"


def elsewhere(path: Path, _text: str) -> str:
    """A place for a nested template that is only looked at."""
    return f"https://code.s3.amazonaws.com/{path.name}"


def unchanged(template: Template) -> Template:
    return template


def translate(
    parameters: dict[str, str],
    code: CodePlace = nowhere,
    place: TemplatePlace = elsewhere,
    change: Change = unchanged,
    path: Path = INFRA / "template.yaml",
) -> Stack:
    """The stack of `path` and all below it."""
    template = load(path)
    own = {name: body["Default"] for name, body in template.get("Parameters", {}).items() if "Default" in body}
    own |= parameters
    children: dict[str, Stack] = {}
    for name, resource in of_type(template, "AWS::Serverless::Application").items():
        properties = resource["Properties"]
        below = (path.parent / properties["Location"]).resolve()
        given = {key: _given(value, own) for key, value in properties["Parameters"].items()}
        known = {key: value for key, value in given.items() if isinstance(value, str)}
        children[name] = translate(known, code, place, change, below)
        properties["Location"] = place(below, children[name].text())
    for resource in of_type(template, "AWS::Serverless::Function").values():
        properties = resource["Properties"]
        properties["CodeUri"] = code((path.parent / properties["CodeUri"]).resolve())
    return Stack(path, change(_sam(template, own)), own, children)


def _given(value: Json, own: dict[str, Any]) -> Json:
    if isinstance(value, dict) and "Ref" in value:
        found = own.get(value["Ref"], value)
        return found if isinstance(found, dict) else str(found)
    return value if isinstance(value, dict) else str(value)


def _sam(template: Template, parameters: dict[str, Any]) -> Template:
    session: Any = SimpleNamespace(region_name=REGION)
    translator = Translator({}, Parser(), boto_session=session)
    made: Template = translator.translate(copy.deepcopy(template), dict(parameters))
    made.pop("Transform", None)
    return made
