"""Salesforce record ids, checked before they go near a URL or a query.

simple-salesforce joins an id to the URL with `urljoin`, so that an "id" such as `//host/x` would send
the bearer token to another host.
"""

from __future__ import annotations

from closedloop.mapping.ids import salesforce_id


def full_id(value: object) -> str:
    """The id in its 18-character form, in which alone ids may be compared; ValueError if it is none."""
    try:
        found = salesforce_id(value)
    except ValueError:
        found = None
    if found is None:
        raise ValueError("not a Salesforce id: expected 15 or 18 letters and digits")
    return found
