// SPDX-License-Identifier: GPL-2.0
#include <errno.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "commands.h"
#include "device.h"
#include "fetch.h"
#include "fields.h"
#include "genl.h"
#include "help.h"
#include "names.h"
#include "report.h"
#include "term.h"

/* What was asked for. */
struct query {
	const char *which;	/* an interface, "all" or "interfaces" */
	const char *word;	/* one field, or NULL for the view for people */
	const struct device_field *of_device;
	const struct peer_field *of_peers;
	bool json;
	bool secret;
};

static void begin_line(const char *indent, const char *name)
{
	printf("%s%s%s%s: ", indent, term(TERM_BOLD), name, term(TERM_RESET));
}

static void print_title(const char *kind, const char *colour)
{
	printf("%s%s%s%s: ", term(colour), term(TERM_BOLD), kind, term(TERM_RESET));
}

static bool keys_are_shown(void)
{
	const char *hide = getenv("TOYVPN_HIDE_KEYS");

	return hide && !strcmp(hide, "never");
}

static void print_secret(const char *name, const uint8_t *key, bool is_here)
{
	begin_line("  ", name);
	if (is_here && keys_are_shown())
		print_key(key, true);
	else
		fputs("(hidden)", stdout);
	putchar('\n');
}

static void print_device(const struct device *dev)
{
	size_t i;

	print_title("interface", TERM_GREEN);
	printf("%s%s%s\n", term(TERM_GREEN), dev->ifname, term(TERM_RESET));
	if (dev->has & DEVICE_PUBLIC_KEY) {
		begin_line("  ", "public key");
		print_public_key(dev->public_key);
		putchar('\n');
		print_secret("private key", dev->private_key, dev->has & DEVICE_PRIVATE_KEY);
	}
	if (dev->listen_port) {
		begin_line("  ", "listening port");
		printf("%u\n", dev->listen_port);
	}
	if (dev->fwmark) {
		begin_line("  ", "fwmark");
		printf("0x%x\n", dev->fwmark);
	}
	begin_line("  ", "ciphers");
	for (i = 0; i < dev->n_ciphers; i++)
		printf("%s%s", i ? ", " : "", cipher_name(dev->ciphers[i]));
	putchar('\n');
}

static const char *state_colour(uint32_t state)
{
	switch (state) {
	case TOYVPN_PEER_STATE_CONNECTED:
		return term(TERM_GREEN);
	case TOYVPN_PEER_STATE_DISCONNECTED:
		return term(TERM_RED);
	default:
		return term(TERM_YELLOW);
	}
}

static void print_peer(const struct peer *peer)
{
	print_title("peer", TERM_YELLOW);
	fputs(term(TERM_YELLOW), stdout);
	print_public_key(peer->public_key);
	printf("%s\n", term(TERM_RESET));
	if (peer->has & PEER_PRESHARED_KEY)
		print_secret("preshared key", peer->preshared_key, true);
	if (peer->has & PEER_ENDPOINT) {
		begin_line("  ", "endpoint");
		print_endpoint(peer);
		putchar('\n');
	}
	begin_line("  ", "allowed ips");
	print_ips(peer, ", ");
	putchar('\n');
	begin_line("  ", "state");
	printf("%s%s%s\n", state_colour(peer->state), state_name(peer->state), term(TERM_RESET));
	if (peer->reason != TOYVPN_REASON_NONE) {
		begin_line("  ", "reason");
		printf("%s\n", reason_advice(peer->reason));
	}
	if (peer->cipher != TOYVPN_CIPHER_NONE) {
		begin_line("  ", "cipher");
		printf("%s\n", cipher_name(peer->cipher));
	}
	if (peer->last_handshake) {
		begin_line("  ", "latest handshake");
		print_ago(peer->last_handshake / 1000000000);
		putchar('\n');
	}
	if (peer->rx_bytes || peer->tx_bytes) {
		begin_line("  ", "transfer");
		print_bytes(peer->rx_bytes);
		fputs(" received, ", stdout);
		print_bytes(peer->tx_bytes);
		fputs(" sent\n", stdout);
	}
	if (peer->keepalive) {
		begin_line("  ", "persistent keepalive");
		printf("every %u second%s\n", peer->keepalive, peer->keepalive == 1 ? "" : "s");
	}
	if (peer->config.len) {
		begin_line("  ", "configuration for it");
		printf("%zu bytes\n", peer->config.len);
	}
	if (peer->received_config.len) {
		begin_line("  ", "received configuration");
		printf("%zu bytes\n", peer->received_config.len);
	}
}

/* Most recent handshake first. */
static int compare_peers(const void *a, const void *b)
{
	const struct peer *one = *(struct peer * const *)a;
	const struct peer *other = *(struct peer * const *)b;

	return (one->last_handshake < other->last_handshake) -
	       (one->last_handshake > other->last_handshake);
}

static void print_for_people(struct device *dev)
{
	size_t i;

	print_device(dev);
	if (dev->n_peers)
		qsort(dev->peers, dev->n_peers, sizeof(*dev->peers), compare_peers);
	for (i = 0; i < dev->n_peers; i++) {
		putchar('\n');
		print_peer(dev->peers[i]);
	}
}

static void print_for_programs(const struct device *dev, const struct query *query)
{
	char prefix[IF_NAMESIZE + 1] = "";
	size_t i;

	if (!strcmp(query->which, "all"))
		snprintf(prefix, sizeof(prefix), "%s\t", dev->ifname);
	if (!strcmp(query->word, "dump")) {
		print_dump(dev, prefix);
		return;
	}
	if (query->of_device) {
		fputs(prefix, stdout);
		query->of_device->text(dev);
		putchar('\n');
		return;
	}
	for (i = 0; i < dev->n_peers; i++) {
		fputs(prefix, stdout);
		print_public_key(dev->peers[i]->public_key);
		if (query->of_peers) {
			putchar('\t');
			query->of_peers->text(dev->peers[i]);
		}
		putchar('\n');
	}
}

/* Show one device, to stdout or into @list. */
static bool show_device(struct device *dev, const struct query *query, json_object *list)
{
	struct view view = { .word = query->word };

	if (query->secret && secrets_are_hidden(dev))
		return fail("%s: only root may see keys (CAP_NET_ADMIN)", dev->ifname);
	if (query->json) {
		if (query->word && !strcmp(query->word, "dump"))
			view = (struct view){ .secrets = true };
		json_object_array_add(list, json_of_device(dev, &view));
	} else if (query->word) {
		print_for_programs(dev, query);
	} else {
		print_for_people(dev);
	}
	return true;
}

static bool show_one(struct genl *genl, const struct query *query, json_object *list)
{
	struct device dev = { 0 };
	bool good;

	good = fetch_device(genl, query->which, &dev);
	if (good && !query->of_device && !fetch_peers(genl, &dev))
		good = fail("%s: cannot read its peers: %s", dev.ifname, genl->reason);
	good = good && show_device(&dev, query, list);
	device_clear(&dev);
	return good;
}

static bool show_names(const struct query *query, const struct device *dev, json_object *list)
{
	if (query->json)
		json_object_array_add(list, json_object_new_string(dev->ifname));
	else
		puts(dev->ifname);
	return true;
}

static bool show_all(struct genl *genl, const struct query *query, json_object *list)
{
	bool names = !strcmp(query->which, "interfaces");
	struct device *devs;
	bool good, first = true;
	size_t i, n;

	good = fetch_all_devices(genl, &devs, &n);
	for (i = 0; good && i < n; i++) {
		if (names) {
			good = show_names(query, &devs[i], list);
			continue;
		}
		if (!query->of_device && !fetch_peers(genl, &devs[i])) {
			/* It may have gone since the list was made. */
			if (genl->error != ENODEV)
				good = fail("%s: cannot read its peers: %s", devs[i].ifname,
					    genl->reason);
			continue;
		}
		if (!first && !query->word && !query->json)
			putchar('\n');
		first = false;
		good = show_device(&devs[i], query, list);
		device_clear_peers(&devs[i]);
	}
	for (i = 0; i < n; i++)
		device_clear(&devs[i]);
	free(devs);
	return good;
}

static bool parse_query(struct query *query, int argc, char *argv[])
{
	int i, words = 0;

	*query = (struct query){ .which = "all" };
	for (i = 1; i < argc; i++) {
		if (!strcmp(argv[i], "--json"))
			query->json = true;
		else if (++words == 1)
			query->which = argv[i];
		else if (words == 2)
			query->word = argv[i];
		else
			return usage(argv[0]);
	}
	if (!query->word)
		return true;
	if (!strcmp(query->which, "interfaces"))
		return usage(argv[0]);
	query->of_device = find_device_field(query->word);
	query->of_peers = find_peer_field(query->word);
	query->secret = !strcmp(query->word, "dump") ||
			(query->of_device && query->of_device->flags & FIELD_SECRET) ||
			(query->of_peers && query->of_peers->flags & FIELD_SECRET);
	return query->of_device || query->of_peers || !strcmp(query->word, "peers") ||
	       !strcmp(query->word, "dump") ||
	       fail("'%s' is not a word of show: see \"toyvpnctl help show\"", query->word);
}

/**
 * cmd_show() - toyvpnctl show: what is there
 * @argc: number of words
 * @argv: "show", then optionally an interface, what of it, and --json
 *
 * Return: whether it worked; if not, the user has been told.
 */
bool cmd_show(int argc, char *argv[])
{
	json_object *list = NULL;
	struct query query;
	struct genl *genl;
	bool good;

	if (!parse_query(&query, argc, argv))
		return false;
	genl = genl_open();
	if (!genl)
		return false;
	if (query.json)
		list = json_object_new_array();
	if (!strcmp(query.which, "all") || !strcmp(query.which, "interfaces"))
		good = show_all(genl, &query, list);
	else
		good = show_one(genl, &query, list);
	if (good && query.json)
		good = json_print(list);
	else
		json_object_put(list);
	genl_close(genl);
	return good;
}
