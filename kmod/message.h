/* SPDX-License-Identifier: GPL-2.0 */
/* The wire format of PROTOCOL.md, as structs */
#ifndef TOYVPN_MESSAGE_H
#define TOYVPN_MESSAGE_H

#include <linux/build_bug.h>
#include <linux/time64.h>
#include <linux/types.h>

#include "cookie.h"
#include "noise.h"
#include "tlv.h"

#define TOYVPN_VERSION			1
#define TOYVPN_MODE_IP			3
#define TOYVPN_TAG_LEN			16

/* No handshake datagram is larger, bytes of UDP payload */
#define TOYVPN_HANDSHAKE_MAX		1232

/* Section 5, in nanoseconds where it is a time */
#define TOYVPN_REKEY_AFTER_TIME		(120ULL * NSEC_PER_SEC)
#define TOYVPN_REJECT_AFTER_TIME	(180ULL * NSEC_PER_SEC)
#define TOYVPN_REKEY_ATTEMPT_TIME	(90ULL * NSEC_PER_SEC)
#define TOYVPN_KEEPALIVE_TIMEOUT	(10ULL * NSEC_PER_SEC)
#define TOYVPN_RETRY_MAX		(5ULL * NSEC_PER_SEC)
#define TOYVPN_RETRY_JITTER		(333ULL * NSEC_PER_MSEC)
#define TOYVPN_INIT_MIN_INTERVAL	(20ULL * NSEC_PER_MSEC)
#define TOYVPN_ERASE_AFTER_TIME		(3 * TOYVPN_REJECT_AFTER_TIME)
#define TOYVPN_REKEY_AFTER_MESSAGES	BIT_ULL(30)
#define TOYVPN_REJECT_AFTER_MESSAGES	BIT_ULL(31)

enum toyvpn_message_type {
	TOYVPN_MESSAGE_INIT	= 1,
	TOYVPN_MESSAGE_RESP	= 2,
	TOYVPN_MESSAGE_COOKIE	= 3,
	TOYVPN_MESSAGE_DATA	= 4,
};

/* What all messages begin with */
struct toyvpn_header {
	u8 type;
	u8 version;
	__le16 reserved;
	__le32 index;
};

static_assert(sizeof(struct toyvpn_header) == 8);

/* The payload and the two macs follow */
struct toyvpn_init {
	struct toyvpn_header header;	/* index: the sender's */
	u8 e[TOYVPN_NOISE_KEY_LEN];
	u8 s[TOYVPN_NOISE_KEY_LEN + TOYVPN_NOISE_TAG_LEN];
	u8 payload[];
};

static_assert(sizeof(struct toyvpn_init) == 88);

struct toyvpn_resp {
	struct toyvpn_header header;	/* index: the sender's */
	__le32 receiver;
	u8 e[TOYVPN_NOISE_KEY_LEN];
	u8 payload[];
};

static_assert(sizeof(struct toyvpn_resp) == 44);

struct toyvpn_cookie_message {
	struct toyvpn_header header;	/* index: the receiver's */
	u8 nonce[TOYVPN_COOKIE_NONCE_LEN];
	u8 sealed[TOYVPN_COOKIE_SEALED_LEN];
};

static_assert(sizeof(struct toyvpn_cookie_message) == 64);

struct toyvpn_data {
	struct toyvpn_header header;	/* index: the receiver's */
	__le64 counter;
	u8 encrypted[];
};

static_assert(sizeof(struct toyvpn_data) == 16);

/* What follows the payload of INIT and RESP */
#define TOYVPN_HANDSHAKE_TAIL	(TOYVPN_NOISE_TAG_LEN + 2 * TOYVPN_MAC_LEN)
#define TOYVPN_INIT_MIN		(sizeof(struct toyvpn_init) + TOYVPN_HANDSHAKE_TAIL)
#define TOYVPN_RESP_MIN		(sizeof(struct toyvpn_resp) + TOYVPN_HANDSHAKE_TAIL)
#define TOYVPN_DATA_MIN		(sizeof(struct toyvpn_data) + TOYVPN_TAG_LEN)
static_assert(TOYVPN_INIT_MIN == 136);
static_assert(TOYVPN_RESP_MIN == 92);
static_assert(TOYVPN_DATA_MIN == 32);
static_assert(TOYVPN_INIT_MIN + TOYVPN_TLV_ROOM <= TOYVPN_HANDSHAKE_MAX);

#endif /* TOYVPN_MESSAGE_H */
