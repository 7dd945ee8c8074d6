"""Outbound messages: what is sent where, once a flow calls it.

Metadata API Developer Guide, "WorkflowOutboundMessage".
"""

from __future__ import annotations

from collections.abc import Iterator
from urllib.parse import urlsplit

from closedloop.sandbox.salesforce.metadata.catalogue import Catalogue
from closedloop.sandbox.salesforce.metadata.component import Problem, Sent
from closedloop.sandbox.salesforce.metadata.outlook import Outlook
from closedloop.sandbox.salesforce.metadata.references import foreign_namespace, users_of
from closedloop.sandbox.salesforce.metadata.triggers import Triggers


class OutboundMessages:
    """The definitions of messages; each waits for a flow to call it."""

    def __init__(self, catalogue: Catalogue, triggers: Triggers) -> None:
        self._catalogue = catalogue
        self._triggers = triggers

    def problems(self, sent: Sent, outlook: Outlook) -> Iterator[Problem]:
        """Why the message cannot be saved."""
        element = sent.element
        yield from foreign_namespace(sent)
        if not outlook.has("CustomObject", sent.owner):
            yield Problem(message=f"no CustomObject named {sent.owner} found", at=element)
            return
        for name in element.values("fields"):
            if outlook.field(sent.owner, name) is None:
                message = f"In field: fields - no CustomField named {sent.owner}.{name} found"
                yield Problem(message=message, at=element.find("fields"))
        user = element.value("integrationUser") or ""
        if not outlook.user(user):
            message = f"In field: integrationUser - no User named {user} found"
            yield Problem(message=message, at=element.find("integrationUser"))
        if not _is_address(element.value("endpointUrl") or ""):
            message = "Invalid value for Endpoint URL"
            yield Problem(message=message, code="FIELD_INTEGRITY_EXCEPTION", at=element.find("endpointUrl"))

    def apply(self, sent: Sent) -> None:
        """Keeps the definition; flows that call it send it so from now on."""
        self._catalogue.put(sent)
        self._triggers.renew()

    def obstacles(self, full_name: str, outlook: Outlook) -> Iterator[Problem]:
        """The flows that call it."""
        yield from users_of("WorkflowOutboundMessage", full_name, outlook, self._catalogue)

    def remove(self, full_name: str) -> None:
        """Removes the definition, and what waits to be sent."""
        self._catalogue.drop("WorkflowOutboundMessage", full_name)
        self._triggers.renew()


def _is_address(text: str) -> bool:
    try:
        parts = urlsplit(text)
    except ValueError:
        return False
    return parts.scheme in ("http", "https") and bool(parts.netloc)
