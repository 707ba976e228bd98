/* SPDX-License-Identifier: GPL-2.0 */
/* TCP segments that follow each other become one packet again */
#ifndef TOYVPN_MERGE_H
#define TOYVPN_MERGE_H

#include <linux/skbuff.h>
#include <linux/types.h>

/**
 * struct toyvpn_merge - a packet that is put together
 * @skb: its first segment, with the data of the others; NULL: there is none
 * @ip: bytes of the IP header
 * @header: of all headers
 * @size: bytes of data in each segment but the last one
 * @count: segments
 * @next: sequence number behind the last one
 * @complete: nothing can follow
 */
struct toyvpn_merge {
	struct sk_buff *skb;
	unsigned int ip;
	unsigned int header;
	unsigned int size;
	unsigned int count;
	u32 next;
	bool complete;
};

bool toyvpn_merge_begin(struct toyvpn_merge *merge, struct sk_buff *skb);
bool toyvpn_merge_follow_shared(struct toyvpn_merge *merge, u8 *packet, unsigned int len,
				unsigned int truesize);
bool toyvpn_merge_follow(struct toyvpn_merge *merge, struct sk_buff *skb);
struct sk_buff *toyvpn_merge_end(struct toyvpn_merge *merge);

#endif /* TOYVPN_MERGE_H */
