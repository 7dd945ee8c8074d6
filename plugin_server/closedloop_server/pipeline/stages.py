"""The stages that the CRMs told of: what standing in one means, and what it is called."""

from __future__ import annotations

from collections.abc import Mapping

from sqlalchemy import Connection

from closedloop.mapping import Mappings
from closedloop.schema.records import Lead, Opportunity, Stage
from closedloop.schema.vocabulary import ObjectType, StageMeaning
from closedloop_server.store import records

_Place = tuple[ObjectType, str | None, str]
"""Of leads or opportunities, in which pipeline or any, the stage's own value."""


class Stages:
    """The stages of every connection, each connection's read once."""

    def __init__(self, connection: Connection, mappings: Mappings) -> None:
        self._connection = connection
        self._mappings = mappings
        self._known: dict[str, Mapping[_Place, Stage]] = {}

    def meaning(self, name: str, record: Lead | Opportunity) -> StageMeaning:
        """What it means that this record of the connection `name` stands where it does."""
        stage = self._find(name, record.object, record.pipeline, record.stage)
        # HubSpot's own class of a lead stage, under the name that the shipped mapping gives it.
        category = record.custom.get("stage_category")
        return self._mappings.lifecycle.meaning(
            record.crm, record.object, stage, record.stage, category=category
        )

    def label(self, name: str, object_: ObjectType, value: str | None) -> str | None:
        """What people call the stage that a record holds as `value`; the value itself for an unknown one."""
        stage = self._find(name, object_, None, value)
        return stage.label or stage.name if stage else value

    def _find(self, name: str, object_: ObjectType, pipeline: str | None, value: str | None) -> Stage | None:
        if not value:
            return None
        known = self._of(name)
        return known.get((object_, pipeline, value)) or known.get((object_, None, value))

    def _of(self, name: str) -> Mapping[_Place, Stage]:
        if name not in self._known:
            found = records.of_object(self._connection, name, ObjectType.STAGE)
            stages = [stage for stage in found if isinstance(stage, Stage) and not stage.deleted]
            anywhere: dict[_Place, Stage] = {(stage.of, None, stage.name): stage for stage in stages}
            exactly: dict[_Place, Stage] = {(stage.of, stage.pipeline, stage.name): stage for stage in stages}
            self._known[name] = {**anywhere, **exactly}
        return self._known[name]
