// SPDX-License-Identifier: GPL-2.0
#include <linux/log2.h>
#include <linux/math.h>
#include <linux/random.h>
#include <linux/rhashtable.h>
#include <linux/slab.h>
#include <linux/wait_bit.h>
#include <linux/ktime.h>
#include <net/ipv6.h>

#include "compat.h"
#include "message.h"
#include "peer.h"
#include "toyvpn.h"

/* Up to here a kernel timer expires to the jiffy */
#define EXACT_JIFFIES	62

static const struct rhashtable_params peer_params = {
	.head_offset = offsetof(struct toyvpn_peer, node),
	.key_offset = offsetof(struct toyvpn_peer, public_key),
	.key_len = TOYVPN_NOISE_KEY_LEN,
	.automatic_shrinking = true,
};

/**
 * toyvpn_peers_init() - makes the tables of peers and ids of a device
 * @tv: device that nobody else sees yet
 *
 * Return: 0 or -ENOMEM.
 */
int toyvpn_peers_init(struct toyvpn_device *tv)
{
	int err;

	xa_init_flags(&tv->peers_by_number, XA_FLAGS_ALLOC);
	err = rhashtable_init(&tv->peers, &peer_params);
	if (err)
		return err;
	err = toyvpn_ids_init(&tv->ids);
	if (err)
		rhashtable_destroy(&tv->peers);
	return err;
}

/**
 * toyvpn_peers_destroy() - frees what toyvpn_peers_init() made
 * @tv: device; its peers were removed, and nobody uses the tables or can start to
 *
 * Process context; waits until the memory of the last peer is gone.
 */
void toyvpn_peers_destroy(struct toyvpn_device *tv)
{
	wait_var_event(&tv->alive, !atomic_read(&tv->alive));
	rcu_barrier();

	rhashtable_destroy(&tv->ids);
	rhashtable_destroy(&tv->peers);
	xa_destroy(&tv->peers_by_number);
}

/* Softirq. A peer whose timer runs is not freed before the RCU read side ends */
static void peer_timer(struct timer_list *timer)
{
	struct toyvpn_peer *peer = timer_container_of(peer, timer, timer);

	/* With that of arm(): who saw the timer pending has set what is read now */
	smp_mb();
	rcu_read_lock();
	if (!READ_ONCE(peer->wanted) &&
	    toyvpn_timers_next(&peer->timers) > ktime_get_coarse_boottime_ns())
		toyvpn_peer_arm(peer);
	else
		toyvpn_peer_want(peer, TOYVPN_WANT_TIMERS);
	rcu_read_unlock();
}

/**
 * toyvpn_peer_new() - makes a peer that nobody finds yet
 * @tv: its device
 * @public_key: who it is
 *
 * Process context. toyvpn_peer_add() makes it findable, toyvpn_peer_put() ends
 * it if that does not come to pass.
 *
 * Return: the peer, one reference, or NULL without memory.
 */
struct toyvpn_peer *toyvpn_peer_new(struct toyvpn_device *tv,
				    const u8 public_key[TOYVPN_NOISE_KEY_LEN])
{
	struct toyvpn_peer *peer;

	peer = kzalloc_obj(*peer, TOYVPN_GFP_MANY);
	if (!peer)
		return NULL;
	if (dst_cache_init(&peer->dst_cache, GFP_KERNEL_ACCOUNT)) {
		kfree(peer);
		return NULL;
	}
	peer->device = tv;
	peer->told_state = TOYVPN_PEER_STATE_DISCONNECTED;
	peer->told_since = ktime_get_real_ns();
	memcpy(peer->public_key, public_key, TOYVPN_NOISE_KEY_LEN);
	toyvpn_routes_owner_init(&peer->routes);
	kref_init(&peer->ref);
	spin_lock_init(&peer->session_lock);
	seqlock_init(&peer->endpoint_lock);
	skb_queue_head_init(&peer->queue);
	toyvpn_lane_init(&peer->lane);
	timer_setup(&peer->timer, peer_timer, 0);
	INIT_WORK(&peer->work, tv->peer_work);
	INIT_WORK(&peer->lane_work, tv->lane_work);
	mutex_init(&peer->handshake.lock);
	peer->handshake.id.peer = peer;
	toyvpn_cookie_init(&peer->cookie);
	atomic_inc(&tv->alive);
	return peer;
}

/**
 * toyvpn_peer_add() - makes a peer findable
 * @peer: of toyvpn_peer_new(); its reference goes to the device
 *
 * The device's lock is held.
 *
 * Return: 0, -ENOSPC with too many peers, or -ENOMEM; then the reference stays
 * with the caller.
 */
int toyvpn_peer_add(struct toyvpn_peer *peer)
{
	struct toyvpn_device *tv = peer->device;
	int err;

	lockdep_assert_held(&tv->lock);
	if (tv->peer_count >= TOYVPN_PEERS_MAX)
		return -ENOSPC;
	err = xa_alloc_cyclic(&tv->peers_by_number, &peer->number, peer, xa_limit_32b,
			      &tv->peers_next, GFP_KERNEL);
	if (err < 0)
		return err;
	err = rhashtable_insert_fast(&tv->peers, &peer->node, peer_params);
	if (err) {
		xa_erase(&tv->peers_by_number, peer->number);
		return err;
	}
	tv->peer_count++;
	return 0;
}

/* First half of a removal: nobody finds the peer any more once RCU readers ended */
static void peer_unlink(struct toyvpn_peer *peer)
{
	struct toyvpn_device *tv = peer->device;

	lockdep_assert_held(&tv->lock);
	rhashtable_remove_fast(&tv->peers, &peer->node, peer_params);
	xa_erase(&tv->peers_by_number, peer->number);
	toyvpn_routes_remove_owner(&tv->routes, &peer->routes);
	tv->peer_count--;

	/* Under the lock: no session and no handshake comes after this */
	mutex_lock(&peer->handshake.lock);
	WRITE_ONCE(peer->dead, true);
	mutex_unlock(&peer->handshake.lock);
}

/* Second half, a grace period later: ends what it has under way */
static void peer_stop(struct toyvpn_peer *peer)
{
	timer_shutdown_sync(&peer->timer);
	if (cancel_work_sync(&peer->work))
		toyvpn_peer_put(peer);
	mutex_lock(&peer->handshake.lock);
	toyvpn_peer_erase(peer);
	mutex_unlock(&peer->handshake.lock);
	toyvpn_peer_drop_queue(peer);
	/* Its memory may stay for longer than the network that the route leads to */
	toyvpn_peer_forget_route(peer);
	peer->device->peer_removed(peer);
	toyvpn_peer_put(peer);
}

/**
 * toyvpn_peer_remove() - removes a peer
 * @peer: of toyvpn_peer_add(); the device's reference ends here
 *
 * The device's lock is held. Sleeps for a grace period.
 */
void toyvpn_peer_remove(struct toyvpn_peer *peer)
{
	peer_unlink(peer);
	synchronize_net();
	peer_stop(peer);
}

/**
 * toyvpn_peer_remove_all() - removes all peers of a device
 * @tv: device, its lock held
 *
 * One grace period for all of them.
 */
void toyvpn_peer_remove_all(struct toyvpn_device *tv)
{
	struct toyvpn_peer *peer, *next, *first = NULL;
	unsigned long i;

	xa_for_each(&tv->peers_by_number, i, peer) {
		peer_unlink(peer);
		peer->next_removed = first;
		first = peer;
	}
	if (!first)
		return;
	synchronize_net();
	for (peer = first; peer; peer = next) {
		next = peer->next_removed;
		peer_stop(peer);
	}
}

/**
 * toyvpn_peer_find() - a peer by its public key
 * @tv: device
 * @public_key: 32 bytes
 *
 * The caller holds the RCU read lock or the device's lock.
 *
 * Return: the peer, without a reference, or NULL.
 */
struct toyvpn_peer *toyvpn_peer_find(struct toyvpn_device *tv,
				     const u8 public_key[TOYVPN_NOISE_KEY_LEN])
{
	return rhashtable_lookup_fast(&tv->peers, public_key, peer_params);
}

/**
 * toyvpn_peer_get() - takes a reference
 * @peer: found under RCU
 *
 * Return: false if it is on its way out.
 */
bool toyvpn_peer_get(struct toyvpn_peer *peer)
{
	return kref_get_unless_zero(&peer->ref);
}

static void peer_free(struct rcu_head *rcu)
{
	struct toyvpn_peer *peer = container_of(rcu, struct toyvpn_peer, rcu);
	struct toyvpn_device *tv = peer->device;

	dst_cache_destroy(&peer->dst_cache);
	toyvpn_blob_free(peer->handshake.config);
	toyvpn_blob_free(peer->handshake.credentials);
	toyvpn_blob_free(peer->handshake.received);
	kfree_sensitive(peer);
	if (atomic_dec_and_test(&tv->alive))
		wake_up_var(&tv->alive);
}

static void peer_release(struct kref *ref)
{
	struct toyvpn_peer *peer = container_of(ref, struct toyvpn_peer, ref);

	call_rcu(&peer->rcu, peer_free);
}

/**
 * toyvpn_peer_put() - gives a reference back
 * @peer: the peer
 *
 * The last one frees it after a grace period. Any context.
 */
void toyvpn_peer_put(struct toyvpn_peer *peer)
{
	kref_put(&peer->ref, peer_release);
}

/**
 * toyvpn_peer_want() - asks the peer's work item for something
 * @peer: the caller has a reference or the RCU read lock
 * @what: what
 *
 * Any context.
 */
void toyvpn_peer_want(struct toyvpn_peer *peer, enum toyvpn_peer_wanted what)
{
	if (READ_ONCE(peer->dead) || !toyvpn_peer_get(peer))
		return;
	set_bit(what, &peer->wanted);
	/* The reference is the work item's; there it is given back */
	if (!queue_work(peer->device->wq, &peer->work))
		toyvpn_peer_put(peer);
}

/**
 * toyvpn_peer_want_later() - asks the peer's work item for something at a time
 * @peer: the caller has a reference
 * @what: what; it may come sooner, with something else that is wanted
 * @at: ns of boot time
 *
 * Any context.
 */
void toyvpn_peer_want_later(struct toyvpn_peer *peer, enum toyvpn_peer_wanted what, u64 at)
{
	u64 now = ktime_get_coarse_boottime_ns();

	set_bit(what, &peer->wanted);
	if (!READ_ONCE(peer->dead))
		timer_reduce(&peer->timer, jiffies + nsecs_to_jiffies(at > now ? at - now : 0) + 1);
}

/**
 * toyvpn_peer_want_handshake() - asks for a handshake unless one is under way
 * @peer: the caller has a reference or the RCU read lock
 *
 * Any context; cheap enough for each packet.
 */
void toyvpn_peer_want_handshake(struct toyvpn_peer *peer)
{
	if (!READ_ONCE(peer->timers.retry_at) && !test_bit(TOYVPN_WANT_HANDSHAKE, &peer->wanted))
		toyvpn_peer_want(peer, TOYVPN_WANT_HANDSHAKE);
}

/**
 * toyvpn_peer_want_flush() - asks for what waits for a session to be sent
 * @peer: the caller has a reference or the RCU read lock
 *
 * Any context.
 */
void toyvpn_peer_want_flush(struct toyvpn_peer *peer)
{
	if (!skb_queue_empty_lockless(&peer->queue))
		toyvpn_peer_want(peer, TOYVPN_WANT_FLUSH);
}

/*
 * The timer fires by @next, ns of boot time, if that is not 0. It is only ever
 * moved forward: a deadline that went away costs one idle run of it. The later a
 * kernel timer expires, the more it is rounded up: to the next multiple of a
 * power of two of jiffies, which is an eighth of the delay at the most. So it
 * aims at the jiffy before such a multiple, ahead of a deadline that is far off,
 * and looks again from there. What it aims at is when it fires: a deadline that
 * comes to lie in between is seen to be earlier.
 */
static void arm(struct toyvpn_peer *peer, u64 next, u64 now)
{
	unsigned long delay, expires;

	if (!next || READ_ONCE(peer->dead))
		return;
	/* The clock is behind by up to a tick: one more, or the last look is too early */
	delay = next > now ? nsecs_to_jiffies(next - now) + 1 : 1;
	expires = jiffies + delay;
	if (delay > EXACT_JIFFIES)
		expires = round_down(expires, roundup_pow_of_two(delay / 7)) - 1;
	/* With that of peer_timer(): one of both sees what the other one did */
	smp_mb();
	/* Nearly always it is; timer_reduce() would look as well, but later */
	if (!timer_pending(&peer->timer) || time_after(READ_ONCE(peer->timer.expires), expires))
		timer_reduce(&peer->timer, expires);
}

/**
 * toyvpn_peer_arm() - sees to it that the timer fires by the next deadline
 * @peer: the caller has a reference or the RCU read lock
 *
 * Any context.
 */
void toyvpn_peer_arm(struct toyvpn_peer *peer)
{
	arm(peer, toyvpn_timers_next(&peer->timers), ktime_get_coarse_boottime_ns());
}

static void tell_timers(struct toyvpn_peer *peer, enum toyvpn_timers_event event, u64 now)
{
	/* What was set before, the timer is armed for already */
	arm(peer, toyvpn_timers_event(&peer->timers, event, now, READ_ONCE(peer->jitter)), now);
}

/**
 * toyvpn_peer_traffic() - tells the peer's timers of messages
 * @peer: the caller has a reference or the RCU read lock
 * @event: data or keepalives, sent or received
 * @now: when, ns of boot time
 *
 * Any context.
 */
void toyvpn_peer_traffic(struct toyvpn_peer *peer, enum toyvpn_timers_event event, u64 now)
{
	tell_timers(peer, event, now);
}

/**
 * toyvpn_peer_event() - tells the peer's timers that something else happened
 * @peer: the caller has a reference or the RCU read lock
 * @event: what
 *
 * What user space sees of it, it is told. Any context; for handshake events the
 * handshake lock is held, but see toyvpn_peer_confirm_session().
 */
void toyvpn_peer_event(struct toyvpn_peer *peer, enum toyvpn_timers_event event)
{
	/* Once a session is enough for what packets ask for */
	if (event == TOYVPN_EVENT_INIT_SENT || event == TOYVPN_EVENT_SESSION_READY)
		WRITE_ONCE(peer->jitter, get_random_u32_below(TOYVPN_RETRY_JITTER));
	tell_timers(peer, event, ktime_get_coarse_boottime_ns());
	if (event == TOYVPN_EVENT_SESSION_READY || event == TOYVPN_EVENT_HANDSHAKE_ENDED)
		toyvpn_peer_want(peer, TOYVPN_WANT_TELL_STATE);
}

static struct toyvpn_session *session_locked(struct toyvpn_peer *peer,
					     struct toyvpn_session __rcu *session)
{
	return rcu_dereference_protected(session, lockdep_is_held(&peer->session_lock));
}

static void drop_session(struct toyvpn_peer *peer, struct toyvpn_session *session)
{
	if (!session)
		return;
	toyvpn_id_remove(&peer->device->ids, &session->id);
	toyvpn_session_put(session);
}

/* What is sent on no longer may still be received on: packets are under way */
static void retire_session(struct toyvpn_peer *peer, struct toyvpn_session *session)
{
	if (!session)
		return;
	drop_session(peer, peer->previous[ARRAY_SIZE(peer->previous) - 1]);
	memmove(&peer->previous[1], &peer->previous[0],
		sizeof(peer->previous) - sizeof(peer->previous[0]));
	peer->previous[0] = session;
}

/*
 * When both sides began a handshake at once, each has a session of its own, and
 * would renew that when the other renews its own: for ever both at once. So one
 * of them uses the other's, and both know which of them it is.
 */
static bool gives_way(const struct toyvpn_peer *peer, const struct toyvpn_session *ours,
		      const struct toyvpn_session *theirs)
{
	return theirs && theirs->crossed == ours->id.index &&
	       memcmp(peer->device->identity.public, peer->public_key, TOYVPN_NOISE_KEY_LEN) < 0;
}

/**
 * toyvpn_peer_add_session() - a handshake made a session
 * @peer: the peer, its handshake lock and the device's identity lock held
 * @session: in the device's table of ids; its reference goes to the peer
 *
 * One that we initiated is used at once. One that the peer initiated waits to
 * be confirmed by data on it, since the peer may never have got our RESP. The
 * session before stays for receiving, and so does one that was not confirmed:
 * the peer may send on that. If both sides began at once and it is us who use
 * the peer's session, ours is used until then, or not at all.
 *
 * Return: whether it is the one to send on.
 */
bool toyvpn_peer_add_session(struct toyvpn_peer *peer, struct toyvpn_session *session)
{
	struct toyvpn_session *current_session, *next;
	bool used = session->initiator;

	spin_lock_bh(&peer->session_lock);
	current_session = session_locked(peer, peer->current_session);
	next = session_locked(peer, peer->next);
	if (!session->initiator) {
		rcu_assign_pointer(peer->next, session);
		drop_session(peer, next);
	} else if (!next && gives_way(peer, session, current_session)) {
		retire_session(peer, session);
		used = false;
	} else {
		retire_session(peer, current_session);
		rcu_assign_pointer(peer->current_session, session);
		if (!gives_way(peer, session, next)) {
			retire_session(peer, next);
			RCU_INIT_POINTER(peer->next, NULL);
		}
	}
	spin_unlock_bh(&peer->session_lock);
	toyvpn_peer_event(peer, TOYVPN_EVENT_SESSION_MADE);
	return used;
}

/**
 * toyvpn_peer_ready() - there is a new session to send on
 * @peer: the caller has a reference or the RCU read lock
 * @session: it
 *
 * Any context; see toyvpn_peer_event().
 */
void toyvpn_peer_ready(struct toyvpn_peer *peer, const struct toyvpn_session *session)
{
	toyvpn_timers_set_expiry(&peer->timers, session->birth + TOYVPN_REJECT_AFTER_TIME);
	WRITE_ONCE(peer->last_handshake, ktime_get_real_ns());
	toyvpn_peer_set_reason(peer, TOYVPN_REASON_NONE);
	toyvpn_count(peer->device, TOYVPN_STAT_HS_COMPLETED);
	toyvpn_peer_event(peer, TOYVPN_EVENT_SESSION_READY);
	toyvpn_peer_arm(peer);
}

/**
 * toyvpn_peer_confirm_session() - data was received on a session
 * @peer: the caller has a reference or the RCU read lock
 * @session: the one, found by its index
 *
 * If it was the one that waited for that, it is the current one from now on.
 * Its timer event is not serialised with those of the handshake worker; at
 * worst one INIT is sent too many. Softirq.
 *
 * Return: true if it was.
 */
bool toyvpn_peer_confirm_session(struct toyvpn_peer *peer, struct toyvpn_session *session)
{
	if (likely(rcu_access_pointer(peer->next) != session))
		return false;
	spin_lock_bh(&peer->session_lock);
	if (rcu_access_pointer(peer->next) != session) {
		spin_unlock_bh(&peer->session_lock);
		return false;
	}
	retire_session(peer, session_locked(peer, peer->current_session));
	rcu_assign_pointer(peer->current_session, session);
	RCU_INIT_POINTER(peer->next, NULL);
	spin_unlock_bh(&peer->session_lock);

	toyvpn_peer_ready(peer, session);
	return true;
}

/**
 * toyvpn_peer_accepts() - whether all sessions of a peer have one of these ciphers
 * @peer: the peer
 * @ciphers: enum toyvpn_cipher
 * @count: how many
 *
 * Any context but hardirq.
 *
 * Return: whether they have; also those that are received on only, or that wait
 * for their first message.
 */
bool toyvpn_peer_accepts(struct toyvpn_peer *peer, const u8 *ciphers, size_t count)
{
	struct toyvpn_session *sessions[2 + ARRAY_SIZE(peer->previous)];
	bool accepts = true;
	int i;

	spin_lock_bh(&peer->session_lock);
	sessions[0] = session_locked(peer, peer->current_session);
	sessions[1] = session_locked(peer, peer->next);
	memcpy(&sessions[2], peer->previous, sizeof(peer->previous));
	for (i = 0; i < ARRAY_SIZE(sessions); i++)
		if (sessions[i] && !memchr(ciphers, sessions[i]->cipher, count))
			accepts = false;
	spin_unlock_bh(&peer->session_lock);
	return accepts;
}

/**
 * toyvpn_peer_erase_sessions() - erases the keys of all sessions of a peer
 * @peer: the peer, its handshake lock held
 */
void toyvpn_peer_erase_sessions(struct toyvpn_peer *peer)
{
	int i;

	spin_lock_bh(&peer->session_lock);
	drop_session(peer, session_locked(peer, peer->current_session));
	drop_session(peer, session_locked(peer, peer->next));
	RCU_INIT_POINTER(peer->current_session, NULL);
	RCU_INIT_POINTER(peer->next, NULL);
	for (i = 0; i < ARRAY_SIZE(peer->previous); i++) {
		drop_session(peer, peer->previous[i]);
		peer->previous[i] = NULL;
	}
	spin_unlock_bh(&peer->session_lock);
}

/**
 * toyvpn_peer_erase() - erases all keys of a peer that a handshake made, or makes
 * @peer: the peer, its handshake lock held
 */
void toyvpn_peer_erase(struct toyvpn_peer *peer)
{
	bool had = READ_ONCE(peer->timers.retry_at) ||
		   rcu_access_pointer(peer->current_session);

	toyvpn_peer_end_handshake(peer);
	toyvpn_peer_erase_sessions(peer);
	toyvpn_peer_event(peer, TOYVPN_EVENT_ERASED);
	if (had)
		toyvpn_peer_want(peer, TOYVPN_WANT_TELL_STATE);
}

/**
 * toyvpn_peer_forget_identity() - erases what was derived from our static key
 * @peer: the peer
 *
 * Process context; takes the handshake lock.
 */
void toyvpn_peer_forget_identity(struct toyvpn_peer *peer)
{
	mutex_lock(&peer->handshake.lock);
	memzero_explicit(peer->handshake.ss, sizeof(peer->handshake.ss));
	peer->handshake.ss_generation = 0;
	mutex_unlock(&peer->handshake.lock);
}

/**
 * toyvpn_peer_end_handshake() - forgets the INIT that is under way
 * @peer: the peer, its handshake lock held
 */
void toyvpn_peer_end_handshake(struct toyvpn_peer *peer)
{
	struct toyvpn_handshake *handshake = &peer->handshake;

	lockdep_assert_held(&handshake->lock);
	if (handshake->id.index) {
		toyvpn_id_remove(&peer->device->ids, &handshake->id);
		WRITE_ONCE(handshake->id.index, 0);
	}
	toyvpn_noise_wipe(&handshake->noise);
}

/**
 * toyvpn_peer_set_received() - keeps the configuration that a RESP brought
 * @peer: the peer, its handshake lock held
 * @received: taken; NULL for none
 */
void toyvpn_peer_set_received(struct toyvpn_peer *peer, struct toyvpn_blob *received)
{
	struct toyvpn_blob *before = peer->handshake.received;

	lockdep_assert_held(&peer->handshake.lock);
	peer->handshake.received = received;
	if (!toyvpn_blob_is(before, received ? received->bytes : NULL,
			    received ? received->len : 0))
		toyvpn_peer_want(peer, TOYVPN_WANT_TELL_CONFIG);
	toyvpn_blob_free(before);
}

/* The peer's side of it, which user space is told */
static bool same_address(const struct toyvpn_endpoint *a, const struct toyvpn_endpoint *b)
{
	if (a->addr.sa_family != b->addr.sa_family)
		return false;
	if (a->addr.sa_family == AF_INET)
		return a->addr4.sin_addr.s_addr == b->addr4.sin_addr.s_addr &&
		       a->addr4.sin_port == b->addr4.sin_port;
	return ipv6_addr_equal(&a->addr6.sin6_addr, &b->addr6.sin6_addr) &&
	       a->addr6.sin6_port == b->addr6.sin6_port &&
	       a->addr6.sin6_scope_id == b->addr6.sin6_scope_id;
}

static bool same_endpoint(const struct toyvpn_endpoint *a, const struct toyvpn_endpoint *b)
{
	if (!same_address(a, b))
		return false;
	if (a->addr.sa_family == AF_INET)
		return a->src4.s_addr == b->src4.s_addr && a->src_if == b->src_if;
	return ipv6_addr_equal(&a->src6, &b->src6);
}

/**
 * toyvpn_peer_set_endpoint() - the peer is somewhere else now
 * @peer: the peer
 * @endpoint: where, and from where we talk to it; AF_UNSPEC for not known
 *
 * Any context but hardirq.
 */
void toyvpn_peer_set_endpoint(struct toyvpn_peer *peer, const struct toyvpn_endpoint *endpoint)
{
	bool moved;

	/* It rarely moves; a race here is found at the next packet, and costs no lock for each */
	if (likely(data_race(same_endpoint(endpoint, &peer->endpoint))))
		return;
	write_seqlock_bh(&peer->endpoint_lock);
	moved = !same_address(endpoint, &peer->endpoint);
	peer->endpoint = *endpoint;
	write_sequnlock_bh(&peer->endpoint_lock);
	dst_cache_reset(&peer->dst_cache);
	/* Once, however often it moves before that is told */
	if (moved && !test_bit(TOYVPN_WANT_TELL_ENDPOINT, &peer->wanted))
		toyvpn_peer_want(peer, TOYVPN_WANT_TELL_ENDPOINT);
}

/**
 * toyvpn_peer_get_endpoint() - where the peer is
 * @peer: the peer
 * @endpoint: where it goes
 * @seq: for read_seqretry() on the endpoint lock, or NULL
 *
 * Any context but hardirq.
 */
void toyvpn_peer_get_endpoint(struct toyvpn_peer *peer, struct toyvpn_endpoint *endpoint,
			      unsigned int *seq)
{
	unsigned int s;

	do {
		s = read_seqbegin(&peer->endpoint_lock);
		*endpoint = peer->endpoint;
	} while (read_seqretry(&peer->endpoint_lock, s));
	if (seq)
		*seq = s;
}

/**
 * toyvpn_peer_forget_source() - lets routing choose our address anew
 * @peer: the peer
 *
 * Any context but hardirq.
 */
void toyvpn_peer_forget_source(struct toyvpn_peer *peer)
{
	write_seqlock_bh(&peer->endpoint_lock);
	memset(&peer->endpoint.src6, 0, sizeof(peer->endpoint.src6));
	peer->endpoint.src_if = 0;
	write_sequnlock_bh(&peer->endpoint_lock);
	dst_cache_reset(&peer->dst_cache);
}

/**
 * toyvpn_peer_forget_route() - lets go of the network that a peer was reached by
 * @peer: the peer
 *
 * At once, not at the next packet: the cached routes hold network devices.
 * Process context; no packet goes out any more, since the sockets are closed or
 * the peer is removed.
 */
void toyvpn_peer_forget_route(struct toyvpn_peer *peer)
{
	toyvpn_peer_forget_source(peer);
	dst_cache_reset_now(&peer->dst_cache);
}

/**
 * toyvpn_peer_queue() - keeps packets until there is a session
 * @peer: the peer
 * @packets: plain packets; empty afterwards
 *
 * Bounded by number and memory; the oldest go first. Any context but hardirq.
 */
void toyvpn_peer_queue(struct toyvpn_peer *peer, struct sk_buff_head *packets)
{
	struct sk_buff_head dropped;
	struct sk_buff *skb;

	__skb_queue_head_init(&dropped);
	spin_lock_bh(&peer->queue.lock);
	while ((skb = __skb_dequeue(packets))) {
		__skb_queue_tail(&peer->queue, skb);
		peer->queue_bytes += skb->truesize;
		while (peer->queue.qlen > TOYVPN_QUEUE_PACKETS ||
		       (peer->queue.qlen > 1 && peer->queue_bytes > TOYVPN_QUEUE_BYTES)) {
			skb = __skb_dequeue(&peer->queue);
			peer->queue_bytes -= skb->truesize;
			__skb_queue_tail(&dropped, skb);
		}
	}
	spin_unlock_bh(&peer->queue.lock);
	while ((skb = __skb_dequeue(&dropped))) {
		toyvpn_count(peer->device, TOYVPN_STAT_TX_QUEUE_FULL);
		DEV_STATS_INC(peer->device->dev, tx_dropped);
		kfree_skb_reason(skb, toyvpn_stat_drop_reason(TOYVPN_STAT_TX_QUEUE_FULL));
	}
}

/**
 * toyvpn_peer_dequeue() - takes all that toyvpn_peer_queue() kept
 * @peer: the peer
 * @packets: where they go, in their order
 *
 * Any context but hardirq.
 */
void toyvpn_peer_dequeue(struct toyvpn_peer *peer, struct sk_buff_head *packets)
{
	spin_lock_bh(&peer->queue.lock);
	skb_queue_splice_tail_init(&peer->queue, packets);
	peer->queue_bytes = 0;
	spin_unlock_bh(&peer->queue.lock);
}

/**
 * toyvpn_peer_drop_queue() - drops all that toyvpn_peer_queue() kept
 * @peer: the peer
 *
 * Any context but hardirq.
 */
void toyvpn_peer_drop_queue(struct toyvpn_peer *peer)
{
	struct sk_buff_head packets;
	struct sk_buff *skb;

	__skb_queue_head_init(&packets);
	toyvpn_peer_dequeue(peer, &packets);
	while ((skb = __skb_dequeue(&packets))) {
		toyvpn_count(peer->device, TOYVPN_STAT_TX_NO_SESSION);
		DEV_STATS_INC(peer->device->dev, tx_dropped);
		kfree_skb(skb);
	}
}

static enum toyvpn_peer_state state(struct toyvpn_peer *peer, bool alive)
{
	/* The first INIT of a renewal is business as usual */
	if (alive && READ_ONCE(peer->timers.attempts) < 2)
		return TOYVPN_PEER_STATE_CONNECTED;
	if (!READ_ONCE(peer->timers.retry_at))
		return TOYVPN_PEER_STATE_DISCONNECTED;
	return READ_ONCE(peer->last_handshake) ? TOYVPN_PEER_STATE_RECONNECTING :
						 TOYVPN_PEER_STATE_CONNECTING;
}

/**
 * toyvpn_peer_status() - what a user wants to know
 * @peer: the peer
 * @status: filled
 *
 * Any context.
 */
void toyvpn_peer_status(struct toyvpn_peer *peer, struct toyvpn_status *status)
{
	struct toyvpn_session *session;
	bool alive = false;

	*status = (struct toyvpn_status) {
		.reason = READ_ONCE(peer->reason),
		.last_handshake = READ_ONCE(peer->last_handshake),
	};
	rcu_read_lock();
	session = rcu_dereference(peer->current_session);
	if (session && toyvpn_session_alive(session, ktime_get_coarse_boottime_ns())) {
		alive = true;
		status->cipher = session->cipher;
	}
	rcu_read_unlock();
	status->state = state(peer, alive);
	/* What nobody was told of yet has just come about */
	status->since = status->state == READ_ONCE(peer->told_state) ?
			READ_ONCE(peer->told_since) : ktime_get_real_ns();
	if (status->state == TOYVPN_PEER_STATE_DISCONNECTED && status->last_handshake &&
	    status->reason == TOYVPN_REASON_NONE)
		status->reason = TOYVPN_REASON_EXPIRED;
}

/**
 * toyvpn_peer_set_reason() - keeps why there is no session
 * @peer: the caller has a reference or the RCU read lock
 * @reason: what the user is told
 *
 * Any context.
 */
void toyvpn_peer_set_reason(struct toyvpn_peer *peer, enum toyvpn_reason reason)
{
	if (READ_ONCE(peer->reason) == reason)
		return;
	WRITE_ONCE(peer->reason, reason);
	toyvpn_peer_want(peer, TOYVPN_WANT_TELL_STATE);
}
