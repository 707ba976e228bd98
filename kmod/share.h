/* SPDX-License-Identifier: GPL-2.0 */
/* Packets that stay in the pages that they came in */
#ifndef TOYVPN_SHARE_H
#define TOYVPN_SHARE_H

#include <linux/netdevice.h>
#include <linux/skbuff.h>
#include <linux/types.h>

bool toyvpn_share_is_private(const struct sk_buff *skb, unsigned int frag);
bool toyvpn_share_possible(const struct sk_buff *skb);
void toyvpn_share_add(struct sk_buff *skb, u8 *data, unsigned int len, unsigned int truesize);
struct sk_buff *toyvpn_share_packet(struct napi_struct *napi, u8 *packet, unsigned int len,
				    unsigned int truesize);

#endif /* TOYVPN_SHARE_H */
