"""Calls by resource: functions that build a `Call`, and do nothing else."""
