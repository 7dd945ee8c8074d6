"""Joins flows and outbound messages: what the org sends when a record is written."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from closedloop.sandbox.salesforce.metadata.catalogue import Catalogue
from closedloop.sandbox.salesforce.metadata.entry import condition_of
from closedloop.sandbox.salesforce.metadata.formulas import Formula, Moment
from closedloop.sandbox.salesforce.outbound import Fires
from closedloop.sandbox.salesforce.records.derive import value
from closedloop.sandbox.salesforce.records.tables import Row
from closedloop.sandbox.salesforce.soap.markup import Element

_MESSAGE = "WorkflowOutboundMessage"
_ASYNC = "AsyncAfterCommit"


class Triggers:
    """The active flows' effect on the org's outbound messages.

    A flow is followed from its start along the actions that come one after the other; what other elements
    would do (decisions, loops, changes of records) is not imitated; what stands behind one is not reached.
    """

    def __init__(self, catalogue: Catalogue) -> None:
        self._catalogue = catalogue
        self._defined: set[str] = set()

    def renew(self) -> None:
        """Makes what is sent follow the flows and messages that there are now."""
        org = self._catalogue.org
        wanted = {name: tuple(conditions) for name, conditions in self._wanted().items()}
        ids = {self._catalogue.id_of(_MESSAGE, name) for name in wanted}
        for gone in self._defined - ids:
            org.outbound.withdraw(gone)
        self._defined = ids
        for name, conditions in wanted.items():
            message = self._catalogue.get(_MESSAGE, name)
            kind = org.tables.objects.find(name.partition(".")[0])
            if message is None or kind is None:
                continue
            org.outbound.define(
                kind,
                message.element.values("fields"),
                message.element.value("endpointUrl") or "",
                fires=self._fires(kind.name, conditions),
                action_id=message.id,
            )

    def _wanted(self) -> Mapping[str, list[Formula]]:
        """For each message that is called, when."""
        found: dict[str, list[Formula]] = {}
        for flow in self._catalogue.all("Flow"):
            if flow.element.value("status") != "Active":
                continue
            for name in reached(flow.element):
                start = flow.element.find("start")
                if start is not None and self._catalogue.get(_MESSAGE, name) is not None:
                    found.setdefault(name, []).append(condition_of(start))
        return found

    def _fires(self, sobject: str, conditions: tuple[Formula, ...]) -> Fires:
        tables = self._catalogue.org.tables

        def fires(old: Row | None, new: Row) -> bool:
            moment = Moment(
                now=lambda field: value(tables, sobject, new, field),
                before=None if old is None else lambda field: value(tables, sobject, old, field),
            )
            return any(condition(moment) for condition in conditions)

        return fires


def reached(flow: Element) -> Iterator[str]:
    """The outbound messages that a record-triggered flow calls when it runs."""
    start = flow.find("start")
    if start is None or start.value("triggerType") != "RecordAfterSave":
        return
    actions = {call.value("name"): call for call in flow.all("actionCalls")}
    for beginning in _beginnings(start):
        seen: set[str] = set()
        here = actions.get(beginning)
        while here is not None and (here.value("name") or "") not in seen:
            seen.add(here.value("name") or "")
            if here.value("actionType") == "outboundMessage":
                yield here.value("actionName") or ""
            here = actions.get(here.value("connector", "targetReference"))


def _beginnings(start: Element) -> Iterator[str | None]:
    yield start.value("connector", "targetReference")
    for path in start.all("scheduledPaths"):
        if path.value("pathType") == _ASYNC:
            yield path.value("connector", "targetReference")
