"""What a server writes into its log: where something happened and why, never with what or about whom."""

from __future__ import annotations

import logging

FORMAT = "%(asctime)s %(levelname)s %(name)s %(message)s"

CHATTY = (
    "alembic",
    "asyncio",
    "hubspot",
    "procrastinate",
    "psycopg",
    "requests",
    "simple_salesforce",
    "sqlalchemy",
    "urllib3",
    "waitress",
    "werkzeug",
    "zeep",
)
"""Libraries that, asked for more than warnings, write down addresses with ids in them, rows, or bodies."""


def write_log(level: int = logging.INFO) -> None:
    """Has this process write its log to standard error, and the libraries no more than their warnings."""
    logging.basicConfig(level=level, format=FORMAT)
    for name in CHATTY:
        logging.getLogger(name).setLevel(logging.WARNING)
