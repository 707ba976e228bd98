/* SPDX-License-Identifier: GPL-2.0 */
/* What the KUnit suites share */
#ifndef TOYVPN_TESTS_H
#define TOYVPN_TESTS_H

#include <kunit/test.h>
#include <linux/prandom.h>
#include <linux/types.h>

/* A string of bytes of known length, as vectors.h has them */
struct toyvpn_bytes {
	const u8 *data;
	size_t len;
};

#define TOYVPN_BYTES(literal)	{ (const u8 *)(literal), sizeof(literal) - 1 }

/* A data message and what is in it */
struct toyvpn_vector_data {
	u64 counter;
	struct toyvpn_bytes plaintext;
	struct toyvpn_bytes message;
};

/* A handshake of selftests/vectors/protocol-v1.json, the fields as they are named there */
struct toyvpn_vector {
	const char *name;
	struct toyvpn_bytes initiator_static;
	struct toyvpn_bytes initiator_static_public;
	struct toyvpn_bytes initiator_ephemeral;
	struct toyvpn_bytes responder_static;
	struct toyvpn_bytes responder_static_public;
	struct toyvpn_bytes responder_ephemeral;
	struct toyvpn_bytes psk;
	struct toyvpn_bytes timestamp;
	struct toyvpn_bytes initiator_ciphers;
	struct toyvpn_bytes init;
	struct toyvpn_bytes resp;
	struct toyvpn_bytes cookie_value;
	struct toyvpn_bytes cookie_message;
	struct toyvpn_bytes init_with_mac2;
	struct toyvpn_bytes handshake_hash;
	struct toyvpn_bytes initiator_send_key;
	struct toyvpn_bytes initiator_receive_key;
	u32 initiator_index;
	u32 responder_index;
	u8 mode;
	u8 cipher;
	struct toyvpn_vector_data initiator_data[3];
};

/* The handshake of selftests/vectors/noise-ikpsk2.json, and what travels after it */
struct toyvpn_noise_vector {
	struct toyvpn_bytes psk;
	struct toyvpn_bytes initiator_static;
	struct toyvpn_bytes initiator_ephemeral;
	struct toyvpn_bytes responder_static;
	struct toyvpn_bytes responder_static_public;
	struct toyvpn_bytes responder_ephemeral;
	struct {
		struct toyvpn_bytes payload;
		struct toyvpn_bytes ciphertext;
	} messages[6];
};

/* Passed if @actual, which has at least as many bytes, begins with @bytes */
#define TOYVPN_EXPECT_BYTES(test, actual, bytes)				\
	do {									\
		const struct toyvpn_bytes *__bytes = &(bytes);			\
										\
		KUNIT_EXPECT_MEMEQ(test, actual, __bytes->data, __bytes->len);	\
	} while (0)

/* Passed if all bytes of @object, an array or a struct, are zeros */
#define TOYVPN_EXPECT_ZEROS(test, object)					\
	KUNIT_EXPECT_NULL(test, memchr_inv(&(object), 0, sizeof(object)))

/* A test's own random numbers: the same ones in each run, and the report says which */
static inline void toyvpn_test_seed(struct kunit *test, struct rnd_state *rnd, u64 seed)
{
	kunit_info(test, "seed %llu\n", seed);
	prandom_seed_state(rnd, seed);
}

/* One of 0 to @ceiling - 1 */
static inline u32 toyvpn_test_random(struct rnd_state *rnd, u32 ceiling)
{
	return prandom_u32_state(rnd) % ceiling;
}

void toyvpn_test_threads(struct kunit *test, unsigned int n, void (*fn)(void *arg), void *arg);

#endif /* TOYVPN_TESTS_H */
