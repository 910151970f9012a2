"""Decisions on the results of a run, and the baselines that follow from them."""
