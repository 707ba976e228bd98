// SPDX-License-Identifier: GPL-2.0
/* tlv.c: each rule of section 4 of PROTOCOL.md, and the payloads of the vectors */
#include <linux/slab.h>
#include <linux/string.h>

#include "../message.h"
#include "vectors.h"

KUNIT_ARRAY_PARAM_DESC(vector, toyvpn_vectors, name);

#define TAG_LEN		TOYVPN_NOISE_TAG_LEN

/* TLVs as they are on the wire */
#define TIMESTAMP	"\x01\0\x0c\0@timestamp12"
#define CIPHERS		"\x02\0\x02\0\x02\x01"
#define CIPHER		"\x02\0\x01\0\x02"
#define MODE		"\x03\0\x01\0\x03"
#define MTU		"\x04\0\x02\0\x8c\x05"
#define CREDENTIALS	"\x05\0\x04\0me:x"
#define CONFIG		"\x06\0\x04\0conf"
#define REJECT		"\x07\0\x02\0\x04\0"
/* What an INIT must have, and a RESP */
#define INIT		"\x01\0\x0c\0@timestamp12\x02\0\x02\0\x02\x01\x03\0\x01\0\x03"
#define RESP		"\x02\0\x01\0\x02\x03\0\x01\0\x03"

/* A payload, without the zeros that fill it up to a multiple of 16, and what reading it returns */
struct payload {
	const char *name;
	enum toyvpn_tlv_message in;
	int ret;
	struct toyvpn_bytes bytes;
};

#define IN_INIT(what, value, literal)						\
	{ .name = what, .in = TOYVPN_TLV_INIT, .ret = value, .bytes = TOYVPN_BYTES(literal) }
#define IN_RESP(what, value, literal)						\
	{ .name = what, .in = TOYVPN_TLV_RESP, .ret = value, .bytes = TOYVPN_BYTES(literal) }

static const struct payload payloads[] = {
	IN_INIT("INIT with what it must have", 0, INIT),
	IN_INIT("INIT with all", 0, INIT MTU CREDENTIALS),
	IN_INIT("INIT in another order", 0, CREDENTIALS MODE MTU CIPHERS TIMESTAMP),
	IN_INIT("empty INIT", -EBADMSG, ""),
	IN_INIT("INIT without TIMESTAMP", -EBADMSG, CIPHERS MODE),
	IN_INIT("INIT without CIPHERS", -EBADMSG, TIMESTAMP MODE),
	IN_INIT("INIT without MODE", -EBADMSG, TIMESTAMP CIPHERS),
	IN_INIT("INIT with zeros first", -EBADMSG, "\0\0\0\0" INIT),
	IN_INIT("INIT without MODE before the end", -EBADMSG, TIMESTAMP CIPHERS "\0\0\0\0" MODE),
	IN_INIT("nothing is read after type 0", 0, INIT "\0\0\xff\xff\xff\xff\xff"),

	IN_INIT("TIMESTAMP of 11", -EBADMSG,
		"\x01\0\x0b\0timestamp11" CIPHERS MODE),
	IN_INIT("TIMESTAMP of 13", -EBADMSG,
		"\x01\0\x0d\0timestamps 13" CIPHERS MODE),
	IN_INIT("CIPHERS of none", -EBADMSG, TIMESTAMP MODE "\x02\0\0\0"),
	IN_INIT("CIPHERS of many", 0, TIMESTAMP MODE "\x02\0\x0a\0ghijklmnop"),
	IN_INIT("MODE of 0", -EBADMSG, TIMESTAMP CIPHERS "\x03\0\0\0"),
	IN_INIT("MODE of 2", -EBADMSG, TIMESTAMP CIPHERS "\x03\0\x02\0\x03\0"),
	IN_INIT("MODE of any value", 0, TIMESTAMP CIPHERS "\x03\0\x01\0\xff"),
	IN_INIT("MTU of 1", -EBADMSG, INIT "\x04\0\x01\0\x05"),
	IN_INIT("MTU of 3", -EBADMSG, INIT "\x04\0\x03\0\x8c\x05\0"),
	IN_INIT("CREDENTIALS of 0", 0, INIT "\x05\0\0\0"),

	IN_INIT("TIMESTAMP twice", -EBADMSG, INIT TIMESTAMP),
	IN_INIT("CIPHERS twice", -EBADMSG, INIT CIPHERS),
	IN_INIT("MODE twice", -EBADMSG, INIT MODE),
	IN_INIT("MTU twice", -EBADMSG, INIT MTU MTU),
	IN_INIT("CREDENTIALS twice", -EBADMSG, INIT CREDENTIALS CREDENTIALS),

	IN_INIT("unknown type", 0, INIT "\x08\0\x03\0abc"),
	IN_INIT("unknown type, empty", 0, INIT "\x08\0\0\0"),
	IN_INIT("unknown type twice", 0, INIT "\x08\0\x01\0a\x08\0\x01\0b"),
	IN_INIT("highest type that may be skipped", 0, INIT "\xff\x7f\x01\0a"),
	IN_INIT("unknown type with the top bit", -EOPNOTSUPP, INIT "\x08\x80\x01\0a"),
	IN_INIT("0x8000 is a type, not the end", -EOPNOTSUPP, INIT "\0\x80\0\0"),
	IN_INIT("a known type with the top bit is another", -EOPNOTSUPP, INIT "\x04\x80\x02\0\0\0"),
	IN_INIT("0x0100 is not 1", -EBADMSG, "\0\x01\x0c\0@timestamp12" CIPHERS MODE),
	IN_INIT("an empty value at the very end", 0, INIT "\x08\0\x0d\0thirteen byte\x05\0\0\0"),
	IN_INIT("what must be known at the very end", -EOPNOTSUPP,
		INIT "\x08\0\x0d\0thirteen byte\x08\x80\0\0"),
	IN_INIT("CONFIG is unknown in INIT", 0, INIT CONFIG CONFIG),
	IN_INIT("REJECT is unknown in INIT", 0, INIT REJECT REJECT),

	IN_INIT("a value past the end", -EBADMSG, INIT "\x08\0\xff\x0f"),
	IN_INIT("an unknown value past the end by one", -EBADMSG, INIT "\x08\0\x02\0a"),
	IN_INIT("one of 65535", -EBADMSG, INIT "\x08\0\xff\xff"),
	IN_INIT("3 bytes at the end, zeros", 0, INIT "\x08\0\x0e\0fourteen bytes"),
	IN_INIT("3 bytes at the end, not zeros", -EBADMSG,
		INIT "\x08\0\x0e\0fourteen bytes\0\0\x01"),
	IN_INIT("1 byte at the end, not zero", -EBADMSG, INIT "\x08\0\0\0\x01"),

	IN_RESP("RESP with what it must have", 0, RESP),
	IN_RESP("RESP with all", 0, RESP MTU CONFIG),
	IN_RESP("empty RESP", -EBADMSG, ""),
	IN_RESP("RESP without CIPHERS", -EBADMSG, MODE),
	IN_RESP("RESP without MODE", -EBADMSG, CIPHER),
	IN_RESP("RESP with two ciphers", -EBADMSG, MODE CIPHERS),
	IN_RESP("CONFIG of 0", 0, RESP "\x06\0\0\0"),
	IN_RESP("CONFIG twice", -EBADMSG, RESP CONFIG CONFIG),
	IN_RESP("unknown type in RESP", 0, RESP "\x08\0\x03\0abc"),
	IN_RESP("TIMESTAMP is unknown in RESP", 0, RESP TIMESTAMP TIMESTAMP),
	IN_RESP("CREDENTIALS are unknown in RESP", 0, RESP CREDENTIALS CREDENTIALS),
	IN_RESP("REJECT alone", 0, REJECT),
	IN_RESP("REJECT with MODE and MTU", 0, REJECT MODE MTU),
	IN_RESP("REJECT with CIPHERS", -EBADMSG, CIPHER REJECT),
	IN_RESP("REJECT with CONFIG", -EBADMSG, REJECT CONFIG),
	IN_RESP("REJECT of 1", -EBADMSG, "\x07\0\x01\0\x04"),
	IN_RESP("REJECT of 3", -EBADMSG, "\x07\0\x03\0\x04\0\0"),
	IN_RESP("REJECT twice", -EBADMSG, REJECT REJECT),
	IN_RESP("REJECT for a reason of the future", 0, "\x07\0\x02\0\xff\xff"),
};

KUNIT_ARRAY_PARAM_DESC(payload, payloads, name);

/* Memory of just this size, so that KASAN sees what is read or written past it */
static u8 *exactly(struct kunit *test, const void *bytes, size_t len, size_t padded)
{
	u8 *buf = kunit_kzalloc(test, padded, GFP_KERNEL);

	KUNIT_ASSERT_NOT_NULL(test, buf);
	memcpy(buf, bytes, len);
	return buf;
}

static int parse(struct kunit *test, const struct toyvpn_bytes *bytes,
		 enum toyvpn_tlv_message in, struct toyvpn_tlvs *tlvs)
{
	size_t padded = ALIGN(bytes->len, TOYVPN_TLV_ALIGN);

	return toyvpn_tlv_parse(exactly(test, bytes->data, bytes->len, padded), padded, in, tlvs);
}

static void payload_is_read_or_refused(struct kunit *test)
{
	const struct payload *payload = test->param_value;
	struct toyvpn_tlvs tlvs;

	KUNIT_EXPECT_EQ(test, payload->ret, parse(test, &payload->bytes, payload->in, &tlvs));
}

static void values_of_init(struct kunit *test)
{
	static const struct toyvpn_bytes bytes = TOYVPN_BYTES(INIT MTU CREDENTIALS CONFIG REJECT);
	struct toyvpn_tlvs tlvs;

	memset(&tlvs, 0xaa, sizeof(tlvs));
	KUNIT_ASSERT_EQ(test, 0, parse(test, &bytes, TOYVPN_TLV_INIT, &tlvs));
	KUNIT_EXPECT_MEMEQ(test, tlvs.timestamp, TIMESTAMP + 4, sizeof(tlvs.timestamp));
	KUNIT_EXPECT_EQ(test, tlvs.cipher_count, 2);
	KUNIT_EXPECT_MEMEQ(test, tlvs.ciphers, "\x02\x01", 2);
	KUNIT_EXPECT_EQ(test, tlvs.mode, 3);
	KUNIT_EXPECT_TRUE(test, tlvs.has_mtu);
	KUNIT_EXPECT_EQ(test, tlvs.mtu, 1420);
	KUNIT_EXPECT_EQ(test, tlvs.credentials_len, 4);
	KUNIT_EXPECT_MEMEQ(test, tlvs.credentials, "me:x", 4);
	KUNIT_EXPECT_NULL(test, tlvs.config);
	KUNIT_EXPECT_FALSE(test, tlvs.has_reject);
}

static void values_of_resp(struct kunit *test)
{
	static const struct toyvpn_bytes bytes = TOYVPN_BYTES(RESP CONFIG CREDENTIALS TIMESTAMP);
	struct toyvpn_tlvs tlvs;

	memset(&tlvs, 0xaa, sizeof(tlvs));
	KUNIT_ASSERT_EQ(test, 0, parse(test, &bytes, TOYVPN_TLV_RESP, &tlvs));
	KUNIT_EXPECT_EQ(test, tlvs.cipher_count, 1);
	KUNIT_EXPECT_EQ(test, tlvs.ciphers[0], 2);
	KUNIT_EXPECT_EQ(test, tlvs.mode, 3);
	KUNIT_EXPECT_FALSE(test, tlvs.has_mtu);
	KUNIT_EXPECT_FALSE(test, tlvs.has_reject);
	KUNIT_EXPECT_EQ(test, tlvs.config_len, 4);
	KUNIT_EXPECT_MEMEQ(test, tlvs.config, "conf", 4);
	KUNIT_EXPECT_NULL(test, tlvs.credentials);
	TOYVPN_EXPECT_ZEROS(test, tlvs.timestamp);
}

static void values_of_reject(struct kunit *test)
{
	static const struct toyvpn_bytes bytes = TOYVPN_BYTES(REJECT);
	struct toyvpn_tlvs tlvs;

	KUNIT_ASSERT_EQ(test, 0, parse(test, &bytes, TOYVPN_TLV_RESP, &tlvs));
	KUNIT_EXPECT_TRUE(test, tlvs.has_reject);
	KUNIT_EXPECT_EQ(test, tlvs.reject, TOYVPN_REJECT_FULL);
	KUNIT_EXPECT_EQ(test, tlvs.cipher_count, 0);
	KUNIT_EXPECT_NULL(test, tlvs.ciphers);
}

/* A payload of @len with one value of the type that makes it longest */
static int parse_long(struct kunit *test, enum toyvpn_tlv_message in, u8 type, size_t value)
{
	static const struct toyvpn_bytes init = TOYVPN_BYTES(INIT), resp = TOYVPN_BYTES(RESP);
	const struct toyvpn_bytes *least = in == TOYVPN_TLV_INIT ? &init : &resp;
	size_t padded = ALIGN(least->len + 4 + value, TOYVPN_TLV_ALIGN);
	u8 *buf = exactly(test, least->data, least->len, padded);
	struct toyvpn_tlvs tlvs;
	int ret;

	buf[least->len] = type;
	buf[least->len + 2] = value & 0xff;
	buf[least->len + 3] = value >> 8;
	memset(buf + least->len + 4, 'x', value);
	ret = toyvpn_tlv_parse(buf, padded, in, &tlvs);
	if (!ret)
		KUNIT_EXPECT_EQ(test, value, tlvs.credentials_len + tlvs.config_len);
	return ret;
}

static void longest_credentials(struct kunit *test)
{
	KUNIT_EXPECT_EQ(test, 0, parse_long(test, TOYVPN_TLV_INIT, 5, 256));
	KUNIT_EXPECT_EQ(test, -EBADMSG, parse_long(test, TOYVPN_TLV_INIT, 5, 257));
}

static void longest_config(struct kunit *test)
{
	KUNIT_EXPECT_EQ(test, 0, parse_long(test, TOYVPN_TLV_RESP, 6, 768));
	KUNIT_EXPECT_EQ(test, -EBADMSG, parse_long(test, TOYVPN_TLV_RESP, 6, 769));
}

/* N is a multiple of 16, at most 1024 */
static void lengths_of_the_payload(struct kunit *test)
{
	static const struct toyvpn_bytes init = TOYVPN_BYTES(INIT);
	struct toyvpn_tlvs tlvs;
	size_t len;
	u8 *buf = exactly(test, init.data, init.len, TOYVPN_TLV_ROOM + 16);

	for (len = 32; len <= TOYVPN_TLV_ROOM + 16; len++)
		KUNIT_EXPECT_EQ_MSG(test,
				    len % 16 || len > TOYVPN_TLV_ROOM ? -EBADMSG : 0,
				    toyvpn_tlv_parse(buf, len, TOYVPN_TLV_INIT, &tlvs),
				    "%zu bytes", len);
	KUNIT_EXPECT_EQ(test, -EBADMSG, toyvpn_tlv_parse(buf, 16, TOYVPN_TLV_INIT, &tlvs));
}

/* What the vector's INIT carries, opened by the room that seals it */
static size_t open_init(struct kunit *test, const struct toyvpn_vector *v, u8 *plain)
{
	const struct toyvpn_init *init = (const struct toyvpn_init *)v->init.data;
	size_t len = v->init.len - TOYVPN_INIT_MIN;
	struct toyvpn_noise_static s;
	struct toyvpn_noise *state;
	u8 rs[TOYVPN_NOISE_KEY_LEN], ss[TOYVPN_NOISE_KEY_LEN];

	state = kunit_kzalloc(test, sizeof(*state), GFP_KERNEL);
	KUNIT_ASSERT_NOT_NULL(test, state);
	KUNIT_ASSERT_EQ(test, 0, toyvpn_noise_set_static(&s, v->responder_static.data));
	KUNIT_ASSERT_EQ(test, 0, toyvpn_noise_read_init_static(state, &s, init->e, init->s, rs));
	KUNIT_ASSERT_EQ(test, 0, toyvpn_noise_dh(ss, s.private, rs));
	KUNIT_ASSERT_EQ(test, 0, toyvpn_noise_read_init_payload(state, ss, init->payload,
								len + TAG_LEN, plain));
	return len;
}

static size_t open_resp(struct kunit *test, const struct toyvpn_vector *v, u8 *plain)
{
	const struct toyvpn_resp *resp = (const struct toyvpn_resp *)v->resp.data;
	size_t len = v->resp.len - TOYVPN_RESP_MIN, init_len;
	u8 ss[TOYVPN_NOISE_KEY_LEN], e[TOYVPN_NOISE_KEY_LEN];
	u8 s_enc[TOYVPN_NOISE_KEY_LEN + TAG_LEN], *sealed;
	struct toyvpn_noise_static s;
	struct toyvpn_noise *state;

	state = kunit_kzalloc(test, sizeof(*state), GFP_KERNEL);
	sealed = kunit_kzalloc(test, TOYVPN_TLV_ROOM + TAG_LEN, GFP_KERNEL);
	KUNIT_ASSERT_NOT_NULL(test, state);
	KUNIT_ASSERT_NOT_NULL(test, sealed);
	init_len = open_init(test, v, plain);
	KUNIT_ASSERT_EQ(test, 0, toyvpn_noise_set_static(&s, v->initiator_static.data));
	KUNIT_ASSERT_EQ(test, 0,
			toyvpn_noise_dh(ss, s.private, v->responder_static_public.data));
	KUNIT_ASSERT_EQ(test, 0,
			toyvpn_noise_write_init(state, &s, v->responder_static_public.data, ss,
						v->initiator_ephemeral.data, e, s_enc, plain,
						init_len, sealed));
	KUNIT_ASSERT_EQ(test, 0, toyvpn_noise_read_resp(state, &s, v->psk.data, resp->e,
							resp->payload, len + TAG_LEN, plain));
	return len;
}

/* What is read of a payload and written again is the payload */
static void expect_written_alike(struct kunit *test, const struct toyvpn_tlvs *tlvs,
				 enum toyvpn_tlv_message in, const u8 *plain, size_t len)
{
	u8 *buf = kunit_kzalloc(test, len, GFP_KERNEL);

	KUNIT_ASSERT_NOT_NULL(test, buf);
	memset(buf, 0xaa, len);
	KUNIT_EXPECT_EQ(test, len, toyvpn_tlv_build(tlvs, in, buf, len));
	KUNIT_EXPECT_MEMEQ(test, buf, plain, len);
}

static void init_of_the_vectors(struct kunit *test)
{
	const struct toyvpn_vector *v = test->param_value;
	u8 *plain = kunit_kzalloc(test, TOYVPN_TLV_ROOM, GFP_KERNEL);
	struct toyvpn_tlvs tlvs;
	size_t len;

	KUNIT_ASSERT_NOT_NULL(test, plain);
	len = open_init(test, v, plain);
	KUNIT_ASSERT_EQ(test, 0, toyvpn_tlv_parse(plain, len, TOYVPN_TLV_INIT, &tlvs));
	TOYVPN_EXPECT_BYTES(test, tlvs.timestamp, v->timestamp);
	KUNIT_EXPECT_EQ(test, tlvs.cipher_count, v->initiator_ciphers.len);
	TOYVPN_EXPECT_BYTES(test, tlvs.ciphers, v->initiator_ciphers);
	KUNIT_EXPECT_EQ(test, tlvs.mode, v->mode);
	expect_written_alike(test, &tlvs, TOYVPN_TLV_INIT, plain, len);
}

static void resp_of_the_vectors(struct kunit *test)
{
	const struct toyvpn_vector *v = test->param_value;
	u8 *plain = kunit_kzalloc(test, TOYVPN_TLV_ROOM, GFP_KERNEL);
	struct toyvpn_tlvs tlvs;
	size_t len;

	KUNIT_ASSERT_NOT_NULL(test, plain);
	len = open_resp(test, v, plain);
	KUNIT_ASSERT_EQ(test, 0, toyvpn_tlv_parse(plain, len, TOYVPN_TLV_RESP, &tlvs));
	KUNIT_EXPECT_EQ(test, tlvs.cipher_count, 1);
	KUNIT_EXPECT_EQ(test, tlvs.ciphers[0], v->cipher);
	KUNIT_EXPECT_EQ(test, tlvs.mode, v->mode);
	expect_written_alike(test, &tlvs, TOYVPN_TLV_RESP, plain, len);
}

/* All that an INIT can say, at its longest */
static void fill_init(struct toyvpn_tlvs *tlvs)
{
	static const u8 ciphers[] = { 2, 1 };
	static const u8 credentials[TOYVPN_TLV_CREDENTIALS_MAX] = "me:x";

	*tlvs = (struct toyvpn_tlvs) {
		.timestamp = "12345678901",
		.ciphers = ciphers,
		.cipher_count = sizeof(ciphers),
		.mode = 2,
		.has_mtu = true,
		.mtu = 0x1234,
		.credentials = credentials,
		.credentials_len = sizeof(credentials),
	};
}

static void fill_resp(struct toyvpn_tlvs *tlvs)
{
	static const u8 config[TOYVPN_TLV_CONFIG_MAX] = "conf";
	static const u8 cipher = 1;

	*tlvs = (struct toyvpn_tlvs) {
		.ciphers = &cipher,
		.cipher_count = 1,
		.mode = 3,
		.config = config,
		.config_len = sizeof(config),
	};
}

static void room_of_a_payload(struct kunit *test)
{
	/* 16 + 6 + 5 + 6 + 260, filled up */
	const size_t needed = 304;
	struct toyvpn_tlvs tlvs, read;
	size_t room;
	u8 *buf;

	fill_init(&tlvs);
	for (room = 0; room <= needed + 32; room++) {
		buf = kunit_kmalloc(test, room, GFP_KERNEL);
		KUNIT_ASSERT_NOT_NULL(test, buf);
		if (room < needed) {
			KUNIT_EXPECT_EQ(test, -EMSGSIZE,
					toyvpn_tlv_build(&tlvs, TOYVPN_TLV_INIT, buf, room));
		} else {
			KUNIT_EXPECT_EQ(test, needed,
					toyvpn_tlv_build(&tlvs, TOYVPN_TLV_INIT, buf, room));
			KUNIT_EXPECT_EQ(test, 0,
					toyvpn_tlv_parse(buf, needed, TOYVPN_TLV_INIT, &read));
			KUNIT_EXPECT_EQ(test, read.mtu, tlvs.mtu);
			KUNIT_EXPECT_MEMEQ(test, read.credentials, tlvs.credentials, 256);
		}
		kunit_kfree(test, buf);
	}
}

/* However much room there is, a payload is no longer than the protocol allows */
static void no_more_than_1024(struct kunit *test)
{
	u8 *buf = kunit_kzalloc(test, 2 * TOYVPN_TLV_ROOM, GFP_KERNEL);
	static const u8 ciphers[TOYVPN_TLV_ROOM];
	struct toyvpn_tlvs tlvs;

	KUNIT_ASSERT_NOT_NULL(test, buf);
	fill_init(&tlvs);
	tlvs.ciphers = ciphers;
	tlvs.cipher_count = TOYVPN_TLV_ROOM - (16 + 4 + 5 + 6 + 260);
	KUNIT_EXPECT_EQ(test, TOYVPN_TLV_ROOM,
			toyvpn_tlv_build(&tlvs, TOYVPN_TLV_INIT, buf, 2 * TOYVPN_TLV_ROOM));
	tlvs.cipher_count++;
	KUNIT_EXPECT_EQ(test, -EMSGSIZE,
			toyvpn_tlv_build(&tlvs, TOYVPN_TLV_INIT, buf, 2 * TOYVPN_TLV_ROOM));
}

/* What a reader would refuse is not written */
static void init_that_is_not_written(struct kunit *test)
{
	u8 *buf = kunit_kzalloc(test, TOYVPN_TLV_ROOM, GFP_KERNEL);
	struct toyvpn_tlvs tlvs;

	KUNIT_ASSERT_NOT_NULL(test, buf);
#define EXPECT_EINVAL(change)							\
	do {									\
		fill_init(&tlvs);						\
		change;								\
		KUNIT_EXPECT_EQ(test, -EINVAL,					\
				toyvpn_tlv_build(&tlvs, TOYVPN_TLV_INIT, buf,	\
						 TOYVPN_TLV_ROOM));		\
	} while (0)
	EXPECT_EINVAL(tlvs.ciphers = NULL);
	EXPECT_EINVAL(tlvs.cipher_count = 0);
	EXPECT_EINVAL(tlvs.credentials_len++);
	EXPECT_EINVAL(tlvs.has_reject = true);
	EXPECT_EINVAL(tlvs.config = tlvs.ciphers);
#undef EXPECT_EINVAL
}

static void resp_that_is_not_written(struct kunit *test)
{
	u8 *buf = kunit_kzalloc(test, TOYVPN_TLV_ROOM, GFP_KERNEL);
	static const u8 two[] = { 1, 2 };
	struct toyvpn_tlvs tlvs;

	KUNIT_ASSERT_NOT_NULL(test, buf);
#define EXPECT_EINVAL(change)							\
	do {									\
		fill_resp(&tlvs);						\
		change;								\
		KUNIT_EXPECT_EQ(test, -EINVAL,					\
				toyvpn_tlv_build(&tlvs, TOYVPN_TLV_RESP, buf,	\
						 TOYVPN_TLV_ROOM));		\
	} while (0)
	EXPECT_EINVAL(tlvs.ciphers = NULL);
	EXPECT_EINVAL(tlvs.ciphers = two; tlvs.cipher_count = 2);
	EXPECT_EINVAL(tlvs.config_len++);
	EXPECT_EINVAL(tlvs.credentials = two; tlvs.credentials_len = 2);
	EXPECT_EINVAL(tlvs.has_reject = true);
	EXPECT_EINVAL(tlvs.has_reject = true; tlvs.config = NULL);
	EXPECT_EINVAL(tlvs.has_reject = true; tlvs.ciphers = NULL);
#undef EXPECT_EINVAL
}

static void reject_is_written(struct kunit *test)
{
	u8 *buf = kunit_kzalloc(test, TOYVPN_TLV_ROOM, GFP_KERNEL);
	struct toyvpn_tlvs tlvs = {
		.has_reject = true,
		.reject = TOYVPN_REJECT_NO_CIPHER,
		.mode = 3,
	};

	KUNIT_ASSERT_NOT_NULL(test, buf);
	KUNIT_EXPECT_EQ(test, 16, toyvpn_tlv_build(&tlvs, TOYVPN_TLV_RESP, buf, TOYVPN_TLV_ROOM));
	KUNIT_EXPECT_MEMEQ(test, buf, MODE "\x07\0\x02\0\x01\0\0\0\0\0\0", 16);
}

/*
 * Random bytes, and such that begin like TLVs: nothing outside the payload is
 * read, and what is accepted lies within it.
 */
static void random_payloads(struct kunit *test)
{
	unsigned int i, accepted = 0;
	struct toyvpn_tlvs tlvs;
	struct rnd_state rnd;

	toyvpn_test_seed(test, &rnd, 2);
	for (i = 0; i < 2000; i++) {
		enum toyvpn_tlv_message in = i % 2 ? TOYVPN_TLV_INIT : TOYVPN_TLV_RESP;
		size_t len = 16 * toyvpn_test_random(&rnd, 8), at = 0;
		u8 *buf = kunit_kmalloc(test, len, GFP_KERNEL);

		KUNIT_ASSERT_NOT_NULL(test, buf);
		prandom_bytes_state(&rnd, buf, len);
		while (at + 4 <= len) {
			buf[at] %= 9;
			buf[at + 1] = toyvpn_test_random(&rnd, 30) ? 0 : buf[at + 1];
			buf[at + 2] %= buf[at] == 1 ? 13 : 3;
			buf[at + 3] = 0;
			at += 4 + buf[at + 2];
		}
		if (!toyvpn_tlv_parse(buf, len, in, &tlvs)) {
			accepted++;
			KUNIT_EXPECT_TRUE(test, !tlvs.ciphers ||
					  (tlvs.ciphers >= buf + 4 &&
					   tlvs.ciphers + tlvs.cipher_count <= buf + len));
			KUNIT_EXPECT_TRUE(test, !tlvs.credentials ||
					  (tlvs.credentials >= buf + 4 &&
					   tlvs.credentials + tlvs.credentials_len <= buf + len));
			KUNIT_EXPECT_TRUE(test, !tlvs.config ||
					  (tlvs.config >= buf + 4 &&
					   tlvs.config + tlvs.config_len <= buf + len));
		}
		kunit_kfree(test, buf);
	}
	KUNIT_EXPECT_GT(test, accepted, 0);
	KUNIT_EXPECT_LT(test, accepted, 2000);
}

static struct kunit_case tlv_test_cases[] = {
	KUNIT_CASE_PARAM(payload_is_read_or_refused, payload_gen_params),
	KUNIT_CASE(values_of_init),
	KUNIT_CASE(values_of_resp),
	KUNIT_CASE(values_of_reject),
	KUNIT_CASE(longest_credentials),
	KUNIT_CASE(longest_config),
	KUNIT_CASE(lengths_of_the_payload),
	KUNIT_CASE_PARAM(init_of_the_vectors, vector_gen_params),
	KUNIT_CASE_PARAM(resp_of_the_vectors, vector_gen_params),
	KUNIT_CASE(room_of_a_payload),
	KUNIT_CASE(no_more_than_1024),
	KUNIT_CASE(init_that_is_not_written),
	KUNIT_CASE(resp_that_is_not_written),
	KUNIT_CASE(reject_is_written),
	KUNIT_CASE(random_payloads),
	{}
};

static struct kunit_suite tlv_test_suite = {
	.name = "toyvpn_tlv",
	.test_cases = tlv_test_cases,
};

kunit_test_suite(tlv_test_suite);
