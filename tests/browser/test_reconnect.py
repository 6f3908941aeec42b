"""A connection that is cut, in every way there is: the page comes back to the same run."""

from __future__ import annotations

import json
import re
import resource
import sqlite3
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path
from typing import Any

import httpx
import pytest
from playwright.sync_api import Browser, Page, WebSocketRoute, expect

from app.sessions.schema import FILE
from tests.browser.conftest import Server, Visit

LIVE = "**/live*"


@pytest.fixture
def own(tmp_path: Path) -> Iterator[Server]:
    """A server that only this test has, and may kill."""
    many = {"RETRACE_COMMANDS_PER_SECOND": "10000", "RETRACE_COMMAND_BURST": "10000"}
    server = Server(tmp_path, **many)
    server.start()
    yield server
    server.stop()


@pytest.fixture
def guest(browser: Browser, own: Server) -> Iterator[Visit]:
    """A page on that server; that a connection fails is expected there."""
    context = browser.new_context(viewport={"width": 1440, "height": 900}, reduced_motion="reduce")
    found = Visit(context.new_page(), own)
    yield found
    context.close()
    assert [
        words
        for words in found.problems
        if not re.search("WebSocket|Failed to load resource", words)
    ] == []


def _greetings(page: Page) -> list[tuple[str, str]]:
    """The type of the first message of each connection, and what the page asked it for."""
    found: list[tuple[str, str]] = []

    def opened(socket: Any) -> None:
        query = socket.url.partition("?")[2]
        first: list[str] = []

        def came(data: Any) -> None:
            if not first:
                first.append(json.loads(data)["type"])
                found.append((first[0], query))

        socket.on("framereceived", came)

    page.on("websocket", opened)
    return found


def _rate(page: Page, value: str) -> None:
    field = page.get_by_role("textbox", name="Learning rate", exact=True)
    field.fill(value)
    field.press("Enter")
    field.blur()


def test_a_server_killed_while_stepping_loses_no_step_and_does_none_twice(guest: Visit) -> None:
    page, own = guest.page, guest.server
    greetings = _greetings(page)
    guest.open()
    for done in range(0, 30, 10):
        for _ in range(5):
            page.keyboard.press("Shift+ArrowRight")
        own.kill()
        for _ in range(5):
            page.keyboard.press("Shift+ArrowRight")
        own.start()
        guest.at(done + 10, 0)
        expect(page.locator("#notices p")).to_have_count(0)
    assert greetings[0] == ("hello", "")
    assert [kind for kind, _ in greetings[1:]] == ["resumed"] * 3
    assert [query.startswith("since=") for _, query in greetings[1:]] == [True] * 3
    assert httpx.get(guest.api).json()["cursor"] == {"step": 30, "phase": 0}


def test_edits_outlive_a_killed_server_and_can_be_undone(guest: Visit) -> None:
    page, own = guest.page, guest.server
    guest.open()
    guest.click("Step forward")
    guest.at(1, 0)
    _rate(page, "0.2")
    expect(page.locator("#rate .edits")).to_contain_text("from step 1: α = 0.2")
    own.kill()
    expect(page.get_by_role("alert").filter(has_text="Connection lost")).to_be_visible()
    _rate(page, "0.3")
    own.start()
    expect(page.locator("#rate .edits")).to_contain_text("α = 0.3")
    guest.click("Undo edit")
    expect(page.locator("#rate .edits")).to_contain_text("α = 0.2")
    assert httpx.get(guest.api).json()["edits"] == [{"step": 1, "learning_rate": 0.2}]


def test_a_server_that_stops_says_so_and_playing_has_ended(guest: Visit) -> None:
    page, own = guest.page, guest.server
    guest.open()
    page.get_by_label("Speed").select_option("20 steps/s")
    page.keyboard.press("Space")
    expect(page.get_by_role("button", name="Pause")).to_be_visible()
    own.stop()
    calm = page.get_by_role("status").filter(has_text="The server restarts; your run is kept.")
    expect(calm).to_be_visible()
    own.start()
    expect(page.get_by_role("button", name="Play")).to_be_visible()
    expect(calm).to_have_count(0)
    cursor = httpx.get(guest.api).json()["cursor"]
    guest.click("Step forward")
    guest.at(cursor["step"] + 1, cursor["phase"])
    expect(page.locator("#notices p")).to_have_count(0)


def test_a_pause_that_is_pressed_while_cut_off_stops_what_another_viewer_kept_playing(
    visit: Visit, browser: Browser
) -> None:
    page, away = visit.page, [False]
    sockets: list[WebSocketRoute] = []

    def route(ws: WebSocketRoute) -> None:
        if away[0]:
            ws.close(code=1012)
        else:
            sockets.append(ws)
            ws.connect_to_server()

    page.route_web_socket(LIVE, route)
    visit.open()
    other = Visit(browser.new_page(), visit.server)
    other.page.goto(page.url)
    other.ready()
    other.click("Play")
    expect(page.get_by_role("button", name="Pause")).to_be_visible()
    away[0] = True
    sockets[0].close(code=1012)
    expect(page.get_by_role("status").filter(has_text="The server restarts")).to_be_visible()
    visit.click("Pause")
    away[0] = False
    for one in (visit, other):
        expect(one.page.get_by_role("button", name="Play")).to_be_visible()
    other.page.close()
    assert other.problems == []


def _lose_a_reply(page: Page) -> list[bool]:
    """Let the connection end in the place of one reply; true is put in where the next is meant."""
    next_one: list[bool] = []

    def route(ws: WebSocketRoute) -> None:
        server = ws.connect_to_server()

        def came(data: Any) -> None:
            if next_one and isinstance(data, str) and json.loads(data)["type"] == "reply":
                next_one.clear()
                server.close(code=1000)
                ws.close(code=1012)
            else:
                ws.send(data)

        server.on_message(came)

    page.route_web_socket(LIVE, route)
    return next_one


def test_an_edit_whose_reply_was_cut_off_can_be_undone_where_it_dropped_another(
    visit: Visit,
) -> None:
    page = visit.page
    lose = _lose_a_reply(page)
    visit.open()
    visit.click("Step forward")
    visit.at(1, 0)
    _rate(page, "0.2")
    expect(page.locator("#rate .edits")).to_contain_text("from step 1: α = 0.2")
    visit.click("Restart")
    visit.at(0, 0)
    lose.append(True)
    _rate(page, "0.1")
    notice = page.locator("#notices")
    expect(notice).to_contain_text("This change took away 1 later change.")
    notice.get_by_role("button", name="Undo").click()
    expect(page.locator("#rate .edits")).to_contain_text("from step 1: α = 0.2")


def test_the_scrubber_follows_again_after_a_move_whose_reply_was_cut_off(visit: Visit) -> None:
    page = visit.page
    lose = _lose_a_reply(page)
    visit.open()
    slider = page.get_by_role("slider", name="Step", exact=True)
    page.get_by_label("Jump to step").fill("50")
    visit.click("Go")
    visit.at(50, 0)
    lose.append(True)
    slider.fill("20")
    visit.at(20, 0)
    httpx.post(f"{visit.api}/commands", json={"do": "seek", "step": 40})
    visit.at(40, 0)
    expect(slider).to_have_value("40")


def test_the_scrubber_of_another_run_forgets_where_it_was_dragged_to(visit: Visit) -> None:
    page = visit.page
    page.route_web_socket(LIVE, _greet_only)
    before = visit.open().page.url
    slider = page.get_by_role("slider", name="Step", exact=True)
    slider.fill("1")
    page.get_by_label("Preset").select_option("The house in exact numbers")
    expect(page).not_to_have_url(before)
    visit.at(0, 0)
    expect(slider).to_have_value("0")


def _greet_only(ws: WebSocketRoute) -> None:
    """Let the page see a run and move nothing."""
    ws.connect_to_server()
    ws.on_message(lambda message: None)


def test_a_page_that_was_away_too_long_starts_from_the_run_as_it_stands(guest: Visit) -> None:
    """More was done meanwhile than the server keeps."""
    page, own = guest.page, guest.server
    greetings = _greetings(page)
    guest.open()
    phase = page.get_by_role("button", name="Phase 3: Error")
    phase.focus()
    own.kill()
    expect(page.get_by_role("alert").filter(has_text="Connection lost")).to_be_visible()
    page.context.set_offline(True)
    own.start()
    with httpx.Client() as client:
        for _ in range(1_001):
            client.post(f"{guest.api}/commands", json={"do": "step", "unit": "step", "by": 1})
    page.context.set_offline(False)
    guest.at(1_001, 0)
    expect(phase).to_be_focused()
    assert greetings == [("hello", ""), ("hello", "since=0")]


def test_a_page_that_is_cut_off_while_its_run_is_still_opened_asks_for_all_of_it(
    visit: Visit,
) -> None:
    """It has seen no change yet: to be told only what it missed would leave it without the run."""
    page = visit.page
    asked: list[str] = []

    def route(ws: WebSocketRoute) -> None:
        asked.append(ws.url.partition("?")[2])
        if len(asked) == 1:
            ws.send(json.dumps({"type": "progress", "step": 10, "target": 1000, "done": False}))
            ws.close(code=1012)
        else:
            ws.connect_to_server()

    page.route_web_socket(LIVE, route)
    visit.open()
    assert asked == ["", ""]
    visit.click("Step forward")
    visit.at(1, 0)
    expect(page.locator("#notices p")).to_have_count(0)


def _restart(server: Server, **settings: str) -> None:
    """Let the server come back with other settings."""
    server.kill()
    server.settings.update(settings)
    server.start()


def _second(guest: Visit) -> Visit:
    """A second page of a run that is shown already, where an address may have one socket."""
    _restart(guest.server, RETRACE_SOCKETS_PER_ADDRESS="1")
    guest.open()
    return Visit(guest.page.context.new_page(), guest.server)


def test_a_page_that_is_refused_a_socket_says_what_may_be_why_and_comes_in_when_it_may(
    guest: Visit,
) -> None:
    """A browser tells it no more than that a connection ended."""
    other = _second(guest)
    page = other.page
    page.goto(guest.page.url)
    told = page.get_by_role("alert").filter(has_text="opens no live connection (WebSocket)")
    expect(told).to_contain_text("Trying again")
    expect(told).to_contain_text("RETRACE_SOCKETS_PER_ADDRESS")
    guest.page.close()
    other.ready()
    expect(page.locator("#notices p")).to_have_count(0)
    other.click("Step forward")
    other.at(1, 0)


def test_what_a_plain_request_is_told_is_shown_where_no_socket_is_opened(guest: Visit) -> None:
    other = _second(guest)
    page, words = other.page, "nothing was changed, since the disk is full"
    answer = json.dumps({"error": {"code": "not_stored", "message": words, "field": None}})
    asked = re.compile(r"/api/sessions/[^/]+$")
    page.route(asked, lambda route: route.fulfill(status=503, body=answer))
    page.goto(guest.page.url)
    told = page.get_by_role("alert").filter(has_text=f"just now: {words}. Trying again …")
    expect(told).to_be_visible()
    page.unroute(asked)
    guest.page.close()
    other.ready()
    expect(page.locator("#notices p")).to_have_count(0)


def test_a_page_of_a_host_that_is_served_no_more_says_so_and_stops_asking(
    browser: Browser, own: Server
) -> None:
    _restart(own, RETRACE_ALLOWED_HOSTS="retrace.localhost")
    page = browser.new_page()
    sockets: list[str] = []
    page.on("websocket", lambda socket: sockets.append(socket.url))
    page.clock.install()
    page.goto(f"http://retrace.localhost:{own.port}/")
    page.wait_for_selector("html[data-ready]")
    _restart(own, RETRACE_ALLOWED_HOSTS="")
    told = page.get_by_role("alert").filter(has_text="The server does not let this page in: Host:")
    expect(told).to_contain_text("RETRACE_ALLOWED_HOSTS")
    tried = len(sockets)
    page.clock.fast_forward(60_000)
    assert len(sockets) == tried
    page.close()


@pytest.mark.parametrize(
    ("code", "words"),
    [(4408, "This page fell behind and was cut off."), (4429, "Too many pages show this run")],
)
def test_a_close_code_is_told_in_words_and_the_page_tries_again(
    visit: Visit, code: int, words: str
) -> None:
    page = visit.page
    sockets: list[WebSocketRoute] = []
    page.route_web_socket(LIVE, lambda ws: sockets.append(ws) or ws.connect_to_server())
    visit.open()
    page.evaluate(
        """() => { window.seen = [];
          new MutationObserver(() => window.seen.push(document.getElementById('notices').textContent))
            .observe(document.getElementById('notices'), { childList: true, subtree: true }); }"""
    )
    sockets[0].close(code=code)
    page.wait_for_function("(words) => window.seen.some((text) => text.includes(words))", arg=words)
    expect(page.locator("#notices p")).to_have_count(0)
    visit.click("Step forward")
    visit.at(1, 0)


def test_a_run_that_is_gone_is_not_asked_for_again(visit: Visit) -> None:
    page = visit.page
    sockets: list[WebSocketRoute] = []
    page.route_web_socket(LIVE, lambda ws: sockets.append(ws) or ws.connect_to_server())
    visit.open()
    page.clock.install()
    sockets[0].close(code=4404)
    gone = page.get_by_role("alert").filter(has_text="This session is no longer on the server.")
    expect(gone).to_be_visible()
    page.clock.fast_forward(60_000)
    assert len(sockets) == 1
    page.get_by_label("Preset").select_option("The house in exact numbers")
    visit.at(0, 0)
    expect(gone).to_have_count(0)


def test_a_connection_that_says_nothing_any_more_is_replaced(visit: Visit) -> None:
    """Half open: the browser believes in it, and nothing comes."""
    page = visit.page
    dead: list[bool] = []
    asked: list[str] = []

    def route(ws: WebSocketRoute) -> None:
        server, first = ws.connect_to_server(), not dead
        dead.append(False)

        def out(message: Any) -> None:
            asked.append(message)
            if not (first and dead[0]):
                server.send(message)

        ws.on_message(out)
        server.on_message(lambda message: None if first and dead[0] else ws.send(message))

    page.route_web_socket(LIVE, route)
    page.clock.install()
    visit.open()
    visit.click("Step forward")
    visit.at(1, 0)
    dead[0] = True
    page.clock.fast_forward(31_000)
    visit.click("Step forward")
    page.clock.fast_forward(6_000)
    page.clock.fast_forward(6_000)
    visit.at(2, 0)
    assert len(dead) == 2
    commands = [json.loads(text) for text in asked]
    assert [c["do"] for c in commands if c["do"] != "show"] == ["step", "step", "step"]
    assert commands[-1]["id"] == [c for c in commands if c["do"] == "step"][1]["id"]
    assert {"do": "show", "example": 0, "id": "still there?"} in commands


def test_a_hidden_tab_whose_timers_run_once_a_minute_keeps_its_connection(visit: Visit) -> None:
    page = visit.page
    sockets: list[str] = []
    page.on("websocket", lambda socket: sockets.append(socket.url))
    page.clock.install()
    visit.open()
    visit.click("Step forward")
    visit.at(1, 0)
    page.clock.fast_forward(60_000)
    visit.click("Step forward")
    visit.at(2, 0)
    assert len(sockets) == 1


def test_what_comes_too_fast_waits_and_is_not_lost(browser: Browser, tmp_path: Path) -> None:
    few = {"RETRACE_COMMANDS_PER_SECOND": "20", "RETRACE_COMMAND_BURST": "3"}
    server = Server(tmp_path, **few)
    server.start()
    visit = Visit(browser.new_page(), server).open()
    for _ in range(12):
        visit.page.keyboard.press("ArrowRight")
        visit.page.keyboard.press("Shift+ArrowRight")
    visit.at(13, 5)  # 12 steps, and 12 of the 7 phases of a step
    expect(visit.page.locator("#notices p")).to_have_count(0)
    assert httpx.get(visit.api).json()["offset"] == 24
    visit.page.close()
    server.stop()
    assert visit.problems == []


def _changes(page: Page) -> list[tuple[int, dict[str, int], Any]]:
    """What the page is told of changes, its own and others': number, cursor and edits."""
    found: list[tuple[int, dict[str, int], Any]] = []

    def came(data: Any) -> None:
        message = json.loads(data) if isinstance(data, str) else {}
        if message.get("type") in ("reply", "change") and "offset" in message:
            found.append((message["offset"], message["cursor"], message.get("edits")))

    page.on("websocket", lambda socket: socket.on("framereceived", came))
    return found


def test_two_tabs_agree_after_commands_from_both(
    visit: Visit, browser: Browser, server: Server
) -> None:
    """A move of one may end a slow one of the other: what counts is that both are told the same."""
    other = Visit(browser.new_page(), server)
    told = [_changes(one.page) for one in (visit, other)]
    visit.open()
    other.page.goto(visit.page.url)
    other.ready()
    for rate in ("0.2", "0.3"):
        for _ in range(10):
            visit.page.keyboard.press("Shift+ArrowRight")
            other.page.keyboard.press("Shift+ArrowRight")
        _rate(visit.page, rate)
        expect(other.page.get_by_role("status").filter(has_text=f"α = {rate}")).to_be_visible()
    other.page.keyboard.press("Home")
    for one in (visit, other):
        one.at(0, 0)
    assert told[0] == told[1]
    assert [offset for offset, *_ in told[0]] == list(range(1, len(told[0]) + 1))
    texts = [one.page.locator("#rate").inner_text() for one in (visit, other)]
    assert texts[0] == texts[1]
    other.page.close()
    assert other.problems == []


def test_a_change_made_elsewhere_is_told_without_taking_the_focus(
    visit: Visit, browser: Browser, server: Server
) -> None:
    page = visit.open().page
    field = page.get_by_role("textbox", name="Learning rate", exact=True)
    field.focus()
    change = {"do": "change", "parameter": "w1.2.3", "value": 0.4}
    httpx.post(f"{visit.api}/commands", json=change)
    told = page.get_by_role("status").filter(has_text="Another viewer changed this run")
    expect(told).to_have_text("Another viewer changed this run. Now w¹₂₃ = 0.4 from step 0 on.×")
    expect(field).to_be_focused()
    httpx.post(f"{visit.api}/commands", json={"do": "undo"})
    expect(page.locator("#notices")).to_contain_text("the last change is taken back.")


@pytest.mark.skipif(not hasattr(resource, "prlimit"), reason="needs limits of another process")
def test_a_disk_that_takes_no_more_is_told_and_reading_goes_on(guest: Visit) -> None:
    page, own = guest.page, guest.server
    guest.open()
    guest.click("Step forward")
    guest.at(1, 0)
    before = resource.prlimit(own.pid, resource.RLIMIT_FSIZE)
    resource.prlimit(own.pid, resource.RLIMIT_FSIZE, (0, before[1]))
    guest.click("Step forward")
    notices = page.locator("#notices").get_by_role("alert")
    full = notices.filter(has_text="nothing was changed, since the disk")
    expect(full).to_contain_text("reading goes on")
    guest.at(1, 0)
    field = page.get_by_role("textbox", name="Learning rate", exact=True)
    field.fill("0.3")
    field.press("Enter")
    beside = page.locator("#rate-error")
    expect(beside).to_contain_text("Not set: nothing was changed, since the disk")
    expect(full).to_have_count(0)  # it is said once
    field.blur()
    expect(field).to_have_value("0.3")
    expect(field).to_have_attribute("aria-invalid", "true")
    page.locator("#diagram [data-parameter='w2.1.1']").press("Enter")
    expect(page.locator("#tab-body")).to_contain_text("to see where it lives in the diagram")
    resource.prlimit(own.pid, resource.RLIMIT_FSIZE, before)
    page.keyboard.press("Escape")
    guest.click("Step forward")
    guest.at(2, 0)
    expect(full).to_have_count(0)
    expect(field).to_have_value("0.3")
    field.press("Enter")
    expect(page.locator("#rate .edits")).to_contain_text("from step 2: α = 0.3")
    expect(beside).to_have_text("")


def test_digits_computed_on_another_machine_are_said_to_be_so(
    browser: Browser, tmp_path: Path
) -> None:
    """A store from a machine that sums in another order: its bytes are not those found here."""
    server = Server(tmp_path)
    server.start()
    session = httpx.post(f"{server.url}/api/sessions", json={}).json()
    far = {"do": "seek", "step": 300, "phase": 0}
    httpx.post(f"{server.url}/api/sessions/{session['id']}/commands", json=far)
    server.stop()
    _record_elsewhere(tmp_path / FILE)
    server.start()
    visit = Visit(browser.new_page(), server)
    visit.page.goto(f"{server.url}/s/{session['id']}")
    visit.ready()
    note = visit.page.get_by_text("Computed anew on this machine")
    for step, anew in ((37, True), (900, False), (38, True)):
        visit.page.get_by_label("Jump to step").fill(str(step))
        visit.page.keyboard.press("Enter")
        visit.at(step, 0)
        expect(note).to_be_visible(visible=anew)
    expect(note).to_contain_text("may differ from those first recorded (on NumPy 1.0, elsewhere)")
    beside = visit.page.locator("#panel .note")
    said = note.inner_text()
    for name, what in (("w1.1.1", "weight"), ("u1.1", "hidden unit 1")):
        visit.page.get_by_label("Explain").fill(name)
        visit.page.keyboard.press("Enter")
        expect(visit.page.locator(".chosen")).to_contain_text(what)
        expect(beside).to_contain_text(said)
    visit.page.get_by_label("Jump to step").fill("901")
    visit.page.keyboard.press("Enter")
    visit.at(901, 0)
    expect(beside).to_contain_text("Step 901, ")
    expect(beside).not_to_contain_text("Computed anew")
    visit.page.close()
    server.stop()
    assert visit.problems == []


def _record_elsewhere(file: Path) -> None:
    """Let another machine have computed every step; each checkpoint differs in its last bit."""
    with closing(sqlite3.connect(file)) as db, db:
        db.execute("UPDATE saved SET recorders = ?", (json.dumps([[0, "NumPy 1.0, elsewhere"]]),))
        for row, state in db.execute(
            "SELECT rowid, state FROM checkpoint WHERE step > 0"
        ).fetchall():
            other = bytes([state[0] ^ 1]) + state[1:]
            db.execute(
                "UPDATE checkpoint SET state = ?, machine = 'NumPy 1.0, elsewhere' WHERE rowid = ?",
                (other, row),
            )
