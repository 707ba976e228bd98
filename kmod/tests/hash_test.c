// SPDX-License-Identifier: GPL-2.0
/* hash.c against the vectors of FIPS 180-4, RFC 4231 and RFC 5869 */
#include <linux/jiffies.h>
#include <linux/string.h>

#include "../compat.h"
#include "../hash.h"
#include "tests.h"

struct hash_case {
	const char *name;
	struct toyvpn_bytes message;
	struct toyvpn_bytes digest;
};

static const struct hash_case sha256_cases[] = {
	{
		.name = "empty",
		.message = TOYVPN_BYTES(""),
		.digest = TOYVPN_BYTES("\xe3\xb0\xc4\x42\x98\xfc\x1c\x14"
				       "\x9a\xfb\xf4\xc8\x99\x6f\xb9\x24"
				       "\x27\xae\x41\xe4\x64\x9b\x93\x4c"
				       "\xa4\x95\x99\x1b\x78\x52\xb8\x55"),
	}, {
		.name = "one block",
		.message = TOYVPN_BYTES("abc"),
		.digest = TOYVPN_BYTES("\xba\x78\x16\xbf\x8f\x01\xcf\xea"
				       "\x41\x41\x40\xde\x5d\xae\x22\x23"
				       "\xb0\x03\x61\xa3\x96\x17\x7a\x9c"
				       "\xb4\x10\xff\x61\xf2\x00\x15\xad"),
	}, {
		.name = "two blocks",
		.message = TOYVPN_BYTES("abcdbcdecdefdefgefghfghighijhijkijkljklmklmnlmnomnopnopq"),
		.digest = TOYVPN_BYTES("\x24\x8d\x6a\x61\xd2\x06\x38\xb8"
				       "\xe5\xc0\x26\x93\x0c\x3e\x60\x39"
				       "\xa3\x3c\xe4\x59\x64\xff\x21\x67"
				       "\xf6\xec\xed\xd4\x19\xdb\x06\xc1"),
	},
};

KUNIT_ARRAY_PARAM_DESC(sha256, sha256_cases, name);

static const u8 eleven[22] = { [0 ... 21] = 0x0b };
static const u8 aa[131] = { [0 ... 130] = 0xaa };
static const u8 dd[50] = { [0 ... 49] = 0xdd };

struct hmac_case {
	const char *name;
	struct toyvpn_bytes key;
	struct toyvpn_bytes message;
	struct toyvpn_bytes digest;
};

static const struct hmac_case hmac_cases[] = {
	{
		.name = "RFC 4231 case 1",
		.key = { eleven, 20 },
		.message = TOYVPN_BYTES("Hi There"),
		.digest = TOYVPN_BYTES("\xb0\x34\x4c\x61\xd8\xdb\x38\x53"
				       "\x5c\xa8\xaf\xce\xaf\x0b\xf1\x2b"
				       "\x88\x1d\xc2\x00\xc9\x83\x3d\xa7"
				       "\x26\xe9\x37\x6c\x2e\x32\xcf\xf7"),
	}, {
		.name = "RFC 4231 case 2",
		.key = TOYVPN_BYTES("Jefe"),
		.message = TOYVPN_BYTES("what do ya want for nothing?"),
		.digest = TOYVPN_BYTES("\x5b\xdc\xc1\x46\xbf\x60\x75\x4e"
				       "\x6a\x04\x24\x26\x08\x95\x75\xc7"
				       "\x5a\x00\x3f\x08\x9d\x27\x39\x83"
				       "\x9d\xec\x58\xb9\x64\xec\x38\x43"),
	}, {
		.name = "RFC 4231 case 3",
		.key = { aa, 20 },
		.message = { dd, 50 },
		.digest = TOYVPN_BYTES("\x77\x3e\xa9\x1e\x36\x80\x0e\x46"
				       "\x85\x4d\xb8\xeb\xd0\x91\x81\xa7"
				       "\x29\x59\x09\x8b\x3e\xf8\xc1\x22"
				       "\xd9\x63\x55\x14\xce\xd5\x65\xfe"),
	}, {
		.name = "RFC 4231 case 6, a key of more than a block",
		.key = { aa, 131 },
		.message = TOYVPN_BYTES("Test Using Larger Than Block-Size Key - Hash Key First"),
		.digest = TOYVPN_BYTES("\x60\xe4\x31\x59\x1e\xe0\xb6\x7f"
				       "\x0d\x8a\x26\xaa\xcb\xf5\xb7\x7f"
				       "\x8e\x0b\xc6\x21\x37\x28\xc5\x14"
				       "\x05\x46\x04\x0f\x0e\xe3\x7f\x54"),
	},
};

KUNIT_ARRAY_PARAM_DESC(hmac, hmac_cases, name);

/* RFC 5869, case 3: its salt is as long as none at all, 32 zeros, which a chaining key may be */
static const struct toyvpn_bytes hkdf_ikm = { eleven, 22 };
static const struct toyvpn_bytes hkdf_okm =
	TOYVPN_BYTES("\x8d\xa4\xe7\x75\xa5\x63\xc1\x8f\x71\x5f\x80\x2a\x06\x3c\x5a\x31"
		     "\xb8\xa1\x1f\x5c\x5e\xe1\x87\x9e\xc3\x45\x4e\x5f\x3c\x73\x8d\x2d"
		     "\x9d\x20\x13\x95\xfa\xa4\xb6\x1a\x96\xc8");
static const struct toyvpn_bytes hkdf_prk =
	TOYVPN_BYTES("\x19\xef\x24\xa3\x2c\x71\x7b\x16\x7f\x33\xa9\x1d\x6f\x64\x8b\xdf"
		     "\x96\x59\x67\x76\xaf\xdb\x63\x77\xac\x43\x4c\x1c\x29\x3c\xcb\x04");

static const u8 zeros[TOYVPN_HASH_LEN];

/* However a message is cut in two, its digest is the same */
static void sha256_of_any_two_parts(struct kunit *test)
{
	const struct hash_case *c = test->param_value;
	u8 out[TOYVPN_HASH_LEN];
	size_t cut;

	for (cut = 0; cut <= c->message.len; cut++) {
		memset(out, 0, sizeof(out));
		KUNIT_EXPECT_EQ(test, 0, toyvpn_sha256(out, c->message.data, cut,
						       c->message.data + cut,
						       c->message.len - cut));
		TOYVPN_EXPECT_BYTES(test, out, c->digest);
	}
}

static void sha256_in_place(struct kunit *test)
{
	u8 a[TOYVPN_HASH_LEN] = "in place", out[TOYVPN_HASH_LEN];

	KUNIT_EXPECT_EQ(test, 0, toyvpn_sha256(out, a, sizeof(a), "b", 1));
	KUNIT_EXPECT_EQ(test, 0, toyvpn_sha256(a, a, sizeof(a), "b", 1));
	KUNIT_EXPECT_MEMEQ(test, a, out, sizeof(out));
}

static void hmac_of_any_two_parts(struct kunit *test)
{
	const struct hmac_case *c = test->param_value;
	u8 out[TOYVPN_HASH_LEN];
	size_t cut;

	for (cut = 0; cut <= c->message.len; cut++) {
		memset(out, 0, sizeof(out));
		KUNIT_EXPECT_EQ(test, 0, toyvpn_hmac_sha256(out, c->key.data, c->key.len,
							    c->message.data, cut,
							    c->message.data + cut,
							    c->message.len - cut));
		TOYVPN_EXPECT_BYTES(test, out, c->digest);
	}
}

static void hmac_in_place(struct kunit *test)
{
	u8 key[TOYVPN_HASH_LEN] = "in place", out[TOYVPN_HASH_LEN];

	KUNIT_EXPECT_EQ(test, 0, toyvpn_hmac_sha256(out, key, sizeof(key), "a", 1, NULL, 0));
	KUNIT_EXPECT_EQ(test, 0, toyvpn_hmac_sha256(key, key, sizeof(key), "a", 1, NULL, 0));
	KUNIT_EXPECT_MEMEQ(test, key, out, sizeof(out));
}

/* A key that stays gives the same, again and again, whatever comes in between */
static void mac_with_a_key_that_stays(struct kunit *test)
{
	const struct hmac_case *c = test->param_value;
	u8 out[TOYVPN_HASH_LEN], other[TOYVPN_HASH_LEN];
	struct toyvpn_mac mac;
	unsigned int i;

	KUNIT_ASSERT_EQ(test, 0, toyvpn_mac_init(&mac, c->key.data, c->key.len));
	for (i = 0; i < 3; i++) {
		memset(out, 0, sizeof(out));
		KUNIT_EXPECT_EQ(test, 0, toyvpn_mac_digest(&mac, out, c->message.data,
							   c->message.len));
		TOYVPN_EXPECT_BYTES(test, out, c->digest);
		KUNIT_EXPECT_EQ(test, 0, toyvpn_hmac_sha256(other, "other", 5, out, sizeof(out),
							    NULL, 0));
		KUNIT_EXPECT_EQ(test, 0, toyvpn_mac_digest(&mac, other, "other", 5));
	}
	toyvpn_mac_destroy(&mac);
}

static void hkdf_of_rfc_5869(struct kunit *test)
{
	u8 okm[2][TOYVPN_HASH_LEN];
	u8 *const out[] = { okm[0], okm[1] };

	KUNIT_EXPECT_EQ(test, 0, toyvpn_hkdf(out, 2, zeros, hkdf_ikm.data, hkdf_ikm.len));
	TOYVPN_EXPECT_BYTES(test, okm[0], hkdf_okm);
}

/* T(3) = HMAC(PRK, T(2) || 3), which no vector of the RFC reaches */
static void hkdf_has_a_third_output(struct kunit *test)
{
	u8 okm[3][TOYVPN_HASH_LEN], third[TOYVPN_HASH_LEN];
	u8 *const out[] = { okm[0], okm[1], okm[2] };

	KUNIT_EXPECT_EQ(test, 0, toyvpn_hkdf(out, 3, zeros, hkdf_ikm.data, hkdf_ikm.len));
	TOYVPN_EXPECT_BYTES(test, okm[0], hkdf_okm);
	KUNIT_EXPECT_EQ(test, 0, toyvpn_hmac_sha256(third, hkdf_prk.data, hkdf_prk.len,
						    okm[1], sizeof(okm[1]), "\x03", 1));
	KUNIT_EXPECT_MEMEQ(test, okm[2], third, sizeof(third));
}

static void hkdf_writes_what_is_asked_for(struct kunit *test)
{
	u8 okm[2][TOYVPN_HASH_LEN] = {};
	u8 *const out[] = { okm[0], okm[1] };

	KUNIT_EXPECT_EQ(test, 0, toyvpn_hkdf(out, 1, zeros, hkdf_ikm.data, hkdf_ikm.len));
	KUNIT_EXPECT_MEMEQ(test, okm[0], hkdf_okm.data, TOYVPN_HASH_LEN);
	TOYVPN_EXPECT_ZEROS(test, okm[1]);
}

/* MixKey() and Split() put the output where the input was */
static void hkdf_in_place(struct kunit *test)
{
	u8 ck[TOYVPN_HASH_LEN] = "chaining key", ikm[TOYVPN_HASH_LEN] = "input";
	u8 okm[2][TOYVPN_HASH_LEN];
	u8 *const out[] = { okm[0], okm[1] };
	u8 *const same[] = { ck, ikm };

	KUNIT_EXPECT_EQ(test, 0, toyvpn_hkdf(out, 2, ck, ikm, sizeof(ikm)));
	KUNIT_EXPECT_EQ(test, 0, toyvpn_hkdf(same, 2, ck, ikm, sizeof(ikm)));
	KUNIT_EXPECT_MEMEQ(test, ck, okm[0], sizeof(ck));
	KUNIT_EXPECT_MEMEQ(test, ikm, okm[1], sizeof(ikm));
}

/* Input key material may be empty: Split() has none */
static void hkdf_of_nothing(struct kunit *test)
{
	u8 okm[TOYVPN_HASH_LEN], prk[TOYVPN_HASH_LEN], first[TOYVPN_HASH_LEN];
	u8 *const out[] = { okm };

	KUNIT_EXPECT_EQ(test, 0, toyvpn_hkdf(out, 1, hkdf_prk.data, NULL, 0));
	KUNIT_EXPECT_EQ(test, 0, toyvpn_hmac_sha256(prk, hkdf_prk.data, hkdf_prk.len,
						    NULL, 0, NULL, 0));
	KUNIT_EXPECT_EQ(test, 0, toyvpn_hmac_sha256(first, prk, sizeof(prk), "\x01", 1, NULL, 0));
	KUNIT_EXPECT_MEMEQ(test, okm, first, sizeof(first));
}

#define SOFTIRQS	20

struct interrupted {
	struct timer_list timer;
	unsigned int runs;
	unsigned int wrong;
	atomic_t wrong_in_threads;
};

static bool jefe_is_right(void)
{
	u8 out[TOYVPN_HASH_LEN];

	return !toyvpn_hmac_sha256(out, "Jefe", 4, "what do ya want ", 16, "for nothing?", 12) &&
	       !memcmp(out, hmac_cases[1].digest.data, sizeof(out));
}

static void interrupt(struct timer_list *timer)
{
	struct interrupted *i = timer_container_of(i, timer, timer);

	if (!jefe_is_right())
		i->wrong++;
	WRITE_ONCE(i->runs, i->runs + 1);
	if (i->runs < SOFTIRQS)
		mod_timer(timer, jiffies + 1);
}

static void digest_while_interrupted(void *arg)
{
	struct interrupted *i = arg;

	while (READ_ONCE(i->runs) < SOFTIRQS) {
		if (!jefe_is_right())
			atomic_inc(&i->wrong_in_threads);
		cond_resched();
	}
}

/* The transforms of a CPU are shared by who is interrupted and who interrupts */
static void hmac_in_softirqs_and_threads(struct kunit *test)
{
	struct interrupted *i = kunit_kzalloc(test, sizeof(*i), GFP_KERNEL);

	KUNIT_ASSERT_NOT_NULL(test, i);
	timer_setup(&i->timer, interrupt, 0);
	mod_timer(&i->timer, jiffies + 1);
	toyvpn_test_threads(test, 3, digest_while_interrupted, i);
	timer_shutdown_sync(&i->timer);
	KUNIT_EXPECT_EQ(test, i->wrong, 0);
	KUNIT_EXPECT_EQ(test, atomic_read(&i->wrong_in_threads), 0);
}

static struct kunit_case hash_test_cases[] = {
	KUNIT_CASE_PARAM(sha256_of_any_two_parts, sha256_gen_params),
	KUNIT_CASE(sha256_in_place),
	KUNIT_CASE_PARAM(hmac_of_any_two_parts, hmac_gen_params),
	KUNIT_CASE(hmac_in_place),
	KUNIT_CASE_PARAM(mac_with_a_key_that_stays, hmac_gen_params),
	KUNIT_CASE(hkdf_of_rfc_5869),
	KUNIT_CASE(hkdf_has_a_third_output),
	KUNIT_CASE(hkdf_writes_what_is_asked_for),
	KUNIT_CASE(hkdf_in_place),
	KUNIT_CASE(hkdf_of_nothing),
	KUNIT_CASE(hmac_in_softirqs_and_threads),
	{}
};

static struct kunit_suite hash_test_suite = {
	.name = "toyvpn_hash",
	.test_cases = hash_test_cases,
};

kunit_test_suite(hash_test_suite);
