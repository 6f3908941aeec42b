"""The one door to working on Retrace: `python3 dev.py run | test | check | audit | bench`.

Standard library only: it runs before anything is installed. It makes .venv and fills it from the
requirement files, whose hashes pip checks, whenever those files have changed.
"""

from __future__ import annotations

import argparse
import hashlib
import http.client
import os
import shutil
import subprocess  # nosec B404 # running tools is what this file is for
import sys
import threading
import time
import urllib.request
import venv
import webbrowser
from pathlib import Path

ROOT = Path(__file__).resolve().parent
VENV = ROOT / ".venv"
PYTHON = VENV / ("Scripts/python.exe" if os.name == "nt" else "bin/python")
EVERY_IPV4 = "0.0.0.0"  # nosec B104 # compared with, not bound to
# Where to ask a server that listens on every address, of IPv4 or of IPv6.
ANYWHERE = {EVERY_IPV4: "127.0.0.1", "::": "::1"}
# The shell is Chromium without its windows, which nobody sees here: a quarter less work.
SHELL = "chromium-headless-shell"
CHROMES = ("google-chrome", "google-chrome-stable", "chrome")
BROWSERS = (SHELL, "chromium", "chromium-browser", *CHROMES)
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
    commands.add_parser("check", help="lint, format, types, layers and common mistakes (bandit)")
    commands.add_parser("audit", help="ask the package index for known vulnerabilities")
    commands.add_parser(
        "bench",
        help="print measured ratios; further arguments choose which, --long runs the long parts",
    )
    options, rest = parser.parse_known_args()
    if rest and options.command in ("run", "check", "audit"):
        parser.error(f"unknown arguments: {' '.join(rest)}")
    if options.command == "run":
        return run(options)
    return {"test": test, "check": check, "audit": audit, "bench": bench}[options.command](rest)


def run(options: argparse.Namespace) -> int:
    """Serve until interrupted; print the address once the server answers."""
    install("requirements.txt")
    for_a_terminal = {"RETRACE_LOG_FORMAT": "text", "RETRACE_LOG_LEVEL": "warning"}
    environment = {**for_a_terminal, **os.environ}
    if options.host is not None:
        environment["RETRACE_HOST"] = options.host
    if options.port is not None:
        environment["RETRACE_PORT"] = options.port
    host = environment.get("RETRACE_HOST", "127.0.0.1")
    port = environment.get("RETRACE_PORT", "8000")
    address = address_of(host, port)
    is_anothers = answers(address)  # then ours says which setting is wrong, and ends
    command = [PYTHON, "-m", "app"]
    server = subprocess.Popen(command, cwd=ROOT, env=environment)  # nosec B603 # our own words
    opens = not options.no_browser and not os.environ.get("CI")
    if not is_anothers:
        threading.Thread(target=announce, args=(address, opens, server), daemon=True).start()
    try:
        return server.wait()
    except KeyboardInterrupt:
        return server.wait()


def address_of(host: str, port: str) -> str:
    """Return where this machine's own browser finds a server that listens there."""
    shown = ANYWHERE.get(host, host)
    return f"http://{f'[{shown}]' if ':' in shown else shown}:{port}/"


def announce(address: str, opens: bool, server: subprocess.Popen[bytes]) -> None:
    while server.poll() is None:
        if not answers(address):
            time.sleep(0.1)
            continue
        print(f"Retrace runs at {address} (stop it with Ctrl+C)", flush=True)
        if opens:
            webbrowser.open(address)
        return


def answers(address: str) -> bool:
    """Tell whether a server is there; where the address is none, it is the server who says so."""
    try:
        health = f"{address}healthz"
        urllib.request.urlopen(health, timeout=1).close()  # nosec B310 # http, as run() wrote it
    except (OSError, ValueError, OverflowError, http.client.HTTPException):
        return False
    return True


def test(arguments: list[str]) -> int:
    """Run pytest with a real Chromium."""
    install("requirements-dev.txt")
    environment = {**os.environ, "RETRACE_CHROMIUM": find_chromium()}
    side_by_side = ("-n", str(min(os.cpu_count() or 1, 4)), "--dist", "loadfile")
    side_by_side += ("--no-loadscope-reorder",)  # tests/conftest.py knows a better order
    return call("pytest", *side_by_side, *arguments, environment=environment)


def check(_: list[str]) -> int:
    """Run every check; name those that fail, and fail if one does."""
    install("requirements-dev.txt")
    checks = (
        ("ruff", "check", "."),
        ("ruff", "format", "--check", "."),
        ("mypy",),
        ("pytest", "-q", "tests/test_layers.py"),
        ("bandit", "--quiet", "--recursive", "app", "dev.py"),
    )
    failed = [" ".join(words) for words in checks if call(*words)]
    for name in failed:
        print(f"failed: {name}")
    return 1 if failed else 0


def audit(_: list[str]) -> int:
    """Ask whether a version that we pin has a known vulnerability, and fail if that is not known.

    Without --strict what the index knows nothing of would count as sound.
    """
    install("requirements-dev.txt")
    strictly = ("--strict", "--require-hashes", "--disable-pip", "--progress-spinner", "off")
    files = ("requirements.txt", "requirements-dev.txt")
    return max(call("pip_audit", *strictly, "--requirement", name) for name in files)


def bench(arguments: list[str]) -> int:
    install("requirements-dev.txt")
    environment = {**os.environ, "RETRACE_CHROMIUM": find_chromium()}
    return call("bench", *arguments, environment=environment)


def call(*words: str, environment: dict[str, str] | None = None) -> int:
    """Run a module of .venv with these arguments; return its exit code."""
    command = [PYTHON, "-m", *words]
    return subprocess.call(command, cwd=ROOT, env=environment)  # nosec B603 # our words, no shell


def install(requirements: str) -> None:
    """Fill .venv from a requirement file with hashes, if that was not done already."""
    wanted = hashlib.sha256((ROOT / requirements).read_bytes()).hexdigest()
    stamp = VENV / f"{requirements}.installed"
    if PYTHON.exists() and stamp.exists() and stamp.read_text() == wanted:
        return
    if not PYTHON.exists():
        print("making .venv", flush=True)
        venv.create(VENV, with_pip=True)
        # Python 3.11 puts an old one there, which nothing uses.
        call("pip", "uninstall", "-qq", "--disable-pip-version-check", "--yes", "setuptools")
    print(f"installing {requirements}", flush=True)
    pip = ("pip", "install", "--quiet", "--disable-pip-version-check", "--require-hashes")
    if code := call(*pip, "-r", str(ROOT / requirements)):
        sys.exit(code)
    stamp.write_text(wanted)


def find_chromium() -> str:
    """Return the path of a Chromium, which is installed if there is none."""
    found = os.environ.get("RETRACE_CHROMIUM") or look_for_chromium()
    if found:
        return found
    print("installing a Chromium for the browser tests", flush=True)
    apt = shutil.which("apt-get")
    if apt and hasattr(os, "geteuid") and os.geteuid() == 0:
        environment = {**os.environ, "DEBIAN_FRONTEND": "noninteractive"}
        subprocess.check_call([apt, "-qq", "update"], env=environment)  # nosec B603 # our words
        install = [apt, "-qq", "install", "-y", "--no-install-recommends"]
        if subprocess.call([*install, SHELL], env=environment):  # nosec B603 # not every system has it
            subprocess.check_call([*install, "chromium"], env=environment)  # nosec B603 # our words
    elif code := call("playwright", "install", "chromium"):
        sys.exit(code)
    return look_for_chromium() or ""  # empty: Playwright looks for the one it installed itself


def look_for_chromium() -> str | None:
    on_path = (shutil.which(name) for name in BROWSERS)
    in_place = (place for place in USUAL_PLACES if Path(place).exists())
    return next((path for path in (*on_path, *in_place) if path), None)


if __name__ == "__main__":
    sys.exit(main())
