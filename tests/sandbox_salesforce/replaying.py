"""Plays a recorded session against the sandbox: their ids become ours, each answer is compared in shape."""

from __future__ import annotations

import csv
import io
import json
import re
from collections.abc import Iterator, Mapping
from typing import Any

from lxml import etree

from closedloop.sandbox.salesforce import Org, Refusal

_ID = re.compile(
    r"(?<![A-Za-z0-9])[a-zA-Z0-9]{3}(?=[A-Za-z0-9]*[0-9])[A-Za-z0-9]{12}(?:[A-Za-z0-9]{3})?(?![A-Za-z0-9])"
)
_NEEDED: Mapping[str, Mapping[str, Any]] = {
    "Account": {"Name": "A"},
    "Contact": {"LastName": "A"},
    "Lead": {"LastName": "A", "Company": "A"},
    "Opportunity": {"Name": "A", "StageName": "Prospecting", "CloseDate": "2026-12-31"},
    "Event": {"DurationInMinutes": 60, "ActivityDateTime": "2024-11-07T07:00:00.000+0000"},
    "Task": {"Subject": "A"},
    "RecordType": {"Name": "A", "DeveloperName": "A", "SobjectType": "Account"},
}


class Ids:
    """Our ids for theirs."""

    def __init__(self) -> None:
        self.known: dict[str, str] = {}

    def translated(self, text: str) -> str:
        """The text with our ids in place of theirs, and our API version."""
        text = re.sub(r"\bvxx\.0", "v62.0", text).replace("async/vxx.0", "async/62.0")
        text = text.replace("async/v62.0", "async/62.0")
        for theirs, ours in self.known.items():
            text = text.replace(theirs, ours)
        return text

    def learn(self, theirs: Any, ours: Any) -> None:
        """Takes over the ids that stand at the same places of both answers."""
        for one, other in zip(_leaves(theirs), _leaves(ours), strict=False):
            if (
                isinstance(one, str)
                and isinstance(other, str)
                and _ID.fullmatch(one)
                and _ID.fullmatch(other)
            ):
                self.known.setdefault(one, other)


def _leaves(value: Any) -> Iterator[Any]:
    if isinstance(value, dict):
        for name in sorted(value):
            yield from _leaves(value[name])
    elif isinstance(value, list):
        for part in value:
            yield from _leaves(part)
    else:
        yield value


def parsed(text: str, kind: str) -> Any:
    """JSON as it is, XML as nested objects, CSV as a list of rows: what shapes are compared of."""
    if not text:
        return None
    if text.lstrip().startswith("<"):
        return _element(etree.fromstring(text.encode()))
    if "json" in kind or text.lstrip()[:1] in "[{":
        return json.loads(text)
    return list(csv.DictReader(io.StringIO(text)))


def _element(element: Any) -> Any:
    children = list(element)
    if not children:
        return element.text
    found: dict[str, Any] = {}
    for child in children:
        name = etree.QName(child).localname
        value = _element(child)
        if name in found:
            found[name] = [*(found[name] if isinstance(found[name], list) else [found[name]]), value]
        else:
            found[name] = value
    return {etree.QName(element).localname: found}


def differences(theirs: Any, ours: Any, place: str = "") -> list[str]:
    """Where the shapes differ: keys and kinds of value. Null fits everything, as an empty list does."""
    if theirs is None or ours is None:
        return []
    if isinstance(theirs, list) != isinstance(ours, list) and (
        isinstance(theirs, list) or isinstance(ours, list)
    ):
        theirs = theirs if isinstance(theirs, list) else [theirs]
        ours = ours if isinstance(ours, list) else [ours]
    if isinstance(theirs, dict) and isinstance(ours, dict):
        found = [
            f"{place}: {name} is {'missing' if name in theirs else 'ours alone'}"
            for name in set(theirs) ^ set(ours)
        ]
        for name in set(theirs) & set(ours):
            found += differences(theirs[name], ours[name], f"{place}.{name}")
        return found
    if isinstance(theirs, list) and isinstance(ours, list):
        return _lists(theirs, ours, place)
    return [] if _kind(theirs) == _kind(ours) else [f"{place}: {theirs!r} was recorded, ours is {ours!r}"]


def _lists(theirs: list[Any], ours: list[Any], place: str) -> list[str]:
    """Each of ours is like one of theirs, and there are some where some were recorded."""
    found = [f"{place}: recorded were {len(theirs)}, ours are none"] if theirs and not ours else []
    for number, one in enumerate(ours if theirs else []):
        options = [differences(other, one, f"{place}[{number}]") for other in theirs]
        nearest: list[str] = min(options, key=_length)
        found += nearest
    return found


def _length(found: list[str]) -> int:
    return len(found)


def _kind(value: Any) -> str:
    if isinstance(value, bool):
        return "bool"
    return "number" if isinstance(value, int | float) else type(value).__name__


class Session:
    """One recorded session and the sandbox that it is played against."""

    def __init__(self, http: Any, org: Org, interactions: list[dict[str, Any]]) -> None:
        self._http = http
        self._org = org
        self._interactions = interactions
        self.ids = Ids()
        self._plant()

    def play(self) -> list[str]:
        """Everything in which an answer differs from the recorded one."""
        found = []
        for number, interaction in enumerate(self._interactions):
            wrong = self._step(interaction["request"], interaction["response"])
            what = f"{number} {interaction['request']['method']} {interaction['request']['url'][-90:]}"
            found += [f"{what}: {one}" for one in wrong]
        return found

    def _step(self, request: Mapping[str, Any], response: Mapping[str, Any]) -> list[str]:
        path = self.ids.translated(request["url"]).split("salesforce.com", 1)[1]
        base = self._http.url.split("/services/")[0]
        token = self._http.session.headers["Authorization"].removeprefix("Bearer ")
        sent = self._sent(request["body"])
        sent["headers"] = {**sent.get("headers", {}), "X-SFDC-Session": token}
        answer = self._http(request["method"], base + path, **sent)
        made_job = request["url"].endswith("/job") and answer.status_code == 201
        # The recorder's templates give the answers to some new jobs the status of a job that is changed.
        if answer.status_code != response["status"] and not made_job:
            return [f"status {answer.status_code}, not {response['status']}: {answer.text[:300]}"]
        recorded = response["body"]
        theirs = parsed(recorded, "") if isinstance(recorded, str) else recorded
        ours = parsed(answer.text, answer.headers.get("Content-Type", ""))
        if request["method"] != "GET" or "/result" in path:
            self.ids.learn(theirs, ours)
        found = _counted(request, theirs, ours) + differences(theirs, ours)
        # The counts of an org lag behind; the recorded ones are not those of the queries that follow them.
        return [one for one in found if "recordCount" not in path or not one.endswith("ours are none")]

    def _sent(self, body: Any) -> dict[str, Any]:
        if body is None:
            return {}
        text = self.ids.translated(body if isinstance(body, str) else json.dumps(body))
        kind = "application/json"
        if text.lstrip().startswith("<"):
            kind = "application/xml"
        elif isinstance(body, str):
            text, kind = _whole(text), "text/csv"
        return {"data": text.encode(), "headers": {"Content-Type": f"{kind};charset=UTF-8"}}

    def _plant(self) -> None:
        """Makes the records that were there before the session began: found by it, but not made in it."""
        made: set[str] = set()
        for interaction in self._interactions:
            body, method = interaction["response"]["body"], interaction["request"]["method"]
            if method != "GET" or "/result" in interaction["request"]["url"]:
                found = {str(leaf) for leaf in _leaves(parsed(body, "") if isinstance(body, str) else body)}
                made |= {one for one in found if one not in json.dumps(interaction["request"]["body"])}
        for record in _records([i["response"]["body"] for i in self._interactions]):
            theirs = record["attributes"]["url"].rpartition("/")[2]
            if theirs not in made and theirs not in self.ids.known:
                self.ids.known[theirs] = self._made(record)

    def _made(self, record: Mapping[str, Any]) -> str:
        kind = self._org.known(record["attributes"]["type"])
        given = {n: v for n, v in record.items() if (f := kind.field(n)) and f.createable and v is not None}
        given = {n: v for n, v in given.items() if not kind.fields[n].refers_to}
        for fields in ({**_NEEDED.get(kind.name, {}), **given}, _NEEDED.get(kind.name, {})):
            try:
                return self._org.insert(kind.name, fields)
            except Refusal:
                continue
        raise AssertionError(f"no {kind.name} could be made of {record}")


def _counted(request: Mapping[str, Any], theirs: Any, ours: Any) -> list[str]:
    """A write has as many results as were recorded."""
    if request["method"] == "GET" or not isinstance(theirs, list) or len(theirs) == len(ours):
        return []
    return [f"{len(theirs)} results were recorded, ours are {len(ours)}"]


def _whole(text: str) -> str:
    """The body without the marks of a chunked transfer, which the recorder kept."""
    parts = re.findall(r"(?:^|\r\n)[0-9a-f]+\r\n(.*?\r\n)(?=\r\n)", text, re.DOTALL)
    return "".join(parts) or text


def _records(value: Any) -> Iterator[Mapping[str, Any]]:
    if isinstance(value, dict):
        if isinstance(value.get("attributes"), dict) and "url" in value["attributes"]:
            yield value
        for part in value.values():
            yield from _records(part)
    elif isinstance(value, list):
        for part in value:
            yield from _records(part)
