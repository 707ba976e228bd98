// SPDX-License-Identifier: GPL-2.0
/* noise.c against the handshakes of the protocol's vectors, and against who forges them */
#include <linux/string.h>

#include "../message.h"
#include "vectors.h"

#define KEY_LEN		TOYVPN_NOISE_KEY_LEN
#define TAG_LEN		TOYVPN_NOISE_TAG_LEN

KUNIT_ARRAY_PARAM_DESC(vector, toyvpn_vectors, name);

/* Both sides of one handshake, and room for what they write */
struct sides {
	const struct toyvpn_vector *v;
	const struct toyvpn_init *init;		/* the vector's */
	const struct toyvpn_resp *resp;
	size_t init_len;			/* of their payloads */
	size_t resp_len;
	struct toyvpn_noise_static initiator, responder;
	u8 ss[KEY_LEN];
	struct toyvpn_noise i, r, before;
	u8 claimed[KEY_LEN];
	u8 e[KEY_LEN];
	u8 s[KEY_LEN + TAG_LEN];
	u8 plain[TOYVPN_TLV_ROOM];
	u8 sealed[TOYVPN_TLV_ROOM + TAG_LEN];
	u8 k1[KEY_LEN], k2[KEY_LEN];
};

static int noise_test_init(struct kunit *test)
{
	const struct toyvpn_vector *v = test->param_value ?: toyvpn_vectors;
	struct sides *x = kunit_kzalloc(test, sizeof(*x), GFP_KERNEL);

	if (!x)
		return -ENOMEM;
	test->priv = x;
	x->v = v;
	x->init = (const struct toyvpn_init *)v->init.data;
	x->resp = (const struct toyvpn_resp *)v->resp.data;
	x->init_len = v->init.len - TOYVPN_INIT_MIN;
	x->resp_len = v->resp.len - TOYVPN_RESP_MIN;
	return toyvpn_noise_set_static(&x->initiator, v->initiator_static.data) ?:
	       toyvpn_noise_set_static(&x->responder, v->responder_static.data) ?:
	       toyvpn_noise_dh(x->ss, x->initiator.private, x->responder.public);
}

/* The responder reads the vector's INIT; its payload is in plain */
static void read_init(struct kunit *test)
{
	struct sides *x = test->priv;

	KUNIT_ASSERT_EQ(test, 0, toyvpn_noise_read_init_static(&x->r, &x->responder, x->init->e,
							       x->init->s, x->claimed));
	KUNIT_ASSERT_EQ(test, 0, toyvpn_noise_read_init_payload(&x->r, x->ss, x->init->payload,
								x->init_len + TAG_LEN, x->plain));
}

/* The initiator writes the vector's INIT, with the payload in plain */
static void write_init(struct kunit *test)
{
	struct sides *x = test->priv;

	KUNIT_ASSERT_EQ(test, 0, toyvpn_noise_write_init(&x->i, &x->initiator, x->responder.public,
							 x->ss, x->v->initiator_ephemeral.data,
							 x->e, x->s, x->plain, x->init_len,
							 x->sealed));
}

/* What the initiator makes of a RESP; its payload is in plain */
static int try_resp(struct sides *x, const u8 *psk, const struct toyvpn_resp *resp)
{
	return toyvpn_noise_read_resp(&x->i, &x->initiator, psk, resp->e, resp->payload,
				      x->resp_len + TAG_LEN, x->plain);
}

static void read_resp(struct kunit *test)
{
	struct sides *x = test->priv;

	KUNIT_ASSERT_EQ(test, 0, try_resp(x, x->v->psk.data, x->resp));
}

/* The responder writes the vector's RESP, with the payload in plain */
static void write_resp(struct kunit *test)
{
	struct sides *x = test->priv;

	KUNIT_ASSERT_EQ(test, 0, toyvpn_noise_write_resp(&x->r, x->claimed, x->v->psk.data,
							 x->v->responder_ephemeral.data, x->e,
							 x->plain, x->resp_len, x->sealed));
}

/* Both sides until Split(): the initiator has read the RESP, the responder written it */
static void shake_hands(struct kunit *test)
{
	read_init(test);
	write_init(test);
	read_resp(test);
	write_resp(test);
}

static void static_keys(struct kunit *test)
{
	struct sides *x = test->priv;

	TOYVPN_EXPECT_BYTES(test, x->initiator.public, x->v->initiator_static_public);
	TOYVPN_EXPECT_BYTES(test, x->responder.public, x->v->responder_static_public);
}

/* RFC 7748, section 5 */
static void private_key_is_clamped(struct kunit *test)
{
	struct toyvpn_noise_static s;
	u8 key[KEY_LEN];

	memset(key, 0xff, sizeof(key));
	KUNIT_EXPECT_EQ(test, 0, toyvpn_noise_set_static(&s, key));
	KUNIT_EXPECT_EQ(test, s.private[0], 0xf8);
	KUNIT_EXPECT_EQ(test, s.private[31], 0x7f);
	KUNIT_EXPECT_MEMEQ(test, s.private + 1, key + 1, 30);
	memset(key, 0, sizeof(key));
	KUNIT_EXPECT_EQ(test, 0, toyvpn_noise_set_static(&s, key));
	KUNIT_EXPECT_EQ(test, s.private[31], 0x40);
}

static void shared_secret_is_the_same(struct kunit *test)
{
	struct sides *x = test->priv;
	u8 ss[KEY_LEN];

	KUNIT_EXPECT_EQ(test, 0, toyvpn_noise_dh(ss, x->responder.private, x->initiator.public));
	KUNIT_EXPECT_MEMEQ(test, ss, x->ss, sizeof(ss));
}

static void responder_reads_who_called(struct kunit *test)
{
	struct sides *x = test->priv;

	read_init(test);
	TOYVPN_EXPECT_BYTES(test, x->claimed, x->v->initiator_static_public);
}

/* Only an INIT made of the very payload that was read is the vector's to the byte */
static void initiator_writes_init(struct kunit *test)
{
	struct sides *x = test->priv;

	read_init(test);
	write_init(test);
	KUNIT_EXPECT_MEMEQ(test, x->e, x->init->e, sizeof(x->e));
	KUNIT_EXPECT_MEMEQ(test, x->s, x->init->s, sizeof(x->s));
	KUNIT_EXPECT_MEMEQ(test, x->sealed, x->init->payload, x->init_len + TAG_LEN);
}

static void responder_writes_resp(struct kunit *test)
{
	struct sides *x = test->priv;

	shake_hands(test);
	KUNIT_EXPECT_MEMEQ(test, x->e, x->resp->e, sizeof(x->e));
	KUNIT_EXPECT_MEMEQ(test, x->sealed, x->resp->payload, x->resp_len + TAG_LEN);
}

static void initiators_keys(struct kunit *test)
{
	struct sides *x = test->priv;

	shake_hands(test);
	KUNIT_EXPECT_EQ(test, 0, toyvpn_noise_split(&x->i, x->k1, x->k2));
	TOYVPN_EXPECT_BYTES(test, x->k1, x->v->initiator_send_key);
	TOYVPN_EXPECT_BYTES(test, x->k2, x->v->initiator_receive_key);
}

static void responders_keys(struct kunit *test)
{
	struct sides *x = test->priv;

	shake_hands(test);
	KUNIT_EXPECT_EQ(test, 0, toyvpn_noise_split(&x->r, x->k1, x->k2));
	TOYVPN_EXPECT_BYTES(test, x->k1, x->v->initiator_send_key);
	TOYVPN_EXPECT_BYTES(test, x->k2, x->v->initiator_receive_key);
}

static void handshake_hash(struct kunit *test)
{
	struct sides *x = test->priv;

	shake_hands(test);
	TOYVPN_EXPECT_BYTES(test, x->i.h, x->v->handshake_hash);
	TOYVPN_EXPECT_BYTES(test, x->r.h, x->v->handshake_hash);
	KUNIT_EXPECT_EQ(test, 0, toyvpn_noise_split(&x->i, x->k1, x->k2));
	KUNIT_EXPECT_EQ(test, 0, toyvpn_noise_split(&x->r, x->k1, x->k2));
	TOYVPN_EXPECT_BYTES(test, x->i.h, x->v->handshake_hash);
	TOYVPN_EXPECT_BYTES(test, x->r.h, x->v->handshake_hash);
}

static void split_erases_all_but_the_hash(struct kunit *test)
{
	struct sides *x = test->priv;

	shake_hands(test);
	KUNIT_EXPECT_EQ(test, 0, toyvpn_noise_split(&x->i, x->k1, x->k2));
	memset(x->i.h, 0, sizeof(x->i.h));
	TOYVPN_EXPECT_ZEROS(test, x->i);
}

static void wipe_erases_all(struct kunit *test)
{
	struct sides *x = test->priv;

	read_init(test);
	write_init(test);
	toyvpn_noise_wipe(&x->i);
	TOYVPN_EXPECT_ZEROS(test, x->i);
}

/* What is opened may lie where it was sealed, and the other way round */
static void payloads_in_place(struct kunit *test)
{
	struct sides *x = test->priv;

	read_init(test);
	memcpy(x->sealed, x->plain, x->init_len);
	KUNIT_EXPECT_EQ(test, 0, toyvpn_noise_write_init(&x->i, &x->initiator, x->responder.public,
							 x->ss, x->v->initiator_ephemeral.data,
							 x->e, x->s, x->sealed, x->init_len,
							 x->sealed));
	KUNIT_EXPECT_MEMEQ(test, x->sealed, x->init->payload, x->init_len + TAG_LEN);

	KUNIT_EXPECT_EQ(test, 0, toyvpn_noise_read_init_static(&x->r, &x->responder, x->init->e,
							       x->init->s, x->claimed));
	KUNIT_EXPECT_EQ(test, 0, toyvpn_noise_read_init_payload(&x->r, x->ss, x->sealed,
								x->init_len + TAG_LEN, x->sealed));
	KUNIT_EXPECT_MEMEQ(test, x->sealed, x->plain, x->init_len);

	memcpy(x->sealed, x->resp->payload, x->resp_len + TAG_LEN);
	KUNIT_EXPECT_EQ(test, 0, toyvpn_noise_read_resp(&x->i, &x->initiator, x->v->psk.data,
							x->resp->e, x->sealed,
							x->resp_len + TAG_LEN, x->sealed));
	KUNIT_EXPECT_EQ(test, 0, toyvpn_noise_write_resp(&x->r, x->claimed, x->v->psk.data,
							 x->v->responder_ephemeral.data, x->e,
							 x->sealed, x->resp_len, x->sealed));
	KUNIT_EXPECT_MEMEQ(test, x->sealed, x->resp->payload, x->resp_len + TAG_LEN);
	TOYVPN_EXPECT_BYTES(test, x->i.h, x->v->handshake_hash);
	TOYVPN_EXPECT_BYTES(test, x->r.h, x->v->handshake_hash);
}

/* Any bit of what is sealed or hashed makes an INIT another one; one in each byte is tried */
static void forged_init(struct kunit *test)
{
	struct sides *x = test->priv;
	struct toyvpn_init *init;
	size_t i, end = x->v->init.len - 2 * TOYVPN_MAC_LEN;
	u8 *bytes;
	int ret;

	init = kunit_kmalloc(test, x->v->init.len, GFP_KERNEL);
	KUNIT_ASSERT_NOT_NULL(test, init);
	bytes = (u8 *)init;
	for (i = offsetof(struct toyvpn_init, e); i < end; i++) {
		memcpy(init, x->init, x->v->init.len);
		bytes[i] ^= BIT(i % 8);
		/* X25519 does not look at the top bit of a point, but the hash does */
		ret = toyvpn_noise_read_init_static(&x->r, &x->responder, init->e, init->s,
						    x->claimed) ?:
		      toyvpn_noise_read_init_payload(&x->r, x->ss, init->payload,
						     x->init_len + TAG_LEN, x->plain);
		KUNIT_EXPECT_EQ_MSG(test, ret, -EBADMSG, "byte %zu", i);
		TOYVPN_EXPECT_ZEROS(test, x->r);
	}
}

/* A forged RESP changes nothing, so that the true one may still come */
static void forged_resp(struct kunit *test)
{
	struct sides *x = test->priv;
	size_t i, end = x->v->resp.len - 2 * TOYVPN_MAC_LEN;
	struct toyvpn_resp *resp;
	u8 *bytes;

	resp = kunit_kmalloc(test, x->v->resp.len, GFP_KERNEL);
	KUNIT_ASSERT_NOT_NULL(test, resp);
	bytes = (u8 *)resp;
	read_init(test);
	write_init(test);
	x->before = x->i;
	for (i = offsetof(struct toyvpn_resp, e); i < end; i++) {
		memcpy(resp, x->resp, x->v->resp.len);
		bytes[i] ^= BIT(i % 8);
		KUNIT_EXPECT_EQ_MSG(test, try_resp(x, x->v->psk.data, resp), -EBADMSG,
				    "byte %zu", i);
		KUNIT_EXPECT_MEMEQ(test, &x->i, &x->before, sizeof(x->i));
	}
	read_resp(test);
	TOYVPN_EXPECT_BYTES(test, x->i.h, x->v->handshake_hash);
}

/* The one bit of an ephemeral key that its DH does not see */
static void top_bit_of_an_ephemeral_key(struct kunit *test)
{
	struct sides *x = test->priv;

	memcpy(x->e, x->init->e, sizeof(x->e));
	x->e[31] ^= 0x80;
	KUNIT_EXPECT_EQ(test, -EBADMSG,
			toyvpn_noise_read_init_static(&x->r, &x->responder, x->e, x->init->s,
						      x->claimed));
}

static void wrong_psk(struct kunit *test)
{
	struct sides *x = test->priv;
	u8 psk[KEY_LEN];

	memcpy(psk, x->v->psk.data, sizeof(psk));
	psk[31] ^= 0x80;
	read_init(test);
	write_init(test);
	KUNIT_EXPECT_EQ(test, -EBADMSG, try_resp(x, psk, x->resp));
	KUNIT_EXPECT_EQ(test, 0, try_resp(x, x->v->psk.data, x->resp));
}

/* An INIT to somebody else */
static void wrong_responder(struct kunit *test)
{
	struct sides *x = test->priv;

	KUNIT_EXPECT_EQ(test, -EBADMSG,
			toyvpn_noise_read_init_static(&x->r, &x->initiator, x->init->e, x->init->s,
						      x->claimed));
	TOYVPN_EXPECT_ZEROS(test, x->r);
}

/* Who knows a public key only, and not the private one, cannot make ss */
static void wrong_initiator(struct kunit *test)
{
	struct sides *x = test->priv;

	KUNIT_ASSERT_EQ(test, 0, toyvpn_noise_read_init_static(&x->r, &x->responder, x->init->e,
							       x->init->s, x->claimed));
	x->ss[0] ^= 1;
	KUNIT_EXPECT_EQ(test, -EBADMSG,
			toyvpn_noise_read_init_payload(&x->r, x->ss, x->init->payload,
						       x->init_len + TAG_LEN, x->plain));
	TOYVPN_EXPECT_ZEROS(test, x->r);
}

/* A RESP by who has not the responder's private key, which is why the initiator asks for it */
static void wrong_initiator_key_for_resp(struct kunit *test)
{
	struct sides *x = test->priv;

	read_init(test);
	write_init(test);
	KUNIT_EXPECT_EQ(test, -EBADMSG,
			toyvpn_noise_read_resp(&x->i, &x->responder, x->v->psk.data, x->resp->e,
					       x->resp->payload, x->resp_len + TAG_LEN, x->plain));
}

static void payload_without_a_whole_tag(struct kunit *test)
{
	struct sides *x = test->priv;
	size_t len;

	read_init(test);
	write_init(test);
	for (len = 0; len < TAG_LEN; len++) {
		KUNIT_ASSERT_EQ(test, 0,
				toyvpn_noise_read_init_static(&x->r, &x->responder, x->init->e,
							      x->init->s, x->claimed));
		KUNIT_EXPECT_EQ(test, -EBADMSG,
				toyvpn_noise_read_init_payload(&x->r, x->ss, x->init->payload, len,
							       x->plain));
		KUNIT_EXPECT_EQ(test, -EBADMSG,
				toyvpn_noise_read_resp(&x->i, &x->initiator, x->v->psk.data,
						       x->resp->e, x->resp->payload, len,
						       x->plain));
	}
}

/* Points of small order, with which every DH is zero whatever the private key */
struct point {
	const char *name;
	struct toyvpn_bytes x;
};

static const struct point small_points[] = {
	{
		.name = "0",
		.x = TOYVPN_BYTES("\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00"
				  "\x00\x00\x00\x00\x00\x00\x00\x00"
				  "\x00\x00\x00\x00\x00\x00\x00\x00"),
	}, {
		.name = "1",
		.x = TOYVPN_BYTES("\x01\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00"
				  "\x00\x00\x00\x00\x00\x00\x00\x00"
				  "\x00\x00\x00\x00\x00\x00\x00\x00"),
	}, {
		.name = "order 8",
		.x = TOYVPN_BYTES("\xe0\xeb\x7a\x7c\x3b\x41\xb8\xae\x16\x56\xe3\xfa\xf1\x9f\xc4\x6a"
				  "\xda\x09\x8d\xeb\x9c\x32\xb1\xfd"
				  "\x86\x62\x05\x16\x5f\x49\xb8\x00"),
	}, {
		.name = "order 8, the other",
		.x = TOYVPN_BYTES("\x5f\x9c\x95\xbc\xa3\x50\x8c\x24\xb1\xd0\xb1\x55\x9c\x83\xef\x5b"
				  "\x04\x44\x5c\xc4\x58\x1c\x8e\x86"
				  "\xd8\x22\x4e\xdd\xd0\x9f\x11\x57"),
	}, {
		.name = "p - 1",
		.x = TOYVPN_BYTES("\xec\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff"
				  "\xff\xff\xff\xff\xff\xff\xff\xff"
				  "\xff\xff\xff\xff\xff\xff\xff\x7f"),
	}, {
		.name = "p",
		.x = TOYVPN_BYTES("\xed\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff"
				  "\xff\xff\xff\xff\xff\xff\xff\xff"
				  "\xff\xff\xff\xff\xff\xff\xff\x7f"),
	}, {
		.name = "p + 1, the top bit set",
		.x = TOYVPN_BYTES("\xee\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff"
				  "\xff\xff\xff\xff\xff\xff\xff\xff"
				  "\xff\xff\xff\xff\xff\xff\xff\xff"),
	},
};

static void expect_small_point(struct kunit *test, const struct point *point)
{
	const u8 *p = point->x.data;
	struct sides *x = test->priv;

	KUNIT_EXPECT_EQ_MSG(test, -EKEYREJECTED,
			    toyvpn_noise_dh(x->k1, x->initiator.private, p), "%s", point->name);
	KUNIT_EXPECT_EQ_MSG(test, -EKEYREJECTED,
			    toyvpn_noise_write_init(&x->i, &x->initiator, p, x->ss, NULL, x->e,
						    x->s, x->plain, 0, x->sealed),
			    "%s", point->name);
	TOYVPN_EXPECT_ZEROS(test, x->i);
	KUNIT_EXPECT_EQ_MSG(test, -EKEYREJECTED,
			    toyvpn_noise_read_init_static(&x->r, &x->responder, p, x->init->s,
							  x->claimed),
			    "%s", point->name);
	TOYVPN_EXPECT_ZEROS(test, x->r);

	read_init(test);
	KUNIT_EXPECT_EQ_MSG(test, -EKEYREJECTED,
			    toyvpn_noise_write_resp(&x->r, p, x->v->psk.data, NULL, x->e,
						    x->plain, 0, x->sealed),
			    "%s", point->name);
	TOYVPN_EXPECT_ZEROS(test, x->r);

	write_init(test);
	x->before = x->i;
	KUNIT_EXPECT_EQ_MSG(test, -EKEYREJECTED,
			    toyvpn_noise_read_resp(&x->i, &x->initiator, x->v->psk.data, p,
						   x->resp->payload, x->resp_len + TAG_LEN,
						   x->plain),
			    "%s", point->name);
	KUNIT_EXPECT_MEMEQ(test, &x->i, &x->before, sizeof(x->i));
}

static void points_of_small_order(struct kunit *test)
{
	unsigned int i;

	for (i = 0; i < ARRAY_SIZE(small_points); i++)
		expect_small_point(test, &small_points[i]);
}

/* Without ephemeral keys from the vectors each handshake has its own, and both sides agree */
static void payloads_of_all_sizes(struct kunit *test)
{
	struct sides *x = test->priv;
	struct rnd_state rnd;
	u8 last[KEY_LEN] = {}, k1[KEY_LEN], k2[KEY_LEN];
	size_t len;

	toyvpn_test_seed(test, &rnd, 1);
	for (len = 0; len <= TOYVPN_TLV_ROOM; len += 256) {
		u8 *sealed = x->sealed, *opened = x->sealed;

		prandom_bytes_state(&rnd, x->plain, len);
		KUNIT_ASSERT_EQ(test, 0,
				toyvpn_noise_write_init(&x->i, &x->initiator, x->responder.public,
							x->ss, NULL, x->e, x->s, x->plain, len,
							sealed));
		KUNIT_EXPECT_MEMNEQ(test, x->e, last, sizeof(last));
		memcpy(last, x->e, sizeof(last));
		KUNIT_ASSERT_EQ(test, 0, toyvpn_noise_read_init_static(&x->r, &x->responder, x->e,
								       x->s, x->claimed));
		KUNIT_ASSERT_EQ(test, 0,
				toyvpn_noise_read_init_payload(&x->r, x->ss, sealed, len + TAG_LEN,
							       opened));
		KUNIT_EXPECT_MEMEQ(test, opened, x->plain, len);
		KUNIT_ASSERT_EQ(test, 0,
				toyvpn_noise_write_resp(&x->r, x->claimed, x->v->psk.data, NULL,
							x->e, opened, len, sealed));
		KUNIT_EXPECT_MEMNEQ(test, x->e, last, sizeof(last));
		KUNIT_ASSERT_EQ(test, 0,
				toyvpn_noise_read_resp(&x->i, &x->initiator, x->v->psk.data, x->e,
						       sealed, len + TAG_LEN, opened));
		KUNIT_EXPECT_MEMEQ(test, opened, x->plain, len);
		KUNIT_EXPECT_EQ(test, 0, toyvpn_noise_split(&x->i, x->k1, x->k2));
		KUNIT_EXPECT_EQ(test, 0, toyvpn_noise_split(&x->r, k1, k2));
		KUNIT_EXPECT_MEMEQ(test, x->k1, k1, sizeof(k1));
		KUNIT_EXPECT_MEMEQ(test, x->k2, k2, sizeof(k2));
		KUNIT_EXPECT_MEMNEQ(test, k1, k2, sizeof(k1));
	}
}

static struct kunit_case noise_test_cases[] = {
	KUNIT_CASE_PARAM(static_keys, vector_gen_params),
	KUNIT_CASE(private_key_is_clamped),
	KUNIT_CASE_PARAM(shared_secret_is_the_same, vector_gen_params),
	KUNIT_CASE_PARAM(responder_reads_who_called, vector_gen_params),
	KUNIT_CASE_PARAM(initiator_writes_init, vector_gen_params),
	KUNIT_CASE_PARAM(responder_writes_resp, vector_gen_params),
	KUNIT_CASE_PARAM(initiators_keys, vector_gen_params),
	KUNIT_CASE_PARAM(responders_keys, vector_gen_params),
	KUNIT_CASE_PARAM(handshake_hash, vector_gen_params),
	KUNIT_CASE(split_erases_all_but_the_hash),
	KUNIT_CASE(wipe_erases_all),
	KUNIT_CASE_PARAM(payloads_in_place, vector_gen_params),
	KUNIT_CASE(forged_init),
	KUNIT_CASE(forged_resp),
	KUNIT_CASE(top_bit_of_an_ephemeral_key),
	KUNIT_CASE_PARAM(wrong_psk, vector_gen_params),
	KUNIT_CASE(wrong_responder),
	KUNIT_CASE(wrong_initiator),
	KUNIT_CASE(wrong_initiator_key_for_resp),
	KUNIT_CASE(payload_without_a_whole_tag),
	KUNIT_CASE(points_of_small_order),
	KUNIT_CASE(payloads_of_all_sizes),
	{}
};

static struct kunit_suite noise_test_suite = {
	.name = "toyvpn_noise",
	.init = noise_test_init,
	.test_cases = noise_test_cases,
};

kunit_test_suite(noise_test_suite);
