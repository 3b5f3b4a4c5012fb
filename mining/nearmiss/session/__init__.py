"""A session: one round of a run opened for people, and everything that pages ask of it."""
