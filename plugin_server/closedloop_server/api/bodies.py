"""The whole answers of the resources; `answers` has the parts."""

from __future__ import annotations

from typing import Any

from marshmallow import INCLUDE, fields

from closedloop.loop.attribution import CAUSES, Cause
from closedloop.schema.vocabulary import AttributionModel, Category, Outcome, ReasonCode
from closedloop_server.api.answers import (
    CampaignAnswer,
    DispositionAnswer,
    ReconciliationAnswer,
    TallyAnswer,
    ToldAnswer,
    UnmappedAnswer,
)
from closedloop_server.api.fields import Answer, CampaignId, Instant


class Problem(Answer):
    """Why a request was refused: a slug for programs, a sentence for people."""

    error = fields.String(metadata={"examples": ["unknown_argument"]})
    message = fields.String(metadata={"examples": ["unknown arguments: colour; this resource takes: model"]})


class AsOf(Instant):
    """The time whose knowledge this is; null: what is known now."""

    def __init__(self) -> None:
        super().__init__(allow_none=True)


class PageAnswer(Answer):
    """A part of a list. `next_cursor` is null on the last page."""

    next_cursor = fields.String(allow_none=True)


class CampaignsAnswer(PageAnswer):
    """Campaigns with what sales did with the people of each."""

    model = fields.Enum(AttributionModel, by_value=True)
    as_of = AsOf()
    campaigns = fields.List(fields.Nested(CampaignAnswer))
    count = fields.Integer()
    totals = fields.Nested(ReconciliationAnswer)


class CampaignInFullAnswer(CampaignAnswer):
    """One campaign, and what its own record in the CRM was told."""

    told = fields.Nested(ToldAnswer, allow_none=True)


class OneCampaignAnswer(Answer):
    """One campaign under one attribution model."""

    model = fields.Enum(AttributionModel, by_value=True)
    as_of = AsOf()
    campaign = fields.Nested(CampaignInFullAnswer)


class DispositionsAnswer(PageAnswer):
    """Decisions, the newest first, and what all of them add up to, whichever page this is."""

    model = fields.Enum(AttributionModel, by_value=True)
    as_of = AsOf()
    sum = fields.Nested(TallyAnswer)
    dispositions = fields.List(fields.Nested(DispositionAnswer))


class CampaignDispositionsAnswer(DispositionsAnswer):
    """The decisions behind one campaign's numbers."""

    campaign = CampaignId()


class CauseAnswer(TallyAnswer):
    """What no campaign is credited with for one cause: a pair of the cause and its tally."""

    cause = fields.Enum(Cause, by_value=True)
    meaning = fields.Function(lambda pair: CAUSES[pair[0]], metadata={"type": "string"})

    def get_attribute(self, obj: Any, attr: str, default: Any) -> Any:
        """The cause is the first of the pair, the rest is in the tally."""
        cause, tally = obj
        return cause if attr == "cause" else super().get_attribute(tally, attr, default)


class UnattributedAnswer(DispositionsAnswer):
    """What no campaign is credited with, by cause, and the decisions behind it."""

    totals = fields.Nested(ReconciliationAnswer)
    causes = fields.List(fields.Nested(CauseAnswer))


class OutcomeMeaning(Answer):
    """One outcome of the vocabulary."""

    code = fields.Enum(Outcome, by_value=True)
    label = fields.String()
    meaning = fields.String()


class ReasonMeaning(Answer):
    """One reason code of the vocabulary."""

    code = fields.Enum(ReasonCode, by_value=True)
    label = fields.String()
    meaning = fields.String()
    next_action = fields.String()
    category = fields.Enum(Category, by_value=True)


class ReasonsAnswer(Answer):
    """The vocabulary, and the raw reasons without a code."""

    as_of = AsOf()
    outcomes = fields.List(fields.Nested(OutcomeMeaning))
    reasons = fields.List(fields.Nested(ReasonMeaning))
    unmapped = fields.List(fields.Nested(UnmappedAnswer))


class DocumentAnswer(Answer):
    """An OpenAPI document."""

    class Meta:
        unknown = INCLUDE

    openapi = fields.String(metadata={"examples": ["3.1.0"]})
    info = fields.Dict()
    paths = fields.Dict()
