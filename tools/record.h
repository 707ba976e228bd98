/* SPDX-License-Identifier: GPL-2.0 */
/*
 * What "up" did for a tunnel, on disk, so that just that can be undone: by "down", and whatever
 * happened to "up". A record belongs to a network namespace, as the tunnel does.
 */
#ifndef RECORD_H
#define RECORD_H

#include <net/if.h>
#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

#include <json-c/json.h>

#define RECORD_FOLDER	"/run/toyvpn"
/* A text: why what the server gives is not applied */
#define RECORD_UNAPPLIED	"unapplied"

/* What one process does for a tunnel, for as long as it runs. */
enum record_role {
	RECORD_WATCHES,		/* keeps it connected */
	RECORD_SERVES,		/* takes its clients in */
};

/**
 * struct record - what was done for a tunnel
 * @ifname: its link
 * @json: all of it, as it is on disk: "file" that it was made from, "mark" of its packets,
 * "addresses" of its peers' names (known.c), what its server has "given" (tunnel.c), and "steps",
 * each with what it "did" and what "was" there before
 * @folder: where records of this namespace are
 * @lock: file that is locked while the tunnel is changed
 * @is_new: nothing is on disk
 */
struct record {
	char ifname[IF_NAMESIZE];
	json_object *json;
	char folder[64];
	int lock;
	bool is_new;
};

bool record_open(struct record *record, const char *ifname, bool may_wait);
bool record_load(struct record *record, const char *ifname);
void record_close(struct record *record);
void record_release(struct record *record);
bool record_acquire(struct record *record);
int record_take_role(const struct record *record, enum record_role role);
pid_t record_find_role(const struct record *record, enum record_role role);
bool record_save(struct record *record);
bool record_remove(struct record *record);

int record_lock_all(const struct record *record);
bool record_mark_is_taken(const struct record *record, uint32_t mark);

json_object *record_steps(const struct record *record);
json_object *record_find(const struct record *record, json_object *did);
json_object *record_find_kind(const struct record *record, const char *kind);
bool record_is_shared(const struct record *record, json_object *did, char **was);
uint32_t record_mark(const struct record *record);
const char *record_text(const struct record *record, const char *name);
void record_set_text(struct record *record, const char *name, const char *text);
void record_drop_text(struct record *record, const char *name);

char **record_names(size_t *n);
bool record_is_anywhere(const char *ifname);

#endif
