// SPDX-License-Identifier: GPL-2.0
/* lease: which client has which address. */
#include <dirent.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "commands.h"
#include "fields.h"
#include "help.h"
#include "leases.h"
#include "report.h"
#include "term.h"

#define SUFFIX	".leases"

/* Where the leases of one server go. */
struct listing {
	const char *ifname;
	json_object *json;	/* NULL: as text */
};

static void add_text(json_object *to, const char *name, const char *text)
{
	json_object_object_add(to, name, *text ? json_object_new_string(text) : NULL);
}

static bool print(const struct lease *lease, void *data)
{
	const struct listing *listing = data;
	char key[KEY_TEXT_SIZE];
	json_object *entry;

	key_to_text(key, lease->public_key);
	if (!listing->json) {
		printf("%s\t%s\t%s\t%s\t%s\t", listing->ifname, lease->login,
		       *lease->ipv4 ? lease->ipv4 : "-", *lease->ipv6 ? lease->ipv6 : "-", key);
		print_ago((uint64_t)lease->seen);
		putchar('\n');
		return true;
	}
	entry = json_object_new_object();
	add_text(entry, "interface", listing->ifname);
	add_text(entry, "login", lease->login);
	add_text(entry, "ipv4", lease->ipv4);
	add_text(entry, "ipv6", lease->ipv6);
	add_text(entry, "public_key", key);
	json_object_object_add(entry, "since", json_object_new_int64(lease->since));
	json_object_object_add(entry, "seen", json_object_new_int64(lease->seen));
	json_object_array_add(listing->json, entry);
	return true;
}

static bool list(const char *ifname, json_object *json)
{
	struct listing listing = { .ifname = ifname, .json = json };
	char *path = leases_path(ifname);
	struct leases *leases;
	bool good = false;

	leases = leases_open(path, NULL);
	if (leases)
		good = leases_each(leases, print, &listing);
	leases_close(leases);
	free(path);
	return good;
}

static int has_suffix(const struct dirent *entry)
{
	size_t len = strlen(entry->d_name);

	return len > strlen(SUFFIX) && !strcmp(entry->d_name + len - strlen(SUFFIX), SUFFIX);
}

/* Those of all servers that this host ever had. */
static bool list_all(json_object *json)
{
	struct dirent **entries;
	bool good = true;
	int i, n;

	n = scandir(LEASES_FOLDER, &entries, has_suffix, alphasort);
	if (n < 0)
		return errno == ENOENT || fail("%s: %s", LEASES_FOLDER, strerror(errno));
	for (i = 0; i < n; i++) {
		entries[i]->d_name[strlen(entries[i]->d_name) - strlen(SUFFIX)] = '\0';
		good = good && list(entries[i]->d_name, json);
		free(entries[i]);
	}
	free(entries);
	return good;
}

/**
 * cmd_lease() - toyvpnctl lease: list the addresses of a server's clients
 * @argc: number of words
 * @argv: "lease", "list", optionally the interface
 *
 * Return: whether it worked; if not, the user has been told.
 */
bool cmd_lease(int argc, char *argv[])
{
	const char *ifname = NULL;
	json_object *json = NULL;
	bool good = true;
	int i;

	if (argc < 2 || strcmp(argv[1], "list"))
		return usage(argv[0]);
	for (i = 2; good && i < argc; i++) {
		if (!strcmp(argv[i], "--json") && !json)
			json = json_object_new_array();
		else if (!ifname && !strchr(argv[i], '/'))
			ifname = argv[i];
		else
			good = usage(argv[0]);
	}
	good = good && (ifname ? list(ifname, json) : list_all(json));
	if (good && json)
		return json_print(json);
	json_object_put(json);
	return good;
}
