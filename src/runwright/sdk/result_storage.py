"""Where the bytes of results are kept. `result_stores/` has the implementations."""

from typing import Protocol


class ResultStorage(Protocol):
    """Keeps bytes by key, for this and other processes."""

    @property
    def location(self) -> str:
        """Where, as a URL or path, for records and messages."""
        ...

    def write(self, key: str, content: bytes) -> None:
        """Keep the content whole or not at all; a reader never sees half of it.

        Raises:
            OSError: it cannot be kept.
        """
        ...

    def read(self, key: str) -> bytes:
        """What was kept.

        Raises:
            FileNotFoundError: nothing was.
        """
        ...

    def exists(self, key: str) -> bool:
        """Whether `read` would find something."""
        ...

    def delete(self, key: str) -> None:
        """Forget it; nothing happens when there is nothing."""
        ...
