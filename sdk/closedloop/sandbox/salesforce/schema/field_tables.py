"""The objects of the sandbox org and their fields, read from the tables in the `fields_*` modules.

A table has one field a line, in columns parted by two or more blanks:

    name, type (length or precision,scale), flags, details, label

Flags: `C` createable, `U` updateable, `!` not nillable, `D` defaulted on create, `N` the name field, `L` a
record may be looked up by it in an upsert, `X` unique external id, `x` external id, `u` unique, `k` its case
counts, `R` restricted picklist, `*` derived: computed whenever it is read, `f` called calculated, `A` counted
up (AutoNumber), `h` rich text, `c` records go with the record they refer to when that is deleted, `d` that
one cannot be deleted, `m` master-detail. What describe says against the rule of the type: `F` not filterable,
`S` not sortable, `G` not groupable, `g` groupable, `a` not aggregatable, `P` permissionable, `p` not, `s` a
search may be narrowed by it, `B` one of many switches (neither sorted nor grouped by), `n` part of a
person's name, `i` an image, `b` as many bytes as characters.
Details: for a reference `Object|Object:Relationship:ChildRelationship` (either name may be missing), for a
picklist its values (as `Pending=Not Compared` where the label is another one). `-` stands for nothing.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from types import MappingProxyType

from closedloop.sandbox.salesforce.schema.sobject import Field, SObject

_TYPE = re.compile(r"(\w+)(?:\((\d+)(?:,(\d+))?\))?")
_NUMBERS = frozenset({"double", "currency", "percent"})
_ADDRESS_PARTS = (
    "Street",
    "City",
    "State",
    "PostalCode",
    "Country",
    "Latitude",
    "Longitude",
    "GeocodeAccuracy",
)


def read_fields(table: str) -> Iterator[Field]:
    """The fields of one table, in its order."""
    lines = [re.split(r"\s{2,}", line.strip()) for line in table.strip().splitlines() if line.strip()]
    names = {columns[0] for columns in lines}
    for columns in lines:
        yield _field(columns, compound=_compound(columns[0], names))


def _field(columns: list[str], *, compound: str | None) -> Field:
    name, kind, flags, details, label = (*columns, "-", "-", "-")[:5]
    parts = _TYPE.fullmatch(kind)
    if parts is None:
        raise ValueError(f"the table gives field {name} the type {kind!r}: write name(number) or name(p,s)")
    kind, first, second = parts.groups()
    number = int(first or 0)
    choices = [] if details == "-" or kind == "reference" else [_choice(v) for v in details.split("|")]
    targets, relationship, children = _reference(details) if kind == "reference" else ((), None, None)
    return Field(
        name=name,
        type=kind,
        label=_label(name) if label == "-" else label,
        length=18 if kind in ("id", "reference") else 0 if kind in _NUMBERS else number,
        precision=number if kind in _NUMBERS else 0,
        scale=int(second or 0),
        flags=flags,
        values=tuple(value for value, _ in choices),
        labels=tuple(label for _, label in choices) if any(a != b for a, b in choices) else (),
        refers_to=targets,
        relationship=relationship,
        child_relationship=children,
        compound=compound,
    )


def _choice(text: str) -> tuple[str, str]:
    """The value and its label, which is written after an equals sign where it is another one."""
    value, _, label = text.strip().partition("=")
    return value, label or value


def _reference(details: str) -> tuple[tuple[str, ...], str | None, str | None]:
    targets, relationship, children = (*details.split(":"), "", "")[:3]
    return tuple(targets.split("|")), relationship or None, children or None


def _compound(name: str, names: set[str]) -> str | None:
    if name in ("FirstName", "LastName", "Salutation"):
        return "Name" if "Salutation" in names else None
    if name in ("FiscalQuarter", "FiscalYear"):
        return "Fiscal"
    for part in _ADDRESS_PARTS:
        if name.endswith(part) and name.removesuffix(part) + "Address" in names:
            return name.removesuffix(part) + "Address"
    return None


def _label(name: str) -> str:
    if name.endswith("__c"):
        return name.removesuffix("__c").replace("_", " ")
    words = re.sub(r"(?<=[a-z])(?=[A-Z])", " ", name)
    return re.sub(r"Id$", "ID", words)


# Where in a table the fields of who changed what when belong; at the end, where it does not say.
_AUDIT = "(audit)"
# Every object's own system fields; most have all of them, setup ones no IsDeleted.
_SYSTEM = """
IsDeleted         boolean    !D  -                          Deleted
CreatedDate       datetime   !D  -
CreatedById       reference  !D  User:CreatedBy             Created By ID
LastModifiedDate  datetime   !D  -
LastModifiedById  reference  !D  User:LastModifiedBy        Last Modified By ID
SystemModstamp    datetime   !D  -                          System Modstamp
"""


def sobject(
    name: str,
    prefix: str,
    table: str,
    *,
    label: str = "",
    plural: str = "",
    setup: bool = False,
    can: str | None = None,
    without: str = "",
) -> SObject:
    """The object that the table describes, with the fields every object has but for those it is `without`."""
    label = label or _label(name)
    missing = {*without.split(), *(("IsDeleted",) if setup else ())}
    system = [line for line in _SYSTEM.strip().splitlines() if line.split()[0] not in missing]
    first = [line for line in system if line.startswith("IsDeleted")]
    audit = "\n".join(system[len(first) :])
    table = table if _AUDIT in table else f"{table}\n{_AUDIT}"
    whole = "\n".join(
        [
            f"Id  id  !DL  -  {'Record' if name.endswith('__c') else label} ID",
            *first,
            table.strip().replace(_AUDIT, audit),
        ]
    )
    fields = {f.name: f for f in read_fields(whole)}
    return SObject(
        name=name,
        prefix=prefix,
        label=label,
        plural=plural or f"{label}s",
        setup=setup,
        can=("" if setup else "CUD") if can is None else can,
        fields=MappingProxyType(fields),
    )
