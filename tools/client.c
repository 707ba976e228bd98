// SPDX-License-Identifier: GPL-2.0
/* client: a ready file for a client of a server of this host. */
#include <arpa/inet.h>
#include <dirent.h>
#include <errno.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include <sodium.h>

#include "commands.h"
#include "encoding.h"
#include "help.h"
#include "quick.h"
#include "report.h"
#include "rtnl.h"
#include "users.h"

/* Addresses that nobody has (RFC 2544, RFC 5180): the way there is the way to all the rest. */
#define ELSEWHERE4	"198.18.0.1"
#define ELSEWHERE6	"2001:2::1"

#define CONF		".conf"

struct options {
	const char *name;
	const char *server;
	const char *endpoint;
};

static bool read_words(struct options *options, int argc, char *argv[])
{
	int i;

	*options = (struct options){ 0 };
	if (argc < 3 || strcmp(argv[1], "new"))
		return usage(argv[0]);
	for (i = 2; i < argc; i++) {
		const char **to = NULL;

		if (!strcmp(argv[i], "--server"))
			to = &options->server;
		else if (!strcmp(argv[i], "--endpoint"))
			to = &options->endpoint;
		if (to && i + 1 == argc)
			return fail("%s: what shall it be? A value has to follow", argv[i]);
		if (to)
			*to = argv[++i];
		else if (!options->name)
			options->name = argv[i];
		else
			return usage(argv[0]);
	}
	return options->name || usage(argv[0]);
}

/*
 * The server
 */

static int is_file_of_tunnel(const struct dirent *entry)
{
	size_t len = strlen(entry->d_name);

	return len > strlen(CONF) && !strcmp(entry->d_name + len - strlen(CONF), CONF);
}

/* What "client new NAME >FILE" prints goes to such a one, made by the shell before we begin. */
static bool is_empty(const char *name)
{
	char path[PATH_MAX];
	struct stat status;

	snprintf(path, sizeof(path), "%s/%s", QUICK_FOLDER, name);
	return !stat(path, &status) && !status.st_size;
}

/* The one of this host's tunnels that is a server. */
static bool find_server(struct quick *server)
{
	struct dirent **entries = NULL;
	bool good = true, found = false;
	int i, n;

	n = scandir(QUICK_FOLDER, &entries, is_file_of_tunnel, alphasort);
	for (i = 0; i < n; i++) {
		struct quick quick = { 0 };
		char *name = entries[i]->d_name;

		if (!is_empty(name)) {
			name[strlen(name) - strlen(CONF)] = '\0';
			good = good && quick_read(&quick, name);
		}
		if (good && quick.n_pool && found)
			good = fail("%s: more than one server: say which by --server",
				    QUICK_FOLDER);
		if (good && quick.n_pool) {
			*server = quick;
			found = true;
		} else {
			quick_clear(&quick);
		}
		free(entries[i]);
	}
	free(entries);
	if (good && !found)
		return fail("%s: there is no file with a Pool: say which server by --server",
			    QUICK_FOLDER);
	return good;
}

/* This host's address on the way to all the rest; whether it has one. */
static bool find_address(char host[static INET6_ADDRSTRLEN])
{
	static const char * const elsewhere[] = { ELSEWHERE4, ELSEWHERE6 };
	struct rtnl rtnl = { 0 };
	bool found = false;
	size_t i;

	if (!rtnl_open(&rtnl))
		return false;
	for (i = 0; i < 2 && !found; i++) {
		struct rtnl_path path = { 0 };
		union endpoint endpoint;
		const char *why;

		found = endpoint_resolve(&endpoint, elsewhere[i], 9, &why) &&
			rtnl_path_to(&rtnl, &endpoint, 0, &path) && path.source.family &&
			inet_ntop(path.source.family, &path.source.v6, host, INET6_ADDRSTRLEN);
	}
	rtnl_close(&rtnl);
	if (!found)
		fail("this host has no way to the world: say where it is by --endpoint");
	return found;
}

/* Networks that are somebody's own: RFC 1918, 4193, 6598. */
static bool is_private(const char *host)
{
	static const char * const networks[] = {
		"10.0.0.0/8", "100.64.0.0/10", "172.16.0.0/12", "192.168.0.0/16", "fc00::/7"
	};
	struct allowed_ip ip, network;
	const char *why;
	size_t i;

	for (i = 0; i < sizeof(networks) / sizeof(*networks); i++) {
		if (!allowed_ip_from_text(&ip, host, &why) ||
		    !allowed_ip_from_text(&network, networks[i], &why) ||
		    ip.family != network.family)
			continue;
		ip.prefix_len = network.prefix_len;
		allowed_ip_mask(&ip);
		if (!allowed_ip_compare(&ip, &network))
			return true;
	}
	return false;
}

/* Where clients reach the server, the caller's to free, or NULL: the user has been told. */
static char *find_endpoint(const struct quick *server, const char *wanted)
{
	char host[INET6_ADDRSTRLEN], *name = NULL, *text = NULL;
	uint16_t port = server->dev.listen_port;
	const char *why;

	if (wanted && endpoint_split(wanted, &name, &port, &why)) {
		free(name);
		return xstrndup(wanted, strlen(wanted));
	}
	if (!port) {
		fail("%s: there is no ListenPort that clients could use", server->path);
		return NULL;
	}
	if (!wanted && !find_address(host))
		return NULL;
	if (!wanted && is_private(host))
		warn("%s is a private address: from elsewhere --endpoint has to say another", host);
	if (!wanted)
		wanted = host;
	/* An address of IPv6 has brackets before a port. */
	if (asprintf(&text, strchr(wanted, ':') && *wanted != '[' ? "[%s]:%u" : "%s:%u", wanted,
		     port) < 0) {
		fail("out of memory");
		return NULL;
	}
	if (!endpoint_split(text, &name, &port, &why)) {
		fail("--endpoint: '%s' %s", wanted, why);
		free(text);
		return NULL;
	}
	free(name);
	return text;
}

/*
 * The client
 */

static bool print_file(const struct quick *server, const char *name, const char *endpoint)
{
	uint8_t private[TOYVPN_KEY_LEN], public[TOYVPN_KEY_LEN];
	char own[KEY_TEXT_SIZE], others[KEY_TEXT_SIZE];

	if (!key_to_public(public, server->dev.private_key))
		return fail("%s: there is no PrivateKey", server->path);
	key_generate(private);
	key_to_text(own, private);
	key_to_text(others, public);
	printf("# %s at %s: put this into a file of the client's and say \"toyvpnctl up FILE\".\n"
	       "# The password is asked for, or comes from a file: PasswordFile = ...\n"
	       "[Interface]\n"
	       "PrivateKey = %s\n"
	       "Login = %s\n"
	       "Autoconf = yes\n"
	       "\n"
	       "[Peer]\n"
	       "PublicKey = %s\n"
	       "Endpoint = %s\n", name, server->ifname, own, name, others, endpoint);
	sodium_memzero(private, sizeof(private));
	sodium_memzero(own, sizeof(own));
	return true;
}

/**
 * cmd_client() - toyvpnctl client: print the file of a new client
 * @argc: number of words
 * @argv: "client", "new", a user's name
 *
 * Return: whether it worked; if not, the user has been told.
 */
bool cmd_client(int argc, char *argv[])
{
	struct quick server = { 0 };
	struct options options;
	char *endpoint = NULL;
	bool good;

	if (!read_words(&options, argc, argv))
		return false;
	good = options.server ? quick_read(&server, options.server) : find_server(&server);
	if (good && !server.n_pool)
		good = fail("%s: this is no server: it has no Pool", server.path);
	if (good)
		good = users_need(server.users ? server.users : USERS_DEFAULT, options.name, true);
	if (good) {
		endpoint = find_endpoint(&server, options.endpoint);
		good = endpoint && print_file(&server, options.name, endpoint);
	}
	free(endpoint);
	quick_clear(&server);
	return good;
}
