/* SPDX-License-Identifier: GPL-2.0 */
/*
 * The model: a device and its peers, as the kernel has them or as the user wants them. In what the
 * user wants, the flags say what was named; what was not is left as it is.
 */
#ifndef DEVICE_H
#define DEVICE_H

#include <net/if.h>

#include "addr.h"
#include "encoding.h"

enum {
	DEVICE_PRIVATE_KEY = 1,
	DEVICE_PUBLIC_KEY = 2,
	DEVICE_LISTEN_PORT = 4,
	DEVICE_FWMARK = 8,
	DEVICE_CIPHERS = 16,
};

enum {
	PEER_PUBLIC_KEY = 1,
	PEER_PRESHARED_KEY = 2,
	PEER_ENDPOINT = 4,
	PEER_KEEPALIVE = 8,
	PEER_ALLOWED_IPS = 16,	/* they replace all that the peer has */
	PEER_REPLACE = 32,	/* what is not named goes back to its default */
	PEER_REMOVE = 64,
	PEER_UNCHANGED = 128,	/* nothing to do for this peer */
	PEER_SECRETS = 256,	/* the kernel told its secrets, whether there are any or not */
};

/**
 * struct peer - another side of a device's tunnels
 * @has: PEER_* flags: which of these are set
 * @line: where the configuration file names it
 * @public_key: who it is
 * @preshared_key: zeros for none
 * @endpoint: where it is
 * @host: a name whose address @endpoint still has to be given, or NULL
 * @host_line: where the configuration file names @host
 * @port: port that goes with @host
 * @keepalive: seconds between persistent keepalives, 0 for never
 * @ips: allowed IPs
 * @n_ips: how many
 * @state: enum toyvpn_peer_state; this and what follows is only read
 * @reason: enum toyvpn_reason
 * @cipher: enum toyvpn_cipher
 * @last_handshake: nanoseconds since 1970, 0 for never
 * @rx_bytes: received
 * @tx_bytes: sent
 */
struct peer {
	unsigned int has;
	unsigned int line;
	uint8_t public_key[TOYVPN_KEY_LEN];
	uint8_t preshared_key[TOYVPN_KEY_LEN];
	union endpoint endpoint;
	char *host;
	unsigned int host_line;
	uint16_t port;
	uint16_t keepalive;
	struct allowed_ip *ips;
	size_t n_ips;

	uint32_t state;
	uint32_t reason;
	uint32_t cipher;
	uint64_t last_handshake;
	uint64_t rx_bytes;
	uint64_t tx_bytes;
};

/**
 * struct device - a network device of kind toyvpn
 * @has: DEVICE_* flags: which of these are set
 * @ifindex: its index
 * @ifname: its name
 * @private_key: zeros for none
 * @public_key: belongs to @private_key
 * @listen_port: UDP port, 0 to have one chosen
 * @fwmark: mark of encrypted packets, 0 for none
 * @ciphers: enum toyvpn_cipher, best first
 * @n_ciphers: how many
 * @peers: the peers, each allocated by itself
 * @n_peers: how many
 */
struct device {
	unsigned int has;
	uint32_t ifindex;
	char ifname[IF_NAMESIZE];
	uint8_t private_key[TOYVPN_KEY_LEN];
	uint8_t public_key[TOYVPN_KEY_LEN];
	uint16_t listen_port;
	uint32_t fwmark;
	uint8_t ciphers[TOYVPN_CIPHERS_MAX];
	size_t n_ciphers;
	struct peer **peers;
	size_t n_peers;
};

struct peer *device_add_peer(struct device *dev);
void device_clear_peers(struct device *dev);
void device_clear(struct device *dev);
void device_drop_peer(struct device *dev, const uint8_t key[static TOYVPN_KEY_LEN]);
void device_settle_ips(struct device *dev);
struct allowed_ip *peer_add_ip(struct peer *peer);
void peer_sort_ips(struct peer *peer);

void *peer_index(const struct device *dev, struct peer **twin);
struct peer *peer_index_find(void *index, const uint8_t key[static TOYVPN_KEY_LEN]);
void peer_index_free(void *index);

#endif
