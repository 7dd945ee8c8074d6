"""For developers: a CRM payload becomes a typed record, its raw reason a word of the vocabulary."""

from __future__ import annotations

import closedloop
from closedloop.schema.records import Lead
from closedloop.schema.vocabulary import REASONS, Outcome

PAYLOAD = {
    "attributes": {"type": "Lead", "url": "/services/data/v62.0/sobjects/Lead/00Q5g00000AbCdEEAV"},
    "Id": "00Q5g00000AbCdEEAV",
    "FirstName": "Ada",
    "LastName": "Byron",
    "Company": "Analytical Engines",
    "Status": "Closed - Not Converted",
    "Disqualified_Reason__c": "  no Budget this year ",
    "LastModifiedDate": "2026-10-02T09:15:00.000+0000",
}


def main() -> None:
    """Prints who the lead is and why it was dropped."""
    lead = closedloop.normalise("salesforce", "lead", PAYLOAD)
    if not isinstance(lead, Lead):
        raise TypeError("a lead payload becomes a Lead")
    match = closedloop.load_mappings().reasons.match(lead.reason, Outcome.DISQUALIFIED)
    print(f"{lead.first_name} {lead.last_name} of {lead.company}, last changed {lead.updated_at:%d %B %Y}")
    print(f"dropped for: {REASONS[match.code].label} (the rep wrote {lead.reason!r}; {match.rule})")


if __name__ == "__main__":
    main()
