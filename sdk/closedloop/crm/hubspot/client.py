"""Calls HubSpot's API. The only module that imports `hubspot`, and none of its exceptions leaves it.

hubspot-api-client 12.0.0 brings the connections, the authorisation and the paths of the CRM API. It has
no default timeout, raises another `ApiException` in every package, lets urllib3's exceptions through,
retries no POST and no PATCH, and its generated deserialiser is slow and drops fields. So every call goes
through `_call`: held api objects (each access by attribute chain opens a new connection), a timeout, the
raw body read as JSON, our errors, our retries.
"""

from __future__ import annotations

import email.utils
import logging
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from datetime import UTC, datetime
from typing import Any
from urllib.parse import quote

import hubspot
import urllib3
from hubspot.crm import objects, owners, pipelines, properties
from hubspot.crm.associations import v4 as associations

from closedloop.crm import retry
from closedloop.crm.hubspot.answers import Json, decoded, error_of, identified, next_of, results_of
from closedloop.crm.hubspot.credentials import HubSpotCredentials
from closedloop.crm.hubspot.ids import campaign_guid
from closedloop.crm.hubspot.limiter import RollingLimit
from closedloop.errors import AnswerError, CrmError, RetryableError

log = logging.getLogger(__name__)

TIMEOUT = (3.05, 30.0)
"""Seconds to connect, and between two bytes of the answer: the client library would wait for ever."""

PATHS: Mapping[str, str] = {
    "account": "/account-info/v3/details",
    "campaigns": "/marketing/v3/campaigns",
    "campaign": "/marketing/v3/campaigns/{guid}",
    "campaigns_read": "/marketing/v3/campaigns/batch/read",
    "campaigns_update": "/marketing/v3/campaigns/batch/update",
    "campaign_contacts": "/marketing/v3/campaigns/{guid}/reports/contacts/{report}",
}
"""The paths that the client library has no method for. All others are its own: v3, associations v4."""

_FAILURES = (
    objects.ApiException,
    associations.ApiException,
    owners.ApiException,
    pipelines.ApiException,
    properties.ApiException,
)
"""Unrelated classes of the same name, one a package."""


class HubSpotClient:
    """A portal's API as plain methods that give JSON. Threads may share it."""

    def __init__(
        self, credentials: HubSpotCredentials, *, sleep: Callable[[float], None] = time.sleep
    ) -> None:
        url = credentials.base_url.rstrip("/")
        # `host` moves the generated APIs, `base_url` only api_request. retry=False: ours would multiply.
        hub = hubspot.HubSpot(access_token=credentials.access_token, host=url, base_url=url, retry=False)
        self._basic, self._batch = hub.crm.objects.basic_api, hub.crm.objects.batch_api
        self._search = hub.crm.objects.search_api
        self._associations = hub.crm.associations.v4.batch_api
        self._owners = hub.crm.owners.owners_api
        self._pipelines = hub.crm.pipelines.pipelines_api
        self._properties, self._groups = hub.crm.properties.core_api, hub.crm.properties.groups_api
        self._calls = RollingLimit(credentials.call_limit, seconds=10, sleep=sleep)
        self._searches = RollingLimit(credentials.search_limit, seconds=1, sleep=sleep)
        self.server_time: datetime | None = None

    # -- The account and its definitions

    def account(self) -> Json:
        """The portal's id, currency and time zone."""
        return _object(self._send("GET", "account"))

    def definitions(self, object_type: str) -> list[Json]:
        """The property definitions of an object type."""
        return results_of(self._call(self._properties.get_all, object_type))

    def create_property(self, object_type: str, definition: Json) -> None:
        """Creates a property."""
        self._call(self._properties.create, object_type, definition)

    def groups(self, object_type: str) -> list[Json]:
        """The property groups of an object type."""
        return results_of(self._call(self._groups.get_all, object_type))

    def create_group(self, object_type: str, definition: Json) -> None:
        """Creates a property group."""
        self._call(self._groups.create, object_type, definition)

    def pipelines(self, object_type: str) -> list[Json]:
        """The pipelines of deals or leads, with their stages."""
        return identified(results_of(self._call(self._pipelines.get_all, object_type)))

    def owners(self) -> Iterator[list[Json]]:
        """The owners page by page: those who left too, because their decisions stay."""
        for archived in (False, True):
            options: dict[str, Any] = {"limit": 100, "archived": archived}
            more = True
            while more:
                answer = self._call(self._owners.get_page, **options)
                yield identified(results_of(answer))
                after = _further(options.get("after"), answer)
                options["after"], more = after, after is not None

    # -- Records

    def page(
        self, object_type: str, *, wanted: Sequence[str], history: Sequence[str], after: str | None
    ) -> tuple[list[Json], str | None]:
        """A page of all records of a type, and where the next one begins."""
        options: dict[str, Any] = {"properties": list(wanted), "limit": 50 if history else 100}
        if history:
            options["properties_with_history"] = list(history)
        if after:
            options["after"] = after
        answer = self._call(self._basic.get_page, object_type, **options)
        return identified(results_of(answer)), _further(after, answer)

    def read(
        self, object_type: str, ids: Sequence[str], *, wanted: Sequence[str], history: Sequence[str]
    ) -> Any:
        """The answer of a batch read of at most 100 ids, 50 with history."""
        body: Json = {"inputs": [{"id": each} for each in ids], "properties": list(wanted)}
        body["propertiesWithHistory"] = list(history)
        return self._call(self._batch.read, object_type, body)

    def update(self, object_type: str, inputs: Sequence[Json]) -> Any:
        """The answer of a batch update of at most 100 records, each `{id, properties}` and each once."""
        return self._call(self._batch.update, object_type, {"inputs": list(inputs)})

    def search(self, object_type: str, query: Json) -> tuple[list[Json], bool]:
        """A page of a search, and whether there is more of it."""
        answer = self._call(self._search.do_search, object_type, query, within=self._searches)
        return identified(results_of(answer)), next_of(answer) is not None

    def associated(self, from_type: str, to_type: str, inputs: Sequence[Json]) -> Any:
        """The answer of a batch read of associations, each input `{id, after?}`."""
        return self._call(self._associations.get_page, from_type, to_type, {"inputs": list(inputs)})

    # -- Campaigns, for which the client library has no methods

    def campaigns(self, *, wanted: Sequence[str], after: str | None) -> tuple[list[Json], str | None]:
        """A page of all campaigns, those changed longest ago first."""
        query = [("limit", "100"), ("sort", "updatedAt"), ("properties", ",".join(wanted))]
        if after:
            query.append(("after", after))
        answer = self._send("GET", "campaigns", query=query)
        return identified(results_of(answer)), _further(after, answer)

    def read_campaigns(self, guids: Sequence[str], *, wanted: Sequence[str]) -> Any:
        """The answer of a batch read of at most 50 campaigns."""
        inputs = [{"id": campaign_guid(guid)} for guid in guids]
        query = [("properties", ",".join(wanted))]
        return self._send("POST", "campaigns_read", query=query, body={"inputs": inputs})

    def update_campaigns(self, inputs: Sequence[Json]) -> Any:
        """The answer of a batch update of at most 50 campaigns, each `{id, properties}`."""
        return self._send("POST", "campaigns_update", body={"inputs": list(inputs)})

    def campaign_contacts(self, guid: str, report: str) -> Iterator[list[str]]:
        """The contact ids of one of a campaign's contact reports, page by page."""
        after: str | None = None
        while True:
            answer = self._send(
                "GET",
                "campaign_contacts",
                parts={"guid": campaign_guid(guid), "report": report},
                query=[("limit", "100"), *([("after", after)] if after else [])],
            )
            yield [str(contact["id"]) for contact in identified(results_of(answer))]
            after = _further(after, answer)
            if after is None:
                return

    # -- The one way out

    def _send(
        self,
        method: str,
        path: str,
        *,
        parts: Mapping[str, str] | None = None,
        query: Sequence[tuple[str, str]] = (),
        body: Json | None = None,
    ) -> Any:
        """Calls a path of ours over the library's own connections and authorisation.

        Not by its `api_request`: that has no timeout, opens a connection a call and prints failures.
        """
        filled = PATHS[path].format_map({name: quote(part, safe="") for name, part in (parts or {}).items()})
        headers = {"Accept": "application/json", "Content-Type": "application/json"}
        return self._call(
            self._basic.api_client.call_api,
            filled,
            method,
            query_params=list(query),
            header_params=headers,
            body=body,
            auth_settings=["oauth2"],
        )

    def _call(
        self, method: Callable[..., Any], *args: Any, within: RollingLimit | None = None, **options: Any
    ) -> Any:
        """The JSON that an api method answers; repeating any of ours is safe, because each sets a state."""

        def once() -> Any:
            if within is not None:
                within.wait()
            self._calls.wait()
            return self._answer(method, *args, _preload_content=False, _request_timeout=TIMEOUT, **options)

        return retry.call(once)

    def _answer(self, method: Callable[..., Any], *args: Any, **options: Any) -> Any:
        """One call's JSON. Errors are raised outside the handlers: the library's print bodies and headers."""
        error: CrmError
        try:
            response = method(*args, **options)
            body: bytes = response.data
        except urllib3.exceptions.HTTPError as failure:
            error = _no_answer(failure)
        except (*_FAILURES, UnicodeDecodeError, AttributeError) as failure:
            error = _error_of(failure)
        else:
            self._note_time(response.headers.get("Date"))
            return decoded(body) if body else None
        raise error

    def _note_time(self, header: str | None) -> None:
        try:
            self.server_time = email.utils.parsedate_to_datetime(header or "").astimezone(UTC)
        except ValueError:
            return


def _no_answer(failure: urllib3.exceptions.HTTPError) -> CrmError:
    # A refused connection is a ConnectTimeoutError too, by urllib3's class tree.
    refused = isinstance(failure, urllib3.exceptions.NewConnectionError)
    if isinstance(failure, urllib3.exceptions.TimeoutError) and not refused:
        return RetryableError("HubSpot did not answer in time", reason="timeout")
    return RetryableError(
        f"HubSpot cannot be reached ({type(failure).__name__}): check the network and the base URL",
        reason="no_connection",
    )


def _error_of(failure: Exception) -> CrmError:
    """Our error for one of the library's.

    Its handler decodes every error's body: a body that is not UTF-8 ends in UnicodeDecodeError, and a
    failed TLS handshake, which has no body, in AttributeError. The `ApiException` is then their context.
    """
    found: Any = failure if isinstance(failure, _FAILURES) else failure.__context__
    if not isinstance(found, _FAILURES):
        raise failure
    status: int | None = getattr(found, "status", None)
    if not status:
        return RetryableError("no secure connection to HubSpot could be made", reason="no_connection")
    body = getattr(found, "body", None) if found is failure else None
    return error_of(status, getattr(found, "headers", None), body)


def _object(answer: Any) -> Json:
    if not isinstance(answer, dict) or not answer:
        raise AnswerError("HubSpot answered no object where its API answers one", reason="no_object")
    return answer


def _further(before: str | None, answer: Any) -> str | None:
    """Where the next page begins; an answer that leads back to the same page would never end."""
    after = next_of(answer)
    if after is not None and after == before:
        raise AnswerError("HubSpot's paging leads back to the page it came from", reason="paging_loop")
    return after
