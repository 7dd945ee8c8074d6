"""The way back: from values of ours to what a CRM is sent."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from closedloop.errors import BadValueError, UnsupportedError
from closedloop.mapping.coerce import coerced, same
from closedloop.mapping.document import nearest
from closedloop.mapping.given import flat, held_by, of_record
from closedloop.mapping.inverse import Writer, writers
from closedloop.mapping.path import PayloadPath
from closedloop.mapping.shape import slots
from closedloop.mapping.spec import ObjectSpec
from closedloop.schema.records import Record
from closedloop.schema.vocabulary import CrmName, ObjectType

_CLEARED = (None, "")
_PARTS = {"first_name", "last_name"}


class Outward:
    """Writes the objects of one CRM; made once, safe to share."""

    def __init__(self, crm: CrmName, objects: Mapping[ObjectType, Sequence[ObjectSpec]]) -> None:
        self._crm = crm
        self._writers: Mapping[ObjectType, Mapping[str, Mapping[str, Writer]]] = {
            of: {spec.source: writers(crm, spec) for spec in specs} for of, specs in objects.items()
        }

    def coerce(self, of: ObjectType, values: Mapping[str, Any] | Record) -> dict[str, Any]:
        """The values of our types, under the names of the mapping."""
        if isinstance(values, Record):
            return self._coerced(of, self._carried(of, values))
        given = flat(of, values, lambda name: self._has(of, name))
        return self._coerced(of, {self._known(of, name): value for name, value in given.items()})

    def changed(self, record: Record, values: Mapping[str, Any]) -> dict[str, Any]:
        """Those of the values that differ from what the record holds."""
        return {
            name: value
            for name, value in values.items()
            if not same(self._crm, self._writer(record.object, name).spec, value, held_by(record, name))
        }

    def denormalise(
        self, of: ObjectType, values: Mapping[str, Any], source: str | None, currency: str | None
    ) -> dict[PayloadPath, Any]:
        """Where in the CRM's payload each value goes, and as what."""
        table = self._table(of, source or self.source_for(of, values))
        found: dict[PayloadPath, Any] = {}
        for name, value in values.items():
            writer = table.get(name)
            if writer is None:
                raise self._not_mapped(of, name)
            if not writer.stands_for(value):
                self._put(found, writer.name, writer.write(value, currency))
        return found

    def writable(self, of: ObjectType, source: str | None = None) -> dict[str, PayloadPath]:
        """Each field that can be written, and where; of several sources the first that holds it."""
        sources = [source] if source else list(self._writers.get(of, {}))
        found: dict[str, PayloadPath] = {}
        for each in sources:
            for name, writer in self._table(of, each).items():
                if writer.path is not None:
                    found.setdefault(name, writer.path)
        return found

    def create_only(self, of: ObjectType) -> frozenset[str]:
        """The fields that can be written when a record is created, and never again."""
        return frozenset(
            name
            for table in self._writers.get(of, {}).values()
            for name, writer in table.items()
            if writer.path is not None and writer.spec.create_only
        )

    def source_for(self, of: ObjectType, values: Mapping[str, Any]) -> str:
        """Which of the object's sources a new record with these values belongs in, such as Task or Event."""
        tables = self._writers.get(of) or {}
        if len(tables) == 1:
            return next(iter(tables))
        if not tables:
            raise UnsupportedError(f"{self._crm}.yaml maps no {of}", reason="not_mapped")
        given = {name: value for name, value in values.items() if value is not None}
        said = [source for source, table in tables.items() if _is_said(table, given)]
        fitting = [source for source in said or tables if _takes(tables[source], given)]
        general = [
            source for source in fitting if not any(writer.fixed for writer in tables[source].values())
        ]
        if not fitting:
            raise self._no_source(of, said or list(tables), given)
        if len(fitting) > 1 and len(general) != 1:
            raise BadValueError(
                f"say with `kind` which it is: this {of} could be any of {', '.join(fitting)}",
                field="kind",
                reason="no_kind",
            )
        return (general or fitting)[0]

    def writers(self, of: ObjectType, source: str) -> Mapping[str, Writer]:
        """What writes each field of one source, by our name."""
        return self._table(of, source)

    # Inside ----------------------------------------------------------------------------------

    def _no_source(
        self, of: ObjectType, sources: Sequence[str], given: Mapping[str, Any]
    ) -> UnsupportedError:
        """Names the first field that the likeliest source cannot hold."""
        lacking = [
            [name for name in given if not _holds(self._table(of, each), name, given[name])]
            for each in sources
        ]
        name = min(lacking, key=len)[0]
        return UnsupportedError(
            f"{self._crm.label} cannot hold `{name}` beside the other values of one {of}: none of "
            f"{', '.join(sources)} has a place for all",
            field=name,
            reason="no_source",
        )

    def _carried(self, of: ObjectType, record: Record) -> dict[str, Any]:
        """What of a record can be written here; what this CRM made itself it makes again."""
        found = of_record(of, record, self._crm)
        if record.crm is self._crm:
            return {name: value for name, value in found.items() if self._takes_part(of, name)}
        if "name" in found and not self._takes_part(of, "name"):  # it is made of these two
            found = {name: found[name] for name in found if name != "name" or not _PARTS & found.keys()}
        return {self._known(of, name): value for name, value in found.items()}

    def _takes_part(self, of: ObjectType, name: str) -> bool:
        tables = self._writers.get(of, {}).values()
        return any(name in table and (table[name].path is not None or table[name].fixed) for table in tables)

    def _coerced(self, of: ObjectType, values: Mapping[str, Any]) -> dict[str, Any]:
        found: dict[str, Any] = {}
        for name, value in values.items():
            writer = self._writer(of, name)
            if writer.path is None and not writer.fixed:
                raise UnsupportedError(writer.why, field=name, reason="read_only")
            found[name] = coerced(self._crm, writer.spec, writer.slot, value)
        return found

    def _put(self, found: dict[PayloadPath, Any], name: str, places: Mapping[PayloadPath, Any]) -> None:
        for path, word in places.items():
            if word in _CLEARED and found.get(path) not in _CLEARED:
                continue  # one of two fields that stand in the same place is cleared, the other is written
            if found.get(path) not in (*_CLEARED, word):
                raise BadValueError(
                    f"`{name}` stands where another of the values stands already: {self._crm.label} keeps "
                    f"only one of them",
                    field=name,
                    reason="same_place",
                )
            found[path] = word

    def _known(self, of: ObjectType, name: str) -> str:
        if name in slots(of) or self._has(of, name):
            return name
        if self._has(of, f"custom.{name}"):
            return f"custom.{name}"
        said = name.encode("ascii", "backslashreplace").decode()[:80]
        raise UnsupportedError(
            f"`{said}` is no field of {of}{nearest(said, [*slots(of), *self._names(of)])}",
            field=said,
            reason="unknown_field",
        )

    def _names(self, of: ObjectType) -> dict[str, None]:
        return {name: None for table in self._writers.get(of, {}).values() for name in table}

    def _has(self, of: ObjectType, name: str) -> bool:
        return any(name in table for table in self._writers.get(of, {}).values())

    def _writer(self, of: ObjectType, name: str) -> Writer:
        """The writer of the first source that can write the field, else of the first that knows it."""
        known = [table[name] for table in self._writers.get(of, {}).values() if name in table]
        for writer in known:
            if writer.path is not None:
                return writer
        if not known:
            raise self._not_mapped(of, name)
        return known[0]

    def _table(self, of: ObjectType, source: str) -> Mapping[str, Writer]:
        table = self._writers.get(of, {}).get(source)
        if table is None:
            raise UnsupportedError(f"{self._crm}.yaml maps no {source} as {of}", reason="not_mapped")
        return table

    def _not_mapped(self, of: ObjectType, name: str) -> UnsupportedError:
        return UnsupportedError(
            f"{self._crm.label} has no place for `{name}` of {of}: if yours has, map it in {self._crm}.yaml",
            field=name,
            reason="not_mapped",
        )


def _holds(table: Mapping[str, Writer], name: str, value: Any) -> bool:
    return name in table and (table[name].path is not None or table[name].stands_for(value))


def _takes(table: Mapping[str, Writer], values: Mapping[str, Any]) -> bool:
    """Whether the source can hold all the values."""
    return all(_holds(table, name, value) for name, value in values.items())


def _is_said(table: Mapping[str, Writer], values: Mapping[str, Any]) -> bool:
    """Whether a value says that it is this source."""
    return any(name in table and table[name].stands_for(value) for name, value in values.items())
