"""The one shape of an error, and what each status says."""

from __future__ import annotations

from app.wire.schemas.words import COUNT, MAYBE_TEXT, TEXT, Schema, an_object, said, some_object

_BODY: dict[str, Schema] = {
    "code": {"type": "string", "pattern": "^[a-z_]+$"},
    "message": TEXT,
    "field": said("the path of what is wrong", MAYBE_TEXT),
    "value": said("what came, as text where it is large or not finite", {}),
    "expected": said("what would do", TEXT),
    "step": said("how far the computing has come", COUNT),
    "target": said("the step that is being computed", COUNT),
    "retry_after": said("in how many seconds it may be asked again", COUNT),
}
ERROR = an_object(error=some_object(("code", "message", "field"), _BODY))
STATUSES: dict[int, str] = {
    400: "host_not_allowed: the server does not answer for this host",
    403: "origin_not_allowed: a page of another origin asks; read_only: this id may only read",
    404: "unknown_session: no session has this id; not_found: no such address",
    409: "diverged: the step is beyond the last one whose numbers are finite; nothing_to_undo; "
    "id_taken: the id is that of another command; or cancelled: another move took the place of "
    "this one",
    408: "body_too_slow",
    413: "body_too_large",
    422: "what was asked is wrong: `field` says where, `value` what came, `expected` what would do",
    429: "too_many_sessions, too_many_sockets, too_many_commands or too_many_reads: ask again "
    "after Retry-After",
    503: "computing: the step is not there yet, ask again after Retry-After and it will be "
    "further; not_stored: nothing was changed, since the store cannot be written; "
    "too_many_uploads: others send as much as the server takes at once; or stopping",
}
RETRY = (429, 503)  # those that say when to ask again
RETRY_AFTER: Schema = said("seconds", {"type": "integer", "minimum": 1})
