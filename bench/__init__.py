"""Measures Runwright against the figures it is held to. `make bench` runs it."""
