"""The portal's routes: every path, as it was numbered and as it is dated since March 2026."""

from __future__ import annotations

from collections.abc import Mapping
from functools import cache
from html import escape

from werkzeug import Request

from closedloop.sandbox.hubspot.rest import association_labels as rest_association_labels
from closedloop.sandbox.hubspot.rest import associations as rest_associations
from closedloop.sandbox.hubspot.rest import batches as rest_batches
from closedloop.sandbox.hubspot.rest import campaign_items as rest_campaign_items
from closedloop.sandbox.hubspot.rest import campaigns as rest_campaigns
from closedloop.sandbox.hubspot.rest import deal_splits as rest_deal_splits
from closedloop.sandbox.hubspot.rest import engagements as rest_engagements
from closedloop.sandbox.hubspot.rest import event_lists as rest_event_lists
from closedloop.sandbox.hubspot.rest import events as rest_events
from closedloop.sandbox.hubspot.rest import first_contacts as rest_first_contacts
from closedloop.sandbox.hubspot.rest import first_lists as rest_first_lists
from closedloop.sandbox.hubspot.rest import first_marketing as rest_first_marketing
from closedloop.sandbox.hubspot.rest import first_objects as rest_first_objects
from closedloop.sandbox.hubspot.rest import first_settings as rest_first_settings
from closedloop.sandbox.hubspot.rest import first_writes as rest_first_writes
from closedloop.sandbox.hubspot.rest import legacy as rest_legacy
from closedloop.sandbox.hubspot.rest import lists as rest_lists
from closedloop.sandbox.hubspot.rest import marketing_emails as rest_marketing_emails
from closedloop.sandbox.hubspot.rest import marketing_events as rest_marketing_events
from closedloop.sandbox.hubspot.rest import marketing_pages as rest_marketing_pages
from closedloop.sandbox.hubspot.rest import oauth as rest_oauth
from closedloop.sandbox.hubspot.rest import objects as rest_objects
from closedloop.sandbox.hubspot.rest import participations as rest_participations
from closedloop.sandbox.hubspot.rest import pipelines as rest_pipelines
from closedloop.sandbox.hubspot.rest import plain_associations as rest_plain_associations
from closedloop.sandbox.hubspot.rest import properties as rest_properties
from closedloop.sandbox.hubspot.rest import schemas as rest_schemas
from closedloop.sandbox.hubspot.rest import settings as rest_settings
from closedloop.sandbox.hubspot.rest import webhooks as rest_webhooks
from closedloop.sandbox.hubspot.rest.asking import Answer, Call, Handler
from closedloop.sandbox.routing import NoRouteError, Router, WrongMethodError, path_of

# Every area's path, as it was numbered and as it is dated since March 2026. The numbered ones are
# unsupported from 2027, which is not switched off.
AREAS = {
    # singer-io/tap-hubspot reads tickets under the second.
    "objects": ("/crm/v3/objects", "/crm/v4/objects", "/crm/objects/2026-03", "/crm/objects/2026-09"),
    "links": ("/crm/v4/objects", "/crm/objects/2026-03", "/crm/objects/2026-09"),
    "link lists": ("/crm/v4/objects", "/crm/objects/2026-03"),
    "plain links": ("/crm/v3/objects",),
    "deal splits": ("/crm/v3/objects/deals/splits",),
    "associations": (
        *("/crm/v4/associations", "/crm/associations/v4", "/crm/associations/2025-09"),
        *("/crm/associations/2026-03", "/crm/associations/2026-09"),
    ),
    "plain associations": ("/crm/v3/associations",),
    "properties": ("/crm/v3/properties", "/crm/properties/2026-03", "/crm/properties/2026-09"),
    "pipelines": ("/crm/v3/pipelines", "/crm/pipelines/2026-03", "/crm/pipelines/2026-09"),
    "owners": ("/crm/v3/owners", "/crm/owners/2026-03", "/crm/owners/2026-09"),
    "campaigns": (
        *("/marketing/v3/campaigns", "/marketing/campaigns/2025-09"),
        *("/marketing/campaigns/2026-03", "/marketing/campaigns/2026-09"),
    ),
    "oauth": ("/oauth/v1", "/oauth/v3", "/oauth/2026-03", "/oauth/2026-09"),
    "oauth introspection": ("/oauth/v3", "/oauth/2026-03", "/oauth/2026-09"),
    "oauth tokens": ("/oauth/v1",),
    "oauth pages": ("/oauth",),
    "schemas": (
        "/crm/v3/schemas",
        "/crm-object-schemas/v3/schemas",
        "/crm-object-schemas/2026-03/schemas",
        "/crm-object-schemas/2026-09/schemas",
    ),
    "webhooks": (
        *("/webhooks/v3", "/webhooks/2026-03"),
        *("/app-webhooks/2025-09", "/app-webhooks/2026-03", "/app-webhooks/2026-09"),
    ),
    "lists": ("/crm/v3/lists", "/crm/lists/2026-03", "/crm/lists/2026-09"),
    "events": ("/events/v3/events", "/events/event-occurrences/2026-03", "/events/event-occurrences/2026-09"),
    "emails": ("/marketing/v3/emails", "/marketing/emails/2026-03", "/marketing/emails/2026-09"),
    "marketing events": (
        "/marketing/v3/marketing-events",
        "/marketing/marketing-events/v3",
        "/marketing/marketing-events/2026-03",
        "/marketing/marketing-events/2026-09",
    ),
    "first properties": ("/properties/v1", "/properties/v2"),
    "first companies": ("/companies/v2",),
    "first deals": ("/deals/v1",),
    "first contacts": ("/contacts/v1",),
    "first associations": ("/crm-associations/v1/associations",),
    "first company batches": ("/companies/v1/batch-async",),
    "first objects": ("/crm-objects/v1/objects",),
    "first account": ("/integrations/v1",),
    "first pipelines": ("/crm-pipelines/v1/pipelines",),
    "first owners": ("/owners/v2/owners",),
    "first engagements": ("/engagements/v1/engagements",),
    "call outcomes": ("/calling/v1/dispositions",),
    "first e-mail": ("/email/public/v1",),
    "first marketing e-mails": ("/marketing-emails/v1/emails",),
    "first forms": ("/forms/v2/forms",),
    "first submissions": ("/form-integrations/v1/submissions/forms",),
    "first workflows": ("/automation/v3/workflows",),
    "forms": (
        *("/marketing/v3/forms", "/marketing/forms/2026-03", "/marketing/forms/2026-09"),
        "/marketing/forms/2026-09-beta",
    ),
    "meeting links": (
        *("/scheduler/v3/meetings/meeting-links", "/scheduler/2026-03/meetings/meeting-links"),
        "/scheduler/2026-09/meetings/meeting-links",
    ),
    "account": ("/account-info/v3", "/account-info/2026-03", "/account-info/2026-09"),
}

_MODULES = (
    *(rest_association_labels, rest_plain_associations, rest_webhooks, rest_campaign_items),
    *(rest_objects, rest_batches, rest_associations, rest_properties, rest_pipelines),
    *(rest_settings, rest_campaigns, rest_oauth, rest_schemas),
    *(rest_lists, rest_events, rest_marketing_emails, rest_marketing_events, rest_legacy),
    *(rest_marketing_pages, rest_participations),
    *(rest_engagements, rest_first_marketing, rest_first_contacts, rest_first_writes),
    *(rest_first_lists, rest_first_objects, rest_first_settings, rest_deal_splits),
    rest_event_lists,
)


_NOTHING_HERE = """<html>
<head>
<meta http-equiv="Content-Type" content="text/html;charset=utf-8"/>
<title>Error 404 Not Found</title>
</head>
<body><h2>HTTP ERROR 404 Not Found</h2>
<table>
<tr><th>URI:</th><td>{path}</td></tr>
<tr><th>STATUS:</th><td>404</td></tr>
<tr><th>MESSAGE:</th><td>Not Found</td></tr>
</table>
</body>
</html>
"""


def route(request: Request) -> tuple[Handler, Mapping[str, str]]:
    """The handler of a request and what the path's variables hold; 404 and 405 where there is none."""
    try:
        return _router().match(request.method, path_of(request))
    except WrongMethodError:
        return _wrong_method, {}
    except NoRouteError:
        return _nothing_here, {}


def _wrong_method(call: Call) -> Answer:
    """405 without a body (issue 203 of HubSpot/hubspot-php)."""
    del call
    return 405, None


def _nothing_here(call: Call) -> Answer:
    """404 with the page of HubSpot's web server. Its head was seen of many unknown paths; the rest is what
    that server shows by default."""
    return 404, _NOTHING_HERE.format(path=escape(call.request.path))


@cache
def _router() -> Router[Handler]:
    """The routes, which are the same for every portal."""
    router: Router[Handler] = Router()
    for module in _MODULES:
        for method, area, rest, handler in module.ROUTES:
            for prefix in AREAS[area]:
                router.add(method, prefix + rest, handler)
    return router
