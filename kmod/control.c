// SPDX-License-Identifier: GPL-2.0
#include <linux/sched.h>
#include <linux/ktime.h>

#include "control.h"
#include "event.h"
#include "handshake.h"
#include "peer.h"
#include "timers.h"
#include "toyvpn.h"
#include "tx.h"

/* A flood never ends: who flushes the work queue waits for a run, not for that */
#define HANDSHAKES_A_RUN	64

/* A peer that sends each packet from elsewhere is told of once in that time */
#define ENDPOINT_INTERVAL	((u64)NSEC_PER_SEC)

/* A session ended by its age: where nothing followed it, that is why there is none */
static void session_expired(struct toyvpn_peer *peer)
{
	struct toyvpn_status status;

	toyvpn_peer_status(peer, &status);
	if (status.reason == TOYVPN_REASON_EXPIRED)
		toyvpn_peer_set_reason(peer, TOYVPN_REASON_EXPIRED);
}

/* The timers' answer to what was asked for; the handshake lock serialises them */
static unsigned int due_actions(struct toyvpn_peer *peer, unsigned long wanted)
{
	unsigned int actions;

	mutex_lock(&peer->handshake.lock);
	if (wanted & BIT(TOYVPN_WANT_CONNECT))
		toyvpn_peer_event(peer, TOYVPN_EVENT_CONNECT_WANTED);
	else if (wanted & BIT(TOYVPN_WANT_HANDSHAKE))
		toyvpn_peer_event(peer, TOYVPN_EVENT_HANDSHAKE_WANTED);
	actions = toyvpn_timers_run(&peer->timers, ktime_get_coarse_boottime_ns());
	if (actions & TOYVPN_ACTION_ERASE) {
		toyvpn_peer_erase_sessions(peer);
		/* One under way goes on; what is left of one that was overtaken does not */
		if (!READ_ONCE(peer->timers.retry_at))
			toyvpn_peer_end_handshake(peer);
		toyvpn_peer_set_reason(peer, TOYVPN_REASON_EXPIRED);
	}
	if (actions & TOYVPN_ACTION_EXPIRED)
		session_expired(peer);
	if (actions & TOYVPN_ACTION_GIVE_UP)
		toyvpn_peer_end_handshake(peer);
	mutex_unlock(&peer->handshake.lock);
	return actions;
}

static void do_due(struct toyvpn_peer *peer, unsigned long wanted)
{
	unsigned int actions = due_actions(peer, wanted);

	if (actions & TOYVPN_ACTION_GIVE_UP)
		toyvpn_peer_drop_queue(peer);
	/* Silence may mean that the path changed: our address, for one */
	if (actions & TOYVPN_ACTION_SILENCE)
		toyvpn_peer_forget_source(peer);
	if (actions & TOYVPN_ACTION_SEND_INIT)
		toyvpn_handshake_send_init(peer);
	if ((actions & TOYVPN_ACTION_SEND_KEEPALIVE) || (wanted & BIT(TOYVPN_WANT_KEEPALIVE)))
		toyvpn_tx_keepalive(peer);
	else if (wanted & BIT(TOYVPN_WANT_FLUSH))
		toyvpn_tx_flush(peer);
	toyvpn_peer_arm(peer);
}

static bool asked(struct toyvpn_peer *peer, unsigned long wanted, enum toyvpn_peer_wanted what)
{
	return test_and_clear_bit(what, &peer->wanted) || wanted & BIT(what);
}

/*
 * What others changed asked for being told, even if it has changed back: who
 * read it meanwhile must hear of that. What this work item changed shows.
 */
static void tell(struct toyvpn_peer *peer, unsigned long wanted)
{
	u64 now = ktime_get_coarse_boottime_ns();
	struct toyvpn_status status;

	if (asked(peer, wanted, TOYVPN_WANT_TELL_ENDPOINT)) {
		if (now - peer->endpoint_told >= ENDPOINT_INTERVAL) {
			peer->endpoint_told = now;
			toyvpn_event_send(peer, TOYVPN_EVENT_ENDPOINT);
		} else {
			toyvpn_peer_want_later(peer, TOYVPN_WANT_TELL_ENDPOINT,
					       peer->endpoint_told + ENDPOINT_INTERVAL);
		}
	}
	if (asked(peer, wanted, TOYVPN_WANT_TELL_CONFIG))
		toyvpn_event_send(peer, TOYVPN_EVENT_CONFIG);
	mutex_lock(&peer->handshake.lock);
	toyvpn_peer_status(peer, &status);
	mutex_unlock(&peer->handshake.lock);
	if (asked(peer, wanted, TOYVPN_WANT_TELL_STATE) || status.state != peer->told_state ||
	    status.reason != peer->told_reason) {
		if (status.state != peer->told_state)
			WRITE_ONCE(peer->told_since, status.since);
		WRITE_ONCE(peer->told_state, status.state);
		peer->told_reason = status.reason;
		toyvpn_event_send(peer, TOYVPN_EVENT_STATE);
	}
}

/**
 * toyvpn_control_peer() - a peer's work item
 * @work: of a peer; the reference that toyvpn_peer_want() took ends here
 *
 * Process context.
 */
void toyvpn_control_peer(struct work_struct *work)
{
	struct toyvpn_peer *peer = container_of(work, struct toyvpn_peer, work);
	unsigned long wanted = xchg(&peer->wanted, 0);

	if (!READ_ONCE(peer->dead)) {
		if (READ_ONCE(peer->device->up) && !READ_ONCE(peer->device->asleep))
			do_due(peer, wanted);
		/* Who asked for it was told that it will come: when the machine wakes up */
		else if (wanted & BIT(TOYVPN_WANT_CONNECT))
			set_bit(TOYVPN_WANT_CONNECT, &peer->wanted);
		tell(peer, wanted);
	}
	toyvpn_peer_put(peer);
}

/**
 * toyvpn_control_handshakes() - a device's work item for what arrived
 * @work: of a device
 *
 * One at a time: a flood of handshakes takes one CPU, not all. Process context.
 */
void toyvpn_control_handshakes(struct work_struct *work)
{
	struct toyvpn_device *tv = container_of(work, struct toyvpn_device, handshake_work);
	unsigned int rest = HANDSHAKES_A_RUN;
	struct sk_buff *skb;

	while (rest-- && (skb = skb_dequeue(&tv->handshakes))) {
		if (READ_ONCE(tv->asleep) || !READ_ONCE(tv->up))
			kfree_skb(skb);
		else
			toyvpn_handshake_receive(tv, skb);
		cond_resched();
	}
	if (!skb_queue_empty_lockless(&tv->handshakes))
		queue_work(tv->wq, work);
}
