"""A real server in a process of its own, and a real Chromium that must not complain."""

from __future__ import annotations

import json
import os
import socket
import subprocess
import sys
import urllib.error
import urllib.request
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest
from playwright.sync_api import (
    Browser,
    BrowserContext,
    Page,
    WebSocketRoute,
    expect,
    sync_playwright,
)

from dev import look_for_chromium

ROOT = Path(__file__).parents[2]
FLAGS = (
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    # Each window would fill two lists under an address bar that nobody sees: half of what a page
    # costs here. The others are what Playwright turns off, where that matters to us.
    "--disable-features=WebUIOmniboxPopup,WebUIOmniboxAimPopup,HttpsUpgrades,OptimizationHints,PaintHolding",
)
expect.set_options(timeout=30_000)  # a page that was cut off may wait 10 s between two tries


class Server:
    """`python -m app` on a free port, which can be killed and started again."""

    def __init__(self, folder: Path, **settings: str) -> None:
        with socket.socket() as free:
            free.bind(("127.0.0.1", 0))
            self.port = free.getsockname()[1]
        self.url = f"http://127.0.0.1:{self.port}"
        self._folder, self.settings = folder, settings
        self._process: subprocess.Popen[bytes] | None = None

    def start(self) -> None:
        settings = {"RETRACE_PORT": str(self.port), "RETRACE_DATA_DIR": str(self._folder)}
        environment = {**os.environ, **settings, **self.settings, "RETRACE_HOST": "127.0.0.1"}
        command = [sys.executable, "-m", "app"]
        self._process = subprocess.Popen(command, cwd=ROOT, env=environment)
        for _ in range(100_000):
            assert self._process.poll() is None, "the server ended before it answered"
            try:
                urllib.request.urlopen(f"{self.url}/healthz", timeout=5).close()
                return
            except (urllib.error.URLError, OSError):
                continue
        raise AssertionError("the server never answered")

    @property
    def pid(self) -> int:
        assert self._process
        return self._process.pid

    def kill(self) -> None:
        assert self._process
        self._process.kill()
        self._process.wait()

    def stop(self) -> None:
        assert self._process
        self._process.terminate()
        self._process.wait(timeout=30)


@pytest.fixture(scope="session")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    found = Server(tmp_path_factory.mktemp("data"))
    found.start()
    yield found
    found.stop()


# Playwright keeps an event loop running in this thread: it ends with this folder's tests, since
# others run loops of their own.
@pytest.fixture(scope="package")
def browser() -> Iterator[Browser]:
    with sync_playwright() as playwright:
        path = os.environ.get("RETRACE_CHROMIUM") or look_for_chromium()
        found = playwright.chromium.launch(executable_path=path, args=list(FLAGS))
        yield found
        found.close()


NEVER_IDLE = "window.requestIdleCallback = () => 0"


class Visit:
    """A page on our server, its session, and what went wrong in it.

    Unless `charts` are asked for the page has no idle moment, in which it would load their library:
    that takes longer than most of what is tested here.
    """

    def __init__(self, page: Page, server: Server, charts: bool = False) -> None:
        self.page, self.server, self.problems = page, server, []
        if not charts:
            page.add_init_script(NEVER_IDLE)
        page.on("console", self._console)
        page.on("pageerror", lambda error: self.problems.append(f"error: {error}"))
        page.on("request", self._request)

    def _console(self, message: Any) -> None:
        if message.type in ("error", "warning"):
            self.problems.append(f"console: {message.text}")

    def _request(self, request: Any) -> None:
        if not request.url.startswith(
            (self.server.url, "data:", f"ws://127.0.0.1:{self.server.port}")
        ):
            self.problems.append(f"foreign request: {request.url}")

    def open(self, spec: dict[str, Any] | None = None) -> Visit:
        """Open the start page, or a session made of `spec`, and wait for its first frame."""
        path = "/"
        if spec is not None:
            path = f"/s/{httpx.post(f'{self.server.url}/api/sessions', json=spec).json()['id']}"
        self.page.goto(f"{self.server.url}{path}")
        self.ready()
        return self

    def ready(self) -> None:
        self.page.wait_for_selector("html[data-ready]")

    @property
    def api(self) -> str:
        return f"{self.server.url}/api/sessions/{self.page.url.rsplit('/', 1)[1]}"

    def step(self, number: int, example: int = 0) -> dict[str, Any]:
        reply = httpx.get(f"{self.api}/steps/{number}", params={"example": example})
        assert reply.status_code == 200, reply.text
        return dict(reply.json())

    def at(self, step: int, phase: int) -> None:
        """Wait until the page stands at (step, phase)."""
        expect(self.page.locator("main")).to_have_attribute("data-cursor", f"{step}:{phase}")

    def click(self, name: str) -> None:
        self.page.get_by_role("button", name=name, exact=True).click()


class Wire:
    """Between a page and its server: notes what the page sends, tells it more, and can be cut."""

    def __init__(self, page: Page) -> None:
        self.sent: list[dict[str, Any]] = []
        self._cut = ""  # the run whose sockets are refused
        page.route_web_socket("**/live*", self._route)

    def _route(self, ws: WebSocketRoute) -> None:
        if self._cut and self._cut in ws.url:
            return ws.close(code=1012)
        self._ws, server = ws, ws.connect_to_server()
        ws.on_message(lambda message: (self.sent.append(json.loads(message)), server.send(message)))

    def tell(self, **message: Any) -> None:
        self._ws.send(json.dumps(message))

    def cut(self) -> None:
        self._cut = self._ws.url.partition("?")[0]
        self._ws.close(code=1012)

    def mend(self) -> None:
        self._cut = ""


@pytest.fixture
def wire(visit: Visit) -> Wire:
    return Wire(visit.page)


@pytest.fixture(scope="package")
def window(browser: Browser) -> Iterator[BrowserContext]:
    """One for all visits: with one of its own each would fetch every script anew."""
    found = browser.new_context(viewport={"width": 1440, "height": 900})
    yield found
    found.close()


@pytest.fixture
def visit(
    window: BrowserContext, server: Server, request: pytest.FixtureRequest
) -> Iterator[Visit]:
    page = window.new_page()
    if not request.node.get_closest_marker("moving"):
        page.emulate_media(reduced_motion="reduce")
    found = Visit(page, server, bool(request.node.get_closest_marker("charts")))
    yield found
    for one in window.pages:
        if one.url.startswith(server.url):
            one.evaluate("localStorage.clear()")
        one.close()
    assert found.problems == []


@pytest.fixture(scope="module")
def page(browser: Browser, server: Server) -> Iterator[Page]:
    """One page for all tests of a module that only ask what the functions of its scripts return."""
    context = browser.new_context()
    found = Visit(context.new_page(), server).open()
    yield found.page
    context.close()
    assert found.problems == []
