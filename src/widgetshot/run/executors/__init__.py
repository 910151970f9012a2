"""Ways to run sessions: each implements `widgetshot.ports.SessionExecutor`."""
