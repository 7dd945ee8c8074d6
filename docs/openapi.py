"""Writes openapi.json, the description of the API, from the code: `make docs`. A test compares."""

from __future__ import annotations

import json
import sys
from pathlib import Path

from flask import Flask

from closedloop_server import api

FILE = Path(__file__).with_name("openapi.json")


def document() -> str:
    """The whole file."""
    return json.dumps(api.register(Flask("openapi")).whole(), indent=2, ensure_ascii=False) + "\n"


if __name__ == "__main__":
    FILE.write_text(document(), encoding="utf-8")
    sys.stdout.write(f"{FILE.name} is written\n")
