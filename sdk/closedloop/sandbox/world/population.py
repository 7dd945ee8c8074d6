"""Which record of a world became which, in the CRMs."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime

from closedloop.sandbox.world.model import Campaign, Person, Step, Subject, Twin


@dataclass(frozen=True, kw_only=True)
class Sequel:
    """What happens after the past of a market: its script, in the order of time, with those it is about."""

    steps: tuple[Step, ...] = ()
    subject: Mapping[str, Subject] = field(default_factory=dict)
    person: Mapping[str, Person] = field(default_factory=dict)
    twin: Mapping[str, Twin] = field(default_factory=dict)
    campaign: Mapping[str, Campaign] = field(default_factory=dict)


@dataclass(kw_only=True)
class Population:
    """The records of a world: the CRMs' ids by the world's keys.

    `users` are what a rep signs changes with: user ids of either CRM; `queues` own leads of a region that
    nobody has taken. `sequel` is a market's script. `times` is filled while a script is played: when each of
    its steps was done.
    """

    users: dict[str, str] = field(default_factory=dict)
    queues: dict[str, str] = field(default_factory=dict)
    accounts: dict[str, str] = field(default_factory=dict)
    companies: dict[str, str] = field(default_factory=dict)
    leads: dict[str, str] = field(default_factory=dict)
    contacts: dict[str, str] = field(default_factory=dict)
    hubspot_contacts: dict[str, str] = field(default_factory=dict)
    campaigns: dict[str, str] = field(default_factory=dict)
    members: dict[tuple[str, str], str] = field(default_factory=dict)
    subjects: dict[str, str] = field(default_factory=dict)
    twins: dict[str, str] = field(default_factory=dict)
    times: dict[int, datetime] = field(default_factory=dict)
    sequel: Sequel = field(default_factory=Sequel)
