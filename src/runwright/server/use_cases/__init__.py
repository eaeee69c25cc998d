"""What the control plane does, one file an act. Each runs in one transaction."""
