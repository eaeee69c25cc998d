"""Moving from a Prefect server: what there is (`reading`), what to do (`plan`), doing it."""
