"""What the README promises is what the code does."""

from __future__ import annotations

import re
import subprocess
import sys
from pathlib import Path

import pytest
from jinja2 import Environment, meta

from app.settings import Settings, settings_from
from app.web import contexts

ROOT = Path(__file__).parents[2]
README = (ROOT / "README.md").read_text("utf-8")


def test_the_commands_of_the_readme_exist() -> None:
    help_text = subprocess.run(
        [sys.executable, "dev.py", "--help"], cwd=ROOT, capture_output=True, text=True, check=True
    ).stdout
    for command in set(re.findall(r"python3 dev\.py (\w+)", README)):
        assert command in help_text


def test_the_documented_settings_are_the_settings() -> None:
    documented = dict(re.findall(r"\| `(RETRACE_\w+)` \| `([^`]+)`", README))
    default = Settings()
    assert documented == {
        "RETRACE_HOST": default.host,
        "RETRACE_PORT": str(default.port),
        "RETRACE_DATA_DIR": str(default.data_dir),
    }
    changed = settings_from(
        {"RETRACE_HOST": "::1", "RETRACE_PORT": "81", "RETRACE_DATA_DIR": "/tmp/x"}
    )
    assert (changed.host, changed.port, changed.data_dir) == ("::1", 81, Path("/tmp/x"))


@pytest.mark.parametrize("port", ["0", "65536", "web", ""])
def test_a_wrong_port_is_named(port: str) -> None:
    with pytest.raises(ValueError, match="RETRACE_PORT"):
        settings_from({"RETRACE_PORT": port})


def test_linked_files_exist() -> None:
    for target in re.findall(r"\]\(([^)#]+)\)", README):
        assert (ROOT / target).exists(), target


def test_requirement_files_hold_hashes_and_no_hosts() -> None:
    for name in ("requirements.txt", "requirements-dev.txt"):
        text = (ROOT / name).read_text("utf-8")
        assert "://" not in text
        pinned = re.findall(r"^[\w.\[\]-]+==\S+", text, re.M)
        assert len(pinned) > 10
        assert text.count("--hash=sha256:") >= len(pinned)


@pytest.mark.parametrize(
    ("template", "context"),
    [
        ("index.html", contexts.MainPage),
        ("error.html", contexts.ErrorPage),
        ("charts.html", contexts.ChartsPage),
        ("worksheet.html", contexts.WorksheetPage),
    ],
)
def test_templates_use_their_context_and_nothing_else(template: str, context: type) -> None:
    text = (ROOT / "templates" / template).read_text("utf-8")
    used = meta.find_undeclared_variables(Environment().parse(text))
    assert used == set(context.__annotations__)
