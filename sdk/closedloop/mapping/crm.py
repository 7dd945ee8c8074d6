"""The compiled mapping of one CRM: what the adapters, the server and scripts normalise with."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import fields, replace
from functools import partial
from typing import Any

from closedloop.errors import NormaliseError, UnsupportedError
from closedloop.loop.feedback import FeedbackKind
from closedloop.mapping.build import CrmSpec
from closedloop.mapping.compile import Normaliser, compile_object
from closedloop.mapping.convert import FaultError
from closedloop.mapping.document import nearest
from closedloop.mapping.explain import Explainer, Explanation
from closedloop.mapping.inverse import Writer
from closedloop.mapping.lifecycle import Lifecycle
from closedloop.mapping.outward import Outward
from closedloop.mapping.page import PageReader, RecordPage
from closedloop.mapping.path import PayloadPath, dig
from closedloop.mapping.reasons import Reasons
from closedloop.mapping.spec import ObjectSpec, Target
from closedloop.schema.records import Record, Stage
from closedloop.schema.vocabulary import CrmName, ObjectType


class CrmMapping:
    """How one CRM's objects become ours and where its feedback goes; compiled once, safe to share."""

    def __init__(self, spec: CrmSpec, lifecycle: Lifecycle, reasons: Reasons) -> None:
        self.crm: CrmName = spec.crm
        self._spec = spec
        self._lifecycle = lifecycle
        self._explainer = Explainer(crm=spec.crm, lifecycle=lifecycle, reasons=reasons)
        self._outward = Outward(spec.crm, spec.objects)
        self._compiled: Mapping[ObjectType, Sequence[tuple[ObjectSpec, Normaliser]]] = {
            object_type: [(source, compile_object(spec.crm, source)) for source in sources]
            for object_type, sources in spec.objects.items()
        }
        self._pages: dict[tuple[ObjectType, str | None], PageReader] = {}
        self._objects = {
            name.lower(): object_type
            for object_type, sources in spec.objects.items()
            for source in sources
            for name in (source.source, *source.also_called)
        }

    def normalise(
        self,
        object: ObjectType,  # noqa: A002 - the word of the schema
        payload: Mapping[str, Any],
        source: str | None = None,
    ) -> Record:
        """The record in `payload`; NormaliseError names the field that failed and why.

        `source` is one of `sources(object)`; without it the payload tells, where several become the object.
        """
        _, normaliser = self._choose(object, payload, source)
        record = normaliser(payload)
        return self._with_meaning(record) if isinstance(record, Stage) else record

    def page(self, of: ObjectType, body: bytes, source: str | None = None) -> RecordPage:
        """What a whole answer holds, Salesforce's `records` or HubSpot's `results`: the records that
        `normalise` would make of them, much quicker. AnswerError if the body is no such answer.

        Their `raw` is decoded from the body when it is looked at, and keeps the body until then.
        """
        reader = self._pages.get((of, source))
        if reader is None:
            only = source is not None or len(self.sources(of)) < 2
            spec = self._first(of, source) if only and of is not ObjectType.STAGE else None
            again = partial(self.normalise, of, source=source)
            self._pages[of, source] = reader = PageReader(self.crm, spec, again)
        return reader.read(body)

    def coerce(self, of: ObjectType, values: Mapping[str, Any] | Record) -> dict[str, Any]:
        """The values that are to be written, checked and of our types, under the names of `shape.slots`.

        UTM parameters may be given as `utm` or as `utm.source` and so on, custom fields by the mapping's
        names, under `custom` or beside the others. Of a record its fields that hold something count, but
        for its identity, its times and what this CRM sets itself; of another CRM's, those but for its
        identity, ids of other records and what CRMs work out. UnsupportedError names a field that the
        CRM cannot hold or that it sets itself, BadValueError one that cannot hold the value.
        """
        return self._outward.coerce(of, values)

    def changed(self, record: Record, values: Mapping[str, Any]) -> dict[str, Any]:
        """Those of the coerced values that the CRM does not hold already, as the record shows it."""
        return self._outward.changed(record, values)

    def denormalise(
        self,
        of: ObjectType,
        values: Mapping[str, Any],
        source: str | None = None,
        *,
        currency: str | None = None,
    ) -> dict[PayloadPath, Any]:
        """Where in the CRM's payload each of the coerced values goes, and as what.

        `source` is one of `sources(of)`, else what `source_for` says. Salesforce gets JSON values and None to
        clear a field, HubSpot texts and "" to clear one. A path under `labels` wants the option's value for
        the label or value given; one under `associations` is the id of a record to associate. `currency` is
        the organisation's own: if it is given, money in another one is refused where the CRM names none.
        """
        return self._outward.denormalise(of, values, source, currency)

    def writable(self, of: ObjectType, source: str | None = None) -> Mapping[str, PayloadPath]:
        """Every field of ours that can be written, and where: in `source`, or in the first that has it."""
        return self._outward.writable(of, source)

    def create_only(self, of: ObjectType) -> frozenset[str]:
        """Those of the writable fields that can be written only when a record is created."""
        return self._outward.create_only(of)

    def writers(self, of: ObjectType, source: str) -> Mapping[str, Writer]:
        """How each mapped field of one source is written, or why it is not."""
        return self._outward.writers(of, source)

    def source_for(self, of: ObjectType, values: Mapping[str, Any]) -> str:
        """Which of `sources(of)` a new record with these coerced values belongs in: a call, a task, ….

        The `kind` says it; without one, the only source that holds all the values. BadValueError when
        several do.
        """
        return self._outward.source_for(of, values)

    def explain(self, record: Record) -> Explanation:
        """Where each field of the record came from, which rule made it, and what was lost on the way.

        NormaliseError for a record of another CRM, whose mapping has to be asked.
        """
        if record.crm is not self.crm:
            raise NormaliseError(
                f"this is the mapping of {self.crm.label}, and the record is {record.crm.label}'s: ask the "
                f"connection it came from, or `closedloop.explain`",
                reason="wrong_record",
            )
        spec, again = self._made_from(record)
        return self._explainer.explain(record, again, spec, self.writers(record.object, spec.source))

    def source(self, object: ObjectType) -> str:  # noqa: A002 - the word of the schema
        """The CRM's name of the object: Salesforce's sObject, HubSpot's object type path."""
        return self._first(object).source

    def sources(self, object: ObjectType) -> tuple[str, ...]:  # noqa: A002 - the word of the schema
        """The CRM's names of all that becomes this object, such as Task and Event."""
        return tuple(spec.source for spec in self._spec.objects.get(object, ()))

    def specification(self, object: ObjectType, source: str | None = None) -> ObjectSpec:  # noqa: A002 - the word of the schema
        """What the file says of one source of the object; the first unless `source` names one."""
        return self._first(object, source)

    @property
    def lifecycle(self) -> Lifecycle:
        """What the stages mean."""
        return self._lifecycle

    def object_of(self, source: str) -> ObjectType | None:
        """The object that the CRM's name, type id or singular stands for."""
        return self._objects.get(source.lower())

    def named(self, name: ObjectType | str) -> tuple[ObjectType, str]:
        """The object of ours that a word of ours or of the CRM's stands for, in any case ("lead", "Leads",
        "0-136"), and the source that it names, else the first. UnsupportedError for any other word."""
        word = str(name).lower()
        for of, specs in self._spec.objects.items():
            for spec in specs:
                if word in {each.lower() for each in (spec.source, *spec.also_called)}:
                    return of, spec.source
        if word in self._spec.objects:
            return ObjectType(word), self.source(ObjectType(word))
        raise UnsupportedError(
            f"{self.crm.label} has no such object here{nearest(word, self._spec.objects)}",
            reason="unknown_object",
        )

    def fields(
        self,
        object: ObjectType,  # noqa: A002 - the word of the schema
        source: str | None = None,
        names: frozenset[str] | None = None,
    ) -> tuple[str, ...]:
        """What to ask the CRM for: Salesforce field paths, HubSpot property names; for these fields of ours
        only, if given, and those without which there is no record."""
        spec = self._first(object, source)
        asked = (self._asked(path) for path in (spec.paths if names is None else spec.paths_of(names)))
        return tuple(dict.fromkeys(name for name in asked if name))

    def history(self, object: ObjectType) -> tuple[str, ...]:  # noqa: A002 - the word of the schema
        """The HubSpot properties to read with their history, which tells who changed them and when."""
        paths = self._first(object).paths
        found = (str(path[1]) for path in paths if path[0] == "propertiesWithHistory" and len(path) > 1)
        return tuple(dict.fromkeys(found))

    def feedback(self, kind: FeedbackKind) -> Target | None:
        """Where this kind of feedback is written; None where the CRM has no place for it."""
        return self._spec.feedback.get(kind)

    def shown(self, source: str) -> tuple[str, ...]:
        """The fields of one of the CRM's objects that feedback is written to, by the records' own ids."""
        targets = (target for target in self._spec.feedback.values() if target.key is None)
        found = [name for target in targets if target.source == source for name in target.fields.values()]
        return tuple(dict.fromkeys(found))

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

    def _choose(
        self, object_type: ObjectType, payload: Any, source: str | None = None
    ) -> tuple[ObjectSpec, Normaliser]:
        if type(payload) is not dict and not isinstance(payload, Mapping):
            raise NormaliseError(f"{object_type.one} must be a JSON object", reason="not_a_record")
        candidates = self._compiled.get(object_type)
        if not candidates:
            raise NormaliseError(
                f"{self.crm}.yaml maps no {object_type}: add it under `objects`", reason="not_mapped"
            )
        said = _said_type(payload) if self.crm is CrmName.SALESFORCE else None
        if said is not None:
            first = candidates[0]
            return first if said == first[0].source else _by_type(candidates, said, object_type)
        if source is not None:
            spec = self._first(object_type, source)
            return next(found for found in candidates if found[0] is spec)
        if len(candidates) == 1:
            return candidates[0]
        return next((found for found in candidates if _has(payload, found[0].when)), candidates[0])

    def _made_from(self, record: Record) -> tuple[ObjectSpec, Record | None]:
        """The source that the record's payload is one of, and what it becomes there; None if it becomes no
        record any more. Of several the one that makes the likest record: a HubSpot e-mail without a subject
        does not say that it is an e-mail."""
        best: tuple[ObjectSpec, Record | None] = self._first(record.object), None
        most = -1
        for spec, normaliser in self._candidates(record):
            try:
                again = normaliser(record.raw)
            except NormaliseError:
                continue  # the mapping has changed since the record was read; the explanation says so
            alike = sum(getattr(again, each.name) == getattr(record, each.name) for each in fields(record))
            if alike > most:
                best, most = (spec, again), alike
        return best

    def _candidates(self, record: Record) -> Iterator[tuple[ObjectSpec, Normaliser]]:
        """The sources that the record may be of, the likeliest first."""
        if not record.raw:
            return
        try:
            first = self._choose(record.object, record.raw)
        except NormaliseError:
            return
        yield first
        if self.crm is not CrmName.SALESFORCE or _said_type(record.raw) is None:
            yield from (each for each in self._compiled[record.object] if each is not first)

    def _with_meaning(self, stage: Stage) -> Stage:
        return replace(stage, meaning=self._lifecycle.meaning(self.crm, stage.of, stage, stage.name))


def _said_type(payload: Mapping[str, Any]) -> str | None:
    """The sObject that the row says it is; outbound messages and change events do not say."""
    attributes = payload.get("attributes")
    if type(attributes) is not dict and not isinstance(attributes, Mapping):
        return None
    said = attributes.get("type")
    return said if isinstance(said, str) else None


def _by_type(
    candidates: Sequence[tuple[ObjectSpec, Normaliser]], said: str, object_type: ObjectType
) -> tuple[ObjectSpec, Normaliser]:
    for spec, normaliser in candidates:
        if spec.source.lower() == said.lower():
            return spec, normaliser
    names = " or ".join(spec.source for spec, _ in candidates)
    raise NormaliseError(
        f"the payload says that it is another object than {names}, which makes {object_type.one}",
        field="id",
        reason="wrong_object",
    )


def _has(payload: Mapping[str, Any], path: PayloadPath | None) -> bool:
    try:
        return path is not None and dig(payload, path) is not None
    except FaultError:
        return False
