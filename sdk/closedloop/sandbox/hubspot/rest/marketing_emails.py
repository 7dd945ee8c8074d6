"""The marketing e-mails API: `/marketing/v3/emails`."""

from __future__ import annotations

from typing import Any
from urllib.parse import unquote

from closedloop.sandbox.hubspot.errors import HubSpotError
from closedloop.sandbox.hubspot.marketing.emails import Email, statistics
from closedloop.sandbox.hubspot.rest.asking import Answer, Call, Routes, is_true
from closedloop.sandbox.hubspot.rest.objects import next_link
from closedloop.sandbox.hubspot.rest.reading import an_id, whole
from closedloop.sandbox.hubspot.rest.wire import cursor, paging, position

_PAGE, _LARGEST_PAGE = 10, 300
_SORTS = frozenset({"name", "createdAt", "updatedAt", "createdBy", "updatedBy"})
# Parameters that name the time to the millisecond, or bound it.
_TIMES = ("createdAt", "updatedAt", "publishedAt")


def list_emails(call: Call) -> Answer:
    """GET: a page of the marketing e-mails; `after` is already URL-encoded (recorded)."""
    found = _sorted(call, [each for each in _all(call) if _wanted(call, each)])
    size = whole(call.request.args.get("limit"), "limit", default=_PAGE, least=1, most=_LARGEST_PAGE)
    start = position(call.request.args.get("after"))
    rows = [_shown(call, each) for each in found[start : start + size]]
    answer: dict[str, Any] = {"total": len(found), "results": rows}
    if start + size < len(found):
        after = cursor(start + size)
        answer |= paging(after, next_link(call, unquote(after)))
    return 200, answer


def create_email(call: Call) -> Answer:
    """POST: drafts an e-mail."""
    return 201, dict(call.portal.marketing.emails.create(call.body, call.at))


def clone_email(call: Call) -> Answer:
    """POST: drafts a copy of an e-mail."""
    body, emails = call.body, call.portal.marketing.emails
    source = emails.get(an_id(body))
    return 200, dict(emails.clone(source, str(body.get("cloneName") or f"{source['name']} (clone)"), call.at))


def get_email(call: Call) -> Answer:
    """GET: one e-mail."""
    return 200, _shown(call, _named(call))


def update_email(call: Call) -> Answer:
    """PATCH: changes an e-mail."""
    return 200, dict(call.portal.marketing.emails.change(_named(call), call.body, call.at))


def delete_email(call: Call) -> Answer:
    """DELETE: deletes an e-mail."""
    call.portal.marketing.emails.remove(_named(call))
    return 204, None


def publish_email(call: Call) -> Answer:
    """POST: sends an e-mail out."""
    call.portal.marketing.emails.publish(_named(call), call.at)
    return 204, None


def unpublish_email(call: Call) -> Answer:
    """POST: takes an e-mail back."""
    call.portal.marketing.emails.unpublish(_named(call), call.at)
    return 204, None


def list_statistics(call: Call) -> Answer:
    """GET: what became of the e-mails that are named, or of all."""
    ids = call.listed("emailIds")
    found = [int(each["id"]) for each in _all(call) if not ids or each["id"] in ids]
    return 200, {"aggregate": statistics(), "campaignAggregations": {}, "emails": found}


def _all(call: Call) -> list[Email]:
    return call.portal.marketing.emails.all(archived=is_true(call.request, "archived"))


def _named(call: Call) -> Email:
    return call.portal.marketing.emails.get(call.path["email"])


def _wanted(call: Call, email: Email) -> bool:
    arguments = call.request.args
    for name in _TIMES:
        stem, at = name.removesuffix("At"), email.get(name, "")
        exact, after, before = (arguments.get(each) for each in (name, f"{stem}After", f"{stem}Before"))
        if (exact and at != exact) or (after and at <= after) or (before and (not at or at >= before)):
            return False
    published, sort = arguments.get("isPublished"), arguments.get("type")
    campaign = arguments.get("campaign")
    return (
        (not published or email["isPublished"] is (published.lower() == "true"))
        and (not sort or email["type"] == sort)
        and (not campaign or email.get("campaign") == campaign)
    )


def _sorted(call: Call, emails: list[Email]) -> list[Email]:
    for sort in reversed(call.listed("sort")):
        name = sort.lstrip("-")
        if name not in _SORTS:
            raise HubSpotError(f"Invalid sort: {sort}")
        key = f"{name}Id" if name.endswith("By") else name
        emails.sort(key=lambda each: str(each[key]), reverse=sort.startswith("-"))
    return emails


def _shown(call: Call, email: Email) -> dict[str, Any]:
    asked = call.listed("includedProperties")
    shown = {key: value for key, value in email.items() if not asked or key in {"id", *asked}}
    return shown | ({"stats": statistics()} if is_true(call.request, "includeStats") else {})


ROUTES: Routes = (
    ("GET", "emails", "", list_emails),
    ("POST", "emails", "", create_email),
    ("POST", "emails", "/clone", clone_email),
    ("GET", "emails", "/statistics/list", list_statistics),
    ("GET", "emails", "/<email>", get_email),
    ("PATCH", "emails", "/<email>", update_email),
    ("DELETE", "emails", "/<email>", delete_email),
    ("GET", "emails", "/<email>/draft", get_email),
    ("PATCH", "emails", "/<email>/draft", update_email),
    ("POST", "emails", "/<email>/publish", publish_email),
    ("POST", "emails", "/<email>/unpublish", unpublish_email),
)
