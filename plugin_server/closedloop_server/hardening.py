"""What holds for every request and every answer: limits, the session's cookie, and headers for browsers."""

from __future__ import annotations

from datetime import timedelta

from flask import Flask, Request, Response, request
from flask.sessions import SecureCookieSession, SecureCookieSessionInterface
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
_NO_SESSION = "/webhooks/"
_ONLY_HTTPS = {"Strict-Transport-Security": f"max-age={int(timedelta(days=365).total_seconds())}"}


class _Sessions(SecureCookieSessionInterface):
    """Sessions for browsers: a CRM has none, and making one for it is a fifth of Flask's work."""

    def open_session(self, app: Flask, request: Request) -> SecureCookieSession | None:
        """The session of the request's cookie; for webhooks None, which nothing can be put into."""
        return None if request.path.startswith(_NO_SESSION) else super().open_session(app, request)


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
        # A cookie in every answer would be in those too that caches keep for everybody, such as style sheets.
        SESSION_REFRESH_EACH_REQUEST=False,
        PERMANENT_SESSION_LIFETIME=ABSOLUTE,
        MAX_CONTENT_LENGTH=LARGEST_BODY,
    )
    app.session_interface = _Sessions()
    named = HEADERS | (_ONLY_HTTPS if https else {})
    headers = [(name.lower(), (name, value)) for name, value in named.items()]

    def guard(response: Response) -> Response:
        there = {name.lower() for name in response.headers.keys()}  # noqa: SIM118 - they are no dict
        # One by one, each would look through all that are there.
        response.headers.extend(each for name, each in headers if name not in there)
        return response

    app.before_request(_refuse_long_queries)
    app.before_request(refuse_forgeries)
    app.after_request(guard)


def _refuse_long_queries() -> None:
    if len(request.query_string) > LONGEST_QUERY:
        raise RequestURITooLarge(f"a query has at most {LONGEST_QUERY} characters")
