"""Requests made from /openapi.json, right and wrong ones, to real sessions.

Whatever is asked, the answer has a status, a type, headers and a body that the document names, and
none is an error of the server. The same number of cases is the same run.
"""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field
from functools import cache
from typing import Any

import requests
import schemathesis
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st
from schemathesis import Case, GenerationMode
from schemathesis.core.failures import FailureGroup
from schemathesis.specs.openapi.checks import (
    content_type_conformance,
    negative_data_rejection,
    response_headers_conformance,
    response_schema_conformance,
    status_code_conformance,
)
from starlette.testclient import TestClient

from tests.fuzz.fitting import fitted
from tests.fuzz.sessions import SPECS, application, make_session, parameters_of

CHECKS = [
    status_code_conformance,
    content_type_conformance,
    response_headers_conformance,
    response_schema_conformance,
]
CREATE, COMMAND = "POST /api/sessions", "POST /api/sessions/{session_id}/commands"
POSITIVE, NEGATIVE = GenerationMode.POSITIVE, GenerationMode.NEGATIVE
# Documented: neither is a fault of the server, and both say when to ask again.
WAITING = ("computing", "not_stored")
UNKNOWN = "nobody"
# So that what is asked for exists, most often.
NEAR: dict[str, float] = {
    "step": 20,
    "example": 2,
    "phase": 5,
    "first": 5,
    "value": 2.0,
    "learning_rate": 0.3,
}
WHOLE = {"step", "example", "phase", "first", "by"}  # 4.0 is whole to a schema, and not to us
RUN = settings(
    derandomize=True,
    database=None,
    deadline=None,
    phases=[Phase.generate],
    suppress_health_check=list(HealthCheck),
)


@dataclass
class Figures:
    """How many answers of each kind (2xx, 4xx) each operation gave; `fitted` are whole specs."""

    answers: Counter[tuple[str, int]] = field(default_factory=Counter)
    fitted: Counter[bool] = field(default_factory=Counter)

    @property
    def total(self) -> int:
        return sum(self.answers.values())

    def of(self, label: str, kind: int) -> int:
        return self.answers[label, kind]

    @property
    def line(self) -> str:
        kinds = Counter[int]()
        for (_, kind), count in self.answers.items():
            kinds[kind] += count
        specs = f"{self.fitted[True]:,} of {self.fitted.total():,} whole specs accepted"
        return f"{self.total:,} requests: {kinds[2]:,} granted, {kinds[4]:,} refused; {specs}"


def run(cases: int) -> Figures:
    """Make so many requests; AssertionError names the first whose answer is not in the document."""
    with application() as client:
        fuzz = Fuzz(client)
        for label in fuzz.operations:
            if label != COMMAND:
                fuzz.run(label, cases // (5 if label == CREATE else 20))
        fuzz.run(COMMAND, cases - fuzz.figures.total)  # and some have only a few cases in all
        return fuzz.figures


class Fuzz:
    """Sessions to ask about, and how often what was answered."""

    def __init__(self, client: TestClient) -> None:
        self.client, self.figures = client, Figures()
        self.read = [make_session(client, spec) for spec in SPECS.values()]
        self.written = [make_session(client, spec) for spec in SPECS.values()]
        schema = schemathesis.openapi.from_dict(client.get("/openapi.json").json())
        found = [result.ok() for result in schema.get_all_operations()]
        self.operations = {operation.label: operation for operation in found}
        self.names = {i: parameters_of(client, i) for i in (*self.read, *self.written)}
        self.cases = cache(self._cases)

    def run(self, label: str, cases: int) -> None:
        """Make so many requests of one operation, fewer where there are no more."""

        @settings(RUN, max_examples=cases)
        @given(drawn=self.cases_of(label))
        def all_of_them(drawn: tuple[Case, bool]) -> None:
            self.ask(*drawn)

        all_of_them()

    def cases_of(self, label: str) -> st.SearchStrategy[tuple[Case, bool]]:
        """Return pairs of a case and whether what it names must be made to exist."""
        wrong = st.tuples(self._one_session(label, NEGATIVE), st.just(False))
        right = st.tuples(self._one_session(label, POSITIVE), st.sampled_from([True, True, False]))
        has_wrong = "{session_id}" not in label or self._varies(label)
        return wrong | right if has_wrong and label != "GET /api/presets" else right

    def _varies(self, label: str) -> bool:
        """Tell whether there is anything but the session that can be wrong."""
        operation = self.operations[label]
        return len(list(operation.iter_parameters())) > 1 or bool(operation.body)

    def _one_session(self, label: str, mode: GenerationMode) -> st.SearchStrategy[Case]:
        if "{session_id}" not in label:
            return self.cases(label, mode, None)
        read = () if label == COMMAND else self.read
        chosen = st.sampled_from([*read, *self.written, *[UNKNOWN] * 2])
        return chosen.flatmap(lambda identity: self.cases(label, mode, identity))

    def _cases(
        self, label: str, mode: GenerationMode, identity: str | None
    ) -> st.SearchStrategy[Case]:
        fixed = {"session_id": identity} if identity else None
        return self.operations[label].as_strategy(mode, path_parameters=fixed)

    def ask(self, case: Case, exists: bool) -> None:
        """Send one request and hold its answer to the document."""
        label = case.operation.label
        if exists and label == CREATE and isinstance(case.body, dict):
            case.body = fitted(case.body)
        elif exists:
            self._name_what_exists(case)
        reply = _sent(self.client, case)
        if reply.status_code == 503:
            assert reply.json()["error"]["code"] in WAITING, reply.text
        else:
            assert reply.status_code < 500, (case.as_curl_command(), reply.text)
        # What is too large is refused before anybody looks whether it is right.
        too_large = reply.status_code == 413
        lenient = exists or too_large or _left_empty(reply) or _may_be_known(case)
        _hold(case, reply, CHECKS if lenient else [*CHECKS, negative_data_rejection])
        self.figures.answers[label, reply.status_code // 100] += 1
        if exists and label == CREATE:
            self.figures.fitted[reply.status_code == 201] += 1

    def _name_what_exists(self, case: Case) -> None:
        """Ask for a step that is near, and for parameters, phases and examples that there are."""
        path = case.path_parameters or {}
        names = self.names.get(path.get("session_id", UNKNOWN), ["w1.1.1"])
        for part in (path, case.query or {}, case.body if isinstance(case.body, dict) else {}):
            for k, name in enumerate(("parameter", "x", "y")):
                if name in part:
                    part[name] = names[(len(part[name]) + k) % len(names)]
            for name in NEAR.keys() & part.keys():
                part[name] %= NEAR[name]
            part.update({name: int(part[name]) for name in WHOLE & part.keys()})


def _sent(client: TestClient, case: Case) -> Any:
    asked = requests.Request(**case.as_transport_kwargs(base_url="http://localhost")).prepare()
    assert asked.method
    assert asked.url
    headers = dict(asked.headers)
    return client.request(asked.method, asked.url, content=asked.body or b"", headers=headers)


def _hold(case: Case, reply: Any, checks: list[Any]) -> None:
    """Hold an answer to the document; the library's own failures are groups that nobody expects."""
    try:
        case.validate_response(reply, checks=checks)
    except FailureGroup as failures:
        raise AssertionError(str(failures)) from None


def _may_be_known(case: Case) -> bool:
    """Tell whether a command has an id: one that was done is answered again, whatever it says."""
    return isinstance(case.body, dict) and isinstance(case.body.get("id"), str)


def _left_empty(reply: Any) -> bool:
    """Tell whether `phase` or `reach` was sent empty, which is the same as left out."""
    return any(reply.request.url.params.get(name) == "" for name in ("phase", "reach"))
