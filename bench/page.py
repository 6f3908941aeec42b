"""The page in a real Chromium: first paint, bytes before the charts, frames while things move."""

from __future__ import annotations

import math
import os
import tempfile
from pathlib import Path
from typing import Any

import httpx
import numpy as np
from playwright.sync_api import Page, sync_playwright

from dev import look_for_chromium
from tests.browser.conftest import FLAGS, Server

FRAMES = """() => new Promise((done) => {
  const times = []; let spent = 0;
  const watch = new PerformanceObserver((list) => list.getEntries().forEach((e) => { spent += e.duration; }));
  watch.observe({ type: 'longtask' });
  requestAnimationFrame(function tick(now) {
    times.push(now);
    if (times.length < 121) return requestAnimationFrame(tick);
    done([(times.length - 1) * 1000 / (times[120] - times[0]), spent]);
  });
})"""


# What the machine can: the same drag of the handle alone, where no answer comes for the diagram.
ALONE = """(alone) => { window.real ??= window.fetch;
  const never = ({ signal }) => new Promise((_, end) => signal.addEventListener('abort', end));
  window.fetch = (url, more) => alone && `${url}`.includes('/trial') ? never(more) : real(url, more); }"""
TRIALS = "performance.getEntriesByType('resource').filter((e) => e.name.includes('/trial')).length"


def main() -> None:
    with tempfile.TemporaryDirectory() as folder, sync_playwright() as playwright:
        server = Server(Path(folder))
        server.start()
        path = os.environ.get("RETRACE_CHROMIUM") or look_for_chromium()
        browser = playwright.chromium.launch(executable_path=path, args=list(FLAGS))
        page = browser.new_page()
        page.goto(server.url)
        page.wait_for_selector("html[data-ready]")
        paint = page.evaluate("performance.getEntriesByName('first-contentful-paint')[0].startTime")
        sizes = "performance.getEntriesByType('resource').filter((e) => !e.name.includes('plotly')).map((e) => e.transferSize)"
        print(
            f"first contentful paint {paint:.0f} ms; {sum(page.evaluate(sizes)) / 1e3:.0f} kB before charts"
        )
        for _ in range(5):
            page.keyboard.press("ArrowRight")
        page.wait_for_selector("main[data-cursor='0:5']")
        page.frame_locator("iframe").locator("#gradient .bars").wait_for()
        client = page.context.new_cdp_session(page)
        client.send("Performance.enable")

        def busy() -> float:
            metrics = client.send("Performance.getMetrics")["metrics"]
            return float(next(m["value"] for m in metrics if m["name"] == "TaskDuration"))

        before = busy()
        rate, long_tasks = page.evaluate(FRAMES)
        each = (busy() - before) * 1000 / 120
        print(
            f"flow: {rate:.0f} frames/s, {each:.2f} ms of the main thread a frame, long tasks {long_tasks:.0f} ms"
        )
        _drag(page, "3-3-1", "w2.2.1")
        for sizes in ((16, 10, 8, 4), (3, 12, 16, 4), (64, 32, 10)):
            _go_to_end(page, server, sizes)
            for name in ("w1.1.1", "w2.2.1"):
                _drag(page, "-".join(map(str, sizes)), name)
        browser.close()
        server.stop()


def _go_to_end(page: Page, server: Server, sizes: tuple[int, ...]) -> None:
    """Open a network of this shape where all its gradients are shown."""
    rng = np.random.default_rng(3)
    hidden = [{"units": units, "activation": "tanh"} for units in sizes[1:-1]]
    spec: dict[str, Any] = {
        "dataset": {
            "inputs": rng.normal(size=(20, sizes[0])).tolist(),
            "targets": rng.normal(size=(20, sizes[-1])).tolist(),
        },
        "layers": [*hidden, {"units": sizes[-1], "activation": "identity"}],
        "batch_size": 4,
    }
    sessions = f"{server.url}/api/sessions"
    found = httpx.post(sessions, json=spec).json()["id"]
    seek = {"do": "seek", "step": 0, "phase": 2 * (len(sizes) - 1) + 1}
    httpx.post(f"{sessions}/{found}/commands", json=seek).raise_for_status()
    page.goto(f"{server.url}/s/{found}")
    page.wait_for_selector("html[data-ready]")
    page.frame_locator("iframe").locator("#gradient .bars").wait_for()


def _drag(page: Page, shape: str, name: str) -> None:
    """Drag a weight along its curve while the diagram follows, and count the frames."""
    page.evaluate(ALONE, True)
    alone, *_ = _dragged(page, name)
    page.evaluate(ALONE, False)
    rate, long_tasks, answered = _dragged(page, name)
    print(
        f"dragging {name} of {shape}: {rate:.1f} frames/s ({alone:.1f} the handle alone), "
        f"long tasks {long_tasks:.0f} ms, {answered} trials answered"
    )


def _dragged(page: Page, name: str) -> tuple[float, float, int]:
    """Return the frames a second of one drag, the milliseconds of long tasks, and the trials."""
    page.get_by_role("combobox", name="Explain").fill(name)
    page.keyboard.press("Enter")
    page.get_by_role("tab", name="What if").click()
    page.wait_for_selector("#tab-body:not([aria-busy]) .slice .now[aria-valuenow]")
    box = page.locator(".slice .now").bounding_box() or {}
    x, y = box["x"] + box["width"] / 2, box["y"] + box["height"] / 2
    page.mouse.move(x, y)
    page.mouse.down()
    page.evaluate("performance.clearResourceTimings()")  # the browser keeps the first 250 only
    page.evaluate(f"() => {{ window.measured = ({FRAMES})(); }}")
    for k in range(240):
        page.mouse.move(x + 80 * math.sin(k / 12), y)
    rate, long_tasks = page.evaluate("window.measured")
    answered = page.evaluate(TRIALS)
    page.mouse.up()
    return rate, long_tasks, answered
