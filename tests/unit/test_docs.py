"""What the README promises is what the code does."""

from __future__ import annotations

import ipaddress
import re
import subprocess
import sys
from dataclasses import fields
from pathlib import Path
from typing import Any

import pytest
import yaml
from jinja2 import Environment, meta

from app.limits import Limits, setting_of
from app.metrics import Metrics
from app.settings import Settings, settings_from
from app.web import contexts

ROOT = Path(__file__).parents[2]
README = (ROOT / "README.md").read_text("utf-8")
DEPLOYMENT = (ROOT / "docs" / "deployment.md").read_text("utf-8")
COMPOSE = (ROOT / "compose.yaml").read_text("utf-8")


def test_the_commands_of_the_readme_exist() -> None:
    help_text = subprocess.run(
        [sys.executable, "dev.py", "--help"], cwd=ROOT, capture_output=True, text=True, check=True
    ).stdout
    for command in set(re.findall(r"python3 dev\.py (\w+)", README)):
        assert command in help_text


def _told(value: Any) -> str:
    """Return a setting's default as the documents write it; an empty list is an empty cell."""
    return "" if value == () else str(value)


def _defaults() -> dict[str, str]:
    """Every setting with its default, from the code."""
    own = {setting_of(f.name): _told(getattr(Settings(), f.name)) for f in fields(Settings)}
    limits = {setting_of(f.name): _told(getattr(Limits(), f.name)) for f in fields(Limits)}
    return {name: default for name, default in own.items() if name != "RETRACE_LIMITS"} | limits


def _documented(text: str) -> dict[str, str]:
    return dict(re.findall(r"^\| `(RETRACE_\w+)` \| *`?([^`|]*?)`? *\|", text, re.M))


def test_the_table_of_settings_is_every_setting_with_its_default() -> None:
    assert _documented(DEPLOYMENT) == _defaults()


def test_the_settings_of_the_readme_are_settings() -> None:
    found = _documented(README)
    assert set(found) >= {"RETRACE_HOST", "RETRACE_PORT", "RETRACE_DATA_DIR"}
    assert found.items() <= _defaults().items()


@pytest.mark.parametrize("name", sorted(_defaults()))
def test_every_documented_setting_is_read(name: str) -> None:
    value = {
        "RETRACE_LOG_LEVEL": "error",
        "RETRACE_LOG_FORMAT": "text",
        "RETRACE_ALLOWED_ORIGINS": "https://a.example",
        "RETRACE_TRUSTED_PROXIES": "192.0.2.1",
    }.get(name, "81")
    assert settings_from({name: value}) != Settings()


def test_the_documented_metrics_are_the_metrics() -> None:
    told = Metrics().exposition()[0].decode()
    found = set(re.findall(r"^# HELP (retrace_\w+)", told, re.M))
    documented = set(re.findall(r"`(retrace_\w+)`", DEPLOYMENT))
    assert documented == {name for name in found if not name.endswith("_created")}


def test_the_proxy_keeps_to_itself_what_is_for_operators() -> None:
    asked = next(line for line in COMPOSE.splitlines() if "@inside path" in line).split()[2:]
    assert set(asked) == {"/metrics", "/readyz", "/healthz"}
    assert "location = /metrics { return 404; }" in DEPLOYMENT


def test_the_documented_proxy_takes_bodies_as_large_as_the_server_does() -> None:
    size = re.search(r"client_max_body_size (\S+);", DEPLOYMENT)
    assert size
    assert size[1] == str(Limits().body_bytes)


@pytest.mark.parametrize("service", ["retrace", "proxy"])
def test_services_may_do_as_little_as_can_be(service: str) -> None:
    found = yaml.safe_load(COMPOSE)["services"][service]
    assert found["read_only"] is True
    assert found["cap_drop"] == ["ALL"]
    assert found["security_opt"] == ["no-new-privileges:true"]
    assert found["mem_limit"]


def test_only_the_proxy_is_reached_from_outside() -> None:
    services = yaml.safe_load(COMPOSE)["services"]
    assert [name for name, found in services.items() if "ports" in found] == ["proxy"]
    assert services["proxy"]["cap_add"] == ["NET_BIND_SERVICE"]
    assert "cap_add" not in services["retrace"]


def test_the_container_of_compose_fits_the_image() -> None:
    found, image = yaml.safe_load(COMPOSE)["services"]["retrace"], (ROOT / "Dockerfile").read_text()
    assert f"USER {found['user']}\n" in image
    assert [volume.split(":")[1] for volume in found["volumes"]] == re.findall("VOLUME (.+)", image)
    # Not /readyz: a store that can only be read would keep the proxy from starting.
    assert "/healthz" in found["healthcheck"]["test"][-1]
    assert "/healthz" in image
    assert int(found["stop_grace_period"].rstrip("s")) > int(
        found["environment"]["RETRACE_STOP_SECONDS"]
    )
    assert set(found["environment"]) <= set(_defaults())


def test_no_container_is_given_the_address_of_the_proxy() -> None:
    """Docker gives the others what is free in `ip_range`, and the server starts before the proxy."""
    found = yaml.safe_load(COMPOSE)
    services, [pool] = found["services"], found["networks"]["inside"]["ipam"]["config"]
    proxy = ipaddress.ip_address(services["proxy"]["networks"]["inside"]["ipv4_address"])
    subnet, others = (ipaddress.ip_network(pool[name]) for name in ("subnet", "ip_range"))
    gateway = ipaddress.ip_address(pool["gateway"])
    assert str(proxy) == services["retrace"]["environment"]["RETRACE_TRUSTED_PROXIES"]
    assert {proxy, gateway} <= set(subnet.hosts())
    assert proxy != gateway
    assert others.subnet_of(subnet)
    assert not {proxy, gateway} & set(others)
    # The server, and beside it what docs/deployment.md has `docker compose run` do.
    assert services["retrace"]["networks"] == ["inside"]
    assert len(set(others) & set(subnet.hosts())) >= 2


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
