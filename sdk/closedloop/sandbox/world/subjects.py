"""Casts the leads and opportunities of a company that sales will decide about."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from decimal import Decimal

from closedloop.sandbox.world.drawing import Draw, Weights
from closedloop.sandbox.world.model import Account, Campaign, Home, Person, Rep, Subject, Touch
from closedloop.sandbox.world.planted import Planted
from closedloop.schema.vocabulary import CrmName, ObjectType

Touched = Mapping[str, list[Touch]]
"""The touches of each person, oldest first."""

_WORDS = ("Planning", "Pilot", "Rollout", "Expansion", "Renewal of licences", "Replacement")
_SIZES = Weights({1: 5, 2: 3, 3: 2})
_HOUR, _DAY = 3600, 86400
_SOON = timedelta(minutes=10)


class Offices:
    """What is the same for every company: who sells, what is counted in, which campaigns there are.

    `lived`: there is a past, in which touches made leads and leads were worked on; otherwise everything was
    opened in the last weeks and waits for the script.
    """

    def __init__(
        self,
        *,
        campaigns: Sequence[Campaign],
        reps: Sequence[Rep],
        planted: Planted,
        currencies: Mapping[CrmName, Sequence[str]],
        start: datetime,
        lived: bool,
    ) -> None:
        self.reps = {crm: [rep.key for rep in reps if rep.crm is crm] for crm in CrmName}
        self.kinds = {campaign.key: campaign.kind for campaign in campaigns}
        self.salesforce = [c.key for c in campaigns if c.crm is CrmName.SALESFORCE and not c.planned]
        self.in_salesforce = frozenset(self.salesforce)
        self.planted = planted
        self.currencies = currencies
        self.start = start
        self.lived = lived


@dataclass(slots=True, kw_only=True)
class Cast:
    """Draws the subjects of one company."""

    draw: Draw
    offices: Offices
    account: Account
    people: Sequence[Person]
    touched: Touched

    def subjects(self) -> list[Subject]:
        """Returns every lead and opportunity that no conversion makes, in a drawn order."""
        return self.draw.mix([*self._salesforce_leads(), *self._salesforce_deals(), *self._hubspot()])

    def conversion(self, lead: Subject, at: datetime | None = None) -> Subject:
        """Returns the opportunity that converting the lead makes: it names the campaign that the lead became
        a member of last, as Salesforce does."""
        return self._deal(
            f"{lead.key}-opportunity",
            CrmName.SALESFORCE,
            lead.people,
            origin=(lead.cause, at or self._lately()),
            primary=self._last_salesforce_campaign(lead.people, at),
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
            for nth in range(1 + self.draw.chance(0.25)):
                key = f"{self.account.key}-deal-{number}-{nth}"
                origin = self._origin(group, _DAY, 40 * _DAY)
                primary = self._primary(people, origin[1])
                yield self._deal(key, CrmName.SALESFORCE, people, origin=origin, primary=primary)
        if self.draw.chance(0.06):
            primary = self.draw.pick(self.offices.salesforce) if self.draw.chance(0.3) else None
            yield self._lonely(CrmName.SALESFORCE, primary)

    def _hubspot(self) -> Iterator[Subject]:
        mine = [person for person in self.people if person.hubspot and person.salesforce is None]
        for person in self.people:
            if person.hubspot and self.draw.chance(_LEAD_CHANCE[person.salesforce]):
                yield self._lead(CrmName.HUBSPOT, person)
            elif self.offices.lived and person.salesforce is None and self.draw.chance(0.6):
                yield self._status(person)
        for number, group in enumerate(self._groups(mine)):
            if self.draw.chance(0.6):
                people = tuple(person.key for person in group)
                key = f"{self.account.key}-hubspot-deal-{number}"
                yield self._deal(key, CrmName.HUBSPOT, people, origin=self._origin(group, _DAY, 40 * _DAY))
        if self.draw.chance(0.02):
            yield self._lonely(CrmName.HUBSPOT, None)

    def _groups(self, people: Sequence[Person]) -> Iterator[Sequence[Person]]:
        """Colleagues, one to three at a time."""
        place = 0
        while place < len(people):
            size = self.draw.weighted(_SIZES)
            yield people[place : place + size]
            place += size

    def _lead(self, crm: CrmName, person: Person) -> Subject:
        cause, opened = self._origin((person,), _HOUR, 3 * _DAY)
        inbound = self.offices.lived and crm is CrmName.SALESFORCE and self.draw.chance(0.6)
        rep = self.draw.pick(self.offices.reps[crm])
        return Subject(
            f"{crm}-lead-{person.key}",
            crm,
            ObjectType.LEAD,
            f"{person.first_name} {person.last_name}",
            (person.key,),
            rep,
            opened,
            person.account,
            cause=cause,
            primary=self._associated(cause) if crm is CrmName.HUBSPOT else None,
            queue=self.account.region if inbound else "",
        )

    def _status(self, person: Person) -> Subject:
        """A contact that has no lead: what became of it stands in its status alone."""
        cause, opened = self._origin((person,), _HOUR, 3 * _DAY)
        return Subject(
            key=f"hubspot-status-{person.key}",
            crm=CrmName.HUBSPOT,
            object=ObjectType.CONTACT,
            name=f"{person.first_name} {person.last_name}",
            people=(person.key,),
            rep=self.draw.pick(self.offices.reps[CrmName.HUBSPOT]),
            created_at=opened,
            account=person.account,
            cause=cause,
        )

    def _lonely(self, crm: CrmName, primary: str | None) -> Subject:
        """A deal that names nobody."""
        since = self.draw.seconds(2 * _DAY, (700 if self.offices.lived else 60) * _DAY)
        key, origin = f"{self.account.key}-{crm}-lonely", (None, self.offices.start - since)
        return self._deal(key, crm, (), origin=origin, primary=primary)

    def _deal(
        self,
        key: str,
        crm: CrmName,
        people: tuple[str, ...],
        *,
        origin: tuple[str | None, datetime],
        primary: str | None = None,
        converted_from: str | None = None,
    ) -> Subject:
        cause, opened = origin
        amount = self.draw.between(16, 900) * 125
        if cause and self.offices.kinds[cause] == self.offices.planted.slow_kind:
            amount = int(amount * self.offices.planted.larger_times)
        draw, currencies = self.draw, self.offices.currencies[crm]
        return Subject(
            key,
            crm,
            ObjectType.OPPORTUNITY,
            f"{self.account.name}: {draw.pick(_WORDS)}",
            people,
            draw.pick(self.offices.reps[crm]),
            opened,
            self.account.key,
            Decimal(amount) if draw.chance(0.93) else None,
            currencies[0] if draw.chance(0.7) else draw.pick(currencies),
            primary,
            cause,
            converted_from,
            second_pipeline=crm is CrmName.HUBSPOT and draw.chance(0.4),
        )

    def _origin(self, people: Sequence[Person], least: int, most: int) -> tuple[str | None, datetime]:
        """The campaign that brought somebody about, and when, so many seconds later, it did."""
        if len(people) == 1:
            touches = self.touched[people[0].key]
        else:
            touches = sorted((touch for each in people for touch in self.touched[each.key]), key=_at)
        if not self.offices.lived:
            return touches[-1].campaign if touches else None, self._lately()
        known = max([person.created_at for person in people]) if len(people) > 1 else people[0].created_at
        soon = self.draw.seconds(least, most)
        end = self.offices.start - _SOON
        if not touches:
            return None, known + self.draw.seconds(0, int((end - known).total_seconds()))
        touch = touches[-1] if self.draw.chance(0.6) else self.draw.pick(touches)
        return touch.campaign, min(max(touch.at, known) + soon, end)

    def _lately(self) -> datetime:
        return self.offices.start - self.draw.seconds(2 * _DAY, 61 * _DAY)

    def _associated(self, cause: str | None) -> str | None:
        """The campaign that somebody associated with the HubSpot lead: HubSpot's own, and not always."""
        known = cause is not None and cause not in self.offices.in_salesforce
        return cause if known and self.draw.chance(0.4) else None

    def _primary(self, people: tuple[str, ...], opened: datetime) -> str | None:
        """Mostly the campaign that reached these people last, else one that somebody picked, or none."""
        chance = self.draw.random()
        if chance < 0.1:
            return self.draw.pick(self.offices.salesforce)
        return self._last_salesforce_campaign(people, opened) if chance < 0.7 else None

    def _last_salesforce_campaign(self, people: Sequence[str], until: datetime | None) -> str | None:
        touches = [
            touch
            for key in people
            for touch in self.touched[key]
            if touch.campaign in self.offices.in_salesforce and (until is None or touch.at <= until)
        ]
        return max(touches, key=_at).campaign if touches else None


# How many of those that Salesforce has as this have a lead in HubSpot as well.
_LEAD_CHANCE: Mapping[Home | None, float] = {None: 0.6, Home.CONTACT: 0.05, Home.LEAD: 0}


def _at(touch: Touch) -> datetime:
    return touch.at
