"""The rows as pictures: how many times as fast, and requests by connections."""

from pathlib import Path
from typing import Any


def draw(rows: list[dict[str, Any]], folder: Path) -> list[str]:
    """Write the plots; their names. None where matplotlib is not installed."""
    try:
        import matplotlib as mpl
    except ModuleNotFoundError:
        return []
    mpl.use("svg")
    mpl.rcParams["svg.hashsalt"] = "runwright"  # the same picture for the same figures
    from matplotlib import pyplot as plt

    names = []
    ratios = [row for row in rows if row.get("ratio") and "kind" not in row]
    figure, axes = plt.subplots(figsize=(9, 0.28 * len(ratios) + 1))
    axes.barh([row["figure"] for row in ratios], [row["ratio"] for row in ratios], color="#2a6f97")
    axes.set_xscale("log")
    axes.invert_yaxis()
    axes.axvline(1, color="black", linewidth=0.8)
    axes.set_xlabel("times as good as Prefect, in the same run")
    names.append(_save(figure, folder, "ratios.svg"))
    loads = [row for row in rows if "connections" in row]
    for database in sorted({row["database"] for row in loads}):
        figure, axes = plt.subplots(figsize=(7, 4))
        for kind in sorted({row["kind"] for row in loads}):
            mine = [r for r in loads if r["kind"] == kind and r["database"] == database]
            for engine, style in (("runwright", "-"), ("prefect", "--")):
                axes.plot(
                    [row["connections"] for row in mine],
                    [max(row.get(engine) or 0.5, 0.5) for row in mine],
                    style,
                    marker="o",
                    label=f"{kind}, {engine}",
                )
        axes.set_xscale("log", base=2)
        axes.set_yscale("log")
        axes.set_xlabel("connections")
        axes.set_ylabel("good answers a second")
        axes.legend(fontsize=6, ncol=2)
        names.append(_save(figure, folder, f"requests-{database}.svg"))
    plt.close("all")
    return names


def _save(figure: Any, folder: Path, name: str) -> str:
    figure.tight_layout()
    figure.savefig(folder / name, metadata={"Date": None})
    return name
