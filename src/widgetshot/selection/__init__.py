"""Selection: sessions that need not be run, baselines that nothing declares."""
