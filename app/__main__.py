"""`python -m app`: serve Retrace with the settings of the environment."""

from __future__ import annotations

import sys

import uvicorn

from app.main import create_app
from app.settings import settings_from


def main() -> None:
    try:
        settings = settings_from()
    except ValueError as wrong:
        sys.exit(str(wrong))
    uvicorn.run(
        create_app(settings),
        host=settings.host,
        port=settings.port,
        ws="websockets-sansio",
        ws_max_size=settings.limits.message_bytes,
        ws_per_message_deflate=False,
        proxy_headers=bool(settings.trusted_proxies),
        forwarded_allow_ips=list(settings.trusted_proxies),
        timeout_graceful_shutdown=5,
        log_level="warning",
    )


main()
