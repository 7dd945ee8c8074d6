"""The partner API's calls that only read.

SOAP API Developer Guide, "Core Calls", "Describe Calls", "Utility Calls".
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from dataclasses import replace
from typing import Any

from werkzeug import Request

from closedloop.sandbox.salesforce.ids import long_id
from closedloop.sandbox.salesforce.partner.described import global_result, object_result
from closedloop.sandbox.salesforce.partner.records import plain, query_result, shown
from closedloop.sandbox.salesforce.records.values import seconds
from closedloop.sandbox.salesforce.refusal import Refusal
from closedloop.sandbox.salesforce.rest.call import Call
from closedloop.sandbox.salesforce.rest.replication import Replication
from closedloop.sandbox.salesforce.rest.sobjects import chosen
from closedloop.sandbox.salesforce.schema import describe
from closedloop.sandbox.salesforce.soap.markup import Markup, tag
from closedloop.sandbox.salesforce.soap.service import Operation
from closedloop.sandbox.salesforce.soql import query
from closedloop.sandbox.salesforce.soql.cursors import Cursors
from closedloop.sandbox.salesforce.soql.query import Found
from closedloop.sandbox.salesforce.soql.search import search
from closedloop.sandbox.salesforce.soql.search_terms import no_term
from closedloop.sandbox.salesforce.soql.sosl import parse_search

WITH_RECORDS = frozenset({"query", "queryAll", "queryMore", "retrieve", "search"})
"""The calls that answer with records."""

_OFFSET = re.compile(r"[+-]\d\d:?\d\d$")
_LARGEST_PAGE = 2000
_SMALLEST_PAGE = 200
_PAGE = 500
_MOST_RETRIEVED = 2000
_MOST_DESCRIBED = 100


class Reading:
    """The calls, and the results that are open between them. A page has 500 records unless told otherwise."""

    def __init__(self, replication: Replication) -> None:
        self._replication = replication
        self._cursors = Cursors()

    def operations(self) -> Mapping[str, Callable[[Operation], Markup]]:
        """The calls by name."""
        return {
            "describeGlobal": self._describe_global,
            "describeSObject": self._describe,
            "describeSObjects": self._describe,
            "getDeleted": self._deleted,
            "getServerTimestamp": self._timestamp,
            "getUpdated": self._updated,
            "getUserInfo": self._user,
            "query": lambda operation: self._query(operation, deleted=False),
            "queryAll": lambda operation: self._query(operation, deleted=True),
            "queryMore": self._more,
            "retrieve": self._retrieve,
            "search": self._search,
        }

    def _query(self, operation: Operation, *, deleted: bool) -> Markup:
        org, version, size = operation.call.org, operation.version, _page_size(operation)
        text = operation.element.value("queryString")
        if not text:
            raise Refusal("MALFORMED_QUERY", "A query string has to be specified")

        def children(found: Found) -> dict[str, object]:
            return self._cursors.children(org, found, size=size, version=version)

        found = query.run(org, text, version=version, deleted=deleted, children=children)
        return query_result(self._cursors.page(org, found, size=size, version=version))

    def _more(self, operation: Operation) -> Markup:
        locator = operation.element.value("queryLocator") or ""
        return query_result(
            self._cursors.more(locator, size=_page_size(operation), version=operation.version)
        )

    def _retrieve(self, operation: Operation) -> Markup:
        element, org = operation.element, operation.call.org
        kind = org.objects.find(element.value("sObjectType") or "")
        if kind is None:
            raise Refusal("INVALID_TYPE", f"sObject type '{element.value('sObjectType')}' is not supported.")
        names = [name.strip() for name in (element.value("fieldList") or "").split(",") if name.strip()]
        ids = element.values("ids")
        if len(ids) > _MOST_RETRIEVED:
            message = f"retrieve id limit reached: {_MOST_RETRIEVED}"
            raise Refusal("EXCEEDED_ID_LIMIT", message)
        found = []
        for given in ids:
            row = org.tables.get(kind.name, long_id(given) or "")
            there = row is not None and not row.get("IsDeleted")
            found.append(chosen(org, kind, row, names, operation.version) if row and there else None)
        return Markup("".join(shown(one, "result") for one in found))

    def _search(self, operation: Operation) -> Markup:
        text = operation.element.value("searchString")
        if not text:
            raise no_term()
        body = search(operation.call.org, parse_search(text), text, version=operation.version)
        rows = (tag("searchRecords", shown(one, "record")) for one in body["searchRecords"])
        return tag("result", Markup("".join(rows)))

    def _describe_global(self, operation: Operation) -> Markup:
        return global_result(describe.describe_global(operation.call.org.objects, operation.version))

    def _describe(self, operation: Operation) -> Markup:
        org = operation.call.org
        names = operation.element.values("sObjectType")
        if len(names) > _MOST_DESCRIBED:
            raise Refusal("EXCEEDED_MAX_SOBJECT_DESCRIBES", f"more than {_MOST_DESCRIBED} objects")
        results = []
        for name in names:
            kind = org.objects.find(name)
            if kind is None:
                raise Refusal("INVALID_TYPE", f"sObject type '{name}' is not supported.")
            results.append(object_result(describe.describe(kind, operation.version, org.tables)))
        return Markup("".join(results))

    def _updated(self, operation: Operation) -> Markup:
        body = self._replication.updated(_in_rest(operation)).body
        covered = {"latestDateCovered": plain(body["latestDateCovered"])}
        return tag("result", {"ids": body["ids"], **covered})

    def _deleted(self, operation: Operation) -> Markup:
        body = self._replication.deleted(_in_rest(operation)).body
        rows = [{name: plain(value) for name, value in row.items()} for row in body["deletedRecords"]]
        dates = {name: plain(body[name]) for name in ("earliestDateAvailable", "latestDateCovered")}
        return tag("result", {"deletedRecords": rows, **dates})

    def _timestamp(self, operation: Operation) -> Markup:
        return tag("result", {"timestamp": seconds(operation.call.org.clock())})

    def _user(self, operation: Operation) -> Markup:
        return tag("result", user_info(operation.call))


def user_info(call: Call) -> dict[str, Any]:
    """The GetUserInfoResult of the caller."""
    org = call.org
    user, organisation = org.get("User", call.user), org.get("Organization", org.organization_id)
    several = bool(org.tables.objects.currencies)
    currency = org.tables.objects.currencies[0] if several else None
    return {
        "accessibilityMode": False,
        "chatterExternal": False,
        "currencySymbol": None,
        "orgAttachmentFileSizeLimit": 5_242_880,
        "orgDefaultCurrencyIsoCode": currency,
        "orgDefaultCurrencyLocale": None,
        "orgDisallowHtmlAttachments": False,
        "orgHasPersonAccounts": False,
        "organizationId": org.organization_id,
        "organizationMultiCurrency": several,
        "organizationName": organisation["Name"],
        "profileId": user.get("ProfileId"),
        "roleId": user.get("UserRoleId"),
        "sessionSecondsValid": 7200,
        "userDefaultCurrencyIsoCode": currency,
        "userEmail": user["Email"],
        "userFullName": user["Name"],
        "userId": call.user,
        "userLanguage": user["LanguageLocaleKey"],
        "userLocale": user["LocaleSidKey"],
        "userName": user["Username"],
        "userTimeZone": user["TimeZoneSidKey"],
        "userType": "Standard",
        "userUiSkin": "Theme3",
    }


def _in_rest(operation: Operation) -> Call:
    """The same question as the REST resource gets it."""
    dates = {name: _date(operation.element.value(f"{name}Date") or "") for name in ("start", "end")}
    path = {"version": operation.version, "sobject": operation.element.value("sObjectType") or ""}
    if operation.call.org.objects.find(path["sobject"]) is None:
        raise Refusal("INVALID_TYPE", f"sObject type '{path['sobject']}' is not supported.")
    return replace(operation.call, request=Request.from_values(query_string=dates), path=path)


def _date(text: str) -> str:
    """An instant; one without an offset is in UTC (pyforce sends such)."""
    return text if text.endswith("Z") or _OFFSET.search(text) else f"{text}Z"


def _page_size(operation: Operation) -> int:
    wanted = operation.headers.value("QueryOptions", "batchSize") or ""
    size = int(wanted) if wanted.isascii() and wanted.isdigit() and len(wanted) < 6 else _PAGE
    return max(_SMALLEST_PAGE, min(_LARGEST_PAGE, size))
