"""What performs the engine's effects for real."""
