"""Reads stored leads and opportunities once more, as other mappings would have read them."""

from __future__ import annotations

from dataclasses import fields, replace

from closedloop.errors import NormaliseError
from closedloop.mapping import Mappings
from closedloop.schema.records import Lead, Opportunity
from closedloop_server.store.rows import Key


class Rereader:
    """Reads the CRM's payload that came with a record by other mappings than `present`, which read it first.

    `unreadable` are the records that these cannot read: they stay as they are.
    """

    def __init__(self, present: Mappings, other: Mappings) -> None:
        self._present = present
        self._other = other
        self.unreadable: set[Key] = set()

    def read(self, key: Key, record: Lead | Opportunity) -> Lead | Opportunity:
        """The record as the other mappings would have it.

        Only what the two make differently of the payload is taken from it: an adapter adds things that no
        payload holds, such as the portal's currency. Nothing is left of an erased person's.
        """
        crm = record.crm
        if not record.raw or self._present.documents[crm].data == self._other.documents[crm].data:
            return record
        try:
            before = self._present.crm(crm).normalise(record.object, record.raw)
            after = self._other.crm(crm).normalise(record.object, record.raw)
        except NormaliseError:
            self.unreadable.add(key)
            return record
        changed = {
            each.name: getattr(after, each.name)
            for each in fields(record)
            if each.init and getattr(after, each.name) != getattr(before, each.name)
        }
        return replace(record, **changed)
