"""The cycle: read, think, write; and what drives it."""
