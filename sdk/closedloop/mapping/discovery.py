"""Compares what the mapping expects of an org with what the org has, and proposes lines for the rest.

    print(crm.describe("lead"))

prints the lines as YAML that can be pasted into an overlay. Nothing is mapped by itself: an org may keep
several reason fields, and which one its reps fill in only its people know.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

from closedloop.mapping.crm import CrmMapping
from closedloop.mapping.likeness import likely
from closedloop.mapping.path import PayloadPath, parse_path
from closedloop.mapping.reasons import Reasons
from closedloop.mapping.shape import slots
from closedloop.mapping.spec import FieldSpec, ObjectSpec, path_text
from closedloop.schema.vocabulary import CrmName, ObjectType, Outcome, ReasonCode, StageMeaning


@dataclass(frozen=True, slots=True, kw_only=True)
class OrgOption:
    """One value of a picklist; an inactive one may still stand on old records."""

    value: str
    label: str
    active: bool = True


@dataclass(frozen=True, slots=True, kw_only=True)
class OrgField:
    """One field of the org: the CRM's own name, label and type, and whether one may write it."""

    name: str
    label: str = ""
    type: str = "string"
    custom: bool = False
    createable: bool = True
    updateable: bool = True
    options: tuple[OrgOption, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Described:
    """A field of the org, and the fields of ours that the mapping fills from it."""

    field: OrgField
    ours: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Proposal:
    """A line for the mapping: `ours` from `field`. The higher `rank`, the likelier it is meant.
    `instead_of` is the org's field that fills `ours` now, if it has that one.
    """

    ours: str
    field: OrgField
    line: str
    rank: int
    instead_of: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class UnknownValue:
    """A picklist value that no rule knows: of reasons.yaml, or of lifecycle.yaml for a stage."""

    ours: str
    field: str
    option: OrgOption
    file: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Missing:
    """A field that the mapping names and the org lacks, or hides from the integration user."""

    ours: tuple[str, ...]
    name: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Misfit:
    """A mapped field whose type the mapping's cannot take."""

    ours: str
    field: OrgField
    expected: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Discovery:
    """What an org has of an object. As text it is YAML: proposals to paste, all else as comments."""

    crm: CrmName
    object: ObjectType
    source: str
    several: bool
    fields: tuple[Described, ...]
    proposals: tuple[Proposal, ...]
    unknown_values: tuple[UnknownValue, ...]
    missing: tuple[Missing, ...]
    misfits: tuple[Misfit, ...]

    def __str__(self) -> str:
        return "\n".join([*self._overlay(), *self._remarks()])

    def _overlay(self) -> Iterator[str]:
        """The likeliest proposal for each field of ours that nothing fills yet; the others behind `#`."""
        taken: set[str] = set()
        lines: list[str] = []
        for each in self.proposals:
            mark = "# " if each.ours in taken or each.instead_of else ""
            taken.add(each.ours)
            now = f", instead of {each.instead_of}" if each.instead_of else ""
            lines.append(f"{mark}{each.line}   # {_comment(each.field.label)}{now}")
        if all(line.startswith("#") for line in lines):
            yield f"# {self.source}: nothing to add" + (", but perhaps to change:" if lines else "")
            yield from lines
            return
        indent = "      " if self.several else "    "
        yield from ("objects:", f"  {self.object}:")
        yield f"    - source: {self.source}" if self.several else f"    source: {self.source}"
        yield f"{indent}fields:"
        yield from (f"{indent}  {line}" for line in lines)

    def _remarks(self) -> Iterator[str]:
        for missing in self.missing:
            yield f"# missing: {missing.name}, mapped to {', '.join(missing.ours)}"
        for misfit in self.misfits:
            yield f"# {misfit.field.name} is a {misfit.field.type}: `{misfit.ours}` needs {misfit.expected}"
        for unknown in self.unknown_values:
            old = "" if unknown.option.active else " (inactive)"
            said = _comment(unknown.option.label)
            yield f"# {unknown.file} has no rule for {said!r} of {unknown.field}{old}"


def discover(
    mapping: CrmMapping, reasons: Reasons, of: ObjectType, source: str, fields: Sequence[OrgField]
) -> Discovery:
    """What the org's fields of one object are to the mapping."""
    spec = mapping.specification(of, source)
    found = _Discoverer(mapping, reasons, spec, fields)
    return Discovery(
        crm=mapping.crm,
        object=of,
        source=source,
        several=len(mapping.sources(of)) > 1,
        fields=tuple(found.described()),
        proposals=tuple(sorted(found.proposals(), key=lambda each: -each.rank)),
        unknown_values=tuple(found.unknown_values()),
        missing=tuple(found.missing()),
        misfits=tuple(found.misfits()),
    )


class _Discoverer:
    def __init__(
        self, mapping: CrmMapping, reasons: Reasons, spec: ObjectSpec, fields: Sequence[OrgField]
    ) -> None:
        self._crm, self._lifecycle, self._reasons, self._spec = mapping.crm, mapping.lifecycle, reasons, spec
        self._fields = {field.name.lower(): field for field in fields}
        self._ours = _ours(mapping.crm, spec)

    def described(self) -> Iterator[Described]:
        for key, field in self._fields.items():
            yield Described(field=field, ours=self._ours.get(key, ()))

    def missing(self) -> Iterator[Missing]:
        """An organisation with a single currency has no field for it, and lacks nothing."""
        specs = (*self._spec.fields, *self._spec.custom)
        currencies = {_key(self._crm, spec.currency) for spec in specs if spec.currency}
        for key, ours in self._ours.items():
            if key not in self._fields and key not in currencies:
                yield Missing(ours=ours, name=_spelt(self._crm, self._spec, key))

    def misfits(self) -> Iterator[Misfit]:
        for spec, field in self._mapped():
            types = None if spec.values is not None else _FITTING.get(spec.type)
            if types is not None and field.type.lower() not in types:
                yield Misfit(ours=spec.name, field=field, expected=f"a {spec.type}")

    def unknown_values(self) -> Iterator[UnknownValue]:
        for spec, field in self._mapped():
            for option in field.options:
                file = self._unknown_to(spec.name, option)
                if file:
                    yield UnknownValue(ours=spec.name, field=field.name, option=option, file=file)

    def proposals(self) -> Iterator[Proposal]:
        for key, field in self._fields.items():
            if key not in self._ours and field.custom and field.type.lower() in _TEXTS:
                yield from self._proposed(field)

    # Inside ----------------------------------------------------------------------------------

    def _mapped(self) -> Iterator[tuple[FieldSpec, OrgField]]:
        """Each field of ours with each field of the org that it reads, once."""
        for spec in (*self._spec.fields, *self._spec.custom):
            paths = [path for path in (*spec.paths, *spec.join) if path[0] != "propertiesWithHistory"]
            keys = dict.fromkeys(_key(self._crm, path) for path in paths)
            for key in keys:
                if key in self._fields:
                    yield spec, self._fields[key]

    def _unknown_to(self, ours: str, option: OrgOption) -> str:
        if ours in _OUTCOMES:
            known = any(self._knows(ours, text) for text in (option.value, option.label))
            return "" if known else "reasons.yaml"
        if ours == "stage" and self._spec.object is ObjectType.LEAD:
            known = any(self._means(text) for text in (option.value, option.label))
            return "" if known else "lifecycle.yaml"
        return ""

    def _knows(self, ours: str, text: str) -> bool:
        return self._reasons.match(text, _OUTCOMES[ours]).code not in {
            ReasonCode.UNMAPPED,
            ReasonCode.UNSPECIFIED,
        }

    def _means(self, text: str) -> bool:
        meaning = self._lifecycle.meaning(self._crm, ObjectType.LEAD, None, text)
        return meaning is not StageMeaning.UNKNOWN

    def _proposed(self, field: OrgField) -> Iterator[Proposal]:
        for ours, rank in likely(field.name, field.label):
            if ours in slots(self._spec.object) and _is_path(field.name):
                yield Proposal(
                    ours=ours,
                    field=field,
                    line=f"{ours}: {self._value(field)}",
                    rank=rank + self._credit(ours, field),
                    instead_of=self._served(ours),
                )

    def _served(self, ours: str) -> str:
        """The org's field that fills this field of ours already."""
        return next((field.name for spec, field in self._mapped() if spec.name == ours), "")

    def _credit(self, ours: str, field: OrgField) -> int:
        """A list to choose from is likelier than free text, and one whose values the rules know more so."""
        known = sum(ours in _OUTCOMES and self._knows(ours, option.label) for option in field.options)
        return (10 if field.options else 0) + min(known, 10)

    def _value(self, field: OrgField) -> str:
        if self._crm is CrmName.SALESFORCE:
            return field.name
        path = f"properties.{field.name}"
        return f"[labels.{field.name}, {path}]" if field.options else path


_OUTCOMES: Mapping[str, Outcome] = {
    "reason": Outcome.DISQUALIFIED,
    "won_reason": Outcome.WON,
    "lost_reason": Outcome.LOST,
}

_TEXTS = frozenset({"picklist", "multipicklist", "string", "textarea", "enumeration"})

# The types of the CRMs that each of ours can be read from; any of them can be read as text.
_NUMBERS = frozenset({"int", "integer", "long", "double", "currency", "percent", "number"})
_FITTING: Mapping[str, frozenset[str]] = {
    "bool": frozenset({"boolean", "bool", "enumeration"}),
    "int": _NUMBERS,
    "decimal": _NUMBERS,
    "money": _NUMBERS,
    "date": frozenset({"date", "datetime"}),
    "datetime": frozenset({"date", "datetime"}),
    "list": frozenset({"multipicklist", "enumeration", "string", "textarea"}),
}


def _ours(crm: CrmName, spec: ObjectSpec) -> dict[str, tuple[str, ...]]:
    """The fields of ours by the org's name of what they are read from."""
    found: dict[str, tuple[str, ...]] = {}
    for each in (*spec.fields, *spec.custom):
        for path in each.all_paths:
            key = _key(crm, path)
            if key and each.name not in found.get(key, ()):
                found[key] = (*found.get(key, ()), each.name)
    return found


def _key(crm: CrmName, path: PayloadPath) -> str:
    """The org's name of the field, in lower case; empty for what is no field of the object itself."""
    if crm is CrmName.SALESFORCE:
        return str(path[0]).lower() if len(path) == 1 else ""
    heads = {"properties", "labels", "propertiesWithHistory"}
    return str(path[1]).lower() if len(path) > 1 and path[0] in heads else ""


def _spelt(crm: CrmName, spec: ObjectSpec, key: str) -> str:
    """The name as the mapping spells it."""
    spelt = (path for path in spec.paths if _key(crm, path) == key)
    return next(path_text(path) if len(path) == 1 else str(path[1]) for path in spelt)


def _is_path(name: str) -> bool:
    """Whether the mapping file can name the field."""
    try:
        return len(parse_path(name)) == 1
    except ValueError:
        return False


def _comment(text: str) -> str:
    """The text on one line, whatever an admin wrote into it."""
    return "".join(letter if letter.isprintable() else " " for letter in text)[:80]
