"""Numbers for Prometheus, read from the database when they are asked for: every web process gives the same.

They count; none names a person, a record or a token.
"""

from __future__ import annotations

from collections.abc import Iterator

from flask import Blueprint, Response, request
from prometheus_client import CONTENT_TYPE_LATEST, CollectorRegistry, generate_latest
from prometheus_client.core import GaugeMetricFamily
from prometheus_client.registry import Collector
from sqlalchemy import Connection, func, select
from werkzeug.exceptions import HTTPException

from closedloop_server.access import Scope, bearer, demand, identify_bearer, services
from closedloop_server.api import problems
from closedloop_server.api.problems import RequestError
from closedloop_server.operating.system import System
from closedloop_server.operating.system import system as state_of_the_system
from closedloop_server.services import Services
from closedloop_server.store.engine import reading
from closedloop_server.store.tables import delivered, deliverers, inbox, sendings
from closedloop_server.store.usage import spent

blueprint = Blueprint("metrics", __name__)


@blueprint.before_request
def _require_token() -> None:
    if identify_bearer() is None:
        raise problems.unauthorised(sent=bearer(request.headers.get("Authorization")) is not None)
    demand(Scope.OPERATE)


@blueprint.errorhandler(RequestError)
def _refused(problem: RequestError) -> Response:
    return problems.answer(problem)


@blueprint.errorhandler(HTTPException)
def _http_error(exc: HTTPException) -> Response:
    return problems.of_http(exc)


@blueprint.get("/metrics")
def metrics() -> Response:
    """The numbers in the text format of Prometheus."""
    registry = CollectorRegistry(auto_describe=False)
    registry.register(_Numbers(services()))
    response = Response(generate_latest(registry), content_type=CONTENT_TYPE_LATEST)
    response.headers["Cache-Control"] = "private, no-store"
    return response


class _Numbers(Collector):
    """What is counted, once for one request."""

    def __init__(self, services: Services) -> None:
        self._services = services

    def collect(self) -> Iterator[GaugeMetricFamily]:
        """Every number."""
        yield from _of_the_system(state_of_the_system(self._services))
        with reading(self._services.engine) as connection:
            yield _received(connection)
            yield _told(connection)
            yield _sent(connection)
            yield _failing(connection)
            yield from _calls(connection, self._services)


def _of_the_system(system: System) -> Iterator[GaugeMetricFamily]:
    labels = ("step", "connection")
    waiting = GaugeMetricFamily("closedloop_waiting", "How much waits at a step.", labels=labels)
    oldest = GaugeMetricFamily(
        "closedloop_waiting_oldest_seconds", "For how long the oldest of it has waited.", labels=labels
    )
    for each in system.backlog:
        waiting.add_metric((each.step.value, each.connection), each.count)
        if each.oldest is not None:
            age = (system.now - each.oldest).total_seconds()
            oldest.add_metric((each.step.value, each.connection), max(0.0, age))
    yield waiting
    yield oldest
    hands = GaugeMetricFamily(
        "closedloop_lease_number",
        "Grows whenever a worker takes a piece of work.",
        labels=("kind", "connection"),
    )
    for lease in system.leases:
        hands.add_metric((lease.kind, lease.connection), lease.number)
    yield hands
    if system.size is not None:
        yield GaugeMetricFamily("closedloop_database_bytes", "The database's size.", value=system.size)


def _received(connection: Connection) -> GaugeMetricFamily:
    found = GaugeMetricFamily(
        "closedloop_inbox_deliveries", "Deliveries that are kept.", labels=("connection", "state")
    )
    query = select(
        inbox.c.connection, func.count(), func.count(inbox.c.read_at), func.count(inbox.c.error)
    ).group_by(inbox.c.connection)
    for name, total, read, broken in connection.execute(query):
        found.add_metric((name, "waiting"), total - read)
        found.add_metric((name, "unreadable"), broken)
        found.add_metric((name, "read"), read - broken)
    return found


def _told(connection: Connection) -> GaugeMetricFamily:
    found = GaugeMetricFamily(
        "closedloop_told", "Values by how the CRM fared with them.", labels=("connection", "delivery")
    )
    by = (delivered.c.connection, delivered.c.delivery)
    for name, delivery, count in connection.execute(select(*by, func.count()).group_by(*by)):
        found.add_metric((name, delivery), count)
    return found


def _sent(connection: Connection) -> GaugeMetricFamily:
    found = GaugeMetricFamily("closedloop_sendings", "Webhooks to subscribers.", labels=("state",))
    query = select(sendings.c.state, func.count()).group_by(sendings.c.state)
    for state, count in connection.execute(query):
        found.add_metric((state,), count)
    return found


def _failing(connection: Connection) -> GaugeMetricFamily:
    found = GaugeMetricFamily(
        "closedloop_failing", "1 while nothing gets through to a CRM.", labels=("connection",)
    )
    for name, since in connection.execute(select(deliverers.c.connection, deliverers.c.failing_since)):
        found.add_metric((name,), 0 if since is None else 1)
    return found


def _calls(connection: Connection, services: Services) -> Iterator[GaugeMetricFamily]:
    labels = ("connection",)
    calls = GaugeMetricFamily("closedloop_crm_calls", "Calls of the last 24 hours.", labels=labels)
    budget = GaugeMetricFamily("closedloop_crm_calls_allowed", "How many are allowed.", labels=labels)
    for each in services.settings.connections:
        calls.add_metric((each.name,), spent(connection, each.name, now=services.clock()).calls)
        if each.credentials.daily_budget is not None:
            budget.add_metric((each.name,), each.credentials.daily_budget)
    yield calls
    yield budget
