// SPDX-License-Identifier: GPL-2.0
#include <crypto/aead.h>
#include <crypto/chacha20poly1305.h>
#include <linux/err.h>
#include <linux/random.h>
#include <linux/rhashtable.h>
#include <linux/slab.h>
#include <linux/ktime.h>
#include <uapi/linux/toyvpn.h>

#include "compat.h"
#include "message.h"
#include "session.h"

/*
 * ChaCha20-Poly1305 is called in the kernel's library, which has it for each CPU
 * as fast as the crypto API, but for what the API costs a message: with 1,420
 * bytes that was 7 % of it. AES-256-GCM is fast in the API alone.
 */
#define AES_ALG	"gcm(aes)"

/*
 * One transform for the life of the module: then the algorithm is loaded when
 * the first handshake needs it, and we know whether there is one.
 */
static struct crypto_aead *aes_pin;

/*
 * Frees sessions: some engines sleep when their transform is freed, and callbacks
 * of RCU must not. One after another: a hundred thousand can end at once.
 */
static struct workqueue_struct *reaper;

/* What is made of generic parts has less, what uses the CPU's instructions more */
#define FAST_PRIORITY	300

/* A live initiator has renewed its session by then */
#define CROSSED_TIME	(2 * TOYVPN_KEEPALIVE_TIMEOUT)

/* The indexes that are in the table are random: they are their own hash */
static u32 id_hash(const void *index, u32 len, u32 seed)
{
	return *(const u32 *)index ^ seed;
}

/* A handshake's id has its index taken, and gets another, while a look-up may still be at it */
static int id_differs(struct rhashtable_compare_arg *arg, const void *object)
{
	const struct toyvpn_id *id = object;

	return READ_ONCE(id->index) != *(const u32 *)arg->key;
}

static const struct rhashtable_params id_params = {
	.head_offset = offsetof(struct toyvpn_id, node),
	.key_offset = offsetof(struct toyvpn_id, index),
	.key_len = sizeof_field(struct toyvpn_id, index),
	.hashfn = id_hash,
	.obj_cmpfn = id_differs,
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
			WRITE_ONCE(id->index, get_random_u32());
		err = -EEXIST;
		/* The plain insertion would not look for another with the index */
		if (id->index)
			err = rhashtable_lookup_insert_fast(ids, &id->node, id_params);
	} while (err == -EEXIST && !fixed);
	if (err && !fixed)
		WRITE_ONCE(id->index, 0);
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

/*
 * Asynchronous ones as well: on x86 the transforms that use AES-NI count as such
 * in older kernels, and the synchronous ones are slow. But none of an engine's:
 * messages lie beside each other, and what writes memory behind the processor's
 * caches would take neighbours along that are in the same line.
 */
static struct crypto_aead *alloc_aes(void)
{
	return crypto_alloc_aead(AES_ALG, 0, CRYPTO_ALG_KERN_DRIVER_ONLY);
}

/**
 * toyvpn_sessions_init() - makes ready for sessions: which ciphers this kernel has
 *
 * Process context, at module load; toyvpn_sessions_exit() ends it.
 *
 * Return: 0 or -ENOMEM; then nothing is held.
 */
int toyvpn_sessions_init(void)
{
	struct crypto_aead *aead;

	reaper = alloc_workqueue("toyvpn-sessions", WQ_UNBOUND, 1);
	if (!reaper)
		return -ENOMEM;
	aead = alloc_aes();
	if (!IS_ERR(aead)) {
		aes_pin = aead;
		return 0;
	}
	/* That says nothing about the kernel */
	if (PTR_ERR(aead) == -ENOMEM) {
		destroy_workqueue(reaper);
		return -ENOMEM;
	}
	pr_warn("toyvpn: this kernel has no %s (%ld)\n", AES_ALG, PTR_ERR(aead));
	return 0;
}

/**
 * toyvpn_sessions_exit() - frees what toyvpn_sessions_init() made
 *
 * Process context; waits until the last session is gone. Nobody has one any more.
 */
void toyvpn_sessions_exit(void)
{
	rcu_barrier();
	destroy_workqueue(reaper);
	if (aes_pin)
		crypto_free_aead(aes_pin);
	aes_pin = NULL;
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
	return cipher == TOYVPN_CIPHER_CHACHA20_POLY1305 ||
	       (cipher == TOYVPN_CIPHER_AES_256_GCM && aes_pin);
}

static bool aes_is_fast(void)
{
	return aes_pin && crypto_aead_alg(aes_pin)->base.cra_priority >= FAST_PRIORITY;
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
	const u8 *order = aes_is_fast() ? with_aes : without_aes;
	unsigned int i, n = 0;

	for (i = 0; i < ARRAY_SIZE(with_aes); i++) {
		if (toyvpn_cipher_known(order[i]))
			ciphers[n++] = order[i];
	}
	return n;
}

static struct crypto_aead *new_aead(const u8 *key)
{
	struct crypto_aead *aead;
	int err;

	aead = alloc_aes();
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

/* The transforms wipe their keys themselves */
static void session_free(struct work_struct *work)
{
	struct toyvpn_session *session = container_of(to_rcu_work(work), struct toyvpn_session,
						      end);

	if (session->send) {
		crypto_free_aead(session->send);
		crypto_free_aead(session->receive);
	}
	kfree_sensitive(session);
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
	INIT_RCU_WORK(&session->end, session_free);
	toyvpn_replay_init(&session->replay);

	if (cipher == TOYVPN_CIPHER_CHACHA20_POLY1305) {
		memcpy(session->send_key, send_key, sizeof(session->send_key));
		memcpy(session->receive_key, receive_key, sizeof(session->receive_key));
		return session;
	}
	session->send = new_aead(send_key);
	if (IS_ERR(session->send)) {
		err = PTR_ERR(session->send);
		goto err_session;
	}
	session->receive = new_aead(receive_key);
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
		queue_rcu_work(reaper, &session->end);
}

/**
 * toyvpn_sessions_flush() - waits until no key is left of what ended
 *
 * Of the sessions whose last reference was given back before. Process context; sleeps.
 */
void toyvpn_sessions_flush(void)
{
	rcu_barrier();
	flush_workqueue(reaper);
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
 * REKEY_AFTER_MESSAGES. Of two that crossed, the other side may wait for us to
 * renew the other one: so also if that should have happened a while ago.
 */
bool toyvpn_session_wants_rekey(const struct toyvpn_session *session, u64 now)
{
	if (session->initiator && age(session, now) >= (s64)TOYVPN_REKEY_AFTER_TIME)
		return true;
	if (session->crossed && age(session, now) >= (s64)(TOYVPN_REKEY_AFTER_TIME + CROSSED_TIME))
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
 * toyvpn_session_nonce() - the nonce of a message, for AES-256-GCM
 * @counter: of the message
 * @nonce: where it goes
 *
 * Section 3 of PROTOCOL.md; RFC 5116.
 */
void toyvpn_session_nonce(u64 counter, u8 nonce[TOYVPN_NONCE_LEN])
{
	memset(nonce, 0, 4);
	put_unaligned_be64(counter, nonce + 4);
}

/**
 * toyvpn_session_seal() - encrypts a data message, in place, at once
 * @session: one without a transform
 * @data: the message: its header, the packet, room for the tag
 * @len: of the packet
 * @counter: of the message, never used before
 *
 * Any context that may use vector instructions or not. RFC 8439; the library
 * makes the nonce that section 3 of PROTOCOL.md has: zeros, then the counter.
 */
void toyvpn_session_seal(const struct toyvpn_session *session, struct toyvpn_data *data,
			 size_t len, u64 counter)
{
	chacha20poly1305_encrypt(data->encrypted, data->encrypted, len, (const u8 *)data,
				 sizeof(*data), counter, session->send_key);
}

/**
 * toyvpn_session_open() - decrypts a data message, at once
 * @session: one without a transform
 * @packet: where the packet goes; @data->encrypted, or apart from it
 * @data: the message
 * @len: of what is encrypted, with its tag
 * @counter: of the message
 *
 * Return: 0, or -EBADMSG if it is not authentic; then @packet says nothing.
 */
int toyvpn_session_open(const struct toyvpn_session *session, u8 *packet,
			const struct toyvpn_data *data, size_t len, u64 counter)
{
	return chacha20poly1305_decrypt(packet, data->encrypted, len, (const u8 *)data,
					sizeof(*data), counter, session->receive_key) ?
	       0 : -EBADMSG;
}
