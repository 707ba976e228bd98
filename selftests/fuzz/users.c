// SPDX-License-Identifier: GPL-2.0
/*
 * The file of those who may log in. Who is added, changed and removed again leaves it as it was;
 * one that is wrong stays as it is.
 */
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "../../tools/users.h"
#include "fuzz.h"
#include "wrap.h"

static bool load(struct users *users)
{
	bool good;

	fuzz_mute(true);
	good = users_load(users, USERS_DEFAULT);
	fuzz_mute(false);
	return good;
}

static void check_list(const struct users *users)
{
	size_t i;

	for (i = 0; i < users->n; i++) {
		const struct user *user = &users->list[i];

		must(user_name_is_good(user->name) && strlen(user->hash) < sizeof(user->hash));
		must(!i || strcmp(users->list[i - 1].name, user->name) < 0);
		must(users_find(users, user->name) == user);
	}
}

/* The same but for one who is there now. */
static void check_added(const struct users *before, const struct user *added)
{
	struct users users;
	size_t i;

	must(load(&users) && users.n == before->n + 1);
	must(!strcmp(users_find(&users, added->name)->hash, added->hash));
	for (i = 0; i < before->n; i++) {
		const struct user *user = users_find(&users, before->list[i].name);

		must(user && !strcmp(user->hash, before->list[i].hash));
	}
	users_free(&users);
}

static void change(const struct users *users)
{
	struct user user = { .name = "carol", .hash = FUZZ_HASH };

	if (users_find(users, user.name)) {
		must(!__real_users_add(USERS_DEFAULT, &user));
		return;
	}
	must(!__real_users_replace(USERS_DEFAULT, &user));
	must(!__real_users_remove(USERS_DEFAULT, user.name));
	must(__real_users_add(USERS_DEFAULT, &user));
	check_added(users, &user);
	strcat(user.hash, "bb");
	must(__real_users_replace(USERS_DEFAULT, &user));
	check_added(users, &user);
	must(__real_users_remove(USERS_DEFAULT, user.name));
}

/* A line that is written again ends with a line feed. */
static void check_text(const uint8_t *data, size_t size, bool is_written)
{
	struct text text;

	fuzz_read(USERS_DEFAULT, &text);
	must(text.data);
	if (is_written && size && data[size - 1] != '\n') {
		must(text.len == size + 1 && text.data[size] == '\n');
		text.len--;
	}
	must(text.len == size && (!size || !memcmp(text.data, data, size)));
	text_free(&text);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct users users;
	bool good;

	fuzz_write(USERS_DEFAULT, data, size);
	good = load(&users);
	if (good)
		check_list(&users);
	fuzz_mute(true);
	if (good)
		change(&users);
	else
		must(!__real_users_add(USERS_DEFAULT, &(struct user){ .name = "carol" }));
	fuzz_mute(false);
	good = good && !users_find(&users, "carol");
	/* A zero byte ends a line before its end. */
	if (!good || !size || !memchr(data, 0, size))
		check_text(data, size, good);
	must(access(USERS_DEFAULT ".new", F_OK));
	users_free(&users);
	return 0;
}
