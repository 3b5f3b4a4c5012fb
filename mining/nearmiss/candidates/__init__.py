"""
Candidates: what the sources found as one pool of rows.

Near copies of answers, answers to twins of the query, siblings and clusters are marked.
"""
