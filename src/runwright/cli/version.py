"""`runwright version`, where it was asked with options."""

import platform

from runwright.version import __version__
from runwright.cli.render import Output, show_one


def version(*, output: Output = "name") -> None:
    """The version of Runwright, and of what it runs on."""
    about = {"version": __version__, "python": platform.python_version()}
    show_one(about, output, name=__version__)
