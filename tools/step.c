// SPDX-License-Identifier: GPL-2.0
/* How steps of each kind are done, and undone. What is not there any more is undone already. */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "dns.h"
#include "encoding.h"
#include "genl.h"
#include "hook.h"
#include "killswitch.h"
#include "nat.h"
#include "report.h"
#include "step.h"
#include "sync.h"
#include "sysctl.h"

/**
 * step_word() - a word of what a step does
 * @did: what it does
 * @i: which word, the first one is 0: its kind
 *
 * Return: the word, @did's own; empty if there are not so many.
 */
const char *step_word(json_object *did, size_t i)
{
	json_object *text = json_object_array_get_idx(did, i);

	return text ? json_object_get_string(text) : "";
}

static uint32_t number(json_object *did, size_t i)
{
	return (uint32_t)strtoul(step_word(did, i), NULL, 10);
}

static int family(json_object *did)
{
	return !strcmp(step_word(did, 1), "4") ? AF_INET : AF_INET6;
}

static bool refused(struct tunnel *tunnel, json_object *did)
{
	const struct rtnl *rtnl = &tunnel->rtnl;

	if (rtnl->error == EPERM)
		return fail("%s: only root may do this (CAP_NET_ADMIN)", tunnel->record.ifname);
	return fail("%s: %s%s%s: %s", tunnel->record.ifname, step_word(did, 0),
		    *step_word(did, 1) ? " " : "", step_word(did, 1), rtnl->reason);
}

static bool unless_gone(struct tunnel *tunnel, json_object *did, bool good)
{
	return good || rtnl_is_gone(&tunnel->rtnl) || refused(tunnel, did);
}

static bool undo_nothing(struct tunnel *tunnel, json_object *did, const char *was)
{
	(void)tunnel;
	(void)did;
	(void)was;
	return true;
}

static bool do_nothing(const struct step_change *change, json_object *did)
{
	(void)change;
	(void)did;
	return true;
}

static bool do_command(const struct step_change *change, json_object *did)
{
	/* Its moment is over when a tunnel that is there is changed. */
	return change->is_reload || hook_run(step_word(did, 1), change->tunnel->record.ifname);
}

static bool undo_command(struct tunnel *tunnel, json_object *did, const char *was)
{
	(void)was;
	/* One that fails is no reason to keep the rest; the user has been told. */
	hook_run(step_word(did, 1), tunnel->record.ifname);
	return true;
}

static bool do_kill_switch(const struct step_change *change, json_object *did)
{
	return killswitch_set(change->tunnel->record.ifname, number(did, 1), *step_word(did, 2));
}

static bool undo_kill_switch(struct tunnel *tunnel, json_object *did, const char *was)
{
	(void)did;
	(void)was;
	return killswitch_unset(tunnel->record.ifname);
}

/* Tunnels share forwarding: nobody turns it off between another's look at it and its table. */
static bool do_nat(const struct step_change *change, json_object *did)
{
	const struct quick *quick = change->quick;
	int lock = record_lock_all(&change->tunnel->record);
	bool good;

	(void)did;
	if (lock < 0)
		return false;
	good = nat_up(quick->ifname, quick->pool, quick->n_pool, quick->nat);
	close(lock);
	return good;
}

static bool undo_nat(struct tunnel *tunnel, json_object *did, const char *was)
{
	int lock = record_lock_all(&tunnel->record);
	bool good;

	(void)did;
	(void)was;
	if (lock < 0)
		return false;
	good = nat_down(tunnel->record.ifname);
	close(lock);
	return good;
}

static bool do_link(const struct step_change *change, json_object *did)
{
	struct tunnel *tunnel = change->tunnel;

	return (rtnl_link_add(&tunnel->rtnl, tunnel->record.ifname) || refused(tunnel, did)) &&
	       tunnel_find_link(tunnel) && (tunnel->ifindex || refused(tunnel, did));
}

static bool undo_link(struct tunnel *tunnel, json_object *did, const char *was)
{
	(void)was;
	if (!tunnel_find_link(tunnel))
		return false;
	if (tunnel->ifindex &&
	    !unless_gone(tunnel, did, rtnl_link_del(&tunnel->rtnl, tunnel->ifindex)))
		return false;
	tunnel->ifindex = 0;
	return true;
}

static bool do_device(const struct step_change *change, json_object *did)
{
	struct tunnel *tunnel = change->tunnel;
	struct device want = { 0 };
	bool good;

	(void)did;
	if (!tunnel->genl)
		tunnel->genl = genl_open();
	if (!tunnel->genl)
		return false;
	device_copy(&want, &change->quick->dev);
	if (tunnel->mark) {
		want.fwmark = tunnel->mark;
		want.has |= DEVICE_FWMARK;
	}
	/* A server has peers that no file names: its clients. As it serves it removes others. */
	good = sync_device(tunnel->genl, tunnel->record.ifname, &want,
			   change->quick->n_pool ? SYNC_SERVER : SYNC_DIFFERENCES,
			   change->quick->path);
	device_clear(&want);
	return good;
}

static bool read_ip(struct allowed_ip *ip, json_object *did)
{
	const char *why;

	return address_from_text(ip, step_word(did, 1), &why) ||
	       fail("'%s': %s", step_word(did, 1), why);
}

static bool do_address(const struct step_change *change, json_object *did)
{
	struct tunnel *tunnel = change->tunnel;
	struct allowed_ip ip;

	return read_ip(&ip, did) &&
	       (rtnl_address_add(&tunnel->rtnl, tunnel->ifindex, &ip) || refused(tunnel, did));
}

static bool undo_address(struct tunnel *tunnel, json_object *did, const char *was)
{
	struct allowed_ip ip;

	(void)was;
	if (!tunnel->ifindex)
		return true;
	return read_ip(&ip, did) &&
	       unless_gone(tunnel, did, rtnl_address_del(&tunnel->rtnl, tunnel->ifindex, &ip));
}

static bool do_up(const struct step_change *change, json_object *did)
{
	struct tunnel *tunnel = change->tunnel;

	return rtnl_link_up(&tunnel->rtnl, tunnel->ifindex, number(did, 1)) ||
	       refused(tunnel, did);
}

static bool do_dns(const struct step_change *change, json_object *did)
{
	const struct tunnel *tunnel = change->tunnel;

	return dns_set(step_word(did, 1), tunnel->record.ifname, tunnel->ifindex, step_word(did, 2),
		       step_word(did, 3));
}

static bool undo_dns(struct tunnel *tunnel, json_object *did, const char *was)
{
	(void)was;
	return dns_unset(step_word(did, 1), tunnel->record.ifname, tunnel->ifindex);
}

static bool do_route(const struct step_change *change, json_object *did)
{
	struct tunnel *tunnel = change->tunnel;
	struct allowed_ip ip;

	return read_ip(&ip, did) &&
	       (rtnl_route_add(&tunnel->rtnl, tunnel->ifindex, &ip, number(did, 2)) ||
		refused(tunnel, did));
}

static bool undo_route(struct tunnel *tunnel, json_object *did, const char *was)
{
	struct allowed_ip ip;

	(void)was;
	if (!tunnel->ifindex)
		return true;
	return read_ip(&ip, did) &&
	       unless_gone(tunnel, did, rtnl_route_del(&tunnel->rtnl, tunnel->ifindex, &ip,
						       number(did, 2)));
}

static bool do_rule(const struct step_change *change, json_object *did)
{
	struct tunnel *tunnel = change->tunnel;

	return rtnl_rule_add(&tunnel->rtnl, family(did), number(did, 2)) || refused(tunnel, did);
}

static bool undo_rule(struct tunnel *tunnel, json_object *did, const char *was)
{
	(void)was;
	return unless_gone(tunnel, did,
			   rtnl_rule_del(&tunnel->rtnl, family(did), number(did, 2)));
}

static bool look_sysctl(json_object *did, char value[static STEP_WAS_SIZE])
{
	const char *name = step_word(did, 1);

	return sysctl_read(name, value) || fail("/proc/sys/%s: %s", name, strerror(errno));
}

static bool do_sysctl(const struct step_change *change, json_object *did)
{
	(void)change;
	return sysctl_write(step_word(did, 1), step_word(did, 2));
}

static bool undo_sysctl(struct tunnel *tunnel, json_object *did, const char *was)
{
	const char *name = step_word(did, 1);
	char now[SYSCTL_VALUE_SIZE];

	(void)tunnel;
	/* What somebody else has set in the meantime stays. */
	if (!was || !sysctl_read(name, now) || strcmp(now, step_word(did, 2)))
		return true;
	return sysctl_write(name, was);
}

static const struct step_kind kinds[] = {
	{ .name = "post-down", .flags = STEP_COMMAND, .act = do_nothing, .undo = undo_command },
	{ .name = "kill-switch", .flags = STEP_ONE | STEP_AGAIN, .act = do_kill_switch,
	  .undo = undo_kill_switch },
	{ .name = "link", .act = do_link, .undo = undo_link },
	{ .name = "pre-up", .flags = STEP_COMMAND, .act = do_command, .undo = undo_nothing },
	{ .name = "device", .flags = STEP_AGAIN, .act = do_device, .undo = undo_nothing },
	{ .name = "address", .act = do_address, .undo = undo_address },
	{ .name = "up", .flags = STEP_ONE, .act = do_up, .undo = undo_nothing },
	{ .name = "nat", .flags = STEP_AGAIN, .act = do_nat, .undo = undo_nat },
	{ .name = "dns", .flags = STEP_ONE, .act = do_dns, .undo = undo_dns },
	{ .name = "route", .act = do_route, .undo = undo_route },
	{ .name = "sysctl", .flags = STEP_SHARED, .look = look_sysctl, .act = do_sysctl,
	  .undo = undo_sysctl },
	{ .name = "rule", .flags = STEP_SHARED, .act = do_rule, .undo = undo_rule },
	{ .name = "pre-down", .flags = STEP_COMMAND, .act = do_nothing, .undo = undo_command },
	{ .name = "post-up", .flags = STEP_COMMAND, .act = do_command, .undo = undo_nothing },
	{ }
};

/**
 * step_kind() - how steps like one are done and undone
 * @did: what the step does
 *
 * Return: its kind, or NULL: the user has been told.
 */
const struct step_kind *step_kind(json_object *did)
{
	const struct step_kind *kind;

	for (kind = kinds; kind->name; kind++)
		if (!strcmp(kind->name, step_word(did, 0)))
			return kind;
	fail("'%s' in a record is not known: is another version of toyvpnctl here?",
	     step_word(did, 0));
	return NULL;
}
