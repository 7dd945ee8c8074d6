"""Who a token is of: the identity service and OpenID Connect's user information.

Help, "Identity URLs" (with its table of errors) and "User Info Endpoint"; the body of an identity is one that
a client of it keeps among its tests. Here refusals are one word of plain text.
"""

from __future__ import annotations

from datetime import datetime
from typing import Any
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from closedloop.sandbox.salesforce.ids import long_id
from closedloop.sandbox.salesforce.login.sessions import Sessions
from closedloop.sandbox.salesforce.records.values import zulu
from closedloop.sandbox.salesforce.rest.call import Answer, Call

_REST = (
    ("rest", ""),
    ("sobjects", "sobjects/"),
    ("search", "search/"),
    ("query", "query/"),
    ("recent", "recent/"),
    ("tooling_rest", "tooling/"),
    # Recorded: the identity in the cassettes of tablexi/restforce-db.
    ("feeds", "chatter/feeds"),
    ("groups", "chatter/groups"),
    ("users", "chatter/users"),
    ("feed_items", "chatter/feed-items"),
)
_SOAP = (("enterprise", "c"), ("metadata", "m"), ("partner", "u"), ("tooling_soap", "T"))


class Identity:
    """The two endpoints; they look after the session themselves."""

    def __init__(self, sessions: Sessions) -> None:
        self._sessions = sessions

    def user_info(self, call: Call) -> Answer:
        """The user behind the token."""
        refused = self._refused(call)
        return refused or Answer(body=_info(call, call.org.get("User", call.user)))

    def show(self, call: Call) -> Answer:
        """The user at the address, which every token names as its `id`."""
        refused = self._refused(call)
        if refused is not None:
            return refused
        if long_id(call.path["organization"]) != call.org.organization_id:
            return _text(403, "Wrong_Org")
        if long_id(call.path["user"]) != call.user:
            return _text(404, "Bad_Id")
        return Answer(body=_identity(call, call.org.get("User", call.user)))

    def _refused(self, call: Call) -> Answer | None:
        token = call.argument("oauth_token") or call.argument("access_token")
        authorization = call.request.headers.get("Authorization", "")
        if not token and not authorization:
            return _text(403, "Missing_OAuth_Token")
        good = self._sessions.holds(token) if token else self._sessions.valid(authorization)
        return None if good else _text(403, "Bad_OAuth_Token")


def _text(status: int, word: str) -> Answer:
    return Answer(status=status, raw=word.encode(), kind="text/html;charset=UTF-8")


def _info(call: Call, user: dict[str, Any]) -> dict[str, Any]:
    """OpenID Connect's form."""
    address = {
        name: user.get(field)
        for name, field in (
            ("country", "Country"),
            ("region", "State"),
            ("street_address", "Street"),
            ("locality", "City"),
            ("postal_code", "PostalCode"),
        )
        if user.get(field)
    }
    photos = _photos(call)
    return {
        "sub": f"{call.url}/id/{call.org.organization_id}/{call.user}",
        "user_id": call.user,
        "organization_id": call.org.organization_id,
        "preferred_username": user["Username"],
        "nickname": user.get("CommunityNickname") or user["Alias"],
        "name": user["Name"],
        "email": user["Email"],
        "email_verified": True,
        "given_name": user["FirstName"],
        "family_name": user["LastName"],
        "zoneinfo": user["TimeZoneSidKey"],
        "photos": photos,
        "profile": f"{call.url}/{call.user}",
        "picture": photos["picture"],
        "address": address,
        # Recorded: `metadata/write/user-info.json` of amp-labs/connectors.
        "is_salesforce_integration_user": False,
        **_common(call, user),
        "updated_at": zulu(user["LastModifiedDate"]).replace(".000", ""),
    }


def _identity(call: Call, user: dict[str, Any]) -> dict[str, Any]:
    """Salesforce's own form."""
    return {
        "id": f"{call.url}/id/{call.org.organization_id}/{call.user}",
        "asserted_user": True,
        "user_id": call.user,
        "organization_id": call.org.organization_id,
        "username": user["Username"],
        "nick_name": user.get("CommunityNickname") or user["Alias"],
        "display_name": user["Name"],
        "email": user["Email"],
        "email_verified": True,
        "first_name": user["FirstName"],
        "last_name": user["LastName"],
        "timezone": user["TimeZoneSidKey"],
        "photos": _photos(call),
        "addr_street": user.get("Street"),
        "addr_city": user.get("City"),
        "addr_state": user.get("State"),
        "addr_country": user.get("Country"),
        "addr_zip": user.get("PostalCode"),
        "mobile_phone": user.get("MobilePhone"),
        "mobile_phone_verified": False,
        "is_lightning_login_user": False,
        "status": {"created_date": None, "body": None},
        **_common(call, user),
        "last_modified_date": zulu(user["LastModifiedDate"]).replace(".000", ""),
        "is_app_installed": True,
    }


def _common(call: Call, user: dict[str, Any]) -> dict[str, Any]:
    return {
        "urls": _urls(call),
        "active": user["IsActive"],
        "user_type": "STANDARD",
        "language": user["LanguageLocaleKey"],
        "locale": user["LocaleSidKey"],
        "utcOffset": _offset(call.org.clock(), user["TimeZoneSidKey"]),
    }


def _urls(call: Call) -> dict[str, str]:
    organisation = call.org.organization_id[:15]
    soap = {name: f"{call.url}/services/Soap/{letter}/{{version}}/{organisation}" for name, letter in _SOAP}
    rest = {name: f"{call.url}/services/data/v{{version}}/{path}" for name, path in _REST}
    return soap | rest | {"profile": f"{call.url}/{call.user}", "custom_domain": call.url}


def _photos(call: Call) -> dict[str, str]:
    return {
        name: f"{call.url}/profilephoto/005/{letter}"
        for name, letter in (("picture", "F"), ("thumbnail", "T"))
    }


def _offset(now: datetime, zone: str) -> int:
    """The milliseconds from UTC, without summer time (-28800000 of America/Los_Angeles in September)."""
    try:
        there = now.astimezone(ZoneInfo(zone))
    except (ZoneInfoNotFoundError, ValueError):
        return 0
    offset, summer = there.utcoffset(), there.dst()
    return int((offset - summer).total_seconds() * 1000) if offset is not None and summer is not None else 0
