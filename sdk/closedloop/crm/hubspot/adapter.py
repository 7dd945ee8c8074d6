"""HubSpot behind the one interface to a CRM."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from datetime import UTC, datetime
from typing import TYPE_CHECKING, ClassVar

from closedloop.crm.base import Batch, Organisation, Page
from closedloop.crm.connected import ConnectedCrm
from closedloop.crm.hubspot.campaigns import Campaigns
from closedloop.crm.hubspot.changes import Changes
from closedloop.crm.hubspot.credentials import HubSpotCredentials
from closedloop.crm.hubspot.cursor import cursor_of
from closedloop.crm.hubspot.describe import described
from closedloop.crm.hubspot.fetch import Fetch
from closedloop.crm.hubspot.poll import Poll
from closedloop.crm.hubspot.port import HubSpotPort
from closedloop.crm.hubspot.properties import Definitions
from closedloop.crm.hubspot.read import Reader
from closedloop.crm.hubspot.refresh import refresh
from closedloop.crm.hubspot.save import Save
from closedloop.crm.hubspot.values import Values
from closedloop.crm.hubspot.write import Writer
from closedloop.errors import AnswerError
from closedloop.loop.feedback import DeliveryResult, Feedback, FeedbackKind
from closedloop.mapping import Mappings
from closedloop.schema.records import Record, Ref
from closedloop.schema.vocabulary import CrmName, ObjectType

if TYPE_CHECKING:
    from closedloop.crm.budget import Budget
    from closedloop.crm.hubspot.client import HubSpotClient
    from closedloop.crm.results import Quota
    from closedloop.mapping.discovery import Discovery


def _now() -> datetime:
    return datetime.now(UTC)


class HubSpotCrm(ConnectedCrm):
    """A connected HubSpot portal. Threads may share it; nothing is sent before it is first used. `budget`
    counts the calls, by default within this process."""

    name: ClassVar[CrmName] = CrmName.HUBSPOT
    person_target: ClassVar[ObjectType] = ObjectType.CONTACT
    feedback_kinds: ClassVar[frozenset[FeedbackKind]] = frozenset(
        {FeedbackKind.PERSON, FeedbackKind.CAMPAIGN}
    )

    def __init__(
        self,
        credentials: HubSpotCredentials,
        mappings: Mappings,
        *,
        clock: Callable[[], datetime] = _now,
        budget: Budget | None = None,
    ) -> None:
        self.mapping = mappings.crm(CrmName.HUBSPOT)
        self.client = _connected(credentials, budget)
        self.definitions = Definitions(self.client)
        source = self.mapping.source(ObjectType.CAMPAIGN)
        fields = (*self.mapping.fields(ObjectType.CAMPAIGN), *self.mapping.shown(source))
        self._campaigns = Campaigns(self.client, self.definitions, fields)
        self._reader = Reader(self.client, self.mapping, self.definitions, self._campaigns, self._currency)
        self._poll = Poll(self._reader, report_calls=credentials.report_calls_per_poll, clock=clock)
        self._writer = Writer(self.client, self.mapping, self.definitions, self._currency)
        self._clock, self._reasons = clock, mappings.reasons
        fetch = Fetch(self._reader)
        changes = Changes(fetch, time=self._time, overlap=credentials.overlap)
        save = Save(fetch, Values(self.mapping, self.definitions, self._currency))
        self._port = HubSpotPort(self.mapping, fetch, changes, save)
        self._sender = self.client
        self._lock = threading.Lock()
        self._organisation: Organisation | None = None

    @property
    def missing_fields(self) -> Mapping[ObjectType, tuple[str, ...]]:
        """The properties that the mapping names and the portal lacks or hides, by object; asks HubSpot for
        its definitions where they are not known yet. All of an object's: the portal has none of them, or
        the token no access."""
        found = {kind: self._missing(kind) for kind in _READ}
        return {kind: names for kind, names in found.items() if names}

    def organisation(self) -> Organisation:
        """The portal that the token belongs to. HubSpot does not tell its name."""
        with self._lock:
            if self._organisation is None:
                self._organisation = self._read_organisation()
            return self._organisation

    def refresh(self, refs: Iterable[Ref]) -> Batch:
        """The present state of these objects, and of the people, roles and campaigns around them. Members
        are those that their contacts name; who was influenced only comes with a poll."""
        return refresh(self._reader, refs)

    def poll(self, cursor: str | None) -> Iterator[Page]:
        """Everything that changed since `cursor`, oldest first."""
        return self._poll.pages(cursor_of(cursor))

    def sizes(self) -> Mapping[ObjectType, int]:
        """How many objects of each type a poll from the beginning brings, of those that can be searched: a
        call each."""
        return self._poll.sizes()

    def deliver(self, feedback: Sequence[Feedback]) -> list[DeliveryResult]:
        """Writes each value to its target; one result per value, in order."""
        return self._writer.deliver(feedback)

    def differences(self, feedback: Feedback, record: Record) -> Mapping[str, str] | None:
        """In which of our fields the record, as it was read, shows something else than this feedback."""
        return self._writer.differences(feedback, record)

    def feedback_form(self) -> str:
        """Changes whenever something changes about the fields that feedback is written to."""
        return self._writer.form()

    @property
    def quota(self) -> Quota:
        """How many calls the portal allows a day and how many are used, as far as its answers have said."""
        return self.client.quota

    def describe(self, object: ObjectType | str) -> Discovery:  # noqa: A002 - the word of the schema
        """The portal's properties of an object: what they are mapped to, what could be mapped, and which of
        their options no rule knows. `object` may be HubSpot's name too, such as "meetings"."""
        return described(self._reader, self._reasons, object)

    def close(self) -> None:
        """Ends the keep-alive connections; new ones are opened when it is used again."""
        self.client.close()

    def _time(self) -> datetime:
        """HubSpot's own time: ours may be wrong by more than an overlap makes good. That of an earlier answer
        is early enough."""
        if self.client.server_time is None:
            self.client.account()
        return self.client.server_time or self._clock()

    def _missing(self, kind: ObjectType) -> tuple[str, ...]:
        if kind is ObjectType.CAMPAIGN:
            present: Iterable[str] = self._campaigns.wanted()
        else:
            present = self.definitions.of(self.mapping.source(kind))
        return tuple(name for name in self.mapping.fields(kind) if name not in present)

    def _currency(self) -> str | None:
        return self.organisation().currency

    def _read_organisation(self) -> Organisation:
        told = self.client.account()
        if not isinstance(told.get("portalId"), int):
            raise AnswerError("HubSpot's account details name no portal", reason="no_portal")
        currency = told.get("companyCurrency")
        return Organisation(
            crm=self.name, id=str(told["portalId"]), currency=str(currency) if currency else None
        )


_READ = (
    ObjectType.ACCOUNT,
    ObjectType.CONTACT,
    ObjectType.LEAD,
    ObjectType.OPPORTUNITY,
    ObjectType.CAMPAIGN,
)


def _connected(credentials: HubSpotCredentials, budget: Budget | None) -> HubSpotClient:
    """The client; its module brings in hubspot-api-client, which takes a while to import."""
    from closedloop.crm.hubspot.client import HubSpotClient  # noqa: PLC0415 - only when a portal is connected

    return HubSpotClient(credentials, budget=budget)
