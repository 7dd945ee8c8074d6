"""What a portal holds, and how its parts work together when something changes."""

from __future__ import annotations

import threading
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import datetime

from closedloop.sandbox.hubspot.access.limits import Limits
from closedloop.sandbox.hubspot.errors import HubSpotError, not_associable, not_found
from closedloop.sandbox.hubspot.faults import HubSpotFaults
from closedloop.sandbox.hubspot.marketing.campaign_assets import CampaignAssets
from closedloop.sandbox.hubspot.marketing.campaign_items import CampaignItems
from closedloop.sandbox.hubspot.marketing.campaigns import Touches
from closedloop.sandbox.hubspot.marketing.marketers import Marketing
from closedloop.sandbox.hubspot.records.associations import Associations
from closedloop.sandbox.hubspot.records.index import Lag, SearchIndex
from closedloop.sandbox.hubspot.records.occurrences import Occurrences
from closedloop.sandbox.hubspot.records.record import AUTOMATION, CrmObject, Origin
from closedloop.sandbox.hubspot.records.store import Store
from closedloop.sandbox.hubspot.records.writing import Writer
from closedloop.sandbox.hubspot.settings.catalogue import Catalogue
from closedloop.sandbox.hubspot.settings.demands import Demands
from closedloop.sandbox.hubspot.settings.kinds import CAMPAIGNS, CONTACTS, Kinds, ObjectKind
from closedloop.sandbox.hubspot.settings.people import Owners
from closedloop.sandbox.hubspot.settings.pipelines import Pipelines
from closedloop.sandbox.hubspot.settings.schemas import Schemas
from closedloop.sandbox.hubspot.webhooks.events import Subscriptions
from closedloop.sandbox.hubspot.webhooks.sender import WebhookSender, WebhookSettings

Clock = Callable[[], datetime]


class Holdings:
    """The parts of a portal, and the records in it by whatever names them."""

    def __init__(
        self,
        *,
        portal_id: int,
        app_id: int,
        currency: str,
        campaign_properties: bool,
        time_zone: str,
        sender: WebhookSender,
        faults: HubSpotFaults,
        clock: Clock,
    ) -> None:
        self.id = portal_id
        self.app_id = app_id
        self.currency = currency
        self.campaign_properties = campaign_properties
        self.clock = clock
        self.index_lag: Lag = 0
        self.association_page = 1000
        self.merges_make_records = True
        self.lock = threading.RLock()
        self.kinds = Kinds()
        self.store = Store()
        self.index = SearchIndex(self.store, clock, lambda: self.index_lag or faults.slowness)
        self.pipelines = Pipelines()
        self.catalogue = Catalogue(self.pipelines)
        self.associations = Associations()
        self.schemas = Schemas(portal_id, self.kinds, self.catalogue, self.associations.types)
        self.owners = Owners()
        self.demands = Demands()
        self.occurrences = Occurrences(portal_id)
        self.marketing = Marketing(self)
        self.assets = CampaignAssets(self.marketing.asset_names())
        self.touches = Touches()
        self.budget, self.spend = CampaignItems(), CampaignItems()
        self.requests: Counter[tuple[str, str]] = Counter()
        self.faults = faults
        self.limits = Limits(clock, time_zone=time_zone)
        self.sender = sender
        self.webhooks = WebhookSettings(sender)
        self._subscriptions = Subscriptions(portal_id, app_id, self.catalogue.is_sensitive)
        self.subscriptions = self._subscriptions.book
        self.writer = Writer(
            store=self.store,
            index=self.index,
            catalogue=self.catalogue,
            pipelines=self.pipelines,
            associations=self.associations,
            subscriptions=self._subscriptions,
            sender=sender,
            occurrences=self.occurrences,
            required=self.schemas.required,
            currency=currency,
        )

    def items(self, what: str) -> CampaignItems:
        """The `budget` items of all campaigns, or their `spend` items."""
        return self.budget if what == "budget" else self.spend

    def sum_up(self, campaign: CrmObject, what: str, at: datetime) -> None:
        """Keeps a campaign's own sum of its items right: text with a decimal point ("2.0", recorded)."""
        items = self.items(what)
        total = str(float(items.total(campaign.guid))) if items.of(campaign.guid) else ""
        self.writer.calculate(campaign, {f"hs_{what}_items_sum_amount": total}, at)

    def absorb(self, kept: CrmObject, gone: CrmObject, at: datetime, origin: Origin) -> CrmObject:
        """Merges one record into another, its touches included; returns the one that is left."""
        survivor = self.writer.merge(kept, gone, at, origin, renew=self.merges_make_records)
        if survivor.kind is CONTACTS:
            for loser in {kept.id, gone.id} - {survivor.id}:
                self.touches.move(loser, survivor.id)
            self.writer.calculate(survivor, self.touches.analytics(survivor.id), at)
        return survivor

    def erase(self, contact: CrmObject, at: datetime, origin: Origin) -> None:
        """Erases a contact and its touches."""
        self.touches.forget(contact.id)
        self.writer.forget(contact, at, origin)

    def record(self, object_type: str, record_id: str) -> CrmObject:
        """The live record itself; 404 when there is none. A campaign may be named by either of its ids."""
        kind = self.kinds.get(object_type)
        if kind is CAMPAIGNS and "-" in record_id:
            return self.campaign_record(record_id)
        return self.require(kind, record_id)

    def require(self, kind: ObjectKind, record_id: str) -> CrmObject:
        """The live record of a kind; 404 when there is none."""
        found = self.store.find(kind, record_id)
        if found is None:
            raise not_found()
        return found

    def associable(self, kind: ObjectKind, record_id: str) -> CrmObject:
        """The live record of a kind to associate another with; 400 when there is none."""
        found = self.store.find(kind, record_id)
        if found is None:
            raise not_associable(kind.singular, record_id)
        return found

    def campaign_record(self, guid: str) -> CrmObject:
        """The live campaign itself; 404 when there is none."""
        found = self.store.campaign(guid)
        if found is None:
            # Only the status is known for this answer.
            raise HubSpotError(f"Campaign with id {guid} not found", status=404, category="OBJECT_NOT_FOUND")
        return found

    @contextmanager
    def _change(self, at: datetime | None, by: int | None) -> Iterator[tuple[datetime, Origin]]:
        with self.lock:
            yield at or self.clock(), origin_of(by)


def origin_of(by: int | None) -> Origin:
    """Who makes a change: the person with this user id, or a workflow."""
    return AUTOMATION if by is None else Origin.person(by)
