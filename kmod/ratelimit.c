// SPDX-License-Identifier: GPL-2.0
/*
 * How many handshakes a source may ask for while we are under load: 20 a
 * second and 5 at once for each IPv4 address and each IPv6 /64.
 *
 * A cell holds one time: when what its sources took so far is paid for (the
 * theoretical arrival time of the generic cell rate algorithm). The table has
 * a fixed size, so strangers cannot make it grow. Sources that hash to the
 * same cell share it; so each has a cell in two rows, and the emptier of the
 * two decides. It is wrongly refused only if floods hit both.
 */
#include <linux/atomic.h>
#include <linux/errno.h>
#include <linux/mm.h>
#include <linux/random.h>
#include <linux/slab.h>
#include <linux/time64.h>

#include "compat.h"
#include "ratelimit.h"

#define ROW_CELLS	4096

#define COST_NS		(NSEC_PER_SEC / 20)
#define BURST		5

/**
 * toyvpn_ratelimit_init - make an empty table
 * @limit: to be initialised
 *
 * Context: Process; sleeps.
 * Return: 0 or -ENOMEM.
 */
int toyvpn_ratelimit_init(struct toyvpn_ratelimit *limit)
{
	limit->cells = kvcalloc(2 * ROW_CELLS, sizeof(*limit->cells), GFP_KERNEL_ACCOUNT);
	if (!limit->cells)
		return -ENOMEM;
	get_random_bytes(&limit->key, sizeof(limit->key));
	return 0;
}

/**
 * toyvpn_ratelimit_destroy - free a table
 * @limit: what toyvpn_ratelimit_init() made
 *
 * Context: Process, when nobody uses the table or can start to.
 */
void toyvpn_ratelimit_destroy(struct toyvpn_ratelimit *limit)
{
	kvfree(limit->cells);
}

/**
 * toyvpn_ratelimit_allow - may this source have one more handshake?
 * @limit: the table
 * @addr: the source: 4 or 16 bytes in network order
 * @addr_len: which of the two
 * @now_ns: a clock that does not go back, in ns
 *
 * What is allowed is charged; what is refused is not.
 *
 * Context: Any; takes no lock.
 * Return: true if it may.
 */
bool toyvpn_ratelimit_allow(struct toyvpn_ratelimit *limit,
			    const void *addr, size_t addr_len, u64 now_ns)
{
	u64 source = addr_len == 4 ? get_unaligned((const u32 *)addr) :
				     get_unaligned((const u64 *)addr);
	u64 hash = siphash_2u64(source, addr_len, &limit->key);
	atomic64_t *cell = &limit->cells[hash % ROW_CELLS];
	atomic64_t *other = &limit->cells[ROW_CELLS + (hash >> 32) % ROW_CELLS];
	s64 now = now_ns, paid, next, seen;

	paid = atomic64_read(cell);
	seen = atomic64_read(other);
	if (seen < paid) {
		swap(cell, other);
		swap(paid, seen);
	}

	do {
		next = max(paid, now) + (s64)COST_NS;
		if (next - now > (s64)(BURST * COST_NS))
			return false;
	} while (!atomic64_try_cmpxchg(cell, &paid, next));

	/* The other cell is charged no more than the source is known to owe */
	while (seen < next && !atomic64_try_cmpxchg(other, &seen, next))
		;
	return true;
}
