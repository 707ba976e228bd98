// SPDX-License-Identifier: GPL-2.0
#include <string.h>

#include "names.h"

#define ARRAY_SIZE(array) (sizeof(array) / sizeof((array)[0]))

static const char * const cipher_names[] = {
	[TOYVPN_CIPHER_NONE] = "none",
	[TOYVPN_CIPHER_AES_256_GCM] = "aes-256-gcm",
	[TOYVPN_CIPHER_CHACHA20_POLY1305] = "chacha20-poly1305",
};

static const char * const state_names[] = {
	[TOYVPN_PEER_STATE_DISCONNECTED] = "disconnected",
	[TOYVPN_PEER_STATE_CONNECTING] = "connecting",
	[TOYVPN_PEER_STATE_CONNECTED] = "connected",
	[TOYVPN_PEER_STATE_RECONNECTING] = "reconnecting",
};

static const char * const event_names[] = {
	[TOYVPN_EVENT_STATE] = "state",
	[TOYVPN_EVENT_ENDPOINT] = "endpoint",
	[TOYVPN_EVENT_CONFIG] = "config",
	[TOYVPN_EVENT_REMOVED] = "removed",
};

static const struct {
	const char *name;
	const char *advice;
} reasons[] = {
	[TOYVPN_REASON_NONE] = {
		"none", "nothing failed",
	},
	[TOYVPN_REASON_NO_PRIVATE_KEY] = {
		"no-private-key",
		"this interface has no private key: make one with \"toyvpnctl genkey\" and set it",
	},
	[TOYVPN_REASON_NO_ENDPOINT] = {
		"no-endpoint",
		"it is not known where the peer is: set its endpoint, or wait until it connects",
	},
	[TOYVPN_REASON_NO_ANSWER] = {
		"no-answer",
		"no answer: check the endpoint, the peer's firewall, and that each side has the other's public key",
	},
	[TOYVPN_REASON_SEND_FAILED] = {
		"send-failed",
		"this host cannot send to the endpoint: check its routes and its firewall",
	},
	[TOYVPN_REASON_BAD_AUTHENTICATION] = {
		"bad-authentication",
		"the peer's answer does not authenticate: check that both sides have the same preshared key",
	},
	[TOYVPN_REASON_BAD_MESSAGE] = {
		"bad-message",
		"the peer breaks the protocol: check that both sides run the same version",
	},
	[TOYVPN_REASON_NO_COMMON_CIPHER] = {
		"no-common-cipher",
		"no common cipher: set lists of ciphers that have one in common on both sides",
	},
	[TOYVPN_REASON_MODE_DIFFERS] = {
		"mode-differs",
		"one side carries IP packets and the other Ethernet frames: make both interfaces of the same mode",
	},
	[TOYVPN_REASON_REFUSED] = {
		"refused", "the peer refused the login: check the credentials",
	},
	[TOYVPN_REASON_SERVER_FULL] = {
		"server-full", "the peer takes no more clients: try again later",
	},
	[TOYVPN_REASON_EXPIRED] = {
		"expired", "the session ended with nothing to send: the next packet starts another",
	},
	[TOYVPN_REASON_REMOVED_KEY] = {
		"removed-key",
		"the session's keys were erased, by a change of keys or a suspend: the next packet starts another session",
	},
	[TOYVPN_REASON_ROUTE_LOOP] = {
		"route-loop",
		"the route to the endpoint leads into the tunnel itself, or through too many others: add a route to the endpoint that goes around them",
	},
	[TOYVPN_REASON_REMOVED] = {
		"removed", "the peer was removed from this interface",
	},
};

/**
 * cipher_name() - name of a cipher, as in a configuration
 * @cipher: enum toyvpn_cipher
 *
 * Return: the name; "unknown" for one that only a later version knows.
 */
const char *cipher_name(uint32_t cipher)
{
	return cipher < ARRAY_SIZE(cipher_names) ? cipher_names[cipher] : "unknown";
}

/**
 * cipher_from_name() - look a cipher up
 * @name: its name
 *
 * Return: enum toyvpn_cipher, TOYVPN_CIPHER_NONE if there is none of this name.
 */
uint8_t cipher_from_name(const char *name)
{
	size_t i;

	for (i = TOYVPN_CIPHER_NONE + 1; i < ARRAY_SIZE(cipher_names); i++)
		if (!strcmp(name, cipher_names[i]))
			return i;
	return TOYVPN_CIPHER_NONE;
}

/**
 * event_name() - name of what an event tells
 * @event: enum toyvpn_event
 *
 * Return: the name; "unknown" for one that only a later version knows.
 */
const char *event_name(uint32_t event)
{
	return event < ARRAY_SIZE(event_names) ? event_names[event] : "unknown";
}

/**
 * state_name() - name of a peer's state
 * @state: enum toyvpn_peer_state
 *
 * Return: the name; "unknown" for one that only a later version knows.
 */
const char *state_name(uint32_t state)
{
	return state < ARRAY_SIZE(state_names) ? state_names[state] : "unknown";
}

/**
 * reason_name() - name of why there is no session, for programs
 * @reason: enum toyvpn_reason
 *
 * Return: the name; "unknown" for one that only a later version knows.
 */
const char *reason_name(uint32_t reason)
{
	return reason < ARRAY_SIZE(reasons) ? reasons[reason].name : "unknown";
}

/**
 * reason_advice() - why there is no session and what can be done, for people
 * @reason: enum toyvpn_reason
 *
 * Return: a sentence.
 */
const char *reason_advice(uint32_t reason)
{
	return reason < ARRAY_SIZE(reasons) ? reasons[reason].advice :
	       "a reason that this version of toyvpnctl does not know: look for a newer one";
}
