"""Casts the leads and opportunities that sales will decide about."""

from __future__ import annotations

import random
from collections import defaultdict
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from decimal import Decimal

from closedloop.sandbox.world.model import Account, Campaign, Home, Person, Rep, Subject, Touch
from closedloop.schema.vocabulary import CrmName, ObjectType

_WORDS = ("Planning", "Pilot", "Rollout", "Expansion", "Renewal of licences", "Replacement")


@dataclass(kw_only=True)
class Cast:
    """Draws subjects from the people of a world; `start` is when the script begins."""

    draw: random.Random
    accounts: Sequence[Account]
    people: Sequence[Person]
    campaigns: Sequence[Campaign]
    touches: Sequence[Touch]
    reps: Sequence[Rep]
    start: datetime
    touched: dict[str, list[Touch]] = field(default_factory=lambda: defaultdict(list), init=False)
    _names: dict[str, str] = field(init=False)
    _persons: dict[str, Person] = field(init=False)

    def __post_init__(self) -> None:
        self._names = {account.key: account.name for account in self.accounts}
        self._persons = {person.key: person for person in self.people}
        for touch in self.touches:
            self.touched[touch.person].append(touch)

    @property
    def salesforce_campaigns(self) -> list[Campaign]:
        """The campaigns in Salesforce that people can be in."""
        return [c for c in self.campaigns if c.crm is CrmName.SALESFORCE and not c.planned]

    def person(self, key: str) -> Person:
        """Returns the person of that key."""
        return self._persons[key]

    def subjects(self) -> list[Subject]:
        """Returns every lead and opportunity there is at the start, in a drawn order."""
        subjects = [*self._salesforce_leads(), *self._salesforce_deals(), *self._hubspot()]
        self.draw.shuffle(subjects)
        return subjects

    def conversion(self, lead: Subject) -> Subject:
        """Returns the opportunity that converting the lead makes: it names the campaign that the lead became
        a member of last, as Salesforce does."""
        return self._deal(
            f"{lead.key}-opportunity",
            CrmName.SALESFORCE,
            lead.people,
            lead.account,
            primary=self._last_salesforce_campaign(lead.people),
            converted_from=lead.key,
        )

    def _salesforce_leads(self) -> Iterator[Subject]:
        for person in self.people:
            if person.salesforce is Home.LEAD:
                yield self._lead(CrmName.SALESFORCE, person)

    def _salesforce_deals(self) -> Iterator[Subject]:
        contacts = [person for person in self.people if person.salesforce is Home.CONTACT]
        for number, group in enumerate(self._groups(contacts)):
            people = tuple(person.key for person in group)
            for nth in range(1 + (self.draw.random() < 0.25)):
                key = f"deal-{number}-{nth}"
                yield self._deal(
                    key, CrmName.SALESFORCE, people, group[0].account, primary=self._primary(people)
                )
        for number in range(max(1, len(contacts) // 18)):
            account = self.draw.choice(self.accounts).key
            primary = self._any_campaign() if self.draw.random() < 0.3 else None
            yield self._deal(f"lonely-{number}", CrmName.SALESFORCE, (), account, primary=primary)

    def _hubspot(self) -> Iterator[Subject]:
        mine = [p for p in self.people if p.hubspot and p.salesforce is None]
        shared = [p for p in self.people if p.hubspot and p.salesforce is Home.CONTACT]
        leads = [person for person in mine if self.draw.random() < 0.6]
        for person in [*leads, *self.draw.sample(shared, min(len(shared), len(mine) // 10))]:
            yield self._lead(CrmName.HUBSPOT, person)
        for number, group in enumerate(self._groups(mine)):
            if self.draw.random() < 0.6:
                people = tuple(person.key for person in group)
                yield self._deal(f"hubspot-deal-{number}", CrmName.HUBSPOT, people, group[0].account)
        for number in range(max(1, len(mine) // 40)):
            account = self.draw.choice(self.accounts).key
            yield self._deal(f"hubspot-lonely-{number}", CrmName.HUBSPOT, (), account)

    def _groups(self, people: Iterable[Person]) -> Iterator[Sequence[Person]]:
        """Colleagues, one to three at a time."""
        colleagues: dict[str, list[Person]] = defaultdict(list)
        for person in people:
            colleagues[person.account].append(person)
        for group in colleagues.values():
            while group:
                size = self.draw.choices((1, 2, 3), weights=(5, 3, 2))[0]
                yield group[:size]
                del group[:size]

    def _lead(self, crm: CrmName, person: Person) -> Subject:
        return Subject(
            key=f"{crm}-lead-{person.key}",
            crm=crm,
            object=ObjectType.LEAD,
            name=f"{person.first_name} {person.last_name}",
            people=(person.key,),
            rep=self._rep(crm),
            created_at=self._before(),
            account=person.account,
        )

    def _deal(
        self,
        key: str,
        crm: CrmName,
        people: tuple[str, ...],
        account: str,
        *,
        primary: str | None = None,
        converted_from: str | None = None,
    ) -> Subject:
        amount = Decimal(self.draw.randint(16, 900) * 250) / 2
        return Subject(
            key=key,
            crm=crm,
            object=ObjectType.OPPORTUNITY,
            name=f"{self._names[account]}: {self.draw.choice(_WORDS)}",
            people=people,
            rep=self._rep(crm),
            created_at=self._before(),
            account=account,
            amount=amount if self.draw.random() < 0.93 else None,
            primary=primary,
            converted_from=converted_from,
            second_pipeline=crm is CrmName.HUBSPOT and self.draw.random() < 0.4,
        )

    def _rep(self, crm: CrmName) -> str:
        return self.draw.choice([rep for rep in self.reps if rep.crm is crm]).key

    def _before(self) -> datetime:
        return self.start - timedelta(days=self.draw.randint(2, 60), seconds=self.draw.randint(0, 86399))

    def _primary(self, people: tuple[str, ...]) -> str | None:
        """Mostly the campaign that reached these people last, else one that somebody picked, or none."""
        chance = self.draw.random()
        if chance < 0.1:
            return self._any_campaign()
        return self._last_salesforce_campaign(people) if chance < 0.7 else None

    def _any_campaign(self) -> str:
        return self.draw.choice(self.salesforce_campaigns).key

    def _last_salesforce_campaign(self, people: Sequence[str]) -> str | None:
        mine = {campaign.key for campaign in self.salesforce_campaigns}
        touches = [touch for key in people for touch in self.touched[key] if touch.campaign in mine]
        return max(touches, key=lambda touch: touch.at).campaign if touches else None
