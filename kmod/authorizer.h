/* SPDX-License-Identifier: GPL-2.0 */
/* Who decides of strangers: a process that registered, and what waits for its answers */
#ifndef TOYVPN_AUTHORIZER_H
#define TOYVPN_AUTHORIZER_H

#include <linux/types.h>

struct net;
struct netlink_ext_ack;
struct sock;
struct toyvpn_device;
struct toyvpn_endpoint;
struct toyvpn_request;

int toyvpn_authorizer_set(struct toyvpn_device *tv, struct sock *sk, u32 portid,
			  struct netlink_ext_ack *extack);
void toyvpn_authorizer_closed(const struct net *net, u32 portid);
void toyvpn_authorizers_end(void);
void toyvpn_authorizer_destroy(struct toyvpn_device *tv);

bool toyvpn_authorizer_listens(struct toyvpn_device *tv, const struct toyvpn_endpoint *from);
void toyvpn_authorizer_ask(struct toyvpn_device *tv, struct toyvpn_request *request);
void toyvpn_authorizer_forget(struct toyvpn_device *tv);
struct toyvpn_request *toyvpn_authorizer_take(struct toyvpn_device *tv, u32 id,
					      const u8 *public_key,
					      struct netlink_ext_ack *extack);
void toyvpn_authorizer_give_back(struct toyvpn_device *tv, struct toyvpn_request *request);

#endif /* TOYVPN_AUTHORIZER_H */
