/* SPDX-License-Identifier: GPL-2.0 */
/* The keys, transforms and counters of one session, and how messages name it */
#ifndef TOYVPN_SESSION_H
#define TOYVPN_SESSION_H

#include <linux/refcount.h>
#include <linux/rhashtable-types.h>
#include <linux/types.h>
#include <linux/workqueue.h>

#include "noise.h"
#include "replay.h"

struct crypto_aead;
struct toyvpn_data;
struct toyvpn_inbox;
struct toyvpn_peer;

#define TOYVPN_NONCE_LEN	12

/**
 * struct toyvpn_id - our name for a session or a handshake: an index
 * @node: in the device's table
 * @index: random, unique on the device
 * @is_session: it is the id of a struct toyvpn_session, not of a handshake
 * @peer: whose it is; found under RCU, no reference
 */
struct toyvpn_id {
	struct rhash_head node;
	u32 index;
	bool is_session;
	struct toyvpn_peer *peer;
};

/**
 * struct toyvpn_session - one session
 * @id: our name for it, by which the peer's messages find it
 * @remote: the peer's name for it
 * @cipher: enum toyvpn_cipher
 * @initiator: our INIT made it
 * @crossed: it was not, and this is the index of an INIT of ours that was under way
 *	then; 0 for none
 * @birth: ns of boot time
 * @send: what we encrypt with; NULL: the kernel's library does it, with @send_key
 * @receive: what we decrypt with, likewise
 * @send_key: of ChaCha20-Poly1305, else empty
 * @receive_key: likewise
 * @counter: of the next message that we send
 * @replay: what was received
 * @claim: on which CPU the last of its messages arrived that became part of a job,
 *	plus 1, in the upper half, and the number of that in the lower one; or 0
 * @ref: one of the peer, one of each batch under way
 * @end: frees it, after a grace period
 */
struct toyvpn_session {
	struct toyvpn_id id;
	__le32 remote;
	u8 cipher;
	bool initiator;
	u32 crossed;
	u64 birth;
	struct crypto_aead *send;
	struct crypto_aead *receive;
	u8 send_key[TOYVPN_NOISE_KEY_LEN];
	u8 receive_key[TOYVPN_NOISE_KEY_LEN];
	atomic64_t counter ____cacheline_aligned_in_smp;
	struct toyvpn_replay replay ____cacheline_aligned_in_smp;
	atomic64_t claim;
	refcount_t ref;
	struct rcu_work end;
};

int toyvpn_ids_init(struct rhashtable *ids);
int toyvpn_id_add(struct rhashtable *ids, struct toyvpn_id *id);
void toyvpn_id_remove(struct rhashtable *ids, struct toyvpn_id *id);
struct toyvpn_id *toyvpn_id_find(struct rhashtable *ids, u32 index);

int toyvpn_sessions_init(void);
void toyvpn_sessions_exit(void);
void toyvpn_sessions_flush(void);
bool toyvpn_cipher_known(u8 cipher);
unsigned int toyvpn_ciphers_default(u8 *ciphers);
struct toyvpn_session *toyvpn_session_new(u8 cipher, bool initiator, __le32 remote,
					  const u8 send_key[TOYVPN_NOISE_KEY_LEN],
					  const u8 receive_key[TOYVPN_NOISE_KEY_LEN]);
bool toyvpn_session_get(struct toyvpn_session *session);
void toyvpn_session_put(struct toyvpn_session *session);
bool toyvpn_session_alive(const struct toyvpn_session *session, u64 now);
bool toyvpn_session_wants_rekey(const struct toyvpn_session *session, u64 now);
int toyvpn_session_reserve(struct toyvpn_session *session, unsigned int n, u64 *first);
void toyvpn_session_nonce(u64 counter, u8 nonce[TOYVPN_NONCE_LEN]);
void toyvpn_session_seal(const struct toyvpn_session *session, struct toyvpn_data *data,
			 size_t len, u64 counter);
int toyvpn_session_open(const struct toyvpn_session *session, u8 *packet,
			const struct toyvpn_data *data, size_t len, u64 counter);

#endif /* TOYVPN_SESSION_H */
