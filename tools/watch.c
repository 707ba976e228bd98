// SPDX-License-Identifier: GPL-2.0
#include <errno.h>
#include <netdb.h>
#include <poll.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/signalfd.h>
#include <sys/timerfd.h>
#include <time.h>
#include <unistd.h>

#include <libmnl/libmnl.h>
#include <sodium.h>
#include <systemd/sd-daemon.h>

#include "clock.h"
#include "commands.h"
#include "events.h"
#include "fetch.h"
#include "genl.h"
#include "known.h"
#include "names.h"
#include "report.h"
#include "stay.h"
#include "watch.h"

/* How long "up" waits for a connection, and a service for being called started; milliseconds. */
#define PATIENCE	20000
/* A machine was suspended if its clocks come apart by so many milliseconds. */
#define SUSPENDED	1000
/* Waits between attempts to resolve a name at first: each half as long again as the last. */
#define RETRY_FIRST	1000
#define RETRY_LAST	20000

/**
 * struct client - a peer that this side connects to
 * @peer: the peer, the tunnel's; its endpoint is the one in use
 * @host: a name or an address
 * @stay: what to do next
 * @resolver: the search for @host's addresses
 * @list: these
 * @path: the way to the one in use, zeros if there is none
 * @moved: an address of ours on that way has gone
 * @began: when the attempt began, 0 if none is under way
 * @session: when the last session began that was heard of, as the kernel says it
 * @former: that at the last begin of an attempt
 * @state: enum toyvpn_peer_state
 * @reason: enum toyvpn_reason
 * @cipher: enum toyvpn_cipher
 * @was_connected: since the watch began; what it gave was applied
 * @owes_config: what it gives could not be applied yet
 * @config_tried: the session whose configuration was tried last
 * @refused: it does not want to, and there is no use in waiting
 */
struct client {
	struct peer *peer;
	char *host;
	struct stay stay;
	struct resolver resolver;
	union endpoint list[RESOLVE_MAX];
	struct rtnl_path path;
	bool moved;
	uint64_t began;
	uint64_t session;
	uint64_t former;
	uint32_t state;
	uint32_t reason;
	uint32_t cipher;
	bool was_connected;
	bool owes_config;
	uint64_t config_tried;
	bool refused;
};

/* A watch that is under way. */
struct running {
	struct watch *watch;
	struct tunnel *tunnel;
	struct events events;
	struct rtnl network;
	int signals;
	int clock;
	uint64_t gap;		/* between two clocks, at most; a suspend makes it larger */
	uint64_t begin;
	bool ready;		/* the service manager has been told */
	bool lost_events;
	bool over;
	enum watch_end end;
};

/* Milliseconds, of which those of a suspend are some. */
static uint64_t now_ms(void)
{
	return clock_ms(CLOCK_BOOTTIME);
}

static uint32_t any_number(void)
{
	return randombytes_random();
}

__printf(2, 3) static void say(const struct tunnel *tunnel, const char *fmt, ...)
{
	va_list args;

	printf("%s: ", tunnel->record.ifname);
	va_start(args, fmt);
	vprintf(fmt, args);
	va_end(args);
	putchar('\n');
	fflush(stdout);
}

/*
 * Names
 */

/* Take over the addresses that were found. Returns which of them is in use, or -1. */
static int take_answer(struct client *client)
{
	const struct answer *answer = &client->resolver.answer;
	int current = -1;
	unsigned int i;

	memcpy(client->list, answer->list, sizeof(client->list));
	for (i = 0; i < answer->n; i++)
		if (endpoint_equal(&client->list[i], &client->peer->endpoint))
			current = (int)i;
	return current;
}

/* Of a tunnel that is up, the address of a peer that is in use; false if there is none. */
static bool recall_address(struct client *client, struct tunnel *tunnel)
{
	struct device now = { 0 };
	bool found = false;
	size_t i;

	if (!tunnel->ifindex || !tunnel_is_complete(tunnel))
		return false;
	if (!tunnel->genl)
		tunnel->genl = genl_open();
	if (tunnel->genl && fetch_device(tunnel->genl, tunnel->record.ifname, &now) &&
	    fetch_peers(tunnel->genl, &now)) {
		for (i = 0; i < now.n_peers; i++) {
			const struct peer *peer = now.peers[i];

			if (!(peer->has & PEER_ENDPOINT) ||
			    memcmp(peer->public_key, client->peer->public_key, TOYVPN_KEY_LEN))
				continue;
			client->peer->endpoint = peer->endpoint;
			found = true;
		}
	}
	device_clear(&now);
	return found;
}

/* Others may change the tunnel meanwhile: who takes it down need not wait until a name is known. */
static bool pause_unlocked(struct watch *watch, unsigned int ms)
{
	struct timespec pause = { ms / 1000, ms % 1000 * 1000000L };
	struct record *record = &watch->tunnel->record;
	bool was_new = record->is_new;

	record_release(record);
	nanosleep(&pause, NULL);
	if (!record_acquire(record))
		return false;
	if (was_new && !record->is_new)
		return fail("%s: another \"up\" was faster", record->ifname);
	watch->over = record->is_new && !was_new;
	if (watch->over)
		say(watch->tunnel, "it was taken down meanwhile");
	return !watch->over;
}

/* With a kill switch no name can be looked up until there is a connection. */
static bool use_known(struct client *client, struct watch *watch, bool is_up)
{
	struct record *record = &watch->tunnel->record;
	struct answer *answer = &client->resolver.answer;

	if (!watch->forever && !record_find_kind(record, "kill-switch"))
		return false;
	if (watch->forever && is_up) {
		answer->list[0] = client->peer->endpoint;
		answer->n = 1;
	} else if (!known_get(record, client->host, client->peer->port, answer)) {
		return false;
	}
	warn("%s: %s; the addresses that are known are used", client->host, answer_error(answer));
	return true;
}

/* The addresses of one name, waited for. A connection that is there stays where it is. */
static bool find_addresses(struct client *client, struct watch *watch)
{
	struct tunnel *tunnel = watch->tunnel;
	bool forever = watch->forever;
	struct answer *answer = &client->resolver.answer;
	unsigned int wait = RETRY_FIRST, tries = 0, most = endpoint_retries();
	bool is_up = recall_address(client, tunnel);
	int current;

	if (!endpoint_is_address(client->host))
		say(tunnel, "resolving %s", client->host);
	for (;;) {
		if (!resolver_start(&client->resolver, client->host, client->peer->port))
			return false;
		while (!resolver_read(&client->resolver))
			;
		if (!answer->error || use_known(client, watch, is_up))
			break;
		if (!forever && (answer->error != EAI_AGAIN || tries++ >= most))
			return fail("%s:%u: Endpoint: '%s': %s", tunnel->quick.path,
				    client->peer->host_line, client->host, answer_error(answer));
		warn("%s: %s; next try in %u.%u seconds", client->host, answer_error(answer),
		     wait / 1000, wait % 1000 / 100);
		if (!pause_unlocked(watch, wait))
			return false;
		wait += wait / 2;
		if (wait > RETRY_LAST)
			wait = RETRY_LAST;
	}
	current = take_answer(client);
	if (current < 0)
		current = 0;
	client->peer->endpoint = client->list[current];
	stay_resolved(&client->stay, now_ms(), answer->n, current);
	return true;
}

/* Have the record say what was found. Returns whether that is new. */
static bool keep_addresses(const struct client *client, struct record *record)
{
	const struct answer *answer = &client->resolver.answer;

	return !answer->error && !endpoint_is_address(client->host) &&
	       known_set(record, client->host, answer);
}

/**
 * watch_resolve() - find the addresses of all peers that have an endpoint, before any change
 * @watch: where to, for watch_free() in any case
 * @tunnel: the tunnel, its file read; from now on its peers have addresses in place of names
 * @forever: it shall be kept connected: names that are not known now may be later
 *
 * What they are is in the record then, which tunnel_change() saves.
 *
 * Return: whether all have one; if not, the user has been told.
 */
bool watch_resolve(struct watch *watch, struct tunnel *tunnel, bool forever)
{
	const struct device *dev = &tunnel->quick.dev;
	size_t i;

	*watch = (struct watch){ .tunnel = tunnel, .forever = forever };
	watch->clients = xrealloc(NULL, dev->n_peers + 1, sizeof(*watch->clients));
	for (i = 0; i < dev->n_peers; i++) {
		struct client *client = &watch->clients[watch->n];

		if (!dev->peers[i]->host)
			continue;
		watch->n++;
		*client = (struct client){ .peer = dev->peers[i], .resolver.fd = -1 };
		client->host = client->peer->host;
		client->peer->host = NULL;
		stay_init(&client->stay);
	}
	for (i = 0; i < watch->n; i++)
		if (!find_addresses(&watch->clients[i], watch))
			return false;
	/* Not before: while a name was waited for, the record was read again. */
	for (i = 0; i < watch->n; i++)
		keep_addresses(&watch->clients[i], &tunnel->record);
	return true;
}

/**
 * watch_free() - free a watch
 * @watch: the watch, or zeros
 */
void watch_free(struct watch *watch)
{
	size_t i;

	for (i = 0; i < watch->n; i++) {
		resolver_stop(&watch->clients[i].resolver);
		free(watch->clients[i].host);
	}
	free(watch->clients);
	*watch = (struct watch){ 0 };
}

/*
 * What to do
 */

static void remember_path(struct running *run, struct client *client)
{
	struct tunnel *tunnel = run->tunnel;

	client->moved = false;
	if (!rtnl_path_to(&tunnel->rtnl, &client->peer->endpoint, tunnel->mark, &client->path))
		memset(&client->path, 0, sizeof(client->path));
}

static void start_connecting(struct running *run, struct client *client)
{
	const union endpoint *endpoint = &client->list[client->stay.current];
	bool is_new = !endpoint_equal(endpoint, &client->peer->endpoint);
	char text[ENDPOINT_TEXT_SIZE];

	endpoint_to_text(text, endpoint);
	if (!client->began) {
		client->began = now_ms();
		say(run->tunnel, "connecting to %s", text);
	} else if (is_new) {
		say(run->tunnel, "trying %s", text);
	}
	client->peer->endpoint = *endpoint;
	client->former = client->session;
	remember_path(run, client);
	tunnel_connect(run->tunnel, client->peer, endpoint);
}

static void act(struct running *run, struct client *client, unsigned int todo)
{
	if (todo & STAY_RESOLVE &&
	    !resolver_start(&client->resolver, client->host, client->peer->port))
		stay_resolved(&client->stay, now_ms(), 0, -1);
	if (todo & STAY_CONNECT)
		start_connecting(run, client);
}

static void hurry(struct running *run, struct client *client)
{
	client->began = 0;
	act(run, client, stay_hurry(&client->stay, now_ms()));
}

/* Others may have changed the tunnel; then what is here is not to be done. */
static bool acquire(struct running *run)
{
	struct record *record = &run->tunnel->record;

	if (record_acquire(record) && tunnel_is_complete(run->tunnel) &&
	    tunnel_find_link(run->tunnel) && run->tunnel->ifindex)
		return true;
	record_release(record);
	return false;
}

static void fit(struct running *run)
{
	if (acquire(run)) {
		tunnel_fit(run->tunnel);
		record_release(&run->tunnel->record);
	}
}

static bool has_path(const struct running *run, const struct rtnl_path *path)
{
	return path->ifindex && path->ifindex != run->tunnel->ifindex;
}

static bool same_path(const struct rtnl_path *one, const struct rtnl_path *other)
{
	return one->ifindex == other->ifindex && one->mtu == other->mtu &&
	       !allowed_ip_compare(&one->source, &other->source) &&
	       !allowed_ip_compare(&one->gateway, &other->gateway);
}

/* Of a peer that cannot be reached where it was, choose an address that can be. */
static bool choose_reachable(struct running *run, struct client *client)
{
	struct tunnel *tunnel = run->tunnel;
	struct rtnl_path path;
	unsigned int i;

	for (i = 0; i < client->stay.n; i++) {
		if (rtnl_path_to(&tunnel->rtnl, &client->list[i], tunnel->mark, &path) &&
		    has_path(run, &path)) {
			client->stay.current = i;
			return true;
		}
	}
	return false;
}

/* The network was restless and is quiet now: has that anything to do with this peer? */
static void compare_path(struct running *run, struct client *client)
{
	struct rtnl_path before = client->path;
	bool moved = client->moved;

	remember_path(run, client);
	if (!has_path(run, &client->path)) {
		/* With no way to any of them, another network has to come first. */
		if (!choose_reachable(run, client))
			return;
	} else if (!moved && same_path(&before, &client->path)) {
		return;
	}
	say(run->tunnel, "the network changed");
	fit(run);
	hurry(run, client);
}

/*
 * What happens
 */

static bool read_config(struct configblob *given, const struct tunnel *tunnel,
			const struct peer *peer)
{
	const char *why;

	if (!peer->received_config.len)
		return fail("%s: the server gives nothing, which Autoconf needs: has it a Pool?",
			    tunnel->record.ifname);
	return configblob_decode(given, peer->received_config.bytes, peer->received_config.len,
				 &why) ||
	       fail("%s: the server gives %s", tunnel->record.ifname, why);
}

static bool take_config(struct running *run, const struct peer *peer)
{
	struct tunnel *tunnel = run->tunnel;
	struct configblob given;
	bool good;

	if (!acquire(run))
		return false;
	good = read_config(&given, tunnel, peer);
	if (good)
		good = tunnel_change(tunnel, &given);
	else
		tunnel_note_unapplied(tunnel);
	record_release(&tunnel->record);
	return good;
}

/* Have what a session brought in force, unless it is. */
static void follow_config(struct running *run, struct client *client, const struct peer *peer,
			  bool new_config)
{
	if (!run->tunnel->quick.autoconf ||
	    (!new_config && client->was_connected && !client->owes_config))
		return;
	/* If it fails, the next session is another try. */
	if (client->owes_config && client->config_tried == peer->last_handshake)
		return;
	client->config_tried = peer->last_handshake;
	client->owes_config = !take_config(run, peer);
	if (!client->owes_config || !run->watch->forever)
		return;
	if (!client->began)
		client->began = now_ms();
	say(run->tunnel, "not connected: what the server gives could not be applied; %s",
	    "the next session is another try");
}

static void tell_manager(const struct client *client)
{
	if (client->owes_config && client->state == TOYVPN_PEER_STATE_CONNECTED) {
		sd_notify(0, "STATUS=what the server gives is not applied");
		return;
	}
	sd_notifyf(0, "STATUS=%s%s%s", state_name(client->state),
		   client->reason == TOYVPN_REASON_NONE ? "" : ": ",
		   client->reason == TOYVPN_REASON_NONE ? "" : reason_advice(client->reason));
}

static void tell_connected(struct running *run, struct client *client, const struct peer *peer)
{
	char text[ENDPOINT_TEXT_SIZE];

	if (!client->began)
		return;
	endpoint_to_text(text, &peer->endpoint);
	say(run->tunnel, "connected in %u ms: %s, %s",
	    (unsigned int)(now_ms() - client->began), cipher_name(peer->cipher), text);
	client->began = 0;
}

static enum stay_peer stay_peer_of(const struct peer *peer)
{
	switch (peer->state) {
	case TOYVPN_PEER_STATE_CONNECTED:
		return STAY_PEER_CONNECTED;
	case TOYVPN_PEER_STATE_CONNECTING:
		return STAY_PEER_TRYING;
	case TOYVPN_PEER_STATE_RECONNECTING:
		return STAY_PEER_RENEWING;
	}
	return peer->reason == TOYVPN_REASON_REFUSED ||
	       peer->reason == TOYVPN_REASON_SERVER_FULL ||
	       peer->reason == TOYVPN_REASON_MODE_DIFFERS ||
	       peer->reason == TOYVPN_REASON_NO_COMMON_CIPHER ? STAY_PEER_REFUSED : STAY_PEER_GONE;
}

static void end(struct running *run, enum watch_end how)
{
	run->over = true;
	run->end = how;
}

/* While a session lasts, its peer counts as connected at the begin of the attempt at another. */
static bool is_former(const struct client *client, const struct peer *peer)
{
	return client->began && client->former && peer->last_handshake == client->former &&
	       peer->state == TOYVPN_PEER_STATE_CONNECTED;
}

/* A peer as it is now; whether it brings another configuration. */
static void hear(struct running *run, struct client *client, const struct peer *peer,
		 bool new_config)
{
	bool is_connected = peer->state == TOYVPN_PEER_STATE_CONNECTED;
	bool is_other = client->state != peer->state || client->reason != peer->reason;
	bool owed = client->owes_config;

	if (is_former(client, peer))
		return;
	client->session = peer->last_handshake;
	if (run->watch->forever && is_other && !is_connected && client->was_connected &&
	    peer->reason != TOYVPN_REASON_NONE && client->reason != peer->reason)
		say(run->tunnel, "%s: %s", state_name(peer->state), reason_advice(peer->reason));
	client->state = peer->state;
	client->reason = peer->reason;
	client->cipher = peer->cipher;
	if (is_connected)
		follow_config(run, client, peer, new_config);
	if (client->owes_config && !run->watch->forever) {
		end(run, WATCH_FAILED);
		return;
	}
	if (is_connected && !client->owes_config) {
		tell_connected(run, client, peer);
		client->was_connected = true;
	}
	if ((is_other || owed != client->owes_config) && run->watch->forever)
		tell_manager(client);
	client->refused = stay_peer_of(peer) == STAY_PEER_REFUSED;
	act(run, client, stay_heard(&client->stay, now_ms(), stay_peer_of(peer), any_number()));
}

static struct client *client_of(struct running *run, const uint8_t *key)
{
	size_t i;

	for (i = 0; i < run->watch->n; i++)
		if (!memcmp(run->watch->clients[i].peer->public_key, key, TOYVPN_KEY_LEN))
			return &run->watch->clients[i];
	return NULL;
}

static void hear_event(const struct event *event, void *data)
{
	struct running *run = data;
	struct client *client;

	if (!event) {
		run->lost_events = true;
		return;
	}
	if (run->over || event->ifindex != run->tunnel->ifindex ||
	    event->event == TOYVPN_EVENT_REMOVED)
		return;
	client = client_of(run, event->peer.public_key);
	if (client)
		hear(run, client, &event->peer, event->event == TOYVPN_EVENT_CONFIG);
}

/* What is there by now, after which events come. */
static bool hear_all(struct running *run)
{
	struct device now = { 0 };
	struct genl *genl = run->tunnel->genl;
	bool good;
	size_t i;

	run->lost_events = false;
	good = fetch_device(genl, run->tunnel->record.ifname, &now) &&
	       (fetch_peers(genl, &now) ||
		fail("%s: cannot read its peers: %s", now.ifname, genl->reason));
	for (i = 0; good && !run->over && i < now.n_peers; i++) {
		struct client *client = client_of(run, now.peers[i]->public_key);

		if (client)
			hear(run, client, now.peers[i], true);
	}
	device_clear(&now);
	return good;
}

/* The link is gone: by "down", or otherwise. */
static void lose_link(struct running *run)
{
	struct record *record = &run->tunnel->record;

	if (record_acquire(record) && record->is_new) {
		say(run->tunnel, "down");
		end(run, WATCH_OVER);
	} else {
		fail("%s: somebody removed this link", record->ifname);
		end(run, WATCH_LOST);
	}
	record_release(record);
}

static void look_for_link(struct running *run)
{
	if (run->watch->forever && tunnel_find_link(run->tunnel) && !run->tunnel->ifindex)
		lose_link(run);
}

static void hear_change(enum rtnl_change change, uint32_t ifindex, void *data)
{
	struct running *run = data;
	size_t i;

	if (ifindex && ifindex == run->tunnel->ifindex) {
		if (change == RTNL_LINK_GONE && !run->over)
			lose_link(run);
		return;
	}
	for (i = 0; i < run->watch->n; i++) {
		struct client *client = &run->watch->clients[i];

		if (change == RTNL_ADDRESS_GONE && ifindex == client->path.ifindex)
			client->moved = true;
		stay_changed(&client->stay, now_ms());
	}
}

static void hear_signal(struct running *run)
{
	struct signalfd_siginfo info;

	if (read(run->signals, &info, sizeof(info)) != sizeof(info))
		return;
	if (info.ssi_signo == SIGHUP) {
		sd_notify(0, "RELOADING=1");
		end(run, WATCH_AGAIN);
		return;
	}
	/* The service manager is to see that nobody took the tunnel down. */
	exit_status = 128 + (int)info.ssi_signo;
	say(run->tunnel, "it stays up as it is; \"toyvpnctl down %s\" ends it",
	    run->tunnel->record.ifname);
	end(run, WATCH_OVER);
}

/* A timer that fires when the clock is set, as it is after a suspend. */
static void arm_clock(struct running *run)
{
	/* No clock gets there; one of today does get past 32 bits. */
	const time_t latest = (time_t)(sizeof(time_t) > sizeof(int32_t) ? INT64_MAX : INT32_MAX);
	const struct itimerspec never = { .it_value.tv_sec = latest };
	uint64_t ticks;

	if (read(run->clock, &ticks, sizeof(ticks)) < 0 && errno != EAGAIN &&
	    errno != ECANCELED)
		warn("cannot watch the clock: %s", strerror(errno));
	timerfd_settime(run->clock, TFD_TIMER_ABSTIME | TFD_TIMER_CANCEL_ON_SET, &never, NULL);
}

/* Whether the machine was, since the last time; between two readings a process may have to wait. */
static bool was_suspended(struct running *run)
{
	uint64_t before = clock_ms(CLOCK_MONOTONIC);
	uint64_t boot = now_ms();
	uint64_t after = clock_ms(CLOCK_MONOTONIC);
	bool suspended = boot > after + run->gap + SUSPENDED;

	run->gap = boot - before;
	return suspended;
}

static void look_for_suspend(struct running *run)
{
	size_t i;

	if (!was_suspended(run))
		return;
	say(run->tunnel, "this machine was suspended");
	for (i = 0; i < run->watch->n; i++)
		hurry(run, &run->watch->clients[i]);
}

static void keep_for_later(struct running *run, const struct client *client)
{
	struct record *record = &run->tunnel->record;

	if (!acquire(run))
		return;
	if (keep_addresses(client, record))
		record_save(record);
	record_release(record);
}

static void take_addresses(struct running *run, struct client *client)
{
	const struct answer *answer = &client->resolver.answer;
	int current = -1;

	if (!resolver_read(&client->resolver))
		return;
	if (answer->error) {
		warn("%s: %s", client->host, answer_error(answer));
	} else {
		current = take_answer(client);
		keep_for_later(run, client);
	}
	act(run, client, stay_resolved(&client->stay, now_ms(), answer->error ? 0 : answer->n,
				       current));
}

static bool owes_config(const struct running *run)
{
	size_t i;

	for (i = 0; i < run->watch->n; i++)
		if (run->watch->clients[i].owes_config)
			return true;
	return false;
}

/* Whether a service can be called started, and "up" be done. */
static void judge(struct running *run)
{
	bool late = now_ms() >= run->begin + PATIENCE, all = true, any = !run->watch->n;
	const struct client *worst = NULL;
	size_t i;

	for (i = 0; i < run->watch->n; i++) {
		const struct client *client = &run->watch->clients[i];

		any |= client->was_connected;
		if (client->was_connected)
			continue;
		worst = client;
		all = all && client->refused;
	}
	if (run->over || (!all && !late))
		return;
	if (run->watch->forever) {
		/* Who is told that it has started takes the tunnel to be what the server says. */
		if (run->ready || owes_config(run))
			return;
		sd_notify(0, "READY=1");
		run->ready = true;
		return;
	}
	if (worst && any)
		warn("%s: %s: %s", run->tunnel->record.ifname, worst->host,
		     reason_advice(worst->reason ? worst->reason : TOYVPN_REASON_NO_ANSWER));
	if (!any)
		fail("%s: %s", run->tunnel->record.ifname,
		     reason_advice(worst->reason ? worst->reason : TOYVPN_REASON_NO_ANSWER));
	end(run, any ? WATCH_CONNECTED : WATCH_FAILED);
}

/* Milliseconds until something has to be done, for poll(). */
static int next_deadline(const struct running *run)
{
	uint64_t first = run->begin + PATIENCE, now = now_ms();
	size_t i;

	if (run->ready || owes_config(run))
		first = STAY_NEVER;

	for (i = 0; i < run->watch->n; i++) {
		uint64_t deadline = stay_deadline(&run->watch->clients[i].stay);

		if (deadline < first)
			first = deadline;
	}
	if (first == STAY_NEVER)
		return -1;
	if (first <= now)
		return 0;
	return first - now < INT32_MAX ? (int)(first - now) : INT32_MAX;
}

static void pass_time(struct running *run)
{
	size_t i;

	for (i = 0; i < run->watch->n; i++) {
		struct client *client = &run->watch->clients[i];
		unsigned int todo = stay_passed(&client->stay, now_ms(), any_number());

		act(run, client, todo);
		if (todo & STAY_COMPARE)
			compare_path(run, client);
	}
}

enum { EVENTS, NETWORK, SIGNALS, CLOCK, FIXED };

static bool step(struct running *run, struct pollfd *fds)
{
	size_t i, n = run->watch->n;

	fds[EVENTS].fd = events_fd(&run->events);
	fds[NETWORK].fd = run->watch->forever ? mnl_socket_get_fd(run->network.nl) : -1;
	fds[SIGNALS].fd = run->signals;
	fds[CLOCK].fd = run->clock;
	for (i = 0; i < n; i++)
		fds[FIXED + i].fd = run->watch->clients[i].resolver.fd;
	for (i = 0; i < FIXED + n; i++) {
		fds[i].events = POLLIN;
		fds[i].revents = 0;
	}
	if (poll(fds, FIXED + n, next_deadline(run)) < 0)
		return errno == EINTR || fail("cannot wait: %s", strerror(errno));
	look_for_suspend(run);
	if (fds[CLOCK].revents)
		arm_clock(run);
	if (fds[EVENTS].revents && !events_read(&run->events, hear_event, run))
		return false;
	if (fds[NETWORK].revents && !rtnl_watch_read(&run->network, hear_change, run))
		return false;
	/* Last: who says "down" and then sends a signal has ended it, which is no failure. */
	if (fds[SIGNALS].revents && !run->over)
		hear_signal(run);
	if (run->lost_events && !run->over && !hear_all(run))
		return false;
	for (i = 0; i < n && !run->over; i++)
		if (fds[FIXED + i].revents)
			take_addresses(run, &run->watch->clients[i]);
	if (!run->over)
		pass_time(run);
	judge(run);
	return true;
}

static bool prepare(struct running *run, sigset_t *signals)
{
	sigemptyset(signals);
	if (run->watch->forever) {
		sigaddset(signals, SIGINT);
		sigaddset(signals, SIGTERM);
		sigaddset(signals, SIGHUP);
	}
	sigprocmask(SIG_BLOCK, signals, NULL);
	run->signals = signalfd(-1, signals, SFD_CLOEXEC | SFD_NONBLOCK);
	run->clock = timerfd_create(CLOCK_REALTIME, TFD_CLOEXEC | TFD_NONBLOCK);
	if (run->signals < 0 || run->clock < 0)
		return fail("cannot wait: %s", strerror(errno));
	was_suspended(run);
	arm_clock(run);
	return events_open(&run->events) &&
	       (!run->watch->forever || rtnl_watch_open(&run->network));
}

/**
 * watch_run() - connect a tunnel's peers, and keep them connected if that is wanted
 * @watch: made by watch_resolve(); its tunnel is made, and its record released
 *
 * Return: how it ended.
 */
enum watch_end watch_run(struct watch *watch)
{
	struct running run = {
		.watch = watch, .tunnel = watch->tunnel, .begin = now_ms(),
		.signals = -1, .clock = -1, .end = WATCH_FAILED,
	};
	struct pollfd *fds = xrealloc(NULL, FIXED + watch->n, sizeof(*fds));
	sigset_t signals;
	bool good;
	size_t i;

	good = prepare(&run, &signals);
	/* Who removed the link before now is not heard of. */
	if (good)
		look_for_link(&run);
	for (i = 0; good && !run.over && i < watch->n; i++)
		start_connecting(&run, &watch->clients[i]);
	good = good && (run.over || hear_all(&run));
	if (good && !run.over)
		judge(&run);
	while (good && !run.over)
		good = step(&run, fds);
	if (!good)
		look_for_link(&run);
	events_close(&run.events);
	rtnl_close(&run.network);
	if (run.signals >= 0)
		close(run.signals);
	if (run.clock >= 0)
		close(run.clock);
	/* Until the next watch, or a signal would end the program in between. */
	if (run.end != WATCH_AGAIN)
		sigprocmask(SIG_UNBLOCK, &signals, NULL);
	free(fds);
	return run.end;
}
