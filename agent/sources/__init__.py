"""Where counts come from: one package or module per source, put together in `agent.engine.assembly`."""
