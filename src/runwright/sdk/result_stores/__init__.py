"""Implementations of `ResultStorage`."""
