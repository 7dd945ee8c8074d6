"""The assets of campaigns: forms, e-mails, pages and so on that were associated with them."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from closedloop.sandbox.hubspot.errors import HubSpotError

# The types: HubSpot documentation, "Campaigns" (associate assets). The metrics of a type are those that the
# campaigns API names; for the other types it names none that were seen.
_PAGE = ("VIEWS", "SUBMISSIONS", "CONTACTS_FIRST_TOUCH", "CONTACTS_LAST_TOUCH", "CUSTOMERS")
_METRICS: Mapping[str, tuple[str, ...]] = {
    "BLOG_POST": _PAGE,
    "FORM": ("VIEWS", "SUBMISSIONS", "CONVERSION_RATE"),
    "LANDING_PAGE": _PAGE,
    "MARKETING_EMAIL": ("SENT", "OPEN", "CLICKS"),
    "SOCIAL_BROADCAST": ("FACEBOOK_CLICKS", "LINKEDIN_CLICKS", "TWITTER_CLICKS"),
    "WEB_INTERACTIVE": ("VIEWS", "CLICKS"),
}
ASSET_TYPES = frozenset(
    {
        *_METRICS,
        *("AD_CAMPAIGN", "AUTOMATION_PLATFORM_FLOW", "CALL", "CASE_STUDY", "CTA", "EMAIL"),
        *("EXTERNAL_WEB_URL", "FEEDBACK_SURVEY", "FILE_MANAGER_FILE", "KNOWLEDGE_ARTICLE"),
        *("MARKETING_EVENT", "MARKETING_SMS", "MEDIA", "MEETING_EVENT", "OBJECT_LIST", "PLAYBOOK"),
        *("PODCAST_EPISODE", "SALES_DOCUMENT", "SEQUENCE", "SITE_PAGE"),
    }
)


class CampaignAssets:
    """Which assets belong to which campaigns. `names` finds the name of an asset by its type and id, where
    the portal has such assets; for others somebody has to tell it, as the metrics, which are zero until then.
    """

    def __init__(self, names: Mapping[str, Callable[[str], str]]) -> None:
        self._known = names
        self._assets: dict[str, dict[str, dict[str, None]]] = {}
        self._names: dict[tuple[str, str], str] = {}
        self._metrics: dict[tuple[str, str], Mapping[str, float]] = {}

    def add(self, campaign: str, asset_type: str, asset: str) -> None:
        """Associates an asset with a campaign."""
        self._assets.setdefault(campaign, {}).setdefault(asset_type, {})[asset] = None

    def remove(self, campaign: str, asset_type: str, asset: str) -> None:
        """Takes the association back; one that is not there is no error."""
        self._assets.get(campaign, {}).get(asset_type, {}).pop(asset, None)

    def describe(
        self, asset_type: str, asset: str, *, name: str, metrics: Mapping[str, float] | None = None
    ) -> None:
        """Tells an asset's name and its metrics."""
        self._names[asset_type, asset] = name
        self._metrics[asset_type, asset] = metrics or {}

    def types(self, campaign: str) -> list[str]:
        """The types of which a campaign has assets."""
        return [asset_type for asset_type, assets in self._assets.get(campaign, {}).items() if assets]

    def of(self, campaign: str, asset_type: str, *, metrics: bool) -> list[dict[str, Any]]:
        """A campaign's assets of a type as the campaigns API shows them."""
        assets = self._assets.get(campaign, {}).get(asset_type, ())
        return [self._shown(asset_type, asset, metrics=metrics) for asset in assets]

    def _shown(self, asset_type: str, asset: str, *, metrics: bool) -> dict[str, Any]:
        shown: dict[str, Any] = {"id": asset}
        if name := self._name(asset_type, asset):
            shown["name"] = name
        if metrics:
            known = self._metrics.get((asset_type, asset), {})
            shown["metrics"] = {name: known.get(name, 0) for name in (*_METRICS.get(asset_type, ()), *known)}
        return shown

    def _name(self, asset_type: str, asset: str) -> str | None:
        told = self._names.get((asset_type, asset))
        if told is not None or asset_type not in self._known:
            return told
        try:
            return self._known[asset_type](asset)
        except HubSpotError:
            return None
