// SPDX-License-Identifier: GPL-2.0
#include <stdio.h>
#include <string.h>

#include <sodium.h>

#include "login.h"
#include "quick.h"
#include "report.h"

/* The login, a zero byte, the password. */
static void give(struct peer *server, const char *login, const char *password)
{
	char text[TOYVPN_CREDENTIALS_MAX + 1];
	int len;

	/* The most that both can have fits. */
	len = snprintf(text, sizeof(text), "%s%c%s", login, '\0', password);
	blob_set(&server->credentials, text, (size_t)len);
	sodium_memzero(text, sizeof(text));
	server->has |= PEER_CREDENTIALS;
}

/**
 * login_read() - cut up what a stranger gives: its login and password
 * @name: set to the login, which can be a user's; need not be one's
 * @password: set to the password; the caller wipes it
 * @bytes: what the stranger gives
 * @len: how many bytes
 *
 * Return: whether it gives both; if not, nothing is set.
 */
bool login_read(char name[static USER_NAME_MAX + 1], char password[static PASSWORD_SIZE],
		const char *bytes, size_t len)
{
	size_t name_len = strnlen(bytes, len);

	if (name_len == len || !user_name_is_good(bytes))
		return false;
	len -= name_len + 1;
	bytes += name_len + 1;
	if (!len || len > PASSWORD_MAX || memchr(bytes, 0, len))
		return false;
	/* Not longer than it can be */
	memcpy(name, bytes - name_len - 1, name_len + 1);
	memcpy(password, bytes, len);
	password[len] = '\0';
	return true;
}

/**
 * login_prepare() - have a client's server be given its login and password
 * @quick: the client, whose file may have no Login
 * @may_ask: ask the user for a password that is in no file; else the server keeps what it has
 *
 * Return: whether it worked; if not, the user has been told.
 */
bool login_prepare(struct quick *quick, bool may_ask)
{
	char password[PASSWORD_SIZE], prompt[256];
	bool good;

	if (!quick->login || (!quick->password_file && !may_ask))
		return true;
	snprintf(prompt, sizeof(prompt), "password of %s at %s", quick->login,
		 quick->dev.peers[0]->host);
	good = quick->password_file ? password_from_file(password, quick->password_file) :
				      password_ask(password, prompt);
	if (good)
		give(quick->dev.peers[0], quick->login, password);
	sodium_memzero(password, sizeof(password));
	return good;
}
