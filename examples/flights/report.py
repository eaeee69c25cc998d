"""The report: a flow of its own, run by the workers of another pool."""

from pathlib import Path

import duckdb

from runwright import flow, task

BY_MONTH = """
SELECT month, count(*) AS flights, avg(dep_delay) AS delay,
       avg((outcome IN ('late', 'cancelled'))::int) AS share_lost
FROM flights GROUP BY month ORDER BY month
"""
BY_WIND = """
SELECT 5 * floor(wind_speed / 5)::int AS wind, avg(dep_delay) AS delay
FROM flights WHERE wind_speed < 40 GROUP BY wind ORDER BY wind
"""

Rows = list[tuple[float, ...]]


@task
def ask(warehouse: Path, query: str) -> Rows:
    """Ask the warehouse, read only."""
    with duckdb.connect(str(warehouse), read_only=True) as db:
        return db.execute(query).fetchall()


@task
def draw(months: Rows, winds: Rows, target: Path) -> None:
    """Two bar charts: mean delay by month and by wind."""
    import matplotlib as mpl

    mpl.use("Agg")  # a worker has no screen
    from matplotlib import pyplot as plt

    figure, (left, right) = plt.subplots(1, 2, figsize=(10, 4), layout="constrained")
    left.bar([row[0] for row in months], [row[2] for row in months])
    left.set(title="Mean departure delay by month", xlabel="month of 2013", ylabel="minutes")
    right.bar([row[0] for row in winds], [row[1] for row in winds], width=4)
    right.set(title="... and by wind at the airport", xlabel="mph")
    figure.savefig(target, dpi=90)
    plt.close(figure)


@flow(retries=1)
def flights_report(folder: str) -> str:
    """Write `folder`/report.md and its plot from the warehouse in `folder`."""
    work = Path(folder)
    months = ask.with_options(name="delay by month")(work / "flights.duckdb", BY_MONTH)
    winds = ask.with_options(name="delay by wind")(work / "flights.duckdb", BY_WIND)
    draw(months, winds, work / "delays.png")

    lines = ["# Flights from New York, 2013", "", "![delays](delays.png)", ""]
    lines += ["| month | flights | mean delay, min | late or cancelled |", "|--:|--:|--:|--:|"]
    lines += [f"| {m} | {n:,} | {delay:.1f} | {lost:.1%} |" for m, n, delay, lost in months]
    target = work / "report.md"
    target.write_text("\n".join(lines) + "\n")
    return str(target)
