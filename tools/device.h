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
	PEER_CONFIG = 512,
	PEER_CREDENTIALS = 1024,
	PEER_CONNECT = 2048,	/* a handshake is to begin now */
	PEER_UPDATE_ONLY = 4096,	/* an error if it is not there */
};

/**
 * struct blob - bytes that the kernel carries and does not read
 * @bytes: they, allocated
 * @len: how many, 0 for none
 */
struct blob {
	uint8_t *bytes;
	size_t len;
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
 * @config: what this side sends in each handshake that the peer begins
 * @credentials: what it sends in each that it begins itself; never read
 * @received_config: what the peer sent likewise; this and what follows is only read
 * @state: enum toyvpn_peer_state
 * @reason: enum toyvpn_reason
 * @cipher: enum toyvpn_cipher
 * @since: when it came into that state, nanoseconds since 1970
 * @last_handshake: likewise, 0 for never
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
	struct blob config;
	struct blob credentials;

	struct blob received_config;
	uint32_t state;
	uint32_t reason;
	uint32_t cipher;
	uint64_t since;
	uint64_t last_handshake;
	uint64_t rx_bytes;
	uint64_t tx_bytes;
};

struct peer_block;

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
 * @peers: the peers
 * @n_peers: how many
 * @blocks: their memory
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
	struct peer_block *blocks;
};

struct peer *device_add_peer(struct device *dev);
void device_clear_peers(struct device *dev);
void device_clear(struct device *dev);
void device_copy(struct device *to, const struct device *from);
void device_drop_peer(struct device *dev, const uint8_t key[static TOYVPN_KEY_LEN]);
void device_drop_last(struct device *dev);
void device_settle_ips(struct device *dev);
void blob_set(struct blob *blob, const void *bytes, size_t len);
struct allowed_ip *peer_add_ip(struct peer *peer);
void peer_clear(struct peer *peer);
void peer_sort_ips(struct peer *peer);

void *peer_index(const struct device *dev, struct peer **twin);
struct peer *peer_index_find(void *index, const uint8_t key[static TOYVPN_KEY_LEN]);
void peer_index_free(void *index);

#endif
