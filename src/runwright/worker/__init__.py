"""The execution plane: the worker's loop, its launchers, the supervisor of each execution."""
