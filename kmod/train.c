// SPDX-License-Identifier: GPL-2.0
#include <linux/ipv6.h>
#include <linux/mm.h>
#include <linux/udp.h>

#include "batch.h"
#include "train.h"

/* What all our kernels segment, and what fits into one IP packet */
#define TRAIN_MESSAGES	64
#define TRAIN_BYTES	(65535 - sizeof(struct ipv6hdr) - sizeof(struct udphdr))

/* The largest pages that the allocator has at hand without work */
#define TRAIN_ORDER	3

/**
 * toyvpn_train_init() - nothing was added yet
 * @train: filled
 * @skbs: where the skbs go
 */
void toyvpn_train_init(struct toyvpn_train *train, struct sk_buff_head *skbs)
{
	*train = (struct toyvpn_train) { .skbs = skbs };
}

/**
 * toyvpn_train_messages() - how many messages are in an skb
 * @skb: of a train
 *
 * Return: their number.
 */
unsigned int toyvpn_train_messages(const struct sk_buff *skb)
{
	return skb_shinfo(skb)->gso_segs ?: 1;
}

/* Whether a message can follow those that are in the skb: UDP's rules for GSO */
static bool fits(const struct toyvpn_train *train, unsigned int len, u8 tos)
{
	return train->skb && train->last == train->size && len <= train->size &&
	       train->skb->len + len <= TRAIN_BYTES &&
	       toyvpn_train_messages(train->skb) < TRAIN_MESSAGES &&
	       toyvpn_packet(train->skb)->tos == tos;
}

static struct sk_buff *begin(struct toyvpn_train *train, unsigned int linear, u8 tos)
{
	struct sk_buff *skb = alloc_skb(TOYVPN_HEADROOM + linear, GFP_ATOMIC);

	if (!skb)
		return NULL;
	skb_reserve(skb, TOYVPN_HEADROOM);
	*toyvpn_packet(skb) = (struct toyvpn_packet) { .source = train->source, .tos = tos };
	__skb_queue_tail(train->skbs, skb);
	return skb;
}

/* Pages for a message of @len bytes, and for the @rest of them if there are such */
static bool add_page(struct toyvpn_train *train, unsigned int len, size_t rest)
{
	const gfp_t gfp = __GFP_COMP | __GFP_NOWARN | __GFP_NORETRY;
	unsigned int least = get_order(len), order;
	struct sk_buff *skb = train->skb;
	struct page *page = NULL;

	if (skb_shinfo(skb)->nr_frags == MAX_SKB_FRAGS)
		return false;
	rest = min_t(size_t, rest, TRAIN_BYTES - skb->len);
	order = clamp_t(unsigned int, get_order(rest), least, max(least, TRAIN_ORDER));
	/* The reserves are for what must be, not for what is faster */
	if (order > least)
		page = alloc_pages(GFP_NOWAIT | gfp, order);
	if (!page) {
		order = least;
		page = alloc_pages(GFP_ATOMIC | gfp, order);
	}
	if (!page)
		return false;
	skb_fill_page_desc(skb, skb_shinfo(skb)->nr_frags, page, 0, 0);
	skb->truesize += PAGE_SIZE << order;
	train->at = page_address(page);
	train->left = PAGE_SIZE << order;
	return true;
}

/* One more message behind those that are there, as part of a UDP GSO packet */
static void *append(struct toyvpn_train *train, unsigned int len)
{
	struct sk_buff *skb = train->skb;
	struct skb_shared_info *info = skb_shinfo(skb);
	void *message = train->at;

	skb_frag_size_add(&info->frags[info->nr_frags - 1], len);
	skb->len += len;
	skb->data_len += len;
	train->at += len;
	train->left -= len;
	train->last = len;
	if (++info->gso_segs == 2) {
		info->gso_size = train->size;
		info->gso_type = SKB_GSO_UDP_L4;
		/* The device completes it for each; from the UDP header that is not there yet */
		skb->ip_summed = CHECKSUM_PARTIAL;
		skb->csum_start = skb_headroom(skb) - sizeof(struct udphdr);
		skb->csum_offset = offsetof(struct udphdr, check);
	}
	return message;
}

/**
 * toyvpn_train_add() - room for one more message
 * @train: takes it
 * @len: bytes of the message
 * @tos: DS field of its outer header
 * @rest: bytes of this one and of those that are known to follow it
 *
 * Messages of one size, the last one may be shorter, share an skb that is a
 * UDP GSO packet: once through routing, netfilter and queueing discipline, and
 * cut into datagrams by the device or as late as possible. One that is alone
 * is in the linear part. Bottom halves off.
 *
 * Return: @len bytes in one piece for the caller to fill, or NULL without
 * memory; then nothing has changed.
 */
void *toyvpn_train_add(struct toyvpn_train *train, unsigned int len, u8 tos, size_t rest)
{
	struct sk_buff *skb;

	if (fits(train, len, tos) && (len <= train->left || add_page(train, len, rest)))
		return append(train, len);
	train->skb = NULL;
	if (len == rest) {
		skb = begin(train, len, tos);
		return skb ? skb_put(skb, len) : NULL;
	}
	skb = begin(train, 0, tos);
	if (!skb)
		return NULL;
	train->skb = skb;
	if (!add_page(train, len, rest)) {
		__skb_unlink(skb, train->skbs);
		kfree_skb(skb);
		train->skb = NULL;
		return NULL;
	}
	train->size = len;
	return append(train, len);
}
