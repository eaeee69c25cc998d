"""HTTP to the control plane."""
