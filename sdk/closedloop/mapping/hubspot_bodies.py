"""Finds the records in HubSpot's answers and events."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from typing import Any
from urllib.parse import urlsplit

from closedloop.mapping.decode import Csv, Xml
from closedloop.mapping.findings import DEEPEST, Findings
from closedloop.schema.vocabulary import ObjectType

_GUID = re.compile(r"[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}", re.IGNORECASE | re.ASCII)
_DIGITS = re.compile(r"\d{1,20}", re.ASCII)
_RECORD_URL = re.compile(r"/record/(\d+-\d+)/", re.ASCII)
_OBJECTS_URL = re.compile(r"/objects/(?:\d{4}-\d{2}/|v\d/)?([\w-]+)", re.ASCII)

# Properties that tell the object where nothing else does, the surest first.
_TELLTALE: tuple[tuple[str, ObjectType], ...] = (
    ("hs_lead_name", ObjectType.LEAD),
    ("hs_lead_type", ObjectType.LEAD),
    ("dealstage", ObjectType.OPPORTUNITY),
    ("dealname", ObjectType.OPPORTUNITY),
    ("hs_call_title", ObjectType.ACTIVITY),
    ("hs_email_subject", ObjectType.ACTIVITY),
    ("hs_meeting_title", ObjectType.ACTIVITY),
    ("hs_task_subject", ObjectType.ACTIVITY),
    ("hs_note_body", ObjectType.ACTIVITY),
    # Contacts call their last change so; everything else calls it hs_lastmodifieddate.
    ("lastmodifieddate", ObjectType.CONTACT),
    ("domain", ObjectType.ACCOUNT),
    ("numberofemployees", ObjectType.ACCOUNT),
)


def walk_hubspot(body: Any, findings: Findings) -> None:
    """Adds every record in a decoded body to the findings."""
    if isinstance(body, Xml | Csv):
        findings.refuse("not_our_object", "HubSpot's API answers JSON; this is not one of its bodies")
    else:
        _Walk(findings, _object_of_page(body, findings)).node(body, 0)


def _object_of_page(body: Any, findings: Findings) -> ObjectType | None:
    """The object that the link to the next page names: its items do not always say it."""
    link = body
    for step in ("paging", "next", "link"):
        link = link.get(step) if isinstance(link, Mapping) else None
    if not isinstance(link, str):
        return None
    try:
        found = _OBJECTS_URL.search(urlsplit(link).path)
    except ValueError:
        return None
    return findings.mapping.object_of(found[1]) if found else None


class _Walk:
    """Walks JSON; every dict in it is a record, something else that we know, or a wrapper around others."""

    def __init__(self, findings: Findings, page: ObjectType | None) -> None:
        self.findings = findings
        self.page = page

    def node(self, node: Any, depth: int) -> None:
        """Adds what `node` holds."""
        if depth > DEEPEST:
            self.findings.refuse("too_deep", "the body is nested too deeply to be an answer of the API")
        elif isinstance(node, list | tuple):
            for item in node:
                self.node(item, depth + 1)
        elif isinstance(node, Mapping) and not self._record(node) and not self._verdict(node):
            for value in node.values():
                self.node(value, depth + 1)

    def _record(self, node: Mapping[str, Any]) -> bool:
        """Whether the node is a record of any kind; if so, it is added."""
        if isinstance(node.get("stages"), list) and "label" in node:
            self._pipeline(node)
        elif _is_object(node):
            self._object(node)
        elif {"email", "userId", "firstName"} <= node.keys() and "id" in node:
            self.findings.take(ObjectType.USER, node, id=_text(node.get("id")))
        elif {"campaignGuid", "contactId"} <= node.keys():
            self.findings.take(ObjectType.CAMPAIGN_MEMBER, node)
        elif {"dealId", "contactId"} <= node.keys():
            self.findings.take(ObjectType.CONTACT_ROLE, node)
        else:
            return False
        return True

    def _object(self, node: Mapping[str, Any]) -> None:
        object_type = self._object_type(node)
        if node.get("id") in (None, ""):  # a set would ask a stranger's list for its hash
            self.findings.refuse(
                "missing_id", "an object without id, as it is sent to create one", object=object_type
            )
        elif object_type is None:
            self.findings.refuse(
                "not_our_object",
                "nothing in it tells an object that the mapping knows",
                id=_text(node.get("id")),
            )
        elif "createdAt" not in node and "updatedAt" not in node:
            self.findings.refuse(
                "partial_record", "a change to an object, not the object", object=object_type
            )
        else:
            self.findings.take(object_type, node, id=_text(node.get("id")))

    def _object_type(self, node: Mapping[str, Any]) -> ObjectType | None:
        if _GUID.fullmatch(_text(node.get("id")) or ""):
            return ObjectType.CAMPAIGN
        url, type_id = node.get("url"), node.get("objectTypeId")
        said = _RECORD_URL.search(url) if isinstance(url, str) else None
        name = said[1] if said else type_id
        if isinstance(name, str):
            return self.findings.mapping.object_of(name)
        told = (found for name, found in _TELLTALE if name in node["properties"])
        return self.page or next(told, None)

    def _pipeline(self, node: Mapping[str, Any]) -> None:
        object_type = node.get("objectType") or _pipeline_object(node["stages"])
        for stage in node["stages"]:
            if not isinstance(stage, Mapping):
                continue
            if object_type not in {"deals", "leads"}:
                self.findings.refuse(
                    "unknown_pipeline", "nothing tells whether these are stages of deals or of leads"
                )
                continue
            context = {
                "pipelineId": node.get("id"),
                "pipelineLabel": node.get("label"),
                "objectType": object_type,
            }
            self.findings.take(ObjectType.STAGE, {**stage, **context}, id=_text(stage.get("id")))

    def _verdict(self, node: Mapping[str, Any]) -> bool:
        """Whether the node is something we know that is not a record; if so, it is refused as what it is."""
        for reason, message, matches in _VERDICTS:
            if matches(node):
                self.findings.refuse(reason, message)
                return True
        return False


def _is_object(node: Mapping[str, Any]) -> bool:
    """Whether the node has the shape of a CRM object or a campaign; events have properties too."""
    return isinstance(node.get("properties"), Mapping) and not {"eventType", "occurredAt"} & node.keys()


def _pipeline_object(stages: list[Any]) -> str | None:
    """Deals are the only object whose stages must have a probability (the Pipelines API's reference)."""
    metadata = [stage.get("metadata") for stage in stages if isinstance(stage, Mapping)]
    return "deals" if any(isinstance(data, Mapping) and "probability" in data for data in metadata) else None


def _text(value: Any) -> str | None:
    return str(value) if isinstance(value, str | int) and not isinstance(value, bool) else None


_VERDICTS: tuple[tuple[str, str, Callable[[Mapping[str, Any]], bool]], ...] = (
    (
        "error_answer",
        "HubSpot answered with an error",
        lambda node: node.get("status") == "error" and "message" in node,
    ),
    (
        "partial_record",
        "an event says that something happened to a record, but does not hold it",
        lambda node: {"occurredAt", "eventType"} <= node.keys() or "subscriptionType" in node,
    ),
    (
        "partial_record",
        "a bare id: read the object itself",
        lambda node: node.keys() == {"id"} and bool(_DIGITS.fullmatch(_text(node["id"]) or "")),
    ),
    ("not_our_object", "a search request, not an answer", lambda node: "filterGroups" in node),
    ("not_our_object", "the definition of a property", lambda node: {"fieldType", "name"} <= node.keys()),
    (
        "not_our_object",
        "an association, which is read with the objects that it joins",
        lambda node: "fromObjectId" in node or ("from" in node and isinstance(node.get("to"), list)),
    ),
    ("no_records", "the answer is empty", lambda node: node.get("results") == []),
)
