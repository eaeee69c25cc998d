"""Loggers of runs."""

from runwright.sdk.logging import get_run_logger

__all__ = ["get_run_logger"]
