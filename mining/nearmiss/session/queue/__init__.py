"""The queue: which pairs people judge, in which order, and which reviewer gets which."""
