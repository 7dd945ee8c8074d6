"""The words of a fault plan: everything that can go wrong, in which CRM, and what can be set about it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from types import MappingProxyType

from closedloop.schema.vocabulary import CrmName


class Fault(StrEnum):
    """What goes wrong."""

    LATENCY = "latency"
    """The answer comes late."""
    TIMEOUT = "timeout"
    """No answer comes at all."""
    RESET = "reset"
    """The connection is cut."""
    TRUNCATED = "truncated"
    """The request takes effect, and the answer ends in the middle of its body."""
    DRIPPING = "dripping"
    """The request takes effect, and the body comes byte by byte."""
    PAGE = "page"
    """An HTML page comes, as from a proxy or a gateway."""
    ERROR = "error"
    """The CRM refuses the request with a status."""
    RATE_LIMIT = "rate_limit"
    """The CRM says that there were too many requests."""
    LOCKED = "locked"
    """The CRM says that somebody else holds the record."""
    UNAVAILABLE = "unavailable"
    """The CRM says that it is not available."""
    SERVER_ERROR = "server_error"
    """The CRM fails with an error of its own."""
    TOKEN_EXPIRED = "token_expired"  # noqa: S105 - no password
    """This request is told that its token has expired; the next may use it again."""
    TOKEN_REVOKED = "token_revoked"  # noqa: S105 - nor this
    """The token of this request ends for good."""
    QUOTA_EXHAUSTED = "quota_exhausted"
    """The day's allowance is used up from this request on."""
    PARTIAL_BATCH = "partial_batch"
    """Some records of a batch are refused, the others are done."""
    SLOW_INDEX = "slow_index"
    """Searches see a changed record late."""
    CLOCK_SKEW = "clock_skew"
    """The CRM's clock is wrong while it handles the request."""
    WEBHOOK_LOST = "webhook_lost"
    """A webhook event or outbound message is never sent."""
    WEBHOOK_DUPLICATED = "webhook_duplicated"
    """It is sent several times."""
    WEBHOOK_DELAYED = "webhook_delayed"
    """It is sent late."""
    WEBHOOK_SHUFFLED = "webhook_shuffled"
    """It is sent out of order: later ones overtake it."""


class Kind(StrEnum):
    """What a setting holds."""

    SECONDS = "a time such as 0.5, 200ms or 2m, {least, most}, or {median, spread}"
    SHARE = "a number from 0 to 1"
    COUNT = "a whole number from 1"
    FLAG = "true or false"
    TEXT = "text"
    STATUS = "an HTTP status from 400 to 599"
    PAGE_STATUS = "an HTTP status from 200 to 599"
    OFFSET = "a time such as 90 or -90, or -5m"
    SKEWED = "all, date or records"
    POLICY = "the name of a limit"


@dataclass(frozen=True, slots=True, kw_only=True)
class Meaning:
    """What is known of one fault. `settings` are those it takes, `required` those it cannot be without."""

    settings: Mapping[str, Kind] = field(default_factory=lambda: MappingProxyType({}))
    required: frozenset[str] = frozenset()
    crms: frozenset[CrmName] = frozenset(CrmName)
    about_requests: bool = True


POLICIES: Mapping[CrmName, tuple[str, ...]] = MappingProxyType(
    {
        CrmName.HUBSPOT: ("TEN_SECONDLY_ROLLING", "SECONDLY", "DAILY"),
        CrmName.SALESFORCE: ("TotalRequests", "ConcurrentRequests"),
    }
)
"""The limits that a CRM names in its refusals; the first one stands where a rule names none."""

SKEWED = ("all", "date", "records")
"""What a wrong clock shows in: everything, the answer's Date header alone, or the records' stamps alone."""

_WAIT = {"retry_after": Kind.COUNT, "done": Kind.FLAG}
_HUBSPOT = frozenset({CrmName.HUBSPOT})

MEANINGS: Mapping[Fault, Meaning] = MappingProxyType(
    {
        Fault.LATENCY: Meaning(
            settings={"seconds": Kind.SECONDS, "before": Kind.FLAG}, required=frozenset({"seconds"})
        ),
        Fault.TIMEOUT: Meaning(settings={"seconds": Kind.SECONDS, "done": Kind.FLAG}),
        Fault.RESET: Meaning(settings={"done": Kind.FLAG}),
        Fault.TRUNCATED: Meaning(),
        Fault.DRIPPING: Meaning(settings={"seconds": Kind.SECONDS}),
        Fault.PAGE: Meaning(settings={"status": Kind.PAGE_STATUS, "done": Kind.FLAG}),
        Fault.ERROR: Meaning(
            settings={"status": Kind.STATUS, "code": Kind.TEXT, "message": Kind.TEXT, **_WAIT},
            required=frozenset({"status"}),
        ),
        Fault.RATE_LIMIT: Meaning(settings={"policy": Kind.POLICY, **_WAIT}),
        Fault.LOCKED: Meaning(settings=_WAIT),
        Fault.UNAVAILABLE: Meaning(settings=_WAIT),
        Fault.SERVER_ERROR: Meaning(settings=_WAIT),
        Fault.TOKEN_EXPIRED: Meaning(),
        Fault.TOKEN_REVOKED: Meaning(),
        Fault.QUOTA_EXHAUSTED: Meaning(),
        Fault.PARTIAL_BATCH: Meaning(
            settings={"share": Kind.SHARE, "code": Kind.TEXT, "message": Kind.TEXT, "status": Kind.STATUS}
        ),
        Fault.SLOW_INDEX: Meaning(
            settings={"seconds": Kind.SECONDS},
            required=frozenset({"seconds"}),
            crms=_HUBSPOT,
            about_requests=False,
        ),
        Fault.CLOCK_SKEW: Meaning(
            settings={"seconds": Kind.OFFSET, "shows_in": Kind.SKEWED}, required=frozenset({"seconds"})
        ),
        Fault.WEBHOOK_LOST: Meaning(about_requests=False),
        Fault.WEBHOOK_DUPLICATED: Meaning(settings={"copies": Kind.COUNT}, about_requests=False),
        Fault.WEBHOOK_DELAYED: Meaning(
            settings={"seconds": Kind.SECONDS}, required=frozenset({"seconds"}), about_requests=False
        ),
        Fault.WEBHOOK_SHUFFLED: Meaning(settings={"seconds": Kind.SECONDS}, about_requests=False),
    }
)
"""Every fault. Those that are not about requests strike changed records and events, and take no path."""
