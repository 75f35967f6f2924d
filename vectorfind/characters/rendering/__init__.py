"""Characters and edits as they move: scripts, animations, films, frames."""
