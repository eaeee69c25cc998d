"""Named JSON values that flows share."""

from runwright.sdk.variables import Variable

__all__ = ["Variable"]
