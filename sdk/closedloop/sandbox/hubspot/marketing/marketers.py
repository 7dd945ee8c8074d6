"""What marketers make by hand in HubSpot's pages: lists, e-mails, forms, meeting links, and who comes."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from datetime import datetime
from typing import TYPE_CHECKING, Any

from closedloop.sandbox.hubspot.marketing.emails import MarketingEmails
from closedloop.sandbox.hubspot.marketing.events import Participations
from closedloop.sandbox.hubspot.marketing.pages import MarketingPages
from closedloop.sandbox.hubspot.records.lists import DYNAMIC, MANUAL, Lists
from closedloop.sandbox.hubspot.settings.kinds import CONTACTS, MARKETING_EVENTS

if TYPE_CHECKING:
    from closedloop.sandbox.hubspot.holdings import Holdings


class Marketing:
    """The marketing side of one portal: what it holds beside records. Its methods may be called from any
    thread; `at` puts what they do at another time than now."""

    def __init__(self, portal: Holdings) -> None:
        self._portal = portal
        self.lists = Lists(portal.store, self._somebody)
        self.emails = MarketingEmails(portal.id, self._somebody)
        self.participations = Participations()
        self.pages = MarketingPages()

    def asset_names(self) -> Mapping[str, Callable[[str], str]]:
        """How to find the name of a campaign's asset by its id, for the types that the portal holds."""
        return {
            "FORM": lambda asset: str(self.pages.form(asset)["name"]),
            "MARKETING_EMAIL": lambda asset: str(self.emails.get(asset)["name"]),
            "MARKETING_EVENT": self._event_name,
            "OBJECT_LIST": lambda asset: self.lists.get(asset).name,
        }

    def _event_name(self, event_id: str) -> str:
        return self._portal.require(MARKETING_EVENTS, event_id).properties.get("hs_event_name", "")

    def create_list(
        self,
        object_type: str,
        name: str,
        *,
        filters: Mapping[str, Any] | None = None,
        members: Sequence[str] = (),
        at: datetime | None = None,
    ) -> str:
        """Makes a list of what its `filters` find (the filterBranch of the lists API), or of `members` where
        there are none; returns its id."""
        with self._portal.lock:
            kind, processing = self._portal.kinds.get(object_type), MANUAL if filters is None else DYNAMIC
            made = self.lists.create(kind, name, processing, filters, at or self._portal.clock())
            if members:
                self.lists.add(made, members, at or self._portal.clock())
            return made.id

    def create_email(
        self, name: str, subject: str, *, campaign: str | None = None, at: datetime | None = None
    ) -> str:
        """Drafts a marketing e-mail, perhaps of the campaign with this GUID; returns its id."""
        with self._portal.lock:
            body = {"name": name, "subject": subject, "campaign": campaign}
            return str(self.emails.create(body, at or self._portal.clock())["id"])

    def create_form(self, name: str, *, at: datetime | None = None) -> str:
        """Makes a form and returns its id."""
        with self._portal.lock:
            return str(self.pages.add_form({"name": name}, at or self._portal.clock())["id"])

    def create_meeting_link(self, name: str, *, at: datetime | None = None) -> str:
        """Makes a link to book a meeting with the portal's first owner; returns its id."""
        with self._portal.lock:
            return str(self.pages.add_link(name, self._somebody(), at or self._portal.clock())["id"])

    def visit(self, contact_id: str, *, at: datetime | None = None, **told: str) -> None:
        """A contact visits a page; `told` is what is known of the visit, such as `hs_page_title`."""
        with self._portal.lock:
            self._portal.occurrences.visit(
                self._portal.record(CONTACTS.name, contact_id), at or self._portal.clock(), told
            )

    def _somebody(self) -> str:
        """The user id of whoever makes things by hand: the first owner, or HubSpot itself."""
        first = next(iter(self._portal.owners.all()), None)
        return "100" if first is None else str(first.user_id)
