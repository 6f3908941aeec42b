"""How large a run may be. Each refusal names the limit it met."""

LAST_STEP = 1_000_000
MAX_LAYERS = 16
MAX_UNITS = 4_096
MAX_PARAMETERS = 250_000
MAX_ROWS = 20_000
MAX_NUMBERS = 2_000_000  # rows times columns of inline data
MAX_EDITS = 1_000
MAX_NAME = 80
