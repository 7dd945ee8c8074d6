"""The face of a connected CRM, the same for all: ten resources, and the way to what they do not cover."""

from __future__ import annotations

from abc import ABC, abstractmethod
from types import TracebackType
from typing import TYPE_CHECKING, Self

from closedloop.crm.raw import Raw
from closedloop.crm.resource import Port, Resource
from closedloop.schema.records import (
    Account,
    Activity,
    Campaign,
    CampaignMember,
    Contact,
    ContactRole,
    Lead,
    Opportunity,
    Record,
    Stage,
    User,
)

if TYPE_CHECKING:
    from closedloop.crm.base import Organisation
    from closedloop.crm.raw import Sender
    from closedloop.crm.results import Quota
    from closedloop.mapping import CrmMapping
    from closedloop.mapping.discovery import Discovery
    from closedloop.mapping.explain import Explanation
    from closedloop.schema.vocabulary import ObjectType


class ConnectedCrm(ABC):
    """What every adapter gives a developer."""

    mapping: CrmMapping
    _port: Port
    _sender: Sender

    @property
    def accounts(self) -> Resource[Account]:
        """Companies."""
        return Resource(self._port, Account)

    @property
    def contacts(self) -> Resource[Contact]:
        """Known people."""
        return Resource(self._port, Contact)

    @property
    def leads(self) -> Resource[Lead]:
        """What was handed to sales."""
        return Resource(self._port, Lead)

    @property
    def opportunities(self) -> Resource[Opportunity]:
        """Possible sales; HubSpot calls them deals."""
        return Resource(self._port, Opportunity)

    @property
    def campaigns(self) -> Resource[Campaign]:
        """Marketing campaigns."""
        return Resource(self._port, Campaign)

    @property
    def campaign_members(self) -> Resource[CampaignMember]:
        """Who was reached by which campaign."""
        return Resource(self._port, CampaignMember)

    @property
    def users(self) -> Resource[User]:
        """Who works in the CRM; HubSpot calls them owners."""
        return Resource(self._port, User)

    @property
    def activities(self) -> Resource[Activity]:
        """What reps did: calls, e-mails, meetings, tasks."""
        return Resource(self._port, Activity)

    @property
    def contact_roles(self) -> Resource[ContactRole]:
        """Which contacts have a part in which opportunity."""
        return Resource(self._port, ContactRole)

    @property
    def stages(self) -> Resource[Stage]:
        """The stages of leads and opportunities."""
        return Resource(self._port, Stage)

    @property
    def raw(self) -> Raw:
        """The CRM's own API, for what the resources do not cover."""
        return Raw(self._sender)

    @abstractmethod
    def organisation(self) -> Organisation:
        """The org or portal that the credentials belong to."""

    @property
    @abstractmethod
    def quota(self) -> Quota:
        """How many calls are allowed and used, as far as the CRM has said; asks nothing."""

    @abstractmethod
    def describe(self, object: ObjectType | str) -> Discovery:  # noqa: A002 - the word of the schema
        """The org's own fields of an object: what they are mapped to, what could be mapped, and which of
        their values no rule knows."""

    def explain(self, record: Record) -> Explanation:
        """Where each field of a record came from, which rule made it, and whether anything was lost."""
        return self.mapping.explain(record)

    @abstractmethod
    def close(self) -> None:
        """Ends the connection's keep-alive connections; it opens new ones when it is used again."""

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        exc_type: type[BaseException] | None,
        exc: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self.close()
