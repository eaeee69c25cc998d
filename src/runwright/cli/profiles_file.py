"""Writing profiles.toml, and what may stand in it."""

import difflib
from collections.abc import Callable
from pathlib import Path
from typing import Any

import msgspec

from runwright.credentials import write_private
from runwright.errors import ConfigurationError, NotFound
from runwright.settings import (
    Profiles,
    Settings,
    home_folder,
    parse,
    profiles_file,
    read_profiles,
)

#: Chosen outside of profiles.
_OUTSIDE = ("home", "profile")


def change_profiles(change: Callable[[Profiles], None]) -> Profiles:
    """Read the profiles, change them and write them back, readable by this user alone."""
    home = home_folder()
    profiles = read_profiles(home)
    change(profiles)
    write_private(profiles_file(home), as_toml(profiles))
    return profiles


def as_toml(profiles: Profiles) -> str:
    """The content of the file."""
    lines = [f"active = {_value(profiles.active)}", ""]
    for name, values in sorted(profiles.profiles.items()):
        lines.append(f"[profiles.{_value(name)}]")
        lines += [f"{field} = {_value(value)}" for field, value in sorted(values.items())]
        lines.append("")
    return "\n".join(lines)


def known_field(name: str) -> str:
    """The field that a person names, as `log_level` or `RUNWRIGHT_LOG_LEVEL`.

    Raises:
        ConfigurationError: there is no such setting, or no profile can hold it.
    """
    field = name.removeprefix("RUNWRIGHT_").lower().replace("-", "_")
    fields = [each for each in Settings.__struct_fields__ if each not in _OUTSIDE]
    if field in fields:
        return field
    if field in _OUTSIDE:
        raise ConfigurationError(
            f"{field} is not kept in a profile: set RUNWRIGHT_{field.upper()}, "
            "or use `runwright profile use`."
        )
    near = difflib.get_close_matches(field, fields, n=3)
    hint = f"Did you mean {' or '.join(near)}?" if near else "`runwright config view` lists them."
    raise ConfigurationError(f"There is no setting {name!r}. {hint}")


def checked(field: str, value: Any) -> Any:
    """The value as the file holds it.

    Raises:
        ConfigurationError: it does not fit the setting.
    """
    if field == "log_extra_loggers" and isinstance(value, str):
        value = [each.strip() for each in value.split(",") if each.strip()]
    read = getattr(parse({"home": home_folder(), field: value}), field)
    return str(read) if isinstance(read, Path) else read


def no_profile(profiles: Profiles, name: str) -> NotFound:
    """The error for a profile that does not exist; it names those that do."""
    known = ", ".join(names(profiles))
    return NotFound(
        f"There is no profile {name!r}. Profiles: {known}. "
        f"Create it with `runwright profile create {name}`.",
        status=404,
        code="not_found",
    )


def names(profiles: Profiles) -> list[str]:
    """All profiles; `default` is there even when nothing was written to it."""
    return sorted({*profiles.profiles, "default"})


def _value(value: Any) -> str:
    # A JSON string, number, boolean or list is the same in TOML, but for the DEL character.
    return msgspec.json.encode(value).decode().replace("\x7f", "\\u007f")
