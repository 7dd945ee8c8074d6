"""Values that are to be told to a CRM in memory, without the loop that works them out."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from decimal import Decimal
from typing import TYPE_CHECKING, Any

import pytest

from closedloop.errors import CrmError
from closedloop.loop.feedback import CampaignFeedback, DeliveryResult, Feedback, PersonFeedback
from closedloop.schema.records import Ref
from closedloop.schema.vocabulary import DECIDED, AttributionModel, ObjectType, Outcome
from closedloop_server.pipeline.deliver import deliver
from closedloop_server.services import Services
from closedloop_server.store import feedback, leases
from closedloop_server.store.engine import reading, writing
from closedloop_server.work.kinds import Kind, Work

if TYPE_CHECKING:
    from tests.server.conftest import Loop

TELL_SALES = Work(Kind.TELL, "sales")


def person(id_: str, note: str | None = None, outcome: Outcome = Outcome.DISQUALIFIED) -> PersonFeedback:
    """What a campaign member should show."""
    return PersonFeedback(target=Ref(ObjectType.CAMPAIGN_MEMBER, id_), outcome=outcome, note=note)


def campaign(id_: str, won: int) -> CampaignFeedback:
    """What a campaign should show."""
    credit = {outcome: Decimal(won if outcome is Outcome.WON else 0) for outcome in DECIDED}
    return CampaignFeedback(campaign_id=id_, model=AttributionModel.PRIMARY, credits=credit)


class DiedError(BaseException):
    """The process ends here."""


@dataclass
class Teller:
    """Tells the connection `sales`, and may die while it does."""

    loop: Loop
    services: Services

    @property
    def crm(self) -> Any:
        return self.loop.sales

    def want(self, *values: Feedback, bulk: bool = False) -> None:
        """What publish makes of it."""
        with writing(self.loop.engine) as connection:
            feedback.desire(connection, "sales", values, now=self.loop.clock(), bulk=bulk)

    def tell(self) -> int:
        """Tells one batch."""
        return deliver(self.services, "sales")

    def tell_all(self) -> int:
        """Tells until nothing is left to be told now."""
        count = 0
        while told := self.tell():
            count += told
        return count

    def fail(self, error: CrmError) -> None:
        """Tells one batch, which comes to nothing."""
        self.crm.down = error
        with pytest.raises(type(error)):
            self.tell()
        self.crm.down = None

    def die_after_the_call(self) -> None:
        """Tells one batch; the CRM has taken it when the process ends."""
        telling = self.crm.deliver

        def dying(values: Sequence[Feedback]) -> list[DeliveryResult]:
            telling(values)
            raise DiedError

        self._with(dying)

    def die_before_the_call(self) -> None:
        """Tells one batch; the process ends before the CRM gets it."""

        def dying(_: Sequence[Feedback]) -> list[DeliveryResult]:
            raise DiedError

        self._with(dying)

    def _with(self, dying: Callable[[Sequence[Feedback]], list[DeliveryResult]]) -> None:
        telling = self.crm.deliver
        self.crm.deliver = dying
        with pytest.raises(DiedError):
            self.tell()
        self.crm.deliver = telling

    def told(self, key: str) -> int:
        """How often the CRM was told this."""
        return int(self.crm.told.count(key))

    def row(self, table: str, key: str) -> dict[str, Any]:
        (row,) = self.loop.rows(table, connection="sales", key=key)
        return row


def take_over(loop: Loop) -> Teller:
    """A worker that has just taken the work."""
    with writing(loop.engine) as connection:
        number = leases.take(connection, TELL_SALES, holder="a test", now=loop.clock())
    fenced = replace(
        loop.services, fence=lambda connection: leases.check(connection, TELL_SALES, number), lease=number
    )
    return Teller(loop, fenced)


@pytest.fixture
def teller(loop: Loop) -> Teller:
    return take_over(loop)


def read_(loop: Loop, function: Callable[..., Any], *args: Any, **kwargs: Any) -> Any:
    """What a store function finds."""
    with reading(loop.engine) as connection:
        return function(connection, *args, **kwargs)
