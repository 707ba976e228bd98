// SPDX-License-Identifier: GPL-2.0
#include <linux/in.h>
#include <linux/in6.h>
#include <linux/netlink.h>
#include <net/netlink.h>
#include <uapi/linux/toyvpn.h>

#include "attrs.h"
#include "peer.h"
#include "toyvpn.h"

/* The attributes that name a device are the same in all commands */
static_assert((int)TOYVPN_A_DEVICE_IFINDEX == (int)TOYVPN_A_PEER_IFINDEX);
static_assert((int)TOYVPN_A_DEVICE_IFNAME == (int)TOYVPN_A_PEER_IFNAME);

/**
 * toyvpn_attrs_device() - puts what names a device
 * @skb: a message
 * @tv: device
 *
 * Any context.
 *
 * Return: whether there was room.
 */
bool toyvpn_attrs_device(struct sk_buff *skb, const struct toyvpn_device *tv)
{
	return !nla_put_u32(skb, TOYVPN_A_DEVICE_IFINDEX, tv->dev->ifindex) &&
	       !nla_put_string(skb, TOYVPN_A_DEVICE_IFNAME, tv->dev->name);
}

/**
 * toyvpn_attrs_endpoint() - puts where a peer is
 * @skb: a message about a peer
 * @endpoint: where; nothing for one that is not known
 *
 * Any context.
 *
 * Return: whether there was room.
 */
bool toyvpn_attrs_endpoint(struct sk_buff *skb, const struct toyvpn_endpoint *endpoint)
{
	if (endpoint->addr.sa_family == AF_INET)
		return !nla_put_in_addr(skb, TOYVPN_A_PEER_ENDPOINT_IPV4,
					endpoint->addr4.sin_addr.s_addr) &&
		       !nla_put_be16(skb, TOYVPN_A_PEER_ENDPOINT_PORT, endpoint->addr4.sin_port);
	if (endpoint->addr.sa_family == AF_INET6)
		return !nla_put_in6_addr(skb, TOYVPN_A_PEER_ENDPOINT_IPV6,
					 &endpoint->addr6.sin6_addr) &&
		       !nla_put_u32(skb, TOYVPN_A_PEER_ENDPOINT_SCOPE_ID,
				    endpoint->addr6.sin6_scope_id) &&
		       !nla_put_be16(skb, TOYVPN_A_PEER_ENDPOINT_PORT, endpoint->addr6.sin6_port);
	return true;
}

static bool put_status(struct sk_buff *skb, const struct toyvpn_status *status)
{
	return !nla_put_u32(skb, TOYVPN_A_PEER_STATE, status->state) &&
	       !nla_put_u32(skb, TOYVPN_A_PEER_REASON, status->reason) &&
	       !nla_put_u32(skb, TOYVPN_A_PEER_CIPHER, status->cipher) &&
	       !nla_put_u64_64bit(skb, TOYVPN_A_PEER_STATE_SINCE, status->since,
				  TOYVPN_A_PEER_PAD) &&
	       (!status->last_handshake ||
		!nla_put_u64_64bit(skb, TOYVPN_A_PEER_LAST_HANDSHAKE, status->last_handshake,
				   TOYVPN_A_PEER_PAD));
}

static bool put_received(struct sk_buff *skb, const struct toyvpn_blob *received)
{
	return !received || !nla_put(skb, TOYVPN_A_PEER_RECEIVED_CONFIG, received->len,
				     received->bytes);
}

/**
 * toyvpn_attrs_peer() - puts what an answer and an event say of a peer
 * @skb: a message about a peer
 * @peer: which; its public key is not put
 *
 * A peer that was removed is disconnected for that reason. Process context;
 * takes the handshake lock.
 *
 * Return: whether there was room.
 */
bool toyvpn_attrs_peer(struct sk_buff *skb, struct toyvpn_peer *peer)
{
	struct toyvpn_endpoint endpoint;
	struct toyvpn_status status;
	bool put;

	toyvpn_peer_get_endpoint(peer, &endpoint, NULL);
	/* What a handshake changes together is told together */
	mutex_lock(&peer->handshake.lock);
	toyvpn_peer_status(peer, &status);
	if (READ_ONCE(peer->dead)) {
		if (status.state != TOYVPN_PEER_STATE_DISCONNECTED)
			status.since = ktime_get_real_ns();
		status.state = TOYVPN_PEER_STATE_DISCONNECTED;
		status.reason = TOYVPN_REASON_REMOVED;
		status.cipher = TOYVPN_CIPHER_NONE;
	}
	put = toyvpn_attrs_endpoint(skb, &endpoint) && put_status(skb, &status) &&
	      put_received(skb, peer->handshake.received);
	mutex_unlock(&peer->handshake.lock);
	return put;
}
