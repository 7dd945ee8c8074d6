"""The people who work in HubSpot: owners. An owner's id and its user id are different numbers."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any

_FIRST_OWNER, _FIRST_USER, _FIRST_TEAM = 640_000_001, 60_000_001, 1_600_001


@dataclass(frozen=True, slots=True, kw_only=True)
class Team:
    """A team that an owner belongs to; one of an owner's teams is the primary one."""

    id: str
    name: str
    primary: bool = False

    def to_wire(self) -> dict[str, Any]:
        """The team as the owners API shows it."""
        return {"id": self.id, "name": self.name, "primary": self.primary}


@dataclass(frozen=True, slots=True, kw_only=True)
class Owner:
    """One owner; records name them by `id`, histories by `user_id`."""

    id: str
    user_id: int
    email: str
    first_name: str
    last_name: str
    created_at: str
    updated_at: str
    archived: bool = False
    teams: tuple[Team, ...] = ()

    def to_wire(self) -> dict[str, Any]:
        """The owner as the owners API shows it; an archived one has no `userId` (documentation, "Owners")."""
        user = {} if self.archived else {"userId": self.user_id}
        return {
            "id": self.id,
            "email": self.email,
            "type": "PERSON",
            "firstName": self.first_name,
            "lastName": self.last_name,
            **user,
            "userIdIncludingInactive": self.user_id,
            "createdAt": self.created_at,
            "updatedAt": self.updated_at,
            "archived": self.archived,
            **({"teams": [team.to_wire() for team in self.teams]} if self.teams else {}),
        }


class Owners:
    """All owners of the portal."""

    def __init__(self) -> None:
        self._owners: dict[str, Owner] = {}
        self._teams: dict[str, str] = {}

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
            updated_at=created_at,
        )
        self._owners[made.id] = made
        return made

    def join(self, owner_id: str, team: str, at: str) -> None:
        """Puts an owner into a team; the first one is the owner's primary one."""
        owner = self._owners[owner_id]
        number = self._teams.setdefault(team, str(_FIRST_TEAM + len(self._teams)))
        joined = Team(id=number, name=team, primary=not owner.teams)
        self._owners[owner_id] = replace(owner, teams=(*owner.teams, joined), updated_at=at)

    def archive(self, owner_id: str, at: str) -> None:
        """Deactivates an owner, whom records go on naming."""
        self._owners[owner_id] = replace(self._owners[owner_id], archived=True, updated_at=at)

    def all(self, *, archived: bool = False) -> list[Owner]:
        """The live owners, or the archived ones, oldest first."""
        return [owner for owner in self._owners.values() if owner.archived is archived]

    def get(self, owner_id: str, *, archived: bool = False) -> Owner | None:
        """The live owner with this id, or the archived one."""
        found = self._owners.get(owner_id)
        return found if found is not None and found.archived is archived else None

    def of_user(self, user_id: str) -> Owner | None:
        """The owner with this user id."""
        return next((o for o in self._owners.values() if str(o.user_id) == user_id), None)
