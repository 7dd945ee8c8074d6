"""The forms API and the list of meeting links: `/marketing/v3/forms`, `/scheduler/v3/meetings`."""

from __future__ import annotations

from typing import Any
from urllib.parse import unquote

from closedloop.sandbox.hubspot.marketing.pages import Page
from closedloop.sandbox.hubspot.rest.asking import Answer, Call, Routes, is_true
from closedloop.sandbox.hubspot.rest.objects import next_link
from closedloop.sandbox.hubspot.rest.reading import whole
from closedloop.sandbox.hubspot.rest.wire import cursor, paging, position

_PAGE, _LARGEST_PAGE = 50, 100


def list_forms(call: Call) -> Answer:
    """GET: a page of the forms."""
    archived = is_true(call.request, "archived")
    found = [form for form in call.portal.marketing.pages.forms.values() if form["archived"] is archived]
    return 200, _page(call, found)


def create_form(call: Call) -> Answer:
    """POST: makes a form."""
    return 201, call.portal.marketing.pages.add_form(call.body, call.at)


def get_form(call: Call) -> Answer:
    """GET: one form."""
    return 200, call.portal.marketing.pages.form(call.path["form"])


def change_form(call: Call) -> Answer:
    """PATCH: changes what the body names of a form. PUT: takes the whole form anew."""
    pages = call.portal.marketing.pages
    whole_form = call.request.method == "PUT"
    return 200, pages.change_form(pages.form(call.path["form"]), call.body, call.at, anew=whole_form)


def archive_form(call: Call) -> Answer:
    """DELETE: archives a form."""
    call.portal.marketing.pages.form(call.path["form"])["archived"] = True
    return 204, None


def list_links(call: Call) -> Answer:
    """GET: a page of the meeting links."""
    found = list(call.portal.marketing.pages.links.values())
    return 200, {"total": len(found)} | _page(call, found)


def _page(call: Call, rows: list[Page]) -> dict[str, Any]:
    size = whole(call.request.args.get("limit"), "limit", default=_PAGE, least=1, most=_LARGEST_PAGE)
    start = position(call.request.args.get("after"))
    page: dict[str, Any] = {"results": rows[start : start + size]}
    if start + size >= len(rows):
        return page
    after = cursor(start + size)
    return page | paging(after, next_link(call, unquote(after)))


ROUTES: Routes = (
    ("GET", "forms", "", list_forms),
    ("POST", "forms", "", create_form),
    ("GET", "forms", "/<form>", get_form),
    ("PATCH", "forms", "/<form>", change_form),
    ("PUT", "forms", "/<form>", change_form),
    ("DELETE", "forms", "/<form>", archive_form),
    ("GET", "meeting links", "", list_links),
)
