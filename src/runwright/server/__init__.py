"""The control plane: HTTP in front of one database, and the duties that run beside it."""
