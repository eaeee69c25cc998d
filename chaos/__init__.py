"""Faults for real processes, and the books that are checked afterwards."""
