"""The rows of one comparison, and how they are written down."""

import statistics
from collections.abc import Callable
from typing import Any

Samples = list[float]


class Table:
    """Rows of one figure for both engines."""

    def __init__(self, keep: Callable[["Table"], None]) -> None:
        """`keep` is called after each row, so that what was measured is never lost."""
        self.rows: list[dict[str, Any]] = []
        self._keep = keep

    def compare(
        self, figure: str, unit: str, given: dict[str, Samples], *, more: bool = False, **extra: Any
    ) -> None:
        """`more`: more is better."""
        row: dict[str, Any] = {"figure": figure, "unit": unit, **extra}
        for name, samples in given.items():
            row[name] = round(statistics.median(samples), 3) if samples else None
            ends = (min(samples), max(samples)) if samples else ()
            row[f"{name} from"] = [round(end, 3) for end in ends]
        ours, theirs = row.get("runwright"), row.get("prefect")
        if ours and theirs:
            row["ratio"] = round(ours / theirs if more else theirs / ours, 1)
        print(f"{figure}: {ours} {unit}, Prefect {theirs} ({row.get('ratio', '-')} x)", flush=True)
        self._add(row)

    def alone(self, figure: str, unit: str, measure: Callable[[], float]) -> None:
        """A figure of neither."""
        try:
            value: Any = round(measure(), 3)
        except Exception as error:  # noqa: BLE001  # one that fails ends no other
            value = f"failed: {str(error)[-120:]}"
        print(f"{figure}: {value} {unit}", flush=True)
        self._add({"figure": figure, "unit": unit, "value": value})

    def _add(self, row: dict[str, Any]) -> None:
        """Rows of the same figure are replaced: parts can be measured again."""
        figures = [each["figure"] for each in self.rows]
        if row["figure"] in figures:
            self.rows[figures.index(row["figure"])] = row
        else:
            self.rows.append(row)
        self._keep(self)

    def markdown(self) -> str:
        lines = [
            "| figure | unit | Runwright | from to | Prefect 3.8.8 | from to | times as good |",
            "|---|---|--:|---|--:|---|--:|",
        ]
        for row in self.rows:
            if "value" in row or "kind" in row:
                continue
            ours, theirs = (_span(row.get(f"{name} from")) for name in ("runwright", "prefect"))
            lines.append(
                f"| {row['figure']} | {row['unit']} | {_shown(row.get('runwright'))} | {ours} "
                f"| {_shown(row.get('prefect'))} | {theirs} | {row.get('ratio', '')} |"
            )
        lines += [
            "",
            (
                "| requests | connections | database | Runwright a second | p99 ms | refused "
                "| Prefect 3.8.8 a second | p99 ms | refused | times as many |"
            ),
            "|---|--:|---|--:|--:|--:|--:|--:|--:|--:|",
        ]
        for row in self.rows:
            if "kind" in row:
                cells = [row["kind"], row["connections"], row["database"]]
                for name in ("runwright", "prefect"):
                    cells += [row.get(name), row.get(f"{name} p99 ms"), row.get(f"{name} refused")]
                cells.append(row.get("ratio", ""))
                lines.append(f"| {' | '.join(map(_shown, cells))} |")
        lines += ["", "| alone | unit | figure |", "|---|---|--:|"]
        lines += [
            f"| {row['figure']} | {row['unit']} | {_shown(row['value'])} |"
            for row in self.rows
            if "value" in row
        ]
        return "\n".join(lines) + "\n"


def _shown(value: Any) -> str:
    if value is None:
        return ""
    if isinstance(value, float):
        return f"{value:,.0f}" if value >= 100 or value == int(value) else f"{value:.3g}"
    return f"{value:,}" if isinstance(value, int) else str(value)


def _span(found: list[float] | None) -> str:
    return f"{_shown(found[0])} to {_shown(found[1])}" if found else ""
