#!/usr/bin/python3 -B
# SPDX-License-Identifier: GPL-2.0
"""Every allocation of a system call fails once, one after another: commands, links, the module
itself. Run by faults.sh, with an empty namespace left."""

import contextlib
import ctypes
import errno
import os
import pathlib
import socket
import struct
import subprocess

import injection
import ktap
import toyvpn as tv
from family import (AUTHORIZER_SET, C, GET, MORE, PEER_DEL, PEER_GET, PEER_SET, SET, Authorizer,
                    Config, Listener, dev, endpoint, flags, peer, prefix)
from genl import NETLINK_GENERIC, NLM_F_ACK, NLM_F_DUMP, Refused, Socket, attribute
from injection import MODULE, Armed
from ktap import case, equal
from netns import PATIENCE, libc, namespace
from rig import PORT, neighbour
from rtnl import (IFF_UP, IFLA_GROUP, IFLA_GSO_MAX_SEGS, IFLA_GSO_MAX_SIZE, IFLA_IFALIAS,
                  IFLA_MTU, IFLA_NET_NS_FD, IFLA_NUM_RX_QUEUES, IFLA_NUM_TX_QUEUES, IFLA_TXQLEN,
                  NLM_F_CREATE, NLM_F_EXCL, RTM_DELLINK, RTM_NEWLINK, Links, number)

SYS_DELETE_MODULE, SYS_FINIT_MODULE = 176, 313
# How the kernel says that there is no memory: for a socket it is ENFILE
MEMORY = {errno.ENOMEM, errno.ENOBUFS, errno.ENFILE}
# No path has so many; one that never ends would be a defect of the test
MOST = 1500
KEY, PSK = bytes(range(1, 33)), bytes(range(2, 34))
LINK = "fault0"
ADD = NLM_F_CREATE | NLM_F_EXCL


def nothing():
    pass


def each(title, prepare, undo, state, also=None, again=nothing):
    """prepare() returns two functions: a system call, and what finds out how it ended. The call is
    made again and again, each time with another allocation failing. If it is refused, state() is
    what it was; if it is done nevertheless, undo() takes it back.
    also is one more errno that it may be refused with; again() then does the same without a
    fault, and takes it back."""
    refused = lost = 0
    before = state()
    for count in range(1, MOST):
        call, finish = prepare()
        error = None
        with Armed(count) as armed:
            try:
                call()
            except OSError as problem:
                error = problem
        try:
            if not error:
                finish()
        except (OSError, Refused) as problem:
            error = problem
        if error:
            assert armed.hit, f"{title}: {error} without a fault"
            assert error.errno in MEMORY | {also}, f"{title}: allocation {count}: {error!r}"
        if error and (isinstance(error, Refused) or error.errno == errno.ENOMEM):
            refused += 1
            equal(state(), before, f"{title}: after allocation {count} failed")
            again()
        else:
            # Done; or the answer is what was lost
            lost += bool(error)
            undo()
            equal(state(), before, f"{title}: after allocation {count}, and taken back")
        if not armed.hit:
            break
    else:
        raise AssertionError(f"{title}: more than {MOST} allocations")
    ktap.say(f"{title}: {count - 1} allocations: {refused} refused, {lost} without an answer, "
             f"{count - 1 - refused - lost} done nevertheless")
    assert count > 1, f"{title}: nothing was allocated"


def request(config, command, *attributes):
    """For each(): one request."""
    def prepare():
        message = config.message(config.ident, config.body(command, *attributes), NLM_F_ACK)
        return lambda: config.socket.send(message), config.answers
    return prepare


def and_close(sock, answers):
    """For what prepare() returns: answers(), after which the socket is closed."""
    def finish():
        try:
            answers()
        finally:
            sock.close()
    return finish


def dump(config, command, *attributes):
    """For each(): a dump, the next parts of which are made while the ones before are read."""
    room = bytearray(1)

    def prepare():
        other = Socket(NETLINK_GENERIC)
        message = other.message(config.ident, config.body(command, *attributes), NLM_F_DUMP)

        def call():
            other.socket.send(message)
            for _ in range(3):
                other.socket.recv_into(room, 1, socket.MSG_PEEK)

        return call, and_close(other, other.answers)
    return prepare


def link_request(links, kind, body, more=0):
    def prepare():
        message = links.message(kind, body, NLM_F_ACK | more)
        return lambda: links.socket.send(message), links.answers
    return prepare


@contextlib.contextmanager
def fault_link(up=False):
    links = Links()
    links.add(LINK)
    config = Config(LINK)
    if up:
        links.up(LINK)
    config.set(dev("PRIVATE_KEY", PSK))
    try:
        yield links, config
    finally:
        with contextlib.suppress(Refused):
            links.remove(LINK)


def port(value):
    return dev("LISTEN_PORT", struct.pack("<H", value))


FULL = (peer("PRESHARED_KEY", PSK), endpoint("192.0.2.9", 9),
        peer("PERSISTENT_KEEPALIVE", struct.pack("<H", 20)), peer("CONFIG", bytes(700)),
        peer("CREDENTIALS", bytes(200)), prefix("10.0.0.0/8"),
        prefix("10.1.0.0/16"), prefix("10.1.2.3/32"), prefix("fd00::/8"), prefix("fd00::1/128"))


@case("a link is read, and dumped")
def _():
    injection.everywhere()
    with fault_link() as (_, config):
        config.peer_set(KEY, *FULL)
        key = peer("PUBLIC_KEY", KEY)
        for title, prepare in (("device get", request(config, GET, config.device)),
                               ("peer get", request(config, PEER_GET, config.name, key)),
                               ("device dump", dump(config, GET)),
                               ("peer dump", dump(config, PEER_GET, config.name)),
                               ("peer dump of one", dump(config, PEER_GET, config.name, key))):
            each(title, prepare, nothing, config.state)


@case("a long dump")
def _():
    injection.everywhere()
    with fault_link() as (_, config):
        for byte in range(100):
            config.peer_set(bytes(31) + bytes([byte + 1]), *FULL[1:3], prefix(f"10.0.{byte}.0/24"))
        each("dump of 100 peers", dump(config, PEER_GET, config.name), nothing, config.state)


@case("a device is set, its link down")
def _():
    injection.everywhere()
    with fault_link() as (_, config):
        device_settings(config)


@case("a device is set, its link up")
def _():
    injection.everywhere()
    with fault_link(up=True) as (_, config):
        config.set(port(7000))
        config.peer_set(KEY, *FULL)
        device_settings(config)


def fwmark(value):
    return dev("FWMARK", struct.pack("<I", value))


def device_settings(config):
    usual = config.get()[C["A_DEVICE_CIPHERS"]]
    for title, attributes, back in (
            ("private key", (dev("PRIVATE_KEY", KEY),), (dev("PRIVATE_KEY", PSK),)),
            ("no private key", (dev("PRIVATE_KEY", bytes(32)),), (dev("PRIVATE_KEY", PSK),)),
            ("port", (port(7001),), (port(7000),)),
            ("fwmark", (fwmark(7),), (fwmark(0),)),
            ("ciphers", (dev("CIPHERS", b"\2"),), (dev("CIPHERS", usual),)),
            ("all at once", (dev("PRIVATE_KEY", KEY), port(7002), fwmark(8), dev("CIPHERS", b"\1")),
             (dev("PRIVATE_KEY", PSK), port(7000), fwmark(0), dev("CIPHERS", usual)))):
        config.set(*back)
        each("device set: " + title, request(config, SET, config.device, *attributes),
             lambda back=back: config.set(*back), config.state)


def forget(config, key):
    with contextlib.suppress(Refused):
        config.peer_del(key)


@case("a peer is made")
def _():
    injection.everywhere()
    with fault_link(up=True) as (_, config):
        key = peer("PUBLIC_KEY", KEY)
        many = [prefix(f"10.{one}.0.0/16") for one in range(60)]
        for title, attributes in (("bare", ()), ("with everything", FULL), ("60 routes", many),
                                  ("IPv6", (endpoint("2001:db8::9", 9), prefix("::/0")))):
            each("peer new: " + title, request(config, PEER_SET, config.name, key, *attributes),
                 lambda: forget(config, KEY), config.state)


@case("a peer is changed")
def _():
    injection.everywhere()
    with fault_link(up=True) as (_, config):
        other = bytes(31) + b"\x09"
        config.peer_set(KEY, *FULL)
        config.peer_set(other, prefix("10.77.0.0/16"))

        def back():
            config.peer_set(other, flags("REPLACE"), prefix("10.77.0.0/16"))
            config.peer_set(KEY, flags("REPLACE"), *FULL)
        for title, attributes in (
                ("pre-shared key", (peer("PRESHARED_KEY", KEY),)),
                ("endpoint", (endpoint("2001:db8::9", 99),)),
                ("keepalive", (peer("PERSISTENT_KEEPALIVE", b"\1\0"),)),
                ("configuration", (peer("CONFIG", bytes(9)),)),
                ("credentials", (peer("CREDENTIALS", bytes(9)),)),
                ("a handshake", (flags("CONNECT"),)),
                ("more routes", (prefix("10.2.0.0/16"), prefix("10.2.2.2/32"),
                                 prefix("fd01::/16"))),
                ("a route of another peer", (prefix("10.77.0.0/16"),)),
                ("fewer routes", (prefix("10.1.2.3/32", ("REMOVE", b"")),)),
                ("other routes", (flags("REPLACE_ALLOWED_IPS"), prefix("10.3.0.0/16"))),
                ("replaced", (flags("REPLACE", "UPDATE_ONLY"), prefix("10.4.0.0/16")))):
            each("peer set: " + title,
                 request(config, PEER_SET, config.name, peer("PUBLIC_KEY", KEY), *attributes),
                 back, config.state)


@case("a process becomes the authorizer")
def _():
    injection.everywhere()
    with fault_link(up=True) as (_, config):
        def prepare():
            other = Config(LINK)
            call, answers = request(other, AUTHORIZER_SET, other.name)()
            return call, and_close(other, answers)
        each("authorizer set", prepare, nothing, config.state)


@case("a peer comes in several messages")
def _():
    injection.everywhere()
    with fault_link() as (_, config):
        key, more = peer("PUBLIC_KEY", KEY), peer("FLAGS", struct.pack("<I", MORE))
        first = (PEER_SET, config.name, key, more, prefix("10.1.0.0/16"))
        next_one = (PEER_SET, config.name, key, more, *(prefix(f"10.2.{one}.0/24")
                                                        for one in range(40)))
        last = (PEER_SET, config.name, key, prefix("10.3.0.0/16"))

        def fresh(*before, then):
            """For each(): a socket of its own, with something begun."""
            def prepare():
                other = Config(LINK)
                for one in before:
                    other.request(*one)
                call, answers = request(other, *then)()
                return call, and_close(other, answers)
            return prepare
        each("first message", fresh(then=first), nothing, config.state)
        each("second message", fresh(first, then=next_one), nothing, config.state)
        each("last message", fresh(first, next_one, then=last), lambda: forget(config, KEY),
             config.state)


@case("a stranger is let in, or refused")
def _():
    injection.everywhere()
    with fault_link(up=True) as (_, config), contextlib.closing(Authorizer(LINK)) as decides:
        config.set(port(PORT))
        for title, answer in (
                ("peer set: a stranger", lambda told: decides.accepting(
                    told, peer("CONFIG", bytes(700)), prefix("10.5.0.0/16"))),
                ("request refuse", decides.refusing)):
            asking = Asking(config, decides, answer)
            each(title, asking.prepare, asking.settled, config.state, again=asking.waits)


class Asking:
    """For each(): somebody else asks before each attempt, which is the answer."""

    def __init__(self, config, decides, answer):
        self.config, self.decides, self.answer = config, decides, answer
        self.public = config.get()[C["A_DEVICE_PUBLIC_KEY"]]
        self.one = self.offer = self.told = None

    def prepare(self):
        self.one = neighbour(self.public)
        self.offer = self.one.offer()
        self.one.send(self.offer.message)
        self.told = self.decides.next(PATIENCE)
        assert self.told, "no request"
        return request(self.decides.answers_by, *self.answer(self.told))()

    def waits(self):
        """The request does: it is answered now."""
        self.decides.answers_by.request(*self.answer(self.told))
        message = self.one.receive(tv.RESP)
        assert message, "no RESP"
        self.offer.finish(message)
        self.forget()

    def settled(self):
        """The request may wait: it may be just that the authorizer could not say its word."""
        try:
            self.waits()
        except Refused as no_more:
            equal(no_more.errno, errno.ENOENT, "another answer")
            self.forget()

    def forget(self):
        """Who is a peer now is answered, whatever became of the answer before."""
        if self.told.key in self.config.peers():
            neighbour(self.public, self.one.identity).connect()
            self.config.peer_del(self.told.key)


@case("peers are removed, of which somebody hears")
def _():
    injection.everywhere()
    with fault_link(up=True) as (_, config), contextlib.closing(Listener(LINK)) as listener:
        key = peer("PUBLIC_KEY", KEY)
        missed = 0

        def there():
            config.peer_set(KEY, *FULL)

        def undo():
            nonlocal missed
            if KEY not in config.peers():
                missed += not hears_removed(listener)
            there()
        there()
        for title, attributes in ("one", (key,)), ("all", ()):
            each("peer del: " + title, request(config, PEER_DEL, config.name, *attributes), undo,
                 config.state)
        ktap.say(f"{missed} events were lost, which the listener was told")
        assert missed, "no event was lost"


def hears_removed(listener):
    """Whether it does; if it does not, it is told that it missed something."""
    try:
        while (event := listener.next(PATIENCE)):
            if event.event == "removed":
                return True
    except OSError as error:
        equal(error.errno, errno.ENOBUFS, "the error")
        while listener.next(0):
            pass
        return False
    raise AssertionError("nothing is heard of a peer that was removed")


# Links

# What sysfs says where there was no memory for a device's name
NO_NAME = errno.EINVAL


def present():
    return os.path.exists("/sys/class/net/" + LINK)


def gone():
    with contextlib.suppress(Refused):
        Links().remove(LINK)


@case("a link is made")
def _():
    injection.below_module()
    links = Links()
    each("link add", link_request(links, RTM_NEWLINK, links.added(LINK), ADD), gone, present,
         NO_NAME)


@case("a link is made, with all that can be said of one")
def _():
    injection.everywhere()
    links = Links()
    with open("/run/netns/left", "rb") as there:
        words = (number(IFLA_MTU, 1300), number(IFLA_TXQLEN, 100), number(IFLA_GROUP, 7),
                 attribute(IFLA_IFALIAS, b"fault"), number(IFLA_NUM_TX_QUEUES, 2),
                 number(IFLA_NUM_RX_QUEUES, 2), number(IFLA_GSO_MAX_SIZE, 30000),
                 number(IFLA_GSO_MAX_SEGS, 10))
        each("link add with attributes",
             link_request(links, RTM_NEWLINK, links.added(LINK, *words), ADD), gone, present,
             NO_NAME)
        with namespace("left"):
            inside = Links()

        def leave():
            with contextlib.suppress(Refused):
                inside.remove(LINK)
            gone()
        elsewhere = links.added(LINK, number(IFLA_NET_NS_FD, there.fileno()))
        each("link add in another namespace", link_request(links, RTM_NEWLINK, elsewhere, ADD),
             leave, present, NO_NAME)


@case("a link goes up and down, and is removed")
def _():
    injection.everywhere()
    with fault_link() as (links, config):
        config.peer_set(KEY, *FULL)

        def flag():
            text = pathlib.Path("/sys/class/net", LINK, "flags").read_text("ascii")
            return int(text, 16) & IFF_UP
        config.set(port(7000))
        each("link up", link_request(links, RTM_NEWLINK, links.link(LINK, flags=IFF_UP,
                                                                    change=IFF_UP)),
             lambda: links.down(LINK), flag)
        links.up(LINK)
        each("link down", link_request(links, RTM_NEWLINK, links.link(LINK, change=IFF_UP)),
             lambda: links.up(LINK), flag)

        def again():
            if not present():
                links.add(LINK)
                Config(LINK).peer_set(KEY, *FULL)
                links.up(LINK)
        each("link del", link_request(links, RTM_DELLINK, links.link(LINK)), again, present)


# The module

def syscall(*arguments):
    if libc.syscall(*arguments) < 0:
        raise OSError(ctypes.get_errno(), "syscall")


def load(file):
    syscall(SYS_FINIT_MODULE, file.fileno(), b"", 0)


def unload():
    syscall(SYS_DELETE_MODULE, b"toyvpn", os.O_NONBLOCK)


def ciphers():
    """All that a link has by default."""
    with fault_link() as (_, config):
        return config.get()[C["A_DEVICE_CIPHERS"]]


@case("the module is loaded and removed")
def _():
    injection.below_any_module()
    usual = ciphers()
    path = subprocess.run(["modinfo", "-n", "toyvpn"], check=True, text=True,
                          stdout=subprocess.PIPE).stdout.strip()
    with open(path, "rb") as file:
        unload()

        def whole():
            """Loaded in spite of a fault, it lacks nothing."""
            equal(ciphers(), usual, "ciphers")
            unload()
        each("module load", lambda: (lambda: load(file), nothing), whole, MODULE.exists)
        load(file)
        each("module unload", lambda: (unload, nothing), lambda: load(file), MODULE.exists)


if __name__ == "__main__":
    injection.start()
    try:
        ktap.run_cases()
    finally:
        injection.stop()
