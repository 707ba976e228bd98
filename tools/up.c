// SPDX-License-Identifier: GPL-2.0
/* up: make a tunnel as its file has it, connect it, and keep it connected. */
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include <systemd/sd-daemon.h>

#include "commands.h"
#include "help.h"
#include "login.h"
#include "report.h"
#include "tunnel.h"
#include "watch.h"

struct options {
	const char *name;
	bool wait;
	bool stay;
};

static bool parse_options(struct options *options, int argc, char *argv[])
{
	int i;

	*options = (struct options){ .wait = true };
	for (i = 1; i < argc; i++) {
		if (!strcmp(argv[i], "--no-wait"))
			options->wait = false;
		else if (!strcmp(argv[i], "--stay"))
			options->stay = true;
		else if (!options->name && argv[i][0] != '-')
			options->name = argv[i];
		else
			return usage(argv[0]);
	}
	return (options->name && (options->wait || !options->stay)) || usage(argv[0]);
}

static bool has_kill_switch(const struct tunnel *tunnel)
{
	return tunnel->quick.kill_switch != QUICK_KILL_SWITCH_OFF;
}

/*
 * What an earlier "up" has left. Whole, it is an error, or what --stay goes on with; else it is
 * undone first, but for the kill switch if there shall be one.
 */
static bool start_afresh(struct tunnel *tunnel, const struct options *options)
{
	const char *ifname = tunnel->record.ifname;

	if (!tunnel_find_link(tunnel))
		return false;
	if (tunnel->record.is_new)
		return !tunnel->ifindex ||
		       fail("%s: this link is there already, and \"up\" did not make it", ifname);
	if (tunnel->ifindex && tunnel_is_complete(tunnel))
		return options->stay ||
		       fail("%s is up already: \"reload\" changes it, \"down\" ends it", ifname);
	warn("%s: an earlier \"up\" did not come to its end: what it did is undone first", ifname);
	return tunnel_undo(tunnel, has_kill_switch(tunnel));
}

static void warn_of_kill_switch(const struct tunnel *tunnel)
{
	const char *ifname = tunnel->record.ifname;

	if (record_find_kind(&tunnel->record, "kill-switch"))
		warn("%s: nothing leaves outside of the tunnel until \"toyvpnctl down %s\"",
		     ifname, ifname);
}

/* Make it, or undo what was done on the way; what an earlier one closed, just "down" opens. */
static bool make(struct tunnel *tunnel)
{
	bool was_there = tunnel_is_complete(tunnel);
	bool was_closed = record_find_kind(&tunnel->record, "kill-switch");

	if (tunnel_change(tunnel, NULL))
		return true;
	if (!was_there)
		tunnel_undo(tunnel, was_closed);
	warn_of_kill_switch(tunnel);
	return false;
}

static bool end(struct tunnel *tunnel, enum watch_end how, const struct options *options)
{
	struct record *record = &tunnel->record;

	if (how != WATCH_FAILED)
		return how != WATCH_LOST;
	if (options->stay)
		return false;
	if (has_kill_switch(tunnel)) {
		warn_of_kill_switch(tunnel);
		return false;
	}
	/* As if it had never been */
	if (record_acquire(record))
		tunnel_undo(tunnel, false);
	return false;
}

static bool make_and_watch(struct tunnel *tunnel, struct watch *watch,
			   const struct options *options, enum watch_end *how)
{
	int watching = -1;
	bool good;

	if (!tunnel_open(tunnel, tunnel->quick.ifname) || !start_afresh(tunnel, options))
		return false;
	if (options->stay) {
		watching = record_take_role(&tunnel->record, RECORD_WATCHES);
		if (watching < 0)
			return false;
	}
	good = login_prepare(&tunnel->quick, !tunnel_is_complete(tunnel)) &&
	       watch_resolve(watch, tunnel, options->stay) &&
	       make(tunnel);
	record_release(&tunnel->record);
	if (good && options->wait) {
		*how = watch_run(watch);
		good = end(tunnel, *how, options);
	}
	if (watching >= 0)
		close(watching);
	return good || watch->over;
}

static bool up(const struct options *options, enum watch_end *how)
{
	struct tunnel tunnel = { .record.lock = -1 };
	struct watch watch = { 0 };
	bool good;

	*how = WATCH_OVER;
	good = quick_read(&tunnel.quick, options->name) &&
	       make_and_watch(&tunnel, &watch, options, how);
	watch_free(&watch);
	tunnel_close(&tunnel);
	return good;
}

/**
 * cmd_up() - toyvpnctl up: make a tunnel as its file has it
 * @argc: number of words
 * @argv: "up", its name or file, optionally --no-wait or --stay
 *
 * Return: whether it worked; if not, the user has been told.
 */
bool cmd_up(int argc, char *argv[])
{
	struct options options;
	enum watch_end how;
	bool good;

	if (!parse_options(&options, argc, argv))
		return false;
	do {
		good = up(&options, &how);
	} while (good && how == WATCH_AGAIN);
	/* A service that ends before it has started has failed, and would be started again. */
	if (good && options.stay && !exit_status)
		sd_notify(0, "READY=1");
	return good;
}
