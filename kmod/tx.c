// SPDX-License-Identifier: GPL-2.0
#include <linux/icmp.h>
#include <linux/icmpv6.h>
#include <linux/ktime.h>
#include <net/icmp.h>
#include <net/inet_ecn.h>
#include <net/ip_tunnels.h>

#include "batch.h"
#include "compat.h"
#include "peer.h"
#include "session.h"
#include "socket.h"
#include "toyvpn.h"
#include "tx.h"

/*
 * Tunnels that lead into each other would use up the stack before the kernel's
 * own limit on 6.1 ends it; newer kernels stop their tunnels here as well.
 */
#define NESTED_MAX	5

/*
 * How deep the packets that are being sent were before an encryption that
 * completed later: then the kernel's own count has begun anew.
 */
static DEFINE_PER_CPU(unsigned int, nesting_before);

/* Bottom halves off */
static unsigned int nesting(void)
{
	return dev_recursion_level() + __this_cpu_read(nesting_before);
}

static void drop(struct toyvpn_device *tv, struct sk_buff *skb, enum toyvpn_stat why)
{
	toyvpn_count(tv, why);
	DEV_STATS_INC(tv->dev, tx_dropped);
	kfree_skb_reason(skb, toyvpn_stat_drop_reason(why));
}

/* All encrypted: out they go. Bottom halves off */
static void batch_done(struct toyvpn_batch *batch)
{
	struct toyvpn_peer *peer = batch->peer;
	struct toyvpn_device *tv = peer->device;
	unsigned int packets = 0, bytes = 0;
	unsigned int forgotten = max(batch->nesting, nesting()) - nesting();
	struct sk_buff_head messages;
	struct sk_buff *skb;
	int err;

	__skb_queue_head_init(&messages);
	while ((skb = __skb_dequeue(&batch->packets))) {
		struct toyvpn_packet *packet = toyvpn_packet(skb);

		consume_skb(packet->source);
		if (unlikely(packet->err)) {
			drop(tv, skb, TOYVPN_STAT_TX_CRYPTO);
			continue;
		}
		if (packet->plain_len) {
			packets++;
			bytes += packet->plain_len;
		}
		__skb_queue_tail(&messages, skb);
	}
	if (!skb_queue_empty(&messages)) {
		__this_cpu_add(nesting_before, forgotten);
		err = toyvpn_send_list(peer, &messages);
		__this_cpu_sub(nesting_before, forgotten);
		if (likely(!err))
			dev_sw_netstats_tx_add(tv->dev, packets, bytes);
		else if (err == -ELOOP)
			toyvpn_peer_set_reason(peer, TOYVPN_REASON_ROUTE_LOOP);
		/* Lost on the way or not: who sends wants to hear an answer */
		toyvpn_peer_event(peer, packets ? TOYVPN_EVENT_DATA_SENT :
						  TOYVPN_EVENT_KEEPALIVE_SENT);
	}
	toyvpn_batch_free(batch);
}

/* The DS field of the outer header: ECN of the inner one (RFC 6040, 4.1), no DSCP */
static u8 outer_tos(const struct sk_buff *skb)
{
	if (!skb->len)
		return 0;
	return ip_tunnel_get_dsfield(ip_hdr(skb), skb) & INET_ECN_MASK;
}

/*
 * GSO packets become segments that still share the memory of the packet, and
 * what had no checksum yet gets it; what cannot is dropped.
 */
static void segment(struct toyvpn_device *tv, struct sk_buff_head *packets)
{
	struct sk_buff_head list;
	struct sk_buff *skb, *segments, *next;

	__skb_queue_head_init(&list);
	while ((skb = __skb_dequeue(packets))) {
		if (!skb_is_gso(skb)) {
			if (skb->ip_summed == CHECKSUM_PARTIAL && skb_checksum_help(skb))
				drop(tv, skb, TOYVPN_STAT_TX_NO_MEMORY);
			else
				__skb_queue_tail(&list, skb);
			continue;
		}
		segments = skb_gso_segment(skb, NETIF_F_SG);
		if (IS_ERR_OR_NULL(segments)) {
			drop(tv, skb, TOYVPN_STAT_TX_NO_MEMORY);
			continue;
		}
		consume_skb(skb);
		skb_list_walk_safe(segments, skb, next) {
			skb_mark_not_on_list(skb);
			__skb_queue_tail(&list, skb);
		}
	}
	skb_queue_splice_init(&list, packets);
}

/* Sends packets on a session; takes them. RCU read lock, bottom halves off */
static void encrypt(struct toyvpn_peer *peer, struct toyvpn_session *session,
		    struct sk_buff_head *packets, u64 counter)
{
	struct toyvpn_device *tv = peer->device;
	struct toyvpn_batch *batch;
	struct sk_buff *skb;

	batch = toyvpn_batch_new(peer, session, batch_done);
	if (likely(batch))
		batch->nesting = nesting();
	while ((skb = __skb_dequeue(packets))) {
		toyvpn_packet(skb)->tos = outer_tos(skb);
		if (unlikely(!batch || !toyvpn_batch_encrypt(batch, skb, counter)))
			drop(tv, skb, TOYVPN_STAT_TX_NO_MEMORY);
		counter++;
	}
	if (likely(batch))
		toyvpn_batch_close(batch);
}

/*
 * Sends packets to a peer, or keeps them and asks for a handshake. The list is
 * empty afterwards. RCU read lock, bottom halves off.
 */
static void send(struct toyvpn_peer *peer, struct sk_buff_head *packets)
{
	u64 now = ktime_get_coarse_boottime_ns();
	struct toyvpn_session *session;
	u64 counter;

	session = rcu_dereference(peer->current_session);
	if (unlikely(!session || !toyvpn_session_alive(session, now)))
		goto queue;
	segment(peer->device, packets);
	if (unlikely(skb_queue_empty(packets)))
		return;
	if (unlikely(toyvpn_session_reserve(session, packets->qlen, &counter)))
		goto queue;
	encrypt(peer, session, packets, counter);
	if (unlikely(toyvpn_session_wants_rekey(session, now)))
		toyvpn_peer_want_handshake(peer);
	return;

queue:
	toyvpn_peer_queue(peer, packets);
	/* A session may have come, and its flush gone, since we looked */
	session = rcu_dereference(peer->current_session);
	if (session && toyvpn_session_alive(session, now))
		toyvpn_peer_want(peer, TOYVPN_WANT_FLUSH);
	else
		toyvpn_peer_want_handshake(peer);
}

/* send() from where neither RCU nor bottom halves are as it wants them */
static void send_from_work(struct toyvpn_peer *peer, struct sk_buff_head *packets)
{
	local_bh_disable();
	rcu_read_lock();
	send(peer, packets);
	rcu_read_unlock();
	local_bh_enable();
}

static struct toyvpn_peer *peer_of(struct toyvpn_device *tv, const struct sk_buff *skb)
{
	struct toyvpn_routes_owner *owner;

	if (skb->protocol == htons(ETH_P_IP))
		owner = toyvpn_routes_lookup_v4(&tv->routes, ip_hdr(skb)->daddr);
	else
		owner = toyvpn_routes_lookup_v6(&tv->routes, &ipv6_hdr(skb)->daddr);
	return owner ? container_of(owner, struct toyvpn_peer, routes) : NULL;
}

static bool is_ip(const struct sk_buff *skb)
{
	__be16 protocol = ip_tunnel_parse_protocol(skb);

	return protocol && skb->protocol == protocol;
}

static bool fits(const struct sk_buff *skb, unsigned int mtu)
{
	return skb_is_gso(skb) ? skb_gso_validate_network_len(skb, mtu) : skb->len <= mtu;
}

static void tell_unreachable(struct sk_buff *skb)
{
	if (skb->protocol == htons(ETH_P_IP))
		icmp_ndo_send(skb, ICMP_DEST_UNREACH, ICMP_HOST_UNREACH, 0);
	else
		icmpv6_ndo_send(skb, ICMPV6_DEST_UNREACH, ICMPV6_ADDR_UNREACH, 0);
}

static void tell_too_big(struct sk_buff *skb, unsigned int mtu)
{
	if (skb->protocol == htons(ETH_P_IP))
		icmp_ndo_send(skb, ICMP_DEST_UNREACH, ICMP_FRAG_NEEDED, htonl(mtu));
	else
		icmpv6_ndo_send(skb, ICMPV6_PKT_TOOBIG, 0, mtu);
}

/**
 * toyvpn_tx() - ndo_start_xmit
 * @skb: an IP packet, often a GSO packet of many segments; taken
 * @dev: a device of ours
 *
 * Several CPUs at once, bottom halves off.
 *
 * Return: NETDEV_TX_OK, or a negative errno that a local sender sees: -ENOKEY
 * if no peer has the address, -EDESTADDRREQ if it is not known where the peer
 * is, -EMSGSIZE, -EPROTONOSUPPORT, -ELOOP. The skb is gone in any case.
 */
netdev_tx_t toyvpn_tx(struct sk_buff *skb, struct net_device *dev)
{
	struct toyvpn_device *tv = netdev_priv(dev);
	struct sk_buff_head packets;
	struct toyvpn_peer *peer;
	unsigned int mtu = READ_ONCE(dev->mtu);
	int err;

	if (unlikely(!is_ip(skb))) {
		drop(tv, skb, TOYVPN_STAT_TX_NOT_IP);
		return -EPROTONOSUPPORT;
	}
	if (unlikely(nesting() > NESTED_MAX)) {
		drop(tv, skb, TOYVPN_STAT_TX_LOOP);
		return -ELOOP;
	}

	rcu_read_lock();
	peer = peer_of(tv, skb);
	if (unlikely(!peer)) {
		tell_unreachable(skb);
		drop(tv, skb, TOYVPN_STAT_TX_NO_ROUTE);
		err = -ENOKEY;
		goto out;
	}
	if (unlikely(READ_ONCE(peer->endpoint.addr.sa_family) == AF_UNSPEC)) {
		toyvpn_peer_set_reason(peer, TOYVPN_REASON_NO_ENDPOINT);
		tell_unreachable(skb);
		drop(tv, skb, TOYVPN_STAT_TX_NO_ENDPOINT);
		err = -EDESTADDRREQ;
		goto out;
	}
	if (unlikely(!fits(skb, mtu))) {
		tell_too_big(skb, mtu);
		drop(tv, skb, TOYVPN_STAT_TX_TOO_BIG);
		err = -EMSGSIZE;
		goto out;
	}

	/* The dst was for ICMP errors; while it waits, it would pin a device */
	skb_dst_drop(skb);
	__skb_queue_head_init(&packets);
	__skb_queue_tail(&packets, skb);
	send(peer, &packets);
	err = NETDEV_TX_OK;
out:
	rcu_read_unlock();
	return err;
}

/**
 * toyvpn_tx_flush() - sends what waited for a session
 * @peer: the caller has a reference
 *
 * Any context but hardirq.
 */
void toyvpn_tx_flush(struct toyvpn_peer *peer)
{
	struct sk_buff_head packets;

	__skb_queue_head_init(&packets);
	toyvpn_peer_dequeue(peer, &packets);
	if (!skb_queue_empty(&packets))
		send_from_work(peer, &packets);
}

/**
 * toyvpn_tx_keepalive() - sends an empty packet, or makes a session for it
 * @peer: the caller has a reference
 *
 * If other packets wait, they do as well. Any context but hardirq.
 */
void toyvpn_tx_keepalive(struct toyvpn_peer *peer)
{
	struct sk_buff_head packets;
	struct sk_buff *skb;

	if (!skb_queue_empty_lockless(&peer->queue)) {
		toyvpn_tx_flush(peer);
		return;
	}
	skb = alloc_skb(TOYVPN_HEADROOM, GFP_ATOMIC);
	if (!skb)
		return;
	__skb_queue_head_init(&packets);
	__skb_queue_tail(&packets, skb);
	send_from_work(peer, &packets);
}
