// SPDX-License-Identifier: GPL-2.0
#include <stdlib.h>
#include <string.h>

#include "pool.h"
#include "report.h"

/* As many as a device can have peers, and no more bits of an address than a slot has. */
#define POOL_BITS_MAX	20

/* Slots 1 to the last; an IPv4 network's last address is for broadcasts. */
static uint32_t last_slot(const struct allowed_ip *network)
{
	unsigned int bits = allowed_ip_bits(network) - network->prefix_len;

	if (bits > POOL_BITS_MAX)
		bits = POOL_BITS_MAX;
	return (1U << bits) - (network->family == AF_INET ? 2 : 1);
}

static bool add_network(struct pool *pool, const struct allowed_ip *network, const char *path)
{
	struct allowed_ip *to = network->family == AF_INET ? &pool->v4 : &pool->v6;
	char text[ALLOWED_IP_TEXT_SIZE];

	allowed_ip_to_text(text, network);
	if (allowed_ip_bits(network) - network->prefix_len < 2)
		return fail("%s: Pool: %s has no room for clients: /%d at most", path, text,
			    allowed_ip_bits(network) - 2);
	if (to->family)
		return fail("%s: Pool: %s is a second network of IPv%d", path, text,
			    network->family == AF_INET ? 4 : 6);
	*to = *network;
	if (!pool->last || last_slot(network) < pool->last)
		pool->last = last_slot(network);
	return true;
}

/**
 * pool_set() - make a pool of networks
 * @pool: where to; empty
 * @networks: an IPv4 network, an IPv6 one, or both
 * @n: how many
 * @path: the file that they are from, for errors
 *
 * With both, a client gets an address of each, and the smaller network says how many there can be.
 *
 * Return: whether it worked; if not, the user has been told.
 */
bool pool_set(struct pool *pool, const struct allowed_ip *networks, size_t n, const char *path)
{
	size_t i;

	for (i = 0; i < n; i++)
		if (!add_network(pool, &networks[i], path))
			return false;
	return n || fail("%s: there is no Pool that clients could have addresses from", path);
}

/* The bits of @address past the network's, as far as a slot has such, or UINT32_MAX if more. */
static uint32_t host_part(const struct allowed_ip *network, const struct allowed_ip *address)
{
	const uint8_t *bytes = address->v6.s6_addr, *base = network->v6.s6_addr;
	size_t size = allowed_ip_size(network), i;
	uint64_t part = 0;

	for (i = 0; i < size; i++) {
		if (part >> 24)
			return UINT32_MAX;
		part = part << 8 | (bytes[i] ^ base[i]);
	}
	return (uint32_t)part;
}

/* Whether the first @len bits are the same. */
static bool same_prefix(const struct allowed_ip *one, const struct allowed_ip *other,
			unsigned int len)
{
	const uint8_t *a = one->v6.s6_addr, *b = other->v6.s6_addr;

	if (memcmp(a, b, len / 8))
		return false;
	return !(len % 8) || !((a[len / 8] ^ b[len / 8]) >> (8 - len % 8));
}

/**
 * pool_take() - give no client any address of a network
 * @pool: the pool
 * @network: the network, or one address, of the server or of a peer that has it for good
 */
void pool_take(struct pool *pool, const struct allowed_ip *network)
{
	const struct allowed_ip *mine = network->family == AF_INET ? &pool->v4 : &pool->v6;
	unsigned int bits = allowed_ip_bits(network) - network->prefix_len;
	struct slots *slots;
	uint32_t first;

	/* What is as wide as the pool, such as a default route, takes nothing of it. */
	if (!mine->family || network->prefix_len <= mine->prefix_len ||
	    !same_prefix(mine, network, mine->prefix_len))
		return;
	first = host_part(mine, network);
	if (first > pool->last)
		return;
	pool->taken = xrealloc(pool->taken, pool->n_taken + 1, sizeof(*pool->taken));
	slots = &pool->taken[pool->n_taken++];
	slots->first = first;
	slots->last = bits > POOL_BITS_MAX ? UINT32_MAX : first + ((1U << bits) - 1);
}

/**
 * pool_has() - whether a client can have a slot
 * @pool: the pool
 * @slot: the slot
 *
 * Return: whether it is one of the pool and nobody else's.
 */
bool pool_has(const struct pool *pool, uint32_t slot)
{
	size_t i;

	if (!slot || slot > pool->last)
		return false;
	for (i = 0; i < pool->n_taken; i++)
		if (slot >= pool->taken[i].first && slot <= pool->taken[i].last)
			return false;
	return true;
}

static void set_address(struct allowed_ip *ip, const struct allowed_ip *network, uint32_t slot)
{
	uint8_t *end = ip->v6.s6_addr + allowed_ip_size(network);
	unsigned int i;

	*ip = *network;
	for (i = 1; i <= sizeof(slot); i++, slot >>= 8)
		end[-(int)i] |= slot & 0xff;
}

/**
 * pool_addresses() - the addresses of a slot
 * @pool: the pool
 * @slot: the slot, one of the pool's
 * @ips: where to, each with the length of its network's prefix
 *
 * Return: how many there are: one or two.
 */
size_t pool_addresses(const struct pool *pool, uint32_t slot, struct allowed_ip ips[static 2])
{
	size_t n = 0;

	if (pool->v4.family)
		set_address(&ips[n++], &pool->v4, slot);
	if (pool->v6.family)
		set_address(&ips[n++], &pool->v6, slot);
	return n;
}

/**
 * pool_clear() - free what belongs to a pool
 * @pool: the pool, which is empty then
 */
void pool_clear(struct pool *pool)
{
	free(pool->taken);
	*pool = (struct pool){ 0 };
}
