"""Where HubSpot's API answers: every path that is called, in each of its versions.

HubSpot numbers its versions by area (objects v3, associations v4) and has dated them since March 2026,
two a year, each supported for 18 months; v4 goes out of support in March 2027, v1 to v3 in September 2027
(changelog "Legacy APIs and legacy apps: what's going unsupported and when"). hubspot-api-client 12.0.0
knows the numbered paths only, so none of its methods is used to build one.
"""

from __future__ import annotations

from collections.abc import Mapping
from urllib.parse import quote

from closedloop.errors import SettingsError

VERSIONS = ("v3", "2026-03", "2026-09")
"""What `api_version` may be. "v3" stands for the numbered paths, which are v3 and v4 by area."""

# developers.hubspot.com/docs/api-reference/2026-03/… shows objects, associations, pipelines and the account,
# HubSpot's specification campaigns at 2026-09; owners, properties and the other pairings are by analogy.
_AREAS: Mapping[str, tuple[str, str]] = {
    "objects": ("/crm/v3/objects", "/crm/objects/{version}"),
    "associations": ("/crm/v4/associations", "/crm/associations/{version}"),
    "properties": ("/crm/v3/properties", "/crm/properties/{version}"),
    "pipelines": ("/crm/v3/pipelines", "/crm/pipelines/{version}"),
    "owners": ("/crm/v3/owners", "/crm/owners/{version}"),
    "campaigns": ("/marketing/v3/campaigns", "/marketing/campaigns/{version}"),
    "account": ("/account-info/v3", "/account-info/{version}"),
    # v1 is deprecated on 16 February 2027; v3 takes the secret in the body, as v1 did.
    "oauth": ("/oauth/v3", "/oauth/{version}"),
}

_PATHS: Mapping[str, tuple[str, str]] = {
    "records": ("objects", "/{type}"),
    "record": ("objects", "/{type}/{id}"),
    "search": ("objects", "/{type}/search"),
    "read": ("objects", "/{type}/batch/read"),
    "create": ("objects", "/{type}/batch/create"),
    "update": ("objects", "/{type}/batch/update"),
    "upsert": ("objects", "/{type}/batch/upsert"),
    "archive": ("objects", "/{type}/batch/archive"),
    "associated": ("associations", "/{from_type}/{to_type}/batch/read"),
    "associate": ("associations", "/{from_type}/{to_type}/batch/create"),
    "dissociate": ("associations", "/{from_type}/{to_type}/batch/archive"),
    "unlabel": ("associations", "/{from_type}/{to_type}/batch/labels/archive"),
    "labels": ("associations", "/{from_type}/{to_type}/labels"),
    "definitions": ("properties", "/{type}"),
    "groups": ("properties", "/{type}/groups"),
    "pipelines": ("pipelines", "/{type}"),
    "owners": ("owners", "/"),
    "owner": ("owners", "/{id}"),
    "campaigns": ("campaigns", ""),
    "campaigns_read": ("campaigns", "/batch/read"),
    "campaigns_create": ("campaigns", "/batch/create"),
    "campaigns_update": ("campaigns", "/batch/update"),
    "campaigns_archive": ("campaigns", "/batch/archive"),
    "campaign_contacts": ("campaigns", "/{guid}/reports/contacts/{report}"),
    "account": ("account", "/details"),
    "token": ("oauth", "/token"),
}


class Paths:
    """The paths of one version of the API."""

    def __init__(self, version: str = "v3") -> None:
        if version not in VERSIONS:
            raise SettingsError(f"the HubSpot API has no version {version!r}: use {', '.join(VERSIONS)}")
        self._prefixes = {
            area: numbered if version == "v3" else dated.format(version=version)
            for area, (numbered, dated) in _AREAS.items()
        }

    def of(self, name: str, **parts: str) -> str:
        """The path of this name with its parts filled in, each escaped."""
        area, rest = _PATHS[name]
        return self._prefixes[area] + rest.format_map(
            {key: quote(part, safe="") for key, part in parts.items()}
        )
