#!/usr/bin/python3 -B
# SPDX-License-Identifier: GPL-2.0
"""What user space hears of peers unasked. Run by events.sh in the namespace of the peer, with a
virtual clock."""

import contextlib
import errno
import os
import random
import sys
import time

import forks
import ktap
import packets
import toyvpn as tv
from family import C, Config, Listener, Told, flags, peer
from genl import NETLINK_ADD_MEMBERSHIP, SOL_NETLINK, Refused
from ktap import case, equal
from netns import PATIENCE, namespace
from rig import PORT, Peer, from_arguments
from rtnl import Links

OURS, THEIRS = "10.9.0.2", "10.9.0.1"
# What is told is told by then, and what is not will not come
SOON = 0.3

host = known = config = inside = heard = None


def key():
    return known.identity.public


def anew():
    """The peer without a session, and nothing to hear of what was before."""
    host.knows_anew(known, [OURS + "/32"])
    known.socket.settimeout(PATIENCE)
    while heard.next(SOON):
        pass


def events(seconds=SOON, who=None):
    """All that come until none does for so long, of our peer."""
    got = []
    while (event := heard.next(seconds)):
        if event.key == (who or key()):
            got.append(event)
    return got


def states(got):
    """States and reasons, one after another; the same twice counts once."""
    found = []
    for event in got:
        if event.event == "state" and found[-1:] != [(event.state, event.reason)]:
            found.append((event.state, event.reason))
    return found


def hello():
    inside.sendto(b"hello", (OURS, 4000))


def session_of_host(**fields):
    """A session that the host begins."""
    hello()
    answer = known.answer()
    known.send(answer.resp(**fields))
    session = answer.session()
    session.open(known.receive(tv.DATA))
    return session


def keep_alive(session, times):
    """A keepalive every ten seconds."""
    for _ in range(times):
        time.sleep(10)
        known.send(session.seal(b""))


def packet(text):
    return packets.udp(OURS, THEIRS, text)


@case("a peer that is new, and one that is removed")
def _():
    other = os.urandom(31) + b"\x40"
    config.peer_set(other)
    event, = events(who=other)
    equal((event.event, event.state, event.reason, event.link), ("state", "disconnected", "none",
                                                                "vpn0"), "a new one")
    equal((event.address, event.last, event.received), (None, None, None), "what it has not")
    config.peer_del(other)
    event, = events(who=other)
    equal((event.event, event.state, event.reason), ("removed", "disconnected", "removed"),
          "a removed one")
    for number in range(3):
        config.peer_set(bytes([number]) * 31 + b"\x40")
    config.peer_del()
    got = []
    while (event := heard.next(SOON)):
        got.append(event)
    gone = {event.key for event in got if event.event == "removed"}
    equal(gone, {key()} | {bytes([number]) * 31 + b"\x40" for number in range(3)}, "all removed")


@case("connecting, connected; whoever begins it")
def _():
    session_of_host()
    got = events()
    equal(states(got), [("connecting", "none"), ("connected", "none")], "states")
    equal((got[-1].cipher, got[-1].address, got[-1].port),
          (tv.AES_256_GCM, "192.0.2.2", PORT), "what it has")
    assert got[-1].last, "no time of the handshake"
    anew()
    known.connect()
    equal(states(events())[-1], ("connected", "none"), "the peer began")


@case("what its first packet asks is answered on the session that it begins")
def _():
    anew()
    offer = known.offer()
    known.send(offer.message)
    session = offer.finish(known.receive(tv.RESP))
    # The host's stack answers an echo request at once
    known.send(session.seal(packets.echo(OURS, THEIRS, 1)))
    session.open(known.receive(tv.DATA))
    assert not known.receive(tv.INIT, timeout=SOON), "a handshake of the host's own"


@case("connecting without an answer: the reason, and that it was given up")
def _():
    hello()
    got = [event for event in events(100) if event.event == "state"]
    equal(states(got), [("connecting", "none"), ("connecting", "no-answer"),
                        ("disconnected", "no-answer")], "states")
    since = {event.state: event.since for event in got}
    equal(got[0].since, since["connecting"], "since when, with another reason")
    assert got[0].since < since["disconnected"] <= time.time_ns(), f"since when: {since}"
    known.drain()


@case("refused, and why")
def _():
    for reject, reason in ((tv.REFUSED, "refused"), (tv.SERVER_FULL, "server-full"),
                           (tv.NO_COMMON_CIPHER, "no-common-cipher")):
        anew()
        hello()
        known.send(known.answer().resp(reject=reject))
        equal(states(events()), [("connecting", "none"), ("disconnected", reason)], "states")


@case("a session that goes on is not told of, its end is, and that of its keys is not")
def _():
    session = session_of_host()
    events()
    keep_alive(session, 17)
    equal(events(), [], "events of a session in use")
    time.sleep(12)
    equal(states(events()), [("disconnected", "expired")], "180 seconds after it began")
    time.sleep(400)
    equal(states(events()), [], "540 seconds after it began")


@case("reconnecting, while the session that there is still carries data")
def _():
    session = session_of_host()
    events()
    keep_alive(session, 12)
    began = time.time_ns()
    hello()
    assert known.receive(tv.INIT), "no INIT"
    got = events(5)
    known.drain()
    known.send(known.answer().resp())
    got += events()
    equal(states(got), [("reconnecting", "no-answer"), ("connected", "none")], "states")
    # Of a renewal that is on time nobody hears: the first retry comes after a second.
    assert got[0].since - began >= 1e9, f"told after {got[0].since - began} ns"


@case("a renewed session is told of")
def _():
    session = session_of_host()
    first = events()[-1].last
    keep_alive(session, 13)
    session_of_host()
    got = events()
    equal({(event.event, event.state, event.reason) for event in got},
          {("state", "connected", "none")}, "events")
    assert got[-1].last > first, "the same session"


@case("it moves: told once a second, and in the end where it is")
def _():
    session = session_of_host()
    events()
    sockets = []
    for number in range(200):
        other = Peer(known.identity, known.host_public, known.host, bind=("192.0.2.2", 0))
        other.send(session.seal(b""))
        sockets.append(other)
        if number % 20 == 0:
            time.sleep(0.01)
    got = [event for event in events(2) if event.event == "endpoint"]
    equal(got[-1].port, sockets[-1].socket.getsockname()[1], "where it is in the end")
    equal(host.shown(key())["endpoint"], f"192.0.2.2:{got[-1].port}", "and what is read")
    assert 1 <= len(got) <= 5, f"{len(got)} events of 200 moves"
    for other in sockets:
        other.socket.close()
    known.send(session.seal(b""))
    equal([(event.event, event.port) for event in events(2)], [("endpoint", PORT)], "it is back")
    config.peer_set(key(), peer("ENDPOINT_IPV4", bytes([192, 0, 2, 77])),
                    peer("ENDPOINT_PORT", b"\0\x09"))
    equal([(event.event, event.address, event.port) for event in events(2)],
          [("endpoint", "192.0.2.77", 9)], "it was set")


@case("what it configures, when that changes")
def _():
    for blob, wanted in (b"one", ["one"]), (b"one", []), (b"two", ["two"]), (b"", [None]):
        session_of_host(tlv=[(tv.CONFIG, blob)] if blob else [])
        got = events()
        equal([event.received and event.received.decode() for event in got
               if event.event == "config"], wanted, f"events of {blob!r}")
        equal((got[-1].received or b""), blob, "each event has it")
        config.peer_set(key(), peer("PRESHARED_KEY", b"\1" * 32))
        config.peer_set(key(), peer("PRESHARED_KEY", bytes(32)))
        equal(states(events()), [("disconnected", "removed-key")], "without its keys")
        time.sleep(1)


@case("a link that goes down")
def _():
    session_of_host()
    events()
    links = links_of(host.name)
    links.down("vpn0")
    equal(states(events()), [("disconnected", "removed-key")], "states")
    links.up("vpn0")


def links_of(netns):
    with namespace(netns):
        return Links()


@case("a handshake begins at once when it is asked for, whatever waits")
def _():
    hello()
    began = time.monotonic()
    inits = 0
    while time.monotonic() - began < 20:
        inits += known.receive(tv.INIT, timeout=1) is not None
    assert inits, "no INIT"
    time.sleep(0.5)
    known.drain()
    config.peer_set(key(), flags("CONNECT", "UPDATE_ONLY"))
    message = known.receive(tv.INIT, timeout=0.2)
    assert message, "no INIT at once"
    times = [time.monotonic()]
    while len(times) < 3:
        assert known.receive(tv.INIT, timeout=4), "no retry"
        times.append(time.monotonic())
    assert times[1] - times[0] < 1.6 and times[2] - times[1] < 2.6, f"not as the first: {times}"
    # With a session as well: it stays, and the next one takes its place
    session = session_of_host()
    events()
    config.peer_set(key(), flags("CONNECT"))
    answer = known.answer()
    known.send(session.seal(packet(b"still there")))
    equal(inside.recv(100), b"still there", "on the session before")
    known.send(answer.resp())
    equal(states(events()), [("connected", "none")], "states")


@case("it is told where the link is, and nowhere else")
def _():
    links, there = links_of(host.name), links_of("elsewhere")
    with namespace("elsewhere"):
        other = Listener()
    links.move("vpn0", "elsewhere")
    there.up("vpn0")
    events()
    known.connect()
    equal(events(), [], "where it was")
    got = []
    while (event := other.next(SOON)):
        got.append(event)
    assert ("connected", "none") in states(got), f"where it is: {got}"
    there.move("vpn0", host.name)
    links.up("vpn0")
    host.run("ip", "addr", "add", THEIRS + "/24", "dev", "vpn0")
    known.connect()
    assert ("connected", "none") in states(events()), "where it is again"
    while other.next(SOON):
        pass
    other.close()


def churn(seed, done):
    """Peers come, change and go until done is there."""
    with namespace(host.name):
        ours = Config()
    maker = random.Random(seed)
    while not os.path.exists(done):
        which = bytes([maker.randrange(20)]) * 31 + b"\x40"
        if maker.random() < 0.3:
            with contextlib.suppress(Refused):
                ours.peer_del(which)
        else:
            ours.peer_set(which, peer("ENDPOINT_IPV4", bytes([192, 0, 2, 99])),
                          peer("ENDPOINT_PORT", maker.randrange(1, 60000).to_bytes(2, "big")),
                          *([flags("CONNECT")] if maker.random() < 0.3 else []))


def snapshot(ours):
    """{key: (state, reason, port)} as a dump has it."""
    found = {}
    for which, attributes in ours.peers().items():
        told = Told(attributes)
        found[which] = (told.state, told.reason, told.port)
    return found


@case("a dump after subscribing misses nothing, whatever happens meanwhile")
def _():
    with namespace(host.name):
        ours = Config()
    for number in range(5):
        done = f"/tmp/events.{os.getpid()}.{number}"
        pids = [forks.start(churn, f"{number}/{one}", done) for one in range(2)]
        try:
            time.sleep(0.05)
            with namespace(host.name):
                mine = Listener()
            view = snapshot(ours)
            time.sleep(0.3)
        finally:
            with open(done, "w", encoding="ascii"):
                pass
            forks.finish(*pids)
            os.unlink(done)
        count = 0
        while (event := mine.next(2)):
            count += 1
            if event.event == "removed":
                view.pop(event.key, None)
            else:
                view[event.key] = event.state, event.reason, event.port
        equal(view, snapshot(ours), f"after {count} events")
        ktap.say(f"{count} events")
        mine.close()
        config.peer_del()


@case("who does not read is told that it missed something")
def _():
    with namespace(host.name):
        slow = Config()
    slow.room(2048)
    slow.socket.setsockopt(SOL_NETLINK, NETLINK_ADD_MEMBERSHIP, slow.groups["events"])
    for number in range(100):
        config.peer_set(bytes([number]) * 31 + b"\x40")
    time.sleep(SOON)
    try:
        while slow.told(SOON):
            pass
    except OSError as error:
        equal(error.errno, errno.ENOBUFS, "the error")
    else:
        raise AssertionError("nothing was missed")
    config.peer_del()
    slow.close()


@case("events have no secrets, and nobody needs a privilege to hear them")
def _():
    config.peer_set(key(), peer("PRESHARED_KEY", b"\2" * 32), peer("CREDENTIALS", b"secret"),
                    peer("CONFIG", b"for it"), peer("ENDPOINT_PORT", b"\0\x09"),
                    peer("ENDPOINT_IPV4", bytes([192, 0, 2, 77])))
    got = events(2)
    assert got, "no event"
    for event in got:
        equal(event.attributes.keys() & {C["A_PEER_PRESHARED_KEY"], C["A_PEER_CREDENTIALS"],
                                         C["A_PEER_CONFIG"]}, set(), "secrets")
    with namespace(host.name):
        forks.together((nobody,))


def nobody():
    forks.become_nobody()
    Listener.room = lambda *_: None
    listener = Listener()
    assert listener.groups["events"], "no group"


def main():
    global host, known, config, inside, heard
    host, known = from_arguments(sys.argv[1:])
    with namespace(host.name):
        config, heard = Config(), Listener()
    inside = host.udp_socket(THEIRS)
    ktap.run_cases(anew)


main()
