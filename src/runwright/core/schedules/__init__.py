"""When deployments fire. `schedule.py` is the way in; the others hold one kind each."""
