"""The one door to working on Retrace: `python3 dev.py run | test | check | bench`.

Standard library only: it runs before anything is installed. It makes .venv and fills it from the
requirement files, whose hashes pip checks, whenever those files have changed.
"""

from __future__ import annotations

import argparse
import hashlib
import os
import shutil
import subprocess
import sys
import threading
import time
import urllib.error
import urllib.request
import venv
import webbrowser
from pathlib import Path

ROOT = Path(__file__).resolve().parent
VENV = ROOT / ".venv"
PYTHON = VENV / ("Scripts/python.exe" if os.name == "nt" else "bin/python")
BROWSERS = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable", "chrome")
USUAL_PLACES = (
    "/Applications/Google Chrome.app/Contents/MacOS/Google Chrome",
    "/Applications/Chromium.app/Contents/MacOS/Chromium",
    "C:/Program Files/Google/Chrome/Application/chrome.exe",
    "C:/Program Files (x86)/Google/Chrome/Application/chrome.exe",
)


def main() -> int:
    if sys.version_info < (3, 11):
        sys.exit(f"Retrace needs Python 3.11 or newer; this is {sys.version.split()[0]}")
    parser = argparse.ArgumentParser(prog="dev.py", description="Run, test, check or time Retrace.")
    commands = parser.add_subparsers(dest="command", required=True)
    run_parser = commands.add_parser("run", help="start the server and open the page")
    run_parser.add_argument("--host", help="address to listen on (RETRACE_HOST, 127.0.0.1)")
    run_parser.add_argument("--port", help="port to listen on (RETRACE_PORT, 8000)")
    run_parser.add_argument("--no-browser", action="store_true", help="only print the address")
    commands.add_parser("test", help="run every test; further arguments go to pytest")
    commands.add_parser("check", help="lint, format, types and layers")
    commands.add_parser(
        "bench",
        help="print measured ratios; further arguments choose which, --long runs the long parts",
    )
    options, rest = parser.parse_known_args()
    if rest and options.command in ("run", "check"):
        parser.error(f"unknown arguments: {' '.join(rest)}")
    if options.command == "run":
        return run(options)
    return {"test": test, "check": check, "bench": bench}[options.command](rest)


def run(options: argparse.Namespace) -> int:
    """Serve until interrupted; print the address once the server answers."""
    install("requirements.txt")
    environment = {**os.environ}
    if options.host:
        environment["RETRACE_HOST"] = options.host
    if options.port:
        environment["RETRACE_PORT"] = options.port
    host, port = (
        environment.get("RETRACE_HOST", "127.0.0.1"),
        environment.get("RETRACE_PORT", "8000"),
    )
    shown = "127.0.0.1" if host in ("0.0.0.0", "::") else host
    address = f"http://{f'[{shown}]' if ':' in shown else shown}:{port}/"
    server = subprocess.Popen([PYTHON, "-m", "app"], cwd=ROOT, env=environment)
    opens = not options.no_browser and not os.environ.get("CI")
    threading.Thread(target=announce, args=(address, opens, server), daemon=True).start()
    try:
        return server.wait()
    except KeyboardInterrupt:
        return server.wait()


def announce(address: str, opens: bool, server: subprocess.Popen[bytes]) -> None:
    while server.poll() is None:
        try:
            urllib.request.urlopen(f"{address}healthz", timeout=1).close()
        except (urllib.error.URLError, OSError):
            time.sleep(0.1)
            continue
        print(f"Retrace runs at {address} (stop it with Ctrl+C)", flush=True)
        if opens:
            webbrowser.open(address)
        return


def test(arguments: list[str]) -> int:
    """Run pytest with a real Chromium."""
    install("requirements-dev.txt")
    environment = {**os.environ, "RETRACE_CHROMIUM": find_chromium()}
    return subprocess.call([PYTHON, "-m", "pytest", *arguments], cwd=ROOT, env=environment)


def check(_: list[str]) -> int:
    """Run every check, and fail if one does."""
    install("requirements-dev.txt")
    checks = (
        ("ruff", "check", "."),
        ("ruff", "format", "--check", "."),
        ("mypy",),
        ("pytest", "-q", "tests/test_layers.py"),
    )
    return max(subprocess.call([PYTHON, "-m", *words], cwd=ROOT) for words in checks)


def bench(arguments: list[str]) -> int:
    install("requirements-dev.txt")
    environment = {**os.environ, "RETRACE_CHROMIUM": find_chromium()}
    return subprocess.call([PYTHON, "-m", "bench", *arguments], cwd=ROOT, env=environment)


def install(requirements: str) -> None:
    """Fill .venv from a requirement file with hashes, if that was not done already."""
    wanted = hashlib.sha256((ROOT / requirements).read_bytes()).hexdigest()
    stamp = VENV / f"{requirements}.installed"
    if PYTHON.exists() and stamp.exists() and stamp.read_text() == wanted:
        return
    if not PYTHON.exists():
        print("making .venv", flush=True)
        venv.create(VENV, with_pip=True)
    print(f"installing {requirements}", flush=True)
    pip = [PYTHON, "-m", "pip", "install", "--quiet", "--disable-pip-version-check"]
    subprocess.check_call([*pip, "--require-hashes", "-r", str(ROOT / requirements)])
    stamp.write_text(wanted)


def find_chromium() -> str:
    """Return the path of a Chromium, which is installed if there is none."""
    found = os.environ.get("RETRACE_CHROMIUM") or look_for_chromium()
    if found:
        return found
    print("installing a Chromium for the browser tests", flush=True)
    if shutil.which("apt-get") and hasattr(os, "geteuid") and os.geteuid() == 0:
        environment = {**os.environ, "DEBIAN_FRONTEND": "noninteractive"}
        for words in (["update"], ["install", "-y", "--no-install-recommends", "chromium"]):
            subprocess.check_call(["apt-get", "-qq", *words], env=environment)
    else:
        subprocess.check_call([PYTHON, "-m", "playwright", "install", "chromium"])
    return look_for_chromium() or ""  # empty: Playwright looks for the one it installed itself


def look_for_chromium() -> str | None:
    on_path = (shutil.which(name) for name in BROWSERS)
    in_place = (place for place in USUAL_PLACES if Path(place).exists())
    return next((path for path in (*on_path, *in_place) if path), None)


if __name__ == "__main__":
    sys.exit(main())
