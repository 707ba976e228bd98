// SPDX-License-Identifier: GPL-2.0
/*
 * A command line: a word a line, up to an empty line; what follows is in the only file and on
 * stdin. A vertical tab stands for a line feed in a word. From the same start it comes to the same
 * end twice.
 */
#include <stdlib.h>
#include <string.h>

#include "fuzz.h"

#define WORDS_MAX	40

static const char start[] =
	"[Interface]\n"
	"PrivateKey = YEhJSFCUnRxRjCZUpsTzoyDbhn/lEGo2VZ9VWd9UnGI=\n"
	"ListenPort = 51820\n"
	"FwMark = 0x7\n"
	"[Peer]\n"
	"PublicKey = AQEBAQEBAQEBAQEBAQEBAQEBAQEBAQEBAQEBAQEBAQE=\n"
	"PresharedKey = AwMDAwMDAwMDAwMDAwMDAwMDAwMDAwMDAwMDAwMDAwM=\n"
	"Endpoint = [fe80::1%7]:4\n"
	"AllowedIPs = 10.0.0.1, 10.8.0.0/16\n"
	"PersistentKeepalive = 25\n"
	"[Peer]\n"
	"PublicKey = AgICAgICAgICAgICAgICAgICAgICAgICAgICAgICAgI=\n"
	"AllowedIPs = ::/0\n";

/* How the kernel is set up before each command */
static struct device begin;

static void prepare(void)
{
	const char * const words[] = { "setconf", FUZZ_IFNAME, FUZZ_FILE, NULL };
	struct outcome outcome;

	fuzz_file(start, strlen(start));
	outcome = fuzz_run(words);
	must(outcome.good);
	outcome_free(&outcome);
	fuzz_device_copy(&begin, &fuzz_kernel);
}

static struct outcome run_from_start(const char * const words[])
{
	fuzz_device_clear(&fuzz_kernel);
	fuzz_device_copy(&fuzz_kernel, &begin);
	return fuzz_run(words);
}

/* The words of a text, which is cut up, up to an empty line; returns what follows that. */
static char *split(const char *words[WORDS_MAX + 1], char *text)
{
	size_t n = 0;
	char *word, *c;

	while ((word = strsep(&text, "\n")) && *word && n < WORDS_MAX) {
		for (c = word; *c; c++)
			if (*c == '\v')
				*c = '\n';
		words[n++] = word;
	}
	words[n] = NULL;
	return text;
}

static bool is_random(const char *command)
{
	return command && (!strcmp(command, "genkey") || !strcmp(command, "genpsk"));
}

/* What these do is not closed off: they change the machine, or go on for ever. */
static bool is_wild(const char *command)
{
	static const char * const wild[] = {
		"up", "down", "reload", "status", "monitor", "user", "client", "lease", "serve",
	};
	size_t i;

	for (i = 0; command && i < sizeof(wild) / sizeof(*wild); i++)
		if (!strcmp(command, wild[i]))
			return true;
	return false;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct outcome one, other;
	const char *words[WORDS_MAX + 1];
	struct text text = { 0 };
	struct device end = { 0 };
	const char *rest;

	if (!begin.n_peers)
		prepare();
	text_add(&text, data, size);
	rest = split(words, text.data);
	if (rest)
		fuzz_file(rest, text.len - (size_t)(rest - text.data));
	else
		fuzz_file("", 0);

	if (is_wild(words[0])) {
		text_free(&text);
		return 0;
	}
	one = run_from_start(words);
	if (!one.good)
		must(fuzz_device_equal(&fuzz_kernel, &begin));
	fuzz_device_copy(&end, &fuzz_kernel);
	other = run_from_start(words);
	must(one.good == other.good && one.changed == other.changed);
	must(fuzz_device_equal(&fuzz_kernel, &end));
	must(one.err.len == other.err.len && one.out.len == other.out.len);
	must(!one.err.len || !memcmp(one.err.data, other.err.data, one.err.len));
	must(!one.out.len || is_random(words[0]) ||
	     !memcmp(one.out.data, other.out.data, one.out.len));
	outcome_free(&one);
	outcome_free(&other);
	device_clear(&end);
	text_free(&text);
	return 0;
}
