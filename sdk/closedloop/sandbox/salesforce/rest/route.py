"""A route of the API, and what the modules that answer share."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field

from werkzeug import Request

from closedloop.sandbox.salesforce.bulk.jobs import Steering
from closedloop.sandbox.salesforce.login.oauth import Login
from closedloop.sandbox.salesforce.login.sessions import Sessions
from closedloop.sandbox.salesforce.metadata.pace import Pace
from closedloop.sandbox.salesforce.org import Org
from closedloop.sandbox.salesforce.rest.allowances import Usage
from closedloop.sandbox.salesforce.rest.call import Answer, Call
from closedloop.sandbox.salesforce.rest.replication import Replication


@dataclass(frozen=True, slots=True, kw_only=True)
class Route:
    """Where a handler answers. `methods` are separated by blanks; a path that does not begin with
    `/services` (or `/id/`, or `/.well-known/`) is below the address of an API version. `public` ones look
    after the session themselves; `alone` ones cannot be part of a composite request (REST API Developer
    Guide, "Composite")."""

    methods: str
    path: str
    handler: Callable[[Call], Answer]
    public: bool = False
    alone: bool = False


@dataclass(slots=True, kw_only=True)
class Services:
    """What handlers may need besides the call. `inner` answers a part of a composite request."""

    org: Org
    sessions: Sessions
    login: Login
    url: Callable[[], str]
    inner: Callable[[Request], Answer]
    usage: Usage = field(default_factory=Usage)
    bulk: Steering = field(default_factory=Steering)
    deploying: Pace = field(default_factory=Pace)
    replication: Replication = field(default_factory=Replication)
