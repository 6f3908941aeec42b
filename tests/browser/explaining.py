"""What the tests of explanations share: networks, and what a person does and sees in the panel."""

from __future__ import annotations

import re
from decimal import Decimal
from typing import Any

import httpx
import numpy as np
from playwright.sync_api import Browser, Page, expect

from tests.browser.conftest import Server, Visit

RNG = np.random.default_rng(8)


CLASSES: dict[str, Any] = {
    "dataset": {
        "inputs": RNG.normal(size=(6, 3)).tolist(),
        "targets": np.eye(3)[RNG.integers(0, 3, 6)].tolist(),
    },
    "layers": [{"units": 4, "activation": "relu"}, {"units": 3, "activation": "softmax"}],
    "loss": "categorical_cross_entropy",
    "batch_size": 2,
}
WIDE: dict[str, Any] = {
    "dataset": {
        "inputs": RNG.normal(size=(3, 2)).tolist(),
        "targets": RNG.normal(size=(3, 2)).tolist(),
    },
    "layers": [{"units": 3}, {"units": 14}, {"units": 15}, {"units": 2, "activation": "identity"}],
}


def on_a_phone(browser: Browser, server: Server) -> Visit:
    """Visit by touch; with reduced motion the page does not scroll smoothly: what is measured
    stays where it is.
    """
    context = browser.new_context(
        viewport={"width": 390, "height": 844},
        has_touch=True,
        is_mobile=True,
        reduced_motion="reduce",
    )
    return Visit(context.new_page(), server)


def chain_of(visit: Visit, parameter: str, step: int = 0, example: int = 0) -> dict[str, Any]:
    query = {"parameter": parameter, "example": example}
    reply = httpx.get(f"{visit.api}/steps/{step}/chain", params=query)
    assert reply.status_code == 200, reply.text
    return dict(reply.json())


def click_on(page: Page, parameter: str) -> None:
    """Click where the parameter says its number: edges cross, labels do not."""
    page.keyboard.press("Escape")
    kind = "pill" if parameter[0] == "w" else "bias"
    key = "label" if parameter[0] == "w" else "parameter"
    page.locator(f"#diagram .{kind}[data-{key}='{parameter}']").click()


def explain(page: Page, name: str) -> None:
    page.get_by_role("combobox", name="Explain").fill(name)
    page.get_by_role("button", name="Show", exact=True).click()


def drawn(page: Page) -> None:
    """Wait until what was done just now has been drawn."""
    page.evaluate("() => new Promise((d) => requestAnimationFrame(() => requestAnimationFrame(d)))")


def wait_for(page: Page, found: list[Any], count: int = 1) -> None:
    """Wait until a handler has put so much into a list."""
    for _ in range(3_000):
        if len(found) >= count:
            return
        page.wait_for_timeout(10)
    raise AssertionError(f"{len(found)} of {count} came")


def copied(page: Page, start: str) -> str:
    """Return what was copied once it begins so: that it was copied may be said of something before."""
    text = ""
    for _ in range(3_000):
        text = page.evaluate("() => navigator.clipboard.readText()")
        if text.startswith(start):
            return text
        page.wait_for_timeout(10)
    raise AssertionError(f"copied was {text!r}")


def factors_of(page: Page) -> list[tuple[str, str, float]]:
    """Those of the open path and, where it is folded, of the open term below it."""
    found = page.evaluate(
        "() => [...document.querySelectorAll('.factor[data-at]')].map((e) => ({...e.dataset}))"
    )
    return [(f["kind"], f["at"], float(f["value"])) for f in found]


def terms_of(found: dict[str, Any]) -> list[dict[str, Any]]:
    """The terms of a folded chain as the page lists them, the largest first."""
    terms = found["paths"][0].get("terms", [])
    return sorted(terms, key=lambda term: -abs(term["product"]))


def expect_chain(page: Page, found: dict[str, Any], path: int = 0, term: int = 0) -> None:
    factors = found["paths"][path]["factors"]
    for open_term in terms_of(found)[term : term + 1]:
        factors = factors + open_term["factors"]
        product = page.locator("#tab-body [data-term]")
        expect(product).to_have_attribute("data-term", as_text(open_term["product"]))
    expected = [(f["kind"], f["at"], f["value"]) for f in factors]
    result = page.locator("#tab-body [data-result]")
    expect(result).to_have_attribute("data-of", found["parameter"])
    expect(result).to_have_attribute("data-result", as_text(found["paths"][path]["product"]))
    assert factors_of(page) == expected


def as_text(number: float) -> str:
    """A number as JavaScript writes it."""
    number += 0.0  # there is no −0 in text
    if 1e-6 <= abs(number) < 1e21:
        return format(Decimal(repr(number)), "f").removesuffix(".0")
    text = repr(number).removesuffix(".0")
    return re.sub(r"e([+-])0*", lambda m: "e" + (m[1] if m[1] == "-" else "+"), text)


def as_number(text: str) -> float:
    return float(re.sub(r"[\s=()]", "", text).replace("−", "-"))
