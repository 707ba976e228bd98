// SPDX-License-Identifier: GPL-2.0
/*
 * What comes over netlink, and over the pipe of a search for addresses; the first byte says which.
 * It is in memory of just its size. Whatever can be read can be shown.
 */
#include <limits.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <linux/genetlink.h>

#include "../../tools/authorizer.h"
#include "../../tools/genl.h"
#include "../../tools/login.h"
#include "../../tools/resolve.h"
#include "../../tools/rtnl.h"
#include "fuzz.h"
#include "wrap.h"

/* The number that the kernel gave the family */
#define FAMILY	32

static void run(const char *command, const char *name, const char *option)
{
	const char * const words[] = { command, name, option, NULL };
	struct outcome outcome = fuzz_run(words);

	outcome_free(&outcome);
}

static void show(const struct device *dev)
{
	fuzz_device_clear(&fuzz_kernel);
	fuzz_device_copy(&fuzz_kernel, dev);
	run("show", NULL, NULL);
	run("show", "all", "dump");
	run("show", "--json", NULL);
	run("status", FUZZ_IFNAME, NULL);
	run("status", FUZZ_IFNAME, "--json");
	fuzz_device_clear(&fuzz_kernel);
}

static void read_device(struct genl *genl)
{
	struct device dev = { 0 };

	__real_fetch_device(genl, FUZZ_IFNAME, &dev);
	show(&dev);
	device_clear(&dev);
}

static void read_devices(struct genl *genl)
{
	struct device *devs;
	size_t n;

	__real_fetch_all_devices(genl, &devs, &n);
	while (n) {
		show(&devs[--n]);
		device_clear(&devs[n]);
	}
	free(devs);
}

static void read_peers(struct genl *genl)
{
	struct device dev = { .ifname = FUZZ_IFNAME };

	__real_fetch_peers(genl, &dev);
	show(&dev);
	device_clear(&dev);
}

static void read_one(struct request *request, void *data)
{
	char name[USER_NAME_MAX + 1], password[PASSWORD_SIZE], where[ENDPOINT_TEXT_SIZE];

	(void)data;
	must(request->credentials_len <= TOYVPN_CREDENTIALS_MAX);
	must(!request->credentials[request->credentials_len]);
	endpoint_to_text(where, &request->endpoint);
	login_read(name, password, request->credentials, request->credentials_len);
}

static void read_requests(struct genl *genl)
{
	struct authorizer auth = { .requests = genl };

	authorizer_read(&auth, read_one, NULL);
}

static void ignore(enum rtnl_change change, uint32_t ifindex, void *data)
{
	(void)change;
	(void)ifindex;
	(void)data;
}

static void read_link(void)
{
	struct rtnl rtnl = { 0 };
	struct rtnl_link link;

	if (__real_rtnl_link_get(&rtnl, FUZZ_IFNAME, &link))
		must(memchr(link.kind, 0, sizeof(link.kind)));
}

static void read_path(void)
{
	const union endpoint endpoint = { .v4.sin_family = AF_INET };
	char text[ALLOWED_IP_TEXT_SIZE];
	struct rtnl_path path;
	struct rtnl rtnl = { 0 };

	if (!__real_rtnl_path_to(&rtnl, &endpoint, 0, &path))
		return;
	must(path.ifindex && path.source.prefix_len <= 128 && path.gateway.prefix_len <= 128);
	allowed_ip_to_text(text, &path.source);
	allowed_ip_to_text(text, &path.gateway);
}

static void read_changes(void)
{
	struct rtnl rtnl = { 0 };

	rtnl_watch_read(&rtnl, ignore, NULL);
}

static void read_tables(void)
{
	struct rtnl rtnl = { 0 };

	__real_rtnl_table_is_free(&rtnl, 51820);
}

static void read_addresses(const uint8_t *data, size_t size)
{
	struct resolver resolver = { 0 };
	char text[ENDPOINT_TEXT_SIZE];
	unsigned int i;
	int ends[2];

	must(!pipe(ends));
	must(write(ends[1], data, size) == (ssize_t)size);
	close(ends[1]);
	resolver.fd = ends[0];
	while (!resolver_read(&resolver))
		;
	must(resolver.fd < 0);
	must(resolver.answer.error || resolver.answer.n);
	for (i = 0; !resolver.answer.error && i < resolver.answer.n; i++)
		endpoint_to_text(text, &resolver.answer.list[i]);
}

/* libmnl goes on for ever with a length that is negative to it. The kernel has none as large. */
static bool is_too_long(const uint8_t *data, size_t size)
{
	struct nlmsghdr header;

	while (size >= sizeof(header)) {
		memcpy(&header, data, sizeof(header));
		if (header.nlmsg_len > INT_MAX)
			return true;
		if (header.nlmsg_len < sizeof(header) || NLMSG_ALIGN(header.nlmsg_len) > size)
			return false;
		data += NLMSG_ALIGN(header.nlmsg_len);
		size -= NLMSG_ALIGN(header.nlmsg_len);
	}
	return false;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct genl *genl;

	if (!size || is_too_long(data + 1, size - 1))
		return 0;
	fuzz_machine_clear();
	genl = genl_open();
	genl->family = FAMILY;
	__wrap_rtnl_link_add(NULL, FUZZ_IFNAME);
	fuzz_datagram(data + 1, size - 1);
	switch (*data) {
	case 'd':
		read_device(genl);
		break;
	case 'D':
		read_devices(genl);
		break;
	case 'p':
		read_peers(genl);
		break;
	case 'q':
		read_requests(genl);
		break;
	case 'e':
		run("monitor", NULL, NULL);
		break;
	case 'E':
		run("monitor", "--json", NULL);
		break;
	case 'l':
		read_link();
		break;
	case 'r':
		read_path();
		break;
	case 'c':
		read_changes();
		break;
	case 't':
		read_tables();
		break;
	case 'a':
		read_addresses(data + 1, size - 1);
		break;
	}
	fuzz_datagram(NULL, 0);
	genl_close(genl);
	return 0;
}
