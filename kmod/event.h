/* SPDX-License-Identifier: GPL-2.0 */
/* What the module tells user space unasked: of peers to all who listen, of strangers to one */
#ifndef TOYVPN_EVENT_H
#define TOYVPN_EVENT_H

#include <linux/types.h>
#include <uapi/linux/toyvpn.h>

struct genl_family;
struct net;
struct toyvpn_device;
struct toyvpn_peer;
struct toyvpn_request;

void toyvpn_events_init(const struct genl_family *family);
void toyvpn_events_exit(void);
void toyvpn_event_send(struct toyvpn_peer *peer, enum toyvpn_event event);
void toyvpn_event_removed(struct toyvpn_peer *peer);
int toyvpn_event_request(struct toyvpn_device *tv, const struct toyvpn_request *request,
			 struct net *net, u32 portid);

#endif /* TOYVPN_EVENT_H */
