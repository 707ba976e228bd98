// SPDX-License-Identifier: GPL-2.0
/* ratelimit.c: 5 at once, 20 a second, for each source; a table that does not grow */
#include <linux/atomic.h>
#include <linux/string.h>
#include <linux/time64.h>

#include "../ratelimit.h"
#include "tests.h"

#define SECOND		((u64)NSEC_PER_SEC)
#define NOW		(1000 * SECOND)
#define COST		(SECOND / 20)
#define BURST		5

/* What the table holds at most: two rows of 4096 cells, each with one burst */
#define TABLE_MAX	(2 * 4096 * BURST)

static int ratelimit_test_init(struct kunit *test)
{
	struct toyvpn_ratelimit *limit = kunit_kzalloc(test, sizeof(*limit), GFP_KERNEL);
	int ret;

	if (!limit)
		return -ENOMEM;
	ret = toyvpn_ratelimit_init(limit);
	if (ret)
		return ret;
	test->priv = limit;
	/* The same cells in each run: else chance would decide which sources meet */
	limit->key = (siphash_key_t) { .key = { 1, 2 } };
	return 0;
}

static void ratelimit_test_exit(struct kunit *test)
{
	if (test->priv)
		toyvpn_ratelimit_destroy(test->priv);
}

/* May an IPv4 address have one more? */
static bool v4(struct kunit *test, u32 addr, u64 now)
{
	__be32 source = cpu_to_be32(addr);

	return toyvpn_ratelimit_allow(test->priv, &source, sizeof(source), now);
}

/* How many of @n at once may it have? */
static unsigned int v4_many(struct kunit *test, u32 addr, unsigned int n, u64 now)
{
	unsigned int allowed = 0;

	while (n--)
		allowed += v4(test, addr, now);
	return allowed;
}

static void burst(struct kunit *test)
{
	unsigned int i;

	for (i = 0; i < BURST; i++)
		KUNIT_EXPECT_TRUE(test, v4(test, 1, NOW));
	KUNIT_EXPECT_FALSE(test, v4(test, 1, NOW));
}

static void one_more_after_a_twentieth_of_a_second(struct kunit *test)
{
	v4_many(test, 1, BURST, NOW);
	KUNIT_EXPECT_FALSE(test, v4(test, 1, NOW + COST - 1));
	KUNIT_EXPECT_TRUE(test, v4(test, 1, NOW + COST));
	KUNIT_EXPECT_FALSE(test, v4(test, 1, NOW + COST));
	KUNIT_EXPECT_FALSE(test, v4(test, 1, NOW + 2 * COST - 1));
	KUNIT_EXPECT_TRUE(test, v4(test, 1, NOW + 2 * COST));
}

static void refill_is_a_burst_at_most(struct kunit *test)
{
	v4_many(test, 1, BURST, NOW);
	KUNIT_EXPECT_EQ(test, 3, v4_many(test, 1, 100, NOW + 3 * COST));
	KUNIT_EXPECT_EQ(test, BURST, v4_many(test, 1, 100, NOW + 100 * SECOND));
}

/* Asking again and again is not held against a source */
static void what_is_refused_is_not_charged(struct kunit *test)
{
	v4_many(test, 1, 1000, NOW);
	KUNIT_EXPECT_TRUE(test, v4(test, 1, NOW + COST));
}

static void twenty_a_second_in_the_long_run(struct kunit *test)
{
	unsigned int i, allowed = 0;

	/* 10 seconds, 1,000 a second */
	for (i = 0; i < 10000; i++)
		allowed += v4(test, 1, NOW + i * (SECOND / 1000));
	/* The last of the 200 comes when the ten seconds are over */
	KUNIT_EXPECT_EQ(test, allowed, BURST + 200 - 1);
}

static void who_keeps_to_the_rate_is_never_refused(struct kunit *test)
{
	unsigned int i;

	for (i = 0; i < 1000; i++)
		KUNIT_EXPECT_TRUE(test, v4(test, 1, NOW + i * COST));
}

static void ipv4_addresses_are_sources_of_their_own(struct kunit *test)
{
	v4_many(test, 0x0a000001, BURST + 1, NOW);
	KUNIT_EXPECT_FALSE(test, v4(test, 0x0a000001, NOW));
	KUNIT_EXPECT_EQ(test, BURST, v4_many(test, 0x0a000002, 100, NOW));
}

static void an_ipv6_64_is_one_source(struct kunit *test)
{
	u8 addr[16] = { 0x20, 0x01, 0x0d, 0xb8, 0, 0, 0, 1 };
	unsigned int i;

	for (i = 0; i < BURST; i++) {
		addr[8 + i] = 0x80 | i;
		KUNIT_EXPECT_TRUE(test, toyvpn_ratelimit_allow(test->priv, addr, 16, NOW));
	}
	for (i = 8; i < 16; i++) {
		addr[i] ^= 0xff;
		KUNIT_EXPECT_FALSE(test, toyvpn_ratelimit_allow(test->priv, addr, 16, NOW));
	}
}

/* Each byte of the first 64 bits tells sources apart */
static void other_ipv6_64s_are_other_sources(struct kunit *test)
{
	u8 addr[16] = { 0x20, 0x01, 0x0d, 0xb8, 0, 0, 0, 1 };
	unsigned int i, n;

	for (n = 0; n < BURST; n++)
		toyvpn_ratelimit_allow(test->priv, addr, 16, NOW);
	for (i = 0; i < 8; i++) {
		addr[i] ^= 0x01;
		for (n = 0; n < BURST; n++)
			KUNIT_EXPECT_TRUE_MSG(test,
					      toyvpn_ratelimit_allow(test->priv, addr, 16, NOW),
					      "byte %u", i);
		addr[i] ^= 0x01;
	}
}

static void families_are_told_apart(struct kunit *test)
{
	u8 zeros[16] = {};

	v4_many(test, 0, BURST + 1, NOW);
	KUNIT_EXPECT_TRUE(test, toyvpn_ratelimit_allow(test->priv, zeros, 16, NOW));
}

/* 64 KiB, whoever calls: at one moment, a flood gets no more than the table holds */
static void the_table_bounds_a_flood(struct kunit *test)
{
	unsigned int i, allowed = 0;

	for (i = 0; i < 3 * TABLE_MAX; i++)
		allowed += v4(test, i, NOW);
	KUNIT_EXPECT_LE(test, allowed, TABLE_MAX);
	KUNIT_EXPECT_GT(test, allowed, TABLE_MAX / 2);
	KUNIT_EXPECT_FALSE(test, v4(test, i, NOW));
	/* And then it is as it was */
	KUNIT_EXPECT_EQ(test, BURST, v4_many(test, 1, 100, NOW + BURST * COST));
}

/* A source is refused for others' sake only if it meets floods in both rows */
static void quiet_sources_among_floods(struct kunit *test)
{
	unsigned int i, allowed = 0;

	for (i = 0; i < 400; i++)
		v4_many(test, i, 10, NOW);
	for (i = 0; i < 2000; i++)
		allowed += v4(test, 100000 + i, NOW);
	/* (400 / 4096)^2 of them, 19, are to be expected */
	KUNIT_EXPECT_GT(test, allowed, 1950);
}

struct crowd {
	struct kunit *test;
	atomic_t allowed;
};

static void ask_often(void *arg)
{
	struct crowd *crowd = arg;

	atomic_add(v4_many(crowd->test, 1, 1000, NOW), &crowd->allowed);
}

/* However many CPUs ask at the same time */
static void a_crowd_gets_one_burst(struct kunit *test)
{
	struct crowd crowd = { .test = test };

	toyvpn_test_threads(test, 4, ask_often, &crowd);
	KUNIT_EXPECT_EQ(test, BURST, atomic_read(&crowd.allowed));
}

static struct kunit_case ratelimit_test_cases[] = {
	KUNIT_CASE(burst),
	KUNIT_CASE(one_more_after_a_twentieth_of_a_second),
	KUNIT_CASE(refill_is_a_burst_at_most),
	KUNIT_CASE(what_is_refused_is_not_charged),
	KUNIT_CASE(twenty_a_second_in_the_long_run),
	KUNIT_CASE(who_keeps_to_the_rate_is_never_refused),
	KUNIT_CASE(ipv4_addresses_are_sources_of_their_own),
	KUNIT_CASE(an_ipv6_64_is_one_source),
	KUNIT_CASE(other_ipv6_64s_are_other_sources),
	KUNIT_CASE(families_are_told_apart),
	KUNIT_CASE(the_table_bounds_a_flood),
	KUNIT_CASE(quiet_sources_among_floods),
	KUNIT_CASE(a_crowd_gets_one_burst),
	{}
};

static struct kunit_suite ratelimit_test_suite = {
	.name = "toyvpn_ratelimit",
	.init = ratelimit_test_init,
	.exit = ratelimit_test_exit,
	.test_cases = ratelimit_test_cases,
};

kunit_test_suite(ratelimit_test_suite);
