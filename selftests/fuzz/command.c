// SPDX-License-Identifier: GPL-2.0
/*
 * A command line: a word a line, up to an empty line; what follows is in the only file and on
 * stdin. A vertical tab stands for a line feed in a word. From the same start it comes to the same
 * end twice, and whatever of a tunnel there is then, "down" leaves nothing of.
 */
#include <stdlib.h>
#include <string.h>

#include "../../tools/users.h"
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

/* One of those who may log in, for "client" and "serve". */
static const char users[] = "alice:" FUZZ_HASH "\n";

static void prepare(void)
{
	const char * const words[] = { "setconf", FUZZ_IFNAME, FUZZ_FILE, NULL };
	struct outcome outcome;

	fuzz_write(USERS_DEFAULT, users, strlen(users));
	fuzz_file(start, strlen(start));
	outcome = fuzz_run(words);
	must(outcome.good);
	outcome_free(&outcome);
	fuzz_device_copy(&begin, &fuzz_kernel);
}

static bool is_one_of(const char *command, const char * const list[])
{
	for (; command && *list; list++)
		if (!strcmp(command, *list))
			return true;
	return false;
}

/* What is for a tunnel that is up, and what makes one. */
static const char * const after_up[] = { "down", "reload", "status", NULL };
static const char * const makers[] = { "up", "serve", NULL };

/* @before: set to the kernel as it is when the command begins, for device_clear() */
static struct outcome run_from_start(const char * const words[], const char *rest, size_t len,
				     struct device *before)
{
	fuzz_machine_clear();
	fuzz_device_clear(&fuzz_kernel);
	if (is_one_of(words[0], after_up))
		fuzz_up();
	else
		fuzz_device_copy(&fuzz_kernel, &begin);
	fuzz_device_copy(before, &fuzz_kernel);
	fuzz_file(rest, len);
	return fuzz_run(words);
}

static void take_down(void)
{
	const char * const words[] = { "down", FUZZ_IFNAME, NULL };
	struct outcome outcome;

	if (fuzz_machine_is_clean())
		return;
	outcome = fuzz_run(words);
	must(outcome.good && fuzz_machine_is_clean());
	outcome_free(&outcome);
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

/* What they print is another thing each time. */
static const char * const random_ones[] = { "genkey", "genpsk", "client", "monitor", NULL };

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct device before = { 0 }, end = { 0 };
	const char *words[WORDS_MAX + 1];
	struct outcome one, other;
	struct text text = { 0 };
	const char *rest;
	size_t len = 0;

	/* A file of such a name makes an error look like one. */
	if (memmem(data, size, "warning: ", strlen("warning: ")))
		return 0;
	if (!begin.n_peers)
		prepare();
	text_add(&text, data, size);
	rest = split(words, text.data);
	if (rest)
		len = text.len - (size_t)(rest - text.data);

	one = run_from_start(words, rest, len, &before);
	outcome_check(&one);
	if (!one.good && !is_one_of(words[0], makers))
		must(fuzz_device_equal(&fuzz_kernel, &before));
	device_clear(&before);
	fuzz_device_copy(&end, &fuzz_kernel);
	take_down();
	other = run_from_start(words, rest, len, &before);
	must(one.good == other.good && one.changed == other.changed);
	must(fuzz_device_equal(&fuzz_kernel, &end));
	must(one.err.len == other.err.len && one.out.len == other.out.len);
	must(!one.err.len || !memcmp(one.err.data, other.err.data, one.err.len));
	must(!one.out.len || is_one_of(words[0], random_ones) ||
	     !memcmp(one.out.data, other.out.data, one.out.len));
	outcome_free(&one);
	outcome_free(&other);
	device_clear(&before);
	device_clear(&end);
	text_free(&text);
	return 0;
}
