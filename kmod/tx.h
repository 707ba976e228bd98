/* SPDX-License-Identifier: GPL-2.0 */
/* The way out: from the stack to the peer */
#ifndef TOYVPN_TX_H
#define TOYVPN_TX_H

#include <linux/netdevice.h>
#include <linux/workqueue.h>

struct toyvpn_peer;

netdev_tx_t toyvpn_tx(struct sk_buff *skb, struct net_device *dev);
void toyvpn_tx_flush(struct toyvpn_peer *peer);
void toyvpn_tx_keepalive(struct toyvpn_peer *peer);
void toyvpn_tx_lane(struct work_struct *work);

#endif /* TOYVPN_TX_H */
