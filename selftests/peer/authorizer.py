#!/usr/bin/python3 -B
# SPDX-License-Identifier: GPL-2.0
"""Strangers and the process that decides of them. Run by authorizer.sh in the namespace of the
strangers, with a virtual clock."""

import contextlib
import errno
import os
import struct
import sys
import time

import ktap
import model
import packets
import toyvpn as tv
from family import AUTHORIZER_SET, C, Authorizer, Config, Listener, dev, peer, prefix
from genl import Refused
from ktap import case, equal
from netns import PATIENCE, namespace
from rig import PORT, Peer, from_arguments, wait_until
from rtnl import Links

OURS, THEIRS = "10.9.0.2", "10.9.0.1"
# Of a request, and how many wait at most; README.md
LIFE, MOST = 10, 1024
BURST, RATE = 5, 20
CONFIG_MAX = 768
# What is there is there by then, and what is not will not come
SOON = 0.3

host = config = known = None
sources = iter(range(1, 1 << 16))


def address():
    """One that nobody had yet."""
    number = next(sources)
    return f"198.{18 + (number >> 16)}.{number >> 8 & 255}.{number & 255}"


def stranger(psk=tv.NO_PSK):
    return Peer(tv.Identity.generate(), known.host_public, known.host, psk, bind=(address(), PORT))


@contextlib.contextmanager
def authorizer():
    with namespace(host.name):
        one = Authorizer()
    try:
        yield one
    finally:
        one.close()


def asks(one, decides, credentials=None):
    """A stranger asks: its INIT, and what is told of it."""
    tlv = [] if credentials is None else [(tv.CREDENTIALS, credentials)]
    offer = one.offer(tlv=tlv)
    one.send(offer.message)
    told = decides.next(PATIENCE)
    assert told, "no request"
    return offer, told


def silent(one):
    assert not one.receive(tv.RESP, tv.COOKIE, timeout=SOON), "an answer"


def refused(code, function, *arguments):
    try:
        function(*arguments)
    except Refused as answer:
        equal(errno.errorcode[answer.errno], errno.errorcode[code], "the error")
        assert answer.message, "no sentence that says why"
        return
    raise AssertionError("not refused")


def reject(offer, one):
    """Why the RESP that is there refuses."""
    message = one.receive(tv.RESP, timeout=SOON)
    assert message, "no RESP"
    payload = dict(offer.finish(message).payload)
    equal(payload.keys() & {tv.CIPHERS, tv.CONFIG}, set(), "with REJECT")
    return struct.unpack("<H", payload[tv.REJECT])[0]


def accepted(offer, one):
    """The session of the RESP that is there, confirmed."""
    message = one.receive(tv.RESP, timeout=SOON)
    assert message, "no RESP"
    session = offer.finish(message)
    one.send(session.seal(b""))
    return session


def peers():
    return config.peers().keys()


@case("nobody decides: strangers get no answer, whatever they say")
def _():
    before = peers()
    one = stranger()
    for tlv in [], [(tv.CREDENTIALS, b"somebody\0password")]:
        with host.counts(model.HS_UNKNOWN_PEER):
            one.send_handshake(one.offer(tlv=tlv).message)
        silent(one)
    equal(peers(), before, "peers")


@case("who is let in is answered at once, with its configuration, and carries packets")
def _():
    blob = os.urandom(CONFIG_MAX)
    with authorizer() as decides:
        one = stranger()
        with host.counts(model.HS_REQUESTS):
            offer, told = asks(one, decides, b"x" * 256)
        equal((told.key, told.link, told.credentials), (one.identity.public, "vpn0", b"x" * 256),
              "what is told")
        equal((told.address, told.port), one.socket.getsockname(), "from where")
        assert told.request, "no id"
        silent(one)
        decides.accept(told, prefix("10.9.0.99/32"), peer("CONFIG", blob))
        session = accepted(offer, one)
        equal(dict(session.payload).get(tv.CONFIG), blob, "the configuration")
        wait_until(lambda: host.shown(one.identity.public)["state"] == "connected", "connected")
        inside = host.udp_socket(THEIRS)
        with contextlib.closing(inside):
            one.send(session.seal(packets.udp("10.9.0.99", THEIRS, b"hello")))
            equal(inside.recv(100), b"hello", "what arrives")
        # The answer to that INIT was the only one
        with host.counts(model.HS_REPLAY):
            one.send_handshake(offer.message)
        silent(one)
        assert not decides.next(0), "a request of a peer"
        # And it is a peer like any other: its next handshake asks nobody
        session = one.connect(tlv=[(tv.CREDENTIALS, b"")])
        equal(dict(session.payload).get(tv.CONFIG), blob, "the configuration again")
        assert not decides.next(0), "a request of a peer"
        config.peer_del(one.identity.public)


@case("with a pre-shared key, with no credentials, with a cipher that is not ours")
def _():
    with authorizer() as decides:
        one = stranger(psk=os.urandom(32))
        offer, told = asks(one, decides)
        equal(told.credentials, None, "credentials")
        decides.accept(told, peer("PRESHARED_KEY", one.psk))
        assert accepted(offer, one).cipher, "no cipher"
        config.peer_del(one.identity.public)
        one = stranger()
        offer = one.offer(ciphers=[99])
        one.send(offer.message)
        decides.accept(decides.next(PATIENCE))
        equal(reject(offer, one), tv.NO_COMMON_CIPHER, "why")
        config.peer_del(one.identity.public)


@case("who is refused is told why, once; and is no peer")
def _():
    before = peers()
    with authorizer() as decides:
        for name, why in ("REFUSED", tv.REFUSED), ("SERVER_FULL", tv.SERVER_FULL):
            one = stranger()
            offer, told = asks(one, decides, b"wrong")
            with host.counts(model.HS_REJECT_SENT):
                decides.refuse(told, name)
            equal(reject(offer, one), why, "why")
            refused(errno.ENOENT, decides.refuse, told)
            refused(errno.ENOENT, decides.accept, told)
            silent(one)
    equal(peers(), before, "peers")


@case("who is dropped is told nothing, leaves its place, and can ask anew")
def _():
    with authorizer() as decides:
        one = stranger()
        _, told = asks(one, decides)
        with host.counts(model.HS_UNKNOWN_PEER):
            decides.refuse(told, "NONE")
        refused(errno.ENOENT, decides.accept, told)
        silent(one)
        offer, told_again = asks(one, decides)
        assert told_again.request != told.request, "the same request"
        decides.refuse(told_again)
        equal(reject(offer, one), tv.REFUSED, "why")


@case("asking again renews a request; with other credentials it is another one")
def _():
    with authorizer() as decides:
        one = stranger()
        first, told = asks(one, decides, b"one")
        with host.counts(model.HS_REPLAY):
            one.send_handshake(first.message)
        one.send_handshake(one.offer(tlv=[(tv.CREDENTIALS, b"one")]).message)
        assert not decides.next(SOON), "told twice"
        _, told_other = asks(one, decides, b"two")
        equal((told_other.key, told_other.credentials), (told.key, b"two"), "what is told")
        assert told_other.request != told.request, "the same id"
        refused(errno.ENOENT, decides.accept, told)
        newest = one.offer(tlv=[(tv.CREDENTIALS, b"two")])
        one.send_handshake(newest.message)
        time.sleep(SOON)
        decides.accept(told_other)
        accepted(newest, one)
        config.peer_del(one.identity.public)


@case("it waits ten seconds, unless it asks again")
def _():
    before = peers()
    with authorizer() as decides:
        one, other = stranger(), stranger()
        _, told = asks(one, decides)
        _, told_other = asks(other, decides)
        time.sleep(LIFE - 1)
        newest = other.offer()
        other.send(newest.message)
        time.sleep(2)
        refused(errno.ENOENT, decides.accept, told)
        refused(errno.ENOENT, decides.refuse, told)
        silent(one)
        equal(peers(), before, "peers")
        # It may have been forgotten on the way, so it is told again, once
        equal(decides.next(0).request, told_other.request, "what is told again")
        assert not decides.next(0), "told twice"
        decides.refuse(told_other)
        equal(reject(newest, other), tv.REFUSED, "why")


@case("one process decides; when its socket closes it is over, and what waits is dropped")
def _():
    with authorizer() as decides:
        decides.request(AUTHORIZER_SET, decides.name)
        with namespace(host.name):
            refused(errno.EBUSY, Authorizer)
        one = stranger()
        _, told = asks(one, decides)
    with host.counts(model.HS_UNKNOWN_PEER):
        one.send_handshake(one.offer().message)
    with authorizer() as decides:
        refused(errno.ENOENT, decides.accept, told)
        offer, told = asks(one, decides)
        decides.refuse(told)
        equal(reject(offer, one), tv.REFUSED, "why")


@case("an answer for another key, or that is refused for another reason, changes nothing")
def _():
    before = peers()
    with authorizer() as decides:
        one = stranger()
        offer, told = asks(one, decides)
        told.key, key = os.urandom(31) + b"\x40", told.key
        refused(errno.EINVAL, decides.accept, told)
        told.key = key
        refused(errno.EMSGSIZE, decides.accept, told, peer("CONFIG", bytes(769)))
        refused(errno.EINVAL, decides.accept, told, prefix("10.0.0.0/8"),
                peer("ENDPOINT_PORT", b"\0\1"))
        equal(peers(), before, "peers")
        silent(one)
        decides.accept(told)
        accepted(offer, one)
        config.peer_del(key)


@case("what does not authenticate, or breaks the protocol, asks nobody")
def _():
    with authorizer() as decides:
        one = stranger()
        offer = one.offer()
        body = offer.body[:-1] + bytes([offer.body[-1] ^ 1])
        with host.counts(model.HS_AUTHENTICATION):
            one.send(tv.with_macs(body, one.host_public))
        for payload in b"", tv.tlvs([(tv.TIMESTAMP, one.timestamp())]), os.urandom(1024), \
                tv.tlvs([(tv.TIMESTAMP, one.timestamp()), (tv.CIPHERS, b"\1"), (tv.MODE, b"\3"),
                         (tv.CREDENTIALS, bytes(257))]):
            with host.counts(model.HS_BAD_PAYLOAD):
                one = stranger()
                one.send(one.offer(payload=payload).message)
        assert not decides.next(SOON), "a request"


@case("what waits is dropped with the key that it was for, and with the link")
def _():
    private = config.get()[C["A_DEVICE_PRIVATE_KEY"]]
    links = links_of(host.name)
    with authorizer() as decides:
        one = stranger()
        _, told = asks(one, decides)
        config.set(dev("PRIVATE_KEY", os.urandom(32)))
        config.set(dev("PRIVATE_KEY", private))
        refused(errno.ENOENT, decides.accept, told)
        _, told = asks(one, decides)
        links.down("vpn0")
        refused(errno.ENOENT, decides.accept, told)
        links.up("vpn0")
        offer, told = asks(one, decides)
        decides.refuse(told)
        equal(reject(offer, one), tv.REFUSED, "why")


def links_of(netns):
    with namespace(netns):
        return Links()


@case("a link that moves to another namespace is out of its sight")
def _():
    here, there = links_of(host.name), links_of("elsewhere")
    with authorizer() as decides:
        one = stranger()
        _, told = asks(one, decides)
        here.move("vpn0", "elsewhere")
        there.up("vpn0")
        refused(errno.ENODEV, decides.accept, told)
        one.send_handshake(one.offer().message)
        assert not decides.next(SOON), "it is told of a link that is elsewhere"
        with namespace("elsewhere"):
            other = Authorizer()
        _, told = asks(one, other, b"there")
        assert not decides.next(0), "it is told as well"
        there.move("vpn0", host.name)
        here.up("vpn0")
        host.run("ip", "addr", "add", THEIRS + "/24", "dev", "vpn0")
        other.close()
    with authorizer() as decides:
        offer, told = asks(one, decides)
        decides.refuse(told)
        equal(reject(offer, one), tv.REFUSED, "why")


@case("one source asks five times at once, twenty times a second")
def _():
    with authorizer() as decides:
        one = stranger()
        # Made before, so that the time is that of sending
        offers = [tv.Offer(tv.Identity.generate(), one.host_public) for _ in range(40)]
        last, other = one.offer(), stranger()
        offer = other.offer()
        with host.counts(model.HS_RATE_LIMIT), host.counts(model.HS_COOKIE_SENT, 2):
            began = time.monotonic()
            for each in offers:
                one.send(each.message)
            took = time.monotonic() - began
            time.sleep(0.2)
            # From now on who asks has to show that it is where it says it is
            one.send(last.message)
            other.send(offer.message)
            message = other.receive(tv.COOKIE, timeout=SOON)
        assert message, "no cookie"
        keys = set()
        while (told := decides.next(SOON)):
            keys.add(told.key)
        assert BURST <= len(keys) <= BURST + RATE * (took + SOON) + 1, f"{len(keys)} in {took} s"
        assert not keys & {one.identity.public, other.identity.public}, "without a cookie"
        # Another source does not suffer, but for that
        other.send(offer.with_cookie(message))
        decides.refuse(decides.next(PATIENCE))
        equal(reject(offer, other), tv.REFUSED, "why")
        time.sleep(2)


class Crowd:
    """Strangers who go on asking until they are answered."""

    def __init__(self, count):
        self.waiting = {one: one.offer(tlv=[(tv.CREDENTIALS, b"all of us")])
                        for one in (stranger() for _ in range(count))}
        self.cookies = 0

    def ask(self):
        for one, offer in self.waiting.items():
            one.send(offer.message)

    def hear(self, cookies=True):
        """What came; who has an answer asks no more. A cookie is good for the next INIT."""
        answered = []
        for one, offer in list(self.waiting.items()):
            while (message := one.receive(tv.RESP, tv.COOKIE, timeout=0)):
                if message[0] == tv.COOKIE and cookies:
                    self.cookies += 1
                    self.waiting[one] = offer = one.offer(
                        tlv=[(tv.CREDENTIALS, b"all of us")],
                        cookie=tv.open_cookie(one.host_public, message,
                                              tv.mac1_of(offer.message)))
                elif message[0] == tv.RESP:
                    answered.append(offer.finish(message))
                    del self.waiting[one]
                    one.socket.close()
                    break
        return answered


@case("a thousand strangers at once are let in within seconds")
def _():
    crowd = Crowd(1000)
    with authorizer() as decides:
        began, rounds, answered = time.monotonic(), 0, []
        while crowd.waiting and rounds < 20:
            rounds += 1
            crowd.ask()
            asked = time.monotonic()
            while time.monotonic() - asked < 1:
                told = decides.next(0.1)
                if told:
                    decides.accept(told, peer("CONFIG", b"welcome"))
            answered += crowd.hear()
        took = time.monotonic() - began
        equal((len(crowd.waiting), len(answered)), (0, 1000), "who waits, and who is in")
        equal({dict(session.payload).get(tv.CONFIG) for session in answered}, {b"welcome"},
              "what they are told")
        ktap.say(f"{took:.1f} s, {rounds} rounds, {crowd.cookies} cookies, "
                 f"{host.counters()[model.HS_REQUESTS]} requests so far")
    equal(len(peers()), 1001, "peers")
    config.peer_del()
    host.knows_anew(known, [OURS + "/32"])


@case("512 wait before strangers are asked for a cookie")
def _():
    # Made before, so that none waits longer than it may
    crowd = [(one, one.offer()) for one in (stranger() for _ in range(MOST // 2 + 1))]
    with authorizer() as decides:
        asked = host.counters()[model.HS_COOKIE_SENT]
        for one, offer in crowd:
            one.send(offer.message)
            assert decides.next(PATIENCE), "no request"
        equal(host.counters()[model.HS_COOKIE_SENT], asked, "cookies so far")
        # What tells that so many wait is the INIT of the last one: it is the next that is asked
        one = stranger()
        with host.counts(model.HS_COOKIE_SENT):
            one.send(one.offer().message)
        assert not decides.next(SOON), "a request without a cookie"


@case("nobody answers: no more wait than there is room for, and all are gone after a while")
def _():
    crowd = Crowd(MOST + 200)
    with authorizer() as decides:
        told, full = {}, host.counters()[model.HS_REQUESTS_FULL]
        for _ in range(8):
            crowd.ask()
            while (one := decides.next(SOON)):
                told[one.request] = time.monotonic()
            crowd.hear()
            if host.counters()[model.HS_REQUESTS_FULL] > full:
                break
        assert host.counters()[model.HS_REQUESTS_FULL] > full, f"not full: {len(told)} told"
        # To open so many cookies may take longer than a request waits
        now = time.monotonic()
        waiting = sum(now - when < LIFE for when in told.values())
        assert waiting <= MOST, f"{waiting} wait"
        assert crowd.cookies, "no cookies were asked for"
        time.sleep(LIFE + 1)
        one = stranger()
        offer, told = asks(one, decides)
        decides.refuse(told)
        equal(reject(offer, one), tv.REFUSED, "why")


@case("a login of ours goes with each INIT, what the other side configures comes back")
def _():
    with namespace(host.name):
        heard = Listener()
    host.knows_anew(known, [OURS + "/32"])
    key = known.identity.public
    config.peer_set(key, peer("CREDENTIALS", b"me\0secret" + bytes(247)))
    inside = host.udp_socket(THEIRS)
    for blob in b"first", b"first", os.urandom(CONFIG_MAX), b"":
        inside.sendto(b"hello", (OURS, 4000))
        answer = known.answer()
        equal(dict(answer.payload)[tv.CREDENTIALS], b"me\0secret" + bytes(247), "credentials")
        known.send(answer.resp(tlv=[(tv.CONFIG, blob)] if blob else []))
        answer.session().open(known.receive(tv.DATA))
        wait_until(lambda size=len(blob): host.shown(key)["received_config_bytes"] == size,
                   f"{len(blob)} bytes")
        config.peer_set(key, peer("PRESHARED_KEY", os.urandom(32)))
        config.peer_set(key, peer("PRESHARED_KEY", bytes(32)))
        time.sleep(2)
    events = []
    while (event := heard.next(0)):
        if event.event == "config":
            events.append(len(event.received or b""))
    equal(events, [len(b"first"), CONFIG_MAX, 0], "events of another configuration")
    config.peer_set(key, peer("CREDENTIALS", b""))
    inside.sendto(b"hello", (OURS, 4000))
    equal(dict(known.answer().payload).get(tv.CREDENTIALS), None, "credentials that were removed")
    inside.close()
    heard.close()


@case("an answer with a cipher that was taken back counts for nothing; the next INIT says so")
def _():
    host.knows_anew(known, [OURS + "/32"])
    with contextlib.closing(host.udp_socket(THEIRS)) as inside:
        inside.sendto(b"hello", (OURS, 4000))
        answer = known.answer()
        host.set("ciphers", "chacha20-poly1305")
        with host.counts(model.UNKNOWN_SESSION):
            known.send(answer.resp(cipher=tv.AES_256_GCM))
        equal(host.shown(known.identity.public)["reason"], "none", "reason")
        answer = known.answer()
        equal(dict(answer.payload)[tv.CIPHERS], bytes([tv.CHACHA20_POLY1305]), "what is offered")
        known.send(answer.resp(cipher=tv.CHACHA20_POLY1305))
        equal(packets.udp_payload(answer.session().open(known.receive(tv.DATA))), b"hello", "data")
    host.set("ciphers", "aes-256-gcm,chacha20-poly1305")


def main():
    global host, config, known
    host, known = from_arguments(sys.argv[1:])
    with namespace(host.name):
        config = Config()
    ktap.run_cases(lambda: time.sleep(1))


main()
