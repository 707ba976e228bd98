// SPDX-License-Identifier: GPL-2.0
/* status: how it stands with tunnels, in a sentence each. */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "commands.h"
#include "fetch.h"
#include "fields.h"
#include "genl.h"
#include "help.h"
#include "names.h"
#include "quick.h"
#include "record.h"
#include "report.h"
#include "term.h"

#define NS_PER_S	1000000000
#define ARRAY_SIZE(array) (sizeof(array) / sizeof((array)[0]))

/* Exit status of each state; a tunnel that is not up is disconnected. */
static const int statuses[] = {
	[TOYVPN_PEER_STATE_CONNECTED] = 0,
	[TOYVPN_PEER_STATE_DISCONNECTED] = 3,
	[TOYVPN_PEER_STATE_CONNECTING] = 4,
	[TOYVPN_PEER_STATE_RECONNECTING] = 5,
};

/* How it stands with a tunnel. */
struct standing {
	const char *name;
	bool is_up;
	bool closed;		/* the kill switch is on */
	struct device dev;
	const struct peer *peer;	/* the one that it is about */
	uint32_t state;
	uint64_t since;		/* seconds since 1970, 0 without a peer */
	char *unapplied;	/* why what the server gives is not in force, or NULL */
};

/* Worst first */
static int rank(const struct peer *peer)
{
	switch (peer->state) {
	case TOYVPN_PEER_STATE_DISCONNECTED:
		return 0;
	case TOYVPN_PEER_STATE_CONNECTING:
		return 1;
	case TOYVPN_PEER_STATE_RECONNECTING:
		return 2;
	}
	return 3;
}

/*
 * A tunnel is as its worst peer that it can connect to. With none of them it is a server, which is
 * connected if anybody is.
 */
static const struct peer *choose_peer(const struct device *dev)
{
	const struct peer *worst = NULL, *best = NULL;
	size_t i;

	for (i = 0; i < dev->n_peers; i++) {
		const struct peer *peer = dev->peers[i];

		if (peer->has & PEER_ENDPOINT && (!worst || rank(peer) < rank(worst)))
			worst = peer;
		if (!best || rank(peer) > rank(best))
			best = peer;
	}
	return dev->listen_port && best && rank(best) == 3 && dev->n_peers > 1 ? best :
	       worst ? worst : best;
}

/* With a session alone, a tunnel is not what its server says. */
static void find_unapplied(struct standing *standing, const struct record *record)
{
	const char *why = record_text(record, RECORD_UNAPPLIED);

	if (!why || standing->state != TOYVPN_PEER_STATE_CONNECTED)
		return;
	standing->state = TOYVPN_PEER_STATE_CONNECTING;
	if (asprintf(&standing->unapplied, "what the server gives is not applied: %s", why) < 0)
		standing->unapplied = NULL;
}

static bool find_standing(struct genl *genl, const char *name, struct standing *standing)
{
	struct record record = { 0 };
	bool good = true;

	*standing = (struct standing){ .name = name };
	if (!record_load(&record, name))
		return false;
	standing->closed = record_find_kind(&record, "kill-switch");
	standing->is_up = if_nametoindex(name);
	if (standing->is_up) {
		good = fetch_device(genl, name, &standing->dev) &&
		       (fetch_peers(genl, &standing->dev) ||
			fail("%s: cannot read its peers: %s", name, genl->reason));
		standing->peer = choose_peer(&standing->dev);
	}
	if (standing->peer) {
		standing->state = standing->peer->state;
		standing->since = standing->peer->since / NS_PER_S;
	}
	find_unapplied(standing, &record);
	record_close(&record);
	return good;
}

static const char *sentence(const struct standing *standing)
{
	const struct peer *peer = standing->peer;

	if (!standing->is_up)
		return "it is not up";
	if (!peer)
		return "it has no peers";
	if (standing->unapplied)
		return standing->unapplied;
	return peer->reason == TOYVPN_REASON_NONE ? NULL : reason_advice(peer->reason);
}

static void print_text(const struct standing *standing)
{
	const struct peer *peer = standing->peer;
	const char *state = state_name(standing->state), *why = sentence(standing);

	printf("%s: %c%s", standing->name, state[0] - 'a' + 'A', state + 1);
	if (standing->since) {
		fputs(", since ", stdout);
		print_ago(standing->since);
	}
	if (peer && peer->cipher != TOYVPN_CIPHER_NONE)
		printf(", %s", cipher_name(peer->cipher));
	if (peer && peer->has & PEER_ENDPOINT) {
		fputs(", ", stdout);
		print_endpoint(peer);
	}
	if (why && standing->state != TOYVPN_PEER_STATE_CONNECTED)
		printf(": %s", why);
	if (standing->closed && standing->state != TOYVPN_PEER_STATE_CONNECTED)
		fputs("; nothing leaves outside of the tunnel (KillSwitch)", stdout);
	putchar('\n');
}

static json_object *json_of(const struct standing *standing)
{
	const struct peer *peer = standing->peer;
	const char *why = sentence(standing);
	json_object *object;

	if (peer) {
		object = json_of_peer(peer, &(struct view){ 0 });
	} else {
		object = json_object_new_object();
		json_object_object_add(object, "reason", json_object_new_string("none"));
	}
	json_object_object_add(object, "state",
			       json_object_new_string(state_name(standing->state)));
	json_object_object_add(object, "interface", json_object_new_string(standing->name));
	json_object_object_add(object, "up", json_object_new_boolean(standing->is_up));
	json_object_object_add(object, "kill_switch", json_object_new_boolean(standing->closed));
	json_object_object_add(object, "since",
			       standing->since ? json_object_new_uint64(standing->since) : NULL);
	json_object_object_add(object, "sentence", why ? json_object_new_string(why) : NULL);
	return object;
}

/* The status of a tunnel, to stdout or into @list; with several, the worst is the exit status. */
static bool show(struct genl *genl, const char *name, json_object *list)
{
	struct standing standing;
	bool good;

	good = find_standing(genl, name, &standing);
	if (good && list)
		json_object_array_add(list, json_of(&standing));
	else if (good)
		print_text(&standing);
	if (good && standing.state < ARRAY_SIZE(statuses) &&
	    (!exit_status || statuses[standing.state] == 3))
		exit_status = statuses[standing.state];
	device_clear(&standing.dev);
	free(standing.unapplied);
	return good;
}

static bool show_all(struct genl *genl, json_object *list)
{
	bool good = true;
	char **names;
	size_t i, n;

	names = record_names(&n);
	for (i = 0; i < n; i++) {
		good = good && show(genl, names[i], list);
		free(names[i]);
	}
	free(names);
	if (!n && !list)
		puts("no tunnel is up");
	if (!n)
		exit_status = statuses[TOYVPN_PEER_STATE_DISCONNECTED];
	return good;
}

/**
 * cmd_status() - toyvpnctl status: how it stands with tunnels; the exit status says it too
 * @argc: number of words
 * @argv: "status", optionally the name or the file of a tunnel, and --json
 *
 * Return: whether it could be found out; if not, the user has been told.
 */
bool cmd_status(int argc, char *argv[])
{
	struct quick quick = { 0 };
	json_object *list = NULL;
	const char *name = NULL;
	struct genl *genl;
	bool good = true;
	int i;

	for (i = 1; good && i < argc; i++) {
		if (!strcmp(argv[i], "--json") && !list)
			list = json_object_new_array();
		else if (!name && argv[i][0] != '-')
			name = argv[i];
		else
			good = usage(argv[0]);
	}
	genl = good ? genl_open() : NULL;
	good = genl && (!name || quick_locate(&quick, name));
	if (good)
		good = name ? show(genl, quick.ifname, list) : show_all(genl, list);
	if (good && list)
		good = json_print(list);
	else
		json_object_put(list);
	quick_clear(&quick);
	if (genl)
		genl_close(genl);
	return good;
}
