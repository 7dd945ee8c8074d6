"""Delivery: what is sent, what each answer means for each value, and what happens when a request fails."""

from __future__ import annotations

import logging
from collections.abc import Callable
from dataclasses import replace
from decimal import Decimal
from typing import Any

import pytest

from closedloop.crm.salesforce.describes import Describes
from closedloop.crm.salesforce.write import Writer
from closedloop.errors import AuthenticationError, QuotaError, RetryableError
from closedloop.loop.feedback import (
    CampaignFeedback,
    Delivery,
    Feedback,
    PersonFeedback,
    ReasonFeedback,
    ReasonTotal,
)
from closedloop.mapping import CrmMapping
from closedloop.schema.records import Ref
from closedloop.schema.vocabulary import AttributionModel, ObjectType, Outcome, ReasonCode

ROOT = "/services/data/v62.0"
UPDATE = f"{ROOT}/composite/sobjects"
UPSERT = f"{ROOT}/composite/sobjects/Closed_Loop_Campaign_Reason__c/Closed_Loop_Key__c"
LOCKED = {
    "success": False,
    "errors": [{"statusCode": "UNABLE_TO_LOCK_ROW", "message": "locked", "fields": []}],
}
DELETED = {
    "success": False,
    "errors": [{"statusCode": "ENTITY_IS_DELETED", "message": "entity is deleted", "fields": []}],
}


def done(record_id: str = "00vXx00000aBcD1IAK") -> dict[str, Any]:
    return {"id": record_id, "success": True, "errors": []}


def member(number: int, **changes: Any) -> PersonFeedback:
    target = Ref(ObjectType.CAMPAIGN_MEMBER, f"00vXx0000000{number:03d}IAK")
    return PersonFeedback(
        **{"target": target, "outcome": Outcome.LOST, "reason": ReasonCode.PRICE, **changes}
    )


def campaign(number: int) -> CampaignFeedback:
    return CampaignFeedback(
        campaign_id=f"701Xx0000000{number:03d}IAK",
        model=AttributionModel.LAST,
        credits={Outcome.WON: Decimal(2)},
    )


def reason(number: int) -> ReasonFeedback:
    total = ReasonTotal(outcome=Outcome.LOST, reason=ReasonCode.PRICE, credit=Decimal("0.5"), decisions=1)
    return ReasonFeedback(
        campaign_id=f"701Xx0000000{number:03d}IAK", model=AttributionModel.LAST, total=total
    )


def described(**types: str) -> dict[str, Any]:
    return {
        "fields": [
            {"name": name, "type": kind, "length": 20, "createable": True, "updateable": True}
            for name, kind in types.items()
        ]
    }


@pytest.fixture
def writer(client: Any, double: Any, mapping: CrmMapping, laid_out: Callable[..., Any]) -> Writer:
    objects = {
        "CampaignMember": described(
            Closed_Loop_Outcome__c="picklist", Closed_Loop_Reason__c="string", Closed_Loop_Note__c="textarea"
        ),
        "Campaign": described(Closed_Loop_Won__c="double", Closed_Loop_Model__c="string"),
        "Closed_Loop_Campaign_Reason__c": described(
            Closed_Loop_Key__c="string", Campaign__c="reference", Credit__c="double", Outcome__c="string"
        ),
    }
    for name, body in objects.items():
        double.answer("GET", f"{ROOT}/sobjects/{name}/describe", laid_out(200, body))
    return Writer(client, mapping, Describes(client), currency=lambda: "EUR")


def sent(double: Any, path: str) -> list[list[dict[str, Any]]]:
    """The records of every request to a path."""
    return [asked.json["records"] for asked in double.asked if asked.path == path and asked.method == "PATCH"]


def fates(writer: Writer, *feedback: Feedback) -> list[tuple[Delivery, str | None]]:
    results = writer.deliver(feedback)
    assert [result.key for result in results] == [value.key for value in feedback]
    return [(result.delivery, result.code) for result in results]


def test_members_campaigns_and_rows_of_reasons_go_each_their_way(
    writer: Writer, double: Any, laid_out: Any
) -> None:
    double.answer("PATCH", UPDATE, laid_out(200, [done()]))
    double.answer("PATCH", UPSERT, laid_out(200, [{**done(), "created": True}]))
    feedback = (reason(1), campaign(1), member(1, note="x" * 50))
    assert fates(writer, *feedback) == [(Delivery.DELIVERED, None)] * 3
    assert sent(double, UPDATE) == [
        [
            {
                "attributes": {"type": "CampaignMember"},
                "id": "00vXx0000000001IAK",
                "Closed_Loop_Outcome__c": "Lost",
                "Closed_Loop_Reason__c": "Price",
                "Closed_Loop_Note__c": "x" * 19 + "…",
            }
        ],
        [
            {
                "attributes": {"type": "Campaign"},
                "id": "701Xx0000000001IAK",
                "Closed_Loop_Won__c": 2,
                "Closed_Loop_Model__c": "last",
            }
        ],
    ]
    assert sent(double, UPSERT) == [
        [
            {
                "attributes": {"type": "Closed_Loop_Campaign_Reason__c"},
                "Closed_Loop_Key__c": "701Xx0000000001IAK|lost|price",
                "Campaign__c": "701Xx0000000001IAK",
                "Outcome__c": "Lost",
                "Credit__c": 0.5,
            }
        ]
    ]


def test_every_request_lets_the_others_through_when_one_fails(
    writer: Writer, double: Any, laid_out: Any
) -> None:
    double.answer("PATCH", UPDATE, laid_out(200, [done(), DELETED, done()]))
    assert fates(writer, member(1), member(2), member(3)) == [
        (Delivery.DELIVERED, None),
        (Delivery.REFUSED, "ENTITY_IS_DELETED"),
        (Delivery.DELIVERED, None),
    ]
    assert {asked.json["allOrNone"] for asked in double.asked if asked.method == "PATCH"} == {False}


def test_200_records_travel_together(writer: Writer, double: Any, laid_out: Any) -> None:
    double.answer("PATCH", UPDATE, laid_out(200, [done()] * 200), laid_out(200, [done()] * 5))
    assert fates(writer, *[member(number) for number in range(205)]) == [(Delivery.DELIVERED, None)] * 205
    assert [len(records) for records in sent(double, UPDATE)] == [200, 5]


def test_rows_that_lock_the_same_campaign_travel_side_by_side(
    writer: Writer, double: Any, laid_out: Any
) -> None:
    double.answer("PATCH", UPSERT, laid_out(200, [done()] * 4))
    won = [
        ReasonFeedback(
            campaign_id=value.campaign_id, model=value.model, total=replace(value.total, outcome=Outcome.WON)
        )
        for value in (reason(2), reason(1))
    ]
    fates(writer, reason(2), reason(1), *won)
    ((*records,),) = sent(double, UPSERT)
    assert [record["Campaign__c"][12:15] for record in records] == ["001", "001", "002", "002"]


def test_a_locked_record_is_sent_again_by_itself(
    writer: Writer, double: Any, laid_out: Any, waits: list[float]
) -> None:
    double.answer("PATCH", UPDATE, laid_out(200, [done(), LOCKED]), laid_out(200, [done()]))
    assert fates(writer, member(1), member(2)) == [(Delivery.DELIVERED, None)] * 2
    assert [[row["id"] for row in records] for records in sent(double, UPDATE)] == [
        ["00vXx0000000001IAK", "00vXx0000000002IAK"],
        ["00vXx0000000002IAK"],
    ]
    assert len(waits) == 1


def test_a_record_that_stays_locked_is_left_for_later(writer: Writer, double: Any, laid_out: Any) -> None:
    double.answer("PATCH", UPDATE, laid_out(200, [done(), LOCKED]), laid_out(200, [LOCKED]))
    assert fates(writer, member(1), member(2)) == [
        (Delivery.DELIVERED, None),
        (Delivery.RETRY, "UNABLE_TO_LOCK_ROW"),
    ]


def test_of_two_values_for_one_target_the_later_is_written(
    writer: Writer, double: Any, laid_out: Any
) -> None:
    double.answer("PATCH", UPDATE, laid_out(200, [done()]))
    fates(writer, member(1), member(1, outcome=Outcome.WON, reason=None))
    ((record,),) = sent(double, UPDATE)
    assert (record["Closed_Loop_Outcome__c"], record["Closed_Loop_Reason__c"]) == ("Won", None)


def test_one_value_that_spoils_a_request_is_found_and_refused_alone(
    writer: Writer, double: Any, laid_out: Any
) -> None:
    spoilt = laid_out(400, [{"errorCode": "JSON_PARSER_ERROR", "message": "Cannot deserialize"}])
    double.answer(
        "PATCH", UPDATE, spoilt, laid_out(200, [done()] * 2), spoilt, spoilt, laid_out(200, [done()])
    )
    assert fates(writer, *[member(number) for number in range(4)]) == [
        (Delivery.DELIVERED, None),
        (Delivery.DELIVERED, None),
        (Delivery.REFUSED, "JSON_PARSER_ERROR"),
        (Delivery.DELIVERED, None),
    ]


def test_a_field_that_went_away_is_looked_up_anew(writer: Writer, double: Any, laid_out: Any) -> None:
    gone = laid_out(400, [{"errorCode": "INVALID_FIELD", "message": "No such column"}])
    double.answer("PATCH", UPDATE, gone, laid_out(200, [done()]))
    assert fates(writer, member(1)) == [(Delivery.RETRY, "INVALID_FIELD")]
    assert fates(writer, member(1)) == [(Delivery.DELIVERED, None)]
    assert double.paths().count(f"GET {ROOT}/sobjects/CampaignMember/describe") == 2


@pytest.mark.parametrize(
    ("status", "body", "error"),
    [
        (503, "", RetryableError),
        (
            403,
            [{"errorCode": "REQUEST_LIMIT_EXCEEDED", "message": "TotalRequests Limit exceeded."}],
            QuotaError,
        ),
        (401, [{"errorCode": "INVALID_SESSION_ID", "message": "expired"}], AuthenticationError),
    ],
)
def test_when_nothing_at_all_could_be_written_the_error_is_raised(  # noqa: PLR0917 - a table's columns
    writer: Writer, double: Any, laid_out: Any, status: int, body: Any, error: type[Exception]
) -> None:
    double.answer("PATCH", UPDATE, laid_out(status, body))
    with pytest.raises(error):
        writer.deliver([member(1)])


def test_when_some_were_written_the_rest_waits(writer: Writer, double: Any, laid_out: Any) -> None:
    quota = [{"errorCode": "REQUEST_LIMIT_EXCEEDED", "message": "TotalRequests Limit exceeded."}]
    double.answer("PATCH", UPDATE, laid_out(200, [done()]), laid_out(403, quota))
    double.answer("PATCH", UPSERT, laid_out(403, quota))
    assert fates(writer, member(1), campaign(1), reason(1)) == [
        (Delivery.DELIVERED, None),
        (Delivery.RETRY, "REQUEST_LIMIT_EXCEEDED"),
        (Delivery.RETRY, "REQUEST_LIMIT_EXCEEDED"),
    ]


def test_an_org_without_our_fields_or_object_is_told_so(
    writer: Writer, double: Any, laid_out: Any, caplog: pytest.LogCaptureFixture
) -> None:
    missing = [{"errorCode": "NOT_FOUND", "message": "The requested resource does not exist"}]
    double.answer("GET", f"{ROOT}/sobjects/CampaignMember/describe", laid_out(200, described(Name="string")))
    double.answer("GET", f"{ROOT}/sobjects/Closed_Loop_Campaign_Reason__c/describe", laid_out(404, missing))
    with caplog.at_level(logging.WARNING):
        for _ in range(2):
            assert fates(writer, member(1), reason(1)) == [
                (Delivery.REFUSED, "no_fields"),
                (Delivery.REFUSED, "no_target"),
            ]
    assert sum("CampaignMember cannot take" in record.message for record in caplog.records) == 1


@pytest.mark.parametrize(
    "target",
    [Ref(ObjectType.CAMPAIGN_MEMBER, "//evil.example/x"), Ref(ObjectType.CONTACT, "003Xx0000000001IAK")],
)
def test_a_target_that_is_none_is_refused_before_anything_is_sent(
    writer: Writer, double: Any, laid_out: Any, target: Ref
) -> None:
    double.answer("PATCH", UPDATE, laid_out(200, [done()]))
    assert fates(writer, member(1, target=target), member(2)) == [
        (Delivery.REFUSED, "bad_target"),
        (Delivery.DELIVERED, None),
    ]


def test_nothing_to_deliver_asks_nothing(writer: Writer, double: Any) -> None:
    assert writer.deliver([]) == []
    assert double.asked == []
