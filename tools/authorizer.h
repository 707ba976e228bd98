/* SPDX-License-Identifier: GPL-2.0 */
/* Decides for the kernel who may become a peer of a device. */
#ifndef AUTHORIZER_H
#define AUTHORIZER_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <linux/toyvpn.h>

#include "addr.h"

struct genl;

/**
 * struct authorizer - a connection to the kernel for the requests of strangers
 * @requests: what the kernel tells of them by, and refusals go
 * @commands: what peers are made and removed by
 * @ifindex: the device
 */
struct authorizer {
	struct genl *requests;
	struct genl *commands;
	uint32_t ifindex;
};

/**
 * struct request - a stranger that wants to be a peer
 * @id: for the answer
 * @public_key: who it is; this is authenticated
 * @endpoint: where it is
 * @credentials: what it sent, a zero byte behind it
 * @credentials_len: how many bytes
 */
struct request {
	uint32_t id;
	uint8_t public_key[TOYVPN_KEY_LEN];
	union endpoint endpoint;
	char credentials[TOYVPN_CREDENTIALS_MAX + 1];
	size_t credentials_len;
};

/**
 * struct admission - a peer that is made
 * @public_key: who it is
 * @request_id: the request that this answers, or 0
 * @ips: its addresses
 * @n_ips: how many
 * @config: what it is given with each handshake
 * @config_len: how many bytes
 */
struct admission {
	const uint8_t *public_key;
	uint32_t request_id;
	const struct allowed_ip *ips;
	size_t n_ips;
	const uint8_t *config;
	size_t config_len;
};

bool authorizer_open(struct authorizer *auth, const char *ifname, uint32_t ifindex);
void authorizer_close(struct authorizer *auth);
int authorizer_fd(const struct authorizer *auth);
bool authorizer_read(struct authorizer *auth, void (*each)(struct request *request, void *data),
		     void *data);

bool authorizer_admit(struct authorizer *auth, const struct admission *admission);
void authorizer_refuse(struct authorizer *auth, uint32_t id, enum toyvpn_reason reason);
bool authorizer_remove(struct authorizer *auth, const uint8_t key[static TOYVPN_KEY_LEN]);

#endif
