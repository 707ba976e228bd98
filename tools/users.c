// SPDX-License-Identifier: GPL-2.0
/*
 * A line "NAME:HASH" a user; lines that are empty or begin with '#' stay as they are. The file is
 * replaced as a whole, so that whoever reads it sees it before or after a change, and so does a
 * machine that lost its power meanwhile. Who changes it holds a lock on it.
 */
#include <ctype.h>
#include <errno.h>
#include <fcntl.h>
#include <libgen.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include "report.h"
#include "users.h"

/*
 * What a guess costs, as OWASP's password storage cheat sheet recommends for Argon2id: 19 MiB, gone
 * over twice. libsodium's "interactive" is three times that, and 1,000 clients that come back after
 * a power cut have to be let in within seconds as well: this is about 20 ms of a processor each.
 */
#define HASH_MEMORY	((size_t)19456 * 1024)
#define HASH_PASSES	2

/**
 * user_name_is_good() - whether a text can be a login
 * @name: the text
 *
 * Return: whether it is letters, digits and . _ @ -, not too many, and begins with one of the
 * former.
 */
bool user_name_is_good(const char *name)
{
	size_t i;

	for (i = 0; name[i]; i++)
		if (i == USER_NAME_MAX || !isascii(name[i]) ||
		    (!isalnum((unsigned char)name[i]) && (!i || !strchr("._@-", name[i]))))
			return false;
	return i;
}

/**
 * user_hash() - hash a password
 * @hash: where to
 * @password: the password
 *
 * Return: whether there was memory for it; if not, the user has been told.
 */
bool user_hash(char hash[static crypto_pwhash_STRBYTES], const char *password)
{
	return !crypto_pwhash_str_alg(hash, password, strlen(password), HASH_PASSES, HASH_MEMORY,
				      crypto_pwhash_ALG_ARGON2ID13) || fail("out of memory");
}

/**
 * user_verify() - whether a password is a user's
 * @user: the user, or NULL: then it is not, after just as much work
 * @password: the password
 *
 * Takes long by intention. May be called by several threads at once.
 *
 * Return: whether it is.
 */
bool user_verify(const struct user *user, const char *password)
{
	uint8_t key[32], salt[crypto_pwhash_SALTBYTES] = { 0 };
	bool good = false;

	if (user) {
		good = !crypto_pwhash_str_verify(user->hash, password, strlen(password));
	} else {
		/* Who asks must not learn from the time it takes which names there are. */
		(void)!crypto_pwhash(key, sizeof(key), password, strlen(password), salt,
				     HASH_PASSES, HASH_MEMORY, crypto_pwhash_ALG_ARGON2ID13);
		sodium_memzero(key, sizeof(key));
	}
	return good;
}

/**
 * user_proof() - what tells a user's hash from any other, and is of no use for anything else
 * @proof: where to
 * @user: the user
 */
void user_proof(uint8_t proof[static USER_PROOF_LEN], const struct user *user)
{
	crypto_generichash(proof, USER_PROOF_LEN, (const uint8_t *)user->hash, strlen(user->hash),
			   NULL, 0);
}

static int compare_users(const void *a, const void *b)
{
	const struct user *one = a, *other = b;

	return strcmp(one->name, other->name);
}

/* Cut @line at the colon, after the name. Returns the hash, or NULL where there is no user. */
static char *split(char *line)
{
	char *colon;

	line[strcspn(line, "\r\n")] = '\0';
	if (!*line || *line == '#')
		return NULL;
	colon = strchrnul(line, ':');
	if (*colon)
		*colon++ = '\0';
	return colon;
}

static bool read_user(struct user *user, const char *name, const char *hash,
		      const struct place *at)
{
	size_t len = strlen(hash);

	if (!user_name_is_good(name))
		return fail_at(at, "this does not begin with a user's name and a colon");
	if (len >= sizeof(user->hash) ||
	    strncmp(hash, crypto_pwhash_argon2id_STRPREFIX,
		    strlen(crypto_pwhash_argon2id_STRPREFIX)))
		return fail_at(at, "after '%s:' has to be an Argon2id hash", name);
	snprintf(user->name, sizeof(user->name), "%s", name);
	memset(user->hash, 0, sizeof(user->hash));
	memcpy(user->hash, hash, len);
	return true;
}

static bool has_no_twins(struct users *users, const char *path)
{
	size_t i;

	if (users->n)
		qsort(users->list, users->n, sizeof(*users->list), compare_users);
	for (i = 1; i < users->n; i++)
		if (!strcmp(users->list[i - 1].name, users->list[i].name))
			return fail("%s: %s is there twice", path, users->list[i].name);
	return true;
}

static bool read_users(struct users *users, FILE *file, const char *path)
{
	struct place at = { .file = path };
	char *line = NULL, *hash;
	bool good = true;
	size_t size = 0;

	while (good && getline(&line, &size, file) >= 0) {
		at.line++;
		hash = split(line);
		if (!hash)
			continue;
		users->list = xrealloc(users->list, users->n + 1, sizeof(*users->list));
		good = read_user(&users->list[users->n++], line, hash, &at);
	}
	if (good && ferror(file))
		good = fail("%s: %s", path, strerror(errno));
	free(line);
	return good && has_no_twins(users, path);
}

/**
 * users_load() - read all users
 * @users: where to; for users_free() in any case
 * @path: the file; if there is none there are no users
 *
 * Return: whether it worked; if not, the user has been told.
 */
bool users_load(struct users *users, const char *path)
{
	FILE *file = fopen(path, "re");
	bool good;

	*users = (struct users){ 0 };
	if (!file)
		return errno == ENOENT || fail("%s: %s", path, strerror(errno));
	good = read_users(users, file, path);
	fclose(file);
	return good;
}

/**
 * users_find() - look a user up
 * @users: all of them
 * @name: the name
 *
 * Return: the user, @users' own, or NULL.
 */
const struct user *users_find(const struct users *users, const char *name)
{
	struct user key = { 0 };

	if (strlen(name) > USER_NAME_MAX || !users->n)
		return NULL;
	snprintf(key.name, sizeof(key.name), "%s", name);
	return bsearch(&key, users->list, users->n, sizeof(*users->list), compare_users);
}

/**
 * users_free() - free what users_load() read
 * @users: the users
 */
void users_free(struct users *users)
{
	free(users->list);
	*users = (struct users){ 0 };
}

/*
 * Changes
 */

/* The folder of @path; the caller frees it. */
static char *folder_of(const char *path)
{
	char *copy = xstrndup(path, strlen(path)), *folder;

	folder = dirname(copy);
	folder = xstrndup(folder, strlen(folder));
	free(copy);
	return folder;
}

static int open_file(const char *path, bool create)
{
	int fd, flags = O_RDWR | O_CLOEXEC | (create ? O_CREAT : 0);
	char *folder;

	fd = open(path, flags, 0600);
	if (fd < 0 && errno == ENOENT && create) {
		folder = folder_of(path);
		mkdir(folder, 0700);
		free(folder);
		fd = open(path, flags, 0600);
	}
	return fd;
}

/* Open the file and lock it. Whoever had the lock before may have replaced the file. */
static int open_locked(const char *path, bool create)
{
	for (;;) {
		int fd = open_file(path, create);
		struct stat mine, now;

		if (fd < 0)
			return -1;
		if (flock(fd, LOCK_EX) < 0 || fstat(fd, &mine) < 0) {
			close(fd);
			return -1;
		}
		if (!stat(path, &now) && now.st_ino == mine.st_ino && now.st_dev == mine.st_dev)
			return fd;
		close(fd);
	}
}

/* Copy all lines but the one of @name, whose place @user takes. */
static bool copy_lines(FILE *from, FILE *to, const char *name, const struct user *user)
{
	char *line = NULL, *copy;
	size_t size = 0;

	while (getline(&line, &size, from) >= 0) {
		copy = xstrndup(line, strlen(line));
		if (!split(copy) || strcmp(copy, name)) {
			line[strcspn(line, "\n")] = '\0';
			fprintf(to, "%s\n", line);
		} else if (user) {
			fprintf(to, "%s:%s\n", user->name, user->hash);
			user = NULL;
		}
		free(copy);
	}
	free(line);
	if (user)
		fprintf(to, "%s:%s\n", user->name, user->hash);
	return !ferror(from) && !fflush(to) && !ferror(to) && !fsync(fileno(to));
}

/* On disk, @path is to be what @new is now. */
static bool settle(const char *new, const char *path)
{
	char *folder = folder_of(path);
	int fd;

	fd = rename(new, path) ? -1 : open(folder, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	free(folder);
	if (fd < 0)
		return false;
	fsync(fd);
	close(fd);
	return true;
}

/* @from: the file as it is, locked */
static bool rewrite(const char *path, FILE *from, const char *name, const struct user *user)
{
	char new[PATH_MAX];
	struct stat st;
	bool good;
	FILE *to;
	int fd;

	if (snprintf(new, sizeof(new), "%s.new", path) >= (int)sizeof(new))
		return fail("%s: %s", path, strerror(ENAMETOOLONG));
	fd = open(new, O_WRONLY | O_CREAT | O_TRUNC | O_NOFOLLOW | O_CLOEXEC, 0600);
	to = fd < 0 ? NULL : fdopen(fd, "w");
	if (!to) {
		fail("%s: %s", new, strerror(errno));
		if (fd >= 0)
			close(fd);
		return false;
	}
	/* It stays whose it was. Who may read it besides is the administrator's choice. */
	good = !fstat(fileno(from), &st) && !fchown(fd, st.st_uid, st.st_gid) &&
	       !fchmod(fd, st.st_mode & 0777) && copy_lines(from, to, name, user);
	if (fclose(to))
		good = false;
	if (good && settle(new, path))
		return true;
	fail("%s: %s", path, strerror(errno));
	unlink(new);
	return false;
}

/**
 * users_need() - see to it that there is a user, or that there is none
 * @path: the file
 * @name: the user's name
 * @wanted: whether there has to be one
 *
 * Return: whether it is so; if not, the user has been told.
 */
bool users_need(const char *path, const char *name, bool wanted)
{
	struct users users;
	bool good, known;

	good = users_load(&users, path);
	known = users_find(&users, name);
	users_free(&users);
	if (good && known && !wanted)
		return fail("%s: there is a user %s already: change it with user passwd", path,
			    name);
	if (good && !known && wanted)
		return fail("%s: there is no user %s", path, name);
	return good;
}

/* Put @user in the place of @name's line. Without @known, there must be none yet. */
static bool change_file(const char *path, const char *name, const struct user *user, bool known)
{
	FILE *file = NULL;
	bool good;
	int fd;

	fd = open_locked(path, !known);
	if (fd >= 0)
		file = fdopen(fd, "r+");
	if (!file) {
		fail("%s: %s", path, strerror(errno));
		if (fd >= 0)
			close(fd);
		return false;
	}
	good = users_need(path, name, known) && rewrite(path, file, name, user);
	fclose(file);
	return good;
}

/**
 * users_add() - add a user
 * @path: the file, which is made if it is not there
 * @user: the user
 *
 * Return: whether it worked; if not, the user has been told and nothing is changed.
 */
bool users_add(const char *path, const struct user *user)
{
	return change_file(path, user->name, user, false);
}

/**
 * users_replace() - give a user another password
 * @path: the file
 * @user: the user with the new hash
 *
 * Return: whether it worked; if not, the user has been told and nothing is changed.
 */
bool users_replace(const char *path, const struct user *user)
{
	return change_file(path, user->name, user, true);
}

/**
 * users_remove() - remove a user
 * @path: the file
 * @name: the user's name
 *
 * Return: whether it worked; if not, the user has been told and nothing is changed.
 */
bool users_remove(const char *path, const char *name)
{
	return change_file(path, name, NULL, true);
}
