"""The command `vectorfind finetune` and its subcommands."""
