/* SPDX-License-Identifier: GPL-2.0 */
/* What is too much for one CPU: pieces of it done on others, all ended in the order they came in */
#ifndef TOYVPN_SPREAD_H
#define TOYVPN_SPREAD_H

#include <linux/atomic.h>
#include <linux/compiler.h>
#include <linux/list.h>
#include <linux/spinlock.h>
#include <linux/types.h>
#include <linux/workqueue.h>

/* Messages that are worth the way to another CPU, and what is enough for one piece of work */
#define TOYVPN_SPREAD_LEAST	16
#define TOYVPN_SPREAD_ENOUGH	64

/* Messages in a lane, past which its owner takes no more */
#define TOYVPN_LANE_MOST	8192

/**
 * struct toyvpn_turn - one piece of work, in a lane
 * @node: in the lane
 * @messages: how much it is
 * @ready: it is done, and waits for those before it
 */
struct toyvpn_turn {
	struct list_head node;
	unsigned int messages;
	bool ready;
};

/**
 * struct toyvpn_lane - pieces of work that end in the order in which they began
 * @lock: guards the rest; bottom halves off
 * @turns: in order
 * @messages: how many all have
 * @joined: how many turns there were, ever, modulo 2^32
 * @ended: how many of them have ended
 * @cpu: where the first of them began
 * @leaving: somebody is ending those that are ready
 */
struct toyvpn_lane {
	spinlock_t lock;	/* all of this */
	struct list_head turns;
	unsigned int messages;
	u32 joined;
	u32 ended;
	int cpu;
	bool leaving;
};

/**
 * struct toyvpn_load - how much of a CPU one kind of work takes
 * @since: when the window that is being measured began, ns of any clock
 * @busy: ns of work in it, wherever that was done
 * @high: in the window before it was more than a share of a CPU
 * @lent: pieces that others have
 */
struct toyvpn_load {
	u64 since;
	atomic64_t busy;
	bool high;
	atomic_t lent;
};

/**
 * toyvpn_lane_is_empty() - whether something that is done now may end at once
 * @lane: any
 *
 * Of work that begins here later than what is in the lane. Any context.
 *
 * Return: whether nothing is before it.
 */
static inline bool toyvpn_lane_is_empty(const struct toyvpn_lane *lane)
{
	if (!list_empty(&lane->turns))
		return false;
	/* The last one may have left its place and not ended yet: see toyvpn_lane_drain() */
	smp_rmb();
	return !READ_ONCE(lane->leaving);
}

/**
 * toyvpn_lane_is_full() - whether somebody in it has not come on for long
 * @lane: any
 *
 * Any context.
 *
 * Return: whether more work would have to wait in memory without bound.
 */
static inline bool toyvpn_lane_is_full(const struct toyvpn_lane *lane)
{
	return READ_ONCE(lane->messages) >= TOYVPN_LANE_MOST;
}

/**
 * toyvpn_lane_has_ended() - whether a turn and all before it have
 * @lane: any
 * @number: of the turn, of toyvpn_lane_join(), not more than 2^31 turns ago
 *
 * Any context.
 *
 * Return: whether they have.
 */
static inline bool toyvpn_lane_has_ended(const struct toyvpn_lane *lane, u32 number)
{
	return (s32)(number - READ_ONCE(lane->ended)) <= 0;
}

void toyvpn_lane_init(struct toyvpn_lane *lane);
u32 toyvpn_lane_join(struct toyvpn_lane *lane, struct toyvpn_turn *turn, unsigned int messages);
bool toyvpn_lane_ready(struct toyvpn_lane *lane, struct toyvpn_turn *turn);
int toyvpn_lane_drain(struct toyvpn_lane *lane, void (*end)(struct toyvpn_turn *turn), int most);

/**
 * toyvpn_load_is_high() - whether this is too much for one CPU
 * @load: as for toyvpn_load_begin()
 *
 * Return: whether it should be spread.
 */
static inline bool toyvpn_load_is_high(const struct toyvpn_load *load)
{
	return load->high;
}

void toyvpn_load_begin(struct toyvpn_load *load, u64 now);
void toyvpn_load_end(struct toyvpn_load *load, u64 ns);
bool toyvpn_load_lend(struct toyvpn_load *load, unsigned int helpers);
void toyvpn_load_return(struct toyvpn_load *load);

int toyvpn_spread_init(void);
void toyvpn_spread_exit(void);
bool toyvpn_spread_queue(struct work_struct *work);
bool toyvpn_spread_queue_on(int cpu, struct work_struct *work);
void toyvpn_spread_flush(void);

#endif /* TOYVPN_SPREAD_H */
