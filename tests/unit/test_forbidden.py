"""No input can become code: nothing in the project turns text into code or markup, or fetches."""

from __future__ import annotations

import ast
import re
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
CALLS = {"eval", "exec", "compile", "__import__"}
MODULES = {"markupsafe", "pickle", "marshal", "shelve", "subprocess", "urllib.request", "http.client", "httpx", "importlib"}  # fmt: skip
MARKUP = re.compile(
    r"innerHTML|outerHTML|insertAdjacentHTML|DOMParser|createContextualFragment|srcdoc"
    r"|document\.write|\beval\(|new Function|set(Timeout|Interval)\([\"'`]|javascript:"
)
PYTHON = sorted((ROOT / "app").rglob("*.py"))
SCRIPTS = sorted((ROOT / "static" / "js").rglob("*.js"))
TEMPLATES = sorted((ROOT / "templates").rglob("*.html"))


def forbidden(source: str) -> set[str]:
    """Return the calls and modules that a Python file may not use and uses."""
    found = set()
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Name):
            found |= {node.func.id} & CALLS
        elif isinstance(node, ast.Import):
            found |= {name.name for name in node.names} & MODULES
        elif isinstance(node, ast.ImportFrom):
            found |= {node.module or ""} & MODULES
        elif isinstance(node, ast.keyword) and ast.unparse(node.value) != "False":
            found |= {node.arg or ""} & {"allow_pickle", "shell"}
    return found


@pytest.mark.parametrize("path", PYTHON, ids=lambda p: str(p.relative_to(ROOT)))
def test_python_makes_no_code_of_text(path: Path) -> None:
    assert forbidden(path.read_text("utf-8")) == set()


@pytest.mark.parametrize("path", SCRIPTS, ids=lambda p: str(p.relative_to(ROOT)))
def test_scripts_make_no_markup_of_text(path: Path) -> None:
    assert MARKUP.findall(path.read_text("utf-8")) == []


@pytest.mark.parametrize("path", TEMPLATES, ids=lambda p: str(p.relative_to(ROOT)))
def test_templates_escape_everything_and_hold_no_script_or_style(path: Path) -> None:
    text = path.read_text("utf-8")
    assert not re.search(
        r"\|\s*safe\b|autoescape|<script(?![^>]* src=)|<style|\son\w+=|\sstyle=", text
    )


def test_the_search_finds_what_it_looks_for() -> None:
    source = (
        "import pickle\nfrom urllib.request import urlopen\neval('1')\nload(x, allow_pickle=True)"
    )
    assert forbidden(source) == {"pickle", "urllib.request", "eval", "allow_pickle"}
    assert MARKUP.search("e.innerHTML = text")
