#!/usr/bin/python3 -B
# SPDX-License-Identifier: GPL-2.0
"""The timers of section 5 of the protocol, seen from the wire. Run by timers.sh, with a virtual
clock: only there does a deadline of the kernel's mean a deadline met."""

import os
import select
import sys
import time

import ktap
import packets
import toyvpn as tv
from ktap import case, equal
from rig import from_arguments

OURS, THEIRS = "10.9.0.2", "10.9.0.1"

# What a wake-up and a computation may take.
SLACK = 0.15
JITTER = 0.333

host = peer = inside = None


def between(value, low, high, what):
    assert low <= value <= high, f"{what}: {value:.3f} s, wanted {low} to {high}"


def become(larger):
    """Somebody whose public key is larger than the host's, or smaller."""
    host.set("peer", host.base64(peer.identity.public), "remove")
    while (peer.identity.public > peer.host_public) != larger:
        peer.identity = tv.Identity.generate()


def anew():
    host.knows_anew(peer, [OURS + "/32"])


def hello(text=b"hello"):
    """The host sends this to us through the tunnel."""
    inside.sendto(text, (OURS, 4000))


def receive(seconds, *kinds):
    """(when, message) of the next one of these types, or None."""
    message = peer.receive(*kinds, timeout=seconds)
    return message and (time.monotonic(), message)


def expect(seconds, *kinds):
    """The same where one must come."""
    one = receive(seconds, *kinds)
    assert one, f"no message of type {kinds} within {seconds} s"
    return one


def collect(seconds, *kinds):
    """All of them that come within so many seconds."""
    end, got = time.monotonic() + seconds, []
    while (left := end - time.monotonic()) > 0:
        one = receive(left, *kinds)
        if one:
            got.append(one)
    return got


def accepted():
    """A session that the host initiated, fresh, with what it queued already taken."""
    anew()
    hello()
    answer = peer.answer()
    peer.send(answer.resp())
    began = time.monotonic()
    session = answer.session()
    equal(packets.udp_payload(session.open(peer.receive(tv.DATA))), b"hello", "the first packet")
    return session, began


def connected():
    """A session that we initiated, confirmed."""
    anew()
    session = peer.connect()
    return session, time.monotonic()


def both_begin():
    """The host's INIT and ours meet: the session that the host made, and ours. The host has the RESP
    to its INIT last."""
    answer = peer.answer()
    offer = peer.offer()
    ours = offer.finish(peer.exchange(offer))
    peer.send(answer.resp())
    theirs = answer.session()
    # A keepalive, or what waited for a session
    theirs.open(peer.receive(tv.DATA))
    return theirs, ours


def sleep_until(moment):
    time.sleep(max(moment - time.monotonic(), 0))


def packet(text):
    return packets.udp(OURS, THEIRS, text)


def alive(session):
    """Let the host know that we are there."""
    peer.send(session.seal(b""))


def shown(field):
    return host.shown(peer.identity.public)[field]


@case("INIT is repeated after 1, 2, 4 and then every 5 seconds, for 90 seconds")
def _():
    anew()
    began = time.monotonic()
    hello(b"never answered")
    inits = collect(200, tv.INIT)
    times = [when for when, _ in inits]
    between(times[0] - began, 0, SLACK, "the first")
    gaps = [later - earlier for earlier, later in zip(times, times[1:])]
    for gap, wanted in zip(gaps, [1, 2, 4] + [5] * len(gaps)):
        between(gap, wanted - SLACK, wanted + JITTER + SLACK, f"gaps of {gaps}")
    assert len({round(gap, 2) for gap in gaps[3:]}) > 2, f"no jitter: {gaps}"
    between(times[-1] - times[0], 90 - 5 - JITTER - SLACK, 90 + SLACK, "the last one")
    stamps = [dict(tv.Answer(peer.identity, message).payload)[tv.TIMESTAMP]
              for _, message in inits]
    equal(stamps, sorted(set(stamps)), "timestamps that grow")
    equal(len({message[8:40] for _, message in inits}), len(inits), "fresh ephemeral keys")
    equal((shown("state"), shown("reason")), ("disconnected", "no-answer"), "state and reason")


@case("then something new to send begins anew, without what was queued before")
def _():
    hello(b"new")
    answer = peer.answer()
    peer.send(answer.resp())
    session = answer.session()
    got = [session.open(message) for _, message in collect(5, tv.DATA)]
    equal([packets.udp_payload(one) for one in got], [b"new"], "what arrived")


@case("what was received and not answered is answered by a keepalive after 10 seconds")
def _():
    session, _ = connected()
    began = time.monotonic()
    peer.send(session.seal(packet(b"no answer to this")))
    equal(inside.recv(65536), b"no answer to this", "what arrived")
    when, message = expect(20, tv.DATA)
    equal(session.open(message), b"", "a keepalive")
    between(when - began, 10 - SLACK, 10 + SLACK, "it came after")
    equal(collect(30, tv.DATA), [], "more of them")


@case("an answer by data makes the keepalive needless, and keepalives are not answered")
def _():
    session, _ = connected()
    peer.send(session.seal(packet(b"ping")))
    time.sleep(5)
    hello(b"pong")
    equal(packets.udp_payload(session.open(peer.receive(tv.DATA))), b"pong", "the answer")
    alive(session)
    equal(collect(30, tv.DATA), [], "keepalives")


@case("the initiator of a session asks for a new one when it sends after 120 seconds, not before")
def _():
    session, began = accepted()
    for second in range(10, 120, 10):
        sleep_until(began + second)
        hello()
        alive(session)
    sleep_until(began + 119.5)
    hello()
    alive(session)
    equal(collect(0.3, tv.INIT), [], "an INIT too early")
    sleep_until(began + 120.5)
    hello()
    when, message = expect(5, tv.INIT)
    between(when - began, 120, 120.5 + SLACK, "INIT after")
    answer = tv.Answer(peer.identity, message)
    peer.send(answer.resp())
    second = answer.session()
    equal(second.open(peer.receive(tv.DATA)), b"", "confirmed by a keepalive, with nothing to send")


@case("both sides begin at once, twice: what is under way on any of the four sessions arrives")
def _():
    become(larger=False)
    anew()
    hello()
    began = time.monotonic()
    sessions = both_begin()
    peer.send(sessions[1].seal(packet(b"first")))
    equal(inside.recv(65536), b"first", "on our session")
    sleep_until(began + 121)
    hello()
    sessions += both_begin()
    for session in sessions:
        peer.send(session.seal(packet(b"under way")))
        equal(inside.recv(65536), b"under way", "what arrives")


@case("both sides begin at once: the host uses the session of the larger key")
def _():
    for larger in False, True:
        become(larger)
        anew()
        hello()
        theirs, ours = both_begin()
        peer.send(ours.seal(packet(b"moves it")))
        equal(inside.recv(65536), b"moves it", "on our session")
        hello(b"moved")
        wanted = ours if larger else theirs
        equal(packets.udp_payload(wanted.open(peer.receive(tv.DATA))), b"moved", "on that one")


@case("who is not renewed by the other side renews what crossed: 20 seconds later")
def _():
    become(larger=True)
    anew()
    hello()
    _, ours = both_begin()
    began = time.monotonic()
    for second in range(10, 140, 10):
        sleep_until(began + second)
        peer.send(ours.seal(packet(b"data")))
        hello()
    equal(collect(9, tv.INIT), [], "INITs")
    sleep_until(began + 140.5)
    hello()
    assert receive(2, tv.INIT), "no INIT"


@case("the responder of a session does not")
def _():
    session, began = connected()
    for second in range(10, 175, 10):
        sleep_until(began + second)
        hello()
        alive(session)
    equal(collect(1, tv.INIT), [], "INITs")


@case("a session of 180 seconds neither sends nor receives")
def _():
    session, began = connected()
    for second in range(20, 180, 20):
        sleep_until(began + second)
        hello()
        alive(session)
    sleep_until(began + 179)
    peer.drain()
    peer.send(session.seal(packet(b"in time")))
    equal(inside.recv(65536), b"in time", "one second before its end")
    hello(b"in time, too")
    equal(packets.udp_payload(session.open(peer.receive(tv.DATA))), b"in time, too", "back")
    sleep_until(began + 181)
    with host.counts("rx_drop_session_expired"):
        peer.send(session.seal(packet(b"too late")))
    peer.drain()
    hello(b"asks for a session")
    assert receive(2, tv.INIT), "no INIT"
    assert not peer.pending(tv.DATA), "data on a session that has ended"


@case("its keys are erased 540 seconds after it was made, if none came after it")
def _():
    session, began = connected()
    sleep_until(began + 530)
    with host.counts("rx_drop_session_expired"):
        peer.send(session.seal(packet(b"the keys are there")))
    sleep_until(began + 541)
    with host.counts("rx_drop_unknown_session"):
        peer.send(session.seal(packet(b"the keys are gone")))
    equal((shown("state"), shown("cipher")), ("disconnected", "none"), "state and cipher")


@case("a persistent keepalive comes every so many seconds, over new sessions too")
def _():
    anew()
    host.set("peer", host.base64(peer.identity.public), "persistent-keepalive", "25")
    session, times, sessions, end = None, [], 0, time.monotonic() + 400
    while time.monotonic() < end:
        one = receive(30, tv.INIT, tv.DATA)
        assert one, "nothing for 30 seconds"
        when, message = one
        if message[0] == tv.INIT:
            answer = tv.Answer(peer.identity, message)
            peer.send(answer.resp())
            session, sessions = answer.session(), sessions + 1
            continue
        session.open(message)
        times.append(when)
        alive(session)
    gaps = [later - earlier for earlier, later in zip(times, times[1:])]
    assert max(gaps) <= 25 + JITTER + SLACK, f"gaps of {gaps}"
    assert sum(1 for gap in gaps if abs(gap - 25) < SLACK) >= 10, f"gaps of {gaps}"
    assert 3 <= sessions <= 5, f"{sessions} sessions"


@case("a cookie is kept for 120 seconds")
def _():
    anew()
    hello()
    first = peer.answer()
    cookie = os.urandom(16)
    peer.send(tv.make_cookie(peer.identity.public, cookie, first.remote_index,
                             tv.mac1_of(first.message)))
    began = time.monotonic()
    repeated = collect(80, tv.INIT)
    assert repeated, "no INIT with the cookie"
    for when, message in repeated:
        equal(message[-16:], tv.mac2(cookie, message[:-16]), f"mac2 after {when - began:.1f} s")
    sleep_until(began + 121)
    peer.drain()
    hello()
    _, message = expect(5, tv.INIT)
    equal(message[-16:], tv.NO_MAC2, "mac2 after 121 s")


@case("a peer that does not answer data is asked for a new session, and the reason is shown")
def _():
    connected()
    hello(b"is there anybody?")
    for _ in range(2):
        assert receive(40, tv.INIT), "no INIT"
    equal((shown("state"), shown("reason")), ("reconnecting", "no-answer"), "state and reason")


def forget():
    """What a test before left to be read."""
    while select.select([inside], [], [], 0)[0]:
        inside.recv(65536)


def main():
    global host, peer, inside
    host, peer = from_arguments(sys.argv[1:])
    inside = host.udp_socket(THEIRS)
    ktap.run_cases(before=forget)


main()
