#!/usr/bin/env python3
"""Answers pings through a device of a typetun host: device-client.py /run/typetun/WINTUN7

Python's standard library alone; the protocol is in docs/device-protocol.md.
"""
import json, socket, struct, sys

HELLO, WELCOME, READ, BUNDLE, WRITE, WRITTEN, FAILED, GOODBYE = 1, 2, 3, 4, 5, 6, 8, 10
MAGIC = int.from_bytes(b"TTUN", "little")

def send(kind, tag=0, value=0, payload=b""):
    host.sendall(struct.pack("<IIII", len(payload), kind, tag, value) + payload)

def receive():
    length, kind, tag, value = struct.unpack("<IIII", stream.read(16))
    return kind, tag, value, stream.read(length)

def packets(bundle):
    at = 0
    while at < len(bundle):
        (size,) = struct.unpack_from("=I", bundle, at)       # native endian, as the host's
        yield bundle[at + 16 : at + 16 + size]
        at += (16 + size + 15) & ~15

def answer(p):
    """The reply to an ICMP echo request over IPv4, None for anything else."""
    icmp = (p[0] & 15) * 4
    if p[0] >> 4 != 4 or p[9] != 1 or p[icmp] != 8:
        return None
    total = int.from_bytes(p[icmp + 2 : icmp + 4], "big") + 0x0800   # type 8 becomes type 0
    checksum = (total & 0xFFFF) + (total >> 16)
    return (p[:12] + p[16:20] + p[12:16] + p[20:icmp] + b"\0\0" + checksum.to_bytes(2, "big") + p[icmp + 4 :])

host = socket.socket(socket.AF_UNIX)
host.connect(sys.argv[1])
stream = host.makefile("rb")
send(HELLO, MAGIC, 1, json.dumps({"client": "device-client.py"}).encode())
kind, _, _, said = receive()
if kind != WELCOME:
    sys.exit(json.loads(said)["message"])
print(f"answering pings at {json.loads(said)['device']}", flush=True)
send(READ)
while (frame := receive())[0] != GOODBYE:
    if frame[0] == BUNDLE:
        replies = [reply for reply in map(answer, packets(frame[3])) if reply]
        bundle = b"".join(struct.pack("=I12x", len(r)) + r + bytes(-len(r) % 16) for r in replies)
        if bundle:
            send(WRITE, payload=bundle)
        send(READ)
sys.exit(json.loads(frame[3])["message"])
