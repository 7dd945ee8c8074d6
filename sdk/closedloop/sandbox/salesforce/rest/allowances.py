"""What an org may use, and how much of it is left.

REST API Developer Guide, "List Org Limits": the names and the figures of its example, with the Developer
Edition's calls (reference: Limits). Only what the sandbox counts goes down.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from closedloop.sandbox.salesforce.refusal import Refusal

_DAILY_CALLS = 15_000
_ALLOWANCES: Mapping[str, int] = {
    "ActiveScratchOrgs": 3,
    "AnalyticsExternalDataSizeMB": 40_960,
    "ConcurrentAsyncGetReportInstances": 200,
    "ConcurrentEinsteinDataInsightsStoryCreation": 5,
    "ConcurrentEinsteinDiscoveryStoryCreation": 2,
    "ConcurrentSyncReportRuns": 20,
    "DailyAnalyticsDataflowJobExecutions": 60,
    "DailyAnalyticsUploadedFilesSizeMB": 51_200,
    "DailyFunctionsApiCallLimit": 235_000,
    "DailyApiRequests": _DAILY_CALLS,
    "DailyAsyncApexExecutions": 250_000,
    "DailyAsyncApexTests": 500,
    "DailyBulkApiBatches": 15_000,
    "DailyBulkV2QueryFileStorageMB": 976_562,
    "DailyBulkV2QueryJobs": 10_000,
    "DailyDeliveredPlatformEvents": 10_000,
    "DailyDurableGenericStreamingApiEvents": 10_000,
    "DailyDurableStreamingApiEvents": 10_000,
    "DailyEinsteinDataInsightsStoryCreation": 1_000,
    "DailyEinsteinDiscoveryPredictAPICalls": 50_000,
    "DailyEinsteinDiscoveryPredictionsByCDC": 5_000_000,
    "DailyEinsteinDiscoveryStoryCreation": 100,
    "DailyGenericStreamingApiEvents": 10_000,
    "DailyScratchOrgs": 6,
    "DailyStandardVolumePlatformEvents": 10_000,
    "DailyStreamingApiEvents": 10_000,
    "DailyWorkflowEmails": 100_000,
    "DataStorageMB": 1_024,
    "DurableStreamingApiConcurrentClients": 20,
    "FileStorageMB": 1_024,
    "HourlyAsyncReportRuns": 1_200,
    "HourlyDashboardRefreshes": 200,
    "HourlyDashboardResults": 5_000,
    "HourlyDashboardStatuses": 999_999_999,
    "HourlyLongTermIdMapping": 100_000,
    "HourlyManagedContentPublicRequests": 50_000,
    "HourlyODataCallout": 20_000,
    "HourlyPublishedPlatformEvents": 50_000,
    "HourlyPublishedStandardVolumePlatformEvents": 1_000,
    "HourlyShortTermIdMapping": 100_000,
    "HourlySyncReportRuns": 500,
    "HourlyTimeBasedWorkflow": 1_000,
    "MassEmail": 5_000,
    "MonthlyEinsteinDiscoveryStoryCreation": 500,
    "Package2VersionCreates": 6,
    "Package2VersionCreatesWithoutValidation": 500,
    "PermissionSets": 1_500,
    "PlatformEventTriggersWithParallelProcessing": 5,
    "PrivateConnectOutboundCalloutHourlyLimitMB": 0,
    "SingleEmail": 5_000,
    "StreamingApiConcurrentClients": 20,
}
_CUSTOM_PERMISSION_SETS = 1_000


class Usage:
    """The calls of the day. Set `daily` or `used`, or `daily_batches` or `batches`, to bring a limit near.

    `app` is an allowance of the connected app's own, by its name; it is used up like the org's. `refusal` is
    what every call meets for as long as it is set.
    """

    def __init__(self) -> None:
        self.daily = _DAILY_CALLS
        self.used = 0
        self.batches = 0
        self.daily_batches = _ALLOWANCES["DailyBulkApiBatches"]
        self.query_jobs = 0
        self.app: tuple[str, int] | None = None
        self.refusal: Refusal | None = None

    def count(self) -> None:
        """Counts a call; refuses it when the day's are used up."""
        if self.refusal is not None:
            raise self.refusal
        if self.used >= self.daily:
            raise Refusal("REQUEST_LIMIT_EXCEEDED", "TotalRequests Limit exceeded.", status=403)
        self.used += 1

    def count_batch(self, batches: int = 1) -> None:
        """Counts batches of either Bulk API."""
        self.batches += batches

    def header(self) -> str:
        """The value of Sforce-Limit-Info."""
        whole = f"api-usage={self.used}/{self.daily}"
        if self.app is None:
            return whole
        name, most = self.app
        return f"{whole}; per-app-api-usage={self.used}/{most}(appName={name})"

    def limits(self) -> dict[str, dict[str, Any]]:
        """The body of GET limits."""
        used = {
            "DailyApiRequests": self.used,
            "DailyBulkApiBatches": self.batches,
            "DailyBulkV2QueryJobs": self.query_jobs,
        }
        most = {
            **_ALLOWANCES,
            "DailyApiRequests": self.daily,
            "DailyBulkApiBatches": self.daily_batches,
        }
        limits: dict[str, dict[str, Any]] = {
            name: _limit(most[name], used.get(name, 0)) for name in _ALLOWANCES
        }
        limits["PermissionSets"]["CreateCustom"] = _limit(_CUSTOM_PERMISSION_SETS, 0)
        if self.app is not None:
            limits["DailyApiRequests"][self.app[0]] = _limit(self.app[1], self.used)
        return limits


def _limit(most: int, used: int) -> dict[str, Any]:
    return {"Max": most, "Remaining": max(0, most - used)}
