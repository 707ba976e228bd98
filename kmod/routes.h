/* SPDX-License-Identifier: GPL-2.0 */
/* Allowed IPs: the longest prefix that holds an address, and who owns it */
#ifndef TOYVPN_ROUTES_H
#define TOYVPN_ROUTES_H

#include <linux/in6.h>
#include <linux/list.h>
#include <linux/types.h>

/* For what a device can have of as long as there is memory: past that is an error, no OOM killer */
#define TOYVPN_GFP_MANY	(GFP_KERNEL_ACCOUNT | __GFP_RETRY_MAYFAIL | __GFP_NOWARN)

struct toyvpn_route;

/**
 * struct toyvpn_prefix - an address prefix of either family
 * @hi: the first 64 bits of the address in the machine's order (IPv4: the
 *	address in the upper 32), zero behind the prefix
 * @lo: the other 64 bits, 0 for IPv4
 * @family: AF_INET or AF_INET6; AF_UNSPEC is the position before the first
 *	prefix of a dump
 * @len: number of bits
 */
struct toyvpn_prefix {
	u64 hi;
	u64 lo;
	u8 family;
	u8 len;
};

/**
 * struct toyvpn_routes_owner - the part of a peer that the tables know
 * @prefixes: what it owns, oldest first
 *
 * Readers find it without a reference, so its memory must outlive a grace
 * period after toyvpn_routes_remove_owner().
 */
struct toyvpn_routes_owner {
	struct list_head prefixes;
};

/**
 * struct toyvpn_routes - the two tables of a device
 * @v4: root of the IPv4 trie
 * @v6: root of the IPv6 trie
 *
 * All zeros is the valid empty state. It is empty again once each owner was
 * removed; there is nothing else to free.
 */
struct toyvpn_routes {
	struct toyvpn_route __rcu *v4;
	struct toyvpn_route __rcu *v6;
};

/**
 * struct toyvpn_routes_reserve - nodes laid by, so that insertions cannot fail
 * @free: list of them
 *
 * All zeros is the valid empty state.
 */
struct toyvpn_routes_reserve {
	struct toyvpn_route *free;
};

int toyvpn_prefix_set(struct toyvpn_prefix *prefix, u8 family, const void *addr, u8 len);
size_t toyvpn_prefix_addr(const struct toyvpn_prefix *prefix, u8 addr[16]);

int toyvpn_routes_reserve(struct toyvpn_routes_reserve *reserve, unsigned int prefixes);
void toyvpn_routes_unreserve(struct toyvpn_routes_reserve *reserve);

void toyvpn_routes_owner_init(struct toyvpn_routes_owner *owner);
struct toyvpn_routes_owner *
toyvpn_routes_insert(struct toyvpn_routes *routes, struct toyvpn_routes_reserve *reserve,
		     const struct toyvpn_prefix *prefix, struct toyvpn_routes_owner *owner);
bool toyvpn_routes_remove(struct toyvpn_routes *routes, const struct toyvpn_prefix *prefix,
			  const struct toyvpn_routes_owner *owner);
void toyvpn_routes_remove_owner(struct toyvpn_routes *routes,
				struct toyvpn_routes_owner *owner);
int toyvpn_routes_next(struct toyvpn_routes *routes,
		       const struct toyvpn_routes_owner *owner, struct toyvpn_prefix *pos);

struct toyvpn_routes_owner *toyvpn_routes_lookup_v4(const struct toyvpn_routes *routes,
						    __be32 addr);
struct toyvpn_routes_owner *toyvpn_routes_lookup_v6(const struct toyvpn_routes *routes,
						    const struct in6_addr *addr);

#endif /* TOYVPN_ROUTES_H */
