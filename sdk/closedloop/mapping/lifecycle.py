"""What it means to stand in a stage: opportunities by the CRM's own flags, leads by lifecycle.yaml.

The same file says how long a lead may wait.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

from closedloop.loop.service_levels import ServiceLevel, Until
from closedloop.mapping.document import Document
from closedloop.mapping.form import LifecycleForm, check
from closedloop.mapping.spelling import fold
from closedloop.schema.records import Stage
from closedloop.schema.vocabulary import CrmName, ObjectType, StageMeaning


@dataclass(frozen=True, slots=True)
class Lifecycle:
    """The meanings of lead stages per CRM: by the word itself, and by the word in any case.

    The stages of a service level are folded: see `stage_names`.
    """

    stages: Mapping[CrmName, Mapping[str, StageMeaning]]
    categories: Mapping[CrmName, Mapping[str, StageMeaning]]
    service_levels: tuple[ServiceLevel, ...] = ()

    def meaning(
        self,
        crm: CrmName,
        object: ObjectType,  # noqa: A002 - the word of the schema
        stage: Stage | None,
        value: str | None,
        *,
        category: str | None = None,
    ) -> StageMeaning:
        """What standing in `value` means; `stage` is the CRM's metadata of it, where that is known.

        `category` is HubSpot's own class of a lead stage (`hs_pipeline_stage_category`); it is asked when
        no rule names the stage.
        """
        if object is ObjectType.OPPORTUNITY:
            return _of_opportunity(stage)
        words = [value, *((stage.name, stage.label) if stage else ())]
        stages = self.stages.get(crm, {})
        found = (_look_up(stages, word) for word in words if word)
        by_category = _look_up(self.categories.get(crm, {}), str(category or ""))
        return next((meaning for meaning in found if meaning), None) or by_category or StageMeaning.UNKNOWN


def _of_opportunity(stage: Stage | None) -> StageMeaning:
    if stage is None or stage.closed is None:
        return StageMeaning.UNKNOWN
    if not stage.closed:
        return StageMeaning.OPEN
    return StageMeaning.WON if stage.won else StageMeaning.LOST


def _look_up(table: Mapping[str, StageMeaning], word: str) -> StageMeaning | None:
    return table.get(word.strip()) or table.get(fold(word))


def build_lifecycle(document: Document) -> Lifecycle:
    """The file's lifecycle; MappingError with the line of what is wrong."""
    loaded = check(document, LifecycleForm)
    stages, categories = {}, {}
    for crm, entry in loaded["lead"].items():
        stages[CrmName(crm)] = _table(document, crm, "stages", entry["stages"])
        categories[CrmName(crm)] = _table(document, crm, "categories", entry.get("categories", {}))
    return Lifecycle(stages=stages, categories=categories, service_levels=_levels(document, loaded))


def stage_names(*words: str | None) -> frozenset[str]:
    """The names of a stage as service levels spell them."""
    return frozenset(fold(word) for word in words if word)


_UNITS = {"m": "minutes", "h": "hours", "d": "days"}


def _levels(document: Document, loaded: Mapping[str, Any]) -> tuple[ServiceLevel, ...]:
    levels: dict[str, ServiceLevel] = {}
    for place, entry in enumerate(loaded.get("service_levels", ())):
        level = _level(document, place, entry)
        if level.name in levels:
            raise document.error(
                ("service_levels", place, "name"), f"`{level.name}` is a level already: name it otherwise"
            )
        levels[level.name] = level
    return tuple(levels.values())


def _level(document: Document, place: int, entry: Mapping[str, Any]) -> ServiceLevel:
    if ("until" in entry) == ("stages" in entry):
        raise document.error(
            ("service_levels", place),
            "say what ends the waiting: `until: decision`, `until: stage_change`, or the `stages` to be left",
        )
    return ServiceLevel(
        name=entry["name"],
        within=timedelta(**{_UNITS[entry["within"][-1]]: int(entry["within"][:-1])}),
        until=Until(entry.get("until", Until.LEAVING)),
        stages=stage_names(*entry.get("stages", ())),
    )


def _table(
    document: Document, crm: str, section: str, entry: Mapping[str, list[str]]
) -> dict[str, StageMeaning]:
    table: dict[str, StageMeaning] = {}
    for meaning, words in entry.items():
        for place, word in enumerate(words):
            for key in dict.fromkeys((word.strip(), fold(word))):
                if table.setdefault(key, StageMeaning(meaning)) != meaning:
                    raise document.error(
                        ("lead", crm, section, meaning, place),
                        f"`{word}` means {table[key]} already: keep one",
                    )
    return table
