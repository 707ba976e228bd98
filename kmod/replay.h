/* SPDX-License-Identifier: GPL-2.0 */
/* Which counters of a session were received: RFC 6479 */
#ifndef TOYVPN_REPLAY_H
#define TOYVPN_REPLAY_H

#include <linux/spinlock.h>
#include <linux/types.h>

/* A power of two; one word of it is always being cleared ahead */
#define TOYVPN_REPLAY_BITS	16384
#define TOYVPN_REPLAY_WINDOW	(TOYVPN_REPLAY_BITS - BITS_PER_LONG)

/**
 * struct toyvpn_replay - the window
 * @lock: guards the rest; bottom halves off
 * @next: one more than the highest counter that was marked
 * @bits: counter modulo TOYVPN_REPLAY_BITS
 */
struct toyvpn_replay {
	spinlock_t lock;	/* next, bits */
	u64 next;
	unsigned long bits[TOYVPN_REPLAY_BITS / BITS_PER_LONG];
};

enum toyvpn_replay_verdict {
	TOYVPN_REPLAY_SEEN,	/* or too old to know */
	TOYVPN_REPLAY_NEW,
	TOYVPN_REPLAY_HIGHEST,	/* new, and higher than all before */
};

void toyvpn_replay_init(struct toyvpn_replay *replay);
bool toyvpn_replay_check(const struct toyvpn_replay *replay, u64 counter);
enum toyvpn_replay_verdict toyvpn_replay_mark(struct toyvpn_replay *replay, u64 counter);

#endif /* TOYVPN_REPLAY_H */
