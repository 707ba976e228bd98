// SPDX-License-Identifier: GPL-2.0
/*
 * One row a client, in SQLite: what is committed is on the disk, and a crash at any moment leaves
 * the rows of before or of after. That no two have one address is a rule of the table itself.
 */
#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <sqlite3.h>

#include "encoding.h"
#include "leases.h"
#include "pool.h"
#include "report.h"

static const char schema[] =
	"CREATE TABLE lease (\n"
	"public_key TEXT PRIMARY KEY,\n"
	"login TEXT NOT NULL,\n"
	"proof BLOB NOT NULL,\n"
	"slot INTEGER NOT NULL UNIQUE,\n"
	"since INTEGER NOT NULL,\n"
	"seen INTEGER NOT NULL,\n"
	"ipv4 TEXT UNIQUE,\n"
	"ipv6 TEXT UNIQUE);\n"
	"CREATE INDEX by_age ON lease (seen);\n"
	"PRAGMA user_version = 1";

/* How long to wait for another process that writes, milliseconds. */
#define BUSY_TIMEOUT	5000
/* That of the schema */
#define SCHEMA_VERSION	1

#define COLUMNS "public_key, login, proof, slot, since, seen, ipv4, ipv6"
#define SELECT "SELECT " COLUMNS " FROM lease"
#define THE_OLDEST " ORDER BY seen LIMIT 1"

/* What is done again and again, compiled once. */
enum statement {
	FIND,
	SLOTS,
	OLDEST,
	COUNT,
	OLDEST_OF,
	DELETE,
	INSERT,
	UPDATE,
	MOVE,
	SAW,
	ALL,
	STATEMENTS
};

static const char * const statements[STATEMENTS] = {
	[FIND] = SELECT " WHERE public_key = ?1",
	[SLOTS] = "SELECT slot FROM lease WHERE slot >= ?1 ORDER BY slot",
	[OLDEST] = SELECT " WHERE seen < ?1" THE_OLDEST,
	[COUNT] = "SELECT count(*) FROM lease WHERE login = ?1",
	[OLDEST_OF] = SELECT " WHERE login = ?1 AND (seen < ?2 OR proof <> ?3)" THE_OLDEST,
	[DELETE] = "DELETE FROM lease WHERE public_key = ?1",
	[INSERT] = "INSERT INTO lease (" COLUMNS ") VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8)",
	[UPDATE] = "UPDATE lease SET login = ?2, proof = ?3, seen = ?4 WHERE public_key = ?1",
	[MOVE] = "UPDATE lease SET ipv4 = ?2, ipv6 = ?3 WHERE public_key = ?1",
	[SAW] = "UPDATE lease SET seen = ?2 WHERE public_key = ?1 AND seen < ?2",
	[ALL] = SELECT " ORDER BY slot",
};

/*
 * @hint: no lower slot is free
 */
struct leases {
	struct sqlite3 *db;
	struct sqlite3_stmt *stmts[STATEMENTS];
	const struct pool *pool;
	char *path;
	uint32_t hint;
};

static bool failed(const struct leases *leases)
{
	return fail("%s: %s", leases->path, sqlite3_errmsg(leases->db));
}

static bool run(struct leases *leases, const char *sql)
{
	return sqlite3_exec(leases->db, sql, NULL, NULL, NULL) == SQLITE_OK || failed(leases);
}

static bool is_version(struct leases *leases, int wanted)
{
	sqlite3_stmt *stmt = NULL;
	int version = -1;

	if (sqlite3_prepare_v2(leases->db, "PRAGMA user_version", -1, &stmt, NULL) == SQLITE_OK &&
	    sqlite3_step(stmt) == SQLITE_ROW)
		version = sqlite3_column_int(stmt, 0);
	sqlite3_finalize(stmt);
	return version == wanted;
}

static bool make_table(struct leases *leases)
{
	if (is_version(leases, SCHEMA_VERSION))
		return true;
	if (!is_version(leases, 0))
		return fail("%s: not leases of this version, or not leases", leases->path);
	return run(leases, "BEGIN IMMEDIATE") && run(leases, schema) && run(leases, "COMMIT");
}

/* Files of before there were limits have none of it, and are as good with it. */
static bool make_index(struct leases *leases)
{
	return run(leases, "CREATE INDEX IF NOT EXISTS by_login ON lease (login)");
}

static bool prepare(struct leases *leases)
{
	size_t i;

	for (i = 0; i < STATEMENTS; i++)
		if (sqlite3_prepare_v3(leases->db, statements[i], -1, SQLITE_PREPARE_PERSISTENT,
				       &leases->stmts[i], NULL) != SQLITE_OK)
			return failed(leases);
	return true;
}

/* Bind the key that all but a few statements begin with. */
static sqlite3_stmt *for_key(struct leases *leases, enum statement which,
			     const uint8_t key[static TOYVPN_KEY_LEN])
{
	sqlite3_stmt *stmt = leases->stmts[which];
	char text[KEY_TEXT_SIZE];

	key_to_text(text, key);
	sqlite3_bind_text(stmt, 1, text, -1, SQLITE_TRANSIENT);
	return stmt;
}

/* Run a statement that has no rows. */
static bool finish(struct leases *leases, sqlite3_stmt *stmt)
{
	bool good = sqlite3_step(stmt) == SQLITE_DONE || failed(leases);

	sqlite3_reset(stmt);
	return good;
}

static void copy_text(char *to, size_t size, sqlite3_stmt *stmt, int column)
{
	const unsigned char *text = sqlite3_column_text(stmt, column);

	snprintf(to, size, "%s", text ? (const char *)text : "");
}

/* The row that a statement is at. Of what somebody else wrote there, nothing is too long for us. */
static bool read_row(sqlite3_stmt *stmt, struct lease *lease)
{
	const char *key = (const char *)sqlite3_column_text(stmt, 0);

	memset(lease, 0, sizeof(*lease));
	if (!key || !key_from_text(lease->public_key, key))
		return false;
	copy_text(lease->login, sizeof(lease->login), stmt, 1);
	if (sqlite3_column_bytes(stmt, 2) == sizeof(lease->proof))
		memcpy(lease->proof, sqlite3_column_blob(stmt, 2), sizeof(lease->proof));
	lease->slot = (uint32_t)sqlite3_column_int64(stmt, 3);
	lease->since = sqlite3_column_int64(stmt, 4);
	lease->seen = sqlite3_column_int64(stmt, 5);
	copy_text(lease->ipv4, sizeof(lease->ipv4), stmt, 6);
	copy_text(lease->ipv6, sizeof(lease->ipv6), stmt, 7);
	return true;
}

/* The first row, if there is one: 1; none: 0; an error, of which the user has been told: -1. */
static int first_row(struct leases *leases, sqlite3_stmt *stmt, struct lease *lease)
{
	int rc = sqlite3_step(stmt), found = 0;

	if (rc == SQLITE_ROW)
		found = read_row(stmt, lease) ? 1 : -1;
	else if (rc != SQLITE_DONE)
		found = -1;
	if (found < 0 && rc == SQLITE_ROW)
		fail("%s: a row without a key", leases->path);
	else if (found < 0)
		failed(leases);
	sqlite3_reset(stmt);
	return found;
}

/* Write the addresses of a lease's slot as text. */
static void set_addresses(const struct pool *pool, struct lease *lease)
{
	struct allowed_ip ips[2];
	size_t n = pool_addresses(pool, lease->slot, ips), i;

	lease->ipv4[0] = '\0';
	lease->ipv6[0] = '\0';
	for (i = 0; i < n; i++) {
		if (ips[i].family == AF_INET)
			inet_ntop(AF_INET, &ips[i].v4, lease->ipv4, sizeof(lease->ipv4));
		else
			inet_ntop(AF_INET6, &ips[i].v6, lease->ipv6, sizeof(lease->ipv6));
	}
}

static void bind_address(sqlite3_stmt *stmt, int i, const char *text)
{
	if (*text)
		sqlite3_bind_text(stmt, i, text, -1, SQLITE_TRANSIENT);
	else
		sqlite3_bind_null(stmt, i);
}

static bool remove_lease(struct leases *leases, const struct lease *lease)
{
	if (leases->hint > lease->slot)
		leases->hint = lease->slot;
	return finish(leases, for_key(leases, DELETE, lease->public_key));
}

/* The leases of a pool that was another one, which are @n. */
static bool move(struct leases *leases, struct lease *list, size_t n)
{
	size_t i;

	/* First none has an address, or one could be given that the next still has. */
	if (!run(leases, "UPDATE lease SET ipv4 = NULL, ipv6 = NULL"))
		return false;
	for (i = 0; i < n; i++) {
		sqlite3_stmt *stmt;

		if (!pool_has(leases->pool, list[i].slot)) {
			if (!remove_lease(leases, &list[i]))
				return false;
			continue;
		}
		set_addresses(leases->pool, &list[i]);
		stmt = for_key(leases, MOVE, list[i].public_key);
		bind_address(stmt, 2, list[i].ipv4);
		bind_address(stmt, 3, list[i].ipv6);
		if (!finish(leases, stmt))
			return false;
	}
	return true;
}

struct lease_list {
	const struct pool *pool;
	struct lease *list;
	size_t n;
	bool moved;
};

static bool collect(const struct lease *lease, void *data)
{
	struct lease_list *all = data;
	struct lease now = *lease;

	if (pool_has(all->pool, now.slot))
		set_addresses(all->pool, &now);
	else
		all->moved = true;
	if (strcmp(now.ipv4, lease->ipv4) || strcmp(now.ipv6, lease->ipv6))
		all->moved = true;
	all->list = xrealloc(all->list, all->n + 1, sizeof(*all->list));
	all->list[all->n++] = now;
	return true;
}

/* The pool may have changed since the server was last here: each keeps its slot if it can. */
static bool fit(struct leases *leases)
{
	struct lease_list all = { .pool = leases->pool };
	bool good;

	good = leases_each(leases, collect, &all);
	if (good && all.moved)
		good = leases_begin(leases) && move(leases, all.list, all.n) &&
		       leases_commit(leases);
	free(all.list);
	return good;
}

/**
 * leases_path() - where the leases of a server are
 * @ifname: name of its interface
 *
 * Return: the path, the caller's to free.
 */
char *leases_path(const char *ifname)
{
	char path[256];

	snprintf(path, sizeof(path), "%s/%s.leases", LEASES_FOLDER, ifname);
	return xstrndup(path, sizeof(path));
}

/* For root alone, whatever the umask says; SQLite's other files are as this one. */
static bool make_file(const char *path)
{
	int fd = open(path, O_RDWR | O_CREAT | O_CLOEXEC, 0600);

	if (fd < 0)
		return fail("%s: %s", path, strerror(errno));
	close(fd);
	return true;
}

/**
 * leases_open() - open the database of leases
 * @path: its file
 * @pool: where the addresses are from, kept until leases_close(): the file is made if it is not
 * there, and what is in it is moved if the pool was another one; or NULL: just to read
 *
 * Return: the leases, for leases_close(), or NULL: the user has been told.
 */
struct leases *leases_open(const char *path, const struct pool *pool)
{
	struct leases *leases;
	int flags = SQLITE_OPEN_READWRITE | SQLITE_OPEN_NOMUTEX;

	mkdir(LEASES_FOLDER, 0700);
	if (pool && !make_file(path))
		return NULL;
	if (!pool && access(path, R_OK)) {
		fail("%s: %s", path, strerror(errno));
		return NULL;
	}
	leases = xzalloc(sizeof(*leases));
	leases->path = xstrndup(path, strlen(path));
	leases->pool = pool;
	leases->hint = 1;
	if (sqlite3_open_v2(path, &leases->db, flags, NULL) != SQLITE_OK) {
		failed(leases);
		goto fail;
	}
	sqlite3_busy_timeout(leases->db, BUSY_TIMEOUT);
	/* FULL: a commit is on the disk before the client hears of its address. */
	if (!run(leases, "PRAGMA journal_mode = WAL; PRAGMA synchronous = FULL") ||
	    !make_table(leases) || (pool && !make_index(leases)) || !prepare(leases) ||
	    (pool && !fit(leases)))
		goto fail;
	return leases;
fail:
	leases_close(leases);
	return NULL;
}

/**
 * leases_close() - close the database
 * @leases: the leases, or NULL
 */
void leases_close(struct leases *leases)
{
	size_t i;

	if (!leases)
		return;
	for (i = 0; i < STATEMENTS; i++)
		sqlite3_finalize(leases->stmts[i]);
	sqlite3_close(leases->db);
	free(leases->path);
	free(leases);
}

/**
 * leases_begin() - begin a transaction: what follows is done as a whole or not at all
 * @leases: the leases
 *
 * Return: whether it worked; if not, the user has been told.
 */
bool leases_begin(struct leases *leases)
{
	return run(leases, "BEGIN IMMEDIATE");
}

/**
 * leases_commit() - end a transaction: it is on the disk
 * @leases: the leases
 *
 * Return: whether it worked; if not, the user has been told and nothing of it is done.
 */
bool leases_commit(struct leases *leases)
{
	if (run(leases, "COMMIT"))
		return true;
	sqlite3_exec(leases->db, "ROLLBACK", NULL, NULL, NULL);
	leases->hint = 1;
	return false;
}

/* The first free slot, or 0 if there is none. */
static uint32_t free_slot(struct leases *leases)
{
	sqlite3_stmt *stmt = leases->stmts[SLOTS];
	uint32_t slot = leases->hint;
	bool more = true;

	sqlite3_bind_int64(stmt, 1, slot);
	more = sqlite3_step(stmt) == SQLITE_ROW;
	while (slot <= leases->pool->last) {
		if (more && sqlite3_column_int64(stmt, 0) == slot)
			more = sqlite3_step(stmt) == SQLITE_ROW;
		else if (pool_has(leases->pool, slot))
			break;
		slot++;
	}
	sqlite3_reset(stmt);
	leases->hint = slot;
	return slot <= leases->pool->last ? slot : 0;
}

static bool insert(struct leases *leases, const struct lease *lease)
{
	sqlite3_stmt *stmt = for_key(leases, INSERT, lease->public_key);

	sqlite3_bind_text(stmt, 2, lease->login, -1, SQLITE_TRANSIENT);
	sqlite3_bind_blob(stmt, 3, lease->proof, sizeof(lease->proof), SQLITE_TRANSIENT);
	sqlite3_bind_int64(stmt, 4, lease->slot);
	sqlite3_bind_int64(stmt, 5, lease->since);
	sqlite3_bind_int64(stmt, 6, lease->seen);
	bind_address(stmt, 7, lease->ipv4);
	bind_address(stmt, 8, lease->ipv6);
	return finish(leases, stmt);
}

/* A client that has a lease comes again, perhaps as another user. */
static bool renew(struct leases *leases, const struct lease *lease)
{
	sqlite3_stmt *stmt = for_key(leases, UPDATE, lease->public_key);

	sqlite3_bind_text(stmt, 2, lease->login, -1, SQLITE_TRANSIENT);
	sqlite3_bind_blob(stmt, 3, lease->proof, sizeof(lease->proof), SQLITE_TRANSIENT);
	sqlite3_bind_int64(stmt, 4, lease->seen);
	return finish(leases, stmt);
}

/* How many leases a user has, or -1: the user of this program has been told. */
static int64_t count_of(struct leases *leases, const char *login)
{
	sqlite3_stmt *stmt = leases->stmts[COUNT];
	int64_t count = -1;

	sqlite3_bind_text(stmt, 1, login, -1, SQLITE_TRANSIENT);
	if (sqlite3_step(stmt) == SQLITE_ROW)
		count = sqlite3_column_int64(stmt, 0);
	else
		failed(leases);
	sqlite3_reset(stmt);
	return count;
}

/* Give a client the place of the one that a statement finds, which is set to @former's. */
static enum lease_result replace(struct leases *leases, sqlite3_stmt *stmt, struct lease *lease,
				 uint8_t former[static TOYVPN_KEY_LEN], enum lease_result if_none)
{
	struct lease other;
	int found = first_row(leases, stmt, &other);

	if (found <= 0)
		return found ? LEASE_FAILED : if_none;
	if (!remove_lease(leases, &other))
		return LEASE_FAILED;
	memcpy(former, other.public_key, TOYVPN_KEY_LEN);
	lease->slot = other.slot;
	return LEASE_OK;
}

/*
 * One more for a user, who may have as many already. Then one is taken that was away, or that
 * logged in with a password of before.
 */
static enum lease_result check_devices(struct leases *leases, struct lease *lease,
				       const struct lease_limits *limits,
				       uint8_t former[static TOYVPN_KEY_LEN])
{
	sqlite3_stmt *own = leases->stmts[OLDEST_OF];
	int64_t count = limits->devices ? count_of(leases, lease->login) : 0;

	if (count < 0)
		return LEASE_FAILED;
	if (!limits->devices || count < limits->devices)
		return LEASE_OK;
	sqlite3_bind_text(own, 1, lease->login, -1, SQLITE_TRANSIENT);
	sqlite3_bind_int64(own, 2, limits->away);
	sqlite3_bind_blob(own, 3, lease->proof, sizeof(lease->proof), SQLITE_TRANSIENT);
	return replace(leases, own, lease, former, LEASE_DEVICES);
}

/* A place for a client that has none. */
static enum lease_result find_place(struct leases *leases, struct lease *lease,
				    const struct lease_limits *limits,
				    uint8_t former[static TOYVPN_KEY_LEN])
{
	sqlite3_stmt *oldest = leases->stmts[OLDEST];
	enum lease_result result = check_devices(leases, lease, limits, former);

	if (result != LEASE_OK || lease->slot)
		return result;
	lease->slot = free_slot(leases);
	if (lease->slot)
		return LEASE_OK;
	sqlite3_bind_int64(oldest, 1, limits->expired);
	return replace(leases, oldest, lease, former, LEASE_FULL);
}

/**
 * leases_take() - give a client an address: the one that it has, a free one, or an expired one
 * @leases: the leases, in a transaction
 * @lease: the client, its login and proof, and in seen the time; the rest is set
 * @limits: what it can get if it has none
 * @former: set to the key of the client whose address this was, or to zeros
 *
 * Of those whose address it could have, the one that was away for longest loses it.
 *
 * Return: what it came to.
 */
enum lease_result leases_take(struct leases *leases, struct lease *lease,
			      const struct lease_limits *limits,
			      uint8_t former[static TOYVPN_KEY_LEN])
{
	enum lease_result result = LEASE_OK;
	struct lease now;
	int found;

	memset(former, 0, TOYVPN_KEY_LEN);
	found = first_row(leases, for_key(leases, FIND, lease->public_key), &now);
	if (found < 0)
		return LEASE_FAILED;
	lease->slot = 0;
	lease->since = found ? now.since : lease->seen;
	if (!found)
		result = find_place(leases, lease, limits, former);
	else if (strcmp(now.login, lease->login))
		result = check_devices(leases, lease, limits, former);
	if (found)
		lease->slot = now.slot;
	if (result != LEASE_OK)
		return result;
	set_addresses(leases->pool, lease);
	return (found ? renew(leases, lease) : insert(leases, lease)) ? LEASE_OK : LEASE_FAILED;
}

/**
 * leases_find() - look the lease of a client up
 * @leases: the leases
 * @key: the client's public key
 * @lease: where to
 *
 * Return: 1 if there is one, 0 if there is none, -1 if that cannot be read: the user has been told.
 */
int leases_find(struct leases *leases, const uint8_t key[static TOYVPN_KEY_LEN],
		struct lease *lease)
{
	return first_row(leases, for_key(leases, FIND, key), lease);
}

/**
 * leases_saw() - note that a client is or was here
 * @leases: the leases, best in a transaction
 * @key: the client's public key; it need not have a lease
 * @when: seconds since 1970
 *
 * Return: whether it worked; if not, the user has been told.
 */
bool leases_saw(struct leases *leases, const uint8_t key[static TOYVPN_KEY_LEN], int64_t when)
{
	sqlite3_stmt *stmt = for_key(leases, SAW, key);

	sqlite3_bind_int64(stmt, 2, when);
	return finish(leases, stmt);
}

/**
 * leases_each() - go through all leases, in the order of addresses
 * @leases: the leases
 * @each: called for each, until it returns false; must not change any
 * @data: for @each
 *
 * Return: whether all could be read; if not, the user has been told.
 */
bool leases_each(struct leases *leases, bool (*each)(const struct lease *lease, void *data),
		 void *data)
{
	sqlite3_stmt *stmt = leases->stmts[ALL];
	struct lease lease;
	bool good = true;
	int rc = SQLITE_ROW;

	while (good && (rc = sqlite3_step(stmt)) == SQLITE_ROW) {
		if (!read_row(stmt, &lease))
			good = fail("%s: a row without a key", leases->path);
		else if (!each(&lease, data))
			break;
	}
	if (good && rc != SQLITE_ROW && rc != SQLITE_DONE)
		good = failed(leases);
	sqlite3_reset(stmt);
	return good;
}
