/* SPDX-License-Identifier: GPL-2.0 */
/*
 * The addresses that a server gives its clients. A slot is a client's place in the networks: the
 * tenth has 10.9.0.10 and fd09::a.
 */
#ifndef POOL_H
#define POOL_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "addr.h"

/**
 * struct slots - slots that no client gets
 * @first: the first of them
 * @last: the last
 */
struct slots {
	uint32_t first;
	uint32_t last;
};

/**
 * struct pool - the addresses of a server's clients
 * @v4: network of the IPv4 addresses; its family is 0 if there are none
 * @v6: likewise for IPv6
 * @last: the last slot; the first is 1; 0 if there is no pool
 * @taken: slots that no client gets
 * @n_taken: how many entries
 */
struct pool {
	struct allowed_ip v4;
	struct allowed_ip v6;
	uint32_t last;
	struct slots *taken;
	size_t n_taken;
};

bool pool_set(struct pool *pool, const struct allowed_ip *networks, size_t n, const char *path);
void pool_take(struct pool *pool, const struct allowed_ip *network);
bool pool_has(const struct pool *pool, uint32_t slot);
size_t pool_addresses(const struct pool *pool, uint32_t slot, struct allowed_ip ips[static 2]);
void pool_clear(struct pool *pool);

#endif
