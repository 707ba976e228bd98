/* SPDX-License-Identifier: GPL-2.0 */
/* Changes of configuration: all of one, or nothing of it */
#ifndef TOYVPN_CONFIG_H
#define TOYVPN_CONFIG_H

#include <linux/types.h>

#include "noise.h"
#include "peer.h"
#include "routes.h"
#include "tlv.h"

struct netlink_ext_ack;
struct toyvpn_device;

/**
 * struct toyvpn_device_config - a change of a device
 * @private_key: NULL to leave it, zeros to remove it
 * @ciphers: NULL to leave them, else best first, each known and once
 * @cipher_count: how many, at most TOYVPN_CIPHERS_MAX
 * @has_port: set @port
 * @has_fwmark: set @fwmark
 * @port: host order, 0 to have one chosen
 * @fwmark: 0 for none
 */
struct toyvpn_device_config {
	const u8 *private_key;
	const u8 *ciphers;
	size_t cipher_count;
	bool has_port;
	bool has_fwmark;
	u16 port;
	u32 fwmark;
};

/* An allowed IP to add, or to remove if the peer has it */
struct toyvpn_prefix_change {
	struct toyvpn_prefix prefix;
	bool remove;
};

/**
 * struct toyvpn_peer_config - a new peer, or a change of one
 * @public_key: which
 * @update_only: fail unless it exists
 * @replace: what is not named goes back to its default
 * @replace_prefixes: @prefixes are all that it has afterwards
 * @has_psk: set @psk, zeros to remove it
 * @has_endpoint: set @endpoint
 * @has_persistent: set @persistent
 * @has_config: set @config
 * @has_credentials: set @credentials
 * @has_request: the peer is made for request @request_id, which is answered
 * @connect: a handshake begins now
 * @persistent: seconds, 0 for off
 * @request_id: see @has_request
 * @psk: 32 bytes
 * @config: what goes into each RESP, NULL for nothing; the peer's once it is set
 * @credentials: what goes into each INIT, likewise
 * @endpoint: where it is
 * @prefixes: changes of its allowed IPs, in order
 * @prefix_count: how many
 * @prefix_room: for how many there is room; see netlink.c
 */
struct toyvpn_peer_config {
	u8 public_key[TOYVPN_NOISE_KEY_LEN];
	bool update_only;
	bool replace;
	bool replace_prefixes;
	bool has_psk;
	bool has_endpoint;
	bool has_persistent;
	bool has_config;
	bool has_credentials;
	bool has_request;
	bool connect;
	u16 persistent;
	u32 request_id;
	u8 psk[TOYVPN_NOISE_KEY_LEN];
	struct toyvpn_blob *config;
	struct toyvpn_blob *credentials;
	struct toyvpn_endpoint endpoint;
	struct toyvpn_prefix_change *prefixes;
	unsigned int prefix_count;
	unsigned int prefix_room;
};

int toyvpn_config_device(struct toyvpn_device *tv, const struct toyvpn_device_config *config,
			 struct netlink_ext_ack *extack);
int toyvpn_config_peer(struct toyvpn_device *tv, struct toyvpn_peer_config *config,
		       struct netlink_ext_ack *extack);
int toyvpn_config_refuse(struct toyvpn_device *tv, u32 request_id, enum toyvpn_reject why,
			 struct netlink_ext_ack *extack);
int toyvpn_config_remove_peer(struct toyvpn_device *tv, const u8 *public_key,
			      struct netlink_ext_ack *extack);

#endif /* TOYVPN_CONFIG_H */
