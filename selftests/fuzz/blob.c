// SPDX-License-Identifier: GPL-2.0
/*
 * What a server gives its client, in memory of just its size. What is read is written again, which
 * is read as the same; and whatever is read can be put into routes and resolv.conf as it is.
 */
#include <ctype.h>
#include <stdlib.h>
#include <string.h>

#include "../../tools/configblob.h"
#include "fuzz.h"

static void check_ips(const struct allowed_ip *ips, size_t n)
{
	size_t i;

	must(n <= CONFIGBLOB_IPS_MAX);
	for (i = 0; i < n; i++) {
		must(ips[i].family == AF_INET || ips[i].family == AF_INET6);
		must(ips[i].prefix_len <= (ips[i].family == AF_INET ? 32 : 128));
	}
}

static void check_search(const struct configblob *blob)
{
	const char *name = NULL;
	size_t len = 0, i;

	while ((name = configblob_next_search(blob, name))) {
		must(*name && *name != '-' && strlen(name) <= CONFIGBLOB_SEARCH_MAX);
		for (i = 0; name[i]; i++)
			must(isalnum((unsigned char)name[i]) || strchr("-._", name[i]));
		len += strlen(name) + 1;
	}
	must(len == blob->search_len);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	uint8_t bytes[CONFIGBLOB_MAX], again[CONFIGBLOB_MAX];
	struct configblob one, other;
	const char *why = NULL;
	size_t len, again_len;

	if (!configblob_decode(&one, data, size, &why)) {
		must(why);
		return 0;
	}
	check_ips(one.addresses, one.n_addresses);
	check_ips(one.routes, one.n_routes);
	check_ips(one.dns, one.n_dns);
	check_search(&one);
	must(!one.mtu || one.mtu >= CONFIGBLOB_MTU_MIN);

	must(configblob_encode(&one, bytes, &len));
	must(len <= size);
	must(configblob_decode(&other, bytes, len, &why));
	must(!memcmp(&one, &other, sizeof(one)));
	must(configblob_encode(&other, again, &again_len));
	must(again_len == len && !memcmp(bytes, again, len));
	return 0;
}
