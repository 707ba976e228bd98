#!/usr/bin/python3 -B
# SPDX-License-Identifier: GPL-2.0
"""A stranger on the network who sends what a VPN server must cope with, as fast as it can.

flood.py KIND PROTOCOL PUBLIC NS DEVICE MAC ADDRESS TAP_NS TAP_DEVICE
    Frames from DEVICE in NS to the server with that MAC and ADDRESS, whose static key is PUBLIC,
    until it is ended; it may be stopped and go on. PROTOCOL is toyvpn or wireguard, KIND one of
    init     right mac1, the rest random
    garbage  every type and length, also such as no message has
    replay   data messages that TAP_DEVICE in TAP_NS carries while this starts, again
    forged   data for the session of those, that nobody encrypted
    cookie   COOKIEs for that session and for others

Whatever it is, a few thousand frames are made first, from as many sources (198.18.0.0/15), and go out
over and over: making them costs more than sending them. Prints "flooding" once it does, and at the
end how many frames went out a second.
"""

import base64
import ctypes
import hashlib
import hmac
import os
import random
import signal
import socket
import struct
import sys
import time

from netns import PATIENCE, libc, namespace

PORT = 51820
FRAMES = 2048
AT_ONCE = 256
STOPPED = 1.0
SOURCES = 0xc6120000
DATA = 4
ETH_P_ALL = 3
SOL_PACKET, PACKET_QDISC_BYPASS = 263, 20


class Iovec(ctypes.Structure):
    _fields_ = [("base", ctypes.c_char_p), ("len", ctypes.c_size_t)]


class Msghdr(ctypes.Structure):
    _fields_ = [("name", ctypes.c_void_p), ("namelen", ctypes.c_uint),
                ("iov", ctypes.POINTER(Iovec)), ("iovlen", ctypes.c_size_t),
                ("control", ctypes.c_void_p), ("controllen", ctypes.c_size_t),
                ("flags", ctypes.c_int)]


class Mmsghdr(ctypes.Structure):
    _fields_ = [("header", Msghdr), ("sent", ctypes.c_uint)]


def new_index():
    return random.getrandbits(32)


class Toyvpn:
    """The messages of toyvpn, as far as nothing large must be imported for them."""

    @staticmethod
    def head(kind, *indexes):
        return struct.pack(f"<BBH{len(indexes)}I", kind, 1, 0, *indexes)

    @classmethod
    def init(cls, public):
        message = cls.head(1, new_index()) + os.urandom(144)
        key = hashlib.sha256(b"toyvpn/1 mac1" + public).digest()
        return message + hmac.digest(key, message, "sha256")[:16] + bytes(16)


class Wireguard:
    """Those of WireGuard: as long, but for INIT, and with the index at the same place."""

    @staticmethod
    def head(kind, *indexes):
        return struct.pack(f"<I{len(indexes)}I", kind, *indexes)

    @staticmethod
    def init(public):
        message = struct.pack("<II", 1, new_index()) + os.urandom(108)
        key = hashlib.blake2s(b"mac1----" + public).digest()
        return message + hashlib.blake2s(message, digest_size=16, key=key).digest() + bytes(16)


def tap(ns, device, count):
    """Data messages to PORT that a device carries."""
    with namespace(ns):
        sock = socket.socket(socket.AF_PACKET, socket.SOCK_RAW, socket.htons(ETH_P_ALL))
    sock.bind((device, ETH_P_ALL))
    sock.settimeout(PATIENCE)
    messages = []
    while len(messages) < count:
        frame, (_, _, kind, _, _) = sock.recvfrom(2048)
        if (kind == socket.PACKET_OUTGOING and frame[12:14] == b"\x08\0" and frame[23] == 17 and
                frame[42] == DATA and len(frame) > 42 + 32):
            messages.append(frame[42:])
    return messages


def garbage(protocol, _public, _tapped):
    body = os.urandom(random.choice((0, 1, 7, 31, 32, 64, 84, 128, 144, 1152, 1232, 1400)))
    if random.randrange(2):
        return body
    return protocol.head(random.randrange(1, 5), new_index()) + body


def forged(protocol, _public, tapped):
    index, = struct.unpack_from("<I", tapped[-1], 4)
    counter = random.randrange(1 << 20)
    return protocol.head(DATA, index) + struct.pack("<Q", counter) + os.urandom(1300)


def cookie(protocol, _public, tapped):
    index, = struct.unpack_from("<I", tapped[-1], 4)
    return protocol.head(3, random.choice((index, new_index()))) + os.urandom(56)


KINDS = {
    "init": lambda protocol, public, _: protocol.init(public),
    "garbage": garbage,
    "replay": lambda _protocol, _public, tapped: random.choice(tapped),
    "forged": forged,
    "cookie": cookie,
}


def packet(source, target, message):
    """IPv4 and UDP, without the checksum that UDP can do without."""
    udp = struct.pack(">HHHH", 1024 + random.randrange(60000), PORT, 8 + len(message), 0)
    head = struct.pack(">BBHHHBBHII", 0x45, 0, 28 + len(message), 0, 0, 64, 17, 0, source, target)
    words = sum(struct.unpack(">10H", head))
    words = (words & 0xffff) + (words >> 16)
    return head[:10] + struct.pack(">H", ~(words + (words >> 16)) & 0xffff) + head[12:] + udp + message


class Sender:
    """Sends the same frames again and again, some with each system call."""

    def __init__(self, ns, device, frames):
        with namespace(ns):
            self.socket = socket.socket(socket.AF_PACKET, socket.SOCK_RAW, 0)
        self.socket.bind((device, 0))
        self.socket.setsockopt(SOL_PACKET, PACKET_QDISC_BYPASS, 1)
        self.messages = (Mmsghdr * len(frames))()
        self.vectors = (Iovec * len(frames))(*((frame, len(frame)) for frame in frames))
        for message, vector in zip(self.messages, self.vectors):
            message.header.iov, message.header.iovlen = ctypes.pointer(vector), 1
        self.next = self.sent = 0
        self.seconds = 0.0
        self.last = time.monotonic()

    def send(self, count=AT_ONCE):
        count = min(count, len(self.messages) - self.next)
        sent = libc.sendmmsg(self.socket.fileno(), ctypes.byref(self.messages[self.next]), count, 0)
        self.sent += max(sent, 0)
        self.next = (self.next + max(sent, 1)) % len(self.messages)
        now = time.monotonic()
        if now - self.last < STOPPED:
            self.seconds += now - self.last
        self.last = now


def main(kind, protocol, public, ns, device, mac, address, tap_ns, tap_device):
    def end(*_):
        raise SystemExit

    protocol = {"toyvpn": Toyvpn, "wireguard": Wireguard}[protocol]
    public = base64.b64decode(public)
    target, = struct.unpack(">I", socket.inet_aton(address))
    tapped = tap(tap_ns, tap_device, 100) if kind in ("replay", "forged", "cookie") else []
    ethernet = bytes.fromhex(mac.replace(":", "")) + b"\2\0\0\0\0\1\x08\0"
    sender = Sender(ns, device, [
        ethernet + packet(SOURCES + random.randrange(1 << 17), target,
                          KINDS[kind](protocol, public, tapped)) for _ in range(FRAMES)])
    signal.signal(signal.SIGTERM, end)
    try:
        sender.send()
        print("flooding", flush=True)
        while True:
            sender.send()
    finally:
        print(f"{sender.sent / max(sender.seconds, 1e-3):.0f} a second", flush=True)


if __name__ == "__main__":
    main(*sys.argv[1:])
