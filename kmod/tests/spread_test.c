// SPDX-License-Identifier: GPL-2.0
/* spread.c: what begins first ends first, whoever did it; when work is lent, and how much */
#include <linux/bottom_half.h>
#include <linux/smp.h>
#include <linux/spinlock.h>
#include <linux/time64.h>

#include "../spread.h"
#include "tests.h"

#define TURNS		32
#define WINDOW		(5 * NSEC_PER_MSEC)
#define SHARE		4
#define THREADS		4
#define ROUNDS		2000

/**
 * struct place - a turn that knows how many came before it
 * @turn: in the lane
 * @number: from 0
 */
struct place {
	struct toyvpn_turn turn;
	unsigned int number;
};

static struct toyvpn_lane lane;
static struct place places[TURNS];
static unsigned int ended, wrong;

static void end(struct toyvpn_turn *turn)
{
	wrong += container_of(turn, struct place, turn)->number != ended;
	WRITE_ONCE(ended, ended + 1);
}

static void join(struct place *place, unsigned int number)
{
	place->number = number;
	local_bh_disable();
	toyvpn_lane_join(&lane, &place->turn, 1);
	local_bh_enable();
}

static bool ready(struct place *place)
{
	bool first;

	local_bh_disable();
	first = toyvpn_lane_ready(&lane, &place->turn);
	local_bh_enable();
	return first;
}

static int drain(int most)
{
	int n;

	local_bh_disable();
	n = toyvpn_lane_drain(&lane, end, most);
	local_bh_enable();
	return n;
}

static int spread_test_init(struct kunit *test)
{
	toyvpn_lane_init(&lane);
	ended = 0;
	wrong = 0;
	return 0;
}

static void join_all(void)
{
	unsigned int i;

	for (i = 0; i < TURNS; i++)
		join(&places[i], i);
}

static void an_empty_lane_has_nothing_to_end(struct kunit *test)
{
	KUNIT_EXPECT_TRUE(test, toyvpn_lane_is_empty(&lane));
	KUNIT_EXPECT_EQ(test, 0, drain(INT_MAX));
}

static void what_is_not_done_holds_up_what_follows(struct kunit *test)
{
	unsigned int i;

	join_all();
	KUNIT_EXPECT_FALSE(test, toyvpn_lane_is_empty(&lane));
	for (i = TURNS - 1; i > 0; i--) {
		KUNIT_EXPECT_FALSE(test, ready(&places[i]));
		KUNIT_EXPECT_EQ(test, 0, drain(INT_MAX));
	}
	KUNIT_EXPECT_TRUE(test, ready(&places[0]));
	KUNIT_EXPECT_EQ(test, TURNS, drain(INT_MAX));
	KUNIT_EXPECT_EQ(test, TURNS, ended);
	KUNIT_EXPECT_EQ(test, 0, wrong);
	KUNIT_EXPECT_TRUE(test, toyvpn_lane_is_empty(&lane));
}

/* Whoever is asked to see to the end is so whenever there is one */
static void any_order_of_doing_is_one_order_of_ending(struct kunit *test)
{
	unsigned int round, i, j, order[TURNS];
	struct rnd_state rnd;

	toyvpn_test_seed(test, &rnd, 1);
	for (round = 0; round < 1000; round++) {
		ended = 0;
		join_all();
		for (i = 0; i < TURNS; i++) {
			j = toyvpn_test_random(&rnd, i + 1);
			order[i] = order[j];
			order[j] = i;
		}
		for (i = 0; i < TURNS; i++) {
			unsigned int before = ended;
			bool first = ready(&places[order[i]]);

			KUNIT_EXPECT_EQ(test, first, order[i] == before);
			if (first)
				KUNIT_EXPECT_GT(test, drain(INT_MAX), 0);
		}
		KUNIT_ASSERT_EQ(test, TURNS, ended);
		KUNIT_ASSERT_EQ(test, 0, wrong);
	}
}

static void no_more_than_wanted(struct kunit *test)
{
	unsigned int i;

	join_all();
	for (i = 0; i < TURNS; i++)
		ready(&places[i]);
	KUNIT_EXPECT_EQ(test, 5, drain(5));
	KUNIT_EXPECT_EQ(test, 5, ended);
	KUNIT_EXPECT_FALSE(test, toyvpn_lane_is_empty(&lane));
	KUNIT_EXPECT_EQ(test, TURNS - 5, drain(INT_MAX));
	KUNIT_EXPECT_EQ(test, 0, wrong);
}

/* By messages, not by turns: a turn can be one packet */
static void full_until_enough_have_ended(struct kunit *test)
{
	unsigned int i;

	local_bh_disable();
	for (i = 0; i < TURNS; i++) {
		KUNIT_EXPECT_FALSE(test, toyvpn_lane_is_full(&lane));
		places[i].number = i;
		toyvpn_lane_join(&lane, &places[i].turn, TOYVPN_LANE_MOST / TURNS);
	}
	local_bh_enable();
	KUNIT_EXPECT_TRUE(test, toyvpn_lane_is_full(&lane));
	for (i = 0; i < TURNS; i++)
		ready(&places[i]);
	KUNIT_EXPECT_EQ(test, 1, drain(1));
	KUNIT_EXPECT_FALSE(test, toyvpn_lane_is_full(&lane));
	KUNIT_EXPECT_EQ(test, TURNS - 1, drain(INT_MAX));
}

/* Numbers go on, also past 2^32, and one that is being ended has not ended */
static bool ended_meanwhile;
static u32 last_number;

static void end_and_ask(struct toyvpn_turn *turn)
{
	ended_meanwhile |= toyvpn_lane_has_ended(&lane, last_number);
	end(turn);
}

static void a_number_has_ended_after_all_before_it(struct kunit *test)
{
	ended_meanwhile = false;
	lane.joined = U32_MAX;
	lane.ended = U32_MAX;
	places[0].number = 0;
	places[1].number = 1;
	local_bh_disable();
	toyvpn_lane_join(&lane, &places[0].turn, 1);
	last_number = toyvpn_lane_join(&lane, &places[1].turn, 1);
	toyvpn_lane_ready(&lane, &places[1].turn);
	toyvpn_lane_drain(&lane, end_and_ask, INT_MAX);
	KUNIT_EXPECT_FALSE(test, toyvpn_lane_has_ended(&lane, last_number));
	toyvpn_lane_ready(&lane, &places[0].turn);
	KUNIT_EXPECT_EQ(test, 2, toyvpn_lane_drain(&lane, end_and_ask, INT_MAX));
	local_bh_enable();
	KUNIT_EXPECT_FALSE(test, ended_meanwhile);
	KUNIT_EXPECT_TRUE(test, toyvpn_lane_has_ended(&lane, last_number));
	KUNIT_EXPECT_EQ(test, 0, wrong);
}

/* Another one that comes while one is ended must not pass it */
static bool empty_meanwhile;

static void end_and_look(struct toyvpn_turn *turn)
{
	empty_meanwhile |= toyvpn_lane_is_empty(&lane);
	/* Nor is anything ended from within */
	wrong += toyvpn_lane_drain(&lane, end_and_look, INT_MAX) != 0;
	end(turn);
}

static void not_empty_before_the_last_has_ended(struct kunit *test)
{
	empty_meanwhile = false;
	join(&places[0], 0);
	ready(&places[0]);
	local_bh_disable();
	KUNIT_EXPECT_EQ(test, 1, toyvpn_lane_drain(&lane, end_and_look, INT_MAX));
	local_bh_enable();
	KUNIT_EXPECT_FALSE(test, empty_meanwhile);
	KUNIT_EXPECT_EQ(test, 0, wrong);
	KUNIT_EXPECT_TRUE(test, toyvpn_lane_is_empty(&lane));
}

static void the_lane_is_of_the_cpu_that_began_it(struct kunit *test)
{
	local_bh_disable();
	toyvpn_lane_join(&lane, &places[0].turn, 1);
	KUNIT_EXPECT_EQ(test, smp_processor_id(), lane.cpu);
	local_bh_enable();
	lane.cpu = -1;
	join(&places[1], 1);
	KUNIT_EXPECT_EQ(test, -1, lane.cpu);
	ready(&places[0]);
	ready(&places[1]);
	drain(INT_MAX);
	join(&places[2], 2);
	KUNIT_EXPECT_GE(test, lane.cpu, 0);
	ready(&places[2]);
	drain(INT_MAX);
}

/**
 * struct crowd - threads that share the lane
 * @lock: makes one step of a number and a place
 * @next: the next number
 */
struct crowd {
	spinlock_t lock;	/* next */
	unsigned int next;
};

static void work_in_turn(void *arg)
{
	struct crowd *crowd = arg;
	unsigned int i;

	for (i = 0; i < ROUNDS; i++) {
		struct place place;
		bool first;

		spin_lock_bh(&crowd->lock);
		place.number = crowd->next++;
		toyvpn_lane_join(&lane, &place.turn, 1);
		spin_unlock_bh(&crowd->lock);

		local_bh_disable();
		first = toyvpn_lane_ready(&lane, &place.turn);
		if (first)
			toyvpn_lane_drain(&lane, end, INT_MAX);
		local_bh_enable();
		/* The place is on this stack, and in use until somebody has ended it */
		while (READ_ONCE(ended) <= place.number)
			cond_resched();
	}
}

/* However many CPUs do the work, and whoever of them ends it */
static void a_crowd_ends_in_order(struct kunit *test)
{
	struct crowd crowd = { };

	spin_lock_init(&crowd.lock);
	toyvpn_test_threads(test, THREADS, work_in_turn, &crowd);
	KUNIT_EXPECT_EQ(test, THREADS * ROUNDS, ended);
	KUNIT_EXPECT_EQ(test, 0, wrong);
	KUNIT_EXPECT_TRUE(test, toyvpn_lane_is_empty(&lane));
}

static void who_has_time_lends_nothing(struct kunit *test)
{
	struct toyvpn_load load = { };
	u64 now = NSEC_PER_SEC;

	toyvpn_load_begin(&load, now);
	toyvpn_load_end(&load, WINDOW / SHARE);
	toyvpn_load_begin(&load, now + WINDOW);
	KUNIT_EXPECT_FALSE(test, toyvpn_load_is_high(&load));
	KUNIT_EXPECT_FALSE(test, toyvpn_load_lend(&load, 3));
}

/* A load that is high in the window that has just ended */
static void busy(struct toyvpn_load *load, u64 *now)
{
	toyvpn_load_begin(load, *now);
	*now += WINDOW;
	toyvpn_load_end(load, WINDOW / SHARE + 1);
	toyvpn_load_begin(load, *now);
}

static void who_has_none_lends_two_to_each(struct kunit *test)
{
	struct toyvpn_load load = { };
	u64 now = NSEC_PER_SEC;
	unsigned int i;

	busy(&load, &now);
	KUNIT_EXPECT_TRUE(test, toyvpn_load_is_high(&load));
	KUNIT_EXPECT_FALSE(test, toyvpn_load_lend(&load, 0));
	for (i = 0; i < 6; i++)
		KUNIT_EXPECT_TRUE(test, toyvpn_load_lend(&load, 3));
	KUNIT_EXPECT_FALSE(test, toyvpn_load_lend(&load, 3));
	/* CPUs have gone: fewer from now on, but what is lent comes back */
	KUNIT_EXPECT_FALSE(test, toyvpn_load_lend(&load, 1));
	toyvpn_load_return(&load);
	KUNIT_EXPECT_TRUE(test, toyvpn_load_lend(&load, 3));
	KUNIT_EXPECT_FALSE(test, toyvpn_load_lend(&load, 3));
}

/* Within a window nothing changes, in the next one all may have */
static void a_window_says_for_the_next(struct kunit *test)
{
	struct toyvpn_load load = { };
	u64 now = NSEC_PER_SEC;

	busy(&load, &now);
	toyvpn_load_begin(&load, now + WINDOW - 1);
	KUNIT_EXPECT_TRUE(test, toyvpn_load_is_high(&load));
	toyvpn_load_begin(&load, now + WINDOW);
	KUNIT_EXPECT_FALSE(test, toyvpn_load_is_high(&load));
}

/* What began an hour ago and was busy once is not busy */
static void long_silence_is_idle(struct kunit *test)
{
	struct toyvpn_load load = { };
	u64 now = NSEC_PER_SEC;

	toyvpn_load_begin(&load, now);
	toyvpn_load_end(&load, WINDOW);
	toyvpn_load_begin(&load, now + 3600 * NSEC_PER_SEC);
	KUNIT_EXPECT_FALSE(test, toyvpn_load_is_high(&load));
}

static struct kunit_case spread_test_cases[] = {
	KUNIT_CASE(an_empty_lane_has_nothing_to_end),
	KUNIT_CASE(what_is_not_done_holds_up_what_follows),
	KUNIT_CASE(any_order_of_doing_is_one_order_of_ending),
	KUNIT_CASE(no_more_than_wanted),
	KUNIT_CASE(full_until_enough_have_ended),
	KUNIT_CASE(a_number_has_ended_after_all_before_it),
	KUNIT_CASE(not_empty_before_the_last_has_ended),
	KUNIT_CASE(the_lane_is_of_the_cpu_that_began_it),
	KUNIT_CASE(a_crowd_ends_in_order),
	KUNIT_CASE(who_has_time_lends_nothing),
	KUNIT_CASE(who_has_none_lends_two_to_each),
	KUNIT_CASE(a_window_says_for_the_next),
	KUNIT_CASE(long_silence_is_idle),
	{}
};

static struct kunit_suite spread_test_suite = {
	.name = "toyvpn_spread",
	.init = spread_test_init,
	.test_cases = spread_test_cases,
};

kunit_test_suite(spread_test_suite);
