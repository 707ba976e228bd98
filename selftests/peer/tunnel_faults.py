#!/usr/bin/python3 -B
# SPDX-License-Identifier: GPL-2.0
"""Every allocation of handshakes and data fails once, one after another, whoever makes it: a
system call, a work queue, a softirq. Run by faults-tunnel.sh, which made a tunnel vpn0 between the
namespaces left and right."""

import contextlib
import errno
import os
import select
import socket
import struct
import time

import injection
import ktap
import toyvpn as tv
import traffic
from family import C, Authorizer, Config, Listener, Told, dev, endpoint, peer, prefix
from genl import Refused
from injection import Storm, Walk
from ktap import case, equal
from netns import PATIENCE, namespace
from rig import PORT, Host, neighbour, wait_until

ETH_P_ALL = 3
UDP_SEGMENT = 103
DATA_PORT = 4000
SEGMENT, SEGMENTS = 1000, 5
OUTER = {"left": "192.0.2.1", "right": "192.0.2.2"}
OUTER6 = {"left": "2001:db8::1", "right": "2001:db8::2"}
INNER = {"left": "10.9.0.1", "right": "10.9.0.2"}
OTHER = {"left": "right", "right": "left"}
# No path has so many; one that never ends would be a defect of the test
MOST = 400
# How long to wait for what a fault may have lost
LOST = 0.1


class End:
    """One end of the tunnel: its configuration, and a socket for what goes through it."""

    def __init__(self, name):
        self.name = name
        with namespace(name):
            self.config, self.heard = Config(), Listener()
            self.socket = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
            self.socket.bind((INNER[name], DATA_PORT))
        self.key = self.config.get()[C["A_DEVICE_PUBLIC_KEY"]]
        self.view, self.missed = None, 0

    def remove(self, other):
        if other.key in self.config.peers():
            self.config.peer_del(other.key)

    def forget(self, other, *more, outer=None):
        """Know the other end anew, without a session. The next handshake may come soon: let the
        other one not take it for one too many (INIT_MIN_INTERVAL)."""
        time.sleep(0.03)
        self.remove(other)
        self.config.peer_set(other.key, endpoint((outer or OUTER)[other.name], PORT),
                             prefix(INNER[other.name] + "/32"), prefix("fd09::/64"), *more)

    def there(self, other):
        """What it has of the other end."""
        return Told(self.config.peers().get(other.key, ()))

    def knows(self, other):
        """What a listener heard of the other end is what is there, unless it is told that it missed
        something; then it looks for itself."""
        wait_until(lambda: self.hears(other) == facts(self.there(other)),
                   f"{self.name} hears how {other.name} is")

    def hears(self, other):
        try:
            while (event := self.heard.next(0)):
                if event.key == other.key:
                    self.view = facts(event)
        except OSError as error:
            equal(error.errno, errno.ENOBUFS, "the listener's error")
            self.missed += 1
            while self.heard.next(0):
                pass
            self.view = facts(self.there(other))
        return self.view

    def send(self, other, data, segment=0):
        self.socket.setsockopt(socket.IPPROTO_UDP, UDP_SEGMENT, segment)
        with contextlib.suppress(OSError):
            self.socket.sendto(data, (INNER[other.name], DATA_PORT))

    def capture(self):
        """A socket that captures what goes through this end of the tunnel."""
        with namespace(self.name):
            one = socket.socket(socket.AF_PACKET, socket.SOCK_RAW | socket.SOCK_NONBLOCK,
                                socket.htons(ETH_P_ALL))
        one.bind(("vpn0", ETH_P_ALL))
        return one

    def receive(self, data, seconds):
        """Whether exactly this comes; what else comes is old."""
        deadline = time.monotonic() + seconds
        while (left := deadline - time.monotonic()) > 0:
            if select.select([self.socket], [], [], left)[0] and self.socket.recv(65536) == data:
                return True
        return False


def facts(told):
    """What an event and a dump both say of a peer that is one."""
    if told.key and told.event != "removed":
        return told.state, told.reason, told.last, told.received
    return None


ends = {}
serial = 0


def fresh(size):
    """Data that was never sent before."""
    global serial
    serial += 1
    return struct.pack(">Q", serial).ljust(size, b"\x5a")


def nothing():
    pass


def never():
    return False


def until(done, seconds, hit=never, meanwhile=nothing):
    """Whether it is in time, unless a fault came."""
    deadline = time.monotonic() + seconds
    while not (is_done := done()) and not hit() and time.monotonic() < deadline:
        meanwhile()
    return is_done


def crosses(sender, receiver, meanwhile=nothing):
    """A packet now, with no fault: it arrives, or there is no tunnel."""
    data = fresh(100)
    sender.send(receiver, data)
    assert until(lambda: receiver.receive(data, 0.005), PATIENCE, meanwhile=meanwhile), \
        f"nothing comes to {receiver.name} any more"


def walk(title, kind, prepare, attempt, works, least=1):
    """attempt() with each allocation below the module failing once, of which there are at least
    so many from slabs; after each, works()."""
    faults = 0

    def fire(one):
        prepare()
        hit = one.fire(attempt)
        works()
        return hit
    for count in range(1, MOST):
        one = Walk(kind, count)
        # First to a multiple of count, which is a fault somewhere
        if count > 1:
            for _ in range(count + 1):
                if fire(one):
                    faults += 1
                    break
        if not fire(one):
            break
        faults += 1
    else:
        raise AssertionError(f"{title}: more than {MOST} allocations")
    ktap.say(f"{title}: {count - 1} allocations ({kind}), {faults} faults")
    assert count > least or kind != "failslab", f"{title}: {count - 1} allocations"


def handshake(title, begin, meanwhile=nothing, **wanted):
    """left begins one, and what it has of right afterwards is what is wanted."""
    left, right = ends["left"], ends["right"]

    def attempt(hit):
        data = fresh(100)
        left.send(right, data)
        until(lambda: right.receive(data, 0.005), PATIENCE, hit, meanwhile)

    def works():
        left.knows(right)
        begin()
        crosses(left, right, meanwhile)
        crosses(right, left)
        there = left.there(right)
        equal({name: getattr(there, name) for name in wanted}, wanted, title)
        left.knows(right)
        right.knows(left)
    works()
    for kind in injection.KINDS:
        walk(title, kind, begin, attempt, works)


def refused(title, begin, reason, meanwhile=nothing):
    """left begins a handshake, and is told why there is none."""
    left, right = ends["left"], ends["right"]

    def is_told():
        time.sleep(0.005)
        return left.there(right).reason == reason

    def attempt(hit):
        left.send(right, fresh(100))
        return until(is_told, PATIENCE, hit, meanwhile)

    def works():
        left.knows(right)
        begin()
        assert attempt(never), f"{title}: {left.there(right)}"
        left.knows(right)
    works()
    for kind in injection.KINDS:
        walk(title, kind, begin, attempt, works)


@contextlib.contextmanager
def authorizer(end):
    with namespace(end.name):
        one = Authorizer()
    try:
        yield one
    finally:
        one.close()


def answers(decides, answer):
    """What an authorizer does all the time: it answers, again if there was no memory for that."""
    def meanwhile():
        told = decides.next(0)
        while told:
            try:
                answer(told)
            except Refused as error:
                if error.errno == errno.ENOMEM:
                    continue
                equal(error.errno, errno.ENOENT, "the authorizer's error")
            told = None
    return meanwhile


@case("handshakes")
def _():
    injection.below_module()
    left, right = ends["left"], ends["right"]
    handshake("a handshake", lambda: left.forget(right))
    handshake("a handshake over IPv6", lambda: left.forget(right, outer=OUTER6))
    ktap.say(f"events were lost {left.missed} times, which the listener was told")
    assert left.missed, "no event was lost"


@case("handshakes in which both say more")
def _():
    injection.below_module()
    left, right = ends["left"], ends["right"]
    blob = bytes(range(1, 256)) * 3
    right.config.peer_set(left.key, peer("CONFIG", blob))
    handshake("CONFIG and CREDENTIALS", lambda: left.forget(right, peer("CREDENTIALS", bytes(256))),
              received=blob)
    right.config.peer_set(left.key, peer("CONFIG", b""))


@case("a stranger is let in, or refused")
def _():
    injection.below_module()
    left, right = ends["left"], ends["right"]

    def begin():
        # One source may not ask much more often
        time.sleep(0.1)
        right.remove(left)
        left.forget(right, peer("CREDENTIALS", b"let me in"))
    with authorizer(right) as decides:
        handshake("a stranger", begin, answers(decides, lambda told: decides.accept(
            told, peer("CONFIG", b"welcome"), prefix(INNER["left"] + "/32"))), received=b"welcome")
        refused("a stranger that is refused", begin, "refused", answers(decides, decides.refuse))
    right.forget(left)
    left.forget(right)
    crosses(left, right)


@case("they have no cipher in common")
def _():
    injection.below_module()
    left, right = ends["left"], ends["right"]
    usual = left.config.get()[C["A_DEVICE_CIPHERS"]]
    left.config.set(dev("CIPHERS", bytes([C["CIPHER_AES_256_GCM"]])))
    right.config.set(dev("CIPHERS", bytes([C["CIPHER_CHACHA20_POLY1305"]])))
    refused("no common cipher", lambda: left.forget(right), "no-common-cipher")
    for end in ends.values():
        end.config.set(dev("CIPHERS", usual))
    left.forget(right)
    crosses(left, right)


@case("a handshake under load, with a cookie")
def _():
    injection.below_module()
    right = ends["right"]
    known = tv.Identity.generate()
    right.config.peer_set(known.public)
    with authorizer(right), namespace("right"):
        noise = neighbour(right.key).offer().message

        def attempt(hit):
            """An INIT is answered with a COOKIE, and with that it is answered."""
            def done():
                one = neighbour(right.key, known)
                offer = one.offer()
                one.send_handshake(offer.message)
                message = one.receive(tv.RESP, tv.COOKIE, timeout=LOST)
                if message and message[0] == tv.COOKIE:
                    one.send_handshake(offer.with_cookie(message))
                    message = one.receive(tv.RESP, timeout=LOST)
                    return message and offer.finish(message).cipher
                return False

            def load():
                """One source asks too often."""
                one = neighbour(right.key)
                for _ in range(8):
                    one.send(noise)
            return until(done, PATIENCE, hit, load)

        def works():
            assert attempt(never), "no answer under load"
        works()
        for kind in injection.KINDS:
            walk("a handshake with a cookie", kind, nothing, attempt, works)
    right.config.peer_del(known.public)


def forget_captured(capture):
    """A capture that has no room left shares no packets."""
    with contextlib.suppress(BlockingIOError):
        while capture.recv(1):
            pass


def data(cipher, sender, receiver, size, segment=0, capture=None):
    sender.config.set(dev("CIPHERS", bytes([cipher])))
    receiver.config.set(dev("CIPHERS", bytes([cipher])))
    sender.forget(receiver)
    crosses(sender, receiver)
    crosses(receiver, sender)

    def attempt(hit):
        parts = [fresh(segment or size) for _ in range(size // segment if segment else 1)]
        sender.send(receiver, b"".join(parts), segment)
        until(lambda: receiver.receive(parts[-1], 0.005), LOST, hit)

    def prepare():
        if capture:
            forget_captured(capture)
    for kind in injection.KINDS:
        walk(f"{sender.name} sends {'GSO' if segment else 'one packet'}, "
             f"{'captured, ' if capture else ''}cipher {cipher}", kind,
             prepare, attempt, lambda: crosses(sender, receiver), least=1 if segment or capture else 0)


def every_kind_of_data():
    for cipher in C["CIPHER_AES_256_GCM"], C["CIPHER_CHACHA20_POLY1305"]:
        for name in "left", "right":
            sender, receiver = ends[name], ends[OTHER[name]]
            # It becomes its message where it is, and takes no memory
            data(cipher, sender, receiver, 500)
            # Unless it is somebody else's as well
            with contextlib.closing(sender.capture()) as capture:
                data(cipher, sender, receiver, 500, capture=capture)
            data(cipher, sender, receiver, SEGMENT * SEGMENTS, SEGMENT)


@case("data, single packets, captured and GSO, both ways and with both ciphers")
def _():
    injection.below_module()
    every_kind_of_data()


def cut(end):
    """How many datagrams UDP has handed to tunnels and programs."""
    with namespace(end.name), open("/proc/thread-self/net/snmp", encoding="ascii") as file:
        return int([line for line in file if line.startswith("Udp:")][1].split()[1])


def is_taken_whole(sender, receiver):
    """Whether UDP does not see a long train, but what came in it."""
    parts = [fresh(SEGMENT) for _ in range(20)]
    before = cut(receiver)
    sender.send(receiver, b"".join(parts), SEGMENT)
    assert receiver.receive(parts[-1], PATIENCE), "no train comes"
    return cut(receiver) - before == len(parts)


def takes_whole(sender, receiver):
    """Since the first of them."""
    wait_until(lambda: is_taken_whole(sender, receiver), "trains are taken whole")


@case("the first train, after which they are taken whole")
def _():
    left, right = ends["left"], ends["right"]
    injection.below_function("register_hooks")

    def begin():
        """With other sockets it forgets that there were trains."""
        for port in PORT + 1, PORT:
            right.config.set(dev("LISTEN_PORT", struct.pack("<H", port)))
        crosses(right, left)
    for kind in injection.KINDS:
        walk("the first train", kind, begin,
             lambda hit: until(lambda: is_taken_whole(left, right), PATIENCE, hit),
             lambda: takes_whole(left, right))


@case("data that arrives in trains, which are opened where they are")
def _():
    injection.below_module()
    for cipher, name in ((C["CIPHER_AES_256_GCM"], "left"),
                         (C["CIPHER_CHACHA20_POLY1305"], "right")):
        sender, receiver = ends[name], ends[OTHER[name]]
        takes_whole(sender, receiver)
        data(cipher, sender, receiver, SEGMENT * SEGMENTS, SEGMENT)


class Blast(traffic.Blast):
    """More than is to be left to one CPU; some of it may be lost."""

    def arrives(self, seconds):
        """How many do, in order, until there is silence for so long."""
        count = 0
        self.receiver.settimeout(seconds)
        with contextlib.suppress(TimeoutError):
            while self.last < self.sent:
                number, = struct.unpack_from(">I", self.receiver.recv(65536))
                assert self.last < number <= self.sent, f"datagram {number} came after {self.last}"
                self.last = number
                count += 1
        return count


@case("data that other CPUs help with")
def _():
    injection.below_module()
    left, right = ends["left"], ends["right"]
    cpus = os.sched_getaffinity(0)
    for end in ends.values():
        end.config.set(dev("CIPHERS", bytes([C["CIPHER_CHACHA20_POLY1305"]])))
    left.forget(right)
    crosses(left, right)
    blast = Blast("left", "right", INNER["right"])
    os.sched_setaffinity(0, {min(cpus)})
    for kind in injection.KINDS:
        storm_at(blast, kind)
        crosses(left, right)
        blast.arrives(LOST)
        blast.burst()
        equal(blast.arrives(PATIENCE), traffic.SEGMENTS * traffic.TRAINS, "without faults")
    os.sched_setaffinity(0, cpus)


def storm_at(blast, kind):
    arrived, sent, before = 0, blast.sent, helped()
    with Storm(kind, 10) as storm:
        def enough():
            nonlocal arrived
            blast.burst()
            arrived += blast.arrives(LOST)
            return storm.faults() >= 20 and all(helped()[name] > before[name] for name in before)
        wait_until(enough, "others help, and allocations fail")
        ktap.say(f"{arrived} of {blast.sent - sent} datagrams arrived, "
                 f"{storm.faults()} faults ({kind})")
    ktap.say(", ".join(f"{count - before[name]} {name}" for name, count in helped().items()))


def helped():
    """Batches that other CPUs took from left, and from right."""
    return {name: Host(end).counters()[name] for end, name in
            (("left", "tx_batches_spread"), ("right", "rx_batches_spread"))}


def main():
    for name in "left", "right":
        ends[name] = End(name)
    for name, end in ends.items():
        end.view = facts(end.there(ends[OTHER[name]]))
    injection.start()
    try:
        ktap.run_cases()
    finally:
        injection.stop()


if __name__ == "__main__":
    main()
