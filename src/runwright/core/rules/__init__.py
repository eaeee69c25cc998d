"""Orchestration rules: one small pure function each, `Transition -> Decision`.

`Accept()` means "no objection": the next rule is asked. `order.py` holds the one list.
"""
