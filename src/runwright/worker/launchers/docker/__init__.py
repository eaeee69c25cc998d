"""Executions as containers: one for each, with the supervisor as its main program."""

from runwright.worker.launchers.docker.launcher import DockerLauncher

__all__ = ["DockerLauncher"]
