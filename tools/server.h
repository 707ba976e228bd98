/* SPDX-License-Identifier: GPL-2.0 */
/* A server's clients: who logs in, has an address, is away, has to go. */
#ifndef SERVER_H
#define SERVER_H

#include <stdbool.h>
#include <stdint.h>
#include <sys/stat.h>

#include "authorizer.h"
#include "device.h"
#include "leases.h"
#include "pool.h"
#include "quick.h"
#include "users.h"
#include "verifier.h"

/**
 * struct server - all that a server knows
 * @quick: its file, the caller's
 * @others: index of the peers that the file names: they are no clients
 * @dev: its device, with the peers as they were when they were last looked at
 * @pool: the addresses of clients
 * @leases: whose they are
 * @auth: the kernel
 * @verifier: verifies passwords
 * @users: who may log in
 * @users_path: their file
 * @users_stat: that file, as it was read
 * @idle: seconds without a handshake until a client is a peer no more
 * @lease: seconds until the address of a client that was not seen can be another's
 * @is_new: its device was made just now: who is a peer there was made one by its file
 * @refused: how many were refused since the last look at the clients
 */
struct server {
	struct quick *quick;
	void *others;
	struct device dev;
	struct pool pool;
	struct leases *leases;
	struct authorizer auth;
	struct verifier *verifier;
	struct users users;
	const char *users_path;
	struct stat users_stat;
	uint32_t idle;
	uint32_t lease;
	bool is_new;
	unsigned int refused;
};

bool server_check(struct server *server);
bool server_claim(struct server *server);
bool server_open(struct server *server);
void server_close(struct server *server);

bool server_read_requests(struct server *server);
bool server_answer(struct server *server);
bool server_look(struct server *server);
bool server_read_users(struct server *server);

#endif
