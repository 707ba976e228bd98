// SPDX-License-Identifier: GPL-2.0
#include <stdarg.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "plan.h"
#include "quick.h"
#include "report.h"

#define MAIN_TABLE	254

/* Add a step: its kind and further words, NULL at the end. */
static void add(json_object *steps, ...)
{
	json_object *did = json_object_new_array();
	const char *word;
	va_list words;

	va_start(words, steps);
	while ((word = va_arg(words, const char *)))
		json_object_array_add(did, json_object_new_string(word));
	va_end(words);
	json_object_array_add(steps, did);
}

/**
 * plan_has_default() - whether all of a family goes through the tunnel, by rules
 * @quick: the tunnel
 * @family: AF_INET or AF_INET6
 *
 * Return: whether it is so.
 */
bool plan_has_default(const struct quick *quick, int family)
{
	size_t i, j;

	if (quick->table != QUICK_TABLE_AUTO)
		return false;
	for (i = 0; i < quick->dev.n_peers; i++) {
		const struct peer *peer = quick->dev.peers[i];

		for (j = 0; j < peer->n_ips; j++)
			if (peer->ips[j].family == family && !peer->ips[j].prefix_len)
				return true;
	}
	return false;
}

/**
 * plan_needs_mark() - whether the packets that carry a tunnel have to be told from others
 * @quick: the tunnel
 *
 * Return: whether they have to. With Autoconf it is not known what the server will say.
 */
bool plan_needs_mark(const struct quick *quick)
{
	return quick->kill_switch != QUICK_KILL_SWITCH_OFF ||
	       (quick->autoconf && quick->table == QUICK_TABLE_AUTO) ||
	       plan_has_default(quick, AF_INET) || plan_has_default(quick, AF_INET6);
}

static void take_route(struct peer *peer, const struct allowed_ip *route)
{
	struct allowed_ip ip = *route;
	size_t i;

	ip.remove = false;
	allowed_ip_mask(&ip);
	for (i = 0; i < peer->n_ips; i++)
		if (!allowed_ip_compare(&peer->ips[i], &ip))
			return;
	*peer_add_ip(peer) = ip;
}

/**
 * plan_take() - have a tunnel be as its server wants it, where its file leaves that open
 * @quick: the tunnel, with Autoconf and one peer
 * @given: what the server gives
 *
 * Routes, and the networks of the addresses, become allowed IPs of the server besides those that
 * the file names.
 */
void plan_take(struct quick *quick, const struct configblob *given)
{
	struct peer *server = quick->dev.peers[0];
	struct configblob *own = &quick->own;
	size_t i;

	if (!own->n_addresses) {
		memcpy(own->addresses, given->addresses, sizeof(own->addresses));
		own->n_addresses = given->n_addresses;
	}
	if (!own->n_dns) {
		memcpy(own->dns, given->dns, sizeof(own->dns));
		own->n_dns = given->n_dns;
	}
	if (!own->search_len) {
		memcpy(own->search, given->search, sizeof(own->search));
		own->search_len = given->search_len;
	}
	if (!own->mtu)
		own->mtu = given->mtu;
	for (i = 0; i < given->n_routes; i++)
		take_route(server, &given->routes[i]);
	for (i = 0; i < given->n_addresses; i++)
		take_route(server, &given->addresses[i]);
	if (given->has_keepalive && !(server->has & PEER_KEEPALIVE)) {
		server->keepalive = given->keepalive;
		server->has |= PEER_KEEPALIVE;
	}
}

static void add_hooks(json_object *steps, const char *kind, const struct quick_commands *hooks,
		      bool backwards)
{
	char number[24];
	size_t i;

	/* Steps are undone from the last to the first. The number tells equal commands apart. */
	for (i = 0; i < hooks->n; i++) {
		size_t j = backwards ? hooks->n - 1 - i : i;

		snprintf(number, sizeof(number), "%zu", j + 1);
		add(steps, kind, hooks->list[j], number, NULL);
	}
}

static void add_addresses(json_object *steps, const struct configblob *own)
{
	char text[ALLOWED_IP_TEXT_SIZE];
	size_t i;

	for (i = 0; i < own->n_addresses; i++) {
		allowed_ip_to_text(text, &own->addresses[i]);
		add(steps, "address", text, NULL);
	}
}

static void add_dns(json_object *steps, const struct configblob *own, const char *method)
{
	char text[ALLOWED_IP_TEXT_SIZE], *servers = NULL, *search = NULL;
	const char *name = NULL;
	size_t i, size;
	FILE *file;

	if (!own->n_dns)
		return;
	file = open_memstream(&servers, &size);
	for (i = 0; file && i < own->n_dns; i++) {
		allowed_ip_to_text(text, &own->dns[i]);
		text[strcspn(text, "/")] = '\0';
		fprintf(file, "%s%s", i ? " " : "", text);
	}
	if (file)
		fclose(file);
	file = open_memstream(&search, &size);
	while (file && (name = configblob_next_search(own, name)))
		fprintf(file, "%s%s", ftell(file) ? " " : "", name);
	if (file)
		fclose(file);
	if (!servers || !search) {
		fail("out of memory");
		exit(EXIT_FAILURE);
	}
	add(steps, "dns", method, servers, search, NULL);
	free(servers);
	free(search);
}

/* The kernel has a route to the network of each of the link's addresses already. */
static bool is_connected(const struct configblob *own, const struct allowed_ip *to)
{
	size_t i;

	for (i = 0; i < own->n_addresses; i++) {
		struct allowed_ip network = own->addresses[i];

		allowed_ip_mask(&network);
		if (!allowed_ip_compare(&network, to))
			return true;
	}
	return false;
}

static void add_route(json_object *steps, const struct quick *quick, const struct allowed_ip *to,
		      uint32_t mark)
{
	uint32_t table = MAIN_TABLE;
	char text[ALLOWED_IP_TEXT_SIZE], number[16];

	if (quick->table == QUICK_TABLE_NUMBER)
		table = quick->table_number;
	else if (!to->prefix_len)
		table = mark;
	if (table == MAIN_TABLE && is_connected(&quick->own, to))
		return;
	allowed_ip_to_text(text, to);
	snprintf(number, sizeof(number), "%u", table);
	add(steps, "route", text, number, NULL);
}

static void add_routes(json_object *steps, const struct quick *quick, uint32_t mark)
{
	char number[16];
	size_t i, j;

	if (quick->table == QUICK_TABLE_OFF)
		return;
	for (i = 0; i < quick->dev.n_peers; i++)
		for (j = 0; j < quick->dev.peers[i]->n_ips; j++)
			add_route(steps, quick, &quick->dev.peers[i]->ips[j], mark);
	snprintf(number, sizeof(number), "%u", mark);
	if (plan_has_default(quick, AF_INET)) {
		/* The answers' way is looked up with their mark, or rp_filter drops them. */
		add(steps, "sysctl", "net/ipv4/conf/all/src_valid_mark", "1", NULL);
		add(steps, "rule", "4", "0", NULL);
		add(steps, "rule", "4", number, NULL);
	}
	if (plan_has_default(quick, AF_INET6)) {
		add(steps, "rule", "6", "0", NULL);
		add(steps, "rule", "6", number, NULL);
	}
}

/**
 * plan_steps() - what has to be done for a tunnel
 * @quick: the tunnel
 * @plan: what the steps depend on besides
 *
 * Return: an array of steps, each an array of words, the first of which is its kind; the caller's
 * to put. Undone in the opposite order.
 */
json_object *plan_steps(const struct quick *quick, const struct plan *plan)
{
	json_object *steps = json_object_new_array();
	char number[16];

	add_hooks(steps, "post-down", &quick->hooks[QUICK_POST_DOWN], true);
	snprintf(number, sizeof(number), "%u", plan->mark);
	if (quick->kill_switch != QUICK_KILL_SWITCH_OFF)
		add(steps, "kill-switch", number,
		    quick->kill_switch == QUICK_KILL_SWITCH_LOCAL ? "local" : "", NULL);
	add(steps, "link", NULL);
	add_hooks(steps, "pre-up", &quick->hooks[QUICK_PRE_UP], false);
	add(steps, "device", NULL);
	add_addresses(steps, &quick->own);
	snprintf(number, sizeof(number), "%u", plan->mtu);
	add(steps, "up", number, NULL);
	if (quick->nat && quick->n_pool)
		add(steps, "nat", NULL);
	add_dns(steps, &quick->own, plan->dns);
	add_routes(steps, quick, plan->mark);
	add_hooks(steps, "pre-down", &quick->hooks[QUICK_PRE_DOWN], true);
	add_hooks(steps, "post-up", &quick->hooks[QUICK_POST_UP], false);
	return steps;
}
