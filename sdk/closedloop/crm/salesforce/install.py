"""What Closed Loop needs in an org, and what of it is there. Nothing is changed here: an admin deploys the
package that `package` writes, after having read it.

    for change in plan(crm):
        print(change.object, change.name, change.type, "exists" if change.exists else "to be made")
    package(Path("closed-loop-package"), crm)
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from types import MappingProxyType
from typing import TYPE_CHECKING

from closedloop.crm.salesforce.change import Change
from closedloop.crm.salesforce.package import Hook, package_files
from closedloop.crm.salesforce.values import TYPES
from closedloop.errors import SettingsError
from closedloop.loop.feedback import FeedbackKind
from closedloop.schema.vocabulary import DECIDED, OUTCOME_LABELS, ObjectType

if TYPE_CHECKING:
    from closedloop.crm.salesforce.adapter import SalesforceCrm


@dataclass(frozen=True, slots=True, kw_only=True)
class _Field:
    label: str
    type: str
    help: str
    length: int | None = None
    precision: int | None = None
    scale: int | None = None
    refers_to: str | None = None


def _text(label: str, length: int, about: str) -> _Field:
    return _Field(label=label, type="Text", length=length, help=about)


def _long_text(label: str, about: str) -> _Field:
    return _Field(label=label, type="LongTextArea", length=32768, help=about)


def _number(label: str, scale: int, about: str) -> _Field:
    return _Field(label=label, type="Number", precision=18, scale=scale, help=about)


def _currency(label: str, about: str) -> _Field:
    return _Field(label=label, type="Currency", precision=18, scale=2, help=about)


def _datetime(label: str, about: str) -> _Field:
    return _Field(label=label, type="DateTime", help=about)


_PERSON: Mapping[str, _Field] = MappingProxyType(
    {
        "outcome": _text("Closed Loop Outcome", 40, "What sales decided last about this person."),
        "reason": _text("Closed Loop Reason", 80, "Why, in the words that both teams share."),
        "raw_reason": _text("Closed Loop Reason Detail", 255, "The reason as sales picked it."),
        "note": _long_text("Closed Loop Note", "What sales wrote about it."),
        "stage": _text("Closed Loop Stage", 255, "The stage or status it was decided in."),
        "decided_at": _datetime("Closed Loop Decided At", "When sales decided."),
        "decided_by": _text("Closed Loop Decided By", 255, "Who decided."),
    }
)
_CAMPAIGN: Mapping[str, _Field] = MappingProxyType(
    {
        **{
            outcome.value: _number(
                f"Closed Loop {OUTCOME_LABELS[outcome]}", 6, "Decisions credited to this campaign."
            )
            for outcome in DECIDED
        },
        "won_amount": _currency("Closed Loop Won Amount", "Credited amount of won opportunities."),
        "lost_amount": _currency("Closed Loop Lost Amount", "Credited amount of lost opportunities."),
        "top_reasons": _long_text(
            "Closed Loop Top Reasons", "Why sales decided so, the heaviest reason first."
        ),
        "last_decision_at": _datetime("Closed Loop Last Decision At", "When sales decided last."),
        "model": _text("Closed Loop Model", 40, "How credit is shared among campaigns."),
    }
)
_REASON: Mapping[str, _Field] = MappingProxyType(
    {
        "campaign": _Field(
            label="Campaign", type="Lookup", refers_to="Campaign", help="The campaign credited."
        ),
        "outcome": _text("Outcome", 40, "What sales decided."),
        "reason": _text("Reason", 80, "Why."),
        "credit": _number("Credit", 6, "The share of the decisions that is this campaign's."),
        "decisions": _number("Decisions", 0, "How many decisions touch this campaign at all."),
        "amount": _currency("Amount", "Credited amount."),
        "model": _text("Model", 40, "How credit is shared among campaigns."),
    }
)
_NEEDED: Mapping[FeedbackKind, Mapping[str, _Field]] = MappingProxyType(
    {FeedbackKind.PERSON: _PERSON, FeedbackKind.CAMPAIGN: _CAMPAIGN, FeedbackKind.REASON: _REASON}
)
_OBJECT_LABEL = "Closed Loop Campaign Reason"
_KEY_LABEL = "Closed Loop Key"

_HOOKED: Mapping[ObjectType, tuple[str, ...]] = MappingProxyType(
    {ObjectType.LEAD: ("Status",), ObjectType.OPPORTUNITY: ("StageName", "Amount", "CampaignId")}
)
"""The objects that tell of a change at once, and their standard fields that matter; polling sees the rest."""


def plan(crm: SalesforceCrm) -> tuple[Change, ...]:
    """Everything that Closed Loop writes to in this org, under the names of the mapping, there or not."""
    return tuple(change for kind in _NEEDED for change in _changes(crm, kind))


def package(
    directory: Path, crm: SalesforceCrm, *, endpoint: str | None = None, integration_user: str | None = None
) -> tuple[Path, ...]:
    """Writes a Metadata API package for `sf project deploy start --metadata-dir <directory>/deploy`.

    It holds the custom fields, the object and two permission sets; with `endpoint`, the webhook's URL,
    and the user name of `integration_user` also the flows and outbound messages that call it. A second
    package under `remove` takes fields, object and permission sets back. Returns the files written.
    """
    if (endpoint is None) != (integration_user is None):
        raise SettingsError(
            "endpoint and integration_user belong together: give both or neither", reason="half_endpoint"
        )
    hooks = tuple(_hooks(crm, endpoint, integration_user)) if endpoint and integration_user else ()
    written = []
    for name, content in package_files(plan(crm), hooks).items():
        path = directory / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(content)
        written.append(path)
    return tuple(written)


def _changes(crm: SalesforceCrm, kind: FeedbackKind) -> Iterator[Change]:
    target = crm.mapping.feedback(kind)
    if target is None:
        return
    described = crm.describes.get(target.source)
    if target.key:
        there = described is not None
        yield Change(object=target.source, name=None, label=_OBJECT_LABEL, type="CustomObject", exists=there)
        exists = described is not None and described.field(target.key) is not None
        yield Change(
            object=target.source,
            name=target.key,
            label=_KEY_LABEL,
            type="Text",
            help="Tells the row of a campaign, an outcome and a reason.",
            length=255,
            external_id=True,
            exists=exists,
        )
    for ours, field in _NEEDED[kind].items():
        if ours in target.fields:
            yield _change(crm, target.source, ours, target.fields[ours], field)


def _change(crm: SalesforceCrm, sobject: str, ours: str, theirs: str, field: _Field) -> Change:
    described = crm.describes.get(sobject)
    found = described.field(theirs) if described else None
    problem = None
    if found is not None and found.type not in TYPES[ours]:
        problem = f"it is a {found.type}, expected {' or '.join(sorted(TYPES[ours]))}"
    elif found is not None and not found.updateable:
        problem = "the integration user may not change it: assign the permission set"
    return Change(
        object=sobject,
        name=theirs,
        label=field.label,
        type=field.type,
        help=field.help,
        length=field.length,
        precision=field.precision,
        scale=field.scale,
        refers_to=field.refers_to,
        exists=found is not None,
        problem=problem,
    )


def _hooks(crm: SalesforceCrm, endpoint: str, integration_user: str) -> Iterator[Hook]:
    """What has to be sent when: a change of the fields above, or of a custom field that the mapping reads."""
    for of, standard in _HOOKED.items():
        sobject = next(iter(crm.mapping.sources(of)), None)
        described = crm.describes.get(sobject) if sobject else None
        if sobject is None or described is None:
            continue
        mapped = (described.field(path) for path in crm.mapping.fields(of) if path.endswith("__c"))
        # A formula cannot watch a long text; its change comes with that of the reason beside it.
        custom = tuple(field.name for field in mapped if field and field.type != "textarea")
        yield Hook(
            object=sobject, fields=(*standard, *custom), endpoint=endpoint, integration_user=integration_user
        )
