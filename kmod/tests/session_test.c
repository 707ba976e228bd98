// SPDX-License-Identifier: GPL-2.0
/* session.c: limits in time and messages, nonces and keys against the vectors, ids */
#include <crypto/aead.h>
#include <linux/crypto.h>
#include <linux/rcupdate.h>
#include <linux/rhashtable.h>
#include <linux/scatterlist.h>
#include <linux/string.h>
#include <uapi/linux/toyvpn.h>

#include "../message.h"
#include "../session.h"
#include "vectors.h"

KUNIT_ARRAY_PARAM_DESC(vector, toyvpn_vectors, name);

#define NOW	(1000 * (u64)NSEC_PER_SEC)

/* A session of the vector, as its initiator has it, born just now */
static int session_test_init(struct kunit *test)
{
	const struct toyvpn_vector *v = test->param_value ?: toyvpn_vectors;
	struct toyvpn_session *session;

	session = toyvpn_session_new(v->cipher, true, cpu_to_le32(v->responder_index),
				     v->initiator_send_key.data, v->initiator_receive_key.data);
	if (IS_ERR(session))
		return PTR_ERR(session);
	session->birth = NOW;
	test->priv = session;
	return 0;
}

static void session_test_exit(struct kunit *test)
{
	toyvpn_session_put(test->priv);
}

static void new_session(struct kunit *test)
{
	struct toyvpn_session *session = test->priv;
	u64 first;

	KUNIT_EXPECT_TRUE(test, session->id.is_session);
	KUNIT_EXPECT_EQ(test, session->id.index, 0);
	KUNIT_EXPECT_TRUE(test, toyvpn_session_alive(session, NOW));
	KUNIT_EXPECT_FALSE(test, toyvpn_session_wants_rekey(session, NOW));
	/* The counters of both directions begin with 0 */
	KUNIT_EXPECT_EQ(test, 0, toyvpn_session_reserve(session, 1, &first));
	KUNIT_EXPECT_EQ(test, first, 0);
	KUNIT_EXPECT_EQ(test, session->replay.next, 0);
}

static void rekey_after_time(struct kunit *test)
{
	struct toyvpn_session *session = test->priv;

	KUNIT_EXPECT_FALSE(test, toyvpn_session_wants_rekey(session, NOW + 120 * NSEC_PER_SEC - 1));
	KUNIT_EXPECT_TRUE(test, toyvpn_session_wants_rekey(session, NOW + 120 * NSEC_PER_SEC));
}

/* Its time is the initiator's matter */
static void responder_does_not_rekey_after_time(struct kunit *test)
{
	struct toyvpn_session *session = test->priv;

	session->initiator = false;
	KUNIT_EXPECT_FALSE(test, toyvpn_session_wants_rekey(session, NOW + 179 * NSEC_PER_SEC));
}

/* Unless it may be waiting for us to renew another one */
static void responder_rekeys_what_crossed(struct kunit *test)
{
	struct toyvpn_session *session = test->priv;

	session->initiator = false;
	session->crossed = 1;
	KUNIT_EXPECT_FALSE(test, toyvpn_session_wants_rekey(session, NOW + 140 * NSEC_PER_SEC - 1));
	KUNIT_EXPECT_TRUE(test, toyvpn_session_wants_rekey(session, NOW + 140 * NSEC_PER_SEC));
}

static void reject_after_time(struct kunit *test)
{
	struct toyvpn_session *session = test->priv;

	KUNIT_EXPECT_TRUE(test, toyvpn_session_alive(session, NOW + 180 * NSEC_PER_SEC - 1));
	KUNIT_EXPECT_FALSE(test, toyvpn_session_alive(session, NOW + 180 * NSEC_PER_SEC));
	KUNIT_EXPECT_FALSE(test, toyvpn_session_alive(session, NOW + 100000 * NSEC_PER_SEC));
}

/* Who looks may have read the clock before it was made */
static void younger_than_the_time(struct kunit *test)
{
	struct toyvpn_session *session = test->priv;

	KUNIT_EXPECT_TRUE(test, toyvpn_session_alive(session, NOW - 1));
	KUNIT_EXPECT_FALSE(test, toyvpn_session_wants_rekey(session, NOW - 1));
}

static void rekey_after_messages_sent(struct kunit *test)
{
	struct toyvpn_session *session = test->priv;
	u64 first;

	atomic64_set(&session->counter, (1LL << 30) - 1);
	KUNIT_EXPECT_FALSE(test, toyvpn_session_wants_rekey(session, NOW));
	KUNIT_EXPECT_EQ(test, 0, toyvpn_session_reserve(session, 1, &first));
	KUNIT_EXPECT_TRUE(test, toyvpn_session_wants_rekey(session, NOW));
	/* Either side, whoever made it */
	session->initiator = false;
	KUNIT_EXPECT_TRUE(test, toyvpn_session_wants_rekey(session, NOW));
	KUNIT_EXPECT_TRUE(test, toyvpn_session_alive(session, NOW));
}

static void rekey_after_messages_received(struct kunit *test)
{
	struct toyvpn_session *session = test->priv;

	session->initiator = false;
	local_bh_disable();
	toyvpn_replay_mark(&session->replay, (1ULL << 30) - 2);
	local_bh_enable();
	KUNIT_EXPECT_FALSE(test, toyvpn_session_wants_rekey(session, NOW));
	local_bh_disable();
	toyvpn_replay_mark(&session->replay, (1ULL << 30) - 1);
	local_bh_enable();
	KUNIT_EXPECT_TRUE(test, toyvpn_session_wants_rekey(session, NOW));
}

static void reject_after_messages(struct kunit *test)
{
	struct toyvpn_session *session = test->priv;
	u64 first;

	atomic64_set(&session->counter, (1LL << 31) - 1);
	KUNIT_EXPECT_TRUE(test, toyvpn_session_alive(session, NOW));
	KUNIT_EXPECT_EQ(test, 0, toyvpn_session_reserve(session, 1, &first));
	KUNIT_EXPECT_EQ(test, first, (1ULL << 31) - 1);
	KUNIT_EXPECT_FALSE(test, toyvpn_session_alive(session, NOW));
	KUNIT_EXPECT_EQ(test, -EKEYEXPIRED, toyvpn_session_reserve(session, 1, &first));
}

/* A batch that would go past the last counter gets none */
static void batch_past_the_last_counter(struct kunit *test)
{
	struct toyvpn_session *session = test->priv;
	u64 first;

	atomic64_set(&session->counter, (1LL << 31) - 10);
	KUNIT_EXPECT_EQ(test, -EKEYEXPIRED, toyvpn_session_reserve(session, 11, &first));
	KUNIT_EXPECT_FALSE(test, toyvpn_session_alive(session, NOW));
	atomic64_set(&session->counter, (1LL << 31) - 10);
	KUNIT_EXPECT_EQ(test, 0, toyvpn_session_reserve(session, 10, &first));
	KUNIT_EXPECT_EQ(test, first, (1ULL << 31) - 10);
}

/* No counter is ever given twice, whatever was refused */
static void counters_follow_each_other(struct kunit *test)
{
	struct toyvpn_session *session = test->priv;
	u64 first, expected = 0;
	unsigned int n;

	for (n = 1; n < 50; n++) {
		KUNIT_EXPECT_EQ(test, 0, toyvpn_session_reserve(session, n, &first));
		KUNIT_EXPECT_EQ(test, first, expected);
		expected += n;
	}
}

static void nonce_of_aes(struct kunit *test)
{
	u8 nonce[TOYVPN_NONCE_LEN];

	toyvpn_session_nonce(0x0102030405060708, nonce);
	KUNIT_EXPECT_MEMEQ(test, nonce, "\0\0\0\0\x01\x02\x03\x04\x05\x06\x07\x08", sizeof(nonce));
}

/* One data message through a session, in place; @len is without the tag */
static int crypt(struct kunit *test, struct toyvpn_session *session, bool encrypt, u64 counter,
		 u8 *message, size_t len)
{
	struct crypto_aead *aead = encrypt ? session->send : session->receive;
	struct toyvpn_data *data = (struct toyvpn_data *)message;
	struct aead_request *request;
	u8 nonce[TOYVPN_NONCE_LEN];
	DECLARE_CRYPTO_WAIT(wait);
	struct scatterlist sg;
	int ret;

	if (!aead && !encrypt)
		return toyvpn_session_open(session, data->encrypted, data, len + TOYVPN_TAG_LEN,
					   counter);
	if (!aead) {
		toyvpn_session_seal(session, data, len, counter);
		return 0;
	}
	request = aead_request_alloc(aead, GFP_KERNEL);
	KUNIT_ASSERT_NOT_NULL(test, request);
	toyvpn_session_nonce(counter, nonce);
	sg_init_one(&sg, message, sizeof(struct toyvpn_data) + len + TOYVPN_TAG_LEN);
	aead_request_set_callback(request, CRYPTO_TFM_REQ_MAY_BACKLOG | CRYPTO_TFM_REQ_MAY_SLEEP,
				  crypto_req_done, &wait);
	aead_request_set_ad(request, sizeof(struct toyvpn_data));
	aead_request_set_crypt(request, &sg, &sg, len + (encrypt ? 0 : TOYVPN_TAG_LEN), nonce);
	ret = crypto_wait_req(encrypt ? crypto_aead_encrypt(request) : crypto_aead_decrypt(request),
			      &wait);
	aead_request_free(request);
	return ret;
}

static void data_of_the_vectors_is_sealed(struct kunit *test)
{
	const struct toyvpn_vector *v = test->param_value;
	struct toyvpn_session *session = test->priv;
	unsigned int i;

	for (i = 0; i < ARRAY_SIZE(v->initiator_data); i++) {
		const struct toyvpn_vector_data *data = &v->initiator_data[i];
		u8 *message = kunit_kzalloc(test, data->message.len, GFP_KERNEL);
		struct toyvpn_data *header = (struct toyvpn_data *)message;

		KUNIT_ASSERT_NOT_NULL(test, message);
		header->header.type = TOYVPN_MESSAGE_DATA;
		header->header.version = TOYVPN_VERSION;
		header->header.index = session->remote;
		header->counter = cpu_to_le64(data->counter);
		memcpy(header->encrypted, data->plaintext.data, data->plaintext.len);
		KUNIT_EXPECT_EQ(test, 0, crypt(test, session, true, data->counter, message,
					       data->plaintext.len));
		TOYVPN_EXPECT_BYTES(test, message, data->message);
	}
}

/* The other side's session receives with the key that we send with */
static void data_of_the_vectors_is_opened(struct kunit *test)
{
	const struct toyvpn_vector *v = test->param_value;
	struct toyvpn_session *session;
	unsigned int i;

	session = toyvpn_session_new(v->cipher, false, cpu_to_le32(v->initiator_index),
				     v->initiator_receive_key.data, v->initiator_send_key.data);
	KUNIT_ASSERT_NOT_ERR_OR_NULL(test, session);
	for (i = 0; i < ARRAY_SIZE(v->initiator_data); i++) {
		const struct toyvpn_vector_data *data = &v->initiator_data[i];
		u8 *message = kunit_kmalloc(test, data->message.len, GFP_KERNEL);

		KUNIT_EXPECT_NOT_NULL(test, message);
		if (!message)
			break;
		memcpy(message, data->message.data, data->message.len);
		KUNIT_EXPECT_EQ(test, 0, crypt(test, session, false, data->counter,
					       message, data->plaintext.len));
		TOYVPN_EXPECT_BYTES(test, message + sizeof(struct toyvpn_data), data->plaintext);
		/* The header is authenticated, and so is the counter */
		memcpy(message, data->message.data, data->message.len);
		message[4] ^= 1;
		KUNIT_EXPECT_EQ(test, -EBADMSG, crypt(test, session, false, data->counter,
						      message, data->plaintext.len));
		memcpy(message, data->message.data, data->message.len);
		KUNIT_EXPECT_EQ(test, -EBADMSG, crypt(test, session, false,
						      data->counter + 1, message,
						      data->plaintext.len));
	}
	toyvpn_session_put(session);
}

static void reference_to_a_session_that_ends(struct kunit *test)
{
	struct toyvpn_session *session;
	bool first, second;

	session = toyvpn_session_new(TOYVPN_CIPHER_CHACHA20_POLY1305, true, 0,
				     toyvpn_vectors[0].psk.data, toyvpn_vectors[0].psk.data);
	KUNIT_ASSERT_NOT_ERR_OR_NULL(test, session);
	rcu_read_lock();
	first = toyvpn_session_get(session);
	toyvpn_session_put(session);
	toyvpn_session_put(session);
	second = toyvpn_session_get(session);
	rcu_read_unlock();
	KUNIT_EXPECT_TRUE(test, first);
	KUNIT_EXPECT_FALSE(test, second);
	toyvpn_session_put(NULL);
}

static void ciphers_that_are_known(struct kunit *test)
{
	unsigned int cipher;

	for (cipher = 0; cipher < 256; cipher++)
		KUNIT_EXPECT_EQ(test, toyvpn_cipher_known(cipher), cipher == 1 || cipher == 2);
}

static void ciphers_by_default(struct kunit *test)
{
	u8 ciphers[TOYVPN_CIPHERS_MAX];

	KUNIT_ASSERT_EQ(test, 2, toyvpn_ciphers_default(ciphers));
	KUNIT_EXPECT_EQ(test, ciphers[0] + ciphers[1], 3);
	KUNIT_EXPECT_NE(test, ciphers[0], 0);
	KUNIT_EXPECT_NE(test, ciphers[1], 0);
}

#define IDS	500

/* Found under RCU, as on the packet path; compared only */
static struct toyvpn_id *find(struct rhashtable *ids, u32 index)
{
	struct toyvpn_id *id;

	rcu_read_lock();
	id = toyvpn_id_find(ids, index);
	rcu_read_unlock();
	return id;
}

static struct rhashtable *new_ids(struct kunit *test)
{
	struct rhashtable *ids = kunit_kzalloc(test, sizeof(*ids), GFP_KERNEL);

	KUNIT_ASSERT_NOT_NULL(test, ids);
	KUNIT_ASSERT_EQ(test, 0, toyvpn_ids_init(ids));
	return ids;
}

static void ids_are_found(struct kunit *test)
{
	struct toyvpn_id *id = kunit_kcalloc(test, IDS, sizeof(*id), GFP_KERNEL);
	struct rhashtable *ids = new_ids(test);
	unsigned int i;

	KUNIT_ASSERT_NOT_NULL(test, id);
	for (i = 0; i < IDS; i++) {
		KUNIT_EXPECT_EQ(test, 0, toyvpn_id_add(ids, &id[i]));
		KUNIT_EXPECT_NE(test, id[i].index, 0);
	}
	for (i = 0; i < IDS; i++)
		KUNIT_EXPECT_PTR_EQ(test, find(ids, id[i].index), &id[i]);
	for (i = 0; i < IDS; i += 2)
		toyvpn_id_remove(ids, &id[i]);
	for (i = 0; i < IDS; i++)
		KUNIT_EXPECT_PTR_EQ(test, find(ids, id[i].index), i % 2 ? &id[i] : NULL);
	KUNIT_EXPECT_NULL(test, find(ids, 0));
	for (i = 1; i < IDS; i += 2)
		toyvpn_id_remove(ids, &id[i]);
	rhashtable_destroy(ids);
}

/* A RESP's index is taken before there is a session, and then is the session's */
static void id_with_an_index_that_is_given(struct kunit *test)
{
	struct toyvpn_id a = { .index = 7 }, b = { .index = 7 }, absent = {};
	struct rhashtable *ids = new_ids(test);

	KUNIT_EXPECT_EQ(test, 0, toyvpn_id_add(ids, &a));
	KUNIT_EXPECT_EQ(test, a.index, 7);
	KUNIT_EXPECT_EQ(test, -EEXIST, toyvpn_id_add(ids, &b));
	KUNIT_EXPECT_PTR_EQ(test, find(ids, 7), &a);
	toyvpn_id_remove(ids, &absent);
	toyvpn_id_remove(ids, &a);
	toyvpn_id_remove(ids, &a);
	KUNIT_EXPECT_NULL(test, find(ids, 7));
	KUNIT_EXPECT_EQ(test, 0, toyvpn_id_add(ids, &b));
	KUNIT_EXPECT_PTR_EQ(test, find(ids, 7), &b);
	toyvpn_id_remove(ids, &b);
	rhashtable_destroy(ids);
}

static struct kunit_case session_test_cases[] = {
	KUNIT_CASE(new_session),
	KUNIT_CASE(rekey_after_time),
	KUNIT_CASE(responder_does_not_rekey_after_time),
	KUNIT_CASE(responder_rekeys_what_crossed),
	KUNIT_CASE(reject_after_time),
	KUNIT_CASE(younger_than_the_time),
	KUNIT_CASE(rekey_after_messages_sent),
	KUNIT_CASE(rekey_after_messages_received),
	KUNIT_CASE(reject_after_messages),
	KUNIT_CASE(batch_past_the_last_counter),
	KUNIT_CASE(counters_follow_each_other),
	KUNIT_CASE(nonce_of_aes),
	KUNIT_CASE_PARAM(data_of_the_vectors_is_sealed, vector_gen_params),
	KUNIT_CASE_PARAM(data_of_the_vectors_is_opened, vector_gen_params),
	KUNIT_CASE(reference_to_a_session_that_ends),
	KUNIT_CASE(ciphers_that_are_known),
	KUNIT_CASE(ciphers_by_default),
	KUNIT_CASE(ids_are_found),
	KUNIT_CASE(id_with_an_index_that_is_given),
	{}
};

static struct kunit_suite session_test_suite = {
	.name = "toyvpn_session",
	.init = session_test_init,
	.exit = session_test_exit,
	.test_cases = session_test_cases,
};

kunit_test_suite(session_test_suite);
