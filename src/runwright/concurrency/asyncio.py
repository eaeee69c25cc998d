"""Limits that many runs share, in async functions."""

from runwright.sdk.concurrency import (
    AcquireConcurrencySlotTimeoutError,
    ConcurrencySlotAcquisitionError,
)
from runwright.sdk.concurrency import concurrency_async as concurrency
from runwright.sdk.concurrency import rate_limit_async as rate_limit

__all__ = [
    "AcquireConcurrencySlotTimeoutError",
    "ConcurrencySlotAcquisitionError",
    "concurrency",
    "rate_limit",
]
