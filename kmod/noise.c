// SPDX-License-Identifier: GPL-2.0
/*
 * Noise_IKpsk2_25519_ChaChaPoly_SHA256: the Noise specification, revision 34,
 * and its names.
 *
 *	<- s
 *	...
 *	-> e, es, s, ss
 *	<- e, ee, se, psk
 *
 * A caller that gets an error wipes the state and starts anew, except where a
 * function promises that the state is as it was.
 */
#include <crypto/chacha20poly1305.h>
#include <crypto/curve25519.h>
#include <linux/errno.h>
#include <linux/random.h>
#include <linux/string.h>

#include "hash.h"
#include "noise.h"

/* Noise's own test vector has another one */
#ifndef TOYVPN_NOISE_PROLOGUE
#define TOYVPN_NOISE_PROLOGUE	"toyvpn/1"
#endif

static const char protocol_name[] = "Noise_IKpsk2_25519_ChaChaPoly_SHA256";
static const char prologue[] = TOYVPN_NOISE_PROLOGUE;

/* ck and h before the pre-message: the same for everybody */
static u8 first_ck[TOYVPN_NOISE_HASH_LEN];
static u8 first_h[TOYVPN_NOISE_HASH_LEN];

/**
 * toyvpn_noise_init - compute what all handshakes have in common
 *
 * Context: Module load, after toyvpn_hash_init().
 * Return: 0 or a negative errno.
 */
int toyvpn_noise_init(void)
{
	/* The name is longer than a hash, so its hash stands for it */
	return toyvpn_sha256(first_ck, protocol_name, strlen(protocol_name), NULL, 0) ?:
	       toyvpn_sha256(first_h, first_ck, sizeof(first_ck), prologue, strlen(prologue));
}

static int mix_hash(struct toyvpn_noise *state, const void *data, size_t len)
{
	return toyvpn_sha256(state->h, state->h, sizeof(state->h), data, len);
}

static int mix_key(struct toyvpn_noise *state, const u8 *ikm, size_t len)
{
	u8 *const out[] = { state->ck, state->k };

	state->n = 0;
	return toyvpn_hkdf(out, ARRAY_SIZE(out), state->ck, ikm, len);
}

static int mix_key_and_hash(struct toyvpn_noise *state, const u8 *ikm, size_t len)
{
	u8 temp_h[TOYVPN_NOISE_HASH_LEN];
	u8 *const out[] = { state->ck, temp_h, state->k };
	int ret;

	state->n = 0;
	ret = toyvpn_hkdf(out, ARRAY_SIZE(out), state->ck, ikm, len) ?:
	      mix_hash(state, temp_h, sizeof(temp_h));
	memzero_explicit(temp_h, sizeof(temp_h));
	return ret;
}

/* MixKey(DH(private, public)) */
static int mix_dh(struct toyvpn_noise *state, const u8 private[TOYVPN_NOISE_KEY_LEN],
		  const u8 public[TOYVPN_NOISE_KEY_LEN])
{
	u8 shared[TOYVPN_NOISE_KEY_LEN];
	int ret;

	ret = toyvpn_noise_dh(shared, private, public) ?:
	      mix_key(state, shared, sizeof(shared));
	memzero_explicit(shared, sizeof(shared));
	return ret;
}

/* The token "e" of a pattern with a PSK hashes and mixes the public key */
static int mix_e(struct toyvpn_noise *state, const u8 e[TOYVPN_NOISE_KEY_LEN])
{
	return mix_hash(state, e, TOYVPN_NOISE_KEY_LEN) ?:
	       mix_key(state, e, TOYVPN_NOISE_KEY_LEN);
}

static int encrypt_and_hash(struct toyvpn_noise *state, u8 *out, const u8 *plain, size_t len)
{
	chacha20poly1305_encrypt(out, plain, len, state->h, sizeof(state->h),
				 state->n++, state->k);
	return mix_hash(state, out, len + TOYVPN_NOISE_TAG_LEN);
}

/*
 * Works for out == sealed too. The hash that becomes h is that of the
 * ciphertext, so it has to be made before that is gone.
 */
static int decrypt_and_hash(struct toyvpn_noise *state, u8 *out, const u8 *sealed, size_t len)
{
	u8 h[TOYVPN_NOISE_HASH_LEN];
	int ret;

	if (len < TOYVPN_NOISE_TAG_LEN)
		return -EBADMSG;
	ret = toyvpn_sha256(h, state->h, sizeof(state->h), sealed, len);
	if (ret)
		return ret;
	if (!chacha20poly1305_decrypt(out, sealed, len, state->h, sizeof(state->h),
				      state->n, state->k))
		return -EBADMSG;
	state->n++;
	memcpy(state->h, h, sizeof(h));
	return 0;
}

/* Initialize(), with the responder's static key as the pre-message */
static int initialize(struct toyvpn_noise *state, const u8 responder[TOYVPN_NOISE_KEY_LEN])
{
	memset(state, 0, sizeof(*state));
	memcpy(state->ck, first_ck, sizeof(state->ck));
	memcpy(state->h, first_h, sizeof(state->h));
	return mix_hash(state, responder, TOYVPN_NOISE_KEY_LEN);
}

/* Make our ephemeral key pair, or take the private key that a test gives */
static int generate_e(struct toyvpn_noise *state, const u8 *e_private,
		      u8 e[TOYVPN_NOISE_KEY_LEN])
{
	if (e_private)
		memcpy(state->e, e_private, sizeof(state->e));
	else
		curve25519_generate_secret(state->e);
	return curve25519_generate_public(e, state->e) ? 0 : -EKEYREJECTED;
}

/**
 * toyvpn_noise_set_static - make a static key pair from its private half
 * @s: the pair
 * @private: the private key; its clamped form is kept
 *
 * Context: Process or softirq; half a scalar multiplication's time.
 * Return: 0, or -EKEYREJECTED if the key is of no use; then @s is all zeros.
 */
int toyvpn_noise_set_static(struct toyvpn_noise_static *s,
			    const u8 private[TOYVPN_NOISE_KEY_LEN])
{
	memcpy(s->private, private, sizeof(s->private));
	curve25519_clamp_secret(s->private);
	if (curve25519_generate_public(s->public, s->private))
		return 0;
	memzero_explicit(s, sizeof(*s));
	return -EKEYREJECTED;
}

/**
 * toyvpn_noise_dh - X25519 (RFC 7748) that refuses an all-zero result
 * @out: the shared secret; the caller erases it
 * @private: our private key
 * @public: their public key
 *
 * Context: Process, as it takes long; it does not sleep.
 * Return: 0, or -EKEYREJECTED if the result is all zeros (as @out then is).
 */
int toyvpn_noise_dh(u8 out[TOYVPN_NOISE_KEY_LEN], const u8 private[TOYVPN_NOISE_KEY_LEN],
		    const u8 public[TOYVPN_NOISE_KEY_LEN])
{
	return curve25519(out, private, public) ? 0 : -EKEYREJECTED;
}

/**
 * toyvpn_noise_write_init - the initiator makes "e, es, s, ss" and the payload
 * @state: becomes the state of this handshake, whatever it was
 * @s: our static key pair
 * @rs: the responder's static public key
 * @ss: DH(s, rs), which does not change from handshake to handshake
 * @e_private: our ephemeral private key, or NULL for a random one; only tests
 *	give one
 * @e: where the ephemeral public key goes
 * @s_enc: where the sealed static public key goes
 * @payload: what to say
 * @payload_len: its bytes
 * @payload_enc: where the sealed payload goes, @payload_len + 16 bytes; may
 *	be @payload
 *
 * Context: Process; two scalar multiplications; waits for the random number
 * generator to be ready.
 * Return: 0, -EKEYREJECTED (a DH gave all zeros) or a negative errno of the
 * crypto API; then @state is wiped.
 */
int toyvpn_noise_write_init(struct toyvpn_noise *state, const struct toyvpn_noise_static *s,
			    const u8 rs[TOYVPN_NOISE_KEY_LEN],
			    const u8 ss[TOYVPN_NOISE_KEY_LEN], const u8 *e_private,
			    u8 e[TOYVPN_NOISE_KEY_LEN],
			    u8 s_enc[TOYVPN_NOISE_KEY_LEN + TOYVPN_NOISE_TAG_LEN],
			    const u8 *payload, size_t payload_len, u8 *payload_enc)
{
	int ret;

	ret = initialize(state, rs) ?:
	      generate_e(state, e_private, e) ?:
	      mix_e(state, e) ?:
	      mix_dh(state, state->e, rs) ?:
	      encrypt_and_hash(state, s_enc, s->public, sizeof(s->public)) ?:
	      mix_key(state, ss, TOYVPN_NOISE_KEY_LEN) ?:
	      encrypt_and_hash(state, payload_enc, payload, payload_len);
	if (ret)
		toyvpn_noise_wipe(state);
	return ret;
}

/**
 * toyvpn_noise_read_init_static - the responder reads "e, es, s"
 * @state: becomes the state of this handshake, whatever it was
 * @s: our static key pair
 * @e: the initiator's ephemeral public key
 * @s_enc: its sealed static public key
 * @rs: where that key goes: it tells who claims to be calling, and is proven
 *	only by toyvpn_noise_read_init_payload()
 *
 * Context: Process; one scalar multiplication.
 * Return: 0, -EBADMSG (does not authenticate), -EKEYREJECTED (the DH gave all
 * zeros) or a negative errno of the crypto API; then @state is wiped.
 */
int toyvpn_noise_read_init_static(struct toyvpn_noise *state,
				  const struct toyvpn_noise_static *s,
				  const u8 e[TOYVPN_NOISE_KEY_LEN],
				  const u8 s_enc[TOYVPN_NOISE_KEY_LEN + TOYVPN_NOISE_TAG_LEN],
				  u8 rs[TOYVPN_NOISE_KEY_LEN])
{
	int ret;

	ret = initialize(state, s->public);
	memcpy(state->re, e, sizeof(state->re));
	ret = ret ?:
	      mix_e(state, e) ?:
	      mix_dh(state, s->private, e) ?:
	      decrypt_and_hash(state, rs, s_enc, TOYVPN_NOISE_KEY_LEN + TOYVPN_NOISE_TAG_LEN);
	if (ret)
		toyvpn_noise_wipe(state);
	return ret;
}

/**
 * toyvpn_noise_read_init_payload - the responder reads "ss" and the payload
 * @state: the state that toyvpn_noise_read_init_static() made
 * @ss: DH(s, rs)
 * @payload_enc: the sealed payload
 * @payload_enc_len: its bytes, the tag's 16 included
 * @payload: where the payload goes, 16 bytes less; may be @payload_enc
 *
 * Context: Process.
 * Return: 0, -EBADMSG (does not authenticate) or a negative errno of the
 * crypto API; then @state is wiped.
 */
int toyvpn_noise_read_init_payload(struct toyvpn_noise *state,
				   const u8 ss[TOYVPN_NOISE_KEY_LEN],
				   const u8 *payload_enc, size_t payload_enc_len, u8 *payload)
{
	int ret;

	ret = mix_key(state, ss, TOYVPN_NOISE_KEY_LEN) ?:
	      decrypt_and_hash(state, payload, payload_enc, payload_enc_len);
	if (ret)
		toyvpn_noise_wipe(state);
	return ret;
}

/**
 * toyvpn_noise_write_resp - the responder makes "e, ee, se, psk" and the payload
 * @state: the state that toyvpn_noise_read_init_payload() left
 * @rs: the initiator's static public key
 * @psk: the pre-shared key, zeros if there is none
 * @e_private: our ephemeral private key, or NULL for a random one; only tests
 *	give one
 * @e: where the ephemeral public key goes
 * @payload: what to say
 * @payload_len: its bytes
 * @payload_enc: where the sealed payload goes, @payload_len + 16 bytes; may
 *	be @payload
 *
 * Context: Process; three scalar multiplications.
 * Return: 0, and @state is ready for toyvpn_noise_split(); -EKEYREJECTED (a DH
 * gave all zeros) or a negative errno of the crypto API; then @state is wiped.
 */
int toyvpn_noise_write_resp(struct toyvpn_noise *state, const u8 rs[TOYVPN_NOISE_KEY_LEN],
			    const u8 psk[TOYVPN_NOISE_KEY_LEN], const u8 *e_private,
			    u8 e[TOYVPN_NOISE_KEY_LEN],
			    const u8 *payload, size_t payload_len, u8 *payload_enc)
{
	int ret;

	ret = generate_e(state, e_private, e) ?:
	      mix_e(state, e) ?:
	      mix_dh(state, state->e, state->re) ?:
	      mix_dh(state, state->e, rs) ?:
	      mix_key_and_hash(state, psk, TOYVPN_NOISE_KEY_LEN) ?:
	      encrypt_and_hash(state, payload_enc, payload, payload_len);
	if (ret)
		toyvpn_noise_wipe(state);
	return ret;
}

/**
 * toyvpn_noise_read_resp - the initiator reads "e, ee, se, psk" and the payload
 * @state: the state that toyvpn_noise_write_init() made
 * @s: our static key pair
 * @psk: the pre-shared key, zeros if there is none
 * @e: the responder's ephemeral public key
 * @payload_enc: the sealed payload
 * @payload_enc_len: its bytes, the tag's 16 included
 * @payload: where the payload goes, 16 bytes less; may be @payload_enc
 *
 * Context: Process; two scalar multiplications.
 * Return: 0, and @state is ready for toyvpn_noise_split(); -EBADMSG (does not
 * authenticate), -EKEYREJECTED (a DH gave all zeros) or a negative errno of the
 * crypto API; then @state is as it was, so that a forged RESP does not keep the
 * true one out.
 */
int toyvpn_noise_read_resp(struct toyvpn_noise *state, const struct toyvpn_noise_static *s,
			   const u8 psk[TOYVPN_NOISE_KEY_LEN],
			   const u8 e[TOYVPN_NOISE_KEY_LEN],
			   const u8 *payload_enc, size_t payload_enc_len, u8 *payload)
{
	struct toyvpn_noise next = *state;
	int ret;

	ret = mix_e(&next, e) ?:
	      mix_dh(&next, next.e, e) ?:
	      mix_dh(&next, s->private, e) ?:
	      mix_key_and_hash(&next, psk, TOYVPN_NOISE_KEY_LEN) ?:
	      decrypt_and_hash(&next, payload, payload_enc, payload_enc_len);
	if (!ret)
		*state = next;
	toyvpn_noise_wipe(&next);
	return ret;
}

/**
 * toyvpn_noise_split - the two keys of the session
 * @state: the state that toyvpn_noise_write_resp() or toyvpn_noise_read_resp()
 *	left; all of it but the handshake hash is wiped
 * @k1: what the initiator sends with; the caller erases it
 * @k2: what the responder sends with; the caller erases it
 *
 * Context: Process or softirq.
 * Return: 0 or a negative errno of the crypto API.
 */
int toyvpn_noise_split(struct toyvpn_noise *state, u8 k1[TOYVPN_NOISE_KEY_LEN],
		       u8 k2[TOYVPN_NOISE_KEY_LEN])
{
	u8 *const out[] = { k1, k2 };
	u8 h[TOYVPN_NOISE_HASH_LEN];
	int ret;

	ret = toyvpn_hkdf(out, ARRAY_SIZE(out), state->ck, NULL, 0);
	memcpy(h, state->h, sizeof(h));
	toyvpn_noise_wipe(state);
	memcpy(state->h, h, sizeof(h));
	return ret;
}

/**
 * toyvpn_noise_wipe - erase a handshake's secrets
 * @state: the state
 *
 * Context: Any.
 */
void toyvpn_noise_wipe(struct toyvpn_noise *state)
{
	memzero_explicit(state, sizeof(*state));
}
