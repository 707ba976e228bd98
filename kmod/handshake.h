/* SPDX-License-Identifier: GPL-2.0 */
/* INIT, RESP and COOKIE: made and consumed */
#ifndef TOYVPN_HANDSHAKE_H
#define TOYVPN_HANDSHAKE_H

#include <linux/skbuff.h>

struct toyvpn_device;
struct toyvpn_peer;

void toyvpn_handshake_send_init(struct toyvpn_peer *peer);
void toyvpn_handshake_receive(struct toyvpn_device *tv, struct sk_buff *skb);

#endif /* TOYVPN_HANDSHAKE_H */
