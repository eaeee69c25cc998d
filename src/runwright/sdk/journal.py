"""Opens the channel that a run's journal goes through."""

from typing import TYPE_CHECKING
from uuid import UUID

from runwright.sdk.channel import Channel, Told

if TYPE_CHECKING:
    from runwright.core.ids import NewId
    from runwright.settings import Settings

__all__ = ["Channel", "Told", "open_channel"]


def open_channel(settings: "Settings", root_run_id: UUID, *, new_id: "NewId") -> Channel:
    """The channel of a run by hand: to `settings.api_url`, or without one to the spool."""
    execution_id = new_id()
    # The two are imported late: each run needs one of them, and the other costs start-up time.
    if settings.api_url:
        from runwright.sdk.channels.http import HttpChannel

        return HttpChannel(settings, root_run_id, execution_id)
    from runwright.sdk.channels.embedded import EmbeddedChannel

    return EmbeddedChannel(settings, root_run_id, execution_id)
