"""JSON that is read and written in pieces is the JSON that is read and written at once."""

from __future__ import annotations

import json
from json import JSONDecoder
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from app import json_text
from app.json_text import read_json, written
from app.refusal import Refused
from tests.fuzz.refusals import MANY

NUMBERS = st.integers() | st.floats(allow_nan=False, allow_infinity=False)
PLAIN = st.none() | st.booleans() | NUMBERS | st.text()
VALUES = st.recursive(
    PLAIN, lambda some: st.lists(some) | st.dictionaries(st.text(), some), max_leaves=30
)
TEXTS = VALUES.map(json.dumps) | st.text(alphabet='[]{}",:01e.-\\ tn')


@settings(MANY)
@given(TEXTS)
def test_a_text_says_the_same_in_pieces(text: str) -> None:
    assert _outcome(json_text._in_pieces, text) == _outcome(json.loads, text)


@settings(MANY)
@given(VALUES)
def test_a_value_is_written_the_same_in_pieces(value: Any) -> None:
    assert written(value) == json.dumps(value, separators=(",", ":"))


@pytest.mark.parametrize("value", [float("nan"), [[1.0], [float("inf")]]])
def test_what_json_cannot_hold_is_not_written(value: Any) -> None:
    with pytest.raises(ValueError, match="JSON compliant"):
        written(value)


@pytest.mark.parametrize(
    "text", [b"[" * 100_000, b'{"a":' * 50_000, b"[1," * 50_000, b"\xff" * 100_000, b"[1" * 50_000]
)
def test_a_large_text_that_is_no_json_is_refused_in_words(text: bytes) -> None:
    with pytest.raises(Refused, match="expected JSON") as refused:
        read_json(text, "body")
    assert refused.value.code == "not_json"


def test_no_call_takes_a_long_list_whole(monkeypatch: pytest.MonkeyPatch) -> None:
    """Rows are read by one call each, and one that is too long number by number."""
    longest, taken = 0, list[int]()

    class Counted(JSONDecoder):
        def __init__(self) -> None:
            super().__init__()
            in_c = self.scan_once

            def scan_once(text: str, start: int) -> Any:
                value, end = in_c(text, start)
                taken.append(end - start)
                return value, end

            self.scan_once = scan_once

    class Watched(str):
        def find(self, mark: str, *span: Any) -> int:
            nonlocal longest
            found = super().find(mark, *span)
            longest = max(longest, found - span[0])
            return found

    rows = [[1] * 100] * 1_000 + [[1] * json_text.SMALL]
    monkeypatch.setattr(json_text, "JSONDecoder", Counted)
    monkeypatch.setattr(json_text, "_DECODER", json_text._decoder())
    assert json_text._in_pieces(Watched(json.dumps({"rows": rows}))) == {"rows": rows}
    assert taken == [len(json.dumps(rows[0]))] * 1_000
    assert 200 < longest < json_text.SMALL


def _outcome(read: Any, text: str) -> Any:
    """Return what is read, as text that tells 1 from 1.0, or that it is none."""
    try:
        return repr(read(text))
    except ValueError:
        return ValueError
