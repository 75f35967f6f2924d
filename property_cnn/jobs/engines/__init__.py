"""Engines: the processes, on one machine or on many, that run what is given to `run_tasks`."""
