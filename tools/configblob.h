/* SPDX-License-Identifier: GPL-2.0 */
/* What a server gives its client with each handshake: protocol.md, section 6. */
#ifndef CONFIGBLOB_H
#define CONFIGBLOB_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "addr.h"

/* The most bytes that a handshake has room for. */
#define CONFIGBLOB_MAX		768
/* The most addresses, routes or DNS servers of so many bytes; an IPv4 one takes ten. */
#define CONFIGBLOB_IPS_MAX	(CONFIGBLOB_MAX / 10)
/* The longest name of a domain. */
#define CONFIGBLOB_SEARCH_MAX	253
/* The least MTU: what each host of IPv4 takes in one piece. */
#define CONFIGBLOB_MTU_MIN	576

/**
 * struct configblob - what a server gives its client
 * @addresses: the client's own addresses, with the length of their networks' prefixes
 * @n_addresses: how many
 * @routes: networks that the client reaches through the tunnel
 * @n_routes: how many
 * @dns: name servers; the prefix is the whole address
 * @n_dns: how many
 * @search: domains to look names up in, each followed by a zero byte
 * @search_len: bytes of @search in use
 * @mtu: MTU of the tunnel, 0 if it is not given
 * @keepalive: seconds between persistent keepalives
 * @has_keepalive: whether @keepalive is given
 */
struct configblob {
	struct allowed_ip addresses[CONFIGBLOB_IPS_MAX];
	size_t n_addresses;
	struct allowed_ip routes[CONFIGBLOB_IPS_MAX];
	size_t n_routes;
	struct allowed_ip dns[CONFIGBLOB_IPS_MAX];
	size_t n_dns;
	char search[CONFIGBLOB_MAX];
	size_t search_len;
	uint16_t mtu;
	uint16_t keepalive;
	bool has_keepalive;
};

bool configblob_encode(const struct configblob *blob, uint8_t bytes[static CONFIGBLOB_MAX],
		       size_t *len);
bool configblob_decode(struct configblob *blob, const uint8_t *bytes, size_t len,
		       const char **why);
bool configblob_add_search(struct configblob *blob, const char *name, size_t len);
const char *configblob_next_search(const struct configblob *blob, const char *name);

#endif
