/* SPDX-License-Identifier: GPL-2.0 */
/* The UDP sockets of a device, and the way of a message to its peer */
#ifndef TOYVPN_SOCKET_H
#define TOYVPN_SOCKET_H

#include <linux/skbuff.h>
#include <linux/types.h>

struct toyvpn_device;
struct toyvpn_endpoint;
struct toyvpn_peer;

/**
 * struct toyvpn_sockets - a pair of sockets that is open and not yet in use
 * @sock4: IPv4
 * @sock6: IPv6, or NULL where the machine has none
 * @port: of both, host order
 */
struct toyvpn_sockets {
	struct sock *sock4;
	struct sock *sock6;
	u16 port;
};

int toyvpn_sockets_open(struct toyvpn_device *tv, u16 port, struct toyvpn_sockets *sockets);
void toyvpn_sockets_use(struct toyvpn_device *tv, const struct toyvpn_sockets *sockets);
void toyvpn_sockets_close(struct toyvpn_device *tv);
void toyvpn_sockets_discard(const struct toyvpn_sockets *sockets);

int toyvpn_endpoint_of(struct toyvpn_endpoint *endpoint, const struct sk_buff *skb);
size_t toyvpn_endpoint_source(const struct toyvpn_endpoint *endpoint, const void **addr,
			      __be16 *port);
unsigned int toyvpn_nesting(void);
unsigned int toyvpn_nesting_set(unsigned int tunnels);
bool toyvpn_nesting_refuse(void);
int toyvpn_send_list(struct toyvpn_peer *peer, struct sk_buff_head *messages);
int toyvpn_send_to_peer(struct toyvpn_peer *peer, const void *message, size_t len);
int toyvpn_send_reply(struct toyvpn_device *tv, const struct toyvpn_endpoint *endpoint,
		      const void *message, size_t len);

#endif /* TOYVPN_SOCKET_H */
