// SPDX-License-Identifier: GPL-2.0
/*
 * A configuration file. What setconf takes, it takes the same way twice; syncconf and addconf
 * then find nothing that differs; what showconf prints of it makes the same again. A file that is
 * refused changes nothing, which fuzz_run() looks at.
 */
#include <stdlib.h>
#include <string.h>

#include <json-c/json.h>

#include "fuzz.h"

static struct outcome configure(const char *command)
{
	const char * const words[] = { command, FUZZ_IFNAME, FUZZ_FILE, NULL };

	return fuzz_run(words);
}

static bool is_taken(const char *command)
{
	struct outcome outcome = configure(command);

	outcome_free(&outcome);
	return outcome.good;
}

static bool changes(const char *command)
{
	struct outcome outcome = configure(command);

	outcome_free(&outcome);
	must(outcome.good);
	return outcome.changed;
}

/* What is shown for programs has to be JSON. */
static void check_json(void)
{
	const char * const words[] = { "showconf", FUZZ_IFNAME, "--json", NULL };
	struct outcome outcome = fuzz_run(words);
	json_object *object;

	must(outcome.good);
	object = json_tokener_parse(outcome.out.data);
	must(object);
	json_object_put(object);
	outcome_free(&outcome);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	const char * const words[] = { "showconf", FUZZ_IFNAME, NULL };
	struct device first = { 0 };
	struct outcome shown;

	fuzz_device_clear(&fuzz_kernel);
	fuzz_file(data, size);
	if (!is_taken("setconf")) {
		must(!is_taken("setconf"));
		return 0;
	}
	fuzz_device_copy(&first, &fuzz_kernel);

	must(!changes("syncconf"));
	must(fuzz_device_equal(&first, &fuzz_kernel));
	must(is_taken("addconf"));
	must(fuzz_device_equal(&first, &fuzz_kernel));
	fuzz_device_clear(&fuzz_kernel);
	must(is_taken("setconf"));
	must(fuzz_device_equal(&first, &fuzz_kernel));

	check_json();
	shown = fuzz_run(words);
	must(shown.good);
	fuzz_file(shown.out.data, shown.out.len);
	must(!changes("syncconf"));
	fuzz_device_clear(&fuzz_kernel);
	must(is_taken("setconf"));
	must(fuzz_device_equal(&first, &fuzz_kernel));
	outcome_free(&shown);
	device_clear(&first);
	return 0;
}
