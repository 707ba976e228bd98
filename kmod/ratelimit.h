/* SPDX-License-Identifier: GPL-2.0 */
/* How many handshakes a source may ask for while we are under load */
#ifndef TOYVPN_RATELIMIT_H
#define TOYVPN_RATELIMIT_H

#include <linux/siphash.h>
#include <linux/types.h>

/**
 * struct toyvpn_ratelimit - a table of fixed size that counts by source
 * @key: random, so that nobody can choose sources that collide
 * @cells: two rows of times
 */
struct toyvpn_ratelimit {
	siphash_key_t key;
	atomic64_t *cells;
};

int toyvpn_ratelimit_init(struct toyvpn_ratelimit *limit);
void toyvpn_ratelimit_destroy(struct toyvpn_ratelimit *limit);
bool toyvpn_ratelimit_allow(struct toyvpn_ratelimit *limit,
			    const void *addr, size_t addr_len, u64 now_ns);

#endif /* TOYVPN_RATELIMIT_H */
