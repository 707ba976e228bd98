// SPDX-License-Identifier: GPL-2.0
#include <linux/delay.h>
#include <linux/ktime.h>
#include <net/inet_ecn.h>
#include <net/ip_tunnels.h>
#include <net/sock.h>

#include "batch.h"
#include "compat.h"
#include "handshake.h"
#include "merge.h"
#include "message.h"
#include "peer.h"
#include "rx.h"
#include "session.h"
#include "share.h"
#include "socket.h"
#include "spread.h"
#include "toyvpn.h"
#include "whole.h"

/* So many messages before one poll are worth the cost of taking them whole */
#define TRAIN_LEAST	8

/* So many messages are copied before what came of them is given to the stack */
#define COPIES_MOST	256

/* So many jobs are ended in one poll */
#define JOBS_ROUND	8

static void drop_messages(struct toyvpn_device *tv, struct sk_buff *skb, enum toyvpn_stat why,
			  unsigned int n)
{
	toyvpn_stat_add(tv->stats, why, n);
	DEV_STATS_ADD(tv->dev, rx_dropped, n);
	kfree_skb_reason(skb, toyvpn_stat_drop_reason(why));
}

/* One message, and a reference to what it came in */
static void drop_one(struct toyvpn_device *tv, struct sk_buff *skb, enum toyvpn_stat why)
{
	drop_messages(tv, skb, why, 1);
}

/*
 * How many messages arrived in an skb, whose headers are off. A virtual machine
 * need not say how many segments there are.
 */
static unsigned int messages_of(const struct sk_buff *skb)
{
	return skb_is_gso(skb) ? DIV_ROUND_UP(skb->len, skb_shinfo(skb)->gso_size) : 1;
}

/* All that arrived in an skb */
static void drop_arrived(struct toyvpn_device *tv, struct sk_buff *skb, enum toyvpn_stat why)
{
	drop_messages(tv, skb, why, messages_of(skb));
}

/* A packet, or as many as a GSO packet has */
static void drop(struct toyvpn_device *tv, struct sk_buff *skb, enum toyvpn_stat why)
{
	drop_messages(tv, skb, why, skb_shinfo(skb)->gso_segs ?: 1);
}

/* What no peer of ours sends */
static void drop_malformed(struct toyvpn_device *tv, struct sk_buff *skb)
{
	DEV_STATS_INC(tv->dev, rx_errors);
	drop(tv, skb, TOYVPN_STAT_RX_MALFORMED);
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

/**
 * struct handover - what hand_over() has in hand
 * @batch: all of which is decrypted
 * @polled: this is the poll of the inbox, not what the AEAD completed later
 * @alone: and GRO has no use for what it has, a single packet
 * @first: no session was there before
 * @came: what the message before came in: one train comes from one place
 * @merge: segments that are put together
 * @merge_tos: DS field outside of these
 * @any: a message was accepted
 * @data: one that was no keepalive
 * @bytes: of all that were
 * @last: goes to the stack when all else is done
 */
struct handover {
	struct toyvpn_batch *batch;
	bool polled;
	bool alone;
	bool first;
	const struct sk_buff *came;
	struct toyvpn_merge merge;
	u8 merge_tos;
	bool any;
	bool data;
	u64 bytes;
	struct sk_buff *last;
};

/*
 * To the stack: from the NAPI poll that this is, unless the AEAD completed
 * later; then from the next one. RCU read lock, bottom halves off.
 */
static void give(struct handover *hand, struct sk_buff *skb)
{
	struct toyvpn_inbox *inbox = hand->batch->inbox;
	struct toyvpn_device *tv = inbox->device;

	/* Once it is down, and a grace period has passed, there are no inboxes */
	if (unlikely(!(READ_ONCE(tv->dev->flags) & IFF_UP))) {
		drop(tv, skb, TOYVPN_STAT_RX_STACK);
	/*
	 * Packets that waited for the session come at once. Given to the stack as a
	 * list, those of a new flow pass conntrack together, which keeps just one of
	 * them if it changes their addresses.
	 */
	} else if (unlikely(hand->first)) {
		netif_rx(skb);
	} else if (likely(hand->alone)) {
		hand->last = skb;
	} else if (likely(hand->polled)) {
		napi_gro_receive(&inbox->napi, skb);
	} else {
		skb_queue_tail(&inbox->opened, skb);
		napi_schedule(&inbox->napi);
	}
}

/* To the stack, after what was put together before; others may follow if GRO is on */
static void give_in_turn(struct handover *hand, struct sk_buff *skb, u8 outer_tos)
{
	struct sk_buff *before = toyvpn_merge_end(&hand->merge);

	if (before)
		give(hand, before);
	if (hand->alone || netif_elide_gro(skb->dev) || !toyvpn_merge_begin(&hand->merge, skb))
		give(hand, skb);
	else
		hand->merge_tos = outer_tos;
}

/*
 * What was decrypted becomes a packet of the stack. @skb->data is the inner
 * packet, of its length, its headers in one piece. RCU read lock, bottom halves
 * off.
 */
static void deliver(struct handover *hand, struct sk_buff *skb, u8 outer_tos)
{
	struct toyvpn_peer *peer = hand->batch->peer;
	struct toyvpn_device *tv = peer->device;
	struct toyvpn_routes_owner *owner;
	unsigned int len;

	/* Nothing of the outer packet's way through the stack goes with the inner one */
	skb_scrub_packet(skb, true);
	skb_clear_hash(skb);
	skb_set_queue_mapping(skb, 0);
	skb_reset_redirect(skb);
	skb_gso_reset(skb);
	skb_init_secmark(skb);
	skb_set_dst_pending_confirm(skb, 0);
	skb_shinfo(skb)->tx_flags = 0;
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
	if (unlikely(pskb_trim(skb, len))) {
		drop(tv, skb, TOYVPN_STAT_RX_NO_MEMORY);
		return;
	}

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
	dev_sw_netstats_rx_add(tv->dev, skb->len);
	give_in_turn(hand, skb, outer_tos);
}

/* Whether a message that came through the AEAD, in @source, is authentic and new */
static bool is_acceptable(struct handover *hand, const struct sk_buff *source, u64 counter,
			  int err)
{
	struct toyvpn_batch *batch = hand->batch;
	struct toyvpn_device *tv = batch->peer->device;
	struct toyvpn_endpoint endpoint;

	if (unlikely(READ_ONCE(batch->peer->dead))) {
		toyvpn_count(tv, TOYVPN_STAT_RX_UNKNOWN_INDEX);
		return false;
	}
	if (unlikely(err)) {
		toyvpn_count(tv, err == -EBADMSG ? TOYVPN_STAT_RX_AUTHENTICATION :
						   TOYVPN_STAT_RX_NO_MEMORY);
		return false;
	}
	switch (toyvpn_replay_mark(&batch->session->replay, counter)) {
	case TOYVPN_REPLAY_SEEN:
		toyvpn_count(tv, TOYVPN_STAT_RX_REPLAY);
		return false;
	case TOYVPN_REPLAY_HIGHEST:
		/* Only the newest says where the peer is, or a replayed path could */
		if (source != hand->came && !toyvpn_endpoint_of(&endpoint, source))
			toyvpn_peer_set_endpoint(batch->peer, &endpoint);
		hand->came = source;
		break;
	case TOYVPN_REPLAY_NEW:
		break;
	}
	return true;
}

/* Of @len bytes with its header and tag: false if it is dropped, which is counted */
static bool accept(struct handover *hand, const struct sk_buff *source, u64 counter, int err,
		   unsigned int len)
{
	struct toyvpn_batch *batch = hand->batch;
	struct toyvpn_peer *peer = batch->peer;

	if (unlikely(!is_acceptable(hand, source, counter, err))) {
		DEV_STATS_INC(peer->device->dev, rx_dropped);
		return false;
	}
	if (likely(hand->polled))
		batch->inbox->accepted++;
	/* Before anything is delivered: the stack may answer at once */
	if (!hand->any && toyvpn_peer_confirm_session(peer, batch->session))
		toyvpn_peer_want(peer, TOYVPN_WANT_FLUSH);
	hand->any = true;
	hand->bytes += len;
	if (len > TOYVPN_DATA_MIN)
		hand->data = true;
	return true;
}

/* Whether there was nothing to send on before this session. RCU read lock */
static bool is_first(struct toyvpn_peer *peer, const struct toyvpn_session *session)
{
	const struct toyvpn_session *before;

	if (likely(rcu_access_pointer(peer->next) != session))
		return false;
	before = rcu_dereference(peer->current_session);
	return !before || !toyvpn_session_alive(before, ktime_get_coarse_boottime_ns());
}

/* A message in an skb of its own, or a copy of what is in another one */
static void hand_over_message(struct handover *hand, struct sk_buff *skb)
{
	struct toyvpn_packet *packet = toyvpn_packet(skb);
	struct sk_buff *source = packet->source;
	u8 tos = packet->tos;
	unsigned int len;

	if (unlikely(!accept(hand, source ?: skb, packet->counter, packet->err, skb->len))) {
		kfree_skb(skb);
		kfree_skb(source);
		return;
	}
	consume_skb(source);
	__skb_pull(skb, sizeof(struct toyvpn_data));
	__skb_trim(skb, skb->len - TOYVPN_TAG_LEN);
	len = skb->len;
	if (!len)
		consume_skb(skb);
	/* The same addresses and DS fields: what was found of one is true of both */
	else if (hand->merge.skb && tos == hand->merge_tos &&
		 toyvpn_merge_follow(&hand->merge, skb))
		dev_sw_netstats_rx_add(hand->batch->peer->device->dev, len);
	else
		deliver(hand, skb, tos);
}

/*
 * What one packet of a train keeps in memory: of the others some may be forged or
 * replayed, and of their pages nothing is given back for that
 */
static unsigned int part_of(const struct sk_buff *train, const struct toyvpn_opened *opened)
{
	unsigned int i, packets = 0;

	for (i = 0; i < opened->count; i++)
		packets += !opened->messages[i].err && opened->messages[i].len > TOYVPN_DATA_MIN;
	return packets ? train->truesize / packets : 0;
}

/* The messages of a train, where they arrived: packets share its pages */
static void hand_over_train(struct handover *hand, struct sk_buff *train)
{
	struct toyvpn_opened *opened = toyvpn_packet(train)->opened;
	struct toyvpn_device *tv = hand->batch->peer->device;
	unsigned int truesize = part_of(train, opened);
	u8 tos = toyvpn_packet(train)->tos;
	const struct toyvpn_opened_message *message;
	struct sk_buff *skb;
	unsigned int i, len;

	for (i = 0; i < opened->count; i++) {
		message = &opened->messages[i];
		len = message->len - TOYVPN_DATA_MIN;
		if (unlikely(!accept(hand, train, message->counter, message->err, message->len)) ||
		    !len)
			continue;
		/* As in hand_over_message() */
		if (hand->merge.skb && tos == hand->merge_tos &&
		    toyvpn_merge_follow_shared(&hand->merge, message->data->encrypted, len,
					       truesize)) {
			dev_sw_netstats_rx_add(tv->dev, len);
			continue;
		}
		skb = toyvpn_share_packet(&hand->batch->inbox->napi, message->data->encrypted,
					  len, truesize);
		if (unlikely(!skb)) {
			toyvpn_count(tv, TOYVPN_STAT_RX_NO_MEMORY);
			DEV_STATS_INC(tv->dev, rx_dropped);
			continue;
		}
		deliver(hand, skb, tos);
	}
	kfree(opened);
	consume_skb(train);
}

/* All decrypted, and nothing before it. RCU read lock, bottom halves off */
static void hand_over(struct toyvpn_batch *batch)
{
	struct toyvpn_peer *peer = batch->peer;
	struct handover hand = {
		.batch = batch,
		.polled = READ_ONCE(batch->inbox->poller) == current,
		.first = is_first(peer, batch->session),
	};
	struct sk_buff *skb;

	hand.alone = hand.polled && batch->inbox->alone && skb_queue_len(&batch->packets) == 1;
	while ((skb = __skb_dequeue(&batch->packets))) {
		if (toyvpn_packet(skb)->opened)
			hand_over_train(&hand, skb);
		else
			hand_over_message(&hand, skb);
	}
	skb = toyvpn_merge_end(&hand.merge);
	if (skb)
		give(&hand, skb);
	if (hand.any) {
		atomic64_add(hand.bytes, &peer->rx_bytes);
		toyvpn_peer_traffic(peer, hand.data ? TOYVPN_EVENT_DATA_RECEIVED :
						      TOYVPN_EVENT_KEEPALIVE_RECEIVED,
				    batch->now);
	}
	if (unlikely(batch->late))
		atomic_dec(&batch->inbox->late);
	toyvpn_batch_free(batch);
	/* It may answer at once, which comes after this for the timers, and takes a batch */
	if (hand.last)
		netif_receive_skb(hand.last);
}

/**
 * struct toyvpn_job - what arrived and is opened by another CPU, or after what is
 * @turn: in the lane of the inbox
 * @work: opens it
 * @inbox: where it arrived
 * @arrived: messages and trains
 * @batches: what they became, in order
 * @pending: batches that are not decrypted yet, and one for who is still adding
 * @messages: how many arrived
 * @known: one of them names a session
 * @ns: how long it took to open them
 */
struct toyvpn_job {
	struct toyvpn_turn turn;
	struct work_struct work;
	struct toyvpn_inbox *inbox;
	struct sk_buff_head arrived;
	struct list_head batches;
	atomic_t pending;
	unsigned int messages;
	bool known;
	u64 ns;
};

/* RCU read lock, which keeps the inbox: the job may end at once. Bottom halves off */
static void job_part_done(struct toyvpn_job *job)
{
	struct toyvpn_inbox *inbox = job->inbox;

	if (!atomic_dec_and_test(&job->pending))
		return;
	/* The poll that we may be in looks at the lane when it has given out what arrived */
	if (toyvpn_lane_ready(&inbox->lane, &job->turn) && READ_ONCE(inbox->poller) != current)
		napi_schedule(&inbox->napi);
}

/* What is mostly forged is no load: who sends such takes one CPU, not all. The poll's */
static void count_load(struct toyvpn_inbox *inbox, u32 accepted_before, unsigned int messages,
		       u64 ns)
{
	if (2 * (inbox->accepted - accepted_before) >= messages)
		toyvpn_load_end(&inbox->load, ns);
}

/* RCU read lock, bottom halves off */
static void job_end(struct toyvpn_turn *turn)
{
	struct toyvpn_job *job = container_of(turn, struct toyvpn_job, turn);
	struct toyvpn_inbox *inbox = job->inbox;
	struct toyvpn_batch *batch, *next;
	u32 before = inbox->accepted;

	list_for_each_entry_safe(batch, next, &job->batches, of_job)
		hand_over(batch);
	count_load(inbox, before, job->messages, job->ns);
	atomic_dec(&inbox->device->jobs);
	kfree(job);
}

/* All decrypted. RCU read lock, bottom halves off */
static void batch_done(struct toyvpn_batch *batch)
{
	if (likely(!batch->job))
		hand_over(batch);
	else
		job_part_done(batch->job);
}

/* The live session that an index names, or NULL. RCU read lock */
static struct toyvpn_session *session_of(struct toyvpn_device *tv, u32 index)
{
	struct toyvpn_id *id = toyvpn_id_find(&tv->ids, index);

	if (!id || !id->is_session)
		return NULL;
	return container_of(id, struct toyvpn_session, id);
}

/**
 * struct pieces - where in an skb the last message was found, since the next one is behind it
 * @frag: index of the fragment, -1 for the linear part
 * @start: its offset from skb->data
 * @end: that of what follows it
 */
struct pieces {
	int frag;
	unsigned int start;
	unsigned int end;
};

/* @len bytes at an offset that is not before the last one, or NULL if not in one piece */
static void *piece(const struct sk_buff *skb, struct pieces *at, unsigned int offset,
		   unsigned int len)
{
	while (offset >= at->end && at->frag + 1 < skb_shinfo(skb)->nr_frags) {
		at->frag++;
		at->start = at->end;
		at->end += skb_frag_size(&skb_shinfo(skb)->frags[at->frag]);
	}
	if (offset < at->start || offset + len > at->end)
		return NULL;
	if (at->frag < 0)
		return skb->data + offset;
	if (IS_ENABLED(CONFIG_HIGHMEM) || !skb_frag_page(&skb_shinfo(skb)->frags[at->frag]))
		return NULL;
	return skb_frag_address(&skb_shinfo(skb)->frags[at->frag]) + offset - at->start;
}

/**
 * struct opening - what a poll or a job has in hand
 * @inbox: where the messages arrived
 * @job: they are part of it, or NULL
 * @now: ns of boot time
 * @session: of the messages before
 * @batch: of that session, or NULL
 * @share: what comes next can be opened where it is
 * @opened: the messages of this train that are, or NULL
 * @copies: messages that were not, in this batch
 */
struct opening {
	struct toyvpn_inbox *inbox;
	struct toyvpn_job *job;
	u64 now;
	struct toyvpn_session *session;
	struct toyvpn_batch *batch;
	bool share;
	struct toyvpn_opened *opened;
	unsigned int copies;
};

/* If it completes later, nothing is done elsewhere until then, which could pass it */
static void close_batch(struct opening *opening)
{
	struct toyvpn_batch *batch = opening->batch;

	opening->batch = NULL;
	opening->session = NULL;
	opening->copies = 0;
	if (!batch)
		return;
	if (unlikely(!opening->job && toyvpn_batch_is_late(batch))) {
		batch->late = true;
		atomic_inc(&opening->inbox->late);
	}
	toyvpn_batch_close(batch);
}

/* One look-up and one batch for a run of one session */
static void change_session(struct opening *opening, u32 index)
{
	struct toyvpn_session *session = session_of(opening->inbox->device, index);

	close_batch(opening);
	if (opening->opened)
		opening->share = false;
	opening->session = session;
	if (!session || !toyvpn_session_alive(session, opening->now))
		return;
	opening->batch = toyvpn_batch_new(session->id.peer, session, batch_done);
	if (!opening->batch)
		return;
	opening->batch->now = opening->now;
	opening->batch->late = false;
	opening->batch->inbox = opening->inbox;
	opening->batch->job = opening->job;
	if (unlikely(opening->job)) {
		list_add_tail(&opening->batch->of_job, &opening->job->batches);
		atomic_inc(&opening->job->pending);
	}
}

/*
 * A message of a train is opened where it is, and so are those that follow it,
 * unless one cannot be: what is copied comes out behind all of these.
 */
static bool open_shared(struct opening *opening, struct sk_buff *skb, void *message,
			unsigned int len, u64 counter)
{
	if (!opening->share || !message)
		return false;
	if (!opening->opened)
		opening->opened = toyvpn_batch_share(opening->batch, skb);
	return opening->opened &&
	       toyvpn_batch_decrypt_shared(opening->batch, opening->opened, message, len, counter);
}

/*
 * Opens the message at an offset of an skb, which it takes if that is all of it,
 * unless it returns a reason against that.
 */
static int open_message(struct opening *opening, struct sk_buff *skb, struct pieces *at,
			unsigned int offset, unsigned int len)
{
	bool whole = len == skb->len;
	void *message = piece(skb, at, offset, len);
	const struct toyvpn_data *data;
	struct toyvpn_session *session;
	struct toyvpn_data copy;
	u64 counter;

	if (len < TOYVPN_DATA_MIN)
		return TOYVPN_STAT_RX_MALFORMED;
	/* It must be the same bytes that are authentic and that become the packet */
	if (message && at->frag >= 0 && !toyvpn_share_is_private(skb, at->frag))
		message = NULL;
	data = message ?: &copy;
	if (unlikely(!message) && skb_copy_bits(skb, offset, &copy, sizeof(copy)))
		return TOYVPN_STAT_RX_MALFORMED;
	if (data->header.type != TOYVPN_MESSAGE_DATA || data->header.version != TOYVPN_VERSION ||
	    data->header.reserved)
		return TOYVPN_STAT_RX_MALFORMED;
	if (!opening->session || opening->session->id.index != le32_to_cpu(data->header.index))
		change_session(opening, le32_to_cpu(data->header.index));
	session = opening->session;
	counter = le64_to_cpu(data->counter);
	if (unlikely(!session))
		return TOYVPN_STAT_RX_UNKNOWN_INDEX;
	if (unlikely(!toyvpn_session_alive(session, opening->now) ||
		     counter >= TOYVPN_REJECT_AFTER_MESSAGES))
		return TOYVPN_STAT_RX_EXPIRED;
	if (unlikely(!toyvpn_replay_check(&session->replay, counter)))
		return TOYVPN_STAT_RX_REPLAY;
	if (unlikely(!opening->batch))
		return TOYVPN_STAT_RX_NO_MEMORY;
	if (open_shared(opening, skb, message, len, counter))
		return -1;
	opening->share = false;
	if (unlikely(!toyvpn_batch_decrypt(opening->batch, &opening->inbox->napi,
					   whole ? skb : skb_get(skb), message, offset, len,
					   counter))) {
		if (!whole)
			consume_skb(skb);
		return TOYVPN_STAT_RX_NO_MEMORY;
	}
	if (unlikely(++opening->copies == COPIES_MOST))
		close_batch(opening);
	return -1;
}

/* Opens all messages of a GSO skb */
static void open_train(struct opening *opening, struct sk_buff *skb)
{
	struct pieces at = { .frag = -1, .end = skb_headlen(skb) };
	unsigned int size = skb_shinfo(skb)->gso_size, offset;
	int why;

	opening->opened = NULL;
	opening->share = toyvpn_share_possible(skb);
	for (offset = 0; offset < skb->len; offset += size) {
		why = open_message(opening, skb, &at, offset, min(size, skb->len - offset));
		if (unlikely(why >= 0))
			drop_one(opening->inbox->device, skb_get(skb), why);
	}
	opening->share = false;
	consume_skb(skb);
}

/* Opens what arrived. RCU read lock, bottom halves off */
static void receive_data(struct toyvpn_inbox *inbox, struct toyvpn_job *job,
			 struct sk_buff_head *messages)
{
	struct opening opening = {
		.inbox = inbox, .job = job, .now = ktime_get_coarse_boottime_ns()
	};
	struct sk_buff *skb;
	int why;

	while ((skb = __skb_dequeue(messages))) {
		struct pieces at = { .frag = -1, .end = skb_headlen(skb) };

		if (skb_is_gso(skb) && skb_shinfo(skb)->gso_size < skb->len) {
			open_train(&opening, skb);
			continue;
		}
		why = open_message(&opening, skb, &at, 0, skb->len);
		if (unlikely(why >= 0))
			drop_one(inbox->device, skb, why);
	}
	close_batch(&opening);
}

/* On the CPU that was free first */
static void open_elsewhere(struct work_struct *work)
{
	struct toyvpn_job *job = container_of(work, struct toyvpn_job, work);
	struct toyvpn_inbox *inbox = job->inbox;
	u64 began;

	local_bh_disable();
	rcu_read_lock();
	began = ktime_get_ns();
	receive_data(inbox, job, &job->arrived);
	job->ns = ktime_get_ns() - began;
	toyvpn_load_return(&inbox->load);
	job_part_done(job);
	rcu_read_unlock();
	local_bh_enable();
}

/* How many messages a list has */
static unsigned int messages_in(const struct sk_buff_head *skbs)
{
	const struct sk_buff *skb;
	unsigned int n = 0;

	skb_queue_walk(skbs, skb)
		n += messages_of(skb);
	return n;
}

/* The session of the first message of an skb, or NULL. RCU read lock */
static struct toyvpn_session *session_of_skb(struct toyvpn_device *tv, const struct sk_buff *skb)
{
	struct toyvpn_header header;

	if (skb_copy_bits(skb, 0, &header, sizeof(header)))
		return NULL;
	return session_of(tv, le32_to_cpu(header.index));
}

/* Where messages of a session arrived that are still being opened, or NULL */
static struct toyvpn_inbox *claimed_by(struct toyvpn_session *session, struct toyvpn_device *tv)
{
	u64 claim = atomic64_read(&session->claim);
	struct toyvpn_inbox *inbox;

	if (!claim)
		return NULL;
	inbox = per_cpu_ptr(tv->inboxes, (claim >> 32) - 1);
	return toyvpn_lane_has_ended(&inbox->lane, (u32)claim) ? NULL : inbox;
}

/* Whether a part of the room for what waits is taken, by number or by memory. Any context */
static bool is_full(const struct toyvpn_inbox *inbox, unsigned int part)
{
	return skb_queue_len_lockless(&inbox->arrived) >= TOYVPN_INBOX / part ||
	       READ_ONCE(inbox->bytes) >= TOYVPN_INBOX_BYTES / part;
}

/* It waits for the poll. Bottom halves off */
static void put(struct toyvpn_inbox *inbox, struct sk_buff *skb)
{
	spin_lock(&inbox->arrived.lock);
	__skb_queue_tail(&inbox->arrived, skb);
	WRITE_ONCE(inbox->bytes, inbox->bytes + skb->truesize);
	spin_unlock(&inbox->arrived.lock);
	napi_schedule(&inbox->napi);
}

/*
 * While what arrived of a session on one CPU is still being opened, what
 * arrives on another one goes behind that. NAPI poll
 */
static void follow(struct toyvpn_inbox *inbox, struct sk_buff_head *messages)
{
	struct toyvpn_device *tv = inbox->device;
	struct toyvpn_session *session;
	struct sk_buff *skb, *next;
	struct toyvpn_inbox *to;

	skb_queue_walk_safe(messages, skb, next) {
		session = session_of_skb(tv, skb);
		to = session ? claimed_by(session, tv) : NULL;
		if (!to || to == inbox)
			continue;
		/* Out of order, but not lost: nothing is authentic yet that led us here */
		if (is_full(to, 8))
			continue;
		__skb_unlink(skb, messages);
		put(to, skb);
	}
}

/* What arrives of a session on other CPUs comes after a job; see follow() */
static void claim(struct toyvpn_session *session, struct toyvpn_inbox *inbox, u32 number)
{
	struct toyvpn_inbox *other = claimed_by(session, inbox->device);

	if (!other || other == inbox)
		atomic64_set(&session->claim, (inbox->cpu + 1ull) << 32 | number);
}

/* A job of the first messages of a list, with its place in the lane, or NULL without memory */
static struct toyvpn_job *job_new(struct toyvpn_inbox *inbox, struct sk_buff_head *messages)
{
	struct toyvpn_job *job = kmalloc_obj(*job, GFP_ATOMIC);
	struct toyvpn_session *session;
	struct sk_buff *skb;
	u32 number;

	if (!job)
		return NULL;
	INIT_WORK(&job->work, open_elsewhere);
	job->inbox = inbox;
	__skb_queue_head_init(&job->arrived);
	INIT_LIST_HEAD(&job->batches);
	atomic_set(&job->pending, 1);
	job->messages = 0;
	job->known = false;
	while (job->messages < TOYVPN_SPREAD_ENOUGH && (skb = __skb_dequeue(messages))) {
		job->messages += messages_of(skb);
		__skb_queue_tail(&job->arrived, skb);
	}
	atomic_inc(&inbox->device->jobs);
	number = toyvpn_lane_join(&inbox->lane, &job->turn, job->messages);
	skb_queue_walk(&job->arrived, skb) {
		session = session_of_skb(inbox->device, skb);
		if (session) {
			claim(session, inbox, number);
			job->known = true;
		}
	}
	return job;
}

/* Here, or on another CPU where this one has too much of that. NAPI poll */
static void receive_in_jobs(struct toyvpn_inbox *inbox, struct sk_buff_head *messages)
{
	struct toyvpn_device *tv = inbox->device;
	struct toyvpn_job *job;
	struct sk_buff *skb;
	u64 began;

	while (!skb_queue_empty(messages)) {
		job = job_new(inbox, messages);
		if (unlikely(!job)) {
			while ((skb = __skb_dequeue(messages)))
				drop_arrived(tv, skb, TOYVPN_STAT_RX_NO_MEMORY);
			return;
		}
		began = ktime_get_ns();
		toyvpn_load_begin(&inbox->load, began);
		if (job->known && job->messages >= TOYVPN_SPREAD_LEAST &&
		    toyvpn_load_lend(&inbox->load, num_online_cpus() - 1)) {
			toyvpn_count(tv, TOYVPN_STAT_RX_SPREAD);
			toyvpn_spread_queue(&job->work);
			continue;
		}
		receive_data(inbox, job, &job->arrived);
		job->ns = ktime_get_ns() - began;
		job_part_done(job);
	}
}

/* NAPI poll */
static void receive(struct toyvpn_inbox *inbox, struct sk_buff_head *messages)
{
	u32 before = inbox->accepted;
	unsigned int n;
	u64 began;

	if (unlikely(!toyvpn_lane_is_empty(&inbox->lane))) {
		receive_in_jobs(inbox, messages);
		return;
	}
	n = num_online_cpus() > 1 ? messages_in(messages) : 0;
	if (n < TOYVPN_SPREAD_LEAST) {
		receive_data(inbox, NULL, messages);
		return;
	}
	began = ktime_get_ns();
	toyvpn_load_begin(&inbox->load, began);
	if (toyvpn_load_is_high(&inbox->load) && !atomic_read(&inbox->late)) {
		receive_in_jobs(inbox, messages);
		return;
	}
	receive_data(inbox, NULL, messages);
	count_load(inbox, before, n, ktime_get_ns() - began);
}

/* Takes at most so many skbs of what waits; returns how many. NAPI poll */
static int take(struct toyvpn_inbox *inbox, struct sk_buff_head *to, int most)
{
	struct sk_buff_head *from = &inbox->arrived;
	struct sk_buff *skb;
	int taken = 0;

	if (skb_queue_empty_lockless(from))
		return 0;
	spin_lock(&from->lock);
	if (skb_queue_len(from) <= most) {
		taken = skb_queue_len(from);
		skb_queue_splice_tail_init(from, to);
		WRITE_ONCE(inbox->bytes, 0);
	} else {
		while (taken < most && (skb = __skb_dequeue(from))) {
			WRITE_ONCE(inbox->bytes, inbox->bytes - skb->truesize);
			__skb_queue_tail(to, skb);
			taken++;
		}
	}
	spin_unlock(&from->lock);
	return taken;
}

/* Whether what arrived is one packet, and GRO neither has another one nor is to wait for one */
static bool is_alone(const struct toyvpn_inbox *inbox, const struct sk_buff_head *arrived)
{
	const struct sk_buff *skb = skb_peek(arrived);

	return skb_queue_len(arrived) == 1 && !skb_is_gso(skb) &&
	       toyvpn_gro_is_empty(&inbox->napi) &&
	       !READ_ONCE(inbox->device->dev->gro_flush_timeout);
}

static int poll(struct napi_struct *napi, int budget)
{
	struct toyvpn_inbox *inbox = container_of(napi, struct toyvpn_inbox, napi);
	struct sk_buff_head arrived;
	bool full = toyvpn_lane_is_full(&inbox->lane);
	struct sk_buff *skb;
	int work = 0, ended = 0;

	/* netconsole only wants to send, and may have interrupted who holds a lock */
	if (!budget)
		return 0;
	__skb_queue_head_init(&arrived);
	while (work < budget && !skb_queue_empty_lockless(&inbox->opened) &&
	       (skb = skb_dequeue(&inbox->opened))) {
		napi_gro_receive(napi, skb);
		work++;
	}

	rcu_read_lock();
	WRITE_ONCE(inbox->poller, current);
	/* Others can begin with what arrived while this ends what they had before */
	if (likely(!full)) {
		work += take(inbox, &arrived, budget - work);
		if (unlikely(atomic_read(&inbox->device->jobs)))
			follow(inbox, &arrived);
		inbox->alone = is_alone(inbox, &arrived);
		receive(inbox, &arrived);
		inbox->alone = false;
	}
	if (unlikely(!toyvpn_lane_is_empty(&inbox->lane)))
		ended = toyvpn_lane_drain(&inbox->lane, job_end, JOBS_ROUND);
	WRITE_ONCE(inbox->poller, NULL);
	rcu_read_unlock();

	/* Once more, if there may be jobs to end, or room for what arrived */
	if (ended == JOBS_ROUND || (full && !toyvpn_lane_is_full(&inbox->lane)))
		work = budget;
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

	tv->inboxes = alloc_percpu_gfp(struct toyvpn_inbox, GFP_KERNEL_ACCOUNT);
	if (!tv->inboxes)
		return -ENOMEM;
	for_each_possible_cpu(cpu) {
		struct toyvpn_inbox *inbox = per_cpu_ptr(tv->inboxes, cpu);

		inbox->device = tv;
		inbox->cpu = cpu;
		skb_queue_head_init(&inbox->arrived);
		skb_queue_head_init(&inbox->opened);
		toyvpn_lane_init(&inbox->lane);
		/* Nobody waits for one of these in particular */
		set_bit(NAPI_STATE_NO_BUSY_POLL, &inbox->napi.state);
		netif_napi_add(tv->dev, &inbox->napi, poll);
		napi_enable(&inbox->napi);
	}
	return 0;
}

/* Ends the jobs that are done; whether there are no others. The poll is disabled */
static bool no_jobs(struct toyvpn_inbox *inbox)
{
	local_bh_disable();
	rcu_read_lock();
	toyvpn_lane_drain(&inbox->lane, job_end, JOBS_ROUND);
	rcu_read_unlock();
	local_bh_enable();
	return toyvpn_lane_is_empty(&inbox->lane);
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
		while (!no_jobs(inbox) || atomic_read(&inbox->late))
			usleep_range(100, 1000);
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
		WRITE_ONCE(tv->loaded_until, now + TOYVPN_UNDER_LOAD_TIME);
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

/* Any message but data, in one piece */
static void receive_handshake(struct toyvpn_device *tv, struct sk_buff *skb, u8 type)
{
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

/* Brings skb->data from the UDP header to what is behind it, of the length that UDP says */
static bool strip_udp(struct sk_buff *skb)
{
	unsigned int len;

	if (!pskb_may_pull(skb, sizeof(struct udphdr)))
		return false;
	len = ntohs(udp_hdr(skb)->len);
	/* 0 stands for "longer than that", which no message is: IPv6 jumbograms */
	if (len < sizeof(struct udphdr) || len > skb->len || pskb_trim(skb, len))
		return false;
	__skb_pull(skb, sizeof(struct udphdr));
	return true;
}

/* Whether a message can begin so, and is as long as its type has it */
static bool header_ok(const struct toyvpn_header *header, unsigned int len)
{
	if (header->version != TOYVPN_VERSION || header->reserved)
		return false;
	switch (header->type) {
	case TOYVPN_MESSAGE_DATA:
		return len >= TOYVPN_DATA_MIN;
	case TOYVPN_MESSAGE_INIT:
		return handshake_len_ok(len, TOYVPN_INIT_MIN);
	case TOYVPN_MESSAGE_RESP:
		return handshake_len_ok(len, TOYVPN_RESP_MIN);
	case TOYVPN_MESSAGE_COOKIE:
		return len == sizeof(struct toyvpn_cookie_message);
	}
	return false;
}

/*
 * Checks all of a message that needs no key, and copies its header. What is no
 * data is in one piece then.
 */
static bool parse(struct sk_buff *skb, struct toyvpn_header *header)
{
	if (skb_copy_bits(skb, 0, header, sizeof(*header)) || !header_ok(header, skb->len))
		return false;
	if (header->type == TOYVPN_MESSAGE_DATA || !skb_is_nonlinear(skb))
		return true;
	if (skb_linearize(skb))
		return false;
	/* A program may write to pages that it sent: what is read later is what is checked */
	*header = *(const struct toyvpn_header *)skb->data;
	return header_ok(header, skb->len);
}

static u8 tos_of(const struct sk_buff *skb)
{
	return skb->protocol == htons(ETH_P_IP) ? ip_hdr(skb)->tos :
						  ipv6_get_dsfield(ipv6_hdr(skb));
}

/* A message or a train for @index waits for the poll. RCU read lock, softirq */
static void wait_for_poll(struct toyvpn_device *tv, struct sk_buff *skb, u32 index)
{
	struct toyvpn_inbox *inbox = this_cpu_ptr(tv->inboxes);
	bool shared = skb_has_frag_list(skb) || skb_has_shared_frag(skb);

	/* What strangers send must not take the room of what peers do, nor be copied */
	if (unlikely((shared || is_full(inbox, 8)) && !session_of(tv, index))) {
		drop_arrived(tv, skb, TOYVPN_STAT_RX_UNKNOWN_INDEX);
		return;
	}
	if (unlikely(is_full(inbox, 1))) {
		drop_arrived(tv, skb, TOYVPN_STAT_RX_STACK);
		return;
	}
	/*
	 * Pages that a program can still write to: what is authentic could become
	 * another thing. It is for the stack to mark what it spliced into UDP.
	 */
	if (unlikely(shared) && skb_linearize(skb)) {
		drop_arrived(tv, skb, TOYVPN_STAT_RX_NO_MEMORY);
		return;
	}
	*toyvpn_packet(skb) = (struct toyvpn_packet) { .tos = tos_of(skb) };
	put(inbox, skb);
}

/* It may wait, longer than the route and the socket that the stack lent it */
static void let_go(struct sk_buff *skb)
{
	skb_mark_not_on_list(skb);
	skb_orphan(skb);
	skb_dst_drop(skb);
}

/* Data messages alone, so that a train of them need not be taken apart. @index: of the first */
static bool all_data(const struct sk_buff *skb, u32 *index)
{
	unsigned int offset = skb_transport_offset(skb) + sizeof(struct udphdr);
	struct pieces at = { .frag = -1, .end = skb_headlen(skb) };
	struct toyvpn_header header;
	const u8 *type;

	if (skb_copy_bits(skb, offset, &header, sizeof(header)))
		return false;
	*index = le32_to_cpu(header.index);
	for (; offset < skb->len; offset += skb_shinfo(skb)->gso_size) {
		type = piece(skb, &at, offset, sizeof(*type));
		if (!type || *type != TOYVPN_MESSAGE_DATA)
			return false;
	}
	return true;
}

/**
 * toyvpn_rx_train() - takes a train before UDP takes it apart
 * @tv: device whose port it is for
 * @skb: GSO packet of UDP, all of whose headers are checked; skb->data is the
 *	IP header. Taken, unless it has other messages than data
 *
 * RCU read lock, bottom halves off.
 *
 * Return: whether it was taken.
 */
bool toyvpn_rx_train(struct toyvpn_device *tv, struct sk_buff *skb)
{
	u32 index;

	if (!all_data(skb, &index))
		return false;
	let_go(skb);
	nf_reset_ct(skb);
	__skb_pull(skb, skb_transport_offset(skb));
	if (likely(strip_udp(skb)))
		wait_for_poll(tv, skb, index);
	else
		drop_malformed(tv, skb);
	return true;
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
	struct toyvpn_header header;

	let_go(skb);
	if (unlikely(!tv)) {
		kfree_skb(skb);
		return 0;
	}
	/* An honest train comes in segments; what a virtual machine marked does not */
	if (unlikely(skb_is_gso(skb) || !strip_udp(skb) || !parse(skb, &header))) {
		drop_malformed(tv, skb);
		return 0;
	}
	if (unlikely(header.type != TOYVPN_MESSAGE_DATA)) {
		receive_handshake(tv, skb, header.type);
		return 0;
	}
	/* One after another, and nobody completed their checksums: a train */
	if (skb->ip_summed == CHECKSUM_PARTIAL &&
	    skb_queue_len_lockless(&this_cpu_ptr(tv->inboxes)->arrived) == TRAIN_LEAST)
		toyvpn_whole_want(sock_net(sk));
	wait_for_poll(tv, skb, le32_to_cpu(header.index));
	return 0;
}
