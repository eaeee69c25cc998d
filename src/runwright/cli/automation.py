"""`runwright automation`."""

import tomllib
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import msgspec
from cyclopts import App

from runwright.api.automations import ActionOutcome, Automation, Firing
from runwright.cli import lookup
from runwright.cli.confirm import confirm
from runwright.cli.exit_codes import Exit
from runwright.cli.flow_run import Yes
from runwright.cli.render import Column, Output, acted, note, show, show_one, when
from runwright.cli.session import Caller, session
from runwright.client.calls import automations
from runwright.errors import ConfigurationError, NotFound

app = App(name="automation", help="Automations: what is done when something happens, or does not.")


@app.command(name="ls")
def ls(*, limit: int = 200, output: Output = "table") -> None:
    """List automations."""
    with session() as caller:
        found = caller.call(automations.find(limit=limit))
    columns = [
        Column("NAME", lambda a: a.name),
        Column("STATUS", lambda a: "enabled" if a.enabled else "paused"),
        Column("TRIGGER", lambda a: trigger_text(a.trigger)),
        Column("ACTIONS", lambda a: ", ".join(each["type"] for each in a.actions)),
        Column("ID", lambda a: a.id),
    ]
    show(found, columns, output, name=lambda a: a.name)


@app.command
def inspect(name: str, /, *, output: Output = "table") -> None:
    """Show everything about an automation, by its name or id."""
    with session() as caller:
        found = named(caller, name)
    show_one(found, output, name=str(found.id))


@app.command
def firings(name: str, /, *, limit: int = 20, output: Output = "table") -> None:
    """What an automation has done, and what came of its actions; the latest first."""
    with session() as caller:
        found = caller.call(automations.firings(named(caller, name).id, limit=limit))
    columns = [
        Column("WHEN", lambda f: when(f.created)),
        Column("OUTCOME", outcome_text),
        Column("EVENT", lambda f: f.event["event"] if f.event else "nothing came"),
        Column(
            "ABOUT", lambda f: f.event["resource"].get("prefect.resource.id") if f.event else ""
        ),
        Column("ACTIONS", actions_text),
    ]
    show(found, columns, output, name=lambda f: str(f.id))


@app.command
def create(file: Path, /, *, output: Output = "table") -> None:
    """Create automations from a JSON, YAML or TOML file: one, or a list under `automations`.

    In its actions, `deployment: flow/name` may stand for the deployment's id, and
    `block: type/name` for that of a block.
    """
    wanted = read_file(file)
    with session() as caller:
        bodies = [_with_ids(caller, each) for each in wanted]
        made = [caller.call(automations.create(each)) for each in bodies]
    if output != "table":
        show(made, [], output, name=lambda a: a.name)
        return
    for each in made:
        note(f"created automation {each.name}: {each.id}")


@app.command
def apply(file: Path, /, *, output: Output = "table") -> None:
    """Create the automations of a file, or update those there are of the same names.

    An update keeps whether the automation is paused, unless the file says `enabled`, and its owner.
    One that the file does not change keeps what it has counted. Files are those of `create`.
    """
    wanted = read_file(file)
    names = _names(wanted, file)
    with session() as caller:
        there = {name: _only_one(caller, name) for name in names}
        bodies = [_with_ids(caller, each) for each in wanted]
        applied = [_apply(caller, each, there[each["name"]], output) for each in bodies]
    if output != "table":
        show(applied, [], output, name=lambda a: a.name)


@app.command
def pause(name: str, /, *, output: Output = "table") -> None:
    """Let an automation do nothing. What it has counted is forgotten."""
    _enable(name, enabled=False)
    acted("paused", name, output)


@app.command
def resume(name: str, /, *, output: Output = "table") -> None:
    """Undo `pause`: it begins anew."""
    _enable(name, enabled=True)
    acted("resumed", name, output)


@app.command
def delete(name: str, /, *, yes: Yes = False, output: Output = "table") -> int:
    """Delete an automation, with what is known of its firings."""
    if not confirm(f"Delete automation {name}?", yes=yes):
        return Exit.ERROR
    with session() as caller:
        caller.call(automations.remove(named(caller, name).id))
    acted("deleted", name, output)
    return Exit.OK


def named(caller: Caller, name: str) -> Automation:
    """The automation of that id, or the only one of that name.

    Raises:
        NotFound: there is none.
        ConfigurationError: several have that name.
    """
    automation_id = lookup.as_id(name)
    if automation_id is not None:
        return caller.call(automations.read(automation_id))
    found = _only_one(caller, name)
    if found is None:
        known = ", ".join(a.name for a in caller.call(automations.find(limit=10)))
        listed = f"Automations: {known}." if known else "There are none yet."
        raise NotFound(f"There is no automation {name!r}. {listed}", status=404, code="not_found")
    return found


def _only_one(caller: Caller, name: str) -> Automation | None:
    found = caller.call(automations.find(name=name))
    if len(found) > 1:
        ids = ", ".join(str(each.id) for each in found)
        raise ConfigurationError(
            f"Several automations are called {name!r}: {ids}. Name one by its id, or delete the "
            "others: runwright automation delete ID"
        )
    return found[0] if found else None


def _names(wanted: Sequence[dict[str, Any]], file: Path) -> list[str]:
    """The names of a file's automations, each once.

    Raises:
        ConfigurationError: one has no name, or two have the same.
    """
    names = [each.get("name") for each in wanted]
    for number, name in enumerate(names, 1):
        if not isinstance(name, str) or not name:
            raise ConfigurationError(f"{file}: automation {number} has no name.")
        if names.count(name) > 1:
            raise ConfigurationError(f"{file}: two automations are called {name!r}.")
    return [str(name) for name in names]


def _apply(
    caller: Caller, body: dict[str, Any], there: Automation | None, output: str
) -> Automation:
    if there is None:
        made = caller.call(automations.create(body))
    else:
        update = {"enabled": there.enabled} | body
        update.pop("owner_resource", None)  # it is given once
        caller.call(automations.replace(there.id, update))
        made = caller.call(automations.read(there.id))
    if output == "table":
        done = "created" if there is None else "updated"
        done = "unchanged:" if there is not None and made.updated == there.updated else done
        note(f"{done} automation {made.name}: {made.id}")
    return made


def read_file(file: Path) -> list[dict[str, Any]]:
    """The automations that a file describes.

    Raises:
        ConfigurationError: it cannot be read, or is no automation.
    """
    readers: dict[str, Callable[[bytes], Any]] = {
        ".json": msgspec.json.decode,
        ".toml": lambda content: tomllib.loads(content.decode()),
        ".yaml": _read_yaml,
        ".yml": _read_yaml,
    }
    reader = readers.get(file.suffix.lower())
    if reader is None:
        raise ConfigurationError(f"{file}: its name must end with {', '.join(sorted(readers))}.")
    try:
        found = reader(file.read_bytes())
    except OSError as error:
        raise ConfigurationError(f"{file} cannot be read: {error.strerror}.") from None
    except (ValueError, msgspec.DecodeError) as error:
        raise ConfigurationError(f"{file} is not {file.suffix[1:].upper()}: {error}") from None
    several = found.get("automations") if isinstance(found, dict) else found
    if isinstance(found, dict) and several is not None and len(found) > 1:
        others = ", ".join(repr(key) for key in found if key != "automations")
        raise ConfigurationError(
            f"{file}: beside `automations`, which lists them all, nothing is known as {others}."
        )
    bodies = several if isinstance(several, list) else [found]
    if not bodies or not all(isinstance(each, dict) and "trigger" in each for each in bodies):
        raise ConfigurationError(
            f"{file} is no automation: it has no trigger. It needs name, trigger and actions."
        )
    return bodies


def trigger_text(trigger: dict[str, Any]) -> str:
    """A trigger in a few words."""
    if trigger["type"] != "event":
        inner = "; ".join(trigger_text(each) for each in trigger["triggers"])
        how = "in order" if trigger["type"] == "sequence" else trigger["require"]
        return f"{how} of ({inner})"
    names = ", ".join(trigger["expect"]) or "anything"
    if trigger["posture"] == "Proactive":
        after = f" after {', '.join(trigger['after'])}" if trigger["after"] else ""
        return f"no {names} for {trigger['within']:g} s{after}"
    times = f"{trigger['threshold']} x " if trigger["threshold"] > 1 else ""
    within = f" within {trigger['within']:g} s" if trigger["within"] else ""
    return f"{times}{names}{within}"


def outcome_text(firing: Firing) -> str:
    """What a firing was, and why it was stopped where it was."""
    if firing.outcome != "stopped":
        return firing.outcome
    return f"stopped: {firing.depth} automations in a row led to it; it was disabled"


def actions_text(firing: Firing) -> str:
    """Each action of a firing and what came of it, with the reason where it failed."""
    return ", ".join(_action_text(each) for each in firing.actions)


def _action_text(done: ActionOutcome) -> str:
    tries = f" after {done.tries} tries" if done.error and done.tries > 1 else ""
    why = f": {done.error}" if done.error else ""
    return f"{done.action['type']} {done.status}{tries}{why}"


def _enable(name: str, *, enabled: bool) -> None:
    with session() as caller:
        caller.call(automations.enable(named(caller, name).id, enabled=enabled))


def _with_ids(caller: Caller, body: dict[str, Any]) -> dict[str, Any]:
    """The automation with ids in the places of names."""
    lists = ("actions", "actions_on_trigger", "actions_on_resolve")
    return body | {name: _resolved(caller, body[name]) for name in lists if body.get(name)}


def _resolved(caller: Caller, actions: Sequence[dict[str, Any]]) -> list[dict[str, Any]]:
    resolved = []
    for action in actions:
        new = dict(action)
        if isinstance(name := new.pop("deployment", None), str):
            new["deployment_id"] = str(lookup.deployment(caller, name).id)
        if isinstance(name := new.pop("block", None), str):
            slug, slash, block = name.partition("/")
            if not slash:
                raise ConfigurationError(f"The block {name!r} must be named as type/name.")
            new["block_document_id"] = str(caller.call(automations.block_named(slug, block)).id)
        resolved.append(new)
    return resolved


def _read_yaml(content: bytes) -> Any:
    try:
        return msgspec.yaml.decode(content)
    except ImportError:
        raise ConfigurationError(
            "YAML needs a package that is not installed: pip install pyyaml. JSON and TOML do not."
        ) from None
