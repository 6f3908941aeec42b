"""Two ways in which a folder can be read-only for this process and those that it forks.

`python -m tests.chaos.read_only FOLDER` ends with 0 where a folder can be mounted read-only here.
"""

from __future__ import annotations

import ctypes
import os
import sys
from pathlib import Path

_CAPABILITIES_V3 = 0x20080522
_CLONE_NEWNS, _CLONE_NEWUSER = 0x00020000, 0x10000000
_MS_RDONLY, _MS_REMOUNT, _MS_BIND, _MS_REC, _MS_PRIVATE = 1, 1 << 5, 1 << 12, 1 << 14, 1 << 18
_libc = ctypes.CDLL(None, use_errno=True)


def give_up_rights(folder: Path) -> None:
    """Let file permissions hold for us even as root, who may write what is read-only."""
    header = (ctypes.c_uint32 * 2)(_CAPABILITIES_V3, 0)
    _call("capset", header, (ctypes.c_uint32 * 6)())


def mount(folder: Path) -> None:
    """Put a read-only file system in the place of `folder`, seen by nobody else."""
    _call("unshare", _CLONE_NEWNS | (_CLONE_NEWUSER if os.geteuid() else 0))
    _mount(None, "/", _MS_REC | _MS_PRIVATE)
    _mount(folder, folder, _MS_BIND)
    _mount(None, folder, _MS_REMOUNT | _MS_BIND | _MS_RDONLY)


WAYS = {"permissions": give_up_rights, "mount": mount}


def _mount(source: Path | None, target: Path | str, flags: int) -> None:
    given = os.fsencode(source) if source else None
    _call("mount", given, os.fsencode(target), None, ctypes.c_ulong(flags), None)


def _call(name: str, *given: object) -> None:
    if getattr(_libc, name)(*given) != 0:
        code = ctypes.get_errno()
        raise OSError(code, f"{name}: {os.strerror(code)}")


if __name__ == "__main__":
    mount(Path(sys.argv[1]))
