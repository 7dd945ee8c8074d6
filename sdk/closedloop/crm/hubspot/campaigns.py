"""Reads campaigns and who is in them. A campaign has two ids: a GUID, and the CRM's numeric object id."""

from __future__ import annotations

import logging
import threading
import time
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from typing import TYPE_CHECKING, TypeVar

from closedloop.crm.hubspot.answers import Json, errors_of, identified, item_error, results_of
from closedloop.crm.hubspot.ids import is_guid, is_record_id
from closedloop.crm.hubspot.payloads import REPORTS
from closedloop.crm.hubspot.properties import CAMPAIGNS, STANDARD_CAMPAIGN_PROPERTIES, Definitions
from closedloop.errors import AuthenticationError, GoneError, RefusedError

if TYPE_CHECKING:
    from closedloop.crm.hubspot.client import HubSpotClient

log = logging.getLogger(__name__)

T = TypeVar("T")

CHUNK = 50
"""Campaigns in one batch call, at most."""
_SEARCH_AGAIN_SECONDS = 60.0


class Campaigns:
    """The portal's campaigns. `fields` are the properties to read."""

    def __init__(
        self,
        client: HubSpotClient,
        definitions: Definitions,
        fields: Sequence[str],
        *,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._client, self._definitions, self._fields = client, definitions, tuple(fields)
        self._clock, self._looked = clock, float("-inf")
        self._guids: dict[str, str] = {}
        self._lock = threading.Lock()
        self._plain = False
        self.refusal: AuthenticationError | None = None
        """Why HubSpot shows no campaigns; None while it does."""

    def wanted(self) -> tuple[str, ...]:
        """The properties to ask for: those of the fields that the portal has, and the numeric id. None
        where the portal has no campaigns or the token no access to them."""
        if self.refusal is not None:
            return ()
        return self._wanted()

    def _wanted(self) -> tuple[str, ...]:
        custom = {} if self._plain else self._definitions.of(CAMPAIGNS)
        known = [
            name
            for name in self._fields
            if name in STANDARD_CAMPAIGN_PROPERTIES or (name in custom and custom[name].custom)
        ]
        return tuple(dict.fromkeys([*known, "hs_object_id"]))

    def page(self, after: str | None, *, sort: str = "updatedAt") -> tuple[list[Json], str | None]:
        """A page of all campaigns, and where the next one begins. By `createdAt` none changes its place."""
        found, following = self._page(after, sort)
        with self._lock:
            self._note(found)
        return found, following

    def read(self, guids: Iterable[str]) -> tuple[list[Json], list[str]]:
        """These campaigns, and the GUIDs of those that are gone."""
        asked, found = list(dict.fromkeys(guids)), list[Json]()
        try:
            for start in range(0, len(asked), CHUNK):
                found += self._read_chunk(asked[start : start + CHUNK])
        except AuthenticationError as error:
            self._close(error)
            return [], []
        self.refusal = None
        with self._lock:
            self._note(found)
        present = {str(campaign["id"]).lower() for campaign in found}
        return found, [guid for guid in asked if guid not in present]

    def resolve(self, value: str) -> str | None:
        """The GUID of the campaign with this id of either kind; None if there is none."""
        if is_guid(value):
            return value.lower()
        if not is_record_id(value):
            return None
        with self._lock:
            if value not in self._guids and self._clock() - self._looked > _SEARCH_AGAIN_SECONDS:
                self._looked = self._clock()
                self._look()
            return self._guids.get(value)

    def contacts(self, guid: str) -> tuple[dict[str, tuple[str, ...]], int]:
        """The contacts in the campaign's reports, each with the reports that name it, and the calls made."""
        found: dict[str, tuple[str, ...]] = {}
        calls = 0
        for report in REPORTS:
            for page in self._pages(guid, report):
                calls += 1
                for contact in page:
                    found[contact] = (*found.get(contact, ()), report)
        return found, calls

    def _pages(self, guid: str, report: str) -> Iterator[list[str]]:
        try:
            yield from self._client.campaign_contacts(guid, report)
        except GoneError:  # deleted since it was listed: nobody is in it
            return
        except AuthenticationError as error:
            self._close(error)

    def _look(self) -> None:
        after: str | None = None
        while True:
            found, after = self._page(after)
            self._note(found)
            if after is None:
                return

    def _page(self, after: str | None, sort: str = "updatedAt") -> tuple[list[Json], str | None]:
        try:
            found = self._reading(lambda names: self._client.campaigns(wanted=names, after=after, sort=sort))
        except AuthenticationError as error:
            self._close(error)
            return [], None
        self.refusal = None
        return found

    def _close(self, error: AuthenticationError) -> None:
        """Goes on without campaigns, which need Marketing Hub Professional and a scope of their own: a
        portal where only sales works has none."""
        if error.status != 403:
            raise error
        if self.refusal is None:
            log.warning("HubSpot shows no campaigns: %s", error.message)
        self.refusal = error

    def _read_chunk(self, guids: Sequence[str]) -> list[Json]:
        answer = self._reading(lambda names: self._client.read_campaigns(guids, wanted=names))
        for failure in errors_of(answer):
            error = item_error(failure)
            if not isinstance(error, RefusedError):
                raise error
        return identified(results_of(answer))

    def _reading(self, read: Callable[[Sequence[str]], T]) -> T:
        """What `read` gives for the wanted properties, or for HubSpot's own if it refuses one of them."""
        try:
            return read(self._wanted())
        except AuthenticationError:
            raise
        except RefusedError as error:
            if error.status != 400 or self._plain:
                raise
            log.warning("HubSpot refuses to read custom campaign properties: %s", error.message)
            self._plain = True
            return read(self._wanted())

    def _note(self, found: Iterable[Json]) -> None:
        for campaign in found:
            properties = campaign.get("properties")
            number = properties.get("hs_object_id") if isinstance(properties, Mapping) else None
            if number:
                self._guids[str(number)] = str(campaign["id"]).lower()
