"""Keeps other sites from sending forms in the name of whoever is signed in here.

Three things have to agree: the browser's own word on where the form comes from, the origin that it names,
and a secret of the session in the form, which another site cannot know.

https://cheatsheetseries.owasp.org/cheatsheets/Cross-Site_Request_Forgery_Prevention_Cheat_Sheet.html
"""

from __future__ import annotations

import hmac
import secrets
from urllib.parse import urlsplit

from flask import Request, request, session
from werkzeug.exceptions import BadRequest, Forbidden, UnsupportedMediaType

from closedloop_server.access.request import services

SAFE_METHODS = frozenset({"GET", "HEAD", "OPTIONS"})
FOR_PROGRAMS = ("/api/", "/webhooks/")
"""Routes that never look at the session: a bearer token or a signature opens them, which no browser adds."""
LARGEST_FORM = 500_000
"""Bytes."""
_FORM = "form"


def form_token() -> str:
    """The secret that every form of this session carries; another site cannot know it."""
    if _FORM not in session:
        session[_FORM] = secrets.token_urlsafe(16)
    return str(session[_FORM])


def form_is_ours(sent: str | None) -> bool:
    """Whether a form came from a page of this session."""
    known = session.get(_FORM)
    if not isinstance(known, str) or not sent:
        return False
    return hmac.compare_digest(known.encode(), sent.encode("utf-8", "surrogatepass"))


def refuse_forgeries() -> None:
    """Runs before every view: refuses what changes something and did not come from a form of ours."""
    rule = request.url_rule
    if request.method in SAFE_METHODS or rule is None or rule.rule.startswith(FOR_PROGRAMS):
        return
    if request.mimetype not in {"", "application/x-www-form-urlencoded"}:
        raise UnsupportedMediaType("only the forms of these pages are taken here")
    request.max_content_length = LARGEST_FORM
    if not _is_same_site(request):
        raise Forbidden("this form was sent from another site")
    if not form_is_ours(request.form.get("form")):
        raise BadRequest(
            "this form did not come from your session: it was open for too long, or cookies are blocked."
            " Reload the page and try again"
        )


def _is_same_site(sent: Request) -> bool:
    """Whether the headers that no script can set speak against another site."""
    # https://www.w3.org/TR/fetch-metadata/#sec-fetch-site-header; old browsers send none.
    if sent.headers.get("Sec-Fetch-Site", "same-origin") not in {"same-origin", "none"}:
        return False
    # "null" tells nothing: browsers say so to a page that, like ours, wants no referrer to be sent.
    # https://fetch.spec.whatwg.org/#append-a-request-origin-header
    origin = sent.headers.get("Origin", "null")
    ours = {sent.host, urlsplit(services().settings.public_url).netloc}
    return origin == "null" or urlsplit(origin).netloc in ours
