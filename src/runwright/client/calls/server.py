"""Calls about the server itself."""

from typing import Any

from runwright.client.call import Call, get


def health() -> Call[Any]:
    """Whether it serves."""
    return get("/health", Any)


def version() -> Call[Any]:
    """Its version."""
    return get("/version", Any)
