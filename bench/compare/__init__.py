"""Runwright beside others: the same work, in the same run, one after the other."""
