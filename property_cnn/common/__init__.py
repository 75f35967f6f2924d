"""What every package stands on: errors, files, devices, progress, checks, tasks, random streams."""
