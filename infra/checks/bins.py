#!/usr/bin/env python3
"""Writes what a service's binaries are made of: src/bin/<function>.rs for every function that the
code declares and infra/functions names, and the entries of Cargo.toml for those files. A binary that
stands already stays as it is; one without a function is named. Prints what it wrote and what the
code does not declare yet.

    infra/checks/bins.py errands
"""

from __future__ import annotations

import re
import sys
from pathlib import Path

from cfn import ROOT
from services import Service, every

TITLE = "# One binary per Lambda. `cargo test` must link none of them.\n"
# A function that makes a declaration, and the name it declares; or a call that is given the name.
MADE = re.compile(r"pub fn (\w+)\(\) -> Function<App> \{(.*?)\n\}", re.S)
# `pub use file::name as other;`
RENAMED = re.compile(r"pub use (\w+)::(\w+) as (\w+);")
CALLED = re.compile(r'(\w+)\(("[\w-]+"(?:, "[^"]*")*)\)')


def declared(service: str) -> dict[str, str]:
    """How each declaration is reached from outside the crate, by the function's name."""
    root = ROOT / "functions" / service / "src"
    own = re.compile(rf'"({service}-[a-z0-9-]+)"')
    found: dict[str, str] = {}
    renamed: dict[tuple[str, str], str] = {}
    for path in root.glob("*/mod.rs"):
        for file, made, name in RENAMED.findall(path.read_text(encoding="utf-8")):
            renamed[path.parent.name, f"{file}::{made}"] = name
    for path in sorted(root.rglob("*.rs")):
        parts = path.relative_to(root).parts
        if len(parts) < 2 or parts[0] in ("bin", "testing"):
            continue
        text = path.read_text(encoding="utf-8").split("#[cfg(test)]\nmod tests {")[0]
        for made, body in MADE.findall(text):
            if name := own.search(body):
                made = renamed.get((parts[0], f"{path.stem}::{made}"), made)
                found.setdefault(name.group(1), f"{service}::{parts[0]}::{made}()")
        for listed in re.findall(r"fn functions\(\) -> Vec<Function<App>> \{(.*?)\n\}", text, re.S):
            for made, arguments in CALLED.findall(listed):
                if name := own.match(arguments):
                    found[name.group(1)] = f"{service}::{parts[0]}::{made}({arguments})"
    return found


def binary(service: str, does: str, expression: str) -> str:
    call = f"    {service}::run({expression})\n"
    return f"//! {does}\n\nfn main() -> Result<(), shared::function::BoxError> {{\n{call}}}\n"


def manifest(text: str, names: list[str]) -> str:
    """Cargo.toml with an entry for each binary, before its lints."""
    entries = "\n".join(
        f'[[bin]]\nname = "{name}"\npath = "src/bin/{name}.rs"\ntest = false\ndoc = false\nbench = false\n'
        for name in names
    )
    before, _, after = text.partition("[lints]")
    before = before.split(TITLE)[0].rstrip("\n")
    return f"{before}\n\n{TITLE}{entries}\n[lints]{after or chr(10) + 'workspace = true' + chr(10)}"


def written(path: Path, text: str) -> None:
    if not path.exists() or path.read_text(encoding="utf-8") != text:
        path.parent.mkdir(exist_ok=True)
        path.write_text(text, encoding="utf-8")
        print(f"wrote {path.relative_to(ROOT)}")


def write(service: Service) -> int:
    crate = ROOT / "functions" / service.name
    known = declared(service.name)
    for entry in service.entries:
        name = entry["name"]
        path = crate / "src" / "bin" / f"{name}.rs"
        if name not in known:
            print(f"{name}: no declaration in the code")
        elif not path.exists():
            written(path, binary(service.name, entry["does"], known[name]))
    names = sorted(path.stem for path in (crate / "src" / "bin").glob("*.rs"))
    strangers = [name for name in names if name not in service.names()]
    for name in strangers:
        print(f"{name}: no function of infra/functions/{service.name}.yaml")
    cargo = crate / "Cargo.toml"
    written(cargo, manifest(cargo.read_text(encoding="utf-8"), names))
    return 1 if strangers else 0


def main() -> int:
    found = [service for service in every() if [service.name] == sys.argv[1:]]
    if not found:
        raise SystemExit(f"usage: bins.py {' | '.join(service.name for service in every())}")
    return write(found[0])


if __name__ == "__main__":
    raise SystemExit(main())
