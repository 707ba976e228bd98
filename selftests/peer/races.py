#!/usr/bin/python3 -B
# SPDX-License-Identifier: GPL-2.0
"""races.py SEED ROUNDS FOLDER: everything about the link vpn0 of the namespace left changes at
once, in an order that the seed decides, while traffic and handshakes run.

FOLDER has left.key, right.key and left.pub, right.pub. Run by races.sh, whose tunnel goes to right;
away is a namespace to move to.
"""

import base64
import contextlib
import ctypes
import errno
import os
import pathlib
import random
import signal
import socket
import struct
import subprocess
import sys
import time

import forks
import ktap
from family import (GET, PEER_GET, Authorizer, Config, Listener, dev, endpoint, flags, peer,
                    prefix)
from genl import NETLINK_GENERIC, NLM_F_DUMP, Refused, Socket
from ktap import case
from netns import libc, namespace
from rtnl import Links

SYS_DELETE_MODULE = 176
PORT = 51820
INNER = {"left": ("10.9.0.1", "fd09::1"), "right": ("10.9.0.2", "fd09::2")}
OUTER = {"left": ("192.0.2.1", "2001:db8::1"), "right": ("192.0.2.2", "2001:db8::2")}
OTHER = {"left": "right", "right": "left"}
# The longest that there may be
BLOBS = {"CONFIG": 768, "CREDENTIALS": 256}
# What an operation may be told: its link, peer, namespace or the module is just gone, or elsewhere
EXPECTED = {errno.ENODEV, errno.ENOENT, errno.EOPNOTSUPP, errno.EEXIST, errno.EADDRINUSE,
            errno.EBUSY, errno.EADDRNOTAVAIL, errno.ENONET, errno.ENETDOWN, errno.ENETUNREACH,
            errno.EINVAL, errno.EAGAIN, errno.ECANCELED, errno.EPERM, errno.ECONNREFUSED,
            errno.EHOSTUNREACH, errno.EMSGSIZE, errno.ENOKEY, errno.EDESTADDRREQ,
            errno.EPROTONOSUPPORT}  # the last: a dump of a module that is on its way out


class Actor:
    """One process that changes things."""

    def __init__(self, number):
        self.random = random.Random(f"{seed}/{number}")
        self.number = number
        self.done, self.refused = {}, {}

    def config(self):
        return Config()

    def key(self):
        """Of a stranger, of some that everybody uses."""
        return struct.pack("<I", self.random.randrange(2)) + bytes(27) + b"\x40"

    def prefixes(self):
        """Of the tunnel or not; so routes move from peer to peer."""
        return [prefix(self.random.choice([
            "10.9.0.2/32", "10.9.0.0/24", "fd09::2/128", "fd09::/64",
            f"10.{self.random.randrange(4)}.0.0/{self.random.randint(14, 16)}"]))
            for _ in range(self.random.randint(0, 3))]

    def port(self):
        return dev("LISTEN_PORT", struct.pack("<H", self.random.choice([PORT, 0, 51821, 51822])))

    # Each is one round.

    def peer_made(self):
        self.config().peer_set(self.key(), *self.prefixes(), endpoint("192.0.2.2", 9),
                               peer("PERSISTENT_KEEPALIVE", struct.pack("<H", 1)))

    def peer_changed(self):
        self.config().peer_set(self.key(), flags("UPDATE_ONLY"), *self.prefixes())

    def peer_removed(self):
        self.config().peer_del(self.key())

    def tunnel_removed(self):
        self.config().peer_del(public["right"])

    def all_removed(self):
        self.config().peer_del()

    def tunnel_made(self):
        self.config().peer_set(public["right"], flags("REPLACE"),
                               endpoint(self.random.choice(OUTER["right"]), PORT),
                               *addresses("right"))

    def psk(self):
        self.config().peer_set(public["right"], peer(
            "PRESHARED_KEY", self.random.choice([bytes(32), b"\1" * 32])))

    def private_key(self):
        config = self.config()
        config.set(dev("PRIVATE_KEY", self.random.choice([self.random.randbytes(32), bytes(32)])))
        config.set(dev("PRIVATE_KEY", private["left"]))

    def port_changed(self):
        self.config().set(self.port())

    def fwmark(self):
        self.config().set(dev("FWMARK", struct.pack("<I", self.random.choice([0, 0, 7]))))

    def ciphers(self):
        self.config().set(dev("CIPHERS", self.random.choice([b"\1", b"\2", b"\1\2", b"\2\1"])))

    def read(self):
        config = self.config()
        config.get()
        config.dump(PEER_GET, config.name)
        config.dump(GET)

    def read_half(self):
        config, other = self.config(), Socket(NETLINK_GENERIC)
        other.socket.send(other.message(config.ident, config.body(PEER_GET, config.name),
                                        NLM_F_DUMP))
        other.socket.recv(100)
        other.close()

    def bounced(self):
        links = Links()
        links.down("vpn0")
        links.up("vpn0")

    def moved(self):
        """There and back; unless there is a new one by then."""
        Links().move("vpn0", "away")
        with namespace("away"):
            links = Links()
        try:
            links.up("vpn0")
            links.move("vpn0", "left")
        except Refused:
            links.remove("vpn0")
        give_addresses("left")

    def link_made_anew(self):
        links = Links()
        with contextlib.suppress(Refused):
            links.remove("vpn0")
        make_link("left")

    def namespace_killed(self):
        """With one link in it, and one that was made there and is elsewhere; both send, through
        a cable that goes with it, to who is not there."""
        name = f"dead{self.number}"
        subprocess.run(["ip", "netns", "add", name], check=True)
        try:
            subprocess.run(["ip", "-n", name, "link", "add", "eth0", "type", "veth", "peer", "name",
                            name, "netns", "away"], check=True)
            for words in (["addr", "add", "192.0.2.1/24", "dev", "eth0"],
                          ["neigh", "add", "192.0.2.2", "lladdr", "02:00:00:00:00:99", "dev",
                           "eth0"], ["link", "set", "eth0", "up"]):
                subprocess.run(["ip", "-n", name, *words], check=True)
            subprocess.run(["ip", "-n", "away", "link", "set", name, "up"], check=True)
            with namespace(name):
                links = Links()
                for link in "vpn8", f"away{self.number}":
                    links.add(link)
                    Config(link).set(dev("PRIVATE_KEY", private["left"]))
                    Config(link).peer_set(self.key(), endpoint("192.0.2.2", 9), prefix("::/0"),
                                          peer("PERSISTENT_KEEPALIVE", struct.pack("<H", 1)))
                    links.up(link)
                links.move(f"away{self.number}", "away")
            with namespace("away"):
                links = Links()
            links.up(f"away{self.number}")
        except Refused:
            pass
        finally:
            subprocess.run(["ip", "netns", "del", name], check=True)
            with namespace("away"):
                links = Links()
            with contextlib.suppress(Refused):
                links.remove(f"away{self.number}")

    def connect(self):
        self.config().peer_set(public["right"], flags("UPDATE_ONLY", "CONNECT"))

    def blobs(self):
        """What the handshakes carry"""
        self.config().peer_set(public["right"], flags("UPDATE_ONLY"), *(
            peer(name, bytes(self.random.randrange(room))) for name, room in BLOBS.items()))

    def strangers_decided(self):
        """By a process that comes, hears who knocks, and goes with what it has not decided."""
        authorizer = Authorizer()
        try:
            for _ in range(self.random.randrange(4)):
                if told := authorizer.next(0.02):
                    self.random.choice((authorizer.accept, authorizer.refuse))(told)
        finally:
            authorizer.close()

    def listened(self):
        """Events are made; nobody reads them, and then nobody is there."""
        listener = Listener()
        self.tunnel_made()
        listener.next(0.02)
        listener.close()

    def module_removed(self):
        if libc.syscall(SYS_DELETE_MODULE, b"toyvpn", os.O_NONBLOCK) < 0:
            error = ctypes.get_errno()
            # Another one is at it, or has a link just now
            if error not in (errno.ENOENT, errno.EAGAIN, errno.EBUSY, errno.EWOULDBLOCK):
                raise OSError(error, "delete_module")
        subprocess.run(["modprobe", "-q", "toyvpn"], check=False)
        for name in INNER:
            with namespace(name):
                make_link(name)

    OFTEN = (peer_made, peer_changed, peer_removed, tunnel_made, psk, port_changed, fwmark, ciphers,
             connect, blobs, read, read_half, private_key)
    SELDOM = (tunnel_removed, all_removed, bounced, moved, link_made_anew, namespace_killed,
              strangers_decided, listened, module_removed)
    # All of it comes before any of it comes again
    DECK = OFTEN * 3 + SELDOM

    def operations(self, rounds):
        deck = []
        for _ in range(rounds):
            deck = deck or self.random.sample(self.DECK, len(self.DECK))
            yield deck.pop()

    def act(self, rounds):
        for operation in self.operations(rounds):
            name = operation.__name__
            self.done[name] = self.done.get(name, 0) + 1
            try:
                operation(self)
            except (Refused, OSError) as error:
                code = getattr(error, "errno", None)
                assert code in EXPECTED, f"{name}: {error!r}"
                self.refused[name] = self.refused.get(name, 0) + 1
                if code == errno.ENODEV:
                    make_link("left")
            # Now and then there is a tunnel for a moment
            time.sleep(self.random.uniform(0, 0.1))
        told = ", ".join(f"{name} {count - self.refused.get(name, 0)}/{count}"
                         for name, count in sorted(self.done.items()))
        ktap.say(f"actor {self.number}: {told}")


def addresses(name):
    """As allowed IPs"""
    return [prefix(one + ("/128" if ":" in one else "/32")) for one in INNER[name]]


def give_addresses(name):
    """To vpn0 of the namespace that we are in, and up: as far as it is there."""
    with contextlib.suppress(Refused, OSError):
        index = socket.if_nametoindex("vpn0")
        links = Links()
        links.address(index, INNER[name][0], 24)
        links.address(index, INNER[name][1], 64)
        links.up("vpn0")


def make_link(name):
    """The end of the tunnel in the namespace that we are in, unless it is there."""
    other = OTHER[name]
    with contextlib.suppress(Refused, OSError):
        Links().add("vpn0")
        config = Config()
        config.set(dev("PRIVATE_KEY", private[name]),
                   dev("LISTEN_PORT", struct.pack("<H", PORT)))
        config.peer_set(public[other], endpoint(OUTER[other][0], PORT), *addresses(other))
    give_addresses(name)


# Traffic: as much as goes, to whoever is there

def blast(here, there, number):
    """Datagrams of all sizes, single ones and trains."""
    maker = random.Random(f"{seed}/traffic {number}")
    with namespace(here):
        sockets = [socket.socket(socket.AF_INET6 if ":" in address else socket.AF_INET,
                                 socket.SOCK_DGRAM) for address in INNER[there]]
    while True:
        index = maker.randrange(2)
        train = maker.random() < 0.3
        sockets[index].setsockopt(socket.IPPROTO_UDP, 103, 1000 if train else 0)
        with contextlib.suppress(OSError):
            sockets[index].sendto(bytes(10000 if train else maker.randrange(1300)),
                                  (INNER[there][index], 9))
        time.sleep(0.001)


@contextlib.contextmanager
def traffic():
    pids = [forks.start(blast, here, there, number) for number, (here, there) in
            enumerate((("left", "right"), ("right", "left")))]
    try:
        yield
    finally:
        for pid in pids:
            os.kill(pid, signal.SIGKILL)
            os.waitpid(pid, 0)


def act(number, count):
    Actor(number).act(count)


@case("everything changes at once, under traffic")
def _():
    with traffic():
        actors = os.cpu_count() + 1
        forks.together(*((act, number, rounds // actors) for number in range(actors)))


def add_refused():
    """A link that all can find before IPv4 refuses its name, again and again."""
    links = Links()
    while True:
        with contextlib.suppress(Refused):
            links.add("all")


@case("a link that is refused in the end is gone with what was made of it meanwhile")
def _():
    pid = forks.start(add_refused)
    config, found = Config("all"), 0
    try:
        for number in range(rounds * 40):
            with contextlib.suppress(Refused):
                config.peer_set(struct.pack("<I", number) + bytes(27) + b"\x40",
                                prefix("10.0.0.0/8"), endpoint("192.0.2.2", 9))
                found += 1
    finally:
        os.kill(pid, signal.SIGKILL)
        os.waitpid(pid, 0)
    ktap.say(f"{found} of {rounds * 40} times it was found")
    links = Links()
    links.add("after")
    links.remove("after")


def key_file(path):
    return base64.b64decode(path.read_text("ascii"))


if __name__ == "__main__":
    seed, rounds, folder = sys.argv[1], int(sys.argv[2]), pathlib.Path(sys.argv[3])
    private = {name: key_file(folder / f"{name}.key") for name in INNER}
    public = {name: key_file(folder / f"{name}.pub") for name in INNER}
    with namespace("left"):
        ktap.run_cases()
