"""`runwright config`."""

from pathlib import Path
from typing import Annotated, Any
from urllib.parse import urlsplit, urlunsplit

from cyclopts import App, Parameter

from runwright.cli.profiles_file import change_profiles, checked, known_field
from runwright.cli.render import Column, Output, acted, note, show, show_json
from runwright.cli.values import pairs_of_text
from runwright.settings import (
    Profiles,
    active_profile,
    load_with_sources,
    unknown_variables,
)

app = App(name="config", help="Settings of this user.")
_HIDDEN = "********"


@app.command
def view(
    *,
    show_sources: Annotated[bool, Parameter(negative="")] = False,
    show_secrets: Annotated[bool, Parameter(negative="")] = False,
    output: Output = "table",
) -> None:
    """Show the settings in force.

    Parameters
    ----------
    show_sources
        Also where each comes from: environment, profile, credentials or default.
    show_secrets
        Also the API key and passwords.
    """
    settings, sources = load_with_sources()
    for name in unknown_variables():
        note(f"Warning: {name} is set and is not a setting of Runwright.")
    values = {
        field: _plain(getattr(settings, field), secrets=show_secrets, field=field)
        for field in settings.__struct_fields__
    }
    if output == "json":
        show_json(
            {field: {"value": values[field], "source": sources[field]} for field in values}
            if show_sources
            else values
        )
        return
    columns = [
        Column("SETTING", lambda field: field),
        Column("VALUE", lambda field: _cell(values[field])),
    ]
    if show_sources:
        columns.append(Column("FROM", lambda field: sources[field]))
    show(list(values), columns, output, name=lambda field: field)


@app.command(name="set")
def set_(*assignments: str, output: Output = "table") -> None:
    """Write settings to the active profile, as name=value.

    Parameters
    ----------
    assignments
        For example `api_url=https://flows.example.com/api log_level=DEBUG`.
    """
    wanted = {
        known_field(name): value for name, value in pairs_of_text(assignments, "setting").items()
    }
    wanted = {field: checked(field, value) for field, value in wanted.items()}
    profile = active_profile()

    def change(profiles: Profiles) -> None:
        profiles.profiles.setdefault(profile, {}).update(wanted)

    change_profiles(change)
    _tell_shadowed(wanted)
    for field in wanted:
        acted(f"set in profile {profile}:", field, output)


@app.command
def unset(*fields: str, output: Output = "table") -> None:
    """Take settings out of the active profile, so that their defaults hold."""
    unwanted = [known_field(name) for name in fields]
    profile = active_profile()

    def change(profiles: Profiles) -> None:
        for field in unwanted:
            profiles.profiles.get(profile, {}).pop(field, None)

    change_profiles(change)
    _tell_shadowed(unwanted)
    for field in unwanted:
        acted(f"taken out of profile {profile}:", field, output)


def _tell_shadowed(fields: Any) -> None:
    _, sources = load_with_sources()
    for field in fields:
        if sources[field] == "environment":
            note(f"Warning: RUNWRIGHT_{field.upper()} is set too, and overrules the profile.")


def _plain(value: Any, *, secrets: bool, field: str) -> Any:
    if isinstance(value, Path):
        return str(value)
    if secrets or value is None:
        return value
    if field == "api_key":
        return _HIDDEN
    return _without_password(value) if field == "database_url" else value


def _without_password(url: str) -> str:
    parts = urlsplit(url)
    if not parts.password:
        return url
    place = parts.netloc.rpartition("@")[2]
    return urlunsplit(parts._replace(netloc=f"{parts.username or ''}:{_HIDDEN}@{place}"))


def _cell(value: Any) -> Any:
    return ", ".join(value) if isinstance(value, list) else value
