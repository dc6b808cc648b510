"""What Trueup knows about billing: values and pure functions. No I/O, no clock, no log, no settings."""
