// SPDX-License-Identifier: GPL-2.0
/* user: who may log in to this machine's servers. */
#include <stdio.h>
#include <string.h>

#include <sodium.h>

#include "commands.h"
#include "fields.h"
#include "help.h"
#include "password.h"
#include "report.h"
#include "users.h"

/* The words of the command line. */
struct request {
	const char *action;
	const char *name;
	const char *path;
	bool json;
};

static bool read_words(struct request *request, int argc, char *argv[])
{
	int i;

	*request = (struct request){ .path = USERS_DEFAULT };
	for (i = 1; i < argc; i++) {
		if (!strcmp(argv[i], "--json")) {
			request->json = true;
		} else if (!strcmp(argv[i], "--users")) {
			if (++i == argc)
				return fail("--users: what shall it be? A file has to follow");
			request->path = argv[i];
		} else if (!request->action) {
			request->action = argv[i];
		} else if (!request->name) {
			request->name = argv[i];
		} else {
			return usage("user");
		}
	}
	return true;
}

/* A new password for a user, which a person has to give twice. */
static bool ask_for(struct user *user, const char *name)
{
	char one[PASSWORD_SIZE] = "", other[PASSWORD_SIZE] = "";
	char prompt[USER_NAME_MAX + 32];
	bool good;

	snprintf(user->name, sizeof(user->name), "%s", name);
	snprintf(prompt, sizeof(prompt), "new password of %s", name);
	good = password_ask(one, prompt);
	if (good && password_is_asked()) {
		good = password_ask(other, "the same again") &&
		       (!sodium_memcmp(one, other, sizeof(one)) ||
			fail("these are not the same"));
	}
	good = good && user_hash(user->hash, one);
	sodium_memzero(one, sizeof(one));
	sodium_memzero(other, sizeof(other));
	return good;
}

static bool list(const struct request *request)
{
	json_object *names = request->json ? json_object_new_array() : NULL;
	struct users users;
	bool good;
	size_t i;

	good = users_load(&users, request->path);
	for (i = 0; good && i < users.n; i++) {
		json_object *user;

		if (!request->json) {
			puts(users.list[i].name);
			continue;
		}
		user = json_object_new_object();
		json_object_object_add(user, "name", json_object_new_string(users.list[i].name));
		json_object_array_add(names, user);
	}
	users_free(&users);
	if (good && request->json)
		return json_print(names);
	json_object_put(names);
	return good;
}

/**
 * cmd_user() - toyvpnctl user: add, remove and list those who may log in
 * @argc: number of words
 * @argv: "user", what to do, with whom
 *
 * Return: whether it worked; if not, the user has been told.
 */
bool cmd_user(int argc, char *argv[])
{
	struct request request;
	struct user user = { 0 };
	bool add, change;

	if (!read_words(&request, argc, argv))
		return false;
	if (!request.action)
		return usage("user");
	if (!strcmp(request.action, "list"))
		return request.name ? usage("user") : list(&request);
	add = !strcmp(request.action, "add");
	change = !strcmp(request.action, "passwd");
	if (!add && !change && strcmp(request.action, "del"))
		return fail("'%s' is not one of add, del, list, passwd", request.action);
	if (!request.name || request.json)
		return usage("user");
	if (!user_name_is_good(request.name))
		return fail("'%s' cannot be a user's name: letters, digits, . _ @ -, at most %d",
			    request.name, USER_NAME_MAX);
	if (!add && !change)
		return users_remove(request.path, request.name);
	/* Before a password is asked for in vain */
	if (!users_need(request.path, request.name, change) || !ask_for(&user, request.name))
		return false;
	return add ? users_add(request.path, &user) : users_replace(request.path, &user);
}
