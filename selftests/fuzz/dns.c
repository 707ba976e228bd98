// SPDX-License-Identifier: GPL-2.0
/* resolv.conf as others left it, which a tunnel takes the place of, and which is put back. */
#include <string.h>
#include <unistd.h>

#include "../../tools/dns.h"
#include "fuzz.h"

#define METHOD		"resolv.conf"
#define PATH		"/etc/resolv.conf"
/* What every tunnel's begins with */
#define MARK		"# by \"toyvpnctl up\""
#define OUR_MARK	MARK ", until \"toyvpnctl down " FUZZ_IFNAME "\"\n"

static bool begins_with(const struct text *text, const char *mark)
{
	return text->len >= strlen(mark) && !memcmp(text->data, mark, strlen(mark));
}

static void check_file(const uint8_t *data, size_t size)
{
	struct text text;

	fuzz_read(PATH, &text);
	must(text.data ? text.len == size && (!size || !memcmp(text.data, data, size)) : !size);
	text_free(&text);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct text before = { 0 }, text;
	bool good;

	text_add(&before, data, size);
	unlink(PATH);
	if (size)
		fuzz_write(PATH, data, size);
	must(dns_is_left(FUZZ_IFNAME) == begins_with(&before, OUR_MARK));

	fuzz_mute(true);
	good = dns_set(METHOD, FUZZ_IFNAME, 7, "10.9.0.1 fd09::1", "example.org");
	fuzz_mute(false);
	must(good || (begins_with(&before, MARK) && !begins_with(&before, OUR_MARK)));
	if (good) {
		must(dns_is_left(FUZZ_IFNAME));
		fuzz_read(PATH, &text);
		must(begins_with(&text, OUR_MARK "nameserver 10.9.0.1\nnameserver fd09::1\n"));
		text_free(&text);
	}
	must(dns_unset(METHOD, FUZZ_IFNAME, 7));
	must(!dns_is_left(FUZZ_IFNAME));
	if (begins_with(&before, OUR_MARK))
		must(access(PATH, F_OK));
	else
		check_file(data, size);
	must(access(PATH ".toyvpn", F_OK) && access(PATH ".before-" FUZZ_IFNAME, F_OK));
	text_free(&before);
	return 0;
}
