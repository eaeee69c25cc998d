"""Errors that users of Runwright meet; `runwright.errors` draws their tree."""

from runwright.errors import *  # noqa: F403  # the same names, where users look for them
