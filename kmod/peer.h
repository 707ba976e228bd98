/* SPDX-License-Identifier: GPL-2.0 */
/* A peer: everything we know of one other side, and how long it lives */
#ifndef TOYVPN_PEER_H
#define TOYVPN_PEER_H

#include <linux/in.h>
#include <linux/in6.h>
#include <linux/kref.h>
#include <linux/mutex.h>
#include <linux/rhashtable-types.h>
#include <linux/seqlock.h>
#include <linux/skbuff.h>
#include <linux/timer.h>
#include <linux/workqueue.h>
#include <net/dst_cache.h>
#include <uapi/linux/toyvpn.h>

#include "blob.h"
#include "cookie.h"
#include "noise.h"
#include "routes.h"
#include "session.h"
#include "spread.h"
#include "timers.h"
#include "tlv.h"

struct toyvpn_device;

/**
 * struct toyvpn_endpoint - where a peer is, and from where we talk to it
 * @addr: family AF_UNSPEC: not known
 * @addr4: IPv4
 * @addr6: IPv6
 * @src4: our address that it talked to, 0 for any
 * @src6: likewise
 * @src_if: where that was, for IPv4; 0 for any
 */
struct toyvpn_endpoint {
	union {
		struct sockaddr addr;
		struct sockaddr_in addr4;
		struct sockaddr_in6 addr6;
	};
	union {
		struct in_addr src4;
		struct in6_addr src6;
	};
	int src_if;
};

/**
 * struct toyvpn_handshake - a peer's handshakes
 * @lock: guards the rest but @id.node, and serialises the handshake events of
 *	the peer's timers. Taken inside the device's identity_lock
 * @id: our index in the INIT that is under way; index 0: none is
 * @noise: state after that INIT
 * @psk: pre-shared key, zeros for none
 * @ss: DH of both static keys, if @ss_generation is the device's
 * @ss_generation: which of our identities @ss belongs to; 0: none
 * @timestamp: of the newest INIT that the peer sent
 * @consumed: when that was, ns of boot time
 * @answered: something came back for our last INIT
 * @config: what goes into each RESP, or NULL
 * @credentials: what goes into each INIT, or NULL
 * @received: what the peer's last RESP brought, or NULL
 */
struct toyvpn_handshake {
	struct mutex lock;	/* all of this */
	struct toyvpn_id id;
	struct toyvpn_noise noise;
	u8 psk[TOYVPN_NOISE_KEY_LEN];
	u8 ss[TOYVPN_NOISE_KEY_LEN];
	u32 ss_generation;
	u8 timestamp[TOYVPN_TLV_TIMESTAMP_LEN];
	u64 consumed;
	bool answered;
	struct toyvpn_blob *config;
	struct toyvpn_blob *credentials;
	struct toyvpn_blob *received;
};

/**
 * struct toyvpn_status - what a user wants to know of a peer
 * @state: its state
 * @reason: why there is no session
 * @cipher: of the session that is sent on, or none
 * @last_handshake: when the newest session began, ns since 1970; 0: never
 * @since: when it came into that state, likewise
 */
struct toyvpn_status {
	enum toyvpn_peer_state state;
	enum toyvpn_reason reason;
	enum toyvpn_cipher cipher;
	u64 last_handshake;
	u64 since;
};

/* What the peer's work item is asked for: bits of toyvpn_peer.wanted */
enum toyvpn_peer_wanted {
	TOYVPN_WANT_TIMERS,
	TOYVPN_WANT_HANDSHAKE,
	TOYVPN_WANT_KEEPALIVE,
	TOYVPN_WANT_FLUSH,
	TOYVPN_WANT_CONNECT,
	/* User space is to be told of: */
	TOYVPN_WANT_TELL_STATE,
	TOYVPN_WANT_TELL_ENDPOINT,
	TOYVPN_WANT_TELL_CONFIG,
};

/**
 * struct toyvpn_peer - one peer
 * @device: its device; outlives it
 * @node: in the device's table by public key
 * @public_key: who it is
 * @number: its place in dumps
 * @routes: its allowed IPs
 * @ref: one of the device, one of each work item, handshake and batch under way
 * @rcu: frees it
 * @dead: removed; nothing is started for it any more
 * @next_removed: the next of those that are removed together
 * @session_lock: guards the session pointers; bottom halves off
 * @current_session: what we send on (read under RCU)
 * @next: made by the peer's INIT, not confirmed by data yet (RCU)
 * @previous: newest first; still valid for receiving, where they are found by their
 *	index. If both sides begin a handshake at once, each may send on a session of
 *	its own; three, since both may begin the next one at once as well
 * @endpoint_lock: guards @endpoint; writers with bottom halves off
 * @endpoint: where it is
 * @dst_cache: route to there, a CPU
 * @queue: packets that wait for a session; its lock guards @queue_bytes too
 * @queue_bytes: their memory
 * @lane: batches on their way out, while other CPUs have some of them
 * @lane_work: ends those that are done, on the CPU that they began on
 * @timers: what it waits for
 * @jitter: ns, random: two sides that wait for the same do not end that at once
 * @timer: fires at the next deadline, or before
 * @work: does what is due
 * @wanted: enum toyvpn_peer_wanted
 * @told_state: what user space was told last; the work item writes it
 * @told_since: when that changed, ns since 1970; likewise
 * @told_reason: with the state; the work item's own
 * @endpoint_told: when it was told of @endpoint, ns of boot time; likewise
 * @handshake: its handshakes
 * @cookie: what it sends us when it is under load
 * @rx_bytes: UDP payload received and authenticated
 * @tx_bytes: UDP payload sent
 * @last_handshake: when the newest session began, ns since 1970; 0: never
 * @persistent: seconds, as configured
 * @reason: enum toyvpn_reason: what went wrong last
 */
struct toyvpn_peer {
	struct toyvpn_device *device;
	struct rhash_head node;
	u8 public_key[TOYVPN_NOISE_KEY_LEN];
	u32 number;
	struct toyvpn_routes_owner routes;
	struct kref ref;
	struct rcu_head rcu;
	bool dead;
	struct toyvpn_peer *next_removed;

	spinlock_t session_lock;	/* the session pointers */
	struct toyvpn_session __rcu *current_session;
	struct toyvpn_session __rcu *next;
	struct toyvpn_session *previous[3];

	seqlock_t endpoint_lock;
	struct toyvpn_endpoint endpoint;
	struct dst_cache dst_cache;

	struct sk_buff_head queue;
	unsigned int queue_bytes;
	struct toyvpn_lane lane;
	struct work_struct lane_work;

	struct toyvpn_timers timers;
	u32 jitter;
	struct timer_list timer;
	struct work_struct work;
	unsigned long wanted;
	u64 told_since;
	u64 endpoint_told;
	u8 told_state;
	u8 told_reason;

	struct toyvpn_handshake handshake;
	struct toyvpn_cookie cookie;

	atomic64_t rx_bytes;
	atomic64_t tx_bytes;
	u64 last_handshake;
	u16 persistent;
	u8 reason;
};

int toyvpn_peers_init(struct toyvpn_device *tv);
void toyvpn_peers_destroy(struct toyvpn_device *tv);
struct toyvpn_peer *toyvpn_peer_new(struct toyvpn_device *tv,
				    const u8 public_key[TOYVPN_NOISE_KEY_LEN]);
int toyvpn_peer_add(struct toyvpn_peer *peer);
void toyvpn_peer_remove(struct toyvpn_peer *peer);
void toyvpn_peer_remove_all(struct toyvpn_device *tv);
struct toyvpn_peer *toyvpn_peer_find(struct toyvpn_device *tv,
				     const u8 public_key[TOYVPN_NOISE_KEY_LEN]);
bool toyvpn_peer_get(struct toyvpn_peer *peer);
void toyvpn_peer_put(struct toyvpn_peer *peer);

void toyvpn_peer_want(struct toyvpn_peer *peer, enum toyvpn_peer_wanted what);
void toyvpn_peer_want_later(struct toyvpn_peer *peer, enum toyvpn_peer_wanted what, u64 at);
void toyvpn_peer_want_handshake(struct toyvpn_peer *peer);
void toyvpn_peer_want_flush(struct toyvpn_peer *peer);
void toyvpn_peer_traffic(struct toyvpn_peer *peer, enum toyvpn_timers_event event, u64 now);
void toyvpn_peer_event(struct toyvpn_peer *peer, enum toyvpn_timers_event event);
void toyvpn_peer_arm(struct toyvpn_peer *peer);

bool toyvpn_peer_add_session(struct toyvpn_peer *peer, struct toyvpn_session *session);
void toyvpn_peer_ready(struct toyvpn_peer *peer, const struct toyvpn_session *session);
bool toyvpn_peer_confirm_session(struct toyvpn_peer *peer, struct toyvpn_session *session);
bool toyvpn_peer_accepts(struct toyvpn_peer *peer, const u8 *ciphers, size_t count);
void toyvpn_peer_erase_sessions(struct toyvpn_peer *peer);
void toyvpn_peer_erase(struct toyvpn_peer *peer);
void toyvpn_peer_forget_identity(struct toyvpn_peer *peer);
void toyvpn_peer_end_handshake(struct toyvpn_peer *peer);
void toyvpn_peer_set_received(struct toyvpn_peer *peer, struct toyvpn_blob *received);

void toyvpn_peer_set_endpoint(struct toyvpn_peer *peer, const struct toyvpn_endpoint *endpoint);
void toyvpn_peer_get_endpoint(struct toyvpn_peer *peer, struct toyvpn_endpoint *endpoint,
			      unsigned int *seq);
void toyvpn_peer_forget_source(struct toyvpn_peer *peer);
void toyvpn_peer_forget_route(struct toyvpn_peer *peer);

void toyvpn_peer_queue(struct toyvpn_peer *peer, struct sk_buff_head *packets);
void toyvpn_peer_dequeue(struct toyvpn_peer *peer, struct sk_buff_head *packets);
void toyvpn_peer_drop_queue(struct toyvpn_peer *peer);

void toyvpn_peer_status(struct toyvpn_peer *peer, struct toyvpn_status *status);
void toyvpn_peer_set_reason(struct toyvpn_peer *peer, enum toyvpn_reason reason);

#endif /* TOYVPN_PEER_H */
