"""Imports point down only, in Python and in JavaScript, and nothing imports in a circle."""

from __future__ import annotations

import ast
import re
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
GROUND = {
    "refusal",
    "bucket",
    "limits",
    "lingering",
    "heads",
    "listening",
    "json_text",
    "logs",
    "metrics",
    "settings",
    "sockets",
    "unread",
}
BELOW: dict[str, set[str]] = {
    "maths": set(),
    "data": set(),
    "timeline": {"maths", "data"},
    "sessions": {"timeline", "maths", "data"},
    "wire": {"timeline", "maths", "data"},
    "worksheet": {"wire", "timeline", "maths", "data"},
    "web": {"sessions", "worksheet", "wire", "timeline", "maths", "data"},
    "main": {"web", "sessions", "worksheet", "wire", "timeline", "maths", "data"},
    "server": {"main", "web", "sessions"},
    "__main__": {"server", "sessions"},
    "__init__": set(),
    "refusal": set(),
    "limits": set(),
    "lingering": set(),
    "listening": set(),
    "heads": set(),
    "bucket": set(),
    "json_text": set(),
    "logs": set(),
    "metrics": set(),
    "settings": set(),
    "sockets": set(),
    "unread": set(),
}
JS_BELOW: dict[str, set[str]] = {
    "core": set(),
    "views": {"core"},
    "mount": {"core", "views"},
    "effects": {"core"},
    "frame": set(),
    "main.js": {"core", "views", "mount", "effects"},
}


def _room(path: Path, base: Path) -> str:
    part = path.relative_to(base).parts[0]
    return part.removesuffix(".py")


def _python_imports(path: Path) -> set[str]:
    found: set[str] = set()
    for node in ast.walk(ast.parse(path.read_text("utf-8"))):
        if isinstance(node, ast.ImportFrom) and node.module and node.module.startswith("app."):
            found.add(node.module)
        elif isinstance(node, ast.ImportFrom) and node.module == "app":
            found |= {f"app.{name.name}" for name in node.names}
        elif isinstance(node, ast.Import):
            found |= {name.name for name in node.names if name.name.startswith("app.")}
    return found


def _js_imports(path: Path) -> set[Path]:
    specifiers = re.findall(
        r"""(?:from|import)\s*\(?\s*["']([^"']+)["']""", path.read_text("utf-8")
    )
    assert all(word.startswith(".") for word in specifiers), f"{path}: only relative imports"
    return {(path.parent / word).resolve() for word in specifiers}


PYTHON_FILES = sorted((ROOT / "app").rglob("*.py"))
JS_FILES = sorted((ROOT / "static" / "js").rglob("*.js"))


@pytest.mark.parametrize("path", PYTHON_FILES, ids=lambda p: str(p.relative_to(ROOT)))
def test_python_imports_point_down(path: Path) -> None:
    room = _room(path, ROOT / "app")
    allowed = BELOW[room] | GROUND | {room}
    rooms = {module.split(".")[1] for module in _python_imports(path)}
    assert rooms <= allowed, f"{room} may not import {rooms - allowed}"


@pytest.mark.parametrize("path", JS_FILES, ids=lambda p: str(p.relative_to(ROOT)))
def test_javascript_imports_point_down(path: Path) -> None:
    base = ROOT / "static" / "js"
    room = _room(path, base)
    rooms = {_room(found, base.resolve()) for found in _js_imports(path)}
    assert rooms <= JS_BELOW[room] | {room}, f"{room} may not import {rooms}"


def _cycle(graph: dict[str, set[str]]) -> list[str]:
    done: set[str] = set()

    def visit(node: str, trail: list[str]) -> list[str]:
        if node in trail:
            return [*trail[trail.index(node) :], node]
        if node in done:
            return []
        for target in graph.get(node, ()):
            if found := visit(target, [*trail, node]):
                return found
        done.add(node)
        return []

    return next((found for node in graph if (found := visit(node, []))), [])


def test_no_python_module_imports_in_a_circle() -> None:
    graph = {
        ".".join(path.relative_to(ROOT).with_suffix("").parts): _python_imports(path)
        for path in PYTHON_FILES
    }
    assert _cycle(graph) == []


def test_no_javascript_module_imports_in_a_circle() -> None:
    graph = {str(path.resolve()): {str(p) for p in _js_imports(path)} for path in JS_FILES}
    assert _cycle(graph) == []


def test_the_search_for_circles_finds_one() -> None:
    assert _cycle({"a": {"b"}, "b": {"c"}, "c": {"a"}})
