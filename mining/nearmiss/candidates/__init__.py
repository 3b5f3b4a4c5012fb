"""
Candidates: what the sources found as one pool of rows.

Marked are near copies of answers, answers to twins of the query, siblings and clusters.
"""
