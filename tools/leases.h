/* SPDX-License-Identifier: GPL-2.0 */
/* Which client has which address, in a database that outlives the server. */
#ifndef LEASES_H
#define LEASES_H

#include <stdbool.h>
#include <stdint.h>

#include <linux/toyvpn.h>

#include "addr.h"
#include "users.h"

#define LEASES_FOLDER	"/var/lib/toyvpn"

struct leases;
struct pool;

/**
 * struct lease - the address of a client
 * @public_key: the client
 * @login: the user that it logged in as
 * @proof: of the user's hash then, of user_proof()
 * @slot: its place in the pool
 * @since: when it got it, seconds since 1970
 * @seen: when it was last here, or has last logged in
 * @ipv4: text of its IPv4 address, or empty
 * @ipv6: of its IPv6 address
 */
struct lease {
	uint8_t public_key[TOYVPN_KEY_LEN];
	char login[USER_NAME_MAX + 1];
	uint8_t proof[USER_PROOF_LEN];
	uint32_t slot;
	int64_t since;
	int64_t seen;
	char ipv4[INET_ADDRSTRLEN];
	char ipv6[INET6_ADDRSTRLEN];
};

/* What leases_take() came to. */
enum lease_result {
	LEASE_OK,
	LEASE_FULL,		/* all addresses are others' */
	LEASE_DEVICES,		/* the user has as many as one may have, and all are in use */
	LEASE_FAILED,		/* the user has been told */
};

/**
 * struct lease_limits - when somebody gets no address, or that of somebody else
 * @expired: a lease last seen before this time can be another client's
 * @devices: how many a user can have, 0 for no limit
 * @away: at that limit, one last seen before this time can be another one's of the same user
 */
struct lease_limits {
	int64_t expired;
	uint32_t devices;
	int64_t away;
};

char *leases_path(const char *ifname);
struct leases *leases_open(const char *path, const struct pool *pool);
void leases_close(struct leases *leases);

bool leases_begin(struct leases *leases);
bool leases_commit(struct leases *leases);

enum lease_result leases_take(struct leases *leases, struct lease *lease,
			      const struct lease_limits *limits,
			      uint8_t former[static TOYVPN_KEY_LEN]);
int leases_find(struct leases *leases, const uint8_t key[static TOYVPN_KEY_LEN],
		struct lease *lease);
bool leases_saw(struct leases *leases, const uint8_t key[static TOYVPN_KEY_LEN], int64_t when);
bool leases_each(struct leases *leases, bool (*each)(const struct lease *lease, void *data),
		 void *data);

#endif
