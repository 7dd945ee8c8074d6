"""Where requests that hold several others are sent."""

from __future__ import annotations

from collections.abc import Callable

from closedloop.sandbox.salesforce.rest.call import Answer, Call
from closedloop.sandbox.salesforce.rest.composite import Inner, composite
from closedloop.sandbox.salesforce.rest.composite_batch import batch
from closedloop.sandbox.salesforce.rest.composite_graph import graphs
from closedloop.sandbox.salesforce.rest.composite_tree import tree
from closedloop.sandbox.salesforce.rest.route import Route, Services

_RESOURCES = ("tree", "batch", "sobjects", "graph")


def routes(services: Services) -> tuple[Route, ...]:
    """Their addresses. None of them can be part of another one."""

    def with_inner(handler: Callable[[Call, Inner], Answer]) -> Callable[[Call], Answer]:
        return lambda call: handler(call, services.inner)

    return (
        Route(methods="GET", path="/composite", handler=_resources, alone=True),
        Route(methods="POST", path="/composite", handler=with_inner(composite), alone=True),
        Route(methods="POST", path="/composite/graph", handler=with_inner(graphs), alone=True),
        Route(methods="POST", path="/composite/batch", handler=with_inner(batch), alone=True),
        Route(methods="POST", path="/composite/tree/<sobject>", handler=tree, alone=True),
    )


def _resources(call: Call) -> Answer:
    """GET: the addresses below this one."""
    base = f"/services/data/v{call.version}/composite"
    return Answer(body={name: f"{base}/{name}" for name in _RESOURCES})
