"""
A real HTTP server of models, in this process: OpenAI's /embeddings and /chat/completions, and /rerank in its forms.

The toys of tests/words.py answer. It counts what was answered, and can refuse, fail, cut the connection or kill.
"""

import base64
import json
import os
import signal
import threading
from collections import Counter, deque
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import numpy as np

from tests.words import OverlapTeacher, WordEncoder

SOON = {"retry-after-ms": "1"}


class Models:
    """What the server does and what it saw. `faults` holds what befalls the next requests, each a function or None."""

    def __init__(self):
        self.encoder, self.teacher = WordEncoder(), OverlapTeacher()
        self.name = "toy-1"  # what it calls its model
        self.key = ""  # that it wants
        self.rerank_form, self.rows_under = "documents", "results"
        self.most = 1000  # texts in a request
        self.as_lists = False  # as servers answer that know no base64
        self.squash = lambda logits: 1 / (1 + np.exp(-logits))
        self.verdict = None  # of a chat: a function of the user's message
        self.answered = Counter()  # texts and pairs that were answered, by what they were
        self.requests, self.busy, self.most_busy = [], 0, 0
        self.faults = deque()
        self.lock = threading.Lock()
        self.url = ""
        self.routes = {"/v1/embeddings": "embed", "/v1/rerank": "rerank", "/v1/chat/completions": "chat"}

    def answer(self, path, body, headers):
        """Status, headers and JSON, or None where the connection is to be cut."""
        with self.lock:
            self.requests.append((path, body))
            fault = self.faults.popleft() if self.faults else None
        if fault is not None:
            return fault()
        if self.key and not self.is_let_in(path, headers):
            found = headers.get("Authorization") or headers.get("x-goog-api-key")
            return 401, {}, {"error": {"message": f"wrong key: {found}"}}
        if path not in self.routes:
            return 404, {}, {"error": {"message": f"no such path: {path}"}}
        return self.routed(path, body)

    def is_let_in(self, path, headers):
        return headers.get("Authorization") == f"Bearer {self.key}"

    def routed(self, path, body):
        return getattr(self, self.routes[path])(body)

    def embed(self, body):
        texts = body["input"]
        if len(texts) > self.most:
            return 413, {}, {"error": {"message": f"at most {self.most} texts"}}
        if any(len(text) > 5000 for text in texts):
            return 400, {}, {"error": {"message": "maximum context length exceeded"}}
        rows = self.encoder.encode_document(texts)[:, : body.get("dimensions") or None]
        self.count(texts)
        rows = rows.tolist() if self.as_lists else [base64.b64encode(row.tobytes()).decode() for row in rows]
        data = [{"object": "embedding", "index": place, "embedding": row} for place, row in enumerate(rows)]
        usage = {"prompt_tokens": 1, "total_tokens": 1}
        # In another order: what counts is the index.
        return 200, {}, {"object": "list", "model": self.name, "data": data[::-1], "usage": usage}

    def rerank(self, body):
        if self.rerank_form not in body:
            return 422, {}, {"error": f"missing field `{self.rerank_form}`"}
        pairs = [(body["query"], text) for text in body[self.rerank_form]]
        scores = self.squash(self.teacher.score(pairs).astype(float))
        self.count(pairs)
        if self.rerank_form == "texts":
            return 200, {}, [{"index": place, "score": score} for place, score in enumerate(scores)][::-1]
        rows = [{"index": place, "relevance_score": score} for place, score in enumerate(scores)]
        return 200, {}, {"model": self.name, self.rows_under: rows[::-1]}

    def chat(self, body):
        asked = body["messages"][-1]["content"]
        content = self.verdict(asked)
        self.count([asked])
        message = {"role": "assistant", "content": content, "refusal": None}
        choice = {"index": 0, "finish_reason": "stop", "message": message}
        usage = {"prompt_tokens": 100, "completion_tokens": 20, "total_tokens": 120}
        facts = {"id": "1", "object": "chat.completion", "created": 0, "model": self.name}
        return 200, {}, {**facts, "choices": [choice], "usage": usage}

    def count(self, things):
        with self.lock:
            self.answered.update(things)

    def fails(self, status, **headers):
        """A fault: this status, and so many milliseconds to wait."""
        return lambda: (status, {**SOON, **headers}, {"error": {"message": "not now"}})

    def cuts(self):
        """A fault: the connection is closed without an answer."""
        return None

    def kills(self, pid_file: Path):
        """A fault: the client that wrote its number into a file dies before it is answered."""

        def kill():
            os.kill(int(pid_file.read_text()), signal.SIGKILL)

        return kill


@contextmanager
def serving(kind=Models):
    """A server of toys on a port of its own."""
    models = kind()

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def do_POST(self):
            body = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
            with models.lock:
                models.busy += 1
                models.most_busy = max(models.most_busy, models.busy)
            try:
                answer = models.answer(self.path, body, self.headers)
            finally:
                # Before the reply, after which the client may send the next request.
                with models.lock:
                    models.busy -= 1
            self.close_connection = answer is None
            if answer is not None:
                self.reply(*answer)

        def reply(self, status, headers, content):
            text = json.dumps(content).encode()
            self.send_response(status)
            for name, value in {**headers, "Content-Type": "application/json", "Content-Length": len(text)}.items():
                self.send_header(name, str(value))
            self.end_headers()
            self.wfile.write(text)

        def log_message(self, *words):
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    server.daemon_threads = True
    models.url = f"http://127.0.0.1:{server.server_port}/v1"
    thread = threading.Thread(target=server.serve_forever, args=(0.01,), daemon=True)
    thread.start()
    try:
        yield models
    finally:
        server.shutdown()
        server.server_close()
