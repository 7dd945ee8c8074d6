"""The compiled mapping of one CRM: what the adapters, the server and scripts normalise with."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any

from closedloop.errors import NormaliseError
from closedloop.loop.feedback import FeedbackKind
from closedloop.mapping.build import CrmSpec
from closedloop.mapping.compile import Normaliser, compile_object
from closedloop.mapping.convert import FaultError
from closedloop.mapping.lifecycle import Lifecycle
from closedloop.mapping.path import PayloadPath, dig
from closedloop.mapping.spec import ObjectSpec, Target
from closedloop.schema.records import Record, Stage
from closedloop.schema.vocabulary import CrmName, ObjectType


class CrmMapping:
    """How one CRM's objects become ours and where its feedback goes; compiled once, safe to share."""

    def __init__(self, spec: CrmSpec, lifecycle: Lifecycle) -> None:
        self.crm: CrmName = spec.crm
        self._spec = spec
        self._lifecycle = lifecycle
        self._compiled: Mapping[ObjectType, Sequence[tuple[ObjectSpec, Normaliser]]] = {
            object_type: [(source, compile_object(spec.crm, source)) for source in sources]
            for object_type, sources in spec.objects.items()
        }
        self._objects = {
            name.lower(): object_type
            for object_type, sources in spec.objects.items()
            for source in sources
            for name in (source.source, *source.also_called)
        }

    def normalise(self, object: ObjectType, payload: Mapping[str, Any]) -> Record:  # noqa: A002 - the word of the schema
        """The record in `payload`; NormaliseError names the field that failed and why."""
        normaliser = self._choose(object, payload)
        record = normaliser(payload)
        return self._with_meaning(record) if isinstance(record, Stage) else record

    def source(self, object: ObjectType) -> str:  # noqa: A002 - the word of the schema
        """The CRM's name of the object: Salesforce's sObject, HubSpot's object type path."""
        return self._first(object).source

    def sources(self, object: ObjectType) -> tuple[str, ...]:  # noqa: A002 - the word of the schema
        """The CRM's names of all that becomes this object, such as Task and Event."""
        return tuple(spec.source for spec in self._spec.objects.get(object, ()))

    def object_of(self, source: str) -> ObjectType | None:
        """The object that the CRM's name, type id or singular stands for."""
        return self._objects.get(source.lower())

    def fields(self, object: ObjectType, source: str | None = None) -> tuple[str, ...]:  # noqa: A002 - the word of the schema
        """What to ask the CRM for: Salesforce field paths, HubSpot property names."""
        names = (self._asked(path) for path in self._first(object, source).paths)
        return tuple(dict.fromkeys(name for name in names if name))

    def history(self, object: ObjectType) -> tuple[str, ...]:  # noqa: A002 - the word of the schema
        """The HubSpot properties to read with their history, which tells who changed them and when."""
        paths = self._first(object).paths
        found = (str(path[1]) for path in paths if path[0] == "propertiesWithHistory" and len(path) > 1)
        return tuple(dict.fromkeys(found))

    def feedback(self, kind: FeedbackKind) -> Target | None:
        """Where this kind of feedback is written; None where the CRM has no place for it."""
        return self._spec.feedback.get(kind)

    def _first(self, object_type: ObjectType, source: str | None = None) -> ObjectSpec:
        for spec in self._spec.objects.get(object_type, ()):
            if source is None or spec.source == source:
                return spec
        raise NormaliseError(
            f"{self.crm}.yaml maps no {source or object_type}: add it under `objects`", reason="not_mapped"
        )

    def _asked(self, path: PayloadPath) -> str | None:
        if self.crm is CrmName.SALESFORCE:
            return None if path[0] == "attributes" else ".".join(map(str, path))
        return str(path[1]) if path[0] in {"properties", "labels"} and len(path) > 1 else None

    def _choose(self, object_type: ObjectType, payload: Any) -> Normaliser:
        if not isinstance(payload, Mapping):
            raise NormaliseError(f"a {object_type} must be a JSON object", reason="not_a_record")
        candidates = self._compiled.get(object_type)
        if not candidates:
            raise NormaliseError(
                f"{self.crm}.yaml maps no {object_type}: add it under `objects`", reason="not_mapped"
            )
        said = _said_type(payload) if self.crm is CrmName.SALESFORCE else None
        if said is not None:
            return _by_type(candidates, said, object_type)
        return next((found for spec, found in candidates if _has(payload, spec.when)), candidates[0][1])

    def _with_meaning(self, stage: Stage) -> Stage:
        return replace(stage, meaning=self._lifecycle.meaning(self.crm, stage.of, stage, stage.name))


def _said_type(payload: Mapping[str, Any]) -> str | None:
    """The sObject that the row says it is; outbound messages and change events do not say."""
    attributes = payload.get("attributes")
    said = attributes.get("type") if isinstance(attributes, Mapping) else None
    return said if isinstance(said, str) else None


def _by_type(
    candidates: Sequence[tuple[ObjectSpec, Normaliser]], said: str, object_type: ObjectType
) -> Normaliser:
    for spec, normaliser in candidates:
        if spec.source.lower() == said.lower():
            return normaliser
    names = " or ".join(spec.source for spec, _ in candidates)
    raise NormaliseError(
        f"the payload says that it is another object than {names}, which makes a {object_type}",
        field="id",
        reason="wrong_object",
    )


def _has(payload: Mapping[str, Any], path: PayloadPath | None) -> bool:
    try:
        return path is not None and dig(payload, path) is not None
    except FaultError:
        return False
