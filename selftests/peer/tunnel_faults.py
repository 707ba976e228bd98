#!/usr/bin/python3 -B
# SPDX-License-Identifier: GPL-2.0
"""Every allocation of handshakes and data fails once, one after another, whoever makes it: a
system call, a work queue, a softirq. Run by faults-tunnel.sh, which made a tunnel vpn0 between the
namespaces left and right."""

import contextlib
import select
import socket
import struct
import time

import injection
import ktap
from family import C, Config, dev, endpoint, prefix
from injection import Walk
from ktap import case
from netns import PATIENCE, namespace

ETH_P_ALL = 3
UDP_SEGMENT = 103
PORT, DATA_PORT = 51820, 4000
SEGMENT, SEGMENTS = 1000, 5
OUTER = {"left": "192.0.2.1", "right": "192.0.2.2"}
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
            self.config = Config()
            self.socket = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
            self.socket.bind((INNER[name], DATA_PORT))
        self.key = self.config.get()[C["A_DEVICE_PUBLIC_KEY"]]

    def forget(self, other):
        """Know the other end anew, without a session. The next handshake may come soon: let the
        other one not take it for one too many (INIT_MIN_INTERVAL)."""
        time.sleep(0.03)
        if other.key in self.config.peers():
            self.config.peer_del(other.key)
        self.config.peer_set(other.key, endpoint(OUTER[other.name], PORT),
                             prefix(INNER[other.name] + "/32"), prefix("fd09::/64"))

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


ends = {}
serial = 0


def fresh(size):
    """Data that was never sent before."""
    global serial
    serial += 1
    return struct.pack(">Q", serial).ljust(size, b"\x5a")


def crosses(sender, receiver):
    """A packet now, with no fault: it arrives, or there is no tunnel."""
    data = fresh(100)
    sender.send(receiver, data)
    assert receiver.receive(data, PATIENCE), f"nothing comes to {receiver.name} any more"


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


def sent_until(sender, receiver, packet, last, segment, seconds, hit):
    """Send it, and wait until its last part is there or a fault came."""
    sender.send(receiver, packet, segment)
    deadline = time.monotonic() + seconds
    while not receiver.receive(last, 0.005) and not hit() and time.monotonic() < deadline:
        pass


def handshake(left, right):
    def attempt(hit):
        data = fresh(100)
        sent_until(left, right, data, data, 0, PATIENCE, hit)

    def works():
        left.forget(right)
        crosses(left, right)
        crosses(right, left)
    works()
    for kind in injection.KINDS:
        walk("a handshake", kind, lambda: left.forget(right), attempt, works)


@case("handshakes")
def _():
    injection.below_module()
    handshake(ends["left"], ends["right"])


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
        sent_until(sender, receiver, b"".join(parts), parts[-1], segment, LOST, hit)

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


def main():
    for name in "left", "right":
        ends[name] = End(name)
    injection.start()
    try:
        ktap.run_cases()
    finally:
        injection.stop()


if __name__ == "__main__":
    main()
