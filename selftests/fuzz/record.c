// SPDX-License-Identifier: GPL-2.0
/*
 * The record of a tunnel, as anything may have left it: a tunnel of this name can be shown, changed
 * and taken down, or not; another one that is made beside it is not disturbed.
 */
#include <limits.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <json-c/json.h>

#include "fuzz.h"
#include "wrap.h"

static const char *path_of(const char *ifname)
{
	static char path[PATH_MAX];

	snprintf(path, sizeof(path), "%s/%s.json", fuzz_records(), ifname);
	return path;
}

static bool run(const char *command, const char *option, struct text *out)
{
	const char * const words[] = { command, FUZZ_IFNAME, option, NULL };
	struct outcome outcome = fuzz_run(words);

	if (out) {
		*out = outcome.out;
		outcome.out = (struct text){ 0 };
	}
	outcome_free(&outcome);
	return outcome.good;
}

static void check_status(void)
{
	json_object *object;
	struct text out;

	if (run("status", "--json", &out)) {
		object = json_tokener_parse(out.data);
		must(json_object_is_type(object, json_type_array));
		json_object_put(object);
	}
	text_free(&out);
}

/* What could not be undone is still there to be undone. */
static void check_down(void)
{
	bool good = run("down", NULL, NULL);

	must(good == !!access(path_of(FUZZ_IFNAME), F_OK));
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	fuzz_machine_clear();
	fuzz_tunnel();
	__wrap_rtnl_link_add(NULL, FUZZ_IFNAME);
	fuzz_write(path_of(FUZZ_IFNAME), data, size);
	check_status();
	run("reload", NULL, NULL);
	fuzz_write(path_of(FUZZ_IFNAME), data, size);
	check_down();

	fuzz_machine_clear();
	fuzz_write(path_of("other"), data, size);
	fuzz_up();
	must(run("down", NULL, NULL) && fuzz_machine_is_clean());
	return 0;
}
