"""The control plane's database: SQLite by default, Postgres when it grows."""
