// SPDX-License-Identifier: GPL-2.0
/* monitor: events as they come. */
#include <errno.h>
#include <poll.h>
#include <stdio.h>
#include <string.h>
#include <time.h>

#include "commands.h"
#include "events.h"
#include "fields.h"
#include "help.h"
#include "names.h"
#include "report.h"

static void print_text(const struct event *event, const struct timespec *now)
{
	const struct peer *peer = &event->peer;
	char when[32] = "";
	struct tm tm;

	if (localtime_r(&now->tv_sec, &tm))
		strftime(when, sizeof(when), "%F %T", &tm);
	printf("%s.%03u %s ", when, (unsigned int)(now->tv_nsec / 1000000), event->ifname);
	print_key(peer->public_key, true);
	printf(" %s: %s", event_name(event->event), state_name(peer->state));
	if (peer->cipher != TOYVPN_CIPHER_NONE)
		printf(", %s", cipher_name(peer->cipher));
	if (peer->has & PEER_ENDPOINT) {
		fputs(", ", stdout);
		print_endpoint(peer);
	}
	if (peer->reason != TOYVPN_REASON_NONE)
		printf(": %s", reason_advice(peer->reason));
	putchar('\n');
}

static void print_json(const struct event *event, const struct timespec *now)
{
	json_object *object = json_of_peer(&event->peer, &(struct view){ 0 });

	json_object_object_add(object, "interface", json_object_new_string(event->ifname));
	json_object_object_add(object, "event", json_object_new_string(event_name(event->event)));
	json_object_object_add(object, "time", json_object_new_double((double)now->tv_sec +
								      (double)now->tv_nsec / 1e9));
	/* What events do not tell */
	json_object_object_del(object, "allowed_ips");
	json_object_object_del(object, "rx_bytes");
	json_object_object_del(object, "tx_bytes");
	json_object_object_del(object, "persistent_keepalive");
	puts(json_object_to_json_string_ext(object, JSON_C_TO_STRING_NOSLASHESCAPE));
	json_object_put(object);
}

static void print_event(const struct event *event, void *data)
{
	const bool *json = data;
	struct timespec now;

	if (!event) {
		warn("events came faster than they could be read: some are missing");
		return;
	}
	clock_gettime(CLOCK_REALTIME, &now);
	if (*json)
		print_json(event, &now);
	else
		print_text(event, &now);
	fflush(stdout);
}

/**
 * cmd_monitor() - toyvpnctl monitor: print events as they come, until the program is ended
 * @argc: number of words
 * @argv: "monitor", optionally --json
 *
 * Return: false: the user has been told why there are no more.
 */
bool cmd_monitor(int argc, char *argv[])
{
	struct events events = { 0 };
	bool json = argc == 2 && !strcmp(argv[1], "--json");
	bool good;

	if (argc > 1 && !json)
		return usage(argv[0]);
	good = events_open(&events);
	while (good && !ferror(stdout)) {
		struct pollfd fd = { .fd = events_fd(&events), .events = POLLIN };

		if (poll(&fd, 1, -1) < 0 && errno != EINTR)
			good = fail("cannot wait: %s", strerror(errno));
		else
			good = events_read(&events, print_event, &json);
	}
	events_close(&events);
	return good;
}
