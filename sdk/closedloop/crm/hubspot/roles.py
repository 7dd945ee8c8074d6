"""Writes contact roles: the associations of deals with contacts, and their labels."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field

from closedloop.crm.hubspot.answers import Json
from closedloop.crm.hubspot.ids import pair_of
from closedloop.crm.hubspot.links import Links, pair, parting, spec
from closedloop.crm.hubspot.payloads import is_primary_kind, kinds_of
from closedloop.crm.hubspot.read import CHUNK, Reader
from closedloop.crm.hubspot.sending import Sending
from closedloop.crm.hubspot.writing import Ledger, concerns_one, partly
from closedloop.crm.results import Draft, Verb, WriteOutcome
from closedloop.errors import (
    BadValueError,
    ClosedLoopError,
    CrmError,
    GoneError,
    UnsupportedError,
    ValueRefusedError,
)
from closedloop.schema.vocabulary import ObjectType


@dataclass(frozen=True, slots=True, kw_only=True)
class _Role:
    """One role on its way. `old` are its present labels."""

    place: int
    deal: str
    contact: str
    kind: Json = field(default_factory=dict)
    old: tuple[Json, ...] = ()

    @property
    def id(self) -> str:
        return f"{self.deal}/{self.contact}"

    def end(self) -> Json:
        """The association as the call that ends it takes it."""
        return parting(self.deal, self.contact)


class RoleWriter:
    """Writes contact roles."""

    def __init__(self, reader: Reader, links: Links) -> None:
        self._client, self._reader, self._links = reader.client, reader, links
        self._deals = reader.mapping.source(ObjectType.OPPORTUNITY)
        self._contacts = reader.mapping.source(ObjectType.CONTACT)

    def write(self, verb: Verb, drafts: Sequence[Draft], ledger: Ledger) -> None:
        """Makes, labels or ends the associations."""
        match verb:
            case Verb.CREATE:
                self._create(drafts, ledger)
            case Verb.UPDATE:
                self._update(drafts, ledger)
            case Verb.DELETE:
                self._delete(drafts, ledger)
            case Verb.UPSERT:
                raise UnsupportedError(
                    "contact roles need no upsert: to create one that exists already changes nothing",
                    reason="no_upsert",
                )

    def _create(self, drafts: Sequence[Draft], ledger: Ledger) -> None:
        rows: list[_Role] = []
        for place, draft in enumerate(drafts):
            try:
                deal, contact = (_required(draft, name) for name in ("opportunity_id", "contact_id"))
                rows.append(_Role(place=place, deal=deal, contact=contact, kind=self._kind(draft)))
            except ClosedLoopError as error:
                if not concerns_one(error):
                    raise
                ledger.fail(place, error)
        self._associate(rows, WriteOutcome.CREATED, ledger)

    def _update(self, drafts: Sequence[Draft], ledger: Ledger) -> None:
        """A role has one label: the new one takes the place of the old ones."""
        pairs = {place: pair_of(str(draft.id)) or ("", "") for place, draft in enumerate(drafts)}
        present = self._present([deal for deal, _ in pairs.values()])
        rows: list[_Role] = []
        for place, draft in enumerate(drafts):
            deal, contact = pairs[place]
            try:
                rows.append(self._changed(place, deal, contact, draft, present.get((deal, contact))))
            except ClosedLoopError as error:
                if not concerns_one(error):
                    raise
                ledger.fail(place, error, draft.id)
        self._associate(rows, WriteOutcome.UPDATED, ledger)
        self._unlabel([row for row in rows if row.old and _is_done(ledger, row)], ledger)

    def _changed(self, place: int, deal: str, contact: str, draft: Draft, kinds: list[Json] | None) -> _Role:
        moved = next((name for name in ("opportunity_id", "contact_id") if name in draft.values), None)
        if moved is not None:
            raise UnsupportedError(
                f"{moved} of a contact role never changes: delete the role and create another",
                field=moved,
                reason="create_only",
            )
        if kinds is None:
            raise GoneError(
                "HubSpot does not associate this contact with this deal", reason="gone", status=404
            )
        new = self._kind(draft)
        old = [kind for kind in kinds if kind.get("label") and not is_primary_kind(kind)]
        stale = tuple(spec(kind) for kind in old if kind.get("typeId") != new["associationTypeId"])
        return _Role(place=place, deal=deal, contact=contact, kind=new, old=stale)

    def _delete(self, drafts: Sequence[Draft], ledger: Ledger) -> None:
        pairs = [pair_of(str(draft.id)) or ("", "") for draft in drafts]
        rows = [_Role(place=place, deal=deal, contact=contact) for place, (deal, contact) in enumerate(pairs)]
        ending = self._links.ending(
            self._deals, self._contacts, _settling(ledger, WriteOutcome.DELETED, known=True)
        )
        ending.send_all(rows, CHUNK)
        ledger.stopped = ending.stopped

    def _associate(self, rows: Sequence[_Role], outcome: WriteOutcome, ledger: Ledger) -> None:
        sending = Sending[_Role](
            send=lambda inputs: self._client.associate(self._deals, self._contacts, inputs),
            of=lambda row: pair(row.deal, row.contact, [row.kind]),
            settle=_settling(ledger, outcome, known=outcome is not WriteOutcome.CREATED),
        )
        sending.send_all(rows, CHUNK)
        ledger.stopped = sending.stopped

    def _unlabel(self, rows: Sequence[_Role], ledger: Ledger) -> None:
        """Takes the old labels off the roles that have their new ones."""
        for start in range(0, len(rows), CHUNK):
            chunk = rows[start : start + CHUNK]
            error: CrmError | None = ledger.stopped
            if error is None:
                error = ledger.stopped = self._unlabelled(chunk)
            if error is not None:
                for row in chunk:
                    ledger.fail(row.place, partly(error, "the end of the old role"), row.id)

    def _unlabelled(self, rows: Sequence[_Role]) -> CrmError | None:
        try:
            inputs = [pair(row.deal, row.contact, row.old) for row in rows]
            self._client.unlabel(self._deals, self._contacts, inputs)
        except CrmError as error:
            return error
        return None

    def _present(self, deals: Sequence[str]) -> dict[tuple[str, str], list[Json]]:
        """The kinds of association of each deal with each of its contacts."""
        found = self._reader.associated(self._deals, self._contacts, list(dict.fromkeys(deals)))
        return {
            (deal, str(target.get("toObjectId"))): kinds_of(target)
            for deal, targets in found.items()
            for target in targets
        }

    def _kind(self, draft: Draft) -> Json:
        """The kind of association of this role; that without a label for none."""
        role = draft.values.get("role")
        if role is None:
            return self._links.plain(self._deals, self._contacts)
        for attempt in range(2):
            found = list(self._named(str(role)))
            if len(found) == 1:
                return spec(found[0])
            if attempt == 0:  # an admin may have made the label just now
                self._links.forget(self._deals, self._contacts)
        labels = [kind for kind in self._links.kinds(self._deals, self._contacts) if kind.get("label")]
        raise ValueRefusedError(
            f"role is none of the {len(labels)} labels that this portal has for a deal's contacts: make it "
            f"in HubSpot's settings, or leave it out",
            fields=("label",),
            reason="unknown_option",
        )

    def _named(self, role: str) -> Iterator[Json]:
        kinds = self._links.kinds(self._deals, self._contacts)
        exact = [kind for kind in kinds if kind.get("label") == role]
        alike = [kind for kind in kinds if str(kind.get("label") or "").casefold() == role.casefold()]
        return iter(exact or alike)


def _settling(
    ledger: Ledger, outcome: WriteOutcome, *, known: bool
) -> Callable[[_Role, Json | None, CrmError | None], None]:
    """`known`: there was such a role before, so that its id is told even if the writing fails."""

    def settle(row: _Role, _: Json | None, error: CrmError | None) -> None:
        if error is None:
            ledger.done(row.place, outcome, row.id)
        else:
            ledger.fail(row.place, error, row.id if known else None)

    return settle


def _required(draft: Draft, name: str) -> str:
    value = draft.values.get(name)
    if value is None:
        raise BadValueError(f"a contact role needs {name}", field=name, reason="required")
    return str(value)


def _is_done(ledger: Ledger, row: _Role) -> bool:
    result = ledger.result(row.place)
    return result is not None and result.ok
