"""What a batch read says of the ids that were asked for: there, gone, or merged into another record."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

from closedloop.crm.hubspot.answers import (
    Json,
    errors_of,
    identified,
    item_error,
    names_of,
    results_of,
)
from closedloop.crm.hubspot.batches import unanswered
from closedloop.crm.hubspot.ids import is_record_id
from closedloop.crm.hubspot.payloads import merged_into
from closedloop.errors import CrmError, GoneError, MergedError, RefusedError
from closedloop.schema.vocabulary import ObjectType


@dataclass(slots=True)
class Looked:
    """What a batch read brought of the ids asked for: payloads, or the errors that stand in the way."""

    payloads: dict[str, Json] = field(default_factory=dict)
    errors: dict[str, CrmError] = field(default_factory=dict)


def read(ids: Sequence[str], answer: object) -> tuple[Looked, list[str]]:
    """What a batch read's answer says of the ids, and those that it does not mention.

    A merged id is answered with the survivor, under the survivor's id. Recorded 207s name missing ids in
    `context.ids`.
    """
    found = {str(payload["id"]): payload for payload in identified(results_of(answer))}
    looked = Looked(payloads={each: found[each] for each in ids if each in found})
    for told in errors_of(answer):
        error = item_error(told)
        if not isinstance(error, RefusedError):
            raise error
        looked.errors.update({each: error for each in names_of(told) if each not in looked.payloads})
    silent: list[str] = []
    for each in ids:
        if each not in looked.payloads and each not in looked.errors:
            survivor = next((new for new, payload in found.items() if each in merged_into(payload)), None)
            if survivor is None:
                silent.append(each)
            else:
                looked.errors[each] = merged(survivor)
    return looked, silent


def alone(of: ObjectType, id_: str, answer: object) -> CrmError:
    """Why a record that was asked for by itself is not there."""
    survivor = next((str(payload["id"]) for payload in identified(results_of(answer))), None)
    if survivor == id_:
        return unanswered()  # it is there after all, though the batch left it out
    if survivor is not None:
        return merged(survivor) if is_record_id(survivor) else unanswered()
    return next((item_error(told) for told in errors_of(answer)), gone(of))


def gone(of: ObjectType) -> GoneError:
    """The error of a record that HubSpot does not have."""
    return GoneError(
        f"HubSpot has no {of} of this id: it was deleted, or never existed",
        reason="gone",
        status=404,
        code="OBJECT_NOT_FOUND",
    )


def merged(survivor: str) -> MergedError:
    """The error of a record that was merged into another one."""
    return MergedError(
        "the record was merged into another one: use the id in `merged_into`", merged_into=survivor
    )
