// SPDX-License-Identifier: GPL-2.0
#include <linux/icmp.h>
#include <linux/icmpv6.h>
#include <linux/ktime.h>
#include <net/icmp.h>
#include <net/inet_ecn.h>
#include <net/ip6_checksum.h>
#include <net/ip_tunnels.h>
#include <net/tso.h>

#include "batch.h"
#include "compat.h"
#include "message.h"
#include "peer.h"
#include "session.h"
#include "socket.h"
#include "spread.h"
#include "toyvpn.h"
#include "train.h"
#include "tx.h"

/* How much of each CPU encryption takes */
static DEFINE_PER_CPU(struct toyvpn_load, load_here);

/* So many batches are sent at most before others have their turn */
#define LANE_ROUND	64

static void drop(struct toyvpn_device *tv, struct sk_buff *skb, enum toyvpn_stat why)
{
	toyvpn_count(tv, why);
	DEV_STATS_INC(tv->dev, tx_dropped);
	kfree_skb_reason(skb, toyvpn_stat_drop_reason(why));
}

/* With one message that is not encrypted, none of it leaves */
static void drop_train(struct toyvpn_batch *batch, struct sk_buff *skb)
{
	struct toyvpn_device *tv = batch->peer->device;
	unsigned int n = toyvpn_train_messages(skb);
	unsigned int bytes = skb->len - n * TOYVPN_DATA_MIN;

	__skb_unlink(skb, &batch->packets);
	if (bytes) {
		batch->count -= n;
		batch->bytes -= bytes;
	}
	toyvpn_stat_add(tv->stats, TOYVPN_STAT_TX_CRYPTO, n);
	DEV_STATS_ADD(tv->dev, tx_dropped, n);
	kfree_skb_reason(skb, toyvpn_stat_drop_reason(TOYVPN_STAT_TX_CRYPTO));
}

/* Its peer is one no more */
static void drop_batch(struct toyvpn_batch *batch)
{
	struct toyvpn_device *tv = batch->peer->device;
	unsigned int n = 0;
	struct sk_buff *skb;

	skb_queue_walk(&batch->packets, skb)
		n += toyvpn_train_messages(skb);
	__skb_queue_purge(&batch->packets);
	toyvpn_stat_add(tv->stats, TOYVPN_STAT_TX_NO_SESSION, n);
	DEV_STATS_ADD(tv->dev, tx_dropped, n);
}

/* All encrypted, and nothing before it: out they go. Bottom halves off */
static void leave(struct toyvpn_batch *batch)
{
	struct toyvpn_peer *peer = batch->peer;
	struct toyvpn_device *tv = peer->device;
	struct sk_buff *skb, *next;
	unsigned int nesting;
	int err;

	skb_queue_walk_safe(&batch->packets, skb, next) {
		if (unlikely(toyvpn_packet(skb)->err))
			drop_train(batch, skb);
	}
	if (unlikely(READ_ONCE(peer->dead)))
		drop_batch(batch);
	if (likely(!skb_queue_empty(&batch->packets))) {
		/* If the AEAD completed later, this is no longer where the packets came from */
		nesting = toyvpn_nesting_set(batch->nesting);
		err = toyvpn_send_list(peer, &batch->packets);
		toyvpn_nesting_set(nesting);
		if (likely(!err))
			dev_sw_netstats_tx_add(tv->dev, batch->count, batch->bytes);
		else if (err == -ELOOP)
			toyvpn_peer_set_reason(peer, TOYVPN_REASON_ROUTE_LOOP);
		/* Lost on the way or not: who sends wants to hear an answer */
		toyvpn_peer_traffic(peer, batch->count ? TOYVPN_EVENT_DATA_SENT :
							 TOYVPN_EVENT_KEEPALIVE_SENT,
				    batch->now);
	}
	toyvpn_batch_free(batch);
}

static void leave_in_turn(struct toyvpn_turn *turn)
{
	leave(container_of(turn, struct toyvpn_batch, turn));
}

/* The caller has a reference or the RCU read lock */
static void want_lane(struct toyvpn_peer *peer, int cpu)
{
	if (!toyvpn_peer_get(peer))
		return;
	/* The reference is the work item's */
	if (!toyvpn_spread_queue_on(cpu, &peer->lane_work))
		toyvpn_peer_put(peer);
}

/* RCU read lock, bottom halves off */
static void drain_lane(struct toyvpn_peer *peer)
{
	if (toyvpn_lane_drain(&peer->lane, leave_in_turn, LANE_ROUND) == LANE_ROUND)
		want_lane(peer, smp_processor_id());
}

/**
 * toyvpn_tx_lane() - sends what other CPUs have encrypted of a peer
 * @work: the peer's lane_work, which has a reference to it
 *
 * Process context.
 */
void toyvpn_tx_lane(struct work_struct *work)
{
	struct toyvpn_peer *peer = container_of(work, struct toyvpn_peer, lane_work);

	local_bh_disable();
	rcu_read_lock();
	drain_lane(peer);
	rcu_read_unlock();
	local_bh_enable();
	toyvpn_peer_put(peer);
}

/*
 * All encrypted. Whoever did that, they leave from one CPU: two would put them
 * into different queues of what is below us. RCU read lock, bottom halves off.
 */
static void batch_done(struct toyvpn_batch *batch)
{
	struct toyvpn_peer *peer = batch->peer;
	int cpu;

	if (likely(!batch->in_turn)) {
		leave(batch);
		return;
	}
	/* The peer's last reference may go with the batch, which is anybody's once ready */
	if (toyvpn_lane_ready(&peer->lane, &batch->turn)) {
		cpu = READ_ONCE(peer->lane.cpu);
		if (cpu == smp_processor_id() || toyvpn_lane_is_full(&peer->lane))
			drain_lane(peer);
		else
			want_lane(peer, cpu);
	}
}

/* The DS field of the outer header: ECN of the inner one (RFC 6040, 4.1), no DSCP */
static u8 outer_tos(const struct sk_buff *skb)
{
	if (!skb->len)
		return 0;
	return ip_tunnel_get_dsfield(ip_hdr(skb), skb) & INET_ECN_MASK;
}

/*
 * The length of the headers of a GSO packet that cut() can cut into messages,
 * 0 if only the stack can: tunnels, lists of fragments, extension headers,
 * what a virtual machine says of a packet.
 */
static unsigned int cut_header(struct sk_buff *skb)
{
	const unsigned int known = SKB_GSO_TCPV4 | SKB_GSO_TCPV6 | SKB_GSO_TCP_ECN |
				   SKB_GSO_UDP_L4;
	unsigned int len;
	u8 protocol;

	if (skb_shinfo(skb)->gso_type & ~known || skb->encapsulation || skb_has_frag_list(skb) ||
	    skb->ip_summed != CHECKSUM_PARTIAL || skb_network_offset(skb) ||
	    IS_ENABLED(CONFIG_HIGHMEM))
		return 0;
	if (skb->protocol == htons(ETH_P_IP)) {
		len = ip_hdrlen(skb);
		protocol = ip_hdr(skb)->protocol;
	} else {
		len = sizeof(struct ipv6hdr);
		protocol = ipv6_hdr(skb)->nexthdr;
	}
	if (skb_transport_offset(skb) != len)
		return 0;
	if (skb_is_gso_tcp(skb)) {
		if (protocol != IPPROTO_TCP || skb_headlen(skb) < len + sizeof(struct tcphdr) ||
		    tcp_hdrlen(skb) < sizeof(struct tcphdr))
			return 0;
		len += tcp_hdrlen(skb);
	} else {
		if (protocol != IPPROTO_UDP)
			return 0;
		len += sizeof(struct udphdr);
	}
	return skb_headlen(skb) >= len && skb->len > len ? len : 0;
}

/* How many messages a packet becomes, after segment() */
static unsigned int messages_of(struct sk_buff *skb)
{
	unsigned int header = toyvpn_packet(skb)->header;

	return header ? DIV_ROUND_UP(skb->len - header, skb_shinfo(skb)->gso_size) : 1;
}

/*
 * GSO packets that we cannot cut ourselves become segments that still share
 * the memory of the packet; what the stack cannot cut either is dropped.
 * Returns the messages that the rest becomes.
 */
static unsigned int segment(struct toyvpn_device *tv, struct sk_buff_head *packets)
{
	struct sk_buff *skb, *segments, *next;
	unsigned int messages = 0;
	struct sk_buff_head list;

	__skb_queue_head_init(&list);
	while ((skb = __skb_dequeue(packets))) {
		toyvpn_packet(skb)->header = skb_is_gso(skb) ? cut_header(skb) : 0;
		if (likely(toyvpn_packet(skb)->header || !skb_is_gso(skb))) {
			messages += messages_of(skb);
			__skb_queue_tail(&list, skb);
			continue;
		}
		segments = skb_gso_segment(skb, NETIF_F_SG | NETIF_F_HW_CSUM);
		if (IS_ERR_OR_NULL(segments)) {
			drop(tv, skb, TOYVPN_STAT_TX_NO_MEMORY);
			continue;
		}
		consume_skb(skb);
		skb_list_walk_safe(segments, skb, next) {
			skb_mark_not_on_list(skb);
			toyvpn_packet(skb)->header = 0;
			__skb_queue_tail(&list, skb);
			messages++;
		}
	}
	skb_queue_splice_init(&list, packets);
	return messages;
}

/**
 * struct outgoing - what encrypt() has in hand
 * @batch: of the session
 * @train: takes the messages
 * @counter: of the next one
 * @end: counter that was not reserved any more
 * @rest: bytes of all messages that are still to come
 */
struct outgoing {
	struct toyvpn_batch *batch;
	struct toyvpn_train train;
	u64 counter;
	u64 end;
	size_t rest;
};

/* Room for the next message: where its packet of @len bytes goes, or NULL */
static u8 *room(struct outgoing *out, const struct sk_buff *skb, unsigned int len)
{
	struct toyvpn_data *data;

	/* Two messages with one counter would give away both */
	if (WARN_ON_ONCE(out->counter >= out->end))
		return NULL;
	data = toyvpn_train_add(&out->train, TOYVPN_DATA_MIN + len, outer_tos(skb), out->rest);
	return data ? data->encrypted : NULL;
}

/* A packet has its place in the last skb: drop_train() takes off what it has of them */
static void count(struct toyvpn_batch *batch, unsigned int len)
{
	if (likely(len)) {
		batch->count++;
		batch->bytes += len;
	}
}

/* The packet becomes its message, with room on both sides */
static void seal(struct toyvpn_batch *batch, u8 *packet, unsigned int len, u64 counter)
{
	struct sk_buff *skb = skb_peek_tail(&batch->packets);
	struct toyvpn_data *data = (struct toyvpn_data *)(packet - sizeof(*data));

	if (unlikely(!toyvpn_batch_encrypt(batch, skb, data, len, counter)))
		toyvpn_packet(skb)->err = -ENOMEM;
	count(batch, len);
}

/* The packet is in its room */
static void seal_next(struct outgoing *out, u8 *packet, unsigned int len)
{
	seal(out->batch, packet, len, out->counter++);
	out->rest -= TOYVPN_DATA_MIN + len;
}

/*
 * Whether the place of a checksum that is still to be completed is in the
 * packet: it may be what a virtual machine said, before headers outside of this
 * packet were taken off.
 */
static bool is_checksum_inside(const struct sk_buff *skb)
{
	int start = skb_checksum_start_offset(skb);

	return skb->ip_summed != CHECKSUM_PARTIAL ||
	       (start >= 0 && start + skb->csum_offset + sizeof(__sum16) <= skb->len);
}

/* Of the packet, which is at @packet */
static void complete_checksum(const struct sk_buff *skb, u8 *packet)
{
	int start = skb_checksum_start_offset(skb);

	if (skb->ip_summed == CHECKSUM_PARTIAL)
		put_unaligned(csum_fold(csum_partial(packet + start, skb->len - start, 0)) ?:
			      CSUM_MANGLED_0, (__sum16 *)(packet + start + skb->csum_offset));
}

/* A packet that becomes one message */
static int copy(struct outgoing *out, struct sk_buff *skb)
{
	u8 *packet;

	if (!is_checksum_inside(skb))
		return -EINVAL;
	packet = room(out, skb, skb->len);
	if (!packet)
		return -ENOMEM;
	if (skb_copy_bits(skb, 0, packet, skb->len)) {
		toyvpn_packet(skb_peek_tail(&out->batch->packets))->err = -EFAULT;
		count(out->batch, skb->len);
		return -EINVAL;
	}
	complete_checksum(skb, packet);
	seal_next(out, packet, skb->len);
	return 0;
}

/* Whether a packet can become its message where it is */
static bool is_convertible(const struct sk_buff *skb)
{
	return !skb_is_gso(skb) && !skb_cloned(skb) && !skb_is_nonlinear(skb) &&
	       skb_headroom(skb) >= TOYVPN_HEADROOM + sizeof(struct toyvpn_data) &&
	       skb_tailroom(skb) >= TOYVPN_TAG_LEN;
}

/* A packet becomes its message where it is */
static void convert(struct toyvpn_batch *batch, struct sk_buff *skb, u64 counter)
{
	struct toyvpn_data *data = (struct toyvpn_data *)skb->data - 1;
	unsigned int len = skb->len;
	u8 tos = outer_tos(skb);

	if (unlikely(!is_checksum_inside(skb))) {
		drop(batch->peer->device, skb, TOYVPN_STAT_TX_NOT_IP);
		return;
	}
	complete_checksum(skb, skb->data);
	/* Nothing of the inner packet's way through the stack goes with the outer one */
	skb_scrub_packet(skb, true);
	skb_clear_hash(skb);
	skb_set_queue_mapping(skb, 0);
	skb_reset_redirect(skb);
	skb_gso_reset(skb);
	skb_init_secmark(skb);
	skb_set_dst_pending_confirm(skb, 0);
	skb_shinfo(skb)->tx_flags = 0;
	skb->ip_summed = CHECKSUM_NONE;
	skb->encapsulation = 0;
	skb->mac_len = 0;
	skb->dev = NULL;

	__skb_push(skb, sizeof(*data));
	__skb_put(skb, TOYVPN_TAG_LEN);
	*toyvpn_packet(skb) = (struct toyvpn_packet) { .tos = tos };
	__skb_queue_tail(&batch->packets, skb);
	seal(batch, data->encrypted, len, counter);
}

/* Completes the checksums of a segment; @sum is that of its data */
static void complete_checksums(u8 *packet, unsigned int transport, unsigned int len, bool tcp,
			       __wsum sum)
{
	struct tcphdr *tcph = (struct tcphdr *)(packet + transport);
	struct udphdr *udph = (struct udphdr *)(packet + transport);
	struct ipv6hdr *ip6 = (struct ipv6hdr *)packet;
	struct iphdr *ip4 = (struct iphdr *)packet;
	u8 protocol = tcp ? IPPROTO_TCP : IPPROTO_UDP;
	__sum16 *check = tcp ? &tcph->check : &udph->check;
	unsigned int rest = len - transport;

	*check = 0;
	sum = csum_partial(packet + transport, tcp ? __tcp_hdrlen(tcph) : sizeof(*udph), sum);
	if (ip4->version == 4) {
		*check = csum_tcpudp_magic(ip4->saddr, ip4->daddr, rest, protocol, sum);
		ip4->check = 0;
		ip4->check = ip_fast_csum(ip4, ip4->ihl);
	} else {
		*check = csum_ipv6_magic(&ip6->saddr, &ip6->daddr, rest, protocol, sum);
	}
	if (!tcp && !*check)
		*check = CSUM_MANGLED_0;
}

/* A GSO packet: each segment straight from its data into its message, in one pass */
static int cut(struct outgoing *out, struct sk_buff *skb)
{
	unsigned int header = toyvpn_packet(skb)->header, size, at, n;
	unsigned int rest = skb->len - header;
	bool tcp = skb_is_gso_tcp(skb);
	bool first = true;
	struct tso_t tso;
	u8 *packet;
	__wsum sum;

	tso_start(skb, &tso);
	while (rest) {
		size = min_t(unsigned int, rest, skb_shinfo(skb)->gso_size);
		rest -= size;
		packet = room(out, skb, header + size);
		if (!packet)
			return -ENOMEM;
		tso_build_hdr(skb, packet, &tso, size, !rest);
		if (tcp && !first)
			((struct tcphdr *)(packet + skb_transport_offset(skb)))->cwr = 0;
		first = false;
		sum = 0;
		for (at = 0; at < size; at += n) {
			n = min_t(unsigned int, tso.size, size - at);
			sum = csum_block_add(sum, csum_partial_copy_nocheck(tso.data,
									    packet + header + at,
									    n), at);
			tso_build_data(skb, &tso, n);
		}
		complete_checksums(packet, skb_transport_offset(skb), header + size, tcp, sum);
		seal_next(out, packet, header + size);
	}
	return 0;
}

static size_t bytes_of(struct sk_buff *skb)
{
	unsigned int header = toyvpn_packet(skb)->header;

	return messages_of(skb) * (size_t)(TOYVPN_DATA_MIN + header) + skb->len - header;
}

/*
 * Each skb goes in the stead of the packet that began it, unless it is that one.
 * Only now does it have all its memory, which the books of a socket are about.
 */
static void take_over(struct sk_buff_head *skbs)
{
	struct sk_buff *skb, *source;
	bool last;

	skb_queue_walk(skbs, skb) {
		source = toyvpn_packet(skb)->source;
		if (!source)
			continue;
		toyvpn_packet(skb)->source = NULL;
		last = skb_queue_is_last(skbs, skb) || toyvpn_packet(skb->next)->source != source;
		skb->priority = source->priority;
		toyvpn_batch_own(skb, source, last);
	}
}

/* Fills a batch with the messages of packets: as fill() */
static void fill_trains(struct toyvpn_batch *batch, struct sk_buff_head *packets, u64 counter,
			unsigned int messages)
{
	struct outgoing out = {
		.batch = batch, .counter = counter, .end = counter + messages
	};
	struct toyvpn_device *tv = batch->peer->device;
	struct sk_buff *skb;

	toyvpn_train_init(&out.train, &batch->packets);
	skb_queue_walk(packets, skb)
		out.rest += bytes_of(skb);
	skb_queue_walk(packets, skb) {
		out.train.source = skb;
		toyvpn_packet(skb)->err = toyvpn_packet(skb)->header ? cut(&out, skb) :
								       copy(&out, skb);
	}
	take_over(&batch->packets);
	while ((skb = __skb_dequeue(packets))) {
		if (likely(!toyvpn_packet(skb)->err))
			consume_skb(skb);
		else
			drop(tv, skb, toyvpn_packet(skb)->err == -ENOMEM ?
				      TOYVPN_STAT_TX_NO_MEMORY : TOYVPN_STAT_TX_NOT_IP);
	}
}

/*
 * Fills a batch with the messages of packets, @counter being the first of as
 * many as segment() said. The list is empty afterwards. RCU read lock, bottom
 * halves off.
 */
static void fill(struct toyvpn_batch *batch, struct sk_buff_head *packets, u64 counter,
		 unsigned int messages)
{
	/* Those that follow each other are better off in one train */
	if (messages == 1 && is_convertible(skb_peek(packets)))
		convert(batch, __skb_dequeue(packets), counter);
	else
		fill_trains(batch, packets, counter, messages);
}

/* On the CPU that was free first */
static void fill_elsewhere(struct work_struct *work)
{
	struct toyvpn_batch *batch = container_of(work, struct toyvpn_batch, work);
	struct toyvpn_load *load = batch->load;
	struct sk_buff_head packets;
	u64 began;

	local_bh_disable();
	rcu_read_lock();
	__skb_queue_head_init(&packets);
	skb_queue_splice_init(&batch->plain, &packets);
	began = ktime_get_ns();
	fill(batch, &packets, batch->counter, batch->messages);
	toyvpn_load_end(load, ktime_get_ns() - began);
	toyvpn_load_return(load);
	toyvpn_batch_close(batch);
	rcu_read_unlock();
	local_bh_enable();
}

static void drop_all(struct toyvpn_device *tv, struct sk_buff_head *packets, enum toyvpn_stat why)
{
	struct sk_buff *skb;

	while ((skb = __skb_dequeue(packets)))
		drop(tv, skb, why);
}

/*
 * Sends packets on a session: here or, where this CPU has too much of that, on
 * another one. As fill().
 */
static void encrypt(struct toyvpn_peer *peer, struct toyvpn_session *session,
		    struct sk_buff_head *packets, u64 counter, unsigned int messages, u64 now)
{
	unsigned int helpers = num_online_cpus() - 1;
	bool much = helpers && messages >= TOYVPN_SPREAD_LEAST;
	struct toyvpn_load *load = this_cpu_ptr(&load_here);
	struct toyvpn_device *tv = peer->device;
	struct toyvpn_batch *batch;
	bool lend = false;
	u64 began = 0;

	batch = toyvpn_batch_new(peer, session, batch_done);
	if (unlikely(!batch)) {
		drop_all(tv, packets, TOYVPN_STAT_TX_NO_MEMORY);
		return;
	}
	batch->now = now;
	batch->nesting = toyvpn_nesting();
	if (much) {
		began = ktime_get_ns();
		toyvpn_load_begin(load, began);
		lend = toyvpn_load_lend(load, helpers);
	}
	batch->in_turn = lend || !toyvpn_lane_is_empty(&peer->lane);
	if (unlikely(batch->in_turn))
		toyvpn_lane_join(&peer->lane, &batch->turn, messages);
	if (unlikely(lend)) {
		batch->load = load;
		batch->counter = counter;
		batch->messages = messages;
		__skb_queue_head_init(&batch->plain);
		skb_queue_splice_init(packets, &batch->plain);
		toyvpn_count(tv, TOYVPN_STAT_TX_SPREAD);
		INIT_WORK(&batch->work, fill_elsewhere);
		toyvpn_spread_queue(&batch->work);
		return;
	}
	fill(batch, packets, counter, messages);
	/* What the AEAD completes later is not passed by what another CPU does at once */
	if (!batch->in_turn && unlikely(toyvpn_batch_is_late(batch))) {
		batch->in_turn = true;
		toyvpn_lane_join(&peer->lane, &batch->turn, messages);
	}
	if (much)
		toyvpn_load_end(load, ktime_get_ns() - began);
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
	unsigned int messages;
	u64 counter;

	session = rcu_dereference(peer->current_session);
	if (unlikely(!session || !toyvpn_session_alive(session, now)))
		goto queue;
	/* Those that are ready may wait for their CPU, which has no time */
	if (unlikely(toyvpn_lane_is_full(&peer->lane)))
		drain_lane(peer);
	if (unlikely(toyvpn_lane_is_full(&peer->lane))) {
		drop_all(peer->device, packets, TOYVPN_STAT_TX_QUEUE_FULL);
		return;
	}
	messages = segment(peer->device, packets);
	if (unlikely(!messages))
		return;
	if (unlikely(toyvpn_session_reserve(session, messages, &counter)))
		goto queue;
	encrypt(peer, session, packets, counter, messages, now);
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
	if (unlikely(toyvpn_nesting_refuse())) {
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
