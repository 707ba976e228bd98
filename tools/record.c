// SPDX-License-Identifier: GPL-2.0
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <glob.h>
#include <inttypes.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

#include "record.h"
#include "report.h"

/* What sys/socket.h of an old libc6-dev may lack. */
#ifndef SO_NETNS_COOKIE
#define SO_NETNS_COOKIE	71
#endif

#define ENDING	".json"

/* Where records of this network namespace are; no two namespaces ever have the same cookie. */
static bool find_folder(char *folder, size_t size)
{
	int fd = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0);
	socklen_t len = sizeof(uint64_t);
	uint64_t cookie = 0;
	int error;

	error = fd < 0 || getsockopt(fd, SOL_SOCKET, SO_NETNS_COOKIE, &cookie, &len);
	if (fd >= 0)
		close(fd);
	if (error)
		return fail("cannot tell this network namespace from others: %s", strerror(errno));
	snprintf(folder, size, "%s/netns-%" PRIu64, RECORD_FOLDER, cookie);
	return true;
}

static void path_of(const struct record *record, const char *ending, char path[static PATH_MAX])
{
	snprintf(path, PATH_MAX, "%s/%s%s", record->folder, record->ifname, ending);
}

static bool init(struct record *record, const char *ifname)
{
	*record = (struct record){ .lock = -1 };
	snprintf(record->ifname, sizeof(record->ifname), "%s", ifname);
	return find_folder(record->folder, sizeof(record->folder));
}

static bool make_folder(const struct record *record)
{
	if ((mkdir(RECORD_FOLDER, 0755) && errno != EEXIST) ||
	    (mkdir(record->folder, 0755) && errno != EEXIST))
		return fail("%s: %s", record->folder, strerror(errno));
	return true;
}

/* Whoever changes a tunnel waits for those who do so already. */
static bool take_lock(struct record *record, bool may_wait)
{
	char path[PATH_MAX];

	path_of(record, ".lock", path);
	record->lock = open(path, O_RDWR | O_CREAT | O_CLOEXEC, 0600);
	if (record->lock < 0)
		return fail("%s: %s", path, strerror(errno));
	while (flock(record->lock, may_wait ? LOCK_EX : LOCK_EX | LOCK_NB)) {
		if (errno == EINTR)
			continue;
		if (errno == EWOULDBLOCK)
			return fail("%s: another toyvpnctl is changing it", record->ifname);
		return fail("%s: %s", path, strerror(errno));
	}
	return true;
}

/* What it did is words, and what was there before it is a text. */
static bool is_step(json_object *step)
{
	json_object *did, *was;
	size_t i, n;

	if (!json_object_object_get_ex(step, "did", &did) ||
	    !json_object_is_type(did, json_type_array))
		return false;
	n = json_object_array_length(did);
	for (i = 0; i < n; i++)
		if (!json_object_is_type(json_object_array_get_idx(did, i), json_type_string))
			return false;
	return n && (!json_object_object_get_ex(step, "was", &was) ||
		     json_object_is_type(was, json_type_string));
}

static bool is_record(json_object *json)
{
	json_object *steps;
	size_t i, n;

	if (!json_object_object_get_ex(json, "steps", &steps) ||
	    !json_object_is_type(steps, json_type_array))
		return false;
	n = json_object_array_length(steps);
	for (i = 0; i < n; i++)
		if (!is_step(json_object_array_get_idx(steps, i)))
			return false;
	return true;
}

static bool load(struct record *record)
{
	char path[PATH_MAX];

	path_of(record, ENDING, path);
	record->json = json_object_from_file(path);
	if (is_record(record->json))
		return true;
	json_object_put(record->json);
	record->json = NULL;
	if (!access(path, F_OK))
		return fail("%s: this is not a record of \"toyvpnctl up\"", path);
	record->is_new = true;
	record->json = json_object_new_object();
	json_object_object_add(record->json, "steps", json_object_new_array());
	return true;
}

/**
 * record_open() - read a tunnel's record in order to change the tunnel
 * @record: where to
 * @ifname: the tunnel's link
 * @may_wait: wait while another process changes it, else fail
 *
 * Nobody else can, until record_close().
 *
 * Return: whether it worked, and there may be none yet; if not, the user has been told. In any case
 * the record is for record_close().
 */
bool record_open(struct record *record, const char *ifname, bool may_wait)
{
	return init(record, ifname) && make_folder(record) && take_lock(record, may_wait) &&
	       load(record);
}

/**
 * record_load() - read a tunnel's record in order to show it
 * @record: where to
 * @ifname: the tunnel's link
 *
 * Return: as record_open().
 */
bool record_load(struct record *record, const char *ifname)
{
	return init(record, ifname) && load(record);
}

/**
 * record_close() - forget a record, which stays on disk
 * @record: the record
 */
void record_close(struct record *record)
{
	json_object_put(record->json);
	record->json = NULL;
	if (record->lock >= 0)
		close(record->lock);
	record->lock = -1;
}

/**
 * record_release() - let others change the tunnel
 * @record: the record, which is what it was
 */
void record_release(struct record *record)
{
	if (record->lock >= 0)
		close(record->lock);
	record->lock = -1;
}

/**
 * record_acquire() - read a record again in order to change the tunnel, after record_release()
 * @record: the record
 *
 * Return: whether it worked; if not, the user has been told.
 */
bool record_acquire(struct record *record)
{
	json_object_put(record->json);
	record->json = NULL;
	record->is_new = false;
	return take_lock(record, true) && load(record);
}

static const struct {
	const char *ending;
	const char *does;
} roles[] = {
	[RECORD_WATCHES] = { ".watch", "keeps it connected" },
	[RECORD_SERVES] = { ".serve", "serves it" },
};

/* The process that has a lock on an open file, 0 if none has. */
static pid_t holder(int fd)
{
	struct flock place = { .l_type = F_WRLCK, .l_whence = SEEK_SET };

	return fcntl(fd, F_GETLK, &place) || place.l_type == F_UNLCK ? 0 : place.l_pid;
}

/**
 * record_take_role() - become the one process that does something for a tunnel
 * @record: the tunnel's record
 * @role: what it does
 *
 * Return: what is to be kept open meanwhile, or -1: the user has been told.
 */
int record_take_role(const struct record *record, enum record_role role)
{
	struct flock place = { .l_type = F_WRLCK, .l_whence = SEEK_SET };
	char path[PATH_MAX];
	pid_t other = 0;
	int fd;

	path_of(record, roles[role].ending, path);
	fd = open(path, O_RDWR | O_CREAT | O_CLOEXEC, 0600);
	if (fd >= 0 && !fcntl(fd, F_SETLK, &place))
		return fd;
	if (fd >= 0) {
		other = holder(fd);
		close(fd);
	}
	if (other)
		fail("%s: process %d %s already", record->ifname, (int)other, roles[role].does);
	else
		fail("%s: %s", path, strerror(errno));
	return -1;
}

/**
 * record_find_role() - look for the process that does something for a tunnel
 * @record: the tunnel's record
 * @role: what it does
 *
 * Return: the process, or 0 if there is none.
 */
pid_t record_find_role(const struct record *record, enum record_role role)
{
	char path[PATH_MAX];
	pid_t found;
	int fd;

	path_of(record, roles[role].ending, path);
	fd = open(path, O_RDWR | O_CLOEXEC);
	if (fd < 0)
		return 0;
	found = holder(fd);
	close(fd);
	return found;
}

static bool write_all(const char *path, const char *text)
{
	int fd = open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
	size_t len = strlen(text), done = 0;

	if (fd < 0)
		return false;
	while (done < len) {
		ssize_t n = write(fd, text + done, len - done);

		if (n < 0 && errno != EINTR)
			break;
		done += n < 0 ? 0 : n;
	}
	if (done < len || fsync(fd)) {
		close(fd);
		return false;
	}
	return !close(fd);
}

static bool sync_folder(const struct record *record)
{
	int fd = open(record->folder, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	bool good = fd >= 0 && !fsync(fd);

	if (fd >= 0)
		close(fd);
	return good;
}

/**
 * record_save() - write a record to disk, all of it or nothing
 * @record: the record
 *
 * Return: whether it is there; if not, the user has been told.
 */
bool record_save(struct record *record)
{
	char path[PATH_MAX], new[PATH_MAX];
	const char *text;

	path_of(record, ENDING, path);
	path_of(record, ".new", new);
	text = json_object_to_json_string_ext(record->json, JSON_C_TO_STRING_PRETTY |
					      JSON_C_TO_STRING_NOSLASHESCAPE);
	if (!text || !write_all(new, text) || rename(new, path) || !sync_folder(record))
		return fail("%s: %s", path, strerror(errno));
	record->is_new = false;
	return true;
}

/**
 * record_remove() - remove a record from disk: nothing is left to undo
 * @record: the record
 *
 * Return: whether it is gone; if not, the user has been told.
 */
bool record_remove(struct record *record)
{
	char path[PATH_MAX];

	path_of(record, ENDING, path);
	if (unlink(path) && errno != ENOENT)
		return fail("%s: %s", path, strerror(errno));
	sync_folder(record);
	record->is_new = true;
	return true;
}

/**
 * record_steps() - the steps that were done, in order
 * @record: the record
 *
 * Return: an array, the record's, of objects with "did" and, where it matters, "was".
 */
json_object *record_steps(const struct record *record)
{
	json_object *steps = NULL;

	json_object_object_get_ex(record->json, "steps", &steps);
	return steps;
}

static json_object *find(json_object *steps, json_object *did)
{
	size_t i, n = steps ? json_object_array_length(steps) : 0;
	json_object *other;

	for (i = 0; i < n; i++) {
		json_object *step = json_object_array_get_idx(steps, i);

		if (json_object_object_get_ex(step, "did", &other) &&
		    json_object_equal(other, did))
			return step;
	}
	return NULL;
}

/**
 * record_find() - look a step up
 * @record: the record
 * @did: what it did
 *
 * Return: the step, the record's, or NULL.
 */
json_object *record_find(const struct record *record, json_object *did)
{
	return find(record_steps(record), did);
}

/**
 * record_find_kind() - look a step up, of which there is one
 * @record: the record
 * @kind: its kind, the first word of what it did
 *
 * Return: what it did, the record's, or NULL.
 */
json_object *record_find_kind(const struct record *record, const char *kind)
{
	json_object *steps = record_steps(record), *did;
	size_t i, n = steps ? json_object_array_length(steps) : 0;

	for (i = 0; i < n; i++)
		if (json_object_object_get_ex(json_object_array_get_idx(steps, i), "did", &did) &&
		    !strcmp(json_object_get_string(json_object_array_get_idx(did, 0)), kind))
			return did;
	return NULL;
}

/**
 * record_is_shared() - whether another tunnel of this namespace needs the same
 * @record: the record of one
 * @did: a step
 * @was: set to what was there before it, the caller's to free, or to NULL
 *
 * Return: whether another tunnel has such a step.
 */
bool record_is_shared(const struct record *record, json_object *did, char **was)
{
	char **names;
	bool shared = false;
	size_t i, n;

	*was = NULL;
	names = record_names(&n);
	for (i = 0; i < n; i++) {
		struct record other;
		json_object *step = NULL, *text;

		if (!shared && strcmp(names[i], record->ifname) &&
		    record_load(&other, names[i])) {
			step = record_find(&other, did);
			shared = step;
			if (step && json_object_object_get_ex(step, "was", &text))
				*was = xstrndup(json_object_get_string(text), PATH_MAX);
			record_close(&other);
		}
		free(names[i]);
	}
	free(names);
	return shared;
}

/**
 * record_mark() - the mark of a tunnel's packets
 * @record: the record
 *
 * Return: the mark that "up" chose, 0 for none.
 */
uint32_t record_mark(const struct record *record)
{
	json_object *mark;

	return json_object_object_get_ex(record->json, "mark", &mark) ?
	       (uint32_t)json_object_get_int64(mark) : 0;
}

/**
 * record_lock_all() - have what tunnels of this namespace share stay as it is
 * @record: the record of one
 *
 * Return: what the caller closes to end that, or -1: the user has been told.
 */
int record_lock_all(const struct record *record)
{
	int fd = open(record->folder, O_RDONLY | O_DIRECTORY | O_CLOEXEC);

	while (fd >= 0 && flock(fd, LOCK_EX)) {
		if (errno == EINTR)
			continue;
		close(fd);
		fd = -1;
	}
	if (fd < 0)
		fail("%s: %s", record->folder, strerror(errno));
	return fd;
}

/**
 * record_mark_is_taken() - whether another tunnel of this namespace has a mark
 * @record: the record of one
 * @mark: the mark
 *
 * Return: whether one has.
 */
bool record_mark_is_taken(const struct record *record, uint32_t mark)
{
	bool taken = false;
	char **names;
	size_t i, n;

	names = record_names(&n);
	for (i = 0; i < n; i++) {
		struct record other;

		if (!taken && strcmp(names[i], record->ifname) && record_load(&other, names[i])) {
			taken = record_mark(&other) == mark;
			record_close(&other);
		}
		free(names[i]);
	}
	free(names);
	return taken;
}

/**
 * record_text() - something else that a record holds
 * @record: the record
 * @name: its name
 *
 * Return: the text, the record's, or NULL.
 */
const char *record_text(const struct record *record, const char *name)
{
	json_object *text;

	return json_object_object_get_ex(record->json, name, &text) ? json_object_get_string(text) :
								      NULL;
}

/**
 * record_set_text() - have a record hold something else, once it is saved
 * @record: the record
 * @name: its name
 * @text: the text
 */
void record_set_text(struct record *record, const char *name, const char *text)
{
	json_object_object_add(record->json, name, json_object_new_string(text));
}

/**
 * record_drop_text() - have a record hold such a text no more, once it is saved
 * @record: the record, which need not have it
 * @name: its name
 */
void record_drop_text(struct record *record, const char *name)
{
	json_object_object_del(record->json, name);
}

/**
 * record_names() - the tunnels of this namespace that have a record
 * @n: set to how many they are
 *
 * Return: their names, each the caller's to free, in an array that is the caller's to free.
 */
char **record_names(size_t *n)
{
	char folder[64], **names = NULL;
	struct dirent *entry;
	DIR *dir;

	*n = 0;
	if (!find_folder(folder, sizeof(folder)))
		return NULL;
	dir = opendir(folder);
	while (dir && (entry = readdir(dir))) {
		size_t len = strlen(entry->d_name), ending = strlen(ENDING);

		if (len <= ending || strcmp(entry->d_name + len - ending, ENDING))
			continue;
		names = xrealloc(names, *n + 1, sizeof(*names));
		names[(*n)++] = xstrndup(entry->d_name, len - ending);
	}
	if (dir)
		closedir(dir);
	return names;
}

/**
 * record_is_anywhere() - whether a tunnel of this name has a record in any namespace
 * @ifname: its name
 *
 * Return: whether one has, or nobody can tell.
 */
bool record_is_anywhere(const char *ifname)
{
	char pattern[128];
	glob_t found;
	int error;

	snprintf(pattern, sizeof(pattern), "%s/netns-*/%s%s", RECORD_FOLDER, ifname, ENDING);
	error = glob(pattern, GLOB_NOSORT, NULL, &found);
	if (!error)
		globfree(&found);
	return error != GLOB_NOMATCH;
}
