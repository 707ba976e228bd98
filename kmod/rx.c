// SPDX-License-Identifier: GPL-2.0
#include <linux/ktime.h>
#include <net/inet_ecn.h>
#include <net/ip_tunnels.h>
#include <net/sock.h>

#include "batch.h"
#include "compat.h"
#include "handshake.h"
#include "message.h"
#include "peer.h"
#include "rx.h"
#include "session.h"
#include "socket.h"
#include "toyvpn.h"

static void drop(struct toyvpn_device *tv, struct sk_buff *skb, enum toyvpn_stat why)
{
	toyvpn_count(tv, why);
	DEV_STATS_INC(tv->dev, rx_dropped);
	kfree_skb_reason(skb, toyvpn_stat_drop_reason(why));
}

/* Who owns the source address of a packet, and how long the packet says it is */
static struct toyvpn_routes_owner *inner_source(struct toyvpn_device *tv, struct sk_buff *skb,
						unsigned int *len)
{
	if (skb->protocol == htons(ETH_P_IP)) {
		*len = ntohs(ip_hdr(skb)->tot_len);
		if (*len < sizeof(struct iphdr))
			return NULL;
		return toyvpn_routes_lookup_v4(&tv->routes, ip_hdr(skb)->saddr);
	}
	*len = ntohs(ipv6_hdr(skb)->payload_len) + sizeof(struct ipv6hdr);
	return toyvpn_routes_lookup_v6(&tv->routes, &ipv6_hdr(skb)->saddr);
}

/*
 * To the stack: from the NAPI poll that this is, unless the AEAD completed
 * later; then from the next one. RCU read lock, bottom halves off.
 */
static void give(struct toyvpn_batch *batch, struct sk_buff *skb)
{
	struct toyvpn_device *tv = batch->peer->device;
	struct toyvpn_inbox *inbox = batch->inbox;

	/* Once it is down, and a grace period has passed, there are no inboxes */
	if (unlikely(!(READ_ONCE(tv->dev->flags) & IFF_UP))) {
		drop(tv, skb, TOYVPN_STAT_RX_STACK);
		return;
	}
	dev_sw_netstats_rx_add(tv->dev, skb->len);
	if (likely(READ_ONCE(inbox->poller) == current)) {
		napi_gro_receive(&inbox->napi, skb);
		return;
	}
	skb_queue_tail(&inbox->opened, skb);
	napi_schedule(&inbox->napi);
}

/*
 * What was decrypted becomes a packet of the stack. @skb->data is the inner
 * packet, of its length, in one piece. RCU read lock, bottom halves off.
 */
static void deliver(struct toyvpn_batch *batch, struct sk_buff *skb, u8 outer_tos)
{
	struct toyvpn_peer *peer = batch->peer;
	struct toyvpn_device *tv = peer->device;
	struct toyvpn_routes_owner *owner;
	unsigned int len;

	/* Nothing of the outer packet's way through the stack goes with the inner one */
	skb_scrub_packet(skb, true);
	skb_clear_hash(skb);
	skb_set_queue_mapping(skb, 0);
	skb_reset_redirect(skb);
	skb->priority = 0;
	skb->encapsulation = 0;
	skb->dev = tv->dev;
	skb_reset_mac_header(skb);
	skb_reset_network_header(skb);
	skb_reset_transport_header(skb);
	skb->mac_len = 0;

	skb->protocol = ip_tunnel_parse_protocol(skb);
	if (unlikely(!skb->protocol)) {
		DEV_STATS_INC(tv->dev, rx_frame_errors);
		drop(tv, skb, TOYVPN_STAT_RX_NOT_IP);
		return;
	}
	owner = inner_source(tv, skb, &len);
	if (unlikely(len > skb->len || len < sizeof(struct iphdr))) {
		DEV_STATS_INC(tv->dev, rx_length_errors);
		drop(tv, skb, TOYVPN_STAT_RX_NOT_IP);
		return;
	}
	if (unlikely(owner != &peer->routes)) {
		DEV_STATS_INC(tv->dev, rx_frame_errors);
		drop(tv, skb, TOYVPN_STAT_RX_SOURCE);
		return;
	}
	skb_trim(skb, len);

	/* RFC 6040: congestion outside shows inside; where it cannot, drop */
	if (unlikely(INET_ECN_decapsulate(skb, outer_tos,
					  ip_tunnel_get_dsfield(ip_hdr(skb), skb)) > 1)) {
		DEV_STATS_INC(tv->dev, rx_frame_errors);
		drop(tv, skb, TOYVPN_STAT_RX_ECN);
		return;
	}

	/* The tag proves that it is as it was when the sender completed its checksum */
	skb->ip_summed = CHECKSUM_UNNECESSARY;
	skb->csum_level = ~0;

	memset(skb->cb, 0, sizeof(skb->cb));
	give(batch, skb);
}

/* One message came through the AEAD: true if it is authentic and new */
static bool accept(struct toyvpn_batch *batch, struct sk_buff *skb)
{
	struct toyvpn_packet *packet = toyvpn_packet(skb);
	struct toyvpn_device *tv = batch->peer->device;
	struct toyvpn_endpoint endpoint;

	if (unlikely(packet->err)) {
		toyvpn_count(tv, packet->err == -EBADMSG ? TOYVPN_STAT_RX_AUTHENTICATION :
							   TOYVPN_STAT_RX_NO_MEMORY);
		return false;
	}
	switch (toyvpn_replay_mark(&batch->session->replay, packet->counter)) {
	case TOYVPN_REPLAY_SEEN:
		toyvpn_count(tv, TOYVPN_STAT_RX_REPLAY);
		return false;
	case TOYVPN_REPLAY_HIGHEST:
		/* Only the newest says where the peer is, or a replayed path could */
		if (!toyvpn_endpoint_of(&endpoint, packet->source ?: skb))
			toyvpn_peer_set_endpoint(batch->peer, &endpoint);
		break;
	case TOYVPN_REPLAY_NEW:
		break;
	}
	return true;
}

/* All decrypted. Bottom halves off */
static void batch_done(struct toyvpn_batch *batch)
{
	struct toyvpn_peer *peer = batch->peer;
	struct toyvpn_device *tv = peer->device;
	bool data = false, any = false;
	struct sk_buff *skb;
	u64 bytes = 0;

	rcu_read_lock();
	while ((skb = __skb_dequeue(&batch->packets))) {
		struct sk_buff *source = toyvpn_packet(skb)->source;
		u8 tos = toyvpn_packet(skb)->tos;

		if (unlikely(READ_ONCE(peer->dead) || !accept(batch, skb))) {
			DEV_STATS_INC(tv->dev, rx_dropped);
			kfree_skb(skb);
			kfree_skb(source);
			continue;
		}
		consume_skb(source);
		any = true;
		bytes += skb->len;
		__skb_pull(skb, sizeof(struct toyvpn_data));
		__skb_trim(skb, skb->len - TOYVPN_TAG_LEN);
		if (!skb->len) {
			consume_skb(skb);
			continue;
		}
		data = true;
		deliver(batch, skb, tos);
	}
	if (any) {
		atomic64_add(bytes, &peer->rx_bytes);
		toyvpn_peer_event(peer, data ? TOYVPN_EVENT_DATA_RECEIVED :
					       TOYVPN_EVENT_KEEPALIVE_RECEIVED);
		if (toyvpn_peer_confirm_session(peer, batch->session))
			toyvpn_peer_want(peer, TOYVPN_WANT_FLUSH);
	}
	rcu_read_unlock();
	toyvpn_batch_free(batch);
}

/* The live session that an index names, or NULL. RCU read lock */
static struct toyvpn_session *session_of(struct toyvpn_device *tv, u32 index)
{
	struct toyvpn_id *id = toyvpn_id_find(&tv->ids, index);

	if (!id || !id->is_session)
		return NULL;
	return container_of(id, struct toyvpn_session, id);
}

/* Opens messages, a run of one session's at a time. NAPI poll */
static void receive_data(struct toyvpn_inbox *inbox, struct sk_buff_head *messages)
{
	struct toyvpn_device *tv = inbox->device;
	u64 now = ktime_get_coarse_boottime_ns();
	struct toyvpn_session *session = NULL;
	struct toyvpn_batch *batch = NULL;
	struct sk_buff *skb;

	while ((skb = __skb_dequeue(messages))) {
		u32 index = toyvpn_packet(skb)->index;
		u64 counter = toyvpn_packet(skb)->counter;

		/* One look-up and one batch for a run of one session */
		if (!session || session->id.index != index) {
			if (batch)
				toyvpn_batch_close(batch);
			batch = NULL;
			session = session_of(tv, index);
			if (session && toyvpn_session_alive(session, now))
				batch = toyvpn_batch_new(session->id.peer, session, batch_done);
			if (batch)
				batch->inbox = inbox;
		}
		if (unlikely(!session)) {
			drop(tv, skb, TOYVPN_STAT_RX_UNKNOWN_INDEX);
		} else if (unlikely(!toyvpn_session_alive(session, now) ||
				    counter >= TOYVPN_REJECT_AFTER_MESSAGES)) {
			drop(tv, skb, TOYVPN_STAT_RX_EXPIRED);
		} else if (unlikely(!toyvpn_replay_check(&session->replay, counter))) {
			drop(tv, skb, TOYVPN_STAT_RX_REPLAY);
		} else if (unlikely(!batch ||
				    !toyvpn_batch_decrypt(batch, &inbox->napi, skb, counter))) {
			drop(tv, skb, TOYVPN_STAT_RX_NO_MEMORY);
		}
	}
	if (batch)
		toyvpn_batch_close(batch);
}

/* Takes at most so many skbs from a list to another one; returns how many it took */
static int take(struct sk_buff_head *from, struct sk_buff_head *to, int most)
{
	struct sk_buff *skb;
	int taken = 0;

	if (skb_queue_empty_lockless(from))
		return 0;
	spin_lock_bh(&from->lock);
	if (skb_queue_len(from) <= most) {
		taken = skb_queue_len(from);
		skb_queue_splice_tail_init(from, to);
	} else {
		while (taken < most && (skb = __skb_dequeue(from))) {
			__skb_queue_tail(to, skb);
			taken++;
		}
	}
	spin_unlock_bh(&from->lock);
	return taken;
}

static int poll(struct napi_struct *napi, int budget)
{
	struct toyvpn_inbox *inbox = container_of(napi, struct toyvpn_inbox, napi);
	struct sk_buff_head opened, arrived;
	struct sk_buff *skb;
	int work;

	/* netconsole only wants to send, and may have interrupted who holds a lock */
	if (!budget)
		return 0;
	__skb_queue_head_init(&opened);
	__skb_queue_head_init(&arrived);
	work = take(&inbox->opened, &opened, budget);
	while ((skb = __skb_dequeue(&opened)))
		napi_gro_receive(napi, skb);
	work += take(&inbox->arrived, &arrived, budget - work);

	rcu_read_lock();
	WRITE_ONCE(inbox->poller, current);
	receive_data(inbox, &arrived);
	WRITE_ONCE(inbox->poller, NULL);
	rcu_read_unlock();

	if (work < budget)
		napi_complete_done(napi, work);
	return work;
}

/**
 * toyvpn_rx_init() - makes what data messages wait in
 * @tv: device, whose sockets are not open yet
 *
 * Return: 0 or -ENOMEM.
 */
int toyvpn_rx_init(struct toyvpn_device *tv)
{
	int cpu;

	tv->inboxes = alloc_percpu(struct toyvpn_inbox);
	if (!tv->inboxes)
		return -ENOMEM;
	for_each_possible_cpu(cpu) {
		struct toyvpn_inbox *inbox = per_cpu_ptr(tv->inboxes, cpu);

		inbox->device = tv;
		skb_queue_head_init(&inbox->arrived);
		skb_queue_head_init(&inbox->opened);
		/* Nobody waits for one of these in particular */
		set_bit(NAPI_STATE_NO_BUSY_POLL, &inbox->napi.state);
		netif_napi_add(tv->dev, &inbox->napi, poll);
		napi_enable(&inbox->napi);
	}
	return 0;
}

/**
 * toyvpn_rx_destroy() - frees what toyvpn_rx_init() made
 * @tv: device that is down since a grace period or more, so that nothing is put
 *	into an inbox any more: see give()
 *
 * Sleeps.
 */
void toyvpn_rx_destroy(struct toyvpn_device *tv)
{
	int cpu;

	for_each_possible_cpu(cpu) {
		struct toyvpn_inbox *inbox = per_cpu_ptr(tv->inboxes, cpu);

		napi_disable(&inbox->napi);
		__netif_napi_del(&inbox->napi);
		skb_queue_purge(&inbox->arrived);
		skb_queue_purge(&inbox->opened);
	}
	/* One grace period for all */
	synchronize_net();
	free_percpu(tv->inboxes);
	tv->inboxes = NULL;
}

static void send_cookie(struct toyvpn_device *tv, const struct sk_buff *skb,
			const struct toyvpn_endpoint *from, const void *addr, size_t addr_len,
			__be16 port, u64 now)
{
	const struct toyvpn_header *header = (const struct toyvpn_header *)skb->data;
	struct toyvpn_cookie_message cookie = {
		.header.type = TOYVPN_MESSAGE_COOKIE,
		.header.version = TOYVPN_VERSION,
		.header.index = header->index,
	};

	if (toyvpn_cookie_make_reply(&tv->checker, skb->data, skb->len, addr, addr_len, port, now,
				     cookie.nonce, cookie.sealed))
		return;
	toyvpn_count(tv, TOYVPN_STAT_HS_COOKIE_SENT);
	toyvpn_send_reply(tv, from, &cookie, sizeof(cookie));
}

static bool under_load(struct toyvpn_device *tv, u64 now)
{
	if (skb_queue_len_lockless(&tv->handshakes) >= TOYVPN_UNDER_LOAD)
		WRITE_ONCE(tv->loaded_until, now + NSEC_PER_SEC);
	return READ_ONCE(tv->loaded_until) > now;
}

/*
 * A message that may cost a DH must carry a right mac1, which takes knowing our
 * public key; under load a right mac2 as well, which takes being where it says
 * it comes from, and not too many of that from one source.
 */
static bool may_cost(struct toyvpn_device *tv, const struct sk_buff *skb)
{
	u64 now = ktime_get_coarse_boottime_ns();
	bool loaded = under_load(tv, now);
	struct toyvpn_endpoint from;
	const void *addr;
	size_t addr_len;
	__be16 port;

	if (toyvpn_endpoint_of(&from, skb))
		return false;
	addr_len = toyvpn_endpoint_source(&from, &addr, &port);
	switch (toyvpn_cookie_check(&tv->checker, skb->data, skb->len, addr, addr_len, port,
				    loaded, now)) {
	case TOYVPN_COOKIE_INVALID:
		toyvpn_count(tv, TOYVPN_STAT_HS_MAC1);
		return false;
	case TOYVPN_COOKIE_MAC1_ONLY:
		if (!loaded)
			return true;
		send_cookie(tv, skb, &from, addr, addr_len, port, now);
		return false;
	case TOYVPN_COOKIE_MAC1_AND_MAC2:
		break;
	}
	if (loaded && !toyvpn_ratelimit_allow(&tv->ratelimit, addr, addr_len, now)) {
		toyvpn_count(tv, TOYVPN_STAT_HS_RATE_LIMIT);
		return false;
	}
	return true;
}

/* A RESP answers an INIT of ours, and names it */
static bool awaited(struct toyvpn_device *tv, const struct toyvpn_resp *resp)
{
	struct toyvpn_id *id = toyvpn_id_find(&tv->ids, le32_to_cpu(resp->receiver));

	return id && !id->is_session;
}

static void receive_handshake(struct toyvpn_device *tv, struct sk_buff *skb)
{
	u8 type = ((const struct toyvpn_header *)skb->data)->type;

	if (type == TOYVPN_MESSAGE_COOKIE) {
		toyvpn_handshake_cookie(tv, (const struct toyvpn_cookie_message *)skb->data);
		consume_skb(skb);
		return;
	}
	if (type == TOYVPN_MESSAGE_RESP &&
	    !awaited(tv, (const struct toyvpn_resp *)skb->data)) {
		drop(tv, skb, TOYVPN_STAT_RX_UNKNOWN_INDEX);
		return;
	}
	if (!may_cost(tv, skb)) {
		DEV_STATS_INC(tv->dev, rx_dropped);
		kfree_skb(skb);
		return;
	}
	if (skb_queue_len_lockless(&tv->handshakes) >= TOYVPN_HANDSHAKE_QUEUE) {
		drop(tv, skb, TOYVPN_STAT_HS_QUEUE_FULL);
		return;
	}
	skb_queue_tail(&tv->handshakes, skb);
	queue_work(tv->wq, &tv->handshake_work);
}

/* Lengths that a handshake message can have: see section 2 */
static bool handshake_len_ok(unsigned int len, size_t least)
{
	return len >= least && len <= least + TOYVPN_TLV_ROOM &&
	       (len - least) % TOYVPN_TLV_ALIGN == 0;
}

/*
 * Brings skb->data to the message, whose header it copies, and checks all of it
 * that needs no key: that it is as long as its type has it, in one piece if it
 * is going to be read here.
 */
static bool parse(struct sk_buff *skb, struct toyvpn_data *head)
{
	unsigned int len;

	if (!pskb_may_pull(skb, sizeof(struct udphdr)))
		return false;
	len = ntohs(udp_hdr(skb)->len);
	/* 0 stands for "longer than that", which no message is: IPv6 jumbograms */
	if (len < sizeof(struct udphdr) || len > skb->len || pskb_trim(skb, len))
		return false;
	__skb_pull(skb, sizeof(struct udphdr));
	if (skb->len < TOYVPN_DATA_MIN || skb_copy_bits(skb, 0, head, sizeof(*head)))
		return false;

	if (head->header.version != TOYVPN_VERSION || head->header.reserved)
		return false;
	switch (head->header.type) {
	case TOYVPN_MESSAGE_DATA:
		return true;
	case TOYVPN_MESSAGE_INIT:
		return handshake_len_ok(skb->len, TOYVPN_INIT_MIN) && !skb_linearize(skb);
	case TOYVPN_MESSAGE_RESP:
		return handshake_len_ok(skb->len, TOYVPN_RESP_MIN) && !skb_linearize(skb);
	case TOYVPN_MESSAGE_COOKIE:
		return skb->len == sizeof(struct toyvpn_cookie_message) && !skb_linearize(skb);
	}
	return false;
}

static u8 tos_of(const struct sk_buff *skb)
{
	return skb->protocol == htons(ETH_P_IP) ? ip_hdr(skb)->tos :
						  ipv6_get_dsfield(ipv6_hdr(skb));
}

/**
 * toyvpn_rx() - what the UDP sockets hand their datagrams to: encap_rcv
 * @sk: one of a device's sockets
 * @skb: skb->data is the UDP header, the checksum is verified; taken
 *
 * Softirq, RCU read lock.
 *
 * Return: 0: it is ours in any case.
 */
int toyvpn_rx(struct sock *sk, struct sk_buff *skb)
{
	struct toyvpn_device *tv = rcu_dereference_sk_user_data(sk);
	struct toyvpn_inbox *inbox;
	struct toyvpn_data head;

	/* It may wait, longer than the route and the socket that the stack lent it */
	skb_mark_not_on_list(skb);
	skb_orphan(skb);
	skb_dst_drop(skb);
	if (unlikely(!tv)) {
		kfree_skb(skb);
		return 0;
	}
	/* An honest train comes in segments; what a virtual machine marked does not */
	if (unlikely(skb_is_gso(skb) || !parse(skb, &head))) {
		DEV_STATS_INC(tv->dev, rx_errors);
		drop(tv, skb, TOYVPN_STAT_RX_MALFORMED);
		return 0;
	}
	if (unlikely(head.header.type != TOYVPN_MESSAGE_DATA)) {
		receive_handshake(tv, skb);
		return 0;
	}
	/* What strangers send must not take the room of what peers do */
	if (unlikely(!session_of(tv, le32_to_cpu(head.header.index)))) {
		drop(tv, skb, TOYVPN_STAT_RX_UNKNOWN_INDEX);
		return 0;
	}
	inbox = this_cpu_ptr(tv->inboxes);
	if (unlikely(skb_queue_len_lockless(&inbox->arrived) >= TOYVPN_INBOX)) {
		drop(tv, skb, TOYVPN_STAT_RX_STACK);
		return 0;
	}
	*toyvpn_packet(skb) = (struct toyvpn_packet) {
		.counter = le64_to_cpu(head.counter),
		.index = le32_to_cpu(head.header.index),
		.tos = tos_of(skb),
	};
	spin_lock(&inbox->arrived.lock);
	__skb_queue_tail(&inbox->arrived, skb);
	spin_unlock(&inbox->arrived.lock);
	napi_schedule(&inbox->napi);
	return 0;
}
