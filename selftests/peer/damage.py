# SPDX-License-Identifier: GPL-2.0
"""Broken messages of each type, and what must become of each: recipes for fuzz.py.

A recipe returns (message, verdict). A verdict is the counter of ethtool -S that must grow by one,
None if none must, or a tuple where it depends on the time.
"""

import collections
import ipaddress
import select
import socket
import struct
import time

import model
import mutate
import packets
import toyvpn as tv
from model import Window, init_payload, resp_payload, stray, well_formed
from netns import PATIENCE
from rig import PORT, Peer

OURS, THEIRS = "10.9.0.2", "10.9.0.1"
OURS6, THEIRS6 = "fd09::2", "fd09::1"
# Whom an inner packet may pretend to be from, or be for
OTHERS = ("10.9.0.9", THEIRS, "10.9.0.20", "192.0.2.1", "127.0.0.1", "0.0.0.0", "255.255.255.255",
          "224.0.0.1", "10.9.0.255", "10.9.0.77", "203.0.113.2", "240.0.0.1",
          "fd09::3", THEIRS6, "::", "::1", "fe80::1", "ff02::1", "ff02::2", "::ffff:10.9.0.2",
          "::ffff:127.0.0.1", "64:ff9b::1", "2001:db8::1")
GOOD = b"good"
# Sessions before the newest one that the host receives on, and those after them that are still tried
PREVIOUS, FORGOTTEN = 3, 3
# Seconds: what is older may be REJECT_AFTER_TIME old before the host looks at it
YOUNG = 120


class Live:
    """A session of data with the host, and what came on it."""

    def __init__(self, session):
        self.session = session
        self.window = Window()
        self.alive = True
        self.birth = time.monotonic()
        self.recent = collections.deque(maxlen=64)

    def seal(self, packet, counter=None):
        message = self.session.seal(packet, counter)
        self.recent.append(message)
        return message

    def certain(self):
        """Whether it is sure what becomes of what is sent on it."""
        return not self.alive or time.monotonic() - self.birth < YOUNG

    def fresh(self):
        """A counter that nothing was sealed with."""
        counter, self.session.counter = self.session.counter, self.session.counter + 1
        return counter


def answer_to(peer, offer, *kinds):
    """What the host sends back; answers to other INITs come to the same socket."""
    while message := peer.receive(*kinds):
        if struct.unpack_from("<I", message, 8 if message[0] == tv.RESP else 4)[0] == offer.index:
            return message
    raise AssertionError("no answer to an INIT")


def counter_of(message):
    return struct.unpack_from("<Q", message, 8)[0]


def with_counter(message, counter):
    return message[:8] + struct.pack("<Q", counter) + message[16:]


def garbage(rng):
    """A header that may be right, with nothing behind it that is: (message, what becomes of it)."""
    kind = rng.choice((0, 1, 1, 2, 2, 3, 3, 4, 4, 5, 255, rng.getrandbits(8)))
    if rng.random() < 0.5:
        length = {tv.INIT: 136 + 16 * rng.randrange(66), tv.RESP: 92 + 16 * rng.randrange(66),
                  tv.COOKIE: 64}.get(kind, rng.randrange(32, 1400))
    else:
        length = rng.choice((0, 1, 4, 7, 8, 15, 16, 31, 32, 33, 63, 64, 65, 91, 92, 93, 135, 136,
                             137, 1116, 1132, 1160, 1176, 1232, 1400, rng.randrange(1400)))
    version, reserved = rng.choice(((1, 0),) * 6 + ((0, 0), (2, 0), (255, 0), (1, 1), (1, 0x8000)))
    message = struct.pack("<BBH", kind, version, reserved) + rng.randbytes(max(length - 4, 0))
    message = message[:length]
    return message, stray(message)


class Data:
    """What is broken in data messages. Each recipe returns (message, what becomes of it)."""

    def __init__(self, seed, peer, inside):
        self.rng = mutate.Chance(f"{seed} data")
        self.peer, self.inside = peer, inside
        self.lives = []
        self.sessions = 0
        self.bytes = 0
        self.number = self.sequence = 0
        self.wanted = set()
        self.templates = {}
        self.ecn = 0
        self.packets = mutate.Packets(OURS, OURS6, THEIRS, THEIRS6, OTHERS)
        self.sources = {ipaddress.ip_address(one).packed for one in (OURS, OURS6)}
        # By how many there are of each: one by one, and in trains, which want equal sizes
        self.recipes = {
            self.good: (22, 40), self.inner: (32, 28), self.stream: (2, 12), self.tag: (8, 8),
            self.header: (7, 5),
            self.replay: (7, 1), self.jump: (3, 1), self.late: (5, 2), self.limit: (1, 1),
            self.cut: (4, 1), self.longer: (2, 1), self.keepalive: (2, 1),
            self.earlier_session: (3, 1), self.nested: (2, 1)}

    def connect(self):
        """A new session. Some before it stay for receiving, others are gone."""
        self.peer.drain()
        self.sessions += 1
        offer = self.peer.offer(ciphers=[1 + self.sessions % 2])
        self.peer.send_handshake(offer.message)
        live = Live(offer.finish(answer_to(self.peer, offer, tv.RESP)))
        assert live.session.cipher, "an honest handshake is refused"
        self.bytes += len(offer.message)
        self.lives.insert(0, live)
        self.peer.send(self.sealed(live, b"")[0])
        for old in self.lives[1 + PREVIOUS:]:
            old.alive = False
        del self.lives[1 + PREVIOUS + FORGOTTEN:]

    def verdict(self, live, counter, packet):
        """Of what is well formed; packet is None if it does not authenticate."""
        if not live.alive:
            return model.UNKNOWN_SESSION
        if counter >= model.REJECT_AFTER_MESSAGES:
            return model.EXPIRED
        if not live.window.is_new(counter):
            return model.REPLAY
        if packet is None:
            return model.AUTHENTICATION
        live.window.mark(counter)
        self.bytes += 32 + len(packet)
        return model.inner(packet, self.sources, self.ecn)

    def sealed(self, live, packet, counter=None):
        message = live.seal(packet, counter)
        return message, self.verdict(live, counter_of(message), packet)

    def block(self, size, count, in_trains=False):
        """[(name, message, verdict)], for packets of a size."""
        weights = [both[in_trains] for both in self.recipes.values()]
        recipes = self.rng.choices(list(self.recipes), weights, k=count)
        return [(recipe.__name__, *recipe(size)) for recipe in recipes]

    # Recipes

    def good(self, size):
        """Must arrive whole, whatever is beside it in its train."""
        self.number += 1
        self.wanted.add(self.number)
        # Congestion that was met on the way can be told to what says that it listens
        return self.sealed(self.lives[0], self.numbered(size, 2 if self.ecn else 0, self.number))

    def numbered(self, size, tos, number):
        """A datagram with GOOD and its number, and the checksum that the number makes."""
        if (size, tos) not in self.templates:
            text = (GOOD + bytes(8)).ljust(size - 28, b".")
            self.templates[size, tos] = packets.udp(OURS, THEIRS, text, tos=tos)
        template = self.templates[size, tos]
        total = (template[26] << 8 | template[27]) ^ 0xffff
        total += (number & 0xffff) + (number >> 16 & 0xffff)
        total = (total & 0xffff) + (total >> 16)
        value = (total & 0xffff) + (total >> 16) ^ 0xffff
        head = template[:26] + struct.pack(">H", value or 0xffff) + GOOD + struct.pack(">Q", number)
        return head + template[40:]

    def inner(self, size):
        """A right tag around a broken packet."""
        return self.sealed(self.lives[0], self.packets.make(self.rng, size))

    def stream(self, size):
        """Segments of a TCP connection that there is not, in order mostly: for GRO inside."""
        rng = self.rng
        if size < 48:
            return self.inner(size)
        text = bytes(size - 40)
        offset, flags = rng.choice(((0x50, 0x10),) * 12 + ((0x50, 0x18), (0x50, 0x04), (0x50, 0x11),
                                                           (0x80, 0x10), (0xf0, 0x10), (0x40, 0x10),
                                                           (0, 0x10), (0x50, 0x30)))
        packet = struct.pack(">BBHHHBBH", 0x45, 2, size, self.number & 0xffff, 0x4000, 64,
                             mutate.TCP, 0)
        packet += self.packets.sources[0][0] + self.packets.targets[0][0]
        packet = packet[:10] + struct.pack(">H", packets.checksum(packet)) + packet[12:]
        packet += struct.pack(">HHIIBBHHH", 4000, 5002, self.sequence, 1, offset, flags, 0xffff,
                              0, 0) + text
        self.sequence = self.sequence + len(text) + rng.choice((0,) * 12 + (1, 1000)) & 0xffffffff
        return self.sealed(self.lives[0], packet)

    def old_body(self, size):
        """A message that was sealed with another counter, of the right size if there is one."""
        live = self.lives[0]
        old = self.rng.choice(live.recent)
        return old if len(old) == size + 32 else live.session.seal(bytes(size), 0)

    def tag(self, size):
        live = self.lives[0]
        message = with_counter(mutate.flip(self.rng, self.old_body(size), 16), live.fresh())
        return message, self.verdict(live, counter_of(message), None)

    def header(self, size):
        """Of a good message: type, version, reserved bytes, index."""
        live, rng = self.lives[0], self.rng
        fields = rng.choice(({"version": rng.choice((0, 2, 3, 255))},
                             {"version": rng.getrandbits(8)},
                             {"reserved": 1 << rng.randrange(16)}, {"index": rng.getrandbits(32)},
                             {"index": live.session.remote ^ 1 << rng.randrange(32)}, {}))
        packet = bytes(size)
        message = live.session.seal(packet, **fields)
        if not fields:
            message = bytes([rng.choice((0, 1, 2, 3, 5, 127, 128, 255))]) + message[1:]
            if message[0] == tv.COOKIE and well_formed(message):
                return message, model.HS_AUTHENTICATION
            return message, stray(message)
        if not well_formed(message):
            return message, model.MALFORMED
        if fields.get("index", live.session.remote) != live.session.remote:
            return message, model.UNKNOWN_SESSION
        return message, self.verdict(live, counter_of(message), packet)

    def replay(self, _):
        live = self.rng.choice(self.lives[:2])
        message = self.rng.choice(live.recent)
        return message, self.verdict(live, counter_of(message), None)

    def jump(self, size):
        """Counters are left out."""
        self.lives[0].session.counter += self.rng.choice((1, 63, 64, 65, 16384,
                                                          self.rng.randrange(5000)))
        return self.inner(size)

    def late(self, size):
        """A counter within the window, at its edge or behind it; it may be new or not."""
        live, rng = self.lives[0], self.rng
        back = rng.choice((1, 2, 63, 64, 65, model.WINDOW - 1, model.WINDOW, model.WINDOW + 1,
                           rng.randrange(1, 20000), rng.randrange(1, 200)))
        return self.sealed(live, self.packets.make(rng, size), max(live.window.next - back, 0))

    def limit(self, size):
        counter = self.rng.choice((model.REJECT_AFTER_MESSAGES, 2 ** 32, 2 ** 63, 2 ** 64 - 1,
                                   model.REJECT_AFTER_MESSAGES + self.rng.getrandbits(40)))
        message = self.lives[0].session.seal(bytes(size), counter)
        return message, self.verdict(self.lives[0], counter, bytes(size))

    def cut(self, size):
        live = self.lives[0]
        message = with_counter(self.old_body(size), live.fresh())
        message = message[:self.rng.randrange(len(message))]
        if not well_formed(message):
            return message, model.MALFORMED
        return message, self.verdict(live, counter_of(message), None)

    def longer(self, size):
        live = self.lives[0]
        message = with_counter(self.old_body(size), live.fresh())
        message += self.rng.randbytes(self.rng.choice((1, 2, 15, 16, 17, 64)))
        return message, self.verdict(live, counter_of(message), None)

    def keepalive(self, _):
        return self.sealed(self.lives[0], b"")

    def earlier_session(self, size):
        """Not the newest: one that is still received on, or one that is forgotten."""
        lives = [one for one in self.lives[1:] if one.certain()] or self.lives[:1]
        return self.sealed(self.rng.choice(lives), self.packets.make(self.rng, size))

    def nested(self, size):
        """A message to the host's own port, inside: it counts there once more, a little later."""
        rng = self.rng
        if rng.random() < 0.5:
            message, verdict = garbage(rng)
        elif rng.random() < 0.5:
            message, verdict = self.replay(size)
        else:
            message, verdict = self.tag(size)
            # The window may have moved until then
            verdict = (verdict, model.REPLAY)
        packet = packets.udp(OURS, THEIRS, message, sport=PORT, dport=PORT, tos=2)
        outside, dropped = self.sealed(self.lives[0], packet)
        assert dropped is None, dropped
        return outside, verdict

    def last(self, size):
        """The last counter of a session: afterwards it is of little use."""
        return self.sealed(self.lives[0], self.packets.make(self.rng, size),
                           model.REJECT_AFTER_MESSAGES - 1)

    # What arrived

    def arrived(self):
        """All good ones came, each once, and no other that says it is one."""
        while self.wanted:
            try:
                got = self.inside.recv(65536, socket.MSG_DONTWAIT)
            except BlockingIOError:
                if select.select([self.inside], [], [], PATIENCE)[0]:
                    continue
                lost, self.wanted = len(self.wanted), set()
                return [f"{lost} good datagrams are lost"]
            if not got.startswith(GOOD):
                continue
            number, = struct.unpack_from(">Q", got, len(GOOD))
            if number not in self.wanted:
                return [f"datagram {number} came twice, or was never sent"]
            self.wanted.remove(number)
        return []


class Prefix:
    """An INIT up to its payload: one pair of DHs for any number of payloads."""

    def __init__(self, static, remote, ephemeral, claimed=None):
        noise = tv.Noise(static, remote, ephemeral=ephemeral)
        noise.mix_ephemeral(noise.ephemeral.public)
        noise.mix_key(tv.dh(noise.ephemeral.private, remote))
        self.start = noise.ephemeral.public + noise.encrypt_and_hash(claimed or static.public)
        noise.mix_key(tv.dh(static.private, remote))
        self.aead, self.hash = noise.cipher.aead, noise.hash

    def body(self, rng, payload, **fields):
        return (tv.header(tv.INIT, rng.getrandbits(32), **fields) + self.start +
                self.aead.encrypt(bytes(12), payload, self.hash))


LOW_ORDER = (bytes(32), b"\1" + bytes(31), b"\xec" + b"\xff" * 30 + b"\x7f",
             bytes.fromhex("e0eb7a7c3b41b8ae1656e3faf19fc46ada098deb9c32b1fd866205165f49b800"),
             bytes.fromhex("5f9c95bca3508c24b1d0b1559c83ef5b04445cc4581c8e86d8224eddd09f1157"))


class Inits:
    """What is broken in INITs of a peer that the host knows. Recipes as those of Data."""

    def __init__(self, seed, identity, remote, known):
        self.rng = rng = mutate.Chance(f"{seed} inits")
        self.identity, self.remote = identity, remote
        self.prefixes = [Prefix(identity, remote, rng.randbytes(32)) for _ in range(8)]
        self.strangers = [Prefix(tv.Identity(rng.randbytes(32)), remote, rng.randbytes(32))
                          for _ in range(4)]
        # The key of someone whom the host knows, and the host's own
        self.impostors = [Prefix(identity, remote, rng.randbytes(32), claimed)
                          for claimed in known]
        self.reflection = Prefix(identity, remote, rng.randbytes(32), remote)
        self.time = 10 ** 9
        self.newest = bytes(12)
        self.accepted = None
        self.recipes = ((self.tlvs, 40), (self.below_the_tag, 12), (self.wrong_mac1, 12),
                        (self.wrong_length, 8), (self.wrong_header, 6), (self.stranger, 5),
                        (self.impostor, 4), (self.low_order, 3), (self.again, 3), (self.mac2, 3))

    def block(self, count):
        recipes = self.rng.choices([recipe for recipe, _ in self.recipes],
                                   [weight for _, weight in self.recipes], k=count)
        # The worker takes them in turn, so that after the last one all are through
        return [("init " + recipe.__name__, *recipe()) for recipe in recipes + [self.empty]]

    def sealed(self, body, cookie=None):
        return tv.with_macs(body, self.remote, cookie)

    def timestamp(self):
        self.time += 1
        return tv.tai64n(self.time)

    def body(self, payload=None, **fields):
        if payload is None:
            payload = mutate.encode(mutate.items_of_init(self.timestamp()))
        return self.rng.choice(self.prefixes).body(self.rng, payload, **fields)

    def authentic(self, payload, cookie=None):
        message = self.sealed(self.body(payload), cookie)
        if not well_formed(message):
            return message, model.MALFORMED
        verdict, timestamp = init_payload(payload, self.newest)
        if timestamp:
            self.newest, self.accepted = timestamp, message
        return message, verdict

    def tlvs(self):
        rng = self.rng
        timestamp = rng.choice((self.timestamp(),) * 8 + (self.newest, tv.tai64n(self.time - 100)))
        while True:
            payload = mutate.payload(rng, mutate.items_of_init(timestamp))
            # One from the far future would be the last that counts
            _, accepted = init_payload(payload, self.newest)
            if not accepted or accepted <= tv.tai64n(self.time):
                return self.authentic(payload)

    def empty(self):
        return self.authentic(b"")

    def below_the_tag(self):
        """A right mac1 over a handshake that is not."""
        body = self.body()
        return self.sealed(mutate.flip(self.rng, body, 8)), model.HS_AUTHENTICATION

    def wrong_mac1(self):
        message = self.sealed(self.body())
        return mutate.flip(self.rng, message, 4, len(message) - 16), model.HS_MAC1

    def wrong_length(self):
        rng, body = self.rng, self.body()
        body = rng.choice((lambda: body[:rng.randrange(8, len(body))], lambda: body[:-16],
                           lambda: body + rng.randbytes(rng.choice((1, 15, 16, 17, 32, 1024)))))()
        message = self.sealed(body)
        return message, model.HS_AUTHENTICATION if well_formed(message) else model.MALFORMED

    def wrong_header(self):
        fields = self.rng.choice(({"version": self.rng.choice((0, 2, 255))},
                                  {"reserved": 1 << self.rng.randrange(16)}))
        return self.sealed(self.body(**fields)), model.MALFORMED

    def stranger(self):
        payload = mutate.encode(mutate.items_of_init(self.timestamp()))
        prefix = self.rng.choice(self.strangers + [self.reflection])
        return self.sealed(prefix.body(self.rng, payload)), model.HS_UNKNOWN_PEER

    def impostor(self):
        payload = mutate.encode(mutate.items_of_init(self.timestamp()))
        prefix = self.rng.choice(self.impostors)
        return self.sealed(prefix.body(self.rng, payload)), model.HS_AUTHENTICATION

    def low_order(self):
        body = self.body()
        body = body[:8] + self.rng.choice(LOW_ORDER) + body[40:]
        return self.sealed(body), model.HS_AUTHENTICATION

    def again(self):
        return (self.accepted, model.HS_REPLAY) if self.accepted else self.empty()

    def valid(self, cookie=None):
        return self.authentic(mutate.encode(mutate.items_of_init(self.timestamp())), cookie)

    def mac2(self):
        """Who is not under load does not look at it."""
        return self.valid(self.rng.randbytes(16))


class Strangers:
    """INITs of keys that nobody had before, and what is broken in what they say."""

    def __init__(self, seed, remote):
        self.rng = mutate.Chance(f"{seed} strangers")
        self.remote = remote

    def block(self, count):
        """So many, and {key: payload} of those that a process must be asked about."""
        rng, entries, asked = self.rng, [], {}
        for _ in range(count):
            identity = tv.Identity(rng.randbytes(32))
            items = mutate.items_of_init(tv.tai64n(10 ** 9))
            if rng.random() < 0.7:
                items.append((tv.CREDENTIALS, None,
                              rng.randbytes(rng.choice((0, 1, 20, 255, 256, 257)))))
            payload = mutate.payload(rng, items) if rng.random() < 0.8 else mutate.encode(items)
            prefix = Prefix(identity, self.remote, rng.randbytes(32))
            message = tv.with_macs(prefix.body(rng, payload), self.remote)
            verdict = model.stranger_payload(payload) if well_formed(message) else model.MALFORMED
            if verdict == model.HS_REQUESTS:
                asked[identity.public] = payload
            entries.append(("stranger asks", message, verdict))
        return entries, asked


class Stray:
    """What nobody asked for: RESPs, COOKIEs and bytes."""

    def __init__(self, seed, data):
        self.rng = mutate.Chance(f"{seed} stray")
        self.data = data

    def block(self, count):
        recipes = self.rng.choices((self.garbage, self.resp, self.cookie), (2, 1, 1), k=count)
        return [("stray " + recipe.__name__, *recipe()) for recipe in recipes]

    def garbage(self):
        return garbage(self.rng)

    def resp(self):
        """To a session, or to nothing: neither is an INIT that waits."""
        rng = self.rng
        receiver = rng.choice((rng.getrandbits(32), self.data.lives[0].session.remote))
        body = tv.header(tv.RESP, rng.getrandbits(32), receiver)
        body += rng.randbytes(48 + 16 * rng.randrange(5))
        message = tv.with_macs(body, self.data.peer.host_public)
        return message, stray(message)

    def cookie(self):
        """To a session, whose RESP may be answered by a COOKIE; or to nothing."""
        rng, live = self.rng, self.data.lives[0]
        index = rng.choice((rng.getrandbits(32), live.session.remote))
        message = tv.make_cookie(self.data.peer.identity.public, rng.randbytes(16), index,
                                 rng.randbytes(16), rng.randbytes(24))
        return message, (model.HS_AUTHENTICATION if index == live.session.remote else
                         model.UNKNOWN_SESSION)


class Responder:
    """A peer that the host starts handshakes with, and what is broken in its answers."""

    def __init__(self, seed, number, host, peer):
        self.rng = mutate.Chance(f"{seed} responder {number}")
        self.address = f"10.9.0.{20 + number}"
        own = peer.socket.getsockname()[0]
        self.peer = Peer(tv.Identity(self.rng.randbytes(32)), peer.host_public, peer.host,
                         bind=(own, 0))
        self.endpoint = f"{own}:{self.peer.socket.getsockname()[1]}"
        host.set("peer", host.base64(self.peer.identity.public), "endpoint", self.endpoint,
                 "allowed-ips", self.address + "/32")

    def cookie(self, index, mac1):
        return tv.make_cookie(self.peer.identity.public, self.rng.randbytes(16), index, mac1,
                              self.rng.randbytes(24))

    def block(self, init):
        """Answers to an INIT. It may be overtaken by the next one before they arrive."""
        rng, public = self.rng, self.peer.host_public
        answer = tv.Answer(self.peer.identity, init, ephemeral=rng.randbytes(32))
        items = mutate.items_of_resp()
        if rng.random() < 0.3:
            items = [(tv.MODE, None, b"\3"), (tv.REJECT, None, bytes([rng.randrange(6), 0]))]
        payload = mutate.payload(rng, items) if rng.random() < 0.8 else mutate.encode(items)
        true = answer.resp(payload=payload)
        index = answer.remote_index
        messages = []

        def add(name, message, verdict):
            if verdict not in (model.MALFORMED, model.UNKNOWN_SESSION):
                verdict = (verdict, model.UNKNOWN_SESSION)
            messages.append(("answer " + name, message, verdict))

        for _ in range(8):
            body = mutate.flip(rng, true[:-32], 12)
            add("below_the_tag", tv.with_macs(body, public), model.HS_AUTHENTICATION)
            add("wrong_mac1", mutate.flip(rng, true, 12, len(true) - 16), model.HS_MAC1)
            cut = tv.with_macs(true[:rng.randrange(12, len(true) - 32)], public)
            add("wrong_length", cut,
                model.HS_AUTHENTICATION if well_formed(cut) else model.MALFORMED)
            head = tv.header(tv.RESP, index, version=rng.choice((0, 2, 255)))
            add("wrong_header", tv.with_macs(head + true[8:-32], public), model.MALFORMED)
            # A session of one of these would be one of someone else's keys
            low = true[:12] + rng.choice(LOW_ORDER) + true[44:-32]
            add("low_order", tv.with_macs(low, public), model.HS_AUTHENTICATION)
        mac1 = tv.mac1_of(init)
        for _ in range(4):
            cookie = self.cookie(index, mac1)
            add("wrong_cookie", mutate.flip(rng, cookie, 8), model.HS_AUTHENTICATION)
            add("cookie_for_another", self.cookie(index, rng.randbytes(16)),
                model.HS_AUTHENTICATION)
        if rng.random() < 0.3:
            add("cookie", cookie, model.HS_COOKIE_RECEIVED)
            add("cookie_twice", cookie, model.HS_AUTHENTICATION)
        rng.shuffle(messages)
        add("tlvs", true, resp_payload(payload))
        # It was answered, whatever by: a second answer is one too many
        second = tv.Answer(self.peer.identity, init, ephemeral=rng.randbytes(32))
        add("twice", second.resp(payload=mutate.encode(mutate.items_of_resp())),
            model.UNKNOWN_SESSION)
        return messages
