#!/usr/bin/python3 -B
# SPDX-License-Identifier: GPL-2.0
"""The netlink family, asked by hand: what it refuses and why, what it hides. Run by uapi.sh in a
namespace with a link vpn0, as root and again without any privilege."""

import errno
import os
import struct

import forks
import ktap
from family import (AUTHORIZER_SET, C, GET, MORE, PEER_DEL, PEER_GET, PEER_SET, REQUEST_REFUSE, SET,
                    dev, flags, ip, peer)
from genl import Family, Refused, attribute
from ktap import case, equal
from rtnl import Links

KEY = bytes(range(1, 33))
OTHER = bytes(range(2, 34))

family = None

VPN0 = dev("IFNAME", "vpn0")
PEER0 = peer("IFNAME", "vpn0")
REQUEST = peer("REQUEST_ID", struct.pack("<I", 4711))


# What is said of an attribute that is not as it should be; which of them is for the kernel to say.
WRONG = errno.EINVAL, errno.ERANGE, errno.EOPNOTSUPP


def refused(command, *attributes, code=WRONG, sentence=True, dump=False):
    """The kernel refuses it with this error (or one of these), and a sentence that says why."""
    try:
        if dump:
            family.dump(command, *attributes)
        else:
            family.request(command, *attributes)
    except Refused as answer:
        got = errno.errorcode[answer.errno]
        ktap.say(f"{got}: {answer.message}")
        assert answer.errno in (code if isinstance(code, tuple) else (code,)), f"{got} ({answer})"
        assert answer.message or not sentence, "no sentence that says why"
        return answer
    raise AssertionError("not refused")


def reason(name, more=0):
    return peer("REASON", struct.pack("<I", C["REASON_" + name] + more))


def peers():
    return [dict(one) for one in family.dump(PEER_GET, PEER0)]


def state():
    """All that can be read of the link and its peers, except for what changes by itself."""
    device, = family.request(GET, VPN0)
    return device, sorted(map(repr, family.dump(PEER_GET, PEER0)))


def unchanged(function):
    """A test after which everything is as it was."""
    def run():
        before = state()
        function()
        equal(state(), before, "afterwards")
    return run


@case("which link: missing, unknown, of another kind, two that differ")
@unchanged
def _():
    refused(GET)
    refused(SET, dev("FWMARK", struct.pack("<I", 1)))
    refused(PEER_SET, peer("PUBLIC_KEY", KEY))
    refused(GET, dev("IFNAME", "nothere"), code=errno.ENODEV)
    refused(GET, dev("IFINDEX", struct.pack("<I", 4711)), code=errno.ENODEV)
    refused(GET, dev("IFNAME", "lo"), code=errno.EOPNOTSUPP)
    refused(SET, dev("IFNAME", "lo"), code=errno.EOPNOTSUPP)
    refused(PEER_GET, peer("IFNAME", "lo"), code=errno.EOPNOTSUPP, dump=True)


@case("attributes that a command does not have")
@unchanged
def _():
    for kind in C["A_DEVICE_PUBLIC_KEY"], C["A_DEVICE_PEERS"], C["A_DEVICE_MAX"] + 1, 99:
        refused(SET, VPN0, attribute(kind, bytes(32)))
    for kind in (C["A_PEER_STATE"], C["A_PEER_RX_BYTES"], C["A_PEER_RECEIVED_CONFIG"],
                 C["A_PEER_EVENT"], C["A_PEER_MAX"] + 1, 99):
        refused(PEER_SET, PEER0, peer("PUBLIC_KEY", KEY), attribute(kind, bytes(8)))
    refused(GET, VPN0, dev("FWMARK", bytes(4)))
    refused(PEER_DEL, PEER0, peer("PRESHARED_KEY", KEY))


@case("attributes of a wrong length")
@unchanged
def _():
    for length in 0, 1, 31, 33, 64:
        refused(SET, VPN0, dev("PRIVATE_KEY", bytes(length)))
    for name, lengths in (("LISTEN_PORT", (0, 1, 3, 4)), ("FWMARK", (0, 2, 5))):
        for length in lengths:
            refused(SET, VPN0, dev(name, bytes(length)))
    refused(PEER_SET, PEER0, peer("PUBLIC_KEY", bytes(31)))
    refused(SET, dev("IFNAME", "a" * 16))
    refused(GET, attribute(C["A_DEVICE_IFNAME"], b"vpn0"))


@case("values out of range, and which attribute it was")
@unchanged
def _():
    key = peer("PUBLIC_KEY", KEY)
    for attributes in ((SET, VPN0, dev("CIPHERS", b"\0")), (SET, VPN0, dev("CIPHERS", b"\x63")),
                       (SET, VPN0, dev("CIPHERS", b"\1\2" * 5)), (SET, VPN0, dev("CIPHERS", b"\1\1")),
                       (PEER_SET, PEER0, key, peer("ENDPOINT_IPV4", b"\x7f\0\0\1")),
                       (PEER_SET, PEER0, key, peer("ENDPOINT_IPV4", bytes(4)),
                        peer("ENDPOINT_PORT", b"\1\1")),
                       (PEER_SET, PEER0, key, peer("ENDPOINT_IPV4", b"\xe0\0\0\1"),
                        peer("ENDPOINT_PORT", b"\1\1")),
                       (PEER_SET, PEER0, key, peer("ENDPOINT_IPV6", bytes(16)),
                        peer("ENDPOINT_PORT", b"\1\1")),
                       (PEER_SET, PEER0, key, peer("ENDPOINT_PORT", b"\0\1")),
                       (PEER_SET, PEER0, key, peer("ENDPOINT_IPV4", b"\x7f\0\0\1"),
                        peer("ENDPOINT_IPV6", bytes(15) + b"\1"), peer("ENDPOINT_PORT", b"\1\1")),
                       (PEER_SET, PEER0, key, ip(("PREFIX_LEN", b"\x20"))),
                       (PEER_SET, PEER0, key, ip(("IPV4", bytes(4)))),
                       (PEER_SET, PEER0, key, ip(("IPV4", bytes(4)), ("IPV6", bytes(16)),
                                                 ("PREFIX_LEN", b"\x20"))),
                       (PEER_SET, PEER0, peer("ENDPOINT_PORT", b"\1\1")),
                       (REQUEST_REFUSE, PEER0), (REQUEST_REFUSE, PEER0, REQUEST),
                       (REQUEST_REFUSE, PEER0, reason("REFUSED")),
                       (REQUEST_REFUSE, PEER0, REQUEST, reason("EXPIRED")),
                       (REQUEST_REFUSE, PEER0, REQUEST, reason("REMOVED", 1))):
        refused(*attributes)
    for attributes in ((PEER_SET, PEER0, key, peer("CONFIG", bytes(769))),
                       (PEER_SET, PEER0, key, peer("CREDENTIALS", bytes(257)))):
        refused(*attributes, code=errno.EMSGSIZE)
    for attributes in ((PEER_SET, PEER0, key, REQUEST),
                       (REQUEST_REFUSE, PEER0, REQUEST, reason("NONE")),
                       (REQUEST_REFUSE, PEER0, REQUEST, reason("SERVER_FULL"))):
        refused(*attributes, code=errno.ENOENT)
    for attributes in ((PEER_SET, PEER0, key, peer("FLAGS", struct.pack("<I", 1 << 20))),
                       (PEER_SET, PEER0, key, peer("ENDPOINT_PORT", bytes(2))),
                       (PEER_SET, PEER0, key, ip(("IPV4", bytes(4)), ("PREFIX_LEN", b"\x21"))),
                       (PEER_SET, PEER0, key, ip(("IPV6", bytes(16)), ("PREFIX_LEN", b"\x81")))):
        refused(*attributes)
    answer = refused(SET, VPN0, dev("CIPHERS", b"\x63"))
    assert answer.names_attribute, "which attribute it was"


@case("an empty list of ciphers stands for the module's own")
@unchanged
def _():
    def ciphers():
        device, = family.request(GET, VPN0)
        return dict(device)[C["A_DEVICE_CIPHERS"]]

    before = ciphers()
    family.request(SET, VPN0, dev("CIPHERS", b"\2"))
    equal(ciphers(), b"\2", "what was set")
    family.request(SET, VPN0, dev("CIPHERS", b""))
    equal(ciphers(), before, "what a new link has")


@case("a message is applied whole or not at all")
@unchanged
def _():
    refused(SET, VPN0, dev("FWMARK", struct.pack("<I", 77)), dev("CIPHERS", b"\x63"))
    refused(PEER_SET, PEER0, peer("PUBLIC_KEY", KEY), peer("PERSISTENT_KEEPALIVE", b"\7\0"),
            ip(("IPV4", b"\x0a\0\0\1"), ("PREFIX_LEN", b"\x20")),
            ip(("IPV4", b"\x0a\0\0\1"), ("PREFIX_LEN", b"\x21")))


@case("a peer that is not there, and one that must be")
@unchanged
def _():
    flags = struct.pack("<I", C["PEER_FLAGS_UPDATE_ONLY"])
    refused(PEER_SET, PEER0, peer("PUBLIC_KEY", OTHER), peer("FLAGS", flags), code=errno.ENOENT)
    refused(PEER_GET, PEER0, peer("PUBLIC_KEY", OTHER), code=errno.ENOENT)
    refused(PEER_DEL, PEER0, peer("PUBLIC_KEY", OTHER), code=errno.ENOENT)


@case("the link's own public key is no peer")
@unchanged
def _():
    answer, = family.request(GET, VPN0)
    family.request(PEER_SET, PEER0, peer("PUBLIC_KEY", dict(answer)[C["A_DEVICE_PUBLIC_KEY"]]))


@case("a peer with more allowed IPs than one answer has room for: a dump has")
@unchanged
def _():
    key = peer("PUBLIC_KEY", OTHER)
    family.request(PEER_SET, PEER0, key, *(
        ip(("IPV4", bytes([10, 2, number >> 8, number & 255])), ("PREFIX_LEN", b"\x20"))
        for number in range(2500)))
    refused(PEER_GET, PEER0, key, code=errno.EMSGSIZE)
    count = sum(kind == C["A_PEER_ALLOWED_IP"] for message in family.dump(PEER_GET, PEER0, key)
                for kind, _ in message)
    equal(count, 2500, "allowed IPs in a dump")
    family.request(PEER_DEL, PEER0, key)


@case("a configuration in several messages is applied with the last one")
def _():
    before = state()
    key = peer("PUBLIC_KEY", KEY)

    def part(low, more):
        flags = peer("FLAGS", struct.pack("<I", MORE if more else 0))
        return (PEER_SET, PEER0, key, flags,
                *(ip(("IPV4", bytes([10, 1, low, number])), ("PREFIX_LEN", b"\x20"))
                  for number in range(100)))

    family.request(*part(0, True))
    equal(state(), before, "after the first")
    family.request(*part(1, True))
    equal(state(), before, "after the second")
    family.request(*part(2, False))
    found = [one for one in family.dump(PEER_GET, PEER0)
             if dict(one)[C["A_PEER_PUBLIC_KEY"]] == KEY]
    count = sum(1 for message in found for kind, _ in message if kind == C["A_PEER_ALLOWED_IP"])
    equal(count, 300, "allowed IPs")
    # One that is refused midway leaves nothing.
    other = peer("PUBLIC_KEY", OTHER)
    family.request(PEER_SET, PEER0, other, peer("FLAGS", struct.pack("<I", MORE)))
    refused(PEER_SET, PEER0, other, ip(("IPV4", bytes(4)), ("PREFIX_LEN", b"\x21")))
    family.request(PEER_SET, PEER0, key)
    assert OTHER not in [one[C["A_PEER_PUBLIC_KEY"]] for one in peers()], "half a peer"
    family.request(PEER_DEL, PEER0, key)
    equal(state(), before, "in the end")


@case("a configuration can be read, credentials cannot")
@unchanged
def _():
    key = peer("PUBLIC_KEY", KEY)

    def read():
        answer, = family.request(PEER_GET, PEER0, key)
        assert C["A_PEER_CREDENTIALS"] not in dict(answer), "credentials in an answer"
        dumped, = (one for one in peers() if one[C["A_PEER_PUBLIC_KEY"]] == KEY)
        assert C["A_PEER_CREDENTIALS"] not in dumped, "credentials in a dump"
        equal(dumped.get(C["A_PEER_CONFIG"]), dict(answer).get(C["A_PEER_CONFIG"]), "in a dump")
        return dict(answer).get(C["A_PEER_CONFIG"])
    both = peer("CONFIG", bytes(range(256)) * 3), peer("CREDENTIALS", bytes(range(256)))
    family.request(PEER_SET, PEER0, key, *both)
    equal(read(), bytes(range(256)) * 3, "what was set")
    family.request(PEER_SET, PEER0, key, peer("PERSISTENT_KEEPALIVE", b"\0\0"))
    equal(read(), bytes(range(256)) * 3, "after another change")
    family.request(PEER_SET, PEER0, key, peer("CONFIG", b""))
    equal(read(), None, "removed")
    family.request(PEER_SET, PEER0, key, *both)
    family.request(PEER_SET, PEER0, key, flags("REPLACE"))
    equal(read(), None, "after a replacement")
    family.request(PEER_DEL, PEER0, key)


@case("a handshake on a link that is down")
@unchanged
def _():
    refused(PEER_SET, PEER0, peer("PUBLIC_KEY", KEY), flags("CONNECT"), code=errno.ENETDOWN)


@case("root sees the keys")
def _():
    device, = family.request(GET, VPN0)
    assert C["A_DEVICE_PRIVATE_KEY"] in dict(device), "no private key"
    assert any(C["A_PEER_PRESHARED_KEY"] in one for one in peers()), "no pre-shared key"


def given_a_link(ready, given):
    """Owner of a namespace into which a link comes that was made elsewhere."""
    global family
    forks.become_nobody()
    forks.unshare(forks.CLONE_NEWUSER | forks.CLONE_NEWNET)
    os.write(ready, b".")
    os.read(given, 1)
    family = Family("toyvpn")
    link = dev("IFNAME", "gift")
    family.request(SET, link, dev("CIPHERS", b"\1"))
    for setting in dev("LISTEN_PORT", b"\1\1"), dev("FWMARK", struct.pack("<I", 1)):
        refused(SET, link, setting, code=errno.EPERM)


@case("whose namespace a link was given to changes the link, and not its sockets elsewhere")
def _():
    links = Links()
    links.add("gift")
    ready, given = os.pipe(), os.pipe()
    pid = forks.start(given_a_link, ready[1], given[0])
    os.read(ready[0], 1)
    links.give("gift", pid)
    os.write(given[1], b".")
    forks.finish(pid)
    for end in ready + given:
        os.close(end)


def unprivileged():
    with ktap.test("without privileges, links and peers can be read"):
        device, = family.request(GET, VPN0)
        assert C["A_DEVICE_PUBLIC_KEY"] in dict(device), "no public key"
        assert peers(), "no peers"
    with ktap.test("but not their keys"):
        for device in family.dump(GET):
            assert C["A_DEVICE_PRIVATE_KEY"] not in dict(device), "a private key"
        device, = family.request(GET, VPN0)
        assert C["A_DEVICE_PRIVATE_KEY"] not in dict(device), "a private key"
        for one in peers():
            assert C["A_PEER_PRESHARED_KEY"] not in one, "a pre-shared key"
            answer, = family.request(PEER_GET, PEER0,
                                     peer("PUBLIC_KEY", one[C["A_PEER_PUBLIC_KEY"]]))
            assert C["A_PEER_PRESHARED_KEY"] not in dict(answer), "a pre-shared key"
    with ktap.test("and nothing can be changed"):
        for command, link in ((SET, VPN0), (PEER_SET, PEER0), (PEER_DEL, PEER0),
                              (AUTHORIZER_SET, PEER0), (REQUEST_REFUSE, PEER0)):
            refused(command, link, code=errno.EPERM, sentence=False)


def main():
    global family
    family = Family("toyvpn")
    if os.geteuid() == 0:
        ktap.run_cases()
    ktap.start()
    unprivileged()
    ktap.done()


main()
