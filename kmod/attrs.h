/* SPDX-License-Identifier: GPL-2.0 */
/* Netlink attributes that answers and events have in common */
#ifndef TOYVPN_ATTRS_H
#define TOYVPN_ATTRS_H

#include <linux/types.h>

struct sk_buff;
struct toyvpn_device;
struct toyvpn_endpoint;
struct toyvpn_peer;

bool toyvpn_attrs_device(struct sk_buff *skb, const struct toyvpn_device *tv);
bool toyvpn_attrs_endpoint(struct sk_buff *skb, const struct toyvpn_endpoint *endpoint);
bool toyvpn_attrs_peer(struct sk_buff *skb, struct toyvpn_peer *peer);

#endif /* TOYVPN_ATTRS_H */
