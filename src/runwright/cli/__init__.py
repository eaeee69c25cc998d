"""The command line: one file a noun; `main.py` builds the tree."""
