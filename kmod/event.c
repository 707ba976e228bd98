// SPDX-License-Identifier: GPL-2.0
#include <linux/netlink.h>
#include <linux/rcupdate.h>
#include <net/genetlink.h>

#include "attrs.h"
#include "event.h"
#include "netlink-gen.h"
#include "peer.h"
#include "requests.h"
#include "toyvpn.h"

/* More than an event takes that has all of its attributes */
#define EVENT_SIZE	(NLMSG_ALIGN(GENL_HDRLEN) + 512 + TOYVPN_CONFIG_MAX)

static_assert(TOYVPN_CREDENTIALS_MAX <= TOYVPN_CONFIG_MAX);

/* The family while it is registered; netlink.c has it */
static const struct genl_family __rcu *registered;

/**
 * toyvpn_events_init() - events can be sent from now on
 * @family: registered
 */
void toyvpn_events_init(const struct genl_family *family)
{
	rcu_assign_pointer(registered, family);
}

/**
 * toyvpn_events_exit() - no more events: the family is going to be unregistered
 *
 * Sleeps for a grace period.
 */
void toyvpn_events_exit(void)
{
	RCU_INIT_POINTER(registered, NULL);
	synchronize_rcu();
}

/*
 * The family if somebody listens where the device is now, else NULL. RCU read
 * lock: the device may move, and the namespace that it leaves may end.
 */
static const struct genl_family *heard(const struct toyvpn_device *tv)
{
	const struct genl_family *family = rcu_dereference(registered);

	/* A link that goes is told of by rtnetlink, and its peers go with it */
	if (!family || data_race(tv->dev->reg_state) != NETREG_REGISTERED)
		return NULL;
	/* What is told was written before; who subscribes reads it after that */
	smp_mb();
	return genl_has_listeners(family, dev_net(tv->dev), TOYVPN_NLGRP_EVENTS) ? family : NULL;
}

static bool put_event(struct sk_buff *skb, const struct genl_family *family,
		      struct toyvpn_peer *peer, enum toyvpn_event event)
{
	void *header = genlmsg_put(skb, 0, 0, family, 0, TOYVPN_CMD_PEER_EVENT);

	if (!header || !toyvpn_attrs_device(skb, peer->device) ||
	    nla_put(skb, TOYVPN_A_PEER_PUBLIC_KEY, TOYVPN_KEY_LEN, peer->public_key) ||
	    !toyvpn_attrs_peer(skb, peer) || nla_put_u32(skb, TOYVPN_A_PEER_EVENT, event))
		return false;
	genlmsg_end(skb, header);
	return true;
}

/**
 * toyvpn_event_send() - tells all who listen of a peer
 * @peer: the caller has a reference
 * @event: of what; that can be read already
 *
 * Who listens and cannot be told, for lack of memory or because its buffer is
 * full, has ENOBUFS from its socket. Cheap where nobody listens. Process
 * context; takes the handshake lock.
 */
void toyvpn_event_send(struct toyvpn_peer *peer, enum toyvpn_event event)
{
	struct toyvpn_device *tv = peer->device;
	const struct genl_family *family;
	struct sk_buff *skb;

	rcu_read_lock();
	family = heard(tv);
	rcu_read_unlock();
	if (!family)
		return;

	skb = genlmsg_new(EVENT_SIZE, GFP_KERNEL);
	if (skb && WARN_ON_ONCE(!put_event(skb, family, peer, event))) {
		nlmsg_free(skb);
		skb = NULL;
	}
	rcu_read_lock();
	family = heard(tv);
	if (family && skb)
		genlmsg_multicast_netns(family, dev_net(tv->dev), skb, 0, TOYVPN_NLGRP_EVENTS,
					GFP_ATOMIC);
	else if (family)
		genl_set_err(family, dev_net(tv->dev), 0, TOYVPN_NLGRP_EVENTS, -ENOBUFS);
	else
		nlmsg_free(skb);
	rcu_read_unlock();
}

/**
 * toyvpn_event_removed() - tells all who listen that a peer is none any more
 * @peer: removed; the caller has a reference
 *
 * Process context; takes the handshake lock.
 */
void toyvpn_event_removed(struct toyvpn_peer *peer)
{
	toyvpn_event_send(peer, TOYVPN_EVENT_REMOVED);
}

static bool put_request(struct sk_buff *skb, const struct genl_family *family,
			const struct toyvpn_device *tv, const struct toyvpn_request *request)
{
	void *header = genlmsg_put(skb, 0, 0, family, 0, TOYVPN_CMD_REQUEST_EVENT);

	if (!header || !toyvpn_attrs_device(skb, tv) ||
	    nla_put(skb, TOYVPN_A_PEER_PUBLIC_KEY, TOYVPN_KEY_LEN, request->public_key) ||
	    !toyvpn_attrs_endpoint(skb, &request->endpoint) ||
	    (request->credentials_len && nla_put(skb, TOYVPN_A_PEER_CREDENTIALS,
						 request->credentials_len,
						 request->credentials)) ||
	    nla_put_u32(skb, TOYVPN_A_PEER_REQUEST_ID, request->id))
		return false;
	genlmsg_end(skb, header);
	return true;
}

/**
 * toyvpn_event_request() - tells the authorizer of a stranger
 * @tv: device
 * @request: what it asks
 * @net: namespace of the authorizer's socket, which was open just now
 * @portid: that socket
 *
 * Process context.
 *
 * Return: 0; -ENOMEM, -EAGAIN or -ECONNREFUSED if it was not told.
 */
int toyvpn_event_request(struct toyvpn_device *tv, const struct toyvpn_request *request,
			 struct net *net, u32 portid)
{
	const struct genl_family *family;
	struct sk_buff *skb;

	/* The struct outlives us; only that it is registered may end */
	rcu_read_lock();
	family = rcu_dereference(registered);
	rcu_read_unlock();
	if (!family)
		return -ECONNREFUSED;
	skb = genlmsg_new(EVENT_SIZE, GFP_KERNEL);
	if (!skb)
		return -ENOMEM;
	if (WARN_ON_ONCE(!put_request(skb, family, tv, request))) {
		nlmsg_free(skb);
		return -ENOMEM;
	}
	return genlmsg_unicast(net, skb, portid);
}
