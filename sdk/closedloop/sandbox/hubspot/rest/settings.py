"""The APIs that describe the portal: its owners and the account."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

from closedloop.sandbox.hubspot.errors import not_found
from closedloop.sandbox.hubspot.records.record import stamp
from closedloop.sandbox.hubspot.rest.asking import Answer, Call, Routes, is_true, whole
from closedloop.sandbox.hubspot.rest.objects import next_link
from closedloop.sandbox.hubspot.rest.wire import cursor, paging, position

_OWNERS_PAGE, _LARGEST_OWNERS_PAGE = 100, 500


def list_owners(call: Call) -> Answer:
    """GET: a page of the live or the archived owners, or the one with an e-mail address."""
    email, archived = call.request.args.get("email", "").lower(), is_true(call.request, "archived")
    owners = [o for o in call.portal.owners.all(archived=archived) if email in {"", o.email.lower()}]
    arguments = call.request.args
    limit = whole(arguments.get("limit"), "limit", default=_OWNERS_PAGE, least=1, most=_LARGEST_OWNERS_PAGE)
    # A cursor is the id of the owner that comes next (recorded: JupiterOne/graph-hubspot).
    first = position(arguments.get("after", ""))
    rest = [owner for owner in owners if int(owner.id) >= first]
    answer: dict[str, Any] = {"results": [owner.to_wire() for owner in rest[:limit]]}
    if rest[limit:]:
        after = cursor(int(rest[limit].id))
        answer |= paging(after, next_link(call, after))
    return 200, answer


def get_owner(call: Call) -> Answer:
    """GET: one owner, by the owner id or, with `idProperty=userId`, by the user id."""
    by_user = call.request.args.get("idProperty") == "userId"
    owners, archived = call.portal.owners, is_true(call.request, "archived")
    wanted = call.path["id"]
    owner = owners.of_user(wanted) if by_user else owners.get(wanted, archived=archived)
    if owner is None:
        raise not_found()
    return 200, owner.to_wire()


def account_details(call: Call) -> Answer:
    """GET: which portal this is (recorded). The offset is today's, summer time included."""
    offset = call.portal.limits.utc_offset()
    sign, minutes = "-" if offset < timedelta() else "+", abs(offset) // timedelta(minutes=1)
    return 200, {
        "portalId": call.portal.id,
        "accountType": "STANDARD",
        "timeZone": call.portal.limits.time_zone,
        "companyCurrency": call.portal.currency,
        "additionalCurrencies": [],
        "utcOffset": f"{sign}{minutes // 60:02d}:{minutes % 60:02d}",
        "utcOffsetMilliseconds": offset // timedelta(milliseconds=1),
        "uiDomain": "app.hubspot.com",
        "dataHostingLocation": "na1",
    }


def api_usage(call: Call) -> Answer:
    """GET: how many calls private apps made today, and how many they may (HubSpot documentation, "Account
    information"). HubSpot answers from a cache of five minutes; this is always of now."""
    limits = call.portal.limits
    return 200, {
        "results": [
            {
                "name": "private-apps-api-calls-daily",
                "usageLimit": limits.daily,
                "currentUsage": limits.used,
                "collectedAt": stamp(call.at),
                "fetchStatus": "SUCCESS",
                "resetsAt": stamp(limits.resets_at()),
            }
        ]
    }


ROUTES: Routes = (
    ("GET", "owners", "", list_owners),
    ("GET", "owners", "/<id>", get_owner),
    ("GET", "account", "/details", account_details),
    ("GET", "account", "/api-usage/daily", api_usage),
    ("GET", "account", "/api-usage/daily/private-apps", api_usage),
)
