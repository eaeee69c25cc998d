"""What is wrong with a schedule, and what a right one looks like."""


class InvalidSchedule(ValueError):
    """A schedule that could never be obeyed. The message names it, says why, and shows one."""

    code = "invalid_schedule"

    def __init__(self, which: str, why: str, instead: str) -> None:
        super().__init__(f"Invalid schedule: {which}: {why}. {instead}")
        self.which = which
        self.why = why
        self.instead = instead


def shown(text: str, most: int = 80) -> str:
    """A user's text as it goes in a message: quoted, and never long."""
    return repr(text if len(text) <= most else text[:most] + "...")
