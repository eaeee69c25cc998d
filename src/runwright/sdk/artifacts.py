"""What a run publishes for people to look at: text, tables, links, progress."""

import json
import re
from collections.abc import Mapping, Sequence
from typing import Any
from uuid import UUID

import msgspec

from runwright.api.journal import ArtifactMade
from runwright.errors import FlowError
from runwright.sdk.context import current_channel, current_flow_run, current_task_run

_KEY = re.compile(r"[a-z0-9]+(-[a-z0-9]+)*")


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
    table: Sequence[Mapping[str, Any]] | Sequence[Sequence[Any]] | Mapping[str, Sequence[Any]],
    *,
    key: str | None = None,
    description: str | None = None,
) -> UUID:
    """Publish a table: a list of rows, or columns by name. Raises as `create_markdown_artifact`."""
    content = msgspec.to_builtins(table, str_keys=True, enc_hook=str)
    return _publish("table", json.dumps(content), key, description)


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
