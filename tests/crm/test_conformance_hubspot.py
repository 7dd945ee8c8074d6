"""HubSpot, in the suite that every CRM passes."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from typing import Any

import pytest

from closedloop.crm.connected import ConnectedCrm
from closedloop.crm.hubspot import HubSpotCredentials, HubSpotCrm
from closedloop.crm.results import Verb
from closedloop.mapping import load_mappings
from closedloop.sandbox.hubspot import HubSpotSandbox
from closedloop.schema.records import Money
from closedloop.schema.vocabulary import ObjectType
from closedloop.testing.conformance import Conformance, Stage

_READ_ONLY = (ObjectType.USER, ObjectType.STAGE, ObjectType.CAMPAIGN_MEMBER)
_CHANGES: Mapping[ObjectType, Mapping[str, Any]] = {
    ObjectType.ACCOUNT: {"country": "Norway"},
    ObjectType.CONTACT: {"title": "Head of purchasing"},
    ObjectType.LEAD: {"stage": "connected-stage-id"},
    ObjectType.OPPORTUNITY: {"amount": Money(amount=Decimal("99.95"), currency="USD")},
    ObjectType.CAMPAIGN: {"end_date": date(2026, 12, 31)},
    ObjectType.CAMPAIGN_MEMBER: {"contact_id": "1"},
    ObjectType.ACTIVITY: {"subject": "Called back"},
    ObjectType.CONTACT_ROLE: {"role": "Evaluator"},
    ObjectType.USER: {"email": "somebody@example.com"},
    ObjectType.STAGE: {"label": "Another"},
}


class HubSpotStage:
    """A sandbox portal."""

    unsupported = frozenset(
        {
            *((of, verb) for of in _READ_ONLY for verb in Verb),
            (ObjectType.CAMPAIGN, Verb.UPSERT),
            (ObjectType.CONTACT_ROLE, Verb.UPSERT),
        }
    )
    unchanging = frozenset({ObjectType.CAMPAIGN_MEMBER, ObjectType.CONTACT_ROLE})
    page = 100
    raw_path = "/crm/v3/pipelines/deals"

    def __init__(self) -> None:
        self._now = datetime(2026, 11, 2, 9, 0, tzinfo=UTC)
        self.sandbox = HubSpotSandbox(clock=self._clock)
        self.crm: ConnectedCrm = self._connected()

    def values(self, of: ObjectType, number: int) -> Mapping[str, Any]:
        return getattr(self, f"_{of}")(number)  # type: ignore[no-any-return]

    def change(self, of: ObjectType) -> Mapping[str, Any]:
        return _CHANGES[of]

    def key(self, of: ObjectType) -> str | None:
        return "email" if of is ObjectType.CONTACT else None

    def merge(self, of: ObjectType, loser: str, winner: str) -> str | None:
        assert of is ObjectType.CONTACT
        return self.sandbox.portal.merge("contacts", winner, loser)

    def pass_time(self, seconds: float) -> None:
        self._now += timedelta(seconds=seconds)

    def limited(self, *, calls: int) -> HubSpotCrm:
        return self._connected(daily_budget=calls)

    def _connected(self, **more: Any) -> HubSpotCrm:
        credentials = HubSpotCredentials(
            access_token=self.sandbox.access_token, base_url=self.sandbox.url, **more
        )
        return HubSpotCrm(credentials, load_mappings(), clock=self._clock)

    def _clock(self) -> datetime:
        self._now += timedelta(milliseconds=1)
        return self._now

    def _account(self, number: int) -> Mapping[str, Any]:
        return {
            "name": f"Meyer & Sons {number}",
            "domain": f"meyer{number}.example",
            "employees": 40 + number,
        }

    def _contact(self, number: int) -> Mapping[str, Any]:
        return {"first_name": "Ada", "last_name": f"Meyer {number}", "email": f"ada.{number}@example.com"}

    def _lead(self, number: int) -> Mapping[str, Any]:
        contact = self.crm.contacts.create(self._contact(1000 + number)).id
        return {"name": f"Meyer {number}", "contact_id": contact, "stage": "new-stage-id"}

    def _opportunity(self, number: int) -> Mapping[str, Any]:
        return {
            "name": f"Renewal {number}",
            "pipeline": "default",
            "stage": "appointmentscheduled",
            "close_date": date(2027, 1, 31),
            "amount": Money(amount=Decimal("1200.50") + number, currency="USD"),
        }

    def _campaign(self, number: int) -> Mapping[str, Any]:
        return {"name": f"Autumn webinar {number}", "start_date": date(2026, 11, 1)}

    def _activity(self, number: int) -> Mapping[str, Any]:
        contact = self.crm.contacts.create(self._contact(3000 + number)).id
        return {
            "kind": "Call",
            "subject": f"Call back {number}",
            "happened_at": datetime(2026, 11, 2, 8, number, tzinfo=UTC),
            "contact_id": contact,
        }

    def _contact_role(self, number: int) -> Mapping[str, Any]:
        self._labels("Decision Maker", "Evaluator")
        opportunity = self.crm.opportunities.create(self._opportunity(number)).id
        contact = self.crm.contacts.create(self._contact(2000 + number)).id
        return {"opportunity_id": opportunity, "contact_id": contact, "role": "Decision Maker"}

    def _labels(self, *wanted: str) -> None:
        """Makes the labels of deal-to-contact associations that an admin would have made."""
        path = "/crm/v4/associations/deals/contacts/labels"
        there = {each["label"] for each in self.crm.raw.get(path)["results"]}
        for label in wanted:
            if label not in there:
                name = label.lower().replace(" ", "_")
                self.crm.raw.post(path, {"label": label, "name": name})


class TestHubSpot(Conformance):
    @pytest.fixture
    def stage(self) -> Iterator[Stage]:
        played = HubSpotStage()
        with played.sandbox:
            yield played
