"""Names of runs: from a template, from a function, or made up."""

from collections.abc import Callable, Mapping
from typing import Any

from runwright.core.texts import error_text, shown
from runwright.errors import FlowError

NameOption = str | Callable[..., str] | None


def given_name(option: NameOption, parameters: Callable[[], Mapping[str, Any]], what: str) -> str:
    """The name that a `flow_run_name` or `task_run_name` means.

    Raises:
        FlowError: the template asks for something that is no parameter, or no string comes out.
    """
    if isinstance(option, str):
        if "{" not in option:
            return option
        try:
            return option.format(**_names(parameters()))
        except Exception as error:  # values' own `__format__` may raise anything
            known = ", ".join(parameters()) or "none"
            raise FlowError(
                f"The run name {option!r} of {what} cannot be filled in: {error_text(error)}. "
                f"Its parameters: {known}."
            ) from error
    name = _called(option, parameters)
    if not isinstance(name, str):
        raise FlowError(f"The run name function of {what} must return a string, not {shown(name)}.")
    return name


def _names(parameters: Mapping[str, Any]) -> dict[str, Any]:
    from datetime import date

    from runwright.sdk.environment import current_environment

    now = current_environment().clock.now()
    return {"date": date(now.year, now.month, now.day), "now": now, **parameters}


def _called(option: Any, parameters: Callable[[], Mapping[str, Any]]) -> Any:
    from runwright.sdk.signatures import signature_of

    if "parameters" in signature_of(option).parameters:
        return option(parameters=dict(parameters()))
    return option()
