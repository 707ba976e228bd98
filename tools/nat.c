// SPDX-License-Identifier: GPL-2.0
/*
 * One table of nftables a link. This host has to forward as well, and what these settings were
 * before is kept where nothing outlives or loses it: as the comment of a table, "toyvpn", which
 * goes with the last of ours.
 */
#include <errno.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "encoding.h"
#include "nat.h"
#include "nft.h"
#include "report.h"
#include "sysctl.h"

#define RECORD		"toyvpn"
#define PREFIX		"toyvpn_nat_"
#define NAME_SIZE	64
#define SETTINGS_MAX	3
#define RTF_UP		1
#define RTF_REJECT	0x200

/**
 * struct setting - one of the kernel's
 * @name: as a path in /proc/sys/net
 * @value: its value before us, or the one that we want
 */
struct setting {
	char name[NAME_SIZE];
	unsigned int value;
};

/*
 * Settings
 */

static bool net_read(const char *name, unsigned int *value)
{
	char text[SYSCTL_VALUE_SIZE], path[NAME_SIZE + 4];
	uint32_t number;

	snprintf(path, sizeof(path), "net/%.*s", NAME_SIZE - 1, name);
	if (!sysctl_read(path, text) || !number_from_text(text, UINT16_MAX, &number))
		return false;
	*value = number;
	return true;
}

static bool net_write(const char *name, unsigned int value)
{
	char text[SYSCTL_VALUE_SIZE], path[NAME_SIZE + 4];

	snprintf(path, sizeof(path), "net/%.*s", NAME_SIZE - 1, name);
	snprintf(text, sizeof(text), "%u", value);
	return sysctl_write(path, text);
}

/* Add a setting to those that we want, if there is such and it is another one now. */
static void want(struct setting *wanted, size_t *n, const char *name, unsigned int value)
{
	unsigned int now;

	if (!net_read(name, &now) || now == value)
		return;
	snprintf(wanted[*n].name, sizeof(wanted[*n].name), "%s", name);
	wanted[(*n)++].value = value;
}

/*
 * The record of what they were: "NAME=VALUE NAME=VALUE"
 */

/* Whether there is a table of this name, or whose name begins so. */
static bool has_table(const char *list, const char *name, bool begins)
{
	size_t len = strlen(name);
	const char *line = list;

	for (; line; line = strchr(line, '\n')) {
		line += strspn(line, "\n");
		if (strncmp(line, "table inet ", 11))
			continue;
		if (!strncmp(line + 11, name, len) && (begins || line[11 + len] == '\n'))
			return true;
	}
	return false;
}

/* What is recorded, the caller's to free; empty if nothing is. */
static bool record_read(char **record)
{
	char *list = nft_ask("list tables inet\n"), *text, *begin;

	if (!list)
		return false;
	if (!has_table(list, RECORD, false)) {
		free(list);
		*record = xstrndup("", 0);
		return true;
	}
	free(list);
	text = nft_ask("list table inet " RECORD "\n");
	if (!text)
		return false;
	begin = strstr(text, "comment \"");
	begin = begin ? begin + 9 : text + strlen(text);
	*record = xstrndup(begin, strcspn(begin, "\""));
	free(text);
	return true;
}

static bool record_has(const char *record, const char *name)
{
	size_t len = strlen(name);

	for (; *record; record += strcspn(record, " "), record += strspn(record, " "))
		if (!strncmp(record, name, len) && record[len] == '=')
			return true;
	return false;
}

static bool record_write(const char *record)
{
	char commands[512];

	snprintf(commands, sizeof(commands),
		 "add table inet " RECORD "\ndelete table inet " RECORD "\n"
		 "table inet " RECORD " { comment \"%s\"; }\n", record);
	return nft_run(commands);
}

/* First what they were is recorded, then they are set. */
static bool set_all(const struct setting *wanted, size_t n)
{
	char record[256], *before;
	unsigned int now;
	size_t len, i;

	if (!record_read(&before))
		return false;
	len = (size_t)snprintf(record, sizeof(record), "%s", before);
	free(before);
	for (i = 0; i < n && len < sizeof(record); i++) {
		if (record_has(record, wanted[i].name) || !net_read(wanted[i].name, &now))
			continue;
		len += (size_t)snprintf(record + len, sizeof(record) - len, "%s%s=%u",
					len ? " " : "", wanted[i].name, now);
	}
	/* A comment has 128 bytes. */
	if (len > 127)
		return fail("nftables: no room to record what forwarding was");
	if (!record_write(record))
		return false;
	for (i = 0; i < n; i++)
		if (!net_write(wanted[i].name, wanted[i].value))
			return false;
	return true;
}

static bool put_all_back(void)
{
	char *record, *rest, *entry;
	bool good = true;

	if (!record_read(&record))
		return false;
	rest = record;
	while ((entry = strsep(&rest, " "))) {
		char *equals = strchr(entry, '=');
		uint32_t was, now;

		if (!equals || !number_from_text(equals + 1, UINT16_MAX, &was))
			continue;
		*equals = '\0';
		/* A link that is gone has no settings to put back. */
		if (net_read(entry, &now))
			good &= net_write(entry, was);
	}
	free(record);
	return nft_remove_table(RECORD) && good;
}

/*
 * The link that a default route leaves by
 */

/**
 * struct routes - a file of /proc with a route in each line
 * @path: its name
 * @to: which word of a line is the network
 * @len: which one is the length of its prefix, or the mask
 * @flags: which one is RTF_*, hexadecimal
 * @metric: which one is the metric; of two routes, the one with the lower is taken
 * @base: what base that is in
 * @link: which one is the name of the link
 */
struct routes {
	const char *path;
	unsigned int to;
	unsigned int len;
	unsigned int flags;
	unsigned int metric;
	int base;
	unsigned int link;
};

#define ROUTE_WORDS	10

static const struct routes routes4 = { "/proc/net/route", 1, 7, 3, 6, 10, 0 };
static const struct routes routes6 = { "/proc/net/ipv6_route", 0, 1, 8, 5, 16, 9 };

static bool is_zero(const char *digits)
{
	return !digits[strspn(digits, "0")];
}

/* Take the words of a line apart; are these a default route that packets can take? */
static bool is_default(char *words[static ROUTE_WORDS], char *line, const struct routes *routes)
{
	unsigned long flags;
	size_t n = 0;
	char *rest;

	for (line = strtok_r(line, " \t\n", &rest); line && n < ROUTE_WORDS;
	     line = strtok_r(NULL, " \t\n", &rest))
		words[n++] = line;
	if (n < ROUTE_WORDS || !is_zero(words[routes->to]) || !is_zero(words[routes->len]))
		return false;
	flags = strtoul(words[routes->flags], NULL, 16);
	return flags & RTF_UP && !(flags & RTF_REJECT);
}

static bool default_route(char link[static IF_NAMESIZE], const struct routes *routes)
{
	char line[256], *words[ROUTE_WORDS];
	unsigned long metric, best = ULONG_MAX;
	FILE *file = fopen(routes->path, "re");

	*link = '\0';
	while (file && fgets(line, sizeof(line), file)) {
		if (!is_default(words, line, routes))
			continue;
		metric = strtoul(words[routes->metric], NULL, routes->base);
		if (metric >= best)
			continue;
		best = metric;
		snprintf(link, IF_NAMESIZE, "%s", words[routes->link]);
	}
	if (file)
		fclose(file);
	return *link;
}

static bool find_out(char link[static IF_NAMESIZE], const char *wanted, int family)
{
	if (!strcasecmp(wanted, "auto"))
		return default_route(link, family == AF_INET ? &routes4 : &routes6);
	snprintf(link, IF_NAMESIZE, "%s", wanted);
	return true;
}

/*
 * The rules
 */

/**
 * nat_down() - undo nat_up()
 * @ifname: name of the link; nothing need be there
 *
 * Return: whether nothing is left; if not, the user has been told.
 */
bool nat_down(const char *ifname)
{
	char table[NFT_TABLE_SIZE], *list;
	bool others, mine;

	nft_table_name(table, PREFIX, ifname);
	list = nft_ask("list tables inet\n");
	if (!list)
		return false;
	mine = has_table(list, table, false);
	free(list);
	if (!mine)
		return true;
	list = nft_remove_table(table) ? nft_ask("list tables inet\n") : NULL;
	if (!list)
		return false;
	others = has_table(list, PREFIX, true);
	mine = has_table(list, RECORD, false);
	free(list);
	/* The last one puts back what the first one found. */
	return others || !mine || put_all_back();
}

static const char rules[] =
	"add table inet %1$s\n"
	"delete table inet %1$s\n"
	"table inet %1$s {\n"
	"	chain postrouting {\n"
	"		type nat hook postrouting priority srcnat; policy accept;\n"
	"%3$s\n"
	"	}\n"
	"	chain forward {\n"
	"		type filter hook forward priority filter; policy accept;\n"
	"		iifname \"%2$s\" tcp flags & (syn | rst) == syn tcp option maxseg size set rt mtu\n"
	"		oifname \"%2$s\" tcp flags & (syn | rst) == syn tcp option maxseg size set rt mtu\n"
	"		iifname \"%2$s\" accept\n"
	"		oifname \"%2$s\" ct state established,related accept\n"
	"	}\n"
	"}\n";

static bool apply(const char *ifname, const char *masquerade)
{
	char commands[2048], table[NFT_TABLE_SIZE];

	nft_table_name(table, PREFIX, ifname);
	snprintf(commands, sizeof(commands), rules, table, ifname, masquerade);
	return nft_run(commands);
}

/**
 * nat_up() - let clients out behind an address of ours
 * @ifname: name of the link that they come by
 * @clients: their networks
 * @n: how many
 * @out: name of the link that they leave by, or "auto" for that of the default route
 *
 * What was there before for this link is replaced, in one transaction. This host forwards then.
 *
 * Return: whether it worked; if not, the user has been told and there are no such rules.
 */
bool nat_up(const char *ifname, const struct allowed_ip *clients, size_t n, const char *out)
{
	char masquerade[1024] = "", network[ALLOWED_IP_TEXT_SIZE];
	char link[IF_NAMESIZE], name[NAME_SIZE];
	struct setting wanted[2 * SETTINGS_MAX];
	size_t n_wanted = 0, len = 0, i;
	unsigned int accept_ra;

	if (strcasecmp(out, "auto") && (!nft_can_quote(out) || !if_nametoindex(out)))
		return fail("NAT: there is no link %s", out);
	for (i = 0; i < n && i < 2; i++) {
		bool v4 = clients[i].family == AF_INET;

		if (!find_out(link, out, clients[i].family) || !nft_can_quote(link))
			continue;
		allowed_ip_to_text(network, &clients[i]);
		len += (size_t)snprintf(masquerade + len, sizeof(masquerade) - len,
					"  %s saddr %s oifname \"%s\" masquerade\n",
					v4 ? "ip" : "ip6", network, link);
		/*
		 * A router takes no default route from others, unless told that it shall; and
		 * loses the one that it has if it is told after it became one.
		 */
		snprintf(name, sizeof(name), "ipv6/conf/%s/accept_ra", link);
		if (!v4 && net_read(name, &accept_ra) && accept_ra == 1)
			want(wanted, &n_wanted, name, 2);
		want(wanted, &n_wanted, v4 ? "ipv4/ip_forward" : "ipv6/conf/all/forwarding", 1);
	}
	if (!len)
		return fail("NAT: there is no default route: say which link clients leave by");
	if (!nft_can_quote(ifname))
		return fail("NAT: rules cannot name the link %s", ifname);
	if (!apply(ifname, masquerade))
		return false;
	if (!n_wanted || set_all(wanted, n_wanted))
		return true;
	nat_down(ifname);
	return false;
}
