"""HubSpot's API as plain methods that give JSON: what each call needs, and what its answer must hold.

Batch calls give the whole answer, because it may be a 207 that holds results and errors: `batches.split`
tells which is whose.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any

from closedloop.crm.hubspot.answers import Json, identified, next_of, results_of
from closedloop.crm.hubspot.ids import campaign_guid
from closedloop.crm.hubspot.paths import Paths
from closedloop.crm.raw import Sender
from closedloop.errors import AnswerError, UncertainError

CHUNK = 100
"""Records in one batch call, at most."""
CHUNK_WITH_HISTORY = 50
CAMPAIGN_CHUNK = 50


class Calls(Sender):
    """The calls by name, over the `request` of the client that inherits them."""

    def __init__(self, paths: Paths) -> None:
        self._paths = paths

    # -- The account and its definitions

    def account(self) -> Json:
        """The portal's id, currency and time zone."""
        return _object(self._get(self._paths.of("account")))

    def definitions(self, object_type: str) -> list[Json]:
        """The property definitions of an object type."""
        return results_of(self._get(self._paths.of("definitions", type=object_type)))

    def create_property(self, object_type: str, definition: Json) -> None:
        """Creates a property. Safe to repeat: a second one of the same name is refused."""
        self._post(self._paths.of("definitions", type=object_type), definition)

    def groups(self, object_type: str) -> list[Json]:
        """The property groups of an object type."""
        return results_of(self._get(self._paths.of("groups", type=object_type)))

    def create_group(self, object_type: str, definition: Json) -> None:
        """Creates a property group. Safe to repeat, as `create_property`."""
        self._post(self._paths.of("groups", type=object_type), definition)

    def pipelines(self, object_type: str) -> list[Json]:
        """The pipelines of deals or leads, with their stages."""
        return identified(results_of(self._get(self._paths.of("pipelines", type=object_type))))

    def owners(self) -> Iterator[list[Json]]:
        """The owners page by page: those who left too, because their decisions stay."""
        for archived in (False, True):
            params = {"limit": "100", "archived": _word(archived)}
            for answer in self._pages(self._paths.of("owners"), params):
                yield identified(results_of(answer))

    def owner(self, owner_id: str, *, archived: bool = False) -> Json:
        """One owner by id; one who left only when asked for as archived. GoneError if there is none."""
        found = self._get(self._paths.of("owner", id=owner_id), {"archived": _word(archived)})
        return identified([_object(found)])[0]

    # -- Records

    def page(
        self,
        object_type: str,
        *,
        wanted: Sequence[str],
        history: Sequence[str] = (),
        after: str | None = None,
        associations: Sequence[str] = (),
        archived: bool = False,
    ) -> tuple[list[Json], str | None]:
        """A page of all records of a type, and where the next one begins; archived ones only if `archived`.

        `associations` are object types: each record then has `associations: {type: {results: [{id, type}]}}`.
        """
        params = _asking(wanted, history, associations, archived)
        params["limit"] = str(CHUNK_WITH_HISTORY if history else CHUNK)
        if after:
            params["after"] = after
        answer = self._get(self._paths.of("records", type=object_type), params)
        return identified(results_of(answer)), further(after, answer)

    def record(
        self,
        object_type: str,
        record_id: str,
        *,
        wanted: Sequence[str],
        history: Sequence[str] = (),
        associations: Sequence[str] = (),
        archived: bool = False,
    ) -> Json:
        """One record by its id; GoneError if there is none. By a unique property: `read`, which keeps the
        value, often an e-mail address, out of the URL and so out of every log."""
        params = _asking(wanted, history, associations, archived)
        found = self._get(self._paths.of("record", type=object_type, id=record_id), params)
        return identified([_object(found)])[0]

    def read(
        self,
        object_type: str,
        ids: Sequence[str],
        *,
        wanted: Sequence[str],
        history: Sequence[str] = (),
        id_property: str | None = None,
        archived: bool = False,
    ) -> Any:
        """The answer of a batch read of at most 100 ids, 50 with history. `ids` are values of the unique
        property `id_property`, where one is given."""
        body: Json = {"inputs": _named(ids), "properties": list(wanted)}
        body["propertiesWithHistory"] = list(history)
        if id_property is not None:
            body["idProperty"] = id_property
        params = {"archived": "true"} if archived else None
        return self._post(self._paths.of("read", type=object_type), body, params)

    def create(self, object_type: str, inputs: Sequence[Json]) -> Any:
        """The answer of a batch create of at most 100 records, each `{properties, associations?,
        objectWriteTraceId}`. Without a trace id on every input one bad record refuses them all.
        UncertainError when nobody knows whether they were made."""
        return self._make(self._paths.of("create", type=object_type), {"inputs": list(inputs)}, _batch)

    def create_one(self, object_type: str, record: Json) -> Json:
        """The record made of `{properties, associations?}`. In contrast to a batch's, the refusal of a
        contact whose e-mail address is taken names the existing one."""
        path = self._paths.of("records", type=object_type)
        return self._make(path, record, lambda made: identified([_object(made)])[0])

    def update(self, object_type: str, inputs: Sequence[Json]) -> Any:
        """The answer of a batch update of at most 100 records, each `{id, idProperty?, properties,
        objectWriteTraceId?}` and each once."""
        return self._post(self._paths.of("update", type=object_type), {"inputs": list(inputs)})

    def upsert(self, object_type: str, inputs: Sequence[Json]) -> Any:
        """The answer of a batch upsert of at most 100 records, each `{id, idProperty, properties,
        objectWriteTraceId?}`; results tell by `new` which were made. Safe to repeat: the second time finds
        what the first one made."""
        return self._post(self._paths.of("upsert", type=object_type), {"inputs": list(inputs)})

    def archive(self, object_type: str, ids: Sequence[str]) -> None:
        """Archives at most 100 records; those that are gone already are no error."""
        self._post(self._paths.of("archive", type=object_type), {"inputs": _named(ids)})

    def search(self, object_type: str, query: Json) -> tuple[list[Json], bool]:
        """A page of a search, and whether there is more of it."""
        answer = self._post(self._paths.of("search", type=object_type), query)
        return identified(results_of(answer)), next_of(answer) is not None

    def total(self, object_type: str) -> int | None:
        """How many live records of a type there are, as far as its search index says."""
        query = {"filterGroups": [], "properties": ["hs_object_id"], "limit": 1}
        answer = self._post(self._paths.of("search", type=object_type), query)
        found = answer.get("total") if isinstance(answer, dict) else None
        return found if isinstance(found, int) else None

    # -- Associations

    def associated(self, from_type: str, to_type: str, inputs: Sequence[Json]) -> Any:
        """The answer of a batch read of associations, each input `{id, after?}`."""
        return self._link("associated", from_type, to_type, inputs)

    def associate(self, from_type: str, to_type: str, inputs: Sequence[Json]) -> Any:
        """The answer of a batch create of associations, each input `{from: {id}, to: {id}, types:
        [{associationCategory, associationTypeId}]}`: at most 2,000. Safe to repeat."""
        return self._link("associate", from_type, to_type, inputs)

    def dissociate(self, from_type: str, to_type: str, inputs: Sequence[Json]) -> Any:
        """The answer of a batch that ends all associations of pairs, each `{from: {id}, to: [{id}]}`."""
        return self._link("dissociate", from_type, to_type, inputs)

    def unlabel(self, from_type: str, to_type: str, inputs: Sequence[Json]) -> Any:
        """The answer of a batch that takes labels off associations; inputs as for `associate`."""
        return self._link("unlabel", from_type, to_type, inputs)

    def labels(self, from_type: str, to_type: str) -> list[Json]:
        """The association types between two object types: `{category, typeId, label}`."""
        return results_of(self._get(self._paths.of("labels", from_type=from_type, to_type=to_type)))

    # -- Campaigns, for which the client library has no methods

    def campaigns(
        self, *, wanted: Sequence[str], after: str | None, sort: str = "updatedAt"
    ) -> tuple[list[Json], str | None]:
        """A page of all campaigns, those changed longest ago first, or made, by `createdAt`."""
        params = {"limit": "100", "sort": sort, "properties": ",".join(wanted)}
        if after:
            params["after"] = after
        answer = self._get(self._paths.of("campaigns"), params)
        return identified(results_of(answer)), further(after, answer)

    def read_campaigns(self, guids: Sequence[str], *, wanted: Sequence[str]) -> Any:
        """The answer of a batch read of at most 50 campaigns."""
        body = {"inputs": _named([campaign_guid(guid) for guid in guids])}
        return self._post(self._paths.of("campaigns_read"), body, {"properties": ",".join(wanted)})

    def create_campaigns(self, inputs: Sequence[Json]) -> Any:
        """The answer of a batch create of at most 50 campaigns, each `{properties}`."""
        return self._make(self._paths.of("campaigns_create"), {"inputs": list(inputs)}, _batch)

    def update_campaigns(self, inputs: Sequence[Json]) -> Any:
        """The answer of a batch update of at most 50 campaigns, each `{id, properties}`."""
        return self._post(self._paths.of("campaigns_update"), {"inputs": list(inputs)})

    def archive_campaigns(self, guids: Sequence[str]) -> None:
        """Deletes at most 50 campaigns. HubSpot answers 204 whatever became of them."""
        body = {"inputs": _named([campaign_guid(guid) for guid in guids])}
        self._post(self._paths.of("campaigns_archive"), body)

    def campaign_contacts(self, guid: str, report: str) -> Iterator[list[str]]:
        """The contact ids of one of a campaign's contact reports, page by page."""
        path = self._paths.of("campaign_contacts", guid=campaign_guid(guid), report=report)
        for answer in self._pages(path, {"limit": "100"}):
            yield [str(contact["id"]) for contact in identified(results_of(answer))]

    # -- How they are sent

    def _get(self, path: str, params: Mapping[str, str] | None = None) -> Any:
        return self.request("GET", path, params=params).json()

    def _post(self, path: str, body: Json, params: Mapping[str, str] | None = None) -> Any:
        """The answer to a POST of ours that does no harm twice: it reads, or sets a state."""
        return self.request("POST", path, params=params, body=body, repeatable=True).json()

    def _make(self, path: str, body: Json, check: Callable[[Any], Json]) -> Json:
        """The answer to a POST that must not be sent twice: a success that says nothing is no success."""
        answer = self.request("POST", path, body=body, repeatable=False)
        try:
            return check(answer.json())
        except AnswerError as error:
            raise UncertainError(
                "HubSpot's answer does not say what it made: look there before it is sent again",
                reason=error.reason,
                status=answer.status,
            ) from None

    def _link(self, name: str, from_type: str, to_type: str, inputs: Sequence[Json]) -> Any:
        path = self._paths.of(name, from_type=from_type, to_type=to_type)
        return self._post(path, {"inputs": list(inputs)})

    def _pages(self, path: str, params: Mapping[str, str]) -> Iterator[Any]:
        """The answers of all pages, beginning with the first."""
        after: str | None = None
        while True:
            answer = self._get(path, {**params, "after": after} if after else params)
            yield answer
            after = further(after, answer)
            if after is None:
                return


def further(before: str | None, answer: Any) -> str | None:
    """Where the next page begins; an answer that leads back to the same page would never end."""
    after = next_of(answer)
    if after is not None and after == before:
        raise AnswerError("HubSpot's paging leads back to the page it came from", reason="paging_loop")
    return after


def _asking(
    wanted: Sequence[str], history: Sequence[str], associations: Sequence[str], archived: bool
) -> dict[str, str]:
    """What is asked of one record or a page. Lists are joined by commas, which keeps the URL short."""
    lists = {"properties": wanted, "propertiesWithHistory": history, "associations": associations}
    params = {name: ",".join(values) for name, values in lists.items() if values}
    return params | ({"archived": "true"} if archived else {})


def _named(ids: Sequence[str]) -> list[Json]:
    return [{"id": each} for each in ids]


def _word(value: bool) -> str:
    return "true" if value else "false"


def _batch(answer: Any) -> Json:
    results_of(answer)
    return _object(answer)


def _object(answer: Any) -> Json:
    if not isinstance(answer, dict) or not answer:
        raise AnswerError("HubSpot answered no object where its API answers one", reason="no_object")
    return answer
