"""What a run publishes for people to look at: text, tables, links, images, progress."""

import re
from typing import Any
from uuid import UUID

from runwright.api.journal import ArtifactMade
from runwright.errors import FlowError
from runwright.sdk.context import current_channel, current_flow_run, current_task_run
from runwright.sdk.logging import get_run_logger
from runwright.sdk.pictures import picture_address
from runwright.sdk.tables import table_json

_KEY = re.compile(r"[a-z0-9]+(-[a-z0-9]+)*")
#: Characters of a table's JSON; the rows beyond are left out.
_LONGEST_TABLE = 2_000_000


def create_markdown_artifact(
    markdown: str, *, key: str | None = None, description: str | None = None
) -> UUID:
    """Publish Markdown. Artifacts of one `key` are versions of one thing.

    Raises:
        MissingContextError: there is no run around it.
        FlowError: the key is not of lower-case letters, digits and dashes.
    """
    return _publish("markdown", markdown, key, description)


def create_table_artifact(
    table: Any,
    *,
    key: str | None = None,
    description: str | None = None,
) -> UUID:
    """Publish a table: a DataFrame, a list of rows, or columns by name.

    Rows are mappings or sequences. NaN and infinities become null, dates ISO 8601 texts. Of a list
    of rows that is longer than 2,000,000 characters as JSON, the first rows are recorded, and the
    log says how many. Raises as `create_markdown_artifact`.
    """
    content, recorded, of_all = table_json(table, _LONGEST_TABLE)
    made = _publish("table", content, key, description)
    if recorded < of_all:
        get_run_logger().warning(
            "The table %r is too large for an artifact: the first %s of its %s rows are recorded.",
            key or "without a key", f"{recorded:,}", f"{of_all:,}",
        )  # fmt: skip
    return made


def create_image_artifact(
    image: Any = None,
    *,
    key: str | None = None,
    description: str | None = None,
    image_url: str | None = None,
) -> UUID:
    """Publish a picture: bytes of PNG, JPEG or SVG, a path to such a file, or a matplotlib figure.

    It is stored with the run, 1 MiB at most. An address (`image_url`, as a Prefect flow names it)
    is stored as it is; the page links to addresses elsewhere and does not load them.

    Raises:
        MissingContextError: there is no run around it.
        FlowError: it is no such picture or too large, or the key is not of lower-case letters,
            digits and dashes.
    """
    return _publish(
        "image", picture_address(image_url if image is None else image), key, description
    )


def create_link_artifact(
    link: str,
    link_text: str | None = None,
    *,
    key: str | None = None,
    description: str | None = None,
) -> UUID:
    """Publish a link. Raises as `create_markdown_artifact`."""
    text = link_text if link_text is not None else link
    return _publish("markdown", f"[{text}]({link})", key, description)


def create_progress_artifact(
    progress: float, *, key: str | None = None, description: str | None = None
) -> UUID:
    """Publish a progress from 0 to 100. Raises as `create_markdown_artifact`."""
    return _publish("progress", _percentage(progress), key, description)


def update_progress_artifact(
    artifact_id: UUID,
    progress: float,
    *,
    key: str | None = None,
    description: str | None = None,
) -> UUID:
    """Move a progress on. Raises as `create_markdown_artifact`."""
    return _publish("progress", _percentage(progress), key, description, artifact_id)


def _percentage(progress: float) -> float:
    if not 0 <= progress <= 100:  # noqa: PLR2004
        raise FlowError(f"A progress is from 0 to 100, and {progress!r} is not.")
    return float(progress)


def _publish(
    kind: str,
    content: Any,
    key: str | None,
    description: str | None,
    artifact_id: UUID | None = None,
) -> UUID:
    if key is not None and not _KEY.fullmatch(key):
        raise FlowError(
            f"{key!r} cannot be the key of an artifact: use lower-case letters, digits and dashes, "
            "such as 'daily-report'."
        )
    channel = current_channel()
    flow_run, task_run = current_flow_run(), current_task_run()
    # current_channel has made sure of it.
    assert flow_run is not None  # noqa: S101
    made = ArtifactMade(
        id=artifact_id or flow_run.environment.new_id(),
        flow_run_id=flow_run.flow_run_id,
        timestamp=flow_run.environment.clock.now(),
        type=kind,
        data=content,
        key=key,
        description=description,
        task_run_id=None if task_run is None else task_run.task_run_id,
    )
    channel.emit(made)
    return made.id
