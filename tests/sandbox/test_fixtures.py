"""The pytest plugin, as somebody else's tests use it."""

from __future__ import annotations

import subprocess
import sys
from importlib import import_module

import pytest

from closedloop.testing import fixtures

pytest_plugins = ["pytester"]

PLUGIN = "closedloop.testing.fixtures"
# pytester forgets after each run what was imported during it: so that it is not imported every time.
for _name in ("testing.ready", "sandbox.filling", "crm.salesforce.client", "crm.hubspot.client"):
    import_module(f"closedloop.{_name}")
import_module("hubspot.crm.contacts")


@pytest.fixture
def run(pytester: pytest.Pytester, pytestconfig: pytest.Config) -> pytest.Pytester:
    """A project whose tests are to be run with the plugin, and with every warning an error."""
    # A package that was installed before it had the entry point does not offer the plugin by itself.
    plugin = "" if pytestconfig.pluginmanager.has_plugin(PLUGIN) else f"-p {PLUGIN}"
    options = f"--strict-markers -p no:cacheprovider {plugin}"
    pytester.makeini(f"[pytest]\nfilterwarnings = error\naddopts = {options}\n")
    return pytester


def passes(pytester: pytest.Pytester, source: str, **outcomes: int) -> pytest.RunResult:
    pytester.makepyfile(source)
    result = pytester.runpytest_inprocess()
    result.assert_outcomes(**(outcomes or {"passed": 1}))
    return result


def test_both_sandboxes_are_ready_with_every_client(run: pytest.Pytester) -> None:
    passes(
        run,
        """
        def test(closedloop_sandbox):
            salesforce, hubspot = closedloop_sandbox.salesforce, closedloop_sandbox.hubspot
            made = salesforce.client.Lead.create({"LastName": "Meyer", "Company": "Acme"})
            assert [lead.id for lead in salesforce.crm.leads.list()] == [made["id"]]
            assert salesforce.org.get("Lead", made["id"])["Company"] == "Acme"

            contact = hubspot.portal.create("contacts", {"email": "meyer@example.com"})
            assert hubspot.client.crm.contacts.basic_api.get_by_id(contact).id == contact
            assert hubspot.crm.contacts.get(contact).email == "meyer@example.com"

            assert salesforce.faults.log == hubspot.faults.log == ()
        """,
    )


def test_one_sandbox_is_enough(run: pytest.Pytester) -> None:
    passes(
        run,
        """
        def test_salesforce(closedloop_salesforce):
            assert closedloop_salesforce.client.query("SELECT Id FROM Lead")["totalSize"] == 0
            closedloop_salesforce.org.insert("Lead", {"LastName": "Meyer", "Company": "Acme"})

        def test_it_is_fresh(closedloop_salesforce):
            assert closedloop_salesforce.org.rows("Lead") == []

        def test_hubspot(closedloop_hubspot):
            assert list(closedloop_hubspot.crm.contacts.list()) == []
        """,
        passed=3,
    )


def test_a_session_takes_the_real_addresses_to_the_sandboxes(run: pytest.Pytester) -> None:
    passes(
        run,
        """
        def test(closedloop_sandbox):
            salesforce, hubspot = closedloop_sandbox.salesforce, closedloop_sandbox.hubspot
            for session in (closedloop_sandbox.session, hubspot.session):
                answer = session.get(
                    "https://api.hubapi.com/crm/v3/objects/contacts?limit=1",
                    headers={"Authorization": f"Bearer {hubspot.access_token}"},
                )
                assert answer.json()["results"] == []
                assert answer.url == answer.request.url == (
                    "https://api.hubapi.com/crm/v3/objects/contacts?limit=1"
                )
            for session in (closedloop_sandbox.session, salesforce.session):
                answer = session.post(
                    "https://acme.my.salesforce.com/services/oauth2/token",
                    data={
                        "grant_type": "client_credentials",
                        "client_id": salesforce.credentials["client_id"],
                        "client_secret": salesforce.credentials["client_secret"],
                    },
                )
                assert answer.json()["access_token"]
        """,
    )


def test_code_that_makes_its_own_clients_runs_as_it_is(run: pytest.Pytester) -> None:
    passes(
        run,
        """
        import pytest
        import requests
        from hubspot import HubSpot
        from simple_salesforce import Salesforce

        def test(closedloop_detour):
            login = closedloop_detour.salesforce.sandbox.login
            client = Salesforce(
                username=login.username, password=login.password, security_token=login.security_token
            )
            assert client.query("SELECT Id FROM Lead")["totalSize"] == 0
            hubspot = HubSpot(access_token=closedloop_detour.hubspot.access_token)
            assert hubspot.crm.contacts.basic_api.get_page().results == []

        def test_other_addresses_stay(closedloop_detour):
            other = closedloop_detour.hubspot.url.replace("127.0.0.1", "localhost")
            assert closedloop_detour.detour.of(other) == other
            assert closedloop_detour.detour.of("https://salesforce.com.example.org/x").startswith("https://s")
        """,
        passed=2,
    )


def test_a_marker_says_how_the_sandboxes_are(run: pytest.Pytester) -> None:
    passes(
        run,
        """
        import pytest

        pytestmark = pytest.mark.closedloop(faults={"rules": [{"fault": "unavailable", "times": 1}]})

        def test_of_the_module(closedloop_sandbox):
            session = closedloop_sandbox.session
            for host in ("acme.my.salesforce.com/services/data", "api.hubapi.com/crm/v3/owners"):
                assert session.get(f"https://{host}").status_code == 503
                assert session.get(f"https://{host}").status_code != 503

        @pytest.mark.closedloop(salesforce={"currency": "CHF"}, hubspot={"portal_id": 7})
        def test_of_its_own(closedloop_sandbox):
            assert closedloop_sandbox.salesforce.sandbox.currency == "CHF"
            assert closedloop_sandbox.hubspot.portal.id == 7
            assert closedloop_sandbox.session.get("https://acme.my.salesforce.com/services/data").ok
        """,
        passed=2,
    )


def test_a_world_lives_in_both(run: pytest.Pytester) -> None:
    passes(
        run,
        """
        import pytest

        @pytest.mark.closedloop(world=30, seed=7)
        def test_both(closedloop_sandbox):
            assert closedloop_sandbox.filled.market.people == 30
            assert closedloop_sandbox.salesforce.org.rows("Campaign")
            assert closedloop_sandbox.hubspot.portal.ids("contacts")

        @pytest.mark.closedloop(world=30, seed=7)
        def test_salesforce(closedloop_salesforce):
            assert closedloop_salesforce.org.rows("Campaign")

        @pytest.mark.closedloop(world=30, seed=7)
        def test_hubspot(closedloop_hubspot):
            assert closedloop_hubspot.portal.ids("contacts")
        """,
        passed=3,
    )


@pytest.mark.parametrize("arguments", ["wrld=1000", "1000", "people=7, seed=1"])
def test_a_marker_that_is_wrong_says_what_it_takes(run: pytest.Pytester, arguments: str) -> None:
    result = passes(
        run,
        f"""
        import pytest

        @pytest.mark.closedloop({arguments})
        def test(closedloop_salesforce):
            pass
        """,
        errors=1,
    )
    result.stdout.fnmatch_lines(
        ["*@pytest.mark.closedloop takes only these, by name: closedloop(world=None*"]
    )


def test_a_plan_that_is_wrong_is_an_error_of_the_test(run: pytest.Pytester) -> None:
    result = passes(
        run,
        """
        import pytest

        @pytest.mark.closedloop(faults={"rules": [{"fault": "rest"}]})
        def test(closedloop_hubspot):
            pass
        """,
        errors=1,
    )
    result.stdout.fnmatch_lines(["*rules[[]0[]].fault: 'rest' is not known; did you mean `reset`?*"])


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ("world='many'", "world must be a whole number from 1, not 'many'"),
        ("world=0", "world must be a whole number from 1, not 0"),
        ("world=5, seed=True", "seed must be a whole number from 0, not True"),
        ("salesforce=3", "salesforce must be a mapping of further arguments"),
    ],
)
def test_a_marker_with_a_wrong_value_says_which(run: pytest.Pytester, arguments: str, message: str) -> None:
    source = f"""
        import pytest

        @pytest.mark.closedloop({arguments})
        def test(closedloop_salesforce):
            pass
        """
    passes(run, source, errors=1).stdout.fnmatch_lines([f"*UsageError: @pytest.mark.closedloop: {message}"])


def test_a_library_without_the_extra_says_which_it_takes(
    run: pytest.Pytester, monkeypatch: pytest.MonkeyPatch
) -> None:
    def lacking(_: str) -> None:
        raise ModuleNotFoundError("No module named 'waitress'", name="waitress")

    monkeypatch.setattr(fixtures, "import_module", lacking)
    result = passes(run, "def test(closedloop_hubspot): pass", errors=1)
    result.stdout.fnmatch_lines(['*need waitress: pip install "closedloop?sandbox?"'])


def test_the_marker_and_the_fixtures_are_listed(run: pytest.Pytester) -> None:
    run.runpytest_inprocess("--markers").stdout.fnmatch_lines(["@pytest.mark.closedloop(world=*"])
    fixtures = run.runpytest_inprocess("--fixtures").stdout
    fixtures.fnmatch_lines(
        [f"closedloop_{name} --*" for name in ("sandbox", "salesforce", "hubspot", "detour")]
    )


def test_a_run_that_asks_for_no_sandbox_imports_none() -> None:
    program = (
        f"import sys, {PLUGIN}; sys.exit([m for m in sys.modules if m.startswith(('closedloop.', 'requests', "
        f"'hubspot')) and not m.startswith('closedloop.testing')] or 0)"
    )
    done = subprocess.run([sys.executable, "-c", program], check=False, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
