"""Labels of resources, and whether they are those that somebody wants."""

from collections.abc import Mapping

#: The label that names a resource, and that which says what a related one is to it.
ID = "prefect.resource.id"
ROLE = "prefect.resource.role"

Labels = Mapping[str, str]
#: Label -> the value it must have, or several: `*` any, `x*` beginning with x, `!x` not x.
Wanted = Mapping[str, str | list[str]]


def have(resource: Labels, wanted: Wanted) -> bool:
    """Whether a resource has every label that is wanted, with one of its values."""
    for label, values in wanted.items():
        found = resource.get(label)
        every = [values] if isinstance(values, str) else values
        if any(value.startswith("!") and _fits(found, value[1:]) for value in every):
            return False
        positive = [value for value in every if not value.startswith("!")]
        if positive and not any(_fits(found, value) for value in positive):
            return False
    return True


def _fits(found: str | None, value: str) -> bool:
    if found is None:
        return False
    return found.startswith(value[:-1]) if value.endswith("*") else found == value
