// SPDX-License-Identifier: GPL-2.0
#include <linux/smp.h>
#include <linux/time64.h>

#include "compat.h"
#include "spread.h"

/*
 * As padata does it for the crypto API's pcrypt, a result waits for those of
 * the pieces before it. Other than there, a CPU that is not short of time keeps
 * its work, and what is lent is as large as what came together.
 */

/*
 * For all devices. Packets that wait for these may be those that free memory:
 * swap, beyond a tunnel. Nothing that takes long or sleeps is among them.
 */
static struct workqueue_struct *helpers, *lanes;

/* Long enough for many pieces, short enough to follow a flow that begins */
#define WINDOW		(5 * NSEC_PER_MSEC)

/* More than one part of so many is much: who opens a flow's messages may seal it as well */
#define SHARE		4

/* So many a helper: one that it works at, one for when that is done */
#define LENT		2

/**
 * toyvpn_lane_init() - empty
 * @lane: filled
 */
void toyvpn_lane_init(struct toyvpn_lane *lane)
{
	spin_lock_init(&lane->lock);
	INIT_LIST_HEAD(&lane->turns);
	lane->messages = 0;
	lane->joined = 0;
	lane->ended = 0;
	lane->cpu = 0;
	lane->leaving = false;
}

/**
 * toyvpn_lane_join() - a piece of work begins
 * @lane: whose others it follows
 * @turn: its place. In use until the lane ends it
 * @messages: how much it is
 *
 * Bottom halves off.
 *
 * Return: its number, for toyvpn_lane_has_ended().
 */
u32 toyvpn_lane_join(struct toyvpn_lane *lane, struct toyvpn_turn *turn, unsigned int messages)
{
	u32 number;

	turn->messages = messages;
	turn->ready = false;
	spin_lock(&lane->lock);
	if (toyvpn_lane_is_empty(lane))
		WRITE_ONCE(lane->cpu, smp_processor_id());
	list_add_tail(&turn->node, &lane->turns);
	WRITE_ONCE(lane->messages, lane->messages + messages);
	number = ++lane->joined;
	spin_unlock(&lane->lock);
	return number;
}

/**
 * toyvpn_lane_ready() - a piece of work is done
 * @lane: that it joined
 * @turn: its place; the next toyvpn_lane_drain(), anybody's, may end it
 *
 * Bottom halves off.
 *
 * Return: whether there is something to end: the caller sees to it.
 */
bool toyvpn_lane_ready(struct toyvpn_lane *lane, struct toyvpn_turn *turn)
{
	bool ready;

	spin_lock(&lane->lock);
	turn->ready = true;
	ready = list_first_entry(&lane->turns, struct toyvpn_turn, node)->ready;
	spin_unlock(&lane->lock);
	return ready;
}

/**
 * toyvpn_lane_drain() - ends what is done and has nothing before it that is not
 * @lane: the caller holds it in memory
 * @end: called for each in turn, without locks
 * @most: so many at most
 *
 * One does this at a time; the others leave it to that one. Bottom halves off.
 *
 * Return: how many it ended.
 */
int toyvpn_lane_drain(struct toyvpn_lane *lane, void (*end)(struct toyvpn_turn *turn), int most)
{
	struct toyvpn_turn *turn;
	int ended = 0;

	spin_lock(&lane->lock);
	if (lane->leaving) {
		spin_unlock(&lane->lock);
		return 0;
	}
	while (ended < most) {
		turn = list_first_entry_or_null(&lane->turns, struct toyvpn_turn, node);
		if (!turn || !turn->ready)
			break;
		WRITE_ONCE(lane->leaving, true);
		/* Pairs with toyvpn_lane_is_empty(): never seen empty with one still to end */
		smp_wmb();
		list_del(&turn->node);
		WRITE_ONCE(lane->messages, lane->messages - turn->messages);
		spin_unlock(&lane->lock);
		end(turn);
		ended++;
		spin_lock(&lane->lock);
		WRITE_ONCE(lane->ended, lane->ended + 1);
	}
	WRITE_ONCE(lane->leaving, false);
	spin_unlock(&lane->lock);
	return ended;
}

/**
 * toyvpn_load_begin() - work begins here that is measured
 * @load: the caller's: of its CPU, with bottom halves off, or of its poll
 * @now: ns
 */
void toyvpn_load_begin(struct toyvpn_load *load, u64 now)
{
	if (now - load->since >= WINDOW) {
		load->high = (u64)atomic64_xchg(&load->busy, 0) * SHARE > now - load->since;
		load->since = now;
	}
}

/**
 * toyvpn_load_end() - work was done
 * @load: whose it is, which need not be this CPU's
 * @ns: how long it took
 */
void toyvpn_load_end(struct toyvpn_load *load, u64 ns)
{
	atomic64_add(ns, &load->busy);
}

/**
 * toyvpn_load_lend() - whether the next piece of work should go elsewhere
 * @load: whose work it is; as for toyvpn_load_begin()
 * @helpers: CPUs other than this one
 *
 * It should where this CPU has much of it, and the others have not enough of
 * that yet: so each piece goes to who is free, this CPU among them, and what is
 * lent has a bound.
 *
 * Return: true if so; toyvpn_load_return() then belongs to its end.
 */
bool toyvpn_load_lend(struct toyvpn_load *load, unsigned int helpers)
{
	if (!toyvpn_load_is_high(load) || atomic_read(&load->lent) >= helpers * LENT)
		return false;
	atomic_inc(&load->lent);
	return true;
}

/**
 * toyvpn_load_return() - what was lent is done
 * @load: of toyvpn_load_lend()
 */
void toyvpn_load_return(struct toyvpn_load *load)
{
	atomic_dec(&load->lent);
}

/**
 * toyvpn_spread_init() - makes the queues of what is spread
 *
 * Return: 0 or -ENOMEM.
 */
int __init toyvpn_spread_init(void)
{
	helpers = alloc_workqueue("toyvpn-helpers", WQ_UNBOUND | WQ_MEM_RECLAIM, 0);
	if (!helpers)
		return -ENOMEM;
	lanes = alloc_workqueue("toyvpn-lanes", WQ_MEM_RECLAIM | TOYVPN_WQ_PERCPU, 0);
	if (!lanes) {
		destroy_workqueue(helpers);
		return -ENOMEM;
	}
	return 0;
}

/**
 * toyvpn_spread_exit() - frees them
 *
 * There are no devices any more.
 */
void toyvpn_spread_exit(void)
{
	destroy_workqueue(helpers);
	destroy_workqueue(lanes);
}

/**
 * toyvpn_spread_queue() - has the next CPU that is free do something
 * @work: does not sleep, and takes no longer than a batch
 *
 * Any context.
 *
 * Return: false if it was asked for already.
 */
bool toyvpn_spread_queue(struct work_struct *work)
{
	return queue_work(helpers, work);
}

/**
 * toyvpn_spread_queue_on() - has a CPU do something
 * @cpu: which; another one if it has gone
 * @work: as for toyvpn_spread_queue()
 *
 * Any context.
 *
 * Return: false if it was asked for already.
 */
bool toyvpn_spread_queue_on(int cpu, struct work_struct *work)
{
	return queue_work_on(cpu, lanes, work);
}

/**
 * toyvpn_spread_flush() - waits until what was asked for has been done
 *
 * And what came of that. Process context; sleeps.
 */
void toyvpn_spread_flush(void)
{
	flush_workqueue(helpers);
	flush_workqueue(lanes);
}
