"""CloudFormation YAML read, written and walked: what all checks share."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import yaml

INFRA = Path(__file__).resolve().parent.parent
ROOT = INFRA.parent

Json = Any
Template = dict[str, Any]


class Tag:
    """A short-form intrinsic (`!Ref X`) on its way to a file."""

    def __init__(self, name: str, value: Json) -> None:
        self.name = name
        self.value = value


def ref(name: str) -> Tag:
    return Tag("!Ref", name)


def sub(text: str) -> Tag:
    return Tag("!Sub", text)


def get_att(path: str) -> Tag:
    return Tag("!GetAtt", path)


def if_(condition: str, then: Json, otherwise: Json) -> Tag:
    return Tag("!If", [condition, then, otherwise])


NO_VALUE = ref("AWS::NoValue")


class _Dumper(yaml.SafeDumper):
    def ignore_aliases(self, data: Json) -> bool:
        return True

    def increase_indent(self, flow: bool = False, indentless: bool = False) -> None:
        super().increase_indent(flow, False)


def _represent_tag(dumper: _Dumper, tag: Tag) -> yaml.Node:
    if isinstance(tag.value, str):
        return dumper.represent_scalar(tag.name, tag.value)
    flow = all(isinstance(item, (str, int)) or _plain(item) for item in tag.value)
    return dumper.represent_sequence(tag.name, tag.value, flow_style=flow)


def _plain(item: Json) -> bool:
    return isinstance(item, Tag) and (
        isinstance(item.value, str) or all(isinstance(part, (str, int)) or _plain(part) for part in item.value)
    )


_Dumper.add_representer(Tag, _represent_tag)


def dump(value: Json) -> str:
    """YAML text with the given order of keys."""
    text = yaml.dump(value, Dumper=_Dumper, sort_keys=False, width=118, allow_unicode=True)
    # PyYAML quotes every tagged scalar; names need none.
    return re.sub(r"!(Ref|GetAtt) '([A-Za-z0-9:.]+)'", r"!\1 \2", text)


class _Loader(yaml.SafeLoader):
    pass


def _construct(loader: _Loader, suffix: str, node: yaml.Node) -> Json:
    value: Json
    if isinstance(node, yaml.ScalarNode):
        value = loader.construct_scalar(node)
    elif isinstance(node, yaml.SequenceNode):
        value = loader.construct_sequence(node, deep=True)
    else:
        value = loader.construct_mapping(node, deep=True)
    if suffix in ("Ref", "Condition"):
        return {suffix: value}
    if suffix == "GetAtt" and isinstance(value, str):
        value = value.split(".", 1)
    return {f"Fn::{suffix}": value}


_Loader.add_multi_constructor("!", _construct)


def load(path: Path) -> Template:
    """A template with all intrinsics in their long form."""
    with path.open(encoding="utf-8") as file:
        return yaml.load(file, Loader=_Loader)


def nodes(value: Json) -> Iterator[Json]:
    """The value and all that is in it."""
    yield value
    if isinstance(value, dict):
        children: Iterator[Json] = iter(value.values())
    elif isinstance(value, list):
        children = iter(value)
    elif isinstance(value, Tag):
        children = iter([value.value])
    else:
        return
    for child in children:
        yield from nodes(child)


def rewrite(value: Json, change: Callable[[Json], Json]) -> Json:
    """The value with `change` applied to every node, innermost first."""
    if isinstance(value, dict):
        return change({key: rewrite(child, change) for key, child in value.items()})
    if isinstance(value, list):
        return change([rewrite(child, change) for child in value])
    return change(value)


def of_type(template: Template, kind: str) -> dict[str, Template]:
    """The resources of one type by logical id."""
    return {name: body for name, body in template["Resources"].items() if body["Type"] == kind}
