"""What automations wait for: events in, decisions out."""
