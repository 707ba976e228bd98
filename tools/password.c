// SPDX-License-Identifier: GPL-2.0
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <termios.h>
#include <unistd.h>

#include <sodium.h>

#include "password.h"
#include "report.h"

/* What a terminal without signals sends for Ctrl-C. */
#define CTRL_C	3

/*
 * Read a line, byte by byte: nothing of what follows it is taken, and no buffer keeps it. Returns
 * NULL or what is wrong.
 */
static const char *read_line(int fd, char password[static PASSWORD_SIZE])
{
	size_t len = 0;

	for (;;) {
		ssize_t got;
		char c;

		got = read(fd, &c, 1);
		if (got < 0 && errno == EINTR)
			continue;
		if (got < 0)
			return strerror(errno);
		if (!got || c == '\n')
			break;
		if (!c)
			return "a zero byte: that is no password";
		if (len == PASSWORD_MAX)
			return "a password can have 190 bytes at most";
		password[len++] = c;
	}
	/* What an editor of another system puts there */
	if (len && password[len - 1] == '\r')
		len--;
	password[len] = '\0';
	return len ? NULL : "an empty password";
}

/* As read_line(), from a terminal that does not show it and is as before afterwards. */
static const char *read_hidden(int fd, char password[static PASSWORD_SIZE], const char *prompt)
{
	struct termios usual, hidden;
	sigset_t all, before;
	const char *why;

	if (tcgetattr(fd, &usual) < 0)
		return strerror(errno);
	hidden = usual;
	hidden.c_lflag &= ~(tcflag_t)(ECHO | ISIG);
	sigfillset(&all);
	sigprocmask(SIG_BLOCK, &all, &before);
	if (tcsetattr(fd, TCSAFLUSH, &hidden) < 0) {
		why = strerror(errno);
	} else {
		/* Not sooner: what was typed before is not taken, and would have been shown. */
		fprintf(stderr, "%s: ", prompt);
		why = read_line(fd, password);
		tcsetattr(fd, TCSAFLUSH, &usual);
		fputc('\n', stderr);
	}
	sigprocmask(SIG_SETMASK, &before, NULL);
	if (!why && strchr(password, CTRL_C))
		why = "given up";
	return why;
}

/**
 * password_is_asked() - whether password_ask() would ask a person
 *
 * Return: whether stdin is a terminal.
 */
bool password_is_asked(void)
{
	return isatty(STDIN_FILENO);
}

/**
 * password_ask() - get a password: asked for if stdin is a terminal, else a line of stdin
 * @password: where to; the caller wipes it
 * @prompt: what to ask with
 *
 * Return: whether there is one; if not, the user has been told.
 */
bool password_ask(char password[static PASSWORD_SIZE], const char *prompt)
{
	const char *why;

	if (password_is_asked()) {
		fflush(stdout);
		why = read_hidden(STDIN_FILENO, password, prompt);
	} else {
		why = read_line(STDIN_FILENO, password);
	}
	if (!why)
		return true;
	sodium_memzero(password, PASSWORD_SIZE);
	return fail("%s: %s", prompt, why);
}

/**
 * password_from_file() - get a password that the user keeps in a file
 * @password: where to; the caller wipes it
 * @path: the file, of which the first line counts
 *
 * Return: whether there is one; if not, the user has been told.
 */
bool password_from_file(char password[static PASSWORD_SIZE], const char *path)
{
	int fd = open(path, O_RDONLY | O_CLOEXEC);
	const char *why;

	if (fd < 0)
		return fail("%s: %s", path, strerror(errno));
	why = read_line(fd, password);
	close(fd);
	if (!why)
		return true;
	sodium_memzero(password, PASSWORD_SIZE);
	return fail("%s: %s", path, why);
}
