"""Where each field of a record came from: the place in the payload, the rule, what was lost on the way.

    print(crm.explain(lead))

Everything is worked out anew from `record.raw`.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from closedloop.loop.dispositions import Decision, decide
from closedloop.mapping.convert import FaultError
from closedloop.mapping.explanation import Attempt, Explanation, FieldExplanation, shown
from closedloop.mapping.given import held_by
from closedloop.mapping.inverse import Writer
from closedloop.mapping.lifecycle import Lifecycle
from closedloop.mapping.loss import lost
from closedloop.mapping.path import PayloadPath, dig
from closedloop.mapping.reasons import Reasons
from closedloop.mapping.shape import Slot, slots
from closedloop.mapping.spec import FieldSpec, LinkSpec, ObjectSpec, path_text
from closedloop.schema.records import Lead, Money, Opportunity, Record, Stage
from closedloop.schema.vocabulary import CrmName, Outcome, ReasonCode, StageMeaning

__all__ = ["Attempt", "Explainer", "Explanation", "FieldExplanation"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Explainer:
    """Explains the records of one CRM."""

    crm: CrmName
    lifecycle: Lifecycle
    reasons: Reasons

    def explain(
        self, record: Record, again: Record | None, spec: ObjectSpec, writers: Mapping[str, Writer]
    ) -> Explanation:
        """The explanation of `record`, whose payload became `again`; None if it cannot be read any more."""
        mapped = {each.name: each for each in spec.fields} | {
            f"custom.{each.name}": each for each in spec.custom
        }
        known = {**slots(record.object), **{name: writers[name].slot for name in mapped}}
        meaning, decision = self._decided(record)
        found = [
            self._field(record, again, slot, mapped.get(name), writers.get(name))
            for name, slot in known.items()
        ]
        found += [self._link(record, link) for link in spec.links]
        if isinstance(record, Stage):
            found.append(_meaning(record))
        return Explanation(
            crm=self.crm,
            ref=record.ref,
            source=spec.source,
            fields=tuple(found),
            meaning=meaning,
            decision=decision,
        )

    def _field(
        self, record: Record, again: Record | None, slot: Slot, spec: FieldSpec | None, writer: Writer | None
    ) -> FieldExplanation:
        value = held_by(record, slot.name)
        if spec is None or writer is None:
            return FieldExplanation(name=slot.name, value=value, rule="not mapped")
        tried = _tried(record.raw, spec)
        used = next((each for each in tried if each.outcome == "used"), None)
        seen = used or next((each for each in tried if each.outcome == "skipped"), None)
        code, code_rule = self._coded(record, slot.name, value)
        return FieldExplanation(
            name=slot.name,
            value=value,
            path=used.path if used else None,
            raw=seen.raw if seen else None,
            rule=_rule(spec, slot, seen) + _since(record, again, slot.name),
            lost=_lost(spec, slot, tried, seen, value),
            tried=tried,
            writable=writer.when,
            code=code,
            code_rule=code_rule,
        )

    def _link(self, record: Record, link: LinkSpec) -> FieldExplanation:
        raw = _dug(record.raw, link.path)
        return FieldExplanation(
            name=f"linked_ids.{link.crm}.{link.object}",
            value=None if _blank(raw) else raw,
            path=None if _blank(raw) else path_text(link.path),
            raw=raw,
            rule=f"the id of the same {link.object} in {link.crm.label}",
            tried=(Attempt(path=path_text(link.path), raw=raw, outcome="blank" if _blank(raw) else "used"),),
        )

    def _decided(self, record: Record) -> tuple[StageMeaning | None, Decision | None]:
        if not isinstance(record, Lead | Opportunity):
            return None, None
        category = record.custom.get("stage_category")
        meaning = self.lifecycle.meaning(self.crm, record.object, None, record.stage, category=category)
        decision = decide(record, meaning, self.reasons.match)
        return (meaning, decision) if meaning is not StageMeaning.UNKNOWN else (_told(record), decision)

    def _coded(self, record: Record, name: str, value: Any) -> tuple[ReasonCode | None, str]:
        """What the reason becomes under the outcome that it belongs to."""
        if value is None or not isinstance(record, Lead | Opportunity) or name not in _REASONS:
            return None, ""
        outcome = _REASONS[name]
        if isinstance(record, Lead):
            _, decision = self._decided(record)
            outcome = decision.outcome if decision else outcome
        match = self.reasons.match(value, outcome)
        return match.code, match.rule


_REASONS: Mapping[str, Outcome] = {
    "reason": Outcome.DISQUALIFIED,
    "won_reason": Outcome.WON,
    "lost_reason": Outcome.LOST,
}


def _told(record: Lead | Opportunity) -> StageMeaning:
    """What an opportunity's own flags say of its stage."""
    if not isinstance(record, Opportunity) or record.closed is None:
        return StageMeaning.UNKNOWN
    if not record.closed:
        return StageMeaning.OPEN
    return StageMeaning.WON if record.won else StageMeaning.LOST


def _meaning(stage: Stage) -> FieldExplanation:
    where = "lifecycle.yaml" if stage.of == "lead" else "the CRM's own flags, `closed` and `won`"
    return FieldExplanation(name="meaning", value=stage.meaning, rule=f"from {where}")


def _tried(raw: Mapping[str, Any], spec: FieldSpec) -> tuple[Attempt, ...]:
    found: list[Attempt] = []
    done = False
    for path in spec.paths or spec.join:
        value = _dug(raw, path)
        outcome = "not needed" if done else _outcome(spec, value)
        done = done or (outcome == "used" and not spec.join)
        found.append(Attempt(path=path_text(path), raw=value, outcome=outcome))
    return tuple(found)


def _outcome(spec: FieldSpec, value: Any) -> str:
    if _blank(value):
        return "blank"
    return "skipped" if spec.starts_with and not str(value).startswith(spec.starts_with) else "used"


def _dug(raw: Mapping[str, Any], path: PayloadPath) -> Any:
    try:
        return dig(raw, path)
    except FaultError:
        return None


def _blank(value: Any) -> bool:
    return value is None or value == [] or (isinstance(value, str) and not value.strip())


def _lost(spec: FieldSpec, slot: Slot, tried: Sequence[Attempt], seen: Attempt | None, value: Any) -> str:
    if seen is None or spec.join:
        return ""
    alike = slot.type is datetime or slot.name == "id"  # several forms of one thing
    differing = [] if alike else [each.path for each in tried if _says_more(each, seen)]
    others = f"what {', '.join(f'`{path}`' for path in differing)} holds" if differing else ""
    return "; ".join(filter(None, [lost(spec, slot, seen.raw, value), others]))


def _says_more(other: Attempt, seen: Attempt) -> bool:
    """Whether a place that was not needed holds something else; a label's own value is nothing else."""
    if other.outcome != "not needed" or _blank(other.raw) or other.raw == seen.raw:
        return False
    return other.path.partition(".")[2] != seen.path.partition(".")[2] or not seen.path.startswith("labels.")


def _since(record: Record, again: Record | None, name: str) -> str:
    """Says when the record does not hold what its payload becomes."""
    if not record.raw:
        return "; the record has no payload"
    if again is None:
        return "; the payload alone does not become this record"
    before, value = held_by(again, name), held_by(record, name)
    if before == value:
        return ""
    if isinstance(value, Money) and isinstance(before, Money) and before.currency is None:
        return "; the currency is the organisation's own"
    return "; said around the payload, or set later"


_AS: Mapping[str, str] = {
    "string": "as text",
    "id": "as an id",
    "guid": "as a campaign's GUID",
    "email": "as an e-mail address",
    "bool": "as true or false",
    "int": "as a whole number",
    "decimal": "as an exact number",
    "money": "as money",
    "date": "as a day",
    "datetime": "as a time in UTC",
    "list": "as choices, taken apart at `;`",
}


def _rule(spec: FieldSpec, slot: Slot, seen: Attempt | None) -> str:
    if spec.always is not None:
        return "always the same"
    if spec.join:
        return f"joined with `{spec.separator}`: {', '.join(path_text(path) for path in spec.join)}"
    if seen is None:
        return "nothing there" if slot.default is None else f"nothing there, so {shown(slot.default)}"
    return _seen_rule(spec, seen)


def _seen_rule(spec: FieldSpec, seen: Attempt) -> str:
    if seen.outcome == "skipped":
        return f"only ids that start with {spec.starts_with}"
    if spec.values is not None:
        return _word_rule(spec, seen)
    currency = f", in `{path_text(spec.currency)}`" if spec.currency else ""
    return _AS[spec.type] + currency


def _word_rule(spec: FieldSpec, used: Attempt) -> str:
    listed = {word.lower() for word in spec.values or ()}
    said = used.raw if isinstance(used.raw, str) else ""
    if said.strip().lower() in listed or not said:
        return "by the table under `values`"
    return "by `otherwise`: the table does not list it" if spec.otherwise is not None else "as it is"
