/* SPDX-License-Identifier: GPL-2.0 */
/* Messages that leave together, many in one skb */
#ifndef TOYVPN_TRAIN_H
#define TOYVPN_TRAIN_H

#include <linux/skbuff.h>
#include <linux/types.h>

/**
 * struct toyvpn_train - where the next message goes
 * @skbs: what is finished, or was begun, in order; each has a struct toyvpn_packet
 * @skb: the last of them, while it takes more
 * @source: what a new one is begun for: its toyvpn_packet()->source
 * @at: free room in its last page
 * @left: bytes of that
 * @size: bytes of each of its messages but the last one
 * @last: of the last one
 */
struct toyvpn_train {
	struct sk_buff_head *skbs;
	struct sk_buff *skb;
	struct sk_buff *source;
	u8 *at;
	unsigned int left;
	unsigned int size;
	unsigned int last;
};

void toyvpn_train_init(struct toyvpn_train *train, struct sk_buff_head *skbs);
void *toyvpn_train_add(struct toyvpn_train *train, unsigned int len, u8 tos, size_t rest);
unsigned int toyvpn_train_messages(const struct sk_buff *skb);

#endif /* TOYVPN_TRAIN_H */
