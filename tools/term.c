// SPDX-License-Identifier: GPL-2.0
#include <inttypes.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "term.h"

#define ARRAY_SIZE(array) (sizeof(array) / sizeof((array)[0]))

static bool wants_colour(void)
{
	const char *mode = getenv("TOYVPN_COLOR_MODE");
	const char *no = getenv("NO_COLOR");

	if (mode && !strcmp(mode, "always"))
		return true;
	if (mode && !strcmp(mode, "never"))
		return false;
	return !(no && *no) && isatty(STDOUT_FILENO);
}

/**
 * term() - colour for the terminal
 * @code: TERM_*
 *
 * Return: @code, or nothing if stdout is not to be coloured.
 */
const char *term(const char *code)
{
	static int colour = -1;

	if (colour < 0)
		colour = wants_colour();
	return colour ? code : "";
}

/**
 * print_ago() - print how long ago something was
 * @when: seconds since 1970
 */
void print_ago(uint64_t when)
{
	static const struct {
		const char *name;
		uint32_t seconds;
	} units[] = {
		{ "year", 31536000 }, { "day", 86400 }, { "hour", 3600 }, { "minute", 60 },
		{ "second", 1 },
	};
	int64_t left = time(NULL) - when;
	const char *comma = "";
	size_t i;

	if (left < 0) {
		printf("in the future: the clock was set back");
		return;
	}
	if (!left) {
		printf("now");
		return;
	}
	for (i = 0; i < ARRAY_SIZE(units); i++) {
		int64_t n = left / units[i].seconds;

		if (!n)
			continue;
		printf("%s%s%" PRId64 "%s %s%s%s", comma, term(TERM_RESET), n, term(TERM_CYAN),
		       units[i].name, n == 1 ? "" : "s", term(TERM_RESET));
		comma = ", ";
		left %= units[i].seconds;
	}
	printf(" ago");
}

/**
 * print_bytes() - print an amount of data
 * @bytes: the amount
 */
void print_bytes(uint64_t bytes)
{
	static const char * const units[] = { "KiB", "MiB", "GiB", "TiB", "PiB", "EiB" };
	double amount = bytes / 1024.0;
	size_t i = 0;

	if (bytes < 1024) {
		printf("%" PRIu64 " %sB%s", bytes, term(TERM_CYAN), term(TERM_RESET));
		return;
	}
	while (amount >= 1024 && i + 1 < ARRAY_SIZE(units)) {
		amount /= 1024;
		i++;
	}
	printf("%.2f %s%s%s", amount, term(TERM_CYAN), units[i], term(TERM_RESET));
}
