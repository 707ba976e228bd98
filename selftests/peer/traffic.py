#!/usr/bin/python3 -B
# SPDX-License-Identifier: GPL-2.0
"""Traffic between two namespaces that knows what arrived.

traffic.py tcp NS1 NS2 ADDRESS BYTES
    A connection from NS1 to ADDRESS in NS2; BYTES each way at once, compared by their SHA-256.
traffic.py tapped NS1 NS2 ADDRESS LINK BYTES
    A connection from NS1 to ADDRESS in NS2; BYTES that way, while who listens at LINK in NS2 keeps what
    it gets and looks at it afterwards: none of it may be what was sent.
traffic.py udp NS1 ADDRESS1 NS2 ADDRESS2 COUNT SIZE [SEGMENT]
    COUNT datagrams of SIZE bytes each way, none may be lost; with SEGMENT, SIZE goes out in one
    call as datagrams of SEGMENT bytes (UDP GSO).
traffic.py steady NS1 ADDRESS1 NS2 ADDRESS2 SECONDS RATE
    Datagrams each way at once, RATE a second, none may be lost.
traffic.py until-told NS1 ADDRESS1 NS2 ADDRESS2 RATE
    As steady, until SIGTERM, and deaf to what others send to its sockets.
traffic.py lossy NS1 ADDRESS1 NS2 ADDRESS2 COUNT SIZE
    As udp, over a network that loses: what arrives must be whole, wanted and there once.
traffic.py ordered NS1 NS2 ADDRESS COUNT
    COUNT times a megabyte as fast as one CPU can, to ADDRESS in NS2: all of it must arrive, in the order
    in which it was sent.
traffic.py jam NS1 NS2 ADDRESS
    That again and again until SIGTERM, whatever becomes of it. Says so when it has begun.

Prints a summary; exits with 1 and a reason if anything was wrong.
"""

import contextlib
import hashlib
import os
import signal
import socket
import struct
import sys
import threading
import time

from netns import PATIENCE, namespace

UDP_SEGMENT = 103
SO_RCVBUFFORCE = 33
ETH_P_ALL = 3
ETHERNET_MOST = 1518
IN_FLIGHT = 32 << 10
PORT = 5001


def make_socket(ns, address, kind, port=PORT):
    with namespace(ns):
        sock = socket.socket(socket.AF_INET6 if ":" in address else socket.AF_INET, kind)
    sock.settimeout(PATIENCE)
    if kind == socket.SOCK_STREAM:
        sock.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    sock.bind((address, port))
    return sock


class Both:
    """Threads whose errors are the program's."""

    def __init__(self):
        self.threads, self.errors = [], []

    def start(self, function, *arguments):
        def run():
            try:
                function(*arguments)
            except Exception as error:  # pylint: disable=broad-except
                self.errors.append(f"{function.__name__}: {error!r}")
        thread = threading.Thread(target=run, daemon=True)
        self.threads.append(thread)
        thread.start()

    def finish(self):
        for thread in self.threads:
            thread.join()
        if self.errors:
            sys.exit("; ".join(self.errors))


# TCP

def push(sock, size, digests):
    digest, block = hashlib.sha256(), os.urandom(1 << 16)
    while size:
        part = block[:size]
        digest.update(part)
        sock.sendall(part)
        size -= len(part)
    sock.shutdown(socket.SHUT_WR)
    digests.append(digest.hexdigest())


def pull(sock, size, digests):
    digest = hashlib.sha256()
    while data := sock.recv(1 << 18):
        digest.update(data)
        size -= len(data)
    assert size == 0, f"{size} bytes missing"
    digests.append(digest.hexdigest())


def tcp(ns1, ns2, address, size):
    size = int(size)
    listener = make_socket(ns2, address, socket.SOCK_STREAM)
    listener.listen()
    with namespace(ns1):
        client = socket.create_connection((address, PORT), PATIENCE)
    server, _ = listener.accept()
    server.settimeout(PATIENCE)
    both, there, back = Both(), [], []
    for one, other, digests in ((client, server, there), (server, client, back)):
        both.start(push, one, size, digests)
        both.start(pull, other, size, digests)
    both.finish()
    for digests in there, back:
        if len(set(digests)) != 1:
            sys.exit(f"SHA-256 differs: {digests}")
    print(f"tcp: {size} bytes each way, sha256 {there[0][:16]} {back[0][:16]}")


def tapped(ns1, ns2, address, link, size):
    mark = b"what nobody on the way may read "
    data = mark * (int(size) // len(mark))
    with namespace(ns2):
        tap = socket.socket(socket.AF_PACKET, socket.SOCK_RAW, socket.htons(ETH_P_ALL))
    tap.setsockopt(socket.SOL_SOCKET, SO_RCVBUFFORCE, 64 << 20)
    tap.bind((link, 0))
    tap.setblocking(False)
    listener = make_socket(ns2, address, socket.SOCK_STREAM)
    listener.listen()
    with namespace(ns1):
        client = socket.create_connection((address, PORT), PATIENCE)
    server, _ = listener.accept()
    server.settimeout(PATIENCE)
    both, arrived = Both(), []
    both.start(pull, server, len(data), arrived)
    client.sendall(data)
    client.shutdown(socket.SHUT_WR)
    both.finish()
    assert arrived == [hashlib.sha256(data).hexdigest()], "SHA-256 differs"
    trains = plain = 0
    with contextlib.suppress(BlockingIOError):
        while seen := tap.recv(1 << 17):
            trains += len(seen) > ETHERNET_MOST
            plain += mark in seen
    print(f"tapped: {len(data)} bytes, {trains} trains on the wire, {plain} plain")
    if plain or not trains:
        sys.exit("what was on the wire has been changed" if plain else "there were no trains")


# UDP

def body(number, size):
    """What datagram number consists of, and nothing else could."""
    head = struct.pack(">I", number)
    return head[:size] + hashlib.shake_128(head).digest(max(size - 4, 0))


class Flow:
    """Datagrams one way; number says how many a send() carries."""

    def __init__(self, sender, receiver, target, size, segment=None, lossy=False):
        self.sender, self.receiver, self.target = sender, receiver, target
        self.segment = segment or size
        self.burst = max(size // self.segment, 1)
        self.lossy = lossy
        self.sent = 0
        self.seen = set()
        self.done = threading.Event()
        self.told = threading.Event()
        self.room = threading.Condition()
        receiver.setsockopt(socket.SOL_SOCKET, SO_RCVBUFFORCE, 8 << 20)
        if segment:
            sender.setsockopt(socket.IPPROTO_UDP, UDP_SEGMENT, segment)

    def send(self):
        numbers = range(self.sent, self.sent + self.burst)
        self.sender.sendto(b"".join(body(one, self.segment) for one in numbers), self.target)
        self.sent += self.burst

    def wait_for_room(self):
        """So that no buffer on the way must drop anything."""
        with self.room:
            if not self.room.wait_for(
                    lambda: (self.sent - len(self.seen)) * self.segment < IN_FLIGHT or self.lossy,
                    PATIENCE):
                raise TimeoutError("lost")

    def send_count(self, count):
        for _ in range(count):
            self.wait_for_room()
            self.send()
            if self.lossy:
                time.sleep(0.001)
        self.done.set()

    def send_steadily(self, seconds, rate):
        start = time.monotonic()
        while (now := time.monotonic() - start) < seconds and not self.told.is_set():
            while self.sent < now * rate:
                self.send()
            time.sleep(1 / rate)
        self.done.set()

    def receive(self):
        self.receiver.settimeout(0.5)
        quiet = 0
        limit = 4 if self.lossy else PATIENCE * 2
        while not (self.done.is_set() and len(self.seen) == self.sent) and quiet < limit:
            try:
                data = self.receiver.recv(65536)
            except TimeoutError:
                quiet += self.done.is_set()
                continue
            number = struct.unpack(">I", data[:4])[0] if len(data) >= 4 else 0
            assert data == body(number, self.segment), f"datagram {number} is damaged"
            assert number not in self.seen, f"datagram {number} came twice"
            with self.room:
                self.seen.add(number)
                self.room.notify()
        lost = self.sent - len(self.seen)
        assert self.lossy or not lost, f"{lost} of {self.sent} datagrams lost"
        assert self.seen, "nothing arrived"


def flows(ns1, address1, ns2, address2, size, segment=None, lossy=False):
    first = make_socket(ns1, address1, socket.SOCK_DGRAM)
    second = make_socket(ns2, address2, socket.SOCK_DGRAM)
    return [Flow(first, second, (address2, PORT), size, segment, lossy),
            Flow(second, first, (address1, PORT), size, segment, lossy)]


def run(both_flows, send, *arguments):
    both = Both()
    for flow in both_flows:
        both.start(flow.receive)
        both.start(getattr(flow, send), *arguments)
    both.finish()
    print("udp:", ", ".join(f"{len(flow.seen)} of {flow.sent}" for flow in both_flows),
          f"datagrams of {both_flows[0].segment} bytes arrived")


def udp(ns1, address1, ns2, address2, count, size, segment=None):
    run(flows(ns1, address1, ns2, address2, int(size), segment and int(segment)),
        "send_count", int(count))


def steady(ns1, address1, ns2, address2, seconds, rate):
    run(flows(ns1, address1, ns2, address2, 400), "send_steadily", float(seconds), float(rate))


def until_told(ns1, address1, ns2, address2, rate):
    both = flows(ns1, address1, ns2, address2, 400)
    for flow in both:
        flow.sender.connect(flow.target)
    # Threads are not interrupted: each looks for itself
    signal.signal(signal.SIGTERM, lambda *_: [flow.told.set() for flow in both])
    run(both, "send_steadily", float("inf"), float(rate))


def lossy(ns1, address1, ns2, address2, count, size):
    run(flows(ns1, address1, ns2, address2, int(size), lossy=True), "send_count", int(count))


# As many bytes at once as a CPU can send

SEGMENT, SEGMENTS, TRAINS = 1280, 48, 16


class Blast:
    """Numbered datagrams from one CPU, 48 a call, so many calls one after another."""

    def __init__(self, ns1, ns2, address):
        self.sender = make_socket(ns1, "::" if ":" in address else "0.0.0.0", socket.SOCK_DGRAM)
        self.sender.setsockopt(socket.IPPROTO_UDP, UDP_SEGMENT, SEGMENT)
        self.receiver = make_socket(ns2, address, socket.SOCK_DGRAM)
        self.receiver.setsockopt(socket.SOL_SOCKET, SO_RCVBUFFORCE, 8 << 20)
        self.target = (address, PORT)
        self.block = bytearray(SEGMENT * SEGMENTS)
        self.sent = self.last = 0
        self.changed = threading.Condition()
        self.told = threading.Event()

    def burst(self):
        for _ in range(TRAINS):
            for i in range(SEGMENTS):
                struct.pack_into(">I", self.block, i * SEGMENT, self.sent + i + 1)
            self.sent += SEGMENTS
            self.sender.sendto(self.block, self.target)

    def send(self, count):
        os.sched_setaffinity(0, {min(os.sched_getaffinity(0))})
        try:
            for _ in range(count):
                self.burst()
                with self.changed:
                    if not self.changed.wait_for(lambda: self.last == self.sent, PATIENCE):
                        raise TimeoutError(f"datagram {self.sent} did not come after {self.last}")
        finally:
            self.told.set()

    def receive(self):
        self.receiver.settimeout(0.5)
        while not self.told.is_set():
            try:
                data = self.receiver.recv(65536)
            except TimeoutError:
                continue
            number = struct.unpack(">I", data[:4])[0]
            assert number == self.last + 1, f"datagram {number} came after {self.last}"
            with self.changed:
                self.last = number
                self.changed.notify()

    def jam(self):
        """Half of the time, whatever becomes of it"""
        while not self.told.is_set():
            began = time.monotonic()
            try:
                self.burst()
            except OSError:
                time.sleep(0.001)
            time.sleep(time.monotonic() - began)


def ordered(ns1, ns2, address, count):
    blast, both = Blast(ns1, ns2, address), Both()
    both.start(blast.receive)
    both.start(blast.send, int(count))
    both.finish()
    print(f"{blast.last} datagrams arrived, in order")


def jam(ns1, ns2, address):
    blast = Blast(ns1, ns2, address)
    signal.signal(signal.SIGTERM, lambda *_: blast.told.set())
    blast.burst()
    print("jammed", flush=True)
    blast.jam()


if __name__ == "__main__":
    {"tcp": tcp, "tapped": tapped, "udp": udp, "steady": steady, "until-told": until_told,
     "lossy": lossy, "ordered": ordered, "jam": jam}[sys.argv[1]](*sys.argv[2:])
