"""A made-up company's year in both CRMs, written into the tables, and the application that shows it.

The credits come from the real attribution, the words from `company.json`, the rest from a seeded generator.
Markup in names is there on purpose.
"""

from __future__ import annotations

import json
import random
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from pathlib import Path
from typing import Any

from flask import Flask
from sqlalchemy import Connection, Engine, insert

from closedloop.crm.hubspot import HubSpotCredentials
from closedloop.crm.salesforce import SalesforceCredentials
from closedloop.loop.attribution import CampaignKey, Touch, attribute
from closedloop.loop.dispositions import Decision
from closedloop.loop.feedback import Feedback, PersonFeedback
from closedloop.mapping import load_mappings
from closedloop.schema.records import (
    Campaign,
    CampaignMember,
    Contact,
    Lead,
    Money,
    Opportunity,
    Record,
    Ref,
    Stage,
    User,
)
from closedloop.schema.vocabulary import AttributionModel, CrmName, ObjectType, Outcome, ReasonCode
from closedloop_server.access import Role, create_token
from closedloop_server.app import create_app
from closedloop_server.pipeline.totals import campaign_feedback, merged
from closedloop_server.services import Services
from closedloop_server.settings import ConnectionSettings, Settings
from closedloop_server.store import credited, edges, feedback, ledger, records
from closedloop_server.store.edges import Edge
from closedloop_server.store.engine import open_engine, writing
from closedloop_server.store.rows import Key
from closedloop_server.store.tables import credits_, delivered, metadata, touches

COMPANY: dict[str, Any] = json.loads((Path(__file__).parent / "company.json").read_text(encoding="utf-8"))
NOW = datetime(2026, 11, 20, 14, 3, tzinfo=UTC)
SALES = "salesforce-emea"
MARKETING = "hubspot-marketing"
MARKUP = next(name for name in COMPANY["salesforce_campaigns"] if "<script>" in name)

_CRMS = {SALES: CrmName.SALESFORCE, MARKETING: CrmName.HUBSPOT}
_LEAD_OUTCOMES = (
    [Outcome.ACCEPTED] * 9 + [Outcome.DISQUALIFIED] * 8 + [Outcome.RECYCLED] * 4 + [Outcome.NO_ACTION] * 2
)


@dataclass(kw_only=True)
class Seed:
    """Fills the tables; afterwards it knows what it wrote."""

    connection: Connection
    subjects: int = 420
    random: random.Random = field(default_factory=lambda: random.Random(7))
    campaigns: list[CampaignKey] = field(default_factory=list)
    empty: set[CampaignKey] = field(default_factory=set)
    members: dict[CampaignKey, list[Ref]] = field(default_factory=dict)
    _records: dict[Key, Record] = field(default_factory=dict)
    _edges: list[Edge] = field(default_factory=list)

    def fill(self) -> Seed:
        """Writes everything."""
        self._users_and_stages()
        for number, name in enumerate(COMPANY["salesforce_campaigns"]):
            self._campaign(SALES, f"701Qy{number:010d}AAA", name, "EUR")
        for number, name in enumerate(COMPANY["hubspot_campaigns"]):
            guid = f"{number:08x}-6f1c-4a5e-9d2b-3c7e5a90b1{number:02d}"
            self._campaign(MARKETING, guid, name, "USD", other_id=str(9000 + number))
        self.empty = {self.campaigns[len(COMPANY["salesforce_campaigns"]) - 1], self.campaigns[-1]}
        for number in range(self.subjects):
            self._subject(number)
        records.save(self.connection, self._records, now=NOW)
        edges.replace(self.connection, {edge.start for edge in self._edges}, self._edges)
        self._feedback()
        return self

    def _record(self, connection: str, record: Record) -> Key:
        key = Key(connection, record.object, record.id)
        self._records[key] = record
        return key

    def _users_and_stages(self) -> None:
        for number, name in enumerate(COMPANY["reps"]):
            self._record(SALES, User(crm=CrmName.SALESFORCE, id=_rep(SALES, number), name=name))
            user = User(
                crm=CrmName.HUBSPOT, id=str(300 + number), other_id=_rep(MARKETING, number), name=name
            )
            self._record(MARKETING, user)
        for label in sorted(set(COMPANY["stages"].values())):
            name = _stage_id(label)
            for of in (ObjectType.LEAD, ObjectType.OPPORTUNITY):
                stage = Stage(
                    crm=CrmName.HUBSPOT,
                    id=f"{of}-pipeline/{name}",
                    of=of,
                    name=name,
                    label=label,
                    pipeline="p",
                )
                self._record(MARKETING, stage)

    def _campaign(
        self, connection: str, crm_id: str, name: str, currency: str, other_id: str | None = None
    ) -> None:
        cost = self.random.choice((None, "4800.00", "12500.00", "36000.00"))
        campaign = Campaign(
            crm=_CRMS[connection],
            id=crm_id,
            other_id=other_id,
            name=name,
            type=self.random.choice(COMPANY["types"]),
            status=self.random.choice(("In Progress", "Completed")),
            start_date=date(2026, 3, 2),
            end_date=self.random.choice((None, date(2026, 9, 30))),
            actual_cost=Money(amount=Decimal(cost), currency=currency) if cost else None,
            budgeted_cost=Money(amount=Decimal(20000), currency=currency) if name.startswith("W") else None,
        )
        self._record(connection, campaign)
        self.campaigns.append(CampaignKey(connection, crm_id))

    def _subject(self, number: int) -> None:
        deal = self.random.random() < 0.34
        connection = self.random.choices((SALES, MARKETING), (3, 1))[0]
        person = f"{self.random.choice(COMPANY['first_names'])} {self.random.choice(COMPANY['last_names'])}"
        firm = f"{self.random.choice(COMPANY['firms'])} – {self.random.choice(COMPANY['projects'])}"
        crm_id = (
            f"{'006' if deal else '00Q'}Qy{number:010d}AAA" if connection == SALES else str(50_000 + number)
        )
        crm = _CRMS[connection]
        record = Opportunity(crm=crm, id=crm_id, name=firm) if deal else Lead(crm=crm, id=crm_id, name=person)
        key = self._record(connection, record)
        chosen = (Outcome.WON, Outcome.LOST, Outcome.LOST) if deal else _LEAD_OUTCOMES
        reopened = not deal and self.random.random() < 0.03
        self._decided(key, Outcome.REOPENED if reopened else self.random.choice(chosen), person)

    def _decided(self, subject: Key, outcome: Outcome, person: str) -> None:
        at = NOW - timedelta(minutes=self.random.randrange(260 * 24 * 60))
        if outcome is Outcome.REOPENED or self.random.random() < 0.05:
            before = Outcome.LOST if subject.object is ObjectType.OPPORTUNITY else Outcome.RECYCLED
            self._entry(subject, before, at - timedelta(days=20))
        entry = self._entry(subject, outcome, at)
        if outcome is not Outcome.REOPENED:
            self._credited(entry, subject, at, person)

    def _entry(self, subject: Key, outcome: Outcome, at: datetime) -> int:
        choices = COMPANY["reasons"].get(outcome, [[None, "", 1]])
        told, raw, _ = self.random.choices(choices, [weight for *_, weight in choices])[0]
        code = ReasonCode(told) if told else None
        known = code not in (None, ReasonCode.UNMAPPED, ReasonCode.UNSPECIFIED)
        sales = subject.connection == SALES
        amount = Money(
            amount=Decimal(self.random.randrange(300_000, 9_000_000)) / 100,
            currency="EUR" if sales else "USD",
        )
        decision = Decision(
            outcome=outcome,
            reason=code,
            raw_reason=raw or None,
            note=self.random.choice(COMPANY["notes"]) if code else None,
            rule=f"reasons.yaml:{len(raw) + 20}" if known else "",
            stage=COMPANY["stages"][outcome] if sales else _stage_id(COMPANY["stages"][outcome]),
            decided_at=None if self.random.random() < 0.01 else at,
            decided_by=_rep(subject.connection, self.random.randrange(len(COMPANY["reps"]))),
            amount=amount if subject.object is ObjectType.OPPORTUNITY else None,
        )
        learned = {subject: at + timedelta(minutes=4)}
        added = ledger.append(self.connection, {subject: decision}, at=learned, mappings="test")
        return added[subject].id

    def _credited(self, ledger_id: int, subject: Key, at: datetime, person: str) -> None:
        luck = self.random.random()
        late = 0.09 < luck < 0.12
        found = [] if luck < 0.09 else list(self._touches(ledger_id, subject, at, person, late=late))
        primary = None if late or not found or self.random.random() < 0.6 else found[0].campaign
        for model in AttributionModel:
            for credit in attribute(
                found, model, decided_at=at, primary=primary, people=0 if luck < 0.04 else 1
            ):
                campaign = credit.campaign or CampaignKey("", "")
                self.connection.execute(
                    insert(credits_).values(
                        ledger_id=ledger_id,
                        model=model.value,
                        campaign_connection=campaign.connection,
                        campaign_id=campaign.id,
                        share=credit.share,
                        cause=credit.cause.value if credit.cause else None,
                    )
                )

    def _touches(
        self, ledger_id: int, subject: Key, at: datetime, person: str, *, late: bool
    ) -> Iterator[Touch]:
        open_to = [key for key in self.campaigns if key not in self.empty]
        # The first campaigns of each CRM are the busy ones, as in life.
        weights = [1 / (1 + place % len(COMPANY["salesforce_campaigns"])) for place, _ in enumerate(open_to)]
        chosen = dict.fromkeys(self.random.choices(open_to, weights, k=self.random.randint(1, 4)))
        for place, campaign in enumerate(chosen):
            days = timedelta(days=self.random.randint(2, 90))
            touched = at + (NOW - at) / 2 if late else at - days
            who, member = self._member(campaign, f"{ledger_id:06d}{place}", person)
            link = "record" if campaign.connection == subject.connection else "email"
            self.connection.execute(
                insert(touches).values(
                    ledger_id=ledger_id,
                    campaign_connection=campaign.connection,
                    campaign_id=campaign.id,
                    member_id=member,
                    person_connection=who.connection,
                    person_object=who.object.value,
                    person_id=who.id,
                    touched_at=touched,
                    link=link if place < 2 else "linked_id",
                )
            )
            yield Touch(campaign=campaign, person=who.id, at=touched)

    def _member(self, campaign: CampaignKey, number: str, person: str) -> tuple[Key, str]:
        """Somebody in a campaign, with the edges that the CRM's member row has."""
        crm = _CRMS[campaign.connection]
        sales = campaign.connection == SALES
        who = self._record(campaign.connection, Contact(crm=crm, id=f"003{number}", name=person))
        member = f"00v{number}" if sales else f"{campaign.id}/{who.id}"
        start = self._record(
            campaign.connection,
            CampaignMember(crm=crm, id=member, campaign_id=campaign.id, contact_id=who.id),
        )
        end = Key(campaign.connection, ObjectType.CAMPAIGN, campaign.id)
        self._edges += [Edge(start, edges.Role.CAMPAIGN, end), Edge(start, edges.Role.CONTACT, who)]
        self.members.setdefault(campaign, []).append(start.ref if sales else who.ref)
        return who, member

    def _feedback(self) -> None:
        for place, campaign in enumerate(key for key in self.campaigns if key not in self.empty):
            people = [
                PersonFeedback(target=target, outcome=Outcome.ACCEPTED) for target in self.members[campaign]
            ]
            values: list[Feedback] = [*people, *self._results(campaign)]
            feedback.desire(self.connection, campaign.connection, values, now=NOW - timedelta(hours=2))
            self._fates(campaign, values, place % 7)

    def _results(self, campaign: CampaignKey) -> list[Feedback]:
        model, wanted = AttributionModel.PRIMARY, [campaign.id]
        shares = credited.decisions(self.connection, campaign.connection, wanted, model)
        touched = credited.touched(self.connection, campaign.connection, wanted)
        decisions = merged(shares.get(campaign.id, ()), touched.get(campaign.id, ()))
        total, rows = campaign_feedback(campaign.id, model, decisions)
        return [total, *rows]

    def _fates(self, campaign: CampaignKey, values: list[Feedback], fate: int) -> None:
        digests = feedback.digests(self.connection, campaign.connection, (value.key for value in values))
        for place, (key, digest) in enumerate(sorted(digests.items())):
            row = _FATES.get(fate if place % 5 == 0 or "campaign|" in key[:9] else 0, {})
            if row is not None:
                self.connection.execute(
                    insert(delivered).values(
                        connection=campaign.connection,
                        key=key,
                        **{"digest": digest, "delivery": "delivered", "attempts": 1, "at": _TOLD, **row},
                    )
                )


_TOLD = NOW - timedelta(hours=1)
_FATES: dict[int, dict[str, Any] | None] = {
    3: None,
    4: {"digest": "an earlier version"},
    5: {"delivery": "refused", "code": "ENTITY_IS_DELETED", "message": "entity is deleted"},
    6: {"delivery": "retry", "code": "UNABLE_TO_LOCK_ROW", "message": "unable to obtain exclusive access"},
}


def _rep(connection: str, number: int) -> str:
    """A user's id as a decision names it: HubSpot names the user, whose owner has another id."""
    return f"005Qy{number:010d}AAA" if connection == SALES else str(700 + number)


def _stage_id(label: str) -> str:
    return label.lower().replace(" ", "")


@dataclass(frozen=True, kw_only=True)
class Site:
    """The application over a database of its own, and a token for it."""

    app: Flask
    engine: Engine
    token: str


def open_site(directory: Path, *, fill: bool = True) -> Site:
    """A site with the company in it, or an empty one as on the first day."""
    engine = open_engine(f"sqlite:///{directory / 'site.db'}")
    metadata.create_all(engine)
    with writing(engine) as connection:
        token = create_token(connection, name="test", role=Role.VIEWER, now=NOW)
        if fill:
            Seed(connection=connection).fill()
    services = Services(
        engine=engine,
        settings=_settings(str(engine.url)),
        mappings=load_mappings(),
        crms={},
        clock=lambda: NOW,
    )
    return Site(app=create_app(services), engine=engine, token=token)


def _settings(database_url: str) -> Settings:
    sales = ConnectionSettings(
        name=SALES,
        crm=CrmName.SALESFORCE,
        organisation_id="00DQy0000000001MAA",
        credentials=SalesforceCredentials(login_url="http://127.0.0.1:9", access_token="unused"),
    )
    marketing = ConnectionSettings(
        name=MARKETING,
        crm=CrmName.HUBSPOT,
        organisation_id="7001",
        credentials=HubSpotCredentials(access_token="unused", daily_budget=5_000),
    )
    return Settings(database_url=database_url, secret_key="k" * 48, connections=(sales, marketing))
