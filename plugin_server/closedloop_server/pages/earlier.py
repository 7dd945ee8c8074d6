"""Pages about an earlier time lead to pages about the same time."""

from __future__ import annotations

from typing import Any

from flask import has_request_context, request

from closedloop_server.pages.site import blueprint

_REPORTS = frozenset(
    f"pages.{name}" for name in ("campaigns", "campaign", "decisions", "unattributed", "unmapped")
)


@blueprint.url_defaults
def _stay_in_the_past(endpoint: str, values: dict[str, Any]) -> None:
    """Every link between reports keeps the time that is looked at, but for those that say another one."""
    if endpoint in _REPORTS and has_request_context() and request.endpoint in _REPORTS:
        values.setdefault("as_of", request.args.get("as_of") or None)
