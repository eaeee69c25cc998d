"""Instants on the wire: always with an offset."""

from datetime import datetime
from typing import Annotated

import msgspec

#: A datetime that says its offset from UTC. One that does not is refused as unprocessable.
Instant = Annotated[datetime, msgspec.Meta(tz=True)]
