"""For tests of flows and tasks: no server, no waiting, everything at hand."""
