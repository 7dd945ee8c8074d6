"""From a CRM's mapping file to what it specifies; everything the form alone cannot check is checked here."""

from __future__ import annotations

import difflib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import Any

from closedloop.loop.feedback import FeedbackKind
from closedloop.mapping.document import Document, Path, nearest
from closedloop.mapping.form import CrmForm, check
from closedloop.mapping.path import PayloadPath, parse_path
from closedloop.mapping.shape import BECOMES, Slot, has_links, slots, word
from closedloop.mapping.spec import FieldSpec, LinkSpec, ObjectSpec, Target
from closedloop.mapping.words import fault_in_writing
from closedloop.schema.vocabulary import CrmName, ObjectType

FEEDBACK_FIELDS: Mapping[FeedbackKind, tuple[str, ...]] = {
    FeedbackKind.PERSON: ("outcome", "reason", "raw_reason", "note", "stage", "decided_at", "decided_by"),
    FeedbackKind.CAMPAIGN: (
        *("accepted", "recycled", "disqualified", "no_action", "won", "lost"),
        *("won_amount", "lost_amount", "top_reasons", "last_decision_at", "model"),
    ),
    FeedbackKind.REASON: ("campaign", "outcome", "reason", "credit", "decisions", "amount", "model"),
}

# Where HubSpot's CRM objects keep things; a path that almost names one of them is a slip.
_HUBSPOT_HEADS = ("properties", "propertiesWithHistory", "labels", "associations")


@dataclass(frozen=True, slots=True, kw_only=True)
class CrmSpec:
    """A whole CRM mapping file."""

    crm: CrmName
    objects: Mapping[ObjectType, tuple[ObjectSpec, ...]]
    feedback: Mapping[FeedbackKind, Target]


def build_crm(document: Document, crm: CrmName) -> CrmSpec:
    """What the file specifies for `crm`; MappingError with the line of what is wrong."""
    loaded = check(document, CrmForm)
    if loaded["crm"] != crm:
        raise document.error(("crm",), f"`crm` is {loaded['crm']}: this file maps {crm}")
    objects = {
        ObjectType(name): _sources(document, crm, ObjectType(name), entries)
        for name, entries in loaded["objects"].items()
    }
    _refuse_shared_names(document, objects)
    feedback = {
        FeedbackKind(kind): _target(document, FeedbackKind(kind), entry)
        for kind, entry in loaded.get("feedback", {}).items()
    }
    return CrmSpec(crm=crm, objects=objects, feedback=feedback)


def _sources(
    document: Document, crm: CrmName, object_type: ObjectType, entries: Sequence[Mapping[str, Any]]
) -> tuple[ObjectSpec, ...]:
    listed = isinstance(document.data["objects"][object_type], list)
    return tuple(
        _Builder(
            document,
            crm,
            object_type,
            ("objects", object_type, place) if listed else ("objects", object_type),
        ).build(entry)
        for place, entry in enumerate(entries)
    )


def _refuse_shared_names(document: Document, objects: Mapping[ObjectType, tuple[ObjectSpec, ...]]) -> None:
    owners: dict[str, ObjectType] = {}
    for object_type, specs in objects.items():
        for spec in specs:
            for name in (spec.source, *spec.also_called):
                if name in owners:
                    raise document.error(
                        ("objects", object_type),
                        f"`{name}` names {owners[name]} already: a name may stand once",
                    )
                owners[name] = object_type


def _target(document: Document, kind: FeedbackKind, entry: Mapping[str, Any]) -> Target:
    for name in entry["fields_"]:
        if name not in FEEDBACK_FIELDS[kind]:
            raise document.error(
                ("feedback", kind, "fields", name),
                f"`{name}` is no field of {kind} feedback{nearest(name, FEEDBACK_FIELDS[kind])}",
            )
    return Target(source=entry["source"], key=entry.get("key"), fields=dict(entry["fields_"]))


@dataclass(frozen=True, slots=True)
class _Builder:
    """Builds one source of one object."""

    document: Document
    crm: CrmName
    object: ObjectType
    at: Path

    def build(self, entry: Mapping[str, Any]) -> ObjectSpec:
        """The source's specification."""
        fields = tuple(self._field(name, form) for name, form in entry["fields_"].items())
        self._refuse_missing({spec.name for spec in fields})
        return ObjectSpec(
            object=self.object,
            source=entry["source"],
            also_called=tuple(entry.get("also_called", ())),
            when=self._path(entry["when"], (*self.at, "when")) if "when" in entry else None,
            fields=fields,
            custom=tuple(self._custom(name, form) for name, form in entry.get("custom", {}).items()),
            links=tuple(self._link(place, form) for place, form in enumerate(entry.get("linked_ids", ()))),
            read_only=entry.get("read_only", False),
        )

    def _field(self, name: str, form: Mapping[str, Any]) -> FieldSpec:
        at = (*self.at, "fields", name)
        known = slots(self.object)
        if name not in known:
            raise self.document.error(at, f"`{name}` is no field of {self.object}{nearest(name, known)}")
        slot = known[name]
        return self._spec(slot, form, at, form.get("type", slot.default_type))

    def _custom(self, name: str, form: Mapping[str, Any]) -> FieldSpec:
        type_ = form.get("type", "string")
        return self._spec(Slot(name=name, type=BECOMES[type_]), form, (*self.at, "custom", name), type_)

    def _spec(self, slot: Slot, form: Mapping[str, Any], at: Path, type_: str) -> FieldSpec:
        self._check_type(slot, form, at, type_)
        spec = self._unchecked(slot, form, at, type_)
        fault = fault_in_writing(spec, slot)
        if fault is not None:
            raise self.document.error((*at, fault[0]), fault[1])
        return spec

    def _unchecked(self, slot: Slot, form: Mapping[str, Any], at: Path, type_: str) -> FieldSpec:
        return FieldSpec(
            name=slot.name,
            type=type_,
            paths=self._paths(form.get("from_", ()), (*at, "from")),
            currency=self._path(form["currency"], (*at, "currency")) if "currency" in form else None,
            values=self._values(slot, form["values"], at) if "values" in form else None,
            otherwise=self._word(slot, form["otherwise"], (*at, "otherwise"))
            if "otherwise" in form
            else None,
            starts_with=form.get("starts_with"),
            always=self._word(slot, form["always"], (*at, "always")) if "always" in form else None,
            join=self._paths(form.get("join", ()), (*at, "join")),
            separator=form.get("with_", "/"),
            to=self._path(form["to"], (*at, "to")) if "to" in form else None,
            writes=self._writes(slot, form.get("writes", {}), at),
            also=tuple(form.get("also", ())),
            read_only=form.get("read_only", False),
            create_only=form.get("create_only", False),
        )

    def _check_type(self, slot: Slot, form: Mapping[str, Any], at: Path, type_: str) -> None:
        if sum(way in form for way in ("from_", "join", "always")) != 1:
            raise self.document.error(at, f"`{slot.name}` needs exactly one of `from`, `join` and `always`")
        if BECOMES[type_] is not slot.type and "values" not in form and not self._named(slot, type_):
            raise self.document.error(
                (*at, "type"),
                f"`{slot.name}` of {self.object} holds {_said(slot.type)}, which a {type_} cannot become",
            )
        if type_ == "guid" and self.crm is not CrmName.HUBSPOT:
            raise self.document.error((*at, "type"), "`guid` is HubSpot's: Salesforce ids have the type `id`")
        if "currency" in form and type_ != "money":
            raise self.document.error((*at, "currency"), "`currency` goes with the type `money` only")

    @staticmethod
    def _named(slot: Slot, type_: str) -> bool:
        """Whether the field is one of our words, which a text may name."""
        return type_ == "string" and slot.type not in BECOMES.values()

    def _values(self, slot: Slot, table: Mapping[str, Any], at: Path) -> Mapping[str, Any]:
        return {raw: self._word(slot, ours, (*at, "values", raw)) for raw, ours in table.items()}

    def _writes(self, slot: Slot, table: Mapping[str, str], at: Path) -> Mapping[Any, str]:
        """The table turned round: its keys are texts of the file, so `true` stands for itself."""
        flags = {"true": True, "false": False} if slot.type is bool else {}
        return {
            self._word(slot, flags.get(ours, ours), (*at, "writes", ours)): theirs
            for ours, theirs in table.items()
        }

    def _word(self, slot: Slot, text: Any, at: Path) -> Any:
        if text is None:
            return None
        try:
            return word(slot.type, text)
        except (ValueError, ArithmeticError, KeyError, TypeError):
            allowed = nearest(text, slot.type.__members__.values()) if issubclass(slot.type, StrEnum) else ""
            raise self.document.error(at, f"`{text}` is not {_said(slot.type)}{allowed}") from None

    def _paths(self, texts: Sequence[str], at: Path) -> tuple[PayloadPath, ...]:
        return tuple(self._path(text, (*at, place)) for place, text in enumerate(texts))

    def _path(self, text: str, at: Path) -> PayloadPath:
        try:
            path = parse_path(text)
        except ValueError as exc:
            raise self.document.error(at, str(exc)) from None
        self._check_head(path, text, at)
        return path

    def _check_head(self, path: PayloadPath, text: str, at: Path) -> None:
        if self.crm is CrmName.SALESFORCE:
            if not all(isinstance(step, str) for step in path):
                raise self.document.error(at, f"`{text}`: a Salesforce path has no places in lists")
            return
        head = str(path[0])
        close = difflib.get_close_matches(head, _HUBSPOT_HEADS, n=1, cutoff=0.8)
        if len(path) > 1 and close and head not in _HUBSPOT_HEADS:
            raise self.document.error(at, f"`{text}` is a bad path: did you mean `{close[0]}`?")

    def _link(self, place: int, form: Mapping[str, Any]) -> LinkSpec:
        at = (*self.at, "linked_ids", place)
        if not has_links(self.object):
            raise self.document.error(at, f"{self.object.one} has no `linked_ids`")
        return LinkSpec(
            crm=CrmName(form["crm"]),
            object=ObjectType(form["object"]),
            path=self._path(form["from_"], (*at, "from")),
        )

    def _refuse_missing(self, named: set[str]) -> None:
        missing = [
            slot.name for slot in slots(self.object).values() if slot.required and slot.name not in named
        ]
        if missing:
            raise self.document.error((*self.at, "fields"), f"{self.object.one} needs `{missing[0]}`: map it")


def _said(type_: type) -> str:
    names = {
        name: type_name for type_name, name in BECOMES.items() if type_name not in {"id", "guid", "email"}
    }
    return f"a {names.get(type_, type_.__name__)}"
