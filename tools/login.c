// SPDX-License-Identifier: GPL-2.0
#include <stdio.h>
#include <string.h>

#include <sodium.h>

#include "login.h"
#include "password.h"
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
