"""Results <-> run folder, and what people read of it."""
