"""Every route of an application, as something a client can ask: a new one is among them at once."""

from __future__ import annotations

from typing import Any

from fastapi import FastAPI
from fastapi.routing import iter_route_contexts

OUTSIDE = [("GET", "/nothing"), ("POST", "/api/nothing"), ("GET", "/static/nothing.js")]


def routes_of(app: FastAPI, **values: str) -> tuple[list[tuple[str, str]], list[str]]:
    """Return (method, path) of all HTTP routes, and the paths of the sockets.

    `values` fill the parameters in the paths; what they do not name is 0.
    """
    http, sockets = list(OUTSIDE), []
    for context in iter_route_contexts(app.routes):
        path, methods = _path(context, values), getattr(context, "methods", None)
        if methods:
            http += [(method, path) for method in sorted(methods)]
        elif "WebSocket" in type(context.original_route).__name__:
            sockets.append(path)
        else:  # a mount, of which one file stands for all
            http += [("GET", f"{path}/icon.svg"), ("POST", f"{path}/icon.svg")]
    return http, sockets


def _path(context: Any, values: dict[str, str]) -> str:
    path: str = context.path
    parts = (part for part in path.split("/"))
    return "/".join(values.get(p[1:-1], "0") if p.startswith("{") else p for p in parts)
