"""One run as a value: spec, edits, phases, checkpoints, and the way to any step."""
