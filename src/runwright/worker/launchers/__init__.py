"""Ways to start an execution; each fulfils `runwright.worker.launcher.Launcher`."""
