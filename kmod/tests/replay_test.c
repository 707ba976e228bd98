// SPDX-License-Identifier: GPL-2.0
/* replay.c against a list of what was marked, around every edge of the window */
#include <linux/atomic.h>
#include <linux/bitmap.h>
#include <linux/bottom_half.h>
#include <linux/sched.h>

#include "../replay.h"
#include "tests.h"

#define WINDOW	TOYVPN_REPLAY_WINDOW
#define BITS	TOYVPN_REPLAY_BITS

/* The section 3 of PROTOCOL.md that this implementation promises */
static_assert(WINDOW >= 8192);

/* The model remembers all counters from @base on, for as far as the tests go */
#define MODEL	(5 * BITS)

struct both {
	struct toyvpn_replay replay;
	u64 base;
	u64 next;
	DECLARE_BITMAP(marked, MODEL);
};

static int replay_test_init(struct kunit *test)
{
	struct both *b = kunit_kzalloc(test, sizeof(*b), GFP_KERNEL);

	if (!b)
		return -ENOMEM;
	test->priv = b;
	memset(&b->replay, 0xff, sizeof(b->replay));
	toyvpn_replay_init(&b->replay);
	return 0;
}

static void restart(struct both *b, u64 base)
{
	toyvpn_replay_init(&b->replay);
	b->base = base;
	b->next = 0;
	bitmap_zero(b->marked, MODEL);
}

static enum toyvpn_replay_verdict mark(struct both *b, u64 counter)
{
	enum toyvpn_replay_verdict verdict;

	local_bh_disable();
	verdict = toyvpn_replay_mark(&b->replay, counter);
	local_bh_enable();
	return verdict;
}

/* What a window without any cleverness says */
static enum toyvpn_replay_verdict model(const struct both *b, u64 counter)
{
	if (counter >= b->next)
		return TOYVPN_REPLAY_HIGHEST;
	if (b->next - counter > WINDOW)
		return TOYVPN_REPLAY_SEEN;
	if (counter >= b->base && test_bit(counter - b->base, b->marked))
		return TOYVPN_REPLAY_SEEN;
	return TOYVPN_REPLAY_NEW;
}

static void expect_check(struct kunit *test, u64 counter)
{
	struct both *b = test->priv;

	KUNIT_EXPECT_EQ_MSG(test, toyvpn_replay_check(&b->replay, counter),
			    model(b, counter) != TOYVPN_REPLAY_SEEN,
			    "counter %llu, next %llu", counter, b->next);
}

static void expect_mark(struct kunit *test, u64 counter)
{
	struct both *b = test->priv;
	enum toyvpn_replay_verdict expected = model(b, counter);

	expect_check(test, counter);
	KUNIT_EXPECT_EQ_MSG(test, mark(b, counter), expected,
			    "counter %llu, next %llu", counter, b->next);
	set_bit(counter - b->base, b->marked);
	b->next = max(b->next, counter + 1);
	KUNIT_EXPECT_EQ(test, b->replay.next, b->next);
	expect_check(test, counter);
}

/*
 * The counters that the window can tell of, and some on both sides of it: those
 * near its edges all, of the others each @step
 */
static void expect_window_by(struct kunit *test, unsigned int step)
{
	struct both *b = test->priv;
	u64 counter = b->next > BITS + 2 ? b->next - BITS - 2 : 0;
	u64 lower = counter + 4 * BITS_PER_LONG, upper = b->next;
	unsigned int wrong = 0;

	while (counter < b->next + 130) {
		wrong += toyvpn_replay_check(&b->replay, counter) !=
			 (model(b, counter) != TOYVPN_REPLAY_SEEN);
		counter += counter < lower || counter + 4 * BITS_PER_LONG > upper ? 1 : step;
	}
	KUNIT_EXPECT_EQ_MSG(test, wrong, 0, "next %llu", b->next);
}

static void expect_window(struct kunit *test)
{
	expect_window_by(test, 1);
}

/* Prime to the bits of a word, so that each bit of some word is looked at */
static void expect_edges(struct kunit *test)
{
	expect_window_by(test, 37);
}

static void empty_window(struct kunit *test)
{
	struct both *b = test->priv;

	KUNIT_EXPECT_EQ(test, b->replay.next, 0);
	TOYVPN_EXPECT_ZEROS(test, b->replay.bits);
	expect_window(test);
}

static void in_order(struct kunit *test)
{
	u64 counter;

	for (counter = 0; counter < BITS + 200; counter++)
		expect_mark(test, counter);
	expect_window(test);
}

static void each_counter_only_once(struct kunit *test)
{
	u64 counter;

	for (counter = 0; counter < 200; counter++) {
		expect_mark(test, counter);
		expect_mark(test, counter);
		expect_mark(test, counter / 2);
	}
}

static void backwards(struct kunit *test)
{
	u64 counter;

	for (counter = BITS + 200; counter; counter--)
		expect_mark(test, counter);
	expect_mark(test, 0);
}

static void zero_after_others(struct kunit *test)
{
	expect_mark(test, 5);
	expect_mark(test, 0);
	expect_mark(test, 0);
}

/* The last counter that the window reaches, and the first that it does not */
static void far_edge_of_the_window(struct kunit *test)
{
	struct both *b = test->priv;
	u64 next;

	for (next = WINDOW - 3; next < WINDOW + 2 * BITS_PER_LONG + 3; next++) {
		restart(b, 0);
		expect_mark(test, next - 1);
		if (next > WINDOW) {
			KUNIT_EXPECT_EQ(test, TOYVPN_REPLAY_SEEN, mark(b, next - WINDOW - 1));
			expect_mark(test, next - WINDOW);
		}
		expect_mark(test, next >= WINDOW ? next - WINDOW : 0);
		expect_edges(test);
	}
}

/*
 * The window moves by @jump from @from on, both around the ends of words, of the
 * window and of the ring: what it enters is new, what it keeps is known.
 */
static void expect_jump(struct kunit *test, u64 from, u64 jump)
{
	static const unsigned int back[] = { 0, 1, 2, 62, 63, 64, 65, 127, 128 };
	struct both *b = test->priv;
	unsigned int i;

	restart(b, 0);
	for (i = 0; i < ARRAY_SIZE(back); i++) {
		if (back[i] <= from)
			expect_mark(test, from - back[i]);
		if (from + back[i] >= WINDOW)
			expect_mark(test, from + back[i] - WINDOW);
	}
	if (jump)
		expect_mark(test, from + jump);
	expect_edges(test);
	/* And the rest of what it has entered can be marked, once */
	for (i = 0; i < ARRAY_SIZE(back); i++) {
		if (back[i] <= from + jump)
			expect_mark(test, from + jump - back[i]);
		if (from + jump + back[i] >= WINDOW)
			expect_mark(test, from + jump + back[i] - WINDOW);
	}
}

static const u64 edges[] = {
	0, 1, 2, 31, 62, 63, 64, 65, 66, 127, 128, 129, 8191, 8192,
	WINDOW - 65, WINDOW - 64, WINDOW - 63, WINDOW - 2, WINDOW - 1, WINDOW, WINDOW + 1,
	BITS - 65, BITS - 64, BITS - 2, BITS - 1, BITS, BITS + 1, BITS + 63, BITS + 64, BITS + 65,
	2 * BITS - 65, 2 * BITS - 64, 2 * BITS - 1, 2 * BITS, 2 * BITS + 1,
};

static void jumps(struct kunit *test)
{
	static const u64 from[] = { 0, 63, 64, 100, WINDOW - 1, BITS - 1, BITS, BITS + 37 };
	unsigned int i, j;

	for (i = 0; i < ARRAY_SIZE(from); i++) {
		for (j = 0; j < ARRAY_SIZE(edges); j++) {
			expect_jump(test, from[i], edges[j]);
			cond_resched();
		}
	}
}

/* Every distance within two words and a bit, from every place within a word */
static void short_jumps(struct kunit *test)
{
	struct both *b = test->priv;
	u64 from, jump, counter;

	for (from = 0; from < BITS_PER_LONG; from++) {
		for (jump = 1; jump <= 2 * BITS_PER_LONG + 1; jump++) {
			restart(b, 0);
			expect_mark(test, from);
			expect_mark(test, from + jump);
			for (counter = 0; counter <= from + jump + 1; counter++)
				expect_check(test, counter);
		}
		cond_resched();
	}
}

/* The ring's places are used again: nothing of the round before shows */
static void rounds_of_the_ring(struct kunit *test)
{
	u64 counter;

	for (counter = 0; counter < 4 * BITS; counter += 3) {
		expect_mark(test, counter);
		if (counter % (BITS / 2) == 0)
			expect_window(test);
	}
	expect_window(test);
}

static void a_jump_far_away_forgets_all(struct kunit *test)
{
	struct both *b = test->priv;
	u64 counter;

	for (counter = 0; counter < 100; counter++)
		expect_mark(test, counter);
	/* The last counter that the protocol has, and the one before it later */
	counter = (1ULL << 31) - 1;
	b->base = counter + 1 - MODEL;
	bitmap_zero(b->marked, MODEL);
	expect_mark(test, counter);
	expect_window(test);
	expect_mark(test, counter - 1);
	expect_mark(test, counter - WINDOW + 1);
	expect_window(test);
}

static void random_order(struct kunit *test)
{
	struct both *b = test->priv;
	struct rnd_state rnd;
	unsigned int i;

	toyvpn_test_seed(test, &rnd, 3);
	for (i = 0; i < 20000; i++) {
		u64 reach = i % 100 ? 300 : WINDOW + 200, counter;

		/* On both sides of the highest one, more often before it */
		counter = b->next + toyvpn_test_random(&rnd, reach / 8 + 1);
		counter -= min_t(u64, counter, toyvpn_test_random(&rnd, reach));
		if (counter >= MODEL)
			break;
		expect_mark(test, counter);
	}
	expect_window(test);
}

#define SHARED	4000

struct shared {
	struct toyvpn_replay replay;
	atomic_t taken[SHARED];
};

static void mark_all(void *arg)
{
	struct shared *shared = arg;
	u64 counter;

	for (counter = 0; counter < SHARED; counter++) {
		local_bh_disable();
		if (toyvpn_replay_mark(&shared->replay, counter) != TOYVPN_REPLAY_SEEN)
			atomic_inc(&shared->taken[counter]);
		local_bh_enable();
	}
}

/* Of the same message on several CPUs, one is taken */
static void one_of_many_at_the_same_time(struct kunit *test)
{
	struct shared *shared = kunit_kzalloc(test, sizeof(*shared), GFP_KERNEL);
	unsigned int i, wrong = 0;

	KUNIT_ASSERT_NOT_NULL(test, shared);
	toyvpn_replay_init(&shared->replay);
	toyvpn_test_threads(test, 4, mark_all, shared);
	for (i = 0; i < SHARED; i++)
		wrong += atomic_read(&shared->taken[i]) != 1;
	KUNIT_EXPECT_EQ(test, wrong, 0);
}

static struct kunit_case replay_test_cases[] = {
	KUNIT_CASE(empty_window),
	KUNIT_CASE(in_order),
	KUNIT_CASE(each_counter_only_once),
	KUNIT_CASE(backwards),
	KUNIT_CASE(zero_after_others),
	KUNIT_CASE(far_edge_of_the_window),
	KUNIT_CASE(jumps),
	KUNIT_CASE(short_jumps),
	KUNIT_CASE(rounds_of_the_ring),
	KUNIT_CASE(a_jump_far_away_forgets_all),
	KUNIT_CASE(random_order),
	KUNIT_CASE(one_of_many_at_the_same_time),
	{}
};

static struct kunit_suite replay_test_suite = {
	.name = "toyvpn_replay",
	.init = replay_test_init,
	.test_cases = replay_test_cases,
};

kunit_test_suite(replay_test_suite);
