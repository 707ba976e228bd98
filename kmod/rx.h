/* SPDX-License-Identifier: GPL-2.0 */
/* The way in: from the UDP socket to the stack */
#ifndef TOYVPN_RX_H
#define TOYVPN_RX_H

#include <linux/skbuff.h>

int toyvpn_rx(struct sock *sk, struct sk_buff *skb);

#endif /* TOYVPN_RX_H */
