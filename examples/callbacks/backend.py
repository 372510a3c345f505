"""A backend for Pocketwire's callbacks, with Python's standard library alone.

It refuses subscriptions to topics that start with "secret/", and prints which topics are occupied and vacated.
"""

import base64
import collections
import hashlib
import hmac
import json
import os
import sys
import time
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

# The secret after "whsec_" is the key, in Base64.
KEY = base64.b64decode(os.environ["REALTIME_CALLBACK_SECRET"].removeprefix("whsec_"))
MAX_AGE_SECONDS = 300
MAX_BODY_BYTES = 2 * 1024 * 1024


def is_genuine(headers, body):
    """Whether a request has a valid signature, as https://www.standardwebhooks.com describes."""
    message_id = headers.get("webhook-id", "")
    timestamp = headers.get("webhook-timestamp", "")
    if not timestamp.isdecimal() or abs(time.time() - int(timestamp)) > MAX_AGE_SECONDS:
        return False
    signed = f"{message_id}.{timestamp}.".encode() + body
    digest = hmac.new(KEY, signed, hashlib.sha256).digest()
    expected = "v1," + base64.b64encode(digest).decode()
    # The header has several signatures while a secret is replaced.
    given = headers.get("webhook-signature", "").split()
    return any(hmac.compare_digest(one.encode(), expected.encode()) for one in given)


def answer(question):
    """Decides about a request."""
    if question["type"] == "subscribe":
        for key in question["subscriptions"]:
            # A key may have options after a question mark. "*" and "secret/*" are patterns.
            topic = key.split("?")[0]
            if topic == "*" or topic.startswith("secret/"):
                return {"allow": False, "reason": f"{topic} is not for you."}
    return {"allow": True, "cacheSeconds": 10} if question["type"] != "publish" else {"allow": True}


# The ids of the newest events.
seen = collections.deque(maxlen=10_000)


def hear(events):
    """Handles events. After a failure, the service sends them again with the same ids."""
    for event in events:
        if event["id"] in seen:
            continue
        seen.append(event["id"])
        print(event["type"], event.get("topic") or event.get("clientId"), flush=True)


class Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def do_POST(self):
        length = int(self.headers.get("Content-Length", 0))
        if length > MAX_BODY_BYTES:
            self.close_connection = True
            return self.send(413, {})
        body = self.rfile.read(length)
        if not is_genuine(self.headers, body):
            return self.send(401, {})
        content = json.loads(body)
        if "events" in content:
            hear(content["events"])
            return self.send(200, {})
        return self.send(200, answer(content))

    def send(self, status, content):
        body = json.dumps(content).encode()
        self.send_response(status)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_):
        pass


if __name__ == "__main__":
    server = ThreadingHTTPServer(("127.0.0.1", int(os.environ.get("PORT", "8000"))), Handler)
    print(f"http://127.0.0.1:{server.server_address[1]}", flush=True)
    try:
        server.serve_forever()
    except KeyboardInterrupt:
        sys.exit(0)
