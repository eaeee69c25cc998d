"""What users import: flows, tasks, and what runs them."""
