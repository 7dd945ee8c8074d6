"""Salesforce behind the one interface to a CRM."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from datetime import UTC, datetime
from typing import TYPE_CHECKING, ClassVar

from closedloop.crm.base import Batch, Organisation, Page
from closedloop.crm.connected import ConnectedCrm
from closedloop.crm.results import Quota
from closedloop.crm.salesforce.bulk import Bulk
from closedloop.crm.salesforce.changes import Changes
from closedloop.crm.salesforce.credentials import BulkUse, SalesforceCredentials
from closedloop.crm.salesforce.describes import Describes
from closedloop.crm.salesforce.fetch import Fetch
from closedloop.crm.salesforce.ids import full_id
from closedloop.crm.salesforce.parcels import Packer
from closedloop.crm.salesforce.poll import Poll
from closedloop.crm.salesforce.port import SalesforcePort
from closedloop.crm.salesforce.proof import Proof
from closedloop.crm.salesforce.read import Reader
from closedloop.crm.salesforce.save import Save
from closedloop.crm.salesforce.soql import Question, select
from closedloop.crm.salesforce.walk import PAGE_SIZE, Walker
from closedloop.crm.salesforce.write import Writer
from closedloop.errors import AnswerError
from closedloop.loop.feedback import DeliveryResult, Feedback, FeedbackKind
from closedloop.mapping import Mappings
from closedloop.schema.records import Record, Ref
from closedloop.schema.vocabulary import CrmName, ObjectType

if TYPE_CHECKING:
    from closedloop.crm.budget import Budget
    from closedloop.crm.salesforce.client import Client, Usage
    from closedloop.mapping.discovery import Discovery


def _now() -> datetime:
    return datetime.now(UTC)


class SalesforceCrm(ConnectedCrm):
    """A connected Salesforce org. Threads may share it; nothing is sent before it is first used.

    `page_size` is how many rows a poll or `changes` asks for at a time; `clock` is believed only until
    Salesforce has told its own time, and `sleep` waits for bulk jobs. `budget` counts the calls, by default
    within this process.
    """

    name: ClassVar[CrmName] = CrmName.SALESFORCE
    person_target: ClassVar[ObjectType] = ObjectType.CAMPAIGN_MEMBER
    feedback_kinds: ClassVar[frozenset[FeedbackKind]] = frozenset(FeedbackKind)

    def __init__(
        self,
        credentials: SalesforceCredentials,
        mappings: Mappings,
        *,
        page_size: int = PAGE_SIZE,
        clock: Callable[[], datetime] = _now,
        sleep: Callable[[float], None] = time.sleep,
        budget: Budget | None = None,
    ) -> None:
        self.client = _connected(credentials, budget)
        self._stated_currency = credentials.currency
        self._mappings = mappings
        self.mapping = mappings.crm(CrmName.SALESFORCE)
        self.describes = Describes(self.client)
        self._reader = Reader(self.client, self.mapping, self.describes, currency=self._currency, clock=clock)
        self._walker = Walker(self._reader, page_size=page_size, overlap=credentials.overlap)
        self._writer = Writer(self.client, self.mapping, self.describes, currency=self._currency)
        use, bulk = BulkUse(credentials.bulk), Bulk(self.client, sleep=sleep)
        self._fetch = Fetch(self.client, self._reader, self.describes, bulk, use=use)
        changes = Changes(self.client, self._reader, self._fetch, self._walker, overlap=credentials.overlap)
        packer = Packer(self.mapping, self.describes, self._fetch, currency=self._currency)
        proof = Proof(self._reader, self.describes)
        save = Save(self.client, packer, self._fetch, proof, bulk, use=use)
        self._port = SalesforcePort(self.mapping, self._fetch, changes, save)
        self._sender = self.client
        self._lock = threading.Lock()
        self._organisation: Organisation | None = None

    @property
    def quota(self) -> Quota:
        """How many calls are allowed and used, as the newest answer counted them."""
        return self.client.quota

    def close(self) -> None:
        """Ends the keep-alive connections; new ones are opened when they are needed."""
        self.client.close()

    def describe(self, object: ObjectType | str) -> Discovery:  # noqa: A002 - the word of the schema
        """The org's own fields for an object: which of them are mapped, which look like reasons."""
        from closedloop.crm.salesforce.describe import described  # noqa: PLC0415 - seldom needed

        return described(
            object,
            mapping=self.mapping,
            reasons=self._mappings.reasons,
            describes=self.describes,
            fetch=self._fetch,
        )

    @property
    def usage(self) -> Usage | None:
        """The org's daily API requests, as the newest answer counted them."""
        return self.client.usage

    @property
    def missing_fields(self) -> Mapping[ObjectType, tuple[str, ...]]:
        """The fields that the mapping names and the org lacks or hides, as far as it was read."""
        return self.describes.missing

    def organisation(self) -> Organisation:
        """The org that the credentials belong to. An org with one currency does not say which: then it is
        the one that the credentials name, if they do."""
        with self._lock:
            if self._organisation is None:
                self._organisation = self._read_organisation()
            return self._organisation

    def refresh(self, refs: Iterable[Ref]) -> Batch:
        """The present state of these objects, and of the people, members, roles and campaigns around them."""
        return self._reader.refresh(refs)

    def poll(self, cursor: str | None) -> Iterator[Page]:
        """Everything that changed since `cursor`, oldest first."""
        return Poll(self._reader, self._walker).pages(cursor)

    def sizes(self) -> Mapping[ObjectType, int]:
        """How many objects of each type a poll from the beginning brings; two API requests."""
        return Poll(self._reader, self._walker).sizes()

    def deliver(self, feedback: Sequence[Feedback]) -> list[DeliveryResult]:
        """Writes each value to its target; one result per value, in order."""
        return self._writer.deliver(feedback)

    def differences(self, feedback: Feedback, record: Record) -> Mapping[str, str] | None:
        """In which of our fields the record, as it was read, shows something else than this feedback."""
        return self._writer.differences(feedback, record)

    def feedback_form(self) -> str:
        """Changes whenever something changes about the fields that feedback is written to."""
        return self._writer.form()

    def _currency(self) -> str | None:
        return self.organisation().currency

    def _read_organisation(self) -> Organisation:
        wanted = ("Id", "Name", "DefaultCurrencyIsoCode")
        columns = [name for name in wanted if self.describes.has("Organization", name)] or wanted[:2]
        rows = self.client.query([Question(select(columns, "Organization"))])[0]
        if len(rows) != 1:
            raise AnswerError(f"expected the one Organization row, got {len(rows)}", reason="not_the_api")
        row = rows[0]
        return Organisation(
            crm=self.name,
            id=full_id(row["Id"]),
            name=row.get("Name"),
            currency=row.get("DefaultCurrencyIsoCode") or self._stated_currency,
        )


def _connected(credentials: SalesforceCredentials, budget: Budget | None) -> Client:
    """The client; its module brings in simple-salesforce and zeep, which take a while to import."""
    from closedloop.crm.salesforce.client import Client  # noqa: PLC0415 - only when an org is connected

    return Client(credentials, budget=budget)
