"""The version of Runwright."""

__version__ = "0.1.0"
