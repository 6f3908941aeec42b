"""`python -m app`: serve Retrace with the settings of the environment, or keep its store safe."""

from __future__ import annotations

import argparse
import logging
import sys
from datetime import UTC, datetime
from pathlib import Path

from app import logs
from app.server import serve
from app.sessions.backup import Unusable, backup, restore
from app.sessions.lock import InUse
from app.settings import Settings, ignored, settings_from, wrong

_log = logging.getLogger(logs.LOGGER)


def main() -> int:
    parser = argparse.ArgumentParser(prog="python -m app", description=__doc__)
    commands = parser.add_subparsers(dest="command", metavar="{serve,backup,restore}")
    commands.add_parser("serve", help="serve until a signal says stop; what is done by default")
    copy = commands.add_parser("backup", help="copy the store to a new file, also while serving")
    put = commands.add_parser("restore", help="put a backup in the store's place, while stopped")
    for command in (copy, put):
        command.add_argument("file", type=Path)
    options = parser.parse_args()
    try:
        return _do(options, settings_from())
    except (ValueError, Unusable, InUse, OSError) as failure:
        sys.exit(f"retrace: {failure}")


def _do(options: argparse.Namespace, settings: Settings) -> int:
    if options.command == "backup":
        size = backup(settings.data_dir, options.file)
        print(f"{options.file}: {size:,} bytes, whole")
        return 0
    _make(settings.data_dir)
    if options.command == "restore":
        aside = restore(settings.data_dir, options.file, datetime.now(UTC))
        print(f"restored{f'; the old store is {aside}' if aside else ''}")
        return 0
    logs.configure(settings.log_level, settings.log_format)
    if names := ignored():
        _log.warning("variables that are no settings", extra={"fields": {"names": names}})
    return serve(settings)


def _make(folder: Path) -> None:
    """Make the store's folder where it is missing; ValueError names its setting if none can be."""
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as failure:
        expected = f"a folder, or where one can be made ({failure.strerror})"
        raise wrong("RETRACE_DATA_DIR", expected, str(folder)) from None


if __name__ == "__main__":
    sys.exit(main())
