"""The people who work in HubSpot: owners. An owner's id and its user id are different numbers."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

_FIRST_OWNER, _FIRST_USER = 640_000_001, 60_000_001


@dataclass(frozen=True, slots=True, kw_only=True)
class Owner:
    """One owner; records name them by `id`, histories by `user_id`."""

    id: str
    user_id: int
    email: str
    first_name: str
    last_name: str
    created_at: str

    def to_wire(self) -> dict[str, Any]:
        """The owner as the owners API shows it."""
        return {
            "id": self.id,
            "email": self.email,
            "type": "PERSON",
            "firstName": self.first_name,
            "lastName": self.last_name,
            "userId": self.user_id,
            "userIdIncludingInactive": self.user_id,
            "createdAt": self.created_at,
            "updatedAt": self.created_at,
            "archived": False,
        }


class Owners:
    """All owners of the portal."""

    def __init__(self) -> None:
        self._owners: dict[str, Owner] = {}

    def add(self, email: str, first_name: str, last_name: str, created_at: str) -> Owner:
        """Makes an owner."""
        number = len(self._owners)
        made = Owner(
            id=str(_FIRST_OWNER + number),
            user_id=_FIRST_USER + number,
            email=email,
            first_name=first_name,
            last_name=last_name,
            created_at=created_at,
        )
        self._owners[made.id] = made
        return made

    def all(self) -> list[Owner]:
        """Every owner, oldest first."""
        return list(self._owners.values())

    def get(self, owner_id: str) -> Owner | None:
        """The owner with this id."""
        return self._owners.get(owner_id)

    def of_user(self, user_id: str) -> Owner | None:
        """The owner with this user id."""
        return next((o for o in self._owners.values() if str(o.user_id) == user_id), None)
