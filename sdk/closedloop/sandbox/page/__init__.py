"""The sandbox's own page: both CRMs' records, what they were asked, and forms to decide by hand."""

from closedloop.sandbox.page.app import SandboxPage

__all__ = ["SandboxPage"]
