"""Has refused values told again when what they were refused for may be mended."""

from __future__ import annotations

import logging
from datetime import datetime, timedelta

from closedloop.errors import CrmError
from closedloop_server.services import Services
from closedloop_server.store import deliverers, refused
from closedloop_server.store.engine import reading

LOOKS = timedelta(hours=1)
"""How often the CRM is asked what it says of the fields, while something is refused."""

log = logging.getLogger(__name__)


def mind_refusals(services: Services, name: str) -> datetime | None:
    """Has everything that was refused told again if the CRM's admin changed something about the fields that
    are written to; returns when to look again, or None where nothing is refused.

    Costs the calls of a describe, and none while the adapter still knows what it said.
    """
    now = services.clock()
    with reading(services.engine) as connection:
        if not refused.anything(connection, name):
            return None
        before, looked_at = deliverers.form(connection, name)
    if looked_at is not None and now - looked_at < LOOKS:
        return looked_at + LOOKS
    form = _form(services, name)
    with services.writing() as connection:
        deliverers.keep_form(connection, name, form, now=now)
        if form is not None and before is not None and form != before:
            count = refused.try_again(connection, name)
            log.info("the fields of %s have changed: %d refused values are told again", name, count)
            return now
    return now + LOOKS


def _form(services: Services, name: str) -> str | None:
    try:
        return services.crms[name].feedback_form()
    except CrmError as error:
        log.info("%s does not say what it takes: %s", name, error.reason)
        return None
