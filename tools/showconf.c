// SPDX-License-Identifier: GPL-2.0
#include <string.h>

#include "commands.h"
#include "device.h"
#include "fetch.h"
#include "fields.h"
#include "genl.h"
#include "help.h"
#include "names.h"
#include "report.h"

static void print_peer(const struct peer *peer)
{
	fputs("\n[Peer]\nPublicKey = ", stdout);
	print_public_key(peer->public_key);
	if (peer->has & PEER_PRESHARED_KEY) {
		fputs("\nPresharedKey = ", stdout);
		print_key(peer->preshared_key, true);
	}
	if (peer->n_ips) {
		fputs("\nAllowedIPs = ", stdout);
		print_ips(peer, ", ");
	}
	if (peer->has & PEER_ENDPOINT) {
		fputs("\nEndpoint = ", stdout);
		print_endpoint(peer);
	}
	if (peer->keepalive)
		printf("\nPersistentKeepalive = %u", peer->keepalive);
	putchar('\n');
}

static void print_config(const struct device *dev)
{
	size_t i;

	puts("[Interface]");
	if (dev->listen_port)
		printf("ListenPort = %u\n", dev->listen_port);
	if (dev->fwmark)
		printf("FwMark = 0x%x\n", dev->fwmark);
	if (dev->has & DEVICE_PRIVATE_KEY) {
		fputs("PrivateKey = ", stdout);
		print_key(dev->private_key, true);
		putchar('\n');
	}
	fputs("Ciphers = ", stdout);
	for (i = 0; i < dev->n_ciphers; i++)
		printf("%s%s", i ? ", " : "", cipher_name(dev->ciphers[i]));
	putchar('\n');
	for (i = 0; i < dev->n_peers; i++)
		print_peer(dev->peers[i]);
}

static bool show_config(struct genl *genl, const char *ifname, bool json)
{
	const struct view view = { .config = true };
	struct device dev = { 0 };
	bool good;

	good = fetch_device(genl, ifname, &dev);
	if (good && !fetch_peers(genl, &dev))
		good = fail("%s: cannot read its peers: %s", ifname, genl->reason);
	if (good && secrets_are_hidden(&dev))
		good = fail("%s: only root may see keys (CAP_NET_ADMIN)", ifname);
	if (good && json)
		good = json_print(json_of_device(&dev, &view));
	else if (good)
		print_config(&dev);
	device_clear(&dev);
	return good;
}

/**
 * cmd_showconf() - toyvpnctl showconf: print a device as a file for setconf
 * @argc: number of words
 * @argv: "showconf", the interface, optionally --json
 *
 * Return: whether it worked; if not, the user has been told.
 */
bool cmd_showconf(int argc, char *argv[])
{
	const char *ifname = NULL;
	struct genl *genl;
	bool json = false;
	bool good;
	int i;

	for (i = 1; i < argc; i++) {
		if (!strcmp(argv[i], "--json"))
			json = true;
		else if (!ifname)
			ifname = argv[i];
		else
			return usage(argv[0]);
	}
	if (!ifname)
		return usage(argv[0]);
	genl = genl_open();
	if (!genl)
		return false;
	good = show_config(genl, ifname, json);
	genl_close(genl);
	return good;
}
