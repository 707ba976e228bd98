// SPDX-License-Identifier: GPL-2.0
/* cookie.c: mac1 and mac2 against the vectors, and how long secrets and cookies live */
#include <linux/string.h>

#include "../hash.h"
#include "../message.h"
#include "vectors.h"

KUNIT_ARRAY_PARAM_DESC(vector, toyvpn_vectors, name);

#define MACS_LEN	(2 * TOYVPN_MAC_LEN)
#define SECOND		((u64)NSEC_PER_SEC)
#define NOW		(1000 * SECOND)
#define LIFE		(120 * SECOND)

static const u8 v4[] = { 10, 0, 0, 1 };
static const u8 other_v4[] = { 10, 0, 0, 2 };
static const u8 v6[16] = { 0x20, 0x01, 0x0d, 0xb8, [15] = 1 };
static const __be16 port = cpu_to_be16(51820);

/* Both sides, and a message between them: the vector's INIT */
struct both {
	const struct toyvpn_vector *v;
	const u8 *public;			/* the checker's */
	struct toyvpn_cookie_checker checker;
	struct toyvpn_cookie cookie;
	u8 msg[256];
	size_t len;
	u8 nonce[TOYVPN_COOKIE_NONCE_LEN];
	u8 sealed[TOYVPN_COOKIE_SEALED_LEN];
};

static int cookie_test_init(struct kunit *test)
{
	struct both *b = kunit_kzalloc(test, sizeof(*b), GFP_KERNEL);

	if (!b)
		return -ENOMEM;
	test->priv = b;
	b->v = test->param_value ?: toyvpn_vectors;
	b->public = b->v->responder_static_public.data;
	b->len = b->v->init.len;
	memcpy(b->msg, b->v->init.data, b->len);
	toyvpn_cookie_init(&b->cookie);
	toyvpn_cookie_checker_init(&b->checker);
	return toyvpn_cookie_checker_set_key(&b->checker, b->public);
}

static void cookie_test_exit(struct kunit *test)
{
	struct both *b = test->priv;

	if (b)
		toyvpn_cookie_checker_destroy(&b->checker);
}

static void add_macs(struct kunit *test, u64 now)
{
	struct both *b = test->priv;

	memset(b->msg + b->len - MACS_LEN, 0xaa, MACS_LEN);
	KUNIT_ASSERT_EQ(test, 0, toyvpn_cookie_add_macs(&b->cookie, b->public, b->msg, b->len,
							now));
}

static bool has_mac2(const struct both *b)
{
	return memchr_inv(b->msg + b->len - TOYVPN_MAC_LEN, 0, TOYVPN_MAC_LEN);
}

static enum toyvpn_cookie_verdict check(struct both *b, u64 now)
{
	return toyvpn_cookie_check(&b->checker, b->msg, b->len, v4, sizeof(v4), port, true, now);
}

/* The checker answers the message by a COOKIE, which the sender takes */
static void give_cookie(struct kunit *test, u64 now)
{
	struct both *b = test->priv;

	KUNIT_ASSERT_EQ(test, 0, toyvpn_cookie_make_reply(&b->checker, b->msg, b->len, v4,
							  sizeof(v4), port, now, b->nonce,
							  b->sealed));
	KUNIT_ASSERT_EQ(test, 0, toyvpn_cookie_consume(&b->cookie, b->public, b->nonce, b->sealed,
						       now));
}

static int consume_vector(struct both *b, const u8 *public, u64 now)
{
	const struct toyvpn_cookie_message *message =
		(const struct toyvpn_cookie_message *)b->v->cookie_message.data;

	return toyvpn_cookie_consume(&b->cookie, public, message->nonce, message->sealed, now);
}

static void mac1_of_init(struct kunit *test)
{
	struct both *b = test->priv;

	add_macs(test, NOW);
	TOYVPN_EXPECT_BYTES(test, b->msg, b->v->init);
}

static void mac1_of_resp(struct kunit *test)
{
	struct both *b = test->priv;

	b->public = b->v->initiator_static_public.data;
	b->len = b->v->resp.len;
	memcpy(b->msg, b->v->resp.data, b->len);
	add_macs(test, NOW);
	TOYVPN_EXPECT_BYTES(test, b->msg, b->v->resp);
}

static void cookie_of_the_vectors(struct kunit *test)
{
	struct both *b = test->priv;

	add_macs(test, NOW);
	KUNIT_EXPECT_EQ(test, 0, consume_vector(b, b->public, NOW));
	TOYVPN_EXPECT_BYTES(test, b->cookie.cookie, b->v->cookie_value);
}

static void mac2_of_init(struct kunit *test)
{
	struct both *b = test->priv;

	add_macs(test, NOW);
	KUNIT_ASSERT_EQ(test, 0, consume_vector(b, b->public, NOW));
	add_macs(test, NOW);
	TOYVPN_EXPECT_BYTES(test, b->msg, b->v->init_with_mac2);
}

static void cookie_nobody_asked_for(struct kunit *test)
{
	struct both *b = test->priv;

	KUNIT_EXPECT_EQ(test, -ENOMSG, consume_vector(b, b->public, NOW));
}

static void cookie_counts_once(struct kunit *test)
{
	struct both *b = test->priv;

	add_macs(test, NOW);
	KUNIT_EXPECT_EQ(test, 0, consume_vector(b, b->public, NOW));
	KUNIT_EXPECT_EQ(test, -ENOMSG, consume_vector(b, b->public, NOW));
	/* The next message awaits an answer again */
	add_macs(test, NOW);
	KUNIT_EXPECT_EQ(test, 0, consume_vector(b, b->public, NOW));
}

static void cookie_for_another_message(struct kunit *test)
{
	struct both *b = test->priv;

	b->msg[40] ^= 1;
	add_macs(test, NOW);
	KUNIT_EXPECT_EQ(test, -EBADMSG, consume_vector(b, b->public, NOW));
}

static void cookie_of_somebody_else(struct kunit *test)
{
	struct both *b = test->priv;

	add_macs(test, NOW);
	KUNIT_EXPECT_EQ(test, -EBADMSG,
			consume_vector(b, b->v->initiator_static_public.data, NOW));
	/* And the true one is still awaited */
	KUNIT_EXPECT_EQ(test, 0, consume_vector(b, b->public, NOW));
}

static void forged_cookie(struct kunit *test)
{
	struct both *b = test->priv;
	struct toyvpn_cookie_message message;
	u8 *bytes = (u8 *)&message;
	size_t i;

	add_macs(test, NOW);
	for (i = offsetof(struct toyvpn_cookie_message, nonce); i < sizeof(message); i++) {
		memcpy(&message, b->v->cookie_message.data, sizeof(message));
		bytes[i] ^= BIT(i % 8);
		KUNIT_EXPECT_EQ_MSG(test, -EBADMSG,
				    toyvpn_cookie_consume(&b->cookie, b->public, message.nonce,
							  message.sealed, NOW),
				    "byte %zu", i);
	}
	add_macs(test, NOW);
	KUNIT_EXPECT_FALSE(test, has_mac2(b));
}

static void cookie_lives_120_s(struct kunit *test)
{
	struct both *b = test->priv;

	add_macs(test, NOW);
	KUNIT_ASSERT_EQ(test, 0, consume_vector(b, b->public, NOW));
	add_macs(test, NOW + LIFE - 1);
	TOYVPN_EXPECT_BYTES(test, b->msg, b->v->init_with_mac2);
	add_macs(test, NOW + LIFE);
	TOYVPN_EXPECT_BYTES(test, b->msg, b->v->init);
	/* Nor does it come back */
	add_macs(test, NOW + 10 * LIFE);
	KUNIT_EXPECT_FALSE(test, has_mac2(b));
}

/* A CPU may use the time that it read before another one took the cookie */
static void cookie_from_a_moment_later(struct kunit *test)
{
	struct both *b = test->priv;

	add_macs(test, NOW);
	KUNIT_ASSERT_EQ(test, 0, consume_vector(b, b->public, NOW + 1));
	add_macs(test, NOW);
	KUNIT_EXPECT_TRUE(test, has_mac2(b));
}

static void right_mac1(struct kunit *test)
{
	struct both *b = test->priv;

	KUNIT_EXPECT_EQ(test, TOYVPN_COOKIE_MAC1_ONLY, check(b, NOW));
}

/* mac1 covers all that is before it; a byte of mac1 itself counts too */
static void wrong_mac1(struct kunit *test)
{
	struct both *b = test->priv;
	size_t i;

	for (i = 0; i < b->len - TOYVPN_MAC_LEN; i++) {
		b->msg[i] ^= BIT(i % 8);
		KUNIT_EXPECT_EQ_MSG(test, TOYVPN_COOKIE_INVALID, check(b, NOW), "byte %zu", i);
		b->msg[i] ^= BIT(i % 8);
	}
}

static void message_for_somebody_else(struct kunit *test)
{
	struct both *b = test->priv;

	KUNIT_ASSERT_EQ(test, 0,
			toyvpn_cookie_checker_set_key(&b->checker,
						      b->v->initiator_static_public.data));
	KUNIT_EXPECT_EQ(test, TOYVPN_COOKIE_INVALID, check(b, NOW));
}

static void message_too_short_for_macs(struct kunit *test)
{
	struct both *b = test->priv;

	for (b->len = 0; b->len < MACS_LEN; b->len++)
		KUNIT_EXPECT_EQ(test, TOYVPN_COOKIE_INVALID, check(b, NOW));
}

static void no_key_no_valid_message(struct kunit *test)
{
	struct both *b = test->priv;

	KUNIT_ASSERT_EQ(test, 0, toyvpn_cookie_checker_set_key(&b->checker, NULL));
	KUNIT_EXPECT_EQ(test, TOYVPN_COOKIE_INVALID, check(b, NOW));
	KUNIT_EXPECT_EQ(test, -ENOKEY,
			toyvpn_cookie_make_reply(&b->checker, b->msg, b->len, v4, sizeof(v4), port,
						 NOW, b->nonce, b->sealed));
	KUNIT_ASSERT_EQ(test, 0, toyvpn_cookie_checker_set_key(&b->checker, b->public));
	KUNIT_EXPECT_EQ(test, TOYVPN_COOKIE_MAC1_ONLY, check(b, NOW));
}

static void cookie_makes_mac2_right(struct kunit *test)
{
	struct both *b = test->priv;

	add_macs(test, NOW);
	give_cookie(test, NOW);
	add_macs(test, NOW);
	KUNIT_EXPECT_TRUE(test, has_mac2(b));
	KUNIT_EXPECT_EQ(test, TOYVPN_COOKIE_MAC1_AND_MAC2, check(b, NOW));
}

static void mac2_is_looked_at_only_if_asked_for(struct kunit *test)
{
	struct both *b = test->priv;

	add_macs(test, NOW);
	give_cookie(test, NOW);
	add_macs(test, NOW);
	KUNIT_EXPECT_EQ(test, TOYVPN_COOKIE_MAC1_ONLY,
			toyvpn_cookie_check(&b->checker, b->msg, b->len, v4, sizeof(v4), port,
					    false, NOW));
}

static void wrong_mac2(struct kunit *test)
{
	struct both *b = test->priv;
	size_t i;

	add_macs(test, NOW);
	give_cookie(test, NOW);
	add_macs(test, NOW);
	for (i = b->len - TOYVPN_MAC_LEN; i < b->len; i++) {
		b->msg[i] ^= BIT(i % 8);
		KUNIT_EXPECT_EQ_MSG(test, TOYVPN_COOKIE_MAC1_ONLY, check(b, NOW), "byte %zu", i);
		b->msg[i] ^= BIT(i % 8);
	}
}

/* A cookie is of an address and a port */
static void cookie_from_elsewhere(struct kunit *test)
{
	struct both *b = test->priv;

	add_macs(test, NOW);
	give_cookie(test, NOW);
	add_macs(test, NOW);
	KUNIT_EXPECT_EQ(test, TOYVPN_COOKIE_MAC1_ONLY,
			toyvpn_cookie_check(&b->checker, b->msg, b->len, other_v4,
					    sizeof(other_v4), port, true, NOW));
	KUNIT_EXPECT_EQ(test, TOYVPN_COOKIE_MAC1_ONLY,
			toyvpn_cookie_check(&b->checker, b->msg, b->len, v4, sizeof(v4),
					    cpu_to_be16(51821), true, NOW));
	KUNIT_EXPECT_EQ(test, TOYVPN_COOKIE_MAC1_ONLY,
			toyvpn_cookie_check(&b->checker, b->msg, b->len, v6, sizeof(v6), port,
					    true, NOW));
}

/* HMAC-SHA256(R, source address || source port), by hand */
static void expect_cookie_of(struct kunit *test, const void *addr, size_t len)
{
	struct both *b = test->priv;
	u8 source[18], cookie[TOYVPN_HASH_LEN];

	add_macs(test, NOW);
	KUNIT_ASSERT_EQ(test, 0, toyvpn_cookie_make_reply(&b->checker, b->msg, b->len, addr, len,
							  port, NOW, b->nonce, b->sealed));
	KUNIT_ASSERT_EQ(test, 0, toyvpn_cookie_consume(&b->cookie, b->public, b->nonce, b->sealed,
						       NOW));
	memcpy(source, addr, len);
	source[len] = 51820 >> 8;
	source[len + 1] = 51820 & 0xff;
	KUNIT_EXPECT_EQ(test, 0, toyvpn_hmac_sha256(cookie, b->checker.secret,
						    sizeof(b->checker.secret), source, len + 2,
						    NULL, 0));
	KUNIT_EXPECT_MEMEQ(test, b->cookie.cookie, cookie, TOYVPN_COOKIE_LEN);
}

static void formula_of_a_cookie(struct kunit *test)
{
	expect_cookie_of(test, v4, sizeof(v4));
	expect_cookie_of(test, v6, sizeof(v6));
}

static void nonces_differ(struct kunit *test)
{
	u8 first[TOYVPN_COOKIE_NONCE_LEN];
	struct both *b = test->priv;

	add_macs(test, NOW);
	give_cookie(test, NOW);
	memcpy(first, b->nonce, sizeof(first));
	add_macs(test, NOW);
	give_cookie(test, NOW);
	KUNIT_EXPECT_MEMNEQ(test, b->nonce, first, sizeof(first));
}

static void secret_lives_120_s(struct kunit *test)
{
	u8 secret[TOYVPN_COOKIE_SECRET_LEN];
	struct both *b = test->priv;

	add_macs(test, NOW);
	give_cookie(test, NOW);
	add_macs(test, NOW);
	memcpy(secret, b->checker.secret, sizeof(secret));
	KUNIT_EXPECT_EQ(test, TOYVPN_COOKIE_MAC1_AND_MAC2, check(b, NOW + LIFE - 1));
	KUNIT_EXPECT_MEMEQ(test, b->checker.secret, secret, sizeof(secret));
	KUNIT_EXPECT_EQ(test, TOYVPN_COOKIE_MAC1_ONLY, check(b, NOW + LIFE));
	KUNIT_EXPECT_MEMNEQ(test, b->checker.secret, secret, sizeof(secret));
}

/* The new secret has a life of its own, from when it was drawn */
static void next_secret_lives_120_s(struct kunit *test)
{
	struct both *b = test->priv;
	u64 later = NOW + 5 * LIFE / 2;

	add_macs(test, NOW);
	give_cookie(test, NOW);
	add_macs(test, later);
	give_cookie(test, later);
	add_macs(test, later);
	KUNIT_EXPECT_EQ(test, TOYVPN_COOKIE_MAC1_AND_MAC2, check(b, later + LIFE - 1));
	KUNIT_EXPECT_EQ(test, TOYVPN_COOKIE_MAC1_ONLY, check(b, later + LIFE));
}

/*
 * A CPU may use the time that it read before another one drew the secret: that
 * one has given a cookie meanwhile, which must stay good.
 */
static void secret_from_a_moment_later(struct kunit *test)
{
	struct both *b = test->priv;

	add_macs(test, NOW);
	give_cookie(test, NOW + 1);
	add_macs(test, NOW + 1);
	KUNIT_EXPECT_EQ(test, TOYVPN_COOKIE_MAC1_AND_MAC2, check(b, NOW));
	KUNIT_EXPECT_EQ(test, TOYVPN_COOKIE_MAC1_AND_MAC2, check(b, NOW + 1));
}

static void each_checker_has_its_own_secret(struct kunit *test)
{
	u8 secret[TOYVPN_COOKIE_SECRET_LEN];
	struct both *b = test->priv;

	add_macs(test, NOW);
	give_cookie(test, NOW);
	memcpy(secret, b->checker.secret, sizeof(secret));
	toyvpn_cookie_checker_destroy(&b->checker);
	TOYVPN_EXPECT_ZEROS(test, b->checker.secret);
	toyvpn_cookie_checker_init(&b->checker);
	KUNIT_ASSERT_EQ(test, 0, toyvpn_cookie_checker_set_key(&b->checker, b->public));
	add_macs(test, NOW);
	give_cookie(test, NOW);
	KUNIT_EXPECT_MEMNEQ(test, b->checker.secret, secret, sizeof(secret));
}

static struct kunit_case cookie_test_cases[] = {
	KUNIT_CASE_PARAM(mac1_of_init, vector_gen_params),
	KUNIT_CASE_PARAM(mac1_of_resp, vector_gen_params),
	KUNIT_CASE_PARAM(cookie_of_the_vectors, vector_gen_params),
	KUNIT_CASE_PARAM(mac2_of_init, vector_gen_params),
	KUNIT_CASE(cookie_nobody_asked_for),
	KUNIT_CASE(cookie_counts_once),
	KUNIT_CASE(cookie_for_another_message),
	KUNIT_CASE(cookie_of_somebody_else),
	KUNIT_CASE(forged_cookie),
	KUNIT_CASE(cookie_lives_120_s),
	KUNIT_CASE(cookie_from_a_moment_later),
	KUNIT_CASE_PARAM(right_mac1, vector_gen_params),
	KUNIT_CASE(wrong_mac1),
	KUNIT_CASE(message_for_somebody_else),
	KUNIT_CASE(message_too_short_for_macs),
	KUNIT_CASE(no_key_no_valid_message),
	KUNIT_CASE(cookie_makes_mac2_right),
	KUNIT_CASE(mac2_is_looked_at_only_if_asked_for),
	KUNIT_CASE(wrong_mac2),
	KUNIT_CASE(cookie_from_elsewhere),
	KUNIT_CASE(formula_of_a_cookie),
	KUNIT_CASE(nonces_differ),
	KUNIT_CASE(secret_lives_120_s),
	KUNIT_CASE(next_secret_lives_120_s),
	KUNIT_CASE(secret_from_a_moment_later),
	KUNIT_CASE(each_checker_has_its_own_secret),
	{}
};

static struct kunit_suite cookie_test_suite = {
	.name = "toyvpn_cookie",
	.init = cookie_test_init,
	.exit = cookie_test_exit,
	.test_cases = cookie_test_cases,
};

kunit_test_suite(cookie_test_suite);
