/* SPDX-License-Identifier: GPL-2.0 */
/* INIT and RESP: made and consumed; COOKIE: consumed */
#ifndef TOYVPN_HANDSHAKE_H
#define TOYVPN_HANDSHAKE_H

#include <linux/skbuff.h>

#include "tlv.h"

struct toyvpn_cookie_message;
struct toyvpn_device;
struct toyvpn_peer;
struct toyvpn_request;

void toyvpn_handshake_send_init(struct toyvpn_peer *peer);
void toyvpn_handshake_cookie(struct toyvpn_device *tv,
			     const struct toyvpn_cookie_message *message);
void toyvpn_handshake_receive(struct toyvpn_device *tv, struct sk_buff *skb);
void toyvpn_handshake_accept(struct toyvpn_peer *peer, const struct toyvpn_request *request);
int toyvpn_handshake_refuse(struct toyvpn_device *tv, const struct toyvpn_request *request,
			    enum toyvpn_reject why);

#endif /* TOYVPN_HANDSHAKE_H */
