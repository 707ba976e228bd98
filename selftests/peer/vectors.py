#!/usr/bin/python3 -B
# SPDX-License-Identifier: GPL-2.0
"""Checks toyvpn.py against the protocol's vectors and Noise's own. Needs no module, no root."""

import json
import pathlib
import struct

import ktap
import toyvpn as tv
from ktap import equal

FOLDER = pathlib.Path(__file__).resolve().parent.parent / "vectors"

# Used only to tell that every field of a vector was looked at.
seen = set()


class Vector(dict):
    """One vector: hex strings become bytes, and what was looked at is remembered."""

    def __getattr__(self, name):
        seen.add(name)
        value = self[name]
        return bytes.fromhex(value) if isinstance(value, str) else value


def check_keys(vector):
    for side in "initiator", "responder":
        equal(tv.public_key(getattr(vector, side + "_static")),
              getattr(vector, side + "_static_public"), side + "'s public key")


def make_offer(vector, **fields):
    return tv.Offer(tv.Identity(vector.initiator_static), vector.responder_static_public,
                    psk=vector.psk, ephemeral=vector.initiator_ephemeral,
                    index=vector.initiator_index, timestamp=vector.timestamp,
                    ciphers=vector.initiator_ciphers, mode=vector.mode,
                    tlv=extra_tlvs(vector.init, vector), **fields)


def make_answer(vector, init):
    return tv.Answer(tv.Identity(vector.responder_static), init, psk=vector.psk,
                     ephemeral=vector.responder_ephemeral)


def extra_tlvs(init, vector):
    """What INIT carries besides the three that it must, as the responder reads it."""
    usual = {tv.TIMESTAMP, tv.CIPHERS, tv.MODE}
    return [item for item in make_answer(vector, init).payload if item[0] not in usual]


def check_init(vector):
    equal(make_offer(vector).message, vector.init, "INIT")
    answer = make_answer(vector, vector.init)
    payload = dict(answer.payload)
    equal(answer.remote_index, vector.initiator_index, "sender index")
    equal(answer.noise.remote, vector.initiator_static_public, "who sent it")
    equal(payload[tv.TIMESTAMP], vector.timestamp, "TIMESTAMP")
    equal(payload[tv.CIPHERS], bytes(vector.initiator_ciphers), "CIPHERS")
    equal(payload[tv.MODE], bytes([vector.mode]), "MODE")


def check_resp(vector):
    offer = make_offer(vector)
    session = offer.finish(vector.resp)
    payload = session.payload
    equal(dict(payload)[tv.MODE], bytes([vector.mode]), "MODE")
    equal(session.cipher, vector.cipher, "cipher")
    equal(session.remote, vector.responder_index, "responder's index")
    best = [one for one in vector.responder_preference if one in vector.initiator_ciphers][0]
    equal(best, vector.cipher, "the responder's choice")
    answer = make_answer(vector, vector.init)
    extra = [item for item in payload if item[0] not in (tv.CIPHERS, tv.MODE)]
    equal(answer.resp(cipher=best, mode=vector.mode, index=vector.responder_index, tlv=extra),
          vector.resp, "RESP")
    equal(answer.noise.hash, vector.handshake_hash, "responder's hash")
    equal(offer.noise.hash, vector.handshake_hash, "initiator's hash")
    equal(session.send_key, vector.initiator_send_key, "key to send")
    equal(session.receive_key, vector.initiator_receive_key, "key to receive")
    other = answer.session()
    equal((other.receive_key, other.send_key), (session.send_key, session.receive_key),
          "the responder's keys")


def check_cookie(vector):
    offer = make_offer(vector)
    message = vector.cookie_message
    mac1 = tv.mac1_of(offer.message)
    equal(message[:8], tv.header(tv.COOKIE, vector.initiator_index), "header")
    equal(tv.open_cookie(vector.responder_static_public, message, mac1), vector.cookie_value,
          "cookie")
    equal(tv.make_cookie(vector.responder_static_public, vector.cookie_value,
                         vector.initiator_index, mac1, nonce=message[8:32]), message, "COOKIE")
    equal(offer.with_cookie(message), vector.init_with_mac2, "INIT with mac2")
    equal(make_offer(vector, cookie=vector.cookie_value).message, vector.init_with_mac2,
          "INIT made with a cookie")


def check_data(vector):
    session = make_offer(vector).finish(vector.resp)
    answer = make_answer(vector, vector.init)
    answer.resp(cipher=vector.cipher, mode=vector.mode, index=vector.responder_index)
    # The keys are those of the true RESP, whatever was optional in it.
    other = tv.Session((vector.initiator_receive_key, vector.initiator_send_key), vector.cipher,
                       vector.responder_index, vector.initiator_index)
    for one in vector.initiator_data:
        plaintext, message = bytes.fromhex(one["plaintext"]), bytes.fromhex(one["message"])
        equal(struct.unpack_from("<Q", message, 8)[0], one["counter"], "counter on the wire")
        equal(session.seal(plaintext, counter=one["counter"]), message, "DATA")
        equal(other.open(message), plaintext, "what it carries")
        for at in range(len(message)):
            broken = bytearray(message)
            broken[at] ^= 1
            try:
                other.open(bytes(broken))
            except tv.ProtocolError:
                continue
            raise AssertionError(f"byte {at} can be changed")


def check_noise(vector):
    static = {side: tv.Identity(getattr(vector, side + "_static"))
              for side in ("initiator", "responder")}
    equal(static["responder"].public, vector.responder_static_public, "public key")
    ours = tv.Noise(static["initiator"], vector.responder_static_public, vector.psk,
                    vector.initiator_ephemeral, vector.prologue)
    theirs = tv.Noise(static["responder"], None, vector.psk, vector.responder_ephemeral,
                      vector.prologue)
    messages = [(bytes.fromhex(one["payload"]), bytes.fromhex(one["ciphertext"]))
                for one in vector.messages]
    first = ours.write_first(messages[0][0])
    equal(b"".join(first), messages[0][1], "first message")
    equal(theirs.read_first(*first), messages[0][0], "its payload")
    second = theirs.write_second(messages[1][0])
    equal(b"".join(second), messages[1][1], "second message")
    equal(ours.read_second(*second), messages[1][0], "its payload")
    equal(ours.hash, theirs.hash, "hash")
    send = {0: [tv.NoiseCipher(key) for key in (ours.split()[0], theirs.split()[1])],
            1: [tv.NoiseCipher(key) for key in (theirs.split()[0], ours.split()[1])]}
    for number, (payload, ciphertext) in enumerate(messages[2:]):
        sender, receiver = send[number % 2]
        equal(sender.encrypt(b"", payload), ciphertext, "transport message")
        equal(receiver.decrypt(b"", ciphertext), payload, "its payload")


def main():
    ktap.start()
    noise = Vector(json.loads((FOLDER / "noise-ikpsk2.json").read_text("ascii")))
    with ktap.test("Noise's own vector"):
        equal(noise["protocol"].encode(), tv.PROTOCOL, "protocol")
        check_noise(noise)

    own = json.loads((FOLDER / "protocol-v1.json").read_text("ascii"))
    with ktap.test("protocol and prologue"):
        equal(own["protocol"].encode(), tv.PROTOCOL, "protocol")
        equal(own["prologue"].encode(), tv.PROLOGUE, "prologue")
    seen.clear()
    for vector in map(Vector, own["vectors"]):
        for what, check in (("keys", check_keys), ("INIT", check_init), ("RESP", check_resp),
                            ("COOKIE and mac2", check_cookie), ("DATA", check_data)):
            with ktap.test(f"{vector['name']}: {what}"):
                check(vector)
    with ktap.test("every field of the vectors was checked"):
        for vector in own["vectors"]:
            equal(set(vector) - seen, {"name"}, "unchecked")
    ktap.done()


main()
