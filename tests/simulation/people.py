"""What people do in the two CRMs from day to day, and which of it a webhook would tell."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from decimal import Decimal
from random import Random

from tests.simulation.crm import SimulatedCrm

from closedloop.schema.records import (
    Campaign,
    CampaignMember,
    Contact,
    ContactRole,
    Lead,
    LinkedId,
    Money,
    Opportunity,
    Record,
    Ref,
    Stage,
)
from closedloop.schema.vocabulary import CrmName, ObjectType

SALES, MARKETING = "sales", "marketing"
FEW = 6
"""How many leads, contacts, deals and campaigns there are at most: few, so that they meet again and again."""

_KEPT = {ObjectType.STAGE, ObjectType.CAMPAIGN}

_LEAD_STAGES = ("Open", "Working", "Qualified", "Nurture", "Unqualified", "Unqualified")
_DEAL_STAGES = ("Prospecting", "Closed Won", "Closed Lost", "Closed Lost")
_REASONS = ("No Budget", "Bad Timing", "Spam", "what nobody has heard of", None)
_EMAILS = (None, "ann@example.com", "bob@example.com", "cyd@example.com")


@dataclass(frozen=True, kw_only=True)
class People:
    """Everybody who works in the CRMs. `act` has one thing happen; it returns what a webhook would tell."""

    sales: SimulatedCrm
    marketing: SimulatedCrm
    clock: Callable[[], datetime]
    chance: Random

    def prepare(self) -> None:
        """What an admin sets up before anybody works."""
        for name, closed, won in (
            ("Prospecting", False, False),
            ("Closed Won", True, True),
            ("Closed Lost", True, False),
        ):
            stage = Stage(
                crm=CrmName.SALESFORCE, id=name, of=ObjectType.OPPORTUNITY, name=name, closed=closed, won=won
            )
            self.sales.save(stage)
        for number in range(FEW):
            self.sales.save(Campaign(crm=CrmName.SALESFORCE, id=f"C{number}", name=f"Campaign {number}"))
            self.marketing.save(Campaign(crm=CrmName.HUBSPOT, id=f"G{number}", name=f"Campaign {number}"))

    def act(self) -> list[tuple[str, Ref]]:
        """One thing happens, or nothing where it cannot."""
        doings = (
            self._lead,
            self._lead,
            self._deal,
            self._deal,
            self._contact,
            self._convert,
            self._role,
            self._member,
            self._marketing_contact,
            self._marketing_member,
            self._remove,
            self._meddle,
        )
        return list(self.chance.choice(doings)())

    def _some(self, prefix: str) -> str:
        return f"{prefix}{self.chance.randrange(FEW)}"

    def _there(self, object_: ObjectType, id_: str) -> Record | None:
        return self.sales.records.get(Ref(object_, id_))

    def _saved(self, record: Record) -> tuple[str, Ref]:
        return SALES, self.sales.save(record)

    def _lead(self) -> Iterator[tuple[str, Ref]]:
        id_ = self._some("L")
        known = self._there(ObjectType.LEAD, id_)
        if isinstance(known, Lead) and known.converted:
            return
        stage = self.chance.choice(_LEAD_STAGES)
        yield self._saved(
            Lead(
                crm=CrmName.SALESFORCE,
                id=id_,
                stage=stage,
                email=self.chance.choice(_EMAILS),
                reason=self.chance.choice(_REASONS) if stage in {"Unqualified", "Nurture"} else None,
                stage_changed_at=self.clock(),
            )
        )

    def _deal(self) -> Iterator[tuple[str, Ref]]:
        id_ = self._some("O")
        stage = self.chance.choice(_DEAL_STAGES)
        yield self._saved(
            Opportunity(
                crm=CrmName.SALESFORCE,
                id=id_,
                stage=stage,
                lost_reason=self.chance.choice(_REASONS) if stage == "Closed Lost" else None,
                stage_changed_at=self.clock(),
                campaign_id=self.chance.choice((None, self._some("C"))),
                amount=Money(amount=Decimal(self.chance.randrange(1, 9) * 1000), currency="EUR"),
            )
        )

    def _contact(self) -> Iterator[tuple[str, Ref]]:
        email = self.chance.choice(_EMAILS)
        yield self._saved(Contact(crm=CrmName.SALESFORCE, id=self._some("P"), email=email))

    def _convert(self) -> Iterator[tuple[str, Ref]]:
        lead = self._there(ObjectType.LEAD, self._some("L"))
        contact = self._some("P")
        if isinstance(lead, Lead) and not lead.converted and self._there(ObjectType.CONTACT, contact):
            yield self._saved(replace(lead, converted=True, converted_contact_id=contact))

    def _role(self) -> Iterator[tuple[str, Ref]]:
        deal, contact = self._some("O"), self._some("P")
        known = self._there(ObjectType.OPPORTUNITY, deal)
        if known and self._there(ObjectType.CONTACT, contact):
            role = ContactRole(
                crm=CrmName.SALESFORCE, id=f"{deal}-{contact}", opportunity_id=deal, contact_id=contact
            )
            yield self._saved(role)

    def _member(self) -> Iterator[tuple[str, Ref]]:
        kind, prefix = self.chance.choice(((ObjectType.LEAD, "L"), (ObjectType.CONTACT, "P")))
        person, campaign = self._some(prefix), self._some("C")
        if self._there(kind, person):
            yield self._saved(
                CampaignMember(
                    crm=CrmName.SALESFORCE,
                    id=f"M-{campaign}-{person}",
                    campaign_id=campaign,
                    lead_id=person if kind is ObjectType.LEAD else None,
                    contact_id=person if kind is ObjectType.CONTACT else None,
                    touched_at=self.clock() - timedelta(days=self.chance.randrange(30)),
                )
            )

    def _marketing_contact(self) -> Iterator[tuple[str, Ref]]:
        linked = LinkedId(crm=CrmName.SALESFORCE, object=ObjectType.LEAD, id=self._some("L"))
        contact = Contact(
            crm=CrmName.HUBSPOT,
            id=self._some("50"),
            email=self.chance.choice(_EMAILS),
            linked_ids=self.chance.choice(((), (linked,))),
        )
        yield MARKETING, self.marketing.save(contact)

    def _marketing_member(self) -> Iterator[tuple[str, Ref]]:
        contact, campaign = self._some("50"), self._some("G")
        if Ref(ObjectType.CONTACT, contact) in self.marketing.records:
            member = CampaignMember(
                crm=CrmName.HUBSPOT,
                id=f"{campaign}/{contact}",
                campaign_id=campaign,
                contact_id=contact,
                touched_at=self.clock() - timedelta(days=self.chance.randrange(30)),
            )
            yield MARKETING, self.marketing.save(member)

    def _remove(self) -> Iterator[tuple[str, Ref]]:
        """Rarely. No poll finds a deletion in these CRMs, so that a webhook has to tell of it."""
        if self.chance.random() > 0.2:
            return
        name, crm = self.chance.choice(((SALES, self.sales), (MARKETING, self.marketing)))
        removable = sorted(ref for ref in crm.records if ref.object not in _KEPT)
        if removable:
            for ref in crm.remove(self.chance.choice(removable)):
                yield name, ref

    def _meddle(self) -> Iterator[tuple[str, Ref]]:
        """Rarely. No webhook tells of it."""
        if self.chance.random() < 0.3:
            self.chance.choice((self.sales, self.marketing)).meddle()
        yield from ()
