#!/usr/bin/python3 -B
# SPDX-License-Identifier: GPL-2.0
"""What a hostile peer can send. Run by replay.sh in the namespace of that peer."""

import ctypes
import mmap
import os
import select
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
from netns import libc
from rig import Peer, from_arguments, wait_until

OURS, THEIRS = "10.9.0.2", "10.9.0.1"
OURS6, THEIRS6 = "fd09::2", "fd09::1"
HONEST = "10.9.0.9"
WINDOW = 8192
REJECT_AFTER_MESSAGES = 2 ** 31
# The socket option, and how many messages go out at once
UDP_SEGMENT, TRAIN = 103, 50

host = peer = inside = inside6 = None


def packet(payload, source=OURS, target=THEIRS):
    return packets.udp(source, target, payload)


def arrives(session, sock=None):
    """Send a last good packet; what the host's socket got before it."""
    marker = b"marker " + os.urandom(8).hex().encode()
    peer.send(session.seal(packet(marker) if sock is not inside6 else
                           packet(marker, OURS6, THEIRS6)))
    got = []
    while not got or got[-1] != marker:
        got.append((sock or inside).recv(65536))
    return got[:-1]


def from_host(session, text, sock=None, target=OURS):
    """Have the host send text through the tunnel: the packet as the peer decrypts it."""
    (sock or inside).sendto(text, (target, 4000))
    while True:
        message = peer.receive(tv.DATA)
        assert message, "nothing came from the host"
        got = session.open(message)
        if got:
            return got


def silence(message, counter, what=""):
    """The host answers nothing to this handshake message and counts it."""
    peer.drain()
    with host.counts(counter):
        peer.send_handshake(message)
    assert not peer.pending(tv.RESP, tv.COOKIE), f"an answer to {what or 'it'}"


def answered(offer):
    """The host answers this INIT: the session, whose cipher is 0 if it was refused."""
    peer.drain()
    return offer.finish(peer.exchange(offer))


def rejected(offer, reason):
    payload = dict(answered(offer).payload)
    equal(payload.get(tv.REJECT), struct.pack("<H", reason), "REJECT")
    assert tv.CIPHERS not in payload and tv.CONFIG not in payload, "REJECT makes no session"


def anew():
    host.knows_anew(peer, [OURS + "/32", OURS6 + "/128"])


def initiation():
    """Make the host start a handshake with us: a new one, because it has something to send."""
    anew()
    inside.sendto(b"hello", (OURS, 4000))


# Data

for cipher, name in ((tv.AES_256_GCM, "aes-256-gcm"),
                     (tv.CHACHA20_POLY1305, "chacha20-poly1305")):
    @case(f"{name}: packets of both families arrive, both ways")
    def _(cipher=cipher):
        session = peer.connect(ciphers=[cipher])
        equal(session.cipher, cipher, "cipher")
        for size in (0, 1, 15, 16, 17, 1000, 1392):
            peer.send(session.seal(packet(bytes(size))))
            equal(inside.recv(65536), bytes(size), "IPv4 packet")
            equal(packets.udp_payload(from_host(session, bytes(size))), bytes(size), "reply")
        peer.send(session.seal(packet(b"six", OURS6, THEIRS6)))
        equal(inside6.recv(65536), b"six", "IPv6 packet")
        equal(packets.udp_payload(from_host(session, b"six too", inside6, OURS6)), b"six too",
              "IPv6 reply")


@case("a packet sent twice arrives once")
def _():
    session = peer.connect()
    messages = [session.seal(packet(b"%d" % number)) for number in range(20)]
    with host.counts("rx_drop_replay", len(messages)):
        for message in messages + messages:
            peer.send(message)
    equal(arrives(session), [b"%d" % number for number in range(20)], "arrived")


@case("packets out of order arrive within the window, and not behind it")
def _():
    session = peer.connect()
    newest = 3 * WINDOW

    def at(counter):
        peer.send(session.seal(packet(b"%d" % counter), counter=counter))

    at(newest)
    within = [newest - 1, newest - 64, newest - 65, newest - 4096, newest - WINDOW + 1]
    for counter in within:
        at(counter)
    # The window may be larger than 8,192, but not without end.
    with host.counts("rx_drop_replay", len(within) + 2):
        for counter in within:
            at(counter)
        at(1)
        at(newest)
    session.counter = newest + 1
    equal(arrives(session), [b"%d" % counter for counter in [newest] + within], "arrived")


@case("a forged counter does not move the window")
def _():
    session = peer.connect()
    forged = bytearray(session.seal(packet(b"forged"), counter=2 ** 30))
    forged[-1] ^= 1
    with host.counts("rx_drop_authentication"):
        peer.send(bytes(forged))
    equal(arrives(session), [], "arrived")


@case("a message with any byte changed does not arrive")
def _():
    session = peer.connect()
    message = session.seal(packet(b"a packet of mine"))
    for at in range(len(message)):
        broken = bytearray(message)
        broken[at] ^= 0x80
        peer.send(bytes(broken))
    equal(arrives(session), [], "arrived")


@case("a message cut short or made longer does not arrive")
def _():
    session = peer.connect()
    message = session.seal(packet(bytes(100)))
    for length in range(len(message)):
        peer.send(message[:length])
    peer.send(message + b"\0")
    peer.send(message + bytes(16))
    equal(arrives(session), [], "arrived")


@case("wrong version, reserved bytes and types are dropped")
def _():
    session = peer.connect()
    for fields in ({"version": 0}, {"version": 2}, {"reserved": 1}, {"reserved": 0x8000}):
        with host.counts("rx_drop_malformed"):
            peer.send(session.seal(packet(b"wrong"), **fields))
    good = session.seal(packet(b"wrong"))
    for kind in (0, 5, 6, 127, 128, 255):
        with host.counts("rx_drop_malformed"):
            peer.send(bytes([kind]) + good[1:])
    equal(arrives(session), [], "arrived")


@case("a message of no session is dropped and counted")
def _():
    session = peer.connect()
    with host.counts("rx_drop_unknown_session"):
        peer.send(session.seal(packet(b"whose?"), index=session.remote ^ 0x5a5a5a5a))
    equal(arrives(session), [], "arrived")


@case("the last counter is 2^31 - 1")
def _():
    session = peer.connect()
    last = REJECT_AFTER_MESSAGES - 1
    for counter in (last - 1, last):
        peer.send(session.seal(packet(b"%d" % counter), counter=counter))
        equal(inside.recv(65536), b"%d" % counter, "counter below the limit")
    for counter in (last + 1, 2 ** 32 + 5, 2 ** 63, 2 ** 64 - 1):
        peer.send(session.seal(packet(b"late"), counter=counter))
    equal(arrives(peer.connect()), [], "arrived")


@case("inner packets with a source that is not the peer's are dropped and counted")
def _():
    session = peer.connect()
    for source, target in (("10.9.0.3", THEIRS), (HONEST, THEIRS), (THEIRS, THEIRS),
                           ("192.0.2.1", THEIRS), ("fd09::3", THEIRS6), ("::1", THEIRS6)):
        with host.counts("rx_drop_source_not_allowed"):
            peer.send(session.seal(packet(b"not mine", source, target)))
    equal(arrives(session), [], "arrived")
    equal(arrives(session, inside6), [], "arrived over IPv6")


@case("what is no IP packet inside is dropped and counted")
def _():
    session = peer.connect()
    good, good6 = packet(b"good"), packet(b"good", OURS6, THEIRS6)
    for wrong in (b"\x00", b"\x45", good[:19], good6[:39], b"\x55" + good[1:], b"\x05" + good[1:],
                  good[:2] + b"\xff\xff" + good[4:], good6[:4] + b"\xff\xff" + good6[6:],
                  good[:2] + b"\0\x10" + good[4:], os.urandom(64)[:63] + b"\0"):
        wrong = b"\xf0" + wrong[1:] if len(wrong) == 64 else wrong
        with host.counts("rx_drop_not_ip"):
            peer.send(session.seal(wrong))
    equal(arrives(session), [], "arrived")


@case("bytes after an inner packet's end are cut off")
def _():
    session = peer.connect()
    peer.send(session.seal(packet(b"padded") + bytes(13)))
    equal(arrives(session), [b"padded"], "arrived")


# INIT

@case("an INIT answers once: the same again, or an older one, is dropped")
def _():
    old = peer.timestamp()
    offer = peer.offer()
    assert answered(offer).cipher, "no session"
    silence(offer.message, "handshake_drop_replay", "the same INIT again")
    silence(peer.offer(timestamp=old).message, "handshake_drop_replay", "an older INIT")
    assert answered(peer.offer()).cipher, "no session with a newer one"


@case("a replayed INIT leaves the session alone")
def _():
    offer = peer.offer()
    session = answered(offer)
    peer.send(session.seal(b""))
    silence(offer.message, "handshake_drop_replay")
    equal(arrives(session), [], "arrived")


@case("an INIT cut short or made longer is dropped")
def _():
    message = peer.offer().message
    peer.drain()
    for length in range(len(message)):
        peer.send(message[:length])
    # With its MACs made again, so that the length alone is wrong.
    body = message[:-32]
    for wrong in (body + b"\0", body + bytes(8), body[:-1], body[:-15], body + bytes(1024)):
        with host.counts("rx_drop_malformed"):
            peer.send_handshake(tv.with_macs(wrong, peer.host_public))
    assert not peer.pending(tv.RESP, tv.COOKIE), "an answer"
    assert answered(peer.offer()).cipher, "no session afterwards"


@case("an INIT with any byte changed is dropped")
def _():
    message = peer.offer().message
    peer.drain()
    for at in range(len(message) - 16):
        broken = bytearray(message)
        broken[at] ^= 1
        peer.send(bytes(broken))
    with host.counts("handshake_drop_authentication", 3):
        for at in (8, 40, 88):
            broken = bytearray(message[:-32])
            broken[at] ^= 1
            peer.send_handshake(tv.with_macs(bytes(broken), peer.host_public))
    assert not peer.pending(tv.RESP, tv.COOKIE), "an answer"


@case("an INIT for another's key is dropped by its mac1")
def _():
    other = tv.Identity.generate().public
    silence(tv.Offer(peer.identity, other, timestamp=peer.timestamp()).message,
            "handshake_drop_mac1")


@case("an INIT of an unknown key is dropped")
def _():
    silence(tv.Offer(tv.Identity.generate(), peer.host_public).message, "handshake_drop_unknown_peer")


@case("an INIT with another prologue is dropped")
def _():
    silence(peer.offer(prologue=b"toyvpn/2").message, "handshake_drop_authentication")


@case("an ephemeral key of small order is dropped")
def _():
    message = peer.offer().message
    for point in (bytes(32), b"\1" + bytes(31)):
        silence(tv.with_macs(message[:8] + point + message[40:-32], peer.host_public),
                "handshake_drop_authentication")


def change_for_ever(page):
    """RESP becomes INIT, and INIT RESP."""
    while True:
        page[0] ^= tv.INIT ^ tv.RESP


def splice(page, length, times):
    """Sends what the page begins with: the page, not a copy of it."""
    class Iovec(ctypes.Structure):
        _fields_ = [("base", ctypes.c_void_p), ("len", ctypes.c_size_t)]

    vector = Iovec(ctypes.addressof(ctypes.c_char.from_buffer(page)), length)
    out, into = os.pipe()
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as sock:
        sock.connect(peer.host)
        for _ in range(times):
            if libc.vmsplice(into, ctypes.byref(vector), 1, 0) != length:
                raise OSError(ctypes.get_errno(), "vmsplice")
            equal(os.splice(out, sock.fileno(), length), length, "sent")
    os.close(out)
    os.close(into)


@case("a message that changes while it is read is none that was not checked")
def _():
    # As long as a RESP can be and an INIT cannot, and right up to its MACs if it is an INIT
    message = tv.with_macs(peer.offer().message[:88] + bytes(4), peer.host_public)
    page = mmap.mmap(-1, mmap.PAGESIZE)
    page[:len(message)] = message
    before = host.counters()
    changer = forks.start(change_for_ever, page)
    try:
        splice(page, len(message), 2000)
    finally:
        os.kill(changer, signal.SIGKILL)
        os.waitpid(changer, 0)

    def counted():
        after = host.counters()
        return {name: after[name] - before[name] for name in after if "_drop_" in name}

    wait_until(lambda: sum(counted().values()) >= 2000, "all are counted")
    got = {name: number for name, number in counted().items() if number}
    ktap.say(got)
    equal(set(got), {"rx_drop_malformed", "rx_drop_unknown_session"}, "what they were dropped as")


@case("wrong version and reserved bytes of an INIT are dropped")
def _():
    for fields in ({"version": 2}, {"reserved": 1}):
        silence(peer.offer(**fields).message, "rx_drop_malformed")


@case("unknown TLVs: skipped, or refused with the top bit set")
def _():
    assert answered(peer.offer(tlv=[(100, b"whatever"), (0x7fff, b"")])).cipher, "refused"
    for kind in (0x8000, 0x8064, 0xffff):
        silence(peer.offer(tlv=[(kind, b"x")]).message, "handshake_drop_bad_payload", hex(kind))


@case("TLVs that are missing, twice, of a wrong length or past the end are refused")
def _():
    def usual():
        return [(tv.TIMESTAMP, peer.timestamp()), (tv.CIPHERS, b"\1\2"), (tv.MODE, b"\3")]

    for at in range(3):
        silence(peer.offer(payload=tv.tlvs(usual()[:at] + usual()[at + 1:])).message,
                "handshake_drop_bad_payload", "a TLV missing")
        silence(peer.offer(payload=tv.tlvs(usual() + usual()[at:at + 1])).message,
                "handshake_drop_bad_payload", "a TLV twice")
    for wrong in ((tv.MTU, b"\1"), (tv.MTU, bytes(3)), (tv.CREDENTIALS, bytes(257))):
        silence(peer.offer(tlv=[wrong]).message, "handshake_drop_bad_payload",
                f"a wrong length of type {wrong[0]}")
    for at, wrong in ((0, bytes(11)), (0, bytes(13)), (2, b""), (2, b"\3\3")):
        items = usual()
        items[at] = (items[at][0], wrong)
        silence(peer.offer(payload=tv.tlvs(items)).message, "handshake_drop_bad_payload",
                f"a wrong length of type {items[at][0]}")
    cut = tv.tlvs(usual() + [(100, bytes(64))])[:-32]
    silence(peer.offer(payload=cut).message, "handshake_drop_bad_payload", "a TLV past the end")


@case("every TLV that INIT may carry is accepted, up to 1,024 bytes")
def _():
    extra = [(tv.MTU, struct.pack("<H", 1400)), (tv.CREDENTIALS, bytes(256)), (200, bytes(600))]
    offer = peer.offer(tlv=extra)
    assert answered(offer).cipher, "refused"
    body = [(tv.TIMESTAMP, peer.timestamp()), (tv.CIPHERS, b"\1"), (tv.MODE, b"\3")]
    assert answered(peer.offer(payload=tv.tlvs(body, 1024))).cipher, "1,024 bytes refused"
    body[0] = (tv.TIMESTAMP, peer.timestamp())
    silence(peer.offer(payload=tv.tlvs(body, 1040)).message, "rx_drop_malformed")


@case("the responder picks the cipher that it ranks best itself")
def _():
    both = [tv.CHACHA20_POLY1305, tv.AES_256_GCM]
    host.set("ciphers", "aes-256-gcm,chacha20-poly1305")
    equal(answered(peer.offer(ciphers=both)).cipher, tv.AES_256_GCM, "cipher")
    equal(answered(peer.offer(ciphers=[2])).cipher, tv.CHACHA20_POLY1305, "the only one")
    equal(answered(peer.offer(ciphers=[99, 7, 2])).cipher, tv.CHACHA20_POLY1305, "with strange ones")
    host.set("ciphers", "chacha20-poly1305,aes-256-gcm")
    equal(answered(peer.offer(ciphers=both[::-1])).cipher, tv.CHACHA20_POLY1305, "cipher")


@case("REJECT: no common cipher, mode differs")
def _():
    rejected(peer.offer(ciphers=[99]), tv.NO_COMMON_CIPHER)
    rejected(peer.offer(mode=tv.MODE_ETHERNET), tv.MODE_DIFFERS)
    assert answered(peer.offer()).cipher, "no session afterwards"


@case("REJECT is for authenticated peers alone")
def _():
    stranger = tv.Offer(tv.Identity.generate(), peer.host_public, ciphers=[99])
    silence(stranger.message, "handshake_drop_unknown_peer")


@case("a responder answers a peer at most every 20 ms")
def _():
    burst = [peer.offer().message for _ in range(20)]
    peer.drain()
    with host.counts("handshake_drop_too_often"):
        for message in burst:
            peer.send(message)
    calm()


@case("a responder sends no data before it received some")
def _():
    # No session before this one: the peer was just made.
    anew()
    session = answered(peer.offer())
    inside.sendto(b"too early", (OURS, 4000))
    # The host asks for a handshake of its own, which it does after it looked for a session.
    assert peer.receive(tv.INIT), "no INIT"
    assert not peer.pending(tv.DATA), "data on a session that was not confirmed"
    peer.send(session.seal(b""))
    message = peer.receive(tv.DATA)
    equal(packets.udp_payload(session.open(message)), b"too early", "what was queued")


@case("a session before stays valid for receiving")
def _():
    before = peer.connect()
    after = peer.connect()
    peer.send(before.seal(packet(b"late on the old one")))
    equal(arrives(after), [b"late on the old one"], "arrived")


# Roaming

def elsewhere():
    """Another socket of the same peer."""
    return Peer(peer.identity, peer.host_public, peer.host)


def where():
    """The port at which the host believes the peer to be."""
    return int(host.shown(peer.identity.public)["endpoint"].rsplit(":", 1)[1])


def port_of(one):
    return one.socket.getsockname()[1]


@case("the endpoint follows data with the highest counter, and no other")
def _():
    session, other = peer.connect(), elsewhere()
    newest = session.seal(packet(b"I moved"), counter=10)
    other.send(newest)
    equal(inside.recv(65536), b"I moved", "arrived")
    equal(where(), port_of(other), "the new place")
    peer.send(session.seal(packet(b"late"), counter=9))
    equal(inside.recv(65536), b"late", "arrived")
    with host.counts("rx_drop_replay"):
        peer.send(newest)
    with host.counts("rx_drop_authentication"):
        peer.send(session.seal(packet(b"forged"), counter=99)[:-1] + b"x")
    equal(where(), port_of(other), "after old, replayed and forged data")
    session.counter = 11
    equal(arrives(session), [], "arrived")
    equal(where(), port_of(peer), "home again")


@case("the endpoint follows an INIT with the newest timestamp, and no other")
def _():
    other, offer = elsewhere(), peer.offer()
    first = peer.offer()
    answered(first)
    other.send_handshake(offer.message)
    silence(first.message, "handshake_drop_replay")
    equal(where(), port_of(peer), "after old INITs from elsewhere")
    offer = peer.offer()
    offer.finish(other.exchange(offer))
    equal(where(), port_of(other), "after a new one")
    replayed = elsewhere()
    with host.counts("handshake_drop_replay"):
        replayed.send_handshake(offer.message)
    equal(where(), port_of(other), "after the same again from elsewhere")
    peer.connect()
    wait_until(lambda: where() == port_of(peer), "home again")


# As a responder

@case("the host's INIT follows the protocol, and RESP makes a session")
def _():
    initiation()
    answer = peer.answer()
    payload = dict(answer.payload)
    equal(set(payload) >= {tv.TIMESTAMP, tv.CIPHERS, tv.MODE}, True, "TLVs")
    equal(payload[tv.MODE], bytes([tv.MODE_IP]), "MODE")
    equal(len(payload[tv.TIMESTAMP]), 12, "TIMESTAMP")
    equal(sorted(payload[tv.CIPHERS]), [1, 2], "CIPHERS")
    equal(len(answer.message) % 16, 136 % 16, "N is a multiple of 16")
    equal(answer.message[-16:], tv.NO_MAC2, "mac2 without a cookie")
    peer.send(answer.resp(cipher=tv.CHACHA20_POLY1305))
    session = answer.session()
    message = peer.receive(tv.DATA)
    equal(packets.udp_payload(session.open(message)), b"hello", "what was queued")
    equal(struct.unpack_from("<Q", message, 8)[0], 0, "the first counter")
    peer.send(session.seal(packet(b"back")))
    equal(inside.recv(65536), b"back", "the other way")


def shown_reason():
    return host.shown(peer.identity.public)["reason"]


def refused_resp(reason, **fields):
    """A RESP that must not make a session; toyvpnctl shows why."""
    psk = fields.pop("psk", peer.psk)

    def refused():
        # Each INIT is answered: on a busy machine the next one may come before our answer, which
        # is for nothing then.
        message = peer.receive(tv.INIT, timeout=0)
        if message:
            peer.send(tv.Answer(peer.identity, message, psk=psk).resp(**fields))
        return shown_reason() == reason

    initiation()
    wait_until(refused, f"{reason} shown, not {shown_reason()}")
    assert not peer.pending(tv.DATA), "data after a RESP that must be refused"


for number, reason in ((1, "no-common-cipher"), (2, "mode-differs"), (3, "refused"),
                       (4, "server-full")):
    @case(f"REJECT with reason {number} is shown: {reason}")
    def _(number=number, reason=reason):
        refused_resp(reason, reject=number)


@case("RESP with another PSK is shown: bad-authentication")
def _():
    refused_resp("bad-authentication", psk=os.urandom(32))


@case("RESP that breaks the protocol is refused: bad-message")
def _():
    cipher, mode = (tv.CIPHERS, b"\1"), (tv.MODE, b"\3")
    for payload in ([cipher], [mode], [cipher, mode, cipher], [(tv.CIPHERS, b"\1\2"), mode],
                    [(tv.CIPHERS, b"\x63"), mode], [cipher, mode, (0x8001, b"")],
                    [cipher, mode, (tv.CONFIG, bytes(769))]):
        refused_resp("bad-message", payload=tv.tlvs(payload))


@case("RESP with every TLV that it may carry makes a session")
def _():
    initiation()
    answer = peer.answer()
    peer.send(answer.resp(tlv=[(tv.MTU, struct.pack("<H", 1400)), (tv.CONFIG, bytes(768)),
                               (0x1234, bytes(100))]))
    equal(packets.udp_payload(answer.session().open(peer.receive(tv.DATA))), b"hello", "data")


@case("RESP forged, cut short or for another INIT is dropped, and the true one still works")
def _():
    # A busy machine sends its next INIT before it has read all of these: then they answer none
    for _ in range(5):
        initiation()
        answer = peer.answer()
        message = answer.resp()
        for length in range(len(message)):
            peer.send(message[:length])
        for at in range(len(message) - 16):
            broken = bytearray(message)
            broken[at] ^= 1
            if at >= 12:
                broken = bytearray(tv.with_macs(bytes(broken[:-32]), peer.host_public))
            if bytes(broken[:-16]) != message[:-16]:
                peer.send(bytes(broken))
        peer.send(message)
        got = peer.receive(tv.INIT, tv.DATA)
        if got and got[0] == tv.DATA:
            break
    equal(packets.udp_payload(answer.session().open(got)), b"hello", "data")
    # And no second session from the same RESP.
    with host.counts("rx_drop_unknown_session"):
        peer.send(message)


@case("a cookie that the host is given comes back as mac2")
def _():
    # Counters are read before the INIT: the next one comes after a second, cookie or not
    with host.counts("handshake_drop_authentication"):
        initiation()
        answer = peer.answer()
        cookie = os.urandom(16)
        peer.send(tv.make_cookie(peer.identity.public, os.urandom(16), answer.remote_index,
                                 bytes(16)))
        peer.send(tv.make_cookie(peer.identity.public, cookie, answer.remote_index,
                                 tv.mac1_of(answer.message)))
        message = peer.receive(tv.INIT)
    assert message, "no second INIT"
    equal(message[-16:], tv.mac2(cookie, message[:-16]), "mac2")
    assert tv.Answer(peer.identity, message).noise.ephemeral, "unreadable"


# Under load

def calm():
    """Wait until the host is under load no longer."""
    def answers_at_once():
        peer.send_handshake(peer.offer().message)
        time.sleep(0.2)
        message = peer.receive(tv.RESP, tv.COOKIE, timeout=1)
        return bool(message) and message[0] == tv.RESP

    wait_until(answers_at_once, "an end of the load")



def flood(number):
    """INITs with a right mac1, and nothing behind it, from a socket of their own."""
    other = Peer(peer.identity, peer.host_public, peer.host)
    messages = [tv.with_macs(tv.header(tv.INIT, tv.new_index()) + os.urandom(128),
                             peer.host_public) for _ in range(number)]
    # In trains: one by one, a slow machine consumes them as fast as it sends them
    other.socket.setsockopt(socket.IPPROTO_UDP, UDP_SEGMENT, len(messages[0]))
    for at in range(0, number, TRAIN):
        other.send(b"".join(messages[at:at + TRAIN]))
    other.socket.setsockopt(socket.IPPROTO_UDP, UDP_SEGMENT, 0)
    return other


def ask_for_cookie():
    """An INIT that was answered by COOKIE, as it is with its mac2."""
    for _ in range(40):
        offer = peer.offer()
        peer.drain()
        flood(400)
        peer.send(offer.message)
        message = peer.receive(tv.RESP, tv.COOKIE)
        assert message, "no answer under load"
        if message[0] == tv.COOKIE:
            break
    equal(message[0], tv.COOKIE, "the answer under load")
    equal(struct.unpack_from("<I", message, 4)[0], offer.index, "receiver index")
    return offer, offer.with_cookie(message)


def answer_to(message):
    """The type of what comes back under load to a message from another port; None if the load was
    over when it got there."""
    other = flood(400)
    other.drain()
    other.send(message)
    answer = other.receive(tv.RESP, tv.COOKIE)
    if answer and answer[0] == tv.COOKIE:
        return tv.COOKIE
    other.send_handshake(peer.offer().message)
    probe = other.receive(tv.RESP, tv.COOKIE)
    return answer and answer[0] if probe and probe[0] == tv.COOKIE else None


@case("under load an INIT is answered by COOKIE, and with its mac2 by RESP")
def _():
    for _ in range(10):
        offer, second = ask_for_cookie()
        # From another port the cookie is worth nothing.
        kind = answer_to(second)
        if kind:
            break
    equal(kind, tv.COOKIE, "the answer to a cookie of another source")
    flood(400)
    peer.send(second)
    session = offer.finish(peer.receive(tv.RESP))
    peer.send(session.seal(b""))
    equal(arrives(session), [], "arrived")
    calm()


def forget():
    """What a test that failed may have left behind."""
    peer.drain()
    for sock in inside, inside6:
        while select.select([sock], [], [], 0)[0]:
            sock.recv(65536)


def main():
    global host, peer, inside, inside6
    host, peer = from_arguments(sys.argv[1:])
    inside, inside6 = host.udp_socket(THEIRS), host.udp_socket(THEIRS6)
    ktap.run_cases(before=forget)


main()
