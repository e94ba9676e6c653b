"""Commands for redis-tokens from another language, by docs/wire.md and nothing else but Python itself.

    python3 client.py create  shop session ann 3600     a token, and what came of it
    python3 client.py revoke  shop session ann          every token of the owner
    python3 client.py follow  0-0                       what has happened since then, from the log
    python3 client.py vectors                           the examples of docs/wire.md

REDIS_URL and REDIS_TOKENS_PREFIX say where; BULLMQ_SCRIPTS is the folder dist/esm/scripts of the npm package bullmq: adding a
job is one of its Lua scripts. Where BullMQ has a package of its own for your language, let that add the job: all else stays.
"""

import base64
import hashlib
import hmac
import json
import os
import re
import secrets
import socket
import struct
import sys
import time
import urllib.parse
import zlib

PREFIX = os.environ.get("REDIS_TOKENS_PREFIX", "rt")
BASE62 = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz"


# Secrets and ids


def checksum(text):
    rest, digits = zlib.crc32(text.encode()), ""
    for _ in range(6):
        rest, digit = divmod(rest, 62)
        digits = BASE62[digit] + digits
    return digits


def generate_token(token_prefix="rt_"):
    text = token_prefix + "".join(secrets.choice(BASE62) for _ in range(43))
    return text + checksum(text)


def token_id(app, kind, token, pepper=None):
    message = "\0".join((app, kind, token)).encode()
    digest = base64.urlsafe_b64encode(hashlib.sha256(message).digest()).decode()
    if pepper is None:
        return digest[:22]
    keyed = hmac.new(pepper.encode(), message, hashlib.sha256).digest()
    return digest[:2] + base64.urlsafe_b64encode(keyed).decode()[2:22]


# Redis


class Redis:
    def __init__(self, url):
        parts = urllib.parse.urlparse(url)
        self.socket = socket.create_connection((parts.hostname, parts.port or 6379))
        self.reader = self.socket.makefile("rb")
        if parts.password:
            self("AUTH", *([parts.username] if parts.username else []), parts.password)

    def __call__(self, *words):
        words = [word if isinstance(word, bytes) else str(word).encode() for word in words]
        self.socket.sendall(b"*%d\r\n" % len(words) + b"".join(b"$%d\r\n%s\r\n" % (len(word), word) for word in words))
        return self.reply()

    def reply(self):
        line = self.reader.readline()
        kind, rest = line[:1], line[1:-2]
        if kind == b"-":
            raise RuntimeError(rest.decode())
        if kind == b":":
            return int(rest)
        if kind == b"$":
            return None if rest == b"-1" else self.reader.read(int(rest) + 2)[:-2].decode()
        if kind == b"*":
            return None if rest == b"-1" else [self.reply() for _ in range(int(rest))]
        return rest.decode()


# The queue


def pack(value):
    """What of msgpack BullMQ's script is given."""
    if value is None:
        return b"\xc0"
    if isinstance(value, bool):
        return b"\xc3" if value else b"\xc2"
    if isinstance(value, int):
        return b"\xcf" + struct.pack(">Q", value)
    if isinstance(value, str):
        return b"\xdb" + struct.pack(">I", len(value.encode())) + value.encode()
    if isinstance(value, dict):
        return b"\xdf" + struct.pack(">I", len(value)) + b"".join(pack(k) + pack(v) for k, v in value.items())
    return b"\xdd" + struct.pack(">I", len(value)) + b"".join(map(pack, value))


def add_job(redis, queue, job_id, data):
    with open(os.path.join(os.environ["BULLMQ_SCRIPTS"], "addStandardJob-9.js")) as file:
        text = re.search(r"const content = `(.*?)`;", file.read(), re.S).group(1)
    script = re.sub(r"\\(.)", r"\1", text)
    base = "{%s}:%s:" % (PREFIX, queue)
    names = ["wait", "paused", "meta", "id", "completed", "delayed", "active", "events", "marker"]
    now = int(time.time() * 1000)
    arguments = [base, job_id, "command", now, None, None, None, None, None, None]
    # Without `attempts` the worker decides about them.
    redis("EVAL", script, 9, *(base + name for name in names), pack(arguments), json.dumps(data), pack({"timestamp": now}))


def run(redis, queue, command):
    """Enqueues a command, and waits for what came of it."""
    source = "python-" + secrets.token_hex(8)
    channel = "%s:results:%s" % (PREFIX, source)
    listener = Redis(os.environ.get("REDIS_URL", "redis://localhost:6379"))
    listener("SUBSCRIBE", channel)  # first: the result may be quick
    command = {"commandId": secrets.token_hex(16), "issuedAt": time.time_ns() // 1000, **command}
    add_job(redis, queue, "j-" + secrets.token_hex(12), {"v": 1, "replyTo": channel, "commands": [command]})
    listener.socket.settimeout(10)
    _, _, message = listener.reply()
    [result] = json.loads(message)["results"]
    return result


def main(action, *words):
    if action == "vectors":
        token = words[0] if words else "rt_" + "A" * 43 + checksum("rt_" + "A" * 43)
        pepper = words[1] if len(words) > 1 else None
        return print(json.dumps({"token": token, "id": token_id("shop", "session", token, pepper)}))
    redis = Redis(os.environ.get("REDIS_URL", "redis://localhost:6379"))
    if action == "create":
        app, kind, owner, duration = words
        token = generate_token()
        fields = {"app": app, "type": kind, "owner": owner, "data": {}, "duration": int(duration), "custom": False}
        result = run(redis, "commands", {"op": "create", "id": token_id(app, kind, token), **fields})
        return print(json.dumps({"token": token, "result": result}))
    if action == "revoke":
        app, kind, owner = words
        command = {"op": "deleteAll", "app": app, "type": kind, "owner": owner, "reason": "from-python"}
        return print(json.dumps(run(redis, "revocations", command)))
    if action == "follow":
        for entry, fields in redis("XRANGE", "{%s:0}:log" % PREFIX, "(" + words[0], "+"):
            print(json.dumps({"id": "0-" + entry, **json.loads(fields[1])}))


if __name__ == "__main__":
    main(*sys.argv[1:])
