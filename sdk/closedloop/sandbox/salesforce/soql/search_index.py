"""Which records have which words, so that a search does not have to read all of them."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator

from closedloop.sandbox.salesforce.records.tables import Row, Tables
from closedloop.sandbox.salesforce.schema.sobject import Field, SObject
from closedloop.sandbox.salesforce.soql.search_terms import AllOf, AnyOf, Phrase, Term, Without, words

# Help, "Searchable Fields by Object in Salesforce": text of every kind, and no picklists.
_TEXT = frozenset({"string", "textarea", "email", "phone", "url", "combobox"})
_BY_TYPE = {"email": ("email",), "phone": ("phone",)}
# SOQL and SOSL Reference, "IN SearchGroup", NAME FIELDS.
_NAMES = frozenset({"Name", "FirstName", "LastName", "Company", "Subject", "Title", "CaseNumber"})


def searched(kind: SObject, scope: str) -> list[Field]:
    """The fields of the object that a search in that group looks at."""
    fields = [f for f in kind.fields.values() if f.type in _TEXT]
    if scope == "all":
        return fields
    if scope in _BY_TYPE:
        return [f for f in fields if f.type in _BY_TYPE[scope]]
    names = [f for f in fields if "N" in f.flags or (f.name in _NAMES and f.name != "Title")]
    # What the sidebar searched is not listed; it is taken for names, addresses and numbers.
    return names if scope == "name" else [f for f in fields if f in names or f.type in ("email", "phone")]


class SearchIndex:
    """The words of one object's records. It learns of new ones when it is asked."""

    def __init__(self, kind: SObject, tables: Tables) -> None:
        self._kind = kind
        self._tables = tables
        self._known: dict[str, Row] = {}
        self._writes = -1
        self._ids: dict[str, set[str]] = {}
        self._names = [f.name for f in searched(kind, "all") if not f.derived]

    def candidates(self, term: Term) -> Iterable[str]:
        """The ids of records that may match, in the order they were made; more than those that do."""
        self._learn()
        found = self._of(term)
        return self._known if found is None else sorted(found)

    def _of(self, term: Term) -> set[str] | None:
        """The ids; None where the term says nothing about them."""
        match term:
            case Phrase():
                return set.intersection(*(self._with(term, n) for n in range(len(term.words))))
            case AllOf(terms):
                known = [found for one in terms if (found := self._of(one)) is not None]
                return set.intersection(*known) if known else None
            case AnyOf(terms):
                every = [self._of(one) for one in terms]
                return None if None in every else set().union(*(found or set() for found in every))
            case Without():
                return self._of(term.term)

    def _with(self, phrase: Phrase, number: int) -> set[str]:
        word = phrase.words[number]
        if word.isalnum():
            return self._ids.get(word, set())
        matches: Callable[[str], object] = phrase.patterns[number].fullmatch
        return set().union(*(ids for known, ids in self._ids.items() if matches(known)))

    def _learn(self) -> None:
        writes = self._tables.writes(self._kind.name)
        if writes == self._writes:
            return
        for row in self._tables.rows(self._kind.name, deleted=True):
            if self._known.get(row["Id"]) is not row:
                self._known[row["Id"]] = row
                for word in self._words(row):
                    self._ids.setdefault(word, set()).add(row["Id"])
        self._writes = writes

    def _words(self, row: Row) -> Iterator[str]:
        for name in self._names:
            value = row.get(name)
            if value:
                yield from words(str(value))
