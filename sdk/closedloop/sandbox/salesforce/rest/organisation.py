"""The endpoints about the org itself: versions, resources, limits, counts."""

from __future__ import annotations

from collections.abc import Callable, Mapping

from closedloop.sandbox.salesforce.rest import versions
from closedloop.sandbox.salesforce.rest.call import Answer, Call
from closedloop.sandbox.salesforce.rest.route import Route, Services

# REST API Developer Guide, "List Available REST Resources", in its order. Most of them are not imitated.
_RESOURCES = (
    *("tooling", "metadata", "eclair", "folders", "prechatForms", "contact-tracing", "jsonxform", "chatter"),
    *("payments", "tabs", "appMenu", "quickActions", "queryAll", "commerce", "wave", "iot", "analytics"),
    *("search", "smartdatadiscovery", "identity", "composite", "parameterizedSearch", "fingerprint", "theme"),
    *("nouns", "domino", "event", "serviceTemplates", "recent", "connect", "licensing", "limits", "process"),
    *("dedupe", "async-queries", "query", "jobs", "localizedvalue", "mobile", "emailConnect", "consent"),
    *("tokenizer", "compactLayouts", "async", "sobjects", "actions", "support"),
)
# What an org without pages has none of (REST API Developer Guide, "Themes", "Tabs", "Quick Actions",
# "AppMenu", "Process Rules", "Process Approvals"; jsforce asks for the first three).
_NOTHING: Mapping[str, object] = {
    "/theme": {"themeItems": []},
    "/tabs": [],
    "/quickActions": [],
    "/appMenu/AppSwitcher": {"appMenuItems": []},
    "/process/rules": {"rules": {}},
    "/process/approvals": {"approvals": {}},
}


def routes(services: Services) -> tuple[Route, ...]:
    """Where each endpoint is."""

    def limits(_: Call) -> Answer:
        return Answer(body=services.usage.limits())

    return (
        Route(methods="GET", path="/services/data", handler=_versions, public=True),
        Route(methods="GET", path="/", handler=_resources),
        Route(methods="GET", path="/limits", handler=limits),
        Route(methods="GET", path="/limits/recordCount", handler=_record_count),
        Route(methods="GET", path="/recent", handler=_recent),
        *(Route(methods="GET", path=path, handler=_showing(body)) for path, body in _NOTHING.items()),
    )


def _showing(body: object) -> Callable[[Call], Answer]:
    return lambda _: Answer(body=body)


def _versions(_: Call) -> Answer:
    return Answer(body=versions.listing())


def _resources(call: Call) -> Answer:
    """The addresses under one version."""
    body = {name: f"/services/data/v{call.version}/{name}" for name in _RESOURCES}
    identity = f"{call.url}/id/{call.org.organization_id}/{call.user}"
    return Answer(body=body | {"identity": identity})


def _recent(_: Call) -> Answer:
    """What the user viewed lately: a program has no pages to view anything in."""
    return Answer(body=[])


def _record_count(call: Call) -> Answer:
    """How many records the objects asked for have; those that have none are left out (recorded)."""
    names = [name for name in (call.argument("sObjects") or "").split(",") if name]
    objects = call.org.objects
    kinds = [k for k in map(objects.find, names) if k] if names else list(objects)
    counts = [(kind.name, sum(1 for _ in call.org.tables.rows(kind.name))) for kind in kinds]
    return Answer(body={"sObjects": [{"count": count, "name": name} for name, count in counts if count]})
