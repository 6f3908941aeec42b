"""/openapi.json against the code: what is answered fits, what is described is what there is."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any

import jsonschema_rs
import pytest
from starlette.testclient import TestClient

from app.limits import Limits
from app.main import create_app
from app.settings import Settings
from app.timeline.presets import HOUSE, PRESETS
from app.timeline.spec import DEFAULTS
from app.web import charts, errors
from app.wire.schemas import schemas
from app.wire.schemas.errors import RETRY, STATUSES
from app.wire.schemas.parameters import THEMES
from tests.described import misfits
from tests.nets import SMALL

FOLDED: dict[str, Any] = {
    "dataset": {"inputs": [[1.0]], "targets": [[0.5] * 17]},
    "layers": [{"units": 1}, {"units": 17}, {"units": 17}],
}
DIVERGING = {**HOUSE, "learning_rate": 0.4}
DRAFT = "https://json-schema.org/draft/2020-12/schema"
STEP = "/api/sessions/{session_id}/steps/{step}"


@pytest.fixture
def document(client: TestClient) -> Any:
    return client.get("/openapi.json").json()


def _made(client: TestClient, spec: dict[str, Any]) -> str:
    return f"/api/sessions/{client.post('/api/sessions', json=spec).json()['id']}"


ANSWERS = [
    ("Session", SMALL, ""),
    ("Session", {}, ""),
    ("Step", SMALL, "/steps/3?example=0"),
    ("Step", {}, "/steps/0"),
    ("History", SMALL, "/history"),
    ("Figure", SMALL, "/figures/loss"),
    ("GradientFigure", SMALL, "/figures/gradient?step=2&phase=5"),
    ("SurfaceFigure", SMALL, "/figures/surface?step=2&x=w1.1.1&y=b2.1"),
    ("Chain", SMALL, "/steps/2/chain?parameter=w1.2.3&example=1"),
    ("Chain", SMALL, "/steps/2/chain?parameter=b2.1"),
    ("Chain", FOLDED, "/steps/0/chain?parameter=w1.1.1"),
    ("Slice", SMALL, "/steps/2/slice?parameter=w1.2.3"),
    ("Surface", SMALL, "/steps/2/surface?x=w1.2.3&y=b2.1"),
    ("Check", SMALL, "/steps/2/check"),
    ("Check", SMALL, "/steps/2/check?first=2&count=2"),
]


@pytest.mark.parametrize(("name", "spec", "path"), ANSWERS)
def test_what_is_answered_fits_its_schema(
    client: TestClient, document: Any, name: str, spec: dict[str, Any], path: str
) -> None:
    session = _made(client, spec)
    reply = client.get(session + path)
    assert reply.status_code == 200, reply.text
    assert misfits(document, name, reply.json()) == []
    assert misfits(document, name, {**reply.json(), "more": 1}), "the schema is complete"


def test_replies_to_commands_fit_their_schema(client: TestClient, document: Any) -> None:
    session, keys = _made(client, DIVERGING), set()
    for command in (
        {"do": "seek", "step": 4, "id": "a"},
        {"do": "change", "parameter": "w1.1.1", "value": 0.1},
        {"do": "seek", "step": 1},
        {"do": "change", "learning_rate": 0.3},
        {"do": "undo"},
        {"do": "seek", "step": 900},
    ):
        reply = client.post(f"{session}/commands", json=command)
        assert misfits(document, "Command", command) == []
        assert misfits(document, "Reply", reply.json()) == [], reply.text
        keys |= set(reply.json())
    assert {"dropped", "edits", "diverged"} <= keys
    assert misfits(document, "Presets", client.get("/api/presets").json()) == []


def test_the_specs_that_the_project_offers_fit_the_schema(document: Any) -> None:
    for spec in (*(preset["spec"] for preset in PRESETS), DEFAULTS, SMALL, FOLDED):
        assert misfits(document, "Spec", spec) == []


@pytest.mark.parametrize(
    "spec",
    [
        {"loss": "hinge"},
        {"seed": -1},
        {"speed": 3},
        {"layers": []},
        {"layers": [{"units": 0}]},
        {"optimizer": {"name": "adam"}},
        {"learning_rate": 0},
        {"dataset": {"name": "mnist"}},
        {"dataset": {}},
        {"initial": {"scheme": "zeros", "weights": [[[1.0]]]}},
    ],
)
def test_a_wrong_spec_does_not_fit_the_schema(document: Any, spec: dict[str, Any]) -> None:
    assert misfits(document, "Spec", spec)


def test_every_error_fits_and_its_code_stands_beside_its_status(
    client: TestClient, document: Any
) -> None:
    session = _made(client, DIVERGING)
    client.post(f"{session}/commands", json={"do": "seek", "step": 900})
    for path, status, code in (
        (f"{session}/steps/900", 409, "diverged"),
        ("/api/sessions/nobody", 404, "unknown_session"),
        ("/api/nothing", 404, "not_found"),
        (f"{session}/steps/x", 422, "invalid"),
    ):
        reply = client.get(path)
        assert (reply.status_code, reply.json()["error"]["code"]) == (status, code)
        assert misfits(document, "Error", reply.json()) == []
        assert status == 422 or code in STATUSES[status]
    for code, status in errors.STATUS.items():
        assert code in STATUSES[status]


def test_every_operation_is_described_in_full(document: Any) -> None:
    for path, operations in document["paths"].items():
        for operation in operations.values():
            assert operation["description"], path
            assert "400" in operation["responses"]
            assert ("404" in operation["responses"]) == ("{session_id}" in path)
            for parameter in operation.get("parameters", ()):
                assert parameter["description"]
                assert parameter["schema"]["type"]
            for status in map(str, RETRY):
                if status in operation["responses"]:
                    assert operation["responses"][status]["headers"]["Retry-After"]["required"]
    statuses = {"200", "400", "403", "404", "409", "422", "429", "503"}
    assert set(document["paths"][f"{STEP}/chain"]["get"]["responses"]) == statuses
    trial = document["paths"][f"{STEP}/trial"]["get"]["responses"]["200"]["content"]
    assert set(trial) == {"application/octet-stream"}


def test_every_schema_is_one_and_every_reference_leads_somewhere(document: Any) -> None:
    names = set(document["components"]["schemas"])
    assert set(re.findall(r'"#/components/schemas/(\w+)"', json.dumps(document))) <= names
    for name, schema in document["components"]["schemas"].items():
        jsonschema_rs.meta.validate({"$schema": DRAFT, **schema})
        assert name[0].isupper()


def test_the_document_has_the_limits_of_its_server(data_dir: Path) -> None:
    limits = Limits(max_layers=3, max_units=5, max_steps=70)
    app = create_app(Settings(data_dir=data_dir, limits=limits))
    document = app.openapi()
    assert document["components"]["schemas"] == schemas(limits)
    spec = document["components"]["schemas"]["Spec"]["properties"]
    assert spec["layers"]["maxItems"] == 3
    assert document["components"]["schemas"]["Layer"]["properties"]["units"]["maximum"] == 5
    step, *_ = (
        parameter
        for parameter in document["paths"][STEP]["get"]["parameters"]
        if parameter["name"] == "step"
    )
    assert step["schema"]["maximum"] == 70


def test_the_themes_are_the_charts_themes() -> None:
    assert set(charts.THEMES) == set(THEMES)
