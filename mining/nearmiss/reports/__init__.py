"""Reports: what a run found, kept and refused, why, and what in it is doubtful."""
