"""Futures of submitted task runs."""

from runwright.sdk.futures import DoneAndNotDone, Future, FutureList, as_completed, wait

__all__ = ["DoneAndNotDone", "Future", "FutureList", "as_completed", "wait"]
