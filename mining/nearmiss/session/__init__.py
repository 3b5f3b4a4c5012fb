"""A session: one round of a run opened for review, and everything that the app's pages need from it."""
