// SPDX-License-Identifier: GPL-2.0
/*
 * Allowed IPs: the longest prefix that holds an address, and who owns it.
 *
 * One binary trie a family, with paths compressed: a node is a prefix that has
 * an owner, or the place where two of those part and then has two children. A
 * child's prefix lies within its parent's and is longer. An IPv4 address is
 * kept as the upper half of the first word of an IPv6 one, so one writer
 * serves both; each family has its own reader.
 *
 * Readers hold rcu_read_lock(). Writers and those who walk an owner's prefixes
 * hold a mutex of the caller's. Each change is one pointer, so a reader sees
 * the table before it or after it.
 */
#include <asm/byteorder.h>
#include <linux/bitops.h>
#include <linux/errno.h>
#include <linux/rculist.h>
#include <linux/rcupdate.h>
#include <linux/slab.h>
#include <linux/socket.h>
#include <linux/string.h>

#include "compat.h"
#include "routes.h"

/**
 * struct toyvpn_route - a node of a trie
 * @prefix: what it stands for
 * @child: by the first bit behind the prefix
 * @owner: whose prefix it is, NULL for a mere fork
 * @link: in the owner's list
 * @rcu: once it is out of the trie
 * @next: in a reserve
 *
 * It fills one cache line; what readers look at is never in the union.
 */
struct toyvpn_route {
	struct toyvpn_prefix prefix;
	struct toyvpn_route __rcu *child[2];
	struct toyvpn_routes_owner __rcu *owner;
	union {
		struct list_head link;
		struct rcu_head rcu;
		struct toyvpn_route *next;
	};
};

/* For writers: the caller's mutex is what protects */
#define locked(p)	rcu_dereference_protected(p, true)

/* How many bits two prefixes have in common, their lengths not considered */
static unsigned int common_bits(u64 hi_a, u64 lo_a, u64 hi_b, u64 lo_b)
{
	if (hi_a != hi_b)
		return 64 - fls64(hi_a ^ hi_b);
	return 128 - fls64(lo_a ^ lo_b);
}

/* Bit n, counted from the first; bit 128 is of no meaning, but may be asked for */
static unsigned int bit(u64 hi, u64 lo, unsigned int n)
{
	return ((n < 64 ? hi : lo) << (n % 64)) >> 63;
}

static unsigned int prefix_bit(const struct toyvpn_prefix *prefix, unsigned int n)
{
	return bit(prefix->hi, prefix->lo, n);
}

static unsigned int prefix_common(const struct toyvpn_prefix *a, const struct toyvpn_prefix *b)
{
	return min3(common_bits(a->hi, a->lo, b->hi, b->lo),
		    (unsigned int)a->len, (unsigned int)b->len);
}

static bool prefix_equal(const struct toyvpn_prefix *a, const struct toyvpn_prefix *b)
{
	return a->hi == b->hi && a->lo == b->lo && a->len == b->len && a->family == b->family;
}

static void prefix_cut(struct toyvpn_prefix *prefix, unsigned int len)
{
	prefix->len = len;
	prefix->hi &= len ? ~0ULL << (64 - min(len, 64U)) : 0;
	prefix->lo &= len > 64 ? ~0ULL << (128 - len) : 0;
}

/**
 * toyvpn_prefix_set - make a prefix
 * @prefix: to be set; bits of @addr behind @len do not matter
 * @family: AF_INET or AF_INET6
 * @addr: 4 or 16 bytes in network order
 * @len: number of bits
 *
 * Context: Any.
 * Return: 0, -EAFNOSUPPORT, or -EINVAL for a length that the family does not
 * have.
 */
int toyvpn_prefix_set(struct toyvpn_prefix *prefix, u8 family, const void *addr, u8 len)
{
	memset(prefix, 0, sizeof(*prefix));
	switch (family) {
	case AF_INET:
		if (len > 32)
			return -EINVAL;
		prefix->hi = (u64)get_unaligned_be32(addr) << 32;
		break;
	case AF_INET6:
		if (len > 128)
			return -EINVAL;
		prefix->hi = get_unaligned_be64(addr);
		prefix->lo = get_unaligned_be64(addr + 8);
		break;
	default:
		return -EAFNOSUPPORT;
	}
	prefix->family = family;
	prefix_cut(prefix, len);
	return 0;
}

/**
 * toyvpn_prefix_addr - the address of a prefix
 * @prefix: what toyvpn_prefix_set() or toyvpn_routes_next() made
 * @addr: where it goes, in network order
 *
 * Context: Any.
 * Return: the number of bytes written: 4 or 16.
 */
size_t toyvpn_prefix_addr(const struct toyvpn_prefix *prefix, u8 addr[16])
{
	if (prefix->family == AF_INET) {
		put_unaligned_be32(prefix->hi >> 32, addr);
		return 4;
	}
	put_unaligned_be64(prefix->hi, addr);
	put_unaligned_be64(prefix->lo, addr + 8);
	return 16;
}

/**
 * toyvpn_routes_reserve - lay nodes by for some more insertions
 * @reserve: what is there already stays there
 * @prefixes: number of insertions
 *
 * Context: Process; sleeps.
 * Return: 0, or -ENOMEM; then the reserve is empty.
 */
int toyvpn_routes_reserve(struct toyvpn_routes_reserve *reserve, unsigned int prefixes)
{
	struct toyvpn_route *node;
	u64 nodes;

	/* Itself, and the fork where it parts from others */
	for (nodes = 2ULL * prefixes; nodes; nodes--) {
		node = kzalloc_obj(*node, TOYVPN_GFP_MANY);
		if (!node) {
			toyvpn_routes_unreserve(reserve);
			return -ENOMEM;
		}
		node->next = reserve->free;
		reserve->free = node;
		cond_resched();
	}
	return 0;
}

/**
 * toyvpn_routes_unreserve - free what was laid by and not needed
 * @reserve: empty afterwards
 *
 * Context: Process context.
 */
void toyvpn_routes_unreserve(struct toyvpn_routes_reserve *reserve)
{
	struct toyvpn_route *node;

	while ((node = reserve->free)) {
		reserve->free = node->next;
		kfree(node);
		cond_resched();
	}
}

static struct toyvpn_route *node_new(struct toyvpn_routes_reserve *reserve,
				     const struct toyvpn_prefix *prefix)
{
	struct toyvpn_route *node = reserve->free;

	reserve->free = node->next;
	node->prefix = *prefix;
	return node;
}

static struct toyvpn_route __rcu **root(struct toyvpn_routes *routes,
					const struct toyvpn_prefix *prefix)
{
	return prefix->family == AF_INET ? &routes->v4 : &routes->v6;
}

static void node_own(struct toyvpn_route *node, struct toyvpn_routes_owner *owner)
{
	rcu_assign_pointer(node->owner, owner);
	list_add_tail(&node->link, &owner->prefixes);
}

/**
 * toyvpn_routes_owner_init - initialise an owner of nothing
 * @owner: the owner
 *
 * Context: Any.
 */
void toyvpn_routes_owner_init(struct toyvpn_routes_owner *owner)
{
	INIT_LIST_HEAD(&owner->prefixes);
}

/**
 * toyvpn_routes_insert - give an owner a prefix
 * @routes: the tables
 * @reserve: must have been filled for this insertion
 * @prefix: the prefix
 * @owner: its owner from now on; if it has it already, nothing changes
 *
 * Context: Under the caller's mutex; does not fail.
 * Return: the owner that it was taken from, or NULL.
 */
struct toyvpn_routes_owner *
toyvpn_routes_insert(struct toyvpn_routes *routes, struct toyvpn_routes_reserve *reserve,
		     const struct toyvpn_prefix *prefix, struct toyvpn_routes_owner *owner)
{
	struct toyvpn_route __rcu **slot = root(routes, prefix);
	struct toyvpn_route *node, *new, *fork;
	struct toyvpn_routes_owner *former;
	unsigned int common;

	while ((node = locked(*slot))) {
		common = prefix_common(prefix, &node->prefix);
		if (common < node->prefix.len)
			break;
		if (common == prefix->len) {
			former = locked(node->owner);
			if (former == owner)
				return NULL;
			if (former)
				list_del(&node->link);
			node_own(node, owner);
			return former;
		}
		slot = &node->child[prefix_bit(prefix, node->prefix.len)];
	}

	new = node_new(reserve, prefix);
	node_own(new, owner);
	if (!node) {
		rcu_assign_pointer(*slot, new);
	} else if (common == prefix->len) {
		RCU_INIT_POINTER(new->child[prefix_bit(&node->prefix, common)], node);
		rcu_assign_pointer(*slot, new);
	} else {
		fork = node_new(reserve, prefix);
		prefix_cut(&fork->prefix, common);
		RCU_INIT_POINTER(fork->child[prefix_bit(prefix, common)], new);
		RCU_INIT_POINTER(fork->child[prefix_bit(&node->prefix, common)], node);
		rcu_assign_pointer(*slot, fork);
	}
	return NULL;
}

/*
 * The pointer that leads to the node of a prefix, NULL if there is no such
 * node; and the one that leads to its parent, NULL if it has none.
 */
static struct toyvpn_route __rcu **find(struct toyvpn_route __rcu **slot,
					const struct toyvpn_prefix *prefix,
					struct toyvpn_route __rcu ***parent)
{
	struct toyvpn_route *node;

	*parent = NULL;
	while ((node = locked(*slot))) {
		if (prefix_common(prefix, &node->prefix) < node->prefix.len)
			return NULL;
		if (node->prefix.len == prefix->len)
			return slot;
		*parent = slot;
		slot = &node->child[prefix_bit(prefix, node->prefix.len)];
	}
	return NULL;
}

/* Take a node's owner away, and what has no purpose any more out of the trie */
static void disown(struct toyvpn_route __rcu **slot, struct toyvpn_route __rcu **parent)
{
	struct toyvpn_route *node = locked(*slot), *child[2];

	RCU_INIT_POINTER(node->owner, NULL);
	list_del(&node->link);

	child[0] = locked(node->child[0]);
	child[1] = locked(node->child[1]);
	if (child[0] && child[1])
		return;
	rcu_assign_pointer(*slot, child[0] ?: child[1]);
	kfree_rcu(node, rcu);
	if (child[0] || child[1] || !parent)
		return;

	/* The parent has one child left: no fork any more */
	node = locked(*parent);
	if (locked(node->owner))
		return;
	rcu_assign_pointer(*parent, locked(node->child[0]) ?: locked(node->child[1]));
	kfree_rcu(node, rcu);
}

/**
 * toyvpn_routes_remove - take a prefix from its owner
 * @routes: the tables
 * @prefix: the prefix
 * @owner: whose it must be
 *
 * Context: Under the caller's mutex.
 * Return: true if it was, false if it is not @owner's; then nothing changed.
 */
bool toyvpn_routes_remove(struct toyvpn_routes *routes, const struct toyvpn_prefix *prefix,
			  const struct toyvpn_routes_owner *owner)
{
	struct toyvpn_route __rcu **slot, **parent;

	slot = find(root(routes, prefix), prefix, &parent);
	if (!slot || locked(locked(*slot)->owner) != owner)
		return false;
	disown(slot, parent);
	return true;
}

/**
 * toyvpn_routes_remove_owner - take all prefixes from an owner
 * @routes: the tables
 * @owner: the owner; readers may still find it for a grace period
 *
 * Context: Under the caller's mutex. Takes as long as it owns prefixes.
 */
void toyvpn_routes_remove_owner(struct toyvpn_routes *routes,
				struct toyvpn_routes_owner *owner)
{
	struct toyvpn_route *node, *tmp;

	list_for_each_entry_safe(node, tmp, &owner->prefixes, link) {
		toyvpn_routes_remove(routes, &node->prefix, owner);
		cond_resched();
	}
}

/**
 * toyvpn_routes_next - the prefix that follows in an owner's list
 * @routes: the tables
 * @owner: the owner
 * @pos: where a walk is, and afterwards the next prefix; AF_UNSPEC as family
 *	(an all-zero one) starts the walk
 *
 * The list is in the order in which the owner got its prefixes. A walk may be
 * interrupted, the mutex released, and goes on with nothing but @pos.
 *
 * Context: Under the caller's mutex.
 * Return: 0; -ENOENT if @pos is the last; -ESTALE if @owner has lost @pos
 * meanwhile, so that nobody knows what follows. Then @pos is as it was.
 */
int toyvpn_routes_next(struct toyvpn_routes *routes,
		       const struct toyvpn_routes_owner *owner, struct toyvpn_prefix *pos)
{
	struct toyvpn_route __rcu **slot, **parent;
	const struct list_head *link = &owner->prefixes;

	if (pos->family != AF_UNSPEC) {
		/* Most walks are over after one step, and need no search */
		if (!list_empty(link) &&
		    prefix_equal(&list_last_entry(link, struct toyvpn_route, link)->prefix, pos))
			return -ENOENT;
		slot = find(root(routes, pos), pos, &parent);
		if (!slot || locked(locked(*slot)->owner) != owner)
			return -ESTALE;
		link = &locked(*slot)->link;
	}
	if (list_is_last(link, &owner->prefixes))
		return -ENOENT;
	*pos = list_entry(link->next, struct toyvpn_route, link)->prefix;
	return 0;
}

/**
 * toyvpn_routes_lookup_v4 - whose is an IPv4 address?
 * @routes: the tables
 * @addr: the address
 *
 * Context: Under rcu_read_lock().
 * Return: the owner of the longest prefix that holds it, or NULL; good until
 * rcu_read_unlock(), no reference is taken.
 */
struct toyvpn_routes_owner *toyvpn_routes_lookup_v4(const struct toyvpn_routes *routes,
						    __be32 addr)
{
	const struct toyvpn_route *node = rcu_dereference(routes->v4);
	struct toyvpn_routes_owner *owner, *best = NULL;
	u64 hi = (u64)be32_to_cpu(addr) << 32;

	while (node && 64 - fls64(hi ^ node->prefix.hi) >= node->prefix.len) {
		owner = rcu_dereference(node->owner);
		if (owner)
			best = owner;
		node = rcu_dereference(node->child[hi << node->prefix.len >> 63]);
	}
	return best;
}

/**
 * toyvpn_routes_lookup_v6 - whose is an IPv6 address?
 * @routes: the tables
 * @addr: the address, aligned as in a packet (4 bytes)
 *
 * Context: Under rcu_read_lock().
 * Return: the owner of the longest prefix that holds it, or NULL; good until
 * rcu_read_unlock(), no reference is taken.
 */
struct toyvpn_routes_owner *toyvpn_routes_lookup_v6(const struct toyvpn_routes *routes,
						    const struct in6_addr *addr)
{
	u64 hi = get_unaligned_be64(addr->s6_addr), lo = get_unaligned_be64(addr->s6_addr + 8);
	const struct toyvpn_route *node = rcu_dereference(routes->v6);
	struct toyvpn_routes_owner *owner, *best = NULL;

	while (node && common_bits(hi, lo, node->prefix.hi, node->prefix.lo) >= node->prefix.len) {
		owner = rcu_dereference(node->owner);
		if (owner)
			best = owner;
		node = rcu_dereference(node->child[bit(hi, lo, node->prefix.len)]);
	}
	return best;
}
