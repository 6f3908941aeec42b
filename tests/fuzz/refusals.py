"""What every refusal must be, and how decoders are run."""

from __future__ import annotations

import json
import re

from hypothesis import HealthCheck, settings

from app.limits import Limits
from app.refusal import Refused
from app.web.errors import error_of
from app.wire.commands import FAR
from app.wire.schemas import schemas
from tests.described import misfits

LONGEST = 2_000  # characters of what a refusal says, however long what is refused
DOCUMENT = {"components": {"schemas": schemas(Limits(max_steps=FAR))}}
# Some texts are as long as a message may be, and take longer to draw than to decode.
_SLOW = [HealthCheck.too_slow, HealthCheck.data_too_large]
FEW = settings(deadline=None, suppress_health_check=_SLOW, max_examples=300)
MANY = settings(FEW, max_examples=1_000)


def is_told(refused: Refused) -> None:
    """A refusal can be sent: a stable code, short words, and nothing JSON cannot hold."""
    said = error_of(refused)
    assert re.fullmatch("[a-z_]+", said["code"])
    assert said["expected"] in said["message"]
    text = json.dumps({"error": said}, allow_nan=False, ensure_ascii=False)
    assert len(text.encode()) < 4 * LONGEST
    assert misfits(DOCUMENT, "Error", {"error": said}) == []
