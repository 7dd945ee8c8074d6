"""What holds for every request and every answer: limits, the session's cookie, and headers for browsers."""

from __future__ import annotations

from datetime import timedelta

from flask import Flask, Response, request
from werkzeug.exceptions import RequestURITooLarge

from closedloop_server.access import refuse_forgeries
from closedloop_server.access.sessions import ABSOLUTE
from closedloop_server.settings import Settings

LARGEST_BODY = 1_000_000
"""Bytes, except of a webhook's delivery, and of a form, which has less."""
LONGEST_QUERY = 4_000
"""Characters after the question mark. What stands before it the HTTP server limits, with the headers."""

HEADERS = {
    # No script at all, no style that is not a file of ours, and nobody may put our pages in a frame.
    "Content-Security-Policy": (
        "default-src 'none'; style-src 'self'; img-src 'self'; form-action 'self'; base-uri 'none';"
        " frame-ancestors 'none'"
    ),
    "X-Content-Type-Options": "nosniff",
    "X-Frame-Options": "DENY",
    "Referrer-Policy": "no-referrer",
    "Cross-Origin-Opener-Policy": "same-origin",
    "Cross-Origin-Resource-Policy": "same-origin",
    "Permissions-Policy": "camera=(), geolocation=(), microphone=(), payment=()",
}
_ONLY_HTTPS = {"Strict-Transport-Security": f"max-age={int(timedelta(days=365).total_seconds())}"}


def harden(app: Flask, settings: Settings) -> None:
    """Sets the limits and the cookie, and guards every request and answer of the application."""
    https = settings.public_url.startswith("https://")
    app.config.update(
        SECRET_KEY=settings.secret_key,
        SECRET_KEY_FALLBACKS=list(settings.previous_secret_keys),
        # A browser takes a cookie with this prefix over https alone, for this host alone.
        # https://datatracker.ietf.org/doc/html/draft-ietf-httpbis-rfc6265bis#name-the-__host-prefix
        SESSION_COOKIE_NAME="__Host-closedloop" if https else "closedloop",
        SESSION_COOKIE_HTTPONLY=True,
        SESSION_COOKIE_SAMESITE="Lax",
        SESSION_COOKIE_SECURE=https,
        PERMANENT_SESSION_LIFETIME=ABSOLUTE,
        MAX_CONTENT_LENGTH=LARGEST_BODY,
    )
    headers = HEADERS | (_ONLY_HTTPS if https else {})

    def guard(response: Response) -> Response:
        for name, value in headers.items():
            response.headers.setdefault(name, value)
        return response

    app.before_request(_refuse_long_queries)
    app.before_request(refuse_forgeries)
    app.after_request(guard)


def _refuse_long_queries() -> None:
    if len(request.query_string) > LONGEST_QUERY:
        raise RequestURITooLarge(f"a query has at most {LONGEST_QUERY} characters")
