#!/usr/bin/python3 -B
# SPDX-License-Identifier: GPL-2.0
"""The limits that README.md lists of what waits for a processor. Run by limits-load.sh in the
namespace of a peer: inside of busy(), what waits for the second processor goes on waiting."""

import contextlib
import os
import pathlib
import signal
import socket
import struct
import sys
import time

import forks
import ktap
import packets
import toyvpn as tv
from ktap import case, equal
from netns import PATIENCE, is_readable
from rig import PORT, from_arguments, wait_until

OURS, THEIRS = "10.9.0.2", "10.9.0.1"
ALLOWED = ("10.9.0.2/32",)
OTHERS, BUSY = {0}, {1}

INBOX, LANE, HANDSHAKES = 1024, 8192, 1024
INBOX_BYTES = 16 << 20
# From an eighth on, who is not known makes room
KNOWN_ONLY, UNDER_LOAD = INBOX // 8, HANDSHAKES // 8
# Handshakes of one source that are not too many at once
BURST = 4
# Of a train, and bytes of each
MESSAGES, SIZE = 48, 1280
UDP_SEGMENT, SO_SNDBUFFORCE, SO_RCVBUFFORCE = 103, 32, 33

host = peer = inside = None


def run_on(cpus, name=""):
    """All processes whose name begins so run on these processors, but for those that cannot."""
    for path in pathlib.Path("/proc").glob("[0-9]*"):
        # Some end meanwhile, and some of the kernel's are bound to one
        with contextlib.suppress(OSError):
            if (path / "comm").read_text("utf-8").startswith(name):
                os.sched_setaffinity(int(path.name), cpus)


def spin(ready):
    os.sched_setaffinity(0, BUSY)
    os.sched_setscheduler(0, os.SCHED_FIFO, os.sched_param(1))
    os.write(ready, b"x")
    while True:
        pass


@contextlib.contextmanager
def busy():
    """Inside, the second processor does nothing that anybody waits for."""
    here, there = os.pipe()
    pid = forks.start(spin, there)
    os.close(there)
    try:
        assert os.read(here, 1), "nobody is busy"
        yield
    finally:
        os.close(here)
        os.kill(pid, signal.SIGKILL)
        os.waitpid(pid, 0)


@contextlib.contextmanager
def threads():
    """Inside, what arrives at the host is opened by threads on the second processor."""
    switch = "echo {} >/sys/class/net/vpn0/threaded"
    host.run("sh", "-c", switch.format(1))
    run_on(BUSY, "napi/vpn0")
    yield
    host.run("sh", "-c", switch.format(0))


class Counted:
    """What the host counted since this was made, but for the work that processors do for others."""

    def __init__(self):
        self.before = host.counters()

    def __call__(self):
        """Once there is nothing that it could still count."""
        after = None
        while after != (after := host.counters()):
            time.sleep(0.2)
        return {name: count - self.before[name] for name, count in after.items()
                if count != self.before[name] and not name.endswith("_spread")}


def number(n):
    """A packet from inside, with its number."""
    return packets.udp(OURS, THEIRS, struct.pack(">I", n))


def arrived(count=0):
    """The numbers of what came out of the tunnel; so many come sooner or later."""
    numbers = []
    while is_readable(inside, PATIENCE if len(numbers) < count else 0.1):
        numbers.append(struct.unpack_from(">I", inside.recv(2048))[0])
    return numbers


def send_train(sock, messages, target):
    """Messages of one size go out, and arrive, as one packet."""
    size = struct.pack("H", len(messages[0]))
    sock.sendmsg(messages, [(socket.IPPROTO_UDP, UDP_SEGMENT, size)], 0, target)


def send_trains(messages, each):
    for first in range(0, len(messages), each):
        send_train(peer.socket, messages[first:first + each], peer.host)


def session_for_trains():
    """A session, and trains of it are taken whole from now on: those that were noticed to come."""
    host.knows_anew(peer, ALLOWED)
    # The cipher that takes more of a processor
    session = peer.connect(ciphers=[tv.CHACHA20_POLY1305])
    send_trains([session.seal(number(0)) for _ in range(MESSAGES)], MESSAGES)
    equal(arrived(MESSAGES), [0] * MESSAGES, "the first train")
    return session


def forged(index, size=64):
    """Data that nobody sealed."""
    return tv.header(tv.DATA, index) + struct.pack("<Q", 1 << 30) + bytes(size - 16)


@case("1,024 data messages wait to be opened, strangers' only while few do")
def _():
    host.knows_anew(peer, ALLOWED)
    session = peer.connect()
    messages = [session.seal(number(n)) for n in range(INBOX + 500)]
    stranger = forged(session.remote ^ 1)
    with threads():
        with busy():
            counted = Counted()
            few = KNOWN_ONLY - 1
            for message in messages[:few] + 10 * [stranger] + messages[few:]:
                peer.send(message)
            # The first stranger's waits as well
            equal(counted(), {"rx_drop_unknown_session": 9, "rx_drop_stack_busy": 501}, "at once")
            equal(arrived(), [], "what arrived meanwhile")
        equal(arrived(INBOX - 1), list(range(INBOX - 1)), "what arrived then")
        equal(counted(), {"rx_drop_unknown_session": 10, "rx_drop_stack_busy": 501}, "in the end")


@case("1,024 trains wait like as many messages")
def _():
    session = session_for_trains()
    messages = [session.seal(number(n)) for n in range(2 * (INBOX + 100))]
    with threads():
        with busy():
            counted = Counted()
            send_trains(messages, 2)
            equal(counted(), {"rx_drop_stack_busy": 200}, "at once")
        equal(arrived(2 * INBOX), list(range(2 * INBOX)), "what arrived then")
        equal(counted(), {"rx_drop_stack_busy": 200}, "in the end")


def full_train(session, first):
    return [session.seal(packets.udp(OURS, THEIRS, struct.pack(">I", n).ljust(SIZE, b"x")))
            for n in range(first, first + MESSAGES)]


@case("16 MiB of trains wait, however few these are, strangers' only an eighth of that")
def _():
    session = session_for_trains()
    trains = [full_train(session, first) for first in range(0, 400 * MESSAGES, MESSAGES)]
    stranger = [forged(session.remote ^ 1, SIZE)] * MESSAGES
    with threads():
        with busy():
            counted = Counted()
            for train in [stranger] * 60 + trains:
                send_train(peer.socket, train, peer.host)
            dropped = counted()
            waits = {"strangers": 60 - dropped["rx_drop_unknown_session"] // MESSAGES,
                     "trains": 400 - dropped["rx_drop_stack_busy"] // MESSAGES}
            ktap.say(f"{waits} wait")
            size = MESSAGES * SIZE
            assert INBOX_BYTES // 16 <= waits["strangers"] * size <= INBOX_BYTES // 8
            assert INBOX_BYTES // 2 <= sum(waits.values()) * size <= INBOX_BYTES
        kept = waits["trains"] * MESSAGES
        equal(arrived(kept), list(range(kept)), "what arrived then")


@case("8,192 messages wait for one that another processor is to encrypt")
def _():
    host.knows_anew(peer, ALLOWED)
    peer.connect()
    train = [bytes(SIZE)] * MESSAGES
    sent, numbers = 0, []

    def receive(count=0):
        while is_readable(peer.socket, PATIENCE if len(numbers) < count else 0.1):
            message = peer.socket.recv(2048)
            if len(message) > SIZE:
                numbers.extend(struct.unpack_from("<Q", message, 8))

    with busy():
        counted = Counted()
        while not (dropped := counted().get("tx_drop_queue_full")) and sent < 1000:
            for _ in range(64):
                send_train(inside, train, (OURS, 4000))
            sent += 64
            receive()
        ktap.say(f"{len(numbers)} messages left at once, {counted()}")
        assert dropped, "the queue was never full"
        sent = (sent - dropped) * MESSAGES
        equal(sent - len(numbers), -(-LANE // MESSAGES) * MESSAGES, "what waits, in whole trains")
    receive(sent)
    equal(numbers, list(range(sent)), "what came")


@case("8,192 messages wait for one that another processor is to open, and 1,024 trains for these")
def _():
    session = session_for_trains()
    trains = [full_train(session, first) for first in range(0, 160 * MESSAGES, MESSAGES)]
    # What is forged is no reason to ask another processor, but goes the way of what is not
    more = [forged(session.remote)] * 16
    numbers, sent = [], 0
    with busy():
        counted, before = Counted(), host.counters()["rx_batches_spread"]
        while host.counters()["rx_batches_spread"] == before:
            assert trains, "nobody was asked"
            for train in trains[:16]:
                send_train(peer.socket, train, peer.host)
            sent += len(trains[:16]) * MESSAGES
            del trains[:16]
            numbers += arrived()
        waiting = sent - len(numbers)
        ktap.say(f"{sent} messages sent, {waiting} of them wait")
        for _ in range((LANE - waiting) // len(more) + INBOX + 20):
            send_train(peer.socket, more, peer.host)
        equal(counted().get("rx_drop_stack_busy"), 20 * len(more), "dropped")
        equal(counted().get("rx_drop_authentication"), None, "opened meanwhile")
    numbers += arrived(waiting)
    equal(numbers, list(range(sent)), "what arrived")
    forgeries = LANE - waiting + INBOX * len(more)
    wait_until(lambda: counted().get("rx_drop_authentication", 0) >= forgeries, "all are opened")
    equal(counted()["rx_drop_authentication"], forgeries, "forged ones that waited")


class Stranger:
    """An INIT with macs that are right, and nothing behind them, from an address of its own."""

    def __init__(self, n):
        self.socket = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        self.socket.bind((f"198.18.{n >> 8}.{n & 255}", PORT))

    def ask(self, cookie=None):
        message = tv.with_macs(tv.header(tv.INIT, tv.new_index()) + os.urandom(144),
                               peer.host_public, cookie)
        self.socket.sendto(message, peer.host)
        return message

    def cookie(self):
        """The host asks for it, and this is it."""
        message = self.ask()
        assert is_readable(self.socket, 5), "no cookie"
        return tv.open_cookie(peer.host_public, self.socket.recv(100), tv.mac1_of(message))


@case("128 handshake messages wait before strangers are asked for a cookie, 1,024 at most")
def _():
    # Under load as long as the second after the last one that waited
    time.sleep(2)
    strangers = iter([Stranger(n) for n in range(1, 400)])
    with busy():
        counted = Counted()
        for _ in range(UNDER_LOAD):
            next(strangers).ask()
        equal(counted(), {}, "of the first 128")
        more = (HANDSHAKES - UNDER_LOAD) // BURST
        for stranger in [next(strangers) for _ in range(more)]:
            cookie = stranger.cookie()
            for _ in range(BURST):
                stranger.ask(cookie)
        equal(counted(), {"handshake_cookies_sent": more}, "of 1,024")
        stranger = next(strangers)
        cookie = stranger.cookie()
        for _ in range(BURST):
            stranger.ask(cookie)
        equal(counted(), {"handshake_cookies_sent": more + 1, "handshake_drop_queue_full": BURST},
              "of four more")
    wait_until(lambda: counted().get("handshake_drop_authentication", 0) >= HANDSHAKES,
               "all are consumed")
    equal(counted()["handshake_drop_authentication"], HANDSHAKES, "those that waited")


def main():
    global host, peer, inside
    host, peer = from_arguments(sys.argv[1:])
    peer.socket.setsockopt(socket.SOL_SOCKET, SO_RCVBUFFORCE, 64 << 20)
    inside = host.udp_socket(THEIRS)
    inside.setsockopt(socket.SOL_SOCKET, SO_SNDBUFFORCE, 64 << 20)
    inside.setsockopt(socket.SOL_SOCKET, SO_RCVBUFFORCE, 64 << 20)
    run_on(OTHERS)
    try:
        ktap.run_cases(before=peer.drain)
    finally:
        run_on(OTHERS | BUSY)


main()
