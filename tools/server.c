// SPDX-License-Identifier: GPL-2.0
/*
 * What has to last is in the database of leases and in the kernel: a server that is started again
 * goes on with the peers that are there, and who is no peer any more logs in again.
 */
#include <arpa/inet.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include <sodium.h>

#include "config.h"
#include "fetch.h"
#include "genl.h"
#include "login.h"
#include "report.h"
#include "server.h"

#define NS_PER_S	1000000000
/* Of one interval between two looks at the clients. */
#define REFUSALS_TOLD	20

/* "10.9.0.2, fd09::2" */
#define ADDRESSES_SIZE	(INET_ADDRSTRLEN + 2 + INET6_ADDRSTRLEN)

static const char *addresses(char text[static ADDRESSES_SIZE], const struct lease *lease)
{
	snprintf(text, ADDRESSES_SIZE, "%s%s%s", lease->ipv4,
		 *lease->ipv4 && *lease->ipv6 ? ", " : "", lease->ipv6);
	return text;
}

/*
 * Peers
 */

/* The lease of a peer, if it is a client. */
static bool find_lease(struct server *server, const struct peer *peer, struct lease *lease)
{
	return !peer_index_find(server->others, peer->public_key) &&
	       leases_find(server->leases, peer->public_key, lease) > 0;
}

/* What a client is given with each handshake. */
static bool make_config(const struct server *server, uint32_t slot, struct configblob *blob,
			uint8_t bytes[static CONFIGBLOB_MAX], size_t *len)
{
	*blob = server->quick->push;
	blob->n_addresses = pool_addresses(&server->pool, slot, blob->addresses);
	return configblob_encode(blob, bytes, len);
}

/* Make the peer that a lease stands for, or change it. */
static bool admit(struct server *server, const struct lease *lease, uint32_t request_id)
{
	uint8_t config[CONFIGBLOB_MAX];
	struct admission admission = {
		.public_key = lease->public_key,
		.request_id = request_id,
		.config = config,
	};
	struct configblob blob;

	if (!make_config(server, lease->slot, &blob, config, &admission.config_len))
		return fail("%s: this is more than a handshake has room for",
			    server->quick->path);
	admission.ips = blob.addresses;
	admission.n_ips = blob.n_addresses;
	return authorizer_admit(&server->auth, &admission);
}

static bool dismiss(struct server *server, const struct lease *lease, const char *why)
{
	char text[ADDRESSES_SIZE];

	note("%s %s: %s is a peer no more", lease->login, why, addresses(text, lease));
	return authorizer_remove(&server->auth, lease->public_key);
}

static bool fetch(struct server *server)
{
	return fetch_peers(server->auth.commands, &server->dev) ||
	       fail("%s: cannot read its peers: %s", server->quick->ifname,
		    server->auth.commands->reason);
}

/* What became of a client since the last look: it was here, or it has been away for too long. */
static bool check_client(struct server *server, const struct peer *peer, int64_t now)
{
	int64_t last = (int64_t)(peer->last_handshake / NS_PER_S);
	struct lease lease;

	if (!find_lease(server, peer, &lease))
		return true;
	if (last > lease.seen && !leases_saw(server->leases, peer->public_key, last))
		return false;
	if (last < lease.seen)
		last = lease.seen;
	return now - last <= server->idle || dismiss(server, &lease, "was away for long");
}

/* All of them, as they were fetched last. */
static bool check_clients(struct server *server)
{
	int64_t now = time(NULL);
	bool good = true;
	size_t i;

	if (!leases_begin(server->leases))
		return false;
	for (i = 0; good && i < server->dev.n_peers; i++)
		good = check_client(server, server->dev.peers[i], now);
	/* What is not committed is forgotten when we end. */
	return good && leases_commit(server->leases);
}

/* Those who guess passwords, whoever they are, fill no log. */
static void tell_how_many_were_refused(struct server *server)
{
	if (server->refused > REFUSALS_TOLD)
		note("%u more were refused", server->refused - REFUSALS_TOLD);
	server->refused = 0;
}

/**
 * server_look() - note which clients are here, and let those go that were away for long
 * @server: the server
 *
 * Return: whether it can go on; if not, the user has been told.
 */
bool server_look(struct server *server)
{
	tell_how_many_were_refused(server);
	return fetch(server) && check_clients(server);
}

/*
 * Users
 */

/* Whether the user that a lease is of could log in with the same password now. */
static bool is_welcome(const struct server *server, const struct lease *lease)
{
	const struct user *user = users_find(&server->users, lease->login);
	uint8_t proof[USER_PROOF_LEN];

	if (!user)
		return false;
	user_proof(proof, user);
	return !sodium_memcmp(proof, lease->proof, sizeof(proof));
}

/* Of the peers that are there, let those go that could not log in now. */
static bool check_users(struct server *server)
{
	struct lease lease;
	bool good = true;
	size_t i;

	if (!fetch(server))
		return false;
	for (i = 0; good && i < server->dev.n_peers; i++)
		if (find_lease(server, server->dev.peers[i], &lease) &&
		    !is_welcome(server, &lease))
			good = dismiss(server, &lease,
				       users_find(&server->users, lease.login) ?
				       "has another password" : "may not log in any more");
	return good;
}

static bool is_same_file(const struct stat *one, const struct stat *other)
{
	return one->st_dev == other->st_dev && one->st_ino == other->st_ino &&
	       one->st_size == other->st_size &&
	       one->st_mtim.tv_sec == other->st_mtim.tv_sec &&
	       one->st_mtim.tv_nsec == other->st_mtim.tv_nsec;
}

/**
 * server_read_users() - read the users again, if their file is another one than it was
 * @server: the server
 *
 * A file that is wrong, or that went away, changes nothing; the administrator is told.
 *
 * Return: whether it can go on; if not, the user has been told.
 */
bool server_read_users(struct server *server)
{
	struct users users;
	struct stat st;

	if (stat(server->users_path, &st) < 0 || is_same_file(&st, &server->users_stat))
		return true;
	server->users_stat = st;
	if (!users_load(&users, server->users_path)) {
		users_free(&users);
		return true;
	}
	users_free(&server->users);
	server->users = users;
	note("users who may log in: %zu", users.n);
	return check_users(server);
}

/*
 * Requests
 */

static void refuse(struct server *server, const struct request *request, const char *name,
		   enum toyvpn_reason reason, const char *why)
{
	char where[ENDPOINT_TEXT_SIZE];

	if (server->refused++ < REFUSALS_TOLD) {
		endpoint_to_text(where, &request->endpoint);
		note("%s from %s: refused: %s", name, where, why);
	}
	authorizer_refuse(&server->auth, request->id, reason);
}

static void read_request(struct request *request, void *data)
{
	struct server *server = data;
	const struct user *user;
	struct login *login;

	/* Who sends nothing is no client of ours: silence, and its place is for another one. */
	if (!request->credentials_len) {
		authorizer_refuse(&server->auth, request->id, TOYVPN_REASON_NONE);
		return;
	}
	/* Who asks again has the same answer. */
	if (verifier_renew(server->verifier, request->id))
		return;
	login = xzalloc(sizeof(*login));
	if (!login_read(login->user.name, login->password, request->credentials,
			request->credentials_len)) {
		refuse(server, request, "somebody", TOYVPN_REASON_REFUSED, "wrong login");
		sodium_memzero(login, sizeof(*login));
		free(login);
		return;
	}
	login->request.id = request->id;
	login->request.endpoint = request->endpoint;
	memcpy(login->request.public_key, request->public_key, TOYVPN_KEY_LEN);
	user = users_find(&server->users, login->user.name);
	login->known = user;
	if (user)
		login->user = *user;
	verifier_submit(server->verifier, login);
}

/**
 * server_read_requests() - read what strangers want, and have their passwords verified
 * @server: the server
 *
 * Return: whether it can go on; if not, the user has been told.
 */
bool server_read_requests(struct server *server)
{
	return authorizer_read(&server->auth, read_request, server);
}

/* A login that was verified, and what comes of it. */
struct answer {
	const struct login *login;
	struct lease lease;
	enum lease_result result;
	bool refused;
};

/* Get an address for a login, in the transaction that is open. */
static void lease(struct server *server, struct answer *answer)
{
	const struct user *user = users_find(&server->users, answer->login->user.name);
	uint8_t former[TOYVPN_KEY_LEN];
	int64_t now = time(NULL);
	const struct lease_limits limits = {
		.expired = now - server->lease,
		.devices = server->quick->devices,
		.away = now - server->idle,
	};

	/* The users may have changed meanwhile. */
	answer->refused = !answer->login->good || !user ||
			  strcmp(user->hash, answer->login->user.hash);
	if (answer->refused)
		return;
	memcpy(answer->lease.public_key, answer->login->request.public_key, TOYVPN_KEY_LEN);
	snprintf(answer->lease.login, sizeof(answer->lease.login), "%s", user->name);
	user_proof(answer->lease.proof, user);
	answer->lease.seen = now;
	answer->result = leases_take(server->leases, &answer->lease, &limits, former);
	/* Who has a section of the file meanwhile lost just the address that it had before. */
	if (answer->result == LEASE_OK && !key_is_zero(former) &&
	    !peer_index_find(server->others, former))
		authorizer_remove(&server->auth, former);
}

static void send_answer(struct server *server, const struct answer *answer)
{
	const struct request *request = &answer->login->request;
	const char *name = answer->login->user.name;
	char where[ENDPOINT_TEXT_SIZE], text[ADDRESSES_SIZE];

	if (answer->login->late)
		return;
	if (answer->refused) {
		refuse(server, request, name, TOYVPN_REASON_REFUSED, "wrong login");
	} else if (answer->result == LEASE_FULL) {
		refuse(server, request, name, TOYVPN_REASON_SERVER_FULL,
		       "all addresses are in use");
	} else if (answer->result == LEASE_DEVICES) {
		refuse(server, request, name, TOYVPN_REASON_SERVER_FULL,
		       "has as many devices here as one may have");
	} else if (answer->result == LEASE_OK && admit(server, &answer->lease, request->id)) {
		endpoint_to_text(where, &request->endpoint);
		note("%s from %s: joined as %s", answer->lease.login, where,
		     addresses(text, &answer->lease));
	}
}

/**
 * server_answer() - answer those whose passwords have been verified
 * @server: the server
 *
 * Addresses are on the disk before any client hears of its own, all with one write.
 *
 * Return: whether it can go on; if not, the user has been told.
 */
bool server_answer(struct server *server)
{
	struct login *list = verifier_take(server->verifier), *login;
	struct answer *answers;
	size_t n = 0, i;
	bool good;

	for (login = list; login; login = login->next)
		n++;
	if (!n)
		return true;
	answers = xzalloc(n * sizeof(*answers));
	good = leases_begin(server->leases);
	for (i = 0, login = list; good && login; i++, login = login->next) {
		answers[i].login = login;
		if (login->late)
			continue;
		lease(server, &answers[i]);
		good = answers[i].result != LEASE_FAILED;
	}
	good = good && leases_commit(server->leases);
	for (i = 0; good && i < n; i++)
		send_answer(server, &answers[i]);
	free(answers);
	while ((login = list)) {
		list = login->next;
		sodium_memzero(login, sizeof(*login));
		free(login);
	}
	return good;
}

/*
 * Beginning and end
 */

/**
 * server_check() - look at what a file says of a server, before anything is done
 * @server: the server, with its file and all else zeros; for server_close() in any case
 *
 * Return: whether it can be one; if not, the user has been told.
 */
bool server_check(struct server *server)
{
	const struct quick *quick = server->quick;
	uint8_t bytes[CONFIGBLOB_MAX];
	struct configblob blob;
	size_t i, j, len;

	if (!pool_set(&server->pool, quick->pool, quick->n_pool, quick->path))
		return false;
	if (!make_config(server, server->pool.last, &blob, bytes, &len))
		return fail("%s: Push: this is more than a handshake has room for", quick->path);
	if (!config_resolve_addresses(&server->quick->dev, quick->path))
		return false;
	for (i = 0; i < quick->own.n_addresses; i++) {
		struct allowed_ip own = quick->own.addresses[i];

		own.prefix_len = allowed_ip_bits(&own);
		pool_take(&server->pool, &own);
	}
	for (i = 0; i < quick->dev.n_peers; i++)
		for (j = 0; j < quick->dev.peers[i]->n_ips; j++)
			pool_take(&server->pool, &quick->dev.peers[i]->ips[j]);
	server->others = peer_index(&quick->dev, NULL);
	server->users_path = quick->users ? quick->users : USERS_DEFAULT;
	/* First: what changes after that is read again. */
	if (stat(server->users_path, &server->users_stat) < 0)
		memset(&server->users_stat, 0, sizeof(server->users_stat));
	if (!users_load(&server->users, server->users_path))
		return false;
	if (!server->users.n)
		warn("%s: there are no users yet: toyvpnctl user add NAME", server->users_path);
	return true;
}

/* Who lost its section of the file, or its lease: nothing else would ever end such a peer. */
static bool drop(struct server *server, const struct peer *peer)
{
	char key[KEY_TEXT_SIZE];

	key_to_text(key, peer->public_key);
	note("%s has no [Peer] and no address here: it is a peer no more", key);
	return authorizer_remove(&server->auth, peer->public_key);
}

/* Go on with a peer that is there, if it still is one. */
static bool adopt_peer(struct server *server, const struct peer *peer)
{
	struct lease lease;
	int found;

	if (peer_index_find(server->others, peer->public_key))
		return true;
	found = leases_find(server->leases, peer->public_key, &lease);
	/* What clients are given may be another thing now. */
	if (found > 0)
		return admit(server, &lease, 0);
	/* Of a link that is new, commands of the file may have made peers just now. */
	return !found && (server->is_new || drop(server, peer));
}

/* Go on with the peers that are there. */
static bool adopt(struct server *server)
{
	bool good = true;
	size_t i;

	if (!check_users(server) || !fetch(server))
		return false;
	for (i = 0; good && i < server->dev.n_peers; i++)
		good = adopt_peer(server, server->dev.peers[i]);
	return good;
}

/**
 * server_claim() - become the server of a device that is there
 * @server: the server, which server_check() found good
 *
 * Return: whether it worked, or did before; if not, the user has been told.
 */
bool server_claim(struct server *server)
{
	const char *ifname = server->quick->ifname;
	struct genl *genl;
	bool good;

	if (server->dev.ifindex)
		return true;
	genl = genl_open();
	if (!genl)
		return false;
	good = fetch_device(genl, ifname, &server->dev) &&
	       authorizer_open(&server->auth, ifname, server->dev.ifindex);
	genl_close(genl);
	return good;
}

/**
 * server_open() - begin to serve
 * @server: the server, which has claimed its device: its leases are nobody else's
 *
 * Return: whether it worked; if not, the user has been told.
 */
bool server_open(struct server *server)
{
	char *path = leases_path(server->quick->ifname);

	server->leases = leases_open(path, &server->pool);
	free(path);
	if (!server->leases)
		return false;
	server->verifier = verifier_open();
	/* Who is here now is known before anybody's address can be another's. */
	return server->verifier && adopt(server) && check_clients(server);
}

/**
 * server_close() - end serving; the peers stay
 * @server: the server
 */
void server_close(struct server *server)
{
	verifier_close(server->verifier);
	leases_close(server->leases);
	authorizer_close(&server->auth);
	users_free(&server->users);
	pool_clear(&server->pool);
	peer_index_free(server->others);
	device_clear(&server->dev);
}
