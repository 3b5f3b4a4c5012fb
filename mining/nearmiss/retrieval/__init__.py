"""
Retrieval: which documents each query finds, by each source.

Every source hands back a *found* frame, in row numbers of the dataset's queries and documents: `query` (int32),
`document` (int32), `rank` (int32, 1 is best) and `score` (float32, higher is more alike). `fusion.pool` joins them.
"""
