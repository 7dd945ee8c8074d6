"""The secrets of both sandboxes, made from one word: the same after every restart."""

from __future__ import annotations

import uuid
from dataclasses import dataclass
from hashlib import blake2b


@dataclass(frozen=True, slots=True)
class Keys:
    """What a word leads to; who knows the word knows them all."""

    word: str

    def salesforce(self) -> dict[str, str]:
        """The secrets that `SalesforceSandbox` takes."""
        names = ("client_secret", "session", "password", "security_token", "refresh_token")
        return {name: self.derived(f"salesforce {name}") for name in names}

    def hubspot(self) -> dict[str, str]:
        """The secrets that `HubSpotSandbox` takes, in HubSpot's forms."""
        client, refresh = (
            str(uuid.UUID(hex=self.derived(f"hubspot {name}"))) for name in ("client", "refresh")
        )
        return {
            "access_token": f"pat-na1-{self.derived('hubspot token')}",
            "client_id": client,
            "client_secret": self.derived("hubspot secret"),
            "refresh_token": refresh,
        }

    def derived(self, purpose: str) -> str:
        """A secret of 32 hexadecimal digits for a purpose."""
        return blake2b(purpose.encode(), key=self.word.encode()[:64], digest_size=16).hexdigest()
