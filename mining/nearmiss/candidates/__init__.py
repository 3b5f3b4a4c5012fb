"""Candidates: what the sources found as one pool of rows, with near copies of answers, siblings and clusters marked."""
