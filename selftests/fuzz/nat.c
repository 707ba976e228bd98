// SPDX-License-Identifier: GPL-2.0
/*
 * What the kernel says of routes, in the only file, and of nftables; the latter follows an empty
 * line. Nothing of it gets out of its quotes in what nft is told, which machine.c looks at.
 */
#include <string.h>

#include "../../tools/nat.h"
#include "fuzz.h"
#include "wrap.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct allowed_ip clients[2];
	struct text text = { 0 };
	const char *why;
	char *rest;

	must(allowed_ip_from_text(&clients[0], "10.9.0.0/24", &why));
	must(allowed_ip_from_text(&clients[1], "fd09::/64", &why));
	text_add(&text, data, size);
	rest = strstr(text.data, "\n\n");
	fuzz_tables = rest ? rest + 2 : "";
	fuzz_file(text.data, rest ? (size_t)(rest - text.data) + 1 : strlen(text.data));
	fuzz_mute(true);
	__real_nat_up(FUZZ_IFNAME, clients, 2, "auto");
	__real_nat_down(FUZZ_IFNAME);
	fuzz_mute(false);
	text_free(&text);
	return 0;
}
