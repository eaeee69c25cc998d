"""Where persisted results are kept, and how they are referred to."""

from runwright.sdk.result_storage import ResultStorage
from runwright.sdk.result_stores.local import LocalResultStorage
from runwright.sdk.results import ResultReference, ResultStore

__all__ = ["LocalResultStorage", "ResultReference", "ResultStorage", "ResultStore"]
