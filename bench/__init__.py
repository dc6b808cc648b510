"""Measurements beside a bound or a peer, never timed tests. `make bench` prints the tables of docs/performance.md."""
