"""`runwright`: the tree of commands. Each noun is loaded only when it is used."""

import sys
from typing import TYPE_CHECKING, NoReturn

if TYPE_CHECKING:
    from cyclopts import App

#: Noun, module, what it is about.
NOUNS = (
    ("server", "server", "Start, stop and ask after the control plane on this machine."),
    ("worker", "worker", "Run flows on this machine for a work pool."),
    ("work-pool", "work_pool", "Work pools: which workers run what."),
    ("work-queue", "work_queue", "Queues of a pool: priorities and limits."),
    ("deployment", "deployment", "Deployments: run, pause, schedule."),
    ("flow", "flow", "Flows."),
    ("flow-run", "flow_run", "Flow runs: list, follow, cancel, run again."),
    ("task-run", "task_run", "Task runs."),
    ("automation", "automation", "Automations: what is done when something happens, or does not."),
    ("config", "config", "Settings of this user."),
    ("profile", "profile", "Named sets of settings."),
    ("key", "key", "API keys."),
    ("session", "browser_session", "Browsers that are signed in."),
    ("chaos", "chaos", "Whether a flow may be killed anywhere and run again."),
    ("db", "db", "The control plane's database."),
)


def build() -> "App":
    """The command tree."""
    # Late: `runwright version` needs none of it.
    from cyclopts import App, Parameter

    from runwright.version import __version__

    app = App(
        name="runwright",
        help="A self-hosted workflow orchestrator for Python.",
        version=__version__,
        help_format="plaintext",
        default_parameter=Parameter(negative_iterable=()),
        result_action="return_value",
        exit_on_error=False,
        print_error=True,
    )
    for noun, module, about in NOUNS:
        app.command(f"runwright.cli.{module}:app", name=noun, help=about)
    app.command("runwright.cli.deploy:deploy", name="deploy", help="Deploy a flow from its file.")
    app.command("runwright.cli.init:app", name="init", help="Files to begin with.")
    app.command(
        "runwright.cli.migrate:migrate", name="migrate", help="Copy what a Prefect server has."
    )
    app.command(
        "runwright.cli.completion:completion", name="completion", help="Completion for a shell."
    )
    app.command("runwright.cli.version:version", name="version", help="The version.")
    return app


def run(arguments: list[str]) -> int:
    """Run one command; the exit status."""
    if arguments == ["version"]:
        # Late, and before anything else: the most frequent command costs nothing.
        from runwright.version import __version__

        sys.stdout.write(f"{__version__}\n")
        return 0
    from cyclopts import CycloptsError

    try:
        outcome = build()(arguments)
    except CycloptsError:
        return 2  # told by cyclopts
    except BrokenPipeError:
        return 0  # `| head` has seen enough
    except KeyboardInterrupt:
        return 130
    except Exception as error:  # noqa: BLE001  # the last one; what is not ours goes on
        return _tell(error)
    return int(outcome) if isinstance(outcome, int) else 0


def _tell(error: Exception) -> int:
    # Late: most commands succeed.
    from runwright.cli.exit_codes import of_error
    from runwright.cli.render import note
    from runwright.errors import RunwrightError

    if not isinstance(error, RunwrightError | OSError | ValueError):
        raise error
    note(f"Error: {error}")
    return int(of_error(error))


def main() -> NoReturn:
    """The entry point."""
    sys.exit(run(sys.argv[1:]))


if __name__ == "__main__":
    main()
