// SPDX-License-Identifier: GPL-2.0
/*
 * The database of leases, with rows as no server writes them: one a line, with a tab between
 * values. A value's first letter is its type, for SQLite keeps any in any column.
 */
#include <stdlib.h>
#include <string.h>

#include <json-c/json.h>
#include <sqlite3.h>

#include "../../tools/leases.h"
#include "../../tools/pool.h"
#include "fuzz.h"

#define COLUMNS		8

static struct pool pool;
static sqlite3 *db;
static sqlite3_stmt *insert;
static char *path;

static void prepare(void)
{
	static const char * const networks[] = { "10.9.0.0/29", "fd09::/64" };
	struct allowed_ip ips[2];
	const char *why;
	size_t i;

	for (i = 0; i < 2; i++)
		must(allowed_ip_from_text(&ips[i], networks[i], &why));
	must(pool_set(&pool, ips, 2, FUZZ_CONF));
	path = leases_path(FUZZ_IFNAME);
	/* Makes the tables */
	leases_close(leases_open(path, &pool));
	must(sqlite3_open(path, &db) == SQLITE_OK);
	must(sqlite3_prepare_v2(db, "INSERT OR IGNORE INTO lease VALUES (?, ?, ?, ?, ?, ?, ?, ?)",
				-1, &insert, NULL) == SQLITE_OK);
}

static void bind_value(int column, const char *value)
{
	switch (*value) {
	case 'i':
		sqlite3_bind_int64(insert, column, strtoll(value + 1, NULL, 0));
		break;
	case 'f':
		sqlite3_bind_double(insert, column, strtod(value + 1, NULL));
		break;
	case 'b':
		sqlite3_bind_blob(insert, column, value + 1, (int)strlen(value + 1),
				  SQLITE_TRANSIENT);
		break;
	case 't':
		sqlite3_bind_text(insert, column, value + 1, -1, SQLITE_TRANSIENT);
		break;
	default:
		sqlite3_bind_null(insert, column);
	}
}

static void write_rows(char *text)
{
	char *line, *value;
	int column;

	must(sqlite3_exec(db, "BEGIN; DELETE FROM lease", NULL, NULL, NULL) == SQLITE_OK);
	while ((line = strsep(&text, "\n"))) {
		sqlite3_clear_bindings(insert);
		for (column = 1; column <= COLUMNS && (value = strsep(&line, "\t")); column++)
			bind_value(column, value);
		/* What the table itself refuses is not there. */
		sqlite3_step(insert);
		sqlite3_reset(insert);
	}
	must(sqlite3_exec(db, "COMMIT", NULL, NULL, NULL) == SQLITE_OK);
}

static void list(const char *option)
{
	const char * const words[] = { "lease", "list", FUZZ_IFNAME, option, NULL };
	struct outcome outcome = fuzz_run(words);
	json_object *object;

	outcome_check(&outcome);
	if (outcome.good && option) {
		object = json_tokener_parse(outcome.out.data);
		must(json_object_is_type(object, json_type_array));
		json_object_put(object);
	}
	outcome_free(&outcome);
}

static bool check_one(const struct lease *lease, void *data)
{
	(void)data;
	must(pool_has(&pool, lease->slot) && *lease->ipv4 && *lease->ipv6);
	return true;
}

static void serve(struct leases *leases)
{
	const struct lease_limits limits = { .expired = 100, .devices = 2, .away = 200 };
	struct lease lease = { .public_key = { 1 }, .login = "alice", .seen = 300 }, found;
	uint8_t former[TOYVPN_KEY_LEN];

	must(leases_each(leases, check_one, NULL));
	must(leases_begin(leases));
	if (leases_take(leases, &lease, &limits, former) == LEASE_OK) {
		must(leases_commit(leases));
		must(leases_find(leases, lease.public_key, &found) == 1);
		must(!strcmp(found.login, lease.login) && found.slot == lease.slot);
		must(leases_saw(leases, lease.public_key, 400));
		check_one(&found, NULL);
	}
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct text text = { 0 };
	struct leases *leases;

	if (!db)
		prepare();
	text_add(&text, data, size);
	write_rows(text.data);
	text_free(&text);
	list(NULL);
	list("--json");
	fuzz_mute(true);
	leases = leases_open(path, &pool);
	if (leases)
		serve(leases);
	leases_close(leases);
	fuzz_mute(false);
	return 0;
}
