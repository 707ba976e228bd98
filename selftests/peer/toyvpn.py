# SPDX-License-Identifier: GPL-2.0
"""The toyvpn protocol in user space, for tests: both roles of the handshake, and data.

Independent of the module, and lets a test break any field of any message. It follows
kmod/PROTOCOL.md; the words are those of that page and of the Noise specification.
Needs Python 3.11 and python3-cryptography 38 or later.

    me = Identity.generate()
    offer = Offer(me, server_public)                # an INIT, with every field to choose
    session = offer.finish(resp)                    # of the RESP that came
    answer = Answer(me, init)                       # the other role: an INIT that came
    resp = answer.resp(cipher=AES_256_GCM)          # a RESP, with every field to choose
    message = session.seal(packet)
    packet = session.open(message)
"""

import functools
import hashlib
import hmac
import os
import struct
import time

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.asymmetric.x25519 import X25519PrivateKey, X25519PublicKey
from cryptography.hazmat.primitives.ciphers import Cipher, algorithms
from cryptography.hazmat.primitives.ciphers.aead import AESGCM, ChaCha20Poly1305
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

PROTOCOL = b"Noise_IKpsk2_25519_ChaChaPoly_SHA256"
PROLOGUE = b"toyvpn/1"
VERSION = 1

INIT, RESP, COOKIE, DATA = 1, 2, 3, 4

AES_256_GCM, CHACHA20_POLY1305 = 1, 2

TIMESTAMP, CIPHERS, MODE, MTU, CREDENTIALS, CONFIG, REJECT = 1, 2, 3, 4, 5, 6, 7
CRITICAL = 0x8000

NO_COMMON_CIPHER, MODE_DIFFERS, REFUSED, SERVER_FULL = 1, 2, 3, 4

MODE_ETHERNET, MODE_IP = 2, 3

NO_PSK = bytes(32)
NO_MAC2 = bytes(16)
KEY_LEN = 32
TAG_LEN = 16
MAC_LEN = 16


class ProtocolError(Exception):
    """What came does not follow the protocol."""


def sha256(data):
    return hashlib.sha256(data).digest()


def hmac_sha256(key, data):
    return hmac.digest(key, data, "sha256")


# X25519

def public_key(private):
    key = X25519PrivateKey.from_private_bytes(private).public_key()
    return key.public_bytes(Encoding.Raw, PublicFormat.Raw)


def dh(private, public):
    """X25519; a result of all zeros is a ProtocolError."""
    try:
        return X25519PrivateKey.from_private_bytes(private).exchange(
            X25519PublicKey.from_public_bytes(public))
    except ValueError as error:
        raise ProtocolError("DH result of all zeros") from error


class Identity:
    """A static key pair."""

    def __init__(self, private):
        self.private = private
        self.public = public_key(private)

    @classmethod
    def generate(cls):
        return cls(os.urandom(KEY_LEN))


# AEADs

def aead_open(aead, nonce, data, additional):
    try:
        return aead.decrypt(nonce, data, additional)
    except InvalidTag as error:
        raise ProtocolError("does not authenticate") from error


def hchacha20(key, nonce):
    """HChaCha20, from a ChaCha20 block of the library.

    The block function ends by adding its input; HChaCha20 is the same without that, of which it
    takes the first and the last four words. Both inputs are known, so they can be taken off.
    """
    block = Cipher(algorithms.ChaCha20(key, nonce), mode=None).encryptor().update(bytes(64))
    words = struct.unpack("<16I", block)
    added = struct.unpack("<4I", b"expand 32-byte k") + struct.unpack("<4I", nonce)
    return struct.pack("<8I", *((word - add) & 0xffffffff
                                for word, add in zip(words[:4] + words[12:], added)))


def xchacha20_poly1305(key, nonce):
    """The AEAD and the nonce to use it with, for a nonce of 24 bytes."""
    return ChaCha20Poly1305(hchacha20(key, nonce[:16])), bytes(4) + nonce[16:]


# Noise

def hkdf(chaining_key, material, count):
    key = hmac_sha256(chaining_key, material)
    outputs = [b""]
    for number in range(1, count + 1):
        outputs.append(hmac_sha256(key, outputs[-1] + bytes([number])))
    return outputs[1:]


class NoiseCipher:
    """CipherState with ChaChaPoly."""

    def __init__(self, key):
        self.key = key
        self.aead = ChaCha20Poly1305(key)
        self.counter = 0

    def nonce(self):
        nonce = bytes(4) + struct.pack("<Q", self.counter)
        self.counter += 1
        return nonce

    def encrypt(self, additional, plaintext):
        return self.aead.encrypt(self.nonce(), plaintext, additional)

    def decrypt(self, additional, ciphertext):
        return aead_open(self.aead, self.nonce(), ciphertext, additional)


class Noise:
    """HandshakeState of IKpsk2, either role.

    An initiator knows the responder's static key (remote); a responder learns the initiator's from
    the first message and may set psk only then.
    """

    def __init__(self, static, remote=None, psk=NO_PSK, ephemeral=None, prologue=PROLOGUE):
        self.initiator = remote is not None
        self.static = static
        self.remote = remote
        self.psk = psk
        self.ephemeral = Identity(ephemeral or os.urandom(KEY_LEN))
        self.remote_ephemeral = None
        self.cipher = None
        self.hash = PROTOCOL.ljust(32, b"\0") if len(PROTOCOL) <= 32 else sha256(PROTOCOL)
        self.chaining_key = self.hash
        self.mix_hash(prologue)
        self.mix_hash(remote or static.public)

    def mix_hash(self, data):
        self.hash = sha256(self.hash + data)

    def mix_key(self, material):
        self.chaining_key, key = hkdf(self.chaining_key, material, 2)
        self.cipher = NoiseCipher(key)

    def mix_key_and_hash(self, material):
        self.chaining_key, addition, key = hkdf(self.chaining_key, material, 3)
        self.mix_hash(addition)
        self.cipher = NoiseCipher(key)

    def encrypt_and_hash(self, plaintext):
        ciphertext = self.cipher.encrypt(self.hash, plaintext)
        self.mix_hash(ciphertext)
        return ciphertext

    def decrypt_and_hash(self, ciphertext):
        plaintext = self.cipher.decrypt(self.hash, ciphertext)
        self.mix_hash(ciphertext)
        return plaintext

    def mix_ephemeral(self, public):
        """The token e; in a pattern with a PSK it goes into the key as well."""
        self.mix_hash(public)
        self.mix_key(public)

    def write_first(self, payload):
        """e, es, s, ss, of the initiator: (e, s encrypted, payload encrypted)."""
        self.mix_ephemeral(self.ephemeral.public)
        self.mix_key(dh(self.ephemeral.private, self.remote))
        static = self.encrypt_and_hash(self.static.public)
        self.mix_key(dh(self.static.private, self.remote))
        return self.ephemeral.public, static, self.encrypt_and_hash(payload)

    def read_first(self, ephemeral, static, payload):
        """The responder's side of write_first: the payload."""
        self.remote_ephemeral = ephemeral
        self.mix_ephemeral(ephemeral)
        self.mix_key(dh(self.static.private, ephemeral))
        self.remote = self.decrypt_and_hash(static)
        self.mix_key(dh(self.static.private, self.remote))
        return self.decrypt_and_hash(payload)

    def write_second(self, payload):
        """e, ee, se, psk, of the responder: (e, payload encrypted)."""
        self.mix_ephemeral(self.ephemeral.public)
        self.mix_key(dh(self.ephemeral.private, self.remote_ephemeral))
        self.mix_key(dh(self.ephemeral.private, self.remote))
        self.mix_key_and_hash(self.psk)
        return self.ephemeral.public, self.encrypt_and_hash(payload)

    def read_second(self, ephemeral, payload):
        """The initiator's side of write_second: the payload."""
        self.mix_ephemeral(ephemeral)
        self.mix_key(dh(self.ephemeral.private, ephemeral))
        self.mix_key(dh(self.static.private, ephemeral))
        self.mix_key_and_hash(self.psk)
        return self.decrypt_and_hash(payload)

    def split(self):
        """(key to send with, key to receive with), of this side."""
        first, second = hkdf(self.chaining_key, b"", 2)
        return (first, second) if self.initiator else (second, first)


# TLVs

def tai64n(seconds=None, nanoseconds=0):
    """A TIMESTAMP of a time of the Unix clock, default now."""
    if seconds is None:
        seconds, nanoseconds = divmod(time.time_ns(), 10 ** 9)
    return struct.pack(">QI", 2 ** 62 + 10 + seconds, nanoseconds)


def tlvs(items, pad_to=None):
    """[(type, value), ...] as a payload, padded to a multiple of 16 or to pad_to."""
    data = b"".join(struct.pack("<HH", kind, len(value)) + value for kind, value in items)
    return data.ljust(-(-len(data) // 16) * 16 if pad_to is None else pad_to, b"\0")


def parse_tlvs(payload):
    items, offset = [], 0
    while offset + 4 <= len(payload):
        kind, length = struct.unpack_from("<HH", payload, offset)
        if kind == 0:
            break
        offset += 4
        if offset + length > len(payload):
            raise ProtocolError("TLV runs past the payload")
        if kind in dict(items) and kind <= REJECT:
            raise ProtocolError("TLV given twice")
        items.append((kind, payload[offset:offset + length]))
        offset += length
    return items


# MACs and cookies

@functools.lru_cache
def mac1_key(public):
    return sha256(b"toyvpn/1 mac1" + public)


def mac1(public, message):
    """Of a message without its MACs, for the side whose static key is public."""
    return hmac_sha256(mac1_key(public), message)[:MAC_LEN]


def mac2(cookie, message):
    """Of a message without its mac2."""
    return hmac_sha256(cookie, message)[:MAC_LEN] if cookie else NO_MAC2


def with_macs(message, public, cookie=None):
    """A handshake message without MACs, with them."""
    message += mac1(public, message)
    return message + mac2(cookie, message)


def mac1_of(message):
    return message[-2 * MAC_LEN:-MAC_LEN]


def header(kind, *indexes, version=VERSION, reserved=0):
    return struct.pack(f"<BBH{len(indexes)}I", kind, version, reserved, *indexes)


def make_cookie(public, cookie, receiver, answered_mac1, nonce=None, **fields):
    """COOKIE, from the side whose static key is public."""
    nonce = nonce or os.urandom(24)
    aead, inner_nonce = xchacha20_poly1305(sha256(b"toyvpn/1 cookie" + public), nonce)
    return (header(COOKIE, receiver, **fields) + nonce +
            aead.encrypt(inner_nonce, cookie, answered_mac1))


def open_cookie(public, message, answered_mac1):
    """The cookie in COOKIE, for whoever sent the message with answered_mac1 to public."""
    if len(message) != 64:
        raise ProtocolError("COOKIE has a wrong length")
    aead, nonce = xchacha20_poly1305(sha256(b"toyvpn/1 cookie" + public), message[8:32])
    return aead_open(aead, nonce, message[32:], answered_mac1)


def check(message, kind, minimum):
    if len(message) < minimum or message[:4] != header(kind):
        raise ProtocolError("wrong type, version, reserved bytes or length")


# Sessions

class Session:
    """The keys of one session; local and remote are the names that each side gave it."""

    def __init__(self, keys, cipher, local, remote, payload=()):
        self.send_key, self.receive_key = keys
        self.cipher = cipher
        self.local = local
        self.remote = remote
        self.payload = payload
        self.counter = 0
        aead = AESGCM if cipher == AES_256_GCM else ChaCha20Poly1305
        self.sender, self.receiver = aead(self.send_key), aead(self.receive_key)

    def nonce(self, counter):
        order = ">" if self.cipher == AES_256_GCM else "<"
        return bytes(4) + struct.pack(order + "Q", counter)

    def seal(self, packet, counter=None, index=None, **fields):
        """DATA with the packet; counter defaults to the next one."""
        if counter is None:
            counter, self.counter = self.counter, self.counter + 1
        head = header(DATA, self.remote if index is None else index, **fields)
        head += struct.pack("<Q", counter)
        return head + self.sender.encrypt(self.nonce(counter), packet, head)

    def open(self, message):
        """The packet in DATA; ProtocolError if it does not authenticate or is another session's."""
        check(message, DATA, 16 + TAG_LEN)
        index, counter = struct.unpack_from("<IQ", message, 4)
        if index != self.local:
            raise ProtocolError("another session's")
        return aead_open(self.receiver, self.nonce(counter), message[16:], message[:16])


# Handshake

def new_index():
    return struct.unpack("<I", os.urandom(4))[0]


class Offer:
    """INIT, as an initiator makes it; its bytes are in .message.

    tlv adds TLVs after the usual three, payload replaces all of them, ciphers is a list of ids;
    cookie makes a mac2; a keyword of header() changes what must not be changed.
    """

    def __init__(self, static, remote, *, psk=NO_PSK, ephemeral=None, index=None, timestamp=None,
                 ciphers=(AES_256_GCM, CHACHA20_POLY1305), mode=MODE_IP, tlv=(), payload=None,
                 prologue=PROLOGUE, cookie=None, **fields):
        self.index = new_index() if index is None else index
        self.noise = Noise(static, remote, psk, ephemeral, prologue)
        if payload is None:
            payload = tlvs([(TIMESTAMP, timestamp or tai64n()), (CIPHERS, bytes(ciphers)),
                            (MODE, bytes([mode])), *tlv])
        self.body = header(INIT, self.index, **fields) + b"".join(self.noise.write_first(payload))
        self.message = with_macs(self.body, remote, cookie)

    def with_cookie(self, message):
        """The same INIT again, with the mac2 that COOKIE asks for."""
        cookie = open_cookie(self.noise.remote, message, mac1_of(self.message))
        self.message = with_macs(self.body, self.noise.remote, cookie)
        return self.message

    def finish(self, message):
        """The session that RESP makes; session.payload has its TLVs. With REJECT, no cipher."""
        check(message, RESP, 92)
        sender, receiver = struct.unpack_from("<II", message, 4)
        if receiver != self.index:
            raise ProtocolError("answers another INIT")
        if mac1(self.noise.static.public, message[:-32]) != mac1_of(message):
            raise ProtocolError("wrong mac1")
        payload = parse_tlvs(self.noise.read_second(message[12:44], message[44:-32]))
        cipher = dict(payload).get(CIPHERS, b"\0")[0]
        return Session(self.noise.split(), cipher, self.index, sender, payload)


class Answer:
    """An INIT, as a responder reads it: .payload has its TLVs, .noise.remote who sent it."""

    def __init__(self, static, message, *, psk=NO_PSK, ephemeral=None):
        check(message, INIT, 136)
        if mac1(static.public, message[:-32]) != mac1_of(message):
            raise ProtocolError("wrong mac1")
        self.message = message
        self.remote_index = struct.unpack_from("<I", message, 4)[0]
        self.noise = Noise(static, psk=psk, ephemeral=ephemeral)
        self.payload = parse_tlvs(self.noise.read_first(
            message[8:40], message[40:88], message[88:-32]))
        self.index = None
        self.cipher = None

    def resp(self, *, cipher=AES_256_GCM, mode=MODE_IP, index=None, receiver=None, tlv=(),
             payload=None, reject=None, cookie=None, **fields):
        """RESP: to refuse with a reason, or with any TLVs."""
        self.index = new_index() if index is None else index
        self.cipher = cipher
        if payload is None and reject is not None:
            payload = tlvs([(MODE, bytes([mode])), (REJECT, struct.pack("<H", reject)), *tlv])
        elif payload is None:
            payload = tlvs([(CIPHERS, bytes([cipher])), (MODE, bytes([mode])), *tlv])
        receiver = self.remote_index if receiver is None else receiver
        body = header(RESP, self.index, receiver, **fields)
        body += b"".join(self.noise.write_second(payload))
        return with_macs(body, self.noise.remote, cookie)

    def session(self):
        """The session, after resp()."""
        return Session(self.noise.split(), self.cipher, self.index, self.remote_index, self.payload)
