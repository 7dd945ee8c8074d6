"""What became of each input of a batch: HubSpot answers results in any order, and names failures variously.

A failed input is named by `context.ids` (read and update), `context.objectWriteTraceId` (create),
`context.fromObjectId` (associations), or not at all (campaigns): all of these were recorded. So an input is
looked for under every name that it has, and what nothing speaks of is told to be so.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from closedloop.crm.hubspot.answers import Json, errors_of, item_error, names_of, results_of
from closedloop.errors import AnswerError, CrmError

TRACE = "objectWriteTraceId"
_MERGED = "hs_merged_object_ids"

Name = tuple[str, str]
"""The kind of a name, and the name in one spelling: HubSpot writes e-mail addresses and GUIDs its own way."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Outcome:
    """What an answer says of one input: its result, its error, or rarely both.

    Not `named`: there is no result for it, and `error` does not name it either, but is the likeliest one.
    Sending the input by itself, where twice does no harm, tells for sure.
    """

    result: Json | None = None
    error: CrmError | None = None
    named: bool = True


def split(inputs: Sequence[Json], answer: Any, *, id_property: str | None = None) -> list[Outcome]:
    """The outcome of each input, in their order; AnswerError when the answer holds no results at all.

    `inputs` are those that were sent. One of a create is known by its `objectWriteTraceId`, or by its
    properties if it has none; any other by its `id`, which is a value of its `idProperty`, or of
    `id_property` for all. The result of a record that was merged away is the one that it lives on in.
    """
    results = results_of(answer)
    failures = [(names_of(told), item_error(told)) for told in errors_of(answer)]
    found = _found(inputs, results, id_property, failures=bool(failures))
    errors = [_error_of(each, failures) for each in inputs]
    nameless = [error for names, error in failures if not names]
    return [
        Outcome(result=result, error=error)
        if result is not None or error is not None
        else Outcome(error=nameless[0] if nameless else unanswered(), named=False)
        for result, error in zip(found, errors, strict=True)
    ]


def unanswered() -> AnswerError:
    """The error of an input that the answer does not mention."""
    return AnswerError("HubSpot's answer does not say what became of this record", reason="unanswered")


def _found(
    inputs: Sequence[Json], results: Sequence[Json], id_property: str | None, *, failures: bool
) -> list[Json | None]:
    """Each input's result, in the order of the inputs."""
    index = _index(results, {str(by) for each in inputs if (by := each.get("idProperty") or id_property)})
    names = [list(_names_of_input(each, id_property)) for each in inputs]
    places = [next((index[name] for name in called if name in index), None) for called in names]
    left = [place for place in range(len(results)) if place not in places]
    nameless = {number: inputs[number] for number, called in enumerate(names) if not called}
    for number, place in _by_content(nameless, {place: results[place] for place in left}):
        places[number] = place
        left.remove(place)
    waiting = [number for number, place in enumerate(places) if place is None]
    if len(waiting) == len(left) == 1 and not failures:
        places[waiting[0]] = left[0]
    return [None if place is None else results[place] for place in places]


def _index(results: Sequence[Json], properties: Iterable[str]) -> dict[Name, int]:
    index: dict[Name, int] = {}
    for place, result in enumerate(results):
        for name in _names_of_result(result, properties):
            index.setdefault(name, place)
    return index


def _by_content(inputs: Mapping[int, Json], results: dict[int, Json]) -> Iterator[tuple[int, int]]:
    """Inputs with the results that hold all their properties. Those with the most choose first: fewer ones
    may be a part of another input's."""
    for number in sorted(inputs, key=lambda number: -len(_filled(inputs[number]))):
        wanted = _filled(inputs[number]).items()
        place = next((each for each in results if wanted <= _filled(results[each]).items()), None)
        if place is not None:
            del results[place]
            yield number, place


def _names_of_input(sent: Json, id_property: str | None) -> Iterator[Name]:
    """What an input may be called in the answer, the surest first."""
    if sent.get(TRACE):
        yield TRACE, str(sent[TRACE])
    if sent.get("id"):
        by = sent.get("idProperty") or id_property
        yield f"property {by}" if by else "id", _spelt(sent["id"])
        if not by:
            yield "merged", _spelt(sent["id"])
    if isinstance(sent.get("from"), Mapping) and isinstance(sent.get("to"), Mapping):
        yield "pair", f"{sent['from'].get('id')}/{sent['to'].get('id')}"


def _names_of_result(result: Json, properties: Iterable[str]) -> Iterator[Name]:
    start, shown = result.get("from"), _properties(result)
    if result.get(TRACE):
        yield TRACE, str(result[TRACE])
    if result.get("id"):
        yield "id", _spelt(result["id"])
    if isinstance(start, Mapping):  # the associations of one record
        yield "id", _spelt(start.get("id"))
    if "fromObjectId" in result:
        yield "pair", f"{result['fromObjectId']}/{result.get('toObjectId')}"
    for name in properties:
        if shown.get(name):
            yield f"property {name}", _spelt(shown[name])
    for each in str(shown.get(_MERGED) or "").split(";"):
        if each:
            yield "merged", _spelt(each)


def _error_of(sent: Json, failures: Sequence[tuple[frozenset[str], CrmError]]) -> CrmError | None:
    start = sent.get("from")
    called = {sent.get(TRACE), sent.get("id"), start.get("id") if isinstance(start, Mapping) else None}
    spelt = {_spelt(name) for name in called if name}
    return next((error for names, error in failures if spelt & {_spelt(name) for name in names}), None)


def _filled(payload: Json) -> dict[str, str]:
    """The properties that have a value: HubSpot leaves the others of a campaign out."""
    return {name: str(value) for name, value in _properties(payload).items() if value not in (None, "")}


def _properties(payload: Json) -> Mapping[str, Any]:
    properties = payload.get("properties")
    return properties if isinstance(properties, Mapping) else {}


def _spelt(name: Any) -> str:
    return str(name).strip().casefold()
