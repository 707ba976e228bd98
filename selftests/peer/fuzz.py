#!/usr/bin/python3 -B
# SPDX-License-Identifier: GPL-2.0
"""A peer with valid keys that sends what is broken. Run by fuzz-packets.sh in its namespace.

It breaks messages at every layer and seals again what is above the break: damage behind a right
tag, a right mac1, a right checksum. model.py says of each message what must become of it, and the
host's counters must say the same, all of them, after every block of messages: too many under one
name is as wrong as too few. So the module is tested, and so is that the damage arrives where it
should.

FUZZ_MESSAGES, FUZZ_SEED: how many, and of which seed. The same seed sends the same, except for
what the host chooses (its keys and indexes), when it starts handshakes of its own, and when
strangers come.
"""

import base64
import collections
import contextlib
import ctypes
import fcntl
import os
import select
import socket
import struct
import subprocess
import sys
import time

import ktap
import model
import mutate
import packets
import toyvpn as tv
from damage import (OURS, THEIRS, Data, Inits, Responder, Strangers, Stray, answer_to, counter_of,
                    garbage, with_counter)
from family import Authorizer, prefix
from ktap import equal
from memory import pages
from netns import PATIENCE, namespace
from rig import PORT, Peer, from_arguments, wait_until

OURS_OUTSIDE6, THEIRS_OUTSIDE6 = "2001:db8::2", "2001:db8::1"
# One train: datagrams, bytes, bytes of a datagram
TRAIN_MAX, TRAIN_BYTES, SEGMENT_MAX = 64, 65000, 1452
# Messages between two looks at the counters: fewer than the shortest queue on the way holds
BLOCK = 192
# Messages of one session of data
EPOCH = 5000
# A block's messages for the handshake worker: with 128 that wait the host is under load
INITS = 80
# Seconds: an answer costs both sides dozens of DHs, and four peers answer
HANDSHAKES_EVERY = 2
# Seconds, and how many strangers a source may ask for at once
ASKED_EVERY, ASKED = 0.5, 5
# So many reach everything by chance
ENOUGH = 20000
# Of inner packets
SIZES = (28, 29, 40, 48, 49, 56, 64, 72, 84, 100, 120, 200, 400, 1000, 1392, 1420)

# KiB of slab, the fuzzer's own sockets included: see memory_is_bounded()
GROWTH_PEAK, GROWTH_LEFT = 8 << 10, 2 << 10

SOL_UDP, UDP_SEGMENT, SO_RCVBUFFORCE = 17, 103, 33
SIOCETHTOOL, ETHTOOL_GSTATS = 0x8946, 0x1d


class Counters:
    """ethtool -S without a program: it is read after every block."""

    def __init__(self, host):
        self.names = list(host.counters())
        self.buffer = ctypes.create_string_buffer(8 + 8 * len(self.names))
        with namespace(host.name):
            self.socket = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        self.request = struct.pack("16sP16x", host.link.encode(), ctypes.addressof(self.buffer))

    def read(self):
        struct.pack_into("=II", self.buffer, 0, ETHTOOL_GSTATS, len(self.names))
        fcntl.ioctl(self.socket, SIOCETHTOOL, self.request)
        return dict(zip(self.names, struct.unpack_from(f"={len(self.names)}Q", self.buffer, 8)))


class Book:
    """What was sent, and what the counters must be after it."""

    # Honest handshakes complete meanwhile
    FREE = "handshakes_completed"

    def __init__(self, host):
        self.counters = Counters(host)
        self.watched = [name for name in self.counters.names
                        if name.startswith(("rx_drop_", "handshake")) and name != self.FREE]
        self.base = self.counters.read()
        self.first = dict(self.base)
        self.kinds = collections.Counter()
        self.by_kind = collections.defaultdict(collections.Counter)
        self.sent = 0
        self.exact, self.either = collections.Counter(), collections.Counter()

    def note(self, kind, verdict):
        """One message: verdict is a counter, None for none, or a tuple if it can be any of them."""
        self.sent += 1
        self.kinds[kind] += 1
        self.by_kind[kind][verdict] += 1
        if isinstance(verdict, tuple):
            self.either[verdict] += 1
        elif verdict:
            self.exact[verdict] += 1

    def grown(self):
        now = self.counters.read()
        return {name: now[name] - self.base[name] for name in self.watched}

    def groups(self):
        """[(names, how many messages)]: so many are counted under these names and no others.

        Where a message can be counted under one name or another, those belong together. One that
        need not be counted at all is not among them, so that another one must be behind it.
        """
        groups = [{name} for name in self.exact]
        for names in self.either:
            joined = set(names) - {None}
            joined = joined.union(*(one for one in groups if one & joined))
            groups = [one for one in groups if not one & joined] + [joined]
        return [(group, sum(self.exact[name] for name in group) +
                 sum(number for names, number in self.either.items() if group.issuperset(names)))
                for group in groups]

    def complete(self, groups, grown):
        return all(grown[name] >= number for name, number in self.exact.items()) and \
            all(sum(grown[name] for name in names) >= number for names, number in groups)

    def settle(self):
        """Wait until the host has counted it all: where it counted something else."""
        groups, deadline = self.groups(), time.monotonic() + PATIENCE
        while not self.complete(groups, grown := self.grown()) and time.monotonic() < deadline:
            time.sleep(0.001)
        problems = []
        for name in self.watched:
            low = self.exact[name]
            high = low + sum(number for names, number in self.either.items() if name in names)
            if not low <= grown[name] <= high:
                wanted = low if low == high else f"{low} to {high}"
                problems.append(f"{name} grew by {grown[name]}, wanted {wanted}")
            self.base[name] += grown[name]
        self.exact.clear()
        self.either.clear()
        return problems


def trains(messages):
    """Neighbours that one send can carry: of equal size, but for a last one that is shorter."""
    group, closed = [], True
    for message in messages:
        size = len(group[0]) if group else 0
        # One of no bytes cannot be the last of a train: it would not be there at all
        if closed or not message or len(message) > size or len(group) == TRAIN_MAX or \
                (len(group) + 1) * size > TRAIN_BYTES:
            if group:
                yield group
            group = []
        group.append(message)
        closed = len(message) < len(group[0]) or not 0 < len(message) <= SEGMENT_MAX
    if group:
        yield group


class Wires:
    """Sockets to the host: over IPv4, over IPv6, and over IPv4 by a socket of IPv6."""

    def __init__(self, peer):
        six = socket.socket(socket.AF_INET6, socket.SOCK_DGRAM)
        six.bind((OURS_OUTSIDE6, PORT))
        mapped = socket.socket(socket.AF_INET6, socket.SOCK_DGRAM)
        self.source = peer.socket.getsockname()[0]
        mapped.bind(("::ffff:" + self.source, 0))
        self.target = peer.host[0]
        self.ways = {"IPv4": (peer.socket, peer.host),
                     "IPv6": (six, (THEIRS_OUTSIDE6, PORT)),
                     "IPv4-mapped": (mapped, ("::ffff:" + self.target, PORT))}
        self.raw = socket.socket(socket.AF_INET, socket.SOCK_RAW, socket.IPPROTO_RAW)
        self.trains = self.in_trains = 0

    def set_ecn(self, way, ecn):
        sock, _ = self.ways[way]
        if way == "IPv6":
            sock.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_TCLASS, ecn)
        else:
            sock.setsockopt(socket.IPPROTO_IP, socket.IP_TOS, ecn)

    def send(self, messages, way="IPv4"):
        sock, address = self.ways[way]
        for message in messages:
            sock.sendto(message, address)

    def send_in_trains(self, messages, way="IPv4"):
        sock, address = self.ways[way]
        for group in trains(messages):
            if len(group) == 1:
                sock.sendto(group[0], address)
                continue
            self.trains += 1
            self.in_trains += len(group)
            control = [(SOL_UDP, UDP_SEGMENT, struct.pack("=H", len(group[0])))]
            sock.sendmsg(group, control, 0, address)

    def send_in_crumbs(self, messages, rng):
        """In fragments of a few bytes: even the message's header is in several of them."""
        for message in messages:
            datagram = struct.pack(">HHHH", PORT, PORT, 8 + len(message), 0) + message
            ident, offset = rng.getrandbits(16) or 1, 0
            while offset < len(datagram):
                piece = datagram[offset:offset + rng.choice((8, 8, 16, 24, 160))]
                more = 0x2000 if offset + len(piece) < len(datagram) else 0
                head = struct.pack(">BBHHHBBH", 0x45, 0, 20 + len(piece), ident,
                                   more | offset // 8, packets.HOP_LIMIT, packets.UDP, 0)
                head += socket.inet_aton(self.source) + socket.inet_aton(self.target)
                self.raw.sendto(head + piece, (self.target, 0))
                offset += len(piece)


# How trains cross the cable, by offloads of its sending and its receiving end: as they were sent,
# merged again from single datagrams, as single datagrams.
PATHS = (("as sent", ("sg", "on", "tx-udp-segmentation", "on"),
          ("gro", "off", "rx-gro-list", "off")),
         ("merged", ("tx-udp-segmentation", "off"), ("gro", "on", "rx-gro-list", "on")),
         ("single", ("tx-udp-segmentation", "off", "sg", "off"),
          ("gro", "off", "rx-gro-list", "off")))


class Fuzzer:
    """Sends blocks of messages, and keeps the books."""

    def __init__(self, host, peer, seed, total, honest):
        self.host, self.peer, self.total = host, peer, total
        self.rng = mutate.Chance(f"{seed} blocks")
        self.inside = host.udp_socket(THEIRS)
        self.inside.setsockopt(socket.SOL_SOCKET, SO_RCVBUFFORCE, 8 << 20)
        self.wires = Wires(peer)
        self.data = Data(seed, peer, self.inside)
        initiator = tv.Identity(self.rng.randbytes(32))
        host.set("peer", host.base64(initiator.public), "allowed-ips", "10.9.0.10/32")
        self.caller = Peer(initiator, peer.host_public, peer.host, bind=(self.wires.source, 0))
        self.inits = Inits(seed, initiator, peer.host_public, [honest, peer.identity.public])
        self.stray = Stray(seed, self.data)
        self.strangers = Strangers(seed, peer.host_public)
        self.responders = [Responder(seed, number, host, peer) for number in range(4)]
        self.triggered = self.asked = 0
        self.book = Book(host)
        self.problems = []
        self.blocks = 0
        self.connected = 0
        self.path = ""
        self.memory_before = self.memory_peak = 0

    # Blocks

    def run(self):
        turns = 12
        for turn in range(turns):
            self.connect()
            self.take(PATHS[turn % len(PATHS)])
            # Caches are warm by then
            if turn == 1:
                self.drain()
                self.memory_before = self.memory_peak = memory()
            end = self.total * (turn + 1) // turns
            if turn % 4 == 1:
                self.flood()
            epoch = self.book.sent
            while self.book.sent < end:
                if len(self.problems) >= 5:
                    return
                if self.book.sent - epoch > EPOCH or time.monotonic() - self.connected > 45:
                    self.end_session()
                    epoch = self.book.sent
                self.rng.choices((self.mixed, self.datagrams, self.large, self.crumbs),
                                 (30, 60, 1, 1))[0]()
                self.answer_handshakes()
                self.ask()

    def drain(self):
        """What came to our own sockets is no memory of the module's."""
        for sock in (self.inside, self.caller.socket,
                     *(sock for sock, _ in self.wires.ways.values()),
                     *(one.peer.socket for one in self.responders)):
            while select.select([sock], [], [], 0)[0]:
                sock.recv(65536)

    def take(self, path):
        self.path, ours, theirs = path
        for host, settings in (([], ours), (["ip", "netns", "exec", self.host.name], theirs)):
            subprocess.run([*host, "ethtool", "-K", "eth0", *settings], check=True,
                           timeout=PATIENCE, stdout=subprocess.DEVNULL)
        before, datagrams = self.received(), 60
        self.note([("trains", bytes([255]) + bytes(99), model.MALFORMED)] * datagrams,
                  self.wires.send_in_trains)
        self.settle("a train")
        came = self.received() - before
        if (came < datagrams) == (self.path == "single"):
            self.problems.append(f"{datagrams} datagrams {self.path} came in {came} packets")

    def received(self):
        """IPv4 packets that the host's stack got: a train is one."""
        with namespace(self.host.name):
            with open("/proc/thread-self/net/snmp", encoding="ascii") as file:
                names, values = [line.split() for line in file if line.startswith("Ip: ")]
        return int(values[names.index("InReceives")])

    def connect(self):
        self.data.connect()
        self.connected = time.monotonic()

    def end_session(self):
        """At times with its last counter, after which it takes nothing."""
        if self.rng.random() < 0.3:
            self.note([("last", *self.data.last(self.rng.choice(SIZES)))], self.wires.send)
        self.connect()
        self.settle("another session")

    def note(self, entries, send, *arguments):
        for name, _, verdict in entries:
            self.book.note(name, verdict)
        send([message for _, message, _ in entries], *arguments)

    def settle(self, what):
        """The host has had it all: what came out, and what the counters say."""
        self.blocks += 1
        if self.blocks % 16 == 0 and self.memory_peak:
            self.memory_peak = max(self.memory_peak, memory())
        where = f"block {self.blocks}, {self.path}, {what}"
        self.problems += [f"{where}: {one}" for one in self.data.arrived()]
        self.problems += [f"{where}: {one}" for one in self.book.settle()]

    def datagrams(self, more=""):
        """A block of data messages; in trains, mostly."""
        rng, data = self.rng, self.data
        way = rng.choices(("IPv4", "IPv6", "IPv4-mapped"), (6, 3, 1))[0]
        size = rng.choice(SIZES)
        data.ecn = rng.choice((0, 0, 0, 1, 2, 3))
        self.wires.set_ecn(way, data.ecn)
        in_trains = rng.random() < 0.7
        entries = data.block(size, BLOCK, in_trains)
        send = self.wires.send_in_trains if in_trains else self.wires.send
        self.note(entries, send, way)
        data.ecn = 0
        self.wires.set_ecn(way, 0)
        # Behind all others, on the same way
        self.note([("good", *data.good(size))], self.wires.send, way)
        what = "in trains" if in_trains else "one by one"
        self.settle(f"data of {size} bytes over {way} {what}{more}")

    def mixed(self):
        """Handshakes, which the host's worker consumes while data come."""
        rng = self.rng
        way = rng.choice(("IPv4", "IPv6"))
        send = rng.choice((self.wires.send, self.wires.send_in_trains))
        self.note(self.stray.block(INITS // 2), send, way)
        self.note(self.inits.block(INITS), send, way)
        self.datagrams(" and handshakes")

    def large(self):
        """Up to what UDP carries: in fragments, in both families."""
        rng, data, live = self.rng, self.data, self.data.lives[0]
        entries = []
        for length in (65507, 65507, 1473, 4000, 9000, 32768):
            message = bytes([rng.randrange(6), rng.randrange(2)]) + bytes(length - 2)
            entries.append(("large garbage", message, model.stray(message)))
        for length in (65507, 1500, 3000, 20000):
            packet = packets.udp(OURS, THEIRS, bytes(length - 32 - 28))
            message = live.session.seal(packet)
            entries.append(("large data", message, data.verdict(live, counter_of(message), packet)))
            broken = with_counter(mutate.flip(rng, message, 16), live.fresh())
            entries.append(("large tag", broken, data.verdict(live, counter_of(broken), None)))
        way = rng.choice(("IPv4", "IPv6", "IPv4-mapped"))
        rng.shuffle(entries)
        self.note(entries, self.wires.send, way)
        self.note([("good", *data.good(100))], self.wires.send, way)
        self.settle("large messages over " + way)

    def crumbs(self):
        entries = self.data.block(self.rng.choice((28, 48, 84)), 6)
        entries += [("crumbs garbage", *garbage(self.rng)) for _ in range(2)]
        self.note(entries, self.wires.send_in_crumbs, self.rng)
        self.note([("good", *self.data.good(100))], self.wires.send)
        self.settle("small fragments")

    def answer_handshakes(self):
        """Have the host start handshakes, and answer those that it has started."""
        now = time.monotonic()
        if now - self.triggered > HANDSHAKES_EVERY:
            self.triggered = now
            for one in self.responders:
                self.inside.sendto(b"are you there?", (one.address, 4000))
        ready, _, _ = select.select([one.peer.socket for one in self.responders], [], [], 0)
        for one in self.responders:
            init = one.peer.socket in ready and one.peer.receive(tv.INIT, timeout=0)
            while init and one.peer.socket in select.select([one.peer.socket], [], [], 0)[0]:
                init = one.peer.receive(tv.INIT, timeout=0) or init
            if not init:
                continue
            for _, message, _ in (block := one.block(init)):
                one.peer.send(message)
            self.note(block, lambda messages: None)
            # Behind all others, for the worker and on the way of data
            self.note([("init empty", *self.inits.empty()), ("good", *self.data.good(100))],
                      self.wires.send)
            self.settle("answers to an INIT")
            # With a session it would be silent for a while
            if (None, model.UNKNOWN_SESSION) in [verdict for _, _, verdict in block]:
                self.host.knows_anew(one.peer, [one.address + "/32"])

    def ask(self):
        """Strangers, of whom a process decides for once: some come in, and have to go again."""
        now = time.monotonic()
        if now - self.asked < ASKED_EVERY:
            return
        self.asked = now
        entries, asked = self.strangers.block(ASKED)
        with namespace(self.host.name):
            decides = Authorizer()
        with contextlib.closing(decides):
            self.note([*entries, ("init empty", *self.inits.empty()),
                       ("good", *self.data.good(100))], self.wires.send)
            self.settle("strangers who ask")
            while asked:
                told = decides.next(PATIENCE)
                if not told or told.key not in asked:
                    self.problems.append(f"of {len(asked)} requests comes {told}")
                    return
                self.decide(decides, told, asked.pop(told.key))
            self.settle("what was decided of strangers")

    def decide(self, decides, told, payload):
        """Some are let in, some refused, some get no answer."""
        if told.credentials != model.credentials(payload):
            self.problems.append(f"credentials {told.credentials}, of {payload}")
        roll = self.strangers.rng.random()
        if roll < 0.4:
            self.book.note("stranger accepted", model.accepted_payload(payload))
            decides.accept(told, prefix("10.9.0.30/32"))
            decides.answers_by.peer_del(told.key)
        elif roll < 0.8:
            self.book.note("stranger refused", model.HS_REJECT_SENT)
            decides.refuse(told)

    def flood(self):
        """More handshakes than the worker takes: it wants cookies, and then there are limits."""
        inits, peer = self.inits, self.caller
        any_of = (None, model.HS_COOKIE_SENT, model.HS_RATE_LIMIT, model.HS_AUTHENTICATION,
                  model.HS_TOO_OFTEN)
        for _ in range(10):
            # Or it is too soon after the last one
            time.sleep(0.025)
            offer = tv.Offer(inits.identity, inits.remote, timestamp=inits.timestamp())
            flood = [inits.sealed(tv.header(tv.INIT, self.rng.getrandbits(32)) +
                                  self.rng.randbytes(128)) for _ in range(400)]
            self.note([("flood", message, (model.HS_COOKIE_SENT, model.HS_AUTHENTICATION))
                       for message in flood], self.wires.send_in_trains)
            peer.send(offer.message)
            self.book.note("flood init", any_of)
            answer = answer_to(peer, offer, tv.RESP, tv.COOKIE)
            if answer[0] == tv.COOKIE:
                break
        assert answer[0] == tv.COOKIE, "the host is never under load"
        cookie = tv.open_cookie(inits.remote, answer, tv.mac1_of(offer.message))
        again = [tv.with_macs(inits.body(), inits.remote, cookie) for _ in range(40)]
        for message in again:
            peer.send(message)
            self.book.note("flood with cookie", any_of)
        # Load ends a second after the last time that many waited
        time.sleep(1.5)
        # Whatever was dropped before, this is the newest one now
        self.note([("init valid", *inits.valid()), ("init empty", *inits.empty())], self.wires.send)
        self.settle("a flood of handshakes")


def memory():
    """KiB of slab that the kernel cannot give back."""
    return pages()["SUnreclaim"]


def memory_is_bounded(fuzzer):
    """All that is left of it is what is there in any case; while it ran it was not much more."""
    with open("/proc/kallsyms", encoding="ascii") as file:
        if any(line.split()[2] == "kasan_save_stack" for line in file):
            raise ktap.Skip("KASAN keeps what was freed; kmemleak looks for what is lost")
    assert fuzzer.memory_before, "it ended before this was measured"
    fuzzer.drain()
    wait_until(lambda: memory() - fuzzer.memory_before <= GROWTH_LEFT,
               f"slab is {memory() - fuzzer.memory_before} KiB larger at the end")
    ktap.say(f"slab: {fuzzer.memory_before} KiB before, {fuzzer.memory_peak} at most, "
             f"{memory()} after")
    assert fuzzer.memory_peak - fuzzer.memory_before <= GROWTH_PEAK, "it was too much meanwhile"


def ping(host, peer, session):
    """An echo request through the tunnel, and its answer."""
    peer.send(session.seal(packets.echo(OURS, THEIRS, 7)))
    while True:
        message = peer.receive(tv.DATA)
        assert message, "no answer to a ping"
        if message[4:8] == struct.pack("<I", session.local) and \
                session.open(message)[20:] == packets.echo(THEIRS, OURS, 7, kind=0)[20:]:
            return


def main():
    honest = base64.b64decode(sys.argv.pop())
    host, peer = from_arguments(sys.argv[1:])
    total, seed = int(os.environ["FUZZ_MESSAGES"]), os.environ["FUZZ_SEED"]
    # Softirqs run where the sender does: datagrams of one cable stay in their order
    os.sched_setaffinity(0, {0})
    ktap.start()
    fuzzer = Fuzzer(host, peer, seed, total, honest)
    book = fuzzer.book
    began = time.monotonic()
    with ktap.test(f"{total} messages, each taken or counted under the name that it should be"):
        fuzzer.run()
        assert not fuzzer.problems, "\n".join(fuzzer.problems)
    ktap.say(f"{book.sent} messages in {fuzzer.blocks} blocks, {fuzzer.wires.in_trains} of them in "
             f"{fuzzer.wires.trains} trains, {fuzzer.data.sessions} sessions, "
             f"{time.monotonic() - began:.0f} s")
    for kind, number in sorted(book.kinds.items()):
        ktap.say(f"{number:7} {kind}")
    grown = {name: value - book.first[name] for name, value in book.counters.read().items()}
    with ktap.test("the damage reached every layer"):
        if total < ENOUGH:
            raise ktap.Skip(f"fewer than {ENOUGH} messages")
        ktap.say(", ".join(f"{name} {grown[name]}" for name in model.REACHED))
        assert all(grown[name] for name in model.REACHED), "a counter did not grow"
    with ktap.test("the peer is said to have sent just what was authentic"):
        equal(host.shown(peer.identity.public)["rx_bytes"], fuzzer.data.bytes, "bytes")
    with ktap.test("the fuzzing peer can still connect, and a ping comes back"):
        peer.drain()
        ping(host, peer, peer.connect())
    with ktap.test("and as the responder as well"):
        host.knows_anew(peer, [OURS + "/32"])
        fuzzer.inside.sendto(b"hello", (OURS, 4000))
        message = peer.receive(tv.INIT)
        assert message, "no INIT came"
        # Who answers late answers one that another has followed
        while message and message[0] == tv.INIT:
            answer = tv.Answer(peer.identity, message)
            peer.send(answer.resp())
            message = peer.receive(tv.INIT, tv.DATA)
        session = answer.session()
        equal(packets.udp_payload(session.open(message)), b"hello", "what was queued")
        ping(host, peer, session)
    with ktap.test(f"memory: at most {GROWTH_PEAK} KiB more meanwhile, {GROWTH_LEFT} afterwards"):
        memory_is_bounded(fuzzer)
    ktap.done()


main()
