"""Templates of messages that users write: Jinja, checked before they are kept."""

from runwright.server.problems import Unprocessable


class InvalidTemplate(Unprocessable):
    """A template that cannot be read. `line` counts from 1."""

    def __init__(self, message: str, line: int, source: str) -> None:
        super().__init__(f"The template cannot be read: line {line}: {message}.")
        self.line, self.source, self.message = line, source, message


def check_template(text: str) -> None:
    """Refuse what is no template.

    Raises:
        InvalidTemplate: says the line and why.
    """
    from jinja2 import TemplateSyntaxError  # few requests need it
    from jinja2.sandbox import ImmutableSandboxedEnvironment

    try:
        ImmutableSandboxedEnvironment().parse(text)
    except TemplateSyntaxError as error:
        reason = (error.message or "it is no template").rstrip(".")
        raise InvalidTemplate(reason, error.lineno, text) from None
