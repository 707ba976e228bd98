// SPDX-License-Identifier: GPL-2.0
#include <crypto/aead.h>
#include <linux/err.h>
#include <linux/random.h>
#include <linux/rhashtable.h>
#include <linux/slab.h>
#include <linux/ktime.h>
#include <uapi/linux/toyvpn.h>

#include "compat.h"
#include "message.h"
#include "session.h"

static const char *const cipher_algs[] = {
	[TOYVPN_CIPHER_AES_256_GCM]		= "gcm(aes)",
	[TOYVPN_CIPHER_CHACHA20_POLY1305]	= "rfc7539(chacha20,poly1305)",
};

/*
 * One transform of each for the life of the module: then the algorithms are
 * loaded when the first handshake needs them, and we know which there are.
 */
static struct crypto_aead *cipher_pins[ARRAY_SIZE(cipher_algs)];

/* What is made of generic parts has less, what uses the CPU's instructions more */
#define FAST_PRIORITY	300

/* The indexes that are in the table are random: they are their own hash */
static u32 id_hash(const void *index, u32 len, u32 seed)
{
	return *(const u32 *)index ^ seed;
}

static const struct rhashtable_params id_params = {
	.head_offset = offsetof(struct toyvpn_id, node),
	.key_offset = offsetof(struct toyvpn_id, index),
	.key_len = sizeof_field(struct toyvpn_id, index),
	.hashfn = id_hash,
	.automatic_shrinking = true,
};

/**
 * toyvpn_ids_init() - an empty table of ids
 * @ids: the table; rhashtable_destroy() ends it
 *
 * Return: 0 or -ENOMEM.
 */
int toyvpn_ids_init(struct rhashtable *ids)
{
	return rhashtable_init(ids, &id_params);
}

/**
 * toyvpn_id_add() - gives an id a new random index and makes it findable
 * @ids: the device's table
 * @id: not in the table; its other fields are set
 *
 * With an index other than 0 already set, just that one is taken. Any context.
 *
 * Return: 0 or a negative errno of the table's memory.
 */
int toyvpn_id_add(struct rhashtable *ids, struct toyvpn_id *id)
{
	bool fixed = id->index;
	int err;

	do {
		if (!fixed)
			id->index = get_random_u32();
		err = -EEXIST;
		/* The plain insertion would not look for another with the index */
		if (id->index)
			err = rhashtable_lookup_insert_fast(ids, &id->node, id_params);
	} while (err == -EEXIST && !fixed);
	if (err && !fixed)
		id->index = 0;
	return err;
}

/**
 * toyvpn_id_remove() - makes an id findable no longer
 * @ids: the device's table
 * @id: may be absent from it
 *
 * Who found it before may use it until the end of its RCU read side.
 */
void toyvpn_id_remove(struct rhashtable *ids, struct toyvpn_id *id)
{
	if (id->index)
		rhashtable_remove_fast(ids, &id->node, id_params);
}

/**
 * toyvpn_id_find() - what an index names
 * @ids: the device's table
 * @index: as it stands in a message, in the machine's order
 *
 * The caller holds the RCU read lock.
 *
 * Return: the id, without a reference, or NULL.
 */
struct toyvpn_id *toyvpn_id_find(struct rhashtable *ids, u32 index)
{
	return rhashtable_lookup(ids, &index, id_params);
}

/**
 * toyvpn_ciphers_init() - finds out which ciphers this kernel has
 *
 * Process context, at module load; toyvpn_ciphers_exit() ends it.
 *
 * Return: 0, -ENOMEM, or the errno of the last one if there is none; then
 * nothing is held.
 */
int toyvpn_ciphers_init(void)
{
	int err = -ENOENT;
	bool any = false;
	unsigned int i;

	for (i = 0; i < ARRAY_SIZE(cipher_algs); i++) {
		struct crypto_aead *aead;

		if (!cipher_algs[i])
			continue;
		aead = crypto_alloc_aead(cipher_algs[i], 0, 0);
		if (IS_ERR(aead)) {
			err = PTR_ERR(aead);
			/* That says nothing about the kernel */
			if (err == -ENOMEM) {
				toyvpn_ciphers_exit();
				return err;
			}
			pr_warn("toyvpn: this kernel has no %s (%d)\n", cipher_algs[i], err);
			continue;
		}
		cipher_pins[i] = aead;
		any = true;
	}
	return any ? 0 : err;
}

/**
 * toyvpn_ciphers_exit() - lets go of the ciphers
 */
void toyvpn_ciphers_exit(void)
{
	unsigned int i;

	for (i = 0; i < ARRAY_SIZE(cipher_pins); i++) {
		if (cipher_pins[i])
			crypto_free_aead(cipher_pins[i]);
		cipher_pins[i] = NULL;
	}
}

/**
 * toyvpn_cipher_known() - whether we have a cipher
 * @cipher: an id on the wire
 *
 * Return: true if it is one of enum toyvpn_cipher, other than none, and this
 * kernel has it.
 */
bool toyvpn_cipher_known(u8 cipher)
{
	return cipher < ARRAY_SIZE(cipher_pins) && cipher_pins[cipher];
}

static bool cipher_fast(u8 cipher)
{
	return toyvpn_cipher_known(cipher) &&
	       crypto_aead_alg(cipher_pins[cipher])->base.cra_priority >= FAST_PRIORITY;
}

/**
 * toyvpn_ciphers_default() - all that we have, best first
 * @ciphers: room for TOYVPN_CIPHERS_MAX
 *
 * AES where the CPU has instructions for it, else ChaCha20, which does without.
 *
 * Return: how many.
 */
unsigned int toyvpn_ciphers_default(u8 *ciphers)
{
	static const u8 with_aes[] = {
		TOYVPN_CIPHER_AES_256_GCM, TOYVPN_CIPHER_CHACHA20_POLY1305,
	};
	static const u8 without_aes[] = {
		TOYVPN_CIPHER_CHACHA20_POLY1305, TOYVPN_CIPHER_AES_256_GCM,
	};
	const u8 *order = cipher_fast(TOYVPN_CIPHER_AES_256_GCM) ? with_aes : without_aes;
	unsigned int i, n = 0;

	for (i = 0; i < ARRAY_SIZE(with_aes); i++) {
		if (toyvpn_cipher_known(order[i]))
			ciphers[n++] = order[i];
	}
	return n;
}

static struct crypto_aead *new_aead(u8 cipher, const u8 *key)
{
	struct crypto_aead *aead;
	int err;

	/*
	 * Asynchronous ones as well: on x86 the transforms that use AES-NI count
	 * as such in older kernels, and the synchronous ones are slow.
	 */
	aead = crypto_alloc_aead(cipher_algs[cipher], 0, 0);
	if (IS_ERR(aead))
		return aead;
	err = crypto_aead_setkey(aead, key, TOYVPN_NOISE_KEY_LEN);
	if (!err)
		err = crypto_aead_setauthsize(aead, TOYVPN_TAG_LEN);
	if (err) {
		crypto_free_aead(aead);
		return ERR_PTR(err);
	}
	return aead;
}

/**
 * toyvpn_session_new() - makes a session
 * @cipher: one that toyvpn_cipher_known() knows
 * @initiator: our INIT made it
 * @remote: the peer's index
 * @send_key: key of our direction
 * @receive_key: key of the other one
 *
 * Process context, may sleep. The caller wipes the keys.
 *
 * Return: the session, one reference, not in a table yet; or an ERR_PTR().
 */
struct toyvpn_session *toyvpn_session_new(u8 cipher, bool initiator, __le32 remote,
					  const u8 send_key[TOYVPN_NOISE_KEY_LEN],
					  const u8 receive_key[TOYVPN_NOISE_KEY_LEN])
{
	struct toyvpn_session *session;
	int err;

	session = kzalloc_obj(*session, GFP_KERNEL);
	if (!session)
		return ERR_PTR(-ENOMEM);
	session->id.is_session = true;
	session->remote = remote;
	session->cipher = cipher;
	session->initiator = initiator;
	session->birth = ktime_get_coarse_boottime_ns();
	refcount_set(&session->ref, 1);
	toyvpn_replay_init(&session->replay);

	session->send = new_aead(cipher, send_key);
	if (IS_ERR(session->send)) {
		err = PTR_ERR(session->send);
		goto err_session;
	}
	session->receive = new_aead(cipher, receive_key);
	if (IS_ERR(session->receive)) {
		err = PTR_ERR(session->receive);
		goto err_send;
	}
	return session;

err_send:
	crypto_free_aead(session->send);
err_session:
	kfree(session);
	return ERR_PTR(err);
}

/* The transforms wipe their keys themselves */
static void session_free(struct rcu_head *rcu)
{
	struct toyvpn_session *session = container_of(rcu, struct toyvpn_session, rcu);

	crypto_free_aead(session->send);
	crypto_free_aead(session->receive);
	kfree_sensitive(session);
}

/**
 * toyvpn_session_get() - takes a reference
 * @session: found under RCU
 *
 * Return: false if it is on its way out.
 */
bool toyvpn_session_get(struct toyvpn_session *session)
{
	return refcount_inc_not_zero(&session->ref);
}

/**
 * toyvpn_session_put() - gives a reference back
 * @session: may be NULL
 *
 * The last one erases the keys after a grace period. Any context.
 */
void toyvpn_session_put(struct toyvpn_session *session)
{
	if (session && refcount_dec_and_test(&session->ref))
		call_rcu(&session->rcu, session_free);
}

/* Signed: a session can be younger than the time that its user took before */
static s64 age(const struct toyvpn_session *session, u64 now)
{
	return now - session->birth;
}

/**
 * toyvpn_session_alive() - whether it may still send and receive
 * @session: any
 * @now: ns of boot time
 *
 * Return: false once it is REJECT_AFTER_TIME or REJECT_AFTER_MESSAGES old.
 */
bool toyvpn_session_alive(const struct toyvpn_session *session, u64 now)
{
	return age(session, now) < (s64)TOYVPN_REJECT_AFTER_TIME &&
	       (u64)atomic64_read(&session->counter) < TOYVPN_REJECT_AFTER_MESSAGES;
}

/**
 * toyvpn_session_wants_rekey() - whether who sends on it should start a handshake
 * @session: any
 * @now: ns of boot time
 *
 * Return: true once it is REKEY_AFTER_TIME old and ours, or has carried
 * REKEY_AFTER_MESSAGES.
 */
bool toyvpn_session_wants_rekey(const struct toyvpn_session *session, u64 now)
{
	if (session->initiator && age(session, now) >= (s64)TOYVPN_REKEY_AFTER_TIME)
		return true;
	return (u64)atomic64_read(&session->counter) >= TOYVPN_REKEY_AFTER_MESSAGES ||
	       READ_ONCE(session->replay.next) >= TOYVPN_REKEY_AFTER_MESSAGES;
}

/**
 * toyvpn_session_reserve() - takes the counters for some messages
 * @session: the one to send on
 * @n: how many
 * @first: the first of them
 *
 * Return: 0, or -EKEYEXPIRED if the session has not that many left.
 */
int toyvpn_session_reserve(struct toyvpn_session *session, unsigned int n, u64 *first)
{
	*first = atomic64_fetch_add(n, &session->counter);
	return *first + n > TOYVPN_REJECT_AFTER_MESSAGES ? -EKEYEXPIRED : 0;
}

/**
 * toyvpn_session_nonce() - the nonce of a message
 * @session: whose cipher decides the byte order
 * @counter: of the message
 * @nonce: where it goes
 *
 * Section 3 of PROTOCOL.md; RFC 5116 for GCM, RFC 8439 for ChaCha20-Poly1305.
 */
void toyvpn_session_nonce(const struct toyvpn_session *session, u64 counter,
			  u8 nonce[TOYVPN_NONCE_LEN])
{
	__be64 be = cpu_to_be64(counter);
	__le64 le = cpu_to_le64(counter);

	memset(nonce, 0, 4);
	if (session->cipher == TOYVPN_CIPHER_AES_256_GCM)
		memcpy(nonce + 4, &be, sizeof(be));
	else
		memcpy(nonce + 4, &le, sizeof(le));
}
