// SPDX-License-Identifier: GPL-2.0
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "report.h"
#include "sysctl.h"

/* Room for the longest: of a family, a link, a setting */
#define NAME_SIZE	128

static int open_at(const char *name, int flags)
{
	char path[NAME_SIZE];

	if ((size_t)snprintf(path, sizeof(path), "/proc/sys/%s", name) >= sizeof(path)) {
		errno = ENAMETOOLONG;
		return -1;
	}
	return open(path, flags | O_CLOEXEC);
}

/**
 * sysctl_read() - what a setting is now
 * @name: the setting, as a path below /proc/sys
 * @value: where to; a longer one is cut
 *
 * Return: whether it worked; if not, errno says why, and the user has not been told.
 */
bool sysctl_read(const char *name, char value[static SYSCTL_VALUE_SIZE])
{
	int fd = open_at(name, O_RDONLY), error;
	ssize_t got;

	if (fd < 0)
		return false;
	got = read(fd, value, SYSCTL_VALUE_SIZE - 1);
	error = errno;
	close(fd);
	errno = error;
	if (got < 0)
		return false;
	value[got] = '\0';
	value[strcspn(value, "\n")] = '\0';
	return true;
}

/**
 * sysctl_write() - change a setting
 * @name: the setting, as a path below /proc/sys
 * @value: what it shall be
 *
 * Return: whether it worked; if not, the user has been told.
 */
bool sysctl_write(const char *name, const char *value)
{
	int fd = open_at(name, O_WRONLY);
	bool good = fd >= 0 && write(fd, value, strlen(value)) >= 0;

	if (!good)
		fail("/proc/sys/%s: %s", name, strerror(errno));
	if (fd >= 0)
		close(fd);
	return good;
}
