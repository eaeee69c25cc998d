"""The limits of the wire, in one table: how long, how many, how large, how deep.

Fields that a client sends carry these types, so that the decoder refuses what is too long with a
422 that names the field and the limit, and the OpenAPI document says the same. Answers keep plain
types: what an older version stored stays readable. `docs/reference/limits.md` is generated from
this file.
"""

from collections.abc import Mapping
from typing import Annotated, Any, TypeVar
from uuid import UUID

import msgspec
from msgspec import Meta

from runwright.core.states import State

T = TypeVar("T")

KIB, MIB = 1024, 1024 * 1024

# Requests as a whole.

#: The body of a request, in bytes; `BODIES` lists the paths that may send more.
MAX_BODY = 2 * MIB
#: By the last part of the path, below `/api`.
BODIES: Mapping[str, int] = {
    "logs": 5 * MIB,
    "events": 5 * MIB,
    "artifacts": 5 * MIB,
    "set_state": 5 * MIB,
    "journal": 8 * MIB,
    "exit": 8 * MIB,
}
#: The body of a request that needs no key.
MAX_OPEN_BODY = 64 * KIB
#: Lists, objects and members of objects in one body. Each costs far more than the bytes it takes.
MAX_PARTS = 100_000
#: Lists and objects inside one another.
MAX_DEPTH = 100

# Texts, in characters.

MAX_NAME = 1_000
MAX_TAG = 500
MAX_KEY = 1_000
MAX_PATH = 10_000
MAX_DESCRIPTION = 100_000
MAX_TEMPLATE = 20_000
#: All templates of one automation.
MAX_TEMPLATES = 100_000
#: Longer ones are cut, not refused: what a run reports is never lost for its length.
MAX_STATE_MESSAGE = 100_000
MAX_LOG_MESSAGE = 1_000_000

# Lists and maps, in members.

MAX_TAGS = 500
MAX_LABELS = 500
MAX_FILTER_VALUES = 10_000
MAX_NAMES = 1_000
MAX_SCHEDULES = 500
MAX_STEPS = 500
#: Of a kind of which there are few, such as types of states, or an automation's actions.
MAX_FEW = 100

# Free JSON, in bytes as the server encodes it.

MAX_PARAMETERS = MIB
MAX_JSON = MIB
MAX_ARTIFACT = 4 * MIB
MAX_SCHEMA = 512 * KIB

# Answers.

#: A line of a log page is cut beyond this, so that a page stays small; the download has it whole.
MAX_SHOWN_LINE = 20_000
#: The bytes of a page after which no more of it is gathered at once: the rest is streamed.
MAX_GATHERED = MIB
#: The bytes of a page of rows that is sent as a whole. A larger one is streamed.
MAX_PAGE = MIB // 2
#: The bytes of one part of a page that is streamed. A row that has more is a part by itself.
MAX_PART = MIB // 4
#: The bytes of large answers that one server holds at a time, all readers together.
MAX_HELD = 24 * MIB
#: Seconds that a reader may let a large answer wait, and bytes for which it gets one more.
READER_PATIENCE_S = 10.0
READER_RATE = 32 * KIB

Name = Annotated[str, Meta(max_length=MAX_NAME)]
Key = Annotated[str, Meta(max_length=MAX_KEY)]
#: A path, an address, an entrypoint.
Path = Annotated[str, Meta(max_length=MAX_PATH)]
Description = Annotated[str, Meta(max_length=MAX_DESCRIPTION)]
Template = Annotated[str, Meta(max_length=MAX_TEMPLATE)]
Tag = Annotated[str, Meta(max_length=MAX_TAG)]
Tags = Annotated[list[Tag], Meta(max_length=MAX_TAGS)]
Names = Annotated[list[Name], Meta(max_length=MAX_NAMES)]
Ids = Annotated[list[UUID], Meta(max_length=MAX_FILTER_VALUES)]
#: The values of one criterion of a filter.
FilterIds = Annotated[list[UUID], Meta(max_length=MAX_FILTER_VALUES)]
FilterTexts = Annotated[
    list[Annotated[str, Meta(max_length=MAX_KEY)]], Meta(max_length=MAX_FILTER_VALUES)
]
#: Each is a condition of its own.
FilterPrefixes = Annotated[list[Annotated[str, Meta(max_length=MAX_KEY)]], Meta(max_length=MAX_FEW)]
SearchText = Annotated[str, Meta(max_length=MAX_KEY)]


def _bytes(most: int) -> Meta:
    return Meta(extra_json_schema={"x-max-bytes": most}, extra={"max_bytes": most})


Parameters = Annotated[dict[str, Any], _bytes(MAX_PARAMETERS)]
JsonMap = Annotated[dict[str, Any], _bytes(MAX_JSON)]
Json = Annotated[Any, _bytes(MAX_JSON)]
ArtifactData = Annotated[Any, _bytes(MAX_ARTIFACT)]
SchemaMap = Annotated[dict[str, Any], _bytes(MAX_SCHEMA)]
Labels = Annotated[dict[str, Any], Meta(max_length=MAX_LABELS)]
#: Texts by name, such as an artifact's metadata.
Texts = Annotated[dict[str, Annotated[str, Meta(max_length=MAX_PATH)]], Meta(max_length=MAX_LABELS)]
TaskInputs = Annotated[
    dict[str, Annotated[list[dict[str, Any]], Meta(max_length=MAX_FILTER_VALUES)]],
    Meta(max_length=MAX_NAMES),
]
#: Seconds before each retry.
Delays = Annotated[list[float], Meta(max_length=MAX_NAMES)]
Pairs = Annotated[list[tuple[str, str]], Meta(max_length=MAX_FILTER_VALUES)]
Few = Annotated[list[T], Meta(max_length=MAX_FEW)]
Schedules = Annotated[list[T], Meta(max_length=MAX_SCHEDULES)]
Steps = Annotated[list[JsonMap], Meta(max_length=MAX_STEPS)]


def body_limit(path: str) -> int:
    """The most bytes that a request to this path may send as its body."""
    return BODIES.get(path.rstrip("/").rpartition("/")[2], MAX_BODY)


def shortened_state(state: State) -> State:
    """The state, its message cut to the length that is kept."""
    message = state.message
    if message is None or len(message) <= MAX_STATE_MESSAGE:
        return state
    return msgspec.structs.replace(state, message=shortened(message, MAX_STATE_MESSAGE))


def shortened(text: str, most: int) -> str:
    """The text, cut to so many characters with a note of how long it was."""
    if len(text) <= most:
        return text
    return f"{text[:most]}... (cut: it had {len(text):,} characters)"
