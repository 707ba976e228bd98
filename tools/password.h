/* SPDX-License-Identifier: GPL-2.0 */
/* Passwords as people give them: on a terminal, which does not show them, or by a file. */
#ifndef PASSWORD_H
#define PASSWORD_H

#include <stdbool.h>

/* With a login and what separates them, it has to fit into 256 bytes of a handshake. */
#define PASSWORD_MAX	190
#define PASSWORD_SIZE	(PASSWORD_MAX + 1)

bool password_ask(char password[static PASSWORD_SIZE], const char *prompt);
bool password_is_asked(void);
bool password_from_file(char password[static PASSWORD_SIZE], const char *path);

#endif
