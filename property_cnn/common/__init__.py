"""What every package stands on: errors, files, folders, devices, checks, tasks, random streams.

Results that take long go through `shards` (arrays of many rows) and `training_state`, which
are resumed after a stop and know when a file is damaged. Nothing here imports another room.
"""
