// SPDX-License-Identifier: GPL-2.0
/*
 * A configuration file. What setconf takes, it takes the same way twice; syncconf and addconf
 * then find nothing that differs; what showconf prints of it makes the same again. A file that is
 * refused changes nothing, which outcome_check() looks at.
 */
#include <stdlib.h>
#include <string.h>

#include <json-c/json.h>

#include "../../tools/quick.h"
#include "fuzz.h"

static struct outcome configure(const char *command)
{
	const char * const words[] = { command, FUZZ_IFNAME, FUZZ_FILE, NULL };
	struct outcome outcome = fuzz_run(words);

	outcome_check(&outcome);
	return outcome;
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

static bool is_quick(struct quick *quick)
{
	bool good;

	fuzz_mute(true);
	good = quick_parse(quick, FUZZ_FILE);
	fuzz_mute(false);
	return good;
}

/*
 * The file of a whole tunnel has the same keys and more. What setconf takes, "up" takes
 * too, unless it lacks the private key that "up" needs.
 */
static void check_quick(bool taken)
{
	struct quick one = { 0 }, other = { 0 };
	bool good = is_quick(&one);
	size_t i;

	must(good == is_quick(&other));
	must(!taken || good || !(one.dev.has & DEVICE_PRIVATE_KEY));
	if (good) {
		must(one.dev.n_peers == other.dev.n_peers);
		must(one.own.n_addresses <= CONFIGBLOB_IPS_MAX);
		must(one.own.n_dns <= CONFIGBLOB_IPS_MAX);
		must(one.own.n_addresses == other.own.n_addresses && one.own.mtu == other.own.mtu);
		for (i = 0; i < one.own.n_addresses; i++)
			must(one.own.addresses[i].prefix_len &&
			     !allowed_ip_compare(&one.own.addresses[i], &other.own.addresses[i]));
		must(!one.own.mtu || one.own.mtu >= CONFIGBLOB_MTU_MIN);
		must(!one.autoconf || one.dev.n_peers == 1);
	}
	quick_clear(&one);
	quick_clear(&other);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	const char * const words[] = { "showconf", FUZZ_IFNAME, NULL };
	struct device first = { 0 };
	struct outcome shown;
	bool taken;

	fuzz_device_clear(&fuzz_kernel);
	fuzz_file(data, size);
	taken = is_taken("setconf");
	check_quick(taken);
	if (!taken) {
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
