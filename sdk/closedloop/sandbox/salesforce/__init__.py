"""A Salesforce org in memory that speaks Salesforce's wire protocol, for tests and demonstrations.

    with SalesforceSandbox() as salesforce:
        campaign = salesforce.org.insert("Campaign", {"Name": "Autumn webinar"})
        requests.get(f"{salesforce.url}/services/data/v62.0/query?q=…", headers=…)

Nothing leaves the machine: it listens on 127.0.0.1, and sends outbound messages only where it is told to.
"""

from __future__ import annotations

import secrets
from collections.abc import Callable, Collection, Sequence
from datetime import UTC, datetime
from types import TracebackType
from typing import TYPE_CHECKING, Self

from closedloop.sandbox.disturbance import Disturbance
from closedloop.sandbox.faults import PlanLike, SkewedClock
from closedloop.sandbox.http import LocalServer
from closedloop.sandbox.salesforce.ids import long_id
from closedloop.sandbox.salesforce.login.oauth import Login
from closedloop.sandbox.salesforce.login.sessions import Sessions
from closedloop.sandbox.salesforce.org import Org
from closedloop.sandbox.salesforce.outbound import Timing
from closedloop.sandbox.salesforce.records.convert import Converted
from closedloop.sandbox.salesforce.records.seed import INTEGRATION_USER
from closedloop.sandbox.salesforce.refusal import Refusal
from closedloop.sandbox.salesforce.rest.api import Api
from closedloop.sandbox.salesforce.schema.objects import objects_of

if TYPE_CHECKING:
    from closedloop.sandbox.tls import Certificate

__all__ = ["Converted", "Disturbance", "Org", "Refusal", "SalesforceSandbox", "Timing"]

_ORGANIZATION = "00DQy0000004Snd"


def _now() -> datetime:
    return datetime.now(UTC)


class SalesforceSandbox:
    """An org and its API. As a context manager it serves, and sends outbound messages, until the end.

    `org` is the data, and what a person does with it in the pages; `access_token` is a session that is valid
    from the start, and `login` holds what gets more of them: client, user, refresh token, `public_key` (PEM)
    for JWT assertions. `sessions` ends them, by time or at once. `bulk` steers how Bulk API 2.0 jobs go,
    `deploying` how long metadata deployments take.
    The secrets are drawn unless given; `session` is the one in the first access token, behind its `!`.
    `faults` is what goes wrong by rule and by chance: a plan, or the path of a YAML file with one.

    `currencies` makes it an org with several currencies, the first of them the corporate one: then records
    have CurrencyIsoCode. An org with one, `currency`, does not tell it over REST: the recorded Organization
    of such an org has no field for it. `without` names custom fields (`Lead.Disqualified_Reason__c`) and
    objects that the org lacks, or hides from the integration user: both look the same from outside.
    `field_security` hides custom fields and objects that are added later (`org.schema`, or a deployment) from
    that user until a permission set grants them; without it the user is an administrator who sees everything.
    """

    def __init__(
        self,
        *,
        organization_id: str = _ORGANIZATION,
        name: str = "Sandbox",
        currency: str = "EUR",
        currencies: Sequence[str] = (),
        without: Collection[str] = (),
        field_security: bool = False,
        port: int = 0,
        certificate: Certificate | None = None,
        client_id: str = "sandbox-client",
        client_secret: str | None = None,
        session: str | None = None,
        password: str | None = None,
        security_token: str | None = None,
        refresh_token: str | None = None,
        public_key: str | None = None,
        clock: Callable[[], datetime] = _now,
        timing: Timing | None = None,
        faults: PlanLike | None = None,
    ) -> None:
        clock = SkewedClock(clock)
        organisation = long_id(organization_id)
        if organisation is None:
            raise ValueError(
                "organization_id must be an id of 15 or 18 letters and digits that begins with 00D"
            )
        self.organization_id: str = organisation
        self.login = Login(
            client_id=client_id,
            client_secret=client_secret or secrets.token_urlsafe(24),
            username=INTEGRATION_USER["Username"],
            password=password or secrets.token_urlsafe(12),
            security_token=security_token or secrets.token_urlsafe(12),
            public_key=public_key,
            refresh_token=refresh_token or secrets.token_urlsafe(48),
        )
        self.currency = currencies[0] if currencies else currency
        self.org = Org(
            organization_id=organisation,
            name=name,
            objects=objects_of(frozenset(without), tuple(currencies)),
            clock=clock,
            timing=timing or Timing(),
            field_security=field_security,
        )
        self.sessions = Sessions(organisation, clock)
        self.access_token = self.sessions.issue(secret=session)
        self.api = Api(self.org, self.sessions, self.login, lambda: self.url)
        self.bulk = self.api.services.bulk
        self.deploying = self.api.services.deploying
        self.received = self.api.received
        self.faults = self.org.faults
        if faults is not None:
            self.faults.use(faults)
        self._server = LocalServer(self.api, port=port, faults=self.faults, certificate=certificate)
        self.url = self._server.url

    @property
    def client_id(self) -> str:
        """The client that may get tokens."""
        return self.login.client_id

    @property
    def client_secret(self) -> str:
        """Its secret."""
        return self.login.client_secret

    def fail(self, refusal: Refusal, *, times: int = 1, path: str = "", method: str | None = None) -> None:
        """Refuses the next `times` requests whose path contains `path`, before they do anything."""
        self.faults.refuse(refusal, times=times, path=path, method=method)

    def disturb(
        self,
        what: Disturbance,
        *,
        times: int = 1,
        path: str = "",
        method: str | None = None,
        seconds: float = 0.05,
    ) -> None:
        """Lets something happen on the way of the next `times` requests whose path contains `path`."""
        self._server.disturbances.plan(what, times=times, path=path, method=method, seconds=seconds)

    def start(self) -> None:
        """Begins to answer and to send."""
        self._server.start()
        self.org.outbound.start()

    def stop(self) -> None:
        """Ends both; safe to repeat."""
        self.org.outbound.stop()
        self._server.stop()

    def __enter__(self) -> Self:
        self.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.stop()
