// SPDX-License-Identifier: GPL-2.0
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <sodium.h>

#include "apply.h"
#include "configblob.h"
#include "dns.h"
#include "fetch.h"
#include "genl.h"
#include "plan.h"
#include "report.h"
#include "step.h"
#include "tunnel.h"

/* Where the search for a table that nobody uses begins. */
#define FIRST_TABLE	51820
#define LAST_TABLE	(FIRST_TABLE + 1000)

/* In the record: what the server gave that is applied, hexadecimal; empty if it is nothing. */
#define GIVEN	"given"
#define GIVEN_TEXT_SIZE	(2 * CONFIGBLOB_MAX + 1)

/*
 * Steps and the record
 */

static json_object *did_of(json_object *step)
{
	json_object *did = NULL;

	json_object_object_get_ex(step, "did", &did);
	return did;
}

static const char *was_of(json_object *step)
{
	json_object *was;

	return json_object_object_get_ex(step, "was", &was) ? json_object_get_string(was) : NULL;
}

static size_t index_of(json_object *steps, json_object *step)
{
	size_t i, n = json_object_array_length(steps);

	for (i = 0; i < n; i++)
		if (json_object_array_get_idx(steps, i) == step)
			break;
	return i;
}

static void forget(struct record *record, json_object *step)
{
	json_object *steps = record_steps(record);

	json_object_array_del_idx(steps, index_of(steps, step), 1);
}

/* Have a step in the record, which is on disk before the step is done. */
static json_object *remember(struct record *record, json_object *did, const char *was)
{
	json_object *step = json_object_new_object();

	json_object_object_add(step, "did", json_object_get(did));
	if (was)
		json_object_object_add(step, "was", json_object_new_string(was));
	json_object_array_add(record_steps(record), step);
	return step;
}

/* Do what a shared step does, unless it is done; and say what was there before. */
static bool do_shared(const struct step_change *change, const struct step_kind *kind,
		      json_object *did)
{
	struct record *record = &change->tunnel->record;
	char value[STEP_WAS_SIZE], *was;
	json_object *step;
	bool shared;

	shared = record_is_shared(record, did, &was);
	if (!shared && kind->look) {
		if (!kind->look(did, value))
			return false;
		was = xstrndup(value, sizeof(value));
	}
	step = remember(record, did, was);
	free(was);
	if (record_save(record) && (shared || kind->act(change, did)))
		return true;
	forget(record, step);
	record_save(record);
	return false;
}

static bool do_one(const struct step_change *change, const struct step_kind *kind, json_object *did)
{
	struct record *record = &change->tunnel->record;
	json_object *old = NULL, *step;

	if (kind->flags & STEP_ONE)
		old = record_find_kind(record, kind->name);
	step = remember(record, did, NULL);
	if (!record_save(record))
		return false;
	if (!kind->act(change, did)) {
		forget(record, step);
		record_save(record);
		return false;
	}
	if (!old)
		return true;
	/* Or to come back to the old one would look like done. */
	forget(record, record_find(record, old));
	return record_save(record);
}

static bool do_step(const struct step_change *change, json_object *did)
{
	struct record *record = &change->tunnel->record;
	const struct step_kind *kind = step_kind(did);
	bool good;
	int lock;

	if (!kind)
		return false;
	if (record_find(record, did))
		return !(kind->flags & STEP_AGAIN) || kind->act(change, did);
	if (!(kind->flags & STEP_SHARED))
		return do_one(change, kind, did);
	lock = record_lock_all(record);
	if (lock < 0)
		return false;
	good = do_shared(change, kind, did);
	close(lock);
	return good;
}

static bool undo_shared(struct tunnel *tunnel, const struct step_kind *kind, json_object *step)
{
	struct record *record = &tunnel->record;
	int lock = record_lock_all(record);
	char *was;
	bool good;

	if (lock < 0)
		return false;
	good = record_is_shared(record, did_of(step), &was) ||
	       kind->undo(tunnel, did_of(step), was_of(step));
	free(was);
	if (good) {
		forget(record, step);
		good = record_save(record);
	}
	close(lock);
	return good;
}

/* Undo a step, and take it out of the record. */
static bool undo_step(struct tunnel *tunnel, json_object *step)
{
	const struct step_kind *kind = step_kind(did_of(step));

	if (!kind)
		return false;
	if (kind->flags & STEP_SHARED)
		return undo_shared(tunnel, kind, step);
	if (!kind->undo(tunnel, did_of(step), was_of(step)))
		return false;
	forget(&tunnel->record, step);
	return record_save(&tunnel->record);
}

static bool has(json_object *steps, json_object *did)
{
	size_t i, n = json_object_array_length(steps);

	for (i = 0; i < n; i++)
		if (json_object_equal(json_object_array_get_idx(steps, i), did))
			return true;
	return false;
}

/* Undo what is not wanted any more; commands are just forgotten, their moment has not come. */
static bool undo_others(struct tunnel *tunnel, json_object *wanted)
{
	json_object *steps = record_steps(&tunnel->record);
	size_t i = json_object_array_length(steps);
	bool good = true;

	while (good && i--) {
		json_object *step = json_object_array_get_idx(steps, i);
		const struct step_kind *kind = step_kind(did_of(step));

		if (has(wanted, did_of(step)))
			continue;
		if (kind && kind->flags & STEP_COMMAND)
			forget(&tunnel->record, step);
		else
			good = undo_step(tunnel, step);
	}
	return good;
}

/* Have a record in the order of a plan, so that it is undone in the opposite one. */
static void put_in_order(struct record *record, json_object *wanted)
{
	json_object *ordered = json_object_new_array();
	size_t i, n = json_object_array_length(wanted);

	for (i = 0; i < n; i++) {
		json_object *step = record_find(record, json_object_array_get_idx(wanted, i));

		if (step)
			json_object_array_add(ordered, json_object_get(step));
	}
	json_object_object_add(record->json, "steps", ordered);
}

/* The largest packet that reaches all peers in one piece, as far as it can be known here. */
static uint32_t find_mtu(struct tunnel *tunnel)
{
	const struct device *dev = &tunnel->quick.dev;
	uint32_t mtu = 0;
	size_t i;

	for (i = 0; i < dev->n_peers; i++) {
		struct rtnl_path path;

		if (!dev->peers[i]->endpoint.any.sa_family ||
		    !rtnl_path_to(&tunnel->rtnl, &dev->peers[i]->endpoint, tunnel->mark, &path) ||
		    path.ifindex == tunnel->ifindex)
			continue;
		if (path.mtu > UINT16_MAX)
			path.mtu = UINT16_MAX;
		if (!mtu || path.mtu < mtu)
			mtu = path.mtu;
	}
	if (!mtu)
		return PLAN_MTU;
	return mtu < PLAN_OVERHEAD + CONFIGBLOB_MTU_MIN ? CONFIGBLOB_MTU_MIN :
							   mtu - PLAN_OVERHEAD;
}

/* What the file says counts; what the server says is no more than fits. */
static uint32_t choose_mtu(struct tunnel *tunnel)
{
	uint32_t fits;

	if (tunnel->quick.own.mtu)
		return tunnel->quick.own.mtu;
	fits = find_mtu(tunnel);
	if (tunnel->most && tunnel->most < fits)
		fits = tunnel->most;
	return fits < tunnel->least ? tunnel->least : fits;
}

/* A mark that no other tunnel has, and whose table nobody uses. */
static bool choose_mark(struct tunnel *tunnel)
{
	struct record *record = &tunnel->record;
	int lock = record_lock_all(record);
	uint32_t mark = FIRST_TABLE;
	bool good = false;

	if (lock < 0)
		return false;
	while (mark < LAST_TABLE && (record_mark_is_taken(record, mark) ||
				     !rtnl_table_is_free(&tunnel->rtnl, mark)))
		mark++;
	if (mark < LAST_TABLE) {
		json_object_object_add(record->json, "mark", json_object_new_int64(mark));
		tunnel->mark = mark;
		good = record_save(record);
	} else {
		fail("%s: no free table of routes was found", record->ifname);
	}
	close(lock);
	return good;
}

static bool have_mark(struct tunnel *tunnel)
{
	const struct device *dev = &tunnel->quick.dev;

	tunnel->mark = dev->has & DEVICE_FWMARK ? dev->fwmark : 0;
	if (tunnel->mark || !plan_needs_mark(&tunnel->quick))
		return true;
	tunnel->mark = record_mark(&tunnel->record);
	return tunnel->mark || choose_mark(tunnel);
}

static json_object *make_plan(struct tunnel *tunnel, const struct quick *quick)
{
	json_object *dns = record_find_kind(&tunnel->record, "dns");
	struct plan plan = { .mark = tunnel->mark };

	tunnel->most = quick->own.mtu;
	tunnel->least = quick_has_ipv6(quick) ? QUICK_MTU_IPV6 : CONFIGBLOB_MTU_MIN;
	tunnel->mtu = choose_mtu(tunnel);
	plan.mtu = tunnel->mtu;
	plan.dns = dns ? step_word(dns, 1) : quick->own.n_dns ? dns_method() : "";
	return plan_steps(quick, &plan);
}

static bool do_all(const struct step_change *change, json_object *wanted)
{
	size_t i, n = json_object_array_length(wanted);

	for (i = 0; i < n; i++)
		if (!do_step(change, json_object_array_get_idx(wanted, i)))
			return false;
	return true;
}

/* What the server of a tunnel that is up gave it with the last handshake, if there was one. */
static bool find_given(struct tunnel *tunnel, struct configblob *given, bool *found)
{
	const struct peer *server = tunnel->quick.dev.peers[0];
	struct device now = { 0 };
	const char *why;
	bool good;
	size_t i;

	*found = false;
	if (!tunnel->genl)
		tunnel->genl = genl_open();
	if (!tunnel->genl || !fetch_device(tunnel->genl, tunnel->quick.ifname, &now))
		return false;
	good = fetch_peers(tunnel->genl, &now) ||
	       fail("%s: cannot read its peers: %s", now.ifname, tunnel->genl->reason);
	for (i = 0; good && i < now.n_peers; i++) {
		const struct peer *peer = now.peers[i];

		if (memcmp(peer->public_key, server->public_key, TOYVPN_KEY_LEN) ||
		    !peer->received_config.len)
			continue;
		good = configblob_decode(given, peer->received_config.bytes,
					 peer->received_config.len, &why) ||
		       fail("%s: the server gives %s", now.ifname, why);
		*found = good;
	}
	device_clear(&now);
	return good;
}

static void given_to_text(char text[static GIVEN_TEXT_SIZE], const struct configblob *given)
{
	uint8_t bytes[CONFIGBLOB_MAX];
	size_t len = 0;

	/* It has come in so many bytes. */
	if (!given || !configblob_encode(given, bytes, &len))
		len = 0;
	sodium_bin2hex(text, GIVEN_TEXT_SIZE, bytes, len);
}

/* What the server gave that is applied. Of an older version's record, it is what it gave last. */
static bool find_applied(struct tunnel *tunnel, struct configblob *given, bool *found)
{
	const char *text = record_text(&tunnel->record, GIVEN), *why;
	uint8_t bytes[CONFIGBLOB_MAX];
	size_t len;

	if (!text)
		return find_given(tunnel, given, found);
	*found = *text;
	return !*text ||
	       (!sodium_hex2bin(bytes, sizeof(bytes), text, strlen(text), NULL, &len, NULL) &&
		configblob_decode(given, bytes, len, &why)) ||
	       fail("%s: its record does not say what the server gave", tunnel->record.ifname);
}

/* Do what is not done yet, and undo what is not wanted any more. */
static bool change_to(struct tunnel *tunnel, const struct configblob *given)
{
	struct step_change change = { .tunnel = tunnel, .is_reload = tunnel_is_complete(tunnel) };
	struct quick quick = tunnel->quick;
	json_object *wanted;
	bool good;

	/* A copy, of which only this is the copy's own. */
	device_copy(&quick.dev, &tunnel->quick.dev);
	if (given)
		plan_take(&quick, given);
	change.quick = &quick;
	wanted = make_plan(tunnel, &quick);
	good = do_all(&change, wanted) && undo_others(tunnel, wanted);
	if (good)
		put_in_order(&tunnel->record, wanted);
	json_object_put(wanted);
	device_clear(&quick.dev);
	return good;
}

/* What was done for a configuration that then failed is undone: a half is worse than none. */
static void go_back(struct tunnel *tunnel, const struct configblob *applied)
{
	tunnel_note_unapplied(tunnel);
	if (change_to(tunnel, applied))
		record_save(&tunnel->record);
}

/**
 * tunnel_change() - make a tunnel what its file and its server want, by doing what is not done yet
 * and undoing what is not wanted any more
 * @tunnel: the tunnel, its record open
 * @given: what the server gives it; NULL: what it gave before, if anything, and was applied
 *
 * Whatever ends this half-way, the record has all that was done. If what the server gives now is
 * what does not work, the tunnel is then as it was before, and the record says why.
 *
 * Return: whether all of it worked; if not, the user has been told.
 */
bool tunnel_change(struct tunnel *tunnel, const struct configblob *given)
{
	bool found = false, autoconf = tunnel->quick.autoconf;
	struct record *record = &tunnel->record;
	const struct configblob *before, *now;
	char is[GIVEN_TEXT_SIZE], was[GIVEN_TEXT_SIZE];
	struct configblob applied;

	if (!have_mark(tunnel) || !tunnel_find_link(tunnel))
		return false;
	if (autoconf && tunnel_is_complete(tunnel) && !find_applied(tunnel, &applied, &found))
		return false;
	before = found ? &applied : NULL;
	now = given ? given : before;
	given_to_text(was, before);
	given_to_text(is, now);
	if (!change_to(tunnel, now)) {
		if (tunnel_is_complete(tunnel) && strcmp(is, was))
			go_back(tunnel, before);
		return false;
	}
	json_object_object_add(record->json, "complete", json_object_new_boolean(1));
	record_set_text(record, "file", tunnel->quick.path);
	if (autoconf)
		record_set_text(record, GIVEN, is);
	else
		record_drop_text(record, GIVEN);
	if (given || !autoconf)
		record_drop_text(record, RECORD_UNAPPLIED);
	return record_save(record);
}

/**
 * tunnel_reload() - make a tunnel what its file wants, and what its server gave last
 * @tunnel: the tunnel, which is complete, its record open
 *
 * Return: as tunnel_change().
 */
bool tunnel_reload(struct tunnel *tunnel)
{
	struct configblob last;
	bool found = false;

	if (tunnel->quick.autoconf && !find_given(tunnel, &last, &found))
		return false;
	return tunnel_change(tunnel, found ? &last : NULL);
}

/**
 * tunnel_note_unapplied() - have the record say that what the server gives could not be applied
 * @tunnel: the tunnel, its record open; the user has just been told why
 */
void tunnel_note_unapplied(struct tunnel *tunnel)
{
	const char *why = report_last_failure(), *ifname = tunnel->record.ifname;
	size_t len = strlen(ifname);

	/* What is said of a tunnel has its name before it already. */
	if (!strncmp(why, ifname, len) && !strncmp(why + len, ": ", 2))
		why += len + 2;
	record_set_text(&tunnel->record, RECORD_UNAPPLIED, why);
	record_save(&tunnel->record);
}

/**
 * tunnel_fit() - set the MTU anew, after the way to the peers changed
 * @tunnel: the tunnel, its record open
 *
 * Return: whether it worked; if not, the user has been told.
 */
bool tunnel_fit(struct tunnel *tunnel)
{
	struct step_change change = {
		.tunnel = tunnel,
		.quick = &tunnel->quick,
		.is_reload = true,
	};
	uint32_t mtu = choose_mtu(tunnel);
	json_object *did;
	char text[16];
	bool good;

	if (mtu == tunnel->mtu)
		return true;
	snprintf(text, sizeof(text), "%u", mtu);
	did = json_object_new_array();
	json_object_array_add(did, json_object_new_string("up"));
	json_object_array_add(did, json_object_new_string(text));
	good = do_step(&change, did);
	json_object_put(did);
	if (good)
		tunnel->mtu = mtu;
	return good;
}

/**
 * tunnel_undo() - undo all that was done for a tunnel
 * @tunnel: the tunnel, its record open
 * @closed: but for the kill switch
 *
 * Goes on after what cannot be undone, which then stays in the record.
 *
 * Return: whether all of it worked; if not, the user has been told.
 */
bool tunnel_undo(struct tunnel *tunnel, bool closed)
{
	json_object *steps = record_steps(&tunnel->record);
	size_t i = json_object_array_length(steps);
	bool good = true;

	if (!tunnel_find_link(tunnel))
		return false;
	json_object_object_del(tunnel->record.json, "complete");
	record_drop_text(&tunnel->record, GIVEN);
	record_drop_text(&tunnel->record, RECORD_UNAPPLIED);
	while (i--) {
		json_object *step = json_object_array_get_idx(steps, i);

		if (closed && !strcmp(step_word(did_of(step), 0), "kill-switch"))
			continue;
		if (!undo_step(tunnel, step))
			good = false;
	}
	return good && (json_object_array_length(steps) || record_remove(&tunnel->record));
}

/**
 * tunnel_connect() - begin a handshake with a peer now
 * @tunnel: the tunnel
 * @peer: the peer
 * @endpoint: where it is
 *
 * Return: whether the kernel module took it; if not, the user has been told.
 */
bool tunnel_connect(struct tunnel *tunnel, const struct peer *peer,
		    const union endpoint *endpoint)
{
	struct device now = { .ifindex = tunnel->ifindex }, want = { 0 };
	struct peer *wanted = device_add_peer(&want);
	bool good;

	snprintf(now.ifname, sizeof(now.ifname), "%s", tunnel->record.ifname);
	wanted->has = PEER_PUBLIC_KEY | PEER_ENDPOINT | PEER_CONNECT | PEER_UPDATE_ONLY;
	memcpy(wanted->public_key, peer->public_key, TOYVPN_KEY_LEN);
	wanted->endpoint = *endpoint;
	good = apply(tunnel->genl, &now, &want);
	device_clear(&want);
	return good;
}

/**
 * tunnel_find_link() - look a tunnel's link up
 * @tunnel: the tunnel; its ifindex is set, to 0 if there is no link
 *
 * Return: whether it could be looked up, and any link of this name is of our kind; if not, the user
 * has been told.
 */
bool tunnel_find_link(struct tunnel *tunnel)
{
	const char *ifname = tunnel->record.ifname;
	struct rtnl_link link;

	tunnel->ifindex = 0;
	if (!rtnl_link_get(&tunnel->rtnl, ifname, &link))
		return rtnl_is_gone(&tunnel->rtnl) ||
		       fail("%s: %s", ifname, tunnel->rtnl.reason);
	if (strcmp(link.kind, RTNL_KIND))
		return fail("%s: there is another link of this name", ifname);
	tunnel->ifindex = link.ifindex;
	return true;
}

/**
 * tunnel_is_complete() - whether "up" did all that it had to
 * @tunnel: the tunnel
 *
 * Return: whether it did, by the record.
 */
bool tunnel_is_complete(const struct tunnel *tunnel)
{
	json_object *complete;

	return json_object_object_get_ex(tunnel->record.json, "complete", &complete);
}

/**
 * tunnel_open() - begin to change a tunnel, which nobody else can meanwhile
 * @tunnel: where to; its quick is set or zeros, all else zeros
 * @ifname: its link
 *
 * Return: whether it worked; if not, the user has been told. In any case @tunnel is for
 * tunnel_close().
 */
bool tunnel_open(struct tunnel *tunnel, const char *ifname)
{
	tunnel->record.lock = -1;
	return record_open(&tunnel->record, ifname, true) && rtnl_open(&tunnel->rtnl);
}

/**
 * tunnel_close() - free all that belongs to a tunnel here
 * @tunnel: the tunnel
 */
void tunnel_close(struct tunnel *tunnel)
{
	if (tunnel->genl)
		genl_close(tunnel->genl);
	rtnl_close(&tunnel->rtnl);
	record_close(&tunnel->record);
	quick_clear(&tunnel->quick);
}
