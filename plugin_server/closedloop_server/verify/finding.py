"""What a check can find."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum


class Check(StrEnum):
    """What is checked."""

    LEDGER = "ledger"  # entries are numbered without a gap, in the order in which they were learned
    VERSIONS = "versions"  # the mappings that decided are kept, and can decide again
    STANDINGS = "standings"  # each points to the newest entry of its lead or opportunity, and says the same
    CREDITS = "credits"  # the shares of each decided entry that holds sum to 1, under every model
    TOUCHES = "touches"  # only a decided entry that holds has touches
    PAST = "past"  # what was known at any time summed to 1 as well
    TOTALS = "totals"  # all decisions that stand are credited or unattributed
    DERIVED = "derived"  # deriving everything anew writes nothing
    SHOWN = "shown"  # what campaigns and people should show follows from the ledger


@dataclass(frozen=True, slots=True, kw_only=True, order=True)
class Finding:
    """Something that is not as it must be. It names ids, and nothing personal."""

    check: Check
    where: str
    message: str

    def __str__(self) -> str:
        return f"{self.check}: {self.where}: {self.message}"
