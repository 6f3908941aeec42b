"""The schemas of all that comes in and goes out, by name: the components of /openapi.json.

They are made from the tables and limits that the code itself reads, so that they cannot fall
behind; what they cannot say (shapes that must fit) is refused in words all the same.
"""

from __future__ import annotations

from app.limits import Limits
from app.wire.schemas.commands import command_schemas
from app.wire.schemas.errors import ERROR
from app.wire.schemas.explained import EXPLAINED
from app.wire.schemas.run import run_schemas
from app.wire.schemas.spec import spec_schemas
from app.wire.schemas.words import Schema


def schemas(limits: Limits) -> dict[str, Schema]:
    """Return every schema by its name; `limits` are those of this server."""
    made = {**spec_schemas(limits), **command_schemas(limits), **run_schemas(limits)}
    return {**made, **EXPLAINED, "Error": ERROR}
