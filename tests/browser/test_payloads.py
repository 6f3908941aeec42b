"""A text that a person enters is shown as that text, wherever it is shown; it never runs."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any
from urllib.parse import quote

import httpx
import pytest
from playwright.sync_api import Browser, expect

from tests.browser.conftest import Server, Visit
from tests.browser.explaining import wait_for
from tests.browser.payloads import PAYLOADS

INPUTS, TARGETS = 14, 7  # as many as a worksheet holds
A_SESSION = 2 * (INPUTS + TARGETS)  # a name and a unit of each
REPORTS = "addEventListener('securitypolicyviolation', (e) => hacked(`${e.violatedDirective} ${e.sample}`))"
# What markup of a text would leave in the page, even where the policy keeps it from running.
TRACES = r"""() => [...document.querySelectorAll('*')].filter((e) =>
    [...e.attributes].some((a) => /^on/i.test(a.name) || /^\s*javascript:/i.test(a.value) && a.name === 'href'
                                  || a.name === 'style' && e.closest('#table, #panel'))
    || ['MARQUEE', 'OBJECT', 'EMBED', 'BASE', 'META', 'TEMPLATE', 'VIDEO', 'AUDIO', 'IMG', 'B'].includes(e.tagName) && !e.closest('head')
    || e.tagName === 'SCRIPT' && !e.src.startsWith(location.origin)).map((e) => e.outerHTML.slice(0, 200))"""
# Enters each text into a field and hands back what is shown about it.
ENTER = """([field, shown, texts]) => texts.map((text) => {
    const [input, place] = [field, shown].map((s) => document.querySelector(s));
    input.value = text;
    for (const type of ['input', 'change']) input.dispatchEvent(new Event(type, { bubbles: true }));
    input.form?.requestSubmit();
    if (!input.form) input.dispatchEvent(new KeyboardEvent('keydown', { key: 'Enter', bubbles: true }));
    return [input.value, place.textContent];
  })"""


@pytest.fixture
def visit(browser: Browser, server: Server) -> Iterator[Visit]:
    """A visit in which nothing may call `hacked`, open a dialog or break the policy."""
    context = browser.new_context(viewport={"width": 1440, "height": 900}, reduced_motion="reduce")
    found, called = Visit(context.new_page(), server, charts=True), []
    context.expose_binding(
        "hacked", lambda source, *what: called.append((source["frame"].url, what))
    )
    context.add_init_script(REPORTS)
    found.page.on("dialog", lambda dialog: (called.append(dialog.message), dialog.dismiss()))
    yield found
    for frame in found.page.frames:
        assert frame.evaluate(TRACES) == []
    context.close()
    assert called == []
    assert [p for p in found.problems if "the server responded with a status of" not in p] == []


def spec_of(texts: tuple[str, ...]) -> dict[str, Any]:
    """Return a spec in which these texts are the names and the units."""
    names = iter((*texts, *PAYLOADS))
    dataset: dict[str, Any] = {
        "inputs": [[0.5] * INPUTS, [0.1] * INPUTS],
        "targets": [[0.25] * TARGETS] * 2,
    }
    for kind, count in (("input", INPUTS), ("target", TARGETS)):
        dataset[f"{kind}_names"] = [next(names) for _ in range(count)]
        dataset[f"{kind}_units"] = [{"unit": next(names), "per": 2} for _ in range(count)]
    layers = [{"units": 1}, {"units": TARGETS, "activation": "identity"}]
    return {"dataset": dataset, "layers": layers}


def missing(texts: tuple[str, ...], said: str) -> list[str]:
    """Return the texts that are not shown as they are; a name is shown with its _ as spaces."""
    return [text for text in texts if text not in said and text.replace("_", " ") not in said]


BATCHES = [PAYLOADS[k : k + A_SESSION] for k in range(0, len(PAYLOADS), A_SESSION)]


def test_there_are_a_hundred_and_each_fits_into_a_name() -> None:
    assert len(PAYLOADS) >= 100
    assert max(map(len, PAYLOADS)) <= 80


@pytest.mark.parametrize("texts", BATCHES, ids=[f"batch{k}" for k in range(len(BATCHES))])
def test_names_and_units_are_text_on_the_page_and_on_paper(
    visit: Visit, texts: tuple[str, ...]
) -> None:
    page = visit.open(spec_of(texts)).page
    page.get_by_role("button", name="Table view").click()
    page.locator("#phases button").last.click()
    expect(page.locator("#table")).not_to_contain_text("not yet")
    table = page.locator("#table").evaluate("(e) => e.textContent")
    assert missing(texts, table) == []
    expect(page.frame_locator("#charts iframe").locator("html")).to_have_attribute(
        "data-drawn", re.compile(".")
    )
    for frame in page.frames:
        assert frame.evaluate(TRACES) == []
    identity = page.url.rsplit("/", 1)[1]
    for blank in "01":
        page.goto(f"{visit.server.url}/s/{identity}/worksheet?blank={blank}")
        paper = page.locator("main").evaluate("(e) => e.textContent")
        assert missing(texts, paper) == []
        assert page.evaluate(TRACES) == []


def enter(visit: Visit, field: str, shown: str) -> None:
    for text, said in visit.page.evaluate(ENTER, [field, shown, list(PAYLOADS)]):
        assert f"“{text}”" in said, field
        assert text in {payload.replace("\n", "") for payload in PAYLOADS}


def test_what_is_typed_into_a_field_is_shown_as_typed(visit: Visit) -> None:
    visit.open(spec_of(PAYLOADS[:A_SESSION]))
    for name in ("find", "jump", "rate"):
        enter(visit, f"[data-control={name}]", f"[data-control={name}-error]")
    visit.page.locator("#diagram .pill[data-label='w1.1.1']").click()
    visit.page.get_by_role("tab", name="What if").click()
    enter(visit, "[aria-describedby=slice-problem]", "#slice-problem")
    visit.page.get_by_role("tab", name="Two weights").click()
    expect(
        visit.page.frame_locator("iframe[title='The loss over two parameters']").locator("html")
    ).to_have_attribute("data-drawn", re.compile("."))
    enter(visit, "[aria-describedby=second-problem]", "#second-problem")


WAYS = (
    "/s/",
    "/s/SESSION/worksheet?step=",
    "/s/SESSION/worksheet?example=",
    "/s/SESSION/worksheet?blank=",
    "/charts?show=",
    "/nothing?",
)


@pytest.fixture
def addresses(server: Server) -> list[str]:
    """Each text in an address, by turns where an address can hold one."""
    reply = httpx.post(f"{server.url}/api/sessions", json=spec_of(PAYLOADS[:A_SESSION]))
    ways = [way.replace("SESSION", reply.json()["id"]) for way in WAYS]
    return [
        f"{server.url}{ways[k % len(ways)]}{quote(text, safe='')}"
        for k, text in enumerate(PAYLOADS)
    ]


def _is_told(text: str, said: str) -> bool:
    """Tell whether the page's words hold the text, written as Python does and cut where long."""
    # A list is refused by the first item that is wrong; slashes at an address's end are left out.
    parts = (text, text.split(",")[0], text.rstrip("/"))
    return said == "Not Found" or any(repr(t)[1:-1] in said for t in parts) or said[-1] == "…"


def test_what_stands_in_an_address_is_text_on_the_error_page(
    visit: Visit, addresses: list[str]
) -> None:
    script = f"() => [({TRACES})(), document.querySelectorAll('main *').length, document.querySelector('main p').textContent]"
    for payload, address in zip(PAYLOADS, addresses, strict=True):
        visit.page.goto(address, wait_until="domcontentloaded")
        traces, elements, said = visit.page.evaluate(script)
        leads_back = 2 if "/worksheet" in address else 0  # a line with a link to the run
        assert (traces, elements) == ([], 4 + leads_back), address
        assert _is_told(payload, said), (address, said)


def test_a_query_that_the_page_does_not_know_changes_nothing(visit: Visit) -> None:
    url = visit.open(spec_of(PAYLOADS[:A_SESSION])).page.url
    visit.page.goto(f"{url}?{quote(PAYLOADS[0])}=&x={quote(PAYLOADS[30])}#{quote(PAYLOADS[40])}")
    visit.ready()


def test_a_refusal_of_the_server_is_text_on_the_page(visit: Visit) -> None:
    """What the page asks for in vain is told in the server's words, which repeat what was asked."""
    page = visit.open(spec_of(PAYLOADS[:A_SESSION])).page
    error = httpx.post(f"{visit.api}/commands", json={"do": PAYLOADS[24]})
    page.route(
        "**/slice?*",
        lambda route: route.fulfill(status=422, body=error.text, content_type="application/json"),
    )
    page.locator("#diagram .pill[data-label='w1.1.1']").click()
    page.get_by_role("tab", name="What if").click()
    expect(page.locator("#panel")).to_contain_text(PAYLOADS[24])


def test_a_text_that_became_markup_would_be_found(browser: Browser, server: Server) -> None:
    """The detectors themselves, on a page without a policy."""
    context = browser.new_context(bypass_csp=True)
    called: list[Any] = []
    context.expose_binding("hacked", lambda source, *what: called.append(what))
    page = context.new_page()
    page.on("dialog", lambda dialog: (called.append(dialog.message), dialog.dismiss()))
    page.goto(f"{server.url}/nothing")
    page.evaluate(
        "(text) => { document.querySelector('main').innerHTML = text; }",
        "<img src=x onerror=hacked()><svg onload=alert(1)>",
    )
    page.wait_for_function("() => document.querySelector('main img').complete")
    assert page.evaluate(TRACES)
    wait_for(page, called)
    context.close()
