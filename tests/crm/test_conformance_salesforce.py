"""Salesforce, in the suite that every CRM passes."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from typing import Any

import pytest

from closedloop.crm.connected import ConnectedCrm
from closedloop.crm.results import Verb
from closedloop.crm.salesforce import SalesforceCredentials, SalesforceCrm
from closedloop.mapping import load_mappings
from closedloop.sandbox.salesforce import SalesforceSandbox
from closedloop.schema.records import Money
from closedloop.schema.vocabulary import ObjectType
from closedloop.testing.conformance import Conformance, Stage

_READ_ONLY = (ObjectType.USER, ObjectType.STAGE)
_KEYS = {ObjectType.CONTACT: "email", ObjectType.LEAD: "email"}
_CHANGES: Mapping[ObjectType, Mapping[str, Any]] = {
    ObjectType.ACCOUNT: {"industry": "Banking"},
    ObjectType.CONTACT: {"title": "Head of purchasing"},
    ObjectType.LEAD: {"stage": "Working - Contacted"},
    ObjectType.OPPORTUNITY: {"amount": Money(amount=Decimal("99.95"), currency="EUR")},
    ObjectType.CAMPAIGN: {"end_date": date(2026, 12, 31)},
    ObjectType.CAMPAIGN_MEMBER: {"status": "Responded"},
    ObjectType.ACTIVITY: {"subject": "Called back"},
    ObjectType.CONTACT_ROLE: {"role": "Evaluator"},
    ObjectType.USER: {"name": "Somebody else"},
    ObjectType.STAGE: {"label": "Another"},
}


class SalesforceStage:
    """A sandbox org."""

    unsupported = frozenset((of, verb) for of in _READ_ONLY for verb in Verb)
    unchanging = frozenset[ObjectType]()
    page = 2_000
    raw_path = "limits"

    def __init__(self) -> None:
        self._now = datetime(2026, 11, 2, 9, 0, tzinfo=UTC)
        self.sandbox = SalesforceSandbox(clock=self._clock)
        self.crm: ConnectedCrm = self._connected()

    def values(self, of: ObjectType, number: int) -> Mapping[str, Any]:
        return getattr(self, f"_{of}")(number)  # type: ignore[no-any-return]

    def change(self, of: ObjectType) -> Mapping[str, Any]:
        return _CHANGES[of]

    def key(self, of: ObjectType) -> str | None:
        return _KEYS.get(of)

    def merge(self, of: ObjectType, loser: str, winner: str) -> str | None:
        assert of is ObjectType.CONTACT
        self.sandbox.org.merge("Contact", winner, loser)
        return winner

    def pass_time(self, seconds: float) -> None:
        self._now += timedelta(seconds=seconds)

    def limited(self, *, calls: int) -> SalesforceCrm:
        return self._connected(daily_budget=calls)

    def _connected(self, **more: Any) -> SalesforceCrm:
        sandbox = self.sandbox
        credentials = SalesforceCredentials(
            login_url=sandbox.url,
            client_id=sandbox.client_id,
            client_secret=sandbox.client_secret,
            currency="EUR",
            **more,
        )
        return SalesforceCrm(credentials, load_mappings(), page_size=200, clock=self._clock)

    def _clock(self) -> datetime:
        self._now += timedelta(milliseconds=1)
        return self._now

    def _account(self, number: int) -> Mapping[str, Any]:
        return {"name": f"Meyer & Sons {number}", "industry": "Energy", "employees": 40 + number}

    def _contact(self, number: int) -> Mapping[str, Any]:
        return {"first_name": "Ada", "last_name": f"Meyer {number}", "email": f"ada.{number}@example.com"}

    def _lead(self, number: int) -> Mapping[str, Any]:
        return {**self._contact(number), "company": "Meyer & Sons", "stage": "Open - Not Contacted"}

    def _opportunity(self, number: int) -> Mapping[str, Any]:
        return {
            "name": f"Renewal {number}",
            "stage": "Prospecting",
            "close_date": date(2027, 1, 31),
            "amount": Money(amount=Decimal("1200.50") + number, currency="EUR"),
        }

    def _campaign(self, number: int) -> Mapping[str, Any]:
        return {"name": f"Autumn webinar {number}", "start_date": date(2026, 11, 1), "active": True}

    def _campaign_member(self, number: int) -> Mapping[str, Any]:
        campaign = self.crm.campaigns.create(self._campaign(number)).id
        contact = self.crm.contacts.create(self._contact(1000 + number)).id
        return {"campaign_id": campaign, "contact_id": contact, "status": "Sent"}

    def _activity(self, number: int) -> Mapping[str, Any]:
        return {"subject": f"Call back {number}", "status": "Not Started", "due_on": date(2026, 11, 30)}

    def _contact_role(self, number: int) -> Mapping[str, Any]:
        opportunity = self.crm.opportunities.create(self._opportunity(number)).id
        contact = self.crm.contacts.create(self._contact(2000 + number)).id
        return {"opportunity_id": opportunity, "contact_id": contact, "role": "Decision Maker"}


class TestSalesforce(Conformance):
    @pytest.fixture
    def stage(self) -> Iterator[Stage]:
        played = SalesforceStage()
        with played.sandbox:
            yield played
