// SPDX-License-Identifier: GPL-2.0
#include <linux/sched.h>
#include <linux/ktime.h>

#include "control.h"
#include "handshake.h"
#include "peer.h"
#include "timers.h"
#include "toyvpn.h"
#include "tx.h"

/* A flood never ends: who flushes the work queue waits for a run, not for that */
#define HANDSHAKES_A_RUN	64

/* The timers' answer to what was asked for; the handshake lock serialises them */
static unsigned int due_actions(struct toyvpn_peer *peer, unsigned long wanted)
{
	unsigned int actions;

	mutex_lock(&peer->handshake.lock);
	if (wanted & BIT(TOYVPN_WANT_HANDSHAKE))
		toyvpn_peer_event(peer, TOYVPN_EVENT_HANDSHAKE_WANTED);
	actions = toyvpn_timers_run(&peer->timers, ktime_get_coarse_boottime_ns());
	if (actions & TOYVPN_ACTION_ERASE) {
		toyvpn_peer_erase_sessions(peer);
		/* One under way goes on; what is left of one that was overtaken does not */
		if (!READ_ONCE(peer->timers.retry_at))
			toyvpn_peer_end_handshake(peer);
		toyvpn_peer_set_reason(peer, TOYVPN_REASON_EXPIRED);
	}
	if (actions & TOYVPN_ACTION_GIVE_UP)
		toyvpn_peer_end_handshake(peer);
	mutex_unlock(&peer->handshake.lock);
	return actions;
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
	unsigned int actions;

	if (READ_ONCE(peer->dead) || !READ_ONCE(peer->device->up) ||
	    READ_ONCE(peer->device->asleep))
		goto out;

	actions = due_actions(peer, wanted);
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
out:
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
