// SPDX-License-Identifier: GPL-2.0
#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "hook.h"
#include "report.h"

/* A command with each %i replaced, the caller's to free. */
static char *with_name(const char *command, const char *ifname)
{
	size_t len = strlen(ifname), size = strlen(command) + 1;
	const char *at;
	char *text, *to;

	for (at = command; (at = strstr(at, "%i")); at += 2)
		size += len;
	text = xzalloc(size);
	for (to = text; *command; command++) {
		if (command[0] == '%' && command[1] == 'i') {
			to = stpcpy(to, ifname);
			command++;
		} else {
			*to++ = *command;
		}
	}
	return text;
}

/**
 * hook_run() - run a command of the user's with sh, and wait for its end
 * @command: the command; each %i in it becomes the name of the link
 * @ifname: that name
 *
 * Return: whether its exit status is 0; if not, the user has been told.
 */
bool hook_run(const char *command, const char *ifname)
{
	char *text = with_name(command, ifname);
	int status = -1;
	sigset_t none;
	pid_t pid;

	fflush(stdout);
	pid = fork();
	if (!pid) {
		sigemptyset(&none);
		sigprocmask(SIG_SETMASK, &none, NULL);
		execl("/bin/sh", "sh", "-c", text, (char *)NULL);
		_exit(127);
	}
	while (pid > 0 && waitpid(pid, &status, 0) < 0 && errno == EINTR)
		;
	free(text);
	if (pid < 0)
		return fail("%s: %s", command, strerror(errno));
	return (WIFEXITED(status) && !WEXITSTATUS(status)) ||
	       fail("%s: this command failed: %s", ifname, command);
}
