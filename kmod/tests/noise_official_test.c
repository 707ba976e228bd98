// SPDX-License-Identifier: GPL-2.0
/*
 * noise.c against Noise's own test vector. That has another prologue than ours,
 * so this is the room once more with that one, under other names.
 */
#include "vectors.h"

#define TOYVPN_NOISE_PROLOGUE		TOYVPN_NOISE_VECTOR_PROLOGUE
#define toyvpn_noise_init		official_noise_init
#define toyvpn_noise_set_static		official_noise_set_static
#define toyvpn_noise_dh			official_noise_dh
#define toyvpn_noise_write_init		official_noise_write_init
#define toyvpn_noise_read_init_static	official_noise_read_init_static
#define toyvpn_noise_read_init_payload	official_noise_read_init_payload
#define toyvpn_noise_write_resp		official_noise_write_resp
#define toyvpn_noise_read_resp		official_noise_read_resp
#define toyvpn_noise_split		official_noise_split
#define toyvpn_noise_wipe		official_noise_wipe
#include "../noise.c"

static const struct toyvpn_noise_vector *const vector = &toyvpn_noise_vector;

struct official {
	struct toyvpn_noise_static initiator, responder;
	struct toyvpn_noise i, r;
	u8 ss[TOYVPN_NOISE_KEY_LEN];
	u8 claimed[TOYVPN_NOISE_KEY_LEN];
	u8 message[128];
	u8 payload[128];
};

static int official_suite_init(struct kunit_suite *suite)
{
	return toyvpn_noise_init();
}

static int official_init(struct kunit *test)
{
	struct official *o = kunit_kzalloc(test, sizeof(*o), GFP_KERNEL);

	if (!o)
		return -ENOMEM;
	test->priv = o;
	return toyvpn_noise_set_static(&o->initiator, vector->initiator_static.data) ?:
	       toyvpn_noise_set_static(&o->responder, vector->responder_static.data) ?:
	       toyvpn_noise_dh(o->ss, o->initiator.private, o->responder.public);
}

static void write_init(struct kunit *test)
{
	const struct toyvpn_bytes *payload = &vector->messages[0].payload;
	struct official *o = test->priv;

	KUNIT_ASSERT_EQ(test, 0, toyvpn_noise_write_init(&o->i, &o->initiator, o->responder.public,
							 o->ss, vector->initiator_ephemeral.data,
							 o->message, o->message + 32,
							 payload->data, payload->len,
							 o->message + 80));
}

static void read_init(struct kunit *test)
{
	const struct toyvpn_bytes *sealed = &vector->messages[0].ciphertext;
	struct official *o = test->priv;

	KUNIT_ASSERT_EQ(test, 0, toyvpn_noise_read_init_static(&o->r, &o->responder, sealed->data,
							       sealed->data + 32, o->claimed));
	KUNIT_ASSERT_EQ(test, 0, toyvpn_noise_read_init_payload(&o->r, o->ss, sealed->data + 80,
								sealed->len - 80, o->payload));
}

static void write_resp(struct kunit *test)
{
	const struct toyvpn_bytes *payload = &vector->messages[1].payload;
	struct official *o = test->priv;

	KUNIT_ASSERT_EQ(test, 0, toyvpn_noise_write_resp(&o->r, o->claimed, vector->psk.data,
							 vector->responder_ephemeral.data,
							 o->message, payload->data, payload->len,
							 o->message + 32));
}

static void read_resp(struct kunit *test)
{
	const struct toyvpn_bytes *sealed = &vector->messages[1].ciphertext;
	struct official *o = test->priv;

	KUNIT_ASSERT_EQ(test, 0, toyvpn_noise_read_resp(&o->i, &o->initiator, vector->psk.data,
							sealed->data, sealed->data + 32,
							sealed->len - 32, o->payload));
}

static void responder_has_its_public_key(struct kunit *test)
{
	struct official *o = test->priv;

	TOYVPN_EXPECT_BYTES(test, o->responder.public, vector->responder_static_public);
}

static void initiator_writes_message_1(struct kunit *test)
{
	struct official *o = test->priv;

	write_init(test);
	TOYVPN_EXPECT_BYTES(test, o->message, vector->messages[0].ciphertext);
}

static void responder_reads_message_1(struct kunit *test)
{
	struct official *o = test->priv;

	read_init(test);
	KUNIT_EXPECT_MEMEQ(test, o->claimed, o->initiator.public, sizeof(o->claimed));
	TOYVPN_EXPECT_BYTES(test, o->payload, vector->messages[0].payload);
}

static void responder_writes_message_2(struct kunit *test)
{
	struct official *o = test->priv;

	read_init(test);
	write_resp(test);
	TOYVPN_EXPECT_BYTES(test, o->message, vector->messages[1].ciphertext);
}

static void initiator_reads_message_2(struct kunit *test)
{
	struct official *o = test->priv;

	write_init(test);
	read_resp(test);
	TOYVPN_EXPECT_BYTES(test, o->payload, vector->messages[1].payload);
}

/* Messages 3 to 6 go to and fro, by the keys of Split() */
static void expect_transport(struct kunit *test, const u8 *k1, const u8 *k2)
{
	struct official *o = test->priv;
	unsigned int i;

	for (i = 2; i < ARRAY_SIZE(vector->messages); i++) {
		const struct toyvpn_bytes *payload = &vector->messages[i].payload;

		chacha20poly1305_encrypt(o->message, payload->data, payload->len, NULL, 0,
					 i / 2 - 1, i % 2 ? k2 : k1);
		TOYVPN_EXPECT_BYTES(test, o->message, vector->messages[i].ciphertext);
	}
}

static void initiators_keys_seal_the_rest(struct kunit *test)
{
	u8 k1[TOYVPN_NOISE_KEY_LEN], k2[TOYVPN_NOISE_KEY_LEN];
	struct official *o = test->priv;

	write_init(test);
	read_resp(test);
	KUNIT_EXPECT_EQ(test, 0, toyvpn_noise_split(&o->i, k1, k2));
	expect_transport(test, k1, k2);
}

static void responders_keys_seal_the_rest(struct kunit *test)
{
	u8 k1[TOYVPN_NOISE_KEY_LEN], k2[TOYVPN_NOISE_KEY_LEN];
	struct official *o = test->priv;

	read_init(test);
	write_resp(test);
	KUNIT_EXPECT_EQ(test, 0, toyvpn_noise_split(&o->r, k1, k2));
	expect_transport(test, k1, k2);
}

static struct kunit_case official_test_cases[] = {
	KUNIT_CASE(responder_has_its_public_key),
	KUNIT_CASE(initiator_writes_message_1),
	KUNIT_CASE(responder_reads_message_1),
	KUNIT_CASE(responder_writes_message_2),
	KUNIT_CASE(initiator_reads_message_2),
	KUNIT_CASE(initiators_keys_seal_the_rest),
	KUNIT_CASE(responders_keys_seal_the_rest),
	{}
};

static struct kunit_suite official_test_suite = {
	.name = "toyvpn_noise_official",
	.suite_init = official_suite_init,
	.init = official_init,
	.test_cases = official_test_cases,
};

kunit_test_suite(official_test_suite);
