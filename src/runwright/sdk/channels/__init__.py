"""Where a run's journal goes: a supervisor, a control plane, or a file."""
