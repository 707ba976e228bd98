// SPDX-License-Identifier: GPL-2.0
#include <linux/random.h>
#include <linux/slab.h>
#include <linux/ktime.h>

#include "authorizer.h"
#include "compat.h"
#include "handshake.h"
#include "message.h"
#include "peer.h"
#include "requests.h"
#include "session.h"
#include "socket.h"
#include "tlv.h"
#include "toyvpn.h"

/* Seconds: TAI is ahead of UTC, counted as at 1970; and the label's offset */
#define TAI64N_EPOCH	(BIT_ULL(62) + 10)

/* No INIT is the newest one for longer while there is a handshake */
#define RESP_TIME	(2 * TOYVPN_RETRY_MAX)

/**
 * struct scratch - what one message needs while it is made or consumed
 * @noise: state of a handshake that may still fail
 * @tlvs: of @payload
 * @cookie: of a stranger: none
 * @k1: key of the initiator's direction
 * @k2: key of the responder's
 * @payload: plain
 * @message: what is sent
 */
struct scratch {
	struct toyvpn_noise noise;
	struct toyvpn_tlvs tlvs;
	struct toyvpn_cookie cookie;
	u8 k1[TOYVPN_NOISE_KEY_LEN];
	u8 k2[TOYVPN_NOISE_KEY_LEN];
	u8 payload[TOYVPN_TLV_ROOM];
	u8 message[TOYVPN_HANDSHAKE_MAX];
};

/* The time as TAI64N; later than all that this device has sent before */
static void stamp(struct toyvpn_device *tv, u8 timestamp[TOYVPN_TLV_TIMESTAMP_LEN])
{
	u64 now = ktime_get_real_ns();
	__be64 seconds;
	__be32 ns;
	u32 rest;

	spin_lock(&tv->timestamp_lock);
	now = max(now, tv->last_timestamp + 1);
	tv->last_timestamp = now;
	spin_unlock(&tv->timestamp_lock);

	seconds = cpu_to_be64(TAI64N_EPOCH + div_u64_rem(now, NSEC_PER_SEC, &rest));
	ns = cpu_to_be32(rest);
	memcpy(timestamp, &seconds, sizeof(seconds));
	memcpy(timestamp + sizeof(seconds), &ns, sizeof(ns));
}

/* The DH of both static keys: made once for a pair of them */
static int static_dh(struct toyvpn_device *tv, struct toyvpn_peer *peer)
{
	struct toyvpn_handshake *handshake = &peer->handshake;
	int err;

	if (handshake->ss_generation == tv->identity_generation)
		return 0;
	err = toyvpn_noise_dh(handshake->ss, tv->identity.private, peer->public_key);
	if (!err)
		handshake->ss_generation = tv->identity_generation;
	return err;
}

static struct toyvpn_header header(enum toyvpn_message_type type, u32 index)
{
	return (struct toyvpn_header) {
		.type = type,
		.version = TOYVPN_VERSION,
		.index = cpu_to_le32(index),
	};
}

/* Identity and handshake lock held. Returns why there is no INIT on its way */
static enum toyvpn_reason send_init(struct toyvpn_device *tv, struct toyvpn_peer *peer,
				    struct scratch *s)
{
	struct toyvpn_handshake *handshake = &peer->handshake;
	struct toyvpn_init *init = (struct toyvpn_init *)s->message;
	size_t len;
	int n, err;

	if (!tv->has_identity)
		return TOYVPN_REASON_NO_PRIVATE_KEY;
	if (READ_ONCE(peer->endpoint.addr.sa_family) == AF_UNSPEC)
		return TOYVPN_REASON_NO_ENDPOINT;

	toyvpn_peer_end_handshake(peer);
	s->tlvs = (struct toyvpn_tlvs) {
		.ciphers = tv->ciphers,
		.cipher_count = tv->cipher_count,
		.mode = TOYVPN_MODE_IP,
		.has_mtu = true,
		.mtu = min_t(unsigned int, READ_ONCE(tv->dev->mtu), U16_MAX),
	};
	if (handshake->credentials) {
		s->tlvs.credentials = handshake->credentials->bytes;
		s->tlvs.credentials_len = handshake->credentials->len;
	}
	stamp(tv, s->tlvs.timestamp);
	n = toyvpn_tlv_build(&s->tlvs, TOYVPN_TLV_INIT, s->payload, sizeof(s->payload));
	if (n < 0 || static_dh(tv, peer))
		return TOYVPN_REASON_SEND_FAILED;
	len = TOYVPN_INIT_MIN + n;
	err = toyvpn_noise_write_init(&handshake->noise, &tv->identity, peer->public_key,
				      handshake->ss, NULL, init->e, init->s, s->payload, n,
				      init->payload);
	if (!err)
		err = toyvpn_id_add(&tv->ids, &handshake->id);
	if (!err) {
		init->header = header(TOYVPN_MESSAGE_INIT, handshake->id.index);
		err = toyvpn_cookie_add_macs(&peer->cookie, peer->public_key, s->message, len,
					     ktime_get_coarse_boottime_ns());
	}
	if (!err)
		err = toyvpn_send_to_peer(peer, s->message, len);
	if (err == -ELOOP)
		return TOYVPN_REASON_ROUTE_LOOP;
	return err ? TOYVPN_REASON_SEND_FAILED : TOYVPN_REASON_NONE;
}

/**
 * toyvpn_handshake_send_init() - sends an INIT
 * @peer: the caller has a reference
 *
 * Unless the handshake ended since that was decided. Whether the INIT goes out
 * or not, the timers count it and the next one follows;
 * what failed is kept as the peer's reason. Process context, sleeps.
 */
void toyvpn_handshake_send_init(struct toyvpn_peer *peer)
{
	struct toyvpn_handshake *handshake = &peer->handshake;
	struct toyvpn_device *tv = peer->device;
	enum toyvpn_reason reason;
	struct scratch *s;

	s = kmalloc_obj(*s, GFP_KERNEL);

	down_read(&tv->identity_lock);
	mutex_lock(&handshake->lock);
	if (!peer->dead &&
	    toyvpn_timers_init_due(&peer->timers, ktime_get_coarse_boottime_ns())) {
		/* A wrong answer says more than none: it stays until something new */
		if (READ_ONCE(peer->timers.attempts) && !handshake->answered)
			toyvpn_peer_set_reason(peer, TOYVPN_REASON_NO_ANSWER);
		handshake->answered = false;
		reason = s ? send_init(tv, peer, s) : TOYVPN_REASON_SEND_FAILED;
		if (reason != TOYVPN_REASON_NONE) {
			toyvpn_peer_set_reason(peer, reason);
			handshake->answered = true;
		}
		toyvpn_peer_event(peer, TOYVPN_EVENT_INIT_SENT);
	}
	mutex_unlock(&handshake->lock);
	up_read(&tv->identity_lock);

	kfree_sensitive(s);
}

/* Of what both accept, the one that we rank best; 0 for none */
static u8 pick_cipher(const struct toyvpn_device *tv, const struct toyvpn_tlvs *tlvs)
{
	unsigned int i;

	for (i = 0; i < tv->cipher_count; i++) {
		if (memchr(tlvs->ciphers, tv->ciphers[i], tlvs->cipher_count))
			return tv->ciphers[i];
	}
	return TOYVPN_CIPHER_NONE;
}

/*
 * Writes the RESP to the INIT that @s->noise has read. @index is our name for
 * the session. After it, k1 and k2 are the session's keys.
 */
static int make_resp(const u8 *public_key, const u8 *psk, struct toyvpn_cookie *cookie,
		     struct scratch *s, u32 index, __le32 receiver, size_t *len)
{
	struct toyvpn_resp *resp = (struct toyvpn_resp *)s->message;
	int n, err;

	n = toyvpn_tlv_build(&s->tlvs, TOYVPN_TLV_RESP, s->payload, sizeof(s->payload));
	if (n < 0)
		return n;
	resp->header = header(TOYVPN_MESSAGE_RESP, index);
	resp->receiver = receiver;
	err = toyvpn_noise_write_resp(&s->noise, public_key, psk, NULL, resp->e, s->payload, n,
				      resp->payload);
	if (err)
		return err;
	*len = TOYVPN_RESP_MIN + n;
	err = toyvpn_cookie_add_macs(cookie, public_key, s->message, *len,
				     ktime_get_coarse_boottime_ns());
	return err ?: toyvpn_noise_split(&s->noise, s->k1, s->k2);
}

static int make_resp_to(struct toyvpn_peer *peer, struct scratch *s, u32 index, __le32 receiver,
			size_t *len)
{
	return make_resp(peer->public_key, peer->handshake.psk, &peer->cookie, s, index, receiver,
			 len);
}

static void reject(struct toyvpn_device *tv, struct toyvpn_peer *peer, struct scratch *s,
		   __le32 receiver, enum toyvpn_reject why)
{
	size_t len;

	toyvpn_peer_set_reason(peer, why == TOYVPN_REJECT_MODE ? TOYVPN_REASON_MODE_DIFFERS :
								 TOYVPN_REASON_NO_COMMON_CIPHER);
	s->tlvs = (struct toyvpn_tlvs) {
		.mode = TOYVPN_MODE_IP,
		.has_reject = true,
		.reject = why,
	};
	if (make_resp_to(peer, s, get_random_u32(), receiver, &len))
		return;
	toyvpn_count(tv, TOYVPN_STAT_HS_REJECT_SENT);
	toyvpn_send_to_peer(peer, s->message, len);
}

/* Answers an INIT that is authentic and new; what it says is in @s->tlvs */
static void respond(struct toyvpn_device *tv, struct toyvpn_peer *peer, struct scratch *s,
		    __le32 receiver)
{
	const struct toyvpn_blob *config = peer->handshake.config;
	u8 cipher = pick_cipher(tv, &s->tlvs);
	struct toyvpn_session *session;
	size_t len;
	u32 index;

	if (s->tlvs.mode != TOYVPN_MODE_IP) {
		reject(tv, peer, s, receiver, TOYVPN_REJECT_MODE);
		return;
	}
	if (!cipher) {
		reject(tv, peer, s, receiver, TOYVPN_REJECT_NO_CIPHER);
		return;
	}

	s->tlvs = (struct toyvpn_tlvs) {
		.ciphers = &cipher,
		.cipher_count = 1,
		.mode = TOYVPN_MODE_IP,
		.has_mtu = true,
		.mtu = min_t(unsigned int, READ_ONCE(tv->dev->mtu), U16_MAX),
	};
	if (config) {
		s->tlvs.config = config->bytes;
		s->tlvs.config_len = config->len;
	}
	/*
	 * The keys follow from the RESP, and the RESP holds the index, so the index
	 * is there first. Should it be taken, once in four thousand million times,
	 * the initiator's next INIT gets another one.
	 */
	index = get_random_u32() ?: 1;
	if (make_resp_to(peer, s, index, receiver, &len))
		goto no_memory;
	session = toyvpn_session_new(cipher, false, receiver, s->k2, s->k1);
	if (IS_ERR(session))
		goto no_memory;
	session->id.peer = peer;
	session->id.index = index;
	if (READ_ONCE(peer->timers.retry_at))
		session->crossed = peer->handshake.id.index;
	if (toyvpn_id_add(&tv->ids, &session->id)) {
		toyvpn_session_put(session);
		goto no_memory;
	}
	toyvpn_peer_add_session(peer, session);
	toyvpn_send_to_peer(peer, s->message, len);
	return;

no_memory:
	toyvpn_count(tv, TOYVPN_STAT_HS_NO_MEMORY);
}

/* The peer that a static key names, with a reference; or NULL */
static struct toyvpn_peer *get_peer(struct toyvpn_device *tv,
				    const u8 public_key[TOYVPN_NOISE_KEY_LEN])
{
	struct toyvpn_peer *peer;

	rcu_read_lock();
	peer = toyvpn_peer_find(tv, public_key);
	if (peer && !toyvpn_peer_get(peer))
		peer = NULL;
	rcu_read_unlock();
	return peer;
}

/*
 * Reads what an INIT says into @s->tlvs. @ss is the DH of both static keys, NULL
 * if there is none. Counts what does not authenticate, -EBADMSG, or parse, -EINVAL.
 */
static int read_init(struct toyvpn_device *tv, const struct sk_buff *skb, const u8 *ss,
		     struct scratch *s)
{
	const struct toyvpn_init *init = (const struct toyvpn_init *)skb->data;
	size_t n = skb->len - TOYVPN_INIT_MIN;

	if (!ss || toyvpn_noise_read_init_payload(&s->noise, ss, init->payload,
						  n + TOYVPN_NOISE_TAG_LEN, s->payload)) {
		toyvpn_count(tv, TOYVPN_STAT_HS_AUTHENTICATION);
		return -EBADMSG;
	}
	if (toyvpn_tlv_parse(s->payload, n, TOYVPN_TLV_INIT, &s->tlvs)) {
		toyvpn_count(tv, TOYVPN_STAT_HS_BAD_PAYLOAD);
		return -EINVAL;
	}
	return 0;
}

/* Identity and handshake lock held; reads the rest of an INIT and answers it */
static void consume_init_of(struct toyvpn_device *tv, struct toyvpn_peer *peer,
			    const struct sk_buff *skb, struct scratch *s)
{
	const struct toyvpn_init *init = (const struct toyvpn_init *)skb->data;
	struct toyvpn_handshake *handshake = &peer->handshake;
	/* What is counted in milliseconds is not counted in ticks */
	u64 now = ktime_get_boottime_ns();
	struct toyvpn_endpoint endpoint;
	int err;

	if (peer->dead)
		return;
	err = read_init(tv, skb, static_dh(tv, peer) ? NULL : handshake->ss, s);
	if (err == -EINVAL)
		toyvpn_peer_set_reason(peer, TOYVPN_REASON_BAD_MESSAGE);
	if (err)
		return;
	if (memcmp(s->tlvs.timestamp, handshake->timestamp, TOYVPN_TLV_TIMESTAMP_LEN) <= 0) {
		toyvpn_count(tv, TOYVPN_STAT_HS_REPLAY);
		return;
	}
	/* Noted even if it is not answered: nobody may play it again later */
	memcpy(handshake->timestamp, s->tlvs.timestamp, TOYVPN_TLV_TIMESTAMP_LEN);
	if (!toyvpn_endpoint_of(&endpoint, skb))
		toyvpn_peer_set_endpoint(peer, &endpoint);
	if (handshake->consumed && now - handshake->consumed < TOYVPN_INIT_MIN_INTERVAL) {
		toyvpn_count(tv, TOYVPN_STAT_HS_TOO_OFTEN);
		return;
	}
	handshake->consumed = now;
	atomic64_add(skb->len, &peer->rx_bytes);
	respond(tv, peer, s, init->header.index);
}

/*
 * The INIT of a static key that is no peer's: dropped, or kept for the
 * authorizer to decide. Identity lock held.
 */
static void consume_stranger(struct toyvpn_device *tv, const u8 public_key[TOYVPN_NOISE_KEY_LEN],
			     const struct sk_buff *skb, struct scratch *s)
{
	const struct toyvpn_init *init = (const struct toyvpn_init *)skb->data;
	struct toyvpn_request *request;
	struct toyvpn_endpoint from;
	size_t i;
	int err;

	if (toyvpn_endpoint_of(&from, skb) || !toyvpn_authorizer_listens(tv, &from))
		return;
	/* k1 is not needed before there is a RESP */
	err = toyvpn_noise_dh(s->k1, tv->identity.private, public_key);
	if (read_init(tv, skb, err ? NULL : s->k1, s))
		return;

	request = toyvpn_request_new(public_key, s->tlvs.credentials, s->tlvs.credentials_len);
	if (!request) {
		toyvpn_count(tv, TOYVPN_STAT_HS_NO_MEMORY);
		return;
	}
	request->noise = s->noise;
	memcpy(request->timestamp, s->tlvs.timestamp, sizeof(request->timestamp));
	request->endpoint = from;
	request->receiver = init->header.index;
	request->mode = s->tlvs.mode;
	request->size = skb->len;
	for (i = 0; i < s->tlvs.cipher_count; i++) {
		u8 cipher = s->tlvs.ciphers[i];

		if (toyvpn_cipher_known(cipher) &&
		    !memchr(request->ciphers, cipher, request->cipher_count))
			request->ciphers[request->cipher_count++] = cipher;
	}
	toyvpn_authorizer_ask(tv, request);
}

static void consume_init(struct toyvpn_device *tv, const struct sk_buff *skb, struct scratch *s)
{
	const struct toyvpn_init *init = (const struct toyvpn_init *)skb->data;
	u8 public_key[TOYVPN_NOISE_KEY_LEN];
	struct toyvpn_peer *peer;

	if (!tv->has_identity)
		return;
	if (toyvpn_noise_read_init_static(&s->noise, &tv->identity, init->e, init->s,
					  public_key)) {
		toyvpn_count(tv, TOYVPN_STAT_HS_AUTHENTICATION);
		return;
	}
	peer = get_peer(tv, public_key);
	if (!peer) {
		consume_stranger(tv, public_key, skb, s);
		return;
	}
	mutex_lock(&peer->handshake.lock);
	consume_init_of(tv, peer, skb, s);
	mutex_unlock(&peer->handshake.lock);
	toyvpn_peer_put(peer);
}

static enum toyvpn_reason reject_reason(u16 reject)
{
	switch (reject) {
	case TOYVPN_REJECT_NO_CIPHER:
		return TOYVPN_REASON_NO_COMMON_CIPHER;
	case TOYVPN_REJECT_MODE:
		return TOYVPN_REASON_MODE_DIFFERS;
	case TOYVPN_REJECT_FULL:
		return TOYVPN_REASON_SERVER_FULL;
	default:
		return TOYVPN_REASON_REFUSED;
	}
}

/* The peer answered and there will be no session: asking again at once is no use */
static void refused(struct toyvpn_peer *peer, enum toyvpn_reason reason)
{
	toyvpn_peer_set_reason(peer, reason);
	toyvpn_peer_end_handshake(peer);
	toyvpn_peer_event(peer, TOYVPN_EVENT_HANDSHAKE_ENDED);
	toyvpn_peer_drop_queue(peer);
}

/* Identity and handshake lock held */
static void consume_resp_of(struct toyvpn_device *tv, struct toyvpn_peer *peer,
			    const struct sk_buff *skb, struct scratch *s)
{
	const struct toyvpn_resp *resp = (const struct toyvpn_resp *)skb->data;
	struct toyvpn_handshake *handshake = &peer->handshake;
	u64 now = ktime_get_coarse_boottime_ns();
	size_t n = skb->len - TOYVPN_RESP_MIN;
	struct toyvpn_blob *received = NULL;
	struct toyvpn_session *session;
	struct toyvpn_endpoint endpoint;
	u8 cipher;

	/* An INIT that a session of the peer's has overtaken is not sent again, nor waited for */
	if (peer->dead || !tv->has_identity || !handshake->id.index ||
	    handshake->id.index != le32_to_cpu(resp->receiver) ||
	    now - peer->timers.last_init > RESP_TIME) {
		toyvpn_count(tv, TOYVPN_STAT_RX_UNKNOWN_INDEX);
		return;
	}
	/* A forged RESP leaves the state as it is: the real one may follow */
	s->noise = handshake->noise;
	handshake->answered = true;
	if (toyvpn_noise_read_resp(&s->noise, &tv->identity, handshake->psk, resp->e,
				   resp->payload, n + TOYVPN_NOISE_TAG_LEN, s->payload)) {
		toyvpn_count(tv, TOYVPN_STAT_HS_AUTHENTICATION);
		toyvpn_peer_set_reason(peer, TOYVPN_REASON_BAD_AUTHENTICATION);
		return;
	}
	if (toyvpn_tlv_parse(s->payload, n, TOYVPN_TLV_RESP, &s->tlvs)) {
		toyvpn_count(tv, TOYVPN_STAT_HS_BAD_PAYLOAD);
		refused(peer, TOYVPN_REASON_BAD_MESSAGE);
		return;
	}
	if (s->tlvs.has_reject) {
		toyvpn_count(tv, TOYVPN_STAT_HS_REJECT_RECEIVED);
		refused(peer, reject_reason(s->tlvs.reject));
		return;
	}
	if (s->tlvs.mode != TOYVPN_MODE_IP) {
		toyvpn_count(tv, TOYVPN_STAT_HS_BAD_PAYLOAD);
		refused(peer, TOYVPN_REASON_MODE_DIFFERS);
		return;
	}
	cipher = s->tlvs.ciphers[0];
	if (!memchr(tv->ciphers, cipher, tv->cipher_count)) {
		toyvpn_count(tv, TOYVPN_STAT_HS_BAD_PAYLOAD);
		refused(peer, TOYVPN_REASON_BAD_MESSAGE);
		return;
	}

	if (toyvpn_blob_new(&received, s->tlvs.config, s->tlvs.config_len))
		goto no_memory;
	if (toyvpn_noise_split(&s->noise, s->k1, s->k2))
		goto no_memory;
	session = toyvpn_session_new(cipher, true, resp->header.index, s->k1, s->k2);
	if (IS_ERR(session))
		goto no_memory;
	session->id.peer = peer;
	session->id.index = handshake->id.index;
	toyvpn_peer_end_handshake(peer);
	if (toyvpn_id_add(&tv->ids, &session->id)) {
		toyvpn_session_put(session);
		goto no_memory;
	}
	if (!toyvpn_endpoint_of(&endpoint, skb))
		toyvpn_peer_set_endpoint(peer, &endpoint);
	atomic64_add(skb->len, &peer->rx_bytes);
	toyvpn_peer_set_received(peer, received);
	if (toyvpn_peer_add_session(peer, session)) {
		toyvpn_peer_ready(peer, session);
		/* What waits confirms the session, or else a keepalive does */
		toyvpn_peer_want(peer, TOYVPN_WANT_KEEPALIVE);
	} else {
		toyvpn_peer_set_reason(peer, TOYVPN_REASON_NONE);
		toyvpn_peer_event(peer, TOYVPN_EVENT_HANDSHAKE_ENDED);
	}
	return;

no_memory:
	toyvpn_blob_free(received);
	toyvpn_count(tv, TOYVPN_STAT_HS_NO_MEMORY);
}

/* The peer whose INIT or RESP had an index, with a reference; or NULL */
static struct toyvpn_peer *get_peer_by_index(struct toyvpn_device *tv, __le32 index)
{
	struct toyvpn_peer *peer = NULL;
	struct toyvpn_id *id;

	rcu_read_lock();
	id = toyvpn_id_find(&tv->ids, le32_to_cpu(index));
	if (id && toyvpn_peer_get(id->peer))
		peer = id->peer;
	rcu_read_unlock();
	return peer;
}

static void consume_resp(struct toyvpn_device *tv, const struct sk_buff *skb, struct scratch *s)
{
	const struct toyvpn_resp *resp = (const struct toyvpn_resp *)skb->data;
	struct toyvpn_peer *peer = get_peer_by_index(tv, resp->receiver);

	if (!peer) {
		toyvpn_count(tv, TOYVPN_STAT_RX_UNKNOWN_INDEX);
		return;
	}
	mutex_lock(&peer->handshake.lock);
	consume_resp_of(tv, peer, skb, s);
	mutex_unlock(&peer->handshake.lock);
	toyvpn_peer_put(peer);
}

/**
 * toyvpn_handshake_cookie() - consumes a COOKIE
 * @tv: device
 * @message: anyone may have made it
 *
 * Its index is that of an INIT of ours, or of a RESP, and so of a session. Any
 * context but hardirq: it costs little, and waiting in line with what a flood
 * leaves of the handshakes would make it late.
 */
void toyvpn_handshake_cookie(struct toyvpn_device *tv,
			     const struct toyvpn_cookie_message *message)
{
	struct toyvpn_peer *peer = get_peer_by_index(tv, message->header.index);

	if (!peer) {
		toyvpn_count(tv, TOYVPN_STAT_RX_UNKNOWN_INDEX);
		return;
	}
	if (toyvpn_cookie_consume(&peer->cookie, peer->public_key, message->nonce,
				  message->sealed, ktime_get_coarse_boottime_ns()))
		toyvpn_count(tv, TOYVPN_STAT_HS_AUTHENTICATION);
	else
		toyvpn_count(tv, TOYVPN_STAT_HS_COOKIE_RECEIVED);
	toyvpn_peer_put(peer);
}

/**
 * toyvpn_handshake_receive() - consumes an INIT or RESP
 * @tv: device
 * @skb: skb->data is the message, in one piece, of a length that its type can
 *	have, with a right mac1 (and mac2 where it had to have one); taken
 *
 * Process context, sleeps.
 */
void toyvpn_handshake_receive(struct toyvpn_device *tv, struct sk_buff *skb)
{
	struct scratch *s = kmalloc_obj(*s, GFP_KERNEL);

	if (!s) {
		toyvpn_count(tv, TOYVPN_STAT_HS_NO_MEMORY);
		kfree_skb(skb);
		return;
	}
	down_read(&tv->identity_lock);
	switch (((const struct toyvpn_header *)skb->data)->type) {
	case TOYVPN_MESSAGE_INIT:
		consume_init(tv, skb, s);
		break;
	case TOYVPN_MESSAGE_RESP:
		consume_resp(tv, skb, s);
		break;
	}
	up_read(&tv->identity_lock);
	kfree_sensitive(s);
	consume_skb(skb);
}

/* Identity and handshake lock held */
static void accept(struct toyvpn_device *tv, struct toyvpn_peer *peer,
		   const struct toyvpn_request *request, struct scratch *s)
{
	struct toyvpn_handshake *handshake = &peer->handshake;

	/* A later INIT came when it was a peer already, and was answered */
	if (memcmp(request->timestamp, handshake->timestamp, TOYVPN_TLV_TIMESTAMP_LEN) <= 0) {
		toyvpn_count(tv, TOYVPN_STAT_HS_REPLAY);
		return;
	}
	memcpy(handshake->timestamp, request->timestamp, TOYVPN_TLV_TIMESTAMP_LEN);
	handshake->consumed = ktime_get_boottime_ns();
	toyvpn_peer_set_endpoint(peer, &request->endpoint);
	atomic64_add(request->size, &peer->rx_bytes);
	s->noise = request->noise;
	s->tlvs = (struct toyvpn_tlvs) {
		.ciphers = request->ciphers,
		.cipher_count = request->cipher_count,
		.mode = request->mode,
	};
	respond(tv, peer, s, request->receiver);
}

/**
 * toyvpn_handshake_accept() - answers the INIT of one who was a stranger
 * @peer: made for it, the device's lock is held: the device's identity is the
 *	one of the request
 * @request: the INIT; stays the caller's
 *
 * As if the INIT came now. Without memory it is not answered: the next one will
 * be. Process context, sleeps.
 */
void toyvpn_handshake_accept(struct toyvpn_peer *peer, const struct toyvpn_request *request)
{
	struct toyvpn_device *tv = peer->device;
	struct scratch *s = kmalloc_obj(*s, GFP_KERNEL);

	if (!s) {
		toyvpn_count(tv, TOYVPN_STAT_HS_NO_MEMORY);
		return;
	}
	down_read(&tv->identity_lock);
	mutex_lock(&peer->handshake.lock);
	accept(tv, peer, request, s);
	mutex_unlock(&peer->handshake.lock);
	up_read(&tv->identity_lock);
	kfree_sensitive(s);
}

/**
 * toyvpn_handshake_refuse() - answers the INIT of a stranger with a REJECT
 * @tv: device, its lock held: its identity is the one of the request
 * @request: the INIT; stays the caller's
 * @why: what the stranger is told
 *
 * Without a pre-shared key, since who is no peer has none. Process context,
 * sleeps.
 *
 * Return: 0 or -ENOMEM. What the network makes of it is counted.
 */
int toyvpn_handshake_refuse(struct toyvpn_device *tv, const struct toyvpn_request *request,
			    enum toyvpn_reject why)
{
	static const u8 no_psk[TOYVPN_NOISE_KEY_LEN];
	struct scratch *s = kmalloc_obj(*s, GFP_KERNEL);
	size_t len;
	int err;

	if (!s)
		return -ENOMEM;
	toyvpn_cookie_init(&s->cookie);
	s->noise = request->noise;
	s->tlvs = (struct toyvpn_tlvs) {
		.mode = TOYVPN_MODE_IP,
		.has_reject = true,
		.reject = why,
	};
	err = make_resp(request->public_key, no_psk, &s->cookie, s, get_random_u32(),
			request->receiver, &len);
	if (!err) {
		toyvpn_count(tv, TOYVPN_STAT_HS_REJECT_SENT);
		toyvpn_send_reply(tv, &request->endpoint, s->message, len);
	}
	kfree_sensitive(s);
	return err;
}
