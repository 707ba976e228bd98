// SPDX-License-Identifier: GPL-2.0
#include <linux/mm.h>

#include "share.h"

/* Headers are in the linear part, as the stack wants them; a packet that is no longer is as well */
#define SHARE_HEADERS	128
#define SHARE_LEAST	512

/**
 * toyvpn_share_is_private() - whether nobody else can write to a fragment
 * @skb: any
 * @frag: index of the fragment
 *
 * A page of a program's, such as one that it spliced into a socket, is the
 * program's as well: it counts more than once. The stack need not have marked
 * it. What a driver has in a page pool is nobody's but the driver's.
 *
 * Return: whether that is sure.
 */
bool toyvpn_share_is_private(const struct sk_buff *skb, unsigned int frag)
{
	return skb->pp_recycle || page_count(skb_frag_page(&skb_shinfo(skb)->frags[frag])) == 1;
}

/**
 * toyvpn_share_possible() - whether all that is in an skb may be changed where it is
 * @skb: has no linear part
 *
 * If nobody else sees that: the skb has no clone, its pages belong to nobody
 * else, such as a cache that has given out a part of one, and can be reached
 * without being mapped.
 *
 * Return: whether that is so.
 */
bool toyvpn_share_possible(const struct sk_buff *skb)
{
	const struct skb_shared_info *info = skb_shinfo(skb);
	const struct page *page;
	unsigned int i;

	if (skb_headlen(skb) || skb_cloned(skb) || skb_has_frag_list(skb) ||
	    skb_has_shared_frag(skb) || skb->pp_recycle || IS_ENABLED(CONFIG_HIGHMEM))
		return false;
	for (i = 0; i < info->nr_frags; i++) {
		page = skb_frag_page(&info->frags[i]);
		if (!page || page_count(page) != 1)
			return false;
	}
	return true;
}

/**
 * toyvpn_share_add() - adds data to an skb without a copy
 * @skb: has room for one more fragment
 * @data: in a page that came in an skb for which toyvpn_share_possible() was true
 *	before the first part of it was shared; nobody writes there any more
 * @len: its bytes
 * @truesize: its part of what the pages take that are kept for it and for others;
 *	no less than its bytes are in the books
 *
 * The page has one more reference, which is the skb's.
 */
void toyvpn_share_add(struct sk_buff *skb, u8 *data, unsigned int len, unsigned int truesize)
{
	struct page *page = virt_to_head_page(data);

	get_page(page);
	skb_add_rx_frag(skb, skb_shinfo(skb)->nr_frags, page, data - (u8 *)page_address(page),
			len, max(SKB_DATA_ALIGN(len), truesize));
}

/**
 * toyvpn_share_packet() - makes an skb of a packet
 * @napi: in whose poll this is
 * @packet: as toyvpn_share_add() has it
 * @len: its bytes
 * @truesize: likewise
 *
 * Its headers are in the linear part, what follows them is shared if it is much.
 * Bottom halves off.
 *
 * Return: the skb, which is the caller's, or NULL without memory.
 */
struct sk_buff *toyvpn_share_packet(struct napi_struct *napi, u8 *packet, unsigned int len,
				    unsigned int truesize)
{
	unsigned int linear = len < SHARE_LEAST ? len : SHARE_HEADERS;
	struct sk_buff *skb = napi_alloc_skb(napi, linear);

	if (!skb)
		return NULL;
	skb_put_data(skb, packet, linear);
	if (linear < len)
		toyvpn_share_add(skb, packet + linear, len - linear, truesize);
	return skb;
}
