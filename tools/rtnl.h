/* SPDX-License-Identifier: GPL-2.0 */
/* The network of this host, over rtnetlink: links, addresses, routes, rules. */
#ifndef RTNL_H
#define RTNL_H

#include <stdbool.h>
#include <stdint.h>

#include "addr.h"

/* Kind of the links that are made here */
#ifndef RTNL_KIND
#define RTNL_KIND		"toyvpn"
#endif

/* Priorities of rules: first what has a route of its own, then the tunnel, then the rest. */
#define RTNL_RULE_MAIN		32763
#define RTNL_RULE_TUNNEL	32764

/**
 * struct rtnl - a connection to rtnetlink
 * @nl: the socket
 * @seq: number of the last request
 * @error: after a failure, the errno
 * @reason: after a failure, the kernel's sentence, or what the errno stands for
 */
struct rtnl {
	struct mnl_socket *nl;
	unsigned int seq;
	int error;
	char reason[256];
};

/**
 * struct rtnl_link - a link of this host
 * @ifindex: its index
 * @mtu: its MTU
 * @kind: what made it, "" for a card
 */
struct rtnl_link {
	uint32_t ifindex;
	uint32_t mtu;
	char kind[16];
};

/**
 * struct rtnl_path - the way to a host
 * @ifindex: the link that it leaves by
 * @mtu: the largest packet that fits
 * @source: address of this host on the way; family 0 if there is none
 * @gateway: the next host; family 0 for the host itself
 */
struct rtnl_path {
	uint32_t ifindex;
	uint32_t mtu;
	struct allowed_ip source;
	struct allowed_ip gateway;
};

/* What a watch tells of. */
enum rtnl_change {
	RTNL_LINK,
	RTNL_LINK_GONE,
	RTNL_ADDRESS,
	RTNL_ADDRESS_GONE,
	RTNL_ROUTE,
};

/* Called for each change. @ifindex: the link that it is of, 0 if of none or several */
typedef void (*rtnl_changed)(enum rtnl_change change, uint32_t ifindex, void *data);

bool rtnl_open(struct rtnl *rtnl);
bool rtnl_is_gone(const struct rtnl *rtnl);
void rtnl_close(struct rtnl *rtnl);

bool rtnl_link_add(struct rtnl *rtnl, const char *ifname);
bool rtnl_link_del(struct rtnl *rtnl, uint32_t ifindex);
bool rtnl_link_get(struct rtnl *rtnl, const char *ifname, struct rtnl_link *link);
bool rtnl_link_up(struct rtnl *rtnl, uint32_t ifindex, uint32_t mtu);

bool rtnl_address_add(struct rtnl *rtnl, uint32_t ifindex, const struct allowed_ip *address);
bool rtnl_address_del(struct rtnl *rtnl, uint32_t ifindex, const struct allowed_ip *address);

bool rtnl_route_add(struct rtnl *rtnl, uint32_t ifindex, const struct allowed_ip *to,
		    uint32_t table);
bool rtnl_route_del(struct rtnl *rtnl, uint32_t ifindex, const struct allowed_ip *to,
		    uint32_t table);
bool rtnl_path_to(struct rtnl *rtnl, const union endpoint *endpoint, uint32_t mark,
		  struct rtnl_path *path);
bool rtnl_table_is_free(struct rtnl *rtnl, uint32_t table);

bool rtnl_rule_add(struct rtnl *rtnl, int family, uint32_t mark);
bool rtnl_rule_del(struct rtnl *rtnl, int family, uint32_t mark);

bool rtnl_watch_open(struct rtnl *rtnl);
bool rtnl_watch_read(struct rtnl *rtnl, rtnl_changed changed, void *data);

#endif
