// SPDX-License-Identifier: GPL-2.0
/*
 * The TLVs of a handshake payload: section 4 of PROTOCOL.md. One table of
 * rules serves the reader and the writer.
 */
#include <linux/align.h>
#include <linux/errno.h>
#include <linux/kernel.h>
#include <linux/string.h>

#include "compat.h"
#include "tlv.h"

#define TLV_HEADER_LEN	4
#define TLV_MUST_KNOW	0x8000

enum tlv_type {
	TLV_END,
	TLV_TIMESTAMP,
	TLV_CIPHERS,
	TLV_MODE,
	TLV_MTU,
	TLV_CREDENTIALS,
	TLV_CONFIG,
	TLV_REJECT,
	TLV_TYPES
};

/* The lengths that a type may have in a message; a max of 0: it is unknown there */
struct tlv_rule {
	u16 min;
	u16 max;
};

static const struct tlv_rule tlv_rules[][TLV_TYPES] = {
	[TOYVPN_TLV_INIT] = {
		[TLV_TIMESTAMP]		= { TOYVPN_TLV_TIMESTAMP_LEN, TOYVPN_TLV_TIMESTAMP_LEN },
		[TLV_CIPHERS]		= { 1, TOYVPN_TLV_ROOM },
		[TLV_MODE]		= { 1, 1 },
		[TLV_MTU]		= { 2, 2 },
		[TLV_CREDENTIALS]	= { 0, TOYVPN_TLV_CREDENTIALS_MAX },
	},
	[TOYVPN_TLV_RESP] = {
		[TLV_CIPHERS]		= { 1, 1 },
		[TLV_MODE]		= { 1, 1 },
		[TLV_MTU]		= { 2, 2 },
		[TLV_CONFIG]		= { 0, TOYVPN_TLV_CONFIG_MAX },
		[TLV_REJECT]		= { 2, 2 },
	},
};

static const struct tlv_rule *tlv_rule(enum toyvpn_tlv_message which, unsigned int type)
{
	const struct tlv_rule *rule;

	if (type >= TLV_TYPES)
		return NULL;
	rule = &tlv_rules[which][type];
	return rule->max ? rule : NULL;
}

static bool tlv_complete(enum toyvpn_tlv_message which, unsigned long seen)
{
	if (which == TOYVPN_TLV_INIT)
		return seen & BIT(TLV_TIMESTAMP) && seen & BIT(TLV_CIPHERS) &&
		       seen & BIT(TLV_MODE);
	if (seen & BIT(TLV_REJECT))
		return !(seen & (BIT(TLV_CIPHERS) | BIT(TLV_CONFIG)));
	return seen & BIT(TLV_CIPHERS) && seen & BIT(TLV_MODE);
}

static void tlv_take(struct toyvpn_tlvs *tlvs, unsigned int type, const u8 *value, size_t len)
{
	switch (type) {
	case TLV_TIMESTAMP:
		memcpy(tlvs->timestamp, value, len);
		break;
	case TLV_CIPHERS:
		tlvs->ciphers = value;
		tlvs->cipher_count = len;
		break;
	case TLV_MODE:
		tlvs->mode = *value;
		break;
	case TLV_MTU:
		tlvs->has_mtu = true;
		tlvs->mtu = get_unaligned_le16(value);
		break;
	case TLV_CREDENTIALS:
		tlvs->credentials = value;
		tlvs->credentials_len = len;
		break;
	case TLV_CONFIG:
		tlvs->config = value;
		tlvs->config_len = len;
		break;
	case TLV_REJECT:
		tlvs->has_reject = true;
		tlvs->reject = get_unaligned_le16(value);
		break;
	}
}

/**
 * toyvpn_tlv_parse - read a handshake payload
 * @buf: the payload, opened
 * @len: its bytes, N in the protocol
 * @which: the message that it came in; a type that belongs to the other one
 *	only is unknown here
 * @tlvs: what it says, all of it overwritten; its pointers lead into @buf
 *
 * Context: Any.
 * Return: 0; -EOPNOTSUPP if the payload has a type that we do not know and must
 * not skip; -EBADMSG if it breaks another rule of section 4, lacks a required
 * type included. Then @tlvs must not be used.
 */
int toyvpn_tlv_parse(const u8 *buf, size_t len, enum toyvpn_tlv_message which,
		     struct toyvpn_tlvs *tlvs)
{
	const struct tlv_rule *rule;
	unsigned int type, size;
	unsigned long seen = 0;

	memset(tlvs, 0, sizeof(*tlvs));
	if (len > TOYVPN_TLV_ROOM || !IS_ALIGNED(len, TOYVPN_TLV_ALIGN))
		return -EBADMSG;

	while (len >= TLV_HEADER_LEN) {
		type = get_unaligned_le16(buf);
		if (type == TLV_END)
			return tlv_complete(which, seen) ? 0 : -EBADMSG;
		size = get_unaligned_le16(buf + 2);
		buf += TLV_HEADER_LEN;
		len -= TLV_HEADER_LEN;
		if (size > len)
			return -EBADMSG;

		rule = tlv_rule(which, type);
		if (rule) {
			if (size < rule->min || size > rule->max || seen & BIT(type))
				return -EBADMSG;
			seen |= BIT(type);
			tlv_take(tlvs, type, buf, size);
		} else if (type & TLV_MUST_KNOW) {
			return -EOPNOTSUPP;
		}
		buf += size;
		len -= size;
	}

	/* What is left is too short for a TLV: filling, so zeros */
	while (len--)
		if (*buf++)
			return -EBADMSG;
	return tlv_complete(which, seen) ? 0 : -EBADMSG;
}

struct tlv_writer {
	u8 *buf;
	size_t len;
	size_t room;
	enum toyvpn_tlv_message which;
	unsigned long seen;
	int err;
};

static void tlv_put(struct tlv_writer *w, enum tlv_type type, const void *value, size_t len)
{
	const struct tlv_rule *rule = tlv_rule(w->which, type);

	if (w->err)
		return;
	if (!rule || len < rule->min || len > rule->max) {
		w->err = -EINVAL;
		return;
	}
	if (w->room - w->len < TLV_HEADER_LEN + len) {
		w->err = -EMSGSIZE;
		return;
	}
	put_unaligned_le16(type, w->buf + w->len);
	put_unaligned_le16(len, w->buf + w->len + 2);
	memcpy(w->buf + w->len + TLV_HEADER_LEN, value, len);
	w->len += TLV_HEADER_LEN + len;
	w->seen |= BIT(type);
}

/**
 * toyvpn_tlv_build - write a handshake payload
 * @tlvs: what to say. A RESP with REJECT has no ciphers and no configuration,
 *	any other message has ciphers; what belongs to the other message only is
 *	not allowed, @tlvs->timestamp aside
 * @which: the message that it goes into
 * @buf: where it goes; must not overlap what @tlvs points to
 * @room: bytes there; TOYVPN_TLV_ROOM is always enough, and more is not used
 *
 * Context: Any.
 * Return: the payload's length, zero bytes at its end included, a multiple of
 * 16; -EMSGSIZE if that is more than @room or TOYVPN_TLV_ROOM; -EINVAL if
 * toyvpn_tlv_parse() would refuse it.
 */
int toyvpn_tlv_build(const struct toyvpn_tlvs *tlvs, enum toyvpn_tlv_message which,
		     u8 *buf, size_t room)
{
	struct tlv_writer w = {
		.buf	= buf,
		.room	= ALIGN_DOWN(min_t(size_t, room, TOYVPN_TLV_ROOM), TOYVPN_TLV_ALIGN),
		.which	= which,
	};
	size_t padded;
	u8 le16[2];

	if (which == TOYVPN_TLV_INIT)
		tlv_put(&w, TLV_TIMESTAMP, tlvs->timestamp, sizeof(tlvs->timestamp));
	if (tlvs->ciphers)
		tlv_put(&w, TLV_CIPHERS, tlvs->ciphers, tlvs->cipher_count);
	tlv_put(&w, TLV_MODE, &tlvs->mode, 1);
	if (tlvs->has_mtu) {
		put_unaligned_le16(tlvs->mtu, le16);
		tlv_put(&w, TLV_MTU, le16, sizeof(le16));
	}
	if (tlvs->credentials)
		tlv_put(&w, TLV_CREDENTIALS, tlvs->credentials, tlvs->credentials_len);
	if (tlvs->config)
		tlv_put(&w, TLV_CONFIG, tlvs->config, tlvs->config_len);
	if (tlvs->has_reject) {
		put_unaligned_le16(tlvs->reject, le16);
		tlv_put(&w, TLV_REJECT, le16, sizeof(le16));
	}
	if (w.err)
		return w.err;
	if (!tlv_complete(which, w.seen))
		return -EINVAL;

	padded = ALIGN(w.len, TOYVPN_TLV_ALIGN);
	memset(buf + w.len, 0, padded - w.len);
	return padded;
}
