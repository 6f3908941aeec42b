"""The long parts of the bench: each has its line, and one that fails fails the whole."""

from __future__ import annotations

import pytest

from bench import __main__, long


def _breaks() -> str:
    raise AssertionError("an answer that is not in the document")


@pytest.fixture
def parts(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(long, "LONG", {"breaks": _breaks, "holds": lambda: "3 of 3"})


@pytest.mark.usefixtures("parts")
@pytest.mark.parametrize(("names", "ended"), [(["holds"], 0), (["breaks"], 1), ([], 1)])
def test_a_part_that_fails_ends_the_bench_with_1(
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
    names: list[str],
    ended: int,
) -> None:
    monkeypatch.setattr("sys.argv", ["bench", "--long", *names])
    assert __main__.main() == ended
    lines = capsys.readouterr().out.splitlines()
    assert len(lines) == (len(names) or 2), "the part after one that fails is run too"
    assert ("FAILED: AssertionError: an answer" in lines[0]) == bool(ended)


@pytest.mark.usefixtures("parts")
def test_an_unknown_part_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("sys.argv", ["bench", "--long", "page"])
    with pytest.raises(SystemExit):
        __main__.main()
