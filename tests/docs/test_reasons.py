"""Every word that an error may carry as its `reason` is explained, and no other."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from pathlib import Path

ROOT = Path(__file__).parents[2]
SDK = ROOT / "sdk" / "closedloop"
PAGE = (ROOT / "docs" / "reasons.md").read_text()

# What is called with the reason in another place than the keyword `reason`.
POSITIONAL = {"FaultError": 0, "UnreadableError": 0, "Meaning": 1}


def texts(node: ast.expr) -> Iterator[str]:
    if isinstance(node, ast.Constant) and isinstance(node.value, str):
        yield node.value
    elif isinstance(node, ast.IfExp):
        yield from (*texts(node.body), *texts(node.orelse))


def raised(tree: ast.Module) -> Iterator[str]:
    for node in ast.walk(tree):
        if isinstance(node, ast.Call):
            for keyword in node.keywords:
                if keyword.arg == "reason":
                    yield from texts(keyword.value)
            place = POSITIONAL.get(getattr(node.func, "id", ""))
            if place is not None:
                yield from texts(node.args[place])
        elif isinstance(node, ast.FunctionDef):
            for argument, default in zip(node.args.kwonlyargs, node.args.kw_defaults, strict=True):
                if argument.arg == "reason" and default is not None:
                    yield from texts(default)


def sources() -> list[str]:
    return [
        path.read_text()
        for path in SDK.rglob("*.py")
        if path.relative_to(SDK).parts[0] not in {"sandbox", "testing"}
    ]


def explained() -> list[str]:
    cells = re.findall(r"^\| (`[^|]+`) \|", PAGE, re.MULTILINE)
    return [word for cell in cells for word in re.findall(r"`(\w+)`", cell)]


def test_every_reason_is_explained() -> None:
    found = {reason for source in sources() for reason in raised(ast.parse(source))}
    assert found - set(explained()) == set()


def test_no_reason_is_explained_twice_or_out_of_the_blue() -> None:
    words = explained()
    assert len(words) == len(set(words))
    code = "\n".join(sources())
    assert [word for word in words if f'"{word}"' not in code] == []
