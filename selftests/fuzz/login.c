// SPDX-License-Identifier: GPL-2.0
/*
 * What a stranger gives as its login and password, in memory of just its size, and the file that a
 * client's password is in: what the client gives of it, the server reads as the same.
 */
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "../../tools/login.h"
#include "../../tools/quick.h"
#include "fuzz.h"
#include "wrap.h"

/* The password of what a stranger gives, or NULL if it is no login and password. */
static const uint8_t *find_password(const uint8_t *data, size_t size)
{
	const uint8_t *zero = size ? memchr(data, 0, size) : NULL;
	size_t len;

	if (!zero || !user_name_is_good((const char *)data))
		return NULL;
	len = size - (size_t)(zero - data) - 1;
	return len && len < PASSWORD_SIZE && !memchr(zero + 1, 0, len) ? zero + 1 : NULL;
}

static void check_stranger(const uint8_t *data, size_t size)
{
	char name[USER_NAME_MAX + 1] = "none", password[PASSWORD_SIZE] = "none";
	const uint8_t *wanted = find_password(data, size);
	struct user list[] = { { .name = "" }, { .name = "none" }, { .name = "~" } };
	const struct users users = { .list = list, .n = 3 };

	must(login_read(name, password, (const char *)data, size) == !!wanted);
	if (!wanted) {
		must(!strcmp(name, "none") && !strcmp(password, "none"));
		return;
	}
	must(strlen(name) <= USER_NAME_MAX && !strcmp(name, (const char *)data));
	must(strlen(password) == size - strlen(name) - 1);
	must(!memcmp(password, wanted, strlen(password)));
	snprintf(list[1].name, sizeof(list[1].name), "%s", name);
	must(users_find(&users, name) == &list[1]);
}

/* What is on disk under a name; it is in memory. */
static const char *file_of(const uint8_t *data, size_t size)
{
	static char path[32];
	static int fd = -1;

	if (fd < 0) {
		fd = memfd_create("password", MFD_CLOEXEC);
		snprintf(path, sizeof(path), "/proc/self/fd/%d", fd);
	}
	must(!ftruncate(fd, 0) && pwrite(fd, data, size, 0) == (ssize_t)size);
	return path;
}

static void check_file(const uint8_t *data, size_t size)
{
	char name[USER_NAME_MAX + 1], password[PASSWORD_SIZE], again[PASSWORD_SIZE];
	struct quick client = { .login = "bob", .password_file = FUZZ_FILE };
	struct peer *server;
	bool good;

	fuzz_mute(true);
	good = __real_password_from_file(password, file_of(data, size));
	fuzz_mute(false);
	if (!good) {
		must(!password[0]);
		return;
	}
	must(*password && strlen(password) <= PASSWORD_MAX && !strchr(password, '\n'));
	must(!memcmp(password, data, strlen(password)));

	server = device_add_peer(&client.dev);
	fuzz_password = password;
	must(login_prepare(&client, false));
	must(server->credentials.len <= TOYVPN_CREDENTIALS_MAX);
	must(login_read(name, again, (const char *)server->credentials.bytes,
			server->credentials.len));
	must(!strcmp(name, client.login) && !strcmp(again, password));
	device_clear(&client.dev);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	check_stranger(data, size);
	check_file(data, size);
	return 0;
}
