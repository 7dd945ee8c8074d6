"""The table [webhooks] of the settings file."""

from __future__ import annotations

import ipaddress
from pathlib import Path

import pytest

from closedloop.errors import SettingsError
from closedloop_server.settings import load_settings
from closedloop_server.subscriptions.settings import WebhookSettings

CONNECTION = (
    '[connections.sales]\ncrm = "salesforce"\norganisation_id = "00D5g000004ABCD"\n'
    'login_url = "https://example.my.salesforce.com"\naccess_token = {env = "SALES_TOKEN"}\n'
)


def load(folder: Path, table: str) -> WebhookSettings:
    path = folder / "closedloop.toml"
    path.write_text(f'public_url = "https://loop.example.com"\n{table}{CONNECTION}')
    return load_settings(path).webhooks


@pytest.fixture(autouse=True)
def _token(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SALES_TOKEN", "t")


def test_without_the_table_nothing_private_is_told(tmp_path: Path) -> None:
    assert load(tmp_path, "") == WebhookSettings()
    assert WebhookSettings().allow_networks == ()


def test_everything_can_be_set(tmp_path: Path) -> None:
    table = (
        '[webhooks]\nallow_networks = ["10.1.0.0/16", "fd00:1::/64", "192.168.7.7"]\noldest_days = 1\n'
        "disable_after_days = 2\nkeep_days = 30\nraw_reasons = true\n"
    )
    assert load(tmp_path, table) == WebhookSettings(
        allow_networks=tuple(
            ipaddress.ip_network(each) for each in ("10.1.0.0/16", "fd00:1::/64", "192.168.7.7/32")
        ),
        oldest_days=1,
        disable_after_days=2,
        keep_days=30,
        raw_reasons=True,
    )


@pytest.mark.parametrize(
    ("line", "said"),
    [
        ('allow_networks = ["10.1.0.1/16"]', "expected a network such as 10.1.0.0/16"),
        ('allow_networks = ["intranet"]', "expected a network such as 10.1.0.0/16"),
        ("allow_networks = [10]", "expected a network such as 10.1.0.0/16"),
        ("oldest_days = 0", "webhooks.oldest_days: Must be"),
        ("keep_days = 1", "webhooks.keep_days: Must be"),
        ('raw_reasons = "yes"', "webhooks.raw_reasons: Not a valid boolean"),
        ("allow_all = true", "webhooks.allow_all: Unknown field"),
    ],
)
def test_what_is_wrong_is_said(tmp_path: Path, line: str, said: str) -> None:
    with pytest.raises(SettingsError) as caught:
        load(tmp_path, f"[webhooks]\n{line}\n")
    assert said in caught.value.message
