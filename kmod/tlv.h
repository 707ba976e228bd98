/* SPDX-License-Identifier: GPL-2.0 */
/* The TLVs of a handshake payload: section 4 of PROTOCOL.md */
#ifndef TOYVPN_TLV_H
#define TOYVPN_TLV_H

#include <linux/types.h>

#define TOYVPN_TLV_ROOM			1024
#define TOYVPN_TLV_ALIGN		16
#define TOYVPN_TLV_TIMESTAMP_LEN	12
#define TOYVPN_TLV_CREDENTIALS_MAX	256
#define TOYVPN_TLV_CONFIG_MAX		768

/* The reasons of REJECT */
enum toyvpn_reject {
	TOYVPN_REJECT_NONE	= 0,	/* stands for no REJECT, is in none */
	TOYVPN_REJECT_NO_CIPHER = 1,
	TOYVPN_REJECT_MODE	= 2,
	TOYVPN_REJECT_REFUSED	= 3,
	TOYVPN_REJECT_FULL	= 4,
};

/* Which message a payload belongs to */
enum toyvpn_tlv_message {
	TOYVPN_TLV_INIT,
	TOYVPN_TLV_RESP,
};

/**
 * struct toyvpn_tlvs - what a handshake payload says
 * @timestamp: TAI64N, compares with memcmp(); INIT only
 * @ciphers: cipher ids, best first in an INIT; exactly one in a RESP
 * @cipher_count: their number, 0 in a RESP with REJECT
 * @mode: 2 or 3 in what we send, any value in what we read
 * @has_mtu: @mtu is there
 * @has_reject: @reject is there; RESP only
 * @mtu: the sender's inner MTU
 * @reject: why the responder makes no session: enum toyvpn_reject, or a value
 *	that this version does not know
 * @credentials: INIT only, NULL if there are none
 * @credentials_len: their length
 * @config: RESP only, NULL if there is none
 * @config_len: its length
 *
 * The pointers that toyvpn_tlv_parse() fills in lead into the buffer that it
 * read.
 */
struct toyvpn_tlvs {
	u8 timestamp[TOYVPN_TLV_TIMESTAMP_LEN];
	u8 mode;
	bool has_mtu;
	bool has_reject;
	u16 mtu;
	u16 reject;
	const u8 *ciphers;
	size_t cipher_count;
	const u8 *credentials;
	size_t credentials_len;
	const u8 *config;
	size_t config_len;
};

int toyvpn_tlv_parse(const u8 *buf, size_t len, enum toyvpn_tlv_message which,
		     struct toyvpn_tlvs *tlvs);
int toyvpn_tlv_build(const struct toyvpn_tlvs *tlvs, enum toyvpn_tlv_message which,
		     u8 *buf, size_t room);

#endif /* TOYVPN_TLV_H */
