"""The queue: which pairs people judge, in which order, and who gets which."""
