# SPDX-License-Identifier: GPL-2.0
"""A user-space peer on a UDP socket, and the host with the module that it talks to."""

import base64
import contextlib
import json
import socket
import subprocess
import time

import toyvpn as tv
from netns import PATIENCE, is_readable, namespace

# Of either end, outside the tunnel.
PORT = 51820


def wait_until(condition, what):
    """Poll until condition() holds; a limit, not a timing."""
    deadline = time.monotonic() + PATIENCE
    while not condition():
        assert time.monotonic() < deadline, "never happened: " + what
        time.sleep(0.02)


class Host:
    """The namespace called name, in which the link called link is."""

    def __init__(self, name, link="vpn0"):
        self.name = name
        self.link = link

    def run(self, *command, **options):
        result = subprocess.run(["ip", "netns", "exec", self.name, *command], check=True,
                                stdout=subprocess.PIPE, text=True, timeout=PATIENCE, **options)
        return result.stdout

    @staticmethod
    def base64(key):
        """As toyvpnctl writes it."""
        return base64.b64encode(key).decode()

    def set(self, *words):
        self.run("toyvpnctl", "set", self.link, *words)

    def shown(self, public):
        """What toyvpnctl shows of the peer with this key, as its JSON has it."""
        device, = json.loads(self.run("toyvpnctl", "show", self.link, "--json"))
        peer, = (one for one in device["peers"] if one["public_key"] == self.base64(public))
        return peer

    def counters(self):
        """Of ethtool -S, as {name: number}."""
        lines = self.run("ethtool", "-S", self.link).splitlines()[1:]
        return {name.strip(): int(number) for name, number in
                (line.rsplit(":", 1) for line in lines)}

    def knows_anew(self, peer, allowed_ips):
        """Forget the peer and know it again: no session, no reason, no cookie."""
        key = self.base64(peer.identity.public)
        address, port = peer.socket.getsockname()[:2]
        address = f"[{address}]" if ":" in address else address
        self.set("peer", key, "remove")
        self.set("peer", key, "endpoint", f"{address}:{port}", "allowed-ips",
                 ",".join(allowed_ips))
        peer.drain()

    @contextlib.contextmanager
    def counts(self, name, by=1):
        """What is done inside makes the counter grow by so much, at least."""
        before = self.counters()[name]
        yield
        wait_until(lambda: self.counters()[name] >= before + by, f"{name} counts {by}")

    def udp_socket(self, address, port=4000):
        """A socket of the host's, for what comes out of the tunnel."""
        family = socket.AF_INET6 if ":" in address else socket.AF_INET
        with namespace(self.name):
            sock = socket.socket(family, socket.SOCK_DGRAM)
        sock.settimeout(PATIENCE)
        sock.bind((address, port))
        return sock


class Peer:
    """One static key on one UDP socket; host is the (address, port) of the module."""

    def __init__(self, identity, host_public, host, psk=tv.NO_PSK, bind=None):
        self.identity = identity
        self.host_public = host_public
        self.host = host
        self.psk = psk
        family = socket.AF_INET6 if ":" in host[0] else socket.AF_INET
        self.socket = socket.socket(family, socket.SOCK_DGRAM)
        if bind:
            self.socket.bind(bind)
        self.last = 0

    def timestamp(self):
        """Now, and later than any before."""
        self.last = max(time.time_ns(), self.last + 1)
        return tv.tai64n(*divmod(self.last, 10 ** 9))

    def offer(self, **fields):
        """An INIT with the peer's own keys; every field can be another."""
        fields = {"psk": self.psk, "timestamp": self.timestamp(), **fields}
        return tv.Offer(self.identity, self.host_public, **fields)

    def send_handshake(self, message):
        """Not sooner after the one before than the host answers (INIT_MIN_INTERVAL), whose clock may
        be some ticks behind."""
        time.sleep(0.05)
        self.send(message)

    def send(self, message):
        self.socket.sendto(message, self.host)

    def receive(self, *kinds, timeout=PATIENCE):
        """The next message of one of these types; others are dropped. None if none comes."""
        deadline = time.monotonic() + timeout
        while True:
            left = max(deadline - time.monotonic(), 0)
            if not is_readable(self.socket, left):
                return None
            message = self.socket.recv(65536)
            if message and message[0] in kinds:
                return message

    def drain(self):
        """Forget what came so far."""
        while self.receive(*range(256), timeout=0):
            pass

    def pending(self, *kinds):
        """Whether a message of one of these types is there already."""
        return self.receive(*kinds, timeout=0) is not None

    def exchange(self, offer):
        """Send an INIT, also again with the cookie if one is asked for: the RESP."""
        self.send_handshake(offer.message)
        while True:
            message = self.receive(tv.RESP, tv.COOKIE)
            assert message, "no answer to an INIT"
            if message[0] == tv.RESP:
                return message
            self.send_handshake(offer.with_cookie(message))

    def connect(self, **fields):
        """A session as the initiator of it, confirmed by a keepalive."""
        offer = self.offer(**fields)
        session = offer.finish(self.exchange(offer))
        assert session.cipher, "refused"
        self.send(session.seal(b""))
        return session

    def answer(self, **fields):
        """Wait for an INIT and read it as a responder."""
        message = self.receive(tv.INIT)
        assert message, "no INIT came"
        return tv.Answer(self.identity, message, psk=fields.pop("psk", self.psk), **fields)


sources = iter(range(1, 1 << 16))


def neighbour(host_public, identity=None, port=PORT):
    """Somebody on the module's own host, where all of 127.0.0.0/8 is: at an address that nobody had
    yet, with a key that nobody had unless one is given."""
    number = next(sources)
    return Peer(identity or tv.Identity.generate(), host_public, ("127.0.0.1", port),
                bind=(f"127.1.{number >> 8}.{number & 255}", 0))


def key_file(path):
    """The 32 bytes of a key as toyvpnctl writes it."""
    with open(path, encoding="ascii") as file:
        return base64.b64decode(file.read())


def from_arguments(arguments):
    """Host and peer of a program that net.sh's as_peer runs."""
    name, address, public_file, own_address, private_file = arguments
    return Host(name), Peer(tv.Identity(key_file(private_file)), key_file(public_file),
                            (address, PORT), bind=(own_address, PORT))
