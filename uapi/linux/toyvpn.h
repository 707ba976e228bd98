/* SPDX-License-Identifier: ((GPL-2.0 WITH Linux-syscall-note) OR BSD-3-Clause) */
/* Do not edit directly, auto-generated from: */
/*	Documentation/netlink/specs/toyvpn.yaml */
/* YNL-GEN uapi header */
/* YNL-ARG --function-prefix toyvpn_nl */
/* To regenerate run: tools/net/ynl/ynl-regen.sh */

#ifndef _UAPI_LINUX_TOYVPN_H
#define _UAPI_LINUX_TOYVPN_H

#define TOYVPN_GENL_NAME	"toyvpn"
#define TOYVPN_GENL_VERSION	1

#define TOYVPN_KEY_LEN		32
#define TOYVPN_CIPHERS_MAX	8
#define TOYVPN_CREDENTIALS_MAX	256
#define TOYVPN_CONFIG_MAX	768

/**
 * enum toyvpn_cipher - Data ciphers, by their ids on the wire.
 * @TOYVPN_CIPHER_NONE: No session.
 */
enum toyvpn_cipher {
	TOYVPN_CIPHER_NONE,
	TOYVPN_CIPHER_AES_256_GCM,
	TOYVPN_CIPHER_CHACHA20_POLY1305,
};

/**
 * enum toyvpn_peer_state
 * @TOYVPN_PEER_STATE_DISCONNECTED: No session, and nothing tries to make one.
 * @TOYVPN_PEER_STATE_CONNECTING: A first handshake is under way.
 * @TOYVPN_PEER_STATE_CONNECTED: There is a session that carries data.
 * @TOYVPN_PEER_STATE_RECONNECTING: There was a session; a handshake for the
 *   next is not answered.
 */
enum toyvpn_peer_state {
	TOYVPN_PEER_STATE_DISCONNECTED,
	TOYVPN_PEER_STATE_CONNECTING,
	TOYVPN_PEER_STATE_CONNECTED,
	TOYVPN_PEER_STATE_RECONNECTING,
};

/**
 * enum toyvpn_reason - Why there is no session with a peer, or why the last
 *   attempt failed.
 * @TOYVPN_REASON_NONE: Nothing failed.
 * @TOYVPN_REASON_NO_PRIVATE_KEY: This device has no private key.
 * @TOYVPN_REASON_NO_ENDPOINT: Where the peer is has neither been set nor
 *   learned.
 * @TOYVPN_REASON_NO_ANSWER: Handshake messages stay unanswered.
 * @TOYVPN_REASON_SEND_FAILED: The network of this host refused a handshake
 *   message, for example because it has no route to the endpoint.
 * @TOYVPN_REASON_BAD_AUTHENTICATION: The peer answers and its answer does not
 *   authenticate: the pre-shared keys differ, or the message was forged.
 * @TOYVPN_REASON_BAD_MESSAGE: The peer's handshake authenticates and breaks
 *   the protocol.
 * @TOYVPN_REASON_NO_COMMON_CIPHER: One side refused because no cipher is
 *   accepted by both.
 * @TOYVPN_REASON_MODE_DIFFERS: One side carries IP packets, the other Ethernet
 *   frames.
 * @TOYVPN_REASON_REFUSED: The peer refused the login.
 * @TOYVPN_REASON_SERVER_FULL: The peer takes no more clients.
 * @TOYVPN_REASON_EXPIRED: The session reached the end of its life with nothing
 *   to send.
 * @TOYVPN_REASON_REMOVED_KEY: The keys were erased, by a new configuration or
 *   a suspend.
 * @TOYVPN_REASON_ROUTE_LOOP: The route to the endpoint leads into the tunnel
 *   itself.
 * @TOYVPN_REASON_REMOVED: The peer was removed.
 */
enum toyvpn_reason {
	TOYVPN_REASON_NONE,
	TOYVPN_REASON_NO_PRIVATE_KEY,
	TOYVPN_REASON_NO_ENDPOINT,
	TOYVPN_REASON_NO_ANSWER,
	TOYVPN_REASON_SEND_FAILED,
	TOYVPN_REASON_BAD_AUTHENTICATION,
	TOYVPN_REASON_BAD_MESSAGE,
	TOYVPN_REASON_NO_COMMON_CIPHER,
	TOYVPN_REASON_MODE_DIFFERS,
	TOYVPN_REASON_REFUSED,
	TOYVPN_REASON_SERVER_FULL,
	TOYVPN_REASON_EXPIRED,
	TOYVPN_REASON_REMOVED_KEY,
	TOYVPN_REASON_ROUTE_LOOP,
	TOYVPN_REASON_REMOVED,
};

/**
 * enum toyvpn_peer_flags
 * @TOYVPN_PEER_FLAGS_UPDATE_ONLY: Fail with ENOENT unless the peer exists.
 * @TOYVPN_PEER_FLAGS_REPLACE: The peer ends with just what this message says;
 *   what it does not name goes back to its default. Sessions stay if the
 *   pre-shared key does.
 * @TOYVPN_PEER_FLAGS_REPLACE_ALLOWED_IPS: The allowed IPs of this message
 *   replace all that the peer has.
 * @TOYVPN_PEER_FLAGS_MORE: The next message continues this one. Nothing is
 *   applied until the first message for the same peer without this flag. After
 *   an error the rest is refused as well; another peer or the end of the
 *   socket forgets what was collected. Only allowed IPs are taken from the
 *   continuing messages.
 * @TOYVPN_PEER_FLAGS_CONNECT: Begin a handshake now, as if it were the first:
 *   a retry that waits, a cached route and our source address are forgotten.
 *   For a network that changed. A session that there is carries data
 *   meanwhile.
 */
enum toyvpn_peer_flags {
	TOYVPN_PEER_FLAGS_UPDATE_ONLY = 1,
	TOYVPN_PEER_FLAGS_REPLACE = 2,
	TOYVPN_PEER_FLAGS_REPLACE_ALLOWED_IPS = 4,
	TOYVPN_PEER_FLAGS_MORE = 8,
	TOYVPN_PEER_FLAGS_CONNECT = 16,
};

/**
 * enum toyvpn_event - What an event tells of a peer.
 * @TOYVPN_EVENT_STATE: The state, its reason or the session is another one.
 * @TOYVPN_EVENT_ENDPOINT: It moved, or its endpoint was set.
 * @TOYVPN_EVENT_CONFIG: Its last handshake brought another configuration than
 *   the one before, or none any more.
 * @TOYVPN_EVENT_REMOVED: It is a peer no more.
 */
enum toyvpn_event {
	TOYVPN_EVENT_STATE,
	TOYVPN_EVENT_ENDPOINT,
	TOYVPN_EVENT_CONFIG,
	TOYVPN_EVENT_REMOVED,
};

enum {
	TOYVPN_A_DEVICE_IFINDEX = 1,
	TOYVPN_A_DEVICE_IFNAME,
	TOYVPN_A_DEVICE_PRIVATE_KEY,
	TOYVPN_A_DEVICE_PUBLIC_KEY,
	TOYVPN_A_DEVICE_LISTEN_PORT,
	TOYVPN_A_DEVICE_FWMARK,
	TOYVPN_A_DEVICE_CIPHERS,
	TOYVPN_A_DEVICE_PEERS,

	__TOYVPN_A_DEVICE_MAX,
	TOYVPN_A_DEVICE_MAX = (__TOYVPN_A_DEVICE_MAX - 1)
};

enum {
	TOYVPN_A_ALLOWED_IP_IPV4 = 1,
	TOYVPN_A_ALLOWED_IP_IPV6,
	TOYVPN_A_ALLOWED_IP_PREFIX_LEN,
	TOYVPN_A_ALLOWED_IP_REMOVE,

	__TOYVPN_A_ALLOWED_IP_MAX,
	TOYVPN_A_ALLOWED_IP_MAX = (__TOYVPN_A_ALLOWED_IP_MAX - 1)
};

enum {
	TOYVPN_A_PEER_IFINDEX = 1,
	TOYVPN_A_PEER_IFNAME,
	TOYVPN_A_PEER_PUBLIC_KEY,
	TOYVPN_A_PEER_FLAGS,
	TOYVPN_A_PEER_PRESHARED_KEY,
	TOYVPN_A_PEER_ENDPOINT_IPV4,
	TOYVPN_A_PEER_ENDPOINT_IPV6,
	TOYVPN_A_PEER_ENDPOINT_SCOPE_ID,
	TOYVPN_A_PEER_ENDPOINT_PORT,
	TOYVPN_A_PEER_PERSISTENT_KEEPALIVE,
	TOYVPN_A_PEER_ALLOWED_IP,
	TOYVPN_A_PEER_STATE,
	TOYVPN_A_PEER_REASON,
	TOYVPN_A_PEER_CIPHER,
	TOYVPN_A_PEER_LAST_HANDSHAKE,
	TOYVPN_A_PEER_RX_BYTES,
	TOYVPN_A_PEER_TX_BYTES,
	TOYVPN_A_PEER_PAD,
	TOYVPN_A_PEER_CONFIG,
	TOYVPN_A_PEER_RECEIVED_CONFIG,
	TOYVPN_A_PEER_CREDENTIALS,
	TOYVPN_A_PEER_REQUEST_ID,
	TOYVPN_A_PEER_EVENT,
	TOYVPN_A_PEER_STATE_SINCE,

	__TOYVPN_A_PEER_MAX,
	TOYVPN_A_PEER_MAX = (__TOYVPN_A_PEER_MAX - 1)
};

enum {
	TOYVPN_CMD_DEVICE_GET = 1,
	TOYVPN_CMD_DEVICE_SET,
	TOYVPN_CMD_PEER_GET,
	TOYVPN_CMD_PEER_SET,
	TOYVPN_CMD_PEER_DEL,
	TOYVPN_CMD_AUTHORIZER_SET,
	TOYVPN_CMD_REQUEST_REFUSE,
	TOYVPN_CMD_REQUEST_EVENT,
	TOYVPN_CMD_PEER_EVENT,

	__TOYVPN_CMD_MAX,
	TOYVPN_CMD_MAX = (__TOYVPN_CMD_MAX - 1)
};

#define TOYVPN_MCGRP_EVENTS	"events"

#endif /* _UAPI_LINUX_TOYVPN_H */
