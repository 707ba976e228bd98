// SPDX-License-Identifier: GPL-2.0
#include <ctype.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "config.h"
#include "encoding.h"
#include "quick.h"
#include "report.h"

/* The most bytes of a login: with a password it has to fit into a handshake. */
#define LOGIN_MAX	64

static bool yes_or_no(bool *value, const char *text, const struct place *at)
{
	*value = !strcasecmp(text, "yes") || !strcasecmp(text, "true") || !strcasecmp(text, "on");
	return *value || !strcasecmp(text, "no") || !strcasecmp(text, "false") ||
	       !strcasecmp(text, "off") || fail_at(at, "'%s' is neither yes nor no", text);
}

static bool keep_text(char **to, const char *text, const struct place *at)
{
	if (!*text)
		return fail_at(at, "what shall it be? A value has to follow");
	*to = xstrndup(text, strlen(text));
	return true;
}

/*
 * This side
 */

/* The address of a host, in a network of which more than this address is used. */
static const char *flaw(const struct allowed_ip *ip)
{
	in_addr_t v4 = ntohl(ip->v4.s_addr);

	if (ip->family == AF_INET ? !(v4 >> 24) || IN_MULTICAST(v4) || IN_BADCLASS(v4) :
	    IN6_IS_ADDR_UNSPECIFIED(&ip->v6) || IN6_IS_ADDR_MULTICAST(&ip->v6))
		return "not the address of one host";
	if (!ip->prefix_len)
		return "the network of an address cannot be everything";
	return NULL;
}

/* An entry of a list of the link's addresses, or of networks of which addresses come. */
static bool read_entry(struct allowed_ip *ip, const char *entry,
		       bool (*from_text)(struct allowed_ip *ip, const char *text, const char **why),
		       const struct place *at)
{
	const char *why;

	if (from_text(ip, entry, &why))
		why = flaw(ip);
	return !why || fail_at(at, "'%s': %s", entry, why);
}

static bool parse_address(void *to, char *list, const struct place *at)
{
	struct configblob *own = &((struct quick *)to)->own;
	struct allowed_ip ip;
	char *entry;

	while ((entry = config_next_entry(&list, ","))) {
		if (!read_entry(&ip, entry, address_from_text, at))
			return false;
		if (own->n_addresses == CONFIGBLOB_IPS_MAX)
			return fail_at(at, "more than %d addresses", CONFIGBLOB_IPS_MAX);
		own->addresses[own->n_addresses++] = ip;
	}
	return true;
}

static bool add_dns(struct configblob *blob, const char *text, const struct place *at)
{
	struct allowed_ip ip;
	const char *why;

	if (!address_from_text(&ip, text, &why) || strchr(text, '/'))
		return fail_at(at, "'%s' is not the address of a name server", text);
	if (blob->n_dns == CONFIGBLOB_IPS_MAX)
		return fail_at(at, "more than %d name servers", CONFIGBLOB_IPS_MAX);
	blob->dns[blob->n_dns++] = ip;
	return true;
}

static bool add_search(struct configblob *blob, const char *text, const struct place *at)
{
	return configblob_add_search(blob, text, strlen(text)) ||
	       fail_at(at, "'%s' is neither an address nor a domain", text);
}

/* Addresses of name servers, and domains to look names up in. */
static bool parse_dns(void *to, char *list, const struct place *at)
{
	struct configblob *own = &((struct quick *)to)->own;
	char *entry;

	while ((entry = config_next_entry(&list, ","))) {
		struct allowed_ip ip;
		const char *why;
		bool good;

		good = address_from_text(&ip, entry, &why) ? add_dns(own, entry, at) :
							     add_search(own, entry, at);
		if (!good)
			return false;
	}
	return true;
}

static bool read_mtu(uint16_t *mtu, const char *text, const struct place *at)
{
	uint32_t number;

	if (!number_from_text(text, UINT16_MAX, &number) || number < CONFIGBLOB_MTU_MIN)
		return fail_at(at, "'%s' is not an MTU (%d to %d)", text, CONFIGBLOB_MTU_MIN,
			       UINT16_MAX);
	*mtu = number;
	return true;
}

static bool parse_mtu(void *to, char *text, const struct place *at)
{
	return read_mtu(&((struct quick *)to)->own.mtu, text, at);
}

static bool parse_table(void *to, char *text, const struct place *at)
{
	struct quick *quick = to;

	if (!strcasecmp(text, "off")) {
		quick->table = QUICK_TABLE_OFF;
	} else if (!strcasecmp(text, "main")) {
		quick->table = QUICK_TABLE_NUMBER;
		quick->table_number = 254;
	} else if (strcasecmp(text, "auto")) {
		quick->table = QUICK_TABLE_NUMBER;
		if (!mark_from_text(text, &quick->table_number) || !quick->table_number)
			return fail_at(at, "'%s' is not a table (auto, off, main, or a number)",
				       text);
	}
	return true;
}

static bool add_command(void *to, enum quick_hook hook, const char *text,
			const struct place *at)
{
	struct quick_commands *commands = &((struct quick *)to)->hooks[hook];

	if (!*text)
		return fail_at(at, "what shall it be? A command has to follow");
	commands->list = xrealloc(commands->list, commands->n + 1, sizeof(*commands->list));
	commands->list[commands->n++] = xstrndup(text, strlen(text));
	return true;
}

static bool parse_pre_up(void *to, char *text, const struct place *at)
{
	return add_command(to, QUICK_PRE_UP, text, at);
}

static bool parse_post_up(void *to, char *text, const struct place *at)
{
	return add_command(to, QUICK_POST_UP, text, at);
}

static bool parse_pre_down(void *to, char *text, const struct place *at)
{
	return add_command(to, QUICK_PRE_DOWN, text, at);
}

static bool parse_post_down(void *to, char *text, const struct place *at)
{
	return add_command(to, QUICK_POST_DOWN, text, at);
}

static bool parse_save_config(void *to, char *text, const struct place *at)
{
	bool save;

	(void)to;
	if (!yes_or_no(&save, text, at))
		return false;
	if (save)
		warn("%s:%u: %s: nothing writes into this file here", at->file, at->line,
		     at->word);
	return true;
}

static bool parse_private_key_file(void *to, char *path, const struct place *at)
{
	struct quick *quick = to;

	if (quick->dev.has & DEVICE_PRIVATE_KEY)
		return fail_at(at, "there is a PrivateKey already");
	quick->dev.has |= DEVICE_PRIVATE_KEY;
	return key_from_file(quick->dev.private_key, path, at);
}

/*
 * The client of a server
 */

static bool parse_autoconf(void *to, char *text, const struct place *at)
{
	return yes_or_no(&((struct quick *)to)->autoconf, text, at);
}

static bool parse_login(void *to, char *text, const struct place *at)
{
	if (strlen(text) > LOGIN_MAX)
		return fail_at(at, "more than %d characters", LOGIN_MAX);
	return keep_text(&((struct quick *)to)->login, text, at);
}

static bool parse_password_file(void *to, char *text, const struct place *at)
{
	return keep_text(&((struct quick *)to)->password_file, text, at);
}

static bool parse_kill_switch(void *to, char *text, const struct place *at)
{
	struct quick *quick = to;
	bool on = false;

	if (!strcasecmp(text, "local")) {
		quick->kill_switch = QUICK_KILL_SWITCH_LOCAL;
		return true;
	}
	if (!yes_or_no(&on, text, at))
		return false;
	quick->kill_switch = on ? QUICK_KILL_SWITCH_ON : QUICK_KILL_SWITCH_OFF;
	return true;
}

/*
 * The server
 */

static bool parse_pool(void *to, char *list, const struct place *at)
{
	struct quick *quick = to;
	struct allowed_ip ip;
	char *entry;

	while ((entry = config_next_entry(&list, ","))) {
		if (!read_entry(&ip, entry, allowed_ip_from_text, at))
			return false;
		quick->pool = xrealloc(quick->pool, quick->n_pool + 1, sizeof(*quick->pool));
		quick->pool[quick->n_pool++] = ip;
	}
	return true;
}

static bool push_route(struct configblob *push, const char *text, const struct place *at)
{
	struct allowed_ip ip;
	const char *why;

	if (!allowed_ip_from_text(&ip, text, &why))
		return fail_at(at, "'%s': %s", text, why);
	if (push->n_routes == CONFIGBLOB_IPS_MAX)
		return fail_at(at, "more than %d routes", CONFIGBLOB_IPS_MAX);
	push->routes[push->n_routes++] = ip;
	return true;
}

static bool push_mtu(struct configblob *push, const char *text, const struct place *at)
{
	return read_mtu(&push->mtu, text, at);
}

static bool push_keepalive(struct configblob *push, const char *text, const struct place *at)
{
	uint32_t seconds = 0;

	if (strcasecmp(text, "off") && !number_from_text(text, UINT16_MAX, &seconds))
		return fail_at(at, "'%s' is not an interval (off, or 0 to 65535 seconds)", text);
	push->keepalive = seconds;
	push->has_keepalive = true;
	return true;
}

static const struct {
	const char *name;
	bool (*parse)(struct configblob *push, const char *text, const struct place *at);
} push_words[] = {
	{ "route", push_route },
	{ "dns", add_dns },
	{ "search", add_search },
	{ "mtu", push_mtu },
	{ "keepalive", push_keepalive },
	{ }
};

/* "route 10.0.0.0/8, 192.168.0.0/16; dns 10.9.0.1": a word and its values, then the next. */
static bool parse_push(void *to, char *list, const struct place *at)
{
	struct configblob *push = &((struct quick *)to)->push;
	char *entry, *value;

	while ((entry = config_next_entry(&list, ";"))) {
		char *values = entry + strcspn(entry, " \t");
		size_t i = 0;

		if (!*entry)
			continue;
		if (*values)
			*values++ = '\0';
		while (push_words[i].name && strcasecmp(push_words[i].name, entry))
			i++;
		if (!push_words[i].name)
			return fail_at(at, "'%s' is not one of route, dns, search, mtu, keepalive",
				       entry);
		while ((value = config_next_entry(&values, ",")))
			if (!push_words[i].parse(push, value, at))
				return false;
	}
	return true;
}

static bool parse_nat(void *to, char *text, const struct place *at)
{
	struct quick *quick = to;

	if (strlen(text) >= IF_NAMESIZE)
		return fail_at(at, "'%s' is not the name of a link", text);
	if (!strcasecmp(text, "off"))
		return true;
	return keep_text(&quick->nat, text, at);
}

static bool parse_users(void *to, char *text, const struct place *at)
{
	return keep_text(&((struct quick *)to)->users, text, at);
}

static bool parse_devices(void *to, char *text, const struct place *at)
{
	struct quick *quick = to;

	if (number_from_text(text, INT32_MAX, &quick->devices) && quick->devices)
		return true;
	return fail_at(at, "'%s' is not a number of devices (1 or more)", text);
}

static const struct config_key quick_keys[] = {
	{ "Address", parse_address, true },
	{ "DNS", parse_dns, true },
	{ "MTU", parse_mtu, false },
	{ "Table", parse_table, false },
	{ "PreUp", parse_pre_up, true },
	{ "PostUp", parse_post_up, true },
	{ "PreDown", parse_pre_down, true },
	{ "PostDown", parse_post_down, true },
	{ "SaveConfig", parse_save_config, false },
	{ "PrivateKeyFile", parse_private_key_file, false },
	{ "Autoconf", parse_autoconf, false },
	{ "Login", parse_login, false },
	{ "PasswordFile", parse_password_file, false },
	{ "KillSwitch", parse_kill_switch, false },
	{ "Pool", parse_pool, true },
	{ "Push", parse_push, true },
	{ "NAT", parse_nat, false },
	{ "Users", parse_users, false },
	{ "Devices", parse_devices, false },
	{ }
};

/**
 * quick_has_ipv6() - whether IPv6 goes through the tunnel
 * @quick: the tunnel
 *
 * Return: whether it has an address of it or leads to one.
 */
bool quick_has_ipv6(const struct quick *quick)
{
	size_t i, j;

	for (i = 0; i < quick->own.n_addresses; i++)
		if (quick->own.addresses[i].family == AF_INET6)
			return true;
	for (i = 0; i < quick->dev.n_peers; i++)
		for (j = 0; j < quick->dev.peers[i]->n_ips; j++)
			if (quick->dev.peers[i]->ips[j].family == AF_INET6)
				return true;
	return false;
}

/* What is wrong with keys that are right each by itself, or NULL. */
static const char *contradiction(const struct quick *quick)
{
	if (!(quick->dev.has & DEVICE_PRIVATE_KEY))
		return "there is no PrivateKey in [Interface]";
	if (quick->password_file && !quick->login)
		return "PasswordFile is for a Login, and there is none";
	if ((quick->autoconf || quick->login) && quick->dev.n_peers != 1)
		return "Autoconf and Login are for one [Peer], the server";
	if ((quick->autoconf || quick->login) && !quick->dev.peers[0]->host)
		return "Autoconf and Login need the server's Endpoint";
	if (quick->autoconf && quick->n_pool)
		return "Autoconf is for a client, and Pool for a server";
	if (quick->own.mtu && quick->own.mtu < QUICK_MTU_IPV6 && quick_has_ipv6(quick))
		return "MTU: IPv6 has to have 1280 at least";
	return NULL;
}

/**
 * quick_parse() - read the file of a tunnel
 * @quick: where to; quick_locate() or zeros
 * @path: the file
 *
 * Return: whether all of it is right; if not, the user has been told.
 */
bool quick_parse(struct quick *quick, const char *path)
{
	const char *why;

	if (!config_read(&quick->dev, path, quick_keys, quick))
		return false;
	why = contradiction(quick);
	if (why)
		return fail("%s: %s", path, why);
	device_settle_ips(&quick->dev);
	return true;
}

static bool is_ifname(const char *name, size_t len)
{
	size_t i;

	for (i = 0; i < len; i++)
		if (!isalnum((unsigned char)name[i]) && !strchr("_=+.-", name[i]))
			return false;
	return len && len < IF_NAMESIZE && name[0] != '-' && strncmp(name, ".", len) &&
	       strncmp(name, "..", len);
}

/**
 * quick_locate() - say which file and which link a tunnel's name stands for
 * @quick: where to; zeros
 * @name: NAME, or a file NAME.conf with a slash in its path or this ending
 *
 * Return: whether it can be the name of a link; if not, the user has been told.
 */
bool quick_locate(struct quick *quick, const char *name)
{
	const char *slash = strrchr(name, '/'), *base = slash ? slash + 1 : name;
	size_t len = strlen(base);
	bool is_file = len > 5 && !strcmp(base + len - 5, ".conf");

	if (slash && !is_file)
		return fail("%s: the name of the file has to be that of the link, and .conf", name);
	if (is_file)
		len -= 5;
	if (!is_ifname(base, len))
		return fail("'%s' cannot be the name of a link: 1 to 15 letters, digits and _=+.-",
			    base);
	snprintf(quick->ifname, sizeof(quick->ifname), "%.*s", (int)len, base);
	if (is_file)
		quick->path = xstrndup(name, strlen(name));
	else if (asprintf(&quick->path, "%s/%s.conf", QUICK_FOLDER, name) < 0)
		return fail("out of memory");
	return true;
}

/**
 * quick_read() - read the file that a tunnel's name stands for
 * @quick: where to; zeros
 * @name: as for quick_locate()
 *
 * Return: whether all of it is right; if not, the user has been told. In any case @quick is the
 * caller's, for quick_clear().
 */
bool quick_read(struct quick *quick, const char *name)
{
	return quick_locate(quick, name) && quick_parse(quick, quick->path);
}

/**
 * quick_clear() - free all that belongs to a tunnel's file, and wipe its secrets
 * @quick: the tunnel, itself the caller's
 */
void quick_clear(struct quick *quick)
{
	size_t i, j;

	for (i = 0; i < QUICK_HOOKS; i++) {
		for (j = 0; j < quick->hooks[i].n; j++)
			free(quick->hooks[i].list[j]);
		free(quick->hooks[i].list);
	}
	free(quick->path);
	free(quick->login);
	free(quick->password_file);
	free(quick->pool);
	free(quick->nat);
	free(quick->users);
	device_clear(&quick->dev);
	memset(quick, 0, sizeof(*quick));
}
