// SPDX-License-Identifier: GPL-2.0
#include <crypto/aead.h>
#include <linux/percpu.h>
#include <linux/scatterlist.h>
#include <linux/slab.h>
#include <net/ipv6.h>
#include <net/sock.h>
#include <net/udp.h>

#include "batch.h"
#include "compat.h"
#include "message.h"
#include "peer.h"
#include "session.h"

/**
 * struct toyvpn_crypt - one request to an AEAD
 * @batch: what it belongs to
 * @err: of its result
 * @source: the message, if it is not in place
 * @result: where to
 * @nonce: of the message
 * @request: with the transform's own context behind it
 */
struct toyvpn_crypt {
	struct toyvpn_batch *batch;
	int *err;
	struct scatterlist source[1];
	struct scatterlist result[1];
	u8 nonce[TOYVPN_NONCE_LEN];
	struct aead_request request __aligned(CRYPTO_MINALIGN);
};

/* What each CPU keeps of the last batch for the next one: mostly there is one at a time */
static DEFINE_PER_CPU(struct toyvpn_batch *, kept_batch);
static DEFINE_PER_CPU(struct toyvpn_crypt *, kept_crypt);

/* Room for the context of any transform that we know; more is possible, and allocated */
#define KEPT_CONTEXT	512

/**
 * toyvpn_batch_exit() - frees what CPUs keep
 *
 * Nobody uses batches any more.
 */
void toyvpn_batch_exit(void)
{
	int cpu;

	for_each_possible_cpu(cpu) {
		kfree(per_cpu(kept_batch, cpu));
		kfree(per_cpu(kept_crypt, cpu));
	}
}

/**
 * toyvpn_batch_new() - begins a batch
 * @peer: the caller has a reference or the RCU read lock
 * @session: one of its sessions, likewise
 * @done: called when all packets are through, in the context of
 *	toyvpn_batch_close() or in that of the crypto API's completion, RCU read lock
 *	and bottom halves off in both; it frees the batch
 *
 * Any context but hardirq. toyvpn_batch_close() must follow.
 *
 * Return: the batch, or NULL without memory or if either is on its way out.
 */
struct toyvpn_batch *toyvpn_batch_new(struct toyvpn_peer *peer, struct toyvpn_session *session,
				      void (*done)(struct toyvpn_batch *batch))
{
	struct toyvpn_batch *batch;

	batch = this_cpu_xchg(kept_batch, NULL) ?: kmalloc_obj(*batch, GFP_ATOMIC);
	if (!batch)
		return NULL;
	if (!toyvpn_peer_get(peer))
		goto err_batch;
	if (!toyvpn_session_get(session))
		goto err_peer;
	batch->peer = peer;
	batch->session = session;
	batch->done = done;
	batch->spare = NULL;
	batch->count = 0;
	batch->bytes = 0;
	__skb_queue_head_init(&batch->packets);
	atomic_set(&batch->pending, 1);
	return batch;

err_peer:
	toyvpn_peer_put(peer);
err_batch:
	kfree(batch);
	return NULL;
}

/**
 * toyvpn_batch_free() - ends a batch
 * @batch: its packets are freed as well; the references end
 *
 * Any context but hardirq.
 */
void toyvpn_batch_free(struct toyvpn_batch *batch)
{
	__skb_queue_purge(&batch->packets);
	toyvpn_session_put(batch->session);
	toyvpn_peer_put(batch->peer);
	kfree(this_cpu_xchg(kept_batch, batch));
}

static void batch_finished(struct toyvpn_batch *batch)
{
	if (atomic_dec_and_test(&batch->pending))
		batch->done(batch);
}

/* What a transform leaves in its context may say something of a key */
static void crypt_free(struct toyvpn_crypt *crypt)
{
	unsigned int context = crypto_aead_reqsize(crypto_aead_reqtfm(&crypt->request));

	memzero_explicit(&crypt->request, sizeof(crypt->request) + context);
	if (likely(context <= KEPT_CONTEXT))
		crypt = this_cpu_xchg(kept_crypt, crypt);
	kfree(crypt);
}

static void crypt_done(toyvpn_crypto_arg *arg, int err)
{
	struct toyvpn_crypt *crypt = toyvpn_crypto_data(arg);
	struct toyvpn_batch *batch = crypt->batch;

	if (unlikely(err))
		*crypt->err = err;
	crypt_free(crypt);
	local_bh_disable();
	rcu_read_lock();
	batch_finished(batch);
	rcu_read_unlock();
	local_bh_enable();
}

static struct toyvpn_crypt *crypt_new(struct toyvpn_batch *batch, struct crypto_aead *aead)
{
	unsigned int context = crypto_aead_reqsize(aead);
	struct toyvpn_crypt *crypt = batch->spare;

	if (crypt) {
		batch->spare = NULL;
		return crypt;
	}
	if (likely(context <= KEPT_CONTEXT)) {
		context = KEPT_CONTEXT;
		crypt = this_cpu_xchg(kept_crypt, NULL);
	}
	if (!crypt) {
		crypt = kmalloc(sizeof(*crypt) + context, GFP_ATOMIC);
		if (crypt) {
			sg_init_table(crypt->source, ARRAY_SIZE(crypt->source));
			sg_init_table(crypt->result, ARRAY_SIZE(crypt->result));
		}
	}
	if (crypt) {
		crypt->batch = batch;
		aead_request_set_tfm(&crypt->request, aead);
	}
	return crypt;
}

/*
 * Hands one request to the AEAD. @len is what it reads behind the header. If
 * it completes later, the request is on its own and the next packet gets
 * another one.
 */
static void crypt_run(struct toyvpn_crypt *crypt, struct crypto_aead *aead, bool encrypt,
		      int *result_err, struct scatterlist *source,
		      struct scatterlist *result, unsigned int len, u64 counter)
{
	struct aead_request *request = &crypt->request;
	struct toyvpn_batch *batch = crypt->batch;
	int err;

	crypt->err = result_err;
	toyvpn_session_nonce(counter, crypt->nonce);
	/* No backlog: it has no bound, and nobody here waits until it is shorter */
	aead_request_set_callback(request, 0, crypt_done, crypt);
	aead_request_set_crypt(request, source, result, len, crypt->nonce);
	aead_request_set_ad(request, sizeof(struct toyvpn_data));

	atomic_inc(&batch->pending);
	err = encrypt ? crypto_aead_encrypt(request) : crypto_aead_decrypt(request);
	if (err == -EINPROGRESS)
		return;
	if (unlikely(err))
		*result_err = err;
	batch->spare = crypt;
	atomic_dec(&batch->pending);
}

/**
 * toyvpn_batch_own() - lets a new skb stand for an old one
 * @to: without a socket
 * @from: whose socket's limits still see what waits below us then
 * @last: no other skb stands for @from after this one
 *
 * In the books of the sending socket; what has none is left alone.
 */
void toyvpn_batch_own(struct sk_buff *to, struct sk_buff *from, bool last)
{
	struct sock *sk = from->sk;
	int delta = to->truesize - from->truesize;

	/* Only where the destructor counts the skb's truesize in sk_wmem_alloc */
	if (!sk || !sk_fullsock(sk) || from->destructor == sock_edemux ||
	    from->destructor == sock_efree || from->destructor == sock_pfree ||
	    !(from->destructor == sock_wfree || sk_is_tcp(sk)))
		return;
	to->sk = sk;
	to->destructor = from->destructor;
	if (!last) {
		refcount_add(to->truesize, &sk->sk_wmem_alloc);
		return;
	}
	from->sk = NULL;
	from->destructor = NULL;
	if (delta > 0)
		refcount_add(delta, &sk->sk_wmem_alloc);
	else if (delta < 0)
		WARN_ON_ONCE(refcount_sub_and_test(-delta, &sk->sk_wmem_alloc));
}

/**
 * toyvpn_batch_encrypt() - makes a data message, in place
 * @batch: its session's counters include @counter; @skb is in its packets
 * @skb: that the message is in
 * @data: the message: room for the header, the packet, room for the tag
 * @len: of the packet, 0 for a keepalive
 * @counter: of the message
 *
 * Bottom halves off.
 *
 * Return: false without memory.
 */
bool toyvpn_batch_encrypt(struct toyvpn_batch *batch, struct sk_buff *skb,
			  struct toyvpn_data *data, unsigned int len, u64 counter)
{
	const struct toyvpn_session *session = batch->session;
	struct toyvpn_crypt *crypt;

	data->header = (struct toyvpn_header) {
		.type = TOYVPN_MESSAGE_DATA,
		.version = TOYVPN_VERSION,
		.index = session->remote,
	};
	data->counter = cpu_to_le64(counter);
	if (!session->send) {
		toyvpn_session_seal(session, data, len, counter);
		return true;
	}
	crypt = crypt_new(batch, session->send);
	if (!crypt)
		return false;
	sg_set_buf(crypt->result, data, TOYVPN_DATA_MIN + len);
	crypt_run(crypt, session->send, true, &toyvpn_packet(skb)->err, crypt->result,
		  crypt->result, len, counter);
	return true;
}

/* By the transform: a message into @out, which it may be in already. False without memory */
static bool decrypt(struct toyvpn_batch *batch, const void *message, struct sk_buff *out)
{
	struct crypto_aead *aead = batch->session->receive;
	struct toyvpn_crypt *crypt = crypt_new(batch, aead);
	struct scatterlist *source;

	if (!crypt)
		return false;
	source = crypt->result;
	sg_set_buf(crypt->result, out->data, out->len);
	if (message != out->data) {
		source = crypt->source;
		sg_set_buf(source, message, out->len);
	}
	crypt_run(crypt, aead, false, &toyvpn_packet(out)->err, source, crypt->result,
		  out->len - sizeof(struct toyvpn_data), toyvpn_packet(out)->counter);
	return true;
}

/* By the library, likewise */
static void decrypt_at_once(struct toyvpn_batch *batch, const void *message, struct sk_buff *out)
{
	struct toyvpn_data *data = (struct toyvpn_data *)out->data;

	toyvpn_packet(out)->err = toyvpn_session_open(batch->session, data->encrypted, message,
						      out->len - sizeof(*data),
						      toyvpn_packet(out)->counter);
}

/**
 * toyvpn_batch_decrypt() - opens a data message
 * @batch: of the session that the message names
 * @napi: in whose poll this is
 * @skb: has the message; toyvpn_packet()->tos is set. One reference is taken over
 *	on success
 * @message: the message if it is in one piece, and nobody can change it
 *	meanwhile; or NULL: it is copied first
 * @offset: where it begins, from skb->data
 * @len: its length, at least TOYVPN_DATA_MIN
 * @counter: of the message
 *
 * In place where the memory is ours alone, that is, where the skb is the message
 * in one piece and nobody has a clone of it; else into a new skb, whose packet
 * then has the old one as its source. In both the result is the message,
 * decrypted. Bottom halves off.
 *
 * Return: false without memory.
 */
bool toyvpn_batch_decrypt(struct toyvpn_batch *batch, struct napi_struct *napi,
			  struct sk_buff *skb, const void *message, unsigned int offset,
			  unsigned int len, u64 counter)
{
	bool in_place = message == skb->data && len == skb->len && !skb_cloned(skb);
	u8 tos = toyvpn_packet(skb)->tos;
	struct sk_buff *out = skb;

	if (!in_place) {
		out = napi_alloc_skb(napi, len);
		if (!out)
			return false;
		skb_put(out, len);
	}
	*toyvpn_packet(out) = (struct toyvpn_packet) {
		.counter = counter,
		.source = in_place ? NULL : skb,
		.tos = tos,
	};
	if (unlikely(!message)) {
		if (skb_copy_bits(skb, offset, out->data, len))
			goto err_out;
		message = out->data;
	}
	__skb_queue_tail(&batch->packets, out);
	if (!batch->session->receive)
		decrypt_at_once(batch, message, out);
	else if (unlikely(!decrypt(batch, message, out)))
		goto err_queue;
	return true;

err_queue:
	__skb_unlink(out, &batch->packets);
err_out:
	if (!in_place)
		kfree_skb(out);
	return false;
}

/**
 * toyvpn_batch_share() - has messages of a train opened where they are
 * @batch: of the session that they name
 * @skb: the train: toyvpn_share_possible(), and toyvpn_packet()->tos is set. One
 *	of the batch's packets on success, with a reference of its own:
 *	toyvpn_packet()->opened has the messages, and is freed with kfree() before it
 *
 * Inner packets can then share its pages. Bottom halves off.
 *
 * Return: for toyvpn_batch_decrypt_shared(), until the batch is closed; NULL
 * without memory.
 */
struct toyvpn_opened *toyvpn_batch_share(struct toyvpn_batch *batch, struct sk_buff *skb)
{
	unsigned int room = DIV_ROUND_UP(skb->len, skb_shinfo(skb)->gso_size);
	struct toyvpn_opened *opened;

	opened = kmalloc(struct_size(opened, messages, room), GFP_ATOMIC);
	if (!opened)
		return NULL;
	opened->room = room;
	opened->count = 0;
	*toyvpn_packet(skb) = (struct toyvpn_packet) {
		.opened = opened,
		.tos = toyvpn_packet(skb)->tos,
	};
	__skb_queue_tail(&batch->packets, skb_get(skb));
	return opened;
}

/**
 * toyvpn_batch_decrypt_shared() - opens a message of a train where it is
 * @batch: of the session that the message names
 * @opened: from toyvpn_batch_share() of this batch
 * @data: the message, in a page of the train
 * @len: its length, at least TOYVPN_DATA_MIN
 * @counter: of the message
 *
 * Bottom halves off.
 *
 * Return: false without memory; then the message is as it was.
 */
bool toyvpn_batch_decrypt_shared(struct toyvpn_batch *batch, struct toyvpn_opened *opened,
				 struct toyvpn_data *data, unsigned int len, u64 counter)
{
	const struct toyvpn_session *session = batch->session;
	struct toyvpn_opened_message *message;
	struct toyvpn_crypt *crypt = NULL;

	if (WARN_ON_ONCE(opened->count == opened->room))
		return false;
	if (session->receive) {
		crypt = crypt_new(batch, session->receive);
		if (!crypt)
			return false;
	}
	message = &opened->messages[opened->count++];
	*message = (struct toyvpn_opened_message) {
		.counter = counter, .data = data, .len = len,
	};
	if (!crypt) {
		message->err = toyvpn_session_open(session, data->encrypted, data,
						   len - sizeof(*data), counter);
		return true;
	}
	sg_set_buf(crypt->result, data, len);
	crypt_run(crypt, session->receive, false, &message->err, crypt->result, crypt->result,
		  len - sizeof(*data), counter);
	return true;
}

/**
 * toyvpn_batch_close() - no more packets are coming
 * @batch: gone afterwards, or as soon as its last request completes
 *
 * RCU read lock, bottom halves off.
 */
void toyvpn_batch_close(struct toyvpn_batch *batch)
{
	struct toyvpn_crypt *spare = batch->spare;

	if (likely(spare)) {
		batch->spare = NULL;
		crypt_free(spare);
	}
	batch_finished(batch);
}
