"""Where the server's own books say that the standing decisions went, for the totals."""

from __future__ import annotations

from collections import defaultdict
from decimal import Decimal

from sqlalchemy import Engine, and_, select

from closedloop.loop.feedback import Delivery, FeedbackKind
from closedloop.schema.vocabulary import AttributionModel
from closedloop_server.demo.result import Books
from closedloop_server.store.engine import reading
from closedloop_server.store.tables import credits_, delivered, desired, standings


def keep_books(engine: Engine, model: AttributionModel) -> Books:
    """Adds up the credit of the standing decisions by what became of the campaigns it went to."""
    campaign = and_(
        desired.c.connection == credits_.c.campaign_connection,
        desired.c.campaign_id == credits_.c.campaign_id,
        desired.c.kind == FeedbackKind.CAMPAIGN.value,
    )
    told = and_(
        delivered.c.connection == desired.c.connection,
        delivered.c.key == desired.c.key,
        delivered.c.digest == desired.c.digest,
    )
    standing = credits_.join(standings, standings.c.ledger_id == credits_.c.ledger_id)
    query = (
        select(credits_.c.share, credits_.c.campaign_id, credits_.c.cause, delivered.c.delivery)
        .select_from(standing.outerjoin(desired, campaign).outerjoin(delivered, told))
        .where(credits_.c.model == model.value)
    )
    sums = dict.fromkeys((*Delivery, None), Decimal(0))
    causes: dict[str, Decimal] = defaultdict(Decimal)
    with reading(engine) as connection:
        for share, campaign_id, cause, state in connection.execute(query):
            if campaign_id:
                sums[Delivery(state) if state else None] += share
            else:
                causes[cause] += share
    return Books(
        delivered=sums[Delivery.DELIVERED],
        causes=causes,
        waiting=sums[Delivery.RETRY] + sums[None],
        refused=sums[Delivery.REFUSED],
    )
