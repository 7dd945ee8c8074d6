"""The sandbox that a conformance test plays on, and what it must know of the CRM."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any, Protocol

import pytest

from closedloop.crm.connected import ConnectedCrm
from closedloop.crm.resource import Resource
from closedloop.crm.results import Verb, WriteResult
from closedloop.schema.records import RECORDS, Record
from closedloop.schema.vocabulary import ObjectType

OBJECTS = pytest.mark.parametrize("of", list(RECORDS), ids=str)


class Stage(Protocol):
    """A connected CRM on a sandbox of its own, nearly empty, and what a test must know of it."""

    crm: ConnectedCrm
    unsupported: frozenset[tuple[ObjectType, Verb]]
    """What the CRM cannot do, which it must then say by name."""
    unchanging: frozenset[ObjectType]
    """The objects whose changes the CRM does not tell: `changes` is unsupported."""
    page: int
    """The records on the largest page that `list` reads."""
    raw_path: str
    """Something small of the CRM's own API, to be asked for with GET."""

    def values(self, of: ObjectType, number: int) -> Mapping[str, Any]:
        """Values of ours to create a record with, different for each number; parents are made as needed."""

    def change(self, of: ObjectType) -> Mapping[str, Any]:
        """One field and a value for it that no record made of `values` has."""

    def key(self, of: ObjectType) -> str | None:
        """The field that `upsert` finds records of the object by; None where there is none."""

    def merge(self, of: ObjectType, loser: str, winner: str) -> str | None:
        """Merges one record into another as a person in the CRM would; the id of the one that is left, which
        may be a new one. None where the CRM knows no merging."""

    def pass_time(self, seconds: float) -> None:
        """Moves the CRM's clock, and the connection's."""

    def limited(self, *, calls: int) -> ConnectedCrm:
        """Another connection to the same sandbox with a budget of so many calls a day."""


def resources(crm: ConnectedCrm) -> dict[ObjectType, Resource[Any]]:
    """All ten resources by their object."""
    listed: tuple[Resource[Any], ...] = (
        *(crm.accounts, crm.contacts, crm.leads, crm.opportunities, crm.campaigns),
        *(crm.campaign_members, crm.users, crm.activities, crm.contact_roles, crm.stages),
    )
    return {resource.object: resource for resource in listed}


def supports(stage: Stage, of: ObjectType, *verbs: Verb) -> bool:
    return not any((of, verb) in stage.unsupported for verb in verbs)


def do(stage: Stage, resource: Resource[Any], verb: Verb) -> None:
    """Attempts what the CRM should refuse, on a record that need not exist."""
    present = next(resource.list(), None)
    id_ = present.id if isinstance(present, Record) else "1"
    match verb:
        case Verb.CREATE:
            resource.create({})
        case Verb.UPDATE:
            resource.update(id_, stage.change(resource.object), compare=False)
        case Verb.UPSERT:
            resource.upsert({}, by="id")
        case Verb.DELETE:
            resource.delete(id_)


def contacts(stage: Stage, count: int) -> list[WriteResult]:
    results = stage.crm.contacts.create_many(stage.values(ObjectType.CONTACT, n) for n in range(count))
    assert [result.error for result in results] == [None] * count
    return results


def created(stage: Stage, resource: Resource[Any], numbers: Iterable[int]) -> set[str]:
    """The ids of new records; of all there are where the CRM lets none be made."""
    if not supports(stage, resource.object, Verb.CREATE):
        return {record.id for record in resource.list()}
    results = resource.create_many(stage.values(resource.object, number) for number in numbers)
    assert [result.error for result in results] == [None] * len(results)
    return {result.id or "" for result in results}
