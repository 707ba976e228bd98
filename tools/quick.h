/* SPDX-License-Identifier: GPL-2.0 */
/* The file of a whole tunnel, wg-quick's and more: what "up" and "serve" read. */
#ifndef QUICK_H
#define QUICK_H

#include <stdbool.h>

#include "configblob.h"
#include "device.h"

/* Where the file of a NAME is. */
/* The least MTU of IPv6 (RFC 8200, section 5): below, a link loses IPv6 for good. */
#define QUICK_MTU_IPV6	1280
#define QUICK_FOLDER	"/etc/toyvpn"

/* What to do with the routes to the peers' allowed IPs. */
enum quick_table {
	QUICK_TABLE_AUTO,	/* into the main table; a default one by rules */
	QUICK_TABLE_OFF,	/* none */
	QUICK_TABLE_NUMBER,	/* all into one table */
};

/* What may leave outside of the tunnel. */
enum quick_kill_switch {
	QUICK_KILL_SWITCH_OFF,		/* everything */
	QUICK_KILL_SWITCH_ON,		/* what carries the tunnel */
	QUICK_KILL_SWITCH_LOCAL,	/* and what stays on the local network */
};

/* Commands that are run when the link is made, is up, goes down, is gone. */
enum quick_hook {
	QUICK_PRE_UP,
	QUICK_POST_UP,
	QUICK_PRE_DOWN,
	QUICK_POST_DOWN,
	QUICK_HOOKS,
};

/**
 * struct quick_commands - commands for one moment
 * @list: the commands, for sh, with %i as it was written
 * @n: how many
 */
struct quick_commands {
	char **list;
	size_t n;
};

/**
 * struct quick - a tunnel as its file has it
 * @path: the file
 * @ifname: the link's name, which is the file's
 * @dev: what the kernel module is told; its endpoints are still names
 * @own: addresses, DNS servers, domains and MTU (0: by the route to the endpoint) of this side
 * @table: what to do with routes
 * @table_number: for QUICK_TABLE_NUMBER
 * @hooks: commands
 * @kill_switch: what may leave outside
 * @autoconf: take from the peer's configuration what this file does not name
 * @login: name at the server, or NULL
 * @password_file: where the password is, or NULL
 * @pool: networks that the server gives addresses from
 * @n_pool: how many
 * @push: routes, DNS servers, domains, MTU and keepalive that the server gives its clients
 * @nat: link behind whose address clients reach the rest of the world, "auto", or NULL for none
 * @users: file of those who may log in, or NULL
 * @devices: how many devices of one user can have an address, 0 for no limit
 */
struct quick {
	char *path;
	char ifname[IF_NAMESIZE];
	struct device dev;
	struct configblob own;
	enum quick_table table;
	uint32_t table_number;
	struct quick_commands hooks[QUICK_HOOKS];
	enum quick_kill_switch kill_switch;
	bool autoconf;
	char *login;
	char *password_file;
	struct allowed_ip *pool;
	size_t n_pool;
	struct configblob push;
	char *nat;
	char *users;
	uint32_t devices;
};

bool quick_has_ipv6(const struct quick *quick);
bool quick_locate(struct quick *quick, const char *name);
bool quick_read(struct quick *quick, const char *name);
bool quick_parse(struct quick *quick, const char *path);
void quick_clear(struct quick *quick);

#endif
