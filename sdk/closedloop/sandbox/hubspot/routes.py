"""The portal's routes: every path, as it was numbered and as it is dated since March 2026."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from functools import cache

from werkzeug import Request
from werkzeug.exceptions import HTTPException, MethodNotAllowed
from werkzeug.routing import Map, Rule

from closedloop.sandbox.hubspot import rest_associations as associations
from closedloop.sandbox.hubspot import rest_batches as batches
from closedloop.sandbox.hubspot import rest_campaigns as campaigns
from closedloop.sandbox.hubspot import rest_oauth as oauth
from closedloop.sandbox.hubspot import rest_objects as objects
from closedloop.sandbox.hubspot import rest_settings as settings
from closedloop.sandbox.hubspot.asking import Answer, Call
from closedloop.sandbox.hubspot.errors import HubSpotError, not_found

Handler = Callable[[Call], Answer]

# Every area's path, as it was numbered and as it is dated since March 2026. The numbered ones are
# unsupported from 2027, which is not switched off.
_AREAS = {
    "objects": ("/crm/v3/objects", "/crm/objects/2026-03", "/crm/objects/2026-09"),
    "links": ("/crm/v4/objects", "/crm/objects/2026-03", "/crm/objects/2026-09"),
    "link lists": ("/crm/v4/objects",),
    "plain links": ("/crm/v3/objects",),
    "associations": ("/crm/v4/associations", "/crm/associations/2026-03", "/crm/associations/2026-09"),
    "properties": ("/crm/v3/properties", "/crm/properties/2026-03", "/crm/properties/2026-09"),
    "pipelines": ("/crm/v3/pipelines", "/crm/pipelines/2026-03", "/crm/pipelines/2026-09"),
    "owners": ("/crm/v3/owners", "/crm/owners/2026-03", "/crm/owners/2026-09"),
    "campaigns": ("/marketing/v3/campaigns", "/marketing/campaigns/2026-03", "/marketing/campaigns/2026-09"),
    "oauth": ("/oauth/v1", "/oauth/v3", "/oauth/2026-03", "/oauth/2026-09"),
    "oauth tokens": ("/oauth/v1",),
    "account": ("/account-info/v3", "/account-info/2026-03", "/account-info/2026-09"),
}

_ROUTES: tuple[tuple[str, str, str, Handler], ...] = (
    ("GET", "objects", "/<type>", objects.list_objects),
    ("POST", "objects", "/<type>", objects.create_object),
    ("POST", "objects", "/<type>/search", objects.search_objects),
    ("POST", "objects", "/<type>/merge", objects.merge_objects),
    ("POST", "objects", "/<type>/gdpr-delete", objects.forget_contact),
    ("POST", "objects", "/<type>/batch/read", batches.read_batch),
    ("POST", "objects", "/<type>/batch/create", batches.create_batch),
    ("POST", "objects", "/<type>/batch/update", batches.update_batch),
    ("POST", "objects", "/<type>/batch/upsert", batches.upsert_batch),
    ("POST", "objects", "/<type>/batch/archive", batches.archive_batch),
    ("GET", "objects", "/<type>/<id>", objects.get_object),
    ("PATCH", "objects", "/<type>/<id>", objects.update_object),
    ("DELETE", "objects", "/<type>/<id>", objects.archive_object),
    ("GET", "link lists", "/<type>/<id>/associations/<to>", associations.list_associations),
    ("GET", "plain links", "/<type>/<id>/associations/<to>", associations.list_plain_associations),
    (
        "PUT",
        "links",
        "/<type>/<id>/associations/default/<to>/<to_id>",
        associations.put_default_association,
    ),
    ("PUT", "links", "/<type>/<id>/associations/<to>/<to_id>", associations.put_association),
    ("DELETE", "links", "/<type>/<id>/associations/<to>/<to_id>", associations.delete_association),
    ("POST", "associations", "/<from>/<to>/batch/read", associations.read_associations),
    ("POST", "associations", "/<from>/<to>/batch/create", associations.create_associations),
    (
        "POST",
        "associations",
        "/<from>/<to>/batch/associate/default",
        associations.create_default_associations,
    ),
    ("POST", "associations", "/<from>/<to>/batch/archive", associations.archive_associations),
    ("POST", "associations", "/<from>/<to>/batch/labels/archive", associations.archive_labels),
    ("GET", "associations", "/<from>/<to>/labels", associations.list_labels),
    ("POST", "associations", "/<from>/<to>/labels", associations.create_label),
    ("GET", "properties", "/<type>", settings.list_properties),
    ("POST", "properties", "/<type>", settings.create_property),
    ("POST", "properties", "/<type>/batch/read", settings.read_properties),
    ("POST", "properties", "/<type>/batch/create", settings.create_properties),
    ("GET", "properties", "/<type>/groups", settings.list_groups),
    ("POST", "properties", "/<type>/groups", settings.create_group),
    ("GET", "properties", "/<type>/groups/<name>", settings.get_group),
    ("GET", "properties", "/<type>/<name>", settings.get_property),
    ("PATCH", "properties", "/<type>/<name>", settings.update_property),
    ("DELETE", "properties", "/<type>/<name>", settings.archive_property),
    ("GET", "pipelines", "/<type>", settings.list_pipelines),
    ("GET", "pipelines", "/<type>/<pipeline>", settings.get_pipeline),
    ("GET", "pipelines", "/<type>/<pipeline>/stages", settings.list_stages),
    ("GET", "owners", "", settings.list_owners),
    ("GET", "owners", "/<id>", settings.get_owner),
    ("GET", "campaigns", "", campaigns.list_campaigns),
    ("POST", "campaigns", "", campaigns.create_campaign),
    ("POST", "campaigns", "/batch/create", campaigns.create_campaigns),
    ("POST", "campaigns", "/batch/read", campaigns.read_campaigns),
    ("POST", "campaigns", "/batch/update", campaigns.update_campaigns),
    ("POST", "campaigns", "/batch/archive", campaigns.archive_campaigns),
    ("GET", "campaigns", "/<guid>", campaigns.get_campaign),
    ("PATCH", "campaigns", "/<guid>", campaigns.update_campaign),
    ("DELETE", "campaigns", "/<guid>", campaigns.delete_campaign),
    ("GET", "campaigns", "/<guid>/reports/contacts/<contact_type>", campaigns.report_contacts),
    ("GET", "account", "/details", settings.account_details),
    ("POST", "oauth", "/token", oauth.issue_token),
    ("GET", "oauth tokens", "/access-tokens/<token>", oauth.describe_token),
)


def route(request: Request) -> tuple[Handler, Mapping[str, str]]:
    """The handler of a request and what the path's variables hold; 404 and 405 where there is none."""
    try:
        handler, path = _routes().bind_to_environ(request.environ).match()
    except MethodNotAllowed:
        raise HubSpotError("Method Not Allowed", status=405, category=None) from None
    except HTTPException:
        raise not_found() from None
    return handler, path


@cache
def _routes() -> Map:
    """The routes of every portal; compiling them takes a tenth of a second, so it happens once."""
    return Map(list(_rules()), strict_slashes=False, merge_slashes=False)


def _rules() -> Iterator[Rule]:
    for method, area, rest, handler in _ROUTES:
        for prefix in _AREAS[area]:
            yield Rule(prefix + rest, methods=[method], endpoint=handler)
