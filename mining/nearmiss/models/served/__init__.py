"""
Models behind a server: encoders and rerankers that are asked over HTTP.

In:  a name as `openai:MODEL@URL`, `rerank:MODEL@URL` or `cohere:MODEL`, a key from the environment or a file
Out: an `Encoder` or a `Teacher` like those that run here; every answer is on disk before the next request is sent

The official `openai` client sends the requests and repeats those that failed, with jitter and as Retry-After says.
"""

from nearmiss.models.served.budget import Budget
from nearmiss.models.served.server_address import Address, address_of, without_url

__all__ = ["Address", "Budget", "address_of", "without_url"]
