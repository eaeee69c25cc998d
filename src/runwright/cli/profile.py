"""`runwright profile`."""

from cyclopts import App

from runwright.cli.confirm import confirm
from runwright.cli.exit_codes import Exit
from runwright.cli.flow_run import Yes
from runwright.cli.profiles_file import change_profiles, names, no_profile
from runwright.cli.render import Column, Output, acted, show, show_one
from runwright.errors import AlreadyExists, ConfigurationError
from runwright.settings import Profiles, active_profile, home_folder, read_profiles

app = App(name="profile", help="Named sets of settings.")


@app.command(name="ls")
def ls(*, output: Output = "table") -> None:
    """List profiles."""
    active = active_profile()
    profiles = read_profiles(home_folder())
    rows = [
        {"name": name, "active": name == active, "settings": len(profiles.profiles.get(name, {}))}
        for name in names(profiles)
    ]
    columns = [
        Column("NAME", lambda p: p["name"]),
        Column("ACTIVE", lambda p: "yes" if p["active"] else ""),
        Column("SETTINGS", lambda p: p["settings"]),
    ]
    show(rows, columns, output, name=lambda p: p["name"])


@app.command
def create(name: str, /, *, copy: str | None = None, output: Output = "table") -> None:
    """Create a profile.

    Parameters
    ----------
    copy
        Begin with the settings of this profile.
    """
    if not name.strip():
        raise ConfigurationError("A profile needs a name.")

    def change(profiles: Profiles) -> None:
        if name in profiles.profiles:
            raise _taken(name)
        if copy is not None and copy not in names(profiles):
            raise no_profile(profiles, copy)
        profiles.profiles[name] = dict(profiles.profiles.get(copy or "", {}))

    change_profiles(change)
    acted("created profile", name, output)


@app.command
def use(name: str, /, *, output: Output = "table") -> None:
    """Make a profile the active one, until RUNWRIGHT_PROFILE says otherwise."""

    def change(profiles: Profiles) -> None:
        if name not in names(profiles):
            raise no_profile(profiles, name)
        profiles.active = name

    change_profiles(change)
    acted("now in use:", name, output)


@app.command
def inspect(name: str | None = None, /, *, output: Output = "table") -> None:
    """Show what a profile sets; the active one when none is named. The API key is not shown."""
    chosen = name or active_profile()
    profiles = read_profiles(home_folder())
    if chosen not in names(profiles):
        raise no_profile(profiles, chosen)
    values = dict(profiles.profiles.get(chosen, {}))
    if "api_key" in values:
        values["api_key"] = "********"
    if output == "table":
        rows = sorted(values.items())
        columns = [Column("SETTING", lambda p: p[0]), Column("VALUE", lambda p: p[1])]
        show(rows, columns, output, name=lambda p: p[0])
    else:
        show_one(values, output, name=chosen)


@app.command
def rename(old: str, new: str, /, *, output: Output = "table") -> None:
    """Give a profile another name."""

    def change(profiles: Profiles) -> None:
        if old not in profiles.profiles:
            raise no_profile(profiles, old)
        if new in profiles.profiles:
            raise _taken(new)
        profiles.profiles[new] = profiles.profiles.pop(old)
        if profiles.active == old:
            profiles.active = new

    change_profiles(change)
    acted(f"{old} is now called", new, output)


@app.command
def delete(name: str, /, *, yes: Yes = False, output: Output = "table") -> int:
    """Delete a profile with its settings."""

    def change(profiles: Profiles) -> None:
        if name not in profiles.profiles:
            raise no_profile(profiles, name)
        del profiles.profiles[name]
        if profiles.active == name:
            profiles.active = "default"

    if not confirm(f"Delete profile {name}?", yes=yes):
        return Exit.ERROR
    change_profiles(change)
    acted("deleted profile", name, output)
    return Exit.OK


def _taken(name: str) -> AlreadyExists:
    return AlreadyExists(
        f"There is a profile {name!r} already. Choose another name.", status=409, code="exists"
    )
