// SPDX-License-Identifier: GPL-2.0
/* requests.c: who waits, under which id, how long, and that there is an end to it */
#include <linux/errno.h>
#include <linux/string.h>

#include "../requests.h"
#include "tests.h"

#define SECOND	((u64)NSEC_PER_SEC)
#define NOW	(1000 * SECOND)

static int requests_test_init(struct kunit *test)
{
	test->priv = kunit_kzalloc(test, sizeof(struct toyvpn_requests), GFP_KERNEL);
	if (!test->priv)
		return -ENOMEM;
	toyvpn_requests_init(test->priv);
	return 0;
}

static void requests_test_exit(struct kunit *test)
{
	if (test->priv)
		toyvpn_requests_destroy(test->priv);
}

/* Stranger @number asks with a timestamp and credentials: its id, or an errno */
static int ask(struct kunit *test, u32 number, u8 timestamp, const char *credentials, u64 now,
	       int wanted)
{
	u8 public_key[TOYVPN_NOISE_KEY_LEN] = {};
	struct toyvpn_request *request;
	int err;

	memcpy(public_key, &number, sizeof(number));
	request = toyvpn_request_new(public_key, (const u8 *)credentials, strlen(credentials));
	KUNIT_ASSERT_NOT_NULL(test, request);
	request->timestamp[0] = timestamp;
	err = toyvpn_requests_add(test->priv, request, now);
	KUNIT_EXPECT_EQ(test, wanted, err);
	if (err >= 0)
		return request->id;
	toyvpn_request_free(request);
	return err;
}

static bool waits(struct kunit *test, u32 id, u64 now)
{
	return toyvpn_requests_find(test->priv, id, now);
}

static void ids_differ(struct kunit *test)
{
	int one = ask(test, 1, 1, "", NOW, 0);
	int other = ask(test, 2, 1, "", NOW, 0);

	KUNIT_EXPECT_GT(test, one, 0);
	KUNIT_EXPECT_GT(test, other, 0);
	KUNIT_EXPECT_NE(test, one, other);
	KUNIT_EXPECT_TRUE(test, waits(test, one, NOW));
	KUNIT_EXPECT_TRUE(test, waits(test, other, NOW));
	KUNIT_EXPECT_FALSE(test, waits(test, 0, NOW));
	KUNIT_EXPECT_FALSE(test, waits(test, one + other + 1, NOW));
}

static void asking_again_renews(struct kunit *test)
{
	int id = ask(test, 1, 1, "me", NOW, 0);

	KUNIT_EXPECT_EQ(test, id, ask(test, 1, 2, "me", NOW + 9 * SECOND, 1));
	KUNIT_EXPECT_TRUE(test, waits(test, id, NOW + 19 * SECOND - 1));
	KUNIT_EXPECT_EQ(test, 2, toyvpn_requests_find(test->priv, id, NOW)->timestamp[0]);
	KUNIT_EXPECT_FALSE(test, waits(test, id, NOW + 19 * SECOND));
}

static void a_replay_does_not(struct kunit *test)
{
	int id = ask(test, 1, 2, "me", NOW, 0);

	ask(test, 1, 2, "me", NOW + 5 * SECOND, -EALREADY);
	ask(test, 1, 1, "you", NOW + 5 * SECOND, -EALREADY);
	KUNIT_EXPECT_TRUE(test, waits(test, id, NOW + 10 * SECOND - 1));
	KUNIT_EXPECT_FALSE(test, waits(test, id, NOW + 10 * SECOND));
}

static void other_credentials_are_another_request(struct kunit *test)
{
	int id = ask(test, 1, 1, "me", NOW, 0);
	int other = ask(test, 1, 2, "you", NOW, 0);
	int none = ask(test, 1, 3, "", NOW, 0);

	KUNIT_EXPECT_NE(test, id, other);
	KUNIT_EXPECT_NE(test, other, none);
	KUNIT_EXPECT_FALSE(test, waits(test, id, NOW));
	KUNIT_EXPECT_FALSE(test, waits(test, other, NOW));
	KUNIT_EXPECT_TRUE(test, waits(test, none, NOW));
	KUNIT_EXPECT_EQ(test, 1, ((struct toyvpn_requests *)test->priv)->count);
}

static void the_oldest_expire_first(struct kunit *test)
{
	int one = ask(test, 1, 1, "", NOW, 0);
	int two = ask(test, 2, 1, "", NOW + SECOND, 0);

	KUNIT_EXPECT_EQ(test, NOW + 10 * SECOND, toyvpn_requests_expire(test->priv, NOW));
	ask(test, 1, 2, "", NOW + 2 * SECOND, 1);
	KUNIT_EXPECT_EQ(test, NOW + 11 * SECOND, toyvpn_requests_expire(test->priv, NOW));
	KUNIT_EXPECT_EQ(test, NOW + 12 * SECOND,
			toyvpn_requests_expire(test->priv, NOW + 11 * SECOND));
	KUNIT_EXPECT_FALSE(test, waits(test, two, NOW));
	KUNIT_EXPECT_TRUE(test, waits(test, one, NOW));
	KUNIT_EXPECT_EQ(test, 0, toyvpn_requests_expire(test->priv, NOW + 12 * SECOND));
}

static void there_is_an_end(struct kunit *test)
{
	struct toyvpn_requests *requests = test->priv;
	u32 i;

	for (i = 0; i < TOYVPN_REQUESTS_MAX; i++)
		ask(test, i, 1, "x", NOW, 0);
	KUNIT_EXPECT_EQ(test, TOYVPN_REQUESTS_MAX, requests->count);
	ask(test, i, 1, "x", NOW + SECOND, -ENOSPC);
	/* Who waits already may still ask */
	ask(test, 0, 2, "x", NOW + SECOND, 1);
	ask(test, 1, 2, "y", NOW + SECOND, 0);
	KUNIT_EXPECT_EQ(test, TOYVPN_REQUESTS_MAX, requests->count);
	ask(test, i, 1, "x", NOW + 10 * SECOND, 0);
	KUNIT_EXPECT_EQ(test, 3, requests->count);
}

static void taken_and_given_back(struct kunit *test)
{
	int one = ask(test, 1, 1, "", NOW, 0);
	struct toyvpn_request *request;

	ask(test, 2, 1, "", NOW + SECOND, 0);
	request = toyvpn_requests_find(test->priv, one, NOW);
	KUNIT_ASSERT_NOT_NULL(test, request);
	toyvpn_requests_take(test->priv, request);
	KUNIT_EXPECT_FALSE(test, waits(test, one, NOW));
	KUNIT_EXPECT_EQ(test, 0, toyvpn_requests_give_back(test->priv, request));
	KUNIT_EXPECT_TRUE(test, waits(test, one, NOW));
	/* With the age that it had */
	KUNIT_EXPECT_EQ(test, NOW + 10 * SECOND, toyvpn_requests_expire(test->priv, NOW));
	KUNIT_EXPECT_EQ(test, NOW + 11 * SECOND,
			toyvpn_requests_expire(test->priv, NOW + 10 * SECOND));
}

/* Nothing is there, or nothing that would expire later */
static void the_newest_given_back(struct kunit *test)
{
	int number;

	for (number = 1; number < 4; number++) {
		u64 now = NOW + number * SECOND;
		int id = ask(test, number, 1, "", now, 0);
		struct toyvpn_request *request = toyvpn_requests_find(test->priv, id, now);

		KUNIT_ASSERT_NOT_NULL(test, request);
		toyvpn_requests_take(test->priv, request);
		KUNIT_EXPECT_EQ(test, 0, toyvpn_requests_give_back(test->priv, request));
		KUNIT_EXPECT_TRUE(test, waits(test, id, now));
	}
	for (number = 1; number < 4; number++)
		KUNIT_EXPECT_EQ(test, NOW + (10 + number) * SECOND,
				toyvpn_requests_expire(test->priv,
						       NOW + (9 + number) * SECOND));
	KUNIT_EXPECT_EQ(test, 0, toyvpn_requests_expire(test->priv, NOW + 13 * SECOND));
}

static void not_given_back_in_place_of_a_newer_one(struct kunit *test)
{
	int id = ask(test, 1, 1, "", NOW, 0), newer;
	struct toyvpn_request *request = toyvpn_requests_find(test->priv, id, NOW);

	KUNIT_ASSERT_NOT_NULL(test, request);
	toyvpn_requests_take(test->priv, request);
	newer = ask(test, 1, 2, "", NOW, 0);
	KUNIT_EXPECT_NE(test, id, newer);
	KUNIT_EXPECT_EQ(test, -EEXIST, toyvpn_requests_give_back(test->priv, request));
	toyvpn_request_free(request);
	KUNIT_EXPECT_TRUE(test, waits(test, newer, NOW));
}

static struct kunit_case requests_test_cases[] = {
	KUNIT_CASE(ids_differ),
	KUNIT_CASE(asking_again_renews),
	KUNIT_CASE(a_replay_does_not),
	KUNIT_CASE(other_credentials_are_another_request),
	KUNIT_CASE(the_oldest_expire_first),
	KUNIT_CASE(there_is_an_end),
	KUNIT_CASE(taken_and_given_back),
	KUNIT_CASE(the_newest_given_back),
	KUNIT_CASE(not_given_back_in_place_of_a_newer_one),
	{}
};

static struct kunit_suite requests_test_suite = {
	.name = "toyvpn_requests",
	.init = requests_test_init,
	.exit = requests_test_exit,
	.test_cases = requests_test_cases,
};

kunit_test_suite(requests_test_suite);
