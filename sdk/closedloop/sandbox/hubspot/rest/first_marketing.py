"""The first marketing APIs, which connectors still read: e-mail events and campaigns, forms, workflows.

Source: HubSpot's legacy documentation ("Get campaign data", "View subscriptions timeline", "Get all forms",
"Get form submissions", "Get all workflows", "Marketing Email API") and what singer-io/tap-hubspot and
airbytehq/airbyte's source-hubspot read. Not confirmed by a recording. Nobody opens e-mails, fills in forms or
builds workflows here: those lists are empty.
"""

from __future__ import annotations

from typing import Any

from closedloop.sandbox.hubspot.errors import not_found
from closedloop.sandbox.hubspot.marketing.emails import Email
from closedloop.sandbox.hubspot.marketing.pages import Page
from closedloop.sandbox.hubspot.records.record import milliseconds
from closedloop.sandbox.hubspot.records.values import parse_moment
from closedloop.sandbox.hubspot.rest.asking import Answer, Call, Routes, whole
from closedloop.sandbox.hubspot.rest.legacy import definition_to_wire
from closedloop.sandbox.hubspot.settings.kinds import NOTES

_PAGE, _LARGEST_PAGE = 100, 1000


def list_email_campaigns(call: Call) -> Answer:
    """GET: the e-mails that were sent out, each with the id that events name it by."""
    rows = [
        {"id": int(each["primaryEmailCampaignId"]), "lastUpdatedTime": _instant(each["updatedAt"])}
        | {"appId": 113, "appName": "Batch"}
        for each in _published(call)
    ]
    return 200, {"campaigns": rows, "hasMore": False, "offset": ""}


def get_email_campaign(call: Call) -> Answer:
    """GET: one e-mail that was sent out."""
    wanted = call.path["id"]
    found = next((each for each in _published(call) if each["primaryEmailCampaignId"] == wanted), None)
    if found is None:
        raise not_found()
    return 200, {
        "id": int(wanted),
        "appId": 113,
        "appName": "Batch",
        "contentId": int(found["id"]),
        "subject": found["subject"],
        "name": found["name"],
        "counters": {},
        "type": "BATCH_EMAIL",
        "lastProcessingFinishedAt": _instant(found["updatedAt"]),
        "lastProcessingStartedAt": _instant(found["updatedAt"]),
        "lastProcessingStateChangeAt": _instant(found["updatedAt"]),
        "numIncluded": 0,
        "processingState": "DONE",
    }


def list_email_events(call: Call) -> Answer:
    """GET: what recipients did with e-mails: nothing."""
    del call
    return 200, {"hasMore": False, "offset": "", "events": []}


def list_subscription_changes(call: Call) -> Answer:
    """GET: who subscribed and unsubscribed: nobody."""
    del call
    return 200, {"hasMore": False, "offset": "", "timeline": []}


def list_subscription_kinds(call: Call) -> Answer:
    """GET: what can be subscribed to: nothing."""
    del call
    return 200, {"subscriptionDefinitions": []}


def list_marketing_emails(call: Call) -> Answer:
    """GET: a page of the marketing e-mails."""
    arguments = call.request.args
    size = whole(arguments.get("limit"), "limit", default=_PAGE, least=1, most=_LARGEST_PAGE)
    start = whole(arguments.get("offset"), "offset", default=0)
    found = call.portal.marketing.emails.all()
    shown = [_email(call, each) for each in found[start : start + size]]
    total = len(found)
    return 200, {"limit": size, "objects": shown, "offset": start, "total": total, "totalCount": total}


def get_marketing_email(call: Call) -> Answer:
    """GET: one marketing e-mail."""
    return 200, _email(call, call.portal.marketing.emails.get(call.path["id"]))


def list_forms(call: Call) -> Answer:
    """GET: every form, as a bare list."""
    forms = call.portal.marketing.pages.forms.values()
    return 200, [_form(call, form) for form in forms if not form["archived"]]


def get_form(call: Call) -> Answer:
    """GET: one form."""
    return 200, _form(call, call.portal.marketing.pages.form(call.path["form"]))


def list_submissions(call: Call) -> Answer:
    """GET: what people sent in by a form: nothing."""
    call.portal.marketing.pages.form(call.path["form"])
    return 200, {"results": []}


def list_workflows(call: Call) -> Answer:
    """GET: every workflow: there are none."""
    del call
    return 200, {"workflows": []}


def list_form_definitions(call: Call) -> Answer:
    """GET: the properties of forms: those that every object type of HubSpot's has."""
    of_notes = (call.portal.catalogue.get(NOTES, name) for name in NOTES.always)
    return 200, [definition_to_wire(definition) for definition in of_notes]


def _published(call: Call) -> list[Email]:
    return [each for each in call.portal.marketing.emails.all() if each["isPublished"]]


def _instant(text: str) -> int:
    return milliseconds(parse_moment(text))


def _email(call: Call, each: Email) -> dict[str, Any]:
    return {
        "id": int(each["id"]),
        "portalId": call.portal.id,
        "name": each["name"],
        "subject": each["subject"],
        "state": each["state"],
        "subcategory": each["subcategory"],
        "campaign": each.get("campaign", ""),
        "language": each["language"],
        "archived": each["archived"],
        "ab": each["isAb"],
        "currentlyPublished": each["isPublished"],
        "isPublished": each["isPublished"],
        "created": _instant(each["createdAt"]),
        "updated": _instant(each["updatedAt"]),
        "authorUserId": int(each["createdById"]),
        "allEmailCampaignIds": [int(one) for one in each.get("allEmailCampaignIds", [])],
        "stats": {"counters": {}, "deviceBreakdown": {}, "ratios": {}},
    }


def _form(call: Call, form: Page) -> dict[str, Any]:
    settings, shown = form["configuration"], form["displayOptions"]
    return {
        "portalId": call.portal.id,
        "guid": form["id"],
        "name": form["name"],
        "action": "",
        "method": "POST",
        "cssClass": shown.get("cssClass") or "",
        "redirect": "",
        "submitText": shown.get("submitButtonText", ""),
        "followUpId": "",
        "notifyRecipients": ",".join(map(str, settings.get("notifyRecipients", []))),
        "leadNurturingCampaignId": "",
        "formFieldGroups": [
            {"fields": _fields(group), "default": True, "isSmartGroup": False, "richText": {"content": ""}}
            for group in form["fieldGroups"]
        ],
        "createdAt": _instant(form["createdAt"]),
        "updatedAt": _instant(form["updatedAt"]),
        "performableHtml": "",
        "migratedFrom": "",
        "ignoreCurrentValues": False,
        "metaData": [],
        "deletable": bool(settings.get("archivable", True)),
        "inlineMessage": "",
        "tmsId": "",
        "captchaEnabled": bool(settings.get("recaptchaEnabled")),
        "campaignGuid": "",
        "cloneable": bool(settings.get("cloneable", True)),
        "editable": bool(settings.get("editable", True)),
        "formType": str(form["formType"]).upper(),
    }


def _fields(group: Any) -> list[dict[str, Any]]:
    fields = group.get("fields") if isinstance(group, dict) else None
    return [
        {
            "name": field.get("name"),
            "label": field.get("label", ""),
            "type": "string",
            "fieldType": "text",
            "description": field.get("description", ""),
            "groupName": "",
            "displayOrder": place,
            "required": bool(field.get("required")),
            "selectedOptions": [],
            "options": [],
            "enabled": True,
            "hidden": bool(field.get("hidden")),
            "defaultValue": field.get("defaultValue", ""),
            "isSmartField": False,
            "unselectedLabel": "",
            "placeholder": field.get("placeholder", ""),
        }
        for place, field in enumerate(fields or [])
        if isinstance(field, dict)
    ]


ROUTES: Routes = (
    ("GET", "first e-mail", "/campaigns", list_email_campaigns),
    ("GET", "first e-mail", "/campaigns/by-id", list_email_campaigns),
    ("GET", "first e-mail", "/campaigns/<id>", get_email_campaign),
    ("GET", "first e-mail", "/events", list_email_events),
    ("GET", "first e-mail", "/subscriptions", list_subscription_kinds),
    ("GET", "first e-mail", "/subscriptions/timeline", list_subscription_changes),
    ("GET", "first marketing e-mails", "", list_marketing_emails),
    ("GET", "first marketing e-mails", "/with-statistics", list_marketing_emails),
    ("GET", "first marketing e-mails", "/with-statistics/<id>", get_marketing_email),
    ("GET", "first marketing e-mails", "/<id>", get_marketing_email),
    ("GET", "first forms", "", list_forms),
    ("GET", "first forms", "/<form>", get_form),
    ("GET", "first submissions", "/<form>", list_submissions),
    ("GET", "first workflows", "", list_workflows),
    ("GET", "first properties", "/form/properties", list_form_definitions),
)
