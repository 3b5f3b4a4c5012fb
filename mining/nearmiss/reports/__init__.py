"""Reports: what a run found, kept and refused, why, and which parts are doubtful."""
