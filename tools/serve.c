// SPDX-License-Identifier: GPL-2.0
/* serve: takes the clients of a server in, until it is told to end. */
#include <errno.h>
#include <libgen.h>
#include <poll.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/inotify.h>
#include <sys/signalfd.h>
#include <unistd.h>

#include <systemd/sd-daemon.h>

#include "clock.h"
#include "commands.h"
#include "encoding.h"
#include "help.h"
#include "report.h"
#include "resolve.h"
#include "server.h"
#include "tunnel.h"

/* A session lives for 180 seconds without a handshake, so these are not here. */
#define TIME_MIN	180
#define IDLE_DEFAULT	900
#define LEASE_DEFAULT	86400
/* Milliseconds between two looks at the clients. */
#define LOOK_INTERVAL_MS	10000

/* Milliseconds for which names of peers are waited for, and how many are looked up at a time. */
#define NAMES_PATIENCE	5000
#define LOOKUPS		16

enum { REQUESTS, LOGINS, USERS, SIGNALS, SOURCES };

/* How serving ended. */
enum end {
	END_FAILED,	/* the user has been told */
	END_TOLD,	/* by a signal */
	END_AGAIN,	/* its file is another one now */
};

static bool read_seconds(uint32_t *seconds, uint32_t min, const char *word, const char *text)
{
	if (!text)
		return fail("%s: what shall it be? Seconds have to follow", word);
	if (!number_from_text(text, INT32_MAX, seconds) || *seconds < min)
		return fail("%s: '%s' is not a number of seconds, %u at least", word, text, min);
	return true;
}

/* Returns the tunnel's name or file, or NULL: the user has been told. */
static const char *read_words(struct server *server, int argc, char *argv[])
{
	const char *name = NULL;
	bool good = true;
	int i;

	server->idle = IDLE_DEFAULT;
	server->lease = LEASE_DEFAULT;
	for (i = 1; good && i < argc; i++) {
		const char *next = i + 1 < argc ? argv[i + 1] : NULL;

		if (!strcmp(argv[i], "--idle"))
			good = read_seconds(&server->idle, TIME_MIN, argv[i++], next);
		else if (!strcmp(argv[i], "--lease"))
			good = read_seconds(&server->lease, TIME_MIN, argv[i++], next);
		else if (!name)
			name = argv[i];
		else
			good = usage("serve");
	}
	if (good && !name)
		usage("serve");
	return good ? name : NULL;
}

static int open_signals(void)
{
	sigset_t set;

	sigemptyset(&set);
	sigaddset(&set, SIGTERM);
	sigaddset(&set, SIGINT);
	sigaddset(&set, SIGHUP);
	sigprocmask(SIG_BLOCK, &set, NULL);
	return signalfd(-1, &set, SFD_CLOEXEC | SFD_NONBLOCK);
}

/* The file of users is replaced as a whole, so it is its folder that tells. */
static int open_watch(const char *path)
{
	int fd = inotify_init1(IN_CLOEXEC | IN_NONBLOCK);
	char *copy = xstrndup(path, strlen(path));

	if (fd >= 0)
		inotify_add_watch(fd, dirname(copy), IN_MOVED_TO | IN_CLOSE_WRITE);
	free(copy);
	return fd;
}

/* Empty what only wakes us up. */
static void drain(int fd)
{
	char events[4096];

	while (read(fd, events, sizeof(events)) > 0)
		;
}

/* A file that is wrong changes nothing. */
static bool is_good(const char *path)
{
	struct quick quick = { 0 };
	struct server server = { .quick = &quick };
	bool good;

	good = quick_read(&quick, path) && server_check(&server);
	server_close(&server);
	quick_clear(&quick);
	return good;
}

/* What the signals that came tell us: whether to end, and how. */
static bool is_told_to_end(int fd, const char *path, enum end *end)
{
	struct signalfd_siginfo info;
	bool again = false, told = false;

	while (read(fd, &info, sizeof(info)) == sizeof(info)) {
		if (info.ssi_signo == SIGHUP)
			again = true;
		else
			told = true;
	}
	*end = told ? END_TOLD : END_AGAIN;
	return told || (again && is_good(path));
}

/*
 * The names of peers
 */

/* Without an address of ours a peer is where it was, or comes to us: nobody has to wait for it. */
static void end_lookup(struct peer *peer, const struct answer *answer, const char *path)
{
	if (answer && !answer->error) {
		peer->endpoint = answer->list[0];
	} else {
		warn("%s:%u: Endpoint: '%s': %s", path, peer->host_line, peer->host,
		     answer ? answer_error(answer) : "no answer so far");
		peer->has &= ~PEER_ENDPOINT;
	}
	free(peer->host);
	peer->host = NULL;
}

/* @peer: whose name it is */
struct lookup {
	struct peer *peer;
	struct resolver resolver;
};

/* Have as many names looked up as may be at a time, from the @next one on. */
static bool start_lookups(struct lookup lookups[static LOOKUPS], const struct device *dev,
			  size_t *next)
{
	size_t i;

	for (i = 0; i < LOOKUPS; i++) {
		struct lookup *lookup = &lookups[i];

		if (lookup->resolver.fd >= 0)
			continue;
		while (*next < dev->n_peers && !dev->peers[*next]->host)
			(*next)++;
		if (*next == dev->n_peers)
			break;
		lookup->peer = dev->peers[(*next)++];
		if (!resolver_start(&lookup->resolver, lookup->peer->host, lookup->peer->port))
			return false;
	}
	return true;
}

/* Wait for answers until @end. Returns whether there are more to come that are worth it. */
static bool wait_for_lookups(struct lookup lookups[static LOOKUPS], const char *path, int signals,
			     uint64_t end)
{
	struct pollfd fds[LOOKUPS + 1] = { { .fd = signals, .events = POLLIN } };
	uint64_t now = clock_ms(CLOCK_BOOTTIME);
	bool running = false;
	size_t i;

	for (i = 0; i < LOOKUPS; i++) {
		fds[i + 1] = (struct pollfd){ .fd = lookups[i].resolver.fd, .events = POLLIN };
		running |= fds[i + 1].fd >= 0;
	}
	if (!running || poll(fds, LOOKUPS + 1, now < end ? (int)(end - now) : 0) <= 0)
		return false;
	for (i = 0; i < LOOKUPS; i++)
		if (fds[i + 1].revents && resolver_read(&lookups[i].resolver))
			end_lookup(lookups[i].peer, &lookups[i].resolver.answer, path);
	return !fds[0].revents;
}

/* Look all names up, once: a dead one takes logins from nobody. A signal ends the waiting. */
static bool find_names(struct quick *quick, int signals)
{
	uint64_t end = clock_ms(CLOCK_BOOTTIME) + NAMES_PATIENCE;
	struct lookup lookups[LOOKUPS];
	size_t next = 0, i;
	bool good;

	for (i = 0; i < LOOKUPS; i++)
		lookups[i].resolver = (struct resolver){ .fd = -1 };
	do {
		good = start_lookups(lookups, &quick->dev, &next);
	} while (good && wait_for_lookups(lookups, quick->path, signals, end));
	for (i = 0; i < LOOKUPS; i++)
		resolver_stop(&lookups[i].resolver);
	for (i = 0; i < quick->dev.n_peers; i++)
		if (quick->dev.peers[i]->host)
			end_lookup(quick->dev.peers[i], NULL, quick->path);
	return good;
}

/*
 * Serving
 */

static enum end serve_until_end(struct server *server, struct pollfd sources[static SOURCES])
{
	uint64_t next = clock_ms(CLOCK_BOOTTIME) + LOOK_INTERVAL_MS;
	enum end end;

	for (;;) {
		uint64_t now = clock_ms(CLOCK_BOOTTIME);

		if (now >= next) {
			if (!server_look(server) || !server_read_users(server))
				return END_FAILED;
			next = now + LOOK_INTERVAL_MS;
		}
		if (poll(sources, SOURCES, (int)(next - now)) < 0 && errno != EINTR)
			break;
		if (sources[REQUESTS].revents && !server_read_requests(server))
			return END_FAILED;
		if (sources[LOGINS].revents && !server_answer(server))
			return END_FAILED;
		if (sources[USERS].revents) {
			drain(sources[USERS].fd);
			if (!server_read_users(server))
				return END_FAILED;
		}
		if (sources[SIGNALS].revents &&
		    is_told_to_end(sources[SIGNALS].fd, server->quick->path, &end))
			return end;
	}
	fail("poll: %s", strerror(errno));
	return END_FAILED;
}

static enum end serve(struct server *server, int signals)
{
	struct pollfd sources[SOURCES] = {
		[REQUESTS] = { .fd = authorizer_fd(&server->auth), .events = POLLIN },
		[LOGINS] = { .fd = verifier_fd(server->verifier), .events = POLLIN },
		[USERS] = { .fd = open_watch(server->users_path), .events = POLLIN },
		[SIGNALS] = { .fd = signals, .events = POLLIN },
	};
	enum end end;

	if (sources[USERS].fd < 0) {
		fail("%s: cannot watch it: %s", server->users_path, strerror(errno));
		return END_FAILED;
	}
	note("%s: serving, with %zu user%s", server->quick->ifname, server->users.n,
	     server->users.n == 1 ? "" : "s");
	sd_notify(0, "READY=1");
	end = serve_until_end(server, sources);
	sd_notify(0, end == END_AGAIN ? "RELOADING=1" : "STOPPING=1");
	close(sources[USERS].fd);
	return end;
}

/* Who made the link, in its record: the next one goes on with it, and "down" undoes all of it. */
#define MADE_BY		"by"
#define US		"serve"

static bool is_ours(const struct tunnel *tunnel)
{
	const char *by = record_text(&tunnel->record, MADE_BY);

	return by && !strcmp(by, US);
}

/* Make the link, or change what "up" or a server that did not end well has left as the file was. */
static bool bring_up(struct tunnel *tunnel, struct server *server)
{
	struct record *record = &tunnel->record;
	const char *ifname = record->ifname;

	if (!tunnel_find_link(tunnel))
		return false;
	if (record->is_new && tunnel->ifindex)
		return fail("%s: there is such a link, and neither \"up\" nor \"serve\" made it",
			    ifname);
	if (!record->is_new && !(tunnel->ifindex && tunnel_is_complete(tunnel))) {
		warn("%s: what an earlier \"up\" or \"serve\" left is undone first", ifname);
		if (!tunnel_undo(tunnel, false))
			return false;
	}
	/* While another one serves, nothing is changed. */
	if (!record->is_new && !server_claim(server))
		return false;
	server->is_new = record->is_new;
	if (record->is_new)
		record_set_text(record, MADE_BY, US);
	if (tunnel_change(tunnel, NULL))
		return true;
	if (!tunnel_is_complete(tunnel))
		tunnel_undo(tunnel, false);
	return false;
}

/* @role: the server's, for which "reload" finds it, from one file to the next; -1: not taken yet */
static enum end run(struct tunnel *tunnel, struct server *server, int signals, int *role)
{
	enum end end = END_FAILED;
	bool good, fresh, mine;

	if (!tunnel_open(tunnel, tunnel->quick.ifname))
		return END_FAILED;
	fresh = tunnel->record.is_new;
	good = bring_up(tunnel, server) && server_claim(server);
	if (good && *role < 0)
		*role = record_take_role(&tunnel->record, RECORD_SERVES);
	good = good && *role >= 0 && server_open(server);
	if (!good && fresh && !tunnel->record.is_new)
		tunnel_undo(tunnel, false);
	mine = is_ours(tunnel);
	record_release(&tunnel->record);
	if (good)
		end = serve(server, signals);
	/* Before anybody else can claim the device */
	if (end != END_AGAIN && *role >= 0)
		close(*role);
	/* Who is told to end leaves nothing. Who fails leaves all to the one that comes next. */
	if (end == END_TOLD && mine &&
	    !(record_acquire(&tunnel->record) && tunnel_undo(tunnel, false)))
		end = END_FAILED;
	return end;
}

static enum end serve_once(int argc, char *argv[], int signals, int *role)
{
	struct tunnel tunnel = { .record.lock = -1 };
	struct server server = { .quick = &tunnel.quick };
	const char *name = read_words(&server, argc, argv);
	enum end end = END_FAILED;

	if (name && quick_read(&tunnel.quick, name) && server_check(&server) &&
	    find_names(&tunnel.quick, signals))
		end = run(&tunnel, &server, signals, role);
	server_close(&server);
	tunnel_close(&tunnel);
	return end;
}

/**
 * cmd_serve() - toyvpnctl serve: be a server until told to end
 * @argc: number of words
 * @argv: "serve", the tunnel
 *
 * Return: whether it worked; if not, the user has been told.
 */
bool cmd_serve(int argc, char *argv[])
{
	int signals = open_signals(), role = -1;
	enum end end;

	if (signals < 0)
		return fail("cannot wait for signals: %s", strerror(errno));
	do {
		end = serve_once(argc, argv, signals, &role);
	} while (end == END_AGAIN);
	close(signals);
	return end == END_TOLD;
}
